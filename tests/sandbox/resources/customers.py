"""Customers."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cards, customer_balance, discounts, schedules, test_clocks
from tests.sandbox.billing import subscriptions as billing
from tests.sandbox.errors import StripeError, invalid
from tests.sandbox.expand import nested_list
from tests.sandbox.params import Email, Enum, Fields, Int, Many, Metadata, Range, Str
from tests.sandbox.resource import PAGING, Listing, Plain, Resource, merge
from tests.sandbox.resources import tax_ids
from tests.sandbox.resources.shapes import ADDRESS, CUSTOM_FIELDS, complete_addresses, shipping
from tests.sandbox.store import Row


def _subscriptions(sandbox: Any, shown: Row) -> dict[str, Any]:
    rows = [row for row in sandbox.table("subscription").where("customer", shown["id"]) if row["status"] != "canceled"]
    return nested_list(sandbox, rows[::-1], url=f"/v1/customers/{shown['id']}/subscriptions", limit=10)


def _tax_ids(sandbox: Any, shown: Row) -> dict[str, Any]:
    rows = sandbox.table("tax_id").where("customer", shown["id"])
    return nested_list(sandbox, rows[::-1], url=f"/v1/customers/{shown['id']}/tax_ids", limit=10)


def _nothing(name: str) -> Any:
    return lambda sandbox, shown: nested_list(sandbox, [], url=f"/v1/customers/{shown['id']}/{name}", limit=10)


CUSTOMER = Resource(
    "customer",
    "cus_",
    "/v1/customers",
    indexes=("email",),
    expands={
        "default_source": "",
        "test_clock": "test_helpers.test_clock",
        "invoice_settings.default_payment_method": "payment_method",
    },
    embeds={"discount": "discount"},
    includes={
        "subscriptions": ("subscription", _subscriptions),
        "sources": ("", _nothing("sources")),
        "tax_ids": ("tax_id", _tax_ids),
    },
    keep_deleted=True,
    clocked=("test_clock",),
)
RENDERING = Fields(
    amount_tax_display=Enum("exclude_tax", "include_inclusive_tax", clears=True), template=Str(), clears=True
)
BOTH = {
    "address": Fields(ADDRESS, clears=True),
    "balance": Int(),
    "business_name": Str(150),
    "cash_balance": Fields(settings=Fields(reconciliation_mode=Enum("automatic", "manual", "merchant_default"))),
    "description": Str(),
    "email": Email(),
    "individual_name": Str(150),
    "invoice_prefix": Str(12, clears=False),
    "invoice_settings": Fields(
        custom_fields=CUSTOM_FIELDS, default_payment_method=Str(), footer=Str(), rendering_options=RENDERING
    ),
    "metadata": Metadata(),
    "name": Str(256),
    "next_invoice_sequence": Int(1),
    "phone": Str(20),
    "preferred_locales": Many(Str()),
    "shipping": shipping(),
    "tax_exempt": Enum("exempt", "none", "reverse", clears=True),
}
SPECIAL = ("invoice_prefix", "tax_exempt", "business_name", "individual_name", "payment_method", "cash_balance")
SPECIAL += ("tax", "tax_id_data")


def blank(sandbox: Any) -> Row:
    """A customer with nothing known about it."""
    return {
        "id": sandbox.new_id("cus_", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": sandbox.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": "".join(sandbox.random.choices("0123456789ABCDEF", k=8)),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": sandbox.livemode,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


TAX_IP = Str()


@CUSTOMER.on(
    "POST",
    **BOTH,
    tax=Fields(ip_address=TAX_IP, validate_location=Enum("deferred", "immediately")),
    payment_method=Str(clears=False),
    tax_id_data=tax_ids.MANY,
    test_clock=Str(clears=False),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create; a payment method given along is attached (and only that)."""
    row = blank(sandbox)
    method = params.get("payment_method")
    default = params.get("invoice_settings", {}).get("default_payment_method")
    if "test_clock" in params:
        test_clocks.check_room(sandbox, params["test_clock"])
    _write(sandbox, row, params)
    if default and default != method:
        _own_method(sandbox, row, default)
    sandbox.insert(row)
    if method:
        attached = cards.attach(sandbox, method, row["id"], param="payment_method")
        if default:
            row["invoice_settings"]["default_payment_method"] = attached["id"]
    sandbox.tell("customer.created", row)
    if row["balance"]:
        customer_balance.record(sandbox, row, row["balance"], "initial")
    for described in params.get("tax_id_data", []):
        tax_ids.make(sandbox, described, customer=row["id"])
    return row


