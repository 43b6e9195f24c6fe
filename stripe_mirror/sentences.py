"""Sentences that are stored, and said again later in the language of whoever reads them.

`tell` is gettext that remembers: the text as it is marked, and what fills it, are stored beside the words.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from django.utils.translation import gettext, ngettext

# What a placeholder may be filled with; other things are told as their text.
Filling: TypeAlias = str | int


class Sentence(str):
    """The words in the language in which it was first told, and what they were made of."""

    __slots__ = ("filled", "message", "number", "plural")

    message: str
    plural: str
    number: int
    filled: dict[str, Filling]


def tell(message: str, /, **filled: object) -> Sentence:
    """A marked text in the present language, its placeholders filled."""
    return _made(message, "", 0, {name: _filling(value) for name, value in filled.items()})


def ntell(singular: str, plural: str, number: int, /, **filled: object) -> Sentence:
    """As `tell`, with the form that fits the number, which `filled` names as the text wants it."""
    return _made(singular, plural, number, {name: _filling(value) for name, value in filled.items()})


def as_json(text: str) -> Any:
    """For storing: what a sentence was made of; None for a text that is the same in all languages."""
    if not isinstance(text, Sentence):
        return None
    filled = {name: as_json(value) if isinstance(value, Sentence) else value for name, value in text.filled.items()}
    return {"message": text.message, "plural": text.plural, "number": text.number, "filled": filled}


def from_json(stored: Any, words: str) -> str:
    """The sentence in the present language; the words it was stored with where it can't be made any more."""
    try:
        filled = {name: _read(value) for name, value in stored["filled"].items()}
        return _made(stored["message"], stored["plural"], stored["number"], filled)
    except (KeyError, TypeError, ValueError, AttributeError):
        return words


def _read(value: Any) -> Filling:
    return from_json(value, "") if isinstance(value, dict) else _filling(value)


def _filling(value: object) -> Filling:
    return value if isinstance(value, str | int) else str(value)


def _made(message: str, plural: str, number: int, filled: dict[str, Filling]) -> Sentence:
    words = ngettext(message, plural, number) if plural else gettext(message)
    # As everywhere, a text without placeholders isn't read as one with them.
    made = Sentence(words % filled if filled else words)
    made.message, made.plural, made.number, made.filled = message, plural, number, filled
    return made
