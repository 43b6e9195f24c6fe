"""Which field of an operation a file's column fills: what is offered, and a guess by the header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.kinds import get_kind
from stripe_mirror.language import as_written
from stripe_mirror.push.importable import Importable
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.operation import Operation, all_operations, may, operations_for
from stripe_mirror.push.wording import Words

# What a column may be besides a form's field; "" is ignored.
KEY, VERSION, CURRENCY = "=key", "=version", "=currency"
METADATA = "metadata."
IGNORED = ""
# How exports mark amounts that are integers of Stripe's.
MINOR = re.compile(r"[\s_]*[(\[]?\s*(?:in\s+)?minor(?:[\s_]+units?)?\s*[)\]]?\s*$", re.IGNORECASE)
NO_FIELD = gettext_lazy("“%(label)s” can't change this.")
STATED_TWICE = gettext_lazy("Another column says this already.")
KEYS_OF_THEIR_OWN = gettext_lazy("Its keys have columns of their own in this file.")


@dataclass(frozen=True)
class Guess:
    """What a column seems to be; where it is ignored, why."""

    target: str
    why_ignored: str = ""


def declared(operation: Operation) -> Importable:
    """How the operation is imported; one that isn't importable has no columns (see `importable_operations`)."""
    return operation.importable or Importable()


def importable_operations(object_type: str) -> tuple[Operation, ...]:
    """What a file about this kind can do: edits first, then what makes one."""
    own = [o for o in operations_for(object_type) if o.importable and not o.adds]
    made = [o for o in all_operations() if o.importable and o.adds and made_kind(o) == object_type]
    return tuple(sorted([*own, *made], key=lambda o: o.creates or o.adds))


def may_import(user: User | AnonymousUser, operation: Operation) -> bool:
    """Whether this person may do it by a file: the operation, on many rows, and see the kind that is compared."""
    view = f"stripe_mirror.view_{get_kind(operation.object_type).model._meta.model_name}"
    many = user.has_perm("stripe_mirror.run_job") and user.has_perm(view)
    return operation.importable is not None and may(user, operation) and many


def made_kind(operation: Operation) -> str:
    """The kind that an operation adds beside its row, by its name: create_price → "price"."""
    return operation.makes or operation.name.removeprefix("create_")


def needs_key(operation: Operation) -> bool:
    """Whether a row says which object it is about."""
    return not operation.creates


def fields_of(operation: Operation) -> dict[str, str]:
    """The form's fields that a column can fill, with their labels."""
    found = operation.form_class.base_fields.items()
    return {name: str(field.label or name) for name, field in found if name != "reason"}


def offered(operation: Operation) -> list[tuple[str, Words]]:
    """What a person can choose for a column."""
    choices: list[tuple[str, Words]] = [(IGNORED, _("— ignored —"))]
    if needs_key(operation):
        noun = get_kind(operation.object_type).model._meta.verbose_name
        choices.append((KEY, _("ID of the %(noun)s") % {"noun": noun}))
    if not (operation.creates or operation.adds):
        choices.append((VERSION, _("Version, as exported")))
        if "currency" not in fields_of(operation):
            choices.append((CURRENCY, _("Currency, only compared")))
    return [*choices, *fields_of(operation).items()]


def valid_target(operation: Operation, target: str) -> bool:
    """Whether it is one of those, or a key of the metadata."""
    if target.startswith(METADATA) and "metadata" in fields_of(operation):
        return bool(target.removeprefix(METADATA))
    return any(target == value for value, _words in offered(operation))


def guess_all(operation: Operation, headers: Sequence[str]) -> list[Guess]:
    """One guess per header; of two that mean the same the first counts."""
    names = _names(operation)
    found = [_guess(operation, names, header) for header in headers]
    own_keys = any(guess.target.startswith(METADATA) for guess in found)
    seen: set[str] = set()
    for place, guess in enumerate(found):
        if guess.target == "metadata" and own_keys:
            found[place] = Guess(IGNORED, str(KEYS_OF_THEIR_OWN))
        elif guess.target and guess.target in seen:
            found[place] = Guess(IGNORED, str(STATED_TWICE))
        seen.add(guess.target)
    return found


def why_ignored(operation: Operation, header: str) -> str:
    """Why nothing of this column can be pushed; "" where it could be."""
    return _guess(operation, _names(operation), header).why_ignored


def in_minor_units(headers: Iterable[str]) -> bool:
    """Whether the headers say that amounts are integers of Stripe's."""
    return any(MINOR.search(header) for header in headers)


def _guess(operation: Operation, names: dict[str, str], header: str) -> Guess:
    key = metadata_key(header)
    if key and isinstance(operation.form_class.base_fields.get("metadata"), MetadataField):
        return Guess(METADATA + key)
    target = names.get(_plain(header)) or names.get(_plain(MINOR.sub("", header)))
    return Guess(target) if target else Guess(IGNORED, str(NO_FIELD) % {"label": operation.label})


def metadata_key(header: str) -> str:
    """The key of a column of the metadata ("metadata.plan", "Metadata: plan", "metadata[plan]"), else ""."""
    head, rest = header.strip()[:8], header.strip()[8:]
    if head.casefold() != "metadata":
        return ""
    if rest.startswith("[") and rest.endswith("]"):
        return rest[1:-1].strip("'\"")
    return rest[1:].strip() if rest[:1] in (".", ":") else ""


def _names(operation: Operation) -> dict[str, str]:
    """Each name that a header may have, in its plain spelling → what the column is."""
    about = declared(operation)
    names: dict[str, str] = {}
    if needs_key(operation):
        names |= {_plain(about.key): KEY, _plain(f"{operation.object_type} id"): KEY}
    if not (operation.creates or operation.adds):
        names |= {"version": VERSION}
        if "currency" not in fields_of(operation):
            names |= {"currency": CURRENCY}
    fields = {name: name for name in fields_of(operation)} | dict(about.columns)
    labels = {name: field.label for name, field in operation.form_class.base_fields.items() if name in fields}
    for spelled in (*labels.items(), *((n, as_written(label or n)) for n, label in labels.items())):
        names.setdefault(_plain(str(spelled[1])), spelled[0])
    names |= {_plain(column): name for column, name in fields.items()}
    # The key is never a field: a coupon's own ID is one only where it is made.
    return {**names, _plain(about.key): KEY} if needs_key(operation) else names


def _plain(header: str) -> str:
    return "".join(c for c in header.casefold() if c.isalnum())
