"""What each figure means: its words and its formula, one click away from it (`docs/figures.md` says more)."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise


@dataclass(frozen=True)
class Definition:
    """A figure's name, what it is, how it is computed, and the kinds of rows that it is computed from."""

    key: str
    label: Words
    what: Words
    formula: Words
    needs: tuple[str, ...]


PAYMENTS = ("charge", "refund")

DEFINITIONS = {
    each.key: each
    for each in (
        Definition(
            "mrr",
            _("MRR"),
            _(
                "Monthly recurring revenue: what all running subscriptions are worth a month, without taxes. Trials, "
                "metered prices, unpaid and paused subscriptions, and those whose collection is paused, add nothing."
            ),
            _(
                "Sum over subscriptions that are active or past due: price × quantity ÷ months per bill (a year is 12 "
                "months, a week 12/52, a day 12/365), less discounts that recur, rounded once per subscription."
            ),
            ("subscription",),
        ),
        Definition(
            "movements",
            _("MRR movements"),
            _(
                "How MRR changed, per customer and day. New: from nothing for the first time. Reactivation: again "
                "from nothing. Expansion and contraction: more or less than before. Churn: to nothing."
            ),
            _("MRR at the end = MRR at the start + new + reactivation + expansion − contraction − churn, exactly."),
            ("subscription",),
        ),
        Definition(
            "subscribers",
            _("Subscribers"),
            _("Customers who add more than nothing to MRR in this currency, however many subscriptions they have."),
            _("Subscribers at the start + new + reactivated − churned customers."),
            ("subscription",),
        ),
        Definition(
            "arpu",
            _("MRR per subscriber"),
            _("What a subscriber is worth a month, on average, in this currency."),
            _("MRR ÷ subscribers, rounded to the smallest unit of the currency."),
            ("subscription",),
        ),
        Definition(
            "churn",
            _("Churn rate"),
            _("Which share of the subscribers of this period left it with nothing."),
            _("Churned customers ÷ (subscribers at the start + new customers of the period)."),
            ("subscription",),
        ),
        Definition(
            "active",
            _("Active subscriptions"),
            _("Subscriptions whose status is active now, whatever they cost."),
            _("Count of subscriptions with the status active."),
            ("subscription",),
        ),
        Definition(
            "trialing",
            _("Trials"),
            _("Subscriptions that are on trial now; they add nothing to MRR yet."),
            _("Count of subscriptions with the status trialing."),
            ("subscription",),
        ),
        Definition(
            "net",
            _("Net payments"),
            _("What customers paid, less what was given back. Fees of Stripe's and disputes are not subtracted."),
            _("Captured amounts of succeeded payments − succeeded refunds, each on the day it was made."),
            PAYMENTS,
        ),
        Definition(
            "failed",
            _("Failed payments"),
            _("Attempts that were declined or failed; each retry of an invoice is an attempt of its own."),
            _("Sum of the amounts of payments with the status failed, on the day of the attempt."),
            ("charge",),
        ),
        Definition(
            "refunds",
            _("Refunds"),
            _("What was given back. Refunds that are pending, failed or canceled are not in it."),
            _("Sum of succeeded refunds, on the day the refund was made, not that of its payment."),
            ("refund",),
        ),
        Definition(
            "disputes",
            _("Disputes"),
            _("Payments that customers disputed with their banks, including inquiries."),
            _("Sum of disputed amounts, on the day the dispute was opened."),
            ("dispute",),
        ),
        Definition(
            "disputes_due",
            _("Disputes due"),
            _("Disputes for which Stripe waits for evidence now."),
            _("Disputes with the status needs response or warning needs response."),
            ("dispute",),
        ),
        Definition(
            "past_due",
            _("Past due"),
            _("What customers should have paid by now."),
            _("Remaining amounts of open invoices beyond their due date, or with a payment that failed."),
            ("invoice",),
        ),
    )
}
