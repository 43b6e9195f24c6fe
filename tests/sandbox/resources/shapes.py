"""Parameter shapes and nested objects that several resources share."""

from __future__ import annotations

from typing import Any

from tests.sandbox.params import Bool, DecimalText, Enum, Fields, Int, Kind, Many, Str, Timestamp

ADDRESS_KEYS = ("city", "country", "line1", "line2", "postal_code", "state")
ADDRESS: dict[str, Kind] = {key: Str() for key in ADDRESS_KEYS}
INTERVALS = ("day", "month", "week", "year")
COLLECTION = Enum("charge_automatically", "send_invoice")
PRORATION = Enum("always_invoice", "create_prorations", "none")
PAYMENT_BEHAVIOR = Enum("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
CUSTOM_FIELDS = Many(Fields(name=Str(40, required=True), value=Str(140, required=True)), most=4, clears=True)
DISCOUNTS = Many(Fields(coupon=Str(), discount=Str(), promotion_code=Str()), most=20, clears=True)
TAX_RATES = Many(Str(clears=False), clears=True)
LIABILITY = Fields(account=Str(), type=Enum("account", "self", required=True))
AUTOMATIC_TAX = Fields(enabled=Bool(required=True), liability=LIABILITY)
RHYTHM = {"interval": Enum(*INTERVALS, required=True), "interval_count": Int(1)}
INLINE_RECURRING = Fields(RHYTHM)
RECURRING = Fields(RHYTHM, meter=Str(), usage_type=Enum("licensed", "metered"))
TAX_BEHAVIOR = Enum("exclusive", "inclusive", "unspecified")
CUSTOM_UNIT_AMOUNT = Fields(enabled=Bool(required=True), maximum=Int(), minimum=Int(), preset=Int())
PRICE_DATA = Fields(
    currency=Str(clears=False, required=True),
    product=Str(clears=False, required=True),
    recurring=INLINE_RECURRING,
    tax_behavior=TAX_BEHAVIOR,
    unit_amount=Int(0),
    unit_amount_decimal=DecimalText(),
)
PERIOD = Fields(end=Timestamp(required=True), start=Timestamp(required=True))


def shipping(*, carrier: bool = False) -> Fields:
    """A shipping parameter; payments know a carrier too."""
    more: dict[str, Kind] = {"carrier": Str(), "tracking_number": Str()} if carrier else {}
    return Fields(more, address=Fields(ADDRESS, required=True), name=Str(required=True), phone=Str(), clears=True)


def whole_address(address: dict[str, Any] | None) -> dict[str, Any] | None:
    """An address with all six keys, those not given `null`."""
    return None if address is None else {key: address.get(key) or None for key in ADDRESS_KEYS}


def complete_addresses(row: dict[str, Any], *holders: str) -> None:
    """Fill up `address` of an object and of the named objects in it, after parameters were merged in."""
    for holder in (row, *(row.get(name) for name in holders)):
        if holder and isinstance(holder.get("address"), dict):
            holder["address"] = whole_address(holder["address"])
