"""Trials of running subscriptions: another end, an end now, or free time for one that pays already.

Each moves the billing date: Stripe sets `billing_cycle_anchor` to the trial's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push import moments, previews, state
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.moments import MomentField, MomentForm
from stripe_mirror.push.operation import Call, register
from stripe_mirror.push.previews import CREATE, NO_PRORATION, PRORATION_FIELDS, ProrationForm
from stripe_mirror.push.subscription_collection import NOBODY_PAYS, PAYMENT_METHOD, charged_with
from stripe_mirror.push.subscription_facts import AUTOMATIC, collects, status_of, why_not_billable
from stripe_mirror.push.subscription_operation import SubscriptionOperation, update

UNTIL, NOW, BEGIN = "until", "now", "begin"
TRIALING = "trialing"
TRIAL_END = "trial_end"
WAYS = {
    UNTIL: gettext_lazy("Let the trial end at another date"),
    NOW: gettext_lazy("End the trial now, and bill the first period"),
    BEGIN: gettext_lazy("Begin a trial: free from now until a date"),
}
# Stripe takes no end that is two years or more ahead.
MOST_SECONDS = 730 * 86400
NO_TRIAL = gettext_lazy("It is in no trial (any more).")
IN_TRIAL = gettext_lazy("It is in a trial already. Move that one's end instead.")
# What Stripe does where a trial ends and there is nothing to charge (trial_settings.end_behavior).
WITHOUT_METHOD = {"pause": gettext_lazy("Stripe then pauses it."), "cancel": gettext_lazy("Stripe then cancels it.")}


class TrialForm(ProrationForm, MomentForm):
    """Which end, and what becomes of time that was paid for."""

    when = forms.ChoiceField(label=gettext_lazy("What"), widget=forms.RadioSelect, choices=list(WAYS.items()))
    trial_end = MomentField(
        label=gettext_lazy("Free until"), required=False, help_text=gettext_lazy("Two years ahead at most.")
    )
    field_order = ["when", TRIAL_END, *PRORATION_FIELDS]

    def prepare(self) -> None:
        """Offer what fits the status; a form for many rows offers all."""
        super().prepare()
        prorations = self.choice_field("proration_behavior")
        prorations.label = _("Time that was paid for, where a trial begins")
        prorations.choices = [
            (NO_PRORATION, _("Nothing is credited")),
            (CREATE, _("Credit the rest of the running period")),
        ]
        if self.row.pk:
            self.choice_field("when").choices = [(way, WAYS[way]) for way in _ways(self.row)]

    def clean(self) -> dict[str, Any]:
        """A date goes with what isn't now."""
        cleaned = super().clean()
        if cleaned.get("when") in (UNTIL, BEGIN) and TRIAL_END not in self.errors:
            end = cleaned.get(TRIAL_END)
            if end is None:
                self.add_error(TRIAL_END, _("Write until when it is free."))
            elif end > moments.now() + MOST_SECONDS:
                self.add_error(TRIAL_END, _("Stripe takes no end of a trial that is more than two years ahead."))
        return cleaned


def _ways(row: StripeObject) -> tuple[str, ...]:
    return (UNTIL, NOW) if status_of(row) == TRIALING else (BEGIN,)


