"""The page "Fix this invoice": from what is wrong to the steps that put it right, each on its operation's own page.

It only reads: the rules are `push.invoice_fixes`, what was done is in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, detail, display, filling, operations, receipts
from stripe_mirror.admin.status import status_of
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Push
from stripe_mirror.push.invoice_again import same_again
from stripe_mirror.push.invoice_fix_progress import Progress, Surroundings, Tracked, progress_of, surroundings
from stripe_mirror.push.invoice_fix_steps import CUSTOMER, INVOICE, NEW_INVOICE, FixStep
from stripe_mirror.push.invoice_fixes import Problem
from stripe_mirror.push.operation import Operation, get_operation, why_not_user

if TYPE_CHECKING:
    from stripe_mirror.admin.base import StripeObjectAdmin

TITLE = gettext_lazy("Fix this invoice")
HINT = gettext_lazy("Say what is wrong. Nothing is changed here: each step is shown and confirmed on its own page.")
DONE, CHECKING, READY, LATER, OFF = "done", "checking", "ready", "later", "off"


@dataclass(frozen=True)
class ShownStep:
    """A step as the page draws it: `state` says whether it is done, can be done, or why not."""

    label: str
    state: str
    # What it is done to.
    on: SafeString | str
    why: str
    money: str
    note: str = ""
    url: str = ""
    receipt: str = ""


@dataclass(frozen=True)
class ShownWay:
    """A way with its steps."""

    when: str
    begun: bool
    finished: bool
    steps: list[ShownStep]
    also: list[ShownStep]


@dataclass(frozen=True)
class Guide:
    """A link to a page that says what to do, beside the operations that do it."""

    label: str
    url: str
    title: str


def guide(row: Any) -> Guide:
    """The link on an invoice's page."""
    title = _("Say what is wrong with it, and see which steps put it right.")
    return Guide(f"{TITLE}…", display.admin_url(row, "fix", row.pk), title)


