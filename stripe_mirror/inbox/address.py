"""Remembers under which address Stripe reaches us, so that our endpoint there can be told from another one."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps

from django.db import Error
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from stripe_mirror.models import ReceiverAddress

# How often a process writes that an address still works, in seconds.
EVERY = 600.0
LONGEST = 600

View = Callable[[HttpRequest], HttpResponseBase]
_noted: dict[str, float] = {}


def noting_address(receive: View) -> View:
    """The receiver, with a note of the address after an event that was taken: only Stripe signs those."""

    @wraps(receive)
    def view(request: HttpRequest) -> HttpResponseBase:
        answer = receive(request)
        if answer.status_code == 200:
            note(request.build_absolute_uri(request.path))
        return answer

    return view


def note(url: str) -> None:
    """Write it down, unless this process did so lately. The event is stored: a failure here is no matter."""
    now = time.monotonic()
    if len(url) > LONGEST or now - _noted.get(url, -EVERY) < EVERY:
        return
    if len(_noted) > 100:
        _noted.clear()
    _noted[url] = now
    try:
        ReceiverAddress.objects.update_or_create(pk=url, defaults={"delivered_at": timezone.now()})
    except Error:
        _noted.pop(url, None)
