"""The one path of every write to Stripe: check, record, commit, call, apply, mark. Retries go the same way.

What is above the person's limit is recorded and committed, but not sent: it waits for another person (`approvals`).
What is dangerous may be sent a while later (`grace`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.background import enqueue
from stripe_mirror.kinds import get_kind
from stripe_mirror.language import log_language
from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push import state
from stripe_mirror.push.errors import CantCheck, CantReach, NotAllowed, PushError, PushIdTaken
from stripe_mirror.push.grace import grace_of, graced_fields
from stripe_mirror.push.limits import Stakes, limits_of, stakes_of
from stripe_mirror.push.operation import Operation, all_operations, demand, get_operation
from stripe_mirror.push.planned import (
    ask_for_approval,
    attempt_fields,
    run_alone,
    run_steps,
    stored_form,
    waiting_fields,
)
from stripe_mirror.push.prepare import checked_call, read_fresh
from stripe_mirror.push.sending import (
    LEASE,
    OPEN,
    call_of,
    give_back,
    key_expires_at,
    leave_unknown,
    outside_transaction,
    refuse,
    send,
    settle_done,
)
from stripe_mirror.stripe_api.errors import OutcomeUnknown

# A row of a job that failed this often before anything was sent (our own fault) is given up.
MOST_CLAIMS = 5


def submit(
    operation: Operation,
    row: StripeObject,
    *,
    user: User,
    push_id: UUID,
    cleaned: Mapping[str, Any],
    opened: Mapping[str, Any],
    reason: str = "",
    ip: str | None = None,
    told: Mapping[str, Any] | None = None,
    undoes: Push | None = None,
) -> Push:
    """Do it, once: returns the push, whose state says what is known of the effect (done, refused, unknown), that it
    waits for approval, being above the person's limit, or that it is sent later (planned).

    `push_id` comes with the form: a second submit finds the first one's push (S30). `cleaned` is the form's
    `cleaned_data`, `opened` what the form showed (`operation.initial` at that time), so that only the person's own
    changes are sent; `told` what the page said would happen, for the receipt; `undoes` the push that this one takes
    back. For an operation that creates, `row` is `operation.new_row()`.
    Raises PermissionDenied, or a PushError (NotAllowed, Conflict, NothingToChange, CantCheck): then nothing was sent
    and nothing recorded.
    """
    outside_transaction()
    demand(user, operation)
    if found := earlier(push_id, operation, row, user):
        return found
    if operation.needs_reason and not reason.strip():
        raise NotAllowed(_("Nothing was sent: write the reason, it is kept in the log."))
    try:
        fresh = row if operation.creates else read_fresh(row)
        call = checked_call(operation, fresh, cleaned=cleaned, opened=opened)
        stakes = stakes_of(operation, fresh, cleaned)
    except PushError:
        # The other one of two simultaneous submits may have changed the very state that forbids this one.
        if found := earlier(push_id, operation, row, user):
            return found
        raise
    waits = limits_of(user, operation).exceeded_by(stakes)
    later = timedelta(0) if waits else grace_of(operation)
    push = Push(
        id=push_id,
        operation=operation.name,
        object_type=operation.object_type,
        object_id=fresh.pk,
        user=user,
        user_name=display_name(user),
        ip_address=ip,
        reason=reason.strip(),
        told=dict(told or {}),
        undoes=undoes,
        # For its next step, or for when it is sent; the request alone doesn't say it.
        form=stored_form(cleaned) if waits or later or type(operation).step_after is not Operation.step_after else {},
        created_at=timezone.now(),
        **{
            **attempt_fields(operation, fresh, call=call),
            **(waiting_fields(stakes) if waits else graced_fields(later) if later else {}),
        },
    )
    try:
        _commit(push, stakes if waits else None, opened)
    except IntegrityError:
        if found := earlier(push_id, operation, row, user):
            return found
        raise
    if later:
        enqueue("run_push", str(push.pk), delay=later)
    elif not waits:
        send(push, operation)
        run_steps(push)
    return push


def _commit(push: Push, stakes: Stakes | None, opened: Mapping[str, Any]) -> None:
    """Store the intent; with `stakes`, that they are to be approved."""
    with transaction.atomic():
        push.save(force_insert=True)
        if stakes is not None:
            ask_for_approval(push, stakes, opened)


def earlier(push_id: UUID, operation: Operation, row: StripeObject, user: User) -> Push | None:
    """The push of an earlier submit of the same form (S30). Raises PushIdTaken where it was about something else."""
    push = Push.objects.filter(pk=push_id).first()
    if push is None:
        return None
    same_object = operation.creates or push.object_id == row.pk
    if push.user_id != user.pk or push.operation != operation.name or not same_object:
        raise PushIdTaken(_("Nothing was sent: this form was used before, for something else. Open it again."))
    return push


def display_name(user: User) -> str:
    """The person's name for the log."""
    return user.get_full_name() or user.get_username()


