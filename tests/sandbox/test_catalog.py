"""Products, prices, coupons and promotion codes: what may be changed, archived and deleted, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import DAY, MONTHLY, events_since, make_customer, make_price, subscribe
from tests.sandbox.testing import RunningSandbox


@pytest.fixture
def product(running: RunningSandbox) -> str:
    return str(running.post("/v1/products", name="Boat", description="Floats", url="https://example.com")["id"])


def refused(caught: pytest.ExceptionInfo[stripe.InvalidRequestError]) -> tuple[Any, Any, Any]:
    return caught.value.code, caught.value.param, caught.value.user_message


# Products


def test_price_is_replaced_by_a_new_default_before_the_old_one_is_archived(
    running: RunningSandbox, client: stripe.StripeClient, product: str
) -> None:
    described: Any = {"product": product, "currency": "usd", "recurring": MONTHLY}
    old = client.v1.prices.create({**described, "unit_amount": 1000}).id
    client.v1.products.update(product, {"default_price": old})
    subscription = subscribe(running, items=[{"price": old}])
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.prices.update(old, {"active": False})
    says = "This price cannot be archived because it is the default price of its product."
    assert refused(caught) == (None, None, says)
    new = client.v1.prices.create({**described, "unit_amount": 1200}).id
    since = len(running.sandbox.events)
    client.v1.products.update(product, {"default_price": new})
    assert client.v1.prices.update(old, {"active": False}).active is False
    assert events_since(running, since) == ["product.updated", "price.updated"]
    assert running.sandbox.events[0]["data"]["previous_attributes"] == {"active": True}
    running.advance(32 * DAY)
    assert client.v1.subscriptions.retrieve(subscription["id"]).status == "active"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.products.update(product, {"default_price": old})
    assert caught.value.param == "default_price"
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        client.v1.subscriptions.create({"customer": make_customer(running)["id"], "items": [{"price": old}]})


def test_product_with_prices_is_archived_not_deleted(
    running: RunningSandbox, client: stripe.StripeClient, product: str
) -> None:
    empty = client.v1.products.create({"name": "Idea"}).id
    client.v1.prices.create({"product": product, "currency": "usd", "unit_amount": 5})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.products.delete(product)
    says = "This product cannot be deleted because it has one or more user-created prices."
    assert refused(caught) == (None, None, says)
    assert client.v1.products.update(product, {"active": False}).active is False
    assert client.v1.products.update(product, {"active": True}).active
    assert client.v1.products.delete(empty).deleted
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.products.retrieve(empty)
    assert caught.value.http_status == 404


def test_fields_of_a_product_are_cleared_except_its_name(client: stripe.StripeClient, product: str) -> None:
    cleared = client.v1.products.update(product, {"description": "", "url": "", "images": "", "unit_label": ""})
    assert (cleared.description, cleared.url, cleared.images, cleared.unit_label) == (None, None, [], None)
    for name in ("name", "default_price"):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.products.update(product, {name: ""})
        assert (caught.value.code, caught.value.param) == ("parameter_invalid_empty", name)


# Prices


@pytest.mark.parametrize("name", ["unit_amount", "currency", "recurring", "product"])
def test_what_a_price_is_can_not_be_changed(running: RunningSandbox, client: stripe.StripeClient, name: str) -> None:
    wrong: Any = {name: "5" if name != "recurring" else {"interval": "year"}}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.prices.update(make_price(running), wrong)
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", name)


def test_lookup_key_is_handed_on_only_when_asked(
    running: RunningSandbox, client: stripe.StripeClient, product: str
) -> None:
    described: Any = {"product": product, "currency": "usd", "unit_amount": 500, "lookup_key": "boat"}
    holder = client.v1.prices.create(described)
    client.v1.prices.update(holder.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.prices.create(described)
    assert caught.value.param == "lookup_key"
    assert caught.value.user_message == f"A price (`{holder.id}`) already uses that lookup key."
    since = len(running.sandbox.events)
    heir = client.v1.prices.create({**described, "transfer_lookup_key": True})
    assert (heir.lookup_key, client.v1.prices.retrieve(holder.id).lookup_key) == ("boat", None)
    assert events_since(running, since) == ["price.updated", "price.created"]


def test_tax_behavior_of_a_price_is_decided_once(client: stripe.StripeClient, product: str) -> None:
    price = client.v1.prices.create({"product": product, "currency": "usd", "unit_amount": 500}).id
    assert client.v1.prices.update(price, {"tax_behavior": "exclusive"}).tax_behavior == "exclusive"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.prices.update(price, {"tax_behavior": "inclusive"})
    assert caught.value.param == "tax_behavior"


def test_options_of_other_currencies_are_shown_when_asked(client: stripe.StripeClient, product: str) -> None:
    described: Any = {"product": product, "currency": "usd", "unit_amount": 500}
    price = client.v1.prices.create({**described, "currency_options": {"eur": {"unit_amount": 450}}}).id
    client.v1.prices.update(
        price, {"currency_options": {"gbp": {"unit_amount": 400}, "eur": {"tax_behavior": "inclusive"}}}
    )
    shown = client.v1.prices.retrieve(price, {"expand": ["currency_options"]}).to_dict()["currency_options"]
    assert {currency: option["unit_amount"] for currency, option in shown.items()} == {
        "usd": 500,
        "eur": 450,
        "gbp": 400,
    }
    assert shown["eur"]["tax_behavior"] == "inclusive"
    for options in ({"usd": {"unit_amount": 5}}, {"xyz": {"unit_amount": 5}}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.prices.update(price, {"currency_options": options})


# Coupons and promotion codes


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"percent_off": 10, "amount_off": 5, "currency": "usd"}, None, "percent_off"),
        ({"amount_off": 5}, "parameter_missing", "currency"),
        ({"percent_off": 10, "duration": "repeating"}, None, "duration_in_months"),
        ({"percent_off": 10, "redeem_by": 5}, None, "redeem_by"),
        ({"percent_off": 10, "redeem_by": 4_000_000_000}, None, "redeem_by"),
        ({"percent_off": 10, "applies_to": {"products": ["prod_none"]}}, "resource_missing", "applies_to[products][0]"),
        ({"percent_off": 10, "currency_options": {"eur": {"amount_off": 5}}}, None, "currency_options"),
        ({"percent_off": 10, "id": "TAKEN"}, "resource_already_exists", "id"),
    ],
)
def test_coupon_that_cannot_be_is_refused(
    client: stripe.StripeClient, params: Any, code: str | None, param: str
) -> None:
    client.v1.coupons.create({"percent_off": 5, "id": "TAKEN"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.coupons.create(params)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_only_names_of_a_coupon_change_and_its_discounts_outlive_it(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    coupon = client.v1.coupons.create({"percent_off": 50, "duration": "forever"}).id
    subscription = subscribe(running, discounts=[{"coupon": coupon}])
    wrong: Any = {"percent_off": 60}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.coupons.update(coupon, wrong)
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", "percent_off")
    assert client.v1.coupons.update(coupon, {"name": "Half"}).name == "Half"
    assert client.v1.coupons.delete(coupon).deleted
    running.advance(32 * DAY)
    assert running.get("/v1/invoices", subscription=subscription["id"])["data"][0]["total"] == 1000
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.update(subscription["id"], {"discounts": [{"coupon": coupon}]})
    assert caught.value.param == "discounts[0][coupon]"


def test_coupon_takes_its_amount_off_in_each_of_its_currencies(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    options: Any = {"eur": {"amount_off": 300}}
    described: Any = {"amount_off": 500, "currency": "usd", "duration": "forever", "currency_options": options}
    coupon = client.v1.coupons.create(described).id
    subscription = subscribe(
        running, items=[{"price": make_price(running, currency="eur")}], discounts=[{"coupon": coupon}]
    )
    assert client.v1.invoices.retrieve(subscription["latest_invoice"]).total == 1700
    shown = client.v1.coupons.retrieve(coupon, {"expand": ["currency_options"]}).to_dict()["currency_options"]
    assert shown == {"usd": {"amount_off": 500}, "eur": {"amount_off": 300}}


def test_code_is_switched_on_again_only_while_it_is_free_and_its_coupon_valid(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    coupon = client.v1.coupons.create({"percent_off": 10, "max_redemptions": 1}).id
    promotion: Any = {"type": "coupon", "coupon": coupon}
    code = client.v1.promotion_codes.create({"promotion": promotion, "code": "FRIENDS"}).id
    assert client.v1.promotion_codes.update(code, {"active": False}).active is False
    other = client.v1.promotion_codes.create({"promotion": promotion, "code": "friends"}).id
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.promotion_codes.update(code, {"active": True})
    assert (caught.value.code, caught.value.param) == ("resource_already_exists", "code")
    client.v1.promotion_codes.update(other, {"active": False})
    assert client.v1.promotion_codes.update(code, {"active": True}).active
    client.v1.promotion_codes.update(code, {"active": False})
    subscribe(running, discounts=[{"coupon": coupon}])
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.promotion_codes.update(code, {"active": True})
    assert caught.value.param == "active"


def test_letters_are_those_of_one_active_code_for_each_customer(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    """https://docs.stripe.com/billing/subscriptions/coupons: several customers' own codes may have the same letters."""
    promotion: Any = {"type": "coupon", "coupon": client.v1.coupons.create({"percent_off": 10}).id}
    described: Any = {"promotion": promotion, "code": "THANKS"}
    one, two = (make_customer(running)["id"] for _ in range(2))
    for customer in (one, two):
        assert client.v1.promotion_codes.create({**described, "customer": customer}).active
    for more in ({}, {"customer": one}):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.promotion_codes.create({**described, **more})
        assert (caught.value.code, caught.value.param) == ("resource_already_exists", "code")


