"""Find anything: every kind of query leads to its object, for who may see it, and never scans a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stripe_mirror.admin.find import results
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Customer, CustomerLink
from tests.admin import rows
from tests.sandbox.testing import RunningSandbox

PAGE, LINES, FETCH = "/admin/find/", "/admin/find/lines/", "/admin/find/fetch/"
# rows.SECOND is 28 May 2026, 20:26:40 UTC.
DAY = "28 may 2026"


@pytest.fixture
def company(db: None) -> None:
    rows.one_of_each()
    rows.customer(
        "cus_Bob",
        name="Ärger & Söhne",
        email="Bob.Miller@Example.org",
        phone="(030) 12-34 567",
        metadata={"crm": "A-77/x"},
    )
    rows.customer("cus_Eve", name="Eve", email="eve@lovelace.example", phone=None, deleted_at=rows.NOW)
    rows.charge("ch_eur", amount=4990, currency="eur", customer="cus_Bob", payment_intent=None)
    rows.charge("ch_kwd", amount=49900, currency="kwd", customer="cus_Bob", payment_intent=None)
    rows.charge("ch_jpy", amount=49, currency="jpy", customer="cus_Bob", payment_intent=None)
    rows.charge("ch_late", amount=4990, currency="eur", payment_intent=None, created=rows.SECOND + 60 * rows.DAY)
    rows.subscription("sub_meta", metadata={"seat plan": "Gold tier"})
    user = User.objects.create_user("hopper", "grace@navy.example")
    CustomerLink.objects.create(user=user, customer_id="cus_Bob")


def found(client: Client, query: str) -> dict[str, list[str]]:
    """Kind → ids, in the order shown."""
    answer = client.get(LINES, {"q": query})
    assert answer.status_code == 200
    groups = answer.context_data["results"].groups  # type: ignore[attr-defined]
    return {group.kind.object: [hit.id for hit in group.hits] for group in groups}


@pytest.mark.parametrize(
    ("query", "object_type", "first"),
    [
        ("cus_Bob", "customer", "cus_Bob"),
        ("https://dashboard.stripe.com/acct_1/test/customers/cus_Bob?x#y", "customer", "cus_Bob"),
        ("cus_Bob ch_eur", "charge", "ch_eur"),
        ("ch_eur", "charge", "ch_eur"),
        ("ada", "customer", "cus_Ada"),
        ("LOVELACE", "customer", "cus_Ada"),
        ("lovelace ada", "customer", "cus_Ada"),
        ("äRGER", "customer", "cus_Bob"),
        ("söhne", "customer", "cus_Bob"),
        ("miller@exam", "customer", "cus_Bob"),
        ("bob.miller@example.org", "customer", "cus_Bob"),
        ("+44 (0)20 7946-0000", "customer", "cus_Ada"),
        ("0301234567", "customer", "cus_Bob"),
        ("ADA-0001", "invoice", "in_Tea"),
        ("a-77/X", "customer", "cus_Bob"),
        ("a-77", "customer", "cus_Bob"),
        ("gold TIER", "subscription", "sub_meta"),
        ("hopper", "customer", "cus_Bob"),
        ("grace@navy", "customer", "cus_Bob"),
        ("4242", "payment_method", "pm_Visa"),
        ("visa •••• 4242", "customer", "cus_Ada"),
        ("49,90 €", "charge", "ch_late"),
        (f"49.90 eur {DAY}", "charge", "ch_eur"),
        ("$29.00", "payment_intent", "pi_Tea"),
        ("29 usd", "invoice", "in_Tea"),
        ("29.00 30 may 2026", "payment_intent", "pi_Tea"),
        ("tea clu", "product", "prod_Tea"),
    ],
)
def test_it_is_found(boss: Client, company: None, query: str, object_type: str, first: str) -> None:
    assert found(boss, query)[object_type][0] == first
    page = boss.get(PAGE, {"q": query}).content.decode()
    assert first in page and "sm-find-hit" in page


def test_an_amount_is_looked_for_in_each_currency_by_its_own_decimals(boss: Client, company: None) -> None:
    """S53."""
    assert set(found(boss, "49.90")["charge"]) == {"ch_eur", "ch_kwd", "ch_late"}
    assert found(boss, "49")["charge"] == ["ch_jpy"]
    assert found(boss, "49.90 kwd")["charge"] == ["ch_kwd"]
    assert "charge" not in found(boss, "49.90 eur 1 june 2026")


def test_s54_the_day_is_one_in_the_zone_of_the_reader(boss: Client, company: None, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    assert found(boss, "49.90 eur 29 may 2026")["charge"][0] == "ch_eur"
    assert "ch_eur" in found(boss, "29 may 2026")["charge"]
    assert "charge" not in found(boss, "28 may 2026")


def test_the_very_thing_comes_before_what_only_contains_it(boss: Client, company: None) -> None:
    for n in range(60):
        rows.customer(f"cus_x{n}", name=f"The ada club {n}", email=f"x{n}@example.com")
    rows.customer("cus_last", name="Ada", email="z@example.com", created=1)
    assert found(boss, "ada")["customer"][:2] == ["cus_last", "cus_Ada"]
    html = boss.get(LINES, {"q": "ada club"}).content.decode()
    assert html.count('role="option"') == results.SHOWN + 1
    assert "/admin/stripe_mirror/customer/?q=ada+club" in html


def test_a_deleted_object_is_found_and_comes_last(boss: Client, company: None) -> None:
    assert found(boss, "lovelace")["customer"] == ["cus_Ada", "cus_Eve"]
    assert "sm-find-deleted" in boss.get(LINES, {"q": "lovelace"}).content.decode()


def test_only_kinds_that_one_may_view_are_looked_for(staff: Callable[..., Client], company: None) -> None:
    viewer = staff("viewer", "view_invoice", "view_charge")
    for query in ("ada", "cus_Ada", "4242", "49.90", "hopper", "a-77", "29"):
        assert set(found(viewer, query)) <= {"invoice", "charge"}, query
    html = viewer.get(LINES, {"q": "ADA-0001"}).content.decode()
    assert "in_Tea" in html and "Lovelace" not in html
    assert "may not view customers" in viewer.get(LINES, {"q": "cus_Nobody"}).content.decode()
    assert viewer.post(FETCH, {"kind": "customer", "id": "cus_Nobody"}).status_code == 403


def test_it_is_for_staff_only(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("customer"))
    for address in (PAGE, LINES, FETCH):
        assert client.get(address).status_code == 302


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("tr_1Nx1", "a transfer: these are not mirrored here"),
        ("nobody at all", "Nothing found for “nobody at all”"),
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("%", "Nothing found"),
        ("\x00", ""),
        ('"; DROP TABLE', "Nothing found"),
        ('a" OR "b', "Nothing found"),
        ("99999999999999999", "Nothing found"),
        ("9999-12-31", "Nothing found"),
        ("0001-01-01 5", "Nothing found"),
        ("a" * 5000, "Nothing found"),
    ],
)
def test_it_always_answers_and_says_what_it_made_of_it(boss: Client, company: None, query: str, said: str) -> None:
    for address in (PAGE, LINES):
        answer = boss.get(address, {"q": query})
        assert answer.status_code == 200
        assert said in answer.content.decode()
        assert "<script>alert" not in answer.content.decode()


def test_s18_objects_of_unknown_shape_are_shown(boss: Client, company: None) -> None:
    for kind in all_kinds():
        rows.store(
            {"object": kind.object, "id": f"{(kind.prefixes or ('odd_',))[0]}Odd1", "status": "new_status"} | ODD
        )
    for query in ("cus_Odd1", "in_Odd1", "sub_Odd1 ch_Odd1 pi_Odd1 pm_Odd1", "5", "odd value"):
        assert boss.get(LINES, {"q": query}).status_code == 200


ODD: dict[str, Any] = {
    "customer": {"x": 1},
    "currency": 5,
    "amount": "5",
    "card": [],
    "metadata": ["odd value"],
    "created": "x",
}


def test_s60_a_search_takes_few_queries_whatever_is_found(boss: Client, company: None) -> None:
    boss.get(LINES, {"q": "ada"})
    with CaptureQueriesContext(connection) as queries:
        boss.get(LINES, {"q": "4242"})
    assert len(queries) <= 70, len(queries)


# --- Fetching what is missing ---------------------------------------------------------------------------------------


def test_a_missing_object_is_fetched_from_stripe(boss: Client, sandbox: RunningSandbox) -> None:
    customer = sandbox.post("/v1/customers", name="Grace Hopper")
    query = f"https://dashboard.stripe.com/test/customers/{customer['id']}"
    assert "Fetch from Stripe" in boss.get(PAGE, {"q": query}).content.decode()
    assert Customer.objects.count() == 0, "looking must not fetch"
    answer = boss.post(FETCH, {"kind": "customer", "id": customer["id"]}, follow=True)
    assert answer.redirect_chain[-1][0].endswith(f"/customer/{customer['id']}/change/")
    assert Customer.objects.get().name == "Grace Hopper"


def test_what_stripe_lacks_too_is_said(boss: Client, sandbox: RunningSandbox) -> None:
    answer = boss.post(FETCH, {"kind": "customer", "id": "cus_Nobody"}, follow=True)
    assert "Stripe has no customer cus_Nobody in this account and mode." in answer.content.decode()
    assert "Fetch from Stripe" in answer.content.decode()


@pytest.mark.parametrize(
    "given", [{}, {"kind": "nonsense", "id": "x"}, {"kind": "customer", "id": ""}, {"kind": "customer", "id": "a\x00"}]
)
def test_odd_wishes_are_refused(boss: Client, given: dict[str, str]) -> None:
    assert boss.post(FETCH, given).status_code == 404
    assert boss.get(FETCH, given).status_code == 405


def visited(client: Client, *ids: str) -> list[str]:
    """The lines for what the browser remembers."""
    answer = client.get(LINES, {"visited": ids})
    assert answer.status_code == 200
    return [hit.id for group in answer.context_data["results"].groups for hit in group["hits"]]  # type: ignore[attr-defined]


def test_what_was_visited_last_is_shown_newest_first_as_it_is_now(company: None, boss: Client) -> None:
    ids = ("charge/ch_eur", "customer/cus_Eve", "customer/cus_Bob", "subscription/sub_meta", "customer/cus_Bob")
    assert visited(boss, *ids) == ["ch_eur", "cus_Eve", "cus_Bob", "sub_meta"]
    html = boss.get(LINES, {"visited": ids}).content.decode()
    for words in ("Recently visited", "4 recently visited", "€49.90", "sm-find-deleted", "Customer</span>"):
        assert words in html
    assert "Zuletzt besucht" in boss.get(LINES, {"visited": ids}, headers={"accept-language": "de"}).content.decode()


def test_what_is_gone_or_nonsense_is_left_out_of_what_was_visited(company: None, boss: Client) -> None:
    assert visited(boss, "customer/cus_gone", "user/1", "customer", "x/y", "customer/cus_\x00", "customer/cus_Bob") == [
        "cus_Bob"
    ]
    assert visited(boss, *(f"customer/cus_{n}" for n in range(20)), "customer/cus_Bob") == []


def test_what_somebody_may_not_view_is_not_among_what_was_visited(
    company: None, role: Callable[[str], Client], staff: Callable[..., Client]
) -> None:
    ids = ("charge/ch_eur", "customer/cus_Bob")
    assert visited(role("Viewer"), *ids) == ["ch_eur", "cus_Bob"]
    clerk = staff("clerk", "view_charge")
    assert visited(clerk, *ids) == ["ch_eur"]
    # Nor whose payment it is.
    assert "Ärger" not in clerk.get(LINES, {"visited": ids}).content.decode()
