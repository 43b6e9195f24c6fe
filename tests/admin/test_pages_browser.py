"""Pages in a real Chromium: by keyboard, with forms that grow, and without scripts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from stripe_mirror.admin import display
from stripe_mirror.kinds import get_kind
from stripe_mirror.pull.fetch import fetch_now
from tests.admin import rows
from tests.sandbox.testing import RunningSandbox

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def customer_page(page: Page) -> Page:
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
    customer_page.get_by_role("tab", name="Edit").click()
    keys = customer_page.locator("input[name=metadata-key]")
    before = keys.count()
    customer_page.click("[data-add-row]")
    expect(keys).to_have_count(before + 1)
    expect(keys.last).to_be_focused()
    customer_page.locator("[data-remove-row]").first.click()
    expect(keys).to_have_count(before)
    assert customer_page.input_value("input[name=metadata-key] >> nth=0") == ""


def test_every_clickable_thing_of_a_list_is_reached_by_keyboard(page: Page) -> None:
    made = rows.one_of_each()
    page.goto(display.list_url(type(made["subscription"])))
    # Whatever looks as if a click did something: it is a link, a button, an input or a summary, or holds one.
    unreachable = page.evaluate(
        """[...document.querySelectorAll('body *')]
            .filter((e) => getComputedStyle(e).cursor === 'pointer' && e.offsetParent)
            .filter((e) => !e.closest('a[href], button, input, select, label, summary'))
            .filter((e) => !e.querySelector('a[href], button, input'))
            .map((e) => e.outerHTML.slice(0, 100))"""
    )
    assert unreachable == []
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    choice = page.locator(".sm-menu").get_by_role("link", name="Past due")
    expect(choice).to_be_visible()
    page.keyboard.press("Escape")
    expect(choice).to_be_hidden()


@pytest.mark.parametrize("width", [1440, 400])
def test_no_page_is_wider_than_the_screen_or_asks_another_host(
    page: Page,
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


def test_lists_stand_on_a_common_screen_without_scrolling_sideways(page: Page) -> None:
    long = rows.customer("cus_Long", name="L" * 60, email="e" * 60 + "@example.com")
    moment = 1_795_000_000
    rows.price()
    rows.subscription(customer=long.pk, status="trialing", trial_end=moment, created=moment)
    owed = {"currency": "kwd", "total": 1_325_750, "amount_remaining": 1_325_750, "due_date": moment}
    rows.invoice(customer=long.pk, number="CCC83354-0001", status="open", created=moment, **owed)
    page.set_viewport_size({"width": 1440, "height": 900})
    for name in ("customer", "subscription", "invoice"):
        page.goto(f"/admin/stripe_mirror/{name}/")
        assert page.evaluate("(t => t.scrollWidth - t.parentElement.clientWidth)(document.all.result_list)") <= 0, name


def test_the_edit_button_leads_to_the_form_from_every_tab(customer_page: Page) -> None:
    customer_page.click("#tab-history")
    customer_page.get_by_role("link", name="Edit customer").click()
    expect(customer_page.locator("input[name=phone]")).to_be_in_viewport()


def test_an_address_that_names_a_tab_opens_it_on_a_page_that_is_open_already(customer_page: Page) -> None:
    customer_page.goto(f"{customer_page.url}#history")
    expect(customer_page.locator("#history")).to_be_visible()


def test_both_sides_of_a_conflict_can_be_read_on_a_phone_s38(
    page: Page,
    sandbox: RunningSandbox,
) -> None:
    made = sandbox.post("/v1/customers", name="Jane", email="jane.was@example.com")
    fetch_now(get_kind("customer"), made["id"], patient=False)
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(f"/admin/stripe_mirror/customer/{made['id']}/change/")
    sandbox.post(f"/v1/customers/{made['id']}", email="jane.theirs@example.com")
    page.get_by_role("tab", name="Edit").click()
    page.fill("input[name=email]", "jane.mine@example.com")
    page.click("text=Save in Stripe")
    for words in ("jane.theirs@example.com", "Keep theirs", "jane.mine@example.com", "Use mine"):
        box = page.locator(".sm-conflicts").get_by_text(words).bounding_box()
        assert box is not None and box["x"] + box["width"] <= 400, words


def test_pages_work_without_scripts(chromium: Browser, live_server: Any) -> None:
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
    plain.click(".sm-menu >> text=Past due")
    assert "status=past_due" in plain.url
    context.close()
