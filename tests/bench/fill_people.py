"""Customers that look like a company's, by number: distinct names, emails and phones; countries, currencies, dates."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from dataclasses import dataclass, field

NAMES = """
Ada Amir Anna Aoife Bao Beatriz Björn Carlos Chiara Chloé Clara Daniel David Elena Emeka Emma Erik Fatima Felix Finn
Gabriel Grace Hana Hassan Helena Hiro Ingrid Isabel Ivan Jana João Jonas Julia Kenji Kofi Lars Laura Léa Leila Liam Lina
Lucas Łukasz Marek Maria Marta Mei Mia Nadia Niels Noah Nora Oliver Omar Paul Priya Rosa Ruth Samuel Sofia Thomas Tomás
Yusuf Zoë"""
PARTS = """
al an ar bel ber bin bor cal cas den dor el en er fal fen gar gel hol ing jan kel kin lam lar len lin mal man mar mer
mor nel nor o ol or pel ran ren"""
FIRST, SYLLABLES = NAMES.split(), PARTS.split()
SURNAMES = len(SYLLABLES) ** 3
PEOPLE = len(FIRST) * SURNAMES
# Odd, and no multiple of five: it visits each of the PEOPLE once before it repeats.
STRIDE = 2_654_435_761
ASCII = str.maketrans("öéãáëłŁ", "oeaaelL")
COUNTRIES = (
    *(("US", "usd", "+1 415"),) * 8,
    *(("DE", "eur", "+49 30"),) * 4,
    *(("GB", "gbp", "+44 20"),) * 3,
    *(("FR", "eur", "+33 1"),) * 2,
    ("NL", "eur", "+31 20"),
    ("ES", "eur", "+34 91"),
    ("JP", "jpy", "+81 3"),
    ("CH", "eur", "+41 44"),
    ("KW", "kwd", "+965 2"),
)
YEAR = 31_557_600
YEARS = 6


def token(kind: str, number: int, length: int = 24) -> str:
    """As random as Stripe's ids look, and the same every time."""
    digest = hashlib.blake2b(f"{kind}{number}".encode(), digest_size=18).digest()
    return b64encode(digest, altchars=b"Ab").decode()[:length]


def drawn(number: int, salt: int, most: int) -> int:
    """A number below `most` that looks drawn."""
    return ((number + salt) * STRIDE >> 7) % most


@dataclass(frozen=True)
class Company:
    """How large it is, and since when it exists."""

    customers: int
    now: int = field(default_factory=lambda: int(time.time()))

    def second(self, number: int, count: int) -> int:
        """When the object of that number of so many was made: more and more a day; some come fifty at once."""
        if number // 50 % 20 == 7:
            number -= number % 50
        return self.now - int(YEARS * YEAR * (1 - (number / count) ** 0.6)) - 60


@dataclass(frozen=True)
class Person:
    """A customer by number."""

    number: int

    @property
    def id(self) -> str:
        return f"cus_{token('cus', self.number, 14)}"

    @property
    def place(self) -> tuple[str, str, str]:
        """Country, currency and the start of a phone number."""
        return COUNTRIES[drawn(self.number, 3, len(COUNTRIES))]

    @property
    def name(self) -> str:
        """No two have the same."""
        round, place = divmod(self.number, PEOPLE)
        first, rest = divmod(place * STRIDE % PEOPLE, SURNAMES)
        (a, rest), c = divmod(rest, len(SYLLABLES) ** 2), rest % len(SYLLABLES)
        surname = (SYLLABLES[a] + SYLLABLES[rest // len(SYLLABLES)] + SYLLABLES[c]).capitalize()
        company = " GmbH" if self.number % 7 == 0 else ""
        return f"{FIRST[first]} {surname}{company}{f' {round}' if round else ''}"

    @property
    def email(self) -> str:
        """No two have the same."""
        local = self.name.removesuffix(" GmbH").lower().translate(ASCII).replace(" ", ".")
        return f"{local}.{self.number % 97}@mail-{self.number % 60}.example.com"

    @property
    def phone(self) -> str:
        return f"{self.place[2]} {self.number:07}"
