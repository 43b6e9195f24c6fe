"""Lists in a real Chromium: columns that stay chosen, saved views, chips, suggestions and totals, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from stripe_mirror.admin import display
from stripe_mirror.models import Invoice
from tests.admin import rows

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]

URL = display.list_url(Invoice)


@pytest.fixture
def invoices(chromium: Browser, live_server: Any) -> Iterator[Page]:
    """The list of three invoices of two customers, for a superuser; an error in its scripts fails the test."""
    rows.customer(metadata={})
    rows.customer("cus_Bob", name="Bob & Sons", email="bob@example.com")
    rows.invoice("in_open", status="open", number="A-1", metadata={"project": "apollo"})
    rows.invoice("in_paid", number="A-2", total=5_000)
    rows.invoice("in_bob", number="B-1", customer="cus_Bob", total=700, currency="jpy")
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(URL)
    yield page
    context.close()
    assert errors == []


def headings(page: Page) -> list[str]:
    return [text.strip(" ↑↓") for text in page.locator("#result_list thead th").all_inner_texts() if text.strip()]


def test_columns_are_chosen_by_keyboard_and_stay_after_a_reload(invoices: Page) -> None:
    invoices.get_by_role("link", name="Columns").focus()
    invoices.keyboard.press("Enter")
    dialog = invoices.get_by_role("dialog", name="Columns")
    expect(dialog.get_by_role("checkbox", name="Number")).to_be_focused()
    # The number goes below the customer.
    dialog.get_by_role("button", name="Move Number down").focus()
    invoices.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Move Number down")).to_be_focused()
    expect(dialog.get_by_role("status")).to_have_text("Number: place 2")
    dialog.get_by_role("checkbox", name="Billing reason").focus()
    invoices.keyboard.press("Space")
    dialog.get_by_label("Key of the metadata").fill("project")
    dialog.get_by_role("button", name="Add").press("Enter")
    expect(dialog.get_by_role("checkbox", name="project")).to_be_checked()
    dialog.get_by_role("button", name="Save").press("Enter")
    expect(invoices.locator("#result_list")).to_contain_text("apollo")
    assert headings(invoices)[:2] == ["Customer", "Number"]
    assert headings(invoices)[-2:] == ["Billing reason", "project"]
    invoices.goto(URL)
    assert headings(invoices)[:2] == ["Customer", "Number"]
    # Escape leaves everything as it is, and focus where it was.
    invoices.get_by_role("link", name="Columns").press("Enter")
    expect(dialog).to_be_visible()
    invoices.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(invoices.get_by_role("link", name="Columns")).to_be_focused()


def test_a_customer_is_chosen_by_keyboard_saved_as_a_view_and_removed_by_its_chip(invoices: Page) -> None:
    invoices.locator("summary", has_text="Customer").first.press("Enter")
    box = invoices.get_by_role("combobox", name="Customer")
    expect(box).to_be_focused()
    box.press_sequentially("bob")
    expect(invoices.get_by_role("option", name="Bob & Sons")).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(box).to_be_visible()
    box.press_sequentially("@ex")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    box.press("Enter")
    chip = invoices.get_by_role("link", name="Remove Customer: Bob & Sons")
    expect(chip).to_be_visible()
    expect(invoices.locator("#result_list tbody tr")).to_have_count(1)
    assert "customer=cus_Bob" in invoices.url

    invoices.locator("summary", has_text="Save view").press("Enter")
    invoices.get_by_label("Name").fill("Bob's")
    invoices.get_by_label("Name").press("Enter")
    expect(invoices.get_by_role("navigation", name="Views").get_by_role("link", name="Bob's")).to_have_attribute(
        "aria-current", "page"
    )
    expect(invoices.locator(".sm-unsaved")).to_have_count(0)
    chip.press("Enter")
    expect(invoices.locator("#result_list tbody tr")).to_have_count(3)
    expect(invoices.locator(".sm-unsaved")).to_be_visible()
    invoices.get_by_role("navigation", name="Views").get_by_role("link", name="Bob's").press("Enter")
    expect(invoices.locator("#result_list tbody tr")).to_have_count(1)


def test_sums_appear_beside_the_list_per_currency(invoices: Page) -> None:
    invoices.get_by_role("link", name="Sum up").press("Enter")
    totals = invoices.locator("#totals")
    expect(totals.get_by_role("row", name="JPY")).to_contain_text("¥700")
    expect(totals.get_by_role("row", name="USD")).to_contain_text("$79.00")
    assert invoices.url.endswith(URL)


def test_lists_work_without_scripts(chromium: Browser, invoices: Page, live_server: Any) -> None:
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies(invoices.context.cookies())  # type: ignore[arg-type]
    plain = context.new_page()
    plain.goto(URL)
    plain.locator("summary", has_text="Customer").first.click()
    plain.fill("input[name=customer]", "cus_Bob")
    plain.locator("details[open] button[type=submit]").click()
    assert plain.locator("#result_list tbody tr").count() == 1
    plain.get_by_role("link", name="Columns").click()
    plain.get_by_role("checkbox", name="Billing reason").check()
    plain.get_by_role("button", name="Move Number down").click()
    plain.get_by_role("button", name="Save").click()
    assert headings(plain)[:2] == ["Customer", "Number"]
    assert "customer=cus_Bob" in plain.url
    plain.get_by_role("link", name="Sum up").click()
    assert plain.get_by_role("row", name="JPY").is_visible()
    context.close()
