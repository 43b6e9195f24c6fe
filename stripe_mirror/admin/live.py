"""Open pages follow changes: a small endpoint says what changed since a cursor, and `live.js` asks it every 2 seconds.

Nothing is pushed and nothing is held open. Where something changed, the page reads itself again in the background and
takes over what differs. Mix `LiveAdminMixin` in before Unfold's ModelAdmin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.messages.storage.base import BaseStorage
from django.core.exceptions import PermissionDenied
from django.forms.utils import flatatt
from django.forms.widgets import Script
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from stripe_mirror.admin.live_changes import Cursor, ListFollower, ObjectFollower, changes_since, current_cursor
from stripe_mirror.kinds import Kind

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object

# Sent by `live.js` when a page reads itself again.
BACKGROUND = "X-Live"


def live_settings(kind: Kind, *, object_id: str = "", cursor: Cursor | None = None) -> dict[str, str]:
    """What `live.js` needs to follow a list of a kind, or one object and what belongs to it."""
    found = {
        "data-live-url": reverse(f"admin:stripe_mirror_{kind.model_name}_live"),
        "data-live-cursor": str(cursor or current_cursor()),
        "data-live-name": str(kind.model._meta.verbose_name),
    }
    return found | ({"data-live-object": object_id} if object_id else {})


def live_attributes(kind: Kind, *, object_id: str = "") -> SafeString:
    """The settings as attributes of the `<script>` tag, for pages that are neither a list nor a change view."""
    return flatatt(live_settings(kind, object_id=object_id))


class LiveAdminMixin(Base):
    """Lists and object pages of a mirrored kind that follow changes by themselves."""

    def get_urls(self) -> list[URLPattern]:
        """With `live/`, for whoever may view the kind."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_live"
        return [path("live/", self.admin_site.admin_view(self.live_view), name=name), *super().get_urls()]

    def live_view(self, request: HttpRequest) -> JsonResponse:
        """`{"cursor": …, "changed": [ids], "many": …, "fields": […]}` for `?since=cursor[&object_id=…]`.

        `many` stands for more changes than are listed; `fields` names what changed on the object itself.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            cursor = Cursor.parse(request.GET["since"]) if "since" in request.GET else None
        except ValueError:
            return JsonResponse({"error": "`since` is no cursor of this server. Reload the page."}, status=400)
        answer = self._answer(request, cursor) if cursor else {"cursor": str(current_cursor())}
        return JsonResponse(
            {"changed": [], "many": False, "fields": []} | answer, headers={"Cache-Control": "no-store"}
        )

    def _answer(self, request: HttpRequest, cursor: Cursor) -> dict[str, Any]:
        object_id = request.GET.get("object_id", "")
        relations = [] if object_id else self.live_relations(request)
        follow = ObjectFollower(self.model, object_id) if object_id else ListFollower(self.model, relations)
        seen = changes_since(cursor, follow.object_types)
        changed = follow.concerned(seen) if seen.changes else []
        answer = {"cursor": str(seen.cursor), "changed": changed, "many": seen.many}
        return answer | {"fields": seen.fields(self.model.kind.object, object_id)}

    def live_relations(self, request: HttpRequest) -> list[str]:
        """Relations whose objects the list shows, so that their changes change its rows."""
        shown = self.list_select_related if isinstance(self.list_select_related, Iterable) else ()
        return [name for name in shown if "__" not in name]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, with the script that keeps it current."""
        found = _begin(request, self.model.kind)
        if shown := self.live_relations(request):
            found["data-live-relations"] = ",".join(shown)
        return _with_script(super().changelist_view(request, extra_context), found)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The object's page, with the script that keeps it current."""
        found = _begin(request, self.model.kind, object_id=unquote(object_id) if object_id else "")
        return _with_script(super().changeform_view(request, object_id, form_url, extra_context), found)


class NoMessages(BaseStorage):
    """Messages of a page that nobody looks at: none are read, and new ones are dropped."""

    def _get(self, *args: Any, **kwargs: Any) -> tuple[list[Any], bool]:
        return [], True

    def _store(self, messages: Any, response: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return []


def _begin(request: HttpRequest, kind: Kind, *, object_id: str = "") -> dict[str, str]:
    """The script's settings, taken before the rows are read.

    A page that reads itself in the background must not use up the messages that wait for the person's next page.
    """
    if BACKGROUND in request.headers:
        setattr(request, "_messages", NoMessages(request))  # noqa: B010 (not a name of the request's type)
    return live_settings(kind, object_id=object_id)


def _with_script(response: Any, found: dict[str, str]) -> Any:
    context = getattr(response, "context_data", None)
    if context and "media" in context:
        script: Any = Script("stripe_mirror/live.js", defer=True, **found)
        context["media"] += forms.Media(js=[script], css={"all": ["stripe_mirror/live.css"]})
    return response
