"""A believable company for the sandbox: some 200 customers and two years of history, the same for the same seed.

Nothing is written into the sandbox's memory: customers call the API, and the billing engine lives through the time.
"""

import heapq
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from tests.sandbox import seed_billing, seed_catalog, seed_payments
from tests.sandbox.names import HOSTILE_NAMES, Identity, identity
from tests.sandbox.seed_company import DAY, Api, Customer
from tests.sandbox.seed_lives import ORDINARY, Steps
from tests.sandbox.seed_showcase import SHOWCASE
from tests.sandbox.seed_situations import SITUATIONS

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

HISTORY = 730 * DAY
# Customers beyond these make the lists long; short histories keep a large seed quick.
LONG_HISTORIES = 200
SHORT_HISTORY = 75 * DAY
ARCHIVED_AFTER = 240 * DAY
# From then on, subscriptions whose retries all fail are kept as unpaid: a setting of the account.
UNPAID_SINCE = 150 * DAY
Queue = list[tuple[int, int, Steps]]


def seed(sandbox: "Sandbox", customers: int = 200, *, now: int | None = None) -> None:
    """Fill an empty sandbox. `now` is where history ends (the real present, unless a test wants two equal runs)."""
    end = now if now is not None else sandbox.clock.now()
    with sandbox.quiet():
        sandbox.clock.set(end - HISTORY)
        _live(sandbox, _queue(sandbox, customers, end), end)
        sandbox.advance_to(end)
    if now is None:
        sandbox.clock.follow_real_time()


def _queue(sandbox: "Sandbox", count: int, end: int) -> Queue:
    """Everybody's life, by the time of its first step."""
    api = Api(sandbox)
    catalog = seed_catalog.build(api)
    seed_billing.build(api)
    queue: Queue = [(end - HISTORY + ARCHIVED_AFTER, -1, _company(api, catalog, end))]
    situations = [situation for situation in SITUATIONS for _ in range(situation.count)]
    for number in range(count):
        random = Random(f"{sandbox.seed}/{number}")
        customer = Customer(api, catalog, _identity(random, number, count), number=number, random=random)
        if number < len(SHOWCASE):
            start, life = SHOWCASE[number].begin(customer, end)
        elif number < len(SHOWCASE) + len(situations):
            situation = situations[number - len(SHOWCASE)]
            start, life = situation.start(customer, end), situation.life(customer, end)
        else:
            start, life = _ordinary(customer, number, end)
        queue.append((start, number, life))
    heapq.heapify(queue)
    return queue


def _identity(random: Random, number: int, count: int) -> Identity:
    invented = identity(random, number)
    hostile = number - (min(count, LONG_HISTORIES) - len(HOSTILE_NAMES))
    if 0 <= hostile < len(HOSTILE_NAMES):
        return invented.renamed(HOSTILE_NAMES[hostile])
    return invented


def _ordinary(customer: Customer, number: int, end: int) -> tuple[int, Steps]:
    lives, weights = zip(*ORDINARY, strict=True)
    life = customer.random.choices(lives, weights)[0]
    history = HISTORY if number < LONG_HISTORIES else SHORT_HISTORY
    # More of them lately: the company grows.
    age = history * customer.random.random() ** 1.4
    return int(end - max(age, DAY)), life(customer, end)


def _company(api: Api, catalog: seed_catalog.Catalog, end: int) -> Iterator[int]:
    """What happened to the catalog and the settings meanwhile."""
    seed_catalog.archive(api, catalog)
    yield end - UNPAID_SINCE
    api.sandbox.after_dunning = "unpaid"
    yield end - 100 * DAY
    seed_catalog.launch_coupon(api, redeem_by=end - 60 * DAY)
    yield end - 12 * DAY
    seed_billing.lately(api)
    seed_payments.lately(api)


def _live(sandbox: "Sandbox", queue: Queue, end: int) -> None:
    """Take the earliest step, until the end."""
    while queue and queue[0][0] <= end:
        moment, number, life = heapq.heappop(queue)
        sandbox.advance_to(max(moment, sandbox.clock.now()))
        following = next(life, None)
        if following is not None:
            heapq.heappush(queue, (following, number, life))
