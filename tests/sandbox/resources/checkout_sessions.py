"""Checkout Sessions. There is no event for a new one; how a customer completes one is in `checkout.py`."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import checkout, discounts, setups
from tests.sandbox.errors import invalid
from tests.sandbox.expand import nested_list
from tests.sandbox.params import Bool, Email, Enum, Fields, Int, Many, Metadata, Range, Str, Timestamp, Url
from tests.sandbox.resource import PAGING, Listing, Resource, merge
from tests.sandbox.resources.shapes import PRICE_DATA
from tests.sandbox.store import Row


def _line_items(sandbox: Any, shown: Row) -> Row:
    rows = sandbox.table("item").where("session", shown["id"])
    return nested_list(sandbox, rows, url=f"/v1/checkout/sessions/{shown['id']}/line_items", limit=10)


SESSION = Resource(
    "checkout.session",
    "cs_test_",
    "/v1/checkout/sessions",
    id_length=58,
    indexes=("customer", "payment_intent", "status", "subscription"),
    expands={
        "customer": "customer",
        "invoice": "invoice",
        "payment_intent": "payment_intent",
        "setup_intent": "setup_intent",
        "subscription": "subscription",
        "discounts.coupon": "coupon",
        "discounts.promotion_code": "promotion_code",
        "payment_link": "",
    },
    includes={"line_items": ("item", _line_items)},
)
ITEM = Resource(
    "item",
    "li_",
    "/v1/checkout/sessions/{session}/line_items",
    id_length=24,
    indexes=("session",),
    embeds={"price": "price"},
    decorate=checkout.shown_line,
)
KEPT = ("metadata", "description")
TRIAL = {"trial_end": Timestamp(), "trial_period_days": Int(1)}
HANDLED = ("discounts", "line_items", "mode", "payment_intent_data", "setup_intent_data", "subscription_data")


@SESSION.on(
    "POST",
    allow_promotion_codes=Bool(),
    billing_address_collection=Enum("auto", "required"),
    cancel_url=Url(clears=False),
    client_reference_id=Str(200),
    currency=Str(clears=False),
    customer=Str(clears=False),
    customer_creation=Enum("always", "if_required"),
    customer_email=Email(clears=False),
    discounts=Many(Fields(coupon=Str(), promotion_code=Str()), most=1),
    expires_at=Timestamp(),
    line_items=Many(
        Fields(metadata=Metadata(), price=Str(clears=False), price_data=PRICE_DATA, quantity=Int(1)), most=100
    ),
    metadata=Metadata(),
    mode=Enum("payment", "setup", "subscription"),
    payment_intent_data=Fields(description=Str(1000), metadata=Metadata()),
    payment_method_collection=Enum("always", "if_required"),
    payment_method_types=Many(Str()),
    return_url=Url(clears=False),
    setup_intent_data=Fields(description=Str(1000), metadata=Metadata()),
    submit_type=Enum("auto", "book", "donate", "pay", "subscribe"),
    subscription_data=Fields(TRIAL, description=Str(500), metadata=Metadata()),
    success_url=Url(clears=False),
    ui_mode=Enum("elements", "embedded_page", "hosted_page"),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create."""
    mode = params.get("mode", "payment")
    row = checkout.blank(sandbox, mode)
    _check(sandbox, params, row)
    merge(row, params, skip=HANDLED)
    coupon = _discount(sandbox, row, params.get("discounts", []))
    if mode == "setup":
        row["setup_intent"] = _setup(sandbox, row, params.get("setup_intent_data", {}))
    else:
        checkout.check_types(mode, _types(sandbox, params.get("line_items", [])))
        checkout.offer(sandbox, row, params.get("line_items", []), coupon)
    if mode == "payment" and row["customer_creation"] is None:
        row["customer_creation"] = None if row["customer"] else "if_required"
    _show_customer(sandbox, row)
    sandbox.insert(row)
    data = params.get("subscription_data") or params.get("payment_intent_data") or {}
    sandbox.table("checkout.session").secret(row["id"])["passed_on"] = data
    sandbox.timers.at(row["expires_at"], "session_expires", row["id"])
    return row


