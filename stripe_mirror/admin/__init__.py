"""What staff see. The admin shows rows, asks what to do, calls one function of `push`, and prints its result.

It never calls Stripe and never writes to a mirrored row. `base` adapts Unfold; a file per family declares what is
shown.
"""

from stripe_mirror.admin import billing, catalog, changes, customers, inbox, jobs, payments, people, pushes, sync
from stripe_mirror.admin.generic import register_the_rest

register_the_rest()

__all__ = [
    "billing",
    "catalog",
    "changes",
    "customers",
    "inbox",
    "jobs",
    "payments",
    "people",
    "pushes",
    "sync",
]
