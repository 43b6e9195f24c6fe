"""How one list of Stripe's is read to its end, page by page, whatever happens on the way.

Pure: it says what to ask next and what an answer means, and knows neither network nor database. Two rules of Stripe's
lists stand behind it: a cursor is only good under the filters that it was made with, so a chain keeps its window of
`created` from its first page, without a cursor, to its last; and a page can be empty or the last one by mistake, so
an end that comes as a surprise is looked at again by a fresh chain from the last second that was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Item = dict[str, Any]
# A list's path and parameters.
Request = tuple[str, dict[str, Any]]
# Stripe's largest page.
PAGE = 100
# A window that holds fewer objects than this is not worth a second reader.
WORTH_SPLITTING = 3 * PAGE
# Nor is one whose pages so far lie within so few seconds that much would be read by both neighbours.
SHORT = 10


class ListBroken(Exception):
    """Stripe's list contradicts itself; the message is for staff."""


@dataclass(frozen=True)
class Position:
    """Where a chain stands: enough to go on in another process."""

    # The object after which the next page starts.
    cursor: str = ""
    # The upper end of the chain's window; empty is open.
    chain_to: int | None = None
    # The second of the last object read, and the ids that were read of it: a fresh chain shows them again.
    oldest: int | None = None
    ids_at_oldest: frozenset[str] = frozenset()


def second_of(item: Item) -> int | None:
    """When it was created, as the list's filter has it: of invoice items Stripe calls that `date`."""
    second = item.get("created", item.get("date"))
    return second if isinstance(second, int) else None


class Lines(Protocol):
    """What can be read page by page: one list (`Chain`), or one list after the other (`BelowParents`)."""

    done: bool

    @property
    def position(self) -> Position:
        """Where it stands."""

    def request(self) -> Request | None:
        """What to ask next; None at the end."""

    def take(self, items: list[Item], has_more: bool, expects_more: Callable[[int | None], bool]) -> list[Item]:
        """Take a page; those of its items that were not seen before. Raises ListBroken."""

    def recover(self, param: str) -> bool:
        """Stripe does not know what this parameter named: whether there is another way on."""

    def split(self, now: int) -> tuple[int, int] | None:
        """End here; the seconds at which the rest falls in two, if it is worth two readers."""


