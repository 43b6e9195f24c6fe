"""The back office without a mouse: from the login to a refund; menus open, close and give the focus back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from stripe_mirror.admin import display
from tests.push import paying
from tests.sandbox.testing import RunningSandbox

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]

# The element that has the focus, whether it is a wanted one, and whether one sees that it has it.
FOCUS = """(wanted) => {
    const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
    const marked = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
    const inside = box.bottom > 0 && box.top < innerHeight;
    return { found: element.matches(wanted), marked, inside, html: element.outerHTML.slice(0, 120) };
}"""


@pytest.fixture
def page(chromium: Browser, live_server: Any) -> Iterator[Page]:
    User.objects.create_superuser("root", "root@example.com", "a long password")
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


def tab_to(page: Page, wanted: str, *, most: int = 120) -> None:
    """Press Tab until the wanted element has the focus; on the way one always sees where it is."""
    for _ in range(most):
        focus = page.evaluate(FOCUS, wanted)
        if focus["found"]:
            assert focus["marked"] and focus["inside"], f"the focus can't be seen on {focus['html']}"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} was not reached by Tab on {page.url}; the focus is on {focus['html']}")


def enter(page: Page, wanted: str, leads_to: str) -> None:
    """Go to a link or button and press Enter."""
    tab_to(page, wanted)
    page.keyboard.press("Enter")
    page.wait_for_url(leads_to)


def log_in(page: Page) -> None:
    page.goto("/admin/")
    tab_to(page, "input[name=username]")
    page.keyboard.type("root")
    page.keyboard.press("Tab")
    page.keyboard.type("a long password")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)


def test_a_payment_is_refunded_without_a_mouse(page: Page, sandbox: RunningSandbox) -> None:
    row = paying.paid(sandbox)
    log_in(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    enter(page, f"#nav-sidebar a[href='{display.list_url(type(row))}']", f"**{display.list_url(type(row))}")
    tab_to(page, ".sm-skip")
    page.keyboard.press("Enter")
    enter(page, f"#result_list a[href='{display.object_url(row)}']", f"**{display.object_url(row)}")
    enter(page, "a[href*='/operation/refund_charge/']", "**/operation/refund_charge/")
    tab_to(page, "input[name=amount]")
    page.keyboard.press("Control+A")
    page.keyboard.type("10.00")
    tab_to(page, "[name=reason]")
    page.keyboard.type("Broken on arrival")
    tab_to(page, ".sm-submit button[type=submit]")
    page.keyboard.press("Space")
    page.wait_for_url("**/receipt/**")
    expect(page.locator("body")).to_contain_text("Refund payment: done.")
    assert paying.refunds(sandbox, row) == [(1000, "succeeded")]


def test_menus_open_close_and_give_the_focus_back(page: Page) -> None:
    log_in(page)
    tab_to(page, ".sm-user")
    page.keyboard.press("Enter")
    expect(page.locator(".sm-user-menu")).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.themeChoice") == "light"
    tab_to(page, "[data-theme-choice=dark]")
    page.keyboard.press("Space")
    expect(page.locator("html")).to_have_class("dark")
    expect(page.locator("[data-theme-choice=dark]").first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.locator(".sm-user-menu")).to_be_hidden()
    assert page.evaluate("document.activeElement.matches('.sm-user')")
    page.reload()
    expect(page.locator("html")).to_have_class("dark")
    # One that is left by Tab closes by itself.
    tab_to(page, ".sm-user")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(".sm-user-menu")).to_be_hidden()


def test_the_navigation_of_a_phone_keeps_the_focus_until_it_is_closed(page: Page) -> None:
    log_in(page)
    page.set_viewport_size({"width": 400, "height": 800})
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    tab_to(page, "[data-sidebar-toggle]")
    expect(page.locator("[data-sidebar-toggle]")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(page.locator("[data-sidebar-toggle]")).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#nav-sidebar")).to_be_visible()
    for _ in range(60):
        assert page.evaluate("!document.querySelector('.sm-body').contains(document.activeElement)")
        page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    assert page.evaluate("document.activeElement.matches('[data-sidebar-toggle]')")


def test_rows_are_ticked_and_an_action_chosen_without_a_mouse(page: Page, sandbox: RunningSandbox) -> None:
    row = paying.paid(sandbox)
    log_in(page)
    page.goto(display.list_url(type(row)))
    tab_to(page, f"input.action-select[value='{row.pk}']")
    page.keyboard.press("Space")
    expect(page.locator(".sm-actions-count")).to_contain_text("1 of 1 selected")
    tab_to(page, "select[name=action]")
    page.keyboard.type("Refund")
    tab_to(page, ".sm-actions button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/bulk/**")
    expect(page.locator("#content h2").first).to_contain_text("Refund")
