"""One thing that happened, and where it stands among the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils.safestring import SafeString

from stripe_mirror.admin.history import FieldChange
from stripe_mirror.models import Change

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Topic(StrEnum):
    """What an entry can be looked for by; most entries have two, such as money and staff."""

    MONEY = "money"
    STATUS = "status"
    STAFF = "staff"
    STRIPE = "stripe"
    # The Dashboard and other API clients.
    OUTSIDE = "outside"
    NOTES = "notes"


# Whose change → what it is found by.
BY_SOURCE = {
    Change.Source.PUSH: Topic.STAFF,
    Change.Source.STRIPE: Topic.STRIPE,
    Change.Source.API: Topic.OUTSIDE,
}


class Place(NamedTuple):
    """Where an entry stands: by time, then by its source and its id, so that no two stand in the same place."""

    at: datetime
    rank: int
    id: str

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}.{self.rank}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """From an address; None where it is none."""
        at, _, rest = text.partition(".")
        rank, _, id = rest.partition(".")
        try:
            return cls(EPOCH + timedelta(microseconds=int(at)), int(rank), id.replace("\x00", "")[:255])
        except (ValueError, OverflowError):
            return None

    def before(self, rank: int, at: str, *, id: Any = None) -> Q:
        """The rows of a source that stand after this place in a list from new to old."""
        if rank < self.rank:
            return Q(**{f"{at}__lte": self.at})
        if rank > self.rank:
            return Q(**{f"{at}__lt": self.at})
        return Q(**{f"{at}__lt": self.at}) | Q(**{at: self.at, "pk__lt": self.id if id is None else id})


@dataclass(frozen=True)
class Entry:
    """One thing that happened, as a page shows it."""

    place: Place
    topics: frozenset[Topic]
    # A short sentence; links and amounts stand in it.
    what: SafeString
    # The colour of its mark: success, warning, danger, info, neutral.
    tone: str = "neutral"
    when: SafeString | str = ""
    who: SafeString | str = ""
    detail: SafeString | str = ""
    reason: str = ""
    # A note's text, which keeps its lines.
    text: str = ""
    fields: list[FieldChange] = field(default_factory=list)
    event: SafeString | str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Found:
    """What a source gave: its entries, and how far back it was read where there is more."""

    entries: list[Entry]
    horizon: Place | None = None


def topics_of(topic: Topic, source: str | None) -> frozenset[Topic]:
    """The entry's own topic with that of who did it."""
    whose = BY_SOURCE.get(Change.Source(source)) if source in Change.Source.values else None
    return frozenset([topic] if whose is None else [topic, whose])


def horizon(places: Iterable[Place], *, full: bool) -> Place | None:
    """The oldest place that was read, where there may be more behind it."""
    return min(places, default=None) if full else None
