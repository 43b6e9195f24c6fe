"""Before and after a push: Stripe's own preview, what a person confirms, the receipt, and the way back (S43)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stripe_mirror.admin.operations import operation_url
from stripe_mirror.admin.receipts import receipt_url
from stripe_mirror.models import Price, Push, Subscription
from stripe_mirror.push.operation import get_operation
from tests.admin.test_operations import clerk, inputs, messages_of, mirrored, opened, writes  # noqa: F401
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

PLAN = get_operation("change_subscription_plan")
CONFIRM = f">{PLAN.label}</button>"


@pytest.fixture
def subscription(transactional_db: None, sandbox: RunningSandbox) -> Any:
    """Ten days into a month of 29.00 eur, paid by card."""
    product = sandbox.post("/v1/products", name="Tea")
    monthly: dict[str, Any] = {"product": product["id"], "currency": "eur", "recurring": {"interval": "month"}}
    silver, gold = (mirrored(sandbox.post("/v1/prices", unit_amount=n, **monthly)) for n in (2900, 5000))
    buyer = sandbox.post(
        "/v1/customers", payment_method="pm_card_visa", invoice_settings={"default_payment_method": "pm_card_visa"}
    )
    made = sandbox.post("/v1/subscriptions", customer=buyer["id"], items=[{"price": silver.pk}])
    sandbox.advance(10 * 86_400)
    row = mirrored(made)
    row.gold = gold.pk
    sandbox.clear_requests()
    return row


def previewed(client: Client, url: str, **values: Any) -> tuple[str, dict[str, Any]]:
    """The page after asking for the preview, and its form."""
    html = client.post(url, opened(client, url) | values).content.decode()
    return html, inputs(html)


def asked(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return [entry for entry in writes(sandbox) if entry["path"] == "/v1/invoices/create_preview"]


def test_nobody_confirms_before_stripe_has_said_what_it_bills(
    clerk: Callable[..., Client],  # noqa: F811
    sandbox: RunningSandbox,
    subscription: Any,
) -> None:
    client, url = clerk(PLAN.name), operation_url(subscription, PLAN)
    assert CONFIRM not in client.get(url).content.decode()
    html, form = previewed(client, url, price=subscription.gold)
    assert CONFIRM in html
    # Nothing was sent but the question; the call will use the question's date.
    (question,) = writes(sandbox)
    assert question["path"] == "/v1/invoices/create_preview"
    answer = client.post(url, form, follow=True)
    assert messages_of(answer) == [f"{PLAN.label}: done."]
    *_, sent = writes(sandbox)
    pinned = question["params"]["subscription_details"]["proration_date"]
    assert (sent["path"], sent["params"]["proration_date"]) == (f"/v1/subscriptions/{subscription.pk}", pinned)


def test_another_form_than_the_one_previewed_is_previewed_first(
    clerk: Callable[..., Client],  # noqa: F811
    sandbox: RunningSandbox,
    subscription: Any,
) -> None:
    client, url = clerk(PLAN.name), operation_url(subscription, PLAN)
    _, form = previewed(client, url, price=subscription.gold)
    html = client.post(url, form | {"quantity": "3"}).content.decode()
    assert CONFIRM in html
    assert len(asked(sandbox)) == len(writes(sandbox)) == 2
    assert not Push.objects.exists()


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"lose_answer": True}])
def test_s43_a_preview_that_fails_leaves_nothing_to_confirm(
    clerk: Callable[..., Client],  # noqa: F811
    sandbox: RunningSandbox,
    subscription: Any,
    fault: dict[str, Any],
) -> None:
    client, url = clerk(PLAN.name), operation_url(subscription, PLAN)
    sandbox.faults.add(path="/v1/invoices/create_preview", times=1, **fault)
    html, form = previewed(client, url, price=subscription.gold)
    assert CONFIRM not in html
    assert "Stripe gave no preview" in html
    assert "€0.00" not in html
    assert "sm-amounts" not in html
    # What was typed is still there, and asking again is one click.
    html = client.post(url, form).content.decode()
    assert CONFIRM in html


def test_the_receipt_says_what_was_confirmed_and_done_and_leads_back(
    clerk: Callable[..., Client],  # noqa: F811
    sandbox: RunningSandbox,
    subscription: Any,
) -> None:
    """S59"""
    client, url = clerk(PLAN.name), operation_url(subscription, PLAN)
    before = sandbox.get(f"/v1/subscriptions/{subscription.pk}")["items"]["data"][0]["price"]["id"]
    html, form = previewed(client, url, price=subscription.gold)
    lines = re.findall(r'sm-wrap">([^<]+)</td>', html)
    answer = client.post(url, form, follow=True)
    push, page = Push.objects.get(), answer.content.decode()
    assert answer.redirect_chain[-1][0] == receipt_url(push)
    assert lines
    assert all(line in page for line in lines)
    assert push.request_id in page
    assert "clerk" in page
    # The way back is a push of its own, with a preview of its own.
    back = re.search(r'href="([^"]+\?undoes=[^"]+)"', page)
    assert back
    undo = operation_url(subscription, PLAN)
    opening = inputs(client.get(back[1]).content.decode())
    assert opening["price"] == before
    form = inputs(client.post(undo, opening).content.decode())
    assert messages_of(client.post(undo, form, follow=True)) == [f"{PLAN.label}: done."]
    assert sandbox.get(f"/v1/subscriptions/{subscription.pk}")["items"]["data"][0]["price"]["id"] == before
    undoing = Push.objects.exclude(pk=push.pk).get()
    assert undoing.undoes_id == push.pk
    assert "This was undone" in client.get(receipt_url(push)).content.decode()


def test_a_receipt_is_for_who_did_it_and_for_readers_of_the_log(
    clerk: Callable[..., Client],  # noqa: F811
    sandbox: RunningSandbox,
    subscription: Any,
    boss: Client,
) -> None:
    client, url = clerk(PLAN.name), operation_url(subscription, PLAN)
    _, form = previewed(client, url, price=subscription.gold)
    client.post(url, form)
    push = Push.objects.get()
    assert client.get(receipt_url(push)).status_code == boss.get(receipt_url(push)).status_code == 200
    Push.objects.update(user=None)
    assert client.get(receipt_url(push)).status_code == 404


def test_a_lost_answer_is_checked_on_the_receipt_until_it_is_known(
    clerk: Callable[..., Client],  # noqa: F811
    sandbox: RunningSandbox,
    subscription: Any,
) -> None:
    """S31"""
    client, url = clerk(PLAN.name), operation_url(subscription, PLAN)
    _, form = previewed(client, url, price=subscription.gold)
    sandbox.faults.add(path=f"/v1/subscriptions/{subscription.pk}", method="POST", lose_answer=True, times=1)
    page = client.post(url, form, follow=True).content.decode()
    assert "Checking" in page
    assert 'http-equiv="refresh"' in page
    assert Subscription.objects.count() == 1
    assert Price.objects.count() == 2
