"""Pages in a real Chromium: by keyboard, with forms that grow, and without scripts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from stripe_mirror.admin import display
from tests.admin import rows
from tests.admin.test_live_browser import chromium, page  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def customer_page(page: Page) -> Page:  # noqa: F811
    """The page of a customer with everything around it."""
    made = rows.one_of_each()
    page.goto(display.object_url(made["customer"]))
    return page


def test_tabs_are_walked_by_arrow_keys(customer_page: Page) -> None:
    customer_page.focus("#tab-overview")
    customer_page.keyboard.press("ArrowRight")
    expect(customer_page.locator("#history")).to_be_visible()
    expect(customer_page.locator("#overview")).to_be_hidden()
    customer_page.keyboard.press("End")
    expect(customer_page.locator("#json")).to_be_visible()
    assert json.loads(customer_page.locator("#json pre").inner_text())["id"] == "cus_Ada"


def test_rows_of_metadata_are_added_and_removed(customer_page: Page) -> None:
    keys = customer_page.locator("input[name=metadata-key]")
    before = keys.count()
    customer_page.click("[data-add-row]")
    expect(keys).to_have_count(before + 1)
    expect(keys.last).to_be_focused()
    customer_page.locator("[data-remove-row]").first.click()
    expect(keys).to_have_count(before)
    assert customer_page.input_value("input[name=metadata-key] >> nth=0") == ""


def test_every_clickable_thing_of_a_list_is_reached_by_keyboard(page: Page) -> None:  # noqa: F811
    made = rows.one_of_each()
    page.goto(display.list_url(type(made["subscription"])))
    unreachable = page.evaluate(
        """[...document.querySelectorAll('[x-on\\\\:click]')].filter((e) => e.offsetParent && e.tabIndex < 0
            && !e.querySelector('a[href], button, [tabindex]')).map((e) => e.outerHTML.slice(0, 100))"""
    )
    assert unreachable == []
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Past due")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Past due")).to_be_hidden()


@pytest.mark.parametrize("width", [1440, 400])
def test_no_page_is_wider_than_the_screen_or_asks_another_host(
    page: Page,  # noqa: F811
    live_server: Any,
    width: int,
) -> None:
    made = rows.one_of_each()
    rows.customer("cus_Long", name="L" * 200, email="e" * 200 + "@example.com", metadata={"k" * 40: "v" * 500})
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url) if live_server.url not in request.url else None)
    page.set_viewport_size({"width": width, "height": 900})
    long = type(made["customer"]).objects.get(pk="cus_Long")
    urls = ["/admin/", display.object_url(long), display.list_url(type(long))]
    for url in [*urls, *(display.object_url(row) for row in made.values())]:
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, url
    assert [url for url in foreign if not url.startswith("data:")] == []


def test_pages_work_without_scripts(chromium: Browser, live_server: Any) -> None:  # noqa: F811
    made = rows.one_of_each()
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    plain = context.new_page()
    plain.goto(display.object_url(made["customer"]))
    for part in ("#overview", "#history", "#json", "input[name=phone]", "input[name=metadata-key] >> nth=2"):
        assert plain.is_visible(part), part
    plain.goto(display.list_url(type(made["subscription"])))
    plain.click("summary >> nth=0")
    plain.click("text=Past due")
    assert "status=past_due" in plain.url
    context.close()
