"""Everything about one customer as a zip: a CSV for each kind with rows, and a README of what is in it and what isn't.

Also the answer to somebody who asks what is stored about them. What the person who asks for it may not export is left
out and named; without `view_pii` personal data is masked, and what can't be masked is left out.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

from django.contrib.auth.models import User
from django.db.models import ForeignKey, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.exports.access import may_export
from stripe_mirror.admin.exports.columns import default_columns
from stripe_mirror.admin.exports.hidden import without_secrets
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.personal import sees_personal
from stripe_mirror.admin.exports.streaming import csv_bytes
from stripe_mirror.admin.exports.writing import export_bytes
from stripe_mirror.admin.preferring import preferences_of
from stripe_mirror.admin.raw import masked as masked_json
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Change, Customer, Note, Push
from stripe_mirror.push.submit import display_name

NOTE_HEADER = ("id", "about", "author", "text", "written", "changed")
# Kinds whose rows seldom name their customer: what they belong to is asked, too.
SILENT = frozenset({"refund"})
CHANGE_HEADER = ("object", "id", "happened", "change", "fields")


@dataclass(frozen=True)
class Part:
    """A file of the zip: its name, what it holds in words, its rows, and why it is left out ("" where it isn't)."""

    name: str
    title: str
    rows: QuerySet[Any]
    count: int
    why_not: str = ""


@dataclass(frozen=True)
class Belonging:
    """That a kind's rows belong to a customer: by which of their relations, to the customer or to what has one."""

    model: type[Any]
    fields: tuple[str, ...]


@cache
def belonging() -> tuple[Belonging, ...]:
    """The kinds that belong to a customer, by themselves or by what they belong to."""
    direct = [kind.model for kind in all_kinds() if _relations(kind.model, {Customer})]
    found = [Belonging(model, ("customer", *_further(model, set(direct)))) for model in direct]
    others = [kind.model for kind in all_kinds() if kind.model not in direct and kind.model is not Customer]
    steps = [Belonging(model, _relations(model, set(direct))[:1]) for model in others]
    return (*found, *(one for one in steps if one.fields))


def _further(model: Any, parents: set[type[Any]]) -> tuple[str, ...]:
    """By what rows belong to a customer that don't say so themselves."""
    return _relations(model, parents) if model.kind.object in SILENT else ()


def _relations(model: Any, targets: set[type[Any]]) -> tuple[str, ...]:
    """The relations of a model to one of these."""
    fields = model._meta.concrete_fields
    return tuple(f.name for f in fields if isinstance(f, ForeignKey) and f.related_model in targets)


def rows_of(customer: Customer, one: Belonging) -> QuerySet[Any]:
    """A kind's rows that belong to the customer."""
    first, *more = (_rows_by(customer, one.model, field) for field in one.fields)
    # By ids: an "or" over several tables would scan (see the design, speed).
    ids = first.values("pk").union(*(rows.values("pk") for rows in more)) if more else None
    rows: QuerySet[Any] = first if ids is None else one.model._default_manager.filter(pk__in=ids)
    return rows.order_by("pk")


def _rows_by(customer: Customer, model: type[Any], field: str) -> QuerySet[Any]:
    parent: Any = model._meta.get_field(field).related_model
    owner: Any = (
        customer.pk if parent is Customer else parent._default_manager.filter(customer=customer.pk).values("pk")
    )
    rows: QuerySet[Any] = model._default_manager.filter(**{field if parent is Customer else f"{field}__in": owner})
    return rows.order_by()


def parts_of(customer: Customer, user: User) -> list[Part]:
    """The files: the customer first, then each kind that there is anything of, then what staff wrote and did."""
    own = Customer.objects.filter(pk=customer.pk)
    kinds: list[tuple[type[Any], QuerySet[Any]]] = [(Customer, own)]
    kinds += [(one.model, rows_of(customer, one)) for one in belonging()]
    found = [_kind_part(model, rows, user) for model, rows in kinds]
    found += [_notes(customer, user), _changes(kinds, user), _pushes(kinds, user)]
    return [part for part in found if part.count]


def _kind_part(model: type[Any], rows: QuerySet[Any], user: User) -> Part:
    words = display.words(model._meta.verbose_name_plural)
    why_not = "" if may_export(user, model) else _("You may not export these.")
    return Part(f"{model._meta.model_name}s.csv", words, rows, rows.order_by().count(), why_not)


def _notes(customer: Customer, user: User) -> Part:
    rows = Note.objects.filter(customer_id=customer.pk, deleted_at=None).order_by("pk")
    return Part("notes.csv", _("Notes of staff"), rows, rows.count(), _why_not_in_words(user, "view_note"))


def _changes(kinds: Iterable[tuple[type[Any], QuerySet[Any]]], user: User) -> Part:
    rows = Change.objects.filter(_about(kinds, user)).order_by("happened_at", "pk")
    return Part("changes.csv", _("Changes"), rows, rows.order_by().count(), _why_not_in_words(user, "view_change"))


def _pushes(kinds: Iterable[tuple[type[Any], QuerySet[Any]]], user: User) -> Part:
    rows = Push.objects.filter(_about(kinds, user)).order_by("created_at", "pk")
    why_not = "" if may_export(user, Push) else _("You may not export these.")
    return Part("pushes.csv", _("What staff did"), rows, rows.order_by().count(), why_not)


def _about(kinds: Iterable[tuple[type[Any], QuerySet[Any]]], user: User) -> Q:
    """What is about any of the objects that the person may export."""
    condition = Q(pk__in=())
    for model, rows in kinds:
        if may_export(user, model):
            condition |= Q(object_type=model.kind.object, object_id__in=rows.order_by().values("pk"))
    return condition


def _why_not_in_words(user: User, permission: str) -> str:
    """Free text and old values can't be masked."""
    if not user.has_perm(f"stripe_mirror.{permission}"):
        return _("You may not see these.")
    return "" if sees_personal(user) else _("They may hold personal data anywhere, which you may not export.")


def write_zip(customer: Customer, parts: Iterable[Part], user: User) -> IO[bytes]:
    """The zip as a file that vanishes when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the answer closes it)
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", readme(customer, parts, user))
            for part in parts:
                if not part.why_not:
                    _add(archive, part, user)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _add(archive: zipfile.ZipFile, part: Part, user: User) -> None:
    # With the time of day: of a bare name it would be that of 1980.
    entry_of = zipfile.ZipInfo(part.name, date_time=timezone.localtime().timetuple()[:6])
    entry_of.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry_of, "w", force_zip64=True) as entry:
        for piece in _bytes(part, user):
            entry.write(piece)


def _bytes(part: Part, user: User) -> Iterable[bytes]:
    if part.rows.model is Note:
        return csv_bytes(NOTE_HEADER, _note_rows(part.rows))
    if part.rows.model is Change:
        return csv_bytes(CHANGE_HEADER, _change_rows(part.rows))
    return export_bytes(part.rows, options_for(user), sees_personal=sees_personal(user))


def options_for(user: User) -> ExportOptions:
    """The usual columns, in the person's time zone."""
    return ExportOptions(timezone=preferences_of(user).time_zone)


def masked(parts: Iterable[Part]) -> bool:
    """Whether anything of it would be personal."""
    kinds = [part.rows.model for part in parts if not part.why_not and part.rows.model not in (Note, Change)]
    return any(column.personal for model in kinds for column in default_columns(model))


def _note_rows(rows: QuerySet[Note]) -> Iterator[tuple[object, ...]]:
    for note in rows.iterator(chunk_size=500):
        text = without_secrets(note.text)
        yield note.pk, note.object_id, note.author_name, text, _moment(note.created_at), _moment(note.edited_at)


def _change_rows(rows: QuerySet[Change]) -> Iterator[tuple[object, ...]]:
    for change in rows.iterator(chunk_size=500):
        shown = {name: masked_json(pair, key=name.rsplit(".", 1)[-1]) for name, pair in change.fields.items()}
        fields = without_secrets(json.dumps(shown, ensure_ascii=False, sort_keys=True))
        yield change.object_type, change.object_id, _moment(change.happened_at), change.action, fields


def _moment(moment: Any) -> str:
    return timezone.localtime(moment).isoformat() if moment else ""


def readme(customer: Customer, parts: Iterable[Part], user: User) -> str:
    """What is in the zip, and what isn't and why."""
    lines = [
        _("Everything that is stored about the customer %(id)s") % {"id": customer.pk},
        _("Written %(when)s for %(who)s") % {"when": _moment(timezone.now()), "who": display_name(user)},
        "",
        *(f"{part.name}: {part.title}, {part.count}" for part in parts if not part.why_not),
    ]
    if left_out := [f"{part.title} ({part.count}): {part.why_not}" for part in parts if part.why_not]:
        lines += ["", _("Left out:"), *left_out]
    if not sees_personal(user):
        lines += ["", _("Personal data is masked: that needs the permission view_pii.")]
    return "\n".join([*lines, ""])
