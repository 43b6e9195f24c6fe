"""What edits have in common: an object's own fields in a form, the difference as parameters, and the way back; and
archiving, which edits `active` alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.kinds import get_kind
from stripe_mirror.language import number_words
from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push import metadata, state
from stripe_mirror.push.effects import Undo
from stripe_mirror.push.errors import ODD_SHAPE_WORDS, NothingToChange
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.operation import Call, Operation, OperationForm
from stripe_mirror.push.wording import Words, change_line, metadata_lines


class LinesField(forms.CharField):
    """A list, an entry per line; in Stripe a list of texts, or of objects that hold the text under `key`."""

    def __init__(self, *, most: int, longest: int = 5000, key: str = "", **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3}), required=False, **options)
        self.most, self.longest, self.key = most, longest, key

    def shown(self, value: Any) -> list[str]:
        """Stripe's list as the form's."""
        entries = value if isinstance(value, list) else []
        return state.texts([state.look_up(entry, (self.key,)) for entry in entries] if self.key else entries)

    def sent(self, value: Sequence[str]) -> Any:
        """The form's list as Stripe's; "" empties it."""
        return ([{self.key: entry} for entry in value] if self.key else list(value)) or ""

    def prepare_value(self, value: Any) -> Any:
        """A list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Lines as a list; a stored form holds the list already."""
        entries = value if isinstance(value, list) else str(value or "").splitlines()
        return [entry.strip() for entry in entries if entry.strip()]

    def run_validators(self, value: Any) -> None:
        """Stripe's limits; none of a text's validators fits a list."""
        if len(value) > self.most:
            raise forms.ValidationError(
                _("Stripe takes at most %(most)s; these are %(count)s.") % {"most": self.most, "count": len(value)}
            )
        if long := next((entry for entry in value if len(entry) > self.longest), ""):
            raise forms.ValidationError(
                _("“%(long)s…” is longer than %(longest)s characters.") % {"long": long[:40], "longest": self.longest}
            )


class EditForm(OperationForm):
    """An object's own fields. Those in `keeps` can be changed in Stripe, but not emptied."""

    keeps: ClassVar[tuple[str, ...]] = ()

    def clean(self) -> dict[str, Any]:
        """Say at the field what Stripe would refuse."""
        cleaned = super().clean()
        for name in self.keeps:
            if name in cleaned and self.initial.get(name) and not cleaned[name]:
                self.add_error(name, _("Stripe can't empty this. Write another value."))
        return cleaned


class EditOperation(Operation):
    """The difference between a form and an object whose fields have the names that the parameters have.

    Every form field but the reason and the `decisions` is such a field. For one that `creates`, the object is empty.
    """

    def fields(self) -> Iterator[tuple[str, forms.Field]]:
        """The form's fields that the object has."""
        chosen = ("reason", *self.decisions)
        return ((name, field) for name, field in self.form_class.base_fields.items() if name not in chosen)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The present values, empty where there is none."""
        return {name: shown(field, state.look_up(row.data, (name,))) for name, field in self.fields()}

    def differing(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """The fields whose value the form changes. Raises NothingToChange where there is none."""
        present, names = self.initial(row), [name for name, _ in self.fields()]
        found = {n: cleaned[n] for n in names if n in cleaned and not state.same(present[n], cleaned[n])}
        if not found:
            raise NothingToChange
        return found

    def params(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """What differs, as Stripe wants it. Raises NothingToChange."""
        fields, present = dict(self.fields()), self.initial(row)
        return {
            name: metadata.difference(present[name], value) if name == "metadata" else sent(fields[name], value)
            for name, value in self.differing(row, cleaned).items()
        }

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One request with the difference, to the object or to the list that it becomes one of."""
        path = row.kind.list_path if self.creates else row.kind.path(row.pk)
        return Call("post", path, self.params(row, cleaned))

    def why_not(self, row: StripeObject) -> str:
        """What was deleted can't be changed."""
        return why_not_deleted(row)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """Each field that changes, with its old and new value; of a new object what it will be."""
        present = self.initial(row)
        lines: list[str] = []
        for name, new in self.differing(row, cleaned).items():
            label = str(self.form_class.base_fields[name].label)
            if name == "metadata":
                lines += metadata_lines(present[name], new)
            elif self.creates:
                words = self.in_words(name, new)
                lines.append(f"{label}: {', '.join(words) if isinstance(words, list) else words}")
            else:
                lines.append(change_line(label, self.in_words(name, present[name]), self.in_words(name, new)))
        return lines

    def in_words(self, name: str, value: Any) -> Any:
        """A field's value as the summary says it: of a choice what its list shows."""
        field = self.form_class.base_fields[name]
        offered = cast("Iterable[tuple[Any, Any]]", field.choices) if isinstance(field, forms.ChoiceField) else ()
        return dict(offered).get(value, value) if value else value

    def undo(self, push: Push) -> Undo | None:
        """The same edit back to the old values; where Stripe can't empty a field that was empty, there is no way."""
        values = self.old_values(push)
        kept = self.form_class.keeps if issubclass(self.form_class, EditForm) else ()
        return Undo(self.name, values) if all(values[name] for name in kept if name in values) else None

    def old_values(self, push: Push) -> dict[str, Any]:
        """What the form showed of the fields that the push changed; metadata with the keys that came since."""
        values = {n: shown(field, push.before.get(n)) for n, field in self.fields() if n in push.params}
        if "metadata" in values:
            row = get_kind(push.object_type).model._default_manager.filter(pk=push.object_id).first()
            olds = {key: push.before.get(f"metadata.{key}") for key in push.params["metadata"]}
            table = {**(row.metadata if row else {}), **olds}
            values["metadata"] = {key: value for key, value in table.items() if isinstance(value, str)}
        return values


