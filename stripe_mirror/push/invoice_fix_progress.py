"""How far a fix of an invoice has come: which steps of its ways the log knows as done.

Nothing is stored for it. The log tells which state the invoice was in before each step, so that a way which was begun
then is found again, although another one would be advised for the invoice as it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push.invoice_creation import made_invoice
from stripe_mirror.push.invoice_facts import InvoiceFacts, facts_of, paid_by, payments_of
from stripe_mirror.push.invoice_fix_steps import CHARGE, CUSTOMER, INVOICE, NEW_INVOICE, SUBSCRIPTION, FixStep, Way
from stripe_mirror.push.invoice_fixes import Advice, Problem, advise

# A way that was begun is shown as such for so long; what was done to the customer alone, which may have had another
# reason, for less.
BEGUN_FOR = timedelta(days=7)
BESIDE_FOR = timedelta(days=1)
# What an invoice takes over from its customer, by the names of the customer's own parameters.
DETAILS = frozenset({"name", "business_name", "individual_name", "email", "phone", "address", "shipping", "tax_exempt"})
STATES = (Push.State.DONE, Push.State.SENDING, Push.State.UNKNOWN)
LONGEST_LOG = 200


@dataclass(frozen=True)
class Surroundings:
    """An invoice with the ids of what the steps are done to, and what was done to these lately, oldest first."""

    facts: InvoiceFacts
    ids: Mapping[str, frozenset[str]]
    log: Sequence[Push] = ()


@dataclass(frozen=True)
class Tracked:
    """A way with the push by which each step was done; None where it wasn't."""

    way: Way
    done: tuple[Push | None, ...]

    @property
    def is_begun(self) -> bool:
        """Whether a step was done to the invoice itself, or to its payment."""
        return any(push and step.on in (INVOICE, CHARGE) for step, push in zip(self.way.steps, self.done, strict=True))

    @property
    def next(self) -> int | None:
        """The place of the first step that is to be done, of those that can't be left out; None where none is."""
        open_steps = (n for n, push in enumerate(self.done) if push is None and not may_be_left_out(self.way.steps[n]))
        return next(open_steps, None)

    @property
    def new_invoice(self) -> str:
        """The id of the invoice that was made on the way; "" while there is none."""
        pairs = zip(self.way.steps, self.done, strict=True)
        made = (made_invoice(push, {}) for step, push in pairs if push and step.operation == "create_invoice")
        return next(made, "")


def may_be_left_out(step: FixStep) -> bool:
    """The customer may have been corrected elsewhere, by itself for example."""
    return step.operation == "edit_customer"


@dataclass(frozen=True)
class Progress:
    """The ways that were begun, those that there are now, and the sentence where there is none."""

    begun: tuple[Tracked, ...]
    open: tuple[Tracked, ...]
    nothing: str


def progress(row: StripeObject, problem: Problem) -> Progress:
    """What was done of a problem's ways and what is to be done."""
    return progress_of(surroundings(row), problem)


def progress_of(around: Surroundings, problem: Problem) -> Progress:
    """Pure: by the log that is given."""
    begun: dict[tuple[tuple[str, str], ...], Tracked] = {}
    for facts in starts(around):
        for tracked in _tracked(advise(facts, problem), around, around.log):
            if tracked.is_begun:
                begun.setdefault(_key(tracked.way), tracked)
    kept = [one for one in begun.values() if not any(_is_end_of(one, other) for other in begun.values())]
    advice = advise(around.facts, problem)
    since = timezone.now() - BESIDE_FOR
    now = _tracked(advice, around, [push for push in around.log if push.created_at >= since])
    left = [one for one in now if not any(set(_key(one.way)) <= set(_key(other.way)) for other in kept)]
    return Progress(tuple(kept), tuple(left), advice.nothing)


