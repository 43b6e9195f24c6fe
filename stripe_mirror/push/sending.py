"""One attempt of a committed push: the call, and what its answer means. Safe to run twice; only `submit` calls it."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import uuid5

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.background import enqueue
from stripe_mirror.kinds import Kind, all_kinds, kind_of
from stripe_mirror.language import log_language
from stripe_mirror.models import Change, Push, StripeObject
from stripe_mirror.pull import rows
from stripe_mirror.pull.account import require_mirrored_mode
from stripe_mirror.pull.apply import Origin, Outcome, apply_state
from stripe_mirror.pull.fetch import Overtaken, fetch_now
from stripe_mirror.push.effects import Step
from stripe_mirror.push.operation import Call, Operation, get_operation
from stripe_mirror.push.prepare import ordered
from stripe_mirror.push.secrets import scrubbed
from stripe_mirror.stripe_api import write
from stripe_mirror.stripe_api.budget import budget
from stripe_mirror.stripe_api.client import Answer
from stripe_mirror.stripe_api.errors import (
    BadKey,
    Declined,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Refused,
    StripeFailure,
)

logger = logging.getLogger(__name__)

# While an attempt runs, nobody else starts one: longer than the longest call (3 s to connect, 20 s to answer).
LEASE = timedelta(seconds=60)
# Stripe keeps keys for 24 hours at least; an hour of it is for clocks and queues.
KEY_LIFETIME = timedelta(hours=23)
LONGEST_PAUSE = timedelta(hours=1)
# How long the next step is left to the process that made the one before.
STEP_PATIENCE = timedelta(seconds=10)
OPEN = (Push.State.SENDING, Push.State.UNKNOWN)


def outside_transaction() -> None:
    """A push inside a transaction could be rolled back after Stripe did the work: refuse to run there."""
    if transaction.get_connection().in_atomic_block:
        raise RuntimeError(
            "A push must not run inside a database transaction: its intent has to be committed before Stripe is "
            "called. Nothing was sent. Call it outside of transaction.atomic (Django's admin wraps its form view)."
        )


def call_of(push: Push) -> Call:
    """The request that the push stands for."""
    return Call(push.method, push.path, ordered(push.params))


@log_language()
def send(push: Push, operation: Operation) -> None:
    """Make the call and settle the push by its outcome. The push is claimed and committed."""
    outside_transaction()
    call = call_of(push)
    addressed = _addressed(push, call)
    sent_at = rows.stamp(*addressed) if addressed else rows.NEVER
    try:
        require_mirrored_mode()
        if call.method == "delete":
            answer = write.delete(call.path, call.params)
        else:
            answer = write.post(call.path, call.params, idempotency_key=str(push.id))
    except StripeFailure as failure:
        _failed(push, failure)
    else:
        # Another object than the one stamped (a charge's refund) may have come by its event before.
        answers_for = addressed is not None and answer.body.get("id") == addressed[1]
        _answered(push, operation, answer, sent_at=sent_at if answers_for else rows.NEVER)


def _addressed(push: Push, call: Call) -> tuple[Kind, str] | None:
    """The object that the call goes to: a payment method becomes the default by a change of its customer."""
    for kind in all_kinds():
        if kind.list_path and call.path.startswith(f"{kind.list_path}/"):
            id = unquote(call.path.removeprefix(f"{kind.list_path}/").split("/")[0])
            return kind, id
    own = kind_of(push.object_type)
    return (own, push.object_id) if own and push.object_id else None


def _failed(push: Push, failure: StripeFailure) -> None:
    if isinstance(failure, RateLimited):
        budget.pause(1)
    if isinstance(failure, RateLimited) and push.job_id and push.attempts <= 1:
        give_back(push, str(failure))
    elif _is_final(push, failure):
        refuse(push, get_operation(push.operation).refusal(push, str(failure)), failure=failure)
        if isinstance(failure, Declined):
            _refetch_declined(push)
    else:
        leave_unknown(push, failure)


def _refetch_declined(push: Push) -> None:
    """A declined payment changed nothing that was asked for, but Stripe recorded the attempt in the object."""
    if push.object_id and (kind := kind_of(push.object_type)):
        _refetch(kind, push.object_id, Origin(source=Change.Source.PUSH, push_id=push.id))


def _is_final(push: Push, failure: StripeFailure) -> bool:
    """Whether this failure proves that no attempt of the push changed anything.

    The first attempt's refusal does. A later one does only if Stripe came so far as to look the key up: a key that was
    executed is answered with its first answer, so a refusal then is the first answer.
    """
    if push.attempts <= 1:
        return isinstance(failure, Refused | BadKey)
    looked_up = isinstance(failure, Refused) and not isinstance(failure, NotPermitted)
    return looked_up and push.method == "post" and failure.body.get("type") != "idempotency_error"


def _answered(push: Push, operation: Operation, answer: Answer, *, sent_at: datetime) -> None:
    origin = Origin(source=Change.Source.PUSH, push_id=push.id, request_id=answer.request_id)
    obj = answer.body
    kind = kind_of(str(obj.get("object")))
    if kind is not None:
        _apply(kind, answer, origin, sent_at)
    if push.object_id and obj.get("id") != push.object_id and (own := kind_of(push.object_type)):
        _refetch(own, push.object_id, origin)
    settle_done(push, operation, obj, request_id=answer.request_id)


def _apply(kind: Kind, answer: Answer, origin: Origin, sent_at: datetime) -> None:
    if answer.replayed:
        # The answer to an earlier attempt; since then the object may have changed.
        _refetch(kind, str(answer.body["id"]), origin)
    else:
        bounds = {"as_of": answer.as_of, "read_until": answer.read_until}
        applied = apply_state(kind, answer.body, **bounds, origin=origin, sent_at=sent_at)
        if applied.outcome is Outcome.STALE:
            # Something overtook the answer: only Stripe knows which is newer.
            _refetch(kind, str(answer.body["id"]), origin)


def _refetch(kind: Kind, id: str, origin: Origin) -> None:
    """The change is certain; where its result can't be read now, events and catch-up bring it."""
    try:
        fetch_now(kind, id, origin=origin, patient=False)
    except (StripeFailure, Overtaken) as failure:
        logger.warning("after a push, %s could not be read: %s", id, scrubbed(str(failure)))


