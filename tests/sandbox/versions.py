"""API versions: which are accepted, and what differs between dahlia (the specification at hand) and endive."""

from __future__ import annotations

import re
from typing import Any

from tests.sandbox.errors import StripeError, invalid, unknown_url
from tests.sandbox.params import unknown

DAHLIA, ENDIVE = "2026-08-26.dahlia", "2026-10-28.endive"
KNOWN = re.compile(r"^20\d\d-\d\d-\d\d(\.[a-z]+)?$")
ENDIVE_SINCE = "2026-09-30"
PREVIEW = "/v1/invoices/create_preview"
NO_PAYMENT_METHOD_TYPES = (
    "/v1/payment_intents",
    "/v1/setup_intents",
    "/v1/checkout/sessions",
)

# What dahlia does not know: whole endpoints, parameters of others, fields of objects. The stripe package (16) has them.
NEWER_ENDPOINTS = {("POST", "/v1/subscriptions/{id}/pause")}
NEWER_PARAMETERS = {
    ("POST", "/v1/invoices/create_preview"): ("subscription_details.pause",),
    ("POST", "/v1/disputes/{id}"): ("intended_submission_method",),
    ("POST", "/v1/subscriptions/{id}/resume"): ("payment_behavior",),
}
NEWER_FIELDS = {"dispute": ("intended_submission_method",), "subscription": ("status_details",)}


def check_newer(method: str, template: str, path: str, params: dict[str, Any], version: str) -> None:
    """Refuse what the version of a request does not have."""
    if is_endive(version):
        return
    if (method, template) in NEWER_ENDPOINTS:
        raise unknown_url(method, path)
    for dotted in NEWER_PARAMETERS.get((method, template), ()):
        *parents, last = dotted.split(".")
        within: Any = params
        for key in parents:
            within = within.get(key, {}) if isinstance(within, dict) else {}
        if last in within:
            raise unknown("".join([*parents[:1], *(f"[{key}]" for key in (*parents[1:], last))]) if parents else last)


def shown(value: Any, version: str) -> Any:
    """An answer as this version shows it: changed in place."""
    if is_endive(version):
        return value
    if isinstance(value, dict):
        for name in NEWER_FIELDS.get(str(value.get("object")), ()):
            value.pop(name, None)
        for item in value.values():
            shown(item, version)
    elif isinstance(value, list):
        for item in value:
            shown(item, version)
    return value


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
    if path == PREVIEW and isinstance(params.get("subscription_details"), dict):
        return {**params, "subscription_details": _anchored(params["subscription_details"], "subscription_details")}
    if path.startswith("/v1/subscriptions/"):
        return _anchored(params)
    if "payment_method_types" in params and path.startswith(NO_PAYMENT_METHOD_TYPES):
        raise invalid(
            "The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types` or "
            "`excluded_payment_method_types` instead.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )
    return params


def _anchored(params: dict[str, Any], within: str = "") -> dict[str, Any]:
    """`billing_cycle_anchor` as a word or a time instead of an object."""
    anchor, name = params.get("billing_cycle_anchor"), "billing_cycle_anchor"
    param = f"{within}[{name}]" if within else name
    if anchor is None:
        return params
    if not isinstance(anchor, dict):
        raise invalid("Invalid object", param=param)
    known = {"type", "timestamp"} if within else {"type"}
    if strange := sorted(set(anchor) - known):
        raise unknown(f"{param}[{strange[0]}]")
    if "type" not in anchor:
        message = f"Missing required param: {param}[type]."
        raise invalid(message, code="parameter_missing", param=f"{param}[type]")
    return {**params, name: anchor.get("timestamp", "") if anchor["type"] == "timestamp" else anchor["type"]}
