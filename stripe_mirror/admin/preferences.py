"""The page on which people choose how pages read to them: time zone and language. Everybody who may sign in has one."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin import display
from stripe_mirror.admin.preferring import preferences_of
from stripe_mirror.models import Preferences


def zones() -> list[str]:
    """The zones that people look for: places, and UTC."""
    left_out = ("Etc/", "SystemV/", "posix/", "right/")
    return sorted(z for z in available_timezones() if z == "UTC" or ("/" in z and not z.startswith(left_out)))


class ZoneField(forms.CharField):
    """The name of a zone; how it is capitalised and whether "_" stands for a space doesn't matter."""

    def clean(self, value: Any) -> str:
        typed = str(super().clean(value)).strip().replace(" ", "_")
        found = {zone.lower(): zone for zone in available_timezones()}.get(typed.lower(), "")
        if typed and not found:
            sentence = gettext("“%(zone)s” is no time zone. Choose one from the list, for example Europe/Berlin.")
            raise forms.ValidationError(sentence % {"zone": str(value)[:64]})
        return found


class PreferencesForm(forms.ModelForm[Preferences]):
    """What can be chosen; left empty, the default applies."""

    time_zone = ZoneField(label=_("Time zone"), required=False, max_length=64)
    language = forms.ChoiceField(label=_("Language"), required=False)

    class Meta:
        model = Preferences
        fields = ("time_zone", "language")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["time_zone"].widget.attrs |= {"list": "zones", "autocomplete": "off", "spellcheck": "false"}
        self.fields["time_zone"].widget.attrs["placeholder"] = settings.TIME_ZONE
        self.fields["time_zone"].help_text = gettext(
            "All times and days are shown, filtered and typed in this zone. Empty: %(zone)s. "
            "Exports begin with it, too."
        ) % {"zone": settings.TIME_ZONE}
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = [("", _("As the browser asks for")), *_languages()]


def _languages() -> list[tuple[str, str]]:
    """Each language by its own name."""
    return [
        (code, translation.get_language_info(code)["name_local"].capitalize()) for code, _name in settings.LANGUAGES
    ]


def preferences(request: HttpRequest) -> HttpResponse:
    """Show what is chosen, and keep what is chosen anew."""
    assert isinstance(request.user, User)
    form = PreferencesForm(request.POST or None, instance=preferences_of(request.user))
    if request.method == "POST" and form.is_valid():
        kept = form.save()
        with translation.override(kept.language or translation.get_language()):
            messages.success(request, gettext("Your preferences are saved."))
        return HttpResponseRedirect(reverse("preferences"))
    context = {
        **admin.site.each_context(request),
        "title": _("Preferences"),
        "form": form,
        "zones": zones(),
        "now": display.when(timezone.now(), zone=True),
    }
    return TemplateResponse(request, "stripe_mirror/preferences.html", context)
