"""Events as they came in, and what became of each: for operators."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import ReadOnlyAdmin
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.filters import EventTypeFilter, SourceFilter, StateFilter
from stripe_mirror.admin.raw import raw_json
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


STATE = Column("state_words", "State", state_pill)
OBJECT = Column("object_link", "Object", object_link)


@admin.register(InboxEvent)
class InboxEventAdmin(ReadOnlyAdmin):
    """Stripe's events."""

    list_display = (
        columns.Column("type", "Event", lambda row: display.plain(row.type)),
        STATE,
        OBJECT,
        columns.made("Reason", lambda row: row.reason),
        columns.number("attempts", "Tries"),
        columns.moment("next_attempt_at", "Next try"),
        columns.moment("created", order=True),
    )
    list_filter = (StateFilter, EventTypeFilter, SourceFilter)
    search_exact = ("id", "object_id", "request_id")
    search_help_text = "Id of an event, object or request"
    facts = (
        FactGroup(
            title="Event",
            facts=(
                columns.text("type"),
                STATE,
                columns.text("reason"),
                OBJECT,
                columns.text("request_id", "Stripe's request"),
                columns.text("idempotency_key"),
                columns.moment("created"),
                columns.text("api_version", "API version"),
                columns.made("Mode", lambda row: "live" if row.livemode else "test"),
                columns.text("account"),
            ),
        ),
        FactGroup(
            title="Processing",
            facts=(
                columns.enum("source", "Came by"),
                columns.moment("received_at", "Received"),
                columns.moment("processed_at", "Processed"),
                columns.number("attempts", "Tries"),
                columns.moment("next_attempt_at", "Next try"),
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        return str(row.type)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {**super().page_context(request, row), "status": state_pill(row), "raw": raw_json(row.payload)}
