"""The ways to give an invoice up: void it, write it off, delete its draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

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


@register
class VoidInvoice(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/void"""

    name = "void_invoice"
    label = "Void invoice"
    short_description = "Take the invoice back, as if it had never been; it stays on record."
    bulk = True
    needs_reason = True
    danger = True
    final_warning = "A void invoice stays void: it can't be paid, and can't be opened again."
    verb = "void"
    refused: ClassVar[Mapping[str, str]] = {
        DRAFT: "This invoice is a draft. Delete it; only finalized invoices are voided.",
        PAID: "This invoice is paid, and Stripe doesn't void what was paid. Issue a credit note instead.",
        VOID: "This invoice is void already.",
    }
    leads_to = frozenset({VOID})

    def why_not_here(self, row: StripeObject) -> str:
        """Stripe: invoices with `paid` payments cannot be voided."""
        if has_payment(row):
            return "A part of this invoice is paid, so Stripe doesn't void it. Issue a credit note instead."
        return ""

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is given up."""
        return [f"{name_of(row)} becomes void: {money_of(row, 'amount_remaining')} are no longer asked for."]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What isn't asked for, and what goes back to the balance."""
        currency = currency_of(row)
        money = self.remaining(row, "No longer asked for")
        if returned := amount_of(row, "ending_balance") - amount_of(row, "starting_balance"):
            words = "Goes back to the customer's credit" if returned > 0 else "Owed on the customer's balance again"
            money += (Amount(words, abs(returned), currency),)
        follows = ("The payment that it waited for is cancelled.", *subscription_words(row))
        return Effects(money=money, follows=follows, final=self.final_warning)


def subscription_words(row: StripeObject) -> tuple[str, ...]:
    """What becomes of the subscription when nothing of its invoice is asked for any more."""
    if not subscription_of(row):
        return ("What stands on it isn't billed again.",)
    goes_on = "The subscription isn't cancelled: it bills again, but not what stands on this invoice."
    if waiting_subscription(row):
        return (goes_on, "As nothing is owed for its latest invoice, Stripe makes it active again.")
    return (goes_on,)


@register
class MarkInvoiceUncollectible(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/mark_uncollectible"""

    name = "mark_invoice_uncollectible"
    label = "Mark uncollectible"
    short_description = "Write the invoice off as a bad debt; it can still be paid or voided."
    bulk = True
    needs_reason = True
    danger = True
    final_warning = "It can't become open again; it can still be paid, or voided."
    verb = "mark_uncollectible"
    refused: ClassVar[Mapping[str, str]] = {
        DRAFT: FINALIZE_FIRST,
        PAID: "This invoice is paid: there is no debt to write off.",
        UNCOLLECTIBLE: "This invoice has been marked uncollectible already.",
        VOID: IS_VOID,
    }
    leads_to = frozenset({UNCOLLECTIBLE})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is given up."""
        return [f"{name_of(row)} is written off: {money_of(row, 'amount_remaining')} are not expected any more."]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """The debt, and that nothing is collected by itself."""
        follows = ["Stripe stops collecting it by itself." if is_automatic(row) else "Stripe sends no more reminders."]
        follows.append("The customer gets no e-mail about it, and can still pay it.")
        return Effects(
            money=self.remaining(row, "Written off"),
            follows=(*follows, *(subscription_words(row) if subscription_of(row) else ())),
            final=self.final_warning,
        )


@register
class DeleteDraftInvoice(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/delete"""

    name = "delete_draft_invoice"
    label = "Delete draft"
    short_description = "Delete an invoice that was never finalized."
    bulk = True
    needs_reason = True
    danger = True
    final_warning = "A deleted draft can't be restored, and what stands on it is deleted with it."
    verb = ""
    refused: ClassVar[Mapping[str, str]] = {
        OPEN: "This invoice is finalized: it can be voided, but not deleted.",
        PAID: "This invoice is paid: it stays on record. To give money back, issue a credit note.",
        UNCOLLECTIBLE: "This invoice is finalized: it can be voided, but not deleted.",
        VOID: "This invoice is void: it stays on record.",
    }

    def why_not_here(self, row: StripeObject) -> str:
        """A subscription's drafts stay."""
        if subscription_of(row):
            return "Stripe doesn't delete the drafts of a subscription. Finalize it without collecting, then void it."
        return ""

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """A DELETE."""
        return Call("delete", f"/v1/invoices/{row.pk}", {})

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """A DELETE has no idempotency key: only the tombstone tells."""
        return bool(row.deleted_at)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is lost."""
        return [f"The draft over {money_of(row, 'total')} is deleted."]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What was swept up isn't billed by another invoice."""
        items = InvoiceItem.objects.alive().filter(invoice=row.pk).count() if row.pk else 0
        follows = ["The customer has seen nothing of it, and nothing is charged."]
        if items:
            lost = "The one item" if items == 1 else f"The {items} items"
            follows.append(
                f"{lost} on it won't wait for another invoice: what is still to be billed must be added anew."
            )
        money = (Amount("No longer billed", amount_of(row, "total"), currency_of(row)),)
        return Effects(money=money, follows=tuple(follows), final=self.final_warning)

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What stands on it."""
        return [(amount_of(row, "total"), currency_of(row))]
