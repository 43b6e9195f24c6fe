"""What a status is: words and a tone; and what a state is: the words of a list's filter with the rows it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from stripe_mirror.admin.display import words

# The key of the filter for what Stripe may add to its values.
OTHER = "other"
# A pill carries so many letters; the rest of a longer sentence stands beside it.
ON_A_PILL = 40


@dataclass(frozen=True)
class Status:
    """Words and their tone: neutral, success, info, warning or danger."""

    text: str
    tone: str = "neutral"
    # The keys of the states that find the row.
    states: frozenset[str] = field(default=frozenset(), compare=False)
    # How the sentence begins, where it is too long for a pill.
    lead: str = field(default="", compare=False)

    @property
    def rest(self) -> str:
        """What follows the lead."""
        return self.text[len(self.lead) :].lstrip(":, ") if self.lead else ""


@dataclass(frozen=True)
class State:
    """A choice of a list's status filter; words that begin with it are found by it."""

    key: str
    label: Any
    tone: str = "neutral"
    # Which rows are in it; by default those whose status is the key, as Stripe names it.
    condition: Callable[[], Q] | None = None
    # Whether the filter offers it; addresses may name each of Stripe's values.
    offered: bool = True
    # The order of its rows that an index carries, where it isn't the list's usual one.
    orders_by: tuple[str, ...] = ()
    # What that order is by, in a sentence.
    order_words: Any = ""
    # Whether other rows are asked for with each of its rows, so that fewer are counted.
    dear: bool = False

    @property
    def is_stripes(self) -> bool:
        """Whether it is one of Stripe's own values."""
        return self.condition is None

    def where(self) -> Q:
        """The condition of its rows, at this moment."""
        return Q(status=self.key) if self.condition is None else self.condition()

    def says(self, *parts: str, cause: str = "", tone: str = "", also: tuple[str, ...] = ()) -> Status:
        """A sentence about a row in this state: its first part (or the label), why, and how it goes on."""
        head, *then = parts or (str(self.label),)
        head = head or str(self.label)
        sentence = ", ".join([f"{head}: {cause}" if cause else head, *filter(None, then)])
        lead = head if len(sentence) > ON_A_PILL else ""
        return Status(sentence, tone or self.tone, frozenset((self.key, *also)), lead)


States = dict[str, State]


def states_of(*states: State) -> States:
    """The states by key, in the order of the filter's menu."""
    return {state.key: state for state in states}


def state_of(states: States, row: Any) -> State | None:
    """The state that is Stripe's status of the row; None where Stripe added a value that isn't known here."""
    found = states.get(row.status)
    return found if found and found.is_stripes else None


def unknown(row: Any) -> Status:
    """A value that Stripe added later reads as it is (S18)."""
    return Status(words(row.status), states=frozenset({OTHER}))


def held(row: Any, *path: str) -> Any:
    """What Stripe's object holds there; None where it holds no such thing or wasn't read with the row."""
    found = vars(row).get("data")
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def held_amount(row: Any, key: str) -> int:
    """An amount in Stripe's object; 0 where there is none."""
    found = held(row, key)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
