"""Staff edit → Stripe. Each family file declares its operations; importing it here puts them into the registry.

`submit` is the one path of every write, `jobs` runs an operation on many rows through the same path.
"""

from stripe_mirror.push import (  # noqa: F401
    collection_pauses,
    coupons,
    credit_notes,
    customer_ends,
    customer_money,
    customer_tax,
    customers,
    disputes,
    invoice_creation,
    invoice_edits,
    invoice_issuing,
    invoice_payment,
    invoices,
    payment_methods,
    payments,
    price_replacement,
    prices,
    products,
    promotion_codes,
    refunds,
    schedule_creation,
    schedules,
    subscription_anchor,
    subscription_collection,
    subscription_creation,
    subscription_discounts,
    subscription_items,
    subscription_pauses,
    subscription_plan,
    subscriptions,
    tax_rates,
    trials,
)
