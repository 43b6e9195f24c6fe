"""Discounts of single subscription items, invoice items and lines: shown where they stand, and ended with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import make_customer, make_price, subscribe
from tests.sandbox.test_discounts import coupon, discount_events
from tests.sandbox.testing import RunningSandbox, SandboxError


def item_of(subscription: dict[str, Any]) -> str:
    return str(subscription["items"]["data"][0]["id"])


def drafted(running: RunningSandbox, **item: Any) -> dict[str, Any]:
    """A draft with one item."""
    customer = make_customer(running)["id"]
    running.post("/v1/invoiceitems", customer=customer, amount=1000, currency="usd", **item)
    return running.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")


def alive(running: RunningSandbox) -> list[str]:
    return [row["id"] for row in running.objects("discount") if not row.get("deleted")]


def test_item_shows_its_discount_by_four_levels_of_expansion(running: RunningSandbox) -> None:
    half = coupon(running, percent_off=50)
    subscription = subscribe(running)
    changed = running.post(f"/v1/subscription_items/{item_of(subscription)}", discounts=[{"coupon": half}])
    listed = running.get("/v1/subscriptions", expand=["data.items.data.discounts"])["data"][0]
    [shown] = listed["items"]["data"][0]["discounts"]
    assert ([shown["id"]], shown["source"]["coupon"]) == (changed["discounts"], half)
    assert (shown["subscription_item"], listed["discounts"]) == (item_of(subscription), [])
    with pytest.raises(SandboxError, match="more than 4 levels"):
        running.get("/v1/subscriptions", expand=["data.items.data.discounts.source"])


def test_discount_of_an_item_ends_when_the_item_is_removed(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    given = {
        "price": make_price(running, unit_amount=500),
        "discounts": [{"coupon": coupon(running)}],
        "proration_behavior": "none",
    }
    item = running.post("/v1/subscription_items", subscription=subscription["id"], **given)
    assert alive(running) == item["discounts"]
    running.delete(f"/v1/subscription_items/{item['id']}", proration_behavior="none")
    assert alive(running) == []
    assert [told for told, _ in discount_events(running)] == ["created", "deleted"]


@pytest.mark.parametrize("way", ["item", "line"])
def test_discount_of_an_invoice_item_ends_without_a_word_when_the_item_is_deleted(
    running: RunningSandbox, way: str
) -> None:
    draft = drafted(running, discounts=[{"coupon": coupon(running)}])
    [line] = draft["lines"]["data"]
    assert alive(running) == line["discounts"]
    if way == "item":
        running.delete(f"/v1/invoiceitems/{line['parent']['invoice_item_details']['invoice_item']}")
    else:
        gone = {"id": line["id"], "behavior": "delete"}
        running.post(f"/v1/invoices/{draft['id']}/remove_lines", lines=[gone])
    assert alive(running) == discount_events(running) == []


def test_line_of_a_subscription_has_discounts_of_its_own(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    # An hour later it is no draft any more.
    running.advance(subscription["items"]["data"][0]["current_period_end"] - running.sandbox.now() + 60)
    [draft] = running.get("/v1/invoices", subscription=subscription["id"], status="draft")["data"]
    path = f"/v1/invoices/{draft['id']}/lines/{draft['lines']['data'][0]['id']}"
    [own] = running.post(path, discounts=[{"coupon": coupon(running)}], expand=["discounts"])["discounts"]
    assert own["invoice_item"] == draft["lines"]["data"][0]["id"]
    assert running.get(f"/v1/invoices/{draft['id']}")["total_discount_amounts"][0]["discount"] == own["id"]
    assert running.post(path, discounts="")["discounts"] == alive(running) == []
