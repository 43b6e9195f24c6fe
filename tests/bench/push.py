"""What a push costs on our side: the time from submit to receipt, less the time that Stripe's answers took."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.databases import databases
from tests.bench.figures import Figure, percentile
from tests.bench.processes import environment, probe
from tests.sandbox.testing import RunningSandbox

PUSHES, PUSHES_QUICK = 200, 20


def push(*, quick: bool) -> Iterator[Figure]:
    """Per database: edits of a customer, and refunds, one after the other, each on an object of its own."""
    count = PUSHES_QUICK if quick else PUSHES
    for database, fresh in databases().items():
        for operation in ("edit_customer", "refund_charge"):
            with RunningSandbox() as stripe, fresh() as url:
                ids = [made(stripe, operation, number) for number in range(count)]
                found = probe("push", operation, *ids, env=environment(url, stripe=stripe.url))
            for percent in (50, 99):
                ours = 1000 * percentile(found["ours"], percent)
                yield Figure("push", database, operation, f"without Stripe's time, p{percent}", ours, "ms")
            yield Figure("push", database, operation, "calls to Stripe", found["calls"] / count, "per push")


def made(stripe: RunningSandbox, operation: str, number: int) -> str:
    """The id of an object to do it to."""
    if operation == "edit_customer":
        return str(stripe.post("/v1/customers", name=f"Customer {number}", email=f"{number}@example.com")["id"])
    paid = stripe.post("/v1/payment_intents", amount=4900, currency="eur", payment_method="pm_card_visa", confirm=True)
    return str(paid["latest_charge"])
