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
    push_resource,
    pushes,
    subscriptions,
    sync,
)
from stripe_mirror.admin.exports import log as export_log
from stripe_mirror.admin.generic import register_the_rest
from stripe_mirror.admin.notes import listing as notes_list

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
    "export_log",
    "health",
    "inbox",
    "invoices",
    "jobs",
    "limits",
    "notes_list",
    "payments",
    "people",
    "push_resource",
    "pushes",
    "subscriptions",
    "sync",
]
