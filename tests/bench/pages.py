"""The pages that staff live in, in process, at a thousand customers and at a million: time, queries, size and plans.

`BENCH_FILLED` may name large databases that `tests.bench.fill` has filled (addresses as in DATABASE_URL, separated by
spaces); then they are measured, and nothing is filled. All figures of all pages stand in bench-results/pages-….json.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from tests.bench.databases import databases, migrate
from tests.bench.figures import Figure
from tests.bench.processes import ROOT, environment, run

SMALL, LARGE, LARGE_QUICK = 1_000, 1_000_000, 5_000
# What must hold: against the same page at a thousand customers; of lists; milliseconds of other pages.
RATIO, QUERIES, KILOBYTES = 1.5, 12, 40
# By which two runs of the same page differ, in milliseconds: a page of 13 that takes 20 has not become slow.
NOISE = 10
AT_MOST = {"customer page": 150, "home": 100, "search box": 200}
# The search box asks each kind of object; what counts is how long that takes.
MOST_QUERIES = {"customer page": 25, "home": 25, "search box": 40}
FIRST, FIRST_TIME = "first page", ", for the first time"
Asked = dict[str, Any]


def pages(*, quick: bool) -> Iterator[Figure]:
    """Per database: each list's worst, customers' pages, home and the search box; then what breaks a promise."""
    for database, fresh in databases().items():
        small = measured(fresh(), SMALL)
        large = given(database) or measured(fresh(), LARGE_QUICK if quick else LARGE)
        keep(database, small, large)
        yield from compared(database, small, large)


def measured(database: AbstractContextManager[str], customers: int) -> list[Asked]:
    """Filled, then asked for every page."""
    with database as url:
        run("-m", "tests.bench.fill", str(customers), env=environment(url))
        return probed(url)


def given(database: str) -> list[Asked] | None:
    """The pages over a large database that was filled before."""
    for url in os.environ.get("BENCH_FILLED", "").split():
        if url.startswith(database[:6]):
            migrate(url)
            return probed(url)
    return None


def probed(url: str) -> list[Asked]:
    """What every page took."""
    printed = run("-m", "tests.bench.pages_probe", env=environment(url))
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


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
