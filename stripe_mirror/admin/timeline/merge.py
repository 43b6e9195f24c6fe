"""One list of all that happened: what several records tell of the same thing is one entry."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.detail import may_view
from stripe_mirror.admin.history import who as whose
from stripe_mirror.admin.notes import showing, writing
from stripe_mirror.admin.timeline import changes, money, staff
from stripe_mirror.admin.timeline.entry import Entry, Place, Topic, topics_of
from stripe_mirror.admin.timeline.money import Moved
from stripe_mirror.admin.timeline.scope import Scope
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Change, Note, Push

PAGE = 30
NOTES_RANK = 9
TOPIC, BEFORE, ANCHOR = "timeline", "before", "#history"


@dataclass(frozen=True)
class Choice:
    """A topic as a link."""

    label: str
    url: str
    chosen: bool


@dataclass(frozen=True)
class Timeline:
    """The entries of a page of the list, the topics, and where the older ones are."""

    entries: list[Entry]
    topics: list[Choice]
    older: str = ""
    newest: str = ""
    topic: str = ""
    # Pushes to the object itself that aren't settled.
    open: list[Push] = field(default_factory=list)


@dataclass
class Sources:
    """What was read, before it is merged."""

    moved: list[Moved]
    recorded: list[Change]
    pushes: list[Push]
    notes: list[Note]
    horizon: Place | None = None
    # Pushes to the object itself that aren't settled.
    open: list[Push] = field(default_factory=list)

    def read_to(self, place: Place | None) -> None:
        """Behind this place there is more of one of the sources."""
        if place is not None and (self.horizon is None or place > self.horizon):
            self.horizon = place


def timeline(request: HttpRequest, scope: Scope, *, notes: list[Note] | None = None) -> Timeline:
    """The part of the timeline that the address asks for. `notes`: the newest, where they are read already."""
    after = Place.parse(request.GET.get(BEFORE, ""))
    topic = request.GET.get(TOPIC, "")
    topic = topic if topic in set(Topic) else ""
    found = read(request, scope, after, notes)
    every = [one for one in merged(request, scope, found) if not topic or Topic(topic) in one.topics]
    every = [one for one in every if found.horizon is None or one.place >= found.horizon]
    every.sort(key=lambda one: one.place, reverse=True)
    shown = every[:PAGE]
    last = shown[-1].place if len(every) > PAGE else found.horizon
    return Timeline(
        entries=shown,
        topics=choices(topic),
        older=address(topic, last) if last else "",
        newest=address(topic) if after else "",
        topic=topic,
        open=found.open,
    )


def read(request: HttpRequest, scope: Scope, after: Place | None, notes: list[Note] | None) -> Sources:
    """Each source's newest rows behind the place; of what this person may see."""
    seen = {kind.object for kind in all_kinds() if may_view(request.user, kind.object)}
    found = Sources([], [], [], [])
    for source in money.SOURCES:
        if source.object in seen:
            moved, oldest = money.read(source, scope, after, held=None if after else scope.held.get(source.object))
            found.moved += moved
            found.read_to(oldest)
            scope.add(source.object, [one.row.pk for one in moved])
    found.recorded = changes.recorded(scope, after, kinds=seen)
    found.read_to(changes.place_of(found.recorded[-1]) if len(found.recorded) == changes.LIMIT else None)
    read_pushes(scope, after, found)
    if request.user.has_perm(writing.VIEW):
        found.notes = newest_notes(scope, after) if notes is None or after else notes
        full = len(found.notes) == showing.READ
        found.read_to(note_place(found.notes[-1]) if full else None)
    return found


def read_pushes(scope: Scope, after: Place | None, found: Sources) -> None:
    """Those behind the place; and the unsettled ones, of which the page tells in its head."""
    read = staff.pushes(scope, after)
    found.open = [push for push in read if push.state in staff.UNSETTLED and staff.is_own(push, scope)]
    found.pushes = [push for push in read if after is None or staff.place_of(push) < after]
    found.read_to(staff.place_of(read[-1]) if len(read) == staff.LIMIT else None)


def newest_notes(scope: Scope, after: Place | None) -> list[Note]:
    """Those behind the place."""
    if after is None:
        return showing.notes_about(scope.row)
    number = int(after.id) if after.rank == NOTES_RANK and after.id.isdecimal() else 0
    return showing.notes_about(scope.row, where=after.before(NOTES_RANK, "created_at", id=number))


