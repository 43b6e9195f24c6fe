"""Invoices that do not exist yet: `POST /v1/invoices/create_preview`."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import previews
from tests.sandbox.params import Bool, DecimalText, Enum, Fields, Int, Many, Metadata, Str, Timestamp
from tests.sandbox.resource import Elsewhere
from tests.sandbox.resources import customers, tax_ids
from tests.sandbox.resources.invoiceitems import PRICE_DATA
from tests.sandbox.resources.invoices import INVOICE
from tests.sandbox.resources.shapes import (
    ADDRESS,
    AUTOMATIC_TAX,
    DISCOUNTS,
    LIABILITY,
    PERIOD,
    PRORATION,
    TAX_RATES,
    shipping,
)
from tests.sandbox.resources.subscriptions import BILLING_MODE, CANCEL_WORDS, CHANGED_ITEM, PAUSE

CUSTOMER = Fields(
    address=Fields(ADDRESS, clears=True),
    shipping=shipping(),
    tax_exempt=Enum("exempt", "none", "reverse", clears=True),
    tax_ids=tax_ids.MANY,
)
ITEM = Fields(
    amount=Int(),
    currency=Str(clears=False),
    description=Str(),
    discountable=Bool(),
    discounts=DISCOUNTS,
    invoiceitem=Str(clears=False),
    metadata=Metadata(),
    period=PERIOD,
    price=Str(clears=False),
    price_data=PRICE_DATA,
    quantity=Int(0),
    tax_rates=TAX_RATES,
    unit_amount=Int(),
    unit_amount_decimal=DecimalText(),
)
CHANGE = Fields(
    billing_cycle_anchor=Timestamp(words=("now", "unchanged")),
    billing_mode=BILLING_MODE,
    cancel_at=Timestamp(words=CANCEL_WORDS, clears=True),
    cancel_at_period_end=Bool(),
    cancel_now=Bool(),
    default_tax_rates=TAX_RATES,
    items=Many(CHANGED_ITEM, most=20),
    metadata=Metadata(),
    pause=Fields(PAUSE),
    proration_behavior=PRORATION,
    proration_date=Timestamp(),
    resume_at=Enum("now"),
    start_date=Timestamp(),
    trial_end=Timestamp(words=("now",)),
)


@INVOICE.on(
    "POST",
    "/create_preview",
    automatic_tax=AUTOMATIC_TAX,
    currency=Str(clears=False),
    customer=Str(clears=False),
    customer_details=CUSTOMER,
    discounts=DISCOUNTS,
    invoice_items=Many(ITEM, most=250),
    issuer=LIABILITY,
    preview_mode=Enum("next", "recurring"),
    schedule=Str(clears=False),
    subscription=Str(clears=False),
    subscription_details=CHANGE,
)
def create_preview(sandbox: Any, params: dict[str, Any]) -> Elsewhere:
    """The next invoice, now or after a change."""
    return Elsewhere(*previews.preview(sandbox, params, customers.blank))
