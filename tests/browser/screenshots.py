"""`make screenshots`: a picture of every page of a demo of its own, light, dark and as on a phone, and a page over all.

Pages are found by their links, so new ones come by themselves. The pictures are in `screenshots/`, which git ignores.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
django.setup()

from playwright.sync_api import Browser, Page  # noqa: E402

from tests.browser.running_demo import ROOT, RunningDemo  # noqa: E402
from tests.browser.walking import view_of, walk  # noqa: E402
from tests.chromium import running_chromium  # noqa: E402

FOLDER = ROOT / "screenshots"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 400, "height": 860}, "color_scheme": "light"},
}
# Longer pages are cut: what is below looks as what is above.
TALLEST = 2600


def main() -> None:
    """Start a demo, walk it, write the pictures and the page over them."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with tempfile.TemporaryDirectory() as data, running_chromium() as browser:
        demo = RunningDemo(Path(data), customers=120)
        try:
            pages = {look: new_page(browser, demo.admin, **options) for look, options in LOOKS.items()}
            work(pages["light"], demo.admin)
            taken = list(alone(pages, demo.admin)) + list(printed(pages["light"], demo.admin))
            taken += list(walked(pages, demo.admin))
        finally:
            demo.stop()
    (FOLDER / "index.html").write_text(sheet(taken))
    sys.stdout.write(f"{len(taken)} pages: {FOLDER / 'index.html'}\n")


def new_page(browser: Browser, admin: str, **options: Any) -> Page:
    """A page that is signed in as the one who may do everything."""
    page = browser.new_context(reduced_motion="reduce", **options).new_page()
    page.goto(f"{admin}/admin/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", "demo")
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "login" not in url)
    return page


def work(page: Page, admin: str) -> None:
    """What a day leaves behind: a note, a refund with its receipt, a job, a saved view."""
    lists = f"{admin}/admin/stripe_mirror"
    page.goto(f"{lists}/customer/?o=1")
    page.locator("#result_list tbody th a").first.click()
    page.fill("textarea[name=text]", "Asked for a call on Monday.")
    page.get_by_role("button", name="Add note").click()
    page.goto(f"{lists}/charge/?status__in=succeeded")
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("link", name="Refund payment").click()
    page.fill("textarea[name=reason]", "Charged twice.")
    page.locator("form[data-preview] button.sm-red, form[data-preview] button.sm-primary").first.click()
    page.wait_for_url("**/receipt/**")
    page.goto(f"{lists}/subscription/?status__in=active")
    for tick in page.locator("input.action-select").all()[:3]:
        tick.check()
    page.locator("select[name=action]").select_option(label="Cancel subscription …")
    page.locator("#changelist-form .sm-actions button[type=submit]").click()
    page.locator("input[name=when][value=period_end]").check()
    page.fill("[name=reason]", "The product is discontinued.")
    page.locator("form button[type=submit]", has_text="Cancel subscription").click()
    page.wait_for_url("**/job/**")
    page.goto(f"{lists}/invoice/?status__in=open")
    page.locator("summary", has_text="Save view").click()
    page.fill(".sm-view-tools input[name=name]", "Open invoices")
    page.locator(".sm-view-tools form.sm-range button[type=submit]").click()


def printed(page: Page, admin: str) -> Iterator[str]:
    """A customer and an invoice as they are printed."""
    page.emulate_media(media="print")
    for kind, filtered in (("customer", "?delinquent__exact=1"), ("invoice", "?status__in=paid")):
        page.goto(f"{admin}/admin/stripe_mirror/{kind}/{filtered}")
        page.goto(str(page.locator("#result_list tbody th a").first.evaluate("link => link.href")))
        page.set_viewport_size({"width": 794, "height": 1123})
        take(page, f"print-{kind}", "light")
        page.set_viewport_size(LOOKS["light"]["viewport"])
        yield f"print-{kind}"
    page.emulate_media(media="screen")


