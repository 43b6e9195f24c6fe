"""Events as they came in, and what became of each: for operators."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin import columns, display, event_actions
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.filters import EventTypeFilter, SourceFilter, StateFilter
from stripe_mirror.admin.raw import raw_json
from stripe_mirror.admin.read_only import ReadOnlyAdmin
from stripe_mirror.kinds import kind_of
from stripe_mirror.models import InboxEvent

TONES = {"applied": "success", "waiting": "warning", "parked": "warning", "failed": "danger", "received": "info"}


def state_pill(row: Any) -> Any:
    """What became of it."""
    return display.pill(display.words(row.get_state_display()), TONES.get(row.state, "neutral"))


def object_link(row: Any) -> Any:
    """The mirrored object that a row of ours is about."""
    kind = kind_of(row.object_type)
    if not row.object_id:
        return display.EMPTY
    if kind is None:
        return display.mono(row.object_id)
    return display.link(row.object_id, display.admin_url(kind.model, "change", row.object_id))


STATE = Column("state_words", _("State"), state_pill)
OBJECT = Column("object_link", _("Object"), object_link)


@admin.register(InboxEvent)
class InboxEventAdmin(ReadOnlyAdmin):
    """Stripe's events."""

    list_display = (
        columns.Column("type", _("Event"), lambda row: display.plain(row.type)),
        STATE,
        OBJECT,
        columns.made(_("Reason"), lambda row: row.reason),
        columns.number("attempts", _("Tries")),
        columns.moment("next_attempt_at", _("Next try")),
        columns.moment("created", order=True),
    )
    list_filter = (StateFilter, EventTypeFilter, SourceFilter)
    search_exact = ("id", "object_id", "request_id")
    search_help_text = _("Id of an event, object or request")
    facts = (
        FactGroup(
            title=_("Event"),
            facts=(
                columns.text("type"),
                STATE,
                columns.text("reason"),
                OBJECT,
                columns.text("request_id", _("Stripe's request")),
                columns.text("idempotency_key"),
                columns.moment("created"),
                columns.text("api_version", _("API version")),
                columns.made(_("Mode"), lambda row: "live" if row.livemode else "test"),
                columns.text("account"),
            ),
        ),
        FactGroup(
            title=_("Processing"),
            facts=(
                columns.enum("source", _("Came by")),
                columns.moment("received_at", _("Received")),
                columns.moment("processed_at", _("Processed")),
                columns.number("attempts", _("Tries")),
                columns.moment("next_attempt_at", _("Next try")),
            ),
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        """With a page for what people do about events."""
        wrap = self.admin_site.admin_view
        act = path("act/<slug:verb>/", wrap(self.act_view), name="stripe_mirror_inboxevent_act")
        return [act, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_actions(request), **event_actions.list_actions(request)}

    def act_view(self, request: HttpRequest, verb: str) -> HttpResponse:
        """Retry, dismiss or replay events, after a look at what that does."""
        return event_actions.view(request, verb, self)

    def heading(self, row: Any) -> str:
        return str(row.type)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().page_context(request, row),
            "status": state_pill(row),
            "buttons": event_actions.buttons(request, row),
            "tables": event_actions.done_to(row),
            "raw": raw_json(row.payload),
        }
