"""The receiver's promises to Stripe: what is kept, what is refused, and how fast."""

from __future__ import annotations

import json
import time
from io import BytesIO
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from stripe_mirror.inbox import processing
from stripe_mirror.inbox.views import receive
from stripe_mirror.models import Change, Customer, InboxEvent
from tests.conftest import SECRET, events_of, post_event, signed
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db

URL = "/stripe-webhooks/"
State = InboxEvent.State


def event(**values: Any) -> dict[str, Any]:
    """A whole event about a customer."""
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_800_000_000,
        "livemode": False,
        "type": "customer.created",
        "request": {"id": "req_1", "idempotency_key": None},
        "data": {"object": {"id": "cus_1", "object": "customer", "created": 1_800_000_000, "name": "Ada"}},
        **values,
    }


def test_event_is_stored_applied_and_answered(sandbox: RunningSandbox, client: Client) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    [created] = events_of(sandbox, made["id"])
    assert post_event(client, created).status_code == 200
    kept = InboxEvent.objects.get()
    assert (kept.state, kept.payload, kept.object_id) == (State.APPLIED, created, made["id"])
    assert Customer.objects.get().data == sandbox.objects("customer")[0]


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_only_post_is_answered(client: Client, method: str) -> None:
    assert getattr(client, method)(URL).status_code == 405


def test_the_address_without_its_slash_does_not_redirect_a_post(client: Client) -> None:
    assert client.post("/stripe-webhooks").status_code != 200
    assert not InboxEvent.objects.exists()


@pytest.mark.parametrize("configured", [(SECRET, "whsec_" + "next"), ("whsec_" + "next", SECRET)])
@pytest.mark.parametrize("signing", [(SECRET, "whsec_" + "other"), ("whsec_" + "other", SECRET)])
def test_any_of_two_secrets_and_of_two_signatures_is_accepted(
    client: Client, settings: Settings, configured: tuple[str, str], signing: tuple[str, str]
) -> None:
    """S28: while a secret is rolled, two are configured here and two sign there, in whatever order."""
    settings.STRIPE_WEBHOOK_SECRETS = list(configured)
    body = json.dumps(event()).encode()
    (stamp, first), (_, second) = (signed(body, secret=secret).split(",") for secret in signing)
    assert post_event(client, body, **{"Stripe-Signature": f"{stamp},{first},{second}"}).status_code == 200
    assert InboxEvent.objects.count() == 1


def bad_headers(body: bytes) -> dict[str, str]:
    """Made when the test runs: their times are compared with the clock."""
    return {
        "empty": "",
        "wrong signature": "t=1,v1=00",
        "no time": "v1=00",
        "nonsense": "nonsense",
        "time is no number": "t=x,v1=y",
        "time beyond all clocks": "t=99999999999999999999,v1=00",
        "not ascii": "t=1,v1=é",
        "another body": signed(b"{}"),
        "another secret": signed(body, secret="whsec_" + "wrong"),
        "too old": signed(body, timestamp=int(time.time()) - 301),
        "another scheme": signed(body).replace("v1=", "v0="),
    }


@pytest.mark.parametrize("case", sorted(bad_headers(b"")))
def test_bad_signature_is_refused_and_nothing_is_stored(client: Client, case: str) -> None:
    """S28: a wrong signature, an old timestamp, no header."""
    body = json.dumps(event()).encode()
    answer = post_event(client, body, **{"Stripe-Signature": bad_headers(body)[case]})
    assert answer.status_code == 400
    assert not InboxEvent.objects.exists()


def test_missing_header_is_refused(client: Client) -> None:
    """S28"""
    assert client.post(URL, data=json.dumps(event()), content_type="application/json").status_code == 400
    assert not InboxEvent.objects.exists()


def test_without_any_secret_everything_is_refused(client: Client, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert post_event(client, event()).status_code == 400


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in event().items() if name not in names}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"not json",
        b"[]",
        b"3",
        b"null",
        b'"text"',
        b"{}",
        b"[" * 100_000,
        b'{"object": "event", "id": ' + b"[" * 900 + b"]" * 900 + b"}",
        json.dumps(event(object="v2.core.event")).encode(),
        json.dumps(without("object")).encode(),
        json.dumps(without("id")).encode(),
        json.dumps(without("type")).encode(),
        json.dumps(without("created")).encode(),
        json.dumps(without("livemode")).encode(),
        json.dumps(event(id=7)).encode(),
        json.dumps(event(id="")).encode(),
        json.dumps(event(id="e" * 256)).encode(),
        json.dumps(event(type=["customer.created"])).encode(),
        json.dumps(event(type="t" * 256)).encode(),
        json.dumps(event(created="yesterday")).encode(),
        json.dumps(event(created=True)).encode(),
        json.dumps(event(created=1.5)).encode(),
        json.dumps(event(created=-1)).encode(),
        json.dumps(event(created=10**18)).encode(),
        json.dumps(event(livemode="no")).encode(),
        json.dumps(event(account={"id": "acct_1"})).encode(),
        json.dumps(event(extra=float("nan"))).encode(),
        json.dumps(event(extra=float("inf"))).encode(),
        json.dumps(event()).replace("1800000000", "1e999").encode(),
        json.dumps(event()).replace('"Ada"', "9" * 5000).encode(),
    ],
)
def test_signed_nonsense_is_refused_and_nothing_is_stored(client: Client, body: bytes) -> None:
    assert post_event(client, body).status_code == 400
    assert not InboxEvent.objects.exists()


