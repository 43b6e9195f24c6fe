"""What staff see. The admin shows rows, asks what to do, calls one function of `push`, and prints its result.

It never calls Stripe and never writes to a mirrored row. `base` adapts Unfold; a file per family declares what is
shown.
"""

from stripe_mirror.admin import (
    balance,
    catalog,
    changes,
    checkout,
    credit_notes,
    customer_tax,
    customers,
    differences,
    health,
    inbox,
    invoices,
    jobs,
    limits,
    payments,
    people,
    pushes,
    subscriptions,
    sync,
)
from stripe_mirror.admin.generic import register_the_rest

register_the_rest()

__all__ = [
    "balance",
    "catalog",
    "changes",
    "checkout",
    "credit_notes",
    "customer_tax",
    "customers",
    "differences",
    "health",
    "inbox",
    "invoices",
    "jobs",
    "limits",
    "payments",
    "people",
    "pushes",
    "subscriptions",
    "sync",
]
