"""Writing to Stripe: one request, always under a caller's idempotency key. Only `push` and endpoint set-up call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe_mirror.stripe_api.client import Answer, call


def post(path: str, params: Mapping[str, Any], *, idempotency_key: str) -> Answer:
    """Create or update. Raises a StripeFailure; after OutcomeUnknown or RateLimited ask again with the same key.

    In `params`, "" clears a field; None, [] and {} send nothing.
    """
    return call("post", path, params, idempotency_key=idempotency_key)


def delete(path: str, params: Mapping[str, Any] | None = None) -> Answer:
    """Delete or cancel. Stripe ignores idempotency keys here: after OutcomeUnknown read the object's state first."""
    return call("delete", path, params)
