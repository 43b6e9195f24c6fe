"""The log of everything staff asked Stripe to do: who, when, what, why, before and after, and how it ended (S59).

It is only ever added to, by `push`; what waits in it for approval is decided on its page.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import approvals, columns, display, receipts
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.exports.mixin import ExportAdminMixin
from stripe_mirror.admin.filters import CreatedFilter, ObjectTypeFilter, PersonFilter, StateFilter
from stripe_mirror.admin.history import FieldChange, field_change
from stripe_mirror.admin.inbox import OBJECT
from stripe_mirror.admin.outcomes import operation_label, state_pill
from stripe_mirror.admin.raw import raw_json
from stripe_mirror.admin.read_only import ReadOnlyAdmin
from stripe_mirror.language import said_again
from stripe_mirror.models import Push
from stripe_mirror.push.operation import all_operations

STATE = Column("state_words", gettext_lazy("State"), state_pill)
OPERATION = columns.made(gettext_lazy("Operation"), lambda row: operation_label(row.operation))
BY = columns.made(gettext_lazy("By"), lambda row: row.user_name or row.user)


def compared(push: Push) -> list[FieldChange]:
    """Each touched field before and after; nothing while nothing was sent."""
    if push.state in (Push.State.PLANNED, Push.State.WAITING):
        return []
    names = sorted({**push.before, **push.after})
    currency = currency_of(push)
    return [field_change(name, [push.before.get(name), push.after.get(name)], currency) for name in names]


def currency_of(push: Push) -> str | None:
    """The one in which the person was told about money, or that was sent; None where it was neither or several."""
    told = {str(amount.get("currency") or "") for amount in push.told.get("money") or []}
    sent = push.params.get("currency")
    return told.pop() if len(told) == 1 else sent if isinstance(sent, str) else None


def result(push: Push) -> SafeString:
    """Before → after of the first field that became another, and how many more did; else what there is to say of it."""
    changed = [change for change in compared(push) if change.old != change.new] if push.after else []
    if not changed:
        return display.plain(said_again(push.message))
    first, more = changed[0], f" +{len(changed) - 1}" if changed[1:] else ""
    return format_html(
        '<div class="sm-result"><code>{}</code>{}</div><div>{} → {}</div>', first.field, more, first.old, first.new
    )


def outcome(push: Push) -> Any:
    """The state, and below it who decided where somebody had to approve."""
    approval = approvals.approval_of(push)
    if approval is None or not approval.decision:
        return state_pill(push)
    return format_html("<div>{}</div><div>{}</div>", state_pill(push), approvals.pill(push))


class WhenFilter(CreatedFilter):
    """Asked for between two days."""

    title = "when"
    column = "created_at"


class OperationFilter(SimpleListFilter):
    """One of the operations that there are."""

    title = "operation"
    parameter_name = "operation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((o.name, str(o.label)) for o in all_operations()), key=lambda choice: choice[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(operation=self.value()) if self.value() else queryset


@admin.register(Push)
class PushAdmin(ExportAdminMixin, ReadOnlyAdmin):  # type: ignore[misc]
    """One intent of one person each."""

    detail_template = "stripe_mirror/push.html"
    list_display = (
        OPERATION,
        Column("outcome", gettext_lazy("State"), outcome),
        columns.moment("created_at", gettext_lazy("When"), order=True),
        OBJECT,
        BY,
        columns.text("reason"),
        columns.made(gettext_lazy("Result"), result),
    )
    list_select_related = ("user", "approval")
    detail_select_related = ("job", "undoes", "step_of")
    list_filter = (StateFilter, OperationFilter, PersonFilter, ObjectTypeFilter, WhenFilter)
    search_exact = ("object_id", "request_id")
    search_help_text = gettext_lazy("Id of an object or request")
    facts = (
        FactGroup(
            title=gettext_lazy("Who and why"),
            facts=(
                BY,
                columns.made(gettext_lazy("From address"), lambda row: row.ip_address),
                columns.text("reason"),
                columns.moment("created_at", gettext_lazy("When")),
                columns.made(gettext_lazy("Job"), lambda row: display.row_link(row.job) if row.job_id else ""),
                columns.made(gettext_lazy("Takes back"), lambda row: push_link(row.undoes)),
                columns.made(gettext_lazy("Follows"), lambda row: push_link(row.step_of)),
            ),
        ),
        approvals.FACTS,
        FactGroup(
            title=gettext_lazy("Outcome"),
            facts=(
                STATE,
                columns.made(gettext_lazy("Message"), lambda push: said_again(push.message)),
                columns.text("error_param", gettext_lazy("Refused parameter")),
                columns.text("error_code"),
                columns.text("request_id", gettext_lazy("Stripe's request")),
                columns.number("attempts", gettext_lazy("Tries")),
                columns.moment("first_sent_at", gettext_lazy("First sent")),
                columns.moment("next_attempt_at", gettext_lazy("Next try")),
                columns.moment("finished_at", gettext_lazy("Finished")),
            ),
        ),
        FactGroup(title=gettext_lazy("What"), facts=(OPERATION, OBJECT, columns.text("method"), columns.text("path"))),
    )

    def get_urls(self) -> list[URLPattern]:
        """With what is done about a push that waits for approval."""
        wrap = self.admin_site.admin_view
        return [
            *(
                path(
                    f"<uuid:push_id>/{deed}/",
                    wrap(partial(approvals.decide, deed=deed, back=receipts.page_of)),
                    name=f"stripe_mirror_push_{deed}",
                )
                for deed in approvals.DEEDS
            ),
            *super().get_urls(),
        ]

    def heading(self, row: Any) -> str:
        return operation_label(row.operation)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().page_context(request, row),
            "status": state_pill(row),
            "panel": approvals.panel(request, row),
            "compared": compared(row),
            "raw": raw_json(row.params),
            "raw_title": _("What was sent") if row.first_sent_at else _("What would be sent"),
        }


def push_link(push: Push | None) -> Any:
    """Another push by what it does."""
    return display.link(operation_label(push.operation), display.object_url(push)) if push else ""
