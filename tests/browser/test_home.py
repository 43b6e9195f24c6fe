"""Home in a real browser, over a demo whose worker computes the figures without anybody asking for it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.running_demo import RunningDemo, eventually
from tests.browser.test_circle import active_subscriptions, log_in

pytestmark = [pytest.mark.browser, pytest.mark.long]


def expansions(page: Page, demo: RunningDemo) -> list[str]:
    """The customers who expanded today in dollars, as home's own list has them."""
    page.goto(f"{demo.admin}/admin/?period=7&currency=usd")
    url = page.locator(".sm-legend a", has_text="Expansion").get_attribute("href")
    page.goto(demo.admin + str(url))
    return page.locator("tbody tr").all_inner_texts()


def test_figures_are_there_by_themselves_and_follow_the_stripe_side(page: Page, demo: RunningDemo) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    log_in(page, demo, "viewer")

    def computed() -> bool:
        page.goto(f"{demo.admin}/admin/?period=12m&currency=usd")
        return page.locator("[data-computing]").count() == 0 and page.locator(".sm-figure").count() > 0

    eventually(computed, seconds=90, what="the first computation")
    expect(page.locator(".sm-figure", has_text="MRR").first).to_contain_text(re.compile(r"\$[1-9]"))
    assert page.locator(".sm-chart svg .sm-s-new").count() >= 3

    # By keyboard: what MRR means, and away again, with the focus where it was.
    what = page.get_by_role("button", name="What is MRR?").first
    what.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#what-mrr")).to_be_visible()
    expect(page.locator("#what-mrr")).to_contain_text("without taxes")
    page.keyboard.press("Escape")
    expect(page.locator("#what-mrr")).not_to_be_visible()
    expect(what).to_be_focused()

    # What one points at is said beside the chart; the table says all of it.
    page.locator(".sm-chart").nth(1).locator(".sm-hit").last.hover()
    expect(page.locator(".sm-readout").nth(1)).to_contain_text("2")
    page.locator(".sm-as-table summary").first.press("Enter")
    expect(page.locator(".sm-as-table td").first).to_be_visible()

    page.set_viewport_size({"width": 400, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.set_viewport_size({"width": 1440, "height": 900})

    before = expansions(page, demo)
    grown = next(s for s in reversed(active_subscriptions(demo)) if is_plain(s))
    item = grown["items"]["data"][0]
    more = {"items[0][id]": item["id"], "items[0][quantity]": str(item["quantity"] + 3)}
    demo.post(f"/v1/subscriptions/{grown['id']}", **more)
    eventually(lambda: len(expansions(page, demo)) > len(before), seconds=120, what="the expansion")
    assert all(url.startswith((demo.admin, "data:")) for url in asked)


def is_plain(subscription: dict[str, Any]) -> bool:
    """One item in dollars, and its collection isn't paused."""
    item = subscription["items"]["data"]
    return subscription["currency"] == "usd" and len(item) == 1 and not subscription["pause_collection"]
