"""Operations on many objects: the jobs and how far they are."""

from typing import Any

from django.contrib import admin

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import ReadOnlyAdmin
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.filters import StateFilter
from stripe_mirror.admin.pushes import OPERATION
from stripe_mirror.models import Job

TONES = {"running": "info", "finished": "success", "stopped": "warning"}


def state_pill(row: Any) -> Any:
    """How far it is."""
    return display.pill(display.words(row.get_state_display()), TONES.get(row.state, "neutral"))


STATE = Column("state_words", "State", state_pill)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """One operation on many rows each."""

    list_display = (
        OPERATION,
        STATE,
        columns.made("By", lambda row: row.user.get_full_name() or row.user.get_username()),
        columns.text("reason"),
        columns.moment("created_at", "When"),
        columns.moment("finished_at", "Finished"),
    )
    list_select_related = ("user",)
    list_filter = (StateFilter,)
    facts = (
        FactGroup(
            title="Job",
            facts=(
                OPERATION,
                STATE,
                columns.made("By", lambda row: row.user.get_full_name() or row.user.get_username()),
                columns.text("reason"),
                columns.moment("created_at", "When"),
                columns.moment("started_at", "Started"),
                columns.moment("finished_at", "Finished"),
            ),
        ),
    )
