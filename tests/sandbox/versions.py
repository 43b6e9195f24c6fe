"""API versions: which are accepted, and what differs between dahlia (the specification at hand) and endive."""

from __future__ import annotations

import re
from typing import Any

from tests.sandbox.errors import StripeError, invalid

DAHLIA, ENDIVE = "2026-08-26.dahlia", "2026-10-28.endive"
KNOWN = re.compile(r"^20\d\d-\d\d-\d\d(\.[a-z]+)?$")
ENDIVE_SINCE = "2026-09-30"
NO_PAYMENT_METHOD_TYPES = (
    "/v1/payment_intents",
    "/v1/setup_intents",
    "/v1/checkout/sessions",
)


def checked(version: str) -> str:
    """The version, or Stripe's refusal."""
    if not KNOWN.match(version):
        raise StripeError(400, f"Invalid Stripe API version: {version}")
    return version


def is_endive(version: str) -> bool:
    """Whether requests in this version follow endive's rules."""
    return version[:10] >= ENDIVE_SINCE


def to_dahlia(path: str, params: dict[str, Any], version: str) -> dict[str, Any]:
    """Parameters of a request, renamed to dahlia's form where endive's differs."""
    if not is_endive(version):
        return params
    anchor = params.get("billing_cycle_anchor")
    changed = path.startswith("/v1/subscriptions/")
    if changed and isinstance(anchor, str):
        raise invalid("Invalid object", param="billing_cycle_anchor")
    if changed and isinstance(anchor, dict):
        return {**params, "billing_cycle_anchor": anchor.get("type", "")}
    if "payment_method_types" in params and path.startswith(NO_PAYMENT_METHOD_TYPES):
        raise invalid(
            "The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types` or "
            "`excluded_payment_method_types` instead.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )
    return params
