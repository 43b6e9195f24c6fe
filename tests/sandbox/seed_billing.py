"""What the accountants and the marketing of Lanternfish made: tax rates and tax ids, promotion codes, credits."""

from dataclasses import dataclass

from tests.sandbox.billing.discounts import give_to_customer
from tests.sandbox.seed_catalog import Caller
from tests.sandbox.seed_company import DAY, Customer
from tests.sandbox.seed_lives import WORKSHOP, Steps, plan, sign_up

VAT_NUMBERS = {"DE": "DE1234567{:02d}", "FR": "FRAB1234567{:02d}", "IE": "IE12345{:02d}FA"}
# Minor units of some ten dollars.
GOODWILL = {"usd": 1000, "eur": 900, "jpy": 1400, "kwd": 3000}
# Display name, percentage, inclusive, country, jurisdiction, type
TAX_RATES = (
    ("VAT", 19, False, "DE", "Germany", "vat"),
    ("VAT", 16, False, "DE", "Germany, second half of 2020", "vat"),
    ("TVA", 20, False, "FR", "France", "vat"),
    ("VAT", 23, True, "IE", "Ireland", "vat"),
    ("消費税", 10, True, "JP", "Japan", "jct"),
    ("Sales Tax", 8.25, False, "US", "Austin, Texas", "sales_tax"),
)


@dataclass(frozen=True)
class Code:
    """A promotion code, by the coupon behind it."""

    code: str
    coupon: str
    channel: str
    max_redemptions: int | None = None
    first_time: bool = False


CODES = (
    Code("LANTERN20", "WELCOME20", "newsletter", first_time=True),
    Code("PODCAST", "WELCOME20", "podcast", max_redemptions=50),
    Code("GOODCAUSE", "NONPROFIT", "website"),
    Code("FAIR2024", "SUMMER25", "trade fair"),
)


def build(api: Caller) -> None:
    """The tax rates and the promotion codes, at the start of history."""
    for name, percentage, inclusive, country, jurisdiction, kind in TAX_RATES:
        described = {"display_name": name, "percentage": percentage, "inclusive": inclusive, "country": country}
        rate = api.call("POST", "/v1/tax_rates", described | {"jurisdiction": jurisdiction, "tax_type": kind})
        if percentage == 16:
            api.call("POST", f"/v1/tax_rates/{rate['id']}", {"active": False})
    for code in CODES:
        params = {"promotion": {"type": "coupon", "coupon": code.coupon}, "code": code.code}
        limits = {"max_redemptions": code.max_redemptions} if code.max_redemptions else {}
        restrictions = {"restrictions": {"first_time_transaction": True}} if code.first_time else {}
        api.call("POST", "/v1/promotion_codes", params | limits | restrictions | {"metadata": {"via": code.channel}})


def lately(api: Caller) -> None:
    """A rate and codes of the last weeks, one of them switched off again."""
    described = {"display_name": "GST", "percentage": 9, "inclusive": False, "country": "SG", "tax_type": "gst"}
    rate = api.call("POST", "/v1/tax_rates", described | {"jurisdiction": "Singapore"})
    api.call("POST", f"/v1/tax_rates/{rate['id']}", {"description": "From our registration on"})
    params = {"promotion": {"type": "coupon", "coupon": "NONPROFIT"}, "code": "LIBRARIES"}
    code = api.call("POST", "/v1/promotion_codes", params)
    api.call("POST", f"/v1/promotion_codes/{code['id']}", {"active": False})


# Lives


def tax_payer(customer: Customer, end: int) -> Steps:
    """A company that wants its VAT number on the invoices; it came by a promotion code."""
    yield from sign_up(customer)
    number = VAT_NUMBERS.get(customer.identity.country.code)
    value = number.format(customer.number % 100) if number else f"12-34567{customer.number % 100:02d}"
    path = f"/v1/customers/{customer.id}/tax_ids"
    customer.api.call("POST", path, {"type": "eu_vat" if number else "us_ein", "value": value})
    code = customer.api.call("GET", "/v1/promotion_codes", {"code": "lantern20"})["data"][0]["id"]
    customer.subscribe(plan(customer), discounts=[{"promotion_code": code}])


def mistyped_number(customer: Customer, end: int) -> Steps:
    """The authority does not know the VAT number; staff took it away and entered another one that is being checked."""
    yield from sign_up(customer)
    path = f"/v1/customers/{customer.id}/tax_ids"
    wrong = customer.api.call("POST", path, {"type": "gb_vat", "value": "111111111"})
    customer.subscribe(plan(customer))
    yield end - 2 * DAY
    customer.api.call("DELETE", f"{path}/{wrong['id']}")
    customer.api.call("POST", path, {"type": "gb_vat", "value": "222222222"})


def credited(customer: Customer, end: int) -> Steps:
    """Got credit for an outage, which the next invoice uses."""
    yield from sign_up(customer)
    customer.subscribe("team")
    yield customer.after(12)
    given = {"amount": -GOODWILL[customer.currency], "currency": customer.currency, "description": "Outage of the week"}
    customer.api.call("POST", f"/v1/customers/{customer.id}/balance_transactions", given)


