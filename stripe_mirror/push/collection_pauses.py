"""Pausing the collection of a subscription, and taking it up again: the subscription goes on, only its invoices are
treated differently. Not to be taken for a paused subscription (S41), which `subscription_pauses` is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push import moments, state
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.errors import NothingToChange
from stripe_mirror.push.moments import MomentField, MomentForm
from stripe_mirror.push.operation import Call, OperationForm, register
from stripe_mirror.push.subscription_facts import (
    invoices_in_words,
    is_paused,
    why_not_billable,
    why_not_changeable,
)
from stripe_mirror.push.subscription_operation import SubscriptionOperation, update

KEEP, WRITE_OFF, VOID = "keep_as_draft", "mark_uncollectible", "void"
BEHAVIORS = [
    (KEEP, gettext_lazy("Keep invoices as drafts: they can be sent later")),
    (WRITE_OFF, gettext_lazy("Mark invoices as uncollectible: the time is given away")),
    (VOID, gettext_lazy("Void invoices: nothing is owed for the time")),
]
WHAT_BECOMES = {
    KEEP: gettext_lazy("Invoices go on being made and stay drafts; they are not sent by themselves afterwards."),
    WRITE_OFF: gettext_lazy("Invoices go on being made and are marked as uncollectible."),
    VOID: gettext_lazy("Invoices go on being made and are voided, which can't be undone."),
}
PAUSE = "pause_collection"
RESUME_LABEL = gettext_lazy("Resume subscription")


def paused_collection(row: StripeObject) -> dict[str, Any]:
    """How its collection is paused; {} where it isn't."""
    held = row.data.get(PAUSE)
    return held if isinstance(held, dict) else {}


class PauseCollectionForm(MomentForm):
    """What becomes of its invoices, and until when."""

    behavior = forms.ChoiceField(label=gettext_lazy("Invoices meanwhile"), widget=forms.RadioSelect, choices=BEHAVIORS)
    resumes_at = MomentField(
        label=gettext_lazy("Until"),
        required=False,
        help_text=gettext_lazy("Left empty, until somebody takes collection up again."),
    )

    def prepare(self) -> None:
        """Offer what it is now, too."""
        self.keep_choice("behavior")

    def clean(self) -> dict[str, Any]:
        """Stripe has no way to take a date away but to end the pause."""
        cleaned = super().clean()
        if self.initial.get("resumes_at") and "resumes_at" in cleaned and not cleaned["resumes_at"]:
            self.add_error("resumes_at", _("To take the date away, take collection up again and then pause it anew."))
        return cleaned


class CollectionPause(SubscriptionOperation):
    """What pausing collection and taking it up again have in common."""

    bulk = True
    topic = "collection of a subscription"

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """The whole pause."""
        return {f"{PAUSE}.{name}": paused_collection(row).get(name) for name in ("behavior", "resumes_at")}


@register
class PauseCollection(CollectionPause):
    """https://docs.stripe.com/billing/subscriptions/pause-payment"""

    name = PAUSE
    label = gettext_lazy("Pause collection")
    short_description = gettext_lazy(
        "Service goes on and the status stays; invoices are kept, written off or voided meanwhile."
    )
    form_class = PauseCollectionForm
    needs_reason = True
    final_warning = gettext_lazy(
        "Invoices that are voided meanwhile stay void, and the customer is never asked for them."
    )

    def why_not(self, row: StripeObject) -> str:
        """Not where nothing is invoiced anyway."""
        if reason := why_not_billable(row):
            return reason
        if is_paused(row):
            return _("The whole subscription is paused: nothing is invoiced, so there is no collection to pause.")
        return ""

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The present pause, or the gentlest."""
        held = paused_collection(row)
        return {"behavior": state.text(held.get("behavior")) or KEEP, "resumes_at": held.get("resumes_at")}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update, with the date where there is one."""
        until = cleaned.get("resumes_at")
        pause = {"behavior": cleaned["behavior"], **({"resumes_at": until} if until else {})}
        if state.matches(row.data, {PAUSE: pause}):
            raise NothingToChange(_("Nothing was sent: collection is paused in just this way already."))
        return update(row, {PAUSE: pause})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """From now until when, and what becomes of the invoices."""
        self.plan(row, cleaned)
        paused = _("Collection is paused until somebody takes it up again.")
        if until := cleaned.get("resumes_at"):
            paused = _("Collection is paused until %(moment)s.") % {"moment": moments.moment_words(until)}
        return [paused, str(WHAT_BECOMES.get(cleaned["behavior"], cleaned["behavior"]))]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Service goes on; what is open goes on being collected."""
        follows = [_("The customer keeps the service, and the subscription keeps its status and its billing dates.")]
        if opened := invoices_in_words(row, "open"):
            follows.append(
                _("%(opened)s from before stay open and go on being collected until they are paid or voided.")
                % {"opened": opened}
            )
        if cleaned.get("resumes_at"):
            follows.append(_("Collection goes on by itself then, for the invoices made from then on."))
        follows.append(_("Stripe sends the customer no e-mail about it."))
        return Effects(follows=tuple(follows), final=self.final_warning if cleaned["behavior"] == VOID else "")

    def undo(self, push: Push) -> Undo:
        """The pause as it was, or none."""
        return _as_before(push) or Undo(UnpauseCollection.name)


class UnpauseForm(OperationForm):
    """Only a reason."""


@register
class UnpauseCollection(CollectionPause):
    """https://docs.stripe.com/billing/subscriptions/pause-payment, "Unpause" """

    name = "unpause_collection"
    label = gettext_lazy("Take up collection again")
    short_description = gettext_lazy(
        "Invoices made from now on are collected as before. Earlier ones stay as they are."
    )
    form_class = UnpauseForm

    def why_not(self, row: StripeObject) -> str:
        """Only a paused collection; the other kind of pause has a resume of its own (S41)."""
        if reason := why_not_changeable(row):
            return reason
        if paused_collection(row):
            return ""
        if is_paused(row):
            return _("Its collection isn't paused. The whole subscription is: use “%(label)s”.") % {
                "label": RESUME_LABEL
            }
        return _("Its collection isn't paused.")

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """Clear it."""
        if not paused_collection(row):
            raise NothingToChange
        return update(row, {PAUSE: ""})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """One line."""
        self.plan(row, cleaned)
        return [_("Invoices made from now on are collected again.")]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Drafts that were kept stay drafts."""
        follows = [_("Nothing is charged now.")]
        if drafts := invoices_in_words(row, "draft"):
            follows.append(
                _("%(drafts)s stay drafts: finalize them one by one if they are to be paid.") % {"drafts": drafts}
            )
        return Effects(follows=tuple(follows))

    def undo(self, push: Push) -> Undo | None:
        """The pause as it was; a date that has passed since is left out."""
        return _as_before(push)


def _as_before(push: Push) -> Undo | None:
    behavior, until = (push.before.get(f"{PAUSE}.{name}") for name in ("behavior", "resumes_at"))
    if not behavior:
        return None
    ahead = isinstance(until, int) and until > moments.now()
    return Undo(PauseCollection.name, {"behavior": behavior, "resumes_at": until if ahead else None})
