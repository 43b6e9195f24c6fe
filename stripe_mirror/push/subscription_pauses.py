"""Pausing a whole subscription (no service, no invoices, status `paused`), and resuming it.

Not to be taken for a paused collection (S41), which `collection_pauses` is about: there service goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Push, StripeObject, Subscription
from stripe_mirror.push import moments, previews
from stripe_mirror.push.collection_pauses import RESUME_LABEL, PauseCollection, UnpauseCollection, paused_collection
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.operation import Call, OperationForm, register
from stripe_mirror.push.previews import ALWAYS, CREATE, PRORATION_FIELDS, ProrationForm
from stripe_mirror.push.subscription_facts import (
    AUTOMATIC,
    collects,
    invoices_in_words,
    is_flexible,
    is_paused,
    items_of,
    status_of,
    why_not_billable,
    why_not_changeable,
)
from stripe_mirror.push.subscription_operation import SubscriptionOperation
from stripe_mirror.stripe_api.client import api_version


class PauseForm(OperationForm):
    """What is credited and billed for the running period."""

    unused_time_from = forms.ChoiceField(
        label=gettext_lazy("Credit time that was paid for"),
        widget=forms.RadioSelect,
        choices=[
            ("now", gettext_lazy("The rest of the period")),
            ("item_current_period_start", gettext_lazy("The whole period")),
            ("none", gettext_lazy("None")),
        ],
    )
    outstanding_usage_through = forms.ChoiceField(
        label=gettext_lazy("Bill metered usage of the period"),
        widget=forms.RadioSelect,
        choices=[("now", gettext_lazy("Until now")), ("none", gettext_lazy("Not at all"))],
    )
    invoicing_behavior = forms.ChoiceField(
        label=gettext_lazy("On which invoice"),
        widget=forms.RadioSelect,
        choices=[
            ("pending_invoice_item", gettext_lazy("On the next one, when it is resumed")),
            ("invoice", gettext_lazy("On one now")),
        ],
    )


class PauseOperation(SubscriptionOperation):
    """Judged by the status."""

    bulk = True
    topic = "pause of a subscription"

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """The status."""
        return {"status": status_of(row)}


PAUSE_FIELDS = ("unused_time_from", "outstanding_usage_through", "invoicing_behavior")


@register
class PauseSubscription(PauseOperation):
    """https://docs.stripe.com/billing/subscriptions/pause"""

    name = "pause_subscription"
    label = gettext_lazy("Pause subscription")
    short_description = gettext_lazy(
        "Service and invoices stop until it is resumed; what was paid ahead can be credited."
    )
    form_class = PauseForm
    needs_reason = True
    danger = True
    final_warning = gettext_lazy(
        "The subscription can be resumed, but credits and invoices that come of the pause stay. The "
        "customer loses access as long as it is paused."
    )
    not_state = ("bill_for", "invoicing_behavior", "type")
    decisions = PAUSE_FIELDS

    def why_not(self, row: StripeObject) -> str:
        """Only what is billed flexibly and charged by itself."""
        if not previews.speaks_endive():
            return _("Stripe pauses subscriptions from its API version %(needed)s on; ours is %(version)s.") % {
                "needed": previews.ENDIVE,
                "version": api_version(),
            }
        if reason := why_not_billable(row):
            return reason
        if is_paused(row):
            return _("It is paused already.")
        if status_of(row) == "trialing":
            return _("Stripe doesn't pause a trial. Extend the trial instead.")
        if not is_flexible(row):
            return _("It is billed in the classic way, which can't be paused. Use “%(label)s”.") % {
                "label": PauseCollection.label
            }
        if collects(row) != AUTOMATIC:
            return _("The customer pays its invoices by hand: such ones can't be paused. Use “%(label)s”.") % {
                "label": PauseCollection.label
            }
        return ""

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """Stripe's own defaults."""
        return {
            "unused_time_from": "now",
            "outstanding_usage_through": "now",
            "invoicing_behavior": "pending_invoice_item",
        }

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One call of its own."""
        return Call("post", f"/v1/subscriptions/{row.pk}/pause", _pause_params(cleaned))

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call | None:
        """The invoice of the pause; there is none where items wait instead, or nothing is credited or billed."""
        billed = {cleaned["unused_time_from"], cleaned["outstanding_usage_through"]} != {"none"}
        if cleaned["invoicing_behavior"] != "invoice" or not billed:
            return None
        return previews.preview_call(row, {"pause": _pause_params(cleaned)})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What stops, what is credited, on which invoice."""
        credit = {
            "now": _("The rest of the running period is credited."),
            "item_current_period_start": _("The whole running period is credited."),
            "none": _("Nothing is credited."),
        }
        used = cleaned["outstanding_usage_through"] == "now"
        at_once = cleaned["invoicing_behavior"] == "invoice"
        return [
            _("Service and invoices stop now; the status becomes “paused”."),
            credit.get(cleaned["unused_time_from"], cleaned["unused_time_from"]),
            _("Metered usage until now is billed.") if used else _("Metered usage of the period is not billed."),
            _("Both stand on an invoice that is made now.")
            if at_once
            else _("Both wait until the subscription is resumed."),
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Access is lost; what is open stays open."""
        follows = [_("No invoices are made, and no renewals happen, until it is resumed.")]
        if opened := invoices_in_words(row, "open"):
            follows.append(_("%(opened)s from before stay open.") % {"opened": opened})
        return previews.effects_of(row, preview, at_once=True, follows=follows, final=self.final_warning)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """By the status."""
        return is_paused(row)

    def undo(self, push: Push) -> Undo:
        """Go on in the running period: what was credited from now on is charged again."""
        values = {"billing_cycle_anchor": "unchanged", "proration_behavior": CREATE}
        return Undo(ResumeSubscription.name, values)


def _pause_params(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    of = {name: {"type": cleaned[name]} for name in ("outstanding_usage_through", "unused_time_from")}
    return {"type": "subscription", "bill_for": of, "invoicing_behavior": cleaned["invoicing_behavior"]}


NOW, UNCHANGED = "now", "unchanged"
ATTEMPT, SUCCESS = "resume_on_payment_attempt", "resume_on_payment_success"


class ResumeForm(ProrationForm):
    """From when it is billed, and what has to be paid first."""

    billing_cycle_anchor = forms.ChoiceField(
        label=gettext_lazy("Billing period"),
        widget=forms.RadioSelect,
        choices=[
            (NOW, gettext_lazy("A new one begins now, and is billed now")),
            (
                UNCHANGED,
                gettext_lazy("The billing dates stay; the rest of the running period is charged as chosen below"),
            ),
        ],
    )
    payment_behavior = forms.ChoiceField(
        label=gettext_lazy("When there is an invoice for it"),
        widget=forms.RadioSelect,
        required=False,
        choices=[
            (SUCCESS, gettext_lazy("Charge it at once, and go on when it is paid")),
            (ATTEMPT, gettext_lazy("Don't charge it yet: somebody pays it within 23 hours")),
        ],
    )
    field_order = ["billing_cycle_anchor", *PRORATION_FIELDS]

    def prepare(self) -> None:
        """The first way is for flexible billing only."""
        super().prepare()
        self.fields["proration_behavior"].label = _("Charge the rest of the running period")
        if not _may_choose_payment(self.row):
            self.fields.pop("payment_behavior", None)


def _may_choose_payment(row: StripeObject) -> bool:
    return previews.speaks_endive() and (not row.pk or is_flexible(row))


@register
class ResumeSubscription(PauseOperation):
    """https://docs.stripe.com/api/subscriptions/resume"""

    name = "resume_subscription"
    label = RESUME_LABEL
    short_description = gettext_lazy("Let a paused subscription go on: service and invoices begin again.")
    form_class = ResumeForm
    final_warning = gettext_lazy("An invoice that is made for it stays, also if the subscription is paused again.")
    decisions = ("billing_cycle_anchor", *PRORATION_FIELDS)

    def why_not(self, row: StripeObject) -> str:
        """Only a paused subscription; a paused collection is taken up in another way (S41)."""
        if reason := why_not_changeable(row):
            return reason
        if is_paused(row):
            by_hand = collects(row) != AUTOMATIC
            return _("Stripe resumes only what is charged by itself; this one sends invoices.") if by_hand else ""
        if paused_collection(row):
            return _("Only its collection is paused, not the subscription: use “%(label)s”.") % {
                "label": UnpauseCollection.label
            }
        return _("It isn't paused.")

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """A new period, paid before it begins where Stripe can do that; as of now, if that is in the running period."""
        shown = previews.proration_initial(row)
        date = shown["proration_date"]
        late = date is not None and moments.now() - date > moments.MINUTE
        payment = SUCCESS if _may_choose_payment(row) else None
        if payment is None:
            del shown["payment_behavior"]
        else:
            shown["payment_behavior"] = payment
        return {**shown, "billing_cycle_anchor": NOW, "proration_date": None if late else date}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One call of its own; prorations go only with a period that runs already."""
        params = _resume_terms(cleaned)
        if cleaned.get("payment_behavior"):
            params["payment_behavior"] = cleaned["payment_behavior"]
        return Call("post", f"/v1/subscriptions/{row.pk}/resume", params)

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call | None:
        """The invoice of it; there is none where the rest of the period waits for the next one."""
        if not _bills(cleaned):
            return None
        details = {"resume_at": "now", **_resume_terms(cleaned)}
        if "proration_date" in details:
            # Stripe takes a date only beside items.
            details["items"] = [{"id": item["id"]} for item in items_of(row)]
        return previews.preview_call(row, details)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """When the period begins, and how it is billed."""
        if cleaned["billing_cycle_anchor"] == NOW:
            return [_("The subscription goes on. A new billing period begins now and is billed now.")]
        return [_("The subscription goes on in its running period."), previews.proration_words(cleaned)]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """It may have to wait for its payment."""
        if not _bills(cleaned):
            return Effects(follows=(_("Nothing is charged now; service and renewals begin again at once."),))
        charged = cleaned.get("payment_behavior") == SUCCESS
        follows = (
            _(
                "It stays paused until the invoice of it is paid: Stripe charges it at once, and it can "
                "be paid for a year."
            )
            if charged
            else _(
                "It stays paused until the invoice of it is paid, which Stripe doesn't charge by "
                "itself. After 23 hours without a payment the invoice is voided."
            ),
        )
        words = _("Charged at once") if charged else _("To be paid before it goes on")
        return previews.effects_of(row, preview, at_once=True, follows=follows, final=self.final_warning, words=words)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """By the status; while its invoice is unpaid it can't be told."""
        return not is_paused(row)

    def undo(self, push: Push) -> Undo | None:
        """Pause it again, where it is billed in the way that can be."""
        row = Subscription.objects.filter(pk=push.object_id).first()
        return Undo(PauseSubscription.name) if row and is_flexible(row) else None


def _resume_terms(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    anchor = cleaned["billing_cycle_anchor"]
    terms = {"billing_cycle_anchor": previews.billing_cycle_anchor(anchor)}
    return {**terms, **(previews.proration_params(cleaned) if anchor == UNCHANGED else {})}


def _bills(cleaned: Mapping[str, Any]) -> bool:
    return bool(cleaned["billing_cycle_anchor"] == NOW or cleaned["proration_behavior"] == ALWAYS)
