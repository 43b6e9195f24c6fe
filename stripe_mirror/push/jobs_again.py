"""What can be made of a job that was: its refused rows tried once more, its done rows taken back; each by a new job."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Job, Push, StripeObject
from stripe_mirror.push.errors import ODD_SHAPE
from stripe_mirror.push.inverse import inverse_of
from stripe_mirror.push.jobs import UNSENT, WITHOUT_EFFECT
from stripe_mirror.push.jobs_preview import CHUNK, Wish
from stripe_mirror.push.operation import Operation, get_operation
from stripe_mirror.push.planned import stored_form
from stripe_mirror.push.sending import call_of

FAILED = (Push.State.REFUSED, Push.State.UNKNOWN, Push.State.SENDING)
# Of the rows of a job, so many are looked at to learn by which operation they are taken back.
LOOKED_AT = 25

STILL_OPEN = gettext_lazy("It isn't known yet whether this happened. It is being checked; it isn't tried again.")
WAS_OPEN = gettext_lazy(
    "For a while it wasn't known whether this happened. Look at the object in Stripe; then, if it is "
    "still wanted, do it on its own page."
)
RETRIED = gettext_lazy("It was tried again already.")
UNDONE = gettext_lazy("It was taken back already.")
GONE = gettext_lazy("It isn't here any more.")
NO_INVERSE = gettext_lazy("This can't be taken back.")
CHANGED = gettext_lazy("It was changed again since. Look at it, and take it back on its own page.")


def may_retry(job: Job) -> bool:
    """Whether rows were refused and nothing is left to be sent."""
    rows = job.pushes.all()
    over = not rows.filter(state__in=UNSENT).exists()
    return over and rows.filter(state=Push.State.REFUSED).exists()


def retry_wishes(job: Job) -> Iterator[Wish]:
    """The rows that were refused, and those whose outcome is open, which are never tried again (S31)."""
    taken = set(Push.objects.filter(job__retries=job).values_list("object_id", flat=True))
    for push, row in _with_rows(job.pushes.filter(state__in=FAILED)):
        yield Wish(row, why_not_again(push, taken), push.form or None, push.undoes_id, push.opened or None)


def why_not_again(push: Push, taken: set[str]) -> str:
    """A sentence where a row that failed isn't tried again under a new key, else ""."""
    if push.state != Push.State.REFUSED:
        return str(STILL_OPEN)
    # A refusal of the first attempt is all that ever happened; before a later one, an answer was lost.
    if push.first_sent_at and push.attempts > 1:
        return str(WAS_OPEN)
    return str(RETRIED) if push.object_id in taken else ""


def _with_rows(pushes: QuerySet[Push]) -> Iterator[tuple[Push, StripeObject]]:
    """Each with its mirrored row; an empty one where there is none any more, of which operations say so."""
    found = pushes.order_by("position").iterator(chunk_size=CHUNK)
    while batch := list(islice(found, CHUNK)):
        model: Any = get_kind(batch[0].object_type).model
        rows = model._default_manager.in_bulk([push.object_id for push in batch])
        for push in batch:
            yield push, rows.get(push.object_id) or model(id=push.object_id, data={})


def undo_operation(job: Job) -> Operation | None:
    """The operation by which the job's rows are taken back; None where Stripe has none."""
    done = job.pushes.filter(state=Push.State.DONE).order_by("position")[:LOOKED_AT]
    return next((inverse for push in done if (inverse := inverse_of(push)[1])), None)


def undo_wishes(job: Job, operation: Operation) -> Iterator[Wish]:
    """The rows that were done, each with the form by which it is taken back, or the reason why it can't be."""
    others = Push.objects.filter(undoes__job=job).exclude(state__in=WITHOUT_EFFECT)
    undone = set(others.values_list("undoes", flat=True))
    for push in job.pushes.filter(state=Push.State.DONE).order_by("position").iterator(chunk_size=CHUNK):
        yield _undo_wish(push, operation, undone)


def _undo_wish(push: Push, operation: Operation, undone: set[UUID | None]) -> Wish:
    undo, inverse, row = inverse_of(push)
    if row is None:
        missing = get_kind(push.object_type).model(id=push.object_id, data={})
        return Wish(missing, str(GONE if undo else NO_INVERSE))
    if push.pk in undone:
        return Wish(row, str(UNDONE))
    if undo is None or inverse is not operation:
        other = inverse.label if inverse else ""
        return Wish(row, _("This is taken back by “%(other)s”: do it on its own page.") % {"other": other})
    return Wish(row, str(CHANGED) if _changed_since(push, row) else "", stored_form(undo.values), push.pk)


def _changed_since(push: Push, row: StripeObject) -> bool:
    """Whether the touched fields differ from what the push left: another person's change must not be overwritten."""
    operation = get_operation(push.operation)
    if operation.adds or operation.creates or row.pk != push.object_id:
        return False
    try:
        return bool(operation.before(row, call_of(push)) != push.after)
    except ODD_SHAPE:
        return True
