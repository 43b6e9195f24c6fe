"""Pages read as the person prefers: in their time zone and their language. In the worker the defaults rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission, User
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation

from stripe_mirror.models import Preferences


class Backend(ModelBackend):
    """Django's, reading what the user prefers in the same query: no page pays for it."""

    def get_user(self, user_id: Any) -> User | None:
        user = User._default_manager.select_related("preferences").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """As Django's: the user's own and those of the groups, in one query instead of two."""
        if user_obj.is_superuser or user_obj.is_anonymous or not user_obj.is_active or obj is not None:
            return set(super().get_all_permissions(user_obj, obj))
        if not hasattr(user_obj, "_perm_cache"):
            given = Permission.objects.filter(Q(user=user_obj) | Q(group__user=user_obj)).order_by()
            names = given.values_list("content_type__app_label", "codename").distinct()
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in names}
        return cast("set[str]", user_obj._perm_cache)


def preferences_of(user: Any) -> Preferences:
    """What somebody has chosen; unsaved defaults for who has chosen nothing."""
    kept: Preferences | None = getattr(user, "preferences", None)
    return kept or Preferences(user_id=user.pk)


def as_preferred(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A middleware. A request without a session, such as a webhook, isn't asked who it is."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return get_response(request)
        preferred = preferences_of(request.user)
        if preferred.language in dict(settings.LANGUAGES):
            # LocaleMiddleware chooses anew with the next request.
            translation.activate(preferred.language)
            request.LANGUAGE_CODE = translation.get_language()
        with timezone.override(zone_of(preferred)):
            return get_response(request)

    return answer


def zone_of(preferred: Preferences) -> ZoneInfo:
    """The zone; TIME_ZONE where none is chosen, or where the one chosen has left the IANA database."""
    try:
        return ZoneInfo(preferred.time_zone or settings.TIME_ZONE)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(settings.TIME_ZONE)
