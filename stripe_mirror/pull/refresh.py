"""Reads the lists that changes implied (see `pull.implied`), each once for all the changes that asked for it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Refresh
from stripe_mirror.pull import clock, embedded
from stripe_mirror.pull.apply import apply_page
from stripe_mirror.pull.claims import LEASE
from stripe_mirror.pull.fetch import complete_lists, fetch_now
from stripe_mirror.pull.implied import LOOK_FOR
from stripe_mirror.pull.listing import objects_in
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.client import Answer
from stripe_mirror.stripe_api.errors import NotFound, Refused, StripeFailure

logger = logging.getLogger(__name__)
# Pauses between tries, in seconds: the last one is repeated.
PAUSES = (5, 20, 80, 320, 1280, 3600)
# A list that Stripe refuses so often is given up, visibly in the log: reconcile compares the kind anyway.
TRIES = 10


def refresh_due(limit: int = 50) -> int:
    """Read the lists that are due, oldest wish first; how many. Ends early where Stripe can't be asked just now."""
    due = Refresh.objects.filter(due_at__lte=timezone.now()).order_by("due_at").values_list("pk", flat=True)[:limit]
    keys = list(due)
    all(refresh(key) for key in keys)
    return len(keys)


def refresh(key: str) -> bool:
    """Read one list and forget the wish, unless it was repeated meanwhile. False where Stripe can't be asked now."""
    now = timezone.now()
    if not Refresh.objects.filter(pk=key, due_at__lte=now).update(due_at=now + LEASE):
        return True
    wish = Refresh.objects.filter(pk=key).first()
    if wish is None:
        return True
    try:
        _read(wish)
    except StripeFailure as failure:
        return _postpone(wish, str(failure), asked=isinstance(failure, Refused))
    except Exception as error:
        # One list that can't be stored must not keep the others from being read.
        logger.exception("%s could not be read; it is tried again later.", wish)
        return _postpone(wish, f"{type(error).__name__} while it was read; see the log of that time.", asked=True)
    done = Refresh.objects.filter(pk=key, wanted=wish.wanted)
    if not done.delete()[0]:
        Refresh.objects.filter(pk=key).update(due_at=timezone.now(), attempts=0, reason="")
    return True


def _read(wish: Refresh) -> None:
    kind = get_kind(wish.object_type)
    if id := wish.params.get(LOOK_FOR):
        fetch_now(kind, id, near=wish.params)
        return
    sent_at = clock.now()
    for answer in _answers(wish):
        objects = [found for item in _items(answer) for found in objects_in(item, wish.inside)]
        as_of, until = answer.as_of, answer.read_until
        text = answer.text if not wish.inside and "data" in answer.body else json.dumps({"data": objects})
        apply_page(kind, text, objects, as_of=as_of, read_until=until, sent_at=sent_at)
        for id in embedded.store_page_children(kind, objects, as_of=as_of, read_until=until, sent_at=sent_at):
            complete_lists(kind, id)
        sent_at = clock.now()


def _answers(wish: Refresh) -> Iterator[Answer]:
    params: dict[str, Any] = dict(wish.params)
    if "expand" in params:
        params["expand"] = params["expand"].split()
    if wish.since:
        params["created"] = {"gte": int(wish.since.timestamp())}
    try:
        yield from read.list_pages(wish.path, params) if not _is_single(wish) else [read.one(wish.path, params)]
    except NotFound:
        # What lay above is gone, and its own deletion is told by other means.
        return


def _is_single(wish: Refresh) -> bool:
    kind = get_kind(wish.object_type)
    if kind.retrievable and not kind.nested and wish.path == kind.path(wish.path.rpartition("/")[2]):
        # A claim whose holder died (see `pull.claims`).
        return True
    return bool(wish.inside) and "expand" in wish.params and not wish.params["expand"].startswith("data.")


def _items(answer: Answer) -> list[dict[str, Any]]:
    return answer.body["data"] if answer.body.get("object") == "list" else [answer.body]


def _postpone(wish: Refresh, reason: str, *, asked: bool) -> bool:
    """Try again later, ever more rarely; an outage may last longer than any number of tries, other reasons won't end.

    `asked`: Stripe could be asked, so that the others have their turn.
    """
    if asked and wish.attempts + 1 >= TRIES:
        logger.error("%s is not read any more, after %d times: %s", wish, TRIES, reason)
        Refresh.objects.filter(pk=wish.pk).delete()
        return True
    pause = timedelta(seconds=PAUSES[min(wish.attempts, len(PAUSES) - 1)])
    Refresh.objects.filter(pk=wish.pk).update(due_at=timezone.now() + pause, attempts=F("attempts") + 1, reason=reason)
    return asked
