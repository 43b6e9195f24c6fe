"""What staff can do to subscriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push import state
from stripe_mirror.push.effects import Undo
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.moments import moment_words
from stripe_mirror.push.operation import Call, Operation, OperationForm, register
from stripe_mirror.push.subscription_facts import ENDED, charges_per_period, status_of, why_not_changeable

# A cancellation can be scheduled for these only; the others can only end now.
SCHEDULABLE = frozenset({"active", "trialing", "past_due"})
NOW, PERIOD_END, DATE = "now", "period_end", "date"
# Stripe's values of cancellation_details[feedback]: what the customer said.
FEEDBACK = [
    ("", "—"),
    ("too_expensive", gettext_lazy("Too expensive")),
    ("missing_features", gettext_lazy("Missing features")),
    ("switched_service", gettext_lazy("Switched to another service")),
    ("unused", gettext_lazy("Unused")),
    ("customer_service", gettext_lazy("Customer service")),
    ("too_complex", gettext_lazy("Too complex")),
    ("low_quality", gettext_lazy("Low quality")),
    ("other", gettext_lazy("Other")),
]


def only_now(status: str) -> str:
    """Why Stripe takes no date or period end."""
    return _("While it is %(status)s, a subscription can only be cancelled now.") % {"status": status}


class CancelForm(OperationForm):
    """When it ends, and what the customer said."""

    when = forms.ChoiceField(
        label=gettext_lazy("When"),
        widget=forms.RadioSelect,
        choices=[
            (PERIOD_END, gettext_lazy("At the end of the period")),
            (NOW, gettext_lazy("Now")),
            (DATE, gettext_lazy("At a date")),
        ],
    )
    cancel_at = forms.DateTimeField(
        label=gettext_lazy("Date"),
        required=False,
        help_text=gettext_lazy("Only with “At a date”. Nothing is credited for the rest of the period."),
    )
    feedback = forms.ChoiceField(label=gettext_lazy("What the customer said"), required=False, choices=FEEDBACK)
    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        required=False,
        max_length=5000,
        help_text=gettext_lazy("Sent to Stripe, beside the customer's answer."),
    )
    invoice_now = forms.BooleanField(
        label=gettext_lazy("Invoice outstanding items now"),
        required=False,
        help_text=gettext_lazy("Only with “Now”: metered usage and pending items are invoiced."),
    )
    prorate = forms.BooleanField(
        label=gettext_lazy("Credit the unused time"),
        required=False,
        help_text=gettext_lazy("Only with “Now”: a prorated credit for the rest of the period."),
    )

    def prepare(self) -> None:
        """Offer only what Stripe takes in this status; a form for many rows (without a status) offers all."""
        status, field = status_of(self.row), self.choice_field("when")
        if status and status not in SCHEDULABLE:
            field.choices = [(NOW, _("Now"))]
            field.error_messages["invalid_choice"] = only_now(status)

    def clean(self) -> dict[str, Any]:
        """Each option goes with one way to cancel."""
        cleaned = super().clean()
        when, cancel_at = cleaned.get("when"), cleaned.get("cancel_at")
        if when == DATE and "cancel_at" in cleaned:
            self._check_date(cancel_at)
        if when and when != NOW:
            for name in ("invoice_now", "prorate"):
                if cleaned.get(name):
                    self.add_error(name, _("This is possible only when cancelling now."))
        return cleaned

    def _check_date(self, cancel_at: datetime | None) -> None:
        if cancel_at is None:
            self.add_error("cancel_at", _("Write the date at which it ends."))
        elif cancel_at <= timezone.now():
            self.add_error("cancel_at", _("This date has passed. Write one in the future, or cancel now."))


@register
class CancelSubscription(Operation):
    """https://docs.stripe.com/api/subscriptions/cancel and, at a later time, /update"""

    name = "cancel_subscription"
    label = gettext_lazy("Cancel subscription")
    at_hand = True
    short_description = gettext_lazy("End it now, at the end of the period, or at a date.")
    object_type = "subscription"
    form_class = CancelForm
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy(
        "Cancelling now can't be undone: the customer would need a new subscription. A cancellation "
        "at the period's end or at a date can be undone until then."
    )
    not_state = ("proration_behavior", "invoice_now", "prorate")
    decisions = ("when",)
    topic = "end of a subscription"

    def why_not(self, row: StripeObject) -> str:
        """Ended ones and those under a schedule."""
        return why_not_changeable(row)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The gentlest way that this status allows."""
        return {"when": PERIOD_END if (status_of(row) or "active") in SCHEDULABLE else NOW}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """A DELETE for now, else an update of what differs."""
        path = f"/v1/subscriptions/{row.pk}"
        details = {k: cleaned[k] for k in ("feedback", "comment") if cleaned.get(k)}
        more: dict[str, Any] = {"cancellation_details": details} if details else {}
        if cleaned["when"] == NOW:
            flags = {name: True for name in ("invoice_now", "prorate") if cleaned.get(name)}
            return Call("delete", path, {**flags, **more})
        if status_of(row) not in SCHEDULABLE:
            # The form was opened before this status: what was meant to happen later must not happen now.
            raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": only_now(status_of(row))})
        timing = _timing(cleaned)
        if state.matches(row.data, {**timing, **more}, ignore=self.not_state):
            raise NothingToChange(_("Nothing was sent: this cancellation is scheduled already."))
        return Call("post", path, {**timing, **more})

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Always with the status and the schedule of its end."""
        held = {name: row.data.get(name) for name in ("status", "cancel_at_period_end", "cancel_at", "canceled_at")}
        stated = {k: v for k, v in call.params.items() if k not in self.not_state}
        return {**held, **state.touched(row.data, stated)}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """A DELETE has no idempotency key: only the state tells."""
        if call.method == "delete":
            return bool(row.deleted_at) or status_of(row) == "canceled"
        return status_of(row) in ENDED or super().is_done(row, call)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """When it ends, what is invoiced, what is noted."""
        call = self.plan(row, cleaned)
        lines = [_when_line(cleaned)]
        if cleaned["when"] == NOW:
            lines.append(_money_line(cleaned))
        details = call.params.get("cancellation_details", {})
        if feedback := details.get("feedback"):
            lines.append(
                _("The customer's answer: %(feedback)s.") % {"feedback": dict(FEEDBACK).get(feedback, feedback)}
            )
        return lines + ([_("Comment: %(comment)s") % {"comment": details["comment"]}] if details.get("comment") else [])

    def undo(self, push: Push) -> Undo | None:
        """Until it takes effect: the end as it was scheduled before, or none. What has ended now, stays ended."""
        return None if push.method == "delete" else _as_before(push) or Undo(KeepSubscription.name)

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What its items charge per period."""
        return charges_per_period(row)


def _as_before(push: Push) -> Undo | None:
    """The cancellation that was scheduled before the push; None where there was none, or its date has passed."""
    if push.before.get("cancel_at_period_end"):
        return Undo(CancelSubscription.name, {"when": PERIOD_END})
    at = push.before.get("cancel_at")
    if not isinstance(at, int) or at <= timezone.now().timestamp():
        return None
    return Undo(CancelSubscription.name, {"when": DATE, "cancel_at": datetime.fromtimestamp(at, UTC)})


def _timing(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    if cleaned["when"] == PERIOD_END:
        return {"cancel_at_period_end": True}
    # A date inside a period would otherwise credit the rest of it.
    return {"cancel_at": int(cleaned["cancel_at"].timestamp()), "proration_behavior": "none"}


def _when_line(cleaned: Mapping[str, Any]) -> str:
    if cleaned["when"] == NOW:
        return _("The subscription ends now.")
    if cleaned["when"] == PERIOD_END:
        return _("The subscription ends at the end of the current period. Until then nothing changes.")
    return _("The subscription ends on %(moment)s.") % {"moment": moment_words(int(cleaned["cancel_at"].timestamp()))}


def _money_line(cleaned: Mapping[str, Any]) -> str:
    invoice = _("Outstanding items are invoiced now.") if cleaned.get("invoice_now") else _("No final invoice is made.")
    credit = _("The unused time is credited.") if cleaned.get("prorate") else _("Nothing is credited or refunded.")
    return f"{invoice} {credit}"


class KeepForm(OperationForm):
    """Only a reason."""


@register
class KeepSubscription(Operation):
    """Undo a scheduled cancellation, whichever way it was scheduled (S40)."""

    name = "keep_subscription"
    label = gettext_lazy("Undo the cancellation")
    short_description = gettext_lazy("The subscription goes on as if it had never been scheduled to end.")
    object_type = "subscription"
    form_class = KeepForm
    bulk = True
    topic = CancelSubscription.topic

    def why_not(self, row: StripeObject) -> str:
        """Only a scheduled cancellation can be undone, and only before it takes effect."""
        if reason := why_not_changeable(row):
            return reason
        scheduled = row.data.get("cancel_at_period_end") or row.data.get("cancel_at")
        return "" if scheduled else _("No cancellation is scheduled for this subscription.")

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """How its end was scheduled."""
        return {name: row.data.get(name) for name in ("cancel_at_period_end", "cancel_at")}

    def undo(self, push: Push) -> Undo | None:
        """The cancellation as it was scheduled."""
        return _as_before(push)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """Clear the flag (Stripe then clears the date that it derived), or the date where that alone is set."""
        if row.data.get("cancel_at_period_end"):
            return Call("post", f"/v1/subscriptions/{row.pk}", {"cancel_at_period_end": False})
        if row.data.get("cancel_at"):
            return Call("post", f"/v1/subscriptions/{row.pk}", {"cancel_at": ""})
        raise NothingToChange

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """One line."""
        self.plan(row, cleaned)
        return [_("The scheduled cancellation is removed; the subscription renews as before.")]

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What its items charge per period."""
        return charges_per_period(row)
