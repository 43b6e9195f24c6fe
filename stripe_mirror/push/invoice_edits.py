"""Editing an invoice: nearly all of a draft, and what Stripe still takes of an open one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms

from stripe_mirror.models import PaymentMethod, Push, StripeObject
from stripe_mirror.push.choices import ObjectField, payment_method_name, payment_methods
from stripe_mirror.push.customer_forms import text
from stripe_mirror.push.editing import EditForm, EditOperation
from stripe_mirror.push.effects import Effects
from stripe_mirror.push.invoice_facts import (
    AUTOMATIC,
    BY_INVOICE,
    DRAFT,
    OPEN,
    PAID,
    UNCOLLECTIBLE,
    VOID,
    customer_of,
    status_of,
    why_not_in,
)
from stripe_mirror.push.invoice_operation import IS_VOID
from stripe_mirror.push.invoice_payment import method_words
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.moments import MomentField, MomentForm, moment_words
from stripe_mirror.push.operation import register

COLLECTION = {AUTOMATIC: "Charge the customer automatically", BY_INVOICE: "Send it to the customer to pay"}
# Fixed by finalizing: https://docs.stripe.com/api/invoices/update.
DRAFT_ONLY = ("collection_method", "due_date")


class EditInvoiceForm(MomentForm, EditForm):
    """What doesn't change the amounts."""

    description = text("Memo", 1500, widget=forms.Textarea(attrs={"rows": 2}), help_text="Stands on the invoice.")
    footer = text("Footer", 5000, widget=forms.Textarea(attrs={"rows": 2}))
    collection_method = forms.ChoiceField(label="How it is paid", choices=list(COLLECTION.items()))
    due_date = MomentField(label="Due", required=False, help_text="Only where the customer pays by itself.")
    default_payment_method = ObjectField(
        label="Payment method", refusal="This payment method isn't the customer's, or was detached."
    )
    auto_advance = forms.BooleanField(
        label="Automatic collection",
        required=False,
        help_text="Stripe goes on by itself: it finalizes the draft, charges and retries, or sends and reminds.",
    )
    metadata = MetadataField(label="Metadata", required=False)

    def prepare(self) -> None:
        """What Stripe takes in this status, and what is attached to the customer."""
        if status_of(self.row) != DRAFT:
            for name in DRAFT_ONLY:
                del self.fields[name]
        else:
            self.keep_choice("collection_method")
        field, customer = self.fields["default_payment_method"], customer_of(self.row)
        if isinstance(field, ObjectField):
            rows = payment_methods(customer) if customer else PaymentMethod.objects.none()
            nothing = "The subscription's, or the customer's own"
            kept = str(self.initial.get("default_payment_method") or "")
            field.offer(rows, name=payment_method_name, nothing=nothing, kept=kept)

    def clean(self) -> dict[str, Any]:
        """A due date goes with one way to be paid."""
        cleaned = super().clean()
        if cleaned.get("collection_method") == AUTOMATIC:
            # Stripe takes none here, and drops the present one.
            cleaned["due_date"] = self.initial.get("due_date")
            self.errors.pop("due_date", None)
        elif "due_date" in cleaned and cleaned["due_date"] is None:
            self.add_error("due_date", "Write until when the customer is to pay.")
        return cleaned


@register
class EditInvoice(EditOperation):
    """https://docs.stripe.com/api/invoices/update"""

    name = "edit_invoice"
    label = "Edit invoice"
    short_description = "Change memo, footer, how and until when it is paid. Only what you change is sent."
    object_type = "invoice"
    form_class = EditInvoiceForm
    refused: ClassVar[Mapping[str, str]] = {
        PAID: "This invoice is paid. Stripe doesn't change it any more.",
        UNCOLLECTIBLE: "This invoice was written off. It can only be paid or voided.",
        VOID: IS_VOID,
    }

    def why_not(self, row: StripeObject) -> str:
        """Drafts, and a little of open ones."""
        return why_not_in(row, self.refused)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The present values of what can be changed in this status."""
        due = row.data.get("due_date")
        own = {"due_date": due if isinstance(due, int) else None, "auto_advance": row.data.get("auto_advance") is True}
        fixed = () if status_of(row) == DRAFT else DRAFT_ONLY
        return {name: value for name, value in {**super().initial(row), **own}.items() if name not in fixed}

    def in_words(self, name: str, value: Any) -> Any:
        """As the summary says it."""
        if name == "due_date":
            return moment_words(value) if value else ""
        if name == "auto_advance":
            return "on" if value else "off"
        if name == "default_payment_method":
            return method_words(value) if value else ""
        return super().in_words(name, value)

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What follows by itself; no money moves."""
        changed = self.differing(row, cleaned)
        follows = []
        if changed.get("collection_method") == AUTOMATIC:
            follows.append("An invoice that is charged automatically has no due date.")
        if "auto_advance" in changed:
            follows.append(_automatic_words(row, changed["auto_advance"]))
        if status_of(row) == OPEN and {"description", "footer"} & set(changed):
            follows.append("The customer sees it online at once; Stripe sends no e-mail about it.")
        return Effects(follows=tuple(follows))

    def old_values(self, push: Push) -> dict[str, Any]:
        """Also what isn't a text."""
        values = super().old_values(push)
        return values | {name: push.before.get(name) for name in ("due_date", "auto_advance") if name in values}


def _automatic_words(row: StripeObject, on: bool) -> str:
    if not on:
        return "Stripe stops: nothing is charged, sent or reminded until somebody does it."
    if status_of(row) == DRAFT:
        return "Stripe finalizes the draft by itself in about an hour, then charges the customer or sends it."
    return "Stripe goes on by itself: it charges the customer, or sends reminders."
