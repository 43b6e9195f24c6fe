"""What ends a subscription schedule: releasing its subscription, or cancelling both.

https://docs.stripe.com/billing/subscriptions/subscription-schedules
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.models import StripeObject
from stripe_mirror.push import moments, previews
from stripe_mirror.push.editing import why_not_deleted
from stripe_mirror.push.effects import Amount, Effects
from stripe_mirror.push.errors import ODD_SHAPE_WORDS
from stripe_mirror.push.operation import Call, Operation, OperationForm, register
from stripe_mirror.push.schedule_facts import (
    ACTIVE,
    RUNNING,
    announced_end,
    begins,
    later_phases,
    subscription_of,
)
from stripe_mirror.push.subscription_facts import (
    charges_per_period,
    invoices_in_words,
    item_words,
    items_of,
    status_of,
)

OVER = {
    "released": gettext_lazy("This schedule was released already."),
    "canceled": gettext_lazy("This schedule was cancelled already."),
    "completed": gettext_lazy("This schedule has run to its end."),
}


class ScheduleOperation(Operation):
    """Ends a schedule, in one way or another."""

    object_type = "subscription_schedule"
    bulk = True
    topic = "end of a schedule"

    def why_not(self, row: StripeObject) -> str:
        """Before it starts and while it runs."""
        if reason := why_not_deleted(row):
            return reason
        status = row.data.get("status")
        if not isinstance(status, str):
            return str(ODD_SHAPE_WORDS)
        if status in RUNNING:
            return ""
        words = _("Stripe doesn't take this while it is %(status)s.") % {"status": status}
        return str(OVER.get(status, words))

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Its state, and whose it is."""
        held = subscription_of(row)
        return {"status": status_of(row), "subscription": held.pk if held else None}

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What its subscription charges per period."""
        held = subscription_of(row)
        return charges_per_period(held) if held else ()


class ReleaseForm(OperationForm):
    """What becomes of the end that the schedule has set."""

    preserve_cancel_date = forms.BooleanField(
        label=gettext_lazy("Keep the end of the subscription that the schedule has set"), required=False
    )

    def prepare(self) -> None:
        """Only where it has set one; a form for many rows offers it."""
        if self.row.pk and not announced_end(self.row):
            del self.fields["preserve_cancel_date"]


@register
class ReleaseSchedule(ScheduleOperation):
    """https://docs.stripe.com/api/subscription_schedules/release"""

    name = "release_schedule"
    label = gettext_lazy("Release the subscription")
    short_description = gettext_lazy("End the schedule. Its subscription goes on as it is now.")
    form_class = ReleaseForm
    final_warning = gettext_lazy(
        "A released schedule can't take its subscription back, and the phases that it had planned "
        "are lost. The subscription can be put under a new schedule."
    )
    decisions = ("preserve_cancel_date",)
    not_state = ("preserve_cancel_date",)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One call; the end stays only where there is one and it is wished."""
        keep = bool(cleaned.get("preserve_cancel_date") and announced_end(row))
        params = {"preserve_cancel_date": True} if keep else {}
        return Call("post", f"{row.kind.path(row.pk)}/release", params)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What ends, and what goes on."""
        keep, end = self.plan(row, cleaned).params, announced_end(row)
        if status_of(row) != ACTIVE:
            return [_("The schedule is released before it has begun.")]
        lines = [_("The schedule is released. Its subscription goes on as it is now.")]
        if end:
            when = moments.moment_words(end)
            lines.append(
                _("The subscription still ends on %(when)s.") % {"when": when}
                if keep
                else _("It no longer ends on %(when)s.") % {"when": when}
            )
        return lines

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What is not done any more."""
        if status_of(row) != ACTIVE:
            return Effects(follows=tuple(_never(row)), final=self.final_warning)
        follows = [_("Nothing is charged or credited by this.")]
        if held := subscription_of(row):
            follows += [_("It goes on being billed: %(item)s.") % {"item": item_words(item)} for item in items_of(held)]
        if later := later_phases(row):
            words = ngettext(
                "%(number)s planned phase won't come, the first of them on %(day)s.",
                "%(number)s planned phases won't come, the first of them on %(day)s.",
                len(later),
            )
            follows.append(words % {"number": len(later), "day": _day(later[0])})
        return Effects(follows=tuple(follows), final=self.final_warning)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """By its status."""
        return status_of(row) == "released"


class CancelForm(OperationForm):
    """What is billed and credited at the end."""

    invoice_now = forms.BooleanField(
        label=gettext_lazy("Invoice outstanding items now"),
        required=False,
        help_text=gettext_lazy("Metered usage and pending items of the subscription are invoiced."),
    )
    prorate = forms.BooleanField(
        label=gettext_lazy("Credit the unused time"),
        required=False,
        help_text=gettext_lazy("A prorated credit for the rest of the period."),
    )

    def prepare(self) -> None:
        """Before it has started there is nothing to bill."""
        if self.row.pk and status_of(self.row) != ACTIVE:
            del self.fields["invoice_now"], self.fields["prorate"]


@register
class CancelSchedule(ScheduleOperation):
    """https://docs.stripe.com/api/subscription_schedules/cancel"""

    name = "cancel_schedule"
    label = gettext_lazy("Cancel schedule and subscription")
    short_description = gettext_lazy("End the schedule, and its subscription with it, now.")
    form_class = CancelForm
    needs_reason = True
    danger = True
    final_warning = gettext_lazy(
        "Neither the schedule nor its subscription can be started again: the customer would need a new subscription."
    )
    decisions = ("invoice_now", "prorate")
    not_state = ("invoice_now", "prorate")

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """What Stripe does by itself."""
        return {name: True for name in self.decisions if not row.pk or status_of(row) == ACTIVE}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One call; both are said, for Stripe takes what is left out as a yes."""
        params = {name: bool(cleaned.get(name)) for name in self.decisions} if status_of(row) == ACTIVE else {}
        return Call("post", f"{row.kind.path(row.pk)}/cancel", params)

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call | None:
        """The last invoice of the subscription, where something is billed or credited."""
        held, params = subscription_of(row), self.plan(row, cleaned).params
        if held is None or not any(params.values()):
            return None
        behavior = previews.CREATE if params["prorate"] else previews.NO_PRORATION
        return previews.preview_call(held, {"cancel_now": True, "proration_behavior": behavior})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What ends, and what is billed."""
        params = self.plan(row, cleaned).params
        if not params:
            return [_("The schedule is cancelled before it has begun.")]
        invoice = _("Outstanding items are invoiced now.") if params["invoice_now"] else _("No final invoice is made.")
        credit = (
            _("The unused time is credited.") if params["prorate"] else _("Nothing is credited for the unused time.")
        )
        return [_("The schedule and its subscription end now."), f"{invoice} {credit}"]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What Stripe bills or credits, and what becomes of open invoices."""
        held, final = subscription_of(row), self.final_warning
        if status_of(row) != ACTIVE or held is None:
            return Effects(follows=tuple(_never(row)), final=final)
        follows = [_("The customer's access ends now. Nothing is refunded to a card by this.")]
        if opened := invoices_in_words(held, "open"):
            follows.append(_("%(opened)s stay open, but are no longer collected by themselves.") % {"opened": opened})
        if preview and not cleaned.get("invoice_now"):
            return Effects(_left_pending(preview), follows=tuple(follows), final=final)
        return previews.effects_of(held, preview, at_once=True, follows=follows, final=final)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """By its status."""
        return status_of(row) == "canceled"


def _left_pending(preview: Mapping[str, Any]) -> tuple[Amount, ...]:
    """The credit that waits for an invoice of the customer, where none is made now."""
    credit = -sum(int(line["amount"]) for line in preview["lines"]["data"] if previews.is_proration(line))
    return (Amount(_("Credit that waits for the customer's next invoice"), credit, str(preview["currency"])),)


def _never(row: StripeObject) -> list[str]:
    if start := begins(row):
        when = moments.moment_words(start)
        return [
            _("The subscription that it was to begin on %(when)s is never made. Nothing was charged for it.")
            % {"when": when}
        ]
    return [_("The subscription that it was to begin is never made. Nothing was charged for it.")]


def _day(phase: Mapping[str, Any]) -> str:
    return moments.moment_words(int(phase["start_date"]))
