"""Idempotency keys: replayed, refused for another request, busy while the first runs, forgotten after a day."""

from __future__ import annotations

import threading

import pytest
import stripe

from tests.sandbox.conftest import make_customer
from tests.sandbox.testing import RunningSandbox, SandboxError, wait_for

DAY = 86400


def create(client: stripe.StripeClient, key: str, **params: str) -> stripe.Customer:
    return client.v1.customers.create(params=params, options={"idempotency_key": key})  # type: ignore[arg-type]


def test_replay_gives_the_first_answer_and_does_nothing(running: RunningSandbox, client: stripe.StripeClient) -> None:
    first, second = create(client, "k", name="Ann"), create(client, "k", name="Ann")
    assert first.id == second.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert len(running.objects("customer")) == 1
    assert [entry["replayed"] for entry in running.requests("POST")] == [False, True]


def test_other_parameters_or_another_path_are_refused(running: RunningSandbox, client: stripe.StripeClient) -> None:
    customer = create(client, "k", name="Ann")
    with pytest.raises(stripe.IdempotencyError):
        create(client, "k", name="Bob")
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.update(customer.id, params={"name": "Ann"}, options={"idempotency_key": "k"})


def test_key_is_busy_while_the_first_request_runs(running: RunningSandbox, client: stripe.StripeClient) -> None:
    running.faults.add(hang=0.5, times=1)
    thread = threading.Thread(target=create, args=(client, "k"), kwargs={"name": "Ann"})
    thread.start()
    wait_for(lambda: "k" in running.sandbox.keys.answers, 2, "the first request did not begin")
    with pytest.raises(stripe.APIError) as caught:
        create(client, "k", name="Ann")
    assert (caught.value.http_status, caught.value.error.code) == (409, "idempotency_key_in_use")
    thread.join()
    assert len(running.objects("customer")) == 1


def test_key_is_free_again_after_24_hours(running: RunningSandbox, client: stripe.StripeClient) -> None:
    create(client, "k", name="Ann")
    running.advance(DAY + 1)
    create(client, "k", name="Bob")
    assert {row["name"] for row in running.objects("customer")} == {"Ann", "Bob"}


def test_refused_parameters_do_not_use_up_the_key(running: RunningSandbox, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        create(client, "k", email="nobody")
    assert create(client, "k", email="ann@example.com").email == "ann@example.com"


def test_declines_are_replayed(running: RunningSandbox) -> None:
    customer = make_customer(running)
    headers = {"Idempotency-Key": "k"}
    path = "/v1/payment_methods/pm_card_chargeDeclined/attach"
    errors = []
    for _ in range(2):
        with pytest.raises(SandboxError) as caught:
            running.post(path, customer=customer["id"], headers=headers)
        errors.append(caught.value.error)
    assert errors[0] == errors[1]
    assert [entry["replayed"] for entry in running.requests("POST", path)] == [False, True]


def test_executed_500_is_replayed_and_a_429_is_not_stored(running: RunningSandbox, client: stripe.StripeClient) -> None:
    running.faults.add(status=429, times=1)
    with pytest.raises(stripe.RateLimitError):
        create(client, "limited", name="Ann")
    assert create(client, "limited", name="Ann").name == "Ann"
    running.faults.add(status=500, after_work=True, times=1)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            create(client, "broken", name="Bob")
    assert [row["name"] for row in running.objects("customer")] == ["Ann", "Bob"]


def test_lost_answer_is_found_again_with_the_same_key(running: RunningSandbox, client: stripe.StripeClient) -> None:
    running.faults.add(lose_answer=True, times=1)
    with pytest.raises(stripe.APIConnectionError):
        create(client, "k", name="Ann")  # S31
    again = create(client, "k", name="Ann")
    assert [row["id"] for row in running.objects("customer")] == [again.id]
