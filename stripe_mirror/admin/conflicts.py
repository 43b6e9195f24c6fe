"""Two people changed the same field: what it was, what it is now, what you wrote, and whose shall stay (S38)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.safestring import SafeString

from stripe_mirror.admin import display
from stripe_mirror.push.errors import Conflict, FieldConflict
from stripe_mirror.push.operation import Operation

# Fields that travel with a form without being the form's.
CARRIED = ("csrfmiddlewaretoken", "push_id", "opened")
DECIDE = "decide:"
MINE, THEIRS = "mine", "theirs"


@dataclass(frozen=True)
class Choice:
    """One field to decide."""

    # The form field, and the entry where the field is a table.
    name: str
    key: str
    label: str
    now: Any
    shown_was: SafeString
    shown_now: SafeString
    shown_yours: SafeString

    @property
    def parameter(self) -> str:
        """The name of its radio buttons."""
        return f"{DECIDE}{self.name}:{self.key}"


def choices(conflict: Conflict) -> list[Choice]:
    """What a person has to decide."""
    return [_choice(field) for field in conflict.fields]


def _choice(field: FieldConflict) -> Choice:
    return Choice(
        name=field.name,
        key=field.key,
        label=field.label,
        now=field.now,
        shown_was=_shown(field.was),
        shown_now=_shown(field.now),
        shown_yours=_shown(field.yours),
    )


def _shown(value: Any) -> SafeString:
    return display.plain(", ".join(map(str, value)) if isinstance(value, list) else value)


def merged(opened: Mapping[str, Any], decisions: list[Choice]) -> dict[str, Any]:
    """What the person has now seen: the form as it was opened, with the disputed fields as they are by now."""
    seen = dict(opened)
    for choice in decisions:
        if choice.key:
            seen[choice.name] = {**(seen.get(choice.name) or {}), choice.key: choice.now or ""}
        else:
            seen[choice.name] = choice.now
    return seen


def typed(data: QueryDict) -> list[tuple[str, str]]:
    """The posted form as hidden fields, so that nothing that was typed is lost."""
    kept = [name for name in data if name not in CARRIED and not name.startswith(DECIDE)]
    return [(name, str(value)) for name in kept for value in data.getlist(name)]


def decided(posted: QueryDict, opened: Mapping[str, Any], operation: Operation) -> QueryDict:
    """The form after the decisions: where theirs stays, the field says what was seen, and nothing is sent for it."""
    data = posted.copy()
    for parameter, decision in posted.items():
        if not parameter.startswith(DECIDE) or decision != THEIRS:
            continue
        name, _, key = parameter.removeprefix(DECIDE).partition(":")
        if name not in operation.form_class.base_fields or name not in opened:
            continue
        if key:
            _keep_entry(data, name, key, str((opened[name] or {}).get(key) or ""))
        else:
            seen = opened[name]
            data[name] = ", ".join(map(str, seen)) if isinstance(seen, list) else str(seen or "")
    return data


def _keep_entry(data: QueryDict, name: str, key: str, text: str) -> None:
    """Set one entry of a table of keys and values; an empty text removes it."""
    pairs = zip(data.getlist(f"{name}-key"), data.getlist(f"{name}-value"), strict=False)
    kept = [pair for pair in pairs if pair[0].strip() != key] + ([(key, text)] if text else [])
    data.setlist(f"{name}-key", [pair[0] for pair in kept])
    data.setlist(f"{name}-value", [pair[1] for pair in kept])