@CUSTOMER.on(
    "POST",
    "/{id}",
    **BOTH,
    default_source=Str(),
    tax=Fields(ip_address=TAX_IP, validate_location=Enum("auto", "deferred", "immediately")),
)
def update(sandbox: Any, params: dict[str, Any], customer_id: str) -> Row:
    """Edit."""
    row: Row = sandbox.fetch("customer", customer_id)
    default = params.get("invoice_settings", {}).get("default_payment_method")
    if default:
        params["invoice_settings"]["default_payment_method"] = _own_method(sandbox, row, default)
    _check(sandbox, row, params)
    before = row["balance"]
    with sandbox.edit("customer", customer_id, event="customer.updated"):
        _write(sandbox, row, params)
    if row["balance"] != before:
        customer_balance.record(sandbox, row, row["balance"] - before, "adjustment")
    return row


def _check(sandbox: Any, row: Row, params: dict[str, Any]) -> None:
    prefix = params.get("invoice_prefix")
    if prefix is None or prefix == row["invoice_prefix"]:
        return
    if not (prefix.isascii() and prefix.isalnum() and prefix.upper() == prefix):
        raise invalid("Invoice prefixes must be 1-12 uppercase letters or numbers.", param="invoice_prefix")
    if any(other["invoice_prefix"] == prefix for other in sandbox.table("customer").rows.values()):
        raise invalid(f"Invoice prefix {prefix} is already taken by another customer.", param="invoice_prefix")


def _write(sandbox: Any, row: Row, params: dict[str, Any]) -> None:
    _check(sandbox, row, params)
    merge(row, params, skip=SPECIAL)
    if "invoice_prefix" in params:
        row["invoice_prefix"] = params["invoice_prefix"]
    if "tax_exempt" in params:
        row["tax_exempt"] = params["tax_exempt"] or "none"
    for name in ("business_name", "individual_name"):
        if params.get(name):
            row[name] = params[name]
        elif name in params:
            row.pop(name, None)
    complete_addresses(row, "shipping")


def _own_method(sandbox: Any, row: Row, method_id: str) -> str:
    """The payment method a customer may use as default: its own, or a test token that is attached by it."""
    param = "invoice_settings[default_payment_method]"
    method = sandbox.table("payment_method").rows.get(method_id)
    if method is None:
        sandbox.refer("payment_method", method_id, param)
    elif method["customer"] != row["id"]:
        raise invalid(
            f"The customer does not have a payment method with the ID {method_id}. The payment method must be "
            "attached to the customer.",
            code="resource_missing",
            param=param,
        )
    return method_id


@CUSTOMER.on("DELETE", "/{id}")
def delete(sandbox: Any, params: dict[str, Any], customer_id: str) -> Plain:
    """Delete: its subscriptions end at once, its invoices stay."""
    sandbox.fetch("customer", customer_id)
    for subscription in list(sandbox.table("subscription").where("customer", customer_id)):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            billing.end(sandbox, subscription["id"], reason=None)
    schedules.customer_deleted(sandbox, customer_id)
    for method in list(sandbox.table("payment_method").where("customer", customer_id)):
        sandbox.table("payment_method").secret(method["id"])["detached"] = True
        with sandbox.edit("payment_method", method["id"], event="payment_method.detached") as row:
            row["customer"] = None
    sandbox.remove("customer", customer_id, event="customer.deleted")
    return Plain(CUSTOMER.stub(customer_id))


@CUSTOMER.on("DELETE", "/{id}/discount")
def delete_discount(sandbox: Any, params: dict[str, Any], customer_id: str) -> Plain:
    """Take the coupon off a customer; no parameter can put one on any more."""
    row = sandbox.fetch("customer", customer_id)
    if row["discount"] is None:
        raise StripeError(404, f"No active discount for customer: {customer_id}", code="resource_missing")
    return Plain(discounts.take_from_customer(sandbox, row))


@CUSTOMER.on("GET", "/{id}/payment_methods", **{**PAGING, "type": Str(), "allow_redisplay": Str()})
def payment_methods(sandbox: Any, params: dict[str, Any], customer_id: str) -> Listing:
    """The payment methods attached to one customer."""
    sandbox.fetch("customer", customer_id)
    url = f"/v1/customers/{customer_id}/payment_methods"
    listing: Listing = sandbox.page("payment_method", {**params, "customer": customer_id}, url=url)
    return listing


@CUSTOMER.on("GET", "/{id}/payment_methods/{pm}")
def payment_method(sandbox: Any, params: dict[str, Any], customer_id: str, method_id: str) -> Row:
    """One payment method of one customer."""
    row: Row = sandbox.fetch("payment_method", method_id, param="payment_method")
    if row["customer"] != customer_id:
        sandbox.fetch("payment_method", "", param="payment_method")
    return row


@CUSTOMER.on("GET", "/{id}/subscriptions", **PAGING)
def subscriptions(sandbox: Any, params: dict[str, Any], customer_id: str) -> Listing:
    """The subscriptions of one customer that are not canceled."""
    listing: Listing = sandbox.page(
        "subscription",
        {**params, "customer": customer_id},
        where=lambda row: row["status"] != "canceled",
        url=f"/v1/customers/{customer_id}/subscriptions",
    )
    return listing


CUSTOMER.lists(created=Range(), email=Str(512), test_clock=Str())
CUSTOMER.reads()