def settle_done(push: Push, operation: Operation, obj: Mapping[str, Any], *, request_id: str = "") -> None:
    """Stripe did it: run the operation's hook and mark the push."""
    operation.on_done(push, obj)
    call = call_of(push)
    kind = kind_of(str(obj.get("object") or push.object_type))
    after = {"deleted": True} if obj.get("deleted") else operation.before(_as_row(kind, obj), call) if kind else {}
    step = operation.step_after(push, obj)
    with transaction.atomic():
        _settle(
            push,
            Push.State.DONE,
            object_id=push.object_id or str(obj.get("id") or ""),
            after=after,
            message="",
            request_id=request_id or push.request_id,
        )
        if step and push.state == Push.State.DONE:
            _plan_step(push, step)
    # After the push has its request id, by which events that come from now on find it.
    _adopt_changes(push, request_id)


def _plan_step(push: Push, step: Step) -> None:
    """Committed with the push that it follows, so that it can't be forgotten; however often that is settled, once."""
    now = timezone.now()
    planned = Push(
        id=uuid5(push.id, step.operation),
        operation=step.operation,
        object_type=step.object_type,
        object_id=step.object_id,
        step_of=push,
        form=json.loads(json.dumps(dict(step.cleaned), cls=DjangoJSONEncoder)),
        user=push.user,
        user_name=push.user_name,
        ip_address=push.ip_address,
        reason=push.reason,
        state=Push.State.PLANNED,
        created_at=now,
        # Whoever settled the push goes on with it at once; the sweep comes where that process died.
        next_attempt_at=now + STEP_PATIENCE,
    )
    Push.objects.bulk_create([planned], ignore_conflicts=True)


