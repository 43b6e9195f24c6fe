"""The essential operations in a real browser, with and without its scripts: edit a customer, cancel, refund."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page

from stripe_mirror.admin import display
from stripe_mirror.admin.operations import operation_url
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Push
from stripe_mirror.pull.fetch import fetch_now
from stripe_mirror.push.operation import get_operation
from tests.push import paying
from tests.sandbox.testing import RunningSandbox

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[False, True], ids=["without scripts", "with scripts"])
def staff_page(request: pytest.FixtureRequest, chromium: Browser, live_server: Any) -> Iterator[Page]:
    """A page of a superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=request.param)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    yield context.new_page()
    context.close()


def mirrored(obj: dict[str, Any]) -> Any:
    kind = get_kind(obj["object"])
    fetch_now(kind, obj["id"], patient=False)
    return kind.model._default_manager.get(pk=obj["id"])


def test_a_customer_is_edited(staff_page: Page, sandbox: RunningSandbox) -> None:
    row = mirrored(sandbox.post("/v1/customers", name="Jane", email="jane@example.com"))
    staff_page.goto(display.object_url(row))
    staff_page.locator(".sm-tabs a", has_text="Edit").click()
    staff_page.fill("input[name=phone]", "+49 30 1")
    staff_page.click("text=Save in Stripe")
    staff_page.wait_for_selector("text=Edit customer: done.")
    assert sandbox.get(f"/v1/customers/{row.pk}")["phone"] == "+49 30 1"
    assert Push.objects.count() == 1


def test_a_subscription_is_cancelled(staff_page: Page, sandbox: RunningSandbox) -> None:
    product = sandbox.post("/v1/products", name="Gold")
    price = {"currency": "eur", "unit_amount": 2900, "recurring": {"interval": "month"}, "product": product["id"]}
    items = [{"price": sandbox.post("/v1/prices", **price)["id"]}]
    buyer = sandbox.post("/v1/customers", name="Jane")["id"]
    terms = {"collection_method": "send_invoice", "days_until_due": 30}
    row = mirrored(sandbox.post("/v1/subscriptions", customer=buyer, items=items, **terms))
    staff_page.goto(operation_url(row, get_operation("cancel_subscription")))
    staff_page.check("input[name=when][value=now]")
    staff_page.fill("[name=reason]", "Asked by phone")
    confirm(staff_page, "Cancel subscription")
    assert sandbox.get(f"/v1/subscriptions/{row.pk}")["status"] == "canceled"
    assert Push.objects.count() == 1


def test_a_payment_is_refunded(staff_page: Page, sandbox: RunningSandbox) -> None:
    row = paying.paid(sandbox)
    staff_page.goto(operation_url(row, get_operation("refund_charge")))
    staff_page.fill("input[name=amount]", "10.00")
    staff_page.fill("[name=reason]", "Broken on arrival")
    confirm(staff_page, "Refund payment")
    assert paying.refunds(sandbox, row) == [(1000, "succeeded")]
    assert Push.objects.count() == 1


def confirm(page: Page, label: str) -> None:
    """Where Stripe previews it, see the preview first; then confirm by the button that names the operation."""
    button = page.locator(".sm-submit button[type=submit]")
    if button.inner_text() == "Preview":
        button.click()
        page.wait_for_selector(f".sm-submit button:has-text('{label}')")
    page.locator(f".sm-submit button:has-text('{label}')").click()
    page.wait_for_selector(f"text={label}: done.")
