"""What can go wrong with a call to Stripe, in terms of what staff and the worker can do about it.

https://docs.stripe.com/error-low-level: what is certain is that a 4xx did nothing (a declined card is recorded as an
attempt); a lost answer, a 409 and a 5xx leave the outcome open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import stripe
from django.utils.translation import gettext as _

from stripe_mirror.sentences import tell
from stripe_mirror.stripe_api.clock import answered_at

# Keys and signing secrets, also as Stripe masks them in its messages: "rk_test_****abcd".
SECRET = re.compile(r"\b(?:(?:sk|rk)_(?:live|test)_|whsec_)[\w*]+")


def scrubbed(text: str) -> str:
    """The text without keys and secrets."""
    return SECRET.sub("(key removed)", text)


class StripeFailure(Exception):
    """A call did not succeed. `str()` is a sentence for staff, without secrets."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        param: str = "",
        request_id: str = "",
        http_status: int | None = None,
        body: dict[str, Any] | None = None,
        answered_at: datetime | None = None,
    ) -> None:
        super().__init__(message)
        # The sentence; one of ours can be told again in another language.
        self.words = message
        self.code = code
        # Stripe's name of the refused parameter, as "address[country]".
        self.param = param
        self.request_id = request_id
        self.http_status = http_status
        # Stripe's error object, where there was one.
        self.body = body or {}
        # When, on Stripe's clock; empty where there was no answer.
        self.answered_at = answered_at


class Refused(StripeFailure):
    """Stripe said no, and nothing changed. Trying the same again is pointless."""


class NotFound(Refused):
    """Stripe has no such object (or a cursor that is gone)."""


class Declined(Refused):
    """The card was declined; Stripe recorded the attempt."""


class NotPermitted(Refused):
    """Our key may not do this; the message says which permission it lacks."""


class BadKey(StripeFailure):
    """Stripe does not accept the key at all: nothing works until someone mends it."""


class RateLimited(StripeFailure):
    """Too many calls; nothing changed. Try again later, with the same idempotency key."""


class OutcomeUnknown(StripeFailure):
    """No usable answer: it may or may not have happened. Ask again with the same idempotency key."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn the SDK's exceptions into ours."""
    try:
        yield
    except stripe.StripeError as error:
        raise translate(error) from None


def translate(error: stripe.StripeError) -> StripeFailure:
    """Our exception for one of the SDK's, with Stripe's sentence, code, parameter and request id."""
    status = error.http_status
    details = (error.json_body or {}).get("error") if isinstance(error.json_body, dict) else None
    details = details if isinstance(details, dict) else {}
    failure = _class_for(error, status)
    return failure(
        _sentence(failure, error, details),
        code=str(details.get("code") or error.code or ""),
        param=str(details.get("param") or ""),
        request_id=str(error.request_id or ""),
        http_status=status,
        body=details,
        answered_at=answered_at(error.headers or {}),
    )


def _class_for(error: stripe.StripeError, status: int | None) -> type[StripeFailure]:
    if isinstance(error, stripe.APIConnectionError) or status is None or status >= 500 or status == 409:
        return OutcomeUnknown
    if status == 429:
        return RateLimited
    if status == 401:
        return BadKey
    if status == 403:
        return NotPermitted
    if status == 402:
        return Declined
    # A 2xx that can't be read: the work was probably done.
    if status < 400:
        return OutcomeUnknown
    return NotFound if status == 404 or error.code == "resource_missing" else Refused


def _sentence(failure: type[StripeFailure], error: stripe.StripeError, details: dict[str, Any]) -> str:
    if failure is OutcomeUnknown:
        return tell("Stripe can't be reached, or gave no usable answer.")
    if failure is RateLimited:
        return tell("Stripe is limiting our requests; nothing was changed. It is tried again later.")
    if failure is BadKey:
        return tell("Stripe does not accept our API key; nothing was changed. Check STRIPE_SECRET_KEY.")
    # A refusal may quote the key, and its sentence is stored and shown.
    return scrubbed(
        str(details.get("message") or error.user_message or _("Stripe refused the request without a reason."))
    )
