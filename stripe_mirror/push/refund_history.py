"""What is left of a charge, and who has given back what, by the mirror and our own pushes: without the network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Change, Push, Refund, StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import state
from stripe_mirror.push.moments import moment_words

OPERATION = "refund_charge"
# Refunds that gave nothing back.
VOID = ("failed", "canceled")
UNDER_WAY = (Push.State.SENDING, Push.State.UNKNOWN)
# What stands beside a refund that hasn't arrived.
STATUS_WORDS = {"pending": gettext_lazy("pending"), "requires_action": gettext_lazy("waiting for the customer")}


@dataclass(frozen=True)
class Given:
    """One refund, made or under way: minor units, and who asked for it, "" where that isn't known."""

    amount: int
    currency: str
    who: str
    when: datetime
    remark: str = ""

    def __str__(self) -> str:
        amount, moment = format_money(self.amount, self.currency), moment_words(int(self.when.timestamp()))
        said = {"amount": amount, "who": self.who, "moment": moment}
        words = (_("%(amount)s by %(who)s on %(moment)s") if self.who else _("%(amount)s on %(moment)s")) % said
        return f"{words} ({self.remark})" if self.remark else words


def whole(value: object) -> int:
    """An amount of Stripe's; 0 where there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def currency_of(row: StripeObject) -> str:
    """Its currency."""
    return state.text(row.data.get("currency"))


def left_of(charge: StripeObject) -> int:
    """Minor units that can still be given back. What was released at the capture counts as refunded at Stripe."""
    amount, refunded = whole(charge.data.get("amount")), whole(charge.data.get("amount_refunded"))
    captured = charge.data.get("amount_captured")
    return max(0, min(amount - refunded, captured if isinstance(captured, int) else amount))


def given_back(charge: StripeObject) -> list[Given]:
    """The refunds that the mirror knows of, oldest first; without those that came to nothing."""
    return _described(charge, _known(charge))


def so_far(charge: StripeObject, *, but: UUID | None = None) -> list[Given]:
    """What was given back and what is under way; `but` leaves one push out."""
    # In this order: what is settled between the two is in the second, and told once.
    waiting = list(_sent(charge, but=but))
    known = _known(charge)
    refund_ids = [refund.pk for refund in known]
    made = Change.objects.filter(push__in=waiting, object_type="refund", object_id__in=refund_ids)
    answered = set(made.values_list("push", flat=True))
    return _described(charge, known) + _awaited(charge, [push for push in waiting if push.pk not in answered])


def _known(charge: StripeObject) -> list[Refund]:
    refunds = Refund.objects.filter(charge=charge.pk, deleted_at=None).order_by("created", "id")
    return [refund for refund in refunds if refund.status not in VOID]


def _described(charge: StripeObject, known: list[Refund]) -> list[Given]:
    makers = _makers(charge, [refund.pk for refund in known])
    return [
        Given(
            amount=whole(refund.data.get("amount")),
            currency=currency_of(refund),
            who=makers.get(refund.pk, ""),
            when=refund.created,
            remark=str(STATUS_WORDS.get(str(refund.status), "")),
        )
        for refund in known
    ]


def _makers(charge: StripeObject, refund_ids: list[str]) -> dict[str, str]:
    """Refund → who made it: the person of our push, else what its event says of the request."""
    done = pushes_of(charge).filter(state=Push.State.DONE)
    makers = {push.after.get("refund"): push.user_name for push in done}
    created = Change.objects.filter(object_type="refund", object_id__in=refund_ids, action=Change.Action.CREATED)
    for change in created.exclude(push=None, source=Change.Source.SYNC).select_related("push"):
        makers.setdefault(change.object_id, change.push.user_name if change.push else change.get_source_display())
    return makers


def pushes_of(charge: StripeObject) -> QuerySet[Push]:
    """The refunds of this charge that staff asked for here."""
    return Push.objects.filter(object_type="charge", object_id=charge.pk, operation=OPERATION)


def under_way(charge: StripeObject) -> list[Given]:
    """Refunds that staff asked for here and whose outcome isn't known yet, oldest first."""
    sent = _sent(charge)
    answered = Change.objects.filter(push__in=sent, object_type="refund").values("push")
    return _awaited(charge, list(sent.exclude(pk__in=answered)))


def _sent(charge: StripeObject, *, but: UUID | None = None) -> QuerySet[Push]:
    # A job's row that is only being prepared has sent nothing.
    sent = pushes_of(charge).filter(state__in=UNDER_WAY, first_sent_at__isnull=False).order_by("first_sent_at")
    return sent.exclude(pk=but) if but else sent


def _awaited(charge: StripeObject, pushes: list[Push]) -> list[Given]:
    return [
        Given(
            amount=whole(push.params.get("amount")),
            currency=currency_of(charge),
            who=push.user_name,
            when=push.first_sent_at,
            remark=_("not confirmed yet"),
        )
        for push in pushes
        if push.first_sent_at
    ]


def listed(given: list[Given]) -> str:
    """As part of a sentence: "€5.00 by Jo on …; €2.00 by …"."""
    return "; ".join(map(str, given))
