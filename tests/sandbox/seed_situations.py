"""Customers whom the end of the seed finds in the middle of something: each life with the time at which it starts."""

from dataclasses import dataclass
from functools import partial

from tests.sandbox.seed_billing import (
    bill_reduced,
    credit_noted,
    credited,
    fixed_term,
    itemised,
    loyal,
    mistyped_number,
    owing,
    plan_dropped,
    planned_growth,
    starts_later,
    tax_payer,
)
from tests.sandbox.seed_company import DAY, FAILING_CARD, HOUR, MINUTE, Customer, months_before
from tests.sandbox.seed_lives import WORKSHOP, Life, Steps, attempt_payment, plan, sign_up
from tests.sandbox.seed_payments import (
    accepted,
    answered,
    bought,
    card_for_later,
    disputed,
    still_thinking,
    subscribed_by_checkout,
)

DECLINES = (
    "pm_card_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedLostCard",
    "pm_card_chargeDeclinedExpiredCard",
    "pm_card_chargeDeclinedIncorrectCvc",
)
# Saved, asked about by the bank, refused by it.
SAVED_CARDS = ("pm_card_visa", "pm_card_authenticationRequired", "pm_card_chargeDeclined")


def declined(customer: Customer, end: int, *, card: str) -> Steps:
    """Wanted to pay a deposit, and the card's bank said no."""
    customer.create()
    yield customer.after(0.1)
    attempt_payment(customer, card)


def classic(customer: Customer, end: int) -> Steps:
    """Still on a plan that is not sold any more, with a coupon that is gone."""
    yield from sign_up(customer)
    bygone = {"usd": "early", "eur": "classic"}.get(customer.currency, "starter")
    customer.subscribe(bygone, discounts=[{"coupon": "SUMMER25"}])


def money_on_its_way_back(customer: Customer, end: int) -> Steps:
    """A refund was asked for some minutes ago and is still pending."""
    yield from sign_up(customer, "pm_card_pendingRefund")
    customer.subscribe(plan(customer))
    yield end - 20 * MINUTE
    customer.refund(customer.charges()[0])


def money_that_came_back(customer: Customer, end: int) -> Steps:
    """A refund failed: the card is closed by now."""
    yield from sign_up(customer, "pm_card_refundFail")
    customer.subscribe(plan(customer))
    yield end - 3 * DAY
    customer.refund(customer.charges()[0])


def workshop_planned(customer: Customer, end: int) -> Steps:
    """Somebody is still writing the invoice for a workshop."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer))
    yield end - 26 * HOUR
    customer.bill("Onboarding workshop, two days", 2 * WORKSHOP[customer.currency], finalize=False)


def trialing(customer: Customer, end: int) -> Steps:
    """In a trial that has some days to go."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer), trial_period_days=customer.random.choice((14, 30)))


def past_due(customer: Customer, end: int) -> Steps:
    """The last renewal was declined some days ago and is being retried."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer))
    yield end - 8 * DAY
    customer.attach(FAILING_CARD)


def unpaid(customer: Customer, end: int) -> Steps:
    """All retries have failed."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer))
    yield end - 75 * DAY
    customer.attach(FAILING_CARD)


