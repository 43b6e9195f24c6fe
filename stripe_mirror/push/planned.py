"""Sends a push that was planned before: a row of a job, the next step of a push that is done, what was approved.

Its form is stored; everything else is judged anew by the same steps as a single push, on the object as it is by then.
What is above the person's limit is not sent: it waits for another person (`approvals`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.kinds import get_kind
from stripe_mirror.language import log_language
from stripe_mirror.models import Approval, Push, StripeObject
from stripe_mirror.push.errors import ODD_SHAPE, ODD_SHAPE_WORDS, CantCheck, CantReach, NotAllowed, PushError
from stripe_mirror.push.limits import Limits, Stakes, above_limit_words, approved_stakes, in_words, limits_of, stakes_of
from stripe_mirror.push.operation import Call, Operation, get_operation
from stripe_mirror.push.prepare import checked_call, read_fresh
from stripe_mirror.push.sending import LEASE, send

logger = logging.getLogger(__name__)

# How long a push that no job runs waits where Stripe can't be reached.
PAUSE = timedelta(seconds=30)


def stored_form(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """A form's cleaned values as JSON can hold them and as the form reads them again."""
    stored: dict[str, Any] = json.loads(json.dumps(dict(cleaned), cls=DjangoJSONEncoder))
    return stored


def cleaned_form(operation: Operation, row: StripeObject, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored form, judged for one row. Raises NotAllowed with the form's own sentences."""
    form = operation.get_form(row, stored)
    form.fields["reason"].required = False
    if not form.is_valid():
        raise NotAllowed(" ".join(str(message) for messages in form.errors.values() for message in messages))
    return form.cleaned_data


def filled(operation: Operation, row: StripeObject, form: Mapping[str, Any]) -> dict[str, Any]:
    """The form as it opens for the row, with these values typed into it."""
    return {**operation.initial(row), **form}


def claim(planned: QuerySet[Push], push: Push) -> bool:
    """Take a planned push for this process; of two that try, one gets it."""
    return bool(
        planned.filter(pk=push.pk, state=Push.State.PLANNED).update(
            state=Push.State.SENDING,
            attempts=F("attempts") + 1,
            # Should reading it take longer and somebody else claim it, too: `_mark` lets only one of them send.
            next_attempt_at=timezone.now() + LEASE,
        )
    )


@log_language()
def run(push: Push, operation: Operation, form: Mapping[str, Any]) -> bool:
    """Send a claimed push, by the same steps as a single one. False where Stripe can't be reached: it waits again."""
    approval = approval_of(push) if operation.limited else None
    try:
        fresh = _read(push, operation)
        # What takes another push back, or comes from a file, says only what differs from how the form opens.
        partial = push.undoes_id or (push.job_id and push.form)
        cleaned = _cleaned(operation, fresh, filled(operation, fresh, form) if partial else form)
        call = checked_call(operation, fresh, cleaned=cleaned, opened=approval.opened if approval else push.opened)
        stakes = stakes_of(operation, fresh, cleaned)
        if approval:
            _demand_approved(stakes, approved_stakes(approval))
    except CantReach as failure:
        later = None if push.job_id else timezone.now() + PAUSE
        _mark(push, state=Push.State.PLANNED, message=str(failure), next_attempt_at=later)
        return False
    except PushError as error:
        state = Push.State.REFUSED if isinstance(error, CantCheck) else Push.State.SKIPPED
        _mark(push, state=state, message=str(error), finished_at=timezone.now(), next_attempt_at=None)
        return True
    except ODD_SHAPE:
        logger.exception("%s of %s could not be prepared", push.operation, push.object_id)
        words = _("Nothing was sent. %(reason)s") % {"reason": ODD_SHAPE_WORDS}
        _mark(push, state=Push.State.REFUSED, message=words, finished_at=timezone.now(), next_attempt_at=None)
        return True
    if approval is None and limits_of(push.user, operation).exceeded_by(stakes):
        planned = {**attempt_fields(operation, fresh, call=call), **waiting_fields(stakes)}
        _wait(push, stakes, form=stored_form(cleaned), **planned)
    elif _mark(push, message="", **attempt_fields(operation, fresh, call=call)):
        push.refresh_from_db()
        send(push, operation)
    return True


def _read(push: Push, operation: Operation) -> StripeObject:
    if operation.creates:
        return operation.new_row()
    return read_fresh(get_kind(push.object_type).model(id=push.object_id, data={}), patient=True)


def _cleaned(operation: Operation, fresh: StripeObject, form: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return cleaned_form(operation, fresh, form)
    except NotAllowed:
        # What forbids it altogether says more than what the form makes of that.
        if reason := operation.why_not(fresh):
            raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": reason}) from None
        raise


def approval_of(push: Push) -> Approval | None:
    """Where another person has approved it."""
    return Approval.objects.filter(push=push.pk, decision=Approval.Decision.APPROVED).first()


def _demand_approved(stakes: Stakes, approved: Stakes) -> None:
    """Nothing is moved that nobody approved. Raises NotAllowed."""
    if Limits({code: amount for amount, code in approved}).exceeded_by(stakes):
        now, then = in_words(stakes), in_words(approved)
        raise NotAllowed(
            _("Nothing was sent: by now this would be %(now)s, but %(then)s was approved. Ask for it again.")
            % {"now": now, "then": then}
        )


def _wait(push: Push, stakes: Stakes, **fields: Any) -> None:
    with transaction.atomic():
        if _mark(push, **fields):
            ask_for_approval(push, stakes, {})


def ask_for_approval(push: Push, stakes: Stakes, opened: Mapping[str, Any]) -> None:
    """Note what is to be approved; committed together with the push that waits."""
    Approval.objects.create(push=push, asked_at=timezone.now(), stakes=stakes, opened=stored_form(opened))


def run_alone(push: Push) -> None:
    """Send a planned push that no job runs, and what follows it."""
    if not claim(Push.objects.filter(job=None), push):
        return
    push.refresh_from_db()
    run(push, get_operation(push.operation), push.form)
    push.refresh_from_db()
    if push.state == Push.State.DONE:
        run_steps(push)


def run_steps(push: Push) -> None:
    """Go on with what is to follow this push, step by step; where a step isn't done, those after it wait for it."""
    following: Push | None = push
    while following and (step := following.steps.filter(state=Push.State.PLANNED).first()):
        if not claim(Push.objects.filter(step_of=following), step):
            return
        step.refresh_from_db()
        run(step, get_operation(step.operation), step.form)
        step.refresh_from_db()
        following = step if step.state == Push.State.DONE else None


def attempt_fields(operation: Operation, fresh: StripeObject, *, call: Call) -> dict[str, Any]:
    """What is committed just before the first call."""
    now = timezone.now()
    return {
        "method": call.method,
        "path": call.path,
        "params": call.params,
        "before": {} if operation.creates else operation.before(fresh, call),
        "state": Push.State.SENDING,
        "attempts": 1,
        "first_sent_at": now,
        "next_attempt_at": now + LEASE,
    }


@log_language()
def waiting_fields(stakes: Stakes) -> dict[str, Any]:
    """What differs where another person has to approve it first: it is not sent."""
    return {
        "state": Push.State.WAITING,
        "message": above_limit_words(stakes),
        "attempts": 0,
        "first_sent_at": None,
        "next_attempt_at": None,
    }


def _mark(push: Push, **fields: Any) -> bool:
    """Change a claimed row that was not sent yet; False where the claim ran out and somebody took it back."""
    claimed = Push.objects.filter(pk=push.pk, state=Push.State.SENDING, first_sent_at=None)
    return bool(claimed.update(**fields))