def opened(page: Page, admin: str, look: str) -> Iterator[str]:
    """Menus and dialogs: a filter, chips with a range, the columns, the operations of an object, a row's menu."""
    lists = f"{admin}/admin/stripe_mirror"
    steps = {
        "filter": ("/invoice/", ".sm-filter summary"),
        "range": ("/charge/", "summary:has-text('Amount')"),
        "chips": ("/invoice/?status__in=open&created_from=2026-01-01", ""),
        "columns-dialog": ("/invoice/", "[data-columns]"),
        "empty-list": ("/customer/?q=nobody-of-this-name", ""),
    }
    for name, (path, opener) in steps.items():
        page.goto(lists + path)
        if opener:
            page.locator(opener).first.click()
            page.wait_for_timeout(300)
        take(page, name, look)
        yield name
    page.goto(f"{lists}/subscription/?status__in=active")
    page.locator("#result_list tbody th a").first.click()
    page.locator(".sm-more-operations").click()
    take(page, "operations-menu", look)
    yield "operations-menu"
    page.keyboard.press("Escape")
    page.goto(page.url.split("#")[0] + "#history")
    take(page, "timeline", look)
    yield "timeline"


def imported(page: Page, admin: str, look: str) -> Iterator[str]:
    """A file with an edit and two mistakes: where it is read, matched and compared."""
    page.goto(f"{admin}/admin/stripe_mirror/customer/?o=1")
    first, second = [str(tick.get_attribute("value")) for tick in page.locator("input.action-select").all()[:2]]
    page.goto(f"{admin}/admin/imports/new/customer/")
    take(page, "import-new", look)
    rows = (("id", "description", "email"), (first, "Key account", ""), (second, "", "nobody"), ("cus_gone", "?", ""))
    page.get_by_label("Or paste rows here").fill("\n".join("\t".join(row) for row in rows))
    page.get_by_role("button", name="Read the file").click()
    take(page, "import-columns", look)
    page.get_by_role("button", name="Compare with Stripe").click()
    page.locator(".sm-import-diff").wait_for()
    take(page, "import-review", look)
    page.get_by_role("button", name="Delete the file").click()
    yield from ("import-new", "import-columns", "import-review")


def alone(pages: dict[str, Page], admin: str) -> Iterator[str]:
    """What no link leads to: the login and an address that leads nowhere; a list with ticked rows; the menus."""
    for name, url in (("login", "/admin/login/"), ("not-found", "/nowhere/")):
        for look, page in pages.items():
            stranger = page.context.browser.new_page(**LOOKS[look])  # type: ignore[union-attr]
            stranger.goto(admin + url)
            take(stranger, name, look)
            stranger.close()
        yield name
    for look, page in pages.items():
        page.goto(f"{admin}/admin/stripe_mirror/customer/")
        for tick in page.locator("input.action-select").all()[:3]:
            tick.check()
        take(page, "ticked-rows", look)
        page.goto(f"{admin}/admin/")
        page.click(".sm-user")
        take(page, "user-menu", look)
        page.keyboard.press("Escape")
        if look == "phone":
            page.click("[data-sidebar-toggle]")
            take(page, "navigation", look)
        names = [*opened(page, admin, look), *imported(page, admin, look)]
    yield from ("ticked-rows", "user-menu", "navigation", *names)


def walked(pages: dict[str, Page], admin: str) -> Iterator[str]:
    """Every page that links lead to."""
    for url in walk(pages["light"], f"{admin}/admin/"):
        view, operation = view_of(url) or ("", "")
        name = "-".join(filter(None, (view.removeprefix("admin:").replace("stripe_mirror_", ""), operation)))
        for look, page in pages.items():
            if look != "light":
                page.goto(url)
            take(page, name, look)
        yield name


def take(page: Page, name: str, look: str) -> None:
    """One picture, of the whole page where that is not too tall."""
    size = page.viewport_size or {"width": 1440, "height": 900}
    tall = min(int(page.evaluate("document.documentElement.scrollHeight")), TALLEST)
    page.set_viewport_size({"width": size["width"], "height": max(tall, size["height"])})
    page.screenshot(path=FOLDER / f"{name}-{look}.png")
    page.set_viewport_size(size)


def sheet(names: list[str]) -> str:
    """All pictures on one page."""
    rows = []
    for name in names:
        shown = [look for look in LOOKS if (FOLDER / f"{name}-{look}.png").exists()]
        pictures = "".join(
            f'<a href="{name}-{look}.png"><img loading="lazy" src="{name}-{look}.png" alt="{look}"></a>'
            for look in shown
        )
        rows.append(f"<h2>{escape(name)}</h2><div>{pictures}</div>")
    style = "body{font:14px sans-serif;margin:24px}div{display:flex;gap:12px}img{height:420px;border:1px solid #ccc}"
    return f'<!DOCTYPE html><meta charset="utf-8"><title>Screenshots</title><style>{style}</style>{"".join(rows)}'


if __name__ == "__main__":
    main()