def merged(request: HttpRequest, scope: Scope, found: Sources) -> list[Entry]:
    """A payment with who made it, a push with what it changed, other changes, and notes."""
    made = {(c.object_type, c.object_id): c for c in found.recorded if c.action == Change.Action.CREATED}
    entries, told = [], set()
    for one in found.moved:
        origin = made.get((one.row.kind.object, one.row.pk))
        entries.append(moved_entry(request, one, origin))
        if origin is not None:
            told |= {origin.push_id} - {None}
    of_push: dict[Any, list[Change]] = defaultdict(list)
    for change in found.recorded:
        if change.push_id is not None:
            of_push[change.push_id].append(change)
    # The push itself is read as well, on this page of the list or on another.
    covered = {p.pk for p in found.pushes}
    for push in found.pushes:
        if push.pk not in told:
            entries.append(push_entry(request, push, of_push[push.pk], scope))
    for change in found.recorded:
        known = change.push is not None and (
            change.push_id in covered or scope.holds(change.push.object_type, change.push.object_id)
        )
        if not known and changes.is_told(change, scope):
            entries.append(changes.entry(request, change, scope))
    return entries + [note_entry(note, scope) for note in found.notes]


def moved_entry(request: HttpRequest, one: Moved, origin: Change | None) -> Entry:
    """Money that moved, and by whom where that is known."""
    try:
        what = one.what(one.row)
    except display.ODD_SHAPE:
        what = format_html("{} {}", display.kind_words(one.row.kind.object), display.UNREADABLE)
    push = origin.push if origin else None
    return Entry(
        place=one.place,
        topics=topics_of(Topic.MONEY, origin.source if origin else None),
        what=what,
        tone=one.tone(one.row),
        when=display.when(one.place.at, zone=True),
        who=whose(request, origin) if origin and origin.source != Change.Source.SYNC else "",
        reason=display.without_secrets(push.reason) if push else "",
        request_id=origin.request_id if origin else "",
    )


def push_entry(request: HttpRequest, push: Push, made: list[Change], scope: Scope) -> Entry:
    """What staff did with what it changed; it stands where Stripe says that it happened."""
    entry = staff.entry(request, push, scope)
    own = [c for c in made if (c.object_type, c.object_id) == (push.object_type, push.object_id)]
    if not own:
        return entry
    change = max(own, key=lambda c: c.pk)
    event = changes.entry(request, change, scope)
    topics = entry.topics | ({Topic.STATUS} if "status" in change.fields else set())
    return replace(entry, topics=frozenset(topics), fields=event.fields, event=event.event)


def note_place(note: Note) -> Place:
    """When it was written."""
    return Place(note.created_at, NOTES_RANK, f"{note.pk:020}")


def note_entry(note: Note, scope: Scope) -> Entry:
    """A note; a deleted one says so."""
    elsewhere = (note.object_type, note.object_id) != (scope.row.kind.object, scope.row.pk)
    about: SafeString | str = changes.named(note.object_type, note.object_id, scope) if elsewhere else ""
    head = _("Note deleted") if note.deleted_at else _("Note")
    return Entry(
        place=note_place(note),
        topics=frozenset([Topic.NOTES]),
        what=format_html("{} · {}", head, about) if about else format_html("{}", head),
        tone="note",
        when=display.when(note.created_at, zone=True),
        who=display.plain(note.author_name or _("Somebody")),
        text=display.without_secrets(note.text),
    )


def choices(topic: str) -> list[Choice]:
    """All, and each topic, as links that need no script."""
    labels = {
        "": _("All"),
        Topic.MONEY: _("Money"),
        Topic.STATUS: _("Status"),
        Topic.STAFF: _("Staff"),
        Topic.STRIPE: _("Stripe"),
        Topic.OUTSIDE: _("Dashboard & API"),
        Topic.NOTES: _("Notes"),
    }
    return [Choice(label, address(value), value == topic) for value, label in labels.items()]


def address(topic: str, before: Place | None = None) -> str:
    """The address of a part of the list, on the same page."""
    query = {TOPIC: topic} if topic else {}
    query |= {BEFORE: str(before)} if before else {}
    return f"?{urlencode(query)}{ANCHOR}"
