"""Balance transactions: what came into the account and what left it. No events, no metadata, no mode."""

from __future__ import annotations

from tests.sandbox.billing import balance_transactions
from tests.sandbox.params import Range, Str
from tests.sandbox.resource import ANY_KIND, Resource

TRANSACTION = Resource(
    "balance_transaction",
    "txn_",
    "/v1/balance_transactions",
    id_length=24,
    noun="balance transaction",
    indexes=("source", "payout", "type", "currency"),
    expands={"source": ANY_KIND},
    decorate=balance_transactions.shown,
)
TRANSACTION.lists(created=Range(), currency=Str(), payout=Str(), source=Str(), type=Str())
TRANSACTION.reads()