def _as_row(kind: Kind, obj: Mapping[str, Any]) -> StripeObject:
    return kind.model(id=str(obj.get("id") or ""), data=dict(obj))


def refuse(push: Push, message: str, *, failure: StripeFailure | None = None) -> None:
    """Nothing changed in Stripe: say why, with Stripe's parameter, code and request id.

    Only the latest attempt may say so: what a slow one learns tells nothing of the one that has taken over.
    """
    _settle(
        push,
        Push.State.REFUSED,
        only_attempt=push.attempts,
        after={},
        message=scrubbed(message),
        error_param=failure.param if failure else "",
        error_code=failure.code if failure else "",
        request_id=(failure.request_id if failure else "") or push.request_id,
    )


def give_back(push: Push, message: str) -> None:
    """A planned push that surely did nothing yet: back into the job's queue, where stopping the job holds it, or, of
    one that no job runs, to whoever comes next."""
    Push.objects.filter(pk=push.pk, state=Push.State.SENDING, attempts=push.attempts).update(
        state=Push.State.PLANNED,
        message=scrubbed(message),
        first_sent_at=None,
        next_attempt_at=None if push.job_id else timezone.now(),
    )
    push.refresh_from_db()


def leave_unknown(push: Push, failure: StripeFailure) -> None:
    """The worker asks again, later and later, with the same key."""
    pause = pause_after(push.attempts)
    changed = Push.objects.filter(pk=push.pk, state__in=OPEN, attempts=push.attempts).update(
        state=Push.State.UNKNOWN,
        message=_("%(unknown)s We ask again by ourselves; there is no need to repeat it.")
        % {"unknown": _unknown(push, failure)},
        error_code=failure.code,
        request_id=failure.request_id or push.request_id,
        next_attempt_at=timezone.now() + pause,
    )
    push.refresh_from_db()
    if changed:
        enqueue("run_push", str(push.id), delay=pause)


def _unknown(push: Push, failure: StripeFailure) -> str:
    """What is known. That a later attempt did nothing says nothing of the first."""
    if isinstance(failure, OutcomeUnknown):
        return scrubbed(_("%(failure)s It is not known yet whether this happened.") % {"failure": failure})
    if push.attempts <= 1:
        return scrubbed(str(failure))
    return _("It is not known yet whether this happened: Stripe did not say when it was asked again.")


def pause_after(attempts: int) -> timedelta:
    """5, 10, 20 … seconds, an hour at most; spread, so that many pushes don't come back at once."""
    seconds = min(5.0 * 2 ** min(attempts - 1, 20), LONGEST_PAUSE.total_seconds())
    return timedelta(seconds=seconds * random.uniform(0.8, 1.0))  # noqa: S311 - no secret


def key_expires_at(push: Push) -> datetime:
    """Until then Stripe surely knows the key: later, a POST under it might be a second execution."""
    return (push.first_sent_at or push.created_at) + KEY_LIFETIME


def _settle(push: Push, state: Push.State, *, only_attempt: int | None = None, **fields: Any) -> None:
    """Mark the outcome; an outcome that another attempt found before stays."""
    still_open = Push.objects.filter(pk=push.pk, state__in=OPEN)
    if only_attempt is not None:
        still_open = still_open.filter(attempts=only_attempt)
    still_open.update(state=state, finished_at=timezone.now(), next_attempt_at=None, **fields)
    push.refresh_from_db()


def _adopt_changes(push: Push, request_id: str) -> None:
    """Changes by an event that overtook the answer to a DELETE, which has no key that would name the push."""
    if request_id:
        overtaking = Change.objects.filter(request_id=request_id, push=None)
        overtaking.update(push=push, source=Change.Source.PUSH)
