"""Stripe's ids in what somebody typed or pasted: alone, several, or inside an address of Stripe's Dashboard. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from stripe_mirror.kinds import kind_of_id

ID = re.compile(r"[a-z]{2,12}(?:_[a-z]+)?_[A-Za-z0-9_]{3,250}")
ADDRESS = re.compile(r"(?:https?://|(?:[a-z-]+\.)*stripe\.com/|/?admin/stripe_mirror/)\S+", re.IGNORECASE)
AROUND = "\"'`<>()[]{},;:.!?"
# What an address names beside the object itself.
OWNER = "acct_"
# Objects that this mirror doesn't keep; what begins like this is no name of anything else either.
ELSEWHERE = {
    "acct_": "an account",
    "bpc_": "a configuration of the customer portal",
    "bps_": "a session of the customer portal",
    "clock_": "a test clock",
    "evt_": "an event",
    "fee_": "an application fee",
    "file_": "a file",
    "iauth_": "a card authorization",
    "ic_": "an issued card",
    "mandate_": "a mandate",
    "plink_": "a payment link",
    "prv_": "a review",
    "qt_": "a quote",
    "req_": "a request to Stripe's API",
    "tok_": "a token",
    "tr_": "a transfer",
    "trr_": "a reversal of a transfer",
    "tu_": "a top-up",
    "we_": "a webhook endpoint",
}


@dataclass(frozen=True)
class PastedId:
    """An id; where it stood in an address, also the words before it ("coupons"), which tell its kind."""

    id: str
    stem: str = ""


def ids_in(text: str) -> tuple[PastedId, ...]:
    """The ids, in the order in which they stand there; none where the text says something else, too."""
    if address := ADDRESS.search(text):
        return _in_address(address.group())
    words = [word.strip(AROUND) for word in re.split(r"[\s,;]+", text.strip())]
    words = [word for word in words if word]
    return tuple(PastedId(word) for word in dict.fromkeys(words)) if words and all(map(_is_id, words)) else ()


def _is_id(word: str) -> bool:
    """Whether it begins like an id of some kind: "john_doe" doesn't."""
    return bool(ID.fullmatch(word) and (kind_of_id(word) or elsewhere(word)))


def _in_address(address: str) -> tuple[PastedId, ...]:
    """The last object that the address names: a page of a customer's invoice is about the invoice."""
    path = re.split(r"[?#]", address.strip(AROUND))[0]
    parts = [unquote(part) for part in path.split("/") if part]
    for place in range(len(parts) - 1, -1, -1):
        if ID.fullmatch(parts[place]) and not parts[place].startswith(OWNER):
            return (PastedId(parts[place], parts[place - 1] if place else ""),)
    if ids := [id for id in ID.findall(unquote(address)) if not id.startswith(OWNER)]:
        return (PastedId(ids[0]),)
    # Some kinds have ids of somebody's choice: /coupons/SUMMER.
    return (PastedId(parts[-1], parts[-2]),) if len(parts) > 2 and "." not in parts[-2] else ()


def elsewhere(id: str) -> str:
    """What an id names that isn't mirrored: "a transfer"; "" where nobody knows."""
    return next((words for prefix, words in ELSEWHERE.items() if id.startswith(prefix)), "")