@register
class ChangeTrial(SubscriptionOperation):
    """https://docs.stripe.com/billing/subscriptions/trials"""

    name = "change_trial"
    label = gettext_lazy("Change trial")
    short_description = gettext_lazy("Move the end of the trial, end it now, or give free time.")
    form_class = TrialForm
    bulk = True
    needs_reason = True
    final_warning = gettext_lazy("What is billed or credited for it stays, also if the trial is changed again.")
    not_state = PRORATION_FIELDS
    decisions = ("when", *PRORATION_FIELDS)

    def why_not(self, row: StripeObject) -> str:
        """Stripe refuses what is paused; what is unpaid has to be settled first."""
        if reason := why_not_billable(row):
            return reason
        status = status_of(row)
        if status == "paused":
            return _("Stripe doesn't change the trial of a paused subscription. Resume it first.")
        if status == "unpaid":
            return _("Its invoices are unpaid. Have them paid, or write them off, before it gets free time.")
        return ""

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The running trial's end; nothing is credited."""
        end = row.data.get(TRIAL_END) if status_of(row) == TRIALING else None
        shown = {**previews.proration_initial(row), "proration_behavior": NO_PRORATION}
        return {**shown, "when": _ways(row)[0] if row.pk else UNTIL, TRIAL_END: end if isinstance(end, int) else None}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update. Free time has nothing to prorate: only where a trial begins, paid time can be credited."""
        when = cleaned["when"]
        _check_way(row, when)
        end = "now" if when == NOW else cleaned[TRIAL_END]
        if end == row.data.get(TRIAL_END) and when == UNTIL:
            raise NothingToChange(_("Nothing was sent: the trial ends then already."))
        payment = previews.payment_params(cleaned) if when == NOW else {}
        return update(row, {TRIAL_END: end, **_proration(cleaned), **payment})

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The invoice at once, or the one at the trial's end."""
        return previews.preview_call(row, {TRIAL_END: self.plan(row, cleaned).params[TRIAL_END], **_proration(cleaned)})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """From when to when, and what is credited."""
        self.plan(row, cleaned)
        if cleaned["when"] == NOW:
            return [_("The trial ends now. The first period that is paid for begins now and is billed now.")]
        until = moments.moment_words(cleaned[TRIAL_END])
        if cleaned["when"] == UNTIL:
            held = row.data.get(TRIAL_END)
            was = moments.moment_words(held) if isinstance(held, int) else _("(none)")
            return [_("The trial ends: %(was)s → %(until)s") % {"was": was, "until": until}]
        credited = cleaned.get("proration_behavior") == CREATE
        rest = (
            _("The rest of the running period is credited.")
            if credited
            else _("Nothing is credited for the time paid for.")
        )
        return [_("It is free from now until %(until)s; its status becomes “trialing”.") % {"until": until}, rest]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What Stripe bills, when, and that the billing date moves."""
        when, final = cleaned["when"], "" if cleaned["when"] == UNTIL else self.final_warning
        follows = previews.change_follows(row, cleaned, at_once=True) if when == NOW and preview else []
        words, moved = "", _("The billing date moves: periods are counted from now.")
        if when != NOW:
            day = moments.moment_words(cleaned[TRIAL_END])
            moved = _("The billing date moves: periods are counted from %(day)s.") % {"day": day}
            words = _("Next invoice, on %(day)s") % {"day": day} if when == UNTIL else ""
        follows.append(moved)
        follows += _warnings(row)
        return previews.effects_of(row, preview, at_once=True, follows=follows, final=final, words=words)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """The status, the trial's end, and the billing date that follows it."""
        return {name: row.data.get(name) for name in ("status", TRIAL_END, "billing_cycle_anchor")}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """By the end, or by the status."""
        end = call.params[TRIAL_END]
        return status_of(row) != TRIALING if end == "now" else bool(row.data.get(TRIAL_END) == end)

    def undo(self, push: Push) -> Undo | None:
        """Another end can be taken back, as long as the earlier one is ahead; nothing that was billed can."""
        end = push.before.get(TRIAL_END)
        moved = push.before.get("status") == TRIALING and push.params.get(TRIAL_END) != "now"
        ahead = isinstance(end, int) and end > moments.now()
        return Undo(self.name, {"when": UNTIL, TRIAL_END: end}) if moved and ahead else None


def _check_way(row: StripeObject, when: str) -> None:
    """What was meant for a trial must not give free time to one that pays by now, nor the other way round."""
    trialing = status_of(row) == TRIALING
    if when != BEGIN and not trialing:
        raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": NO_TRIAL})
    if when == BEGIN and trialing:
        raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": IN_TRIAL})


def _proration(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    begins = cleaned["when"] == BEGIN
    return previews.proration_params(cleaned if begins else {"proration_behavior": NO_PRORATION})


def _warnings(row: StripeObject) -> list[str]:
    """What staff have to look at: nobody who pays, an end that is scheduled."""
    warnings = []
    if collects(row) == AUTOMATIC and not charged_with(row, state.text(state.look_up(row.data, (PAYMENT_METHOD,)))):
        wish = state.text(state.look_up(row.data, ("trial_settings", "end_behavior", "missing_payment_method")))
        warnings.append(f"{NOBODY_PAYS} {WITHOUT_METHOD.get(wish, '')}".strip())
    if row.data.get("cancel_at_period_end") or row.data.get("cancel_at"):
        warnings.append(_("It is scheduled to end. Look at that date afterwards: Stripe ties it to the period."))
    return warnings
