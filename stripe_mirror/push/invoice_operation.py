"""What operations on invoices have in common. Which status allows what:
https://docs.stripe.com/invoicing/integration/workflow-transitions
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy

from stripe_mirror.models import StripeObject
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.invoice_facts import amount_of, status_of, why_not_in
from stripe_mirror.push.operation import Call, Operation, OperationForm
from stripe_mirror.push.refund_history import currency_of
from stripe_mirror.push.wording import Words

FINALIZE_FIRST = gettext_lazy("This invoice is a draft. Finalize it first.")
IS_VOID = gettext_lazy("This invoice is void: nothing is asked for any more.")


class InvoiceOperation(Operation):
    """One call to an invoice's own address, judged by the status that it ends in."""

    object_type = "invoice"
    form_class: ClassVar[type[OperationForm]] = OperationForm
    # They replace each other: a late first execution of one must not follow another.
    topic = "status of an invoice"
    # The last part of the address.
    verb: ClassVar[str]
    # Status → why Stripe refuses it there.
    refused: ClassVar[Mapping[str, Words]]
    # The statuses that show that it happened.
    leads_to: ClassVar[frozenset[str]] = frozenset()

    def why_not(self, row: StripeObject) -> str:
        """By the status, and what the operation knows beside it."""
        return why_not_in(row, self.refused) or self.why_not_here(row)

    def why_not_at_a_glance(self, row: StripeObject) -> str:
        """By the status."""
        return why_not_in(row, self.refused)

    def why_not_here(self, row: StripeObject) -> str:
        """What forbids it in a status that allows it, by what is mirrored."""
        return ""

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """Without parameters."""
        return Call("post", f"/v1/invoices/{row.pk}/{self.verb}", {})

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Status and sums."""
        return {name: row.data.get(name) for name in ("status", "amount_due", "amount_paid", "amount_remaining")}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Calls without parameters can't be compared with the object."""
        return status_of(row) in self.leads_to

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What is left to pay."""
        return [(amount_of(row, "amount_remaining"), currency_of(row))]

    def remaining(self, row: StripeObject, words: str) -> tuple[Amount, ...]:
        """What is left to pay, as an effect."""
        return (Amount(words, amount_of(row, "amount_remaining"), currency_of(row)),)
