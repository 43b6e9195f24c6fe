"""Days in what somebody typed: "3 march", "march 3, 2027", "2027-03-03", "3.3.", "03/04/2027", "yesterday". Pure.

Where day and month could be either, both are meant. A day without a year is the latest one that has been.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

MONTHS = (
    ("january", "januar", "jänner"),
    ("february", "februar"),
    ("march", "märz", "maerz", "mrz"),
    ("april",),
    ("may", "mai"),
    ("june", "juni"),
    ("july", "juli"),
    ("august",),
    ("september", "sept"),
    ("october", "oktober"),
    ("november",),
    ("december", "dezember"),
)
WORDS = {"today": 0, "heute": 0, "yesterday": 1, "gestern": 1}
# Of months: the whole name or its first three letters.
NAMES = {name: number for number, names in enumerate(MONTHS, 1) for full in names for name in (full, full[:3])}
MONTH = "(?P<month>" + "|".join(sorted(NAMES, key=len, reverse=True)) + r")\b\.?"
YEAR = r"(?:,?\s+(?P<year>(?:19|20)\d\d)(?![\d.,]))?"
START, END = r"(?<![\w.,/-])", r"(?![\w/-]|[.,]\d)"
FORMS = (
    rf"{START}(?P<year>\d{{4}})[-/.](?P<first>\d{{1,2}})[-/.](?P<second>\d{{1,2}}){END}",
    rf"{START}(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s*(?:of\s+)?{MONTH}{YEAR}{END}",
    rf"{START}{MONTH}\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?{YEAR}{END}",
    rf"{START}(?P<a>\d{{1,2}})\.(?P<b>\d{{1,2}})\.(?P<year>\d{{4}}|\d\d)?{END}",
    rf"{START}(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})(?:/(?P<year>\d{{4}}|\d\d))?{END}",
    rf"{START}(?P<word>{'|'.join(WORDS)}){END}",
)
PATTERNS = tuple(re.compile(form, re.IGNORECASE) for form in FORMS)


def days_in(text: str, *, today: date) -> tuple[tuple[date, ...], str]:
    """The readings of the first day that the text names, and the text without it; no readings where it names none."""
    for pattern in PATTERNS:
        for match in pattern.finditer(text):
            if found := _readings(match, today):
                return found, f"{text[: match.start()]} {text[match.end() :]}".strip()
    return (), text


def _readings(match: re.Match[str], today: date) -> tuple[date, ...]:
    given = match.groupdict()
    if word := given.get("word"):
        return (today - timedelta(days=WORDS[word.lower()]),)
    year = _year(given.get("year"))
    found = (_date(year, month, day, today) for month, day in _months_and_days(given, match.group()))
    return tuple(dict.fromkeys(day for day in found if day))


def _months_and_days(given: dict[str, str | None], text: str) -> Iterator[tuple[int, int]]:
    if name := given.get("month"):
        yield NAMES[name.lower()], int(given["day"] or 0)
    elif given.get("first"):
        yield int(given["first"] or 0), int(given["second"] or 0)
    else:
        a, b = int(given["a"] or 0), int(given["b"] or 0)
        yield b, a
        # With dots the day comes first; with slashes only most countries agree.
        if "/" in text:
            yield a, b


def _year(text: str | None) -> int | None:
    if not text:
        return None
    return int(text) if len(text) == 4 else 2000 + int(text)


def _date(year: int | None, month: int, day: int, today: date) -> date | None:
    if year is not None:
        return _valid(lambda: date(year, month, day))
    # Eight years hold a 29 February.
    tried = (_valid(lambda y=y: date(y, month, day)) for y in range(today.year, today.year - 9, -1))  # type: ignore[misc]
    return next((found for found in tried if found and found <= today), None)


def _valid(make: Callable[[], date]) -> date | None:
    try:
        return make()
    except ValueError:
        return None
