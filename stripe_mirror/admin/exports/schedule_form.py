"""A saved export's name, and whether and when it runs by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import display
from stripe_mirror.admin.exports.access import may_schedule
from stripe_mirror.admin.exports.scheduling import plan
from stripe_mirror.admin.preferences import ZoneField
from stripe_mirror.admin.preferring import preferences_of
from stripe_mirror.models import SavedExport

HOURS = [(hour, f"{hour:02}:00") for hour in range(24)]
NONE = SavedExport.Schedule.NONE


class ScheduleForm(forms.ModelForm[SavedExport]):
    """What can be changed of a saved export."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    schedule = forms.ChoiceField(label=gettext_lazy("Runs"), choices=SavedExport.Schedule.choices, initial=NONE)
    weekday = forms.ChoiceField(label=gettext_lazy("On"), choices=list(WEEKDAYS.items()), required=False)
    day = forms.ChoiceField(
        label=gettext_lazy("On day"),
        choices=[(day, str(day)) for day in range(1, 32)],
        required=False,
        help_text=gettext_lazy("In a month without that day, on its last."),
    )
    hour = forms.ChoiceField(label=gettext_lazy("At"), choices=HOURS, initial=6, required=False)
    time_zone = ZoneField(label=gettext_lazy("By the clocks of"), required=False, max_length=64)

    class Meta:
        model = SavedExport
        fields = ("name", "schedule", "weekday", "day", "hour", "time_zone")

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user
        self.zone = preferences_of(user).time_zone or settings.TIME_ZONE
        zone = self.fields["time_zone"].widget
        zone.attrs |= {"list": "zones", "autocomplete": "off", "spellcheck": "false", "placeholder": self.zone}
        if self.instance.pk is None:
            self.initial["time_zone"] = self.zone
        if not may_schedule(user):
            self.fields["schedule"].disabled = True
            self.fields["schedule"].help_text = _("That needs the permission schedule_export.")

    def clean_time_zone(self) -> str:
        """The person's own, where none is given."""
        return str(self.cleaned_data["time_zone"] or self.zone)

    def clean_weekday(self) -> int:
        """As a number; of what has none, its default."""
        return int(self.cleaned_data["weekday"] or 0)

    def clean_day(self) -> int:
        """As `clean_weekday`."""
        return int(self.cleaned_data["day"] or 1)

    def clean_hour(self) -> int:
        """As `clean_weekday`."""
        given = self.cleaned_data["hour"]
        return int(given) if given else 6

    def clean_name(self) -> str:
        """Another one of theirs may not be called so: it would be meant by mistake."""
        name: str = self.cleaned_data["name"]
        others = SavedExport.objects.filter(owner=self.user, model_name=self.instance.model_name, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("You have an export of this name already. Choose another name."))
        return name

    def keep(self, **more: Any) -> SavedExport:
        """Save it, with these of its other fields; it runs by itself from now on, if it does."""
        saved = self.save(commit=False)
        for name, value in more.items():
            setattr(saved, name, value)
        plan(saved)
        saved.save()
        return saved


def schedule_words(saved: SavedExport) -> str:
    """When it runs, in words: "Every Monday at 06:00, Europe/Berlin"; "" where it doesn't by itself."""
    named: Mapping[str, str] = {
        SavedExport.Schedule.DAILY: _("Every day at %(time)s, %(zone)s"),
        SavedExport.Schedule.WEEKLY: _("Every %(weekday)s at %(time)s, %(zone)s"),
        SavedExport.Schedule.MONTHLY: _("On day %(day)s of every month at %(time)s, %(zone)s"),
    }
    words = named.get(saved.schedule, "")
    given = {
        "time": f"{saved.hour:02}:00",
        "zone": saved.time_zone,
        "weekday": str(WEEKDAYS[saved.weekday % 7]),
        "day": saved.day,
    }
    return words % given if words else ""


def next_words(saved: SavedExport) -> str:
    """When it runs next, as the person's clock has it."""
    return display.moment_text(saved.next_run_at, zone=True) if saved.next_run_at else ""
