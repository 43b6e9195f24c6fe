"""Runs inside the project's settings: asks for the pages that staff live in and prints what each took, a JSON a line.

`python -m tests.bench.pages_probe [list …]`: every list, or those of the models named; then the other pages. With
`--in-turn` it first prints which pages there are, then waits before each for its number on a line.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import django

django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.admin.views.main import ORDER_VAR  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from stripe_mirror.models import Customer  # noqa: E402
from tests.bench.fill_people import Person  # noqa: E402
from tests.bench.pages import IN_TURN  # noqa: E402
from tests.bench.pages_plans import complaints  # noqa: E402

RUNS = 5
DEEP = 10_000
# The first customer has far too many of everything; the others are usual.
CUSTOMERS = {"busy": Person(0), "usual": Person(37), "new": Person(991)}


@dataclass(frozen=True)
class Case:
    """What is asked of a page: of a list a filter, an order, a search."""

    page: str
    case: str
    url: str
    # Each time as if it hadn't been asked before.
    forget: bool = False


@dataclass
class Asked:
    """One page: the fastest of some runs in milliseconds, what it cost, and what is wrong with its plans."""

    page: str
    case: str
    url: str
    ms: float = 0
    in_database: float = 0
    # Of this process, SQLite's work among it: what a busy machine doesn't blur.
    cpu: float = 0
    queries: int = 0
    kilobytes: float = 0
    # As counted, and as shown; for lists.
    rows: int = 0
    shown: int = 0
    plans: list[str] = field(default_factory=list)


class Browser:
    """A superuser's client that measures."""

    def __init__(self) -> None:
        self.client = Client(headers={"accept-encoding": "identity"}, SERVER_NAME="127.0.0.1")
        self.client.force_login(User.objects.get(username="bench"))
        self.statements: list[tuple[str, Any, float]] = []

    def _record(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.statements.append((sql, params, 1000 * (time.perf_counter() - started)))

    def get(self, url: str) -> Any:
        self.statements.clear()
        answer = self.client.get(url, secure=True)
        if answer.status_code != 200:
            raise SystemExit(f"{url} answered {answer.status_code}.")
        return answer

    def ask(self, case: Case) -> Asked:
        """Ask some times; the first only warms up, and helps the others unless they are to forget what it found."""
        asked = Asked(case.page, case.case, case.url)
        times = []
        with connection.execute_wrapper(self._record):
            answer = self.get(case.url)
            for _ in range(RUNS):
                if case.forget:
                    cache.clear()
                started, worked = time.perf_counter(), time.process_time()
                answer = self.get(case.url)
                took, worked = time.perf_counter() - started, time.process_time() - worked
                times.append((1000 * took, sum(ms for _, _, ms in self.statements), 1000 * worked))
        asked.ms, asked.in_database, asked.cpu = map(min, zip(*times, strict=True))
        changelist = (answer.context_data or {}).get("cl")
        if ignored := getattr(changelist, "ignored", ()):
            raise SystemExit(f"{case.url} is not what it seems: {' '.join(ignored)}")
        asked.rows = getattr(changelist, "result_count", 0)
        asked.shown = len(getattr(changelist, "result_list", ()))
        asked.queries = len(self.statements)
        asked.kilobytes = len(gzip.compress(answer.content, 6)) / 1000
        asked.plans = complaints(self.statements)
        return asked


def lists(browser: Browser, wanted: list[str]) -> Iterator[Case]:
    """The lists that hold something."""
    for model, shown in admin.site._registry.items():
        if (not wanted or model._meta.model_name in wanted) and model._default_manager.count() > 3:
            yield from one_list(browser, model, shown)


def one_list(browser: Browser, model: Any, shown: Any) -> Iterator[Case]:
    """Its first and a deep page, each filter, each ordering both ways, and searches."""
    name, url = (
        str(model._meta.model_name),
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
    )
    first = browser.get(url)
    changelist = first.context_data["cl"]
    deep = deepest(model, shown)
    cases = {"first page": "", f"page {DEEP:,}": f"?p={deep}"}
    if deep > 2:
        cases["the page after the one before it"] = browser.get(f"{url}?p={deep - 1}").context_data["cl"].next_page
    cases |= filters(changelist) | orderings(changelist) | searches(model, changelist)
    if deep == DEEP:
        yield Case(name, f"page {DEEP:,}, for the first time", f"{url}?p={deep}", forget=True)
    for case, query in cases.items():
        yield Case(name, case, url + query)
        if ": " in case:
            rows = browser.get(url + query).context_data["cl"].result_count
            if rows > shown.list_per_page:
                yield Case(name, f"{case}, deep", f"{url}{query}&p={rows // shown.list_per_page}")


def deepest(model: Any, shown: Any) -> int:
    """Page 10,000, or the last one."""
    last = -(-model._default_manager.count() // shown.list_per_page)
    return min(DEEP, last)


def filters(changelist: Any) -> dict[str, str]:
    """Each choice of each filter."""
    found = {}
    for spec in changelist.filter_specs:
        if getattr(spec, "is_range", False):
            found |= ranges(spec)
            continue
        for choice in list(spec.choices(changelist))[1:]:
            found[f"{spec.title}: {choice['display']}"] = str(choice["query_string"])
    return found


def ranges(spec: Any) -> dict[str, str]:
    """A month of some time ago, and everything since then."""
    names = [str(name) for name in spec.expected_parameters()]
    today = timezone.now().date()
    first, last = today - timedelta(days=400), today - timedelta(days=370)
    if len(names) < 2 or "from" not in names[0]:
        return {}
    return {
        f"{spec.title}: a month": f"?{names[0]}={first}&{names[1]}={last}",
        f"{spec.title}: since": f"?{names[0]}={last}",
    }


def orderings(changelist: Any) -> dict[str, str]:
    """Each heading that can be clicked, up and down, and deep in it."""
    found = {}
    last = deepest(changelist.model, changelist.model_admin)
    for header in changelist.headers:
        for name in parse_qs(header.url.removeprefix("?")).get(ORDER_VAR, ()):
            field = name.removeprefix("-")
            found |= {f"by {field}, {word}": f"?o={sign}{field}" for word, sign in (("up", ""), ("down", "-"))}
            found[f"by {field}, up, page {DEEP:,}"] = f"?o={field}&p={last}"
    return found


def searches(model: Any, changelist: Any) -> dict[str, str]:
    """What people type into the list's box, where it has one."""
    boxed = changelist.search_fields or getattr(changelist.model_admin, "search_exact", ())
    return {f"search {word}": f"?{urlencode({'q': term})}" for word, term in terms(model).items()} if boxed else {}


def terms(model: Any) -> dict[str, str]:
    """Part of an email, of a name, an id; what many have, and what nobody has."""
    person, row = Person(337), model._default_manager.order_by("pk")[3]
    return {
        "email part": person.email[2:-9],
        "email": person.email.upper(),
        "name part": person.name.split()[1][1:],
        "id": str(row.pk),
        "customer's id": person.id,
        "what many have": "example.com",
        "what nobody has": "qqzzqq",
    }


def others() -> Iterator[Case]:
    """Customers' pages, the home page and the search box."""
    for word, person in CUSTOMERS.items():
        if Customer.objects.filter(pk=person.id).exists():
            yield Case("customer page", word, reverse("admin:stripe_mirror_customer_change", args=[person.id]))
    yield Case("home", "", reverse("admin:index"))
    for word, term in terms(Customer).items():
        yield Case("search box", word, f"{reverse('find')}?{urlencode({'q': term})}")


def everything(browser: Browser, wanted: list[str]) -> Iterator[Case]:
    """The lists, and without a choice among them the other pages."""
    yield from lists(browser, wanted)
    if not wanted:
        yield from others()


def wished(cases: Iterable[Case]) -> Iterator[Case]:
    """Those whose numbers are written to the standard input, after all were printed."""
    found = list(cases)
    print(json.dumps([asdict(case) for case in found]), flush=True)
    for line in sys.stdin:
        yield found[int(line)]


if __name__ == "__main__":
    browser, words = Browser(), [word for word in sys.argv[1:] if word != IN_TURN]
    cases = everything(browser, words)
    for case in wished(cases) if IN_TURN in sys.argv else cases:
        print(json.dumps(asdict(browser.ask(case))), flush=True)
