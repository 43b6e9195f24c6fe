"""The account's balance: what is there, and what is still on its way."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import balance_transactions
from tests.sandbox.resource import Plain, Resource

BALANCE = Resource("balance", "", "/v1/balance")


@BALANCE.on("GET")
def read(sandbox: Any, params: dict[str, Any]) -> Plain:
    """Read."""
    return Plain(balance_transactions.sums(sandbox))
