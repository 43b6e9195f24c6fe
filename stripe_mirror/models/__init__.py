"""What is stored: mirrored objects of Stripe, and our own events, changes, pushes and runs."""

from stripe_mirror.models.base import StripeObject
from stripe_mirror.models.billing import Invoice, Subscription, SubscriptionItem
from stripe_mirror.models.catalog import Coupon, Price, Product
from stripe_mirror.models.changes import Change
from stripe_mirror.models.customers import Customer, CustomerLink, PaymentMethod
from stripe_mirror.models.inbox import InboxEvent
from stripe_mirror.models.payments import Charge, PaymentIntent, Refund
from stripe_mirror.models.pushes import Job, Push
from stripe_mirror.models.sync import MirroredAccount, SyncRun

__all__ = [
    "Change",
    "Charge",
    "Coupon",
    "Customer",
    "CustomerLink",
    "InboxEvent",
    "Invoice",
    "Job",
    "MirroredAccount",
    "PaymentIntent",
    "PaymentMethod",
    "Price",
    "Product",
    "Push",
    "Refund",
    "StripeObject",
    "Subscription",
    "SubscriptionItem",
    "SyncRun",
]
