"""Find anything in a real browser, by keyboard alone: each kind of query, a missing object, and what is said."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.running_demo import RunningDemo, eventually
from tests.browser.test_circle import log_in

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture
def signed_in(demo: RunningDemo, page: Page) -> Page:
    log_in(page, demo, "support")
    return page


def ask(page: Page, query: str) -> None:
    """Open the box, and wait for what it finds."""
    page.keyboard.press("Control+k")
    page.keyboard.press("Control+a")
    page.keyboard.type(query)
    expect(page.locator("#sm-find-input")).to_have_value(query)
    expect(page.locator("#sm-find [role=option]").first).to_be_visible()
    expect(page.locator("#sm-find")).not_to_have_class(re.compile("sm-find-asking"))


def test_each_kind_of_query_leads_to_its_object_by_keyboard(demo: RunningDemo, signed_in: Page) -> None:
    page, known = signed_in, {"name": "Zora Neale Quill", "email": "zora@quill.example", "phone": "+49 (30) 555-7788"}
    customer = demo.post("/v1/customers", **known, **{"metadata[crm]": "Q-4711"})
    target = re.compile(f"/customer/{customer['id']}/change/$")
    queries = (
        customer["id"],
        f"https://dashboard.stripe.com/test/customers/{customer['id']}?x#y",
        "ORA@quill",
        "neale qu",
        "030 5557788",
        "q-47",
    )
    there = f"{demo.admin}/admin/find/?q={customer['id']}"
    eventually(lambda: page.goto(there) and page.locator("a.sm-find-hit").count(), seconds=30, what="the webhook")
    for query in queries:
        page.goto(f"{demo.admin}/admin/")
        ask(page, query)
        expect(page.locator("#sm-find [role=option]").first).to_contain_text("Zora Neale Quill")
        page.keyboard.press("Enter")
        page.wait_for_url(target)


def test_money_cards_and_numbers_are_found(demo: RunningDemo, signed_in: Page) -> None:
    page = signed_in
    charge = next(row for row in demo.truth("charge") if row["currency"] == "usd" and row["payment_intent"])
    invoice = next(row for row in demo.truth("invoice") if row["number"])
    for query, kind in (
        (f"${charge['amount'] / 100:.2f}", "paymentintent"),
        (charge["payment_method_details"]["card"]["last4"], "paymentmethod"),
        (invoice["number"], "invoice"),
    ):
        page.goto(f"{demo.admin}/admin/")
        ask(page, query)
        expect(page.locator(f"#sm-find a[role=option][href*='/stripe_mirror/{kind}/']").first).to_be_visible()


def test_the_box_is_a_combobox_that_keeps_focus_and_says_what_it_found(demo: RunningDemo, signed_in: Page) -> None:
    page = signed_in
    page.goto(f"{demo.admin}/admin/stripe_mirror/customer/")
    page.keyboard.press("/")
    box, options = page.get_by_role("combobox", name="Find anything"), page.locator("#sm-find [role=option]")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("example")
    expect(options.nth(1)).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(box).to_have_attribute("aria-activedescendant", options.nth(0).get_attribute("id") or "")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id") or "")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    expect(page.locator("[data-find-said]")).to_have_text(re.compile(r"^\d+ results$"))
    for _ in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#sm-find')")
    page.keyboard.press("Escape")
    expect(page.locator("#sm-find")).to_be_hidden()


def test_what_fails_is_said_and_can_be_tried_again(demo: RunningDemo, signed_in: Page) -> None:
    page = signed_in
    page.goto(f"{demo.admin}/admin/")
    page.route("**/admin/find/lines/**", lambda route: route.abort())
    page.keyboard.press("Control+k")
    page.keyboard.type("example")
    expect(page.get_by_text("The search did not answer.")).to_be_visible()
    page.unroute("**/admin/find/lines/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#sm-find [role=option]").first).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type("nobody of this name")
    expect(page.locator("[data-find-said]")).to_contain_text("Nothing found")
    page.keyboard.press("Control+a")
    page.keyboard.type("cus_NotThere1")
    expect(page.locator("#sm-find [role=option]")).to_contain_text("Fetch from Stripe")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Stripe has no customer cus_NotThere1")).to_be_visible()


def test_without_scripts_it_is_a_page(demo: RunningDemo, signed_in: Page) -> None:
    browser = signed_in.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False, storage_state=signed_in.context.storage_state())
    page = plain.new_page()
    page.goto(f"{demo.admin}/admin/")
    page.get_by_role("link", name="Find anything").click()
    page.get_by_role("searchbox", name="Find anything").fill("example")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("a.sm-find-hit").first).to_be_visible()
    plain.close()


def test_the_empty_box_shows_what_was_visited_until_one_logs_out(demo: RunningDemo, signed_in: Page) -> None:
    page, ids = signed_in, [row["id"] for row in demo.truth("customer")[:3]]
    for id in ids:
        page.goto(f"{demo.admin}/admin/stripe_mirror/customer/{id}/change/")
    page.keyboard.press("Control+k")
    options = page.locator("#sm-find [role=option]")
    # The newest first, without the page that is open.
    expect(options).to_have_count(2)
    assert [href.split("/")[-3] for href in options.evaluate_all("all => all.map((a) => a.pathname)")] == ids[1::-1]
    expect(page.locator("[data-find-said]")).to_have_text("2 recently visited")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{ids[0]}/change/")
    stored = page.evaluate("JSON.stringify(Object.entries(localStorage).filter(([name]) => name.includes('visited')))")
    assert ids[0] in stored and demo.truth("customer")[0]["name"] not in stored
    page.evaluate("document.getElementById('logout-form').requestSubmit()")
    page.wait_for_url("**/logout/")
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.includes('visited'))") == []
