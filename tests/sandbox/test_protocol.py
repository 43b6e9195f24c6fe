"""The sandbox speaks Stripe's HTTP: encoding, types, errors, keys, versions."""

from __future__ import annotations

import email.utils

import pytest
import stripe
import urllib3

from tests.sandbox.conftest import connect, make_customer, make_price, subscribe
from tests.sandbox.forms import decode_form
from tests.sandbox.testing import API_KEY, RunningSandbox, SandboxError


def refusal(running: RunningSandbox, method: str, path: str, **params: object) -> tuple[int, dict[str, object]]:
    with pytest.raises(SandboxError) as caught:
        running.call(method, path, **params)
    return caught.value.status, caught.value.error


def test_forms_decode_to_nested_parameters() -> None:
    form = "items[0][price]=a&items[1][price]=b&metadata[x%5By]=1&expand[]=p&expand[]=q&name=&email=a%2Bb%40c.de"
    assert decode_form(form) == {
        "items": {"0": {"price": "a"}, "1": {"price": "b"}},
        "metadata": {"x": {"y": "1"}},
        "expand": {"0": "p", "1": "q"},
        "name": "",
        "email": "a+b@c.de",
    }


def test_answers_carry_request_id_date_and_version(running: RunningSandbox) -> None:
    running.sandbox.clock.set(1_700_000_000)
    headers = {"Authorization": f"Bearer {API_KEY}", "Stripe-Version": "2026-08-26.dahlia"}
    answer = urllib3.request("GET", f"{running.url}/v1/customers", headers=headers)
    assert answer.headers["Request-Id"].startswith("req_")
    assert email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp() == 1_700_000_000
    assert answer.headers["Stripe-Version"] == "2026-08-26.dahlia"
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("params", "code", "param", "sentence"),
    [
        ({"foo": "x"}, "parameter_unknown", "foo", "Received unknown parameter: foo"),
        ({"address": {"planet": "x"}}, "parameter_unknown", "address[planet]", "unknown parameter: address[planet]"),
        ({"balance": "ten"}, "parameter_invalid_integer", "balance", "Invalid integer: ten"),
        ({"email": "nobody"}, "email_invalid", "email", "Invalid email address: nobody"),
        ({"tax_exempt": "no"}, None, "tax_exempt", "must be one of exempt, none, or reverse"),
        ({"name": "x" * 257}, None, "name", "at most 256 characters"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]", "up to 500 characters"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata", "at most 40 characters"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    running: RunningSandbox, params: dict[str, object], code: str | None, param: str, sentence: str
) -> None:
    status, error = refusal(running, "POST", "/v1/customers", **params)
    assert (status, error.get("code"), error["param"], error["type"]) == (400, code, param, "invalid_request_error")
    assert sentence in str(error["message"])
    assert running.objects("customer") == []


def test_missing_objects_are_404_in_the_path_and_400_in_a_parameter(running: RunningSandbox) -> None:
    status, error = refusal(running, "GET", "/v1/customers/cus_none")
    assert (status, error["code"], error["message"]) == (404, "resource_missing", "No such customer: 'cus_none'")
    status, error = refusal(running, "POST", "/v1/invoices", customer="cus_none")
    assert (status, error["code"], error["param"]) == (400, "resource_missing", "customer")


def test_unknown_urls_are_named(running: RunningSandbox) -> None:
    status, error = refusal(running, "DELETE", "/v1/prices/price_1")
    assert status == 404
    assert "Unrecognized request URL (DELETE: /v1/prices/price_1)" in str(error["message"])


def test_empty_text_clears_and_nothing_sent_changes_nothing(running: RunningSandbox) -> None:  # S37
    address = {"line1": "Main St 1", "city": "Ulm"}
    shipping = {"name": "A", "address": {"line1": "x"}}
    customer = make_customer(
        running, name="Ann", phone="1", address=address, shipping=shipping, metadata={"a": "1", "b": "2"}
    )
    path = f"/v1/customers/{customer['id']}"
    changed = running.post(path, name="", address={"city": ""}, metadata={"a": "", "c": "3"}, shipping=None)
    assert changed["name"] is None
    assert changed["phone"] == "1"
    assert (changed["address"]["line1"], changed["address"]["city"]) == ("Main St 1", None)
    assert changed["metadata"] == {"b": "2", "c": "3"}
    assert changed["shipping"]["name"] == "A"
    cleared = running.post(path, address="", shipping="", metadata="", phone="")
    assert [cleared[key] for key in ("address", "shipping", "metadata", "phone")] == [None, None, {}, None]


