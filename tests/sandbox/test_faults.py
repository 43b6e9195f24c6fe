"""Faults of the API: refusals, hangs, lost answers, a rate limit; matched, counted, and switched off."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.sandbox.conftest import connect, make_customer
from tests.sandbox.testing import RunningSandbox, SandboxError, wait_for


def statuses(running: RunningSandbox, count: int, path: str = "/v1/customers") -> list[int]:
    """What so many GETs answer."""
    answered = []
    for _ in range(count):
        try:
            running.get(path)
            answered.append(200)
        except SandboxError as error:
            answered.append(error.status)
    return answered


def test_faults_strike_as_often_as_they_say(running: RunningSandbox) -> None:
    running.faults.add(status=500, times=2)
    assert statuses(running, 3) == [500, 500, 200]


def test_faults_match_method_and_path(running: RunningSandbox) -> None:
    running.faults.add(status=409, method="GET", path="/v1/customers")
    running.faults.add(status=429, path="^/v1/(products|prices)$")
    assert statuses(running, 1) == [409]
    assert running.post("/v1/customers")["id"]
    assert statuses(running, 1, "/v1/products") == [429]
    assert statuses(running, 1, "/v1/subscriptions") == [200]
    running.faults.clear()
    assert statuses(running, 1) == [200]


def test_probable_faults_follow_the_seed(running: RunningSandbox) -> None:
    running.faults.add(status=500, probability=0.5)
    struck = statuses(running, 40)
    assert 8 < struck.count(500) < 32
    with RunningSandbox() as again:
        again.faults.add(status=500, probability=0.5)
        assert statuses(again, 40) == struck


def test_refusals_are_the_stripe_packages_own_exceptions(running: RunningSandbox, client: stripe.StripeClient) -> None:
    expected = {429: stripe.RateLimitError, 500: stripe.APIError, 409: stripe.APIError}
    for status, kind in expected.items():
        running.faults.add(status=status, times=1)
        with pytest.raises(kind) as caught:
            client.v1.customers.list()
        assert caught.value.http_status == status
        assert caught.value.request_id is not None


def test_500_before_the_work_does_nothing_and_after_it_everything(running: RunningSandbox) -> None:
    customer = make_customer(running, name="Ann")
    path = f"/v1/customers/{customer['id']}"
    for after_work, name in ((False, "Ann"), (True, "Bob")):
        running.faults.add(status=500, after_work=after_work, times=1)
        with pytest.raises(SandboxError):
            running.post(path, name="Bob")
        assert running.get(path)["name"] == name


def test_hanging_call_does_not_hold_up_others(running: RunningSandbox) -> None:  # S14
    running.faults.add(hang=20, path="/v1/products")
    impatient = connect(running.url, http_client=stripe.RequestsClient(timeout=0.2))
    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.products.list()
    start = time.monotonic()
    running.get("/v1/customers")
    assert time.monotonic() - start < 10


def test_waiting_call_goes_on_when_the_rule_is_removed(running: RunningSandbox) -> None:
    running.faults.add(hang=600, path="/v1/products")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(running.get, "/v1/products")
        wait_for(lambda: running.faults.list()[0]["used"], 10, "the call was not made")
        assert not answer.done()
        running.faults.clear()
        assert answer.result(10)["data"] == []


def test_latency_slows_every_call(running: RunningSandbox) -> None:
    running.faults.add(latency_ms=50)
    start = time.monotonic()
    statuses(running, 3)
    assert time.monotonic() - start >= 0.15


def test_lost_answer_means_the_work_is_done(running: RunningSandbox, client: stripe.StripeClient) -> None:  # S31
    running.faults.add(lose_answer=True, method="POST", times=1)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create(params={"name": "Ann"})
    assert [row["name"] for row in running.objects("customer")] == ["Ann"]


def test_rate_limit_refuses_what_is_beyond_and_recovers(running: RunningSandbox) -> None:
    running.faults.add(rate_limit=5)
    answered = statuses(running, 60)
    assert answered[:5] == [200] * 5
    assert 429 in answered
    wait_for(lambda: statuses(running, 1) == [200], 10, "everything was refused")


def test_unknown_fault_settings_are_refused(running: RunningSandbox) -> None:
    with pytest.raises(SandboxError, match="Unknown fault settings"):
        running.faults.add(explode=True)
    assert running.faults.list() == []


@pytest.mark.parametrize("has_more", [True, False])
def test_third_page_can_be_empty_and_say_what_it_likes(running: RunningSandbox, has_more: bool) -> None:
    for _ in range(5):
        running.post("/v1/customers")
    running.faults.add(path="/v1/customers", keep=0, has_more=has_more, skip=2, times=1)
    pages = [running.get("/v1/customers", limit=2) for _ in range(4)]
    assert [len(page["data"]) for page in pages] == [2, 2, 0, 2]
    assert [page["has_more"] for page in pages] == [True, True, has_more, True]


def test_page_can_be_short(running: RunningSandbox) -> None:
    for _ in range(3):
        running.post("/v1/customers")
    running.faults.add(keep=1, times=1)
    short = running.get("/v1/customers")
    assert (len(short["data"]), short["has_more"]) == (1, False)
    assert len(running.get("/v1/customers")["data"]) == 3


def test_bent_pages_leave_objects_and_writing_calls_alone(running: RunningSandbox) -> None:
    running.faults.add(keep=0, has_more=True)
    customer = running.post("/v1/customers", name="Ann")
    assert running.get(f"/v1/customers/{customer['id']}")["name"] == "Ann"
    assert running.get("/v1/customers")["data"] == []
    (rule,) = running.faults.list()
    assert (rule["keep"], rule["has_more"]) == (0, True)


def test_faults_of_a_path_last_until_they_are_taken_away(running: RunningSandbox) -> None:
    running.faults.add(status=429, path="/v1/customers")
    assert statuses(running, 5) == [429] * 5
    assert statuses(running, 1, "/v1/products") == [200]
    running.faults.clear()
    assert statuses(running, 1) == [200]


def test_answer_can_come_late_once(running: RunningSandbox) -> None:
    running.faults.add(hang=0.3, path="/v1/customers", times=1)
    start = time.monotonic()
    assert statuses(running, 1) == [200]
    assert time.monotonic() - start >= 0.3
    (rule,) = running.faults.list()
    assert rule["used"] == 1
