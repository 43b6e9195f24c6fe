"""The whole circle in a real browser: Dashboard → webhook → admin → push → Stripe, with real processes."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from stripe_mirror.admin.exports.guard import plain_cell
from stripe_mirror.money import to_major
from tests.browser.running_demo import RunningDemo, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]
# The product promises five seconds for a change on the Stripe side; a busy machine may take longer. In milliseconds.
SEEN = 30_000


def log_in(page: Page, demo: RunningDemo, name: str) -> None:
    page.goto(f"{demo.admin}/admin/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", "demo")
    page.click("button[type=submit]")
    page.wait_for_url(re.compile(r"/admin/(?!login)"))


def open_list(page: Page, demo: RunningDemo, model: str, query: str = "") -> None:
    page.goto(f"{demo.admin}/admin/stripe_mirror/{model}/{query}")
    # Survives only as long as the page is not loaded again.
    page.evaluate("window.sameDocument = true")


def row_of(page: Page, id: str) -> Locator:
    return page.locator(f'#result_list tr:has(input.action-select[value="{id}"])')


def is_same_document(page: Page) -> bool:
    return bool(page.evaluate("window.sameDocument === true"))


def active_subscriptions(demo: RunningDemo) -> list[dict[str, Any]]:
    chosen = [s for s in demo.truth("subscription") if s["status"] == "active" and not s.get("schedule")]
    chosen = [s for s in chosen if not s["cancel_at_period_end"] and not s["cancel_at"]]
    return sorted(chosen, key=lambda s: (-s["created"], s["id"]))


def test_a_change_on_the_stripe_side_is_seen_in_an_open_list_without_reload(page: Page, demo: RunningDemo) -> None:
    log_in(page, demo, "billing")
    open_list(page, demo, "customer")
    id = str(page.locator("input.action-select").first.get_attribute("value"))
    page.locator(f'input.action-select[value="{id}"]').check()
    page.fill("#searchbar", "half typed")

    stripe_side = page.context.new_page()
    stripe_side.goto(f"{demo.stripe}/customers/{id}")
    stripe_side.fill("input[name=name]", "Renamed On The Stripe Side")
    stripe_side.locator("[data-action=save_customer]").click()
    stripe_side.close()

    page.bring_to_front()
    expect(row_of(page, id)).to_contain_text("Renamed On The Stripe Side", timeout=SEEN)
    assert is_same_document(page)
    expect(page.locator(f'input.action-select[value="{id}"]')).to_be_checked()
    assert page.input_value("#searchbar") == "half typed"


def test_a_subscription_cancelled_on_the_stripe_side_changes_the_open_page(page: Page, demo: RunningDemo) -> None:
    subscription = active_subscriptions(demo)[-1]
    log_in(page, demo, "support")
    open_list(page, demo, "subscription", f"{subscription['id']}/change/")
    expect(page.locator("main, #main, .sm-page").first).to_contain_text("Active")
    demo.post(f"/v1/subscriptions/{subscription['id']}", cancel_at_period_end="true")
    expect(page.locator(".sm-page")).to_contain_text(re.compile("ends on", re.I), timeout=SEEN)
    assert is_same_document(page)


def test_a_staff_edit_is_seen_on_the_stripe_side_with_its_author_here(page: Page, demo: RunningDemo) -> None:
    customer = sorted(demo.truth("customer"), key=lambda c: c["created"])[0]
    log_in(page, demo, "support")
    page.goto(f"{demo.admin}/admin/stripe_mirror/customer/{customer['id']}/change/")
    page.get_by_role("tab", name="Edit").click()
    page.fill("#edit input[name=phone]", "+49 30 1234567")
    page.locator("#edit button[type=submit]", has_text="Save in Stripe").click()
    expect(page.locator("body")).to_contain_text("done")

    held = demo.get(f"/v1/customers/{customer['id']}")
    assert held["phone"] == "+49 30 1234567"
    assert held["name"] == customer["name"]
    stripe_side = page.context.new_page()
    stripe_side.goto(f"{demo.stripe}/customers/{customer['id']}")
    expect(stripe_side.locator("input[name=phone]")).to_have_value("+49 30 1234567")

    page.goto(f"{demo.admin}/admin/stripe_mirror/customer/{customer['id']}/change/#history")
    expect(page.locator("#history")).to_contain_text("support")
    expect(page.locator("#history")).to_contain_text("+49 30 1234567")


def test_s30_a_double_click_on_the_cancel_form_is_one_call(page: Page, demo: RunningDemo) -> None:
    subscription = active_subscriptions(demo)[0]
    path = f"/v1/subscriptions/{subscription['id']}"
    log_in(page, demo, "billing")
    page.goto(f"{demo.admin}/admin/stripe_mirror/subscription/{subscription['id']}/change/")
    page.get_by_role("link", name="Cancel subscription").click()
    page.locator("input[name=when][value=now]").check()
    page.fill("[name=reason]", "asked by phone")
    page.locator("form button[type=submit]", has_text="Cancel subscription").dblclick()
    page.wait_for_url(re.compile(r"/receipt/"))
    expect(page.locator(".sm-page")).to_contain_text(re.compile("cancel", re.I))
    # Before its scripts have loaded the page sends both, and the second is answered while the first is on its way.
    eventually(lambda: demo.get(path)["status"] == "canceled", what="the cancellation")
    assert len(demo.calls("DELETE", path)) == 1


def test_twenty_selected_subscriptions_are_cancelled_by_a_job_with_progress(page: Page, demo: RunningDemo) -> None:
    log_in(page, demo, "billing")
    open_list(page, demo, "subscription", "?status__in=active")
    page.wait_for_selector("#result_list")
    ids = [s["id"] for s in active_subscriptions(demo)]
    shown = [str(box.get_attribute("value")) for box in page.locator("input.action-select").all()]
    chosen = [id for id in shown if id in ids][:20]
    assert len(chosen) == 20, f"only {len(chosen)} active subscriptions on the first page"
    for id in chosen:
        page.locator(f'input.action-select[value="{id}"]').check()
    page.locator("select[name=action]").select_option(label="Cancel subscription …")
    page.locator("#changelist-form button[name=index], #changelist-form button[type=submit]").first.click()

    expect(page.locator(".sm-page")).to_contain_text("20")
    page.locator("input[name=when][value=period_end]").check()
    page.fill("[name=reason]", "the product is discontinued")
    page.locator("form button[type=submit]", has_text="Cancel subscription").click()
    page.wait_for_url(re.compile(r"/job/"))
    expect(page.locator(".sm-page")).to_contain_text("20 of 20 settled", timeout=60_000)
    for id in chosen:
        assert demo.get(f"/v1/subscriptions/{id}")["cancel_at_period_end"] is True
        assert len(demo.calls("POST", f"/v1/subscriptions/{id}")) == 1


def test_a_downloaded_csv_equals_what_stripe_holds(page: Page, demo: RunningDemo, tmp_path: Path) -> None:
    # Of those who may export, one who sees personal data in files, too.
    log_in(page, demo, "billing")
    open_list(page, demo, "customer")
    page.get_by_role("link", name="Export", exact=True).click()
    with page.expect_download() as download:
        page.locator(".sm-export-do").get_by_role("button", name="Export").click()
    target = tmp_path / "customers.csv"
    download.value.save_as(target)
    assert re.fullmatch(r"customers-\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename)
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(target.read_text(encoding="utf-8-sig")))}

    def settled() -> bool:
        return len(rows) == len([c for c in demo.truth("customer") if not c.get("deleted")])

    eventually(settled, what="as many rows as customers")
    for customer in demo.truth("customer"):
        if customer.get("deleted"):
            continue
        row = rows[customer["id"]]
        assert plain_cell(row["name"]) == (customer["name"] or "")
        assert not row["name"].startswith(("=", "+", "-", "@", "\t"))
        if customer["currency"]:
            assert Decimal(row["balance"]) == to_major(customer["balance"], customer["currency"])


def test_s58_who_may_not_sees_no_button_and_is_refused(page: Page, demo: RunningDemo) -> None:
    subscription = active_subscriptions(demo)[-2]
    log_in(page, demo, "viewer")
    address = f"{demo.admin}/admin/stripe_mirror/subscription/{subscription['id']}"
    page.goto(f"{address}/change/")
    expect(page.get_by_role("link", name="Cancel subscription")).to_have_count(0)
    assert page.request.get(f"{address}/operation/cancel_subscription/").status == 403
    answer = page.request.post(f"{address}/operation/cancel_subscription/", form={"when": "now"})
    assert answer.status == 403
    assert demo.get(f"/v1/subscriptions/{subscription['id']}")["status"] == "active"
