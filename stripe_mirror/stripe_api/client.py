"""Makes the calls: key, address, version, time limits and our own rate limit, in one place."""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import stripe

from stripe_mirror.conf import conf
from stripe_mirror.stripe_api.errors import OutcomeUnknown, RateLimited, translated

# Connect and read, in seconds: a page of staff's waits for a call, and a worker must come round.
TIMEOUT = (3.05, 20.0)
# Pauses between tries of a rate-limited read, in seconds, before jitter.
PATIENCE = (0.5, 1, 2, 4, 8, 16)

stripe.enable_telemetry = False


@dataclass(frozen=True)
class Answer:
    """What Stripe answered, and when on Stripe's clock that was true."""

    # The body as Stripe sent it, and parsed.
    text: str
    body: dict[str, Any]
    # The state held at some instant between these two (whole seconds on Stripe's clock, aware UTC).
    as_of: datetime
    read_until: datetime
    request_id: str
    # The answer of an earlier request with the same idempotency key: its state may be old by now.
    replayed: bool


class RequestBudget:
    """Spaces calls so that this process stays under its share of Stripe's rate limit; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, per_second: float) -> None:
        """Sleep until the next call may start."""
        with self._lock:
            now = time.monotonic()
            # A short burst passes at once: an idle process has earned a quarter of a second's calls.
            start = max(self._next, now - 0.25)
            self._next = start + 1 / per_second
        time.sleep(max(0.0, start - now))

    def pause(self, seconds: float) -> None:
        """Hold every caller back, after Stripe said 429."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


budget = RequestBudget()


@lru_cache(maxsize=4)
def _client(key: str, base: str, version: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base},
        stripe_version=version or None,
        # The SDK's retries would hold a page for minutes; reads retry below, writes through the worker.
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
    )


def api_version() -> str:
    """The API version that we speak: the configured one, or the SDK's."""
    return conf.api_version or str(stripe.api_version)


def call(
    method: str,
    path: str,
    params: Mapping[str, Any] | None = None,
    *,
    idempotency_key: str = "",
) -> Answer:
    """One request to Stripe. Raises a StripeFailure; never retries by itself."""
    options: dict[str, Any] = {"idempotency_key": idempotency_key} if idempotency_key else {}
    budget.wait(conf.max_requests_per_second)
    started = time.monotonic()
    with translated():
        client = _client(conf.secret_key, conf.api_base, conf.api_version)
        response = client.raw_request(method, path, **dict(params or {}), **options)
    return _answer(response, elapsed=time.monotonic() - started)


def call_patiently(
    path: str,
    params: Mapping[str, Any] | None = None,
    *,
    tries: int = len(PATIENCE) + 1,
) -> Answer:
    """A GET for background work: waits out rate limits (a plain 429, too, which the SDK doesn't) and lost answers."""
    for pause in PATIENCE[: tries - 1]:
        try:
            return call("get", path, params)
        except (RateLimited, OutcomeUnknown) as failure:
            pause *= random.uniform(0.5, 1)
            if isinstance(failure, RateLimited):
                budget.pause(pause)
            else:
                time.sleep(pause)
    return call("get", path, params)


def _answer(response: Any, *, elapsed: float) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    until = _stripe_clock(headers.get("date", ""))
    body = json.loads(response.body)
    if not isinstance(body, dict):
        raise OutcomeUnknown("Stripe's answer was no object.", request_id=headers.get("request-id", ""))
    return Answer(
        text=response.body,
        body=body,
        # Rounded down twice: the Date header drops the fraction, and the server may have looked right at the start.
        as_of=until - timedelta(seconds=math.ceil(elapsed)),
        read_until=until,
        request_id=headers.get("request-id", ""),
        replayed=headers.get("idempotent-replayed", "").lower() == "true",
    )


def _stripe_clock(header: str) -> datetime:
    """The Date header; where an odd proxy drops it, our own clock is the best guess left."""
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.now(UTC).replace(microsecond=0)
