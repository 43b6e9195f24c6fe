"""An amount of money as somebody typed it: "49.90", "49,90 €", "$1,234.56", "1.234,56 eur", "usd 49". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel.numbers import list_currencies

SYMBOLS = {
    "$": "",
    "us$": "usd",
    "a$": "aud",
    "c$": "cad",
    "ca$": "cad",
    "nz$": "nzd",
    "hk$": "hkd",
    "s$": "sgd",
    "r$": "brl",
    "mx$": "mxn",
    "€": "eur",
    "£": "gbp",
    "¥": "",
    "₹": "inr",
    "₩": "krw",
    "₽": "rub",
    "₺": "try",
    "₴": "uah",
    "₫": "vnd",
    "₪": "ils",
    "zł": "pln",
    "kč": "czk",
    "fr.": "chf",
    "sfr": "chf",
}
# A symbol that several currencies share says which at least.
SHARED = {
    "$": frozenset(["usd", "aud", "cad", "nzd", "hkd", "sgd", "mxn", "clp", "cop", "ars"]),
    "¥": frozenset(["jpy", "cny"]),
}
# Longer ones are no amounts: Stripe's have twelve digits.
LONGEST = 15
SPACES = "\u00a0\u202f'’ "
NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:[" + SPACES + r"]\d{3}(?!\d)[\d.,]*)*", re.ASCII)


@dataclass(frozen=True)
class TypedAmount:
    """The readings of a number, in major units, and the currencies that it may be in; all where none are named."""

    readings: tuple[Decimal, ...]
    currencies: frozenset[str] = frozenset()
    # Whether decimals or a currency were written: then it is nothing but an amount.
    surely: bool = False


def amount_in(text: str) -> TypedAmount | None:
    """The amount, where the text is one, with or without a currency, and says nothing else."""
    found = NUMBER.search(text)
    if not found:
        return None
    before, after = (part.strip(" ,;").lower() for part in (text[: found.start()], text[found.end() :]))
    if before and after:
        return None
    currencies = _currencies(before or after)
    readings = _readings(found.group())
    if currencies is None or not readings:
        return None
    surely = bool(before or after) or any(reading != int(reading) for reading in readings)
    return TypedAmount(readings, currencies, surely or bool(re.search(r"[.,]\d\d?$", found.group())))


def _currencies(word: str) -> frozenset[str] | None:
    """The currencies that a symbol or code means; None where it is neither."""
    if not word:
        return frozenset()
    if word in SHARED:
        return SHARED[word]
    code = SYMBOLS.get(word, word)
    return frozenset([code]) if code in _codes() else None


@cache
def _codes() -> frozenset[str]:
    return frozenset(code.lower() for code in list_currencies("en"))


def _readings(text: str) -> tuple[Decimal, ...]:
    """Nobody knows whether 1,234 has thousands or three decimals: both."""
    bare = re.sub(f"[{SPACES}+-]", "", text).rstrip(".,")
    if sum(map(str.isdigit, bare)) > LONGEST:
        return ()
    marks = re.findall(r"[.,]", bare)
    if not marks:
        return (Decimal(bare),)
    last = marks[-1]
    whole, _, decimals = bare.rpartition(last)
    grouped = re.fullmatch(r"\d{1,3}(?:[.,]\d{3})*", whole) and len({*marks[:-1]}) <= 1
    with_decimals = grouped and marks.count(last) == 1 and 1 <= len(decimals) <= 3
    all_grouped = len({*marks}) == 1 and re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", bare)
    plain = re.fullmatch(r"\d+", whole) and len(decimals) <= 3
    found = [Decimal(re.sub(r"[.,]", "", bare))] if all_grouped else []
    if with_decimals or plain:
        found.append(Decimal(f"{re.sub('[.,]', '', whole)}.{decimals}"))
    return tuple(found)
