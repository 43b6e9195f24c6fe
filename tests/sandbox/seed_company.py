"""The hands of the seed: one customer of the company and what can happen to it, all of it through the API."""

import datetime as dt
from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.names import Identity
from tests.sandbox.seed_catalog import Catalog

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
GOOD_CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_mastercard", "pm_card_amex")
# Attaches, then declines whatever is charged to it.
FAILING_CARD = "pm_card_chargeCustomerFail"
OWNERS = ("Ada Okafor", "Tomás Lind", "Yuki Mori", "Lena Vogel")
SOURCES = ("website", "referral", "conference", "partner")


class SeedError(Exception):
    """The sandbox refused something that the seed takes for right."""


class Api:
    """Calls in process, none of which may fail."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.sandbox = sandbox

    def call(self, method: str, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call that must succeed."""
        reply = self.sandbox.request(method, path, params)
        if reply.status != 200:
            raise SeedError(f"{method} {path} {params} was refused: {reply.status} {reply.body}")
        return reply.body

    def declined(self, method: str, path: str, params: dict[str, Any] | None = None) -> None:
        """One call that must end in a declined card."""
        reply = self.sandbox.request(method, path, params)
        if reply.status != 402:
            raise SeedError(f"{method} {path} {params} should have been declined: {reply.status} {reply.body}")


class Customer:
    """One customer. `number` is its place in the seed, `random` its own source of chance."""

    def __init__(self, api: Api, catalog: Catalog, identity: Identity, *, number: int, random: Random) -> None:
        self.api, self.catalog, self.identity, self.number, self.random = api, catalog, identity, number, random
        self.currency = identity.country.currency
        self.id = ""

    # Time

    def after(self, days: float) -> int:
        """A time so many days from now, in working hours more often than not."""
        return int(self.api.sandbox.clock.now() + days * DAY + self.random.randint(-4 * HOUR, 4 * HOUR))

    # Contact

    def create(self, **extra: Any) -> None:
        """Sign up."""
        identity = self.identity
        params: dict[str, Any] = {
            "name": identity.name,
            "email": identity.email,
            "phone": identity.phone,
            "address": identity.address,
            "preferred_locales": [identity.country.locale],
            "metadata": self._metadata(),
        }
        if self.random.random() < 0.3:
            params["description"] = self.random.choice(("Prefers email", "Pays by purchase order", "Met at a fair"))
        if self.random.random() < 0.15:
            params["shipping"] = {"name": identity.name, "phone": identity.phone, "address": identity.address}
        self.id = self.api.call("POST", "/v1/customers", params | extra)["id"]

    def _metadata(self) -> dict[str, str]:
        metadata = {"crm_id": f"CRM-{self.number + 1:05d}", "plan_owner": self.random.choice(OWNERS)}
        if self.random.random() < 0.5:
            metadata["source"] = self.random.choice(SOURCES)
        return metadata

    def edit(self, **params: Any) -> None:
        """Change contact data."""
        self.api.call("POST", f"/v1/customers/{self.id}", params)

    # Money

    def attach(self, token: str | None = None) -> str:
        """Attach a card and make it the default."""
        path = f"/v1/payment_methods/{token or self.random.choice(GOOD_CARDS)}/attach"
        method: str = self.api.call("POST", path, {"customer": self.id})["id"]
        self.edit(invoice_settings={"default_payment_method": method})
        return method

    def price(self, plan: str, interval: str = "month") -> str:
        """The price of a plan in the customer's currency."""
        return self.catalog.price(plan, interval, self.currency)

    def subscribe(self, *plans: str, interval: str = "month", quantity: int = 1, **params: Any) -> dict[str, Any]:
        """Subscribe to the plans; the quantity goes to the first."""
        items: list[dict[str, Any]] = [{"price": self.price(plan, interval)} for plan in plans]
        items[0]["quantity"] = quantity
        return self.api.call("POST", "/v1/subscriptions", {"customer": self.id, "items": items, **params})

    def update(self, subscription: dict[str, Any], **params: Any) -> dict[str, Any]:
        """Change a subscription."""
        return self.api.call("POST", f"/v1/subscriptions/{subscription['id']}", params)

    def change_item(self, subscription: dict[str, Any], **params: Any) -> dict[str, Any]:
        """Change the first item's price or quantity."""
        item = subscription["items"]["data"][0]["id"]
        return self.update(subscription, items=[{"id": item, **params}])

    def cancel(self, subscription: dict[str, Any], feedback: str = "unused") -> None:
        """Cancel at once."""
        details = {"cancellation_details": {"feedback": feedback}}
        self.api.call("DELETE", f"/v1/subscriptions/{subscription['id']}", details)

    def invoices(self, **filters: Any) -> list[dict[str, Any]]:
        """The customer's invoices, newest first."""
        found: list[dict[str, Any]] = self.api.call(
            "GET", "/v1/invoices", {"customer": self.id, "limit": 100, **filters}
        )["data"]
        return found

    def bill(self, description: str, amount: int, *, finalize: bool = True) -> dict[str, Any]:
        """An invoice by hand, sent to be paid within two weeks, or left as a draft."""
        params = {"customer": self.id, "collection_method": "send_invoice", "days_until_due": 14}
        draft = self.api.call("POST", "/v1/invoices", params | {"currency": self.currency, "description": description})
        item = {"customer": self.id, "invoice": draft["id"], "currency": self.currency}
        self.api.call("POST", "/v1/invoiceitems", item | {"amount": amount, "description": description})
        if not finalize:
            return draft
        return self.api.call("POST", f"/v1/invoices/{draft['id']}/finalize")

    def charges(self) -> list[dict[str, Any]]:
        """The customer's successful payments, newest first."""
        found = self.api.call("GET", "/v1/charges", {"customer": self.id, "limit": 100})["data"]
        return [charge for charge in found if charge["status"] == "succeeded"]

    def refund(self, charge: dict[str, Any], amount: int | None = None, reason: str = "requested_by_customer") -> None:
        """Give back a payment, all of it or a part."""
        params: dict[str, Any] = {"charge": charge["id"], "reason": reason}
        self.api.call("POST", "/v1/refunds", params | ({"amount": amount} if amount else {}))


def months_before(moment: int, months: int, *, days: float = 0) -> int:
    """So many days and months earlier: monthly renewals from there on fall `days` before `moment`."""
    if not months:
        return int(moment - days * DAY)
    day = dt.datetime.fromtimestamp(moment - days * DAY, tz=dt.UTC)
    index = day.year * 12 + day.month - 1 - months
    return int(day.replace(year=index // 12, month=index % 12 + 1, day=min(day.day, 28)).timestamp())


def part_of(amount: int, percent: int) -> int:
    """A share of an amount, rounded so that three-decimal currencies keep their last digit 0."""
    return max(10, amount * percent // 100 // 10 * 10)
