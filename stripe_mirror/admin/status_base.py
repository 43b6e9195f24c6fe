"""What a status is: words and a tone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """Words and their tone: neutral, success, info, warning or danger."""

    text: str
    tone: str = "neutral"


def reason(code: str) -> str:
    """One of Stripe's codes inside a sentence: "card_declined" → "card declined"."""
    return code.replace("_", " ")
