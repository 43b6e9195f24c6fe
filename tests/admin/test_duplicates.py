"""The report of customers that are probably one: by e-mail address and by card, side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import duplicates

pytestmark = pytest.mark.django_db
PAGE = "/admin/stripe_mirror/customer/duplicates/"


def row(object_type: str, id: str, *, deleted: bool = False, **data: Any) -> Any:
    now = timezone.now()
    return get_kind(object_type).model._default_manager.create(
        id=id,
        data={"id": id, "object": object_type, "created": 1_700_000_000, **data},
        as_of=now,
        synced_at=now,
        changed_at=now,
        deleted_at=now if deleted else None,
    )


def customer(number: int, email: str | None = None, **more: Any) -> Any:
    return row("customer", f"cus_{number}", email=email, name=f"Customer {number}", **more)


def card(number: int, of: int, fingerprint: str) -> Any:
    details = {"brand": "visa", "last4": f"{number:04}", "fingerprint": fingerprint}
    return row("payment_method", f"pm_{number}", customer=f"cus_{of}", type="card", card=details)


def ids(page: duplicates.Page) -> list[list[str]]:
    return [[one.pk for one in group.customers] for group in page.groups]


@pytest.fixture
def reader(client: Client) -> Callable[..., Client]:
    """Signed in, with some permissions."""

    def sign_in(*codenames: str) -> Client:
        user = User.objects.create_user("reader", is_staff=True)
        user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return sign_in


def test_one_address_in_any_case_is_one_person() -> None:
    for number, email in enumerate(("ann@example.com", "Ann@Example.com", "bob@example.com", None, None, "", "")):
        customer(number, email)
    customer(8, "bob@example.com", deleted=True)
    page = duplicates.by_email()
    assert [group.shared for group in page.groups] == ["ann@example.com"]
    assert ids(page) == [["cus_0", "cus_1"]]
    assert page.after == ""


def test_one_card_of_two_customers_is_found_and_two_of_one_are_not() -> None:
    for number in range(4):
        customer(number, f"{number}@example.com")
    customer(5, deleted=True)
    for number, (of, print_) in enumerate([(0, "a"), (1, "a"), (2, "b"), (2, "b"), (3, "c"), (5, "c")]):
        card(number, of, print_)
    page = duplicates.by_payment_method()
    assert ids(page) == [["cus_0", "cus_1"]]
    assert page.groups[0].shared == "Visa •••• 0000"


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_show_each_group_once(limit: int) -> None:
    for number in range(14):
        customer(number, f"{number // 2}@example.com")
    seen, after = [], ""
    while True:
        page = duplicates.by_email(after=after, limit=limit)
        seen += ids(page)
        if not page.after:
            break
        after = page.after
    assert seen == [[f"cus_{n}", f"cus_{n + 1}"] for n in range(0, 14, 2)]


def test_the_page_leads_to_both_and_to_what_can_be_done(reader: Callable[..., Client]) -> None:
    customer(1, "ann@example.com")
    customer(2, "ann@example.com")
    row("subscription", "sub_1", customer="cus_2", status="active")
    shown = reader("view_customer", "delete_stripe_customer").get(PAGE).content.decode()
    for id in ("cus_1", "cus_2"):
        assert f"/customer/{id}/change/" in shown
        assert f"/customer/{id}/operation/delete_stripe_customer/" in shown
    assert "ann@example.com" in shown


def test_it_shows_no_more_than_its_reader_may_see_and_do(reader: Callable[..., Client]) -> None:
    customer(1, "ann@example.com")
    customer(2, "ann@example.com")
    client = reader("view_customer")
    shown = client.get(PAGE, {"by": "card"}).content.decode()
    assert "delete_stripe_customer" not in shown
    assert "Same card" not in shown
    assert client.post(PAGE).status_code == 405
    assert PAGE in client.get("/admin/stripe_mirror/customer/").content.decode()


def test_s58_who_may_not_see_customers_gets_403(reader: Callable[..., Client]) -> None:
    assert reader("view_invoice").get(PAGE).status_code == 403


def test_a_page_costs_the_same_for_many_groups(
    reader: Callable[..., Client], django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        customer(number, f"{number // 3}@example.com")
    client = reader("view_customer")
    with django_assert_max_num_queries(12):
        assert client.get(PAGE).content.decode().count("sm-table") == 20
