"""Tax rates: their percentage never changes, and they can be archived but not deleted."""

from __future__ import annotations

from typing import Any

from tests.sandbox.errors import invalid
from tests.sandbox.params import Bool, Enum, Float, Metadata, Range, Str
from tests.sandbox.resource import Resource, merge
from tests.sandbox.store import Row

TAX_RATE = Resource("tax_rate", "txr_", "/v1/tax_rates", id_length=24, indexes=("active",))
TAX_TYPE = Enum(
    "amusement_tax",
    "communications_tax",
    "gst",
    "hst",
    "igst",
    "jct",
    "lease_tax",
    "mass_transit_parking_tax",
    "parking_tax",
    "pst",
    "qst",
    "retail_delivery_fee",
    "rst",
    "sales_tax",
    "service_tax",
    "vat",
)
BOTH = {
    "active": Bool(),
    "country": Str(2),
    "description": Str(),
    "jurisdiction": Str(50),
    "metadata": Metadata(),
    "state": Str(),
    "tax_type": TAX_TYPE,
}


@TAX_RATE.on(
    "POST",
    **BOTH,
    display_name=Str(50, clears=False, required=True),
    inclusive=Bool(required=True),
    percentage=Float(required=True),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create."""
    if not 0 <= params["percentage"] <= 100:
        raise invalid("Invalid percentage: must be between 0 and 100.", param="percentage")
    row: Row = {
        "id": sandbox.new_id("txr_", 24),
        "object": "tax_rate",
        "active": True,
        "country": None,
        "created": sandbox.now(),
        "description": None,
        "display_name": None,
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": False,
        "jurisdiction": None,
        "jurisdiction_level": None,
        "livemode": sandbox.livemode,
        "metadata": {},
        "percentage": None,
        "rate_type": "percentage",
        "state": None,
        "tax_type": None,
    }
    merge(row, params)
    sandbox.insert(row, event="tax_rate.created")
    return row


@TAX_RATE.on("POST", "/{id}", **BOTH, display_name=Str(50, clears=False))
def update(sandbox: Any, params: dict[str, Any], rate_id: str) -> Row:
    """Edit or archive; what is taxed with it keeps it."""
    row: Row = sandbox.fetch("tax_rate", rate_id, param="tax_rate")
    with sandbox.edit("tax_rate", rate_id, event="tax_rate.updated"):
        merge(row, params)
    return row


TAX_RATE.lists(active=Bool(), created=Range(), inclusive=Bool())
TAX_RATE.reads()
