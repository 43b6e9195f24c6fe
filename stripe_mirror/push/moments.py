"""The form field for a moment, and how sentences say one. Both ways it is Stripe's own: whole Unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import dateformat, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from stripe_mirror.push.operation import OperationForm
from stripe_mirror.push.wording import Words

MINUTE = 60
PASSED = gettext_lazy("This date has passed. Write one in the future.")


def now() -> int:
    """This second."""
    return int(timezone.now().timestamp())


def moment_words(seconds: int) -> str:
    """ "01 May 2091 at 12:00 (UTC)", in TIME_ZONE (S54)"""
    moment = timezone.localtime(datetime.fromtimestamp(seconds, UTC))
    words = {"date": _date(moment), "time": f"{moment:%H:%M}", "zone": timezone.get_current_timezone_name()}
    return _("%(date)s at %(time)s (%(zone)s)") % words


def date_words(seconds: int) -> str:
    """ "01 May 2091 (UTC)" """
    moment = timezone.localtime(datetime.fromtimestamp(seconds, UTC))
    return f"{_date(moment)} ({timezone.get_current_timezone_name()})"


def _date(moment: datetime) -> str:
    # Django's letters of a date (https://docs.djangoproject.com/en/5.2/ref/templates/builtins/#date).
    return dateformat.format(moment, pgettext("date", "d F Y"))


class MomentField(forms.DateTimeField):
    """Gives Unix seconds; people write to the minute, in TIME_ZONE."""

    def __init__(self, *, passed: Words = PASSED, **options: Any) -> None:
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