def surroundings(row: StripeObject) -> Surroundings:
    """By a few local queries."""
    facts = facts_of(row)
    charges = (paid_by(payment) for payment in payments_of(row))
    ids = {
        INVOICE: frozenset({str(row.pk)}),
        CUSTOMER: frozenset({facts.customer} - {""}),
        SUBSCRIPTION: frozenset({facts.subscription} - {""}),
        CHARGE: frozenset(str(charge.pk) for charge in charges if charge),
    }
    log = _pushes((INVOICE, ids[INVOICE]), (CUSTOMER, ids[CUSTOMER]), (CHARGE, ids[CHARGE]))
    made = frozenset(id for push in log if push.operation == "create_invoice" and (id := made_invoice(push, {})))
    return Surroundings(facts, ids, sorted([*log, *_pushes((INVOICE, made))], key=lambda push: push.created_at))


def _pushes(*about: tuple[str, Iterable[str]]) -> list[Push]:
    condition = Q(pk__in=())
    for object_type, ids in about:
        condition |= Q(object_type=object_type, object_id__in=list(ids))
    lately = {"created_at__gte": timezone.now() - BEGUN_FOR, "first_sent_at__isnull": False, "state__in": STATES}
    found = Push.objects.filter(condition, step_of=None, **lately).order_by("-created_at")[:LONGEST_LOG]
    return [push for push in reversed(found) if push.operation != "edit_customer" or DETAILS & set(push.params)]


def starts(around: Surroundings) -> list[InvoiceFacts]:
    """The invoice as it was before each push that may have begun a way, oldest first."""
    own = [push for push in around.log if push.object_id in around.ids[INVOICE] | around.ids[CHARGE]]
    return [_before(around.facts, own[n:]) for n in range(len(own))]


def _before(facts: InvoiceFacts, pushes: Sequence[Push]) -> InvoiceFacts:
    """The facts before these pushes, by what the log kept of them; figures that it didn't keep stay as they are."""
    kept: dict[str, Any] = {}
    for push in pushes:
        if push.object_type == INVOICE:
            kept = {**push.before, **kept}
    notes = ("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
    credited = sum(kept.get(name) or 0 for name in notes) if notes[0] in kept else facts.credited
    refunds = any(push.operation == "refund_charge" or push.params.get("refund_amount") for push in pushes)
    return replace(
        facts,
        status=kept.get("status") or facts.status,
        remaining=facts.remaining if kept.get("amount_remaining") is None else kept["amount_remaining"],
        paid=min(facts.paid, facts.paid if kept.get("amount_paid") is None else kept["amount_paid"]),
        credited=credited,
        refundable=None if refunds else facts.refundable,
        processing=False,
    )


def _tracked(advice: Advice, around: Surroundings, log: Sequence[Push]) -> list[Tracked]:
    return [Tracked(way, _ticks(way, around.ids, log)) for way in advice.ways]


def _ticks(way: Way, ids: Mapping[str, frozenset[str]], log: Sequence[Push]) -> tuple[Push | None, ...]:
    """The push of each step, one after another; after a step that is to be done first none counts."""
    found: list[Push | None] = []
    rest, made, waiting = list(log), frozenset[str](), False
    for step in way.steps:
        targets = made if step.on == NEW_INVOICE else ids.get(step.on, frozenset())
        fitting = (n for n, push in enumerate(rest) if push.operation == step.operation and push.object_id in targets)
        place = None if waiting else next(fitting, None)
        found.append(None if place is None else rest[place])
        if may_be_left_out(step):
            continue
        if place is None:
            waiting = True
            continue
        if step.operation == "create_invoice":
            made = frozenset({made_invoice(rest[place], {})} - {""})
        rest = rest[place + 1 :]
    return tuple(found)


def _key(way: Way) -> tuple[tuple[str, str], ...]:
    return tuple((step.operation, step.on) for step in way.steps)


def _is_end_of(one: Tracked, other: Tracked) -> bool:
    """Whether a way is but the rest of a longer one that was begun, too."""
    short, long = _key(one.way), _key(other.way)
    return len(short) < len(long) and set(short) <= set(long)
