"""What to do about an invoice that is wrong: the legal way from its status, its payments and what is wrong with it.

Pure: it knows Stripe's table (https://docs.stripe.com/invoicing/integration/workflow-transitions) and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.push import invoice_fix_steps as steps
from stripe_mirror.push.invoice_facts import (
    DELETED,
    DRAFT,
    OPEN,
    PAID,
    PAYABLE,
    UNCOLLECTIBLE,
    VOID,
    InvoiceFacts,
)
from stripe_mirror.push.invoice_fix_steps import CHARGE, CUSTOMER, INVOICE, NEW_INVOICE, FixStep, Way
from stripe_mirror.push.invoice_issuing import OFF


class Problem(TextChoices):
    """What staff can say is wrong."""

    WRONG_AMOUNT = "wrong_amount", gettext_lazy("The amount is wrong")
    WRONG_DETAILS = "wrong_details", gettext_lazy("The customer's name, address or tax id is wrong")
    SHOULD_NOT_EXIST = "should_not_exist", gettext_lazy("It should not exist")
    PAID_ELSEWHERE = "paid_elsewhere", gettext_lazy("It was paid outside of Stripe")
    WILL_NOT_BE_PAID = "will_not_be_paid", gettext_lazy("It will never be paid")
    CHARGED_BY_MISTAKE = "charged_by_mistake", gettext_lazy("The customer was charged by mistake")


# Nothing is asked for any more, and nothing can be done to it.
GONE = {
    VOID: gettext_lazy("It is void: nothing is asked for, as if it had never been. It stays on record."),
    DELETED: gettext_lazy("This draft was deleted: nothing is asked for."),
}
# Each status that this knows.
KNOWN = (DRAFT, OPEN, PAID, UNCOLLECTIBLE, *GONE)


@dataclass(frozen=True)
class Advice:
    """The ways there are, or why there is nothing to do, or nothing that can be done."""

    ways: tuple[Way, ...] = ()
    nothing: str = ""


def advise(facts: InvoiceFacts, problem: Problem) -> Advice:
    """The legal way for this problem of this invoice."""
    if facts.status not in KNOWN:
        return Advice(
            nothing=_("Stripe says this invoice is “%(status)s”, which isn't known here. Look in Stripe.")
            % {"status": facts.status}
        )
    if facts.processing:
        return Advice(
            nothing=_(
                "A payment of this invoice is being processed. Until it has arrived or failed "
                "Stripe refuses any change; come back then."
            )
        )
    return _ADVISERS[problem](facts)


def _wrong_amount(facts: InvoiceFacts) -> Advice:
    if facts.status == DRAFT:
        return _wrong_draft(facts)
    if facts.status in GONE:
        anew = steps.create(_("It asks for nothing any more. Make one with the right amount."), again=True)
        return Advice((Way((anew,)),))
    more = Way(
        (steps.create(_("Nothing can be added to a finalized invoice: bill what is missing with another one.")),),
        when=_("If it is too little"),
        also=steps.next_time(facts),
    )
    if facts.creditable == 0:
        return Advice((more,))
    less = Way(
        (steps.credit(facts, _("A finalized invoice is lowered by a credit note.")),),
        _("If it is too much"),
        steps.next_time(facts),
    )
    if facts.status in PAYABLE and not facts.paid:
        again = steps.create(_("Make it anew, with the right lines."), again=True)
        return Advice((less, more, Way((steps.void(facts), again), _("If the lines are wrong"))))
    return Advice((less, more))


def _wrong_draft(facts: InvoiceFacts) -> Advice:
    if not facts.subscription:
        anew = steps.create(_("Make it anew, with the right lines."), again=True)
        return Advice((Way((steps.delete(), anew)),))
    collect = FixStep(
        "pay_invoice",
        INVOICE,
        _("Collect what is left, or send it instead."),
        _("At most %(amount)s.") % {"amount": steps.money(facts, facts.remaining)},
    )
    more = Way(
        (steps.create(_("Bill what is missing with another invoice.")),),
        _("If it is too little"),
        steps.next_time(facts),
    )
    if facts.creditable == 0:
        return Advice((more,))
    first = steps.finalize(_("The draft of a subscription can't be deleted: finalize it without collecting."))
    # Nothing is left to collect where the customer's credit pays it.
    after = (collect,) if facts.remaining else ()
    less = Way((first, steps.credit_later(), *after), _("If it is too much"), steps.next_time(facts))
    return Advice((less, more))


def _wrong_details(facts: InvoiceFacts) -> Advice:
    customer = FixStep(
        "edit_customer", CUSTOMER, _("Correct the customer: an invoice takes the details over when it is finalized.")
    )
    again = steps.create(_("Make the invoice again, with the same lines: it takes over the right details."), again=True)
    if facts.status == DRAFT:
        return _corrected(customer)
    if facts.status in GONE:
        return _corrected(customer, again)
    if facts.status in PAYABLE and not facts.paid:
        return _corrected(customer, steps.void(facts), again)
    if facts.creditable == 0:
        return _corrected(customer)
    words = _("The details of a finalized invoice are fixed. Credit all of it; what was paid becomes credit.")
    finalize = FixStep(
        "finalize_invoice",
        NEW_INVOICE,
        _("Finalize it: the credit pays it, as long as no other invoice has used it."),
        _("The customer's credit is used up again; nothing is charged for what was paid before."),
        {"collecting": OFF},
    )
    return _corrected(customer, steps.credit_all(facts, words, refund=False), again, finalize)


def _corrected(*one: FixStep) -> Advice:
    """A tax id is no part of what is edited of a customer."""
    words = _("Where the tax id is wrong: add the right one. The wrong one is removed on its own page.")
    return Advice((Way(one, also=(FixStep("add_tax_id", CUSTOMER, words),)),))


def _should_not_exist(facts: InvoiceFacts) -> Advice:
    if facts.status in GONE:
        return Advice(nothing=str(GONE[facts.status]))
    also = steps.end(facts)
    if facts.status == DRAFT:
        if not facts.subscription:
            return Advice((Way((steps.delete(),)),))
        if facts.remaining <= 0:
            return _settled_by_itself(facts)
        first = steps.finalize(
            _("The draft of a subscription can't be deleted: finalize it without collecting, then void it.")
        )
        return Advice((Way((first, steps.void(facts)), also=also),))
    if facts.status in PAYABLE and not facts.paid:
        return Advice((Way((steps.void(facts),), also=also),))
    if facts.creditable == 0:
        return Advice(nothing=steps.all_credited(facts))
    return Advice((Way((steps.credit_all(facts, _("What was paid can't be voided: credit all of it.")),), also=also),))


def _settled_by_itself(facts: InvoiceFacts) -> Advice:
    """A subscription's draft of which nothing is due: finalizing makes it paid, so that it can't be voided."""
    if facts.creditable == 0:
        return Advice(nothing=_("It asks for nothing: finalized, it is paid at once, without a payment."))
    first = steps.finalize(_("The draft of a subscription can't be deleted. Finalized, it is paid from the credit."))
    back = steps.credit_all(facts, _("Then credit all of it: the customer has the credit again."), refund=False)
    return Advice((Way((first, back), also=steps.end(facts)),))


def _paid_elsewhere(facts: InvoiceFacts) -> Advice:
    mark = FixStep(
        "mark_invoice_paid",
        INVOICE,
        _("Note that it was paid elsewhere: it is settled, and Stripe collects no more."),
        _("%(amount)s count as paid outside of Stripe; nothing is charged.")
        % {"amount": steps.money(facts, facts.remaining)},
    )
    if facts.status in PAYABLE:
        return Advice((Way((mark,)),))
    if facts.status == DRAFT:
        if facts.remaining <= 0:
            return Advice(nothing=_("Nothing is due on it: finalized, it is paid at once, without a payment."))
        return Advice(
            (Way((steps.finalize(_("Only a finalized invoice can be paid: finalize it without collecting.")), mark)),)
        )
    if facts.status in GONE:
        again = (
            steps.create(_("It can't be paid any more. Make another one for this payment."), again=True),
            steps.finalize(_("Finalize it without collecting."), on=NEW_INVOICE),
            FixStep(
                mark.operation, NEW_INVOICE, mark.why, _("It counts as paid outside of Stripe; nothing is charged.")
            ),
        )
        return Advice((Way(again),))
    if not facts.paid:
        return Advice(nothing=_("It is paid already, and not by a payment through Stripe: there is nothing to note."))
    return _paid_twice(facts)


def _paid_twice(facts: InvoiceFacts) -> Advice:
    """The invoice is right, and one of its two payments too much."""
    keep = FixStep(
        "adjust_customer_balance",
        CUSTOMER,
        _("Keep the second payment as credit: the next invoices use it."),
        _("%(amount)s are credited; nothing is paid out.") % {"amount": steps.money(facts, facts.paid)},
    )
    if facts.refundable == 0:
        return Advice((Way((keep,)),))
    most = facts.paid if facts.refundable is None else facts.refundable
    back = FixStep(
        "refund_charge",
        CHARGE,
        _("It was paid twice. Give the payment through Stripe back; the invoice stays paid, by the other one."),
        _("%(amount)s go back to the customer; Stripe's fee isn't returned.") % {"amount": steps.money(facts, most)},
    )
    return Advice((Way((back,), _("To give it back")), Way((keep,), _("To keep it for the next invoices"))))


def _will_not_be_paid(facts: InvoiceFacts) -> Advice:
    written_off = FixStep(
        "mark_invoice_uncollectible",
        INVOICE,
        _("A bad debt is written off: it stays owed and on record, and can still be paid."),
        _("%(amount)s are not expected any more; nothing is refunded.")
        % {"amount": steps.money(facts, facts.remaining)},
    )
    if facts.status == PAID:
        return Advice(nothing=_("It is paid. Where its payment is disputed, answer the dispute."))
    if facts.status == UNCOLLECTIBLE:
        return Advice(nothing=_("It is written off already. It can still be paid, or voided."))
    if facts.status in GONE:
        return Advice(nothing=str(GONE[facts.status]))
    also = steps.end(facts)
    if facts.status == DRAFT:
        if not facts.subscription:
            return Advice((Way((steps.delete(),)),))
        if facts.remaining <= 0:
            return _settled_by_itself(facts)
        first = steps.finalize(_("The draft of a subscription can't be deleted: finalize it without collecting."))
        return Advice((Way((first, written_off), also=also),))
    given_up = steps.forgive(facts) if facts.paid else steps.void(facts)
    return Advice(
        (
            Way((written_off,), _("If it is owed all the same"), also),
            Way((given_up,), _("If you no longer ask for it"), also),
        )
    )


def _charged_by_mistake(facts: InvoiceFacts) -> Advice:
    if facts.status in GONE:
        return Advice(nothing=str(GONE[facts.status]))
    if facts.status == DRAFT or (facts.status in PAYABLE and not facts.paid):
        # Nothing was charged yet: so that nothing will be.
        return _should_not_exist(facts)
    if facts.creditable == 0:
        return Advice(nothing=steps.all_credited(facts))
    if facts.paid and facts.refundable == 0 and facts.why_not_refundable:
        return Advice(
            nothing=_("The money can't be given back by a refund. %(why_not_refundable)s")
            % {"why_not_refundable": facts.why_not_refundable}
        )
    words = _("A credit note gives the money back and lowers the invoice; a refund alone would leave it as it is.")
    return Advice((Way((steps.credit_all(facts, words),), also=steps.end(facts)),))


_ADVISERS: dict[Problem, Callable[[InvoiceFacts], Advice]] = {
    Problem.WRONG_AMOUNT: _wrong_amount,
    Problem.WRONG_DETAILS: _wrong_details,
    Problem.SHOULD_NOT_EXIST: _should_not_exist,
    Problem.PAID_ELSEWHERE: _paid_elsewhere,
    Problem.WILL_NOT_BE_PAID: _will_not_be_paid,
    Problem.CHARGED_BY_MISTAKE: _charged_by_mistake,
}
