"""Invoices: made, edited, deleted. What becomes of them is in `invoice_actions.py`."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cards, discounts, revisions, taxes
from tests.sandbox.billing import invoices as billing
from tests.sandbox.billing import lines as invoice_lines
from tests.sandbox.billing.money import check_currency
from tests.sandbox.billing.periods import DAY
from tests.sandbox.errors import invalid
from tests.sandbox.expand import nested_list
from tests.sandbox.params import Bool, Enum, Fields, Int, Metadata, Range, Str, Timestamp
from tests.sandbox.resource import Plain, Resource, merge
from tests.sandbox.resources.shapes import AUTOMATIC_TAX, COLLECTION, CUSTOM_FIELDS, DISCOUNTS, LIABILITY, TAX_RATES
from tests.sandbox.store import Row

SHOWN_LINES = 10


def _with_lines(sandbox: Any, shown: Row) -> None:
    taxes.shown(sandbox, shown, "default_tax_rates")
    rows = sandbox.table("line_item").where("invoice", shown["id"])
    shown["lines"] = nested_list(sandbox, rows, url=f"/v1/invoices/{shown['id']}/lines", limit=SHOWN_LINES)


def _payments(sandbox: Any, shown: Row) -> Row:
    rows = sandbox.table("invoice_payment").where("invoice", shown["id"])
    return nested_list(sandbox, rows, url=f"/v1/invoice_payments?invoice={shown['id']}", limit=10)


def _confirmation(sandbox: Any, shown: Row) -> Row | None:
    intent = billing.intent_of(sandbox, shown) if shown["status"] == "open" else None
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


INVOICE = Resource(
    "invoice",
    "in_",
    "/v1/invoices",
    id_length=24,
    indexes=("customer", "status", "parent.subscription_details.subscription"),
    expands={
        "customer": "customer",
        "default_payment_method": "payment_method",
        "discounts": "discount",
        "parent.subscription_details.subscription": "subscription",
        "total_discount_amounts.discount": "discount",
        "account_tax_ids": "",
        "application": "",
        "default_source": "",
        "from_invoice.invoice": "invoice",
        "latest_revision": "invoice",
        "on_behalf_of": "",
        "test_clock": "test_helpers.test_clock",
    },
    embeds={"lines.data": "line_item"},
    includes={"payments": ("invoice_payment", _payments), "confirmation_secret": ("", _confirmation)},
    decorate=_with_lines,
)
BOTH = {
    "auto_advance": Bool(),
    "automatic_tax": AUTOMATIC_TAX,
    "automatically_finalizes_at": Timestamp(),
    "collection_method": COLLECTION,
    "custom_fields": CUSTOM_FIELDS,
    "days_until_due": Int(0),
    "default_payment_method": Str(),
    "default_tax_rates": TAX_RATES,
    "description": Str(1500),
    "discounts": DISCOUNTS,
    "due_date": Timestamp(),
    "effective_at": Timestamp(clears=True),
    "footer": Str(),
    "issuer": LIABILITY,
    "metadata": Metadata(),
    "number": Str(26),
    "statement_descriptor": Str(22),
}
HANDLED = ("discounts", "days_until_due", "automatically_finalizes_at", "pending_invoice_items_behavior", "customer")
HANDLED += ("currency", "default_payment_method", "default_tax_rates", "from_invoice", "subscription")
# What may still be changed when an invoice is open; of a paid or void one only the metadata.
OPEN_ALLOWS = {"metadata", "auto_advance", "default_payment_method", "description", "footer", "due_date"}
OPEN_ALLOWS |= {"days_until_due", "expand"}


@INVOICE.on(
    "POST",
    **BOTH,
    currency=Str(clears=False),
    customer=Str(clears=False),
    from_invoice=Fields(action=Enum("revision", required=True), invoice=Str(clears=False, required=True)),
    pending_invoice_items_behavior=Enum("exclude", "include"),
    subscription=Str(clears=False),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """A draft, empty unless pending items are included or it revises another invoice."""
    revised = _revised(sandbox, params)
    customer = _customer(sandbox, params, revised)
    collects = params.get("collection_method") or (revised or {}).get("collection_method", "charge_automatically")
    _check_due(collects, params, needed=revised is None)
    _check(sandbox, params, customer["id"])
    currency = check_currency(params.get("currency") or (revised or customer)["currency"] or "usd")
    values: dict[str, Any] = {"collection_method": collects, "due_date": (revised or {}).get("due_date")}
    if "subscription" in params:
        subscription = sandbox.refer("subscription", params["subscription"], "subscription")
        values["parent"] = billing.subscription_parent(subscription)
        values["default_tax_rates"] = list(subscription["default_tax_rates"])
    row = billing.make(sandbox, customer, currency=currency, billing_reason="manual", **values)
    merge(row, params, skip=HANDLED)
    _write(sandbox, row, params)
    if revised is not None:
        revisions.begin(sandbox, row, revised)
    elif params.get("pending_invoice_items_behavior") == "include" or "subscription" in params:
        invoice_lines.add_pending_items(sandbox, row, subscription=params.get("subscription"))
    invoice_lines.retotal(sandbox, row)
    sandbox.table("invoice").reindex(row)
    sandbox.tell("invoice.created", row)
    return row


def _revised(sandbox: Any, params: dict[str, Any]) -> Row | None:
    if "from_invoice" not in params:
        return None
    row: Row = sandbox.refer("invoice", params["from_invoice"]["invoice"], "from_invoice[invoice]")
    revisions.check(row)
    return row


def _customer(sandbox: Any, params: dict[str, Any], revised: Row | None) -> Row:
    customer_id = params.get("customer") or (revised or {}).get("customer")
    if customer_id is None:
        raise invalid("Missing required param: customer.", code="parameter_missing", param="customer")
    row: Row = sandbox.refer("customer", customer_id, "customer")
    return row


def _check(sandbox: Any, params: dict[str, Any], customer: str) -> None:
    discounts.check(sandbox, params.get("discounts", []), customer=customer)
    taxes.check(sandbox, params.get("default_tax_rates"), "default_tax_rates")
    if params.get("default_payment_method"):
        cards.owned(sandbox, params["default_payment_method"], customer, "default_payment_method")


def _check_due(collection_method: str, params: dict[str, Any], *, needed: bool = False) -> None:
    given = {"days_until_due", "due_date"} & set(params)
    if len(given) == 2:
        raise invalid("You may only specify one of these parameters: days_until_due, due_date.", param="due_date")
    if given and collection_method != "send_invoice":
        raise invalid(
            "You can only specify 'due_date' or 'days_until_due' if invoice collection method is 'send_invoice'."
        )
    if needed and not given and collection_method == "send_invoice":
        raise invalid(
            "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'."
        )


def _write(sandbox: Any, row: Row, params: dict[str, Any]) -> None:
    if "days_until_due" in params:
        row["due_date"] = sandbox.now() + params["days_until_due"] * DAY
    elif row["collection_method"] == "charge_automatically":
        row["due_date"] = None
    if "default_payment_method" in params:
        row["default_payment_method"] = params["default_payment_method"] or None
    if "default_tax_rates" in params:
        row["default_tax_rates"] = list(params["default_tax_rates"] or [])
    if "discounts" in params:
        discounts.replace(sandbox, row, params["discounts"], customer=row["customer"], invoice=row["id"])
    if "auto_advance" in params or "automatically_finalizes_at" in params:
        if row["auto_advance"] and row["status"] == "draft":
            billing.schedule_finalization(sandbox, row, params.get("automatically_finalizes_at"))
        else:
            row["automatically_finalizes_at"] = None
        if row["status"] == "open":
            _advance(sandbox, row)


def _advance(sandbox: Any, row: Row) -> None:
    """Collecting an open invoice by itself goes on in an hour, or no longer."""
    row["next_payment_attempt"] = None
    if row["auto_advance"] and row["collection_method"] == "charge_automatically":
        row["next_payment_attempt"] = sandbox.now() + billing.DRAFT_SECONDS
        sandbox.timers.at(row["next_payment_attempt"], "retry_invoice", row["id"])


@INVOICE.on("POST", "/{id}", **BOTH)
def update(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Edit: a draft nearly at will, an open one a little, a final one only its metadata."""
    row: Row = sandbox.fetch("invoice", invoice_id)
    allowed = {"open": OPEN_ALLOWS, "uncollectible": OPEN_ALLOWS}.get(row["status"], {"metadata", "expand"})
    if row["status"] != "draft" and (refused := sorted(set(params) - allowed)):
        raise invalid("Finalized invoices can't be updated in this way", param=refused[0])
    collects = params.get("collection_method", row["collection_method"])
    _check_due(collects, params, needed=row["due_date"] is None)
    _check(sandbox, params, row["customer"])
    with sandbox.edit("invoice", invoice_id, event="invoice.updated"):
        merge(row, params, skip=HANDLED)
        _write(sandbox, row, params)
        if row["status"] == "draft":
            invoice_lines.retotal(sandbox, row)
    return row


@INVOICE.on("DELETE", "/{id}")
def delete(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Plain:
    """Delete a draft that is not a subscription's; the items that it swept up are lost with it."""
    row = sandbox.fetch("invoice", invoice_id, param="invoice")
    if row["status"] != "draft":
        raise invalid("You can only delete draft invoices.")
    if row["parent"] is not None:
        raise invalid("You can't delete invoices created by subscriptions.")
    discounts.drop_own(sandbox, row["discounts"], invoice=invoice_id)
    for line in list(sandbox.table("line_item").where("invoice", invoice_id)):
        sandbox.remove("line_item", line["id"], keep=False)
    sandbox.remove("invoice", invoice_id, event="invoice.deleted")
    return Plain(INVOICE.stub(invoice_id))


INVOICE.lists(
    columns={"subscription": "parent.subscription_details.subscription"},
    collection_method=COLLECTION,
    created=Range(),
    customer=Str(),
    due_date=Range(),
    status=Enum("draft", "open", "paid", "uncollectible", "void"),
    subscription=Str(),
)
INVOICE.reads()