@pytest.mark.parametrize(("name", "most"), [("max_redemptions", 3), ("expires_at", 30 * DAY)])
def test_code_allows_no_more_than_its_coupon(
    running: RunningSandbox, client: stripe.StripeClient, name: str, most: int
) -> None:
    now = running.sandbox.now() if name == "expires_at" else 0
    limit: Any = {{"expires_at": "redeem_by"}.get(name, name): now + most}
    promotion: Any = {"type": "coupon", "coupon": client.v1.coupons.create({"percent_off": 10, **limit}).id}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.promotion_codes.create({"promotion": promotion, name: now + most + 1})
    assert caught.value.param == name
    assert client.v1.promotion_codes.create({"promotion": promotion, name: now + most}).active


def test_code_that_has_expired_or_is_used_up_is_not_switched_on(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    promotion: Any = {"type": "coupon", "coupon": client.v1.coupons.create({"percent_off": 10}).id}
    expiring = client.v1.promotion_codes.create({"promotion": promotion, "expires_at": running.sandbox.now() + DAY})
    used_up = client.v1.promotion_codes.create({"promotion": promotion, "max_redemptions": 1})
    subscribe(running, discounts=[{"promotion_code": used_up.id}])
    running.advance(2 * DAY)
    for code in (expiring, used_up):
        assert not client.v1.promotion_codes.retrieve(code.id).active
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.promotion_codes.update(code.id, {"active": True})
        assert caught.value.param == "active"


def test_code_with_a_minimum_is_not_for_changes_of_subscriptions(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    coupon = client.v1.coupons.create({"percent_off": 10}).id
    limits: Any = {
        "minimum_amount": 1000,
        "minimum_amount_currency": "usd",
        "currency_options": {"eur": {"minimum_amount": 900}},
    }
    described: Any = {"promotion": {"type": "coupon", "coupon": coupon}, "restrictions": limits}
    code = client.v1.promotion_codes.create(described)
    assert "currency_options" not in code.restrictions
    changes: Any = {"restrictions": {"currency_options": {"gbp": {"minimum_amount": 800}}}}
    expanded = client.v1.promotion_codes.update(code.id, {**changes, "expand": ["restrictions.currency_options"]})
    shown = expanded.restrictions.to_dict()["currency_options"]
    assert {currency: option["minimum_amount"] for currency, option in shown.items()} == {
        "usd": 1000,
        "eur": 900,
        "gbp": 800,
    }
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.update(subscribe(running)["id"], {"discounts": [{"promotion_code": code.id}]})
    assert caught.value.param == "discounts[0][promotion_code]"
    assert "`minimum_amount` restriction" in str(caught.value.user_message)
