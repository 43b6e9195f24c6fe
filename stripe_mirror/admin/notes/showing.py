"""Notes as pages show them, beside the form for a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.notes.writing import ADD, VIEW, NoteForm, may_change
from stripe_mirror.models import Note, StripeObject

# So many are read, for the panel and for the timeline.
READ = 30
SHOWN = 20


@dataclass(frozen=True)
class ShownNote:
    """One note; `change_url` is "" for all but its author."""

    id: int
    text: str
    who: str
    when: SafeString
    edited: SafeString | str
    deleted: SafeString | str
    about: SafeString | str
    change_url: str


@dataclass(frozen=True)
class Panel:
    """The notes about an object; `add_url` is "" for who may not write any."""

    notes: list[ShownNote]
    form: NoteForm
    add_url: str
    more: str


def page_name(row: StripeObject, page: str) -> str:
    """The name of a page of notes of this kind."""
    return f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}"


def notes_about(row: Any, *, where: Q | None = None) -> list[Note]:
    """The newest notes about the object; about a customer also those about what belongs to it."""
    about = Q(object_type=row.kind.object, object_id=row.pk)
    found = Note.objects.filter(Q(customer_id=row.pk) if row.kind.object == "customer" else about)
    return list((found if where is None else found.filter(where))[:READ])


def panel(request: HttpRequest, row: Any, notes: list[Note], form: NoteForm | None = None) -> Panel | None:
    """The notes with the form, for who may read them."""
    user = request.user
    if not user.has_perm(VIEW):
        return None
    about = {"object_id": row.pk} if row.kind.object != "customer" else {"customer_id": row.pk}
    return Panel(
        notes=[shown(note, user, page=row) for note in notes[:SHOWN]],
        form=form or NoteForm(auto_id="note-%s"),
        add_url=reverse(page_name(row, "note_add"), args=(row.pk,)) if user.has_perm(ADD) else "",
        more=display.list_url(Note, about) if len(notes) > SHOWN else "",
    )


def shown(note: Note, user: User | AnonymousUser, *, page: Any) -> ShownNote:
    """A note on a page; one about something else than the page says about what."""
    elsewhere = (note.object_type, note.object_id) != (page.kind.object, page.pk)
    return ShownNote(
        id=note.pk,
        text=display.without_secrets(note.text),
        who=note.author_name or _("Somebody"),
        when=display.when(note.created_at, zone=True),
        edited=display.when(note.edited_at) if note.edited_at and not note.deleted_at else "",
        deleted=display.when(note.deleted_at) if note.deleted_at else "",
        about=display.link_to_id(note.object_id) if elsewhere else "",
        change_url=reverse(page_name(page, "note_change"), args=(page.pk, note.pk)) if may_change(user, note) else "",
    )
