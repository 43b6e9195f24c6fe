"""What a check says: how it stands, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from stripe_mirror import sentences
from stripe_mirror.language import number_words

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
        """For machines."""
        return {
            "code": self.code,
            "level": self.level.value,
            "what": self.what,
            "do": self.do,
            "since": self.since.isoformat() if self.since else None,
        }

    def as_stored(self) -> dict[str, Any]:
        """With what the sentences were made of: pages say them in the person's language."""
        return {**self.as_json(), "said": {"what": sentences.as_json(self.what), "do": sentences.as_json(self.do)}}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Finding:
        """The reverse of both, in the present language."""
        since, said = stored.get("since"), stored.get("said") or {}
        return cls(
            code=stored["code"],
            level=Level(stored["level"]),
            what=sentences.from_json(said.get("what"), stored["what"]),
            do=sentences.from_json(said.get("do"), stored["do"]),
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
    return SECRET.sub(_("(key hidden)"), text) if SECRET.search(text) else text


def span(seconds: float) -> str:
    """A length of time in words, coarse: "40 s", "12 min", "5 h", "3 days"."""
    if seconds >= 2 * 86_400:
        return _("%(number)s days") % {"number": f"{seconds / 86_400:.0f}"}
    if seconds >= 2 * 3600:
        return _("%(number)s h") % {"number": f"{seconds / 3600:.0f}"}
    if seconds >= 2 * 60:
        return _("%(number)s min") % {"number": f"{seconds / 60:.0f}"}
    return _("%(number)s s") % {"number": f"{seconds:.0f}"}


def counted(number: int, *, most: int = 0) -> str:
    """ "5"; "1,000+" where counting stopped."""
    if most and number > most:
        return f"{number_words(most)}+"
    return number_words(number)
