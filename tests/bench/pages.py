"""The pages that staff live in, in process, at a thousand customers and at a million: time, queries, size and plans.

`BENCH_FILLED` may name large databases that `tests.bench.fill` has filled (addresses as in DATABASE_URL, separated by
spaces); then they are measured, and nothing is filled. All figures of all pages stand in bench-results/pages-….json.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Self

from tests.bench.databases import databases, migrate
from tests.bench.figures import Figure
from tests.bench.processes import ROOT, environment, run

SMALL, LARGE, LARGE_QUICK = 1_000, 1_000_000, 5_000
# What must hold: against the same page at a thousand customers; of lists; milliseconds of other pages.
RATIO, QUERIES, KILOBYTES = 1.5, 12, 40
# By which two runs of the same page differ, in milliseconds: a page of 13 that takes 20 has not become slow.
NOISE = 10
# With it `tests.bench.pages_probe` waits for its turns.
IN_TURN = "--in-turn"
AT_MOST = {"customer page": 150, "home": 100, "search box": 200}
# The search box asks each kind of object; what counts is how long that takes.
MOST_QUERIES = {"customer page": 25, "home": 25, "search box": 40}
FIRST, FIRST_TIME = "first page", ", for the first time"
Asked = dict[str, Any]


def pages(*, quick: bool) -> Iterator[Figure]:
    """Per database: each list's worst, customers' pages, home and the search box; then what breaks a promise."""
    for database, fresh in databases().items():
        given = given_to(database)
        with filled(fresh(), SMALL) as few, given or filled(fresh(), LARGE_QUICK if quick else LARGE) as many:
            small, large = in_turn(few, many)
        keep(database, small, large)
        yield from compared(database, small, large)


@contextmanager
def filled(database: AbstractContextManager[str], customers: int) -> Iterator[str]:
    """The address of a database with so many customers and all that belongs to them."""
    with database as url:
        run("-m", "tests.bench.fill", str(customers), env=environment(url))
        yield url


def given_to(database: str) -> AbstractContextManager[str] | None:
    """The large database that was filled before."""
    for url in os.environ.get("BENCH_FILLED", "").split():
        if url.startswith(database[:6]):
            migrate(url)
            return nullcontext(url)
    return None


class Probe:
    """A process that measures pages over one database, each when it is told to."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-m", "tests.bench.pages_probe", IN_TURN]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment(url), stdin=pipe, stdout=pipe, text=True)
        found = json.loads(self._line())
        self.cases = {(one["page"], one["case"]): number for number, one in enumerate(found)}

    def ask(self, case: tuple[str, str]) -> Asked:
        """What the page took."""
        assert self.process.stdin
        self.process.stdin.write(f"{self.cases[case]}\n")
        self.process.stdin.flush()
        asked: Asked = json.loads(self._line())
        return asked

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("A page could not be measured; why is said above.")
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.kill()
        self.process.wait()


def in_turn(few: str, many: str) -> tuple[list[Asked], list[Asked]]:
    """What every page took over the one database and over the other, one right after the other.

    A machine is faster in one minute than in the next by more than what is to be found.
    """
    small, large = [], []
    with Probe(few) as by_few, Probe(many) as by_many:
        for case in by_many.cases:
            if case in by_few.cases:
                small.append(by_few.ask(case))
            large.append(by_many.ask(case))
    return small, large


def keep(database: str, small: list[Asked], large: list[Asked]) -> None:
    """Everything, for whoever looks for a cause."""
    folder = ROOT / "bench-results"
    folder.mkdir(exist_ok=True)
    (folder / f"pages-{database}.json").write_text(json.dumps({"small": small, "large": large}, indent=1))


def compared(database: str, small: list[Asked], large: list[Asked]) -> Iterator[Figure]:
    """Figures, and a line on the terminal for each promise that doesn't hold."""
    by_page: dict[str, list[Asked]] = {}
    for one in large:
        one["ratio"] = one["ms"] / base(one, small) if one["page"] not in AT_MOST else 0
        by_page.setdefault(one["page"], []).append(one)
    for page, asked in by_page.items():
        worst = max(asked, key=lambda one: float(one["ms" if page in AT_MOST else "ratio"]))
        case = f"{page}: {worst['case']}" if worst["case"] else page
        yield Figure("pages", database, case, "slowest" if page in AT_MOST else "worst ratio", worst["ms"], "ms")
        if page not in AT_MOST:
            yield Figure("pages", database, case, "of a million to a thousand", worst["ratio"], "×")
    yield from totals(database, large)
    for one in large:
        for line in broken(one):
            print(f"{database}: {one['page']}, {one['case'] or 'as it opens'}: {line}")


def base(one: Asked, small: list[Asked]) -> float:
    """Milliseconds of the same page at a thousand customers, if it shows as many rows.

    What few have is empty there, and an empty page compares with no full one: then it is the list's own first page
    that the page is held against, and where that isn't full either, a usual full page of any list.
    """
    case = one["case"].removesuffix(FIRST_TIME)
    of_list = {other["case"]: other for other in small if other["page"] == one["page"]}
    for like in (of_list.get(case), of_list.get(FIRST)):
        if like and like["shown"] >= one["shown"]:
            return float(like["ms"])
    full = [other["ms"] for other in small if other["case"] == FIRST and other["shown"] >= one["shown"]]
    return statistics.median(full) if full else float(one["ms"])


def totals(database: str, asked: list[Asked]) -> Iterator[Figure]:
    """Over all lists."""
    lists = [one for one in asked if one["page"] not in AT_MOST]
    yield Figure("pages", database, "all lists", "most queries", max(one["queries"] for one in lists), "")
    yield Figure("pages", database, "all lists", "largest page, gzipped", max(one["kilobytes"] for one in lists), "KB")
    slow = sum(is_slower(one) for one in lists)
    yield Figure("pages", database, f"of {len(lists)} pages of lists", f"over {RATIO} ×", slow, "")
    scans = sum(bool(one["plans"]) for one in lists)
    yield Figure("pages", database, f"of {len(lists)} pages of lists", "that scan or sort a table", scans, "")


def is_slower(one: Asked) -> bool:
    """Than it may be."""
    return bool(one["ratio"] > RATIO and one["ms"] - one["ms"] / one["ratio"] > NOISE)


def broken(one: Asked) -> Iterator[str]:
    """What doesn't hold of a page."""
    if limit := AT_MOST.get(one["page"]):
        if one["ms"] > limit:
            yield f"{one['ms']:.0f} ms, more than {limit}"
    elif is_slower(one):
        yield f"{one['ratio']:.1f} × ({one['ms']:.0f} ms, {one['in_database']:.0f} in the database)"
    if one["queries"] > MOST_QUERIES.get(one["page"], QUERIES):
        yield f"{one['queries']} queries"
    if one["page"] not in AT_MOST and one["kilobytes"] > KILOBYTES:
        yield f"{one['kilobytes']:.0f} KB"
    yield from one["plans"]