def test_what_cannot_be_unset_says_so(running: RunningSandbox) -> None:
    product = running.post("/v1/products", name="Gold")
    status, error = refusal(running, "POST", f"/v1/products/{product['id']}", name="")
    assert (status, error["code"]) == (400, "parameter_invalid_empty")


@pytest.mark.parametrize("key", ["", "pk_test_1", "sk_" + "live_" + "1234567"])
def test_wrong_keys_are_401(running: RunningSandbox, key: str) -> None:
    status, error = refusal(running, "GET", "/v1/customers", headers={"Authorization": f"Bearer {key}"})
    assert status == 401
    assert key == "" or key not in str(error["message"])


def test_restricted_keys_lack_what_they_name(running: RunningSandbox) -> None:
    restricted = connect(running.url, "rk_test_sandbox_nowrite_customers_noread_events")
    assert restricted.v1.customers.list().data == []
    with pytest.raises(stripe.PermissionError) as caught:
        restricted.v1.customers.create(params={"name": "x"})
    assert caught.value.error.code == "more_permissions_required"
    with pytest.raises(stripe.PermissionError):
        restricted.v1.events.list()


def test_expansion_goes_four_levels_deep_and_refuses_what_is_not_expandable(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    paths = ["data.latest_invoice.payments", "data.customer", "data.default_payment_method"]
    listed = running.get("/v1/subscriptions", expand=paths)["data"][0]
    assert listed["customer"]["object"] == "customer"
    assert listed["latest_invoice"]["payments"]["data"][0]["payment"]["type"] == "payment_intent"
    shown = running.get(f"/v1/subscriptions/{subscription['id']}", expand=["items.data.price.product"])
    assert shown["items"]["data"][0]["price"]["product"]["name"] == "Gold"
    status, error = refusal(running, "GET", "/v1/subscriptions", expand=["data.status"])
    assert (status, error["message"]) == (400, "This property cannot be expanded (data.status).")
    status, _ = refusal(running, "GET", "/v1/subscriptions", expand=["data.items.data.price.product"])
    assert status == 400


def test_deleted_customers_leave_a_stub_and_deleted_products_nothing(running: RunningSandbox) -> None:
    customer, product = make_customer(running), running.post("/v1/products", name="Gone")
    running.delete(f"/v1/customers/{customer['id']}")
    assert running.get(f"/v1/customers/{customer['id']}") == {
        "id": customer["id"],
        "object": "customer",
        "deleted": True,
    }
    assert running.get("/v1/customers")["data"] == []
    assert refusal(running, "POST", f"/v1/customers/{customer['id']}", name="x")[0] == 404
    running.delete(f"/v1/products/{product['id']}")
    assert refusal(running, "GET", f"/v1/products/{product['id']}")[0] == 404


def test_endive_takes_an_anchor_object_and_dahlia_a_word(running: RunningSandbox) -> None:
    path = f"/v1/subscriptions/{subscribe(running)['id']}"
    running.sandbox.advance(86400)
    anchored = running.post(path, billing_cycle_anchor={"type": "now"})
    assert anchored["billing_cycle_anchor"] >= anchored["start_date"] + 86400
    assert refusal(running, "POST", path, billing_cycle_anchor="now")[0] == 400
    dahlia = {"Stripe-Version": "2026-08-26.dahlia"}
    assert running.post(path, billing_cycle_anchor="now", headers=dahlia)["id"]
    assert refusal(running, "POST", path, billing_cycle_anchor={"type": "now"}, headers=dahlia)[0] == 400
    status, error = refusal(
        running, "POST", "/v1/payment_intents", amount=500, currency="usd", payment_method_types=["card"]
    )
    assert (status, error["code"]) == (400, "payment_method_types_no_longer_supported")


def test_same_seed_gives_the_same_ids() -> None:
    names: list[list[str]] = []
    for _ in range(2):
        with RunningSandbox(seed=7) as running:
            names.append([make_customer(running)["id"], make_price(running)])
    assert names[0] == names[1]


def test_requests_are_logged_with_their_caller(running: RunningSandbox, client: stripe.StripeClient) -> None:
    client.v1.customers.create(params={"name": "Ann"}, options={"idempotency_key": "k1"})
    (entry,) = running.requests("POST", "/v1/customers")
    assert (entry["idempotency_key"], entry["params"], entry["status"]) == ("k1", {"name": "Ann"}, 200)
    assert entry["caller"].startswith("Stripe/v1")
    running.clear_requests()
    assert running.requests() == []