def _check(sandbox: Any, params: dict[str, Any], row: Row) -> None:
    if params.get("customer") and params.get("customer_email"):
        raise invalid("You may only specify one of these parameters: customer, customer_email.", param="customer_email")
    if "customer" in params:
        sandbox.refer("customer", params["customer"], "customer")
    hosted = params.get("ui_mode", "hosted_page") == "hosted_page"
    needed = "success_url" if hosted else "return_url"
    if needed not in params:
        raise invalid(f"Missing required param: {needed}.", code="parameter_missing", param=needed)
    if not hosted:
        row.update(url=None, client_secret=f"{row['id']}_secret_{sandbox.new_id('', 30)}")
    ahead = params.get("expires_at", row["expires_at"]) - sandbox.now()
    if not checkout.SHORTEST_SECONDS <= ahead <= checkout.OPEN_SECONDS:
        message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation."
        raise invalid(message, param="expires_at")


def _types(sandbox: Any, asked: list[dict[str, Any]]) -> set[str]:
    """Which types of price the line items have."""
    inline = {
        "recurring" if "recurring" in entry["price_data"] else "one_time" for entry in asked if "price_data" in entry
    }
    named = [entry["price"] for entry in asked if "price" in entry]
    return inline | {sandbox.refer("price", price, "line_items")["type"] for price in named}


def _discount(sandbox: Any, row: Row, asked: list[dict[str, Any]]) -> Row | None:
    if not asked:
        return None
    discounts.check(sandbox, asked, customer=row["customer"])
    code = asked[0].get("promotion_code")
    coupon = asked[0].get("coupon") or sandbox.table("promotion_code").rows[code]["promotion"]["coupon"]
    row["discounts"] = [{"coupon": None if code else coupon, "promotion_code": code}]
    found: Row = sandbox.table("coupon").rows[coupon]
    return found


def _setup(sandbox: Any, row: Row, data: dict[str, Any]) -> str:
    given = {key: data[key] for key in KEPT if data.get(key)}
    return str(setups.make(sandbox, customer=row["customer"], **given)["id"])


def _show_customer(sandbox: Any, row: Row) -> None:
    """What is known of the customer before anything was typed in."""
    customer = sandbox.table("customer").rows.get(row["customer"])
    email = row["customer_email"] or (customer["email"] if customer else None)
    if email:
        row["customer_details"] = details(email)


def details(email: str | None, *, name: str | None = None, country: str | None = None) -> Row:
    """`customer_details` of a session."""
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {
        "address": {**address, "country": country} if country else None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [] if name else None,
    }


@SESSION.on("POST", "/{id}", metadata=Metadata())
def update(sandbox: Any, params: dict[str, Any], session_id: str) -> Row:
    """Edit the metadata; there is no event for it."""
    row: Row = sandbox.fetch("checkout.session", session_id, param="session")
    with sandbox.edit("checkout.session", session_id):
        merge(row, params)
    return row


@SESSION.on("POST", "/{id}/expire")
def expire(sandbox: Any, params: dict[str, Any], session_id: str) -> Row:
    """End an open session."""
    row: Row = sandbox.fetch("checkout.session", session_id, param="session")
    if row["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"{row['status']}.",
        )
    checkout.expire(sandbox, row)
    return row


@SESSION.on("GET", "/{id}/line_items", **PAGING)
def line_items(sandbox: Any, params: dict[str, Any], session_id: str) -> Listing:
    """What the session offers, in the order in which it was asked for."""
    sandbox.fetch("checkout.session", session_id, param="session")
    url = f"/v1/checkout/sessions/{session_id}/line_items"
    page: Listing = sandbox.page("item", {**params, "session": session_id}, url=url, ascending=True)
    return page


SESSION.lists(
    created=Range(),
    customer=Str(),
    customer_details=Fields(email=Str(required=True)),
    payment_intent=Str(),
    payment_link=Str(),
    status=Enum("complete", "expired", "open"),
    subscription=Str(),
)
SESSION.reads()
