"""The account that is mirrored, and every run of a backfill, catch-up or reconcile."""

from typing import Any

from django.contrib import admin
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from stripe_mirror.admin import backfill, columns, display
from stripe_mirror.admin.backfill import TONES
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.filters import StateFilter
from stripe_mirror.admin.read_only import ReadOnlyAdmin
from stripe_mirror.models import MirroredAccount, SyncRun


def state_pill(row: Any) -> Any:
    """How it went."""
    return display.pill(display.words(row.get_state_display()), TONES.get(row.state, "neutral"))


STATE = Column("state_words", gettext_lazy("State"), state_pill)


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    """Runs over one kind each."""

    list_display = (
        columns.made(pgettext_lazy("of a sync", "Run"), lambda row: display.words(row.get_command_display())),
        columns.made(gettext_lazy("Kind"), lambda row: display.kind_words(row.object_type)),
        STATE,
        columns.number("seen"),
        columns.number("changed"),
        columns.moment("started_at", gettext_lazy("Started")),
        columns.moment("finished_at", gettext_lazy("Finished")),
        columns.text("message"),
    )
    list_filter = (StateFilter,)
    change_list_template = "stripe_mirror/syncrun_list.html"
    facts = (
        FactGroup(
            title=pgettext_lazy("of a sync", "Run"),
            facts=(
                columns.made(gettext_lazy("Command"), lambda row: display.words(row.get_command_display())),
                columns.made(gettext_lazy("Kind"), lambda row: display.kind_words(row.object_type)),
                STATE,
                columns.number("pages"),
                columns.number("seen"),
                columns.number("changed"),
                columns.moment("started_at", gettext_lazy("Started")),
                columns.moment("finished_at", gettext_lazy("Finished")),
                columns.text("message"),
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        return f"{display.words(row.get_command_display())}: {display.kind_words(row.object_type)}"

    def get_urls(self) -> list[URLPattern]:
        return [*backfill.urls(self.admin_site.admin_view), *super().get_urls()]


@admin.register(MirroredAccount)
class MirroredAccountAdmin(ReadOnlyAdmin):
    """Whose objects these are."""

    list_display = (
        columns.made(gettext_lazy("Account"), lambda row: str(row)),
        columns.made(gettext_lazy("Mode"), lambda row: _("Live") if row.livemode else _("Test")),
        columns.moment("events_seen_until"),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Account"),
            facts=(
                columns.text("name"),
                columns.made(gettext_lazy("Mode"), lambda row: _("Live") if row.livemode else _("Test")),
                columns.moment("events_seen_until"),
                columns.moment("updated_at", gettext_lazy("Updated")),
            ),
        ),
    )
