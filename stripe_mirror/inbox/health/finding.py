"""What a check says: how it stands, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

# What looks like a key or a signing secret of Stripe's, also a masked one: its place is not in a report.
SECRET = re.compile(r"(?<![A-Za-z0-9])(?:sk|rk|whsec)_\S+")


class Level(StrEnum):
    """How bad it is; the greatest of all findings colours the badge."""

    OK = "ok"
    # Something is slower, staler or less than it should be.
    WARNING = "warning"
    # Something does not work until somebody mends it.
    PROBLEM = "problem"


ORDER = {Level.PROBLEM: 0, Level.WARNING: 1, Level.OK: 2}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One sentence about one thing, and the way on."""

    # Names the thing for machines, links and tests.
    code: str
    level: Level
    what: str
    # What to do; empty where all is well.
    do: str = ""
    since: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """For storing and for machines."""
        return {
            "code": self.code,
            "level": self.level.value,
            "what": self.what,
            "do": self.do,
            "since": self.since.isoformat() if self.since else None,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Finding:
        """The reverse."""
        since = stored.get("since")
        return cls(
            code=stored["code"],
            level=Level(stored["level"]),
            what=stored["what"],
            do=stored["do"],
            since=datetime.fromisoformat(since) if since else None,
        )


def ok(code: str, what: str) -> Finding:
    """All is well."""
    return Finding(code=code, level=Level.OK, what=what)


def warning(code: str, what: str, do: str, *, since: datetime | None = None) -> Finding:
    """Worth a look."""
    return Finding(code=code, level=Level.WARNING, what=without_secrets(what), do=do, since=since)


def problem(code: str, what: str, do: str, *, since: datetime | None = None) -> Finding:
    """Something does not work."""
    return Finding(code=code, level=Level.PROBLEM, what=without_secrets(what), do=do, since=since)


def without_secrets(text: str) -> str:
    """Stripe's sentences may quote a key."""
    return SECRET.sub("(key hidden)", text)


def span(seconds: float) -> str:
    """A length of time in words, coarse: "40 s", "12 min", "5 h", "3 days"."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def counted(number: int, noun: str, *, most: int = 0) -> str:
    """ "1 event", "5 events"; "1,000+ events" where counting stopped."""
    plus = "+" if most and number > most else ""
    shown = min(number, most) if most else number
    return f"{shown:,}{plus} {noun}{'' if number == 1 else 's'}"
