"""Makes the calls: key, address, version, time limits and our own rate limit, in one place."""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import requests.adapters
import requests.models
import stripe

from stripe_mirror.conf import conf
from stripe_mirror.stripe_api.budget import Lane, budget, calls_for, lane
from stripe_mirror.stripe_api.clock import answered_at
from stripe_mirror.stripe_api.errors import OutcomeUnknown, RateLimited, translated

# Connect and read, in seconds: a page of staff's waits for a call, and a worker must come round.
TIMEOUT = (3.05, 20.0)
# Pauses between tries of a rate-limited read, in seconds, before jitter.
PATIENCE = (0.5, 1, 2, 4, 8, 16)
# In seconds: what it takes to send a request.
HANDOVER = 0.001

stripe.enable_telemetry = False
# A page in a few reads instead of one per 10 KB: before each of them a thread that reads waits for those that store.
requests.models.CONTENT_CHUNK_SIZE = 1024 * 1024

_slots: ContextVar[AbstractContextManager[Any] | None] = ContextVar("slots", default=None)


@contextmanager
def on_the_way(slots: AbstractContextManager[Any]) -> Iterator[None]:
    """Calls of this thread are on their way only while they hold a slot (a semaphore): not while they are prepared or
    their answer is parsed."""
    token = _slots.set(slots)
    try:
        yield
    finally:
        _slots.reset(token)


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


class _Headers(dict[str, str]):
    """An answer's headers, which carry its body past the SDK."""

    body = b""


class _Adapter(requests.adapters.HTTPAdapter):
    """A request is on its way from its first byte to the last one of its answer."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """As the library's, and the body is read."""
        slots = _slots.get()
        with slots or nullcontext():
            response = super().send(request, *args, **options)
            _ = response.content
        if slots:
            # Who waits for the slot sends first: parsing a page holds all other threads up.
            time.sleep(HANDOVER)
        return response


class _Sessions(requests.Session):
    """One for each thread, with our adapter; the SDK's client takes them for a single one."""

    def __init__(self) -> None:
        super().__init__()
        self._local = threading.local()

    def request(self, *args: Any, **options: Any) -> requests.Response:
        """By the thread's own session."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            for scheme in ("https://", "http://"):
                self._local.session.mount(scheme, _Adapter())
        answered: requests.Response = self._local.session.request(*args, **options)
        return answered


class _Transport(stripe.RequestsClient):
    """The SDK would parse every good answer into ordered dicts, at several times the cost of our own parse.

    It gets an empty object instead; errors it sees whole, to make its exceptions of them.
    """

    def request_with_retries(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: Any = None,
        max_network_retries: int | None = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """One call, as the SDK makes it."""
        content, status, answered = super().request_with_retries(
            method, url, headers, post_data, max_network_retries, _usage=_usage
        )
        if not 200 <= status < 300:
            return content, status, answered
        kept = _Headers(answered)
        kept.body = content if isinstance(content, bytes) else content.encode()
        return "{}", status, kept


@lru_cache(maxsize=4)
def _client(key: str, base: str, version: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base},
        stripe_version=version or None,
        # The SDK's retries would hold a page for minutes; reads retry below, writes through the worker.
        max_network_retries=0,
        http_client=_Transport(timeout=TIMEOUT, session=_Sessions()),
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
    budget.wait(conf.max_requests_per_second, lane.get() or Lane.INTERACTIVE)
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
    with calls_for(lane.get() or Lane.WORKER):
        return _again_and_again(path, params, tries)


def _again_and_again(path: str, params: Mapping[str, Any] | None, tries: int) -> Answer:
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
    # Without the header our own clock is the best guess left.
    until = answered_at(headers) or datetime.now(UTC).replace(microsecond=0)
    try:
        text = response.headers.body.decode()
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise OutcomeUnknown(
            "Stripe can't be reached, or gave no usable answer.", request_id=headers.get("request-id", "")
        )
    return Answer(
        text=text,
        body=body,
        # Rounded down twice: the Date header drops the fraction, and the server may have looked right at the start.
        as_of=until - timedelta(seconds=math.ceil(elapsed)),
        read_until=until,
        request_id=headers.get("request-id", ""),
        replayed=headers.get("idempotent-replayed", "").lower() == "true",
    )
