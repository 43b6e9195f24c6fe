"""From where a request came, for the log of what staff did."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The address of whoever sent it; behind proxies (`TRUSTED_PROXIES`) the one that the outermost of them saw.

    Each proxy adds the address that it was called from to X-Forwarded-For, at its end: what stands before those of our
    own proxies the sender may have made up.
    """
    nearest = _valid(request.META.get("REMOTE_ADDR", ""))
    seen = request.headers.get("X-Forwarded-For", "").split(",")
    proxies: int = settings.TRUSTED_PROXIES
    return (_valid(seen[-proxies]) if 0 < proxies <= len(seen) else None) or nearest


def _valid(text: str) -> str | None:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None
