"""What a confirm page says before anything is sent: the summary, the calls, Stripe's own preview, the consequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from stripe_mirror.language import log_language
from stripe_mirror.models import StripeObject
from stripe_mirror.push import state
from stripe_mirror.push.effects import Amount, Effects
from stripe_mirror.push.errors import ODD_SHAPE, PushError
from stripe_mirror.push.operation import Call, Operation
from stripe_mirror.push.secrets import scrubbed
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import Refused, StripeFailure

NOTHING_TO_BILL = "invoice_upcoming_none"


@dataclass(frozen=True)
class Preview:
    """What would happen; nothing was sent yet."""

    summary: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    effects: Effects = field(default_factory=Effects)
    # Stripe has a preview of its own: it must be asked, and have answered, before anyone can confirm (S43).
    needed: bool = False
    asked: bool = False
    # What Stripe answered, where it was asked.
    answer: Mapping[str, Any] | None = None
    failure: str = ""
    # The form isn't complete yet, so that it can't be said whether Stripe has to be asked.
    unclear: bool = False

    @property
    def may_confirm(self) -> bool:
        """Whether what Stripe says is on the page, where it has a say."""
        return not self.failure and not self.unclear and (self.asked or not self.needed)


def preview(operation: Operation, row: StripeObject, cleaned: Mapping[str, Any], *, ask: bool) -> Preview:
    """What this form would do to the row; with `ask`, by Stripe's own preview, too. Never raises: a form that isn't
    complete yet, or changes nothing, has an empty summary; a preview that fails says why."""
    try:
        summary, call = operation.summary(row, cleaned), operation.plan(row, cleaned)
        question = operation.preview(row, cleaned)
        if question is None or not ask:
            return Preview(
                summary,
                [call],
                operation.effects(row, cleaned, None) if question is None else Effects(final=operation.final_warning),
                needed=question is not None,
            )
    except (PushError, *ODD_SHAPE):
        has_one = type(operation).preview is not Operation.preview
        return Preview(effects=Effects(final=operation.final_warning), unclear=has_one)
    try:
        answer = _answer(question)
        effects = operation.effects(row, cleaned, answer)
    except StripeFailure as failure:
        return Preview(
            summary,
            [call],
            needed=True,
            failure=_("Stripe gave no preview. %(failure)s") % {"failure": scrubbed(str(failure))},
        )
    except ODD_SHAPE:
        return Preview(
            summary, [call], needed=True, failure=_("Stripe gave a preview in a shape that isn't known here.")
        )
    return Preview(summary, [call], effects, needed=True, asked=True, answer=answer)


@log_language()
def told(operation: Operation, row: StripeObject, cleaned: Mapping[str, Any], seen: Preview) -> dict[str, Any]:
    """What a page said, as the receipt keeps it: in the log's language."""
    summary, effects = seen.summary, seen.effects
    if summary:
        summary, effects = operation.summary(row, cleaned), operation.effects(row, cleaned, seen.answer)
    lists = {"money": effects.money, "lines": effects.lines}
    amounts = {name: [asdict(amount) for amount in held] for name, held in lists.items()}
    return {"summary": summary, "follows": list(effects.follows), "final": str(effects.final), **amounts}


def _answer(question: Call) -> Mapping[str, Any]:
    """Stripe's preview; {} where there is nothing that it would bill, which Stripe says by refusing."""
    try:
        return read.question(question.method, question.path, question.params).body
    except Refused as refusal:
        if refusal.code == NOTHING_TO_BILL:
            return {}
        raise


def told_amounts(told: Mapping[str, Any], name: str) -> list[Amount]:
    """The amounts of a receipt."""
    return [Amount(**amount) for amount in told.get(name) or []]


def call_lines(call: Call) -> list[str]:
    """A call as people read it: the request's line, then a parameter a line."""
    sent = [f"{'.'.join(path)} = {value!r}" for path, value in state.leaves(call.params)]
    return [f"{call.method.upper()} {call.path}", *sent]
