"""Whatever is asked of the sandbox in whatever order, each change is told by an event, and the money adds up.

What Stripe changes without a word is named here: the invoice that takes up an invoice item.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.sandbox.expand import render
from tests.sandbox.server import Sandbox
from tests.sandbox.test_events import known, undone

DAY = 86400
STEPS = 450
SILENT = {("invoiceitem", "invoice")}


class Account:
    """An account in which random things happen; refusals are part of it, failures of the sandbox are not."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.sandbox = Sandbox(seed=seed)
        self.sandbox.clock.set(1_780_000_000)
        self.statuses: Counter[int] = Counter()
        self.seen = (0, 0, "")
        self.prices = [self._price(amount, interval) for amount in (500, 5000) for interval in ("week", "month")]
        for coupon, terms in COUPONS.items():
            self.call("POST", "/v1/coupons", id=coupon, **terms)
            self.call("POST", "/v1/promotion_codes", promotion={"type": "coupon", "coupon": coupon})

    def _price(self, amount: int, interval: str) -> str:
        price = {"currency": "usd", "unit_amount": amount, "recurring": {"interval": interval}}
        return str(self.call("POST", "/v1/products", name="Gold", default_price_data=price)["default_price"])

    def call(self, method: str, path: str, **params: Any) -> dict[str, Any]:
        reply = self.sandbox.request(method, path, params)
        self.statuses[reply.status] += 1
        assert reply.status < 500, (method, path, params, reply.body)
        return reply.body

    def news(self) -> list[dict[str, Any]]:
        """The events since the last look, oldest first."""
        events = self.sandbox.table("event")
        places = events.order[bisect_right(events.order, self.seen) :]
        self.seen = places[-1] if places else self.seen
        return [events.rows[place[2]] for place in places]

    def any(self, kind: str) -> str:
        return self.random.choice([*self.sandbox.table(kind).rows, "none"][-40:])

    def discounts(self) -> list[dict[str, str]]:
        ways = ([], [{"coupon": self.random.choice(list(COUPONS))}], [{"promotion_code": self.any("promotion_code")}])
        return self.random.choice(ways)

    def phases(self) -> list[dict[str, Any]]:
        lengths = [{"interval": self.random.choice(("week", "month"))} for _ in range(self.random.randint(1, 3))]
        return [{"items": [{"price": self.random.choice(self.prices)}], "duration": length} for length in lengths]


COUPONS: dict[str, dict[str, Any]] = {
    "FIFTH": {"percent_off": 20, "duration": "forever"},
    "THREE": {"amount_off": 300, "currency": "usd", "duration": "once"},
    "HALF": {"percent_off": 50, "duration": "repeating", "duration_in_months": 1},
}


def new_customer(account: Account) -> None:
    card = account.random.choice(("pm_card_visa", "pm_card_visa", "pm_card_chargeCustomerFail"))
    default = {"default_payment_method": card}
    account.call("POST", "/v1/customers", payment_method=card, invoice_settings=default)


def subscribe(account: Account) -> None:
    items = [{"price": account.random.choice(account.prices)}]
    params = {"customer": account.any("customer"), "items": items, "discounts": account.discounts()}
    account.call("POST", "/v1/subscriptions", **params)


def change_discounts(account: Account) -> None:
    path = f"/v1/subscriptions/{account.any('subscription')}"
    if account.random.random() < 0.3:
        account.call("DELETE", f"{path}/discount")
    else:
        account.call("POST", path, discounts=account.discounts() or "")


def end_subscription(account: Account) -> None:
    account.call("DELETE", f"/v1/subscriptions/{account.any('subscription')}", prorate=True, invoice_now=True)


def change_balance(account: Account) -> None:
    path, amount = f"/v1/customers/{account.any('customer')}", account.random.randint(-3000, 1500)
    if account.random.random() < 0.3:
        account.call("POST", path, balance=amount)
    else:
        account.call("POST", f"{path}/balance_transactions", amount=amount, currency="usd")


def bill(account: Account) -> None:
    customer = account.any("customer")
    for amount in account.random.sample((20, 900, 4000, -300), 2):
        account.call("POST", "/v1/invoiceitems", customer=customer, amount=amount, currency="usd")
    params = {"pending_invoice_items_behavior": "include", "discounts": account.discounts()}
    draft = account.call("POST", "/v1/invoices", customer=customer, **params)
    account.call("POST", f"/v1/invoices/{draft.get('id')}/finalize")


def settle(account: Account) -> None:
    verb = account.random.choice(("pay", "void", "mark_uncollectible"))
    account.call("POST", f"/v1/invoices/{account.any('invoice')}/{verb}")


