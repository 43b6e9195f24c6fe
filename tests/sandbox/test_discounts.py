"""Promotion codes and the discounts that come of them: who may use them, which events tell of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import make_customer, subscribe
from tests.sandbox.testing import RunningSandbox, SandboxError

DAY = 86400


def coupon(running: RunningSandbox, **params: Any) -> str:
    return str(running.post("/v1/coupons", **({"percent_off": 20, "duration": "forever"} | params))["id"])


def code(running: RunningSandbox, coupon_id: str, **params: Any) -> dict[str, Any]:
    return running.post("/v1/promotion_codes", promotion={"type": "coupon", "coupon": coupon_id}, **params)


def discount_events(running: RunningSandbox) -> list[tuple[str, str]]:
    """Type and discount id, oldest first."""
    told = [event for event in running.sandbox.events[::-1] if event["type"].startswith("customer.discount.")]
    return [(event["type"].rpartition(".")[2], event["data"]["object"]["id"]) for event in told]


def test_promotion_code_names_its_coupon_by_id_and_expands_it(running: RunningSandbox) -> None:
    made = code(running, coupon(running, id="TEN"), code="lantern")
    assert made["promotion"] == {"type": "coupon", "coupon": "TEN"}
    assert running.sandbox.events[0]["data"]["object"]["promotion"]["coupon"] == "TEN"
    expanded = running.get(f"/v1/promotion_codes/{made['id']}", expand=["promotion.coupon"])
    assert expanded["promotion"]["coupon"]["percent_off"] == 20
    running.delete("/v1/coupons/TEN")
    gone = running.get(f"/v1/promotion_codes/{made['id']}", expand=["promotion.coupon"])
    assert (gone["active"], gone["promotion"]["coupon"]["valid"]) == (False, False)


def test_promotion_codes_are_found_by_code_in_any_case_coupon_customer_and_activity(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    one = code(running, coupon(running, id="A"), code="LANTERN")["id"]
    other = code(running, coupon(running, id="B"), customer=customer)["id"]
    running.post(f"/v1/promotion_codes/{one}", active=False)

    def listed(**filters: Any) -> list[str]:
        return [row["id"] for row in running.get("/v1/promotion_codes", **filters)["data"]]

    assert listed() == [other, one]
    assert listed(code="lantern") == [one]
    assert listed(coupon="B") == listed(customer=customer) == listed(active=True) == [other]
    assert listed(active=False) == [one]


def test_code_in_use_is_taken_until_it_is_switched_off(running: RunningSandbox) -> None:
    ten = coupon(running)
    first = code(running, ten, code="Lantern")
    with pytest.raises(SandboxError) as caught:
        code(running, ten, code="LANTERN")
    assert (caught.value.error["code"], caught.value.error["param"]) == ("resource_already_exists", "code")
    running.post(f"/v1/promotion_codes/{first['id']}", active=False, metadata={"a": "b"})
    assert running.sandbox.events[0]["type"] == "promotion_code.updated"
    assert running.sandbox.events[0]["data"]["previous_attributes"] == {"active": True, "metadata": {"a": None}}
    code(running, ten, code="LANTERN")
    with pytest.raises(SandboxError):
        running.post(f"/v1/promotion_codes/{first['id']}", active=True)
    with pytest.raises(SandboxError):
        running.delete(f"/v1/promotion_codes/{first['id']}")


def test_redeeming_a_code_counts_it_and_its_coupon_and_uses_it_up(running: RunningSandbox) -> None:
    ten = coupon(running)
    made = code(running, ten, max_redemptions=1)
    subscription = subscribe(running, discounts=[{"promotion_code": made["id"]}])
    (discount,) = running.get(f"/v1/subscriptions/{subscription['id']}", expand=["discounts"])["discounts"]
    assert (discount["promotion_code"], discount["source"]["coupon"]) == (made["id"], ten)
    paths = ["data.discounts.promotion_code", "data.discounts.source.coupon"]
    (listed,) = running.get("/v1/subscriptions", expand=paths)["data"][0]["discounts"]
    assert (listed["promotion_code"]["code"], listed["source"]["coupon"]["id"]) == (made["code"], ten)
    used = running.get(f"/v1/promotion_codes/{made['id']}")
    assert (used["times_redeemed"], used["active"]) == (1, False)
    assert running.get(f"/v1/coupons/{ten}")["times_redeemed"] == 1
    with pytest.raises(SandboxError) as caught:
        subscribe(running, discounts=[{"promotion_code": made["id"]}])
    assert caught.value.error["param"] == "discounts[0][promotion_code]"


def test_codes_for_one_customer_or_for_first_timers_refuse_others(running: RunningSandbox) -> None:
    ten, paying = coupon(running), subscribe(running)
    other = code(running, ten, customer=make_customer(running)["id"])["id"]
    first_time = code(running, ten, restrictions={"first_time_transaction": True})["id"]
    for code_id in (other, first_time):
        with pytest.raises(SandboxError) as caught:
            running.post(f"/v1/subscriptions/{paying['id']}", discounts=[{"promotion_code": code_id}])
        assert caught.value.error["param"] == "discounts[0][promotion_code]"


def test_expired_code_is_inactive(running: RunningSandbox) -> None:
    made = code(running, coupon(running), expires_at=running.sandbox.now() + DAY)
    running.advance(DAY)
    assert running.get(f"/v1/promotion_codes/{made['id']}")["active"] is False


def test_events_about_discounts_carry_the_discount(running: RunningSandbox) -> None:
    one, two = coupon(running), coupon(running)
    subscription = subscribe(running, discounts=[{"coupon": one}])
    path = f"/v1/subscriptions/{subscription['id']}"
    old = subscription["discounts"][0]
    new = running.post(path, discounts=[{"coupon": two}])["discounts"][0]
    dropped = running.delete(f"{path}/discount")
    assert (dropped["id"], dropped["deleted"], dropped["source"]["coupon"]) == (new, True, two)
    assert discount_events(running) == [("created", old), ("created", new), ("deleted", old), ("deleted", new)]
    told = running.get("/v1/events", type="customer.discount.deleted")["data"][0]["data"]["object"]
    assert (told["object"], told["subscription"], "deleted" in told) == ("discount", subscription["id"], False)
    assert running.get(path)["discounts"] == []


def test_invoice_keeps_a_discount_that_its_subscription_lost(running: RunningSandbox) -> None:
    subscription = subscribe(running, discounts=[{"coupon": coupon(running)}])
    running.delete(f"/v1/subscriptions/{subscription['id']}/discount")
    invoice = running.get(f"/v1/invoices/{subscription['latest_invoice']}")
    assert invoice["discounts"] == subscription["discounts"]
    listed = running.get("/v1/invoices", expand=["data.discounts.source.coupon"])["data"][0]["discounts"][0]
    assert (listed["id"], listed["deleted"]) == (subscription["discounts"][0], True)


def test_discounts_of_a_draft_come_and_go_without_events(running: RunningSandbox) -> None:
    draft = running.post("/v1/invoices", customer=make_customer(running)["id"], discounts=[{"coupon": coupon(running)}])
    path = f"/v1/invoices/{draft['id']}"
    assert isinstance(draft["discounts"][0], str)
    assert running.get(path, expand=["discounts"])["discounts"][0]["invoice"] == draft["id"]
    assert running.post(path, discounts="")["discounts"] == []
    assert discount_events(running) == []
    assert [row["id"] for row in running.objects("discount") if not row.get("deleted")] == []


def test_discount_can_be_neither_read_nor_listed(running: RunningSandbox) -> None:
    subscription = subscribe(running, discounts=[{"coupon": coupon(running)}])
    for path in ("/v1/discounts", f"/v1/discounts/{subscription['discounts'][0]}"):
        with pytest.raises(SandboxError) as caught:
            running.get(path)
        assert caught.value.status == 404


def test_customer_from_older_days_keeps_and_loses_its_discount(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    customer = f"/v1/customers/{subscription['customer']}"
    half, quarter = coupon(running, percent_off=50), coupon(running, percent_off=25)
    for coupon_id in (half, quarter):
        running.happens("give_coupon", customer=subscription["customer"], coupon=coupon_id)
    held = running.get(customer)["discount"]
    assert held["source"]["coupon"] == quarter
    switched = running.get("/v1/events", type="customer.discount.updated")["data"][0]["data"]
    assert switched["previous_attributes"] == {"source": {"coupon": half}}
    running.advance(32 * DAY)
    assert running.get("/v1/invoices")["data"][0]["total"] == 1500
    assert running.delete(f"{customer}/discount")["id"] == held["id"]
    assert running.get(customer)["discount"] is None
    assert discount_events(running)[-1] == ("deleted", held["id"])
    with pytest.raises(SandboxError) as caught:
        running.delete(f"{customer}/discount")
    assert caught.value.status == 404