def lost(customer: Customer, end: int) -> Steps:
    """As `unpaid`, but long ago, when the account's setting was to cancel."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer))
    yield end - 250 * DAY
    customer.attach(FAILING_CARD)


def incomplete(customer: Customer, end: int) -> Steps:
    """The first payment was declined; after 23 hours the subscription expires."""
    yield from sign_up(customer, FAILING_CARD)
    customer.subscribe(plan(customer))


def paused(customer: Customer, end: int) -> Steps:
    """The trial ended without a card."""
    customer.create()
    yield customer.after(0.1)
    behavior = {"end_behavior": {"missing_payment_method": "pause"}}
    customer.subscribe("team", trial_period_days=14, trial_settings=behavior)


def ends_with_period(customer: Customer, end: int) -> Steps:
    """Will end when the period does."""
    yield from sign_up(customer)
    subscription = customer.subscribe(plan(customer))
    yield end - customer.random.randint(1, 6) * DAY
    details = {"feedback": "too_expensive", "comment": "We'll be back – budget cuts 🙁"}
    customer.update(subscription, cancel_at_period_end=True, cancellation_details=details)


def ends_on_date(customer: Customer, end: int) -> Steps:
    """Will end on a day that was agreed."""
    yield from sign_up(customer)
    subscription = customer.subscribe(plan(customer), interval="year")
    yield end - 5 * DAY
    day = end + customer.random.randint(20, 60) * DAY
    customer.update(subscription, cancel_at=day, proration_behavior="none")


def collection_paused(customer: Customer, end: int, *, behavior: str) -> Steps:
    """Invoices go on being made, and nobody collects them."""
    yield from sign_up(customer)
    subscription = customer.subscribe(plan(customer))
    yield end - 40 * DAY
    customer.update(subscription, pause_collection={"behavior": behavior})


def overdue(customer: Customer, end: int) -> Steps:
    """Has not paid an invoice that was sent."""
    customer.create()
    yield customer.after(0.5)
    customer.subscribe("business", collection_method="send_invoice", days_until_due=14)


def judged(customer: Customer, end: int, *, verdict: str) -> Steps:
    """An unpaid invoice was given up: `mark_uncollectible` or `void`."""
    yield from overdue(customer, end)
    yield end - 6 * DAY
    for invoice in customer.invoices(status="open"):
        customer.api.call("POST", f"/v1/invoices/{invoice['id']}/{verdict}")


@dataclass(frozen=True)
class Situation:
    """A life and when it starts, as months and days before the end."""

    life: Life
    months: int = 0
    days: tuple[float, float] = (0, 0)
    count: int = 3

    def start(self, customer: Customer, end: int) -> int:
        """The second of signing up."""
        return months_before(end, self.months, days=customer.random.uniform(*self.days))


SITUATIONS = (
    *(Situation(partial(declined, card=card), months=2, days=(0, 50), count=1) for card in DECLINES),
    Situation(classic, months=19, days=(1, 25), count=4),
    Situation(trialing, days=(1, 11), count=6),
    Situation(money_on_its_way_back, months=3, days=(1, 25), count=2),
    Situation(workshop_planned, months=4, days=(1, 25), count=2),
    Situation(money_that_came_back, months=2, days=(4, 25), count=1),
    Situation(partial(disputed, days=3, reason="fraudulent"), months=4, days=(5, 20), count=1),
    Situation(partial(disputed, days=1, reason="product_not_received"), months=2, days=(5, 20), count=1),
    Situation(partial(disputed, days=2, reason="general", inquiry=True), months=5, days=(5, 20), count=1),
    Situation(partial(answered, days=6, reason="fraudulent"), months=6, days=(8, 20), count=1),
    Situation(partial(answered, days=45, reason="fraudulent", evidence="winning_evidence"), months=6, count=1),
    Situation(partial(accepted, days=25), months=3, days=(1, 5), count=1),
    *(Situation(partial(card_for_later, card=card), days=(1, 25), count=1) for card in SAVED_CARDS),
    Situation(bought, days=(1, 40), count=2),
    Situation(partial(bought, card="pm_sepaDebit"), days=(0.5, 2), count=1),
    Situation(subscribed_by_checkout, days=(5, 60), count=3),
    Situation(still_thinking, days=(0.3, 0.5), count=1),
    Situation(past_due, months=7, days=(2, 5), count=5),
    Situation(unpaid, months=9, days=(10, 20)),
    Situation(lost, months=15, days=(1, 25), count=2),
    Situation(incomplete, days=(9 * HOUR / DAY, 14 * HOUR / DAY), count=2),
    Situation(incomplete, days=(3, 60)),
    Situation(paused, days=(20, 60)),
    Situation(ends_with_period, months=5, days=(9, 20), count=4),
    Situation(ends_on_date, months=11, days=(1, 20)),
    Situation(partial(collection_paused, behavior="void"), months=10, days=(3, 20), count=2),
    Situation(partial(collection_paused, behavior="keep_as_draft"), months=10, days=(3, 20), count=2),
    Situation(partial(collection_paused, behavior="mark_uncollectible"), months=10, days=(3, 20), count=2),
    Situation(overdue, days=(16, 25), count=2),
    Situation(overdue, days=(2, 9), count=2),
    Situation(partial(judged, verdict="mark_uncollectible"), days=(20, 28), count=2),
    Situation(partial(judged, verdict="void"), days=(20, 28), count=2),
    Situation(tax_payer, months=11, days=(1, 25), count=4),
    Situation(tax_payer, days=(2, 20), count=2),
    Situation(credited, months=6, days=(1, 25), count=3),
    Situation(owing, months=4, days=(3, 25), count=2),
    Situation(credit_noted, months=7, days=(1, 25), count=3),
    Situation(bill_reduced, months=2, days=(6, 25), count=2),
    Situation(planned_growth, months=8, days=(10, 25), count=2),
    Situation(fixed_term, months=9, days=(1, 25), count=1),
    Situation(fixed_term, months=5, days=(24, 28), count=1),
    Situation(starts_later, days=(1, 9), count=2),
    Situation(partial(plan_dropped, verb="release"), months=5, days=(10, 25), count=1),
    Situation(partial(plan_dropped, verb="cancel"), months=5, days=(10, 25), count=1),
    Situation(loyal, months=16, days=(1, 25), count=1),
    Situation(itemised, months=1, days=(9, 25), count=1),
    Situation(mistyped_number, months=1, days=(5, 25), count=2),
)
