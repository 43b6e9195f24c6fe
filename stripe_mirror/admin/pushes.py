"""The log of everything staff asked Stripe to do: who, when, what, why, before and after, and how it ended (S59)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import ReadOnlyAdmin
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.filters import ObjectTypeFilter, StateFilter
from stripe_mirror.admin.history import field_change
from stripe_mirror.admin.inbox import OBJECT
from stripe_mirror.admin.raw import raw_json
from stripe_mirror.models import Push
from stripe_mirror.push.operation import get_operation

TONES = {"done": "success", "refused": "danger", "unknown": "warning", "sending": "info"}


def state_pill(row: Any) -> Any:
    """What is known of its effect."""
    return display.pill(display.words(row.get_state_display()), TONES.get(row.state, "neutral"))


def operation_label(name: str) -> str:
    """The operation in words; one that no longer exists reads as it was stored."""
    try:
        return get_operation(name).label
    except KeyError:
        return display.words(name)


STATE = Column("state_words", "State", state_pill)
OPERATION = columns.made("Operation", lambda row: operation_label(row.operation))
BY = columns.made("By", lambda row: row.user_name or row.user)


@admin.register(Push)
class PushAdmin(ReadOnlyAdmin):
    """One intent of one person each."""

    list_display = (
        OPERATION,
        STATE,
        OBJECT,
        BY,
        columns.text("reason"),
        columns.text("message"),
        columns.moment("created_at", "When", order=True),
    )
    list_select_related = ("user",)
    detail_select_related = ("job",)
    list_filter = (StateFilter, ObjectTypeFilter)
    search_exact = ("object_id", "request_id")
    search_help_text = "Id of an object or request"
    facts = (
        FactGroup(
            title="Who and why",
            facts=(
                BY,
                columns.made("From address", lambda row: row.ip_address),
                columns.text("reason"),
                columns.moment("created_at", "When"),
                columns.made("Job", lambda row: display.row_link(row.job) if row.job_id else ""),
            ),
        ),
        FactGroup(
            title="Outcome",
            facts=(
                STATE,
                columns.text("message"),
                columns.text("error_param", "Refused parameter"),
                columns.text("error_code"),
                columns.text("request_id", "Stripe's request"),
                columns.number("attempts", "Tries"),
                columns.moment("first_sent_at", "First sent"),
                columns.moment("next_attempt_at", "Next try"),
                columns.moment("finished_at", "Finished"),
            ),
        ),
        FactGroup(title="What", facts=(OPERATION, OBJECT, columns.text("method"), columns.text("path"))),
    )

    def heading(self, row: Any) -> str:
        return operation_label(row.operation)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        names = sorted({**row.before, **row.after})
        compared = [field_change(name, [row.before.get(name), row.after.get(name)], None) for name in names]
        return {
            **super().page_context(request, row),
            "status": state_pill(row),
            "compared": compared,
            "raw": raw_json(row.params),
            "raw_title": "What was sent",
        }
