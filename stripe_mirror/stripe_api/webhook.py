"""Is this body from Stripe? Signature checks with any of our secrets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import stripe


class BadPayload(Exception):
    """Not from Stripe, too old, or no event; the message is safe to answer with."""


def verify(body: bytes, signature: str, *, secrets: Sequence[str], tolerance: int) -> dict[str, Any]:
    """The event in a webhook's untouched body, if one of `secrets` signed it at most `tolerance` seconds ago.

    Raises BadPayload for everything else. https://docs.stripe.com/webhooks/signature
    """
    text = _decoded(body)
    # The SDK compares text and fails on anything but ASCII.
    if not signature or not signature.isascii():
        raise BadPayload("The Stripe-Signature header is missing or malformed.")
    if not any(_signed(text, signature, secret, tolerance) for secret in secrets):
        raise BadPayload("The signature matches none of the configured secrets, or is too old.")
    return _event(text)


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadPayload("The body is not UTF-8.") from None


def _signed(text: str, signature: str, secret: str, tolerance: int) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(text, signature, secret, tolerance))
    except (stripe.SignatureVerificationError, ValueError):
        return False


def _event(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        raise BadPayload("The body is not JSON.") from None
    if not isinstance(event, dict) or event.get("object") != "event":
        raise BadPayload("The body is not an event of Stripe's v1 API.")
    return event
