"""The form field for a moment, and how sentences say one. Both ways it is Stripe's own: whole Unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone

from stripe_mirror.push.operation import OperationForm

MINUTE = 60


def now() -> int:
    """This second."""
    return int(timezone.now().timestamp())


def moment_words(seconds: int) -> str:
    """ "01 May 2091 at 12:00 (UTC)", in TIME_ZONE (S54)"""
    moment = timezone.localtime(datetime.fromtimestamp(seconds, UTC))
    return f"{moment:%d %B %Y at %H:%M} ({timezone.get_current_timezone_name()})"


class MomentField(forms.DateTimeField):
    """Gives Unix seconds; people write to the minute, in TIME_ZONE."""

    def __init__(self, *, passed: str = "This date has passed. Write one in the future.", **options: Any) -> None:
        """`passed` is the sentence for a moment that has passed; "" where it may have."""
        super().__init__(**options)
        self.passed = passed

    def prepare_value(self, value: Any) -> Any:
        """Seconds as people write them; typed text as it was typed."""
        return super().prepare_value(datetime.fromtimestamp(value, UTC) if isinstance(value, int) else value)

    def to_python(self, value: Any) -> Any:
        """Seconds; a number is in them already (a job's stored form), a text is what a person typed."""
        if isinstance(value, int):
            return value
        moment = super().to_python(value)
        return None if moment is None else int(moment.timestamp())

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare as people see it."""
        return bool(as_shown(self.to_python(data), initial) != initial)


def as_shown(seconds: int | None, initial: Any) -> int | None:
    """The initial moment where it reads the same: a form shows no seconds, so it can't give them back."""
    same_minute = isinstance(seconds, int) and isinstance(initial, int) and seconds // MINUTE == initial // MINUTE
    return initial if same_minute else seconds


class MomentForm(OperationForm):
    """A form with moments to come: what is left as shown keeps its seconds, and may have passed meanwhile."""

    def clean(self) -> dict[str, Any]:
        """Each moment to the second, and in the future where it is a new one."""
        cleaned = super().clean()
        for name, field in self.fields.items():
            if isinstance(field, MomentField) and isinstance(seconds := cleaned.get(name), int):
                cleaned[name] = as_shown(seconds, self.initial.get(name))
                if field.passed and cleaned[name] != self.initial.get(name) and seconds <= now():
                    self.add_error(name, field.passed)
        return cleaned
