"""The page of an export in a real browser: by mouse, by keyboard, and while the worker writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from stripe_mirror.admin.exports import running
from stripe_mirror.models import Export, SavedExport
from tests.admin.exporting import DIALOG, LIST, MINE, customers, table_of

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def small_files(settings: Settings, tmp_path: Path) -> None:
    """More than twenty rows are many."""
    settings.EXPORTS_STREAM_ROWS = 20
    settings.EXPORTS_DIR = tmp_path / "exports"


def header(page: Page) -> list[str]:
    """The columns of the preview."""
    return page.locator("[data-export-preview] thead th").all_text_contents()


def test_the_preview_follows_the_form_and_the_file_is_what_it_showed(page: Page) -> None:
    customers(12)
    page.goto(f"{LIST}?q=Name")
    page.get_by_role("link", name="Export", exact=True).click()
    expect(page).to_have_url(re.compile(rf"{DIALOG}\?q=Name"))
    assert "created" in header(page)
    page.get_by_label("Created", exact=True).uncheck()
    expect(page.get_by_label("As ticked")).to_be_checked()
    expect(page.locator("[data-export-preview] thead")).not_to_contain_text("created")
    page.get_by_label("Between the cells").select_option("semicolon")
    shown = header(page)
    with page.expect_download() as started:
        page.locator(".sm-export-do").get_by_role("button", name="Export").click()
    text = Path(started.value.path()).read_text()
    assert list(table_of(text, delimiter=";")[0]) == shown
    assert len(text.splitlines()) == 13
    # All of them ticks all, the usual ones only these.
    page.get_by_label("All", exact=True).check()
    expect(page.locator("input[name=column]:not(:checked)")).to_have_count(0)
    page.get_by_label("The usual ones").check()
    expect(page.locator("[data-group=metadata] input:checked")).to_have_count(0)


def test_only_what_matters_for_the_format_is_asked(page: Page) -> None:
    customers(1)
    page.goto(DIALOG)
    page.get_by_label("Format").select_option("xlsx")
    expect(page.get_by_label("Between the cells")).to_be_hidden()
    page.get_by_text("Save this export, or have it run by itself").click()
    expect(page.get_by_label("On day")).to_be_hidden()
    page.get_by_label("Runs").select_option("monthly")
    expect(page.get_by_label("On day")).to_be_visible()
    page.get_by_label("Name", exact=True).last.fill("Every month")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#content h2").first).to_have_text("Every month")
    assert SavedExport.objects.get(name="Every month").options["format"] == "xlsx"


def test_all_of_it_works_by_keyboard(page: Page) -> None:
    customers(3)
    page.goto(DIALOG)
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
        if seen[-1] == "which":
            break
    assert "export" in seen
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("All", exact=True)).to_be_checked()
    expect(page.locator("[data-export-preview] thead")).to_contain_text("metadata.plan")
    with page.expect_download() as started:
        page.keyboard.press("Enter")
    assert "metadata.plan" in Path(started.value.path()).read_text().splitlines()[0]


def test_ticked_rows_and_all_that_match_go_to_the_page(page: Page) -> None:
    customers(40)
    page.goto(f"{LIST}?q=Name")
    page.locator("input[name=_selected_action]").nth(1).check()
    page.locator("#changelist-action").select_option(label="Export")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".sm-export-rows strong")).to_have_text("1")
    page.goto(f"{LIST}?q=Name")
    page.locator("#action-toggle").check()
    page.locator(".question a").click()
    page.locator("#changelist-action").select_option(label="Export")
    page.get_by_role("button", name="Run").click()
    # Counted on beside the page.
    expect(page.locator(".sm-export-rows strong")).to_have_text("40")


def test_the_page_of_a_run_follows_it_until_its_file_can_be_downloaded(page: Page) -> None:
    customers(30)
    page.goto(DIALOG)
    page.locator(".sm-export-do").get_by_role("button", name="Export").click()
    expect(page).to_have_url(re.compile(MINE))
    expect(page.get_by_text("It waits for the worker")).to_be_visible()
    running.run_export(Export.objects.get().pk)
    link = page.get_by_role("link", name=re.compile("^Download"))
    expect(link).to_be_visible(timeout=15_000)
    with page.expect_download() as started:
        link.click()
    assert len(Path(started.value.path()).read_text().splitlines()) == 31


def test_without_scripts_everything_works_too(page: Page, chromium: Any, live_server: Any) -> None:
    customers(3)
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies(page.context.cookies())
    plain = context.new_page()
    plain.goto(DIALOG)
    plain.get_by_label("As ticked").check()
    for name in ("Created", "Email"):
        plain.get_by_label(name).first.uncheck()
    plain.get_by_role("button", name="Preview").click()
    assert "email" not in header(plain)
    with plain.expect_download() as started:
        plain.locator(".sm-export-do").get_by_role("button", name="Export").click()
    assert "email" not in Path(started.value.path()).read_text().splitlines()[0]
    context.close()
