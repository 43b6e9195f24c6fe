"""Links to an operation's page whose form begins with certain values; it is looked at and confirmed as any other.

The values are signed: a link that leads to a filled-in form can only come from these pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core import signing
from django.utils.http import urlencode

from stripe_mirror.models import StripeObject
from stripe_mirror.push.operation import Operation

FILLED = "filled"
SALT = "stripe_mirror.filled"
# What servers take of an address (gunicorn: 4094), with room for the rest of it.
LONGEST = 3000


def query(operation: Operation, row: StripeObject, values: Mapping[str, Any]) -> str:
    """For the end of the page's address; "" where there is nothing to fill in, or more than an address holds."""
    if not values:
        return ""
    token = signing.dumps([operation.name, str(row.pk), dict(values)], salt=SALT, compress=True)
    return f"?{urlencode({FILLED: token})}" if len(token) <= LONGEST else ""


def values(given: Mapping[str, Any], operation: Operation, row: StripeObject) -> dict[str, Any]:
    """What a link fills in; nothing where it isn't ours or belongs to another form."""
    try:
        name, pk, held = signing.loads(str(given.get(FILLED) or ""), salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return {}
    return dict(held) if (name, pk) == (operation.name, str(row.pk)) else {}
