"""Editing an invoice: nearly all of a draft, and what Stripe still takes of an open one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import PaymentMethod, Push, StripeObject
from stripe_mirror.push import state
from stripe_mirror.push.choices import ObjectField, payment_method_name, payment_methods
from stripe_mirror.push.customer_forms import text
from stripe_mirror.push.editing import EditForm, EditOperation
from stripe_mirror.push.effects import Effects
from stripe_mirror.push.importable import Importable
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
from stripe_mirror.push.wording import Words

COLLECTION = {
    AUTOMATIC: gettext_lazy("Charge the customer automatically"),
    BY_INVOICE: gettext_lazy("Send it to the customer to pay"),
}
# Fixed by finalizing: https://docs.stripe.com/api/invoices/update.
DRAFT_ONLY = ("collection_method", "due_date")


class EditInvoiceForm(MomentForm, EditForm):
    """What doesn't change the amounts."""

    description = text(
        gettext_lazy("Memo"),
        1500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Stands on the invoice."),
    )
    footer = text(gettext_lazy("Footer"), 5000, widget=forms.Textarea(attrs={"rows": 2}))
    collection_method = forms.ChoiceField(label=gettext_lazy("How it is paid"), choices=list(COLLECTION.items()))
    due_date = MomentField(
        label=gettext_lazy("Due"), required=False, help_text=gettext_lazy("Only where the customer pays by itself.")
    )
    default_payment_method = ObjectField(
        label=gettext_lazy("Payment method"),
        refusal=gettext_lazy("This payment method isn't the customer's, or was detached."),
    )
    auto_advance = forms.BooleanField(
        label=gettext_lazy("Automatic collection"),
        required=False,
        help_text=gettext_lazy(
            "Stripe goes on by itself: it finalizes the draft, charges and retries, or sends and reminds."
        ),
    )
    metadata = MetadataField(label=gettext_lazy("Metadata"), required=False)

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
            nothing = _("The subscription's, or the customer's own")
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
            self.add_error("due_date", _("Write until when the customer is to pay."))
        return cleaned


@register
class EditInvoice(EditOperation):
    """https://docs.stripe.com/api/invoices/update"""

    name = "edit_invoice"
    label = gettext_lazy("Edit invoice")
    short_description = gettext_lazy(
        "Change memo, footer, how and until when it is paid. Only what you change is sent."
    )
    object_type = "invoice"
    form_class = EditInvoiceForm
    importable = Importable(by_row=None)
    refused: ClassVar[Mapping[str, Words]] = {
        PAID: gettext_lazy("This invoice is paid. Stripe doesn't change it any more."),
        UNCOLLECTIBLE: gettext_lazy("This invoice was written off. It can only be paid or voided."),
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

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What the customer is asked to pay."""
        due, currency = row.data.get("amount_due"), state.text(row.data.get("currency"))
        return ((due, currency),) if isinstance(due, int) and currency else ()

    def in_words(self, name: str, value: Any) -> Any:
        """As the summary says it."""
        if name == "due_date":
            return moment_words(value) if value else ""
        if name == "auto_advance":
            return _("on") if value else _("off")
        if name == "default_payment_method":
            return method_words(value) if value else ""
        return super().in_words(name, value)

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What follows by itself; no money moves."""
        changed = self.differing(row, cleaned)
        follows = []
        if changed.get("collection_method") == AUTOMATIC:
            follows.append(_("An invoice that is charged automatically has no due date."))
        if "auto_advance" in changed:
            follows.append(_automatic_words(row, changed["auto_advance"]))
        if status_of(row) == OPEN and {"description", "footer"} & set(changed):
            follows.append(_("The customer sees it online at once; Stripe sends no e-mail about it."))
        return Effects(follows=tuple(follows))

    def old_values(self, push: Push) -> dict[str, Any]:
        """Also what isn't a text."""
        values = super().old_values(push)
        return values | {name: push.before.get(name) for name in ("due_date", "auto_advance") if name in values}


def _automatic_words(row: StripeObject, on: bool) -> str:
    if not on:
        return _("Stripe stops: nothing is charged, sent or reminded until somebody does it.")
    if status_of(row) == DRAFT:
        return _("Stripe finalizes the draft by itself in about an hour, then charges the customer or sends it.")
    return _("Stripe goes on by itself: it charges the customer, or sends reminders.")
