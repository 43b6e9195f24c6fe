"""Lives of customers, as generators: each step ends by yielding when the next one comes.

The billing engine does everything in between (renewals, dunning, ends of trials). These lives may start at any time.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tests.sandbox.seed_company import FAILING_CARD, GOOD_CARDS, Customer, part_of

Steps = Iterator[int]
Life = Callable[[Customer, int], Steps]
PLANS = ("starter", "starter", "team", "team", "team", "business")
# What a workshop costs, in minor units.
WORKSHOP = {"usd": 50000, "eur": 48000, "jpy": 75000, "kwd": 154000}


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


def workshop_guest(customer: Customer, end: int) -> Steps:
    """Subscribes, and books a workshop that is billed by hand and paid by bank transfer."""
    yield from sign_up(customer)
    customer.subscribe(plan(customer))
    yield customer.after(customer.random.randint(3, 30))
    invoice = customer.bill("Onboarding workshop", WORKSHOP[customer.currency])
    yield customer.after(customer.random.randint(2, 12))
    customer.api.call("POST", f"/v1/invoices/{invoice['id']}/pay", {"paid_out_of_band": True})


def visitor(customer: Customer, end: int) -> Steps:
    """Registers, asks for an offer, and never buys."""
    customer.create()
    yield customer.after(0.1)
    customer.edit(description="Asked for an offer")


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
    (workshop_guest, 4),
    (visitor, 8),
)
