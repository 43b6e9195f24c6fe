"""The sandbox's clock, asked by many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.sandbox.clock import Clock


def test_time_that_is_held_for_one_thing_goes_on_for_everybody_else() -> None:
    clock = Clock()
    clock.set(1_000)
    with ThreadPoolExecutor(1) as other, clock.held_at(10):
        assert (clock.now(), other.submit(clock.now).result()) == (10, 1_000)
        with clock.follow("clock_1", 20):
            assert (clock.now(), clock.real(), clock.test_clock) == (20, 10, "clock_1")
            assert other.submit(lambda: (clock.now(), clock.real(), clock.test_clock)).result() == (1_000, 1_000, None)
    assert (clock.now(), clock.test_clock) == (1_000, None)