class Chain:
    """One list, newest first, in a window of `created` where it takes one."""

    def __init__(
        self,
        path: str,
        params: Mapping[str, Any],
        *,
        created_filter: bool = True,
        created_from: int | None = None,
        position: Position | None = None,
    ) -> None:
        self.path, self.params = path, params
        self.created_filter, self.created_from = created_filter, created_from
        self.position = position or Position()
        self.done = False
        self._again = False
        self._first: int | None = None
        self._read = 0

    def request(self) -> Request | None:
        """The same filters from the first page of a chain to the last."""
        params: dict[str, Any] = dict(self.params)
        ends = {"gte": self.created_from, "lte": self.position.chain_to}
        window = {end: second for end, second in ends.items() if second is not None}
        if window and self.created_filter:
            params["created"] = window
        if self.position.cursor:
            params["starting_after"] = self.position.cursor
        return self.path, params

    def take(self, items: list[Item], has_more: bool, expects_more: Callable[[int | None], bool]) -> list[Item]:
        """Take a page; `expects_more` tells whether the mirror holds objects of the window from before a second."""
        paged, fresh = bool(self.position.cursor), self._unseen(items)
        if paged and has_more and items and items[-1]["id"] == self.position.cursor:
            raise ListBroken("Stripe showed the same page twice.")
        if items:
            self._move(items)
        if has_more and items:
            self._again = self._again and not fresh
        elif self._again and not fresh:
            if has_more:
                raise ListBroken("Stripe says that there is more, but shows an empty page.")
            self.done = True
        elif self._again or paged or has_more or expects_more(self.position.oldest):
            self._look_again()
        else:
            self.done = True
        return fresh

    def recover(self, param: str) -> bool:
        """The object under the cursor was deleted: begin a fresh chain."""
        if param != "starting_after" or not self.position.cursor:
            return False
        self._fresh_chain()
        return True

    def split(self, now: int) -> tuple[int, int] | None:
        """The second reached, and the one in the middle of the rest: both neighbours read a boundary's second."""
        oldest, first, bottom = self.position.oldest, self._first, self.created_from
        if not self.created_filter or self._again or self.done or oldest is None or first is None:
            return None
        span = first - oldest
        if self._read < 2 * PAGE or span < SHORT:
            return None
        if bottom is None:
            # The beginning isn't known: as far again as from today, so that few windows are empty.
            middle = oldest - max(4 * span, now - oldest)
            return (oldest, middle) if middle > 0 else None
        worth = self._read / span * (oldest - bottom) >= WORTH_SPLITTING
        return (oldest, (oldest + bottom) // 2) if worth and oldest - bottom >= 2 else None

    def _unseen(self, items: list[Item]) -> list[Item]:
        return [item for item in items if item["id"] not in self.position.ids_at_oldest]

    def _move(self, items: list[Item]) -> None:
        last, before = items[-1], self.position
        oldest = second_of(last) if self.created_filter else None
        ids = frozenset(item["id"] for item in items if oldest is None or second_of(item) == oldest)
        if oldest is not None and oldest == before.oldest:
            ids |= before.ids_at_oldest
        self._first = second_of(items[0]) if self._first is None else self._first
        self._read += len(items)
        self.position = Position(last["id"], before.chain_to, oldest, ids)

    def _look_again(self) -> None:
        self._again = True
        if self.created_filter and self.position.oldest is not None:
            self._fresh_chain()

    def _fresh_chain(self) -> None:
        """From the last second seen (or from the start), without a cursor."""
        at = self.position
        chain_to = at.chain_to if at.oldest is None else at.oldest
        self.position = Position("", chain_to, at.oldest, at.ids_at_oldest)


class BelowParents:
    """The lists below one parent after the other, in the order of the parents' ids."""

    def __init__(self, path: str, parents: Callable[[str], list[str]], *, after: str = "") -> None:
        self.path = path
        self.done = False
        # Gives the next parents after an id.
        self._parents = parents
        self._waiting: list[str] = []
        self._last_read = after
        self._parent = ""
        self._chain: Chain | None = None

    @property
    def position(self) -> Position:
        """After the last parent that was read to its end."""
        return Position(self._last_read)

    def request(self) -> Request | None:
        """The next page below this parent, or the first one below the next."""
        if self._chain is None:
            self._waiting = self._waiting or self._parents(self._last_read)
            if not self._waiting:
                self.done = True
                return None
            self._parent = self._waiting.pop(0)
            self._chain = Chain(self.path.format(parent=self._parent), {}, created_filter=False)
        return self._chain.request()

    def take(self, items: list[Item], has_more: bool, expects_more: Callable[[int | None], bool]) -> list[Item]:
        """Take a page of this parent's list."""
        assert self._chain is not None
        fresh = self._chain.take(items, has_more, lambda _: False)
        if self._chain.done:
            self._next_parent()
        return fresh

    def recover(self, param: str) -> bool:
        """A parent that was deleted has no list any more; what lay below it is known from its own deletion."""
        if self._chain is None or not self._chain.recover(param):
            self._next_parent()
        return True

    def split(self, now: int) -> tuple[int, int] | None:
        """Never: ranges of parents are made beforehand."""
        return None

    def _next_parent(self) -> None:
        self._last_read, self._chain = self._parent, None


class OneByOne:
    """Objects that no list shows, each at its own address, in the order of their ids."""

    def __init__(self, path: str, ids: Callable[[str], list[str]], *, after: str = "") -> None:
        self.path = path
        self.done = False
        # Gives the next ids after one.
        self._ids = ids
        self._waiting: list[str] = []
        self._asked = self._read = after

    @property
    def position(self) -> Position:
        """After the last object that was read."""
        return Position(self._read)

    def request(self) -> Request | None:
        """The next object's address."""
        self._waiting = self._waiting or self._ids(self._asked)
        if not self._waiting:
            self.done = True
            return None
        self._asked = self._waiting.pop(0)
        return f"{self.path}/{self._asked}", {}

    def take(self, items: list[Item], has_more: bool, expects_more: Callable[[int | None], bool]) -> list[Item]:
        """Take the object."""
        self._read = self._asked
        return items

    def recover(self, param: str) -> bool:
        """Stripe hasn't it either: on to the next."""
        self._read = self._asked
        return True

    def split(self, now: int) -> tuple[int, int] | None:
        """Never."""
        return None
