"""The log of everything staff asked Stripe to do: who, when, what, why, before and after, and how it ended (S59).

It is only ever added to, by `push`; what waits in it for approval is decided on its page.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from stripe_mirror.admin import approvals, columns, display, receipts
from stripe_mirror.admin.base import ReadOnlyAdmin
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.export import ExportAdminMixin
from stripe_mirror.admin.filter_values import distinct_values
from stripe_mirror.admin.filters import CreatedFilter, ObjectTypeFilter, StateFilter
from stripe_mirror.admin.history import FieldChange, field_change
from stripe_mirror.admin.inbox import OBJECT
from stripe_mirror.admin.outcomes import operation_label, state_pill
from stripe_mirror.admin.push_resource import PushResource
from stripe_mirror.admin.raw import raw_json
from stripe_mirror.admin.resources import StripeResource
from stripe_mirror.models import Push
from stripe_mirror.push.operation import all_operations
from stripe_mirror.push.submit import display_name

STATE = Column("state_words", "State", state_pill)
OPERATION = columns.made("Operation", lambda row: operation_label(row.operation))
BY = columns.made("By", lambda row: row.user_name or row.user)


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
        return display.plain(push.message)
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
        return sorted(((o.name, o.label) for o in all_operations()), key=lambda choice: choice[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(operation=self.value()) if self.value() else queryset


class PersonFilter(SimpleListFilter):
    """The people who have asked for something, rather than all who may sign in."""

    title = "person"
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        people = User.objects.filter(pk__in=distinct_values(Push, ["user_id"])["user_id"])
        return sorted(((str(user.pk), display_name(user)) for user in people), key=lambda choice: choice[1].lower())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(user=value) if value.isdecimal() and len(value) < 19 else queryset.none()


@admin.register(Push)
class PushAdmin(ExportAdminMixin, ReadOnlyAdmin):  # type: ignore[misc]
    """One intent of one person each."""

    detail_template = "stripe_mirror/push.html"
    list_display = (
        OPERATION,
        Column("outcome", "State", outcome),
        columns.moment("created_at", "When", order=True),
        OBJECT,
        BY,
        columns.text("reason"),
        columns.made("Result", result),
    )
    list_select_related = ("user", "approval")
    detail_select_related = ("job", "undoes", "step_of")
    list_filter = (StateFilter, OperationFilter, PersonFilter, ObjectTypeFilter, WhenFilter)
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
                columns.made("Takes back", lambda row: push_link(row.undoes)),
                columns.made("Follows", lambda row: push_link(row.step_of)),
            ),
        ),
        approvals.FACTS,
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

    @cached_property
    def resource_class(self) -> type[StripeResource]:
        """The log's own columns."""
        return PushResource

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
            "raw_title": "What was sent" if row.first_sent_at else "What would be sent",
        }


def push_link(push: Push | None) -> Any:
    """Another push by what it does."""
    return display.link(operation_label(push.operation), display.object_url(push)) if push else ""
