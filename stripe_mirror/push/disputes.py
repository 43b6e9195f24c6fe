"""What staff can do about disputes: collect evidence, send it to the bank, or accept the loss."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.language import number_words
from stripe_mirror.models import Push, StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import state
from stripe_mirror.push.dispute_forms import (
    FILES,
    PREFIX,
    TEXTS,
    AcceptForm,
    EvidenceForm,
    SubmitForm,
    files_of,
    texts_of,
)
from stripe_mirror.push.editing import why_not_deleted
from stripe_mirror.push.effects import Amount, Effects, Undo
from stripe_mirror.push.errors import ODD_SHAPE_WORDS, NotAllowed, NothingToChange
from stripe_mirror.push.moments import moment_words
from stripe_mirror.push.operation import Call, Operation, register

NEEDS_RESPONSE, INQUIRY = "needs_response", "warning_needs_response"
# As much of a text as the confirm page shows.
SHOWN = 300


def _status(row: StripeObject) -> str:
    return state.text(row.data.get("status"))


def due_by(row: StripeObject) -> int | None:
    """The last second in which the bank takes evidence; None where Stripe names none."""
    due = state.look_up(row.data, ("evidence_details", "due_by"))
    return due if isinstance(due, int) else None


def deadline_words(row: StripeObject) -> str:
    """Until when the bank takes evidence."""
    due = due_by(row)
    return (
        _("The bank takes evidence until %(moment)s.") % {"moment": moment_words(due)}
        if due
        else _("Stripe names no deadline.")
    )


def why_not_answerable(row: StripeObject) -> str:
    """What forbids sending evidence: what was decided or submitted, and the deadline."""
    status, due = _status(row), due_by(row)
    if gone := why_not_deleted(row):
        return gone
    if not status:
        return str(ODD_SHAPE_WORDS)
    if status not in (NEEDS_RESPONSE, INQUIRY):
        return _settled_words(status)
    if due and due < timezone.now().timestamp():
        return _("The deadline was %(moment)s: the bank takes no more evidence.") % {"moment": moment_words(due)}
    if state.look_up(row.data, ("evidence_details", "past_due")) is True:
        return _("The deadline has passed: the bank takes no more evidence.")
    return ""


def _settled_words(status: str) -> str:
    plain = status.removeprefix("warning_").replace("_", " ")
    if plain == "under review":
        return _("The evidence was submitted, and the bank is deciding. It can't be changed any more.")
    if status.startswith("appeal"):
        return _("This dispute is in appeal (%(status)s). Answer it in the Dashboard.") % {"status": plain}
    return _("This dispute is %(status)s: nothing can be changed any more.") % {"status": plain}


class DisputeOperation(Operation):
    """On a dispute, judged by its status."""

    object_type = "dispute"

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Its status and what the call touches."""
        touched = state.touched(row.data, {k: v for k, v in call.params.items() if k != "submit"})
        return {"status": row.data.get("status"), **touched}