def test_body_over_the_limit_is_refused_by_its_declared_length(client: Client) -> None:
    body = json.dumps(event(padding="x" * 1_000_001)).encode()
    assert post_event(client, body).status_code == 400
    assert not InboxEvent.objects.exists()


def test_body_over_the_limit_is_refused_whatever_its_declared_length(rf: Any) -> None:
    request = rf.post(URL, data=b"", content_type="application/json")
    # A server that hands over a stream without a length (chunked).
    request._stream, request._read_started = BytesIO(b"x" * 1_100_000), False
    request.META["CONTENT_LENGTH"] = "10"
    assert receive(request).status_code == 400
    assert not InboxEvent.objects.exists()


def test_largest_allowed_event_is_stored(client: Client) -> None:
    room = 1_000_000 - len(json.dumps(event(padding="")))
    assert post_event(client, event(padding="x" * room)).status_code == 200
    assert InboxEvent.objects.count() == 1


@pytest.mark.parametrize(
    "strange",
    [
        {"type": "customer.abducted"},
        {"type": "unheard.of", "data": {"object": {"id": "x_1", "object": "unheard"}}},
        {"type": "invoice.upcoming", "data": {"object": {"object": "invoice", "amount_due": 5}}},
        {"type": "balance.available", "data": {"object": {"object": "balance"}}},
        {"data": {}},
        {"data": None},
        {"data": {"object": []}},
        {"data": {"object": {"object": "customer", "id": 7}}},
        {"data": {"object": {"object": "customer", "id": "c" * 256}}},
        {"data": {"object": {"object": ["customer"], "id": "cus_1"}}},
        {"request": "req_1"},
        {"api_version": None},
    ],
)
def test_event_of_an_unknown_kind_or_shape_is_kept_and_answered(client: Client, strange: dict[str, Any]) -> None:
    """S18: what we don't know is stored and shown, never dropped, never a 500."""
    assert post_event(client, event(**strange)).status_code == 200
    kept = InboxEvent.objects.get()
    assert kept.state in (State.IGNORED, State.APPLIED, State.WAITING)
    assert "Error" not in kept.reason


def test_characters_that_postgresql_refuses_are_replaced(client: Client) -> None:
    obj = {"id": "cus_1", "object": "customer", "created": 5, "name": "a\0b\ud800", "metadata": {"\0": "\\u0000"}}
    assert post_event(client, event(data={"object": obj})).status_code == 200
    row = Customer.objects.get()
    assert (row.name, row.nul_replaced) == ("a\ufffdb\ufffd", True)
    assert row.metadata == {"\ufffd": "\\u0000"}


def test_repeated_event_is_answered_and_changes_nothing(client: Client) -> None:
    assert [post_event(client, event()).status_code for _ in range(3)] == [200, 200, 200]
    assert InboxEvent.objects.count() == 1
    assert Customer.objects.get().version == 1


def test_database_that_refuses_to_store_makes_stripe_try_again(client: Client) -> None:
    """A refused connection, a full disk: 503 as long as it lasts, and not a word longer."""

    def refuse(*args: Any) -> None:
        raise OperationalError("the disk is full of secrets")

    with connection.execute_wrapper(refuse):
        answer = post_event(client, event())
    assert answer.status_code == 503
    assert b"secrets" not in answer.content
    assert post_event(client, event()).status_code == 200


def test_receiver_answers_quickly_and_never_calls_stripe_while_stripe_hangs(
    sandbox: RunningSandbox, client: Client
) -> None:
    """S14: an event that needs Stripe waits for the worker; the sender doesn't."""
    made = sandbox.post("/v1/customers", name="Ada")
    sandbox.faults.add(hang=5)
    sandbox.clear_requests()
    [created] = events_of(sandbox, made["id"])
    took = []
    for number in range(3):
        started = time.perf_counter()
        assert post_event(client, {**created, "api_version": "2024-06-20", "id": f"evt_{number}"}).status_code == 200
        took.append(time.perf_counter() - started)
    assert min(took) < 0.1
    assert set(InboxEvent.objects.values_list("state", flat=True)) == {State.WAITING}
    assert sandbox.requests() == []


@pytest.mark.parametrize("foreign", [{"livemode": True}, {"account": "acct_other"}])
def test_event_of_another_mode_or_account_is_parked(client: Client, foreign: dict[str, Any]) -> None:
    """S27"""
    assert post_event(client, event(**foreign)).status_code == 200
    kept = InboxEvent.objects.get()
    assert kept.state == State.PARKED
    assert "nothing was changed" in kept.reason
    assert not Customer.objects.exists()


def test_error_while_processing_does_not_reach_stripe(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """S04: the first delivery fails inside, the second is processed, exactly once."""
    with monkeypatch.context() as patch:
        patch.setattr(processing, "apply_event", lambda *args, **kwargs: 1 / 0)
        assert post_event(client, event()).status_code == 200
    kept = InboxEvent.objects.get()
    assert (kept.state, kept.attempts) == (State.WAITING, 1)
    assert "ZeroDivisionError" in kept.reason
    assert kept.next_attempt_at is not None
    assert [post_event(client, event()).status_code for _ in range(2)] == [200, 200]
    assert InboxEvent.objects.get().state == State.APPLIED
    assert Change.objects.count() == 1
