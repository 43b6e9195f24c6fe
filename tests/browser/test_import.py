"""An export, edited and brought back, in a real browser over a running demo: until the job has changed Stripe."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.running_demo import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.long]

# The worker takes the job at once; a busy machine may take longer. In milliseconds.
DONE = 60_000


def signed_in(page: Page, demo: RunningDemo) -> None:
    page.goto(f"{demo.admin}/admin/login/")
    page.fill("#id_username", "operator")
    page.fill("#id_password", "demo")
    page.click("button[type=submit]")


def edited(page: Page, demo: RunningDemo, ids: list[str], into: Path) -> None:
    """The list's export, of these customers another phone."""
    answer = page.request.get(f"{demo.admin}/admin/stripe_mirror/customer/export/?q=")
    headers, *rows = list(csv.reader(io.StringIO(answer.text())))
    phone, id = headers.index("phone"), headers.index("id")
    for row in rows:
        if row[id] in ids:
            row[phone] = "+49 30 7654321"
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows([headers, *rows])
    into.write_text(out.getvalue(), encoding="utf-8-sig")


def phones(demo: RunningDemo, ids: list[str]) -> list[Any]:
    """As Stripe has them."""
    return [customer["phone"] for customer in demo.truth("customer") if customer["id"] in ids]


def test_an_edited_export_becomes_a_job_that_changes_just_that(page: Page, demo: RunningDemo, tmp_path: Path) -> None:
    ids = [customer["id"] for customer in demo.truth("customer")[3:6]]
    signed_in(page, demo)
    edited(page, demo, ids, tmp_path / "edits.csv")
    page.goto(f"{demo.admin}/admin/stripe_mirror/customer/?q=")
    page.get_by_role("link", name="Import CSV").click()
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "edits.csv")
    page.get_by_role("button", name="Read the file").press("Enter")
    expect(page.get_by_label("phone", exact=True)).to_have_value("phone")
    page.get_by_role("button", name="Compare with Stripe").press("Enter")
    expect(page.locator(".sm-import-diff tbody")).to_have_count(len(ids))
    expect(page.locator(".sm-import-diff")).to_contain_text("+49 30 7654321")
    page.get_by_label("Reason").fill("new numbers")
    page.get_by_role("button", name=f"Edit customer ({len(ids)})").press("Enter")
    page.wait_for_url("**/stripe_mirror/job/**")
    expect(page.get_by_text(f"{len(ids)} of {len(ids)} settled")).to_be_visible(timeout=DONE)
    assert phones(demo, ids) == ["+49 30 7654321"] * len(ids)
    page.get_by_role("link", name="Take back this job").click()
    expect(page.get_by_role("button", name=f"({len(ids)})")).to_be_visible()


def test_it_works_without_scripts(page: Page, demo: RunningDemo) -> None:
    signed_in(page, demo)
    browser = page.context.browser
    assert browser
    context = browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    plain = context.new_page()
    customer = demo.truth("customer")[0]
    plain.goto(f"{demo.admin}/admin/imports/new/customer/")
    plain.get_by_label("Or paste rows here").fill(f"id\tdescription\n{customer['id']}\tpasted\n")
    plain.get_by_role("button", name="Read the file").click()
    plain.get_by_role("button", name="Compare with Stripe").click()
    expect(plain.locator(".sm-import-diff")).to_contain_text("pasted")
    plain.get_by_role("button", name="Delete the file").click()
    expect(plain.get_by_text("The file was deleted.")).to_be_visible()
    context.close()
