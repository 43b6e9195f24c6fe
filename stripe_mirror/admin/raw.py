"""Stripe's object as it is stored, for those who want to see it, without what opens doors."""

from __future__ import annotations

import json
from typing import Any

from stripe_mirror.admin.display import HIDDEN, without_secrets

# Values that pay, sign in or download without a password: a secret by another name.
DOORS = frozenset(
    [
        "client_secret",
        "confirmation_secret",
        "hosted_invoice_url",
        "hosted_regulatory_receipt_url",
        "hosted_verification_url",
        "hosted_voucher_url",
        "invoice_pdf",
        "mobile_auth_url",
        "pdf",
        "receipt_url",
        "redirect_to_url",
        "secret",
        "verification_url",
    ]
)


def masked(value: Any, *, key: str = "") -> Any:
    """A copy of the JSON with secrets and links to hosted pages hidden."""
    if key in DOORS and value is not None:
        return HIDDEN
    if isinstance(value, dict):
        return {name: masked(part, key=name) for name, part in value.items()}
    if isinstance(value, list):
        return [masked(part) for part in value]
    return without_secrets(value) if isinstance(value, str) else value


def raw_json(value: Any) -> str:
    """Pretty JSON, masked."""
    return json.dumps(masked(value), indent=2, ensure_ascii=False)
