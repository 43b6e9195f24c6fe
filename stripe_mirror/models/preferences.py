"""What a person has chosen for themselves: how pages read to them. Nothing of it goes to Stripe."""

from django.conf import settings
from django.db import models


class Preferences(models.Model):
    """One row per person who has chosen anything; an empty text is the default."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="preferences"
    )
    # A name of the IANA database, as in "Europe/Berlin"; empty: TIME_ZONE.
    time_zone = models.CharField(max_length=64, blank=True)
    # One of LANGUAGES; empty: what the browser asks for.
    language = models.CharField(max_length=16, blank=True)

    class Meta:
        verbose_name_plural = "preferences"
        default_permissions = ()

    def __str__(self) -> str:
        return f"Preferences of {self.user}"
