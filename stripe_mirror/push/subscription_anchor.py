"""Beginning a new billing period now, so that a subscription renews on another day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push import previews
from stripe_mirror.push.effects import Effects
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import Call, register
from stripe_mirror.push.previews import CREATE, NO_PRORATION, PRORATION_FIELDS, ProrationForm
from stripe_mirror.push.subscription_facts import items_of, status_of, why_not_billable
from stripe_mirror.push.subscription_operation import SubscriptionOperation, update

ANCHOR = "billing_cycle_anchor"
MOVED = gettext_lazy("Nothing was sent: its billing date was moved since you opened the form. Open the form again.")
NOT_NOW = {
    "trialing": gettext_lazy("Its billing date is the end of its trial. Change the trial instead."),
    "paused": gettext_lazy("It is paused. Resume it: then a new period can begin."),
}


class AnchorForm(ProrationForm):
    """What becomes of the running period; a new one begins now in any case, with an invoice."""

    # The billing date as it was shown: where another person has moved it since, nobody means to do so twice.
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def prepare(self) -> None:
        """Credits stand on that invoice, there is no other to wait for."""
        super().prepare()
        field = self.choice_field("proration_behavior")
        field.label = _("The rest of the running period")
        field.choices = [
            (CREATE, _("Credit it on the invoice of the new period")),
            (NO_PRORATION, _("Nothing is credited")),
        ]


@register
class ResetBillingAnchor(SubscriptionOperation):
    """https://docs.stripe.com/billing/subscriptions/billing-cycle, "Reset the billing cycle" """

    name = "reset_billing_anchor"
    label = gettext_lazy("Begin a new period now")
    short_description = gettext_lazy("Bill a whole period now; from then on it renews on this day.")
    form_class = AnchorForm
    needs_reason = True
    final_warning = gettext_lazy("The invoice stays, and the earlier billing date can't be brought back.")
    not_state = PRORATION_FIELDS
    decisions = ("seen", *PRORATION_FIELDS)

    def why_not(self, row: StripeObject) -> str:
        """Only what is in a period that was billed."""
        return why_not_billable(row) or str(NOT_NOW.get(status_of(row), ""))

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """Time that was paid for is credited."""
        anchor = row.data.get(ANCHOR)
        return {**previews.proration_initial(row), "seen": anchor if isinstance(anchor, int) else None}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update. What is wished is never there already: only what was seen keeps two from doing it twice."""
        if cleaned.get("seen") not in (None, row.data.get(ANCHOR)):
            raise NotAllowed(MOVED)
        return update(row, {**_terms(cleaned), **previews.payment_params(cleaned)})

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The invoice of it."""
        details = _terms(cleaned)
        if "proration_date" in details:
            # Stripe takes a date only beside items.
            details["items"] = [{"id": item["id"]} for item in items_of(row)]
        return previews.preview_call(row, details)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is billed and what is credited."""
        credited = cleaned["proration_behavior"] != NO_PRORATION
        return [
            _("A new billing period begins now and is billed now. Later ones are counted from today."),
            _("The rest of the running period is credited on that invoice.")
            if credited
            else _("Nothing is credited for the rest of the running period: that time is paid twice."),
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """An invoice at once."""
        follows = previews.change_follows(row, cleaned, at_once=True)
        return previews.effects_of(row, preview, at_once=True, follows=follows, final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """The billing date."""
        return {ANCHOR: row.data.get(ANCHOR)}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Whether the date is another one than before the last push of this: the request names none."""
        tried = Push.objects.filter(operation=self.name, object_id=row.pk, first_sent_at__isnull=False)
        last = tried.order_by("-first_sent_at").first()
        return last is not None and row.data.get(ANCHOR) != last.before.get(ANCHOR)


def _terms(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    return {ANCHOR: previews.billing_cycle_anchor("now"), **previews.proration_params(cleaned)}