def due_pushes(limit: int = 100) -> list[UUID]:
    """Pushes whose outcome is open and whose time has come, also those whose process died while sending, and steps and
    approved ones that nobody took."""
    unsettled = Q(state__in=OPEN) | Q(state=Push.State.PLANNED, job=None)
    due = Push.objects.filter(unsettled, next_attempt_at__lte=timezone.now())
    return list(due.order_by("next_attempt_at").values_list("pk", flat=True)[:limit])


@log_language()
def resume(push_id: UUID) -> Push | None:
    """Find out what became of a push with an open outcome, by asking again under the same key.

    Returns None where it is settled, not due yet, or in another process's hands.
    """
    outside_transaction()
    if planned := Push.objects.filter(pk=push_id, state=Push.State.PLANNED).first():
        if planned.job_id is None and (planned.next_attempt_at or timezone.now()) <= timezone.now():
            run_alone(planned)
        return None
    push = _claim(push_id, timezone.now())
    if push is None:
        return None
    operation = get_operation(push.operation)
    if push.first_sent_at is None and push.attempts < MOST_CLAIMS:
        give_back(push, "")
    elif push.first_sent_at is None:
        refuse(
            push,
            _("Nothing was sent: preparing it failed %(times)s times. See the server's log.") % {"times": MOST_CLAIMS},
        )
    elif _has_evidence(push, operation):
        push.refresh_from_db()
        settle_done(push, operation, _known_state(push))
    elif push.method == "post" and timezone.now() < key_expires_at(push) and not _superseded(push, operation):
        send(push, operation)
    else:
        _ask_state(push, operation)
    run_steps(push)
    return push


def _superseded(push: Push, operation: Operation) -> bool:
    """Whether a later push is about the same: a late first execution of this one would undo that."""
    if operation.creates or operation.adds:
        return False
    later = Push.objects.filter(
        object_type=push.object_type, object_id=push.object_id, first_sent_at__gt=push.first_sent_at
    ).exclude(pk=push.pk)
    later = later.exclude(state__in=(Push.State.REFUSED, Push.State.SKIPPED))
    rivals = {other.name for other in all_operations() if other.topic and other.topic == operation.topic}
    return any(other.operation in rivals or state.overlap(push.params, other.params) for other in later)


def _claim(push_id: UUID, now: datetime) -> Push | None:
    """Take a due push for this process; of two that try, one gets it."""
    due = Q(pk=push_id, state__in=OPEN, next_attempt_at__lte=now)
    if not Push.objects.filter(due).update(attempts=F("attempts") + 1, next_attempt_at=now + LEASE):
        return None
    return Push.objects.get(pk=push_id)


def _has_evidence(push: Push, operation: Operation) -> bool:
    """An event under our key has arrived meanwhile: Stripe did it."""
    if operation.may_be_declined:
        return False
    changes = push.changes.order_by("id")
    if operation.makes:
        changes = changes.filter(object_type=operation.makes)
    elif not (operation.adds and timezone.now() >= key_expires_at(push)):
        changes = changes.filter(object_type=push.object_type)
    change = changes.first()
    if change is None:
        return False
    if not push.object_id:
        Push.objects.filter(pk=push.pk, object_id="").update(object_id=change.object_id)
    return True


def _known_state(push: Push) -> dict[str, Any]:
    row = get_kind(push.object_type).model._default_manager.filter(pk=push.object_id).first()
    return row.data if row else {}


def _ask_state(push: Push, operation: Operation) -> None:
    """Where repeating is not safe by itself (a DELETE, or a key past its lifetime), Stripe's state decides."""
    call, expired = call_of(push), timezone.now() >= key_expires_at(push)
    superseded = _superseded(push, operation)
    if operation.creates or operation.adds:
        refuse(push, _("Stripe never confirmed this, and no event tells of it. It isn't tried again: look in Stripe."))
        return
    try:
        row = read_fresh(get_kind(push.object_type).model(id=push.object_id, data={}))
    except CantCheck as failure:
        if expired and not isinstance(failure, CantReach):
            refuse(push, _("Stripe never confirmed this, and its object can't be read any more. It isn't tried again."))
        else:
            leave_unknown(push, OutcomeUnknown(_("Stripe can't be asked.")))
        return
    if operation.is_done(row, call):
        settle_done(push, operation, row.data)
    elif expired:
        refuse(
            push, _("Stripe never confirmed this, and its state shows that it did not happen. It isn't tried again.")
        )
    elif superseded:
        refuse(push, _("Stripe never confirmed this, and a later change of the same was sent. It isn't tried again."))
    else:
        send(push, operation)
