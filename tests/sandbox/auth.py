"""Who calls: secret and restricted keys, their mode, and what a restricted key may not do."""

from __future__ import annotations

import base64
import binascii
import re

from tests.sandbox.errors import StripeError

LIMIT = re.compile(r"_no(read|write)_([a-z_]+?)(?=_no(?:read|write)_|$)")

# What a permission is called where that is not the first word of the path.
PERMISSIONS = {"checkout": "checkout_sessions", "test_helpers": "test_clocks"}


def key_of(authorization: str) -> str:
    """The API key of an `Authorization` header, bearer or basic."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return rest.strip() if scheme.lower() == "bearer" else ""


def check(authorization: str, *, livemode: bool, method: str, resource: str) -> None:
    """Refuse a missing or foreign key (401) and what a restricted key excludes (403)."""
    key = key_of(authorization)
    if not key:
        raise StripeError(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    mode = "live" if livemode else "test"
    if not key.startswith((f"sk_{mode}_", f"rk_{mode}_")):
        raise StripeError(401, f"Invalid API Key provided: {masked(key)}")
    if key.startswith("rk_"):
        _check_permission(key, method, resource)


def masked(key: str) -> str:
    """A key as it may be shown."""
    return f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 16 else "*" * len(key)


def _check_permission(key: str, method: str, resource: str) -> None:
    right = "read" if method == "GET" else "write"
    for excluded, name in LIMIT.findall(key):
        if name == resource and (excluded == right or excluded == "read"):
            raise StripeError(
                403,
                f"The provided key '{masked(key)}' does not have the required permissions for this endpoint. Having "
                f"the '{resource}_{right}' permission would allow this request to continue.",
                code="more_permissions_required",
            )
