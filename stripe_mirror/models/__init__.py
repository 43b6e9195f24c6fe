"""What is stored: mirrored objects of Stripe, and our own events, changes, pushes and runs."""

from stripe_mirror.models.balance import BalanceTransaction, Dispute, Payout
from stripe_mirror.models.base import StripeObject
from stripe_mirror.models.catalog import Price, Product, TaxRate
from stripe_mirror.models.changes import Change
from stripe_mirror.models.credit_notes import CreditNote, CreditNoteLineItem
from stripe_mirror.models.customers import Customer, CustomerBalanceTransaction, CustomerLink, PaymentMethod, TaxId
from stripe_mirror.models.discounts import Coupon, Discount, PromotionCode
from stripe_mirror.models.exports import Export, ExportRecord, SavedExport
from stripe_mirror.models.figures import (
    FigureProgress,
    MoneyDay,
    MrrDay,
    MrrMovement,
    StandingFigures,
    SubscriptionAmount,
)
from stripe_mirror.models.health import EventGap, HealthReport, ReceiverAddress, WorkerProcess
from stripe_mirror.models.imports import Import, ImportPart, ImportRow
from stripe_mirror.models.inbox import EventAction, InboxEvent
from stripe_mirror.models.invoices import Invoice, InvoiceItem, InvoiceLineItem, InvoicePayment
from stripe_mirror.models.limits import OperationLimit
from stripe_mirror.models.notes import Note, NoteRevision
from stripe_mirror.models.payments import Charge, CheckoutSession, PaymentIntent, Refund, SetupIntent
from stripe_mirror.models.preferences import Preferences
from stripe_mirror.models.pushes import Approval, Job, JobAction, Push
from stripe_mirror.models.reconcile import Difference, ReconcileState
from stripe_mirror.models.subscriptions import Subscription, SubscriptionItem, SubscriptionSchedule
from stripe_mirror.models.sync import CallBudget, Confirmation, MirroredAccount, Refresh, SyncPart, SyncRun
from stripe_mirror.models.views import SavedView

__all__ = [
    "Approval",
    "BalanceTransaction",
    "CallBudget",
    "Change",
    "Charge",
    "CheckoutSession",
    "Confirmation",
    "Coupon",
    "CreditNote",
    "CreditNoteLineItem",
    "Customer",
    "CustomerBalanceTransaction",
    "CustomerLink",
    "Difference",
    "Discount",
    "Dispute",
    "EventAction",
    "EventGap",
    "Export",
    "ExportRecord",
    "FigureProgress",
    "HealthReport",
    "Import",
    "ImportPart",
    "ImportRow",
    "InboxEvent",
    "Invoice",
    "InvoiceItem",
    "InvoiceLineItem",
    "InvoicePayment",
    "Job",
    "JobAction",
    "MirroredAccount",
    "MoneyDay",
    "MrrDay",
    "MrrMovement",
    "Note",
    "NoteRevision",
    "OperationLimit",
    "PaymentIntent",
    "PaymentMethod",
    "Payout",
    "Preferences",
    "Price",
    "Product",
    "PromotionCode",
    "Push",
    "ReceiverAddress",
    "ReconcileState",
    "Refresh",
    "Refund",
    "SavedExport",
    "SavedView",
    "SetupIntent",
    "StandingFigures",
    "StripeObject",
    "Subscription",
    "SubscriptionAmount",
    "SubscriptionItem",
    "SubscriptionSchedule",
    "SyncPart",
    "SyncRun",
    "TaxId",
    "TaxRate",
    "WorkerProcess",
]