def view(request: HttpRequest, model_admin: StripeObjectAdmin, object_id: str) -> HttpResponse:
    """The page, for who may see the invoice; GET only."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(("GET", "HEAD"))
    row = model_admin.find(request, object_id)
    if row is None:
        return model_admin.missing(request, object_id)
    model_admin.demand_view(request, row)
    return TemplateResponse(request, "stripe_mirror/invoice_fix.html", _context(request, model_admin, row))


def _context(request: HttpRequest, model_admin: StripeObjectAdmin, row: Any) -> dict[str, Any]:
    chosen = request.GET.get("problem", "")
    shown = _Page(request, row).shown(Problem(chosen)) if chosen in Problem.values else {}
    return {
        **model_admin.admin_site.each_context(request),
        "title": TITLE,
        "opts": model_admin.model._meta,
        # Drawn as the pages of operations are.
        "operation": {"label": TITLE, "short_description": HINT},
        "problems": Problem.choices,
        "chosen": chosen,
        "status": columns.status_pill(row) if status_of(row) else "",
        "key_facts": detail.show_facts(row, model_admin.key_facts),
        "back": display.object_url(row),
        "back_title": model_admin.heading(row),
        **shown,
    }


class _Page:
    """The steps of one invoice, for one person."""

    def __init__(self, request: HttpRequest, row: Any) -> None:
        self.request, self.row = request, row
        self.around: Surroundings = surroundings(row)

    def shown(self, problem: Problem) -> dict[str, Any]:
        """What the page says of a problem."""
        found: Progress = progress_of(self.around, problem)
        ways = [self._way(one) for one in (*found.begun, *found.open)]
        return {"chosen_label": problem.label, "ways": ways, "nothing": found.nothing}

    def _way(self, tracked: Tracked) -> ShownWay:
        steps = [self._step(tracked, number) for number in range(len(tracked.way.steps))]
        also = [self._open_step(step, self._target(step)) for step in tracked.way.also]
        return ShownWay(tracked.way.when, tracked.is_begun, tracked.next is None, steps, also)

    def _step(self, tracked: Tracked, number: int) -> ShownStep:
        step, push = tracked.way.steps[number], tracked.done[number]
        row = self._target(step, tracked.new_invoice)
        if push:
            return self._done(step, row, push)
        waits = tracked.next is not None and tracked.next < number
        return self._open_step(step, row, after=number if waits else 0)

    def _done(self, step: FixStep, row: Any, push: Push) -> ShownStep:
        """With who did it; what is done to a customer may have had another reason, so that it can be done again."""
        may_read = push.user_id == self.request.user.pk or self.request.user.has_perm("stripe_mirror.view_push")
        told = push.state == Push.State.DONE
        at = display.when(push.finished_at or push.created_at, zone=True)
        note = (
            _("Done by %(who)s, %(at)s.") % {"who": push.user_name or _("somebody"), "at": at}
            if told
            else _("It isn't known yet whether Stripe did it.")
        )
        again = step.on == CUSTOMER and told and not self._why_not(get_operation(step.operation), row)
        return self._shown(
            step,
            row,
            state=DONE if told else CHECKING,
            note=note,
            url=self._url(step, row) if again else "",
            receipt=receipts.receipt_url(push) if may_read else "",
        )

    def _open_step(self, step: FixStep, row: Any, *, after: int = 0) -> ShownStep:
        operation = get_operation(step.operation)
        if forbidden := self._forbidden(operation):
            return self._shown(step, row, state=OFF, note=forbidden)
        if after:
            return self._shown(step, row, state=LATER, note=_("After step %(number)s.") % {"number": after})
        if row is None:
            return self._shown(step, row, state=OFF, note=_("What this is done to isn't known here. Look in Stripe."))
        if reason := self._why_not(operation, row):
            return self._shown(step, row, state=OFF, note=reason)
        return self._shown(step, row, state=READY, url=self._url(step, row))

    def _shown(self, step: FixStep, row: Any, *, state: str, **more: str) -> ShownStep:
        label = str(get_operation(step.operation).label)
        return ShownStep(label, state, self._on(step, row), step.why, str(step.money), **more)

    def _on(self, step: FixStep, row: Any) -> SafeString | str:
        if step.on == INVOICE:
            return ""
        if row is None:
            return _("The new invoice") if step.on == NEW_INVOICE else ""
        kind = get_kind(row.kind.object)
        seen = detail.may_view(self.request.user, kind.object)
        return display.row_link(row) if seen else display.words(row._meta.verbose_name)

    def _forbidden(self, operation: Operation) -> str:
        """Why this person may not do it, and who may."""
        user = self.request.user
        if reason := why_not_user(user, operation):
            return f"{reason} {_who_can(operation.permission)}"
        viewing = f"view_{get_kind(operation.object_type).model_name}"
        if not user.has_perm(f"stripe_mirror.{viewing}"):
            return _("You may not do this: it needs the permission %(permission)s. %(who_can)s") % {
                "permission": viewing,
                "who_can": _who_can(viewing),
            }
        return ""

    def _why_not(self, operation: Operation, row: Any) -> str:
        return self._forbidden(operation) or (
            _("It isn't known here.") if row is None else operations.why_not(operation, row)
        )

    def _url(self, step: FixStep, row: Any) -> str:
        """The operation's page, filled in as far as it is known what is to be written."""
        operation = get_operation(step.operation)
        given = {**step.values, **(same_again(self.row) if step.again else {})}
        url = operations.operation_url(row, operation)
        short: Mapping[str, Any] = {name: value for name, value in given.items() if name != "lines"}
        return url + (filling.query(operation, row, given) or filling.query(operation, row, short))

    def _target(self, step: FixStep, new_invoice: str = "") -> Any:
        """The row that a step is done to; None where it isn't mirrored, or not made yet."""
        if step.on == INVOICE:
            return self.row
        operation = get_operation(step.operation)
        ids = {new_invoice} if step.on == NEW_INVOICE else self.around.ids.get(step.on, frozenset())
        rows = list(get_kind(operation.object_type).model._default_manager.filter(pk__in=ids).order_by("pk"))
        # Of several payments one that it can be done to.
        return next((row for row in rows if not operations.why_not(operation, row)), rows[0] if rows else None)


def _who_can(permission: str) -> str:
    """The groups that have a permission."""
    held = Group.objects.filter(permissions__codename=permission, permissions__content_type__app_label="stripe_mirror")
    names: Iterable[str] = held.order_by("name").values_list("name", flat=True)
    return (
        _("Who can: %(groups)s.") % {"groups": ", ".join(names)}
        if held
        else _("No group can; ask who runs this back office.")
    )
