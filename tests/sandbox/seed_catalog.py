"""What Lanternfish (an invented uptime monitor) sells: products, prices in four currencies, coupons."""

from dataclasses import dataclass, field
from typing import Any, Protocol

# Monthly prices in minor units: usd, eur, jpy, kwd. A year costs ten months.
CURRENCIES = ("usd", "eur", "jpy", "kwd")
PLANS: dict[str, tuple[str, tuple[int, int, int, int]]] = {
    "starter": ("Lanternfish Starter", (1900, 1800, 2800, 5900)),
    "team": ("Lanternfish Team", (4900, 4500, 7200, 15000)),
    "business": ("Lanternfish Business", (19900, 18900, 29800, 61500)),
    "statuspage": ("Status page add-on", (900, 900, 1300, 2750)),
}
DESCRIPTIONS = {
    "starter": "Checks from 3 places, 10 monitors",
    "team": "Checks from 12 places, 100 monitors, on-call rota",
    "business": "Checks from 30 places, unlimited monitors, audit log, phone support",
    "statuspage": "A public status page under your own domain",
}
MONTHS_A_YEAR_COSTS = 10


class Caller(Protocol):
    """Whatever can call the API and insists on success."""

    def call(self, method: str, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call."""


@dataclass
class Catalog:
    """Ids by what they are for: prices by (plan, interval, currency)."""

    prices: dict[tuple[str, str, str], str] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)

    def price(self, plan: str, interval: str, currency: str) -> str:
        """The price of a plan."""
        return self.prices[plan, interval, currency]


def build(api: Caller) -> Catalog:
    """Create everything that was on sale at the start."""
    catalog = Catalog()
    for plan, (name, amounts) in PLANS.items():
        described = {"name": name, "description": DESCRIPTIONS[plan], "metadata": {"plan": plan}}
        catalog.products[plan] = api.call("POST", "/v1/products", described)["id"]
        for currency, amount in zip(CURRENCIES, amounts, strict=True):
            _price(api, catalog, plan, "month", currency, amount)
            _price(api, catalog, plan, "year", currency, amount * MONTHS_A_YEAR_COSTS)
    _bygone(api, catalog)
    _workshop(api, catalog)
    _coupons(api)
    return catalog


def _price(api: Caller, catalog: Catalog, plan: str, interval: str, currency: str, amount: int) -> None:
    params = {
        "product": catalog.products[plan],
        "currency": currency,
        "unit_amount": amount,
        "recurring": {"interval": interval},
        "nickname": f"{plan.capitalize()} {interval}ly ({currency.upper()})",
        "lookup_key": f"{plan}_{interval}ly_{currency}",
    }
    catalog.prices[plan, interval, currency] = api.call("POST", "/v1/prices", params)["id"]


def _bygone(api: Caller, catalog: Catalog) -> None:
    """What is archived later: a product, and an old price that early customers keep."""
    product = {
        "name": "On-call Classic",
        "description": "Replaced by Lanternfish Team",
        "metadata": {"plan": "classic"},
    }
    catalog.products["classic"] = api.call("POST", "/v1/products", product)["id"]
    for currency, amount in (("usd", 2900), ("eur", 2700)):
        _price(api, catalog, "classic", "month", currency, amount)
    early = {
        "product": catalog.products["team"],
        "currency": "usd",
        "unit_amount": 3900,
        "recurring": {"interval": "month"},
        "nickname": "Team monthly (USD, early bird)",
    }
    catalog.prices["early", "month", "usd"] = api.call("POST", "/v1/prices", early)["id"]


def _workshop(api: Caller, catalog: Catalog) -> None:
    product = {"name": "Onboarding workshop", "description": "Half a day, remote"}
    catalog.products["workshop"] = api.call("POST", "/v1/products", product)["id"]
    price = {"product": catalog.products["workshop"], "currency": "usd", "unit_amount": 50000}
    api.call("POST", "/v1/prices", price | {"nickname": "Onboarding workshop (USD)"})


def _coupons(api: Caller) -> None:
    welcome = {
        "id": "WELCOME20",
        "name": "Welcome",
        "percent_off": 20,
        "duration": "repeating",
        "duration_in_months": 3,
    }
    api.call("POST", "/v1/coupons", welcome)
    nonprofit = {"id": "NONPROFIT", "name": "Non-profit organisations", "percent_off": 50, "duration": "forever"}
    api.call("POST", "/v1/coupons", nonprofit)
    outage = {
        "id": "SORRY50",
        "name": "Sorry for the outage",
        "amount_off": 5000,
        "currency": "usd",
        "duration": "once",
    }
    api.call("POST", "/v1/coupons", outage)
    summer = {"id": "SUMMER25", "name": "Summer sale", "percent_off": 25, "duration": "once"}
    api.call("POST", "/v1/coupons", summer)


def launch_coupon(api: Caller, *, redeem_by: int) -> None:
    """A coupon that is expired by now."""
    params = {"id": "LAUNCH10", "name": "Launch week", "percent_off": 10, "duration": "once", "redeem_by": redeem_by}
    api.call("POST", "/v1/coupons", params)


def archive(api: Caller, catalog: Catalog) -> None:
    """End what is no longer sold; running subscriptions keep it."""
    api.call("POST", f"/v1/products/{catalog.products['classic']}", {"active": False})
    api.call("POST", f"/v1/prices/{catalog.prices['classic', 'month', 'eur']}", {"active": False})
    api.call("POST", f"/v1/prices/{catalog.prices['early', 'month', 'usd']}", {"active": False})
    api.call("DELETE", "/v1/coupons/SUMMER25")
