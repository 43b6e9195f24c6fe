"""What never leaves by a file, whatever its columns: Stripe's keys, client secrets, and links that ask for no login."""

from __future__ import annotations

import re

from stripe_mirror.admin.display import HIDDEN

KEY = r"(?:sk|rk)_(?:test|live)_\w+|whsec_\w+"
OF_CLIENT = r"\w+_secret_\w+"
# Stripe's pages for an object's owner; dashboard.stripe.com asks for a login, and docs.stripe.com holds nothing.
HOSTS = "billing|checkout|connect|files|hooks|invoice|pay|payments|receipts?|verify"
LINK = rf"https?://(?:{HOSTS})\.stripe\.com/[^\s\"'<>\\]*"
SECRET = re.compile(f"{LINK}|{OF_CLIENT}|{KEY}")
# Parts of which one stands in every match: whether a text is worth looking at.
HINTS = (".stripe.com/", "_secret_", "k_test_", "k_live_", "whsec_")
# What a metadata key says that holds something secret; and whether metadata is worth looking at.
KEY_HINTS = ("secret", "passw", "token")


def without_secrets(text: str) -> str:
    """The text with everything hidden that opens something to whoever holds it."""
    return SECRET.sub(HIDDEN, text) if any(hint in text for hint in HINTS) else text


def is_secret_key(key: str) -> bool:
    """Whether a metadata key names something that opens doors."""
    return any(hint in key.lower() for hint in KEY_HINTS)
