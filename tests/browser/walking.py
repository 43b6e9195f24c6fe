"""Every page of the back office that links lead to, each view once: new pages are found by themselves."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve
from playwright.sync_api import Page

# They end the session, or answer with something that is no page.
NO_PAGES = {"admin:logout", "admin:jsi18n", "admin:autocomplete", "set_language"}
# Of a page: where its links lead, in the order in which they stand.
LINKS = "[...document.querySelectorAll('a[href]')].map((a) => a.href)"


def view_of(url: str) -> tuple[str, str] | None:
    """What tells a page from others: its view, and its operation; None for what is no page of ours."""
    path = urlsplit(url).path
    try:
        match = resolve(path)
    except Resolver404:
        return None
    if not path.startswith("/admin/") or not match.view_name or match.view_name in NO_PAGES:
        return None
    return match.view_name, str(match.kwargs.get("name", ""))


def walk(page: Page, start: str, *, most: int = 1000) -> Iterator[str]:
    """Open one page of each view, beginning with `start`; yields its address while it is open."""
    waiting, known = deque([start]), {view_of(start)}
    found = 0
    while waiting and found < most:
        url = waiting.popleft()
        head = page.request.get(url, max_redirects=0)
        assert head.status < 400, f"{url} answers {head.status}"
        if head.status != 200 or "text/html" not in head.headers.get("content-type", ""):
            continue
        page.goto(url)
        found += 1
        links = page.evaluate(LINKS)
        yield url
        for link in links:
            link = link.split("#")[0]
            view = view_of(link)
            if urlsplit(link).netloc == urlsplit(start).netloc and view and view not in known:
                known.add(view)
                waiting.append(link)
