"""What staff asked Stripe to do, in the timeline: also what was refused or waits."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Case, Q, Value, When
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.outcomes import TONES, operation_label, state_pill
from stripe_mirror.admin.timeline.changes import named
from stripe_mirror.admin.timeline.entry import Entry, Place, Topic
from stripe_mirror.admin.timeline.scope import Scope
from stripe_mirror.language import said_again
from stripe_mirror.models import Push

RANK = 3
LIMIT = 61
UNSETTLED = (Push.State.SENDING, Push.State.UNKNOWN, Push.State.WAITING, Push.State.PLANNED)


def pushes(scope: Scope, after: Place | None) -> list[Push]:
    """The newest pushes to what belongs to it, and before them those of its own that aren't settled, however old."""
    wanted = Q()
    for object_type, ids in scope.ids.items():
        wanted |= Q(object_type=object_type, object_id__in=ids)
    behind = Q() if after is None else after.before(RANK, "created_at", id=_id(after))
    own = Q(object_type=scope.row.kind.object, object_id=scope.row.pk, state__in=UNSETTLED)
    found = Push.objects.filter((wanted & behind) | own).select_related("approval")
    first = Case(When(own, then=Value(0)), default=Value(1))
    return list(found.order_by(first, "-created_at", "-id")[:LIMIT])


def _id(place: Place) -> UUID:
    try:
        return UUID(place.id)
    except ValueError:
        return UUID(int=0)


def is_own(push: Push, scope: Scope) -> bool:
    """Whether it is to the page's own object."""
    return (push.object_type, push.object_id) == (scope.row.kind.object, scope.row.pk)


def place_of(push: Push) -> Place:
    """When it was asked for."""
    return Place(push.created_at, RANK, str(push.pk))


def entry(request: HttpRequest, push: Push, scope: Scope) -> Entry:
    """What was asked for, and what became of it."""
    done = push.state == Push.State.DONE
    head = format_html("{}", operation_label(push.operation))
    if not is_own(push, scope):
        head = format_html("{} · {}", head, named(push.object_type, push.object_id, scope))
    return Entry(
        place=place_of(push),
        topics=frozenset([Topic.STAFF]),
        what=head if done else format_html("{} {}", head, state_pill(push)),
        tone="info" if done else TONES.get(push.state, "neutral"),
        when=display.when(push.created_at, zone=True),
        who=by(request, push),
        detail=display.plain(said_again(push.message)) if push.message and not done else "",
        reason=display.without_secrets(push.reason),
        request_id=push.request_id,
    )


def by(request: HttpRequest, push: Any) -> SafeString:
    """The person, as a link to the log for who may read it."""
    name = push.user_name or _("This back office")
    if request.user.has_perm("stripe_mirror.view_push"):
        return display.link(name, display.object_url(push))
    return display.plain(name)
