"""Lives of customers, as generators: each step ends by yielding when the next one comes.

The billing engine does everything in between (renewals, dunning, ends of trials). The lives of `ORDINARY` may start at
any time; those of `SITUATIONS` are timed so that the end of the seed finds them in the middle of something.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.sandbox.seed_company import DAY, FAILING_CARD, GOOD_CARDS, HOUR, MINUTE, Customer, months_before, part_of

Steps = Iterator[int]
Life = Callable[[Customer, int], Steps]
PLANS = ("starter", "starter", "team", "team", "team", "business")
DECLINES = (
    "pm_card_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedLostCard",
    "pm_card_chargeDeclinedExpiredCard",
    "pm_card_chargeDeclinedIncorrectCvc",
)


def sign_up(customer: Customer, card: str | None = None) -> Steps:
    """Register, look around for some hours, then leave a card (in Europe a bank account, now and then)."""
    customer.create()
    yield customer.after(0.2)
    if card is None and customer.currency == "eur" and customer.random.random() < 0.15:
        card = "pm_sepaDebit"
    customer.attach(card)


def plan(customer: Customer) -> str:
    """Any plan; the cheap ones more often."""
    return customer.random.choice(PLANS)


# Ordinary lives


def steady(customer: Customer, end: int) -> Steps:
    """Subscribes, some with several seats, and stays."""
    yield from sign_up(customer)
    quantity = customer.random.choice((1, 1, 1, 2, 5, 12))
    customer.subscribe(plan(customer), interval=customer.random.choice(("month", "month", "year")), quantity=quantity)
    yield from contact_changes(customer, end)


def contact_changes(customer: Customer, end: int) -> Steps:
    """Now and then somebody moves, or gets another phone."""
    while True:
        moment = customer.after(customer.random.randint(90, 500))
        if moment > end:
            return
        yield moment
        if customer.random.random() < 0.5:
            customer.edit(phone=customer.identity.phone[:-2] + f"{customer.random.randrange(100):02d}")
        else:
            customer.edit(address={"line2": f"Floor {customer.random.randint(1, 30)}"})


def two_items(customer: Customer, end: int) -> Steps:
    """A plan and an add-on on one subscription."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer), "statuspage", quantity=customer.random.randint(1, 4))
    yield from contact_changes(customer, end)


def discounted(customer: Customer, end: int) -> Steps:
    """Starts with a coupon."""
    yield from sign_up(customer)
    coupon = customer.random.choice(("WELCOME20", "WELCOME20", "NONPROFIT"))
    coupon = "SORRY50" if customer.currency == "usd" and customer.random.random() < 0.4 else coupon
    customer.subscribe(plan(customer), discounts=[{"coupon": coupon}])
    yield from contact_changes(customer, end)


def grower(customer: Customer, end: int) -> Steps:
    """Adds seats, then moves to a larger plan."""
    yield from sign_up(customer)
    subscription = customer.subscribe("starter")
    yield customer.after(customer.random.randint(40, 120))
    subscription = customer.change_item(subscription, quantity=customer.random.randint(2, 6))
    yield customer.after(customer.random.randint(40, 120))
    customer.change_item(subscription, price=customer.price("team"))


def tried(customer: Customer, end: int) -> Steps:
    """Tries it for two weeks, then pays."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer), trial_period_days=14)


def left_at_once(customer: Customer, end: int) -> Steps:
    """Cancels some day; one in five is deleted afterwards."""
    yield from sign_up(customer)
    subscription = customer.subscribe(plan(customer))
    yield customer.after(customer.random.randint(20, 150))
    customer.cancel(subscription, customer.random.choice(("too_expensive", "missing_features", "switched_service")))
    if customer.random.random() < 0.2:
        yield customer.after(20)
        customer.api.call("DELETE", f"/v1/customers/{customer.id}")


def left_at_period_end(customer: Customer, end: int) -> Steps:
    """Lets it run out."""
    yield from sign_up(customer)
    subscription = customer.subscribe(plan(customer))
    yield customer.after(customer.random.randint(30, 200))
    customer.update(subscription, cancel_at_period_end=True, cancellation_details={"feedback": "unused"})


def recovered(customer: Customer, end: int) -> Steps:
    """The card fails at a renewal; a week later there is a new one."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer))
    yield customer.after(20)
    customer.attach(FAILING_CARD)
    yield customer.after(18)
    customer.attach(customer.random.choice(GOOD_CARDS))
    for invoice in customer.invoices(status="open"):
        customer.api.call("POST", f"/v1/invoices/{invoice['id']}/pay")


def refunded(customer: Customer, end: int) -> Steps:
    """Gets money back: all of a payment, or a part of it."""
    yield from sign_up(customer)
    subscription = customer.subscribe(plan(customer))
    yield customer.after(customer.random.randint(2, 25))
    charge = customer.charges()[0]
    if customer.random.random() < 0.5:
        customer.refund(charge)
        customer.cancel(subscription, "customer_service")
    else:
        customer.refund(charge, part_of(charge["amount"], 30), reason="duplicate")


def invoiced(customer: Customer, end: int) -> Steps:
    """Pays invoices by bank transfer, most of them in time."""
    customer.create()
    yield customer.after(1)
    customer.subscribe("business", collection_method="send_invoice", days_until_due=30)
    while customer.api.sandbox.clock.now() < end:
        yield customer.after(customer.random.randint(12, 26))
        for invoice in customer.invoices(status="open"):
            customer.api.call("POST", f"/v1/invoices/{invoice['id']}/pay", {"paid_out_of_band": True})


def visitor(customer: Customer, end: int) -> Steps:
    """Registers and never buys; some try with a card that declines."""
    customer.create()
    yield customer.after(0.1)
    if customer.random.random() < 0.5:
        attempt_payment(customer, customer.random.choice(DECLINES))


def attempt_payment(customer: Customer, card: str) -> None:
    """A one-off payment that the card's bank declines."""
    params: dict[str, Any] = {
        "amount": 5000,
        "currency": customer.currency,
        "customer": customer.id,
        "payment_method": card,
        "confirm": True,
        "description": "Onboarding workshop, deposit",
    }
    customer.api.declined("POST", "/v1/payment_intents", params)


# Lives that the end finds in the middle of something


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


ORDINARY: tuple[tuple[Life, int], ...] = (
    (steady, 38),
    (two_items, 8),
    (discounted, 10),
    (grower, 9),
    (tried, 5),
    (left_at_once, 9),
    (left_at_period_end, 7),
    (recovered, 5),
    (refunded, 7),
    (invoiced, 3),
    (visitor, 8),
)
SITUATIONS = (
    Situation(classic, months=19, days=(1, 25), count=4),
    Situation(trialing, days=(1, 11), count=6),
    Situation(money_on_its_way_back, months=3, days=(1, 25), count=2),
    Situation(money_that_came_back, months=2, days=(4, 25), count=1),
    Situation(past_due, months=7, days=(2, 5), count=5),
    Situation(unpaid, months=9, days=(10, 20)),
    Situation(lost, months=15, days=(1, 25), count=2),
    Situation(incomplete, days=(4 * HOUR / DAY, 10 * HOUR / DAY), count=2),
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
)