def shown(field: forms.Field, value: Any) -> Any:
    """Stripe's value as a form's field holds it."""
    if isinstance(field, MetadataField):
        return state.table(value)
    return field.shown(value) if isinstance(field, LinesField) else state.text(value)


def sent(field: forms.Field, value: Any) -> Any:
    """A form's value as a parameter."""
    return field.sent(value) if isinstance(field, LinesField) else value


def why_not_deleted(row: StripeObject) -> str:
    """A sentence where the object was deleted in Stripe, else ""."""
    return _("This %(noun)s was deleted in Stripe.") % {"noun": row._meta.verbose_name} if row.deleted_at else ""


def counted(number: int, *, most: int) -> str:
    """ "3"; "10,000+" where only `most` were counted."""
    return f"{number_words(most)}+" if number > most else number_words(number)


class SwitchForm(OperationForm):
    """Only a reason."""


class SwitchActive(Operation):
    """Sets `active`: out of sale and back. Takes any number of rows, and is undone by its inverse."""

    form_class = SwitchForm
    bulk = True
    active: ClassVar[bool]
    # The operation that sets it back.
    inverse: ClassVar[str]
    # How the summary and refusals call what isn't active.
    off: ClassVar[Words] = gettext_lazy("archived")

    def why_not(self, row: StripeObject) -> str:
        """Deleted, switched already, or what the kind adds."""
        if reason := why_not_deleted(row):
            return reason
        active = row.data.get("active")
        if not isinstance(active, bool):
            return str(ODD_SHAPE_WORDS)
        if active is self.active:
            noun = row._meta.verbose_name
            return (
                _("This %(noun)s is not %(off)s.") % {"noun": noun, "off": self.off}
                if active
                else _("This %(noun)s is %(off)s already.") % {"noun": noun, "off": self.off}
            )
        return self.why_not_switched(row)

    def why_not_switched(self, row: StripeObject) -> str:
        """What else forbids it."""
        return ""

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """Only `active`."""
        if row.data.get("active") is self.active:
            raise NothingToChange
        return Call("post", row.kind.path(row.pk), {"active": self.active})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """One line."""
        self.plan(row, cleaned)
        return [
            _("“%(row)s” is no longer %(off)s.") % {"row": row, "off": self.off}
            if self.active
            else _("“%(row)s” becomes %(off)s.") % {"row": row, "off": self.off}
        ]

    def undo(self, push: Push) -> Undo:
        """The inverse, on the same object."""
        return Undo(self.inverse)
