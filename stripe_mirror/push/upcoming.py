"""Stripe's preview of a subscription's next invoice, asked for on demand. Nothing is changed by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from stripe_mirror.models import StripeObject
from stripe_mirror.push import previews, state
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.errors import ODD_SHAPE
from stripe_mirror.push.preview import NOTHING_TO_BILL
from stripe_mirror.push.secrets import scrubbed
from stripe_mirror.push.subscription_facts import period_end
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import Refused, StripeFailure


@dataclass(frozen=True)
class Upcoming:
    """What Stripe says that it will bill; `failure` says why it didn't say, in words."""

    lines: list[Amount] = field(default_factory=list)
    due: Amount | None = None
    # When, in Unix seconds.
    at: int | None = None
    failure: str = ""

    @property
    def nothing(self) -> bool:
        """Whether there is nothing that would be billed."""
        return self.due is None and not self.failure


def upcoming_invoice(subscription: StripeObject) -> Upcoming:
    """Ask Stripe. Never raises for what Stripe answers."""
    try:
        answer = read.question("post", previews.PREVIEW_PATH, {"subscription": subscription.pk}).body
        return _told(subscription, answer)
    except Refused as refusal:
        if refusal.code == NOTHING_TO_BILL:
            return Upcoming()
        return Upcoming(failure=_words(refusal))
    except StripeFailure as failure:
        return Upcoming(failure=_words(failure))
    except ODD_SHAPE:
        return Upcoming(failure=_("Stripe gave a preview in a shape that isn't known here."))


def _told(subscription: StripeObject, answer: Any) -> Upcoming:
    start = previews.renewal_start(subscription, answer) or period_end(subscription)
    attempt = state.look_up(answer, ("next_payment_attempt",))
    due = Amount(_("To be paid"), int(answer["amount_due"]), str(answer["currency"]))
    return Upcoming(previews.lines_of(answer), due, attempt if isinstance(attempt, int) else start)


def _words(failure: Exception) -> str:
    return _("Stripe gave no preview. %(why)s") % {"why": scrubbed(str(failure))}