def credit(account: Account) -> None:
    invoice = account.sandbox.table("invoice").rows.get(account.any("invoice"))
    if invoice is None or invoice["total"] <= 0:
        return
    amount = account.random.choice((account.random.randint(1, invoice["total"]), invoice["total"]))
    way = account.random.choice(("refund_amount", "credit_amount", "out_of_band_amount"))
    after = {way: amount - invoice["amount_remaining"]} if amount > invoice["amount_remaining"] else {}
    account.call("POST", "/v1/credit_notes", invoice=invoice["id"], amount=amount, **after)


def void_credit(account: Account) -> None:
    account.call("POST", f"/v1/credit_notes/{account.any('credit_note')}/void")


def plan(account: Account) -> None:
    path, end = "/v1/subscription_schedules", account.random.choice(("release", "cancel"))
    start = account.sandbox.now() + account.random.choice((0, 5 * DAY))
    if account.random.random() < 0.5:
        account.call("POST", path, from_subscription=account.any("subscription"))
    else:
        params = {"phases": account.phases(), "end_behavior": end, "start_date": start}
        account.call("POST", path, customer=account.any("customer"), **params)


def change_plan(account: Account) -> None:
    path = f"/v1/subscription_schedules/{account.any('subscription_schedule')}"
    if account.random.random() < 0.6:
        account.call("POST", path, phases=account.phases())
    else:
        account.call("POST", f"{path}/{account.random.choice(('cancel', 'release'))}")


def change_tax_ids(account: Account) -> None:
    path = f"/v1/customers/{account.any('customer')}/tax_ids"
    account.call("POST", path, type="eu_vat", value=account.random.choice(("DE123456789", "111111111")))
    account.call("DELETE", f"/v1/tax_ids/{account.any('tax_id')}")


def switch_code(account: Account) -> None:
    path = f"/v1/promotion_codes/{account.any('promotion_code')}"
    account.call("POST", path, active=account.random.random() < 0.5)


def leave(account: Account) -> None:
    if account.random.random() < 0.3:
        account.call("DELETE", f"/v1/customers/{account.any('customer')}")


def wait(account: Account) -> None:
    account.sandbox.advance(account.random.choice((60, 3700, DAY, 3 * DAY)))


ACTS: tuple[Callable[[Account], None], ...] = (
    *(new_customer, subscribe, change_discounts, end_subscription, change_balance, bill, bill, settle),
    *(credit, credit, void_credit, plan, plan, change_plan, change_tax_ids, switch_code, leave, wait, wait),
)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_change_is_told_and_the_money_adds_up(seed: int) -> None:
    account = Account(seed)
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for _ in range(STEPS):
        account.random.choice(ACTS)(account)
        for event in account.news():
            take(told, event)
    assert account.statuses[200] > STEPS / 2
    assert len(account.sandbox.table("credit_note").rows) > 5
    assert len(account.sandbox.table("subscription_schedule").rows) > 5
    assert unsaid(account.sandbox, told) <= SILENT
    check_money(account.sandbox)
    check_schedules(account.sandbox)


def take(told: dict[tuple[str, str], dict[str, Any]], event: dict[str, Any]) -> None:
    """Remember what an event shows; before its change the object was as the event before it said."""
    shown, previous = event["data"]["object"], event["data"].get("previous_attributes")
    key = (shown["object"], shown["id"])
    if key in told and previous is not None:
        assert known(undone(shown, previous)) == known(told[key]), event["type"]
    told[key] = shown


def unsaid(sandbox: Sandbox, told: dict[tuple[str, str], dict[str, Any]]) -> set[tuple[str, str]]:
    """Kinds and fields that are not as the last event about their object showed them."""
    found: set[tuple[str, str]] = set()
    for (kind, object_id), shown in told.items():
        row = sandbox.table(kind).rows.get(object_id)
        now = render(sandbox, row) if row is not None else shown
        found |= {(kind, key) for key in now if now[key] != shown.get(key)}
    return found


def check_money(sandbox: Sandbox) -> None:
    balances: Counter[str] = Counter()
    for row in sandbox.table("customer_balance_transaction").rows.values():
        balances[row["customer"]] += row["amount"]
    for customer in sandbox.table("customer").rows.values():
        assert customer["balance"] == balances[customer["id"]]
    for invoice in sandbox.table("invoice").rows.values():
        assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"], invoice["id"]
        assert invoice["pre_payment_credit_notes_amount"] >= 0


def check_schedules(sandbox: Sandbox) -> None:
    for row in sandbox.table("subscription_schedule").rows.values():
        if row["status"] == "active":
            subscription = sandbox.table("subscription").rows[row["subscription"]]
            assert subscription["schedule"] == row["id"]
            assert subscription["status"] not in ("canceled", "incomplete_expired")