def owing(customer: Customer, end: int) -> Steps:
    """Was given too much credit lately; staff took a part of it back."""
    yield from sign_up(customer)
    customer.subscribe("business")
    path, whole = f"/v1/customers/{customer.id}/balance_transactions", 3 * GOODWILL[customer.currency]
    yield end - 2 * DAY
    noted = {"currency": customer.currency, "metadata": {"ticket": f"SUP-{4000 + customer.number}"}}
    customer.api.call("POST", path, noted | {"amount": -whole, "description": "Credit as agreed"})
    yield end - DAY
    given = {"amount": whole // 3, "description": "Booked too much"}
    customer.api.call("POST", path, noted | given)


def credit_noted(customer: Customer, end: int) -> Steps:
    """Paid too much: a part of an invoice was credited, half as a refund, half on the balance."""
    yield from sign_up(customer)
    customer.subscribe("team", quantity=3)
    yield end - customer.random.randint(2, 20) * DAY
    invoice = customer.invoices(status="paid")[0]
    half = GOODWILL[customer.currency]
    split = {"amount": 2 * half, "refund_amount": half, "credit_amount": half}
    note = {"invoice": invoice["id"], "reason": "product_unsatisfactory", "memo": "Two days without alerts"}
    customer.api.call("POST", "/v1/credit_notes", note | split)


def bill_reduced(customer: Customer, end: int) -> Steps:
    """An open bill for a workshop was reduced; a first credit note was wrong and is void."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer))
    yield end - 5 * DAY
    invoice = customer.bill("Onboarding workshop", WORKSHOP[customer.currency])
    note = {"invoice": invoice["id"], "reason": "order_change", "amount": WORKSHOP[customer.currency] // 2}
    wrong = customer.api.call("POST", "/v1/credit_notes", note | {"memo": "Half of the day was cancelled"})
    yield end - 4 * DAY
    customer.api.call("POST", f"/v1/credit_notes/{wrong['id']}/void")
    line = {"type": "invoice_line_item", "invoice_line_item": invoice["lines"]["data"][0]["id"]}
    described = line | {"amount": WORKSHOP[customer.currency] // 5}
    right = {"invoice": invoice["id"], "reason": "order_change", "lines": [described]}
    customer.api.call("POST", "/v1/credit_notes", right | {"memo": "An hour was cancelled"})


def planned_growth(customer: Customer, end: int) -> Steps:
    """Agreed on more seats from the next period on: a schedule changes the subscription by itself."""
    yield from sign_up(customer)
    subscription = customer.subscribe("team", quantity=4)
    yield end - customer.random.randint(2, 9) * DAY
    api, path = customer.api, "/v1/subscription_schedules"
    schedule = api.call("POST", path, {"from_subscription": subscription["id"]})
    items = {"items": [{"price": customer.price("team"), "quantity": 4}], "end_date": schedule["phases"][0]["end_date"]}
    grown = {"items": [{"price": customer.price("team"), "quantity": 9}], "duration": {"interval": "year"}}
    noted = {"phases": [items, grown], "metadata": {"contract": f"C-{customer.number:04d}"}}
    api.call("POST", f"{path}/{schedule['id']}", noted)


def fixed_term(customer: Customer, end: int) -> Steps:
    """Booked for so many months and no longer: over by now, or about to be."""
    yield from sign_up(customer)
    term = {"items": [{"price": customer.price("business")}], "duration": {"interval": "month", "interval_count": 6}}
    params = {"customer": customer.id, "end_behavior": "cancel", "phases": [term]}
    customer.api.call("POST", "/v1/subscription_schedules", params)


def starts_later(customer: Customer, end: int) -> Steps:
    """Signed for the first of some later month."""
    yield from sign_up(customer)
    term = {"items": [{"price": customer.price("starter"), "quantity": 2}], "duration": {"interval": "year"}}
    start = end + customer.random.randint(5, 40) * DAY
    params = {"customer": customer.id, "start_date": start, "phases": [term]}
    customer.api.call("POST", "/v1/subscription_schedules", params)


def plan_dropped(customer: Customer, end: int, *, verb: str) -> Steps:
    """The plan for later was given up: `release` keeps the subscription, `cancel` ends it too."""
    yield from planned_growth(customer, end)
    yield end - DAY
    (schedule,) = customer.api.call("GET", "/v1/subscription_schedules", {"customer": customer.id})["data"]
    customer.api.call("POST", f"/v1/subscription_schedules/{schedule['id']}/{verb}")


def loyal(customer: Customer, end: int) -> Steps:
    """Has had a coupon of its own since before discounts moved to subscriptions, lately another one."""
    yield from sign_up(customer)
    customer.subscribe("starter")
    yield customer.after(20)
    with customer.api.sandbox.lock:
        give_to_customer(customer.api.sandbox, customer.id, "WELCOME20")
    yield end - 6 * DAY
    with customer.api.sandbox.lock:
        give_to_customer(customer.api.sandbox, customer.id, "NONPROFIT")


def itemised(customer: Customer, end: int) -> Steps:
    """Gets a bill with a line for each day of training: more than Stripe shows at once."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer))
    yield end - 8 * DAY
    sent = {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 30}
    draft = customer.api.call("POST", "/v1/invoices", sent | {"currency": customer.currency, "description": "Training"})
    item = {"customer": customer.id, "invoice": draft["id"], "currency": customer.currency}
    for day in range(1, 15):
        described = {"amount": WORKSHOP[customer.currency] // 5, "description": f"Training, day {day} of 14"}
        customer.api.call("POST", "/v1/invoiceitems", item | described)
    customer.api.call("POST", f"/v1/invoices/{draft['id']}/finalize")
