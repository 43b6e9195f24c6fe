"""Putting a subscription under a schedule: the schedule first, then what happens at its end, as a step of its own.

https://docs.stripe.com/billing/subscriptions/subscription-schedules
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Push, StripeObject, SubscriptionSchedule
from stripe_mirror.push import moments, state
from stripe_mirror.push.effects import Effects, Step, Undo
from stripe_mirror.push.errors import NothingToChange
from stripe_mirror.push.operation import Call, OperationForm, register
from stripe_mirror.push.schedule_facts import RUNNING
from stripe_mirror.push.schedules import ReleaseSchedule, ScheduleOperation
from stripe_mirror.push.subscription_facts import items_of, status_of, why_not_billable
from stripe_mirror.push.subscription_operation import SubscriptionOperation

SCHEDULES = "/v1/subscription_schedules"
RELEASE, CANCEL = "release", "cancel"
AT_END = [
    (RELEASE, gettext_lazy("The schedule lets go of it: the subscription renews as before")),
    (CANCEL, gettext_lazy("The subscription is cancelled")),
]


class CreateScheduleForm(OperationForm):
    """What comes after the period that runs."""

    at_end = forms.ChoiceField(
        label=gettext_lazy("When the running period ends"), widget=forms.RadioSelect, choices=AT_END
    )


@register
class CreateSchedule(SubscriptionOperation):
    """https://docs.stripe.com/api/subscription_schedules/create, `from_subscription`; then what is at its end: Stripe
    takes nothing else together with it"""

    name = "create_schedule"
    label = gettext_lazy("Put under a schedule")
    short_description = gettext_lazy(
        "A schedule takes the subscription over as it is, so that later phases can be planned in Stripe."
    )
    form_class = CreateScheduleForm
    needs_reason = True
    decisions = ("at_end",)

    def why_not(self, row: StripeObject) -> str:
        """One schedule each; and none beside an end that is scheduled on the subscription itself."""
        if reason := why_not_billable(row):
            return reason
        if row.data.get("cancel_at_period_end") or row.data.get("cancel_at"):
            return _("It is scheduled to end. Undo that first: under a schedule, the schedule decides about the end.")
        return ""

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The gentler one."""
        return {"at_end": RELEASE}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The schedule; it takes over what there is."""
        return Call("post", SCHEDULES, {"from_subscription": row.pk})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """Its one phase, and what follows."""
        phase = _("A schedule takes the subscription over. Its one phase is what it is now.")
        if end := _period_end(row):
            until = moments.moment_words(end)
            phase = _("A schedule takes the subscription over. Its one phase is what it is now until %(until)s.") % {
                "until": until
            }
        if cleaned["at_end"] == CANCEL:
            return [phase, _("Then the schedule is told to cancel the subscription at the end of that phase.")]
        return [phase, _("At the end of that phase the schedule lets go of the subscription, which renews.")]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Who decides from now on."""
        follows = [
            _("Nothing is charged or credited by this."),
            _(
                "While it is under the schedule, its prices, discounts, trial, pauses and end are "
                "changed by the schedule only. Releasing it undoes that."
            ),
        ]
        if cleaned["at_end"] == CANCEL:
            follows.append(
                _("The customer's access ends with the running period, unless the schedule is released first.")
            )
        return Effects(follows=tuple(follows))

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Its schedule; the answer is the schedule itself."""
        return {"schedule": row.pk if _is_schedule(row) else state.look_up(row.data, ("schedule",))}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Whether it has one."""
        return bool(state.look_up(row.data, ("schedule",)))

    def step_after(self, push: Push, answer: Mapping[str, Any]) -> Step | None:
        """The end, where it isn't the one that Stripe gives by itself."""
        own = answer.get("id") if answer.get("object") == "subscription_schedule" else None
        made = state.text(own or state.look_up(answer, ("schedule",)))
        wanted = push.form.get("at_end") == CANCEL
        return Step(EndWithSchedule.name, "subscription_schedule", made) if made and wanted else None

    def undo(self, push: Push) -> Undo | None:
        """Release it, which drops the end that it has set; as long as it is under way."""
        row = SubscriptionSchedule.objects.alive().filter(pk=state.text(push.after.get("schedule"))).first()
        if row is None or status_of(row) not in RUNNING:
            return None
        return Undo(ReleaseSchedule.name, {}, "subscription_schedule", row.pk)


def _period_end(row: StripeObject) -> int | None:
    """When the running period ends; None where its items have different ones."""
    ends = {item.get("current_period_end") for item in items_of(row)}
    end = ends.pop() if len(ends) == 1 else None
    return end if isinstance(end, int) else None


def _is_schedule(row: StripeObject) -> bool:
    return row.kind.object == "subscription_schedule"


class EndForm(OperationForm):
    """Only a reason."""


@register
class EndWithSchedule(ScheduleOperation):
    """https://docs.stripe.com/api/subscription_schedules/update, `end_behavior`: the second step of making one"""

    name = "end_with_schedule"
    permission = CreateSchedule.name
    label = gettext_lazy("Cancel the subscription at the schedule's end")
    short_description = gettext_lazy("The step after a subscription was put under a schedule.")
    form_class = EndForm
    offered = False
    bulk = False

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One field."""
        if row.data.get("end_behavior") == CANCEL:
            raise NothingToChange
        return Call("post", row.kind.path(row.pk), {"end_behavior": CANCEL})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """One line."""
        self.plan(row, cleaned)
        return [_("The schedule cancels its subscription at the end of its last phase.")]

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """What was to come at its end."""
        return state.touched(row.data, call.params)
