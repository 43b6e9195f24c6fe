"""Refusals have Stripe's body and status."""

from typing import Any

import pytest

from tests.sandbox.contract.account import HEADERS, Account
from tests.sandbox.contract.openapi import Spec

# What is asked, then the status, `code` and `param` of the refusal.
REFUSALS: list[tuple[str, str, dict[str, Any], int, str | None, str | None]] = [
    ("GET", "/v1/customers/cus_none", {}, 404, "resource_missing", "id"),
    ("POST", "/v1/customers", {"nme": "Ann"}, 400, "parameter_unknown", "nme"),
    ("POST", "/v1/customers", {"email": "no address"}, 400, "email_invalid", "email"),
    ("POST", "/v1/prices", {"unit_amount": 100}, 400, "parameter_missing", "currency"),
    ("POST", "/v1/coupons", {"percent_off": "many"}, 400, None, "percent_off"),
    ("GET", "/v1/customers", {"starting_after": "cus_none"}, 400, "resource_missing", "starting_after"),
    ("GET", "/v1/customers", {"expand": ["data.nonsense"]}, 400, None, "expand"),
    ("POST", "/v1/nonsense", {}, 404, None, None),
    ("DELETE", "/v1/prices/price_1", {}, 404, None, None),
]


@pytest.mark.parametrize(("method", "path", "params", "status", "code", "param"), REFUSALS)
def test_refusal_has_stripes_body(
    spec: Spec,
    account: Account,
    method: str,
    path: str,
    params: dict[str, Any],
    status: int,
    code: str | None,
    param: str | None,
) -> None:
    reply = account.ask(method, path, params)
    assert (reply.status, reply.body["error"].get("code"), reply.body["error"].get("param")) == (status, code, param)
    assert spec.check_error(reply.body) == []


def test_declined_card_has_stripes_body(spec: Spec, account: Account) -> None:
    declining = {"payment_method": "pm_card_chargeDeclinedInsufficientFunds", "confirm": True}
    params = {"amount": 900, "currency": "usd", "customer": account.customer, **declining}
    reply = account.ask("POST", "/v1/payment_intents", params)
    error = reply.body["error"]
    assert (reply.status, error["type"], error["code"]) == (402, "card_error", "card_declined")
    assert error["decline_code"] == "insufficient_funds"
    assert spec.check_error(reply.body) == []


def test_reused_idempotency_key_has_stripes_body(spec: Spec, account: Account) -> None:
    headers = HEADERS | {"Idempotency-Key": "once"}
    account.sandbox.request("POST", "/v1/customers", {"name": "Ann"}, headers=headers)
    reply = account.sandbox.request("POST", "/v1/customers", {"name": "Bob"}, headers=headers)
    assert (reply.status, reply.body["error"]["type"]) == (400, "idempotency_error")
    assert spec.check_error(reply.body) == []


def test_missing_key_has_stripes_body(spec: Spec, account: Account) -> None:
    reply = account.sandbox.request("GET", "/v1/customers", headers={"Stripe-Version": HEADERS["Stripe-Version"]})
    assert reply.status == 401
    assert spec.check_error(reply.body) == []


@pytest.mark.parametrize("status", [409, 429, 500])
def test_fault_has_stripes_body(spec: Spec, account: Account, status: int) -> None:
    account.sandbox.faults.add(status=status)
    refusal = account.sandbox.faults.for_request("GET", "/v1/customers").refusal
    assert refusal is not None
    reply = account.sandbox.reject("GET", "/v1/customers", {}, refusal, headers=HEADERS)
    assert reply.status == status
    assert spec.check_error(reply.body) == []
