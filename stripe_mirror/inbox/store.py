"""Events into the inbox: what a payload must have, and the row that keeps it as Stripe sent it."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from stripe_mirror.kinds import kind_of
from stripe_mirror.models import InboxEvent
from stripe_mirror.models.fields import LAST_SECOND
from stripe_mirror.pull.statements import insert_unless_known
from stripe_mirror.pull.storable import may_be_unstorable, storable

logger = logging.getLogger(__name__)
LONGEST = 255
# Fewer brackets than these can't be nested too deeply.
MANY_LEVELS = 200
# What Python reads, but JSON doesn't know: names of numbers, and numbers so large that they become infinite.
NAMED = ("NaN", "Infinity")
# An e that a digit precedes: found four times as fast as a digit that an e follows.
LARGE_EXPONENT = re.compile(r"[eE](?<=[0-9.].)\+?[0-9]{3}")
MANY_DIGITS = re.compile(r"[0-9]{300}")
# An event that was stored but not decided (the process died) is found by the sweep after this while.
GRACE = timedelta(seconds=20)


class BadEvent(Exception):
    """The payload is no event that could be kept; the message is safe to answer with."""


def plain(text: str) -> bool:
    """Whether a database takes a JSON text as it is; false where it may hold something odd (see `_storable`)."""
    named = any(name in text for name in NAMED)
    large = LARGE_EXPONENT.search(text) or MANY_DIGITS.search(text)
    deep = text.count("{") + text.count("[") > MANY_LEVELS
    return not (named or large or deep or may_be_unstorable(text))


def row_for(payload: dict[str, Any], *, source: InboxEvent.Source, text: str | None = None) -> InboxEvent:
    """The unsaved row of an event. Raises BadEvent.

    `text`: the payload as it was received, if `plain` says so, which spares a closer look at each value.
    """
    if text is None:
        payload = _storable(payload)
    obj, request = _object(payload), payload.get("request")
    request = request if isinstance(request, dict) else {}
    now = timezone.now()
    return InboxEvent(
        id=_text(payload, "id", required=True),
        type=_text(payload, "type", required=True),
        account=_text(payload, "account"),
        livemode=_livemode(payload),
        api_version=_text(payload, "api_version")[:64],
        created=_created(payload),
        object_type=_short(obj.get("object")),
        object_id=_short(obj.get("id")),
        request_id=_short(request.get("id")),
        idempotency_key=_short(request.get("idempotency_key")),
        payload=payload,
        source=source,
        received_at=now,
        next_attempt_at=now + GRACE,
    )


def store(event: InboxEvent, *, text: str | None = None) -> bool:
    """Keep an event, once per id, in a transaction of its own; false where it was known. Raises DatabaseError.

    `text`: the payload as it was received, if `plain` says so, stored without being written anew.
    """
    if text is None:
        text = json.dumps(event.payload)
    # Django asks a kept connection in each request whether it still lives, which costs as much as half the INSERT.
    cast("Any", connection).health_check_done = True
    try:
        return insert_unless_known(event, texts={"payload": text})
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
    return insert_unless_known(event, texts={"payload": text})


def store_listed(payloads: list[dict[str, Any]]) -> int:
    """Keep those events of a list that we lack and that carry a mirrored object; how many those were.

    A list begins with the newest: they are received from its end, in the order in which they happened.
    """
    known = set(InboxEvent.objects.filter(pk__in=[p["id"] for p in payloads]).values_list("pk", flat=True))
    wanted = [p for p in reversed(payloads) if p["id"] not in known and kind_of(str(_object(p).get("object")))]
    events = [event for event in map(_listed_row, wanted) if event]
    for number, event in enumerate(events):
        # A coarse clock would let those of one second be applied in any order, which costs reads.
        event.received_at += timedelta(microseconds=number)
    # Another process may store one of them at this moment: the first wins.
    InboxEvent.objects.bulk_create(events, ignore_conflicts=True)
    return len(events)


def _listed_row(payload: dict[str, Any]) -> InboxEvent | None:
    try:
        event = row_for(payload, source=InboxEvent.Source.CATCH_UP)
    except BadEvent:
        logger.warning("Stripe lists an event that can't be stored: %s", str(payload.get("id"))[:LONGEST])
        return None
    # Nobody is at it: due at once.
    event.next_attempt_at = event.received_at
    return event


def _storable(payload: dict[str, Any]) -> dict[str, Any]:
    """What the database can hold: NaN and infinity are no JSON, and neither is a thousand levels."""
    try:
        json.dumps(payload, allow_nan=False)
        cleaned: dict[str, Any] = storable(payload)[0]
    except (ValueError, RecursionError):
        raise BadEvent("The event holds numbers or a depth that JSON does not allow.") from None
    return cleaned


def _object(payload: dict[str, Any]) -> dict[str, Any]:
    contents = payload.get("data")
    obj = contents.get("object") if isinstance(contents, dict) else None
    return obj if isinstance(obj, dict) else {}


def _text(payload: dict[str, Any], name: str, *, required: bool = False) -> str:
    value = payload.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or not (value or not required) or len(value) > LONGEST:
        raise BadEvent(f"The event's {name} is missing or no text of at most {LONGEST} characters.")
    return value


def _short(value: Any) -> str:
    """An id inside the payload; one of another type or length is no id that we could look up."""
    return value if isinstance(value, str) and len(value) <= LONGEST else ""


def _livemode(payload: dict[str, Any]) -> bool:
    if not isinstance(value := payload.get("livemode"), bool):
        raise BadEvent("The event's livemode is missing or neither true nor false.")
    return value


def _created(payload: dict[str, Any]) -> datetime:
    second = payload.get("created")
    if not isinstance(second, int) or isinstance(second, bool) or not 0 < second <= LAST_SECOND:
        raise BadEvent("The event's created is missing or no second since 1970.")
    return datetime.fromtimestamp(second, UTC)
