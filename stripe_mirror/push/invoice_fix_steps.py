"""The steps by which an invoice is put right: one operation each, why it is the one, and what it does to the money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.money import format_money
from stripe_mirror.push.credit_note_forms import AMOUNT
from stripe_mirror.push.invoice_facts import InvoiceFacts
from stripe_mirror.push.invoice_issuing import OFF
from stripe_mirror.push.wording import Words

INVOICE, NEW_INVOICE, CUSTOMER, SUBSCRIPTION, CHARGE = "invoice", "new_invoice", "customer", "subscription", "charge"
NO_MONEY = gettext_lazy("No money moves.")


@dataclass(frozen=True)
class FixStep:
    """One operation, on the invoice or something near it; why it is the one, and what it does to the money."""

    operation: str
    on: str
    why: str
    money: Words = NO_MONEY
    # What its form begins with.
    values: Mapping[str, Any] = field(default_factory=dict)
    # Its form begins with what stands on this invoice.
    again: bool = False


@dataclass(frozen=True)
class Way:
    """Steps in their order. `when` tells ways apart where there are several; `also` may be needed beside them."""

    steps: tuple[FixStep, ...]
    when: str = ""
    also: tuple[FixStep, ...] = ()


def money(facts: InvoiceFacts, amount: int) -> str:
    return format_money(amount, facts.currency)


def create(why: str, *, again: bool = False) -> FixStep:
    money = _("Nothing is charged until the new draft is finalized.")
    return FixStep("create_invoice", CUSTOMER, why, money, again=again)


def delete() -> FixStep:
    why = _("A draft is no invoice yet: it is deleted, with all that stands on it.")
    return FixStep("delete_draft_invoice", INVOICE, why, _("Nothing was charged."))


def finalize(why: str, *, on: str = INVOICE) -> FixStep:
    money = _("Nothing is charged, if you choose that nothing happens by itself.")
    return FixStep("finalize_invoice", on, why, money, {"collecting": OFF})


def void(facts: InvoiceFacts) -> FixStep:
    why = _("Nothing of it was paid: void it. It stays on record, and can't be paid any more.")
    return FixStep(
        "void_invoice",
        INVOICE,
        why,
        _("%(amount)s are no longer asked for.") % {"amount": money(facts, facts.remaining)},
    )


def credit_later() -> FixStep:
    why = _("Take off by a credit note what is too much, before it is collected.")
    return FixStep("create_credit_note", INVOICE, why, _("Less is asked for; nothing was paid yet."))


def credit(facts: InvoiceFacts, why: str) -> FixStep:
    """Part of it, by what somebody writes."""
    return FixStep("create_credit_note", INVOICE, why, " ".join(_credit_words(facts)))


def credit_all(facts: InvoiceFacts, why: str, *, refund: bool = True) -> FixStep:
    """All of it: first what is left to pay, then what was paid, as a refund as far as there can be one."""
    paid_back = max(0, facts.creditable - facts.remaining)
    refunded = min(paid_back, paid_back if facts.refundable is None else facts.refundable) if refund else 0
    split = {"refund_amount": refunded, "credit_amount": paid_back - refunded}
    values = {"by": AMOUNT, "amount": facts.creditable, **{name: amount for name, amount in split.items() if amount}}
    money = " ".join(_credit_words(facts))
    if not refund:
        money = _("%(amount)s are credited, nothing is refunded.") % {
            "amount": format_money(facts.creditable, facts.currency)
        }
    return FixStep("create_credit_note", INVOICE, why, money, values)


def forgive(facts: InvoiceFacts) -> FixStep:
    """What is left to pay, of what is partly paid."""
    money = _("%(amount)s are no longer asked for.") % {"amount": format_money(facts.remaining, facts.currency)}
    values = {"by": AMOUNT, "amount": facts.remaining}
    return FixStep("create_credit_note", INVOICE, _("Credit what is left to pay."), money, values)


def _credit_words(facts: InvoiceFacts) -> list[str]:
    """Of a credit note, what lowers the rest to pay, and in which ways the other can be given back."""
    words = [_("At most %(amount)s can be credited.") % {"amount": money(facts, facts.creditable)}]
    if facts.remaining:
        words.append(_("It first lowers what is left to pay (%(amount)s).") % {"amount": money(facts, facts.remaining)})
    if facts.paid and facts.refundable != 0:
        words.append(
            _(
                "What was paid goes back as a refund (at most %(amount)s), as credit for the next "
                "invoices, or outside of Stripe."
            )
            % {"amount": money(facts, facts.refundable)}
            if facts.refundable
            else _("What was paid goes back as a refund, as credit for the next invoices, or outside of Stripe.")
        )
    elif facts.remaining < facts.creditable:
        words.append(
            _("What was paid goes back as credit for the next invoices or outside of Stripe. %(why_not_refundable)s")
            % {"why_not_refundable": facts.why_not_refundable}
        )
    return [word.strip() for word in words]


def all_credited(facts: InvoiceFacts) -> str:
    if facts.total <= 0:
        return _("It asks for nothing: its total is not above zero.")
    return _("All of its %(amount)s were credited or refunded already.") % {"amount": money(facts, facts.total)}


def end(facts: InvoiceFacts) -> tuple[FixStep, ...]:
    """A subscription makes the next invoice, whatever becomes of this one."""
    why = _("Otherwise the subscription makes the next invoice, too.")
    return (
        (FixStep("cancel_subscription", SUBSCRIPTION, why, _("You choose what is credited.")),)
        if facts.subscription
        else ()
    )


def next_time(facts: InvoiceFacts) -> tuple[FixStep, ...]:
    why = _("Where the subscription itself is wrong, or the next invoice is wrong, too.")
    words = _("You see beforehand what is billed.")
    return (FixStep("change_subscription_plan", SUBSCRIPTION, why, words),) if facts.subscription else ()
