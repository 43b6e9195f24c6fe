"""The ways to give an invoice up: void it, write it off, delete its draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.models import InvoiceItem, StripeObject
from stripe_mirror.push.effects import Amount, Effects
from stripe_mirror.push.invoice_facts import (
    DRAFT,
    OPEN,
    PAID,
    UNCOLLECTIBLE,
    VOID,
    amount_of,
    has_payment,
    is_automatic,
    money_of,
    name_of,
    subscription_of,
    waiting_subscription,
)
from stripe_mirror.push.invoice_operation import FINALIZE_FIRST, IS_VOID, InvoiceOperation
from stripe_mirror.push.operation import Call, register
from stripe_mirror.push.refund_history import currency_of
from stripe_mirror.push.wording import Words


@register
class VoidInvoice(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/void"""

    name = "void_invoice"
    label = gettext_lazy("Void invoice")
    short_description = gettext_lazy("Take the invoice back, as if it had never been; it stays on record.")
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy("A void invoice stays void: it can't be paid, and can't be opened again.")
    verb = "void"
    refused: ClassVar[Mapping[str, Words]] = {
        DRAFT: gettext_lazy("This invoice is a draft. Delete it; only finalized invoices are voided."),
        PAID: gettext_lazy("This invoice is paid, and Stripe doesn't void what was paid. Issue a credit note instead."),
        VOID: gettext_lazy("This invoice is void already."),
    }
    leads_to = frozenset({VOID})

    def why_not_here(self, row: StripeObject) -> str:
        """Stripe: invoices with `paid` payments cannot be voided."""
        if has_payment(row):
            return _("A part of this invoice is paid, so Stripe doesn't void it. Issue a credit note instead.")
        return ""

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is given up."""
        return [
            _("%(invoice)s becomes void: %(amount)s are no longer asked for.")
            % {"invoice": name_of(row), "amount": money_of(row, "amount_remaining")}
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What isn't asked for, and what goes back to the balance."""
        currency = currency_of(row)
        money = self.remaining(row, _("No longer asked for"))
        if returned := amount_of(row, "ending_balance") - amount_of(row, "starting_balance"):
            words = (
                _("Goes back to the customer's credit") if returned > 0 else _("Owed on the customer's balance again")
            )
            money += (Amount(words, abs(returned), currency),)
        follows = (_("The payment that it waited for is cancelled."), *subscription_words(row))
        return Effects(money=money, follows=follows, final=self.final_warning)


def subscription_words(row: StripeObject) -> tuple[str, ...]:
    """What becomes of the subscription when nothing of its invoice is asked for any more."""
    if not subscription_of(row):
        return (_("What stands on it isn't billed again."),)
    goes_on = _("The subscription isn't cancelled: it bills again, but not what stands on this invoice.")
    if waiting_subscription(row):
        return (goes_on, _("As nothing is owed for its latest invoice, Stripe makes it active again."))
    return (goes_on,)


@register
class MarkInvoiceUncollectible(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/mark_uncollectible"""

    name = "mark_invoice_uncollectible"
    label = gettext_lazy("Mark uncollectible")
    short_description = gettext_lazy("Write the invoice off as a bad debt; it can still be paid or voided.")
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy("It can't become open again; it can still be paid, or voided.")
    verb = "mark_uncollectible"
    refused: ClassVar[Mapping[str, Words]] = {
        DRAFT: FINALIZE_FIRST,
        PAID: gettext_lazy("This invoice is paid: there is no debt to write off."),
        UNCOLLECTIBLE: gettext_lazy("This invoice has been marked uncollectible already."),
        VOID: IS_VOID,
    }
    leads_to = frozenset({UNCOLLECTIBLE})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is given up."""
        return [
            _("%(invoice)s is written off: %(amount)s are not expected any more.")
            % {"invoice": name_of(row), "amount": money_of(row, "amount_remaining")}
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """The debt, and that nothing is collected by itself."""
        follows = [
            _("Stripe stops collecting it by itself.") if is_automatic(row) else _("Stripe sends no more reminders.")
        ]
        follows.append(_("The customer gets no e-mail about it, and can still pay it."))
        return Effects(
            money=self.remaining(row, _("Written off")),
            follows=(*follows, *(subscription_words(row) if subscription_of(row) else ())),
            final=self.final_warning,
        )


@register
class DeleteDraftInvoice(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/delete"""

    name = "delete_draft_invoice"
    label = gettext_lazy("Delete draft")
    short_description = gettext_lazy("Delete an invoice that was never finalized.")
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy("A deleted draft can't be restored, and what stands on it is deleted with it.")
    verb = ""
    refused: ClassVar[Mapping[str, Words]] = {
        OPEN: gettext_lazy("This invoice is finalized: it can be voided, but not deleted."),
        PAID: gettext_lazy("This invoice is paid: it stays on record. To give money back, issue a credit note."),
        UNCOLLECTIBLE: gettext_lazy("This invoice is finalized: it can be voided, but not deleted."),
        VOID: gettext_lazy("This invoice is void: it stays on record."),
    }

    def why_not_here(self, row: StripeObject) -> str:
        """A subscription's drafts stay."""
        if subscription_of(row):
            return _(
                "Stripe doesn't delete the drafts of a subscription. Finalize it without collecting, then void it."
            )
        return ""

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """A DELETE."""
        return Call("delete", f"/v1/invoices/{row.pk}", {})

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """A DELETE has no idempotency key: only the tombstone tells."""
        return bool(row.deleted_at)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is lost."""
        return [_("The draft over %(amount)s is deleted.") % {"amount": money_of(row, "total")}]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What was swept up isn't billed by another invoice."""
        items = InvoiceItem.objects.alive().filter(invoice=row.pk).count() if row.pk else 0
        follows = [_("The customer has seen nothing of it, and nothing is charged.")]
        if items:
            lost = ngettext(
                "The one item on it won't wait for another invoice: what is still to be billed must be added anew.",
                "The %(items)s items on it won't wait for another invoice: what is still to be billed must be added "
                "anew.",
                items,
            )
            follows.append(lost % {"items": items})
        money = (Amount(_("No longer billed"), amount_of(row, "total"), currency_of(row)),)
        return Effects(money=money, follows=tuple(follows), final=self.final_warning)

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What stands on it."""
        return [(amount_of(row, "total"), currency_of(row))]