@register
class StageDisputeEvidence(DisputeOperation):
    """https://docs.stripe.com/api/disputes/update with submit=false: kept at Stripe, not sent to the bank."""

    name = "stage_dispute_evidence"
    label = gettext_lazy("Stage evidence")
    at_hand = True
    short_description = gettext_lazy("Collect evidence in Stripe. The bank doesn't get it yet.")
    form_class = EvidenceForm
    not_state = ("submit",)

    def why_not(self, row: StripeObject) -> str:
        """Only while the bank waits for an answer."""
        return why_not_answerable(row)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """What is staged."""
        return {f"{PREFIX}{name}": text for name, text in texts_of(row).items()}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """What differs; never without submit=false, for Stripe would send it to the bank."""
        differing = _differing(row, cleaned)
        if not differing:
            raise NothingToChange
        return Call("post", f"/v1/disputes/{row.pk}", {"evidence": differing, "submit": False})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """Each text that changes, and the deadline."""
        self.plan(row, cleaned)
        lines = [
            f"{TEXTS[name][0]}: {_shown(text) or _('(cleared)')}" for name, text in _differing(row, cleaned).items()
        ]
        return [*lines, deadline_words(row)]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Nothing goes out by itself."""
        return Effects(follows=(_("Nothing is sent to the bank before the evidence is submitted."),))

    def undo(self, push: Push) -> Undo | None:
        """The texts as they were."""
        held = {name: push.before[path] or "" for name in TEXTS if (path := f"evidence.{name}") in push.before}
        return Undo(self.name, {f"{PREFIX}{name}": text for name, text in held.items()}) if held else None


def _differing(row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, str]:
    """The texts that the form changes."""
    present = texts_of(row)
    wanted = {name: cleaned.get(f"{PREFIX}{name}") for name in TEXTS if f"{PREFIX}{name}" in cleaned}
    return {name: text or "" for name, text in wanted.items() if not state.same(present[name], text)}


def _shown(text: str) -> str:
    return (
        text
        if len(text) <= SHOWN
        else _("%(text)s… (%(number)s characters)") % {"text": text[:SHOWN], "number": number_words(len(text))}
    )


@register
class SubmitDisputeEvidence(DisputeOperation):
    """https://docs.stripe.com/api/disputes/update with submit=true: the bank gets what is staged."""

    name = "submit_dispute_evidence"
    label = gettext_lazy("Submit evidence")
    at_hand = True
    short_description = gettext_lazy("Send what is staged to the bank, once and for all.")
    form_class = SubmitForm
    danger = True
    final_warning = gettext_lazy("Evidence is submitted once: it can't be changed, added to or taken back afterwards.")
    decisions = ("staged",)
    topic = "answer to a dispute"

    def why_not(self, row: StripeObject) -> str:
        """Only while the bank waits, and only what is there."""
        if reason := why_not_answerable(row):
            return reason
        return "" if _staged_lines(row) else _("No evidence is staged yet. Stage it first.")

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """What the page shows as staged."""
        return {"staged": _fingerprint(row)}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """What is staged, if it is what the person has read."""
        if cleaned.get("staged") and cleaned["staged"] != _fingerprint(row):
            raise NotAllowed(_("Nothing was sent: the evidence was changed since you opened this page. Read it again."))
        return Call("post", f"/v1/disputes/{row.pk}", {"submit": True})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """All that the bank will get, and until when."""
        self.plan(row, cleaned)
        return [_("This is sent to the bank:"), *_staged_lines(row), deadline_words(row)]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Who decides, and when."""
        follows = (_("The bank decides; that can take months."), *_taken_words(row))
        return Effects(follows=follows, final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """How often evidence was submitted, too."""
        count = state.look_up(row.data, ("evidence_details", "submission_count"))
        return {**super().before(row, call), "submission_count": count}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """The bank is deciding, or has decided."""
        return _status(row) not in (NEEDS_RESPONSE, INQUIRY)


def _staged_lines(row: StripeObject) -> list[str]:
    texts = [f"{TEXTS[name][0]}: {_shown(text)}" for name, text in texts_of(row).items() if text]
    return texts + [
        _("%(label)s: file %(id)s") % {"label": FILES[name], "id": id} for name, id in files_of(row).items()
    ]


def _fingerprint(row: StripeObject) -> str:
    evidence = json.dumps(row.data.get("evidence"), sort_keys=True)
    return hashlib.sha256(evidence.encode()).hexdigest()


@register
class AcceptDispute(DisputeOperation):
    """https://docs.stripe.com/api/disputes/close"""

    name = "accept_dispute"
    label = gettext_lazy("Accept dispute")
    short_description = gettext_lazy("Give the money up instead of answering the bank.")
    form_class = AcceptForm
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy("The dispute is lost at once, and the money with it. That can't be undone.")
    topic = SubmitDisputeEvidence.topic

    def why_not(self, row: StripeObject) -> str:
        """Only a chargeback that waits for an answer; an inquiry has taken no money."""
        if _status(row) == INQUIRY and not row.deleted_at:
            return _("This is an inquiry: no money was taken. Refund the payment, or answer it with evidence.")
        return why_not_answerable(row)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """Without parameters."""
        return Call("post", f"/v1/disputes/{row.pk}/close", {})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is given up, and until when it could still be answered."""
        return [_("The dispute about %(amount)s is lost.") % {"amount": _amount_words(row)}, deadline_words(row)]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """The bank has the money already."""
        lost = tuple(Amount(_("Lost for good"), amount, currency) for amount, currency in self.sums(row))
        follows = (*_taken_words(row), _("Evidence that is staged is never sent."))
        return Effects(money=lost, follows=follows, final=self.final_warning)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Lost, be it by the bank."""
        return _status(row) == "lost"

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What the dispute is about."""
        amount = row.data.get("amount")
        return [(amount, state.text(row.data.get("currency")))] if isinstance(amount, int) else []


def _amount_words(row: StripeObject) -> str:
    amount = row.data.get("amount")
    return format_money(amount if isinstance(amount, int) else None, state.text(row.data.get("currency")))


def _taken_words(row: StripeObject) -> list[str]:
    """What the bank and Stripe have taken already: the amount and the fee of the dispute."""
    moved = row.data.get("balance_transactions")
    taken = [one for one in moved if isinstance(one, dict)] if isinstance(moved, list) else []
    return [
        _("Taken from your balance already: %(amount)s and %(fee)s as Stripe's fee, which isn't returned.")
        % {
            "amount": format_money(-one["amount"], one["currency"]),
            "fee": format_money(one["fee"], one["currency"]),
        }
        for one in taken
        if isinstance(one.get("amount"), int) and one["amount"] < 0 and isinstance(one.get("fee"), int)
    ]
