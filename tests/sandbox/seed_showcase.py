"""Eight customers to show around: each by name, each in a situation worth a look."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.sandbox.names import FRANCE, GERMANY, IRELAND, JAPAN, KUWAIT, UNITED_STATES, Country, slugify
from tests.sandbox.seed_company import DAY, FAILING_CARD, HOUR, Customer, months_before, part_of
from tests.sandbox.seed_lives import Steps, attempt_payment, sign_up

Life = Callable[[Customer, int], Steps]


@dataclass(frozen=True)
class Shown:
    """One of them: who, since when, and what happens."""

    name: str
    latin: str
    country: Country
    phone: str
    address: tuple[str, str, str]
    months: int
    days: float
    life: Life

    def begin(self, customer: Customer, end: int) -> tuple[int, Steps]:
        """Give the customer this face; when the life starts, and the life."""
        line1, postal_code, city = self.address
        address = {"line1": line1, "postal_code": postal_code, "city": city, "country": self.country.code}
        customer.identity = replace(
            customer.identity,
            name=self.name,
            latin=self.latin,
            email=f"{slugify(self.latin)}@example.com",
            phone=self.phone,
            address=address,
            country=self.country,
        )
        customer.currency = self.country.currency
        return months_before(end, self.months, days=self.days), self.life(customer, end)


def the_big_one(customer: Customer, end: int) -> Steps:
    """Grew from one seat to fifty, with an add-on and a goodwill refund."""
    yield from sign_up(customer, "pm_card_amex")
    subscription = customer.subscribe("team", "statuspage", quantity=5)
    for seats in (12, 30, 50):
        yield customer.after(120)
        subscription = customer.change_item(subscription, quantity=seats)
    yield customer.after(60)
    subscription = customer.change_item(subscription, price=customer.price("business"))
    yield end - 12 * DAY
    charge = customer.charges()[0]
    customer.refund(charge, part_of(charge["amount"], 25))


def the_card_that_fails(customer: Customer, end: int) -> Steps:
    """Paid for a year; since the last renewal every attempt is declined, and a second try was too."""
    yield from sign_up(customer)
    customer.subscribe("business")
    yield end - 9 * DAY
    customer.attach(FAILING_CARD)
    yield end - 2 * DAY
    attempt_payment(customer, "pm_card_chargeDeclinedInsufficientFunds")


def the_one_who_leaves(customer: Customer, end: int) -> Steps:
    """Will be gone when the period ends, unless somebody calls."""
    yield from sign_up(customer)
    subscription = customer.subscribe("team", quantity=8)
    yield end - 3 * HOUR
    details = {"feedback": "switched_service", "comment": "Wir wechseln zu einem anderen Anbieter."}
    customer.update(subscription, cancel_at_period_end=True, cancellation_details=details)


def the_non_profit(customer: Customer, end: int) -> Steps:
    """Half price for ever, tax exempt, by yearly invoice, and this year's is still open."""
    customer.create(tax_exempt="exempt", description="Charity no. 20012345, renews by purchase order")
    yield customer.after(1)
    customer.subscribe(
        "team",
        interval="year",
        collection_method="send_invoice",
        days_until_due=30,
        discounts=[{"coupon": "NONPROFIT"}],
    )
    yield customer.after(15)
    for invoice in customer.invoices(status="open"):
        customer.api.call("POST", f"/v1/invoices/{invoice['id']}/pay", {"paid_out_of_band": True})


def the_trial(customer: Customer, end: int) -> Steps:
    """In the last days of a trial with twenty seats."""
    yield from sign_up(customer)
    customer.subscribe("business", quantity=20, trial_period_days=14)


def the_wronged(customer: Customer, end: int) -> Steps:
    """Charged twice, refunded in full, given a coupon for the outage."""
    yield from sign_up(customer)
    subscription = customer.subscribe("team")
    yield end - 20 * DAY
    customer.refund(customer.charges()[0], reason="duplicate")
    customer.update(subscription, discounts=[{"coupon": "SORRY50"}])


def the_returner(customer: Customer, end: int) -> Steps:
    """Cancelled last year, came back with two subscriptions; one is paused over the holidays."""
    yield from sign_up(customer)
    first = customer.subscribe("starter")
    yield customer.after(95)
    customer.cancel(first, "missing_features")
    yield end - 100 * DAY
    second = customer.subscribe("team")
    customer.subscribe("statuspage", quantity=3)
    yield end - 4 * DAY
    customer.update(second, pause_collection={"behavior": "void", "resumes_at": end + 26 * DAY})


def the_three_decimals(customer: Customer, end: int) -> Steps:
    """Pays in Kuwaiti dinars, with a partial refund to the fils."""
    yield from sign_up(customer)
    customer.subscribe("business", "statuspage", quantity=2)
    yield end - 6 * DAY
    customer.refund(customer.charges()[0], 12340)


SHOWCASE = (
    Shown(
        "Halcyon Robotics Inc.",
        "Halcyon Robotics",
        UNITED_STATES,
        "+1 503 555 0100",
        ("1 Harbor Drive", "97201", "Portland"),
        20,
        4,
        the_big_one,
    ),
    Shown(
        "Café Müller & Töchter GmbH",
        "Cafe Mueller",
        GERMANY,
        "+49 30 23125 100",
        ("Lindenallee 12", "10115", "Berlin"),
        12,
        4,
        the_card_that_fails,
    ),
    Shown(
        "Jürgen von der Heide",
        "Juergen von der Heide",
        GERMANY,
        "+49 30 23125 101",
        ("Am Alten Markt 3", "50667", "Köln"),
        14,
        18,
        the_one_who_leaves,
    ),
    Shown(
        "Fondation Étoile d'Aubigné",
        "Fondation Etoile",
        FRANCE,
        "+33 1 99 00 10 10",
        ("4 quai Saint-Michel", "75005", "Paris"),
        12,
        9,
        the_non_profit,
    ),
    Shown(
        "Siobhán O'Brien",
        "Siobhan OBrien",
        IRELAND,
        "+353 20 910 1000",
        ("7 Quay Street", "H91E2K3", "Galway"),
        0,
        11,
        the_trial,
    ),
    Shown(
        "Bluebird Dental LLC",
        "Bluebird Dental",
        UNITED_STATES,
        "+1 503 555 0101",
        ("88 Elm Street", "02110", "Boston"),
        8,
        22,
        the_wronged,
    ),
    Shown(
        "株式会社青空ロボティクス",
        "Aozora Robotics",
        JAPAN,
        "+81 3 0555 1000",
        ("丸の内 2-1", "100-0005", "千代田区"),
        19,
        2,
        the_returner,
    ),
    Shown(
        "مجموعة المرجان القابضة",
        "Coral Holding",
        KUWAIT,
        "+965 1000 1000",
        ("شارع الخليج العربي 9", "13001", "Kuwait City"),
        16,
        8,
        the_three_decimals,
    ),
)
