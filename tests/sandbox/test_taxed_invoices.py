"""Taxes on invoices and credit notes, by tax rates: included in amounts or added to them."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import MONTHLY, make_customer, make_price, subscribe
from tests.sandbox.testing import RunningSandbox


@pytest.fixture
def customer(running: RunningSandbox) -> str:
    return str(make_customer(running)["id"])


def rate(running: RunningSandbox, percentage: float = 19, *, inclusive: bool = False) -> str:
    described = {"display_name": "VAT", "percentage": percentage, "inclusive": inclusive}
    return str(running.post("/v1/tax_rates", **described)["id"])


@pytest.mark.parametrize(
    ("inclusive", "sums"), [(False, (1000, 1000, 1190, 1000, 190)), (True, (1000, 840, 1000, 840, 160))]
)
def test_tax_is_added_or_included(
    running: RunningSandbox, client: stripe.StripeClient, customer: str, inclusive: bool, sums: tuple[int, ...]
) -> None:
    vat = rate(running, inclusive=inclusive)
    client.v1.invoice_items.create({"customer": customer, "amount": 1000, "currency": "usd"})
    made = client.v1.invoices.create(
        {"customer": customer, "pending_invoice_items_behavior": "include", "default_tax_rates": [vat]}
    )
    assert made.total_taxes is not None
    tax = made.total_taxes[0]
    found = (made.subtotal, made.subtotal_excluding_tax, made.total, made.total_excluding_tax, tax.amount)
    assert found == sums
    assert tax.tax_rate_details is not None
    assert (tax.tax_rate_details.tax_rate, tax.tax_behavior) == (vat, "inclusive" if inclusive else "exclusive")
    (line,) = made.lines.data
    assert line.taxes is not None
    assert (line.taxes[0].amount, line.taxes[0].taxable_amount) == (sums[4], sums[1])
    assert made.default_tax_rates[0].id == vat
    assert client.v1.invoices.pay(str(made.id)).amount_paid == sums[2]


def test_tax_follows_discounts_and_lines_have_their_own_rates(
    running: RunningSandbox, client: stripe.StripeClient, customer: str
) -> None:
    half = running.post("/v1/coupons", percent_off=50, duration="forever")["id"]
    low = rate(running, 7)
    client.v1.invoice_items.create({"customer": customer, "amount": 1000, "currency": "usd"})
    client.v1.invoice_items.create({"customer": customer, "amount": 2000, "currency": "usd", "tax_rates": [low]})
    made = client.v1.invoices.create(
        {
            "customer": customer,
            "pending_invoice_items_behavior": "include",
            "default_tax_rates": [rate(running)],
            "discounts": [{"coupon": half}],
        }
    )
    assert [tax.amount for tax in made.total_taxes or []] == [95, 70]
    assert made.total == 1500 + 95 + 70
    assert client.v1.invoices.update(str(made.id), {"default_tax_rates": ""}).total == 1570


@pytest.mark.parametrize(("exempt", "reason"), [("exempt", "customer_exempt"), ("reverse", "reverse_charge")])
def test_exempt_customers_pay_no_tax(
    running: RunningSandbox, client: stripe.StripeClient, exempt: str, reason: str
) -> None:
    customer = make_customer(running, tax_exempt=exempt)["id"]
    client.v1.invoice_items.create({"customer": customer, "amount": 1000, "currency": "usd"})
    made = client.v1.invoices.create(
        {"customer": customer, "pending_invoice_items_behavior": "include", "default_tax_rates": [rate(running)]}
    )
    assert [(tax.amount, tax.taxability_reason) for tax in made.total_taxes or []] == [(0, reason)]
    assert made.total == 1000


def test_subscription_is_taxed_in_each_period_and_in_prorations(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    running.sandbox.clock.set(1_706_745_600)
    vat, low = rate(running), rate(running, 10)
    dear = make_price(running, unit_amount=1000, recurring=MONTHLY)
    items = [{"price": make_price(running)}, {"price": dear, "tax_rates": [low]}]
    subscription = subscribe(running, items=items, default_tax_rates=[vat])
    assert [shown["id"] for shown in subscription["default_tax_rates"]] == [vat]
    assert subscription["items"]["data"][1]["tax_rates"][0]["id"] == low
    first = client.v1.invoices.retrieve(subscription["latest_invoice"])
    assert first.total == 2000 + 380 + 1000 + 100
    wished: Any = {"items": [{"id": subscription["items"]["data"][1]["id"], "quantity": 2}]}
    wished["proration_behavior"] = "always_invoice"
    preview = client.v1.invoices.create_preview(
        {"subscription": subscription["id"], "subscription_details": {**wished}}
    )
    changed = client.v1.subscriptions.update(subscription["id"], wished)
    billed = client.v1.invoices.retrieve(str(changed.latest_invoice))
    assert (preview.total, billed.total) == (1100, 1100)
    assert client.v1.subscriptions.update(subscription["id"], {"default_tax_rates": ""}).default_tax_rates == []


def test_archived_tax_rate_cannot_be_used(running: RunningSandbox, client: stripe.StripeClient, customer: str) -> None:
    old = rate(running)
    client.v1.tax_rates.update(old, {"active": False})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.create({"customer": customer, "default_tax_rates": [old]})
    assert caught.value.param == "default_tax_rates[0]"


def taxed_invoice(running: RunningSandbox, client: stripe.StripeClient, customer: str) -> stripe.Invoice:
    """A paid invoice over 2000 and 380 tax, less 10 percent."""
    tenth = running.post("/v1/coupons", percent_off=10, duration="forever")["id"]
    client.v1.invoice_items.create(
        {"customer": customer, "unit_amount_decimal": "1000", "quantity": 2, "currency": "usd"}
    )
    made = client.v1.invoices.create(
        {
            "customer": customer,
            "pending_invoice_items_behavior": "include",
            "default_tax_rates": [rate(running)],
            "discounts": [{"coupon": tenth}],
        }
    )
    return client.v1.invoices.pay(str(made.id))


def test_credited_line_takes_its_share_of_tax_and_discount(
    running: RunningSandbox, client: stripe.StripeClient, customer: str
) -> None:
    invoice = taxed_invoice(running, client, customer)
    assert invoice.total == 1800 + 342
    lines: Any = [{"type": "invoice_line_item", "invoice_line_item": invoice.lines.data[0].id, "quantity": 1}]
    described: Any = {"invoice": invoice.id, "lines": lines, "refund_amount": 1071}
    preview = client.v1.credit_notes.preview(described)
    note = client.v1.credit_notes.create(described)
    for shown in (preview, note):
        assert (shown.subtotal, shown.discount_amount, shown.total, shown.total_excluding_tax) == (1000, 100, 1071, 900)
        assert [(tax.amount, tax.taxable_amount) for tax in shown.total_taxes or []] == [(171, 900)]
        assert shown.lines.data[0].tax_rates[0].percentage == 19


def test_note_may_name_its_own_rates_and_amounts(
    running: RunningSandbox, client: stripe.StripeClient, customer: str
) -> None:
    invoice, low = taxed_invoice(running, client, customer), rate(running, 10)
    given: Any = [{"tax_rate": low, "amount": 7, "taxable_amount": 70}]
    lines: Any = [
        {"type": "custom_line_item", "description": "Goodwill", "unit_amount": 100, "tax_rates": [low]},
        {"type": "custom_line_item", "description": "More", "unit_amount_decimal": "50.5", "tax_amounts": given},
    ]
    described: Any = {"invoice": invoice.id, "lines": lines, "credit_amount": 168}
    note = client.v1.credit_notes.create(described)
    assert [line.amount for line in note.lines.data] == [100, 51]
    assert (note.subtotal, note.total, note.total_excluding_tax) == (151, 168, 151)


def test_lines_of_a_previewed_note_can_be_paged(
    running: RunningSandbox, client: stripe.StripeClient, customer: str
) -> None:
    invoice = taxed_invoice(running, client, customer)
    lines: Any = [
        {"type": "custom_line_item", "description": f"Part {number}", "unit_amount": 10 + number}
        for number in range(12)
    ]
    described: Any = {"invoice": invoice.id, "lines": lines, "credit_amount": sum(range(10, 22))}
    preview = client.v1.credit_notes.preview(described)
    assert (len(preview.lines.data), preview.lines.has_more) == (10, True)
    pages = client.v1.credit_notes.preview_lines.list({**described, "limit": 5})
    assert [line.amount for line in pages.auto_paging_iter()] == list(range(10, 22))
    assert not client.v1.credit_notes.list().data
