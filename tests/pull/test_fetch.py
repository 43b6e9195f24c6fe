"""Reading one object: newer than what we hold, or read again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Change, Coupon, Customer, MirroredAccount, Product
from stripe_mirror.pull import fetch
from stripe_mirror.pull.account import OtherAccount
from stripe_mirror.pull.apply import Origin, Outcome, apply_state
from stripe_mirror.pull.fetch import Overtaken, fetch_now
from stripe_mirror.pull.pages import SYNC
from stripe_mirror.stripe_api.errors import RateLimited
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db

CUSTOMER = get_kind("customer")


def test_object_is_read_and_stored(sandbox: RunningSandbox) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    applied = fetch_now(CUSTOMER, made["id"])
    assert applied is not None and applied.outcome is Outcome.CREATED
    assert Customer.objects.get().data == made
    assert Change.objects.get().source == Change.Source.SYNC


def test_two_changes_within_one_second_are_both_seen(sandbox: RunningSandbox) -> None:
    sandbox.sandbox.clock.set(sandbox.sandbox.now())
    made = sandbox.post("/v1/customers", name="a")
    for name in "bcd":
        fetch_now(CUSTOMER, made["id"])
        sandbox.post(f"/v1/customers/{made['id']}", name=name)
    fetch_now(CUSTOMER, made["id"])
    assert Customer.objects.get().name == "d"


def test_deleted_customer_becomes_a_tombstone_with_its_last_state(sandbox: RunningSandbox) -> None:
    """S22: Stripe answers a stub."""
    made = sandbox.post("/v1/customers", name="Ada")
    fetch_now(CUSTOMER, made["id"])
    sandbox.delete(f"/v1/customers/{made['id']}")
    fetch_now(CUSTOMER, made["id"])
    row = Customer.objects.get()
    assert (row.name, row.deleted_at is not None) == ("Ada", True)


@pytest.mark.parametrize("kind", ["product", "coupon"])
def test_deleted_product_or_coupon_becomes_a_tombstone(sandbox: RunningSandbox, kind: str) -> None:
    """S23: Stripe answers 404."""
    path, params = {
        "product": ("/v1/products", {"name": "Thing"}),
        "coupon": ("/v1/coupons", {"id": "SUMMER", "percent_off": 5, "duration": "once"}),
    }[kind]
    made = sandbox.post(path, **params)
    fetch_now(get_kind(kind), made["id"])
    sandbox.delete(f"{path}/{made['id']}")
    fetch_now(get_kind(kind), made["id"])
    row: Any = {"product": Product, "coupon": Coupon}[kind].objects.get()
    assert row.deleted_at is not None
    assert row.data["id"] == made["id"]


def test_object_that_nobody_has_is_none(sandbox: RunningSandbox) -> None:
    assert fetch_now(CUSTOMER, "cus_nobody") is None
    assert not Customer.objects.exists()


def overtaking(sandbox: RunningSandbox, id: str, monkeypatch: pytest.MonkeyPatch, *, times: int) -> list[int]:
    """Let newer states be stored between Stripe's answer and our storing it."""
    read, reads = fetch.read.retrieve, list[int]()

    def retrieve(*args: Any, **kwargs: Any) -> Any:
        answer = read(*args, **kwargs)
        reads.append(1)
        if len(reads) <= times:
            newer = sandbox.post(f"/v1/customers/{id}", name=f"newer {len(reads)}")
            at = datetime.fromtimestamp(sandbox.sandbox.now(), timezone.get_current_timezone())
            apply_state(CUSTOMER, newer, as_of=at, read_until=None, origin=Origin(Change.Source.API))
        return answer

    monkeypatch.setattr(fetch.read, "retrieve", retrieve)
    return reads


def test_answer_that_was_overtaken_is_read_again(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sandbox.post("/v1/customers", name="old")
    fetch_now(CUSTOMER, made["id"])
    sandbox.post(f"/v1/customers/{made['id']}", name="older")
    reads = overtaking(sandbox, made["id"], monkeypatch, times=2)
    fetch_now(CUSTOMER, made["id"])
    assert len(reads) == 3
    assert Customer.objects.get().name == "newer 2"


def test_object_that_changes_all_the_time_is_left_for_later(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sandbox.post("/v1/customers", name="old")
    fetch_now(CUSTOMER, made["id"])
    sandbox.post(f"/v1/customers/{made['id']}", name="older")
    overtaking(sandbox, made["id"], monkeypatch, times=99)
    with pytest.raises(Overtaken, match="4 times in a row"):
        fetch_now(CUSTOMER, made["id"])


def test_impatient_read_fails_at_once_and_a_patient_one_waits(sandbox: RunningSandbox, impatient: None) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    sandbox.faults.add(status=429, times=1)
    with pytest.raises(RateLimited):
        fetch_now(CUSTOMER, made["id"], patient=False)
    sandbox.faults.clear()
    sandbox.faults.add(status=429, times=1)
    assert fetch_now(CUSTOMER, made["id"]) is not None


@pytest.mark.parametrize(
    "mirrored", [{"pk": "acct_someone_else", "livemode": False}, {"pk": "acct_1", "livemode": True}]
)
def test_with_a_key_of_another_account_or_mode_nothing_is_taken_for_deleted(
    sandbox: RunningSandbox, mirrored: dict[str, Any]
) -> None:
    at = timezone.now().replace(microsecond=0)
    apply_state(CUSTOMER, {"id": "cus_theirs", "object": "customer"}, as_of=at, read_until=None, origin=SYNC)
    MirroredAccount.objects.create(**mirrored)
    with pytest.raises(OtherAccount, match="Nothing was changed"):
        fetch_now(CUSTOMER, "cus_theirs")
    assert Customer.objects.get().deleted_at is None
