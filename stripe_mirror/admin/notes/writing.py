"""Adds, changes and deletes notes. What a note said before is kept, so that nobody rewrites history unseen."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from stripe_mirror.models import Note, NoteRevision, StripeObject
from stripe_mirror.push.secrets import holds_nul, holds_secret
from stripe_mirror.push.submit import display_name

LONGEST = 5000
ADD = "stripe_mirror.add_note"
VIEW = "stripe_mirror.view_note"


class NoteForm(forms.Form):
    """What somebody writes down."""

    text = forms.CharField(
        label=_("Note"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": _("Write a note for your colleagues")}),
        error_messages={"required": _("Nothing was kept: the note is empty.")},
    )

    def clean_text(self) -> str:
        """No key of Stripe's, and nothing that a database can't hold."""
        text: str = self.cleaned_data["text"]
        if holds_secret(text) or holds_nul(text):
            raise forms.ValidationError(_("Nothing was kept: this contains what looks like a Stripe key or secret."))
        return text


def customer_of(row: Any) -> str:
    """The id of the customer whom an object belongs to; "" where none is known here."""
    if row.kind.object == "customer":
        return str(row.pk)
    found = getattr(row, "customer_id", None)
    if not found and getattr(row, "charge_id", None) and row.charge is not None:
        found = row.charge.customer_id
    return found if isinstance(found, str) else ""


def add(row: StripeObject, *, author: User, text: str) -> Note:
    """Write a note about the object."""
    demand(author, ADD)
    return Note.objects.create(
        object_type=row.kind.object,
        object_id=row.pk,
        customer_id=customer_of(row),
        author=author,
        author_name=display_name(author),
        text=text,
        created_at=timezone.now(),
    )


def change(note_id: int, *, by: User, text: str) -> Note:
    """Let the author's note say something else; what it said is kept. Raises PermissionDenied."""
    with transaction.atomic():
        note = _own(note_id, by)
        if text != note.text:
            _keep(note)
            note.text, note.edited_at = text, timezone.now()
            note.save(update_fields=["text", "edited_at"])
    return note


def delete(note_id: int, *, by: User) -> Note:
    """Take the author's note off all pages; who may read earlier versions still can. Raises PermissionDenied."""
    with transaction.atomic():
        note = _own(note_id, by)
        _keep(note)
        note.text, note.deleted_at = "", timezone.now()
        note.save(update_fields=["text", "deleted_at"])
    return note


def may_change(user: User | AnonymousUser, note: Note) -> bool:
    """Whether it is this person's own, and still there."""
    return note.author_id == user.pk and note.deleted_at is None and user.has_perm(ADD)


def demand(user: User | AnonymousUser, permission: str) -> None:
    """Raise PermissionDenied for who may not."""
    if not user.has_perm(permission):
        raise PermissionDenied(_("You may not write notes."))


def _own(note_id: int, by: User) -> Note:
    """The note, locked, where it is this person's own to change. Raises PermissionDenied."""
    note = Note.objects.select_for_update().filter(pk=note_id).first()
    if note is None or not may_change(by, note):
        raise PermissionDenied(_("Only its author may change a note."))
    return note


def _keep(note: Note) -> None:
    written = cast(Any, note.edited_at or note.created_at)
    NoteRevision.objects.create(note=note, text=note.text, written_at=written, replaced_at=timezone.now())
