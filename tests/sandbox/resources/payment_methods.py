"""Payment methods: attached to one customer, and never again once detached."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cards
from tests.sandbox.errors import invalid
from tests.sandbox.params import Email, Enum, Fields, Int, Metadata, Str
from tests.sandbox.resource import Resource, merge
from tests.sandbox.resources.shapes import ADDRESS
from tests.sandbox.store import Row

METHOD = Resource(
    "payment_method",
    "pm_",
    "/v1/payment_methods",
    id_length=24,
    noun="PaymentMethod",
    indexes=("customer",),
    expands={"customer": "customer"},
)
REDISPLAY = Enum("always", "limited", "unspecified")
BILLING = Fields(address=Fields(ADDRESS, clears=True), email=Email(), name=Str(), phone=Str(), tax_id=Str())


@METHOD.on(
    "POST",
    allow_redisplay=REDISPLAY,
    billing_details=BILLING,
    card=Fields(cvc=Str(), exp_month=Int(1), exp_year=Int(), number=Str(clears=False), token=Str(clears=False)),
    customer=Str(clears=False),
    metadata=Metadata(),
    payment_method=Str(clears=False),
    sepa_debit=Fields(iban=Str(clears=False, required=True)),
    type=Enum("card", "sepa_debit"),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create from a test card number, a card token (`tok_visa`) or an IBAN; it is not attached to anyone."""
    if "type" not in params:
        raise invalid("Missing required param: type.", code="parameter_missing", param="type")
    row = cards.from_token(sandbox, _token(params))
    shown = params.get("card", {})
    for name in ("exp_month", "exp_year"):
        if name in shown:
            row["card"][name] = shown[name]
    merge(row, params, skip=("card", "sepa_debit", "customer", "payment_method", "type"))
    sandbox.insert(row)
    return row


def _token(params: dict[str, Any]) -> str:
    if params["type"] == "sepa_debit":
        return "pm_sepaDebit"
    given = params.get("card", {})
    token = cards.NUMBERS.get(given.get("number", "").replace(" ", "")) or given.get("token", "").replace(
        "tok_", "pm_card_"
    )
    if token not in cards.CARDS:
        raise invalid("Your card number is incorrect.", code="incorrect_number", param="card[number]")
    return token


@METHOD.on(
    "POST",
    "/{id}",
    allow_redisplay=REDISPLAY,
    billing_details=BILLING,
    card=Fields(exp_month=Int(1), exp_year=Int()),
    metadata=Metadata(),
)
def update(sandbox: Any, params: dict[str, Any], method_id: str) -> Row:
    """Edit an attached one."""
    row: Row = sandbox.fetch("payment_method", method_id, param="payment_method")
    if row["customer"] is None:
        raise invalid("You must save this PaymentMethod to a customer before you can update it.")
    if params.get("card", {}).get("exp_month", 1) > 12:
        raise invalid("Your card's expiration month is invalid.", code="invalid_expiry_month", param="card[exp_month]")
    with sandbox.edit("payment_method", method_id, event="payment_method.updated"):
        merge(row, params)
        if row["billing_details"]["address"] is None:
            row["billing_details"]["address"] = dict(cards.NO_ADDRESS)
    return row


@METHOD.on("POST", "/{id}/attach", customer=Str(clears=False))
def attach(sandbox: Any, params: dict[str, Any], method_id: str) -> Row:
    """Attach to a customer."""
    if "customer" not in params:
        raise invalid("Must provide customer or customer_account.", code="parameter_missing")
    sandbox.refer("customer", params["customer"], "customer")
    if not cards.is_token(method_id):
        sandbox.fetch("payment_method", method_id, param="payment_method")
    return cards.attach(sandbox, method_id, params["customer"])


@METHOD.on("POST", "/{id}/detach")
def detach(sandbox: Any, params: dict[str, Any], method_id: str) -> Row:
    """Detach for good; defaults that named it are cleared."""
    row: Row = sandbox.fetch("payment_method", method_id, param="payment_method")
    customer_id = row["customer"]
    if customer_id is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    sandbox.table("payment_method").secret(method_id)["detached"] = True
    with sandbox.edit("payment_method", method_id, event="payment_method.detached"):
        row["customer"] = None
    _clear_defaults(sandbox, customer_id, method_id)
    return row


def _clear_defaults(sandbox: Any, customer_id: str, method_id: str) -> None:
    customer = sandbox.table("customer").rows.get(customer_id)
    if customer is not None and customer["invoice_settings"]["default_payment_method"] == method_id:
        with sandbox.edit("customer", customer_id, event="customer.updated"):
            customer["invoice_settings"]["default_payment_method"] = None
    for subscription in sandbox.table("subscription").where("customer", customer_id):
        if subscription["default_payment_method"] == method_id:
            with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
                subscription["default_payment_method"] = None


METHOD.lists(allow_redisplay=REDISPLAY, customer=Str(), type=Str())
METHOD.reads()
