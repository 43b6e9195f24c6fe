"""How a list is read to its end: against a list that may lie, repeat itself or lose what the cursor stands on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_mirror.pull.windows import BelowParents, Chain, ListBroken, OneByOne, Position


class Stripe:
    """A list of objects, newest first, as Stripe pages it."""

    def __init__(self, seconds: list[int], *, limit: int = 100) -> None:
        ordered = sorted(enumerate(seconds), key=lambda pair: -pair[1])
        self.rows = [{"id": f"o{number}", "created": second} for number, second in ordered]
        self.limit = limit
        self.asked: list[dict[str, Any]] = []

    def page(self, params: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
        self.asked.append(params)
        window = params.get("created", {})
        low, high = window.get("gte", -1), window.get("lte", 10**12)
        rows = [row for row in self.rows if low <= row["created"] <= high]
        if after := params.get("starting_after"):
            rows = rows[[row["id"] for row in rows].index(after) + 1 :]
        return rows[: self.limit], len(rows) > self.limit


def read(chain: Chain, stripe: Stripe, *, holds: bool = False) -> list[str]:
    """To its end; the ids in the order in which they came."""
    seen = []
    for _ in range(1000):
        if chain.done:
            return seen
        request = chain.request()
        assert request is not None
        items, more = stripe.page(request[1])
        seen += [item["id"] for item in chain.take(items, more, lambda _: holds)]
    raise AssertionError("It never ends.")


def test_small_list_costs_one_call() -> None:
    stripe = Stripe([5, 5, 3])
    assert len(read(Chain("/v1/x", {}), stripe)) == 3
    assert stripe.asked == [{}]


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 7), st.data())
def test_every_object_is_seen_once_whatever_their_seconds(seconds: list[int], limit: int, data: st.DataObject) -> None:
    stripe = Stripe(seconds, limit=limit)
    seen = read(Chain("/v1/x", {}), stripe)
    assert sorted(seen) == sorted(row["id"] for row in stripe.rows)


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 7), st.integers(0, 10))
def test_whoever_goes_on_from_a_stored_position_misses_nothing(seconds: list[int], limit: int, stop: int) -> None:
    """S13: what a killed process had stored, and the rest, are everything, and nothing comes twice."""
    stripe, chain, seen = Stripe(seconds, limit=limit), Chain("/v1/x", {}), []
    for _ in range(stop):
        if not chain.done:
            items, more = stripe.page((chain.request() or ("", {}))[1])
            seen += [item["id"] for item in chain.take(items, more, lambda _: False)]
    again = Chain("/v1/x", {}, position=chain.position)
    seen += [] if chain.done else read(again, stripe)
    assert sorted(seen) == sorted(row["id"] for row in stripe.rows)


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=3, max_size=40), st.integers(1, 4), st.integers(1, 10))
def test_a_cursor_that_is_gone_loses_nothing(seconds: list[int], limit: int, stop: int) -> None:
    stripe, chain, seen = Stripe(seconds, limit=limit), Chain("/v1/x", {}), []
    for _ in range(stop):
        if not chain.done:
            items, more = stripe.page((chain.request() or ("", {}))[1])
            seen += [item["id"] for item in chain.take(items, more, lambda _: False)]
    if not chain.done and chain.position.cursor:
        gone = chain.position.cursor
        stripe.rows = [row for row in stripe.rows if row["id"] != gone]
        assert chain.recover("starting_after")
        assert chain.position.cursor == ""
    seen += read(chain, stripe)
    assert {row["id"] for row in stripe.rows} <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_window_never_changes_under_a_cursor() -> None:
    stripe = Stripe(list(range(350)))
    read(Chain("/v1/x", {"status": "all"}, created_from=20, position=Position(chain_to=300)), stripe)
    chains: list[list[dict[str, Any]]] = []
    for params in stripe.asked:
        if "starting_after" not in params:
            chains.append([])
        chains[-1].append({name: value for name, value in params.items() if name != "starting_after"})
    assert all(params == chain[0] for chain in chains for params in chain)
    assert chains[0][0] == {"status": "all", "created": {"gte": 20, "lte": 300}}


class Lying(Stripe):
    """Answers one call with an empty page, or says that a page is the last one."""

    def __init__(self, seconds: list[int], *, at: int, empty: bool, more: bool) -> None:
        super().__init__(seconds)
        self.at, self.empty, self.more = at, empty, more

    def page(self, params: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
        items, more = super().page(params)
        if len(self.asked) - 1 != self.at:
            return items, more
        return ([] if self.empty else items), self.more


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize(("empty", "more"), [(True, True), (True, False), (False, False)])
def test_a_surprising_end_is_looked_at_again(at: int, empty: bool, more: bool) -> None:
    stripe = Lying(list(range(450)), at=at, empty=empty, more=more)
    assert len(read(Chain("/v1/x", {}), stripe)) == 450


def test_an_empty_first_page_is_doubted_where_the_mirror_holds_something() -> None:
    stripe = Lying([1, 2, 3], at=0, empty=True, more=False)
    assert len(read(Chain("/v1/x", {}), stripe, holds=True)) == 3


def test_a_list_that_promises_more_and_shows_nothing_fails_aloud() -> None:
    chain = Chain("/v1/x", {})
    chain.take([], True, lambda _: False)
    with pytest.raises(ListBroken, match="empty page"):
        chain.take([], True, lambda _: False)


def test_a_list_that_repeats_itself_fails_aloud() -> None:
    chain, page = Chain("/v1/x", {}), [{"id": f"o{n}", "created": 5} for n in range(100)]
    chain.take(page, True, lambda _: False)
    with pytest.raises(ListBroken, match="same page twice"):
        chain.take(page, True, lambda _: False)


def test_both_halves_of_a_cut_window_read_the_seconds_in_between() -> None:
    stripe, chain = Stripe([second // 3 for second in range(6000)]), Chain("/v1/x", {}, created_from=0)
    seen: list[str] = []
    for _ in range(2):
        items, more = stripe.page((chain.request() or ("", {}))[1])
        seen += [item["id"] for item in chain.take(items, more, lambda _: False)]
    cut = chain.split(2000)
    assert cut is not None
    reached, middle = cut
    for low, high in ((middle, reached), (0, middle)):
        seen += read(Chain("/v1/x", {}, created_from=low, position=Position(chain_to=high)), stripe)
    assert set(seen) == {row["id"] for row in stripe.rows}


def test_little_is_not_cut() -> None:
    chain = Chain("/v1/x", {}, created_from=0)
    stripe = Stripe(list(range(300)))
    for _ in range(2):
        chain.take(*stripe.page((chain.request() or ("", {}))[1]), lambda _: False)
    assert chain.split(300) is None


def test_parents_are_read_one_after_the_other_and_their_position_is_the_last_whole_one() -> None:
    below = {"a": [{"id": "1"}], "b": [], "c": [{"id": "2"}, {"id": "3"}]}
    lists = BelowParents("/v1/p/{parent}/x", lambda after: [id for id in below if id > after][:2])
    seen = []
    while (request := lists.request()) is not None:
        parent = request[0].split("/")[3]
        seen += [item["id"] for item in lists.take(below[parent], False, lambda _: False)]
        assert lists.position.cursor == parent
    assert seen == ["1", "2", "3"] and lists.done


def test_a_parent_that_was_deleted_is_passed_by() -> None:
    lists = BelowParents("/v1/p/{parent}/x", lambda after: [id for id in "ab" if id > after])
    assert lists.request() == ("/v1/p/a/x", {})
    assert lists.recover("id")
    assert lists.request() == ("/v1/p/b/x", {})


def test_single_objects_are_read_in_order_and_missing_ones_passed_by() -> None:
    singles = OneByOne("/v1/prices", lambda after: [id for id in ("p1", "p2") if id > after])
    assert singles.request() == ("/v1/prices/p1", {}) and singles.recover("price")
    assert singles.request() == ("/v1/prices/p2", {})
    assert singles.take([{"id": "p2"}], False, lambda _: False) == [{"id": "p2"}]
    assert singles.request() is None and singles.done
