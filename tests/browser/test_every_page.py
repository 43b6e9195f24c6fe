"""Every page that links lead to: for everybody (axe), within the Content Security Policy, and on a narrow screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from tests.admin import rows
from tests.admin.test_pages import exports_of, ours
from tests.browser.walking import view_of, walk

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]

# Before any script of the page: what the policy refused.
WATCH = """window.refused = [];
addEventListener('securitypolicyviolation', (event) => refused.push(event.violatedDirective + event.blockedURI));"""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
CONTRAST = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
TO_SEE_IN_THE_DARK = 12
# Some of the views that must be among those that are found.
WANTED = (
    "preferences",
    "admin:stripe_mirror_customer_change",
    "admin:auth_user_add",
    "admin:password_change",
    "admin:stripe_mirror_customer_export_dialog",
    "admin:stripe_mirror_customer_everything",
    "exports:index",
    "exports:run",
    "exports:saved",
)


class Findings:
    """What is wrong with the pages of a context; every entry names its page."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.home, self.wrong = home, list[str]()
        self.at = ""
        context.add_init_script(WATCH)
        self.page = context.new_page()
        self.page.on("console", lambda said: self.note(said.text) if said.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.note(str(error)))
        self.page.on("request", lambda request: self.asked(request.url))

    def note(self, what: str) -> None:
        self.wrong.append(f"{self.at or self.page.url}: {what}")

    def asked(self, url: str) -> None:
        if not url.startswith((self.home, "data:")):
            self.note(f"asks {url}")

    def look(self, url: str, *, dark: bool = False) -> None:
        """Judge the page that is open."""
        self.at = url
        for refused in self.page.evaluate("window.refused"):
            self.note(f"the policy refused {refused}")
        self.judge(RULES)
        if dark:
            self.page.evaluate("document.documentElement.className = 'dark'")
            self.judge(CONTRAST)
        self.page.set_viewport_size({"width": 400, "height": 900})
        if (width := self.page.evaluate("document.documentElement.scrollWidth")) > 400:
            self.note(f"{width} pixels wide on a screen of 400")
        self.page.set_viewport_size({"width": 1440, "height": 900})

    def judge(self, options: dict[str, Any]) -> None:
        """What axe finds serious or worse."""
        for violation in Axe().run(self.page, options=options).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                node = violation["nodes"][0]
                self.note(f"{violation['id']}: {node['html'][:200]} {node['failureSummary'][:300]}")


@pytest.fixture
def context(chromium: Browser, live_server: Any) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    yield context
    context.close()


def test_every_page_is_for_everybody_within_the_policy_and_as_wide_as_a_phone(
    context: BrowserContext, live_server: Any
) -> None:
    rows.one_of_each()
    ours()
    client = Client()
    root = User.objects.create_superuser("root", "root@example.com", "a long password")
    exports_of(root)
    client.force_login(root)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    context.add_cookies([cookie])
    found, seen = Findings(context, live_server.url), list[str]()
    for url in walk(found.page, f"{live_server.url}/admin/"):
        found.look(url, dark=len(seen) < TO_SEE_IN_THE_DARK)
        seen.append(str(view_of(url)))
    assert found.wrong == [], "\n".join(found.wrong)
    for view in WANTED:
        assert any(view in name for name in seen), f"{view} was not found among {seen}"
    assert sum("_operation" in name for name in seen) > 20


def test_the_pages_of_somebody_who_is_not_signed_in_are_for_everybody_too(
    context: BrowserContext, live_server: Any
) -> None:
    found = Findings(context, live_server.url)
    page = found.page
    page.goto(f"{live_server.url}/admin/")
    found.look("login", dark=True)
    page.fill("input[name=username]", "nobody")
    page.fill("input[name=password]", "wrong")
    page.click("#login-form button[type=submit]")
    found.look("a refused login")
    assert page.locator("[role=alert]").is_visible()
    assert found.wrong == [], "\n".join(found.wrong)
    page.goto(f"{live_server.url}/nowhere/")
    found.wrong.clear()  # Chromium logs the 404 itself.
    found.look("an address that leads nowhere", dark=True)
    assert found.wrong == [], "\n".join(found.wrong)
    assert page.get_by_role("heading", name="There is no such page").is_visible()


def test_scripts_that_somebody_smuggles_into_a_page_do_not_run(context: BrowserContext, live_server: Any) -> None:
    page: Page = context.new_page()
    page.goto(f"{live_server.url}/admin/")
    page.evaluate(
        """const box = document.createElement('div');
        box.innerHTML = '<img src=x onerror="window.smuggled = 1">';
        const script = document.createElement('script');
        script.textContent = 'window.smuggled = 2';
        document.body.append(box, script);"""
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.smuggled") is None
