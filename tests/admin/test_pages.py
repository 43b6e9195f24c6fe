"""Every page of the admin answers, whatever stands in Stripe's objects, and shows no secret."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from html import escape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from stripe_mirror.admin import display
from stripe_mirror.admin.operations import operation_url
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import (
    Change,
    Customer,
    Export,
    ExportRecord,
    InboxEvent,
    Job,
    MirroredAccount,
    Push,
    SavedExport,
    SyncRun,
)
from stripe_mirror.push.operation import operations_for
from tests.admin import rows
from tests.admin.conftest import KEYS

OBJECTS = [kind.object for kind in all_kinds()]
ENUMS = ("status", "type", "collection_method", "billing_reason", "duration", "reason", "tax_exempt")


def ours() -> list[Any]:
    """A row of each of our own tables, with everything set that pages show."""
    now = timezone.now()
    job = Job.objects.create(operation="gone_operation", object_type="customer", user_id=_user(), form={"when": "now"})
    push = Push.objects.create(
        job=job,
        operation="gone_operation",
        object_type="customer",
        object_id="cus_Ada",
        user_id=_user(),
        before={"email": None},
        after={"email": "x", "nested": {"a": [1]}},
        state="unknown",
        created_at=now,
    )
    event = InboxEvent.objects.create(
        id="evt_1",
        type="customer.updated",
        livemode=False,
        created=now,
        payload={"data": {"object": {"client_secret": "hush"}}},
        received_at=now,
        object_type="from_the_future",
        object_id="ftf_1",
        state="waiting",
        next_attempt_at=now + timedelta(minutes=1),
    )
    change = Change.objects.create(
        object_type="customer",
        object_id="cus_Ada",
        action="updated",
        fields={"email": [None, "x"], "odd": "not a pair"},
        version=2,
        happened_at=now,
        recorded_at=now,
        source="push",
        push=push,
        event_id="evt_1",
    )
    run = SyncRun.objects.create(command="backfill", object_type="customer", state="failed", message="429")
    account = MirroredAccount.objects.create(id="acct_1", livemode=False)
    record = ExportRecord.objects.create(
        action="written",
        user_id=_user(),
        at=now,
        model_name="gone",
        query="q=x",
        columns=["id"],
        rows=1,
        file_format="csv",
    )
    return [job, push, event, change, run, account, record]


def exports_of(user: User) -> None:
    """A run in each state, and a saved export whose schedule is paused."""
    selection = {"model_name": "customer", "query": "q=Ada", "ids": None}
    options = {"columns": ["id", "email"], "format": "csv", "timezone": "UTC"}
    shared: dict[str, Any] = {"owner": user, "model_name": "customer", "selection": selection, "options": options}
    saved = SavedExport.objects.create(
        name="Ada's", schedule="weekly", time_zone="Europe/Berlin", paused_reason="no", **shared
    )
    for state in Export.State.values:
        Export.objects.create(state=state, error="no", saved=saved, created_at=timezone.now(), **shared)


def _user() -> int:
    from django.contrib.auth.models import User

    return User.objects.get_or_create(username="pusher")[0].pk


def page(client: Client, row: Any) -> str:
    """The object's page."""
    answer = client.get(display.object_url(row))
    assert answer.status_code == 200, display.object_url(row)
    return answer.content.decode()


def listing(client: Client, model: Any, query: str = "") -> str:
    """The list's page."""
    answer = client.get(display.list_url(model) + query)
    assert answer.status_code == 200, query
    return answer.content.decode()


def test_every_kind_has_a_list_and_a_page(boss: Client) -> None:
    made = rows.one_of_each()
    assert sorted(made) == sorted(OBJECTS), "add the new kind to tests/admin/rows.py"
    for row in made.values():
        assert escape(row.pk) in page(boss, row)
        assert display.object_url(row) in listing(boss, type(row))


def test_our_own_tables_have_lists_and_pages(boss: Client) -> None:
    for row in ours():
        page(boss, row)
        listing(boss, type(row))


@pytest.mark.parametrize("object_type", OBJECTS)
def test_s18_unknown_values_are_shown_as_they_are(boss: Client, object_type: str) -> None:
    row = rows.one_of_each()[object_type]
    unknown = {name: f"zz_{name}_new" for name in ENUMS if name in row.data}
    changed = rows.store({**row.data, **unknown, "id": "new_1", "currency": "zzz"})
    html = page(boss, changed) + listing(boss, type(row))
    if "status" in unknown:
        assert "Zz status new" in html
    for value in unknown.values():
        assert value in html


@pytest.mark.parametrize("object_type", OBJECTS)
def test_an_object_with_nothing_in_it_is_shown(boss: Client, object_type: str) -> None:
    row = rows.store({"object": object_type, "id": "bare_1", "created": None})
    assert "bare_1" in page(boss, row)
    listing(boss, type(row))


@pytest.mark.parametrize("object_type", OBJECTS)
def test_values_of_an_unexpected_shape_are_shown(role: Callable[[str], Client], object_type: str) -> None:
    viewer = role("Viewer")
    row = rows.one_of_each()[object_type]
    odd: dict[str, Any] = {name: ["unexpected"] for name in row.data if name not in ("id", "object", "metadata")}
    twisted = rows.store({**row.data, **odd, "id": "odd_1"})
    page(viewer, twisted)
    listing(viewer, type(row))


@pytest.mark.parametrize("object_type", OBJECTS)
def test_values_of_an_unexpected_shape_are_shown_to_who_may_change_them(boss: Client, object_type: str) -> None:
    row = rows.one_of_each()[object_type]
    for number, odd in enumerate((["unexpected"], {"un": "expected"}, 7)):
        twisted = {name: odd for name in row.data if name not in ("id", "object")}
        stored = rows.store({**row.data, **twisted, "id": f"odd_{number}"})
        page(boss, stored)
        for operation in operations_for(object_type):
            if not operation.creates:
                assert boss.get(operation_url(stored, operation)).status_code == 200


def test_missing_parents_are_shown_by_their_id(boss: Client) -> None:
    orphan = rows.invoice("in_Orphan", customer="cus_Nobody")
    assert "cus_Nobody" in page(boss, orphan)
    assert "cus_Nobody" in listing(boss, type(orphan))


def test_names_are_escaped_everywhere(boss: Client) -> None:
    evil = "<script>alert(1)</script>"
    customer = rows.customer(name=evil, email=f"{evil}@x", description=evil, metadata={evil: evil})
    rows.subscription()
    rows.invoice(customer_name=evil, number=evil)
    Change.objects.create(
        object_type="customer",
        object_id=customer.pk,
        action="updated",
        fields={"name": [evil, evil]},
        version=2,
        happened_at=timezone.now(),
        recorded_at=timezone.now(),
        source="api",
    )
    html = page(boss, customer) + listing(boss, Customer) + listing(boss, Customer, f"?q={evil}&customer={evil}&e=1")
    html += boss.get("/admin/").content.decode()
    assert evil not in html
    assert "&lt;script&gt;alert(1)" in html


ODD_IDS = [
    "cus_3AxYz",
    "cus_5FGYJ",
    "cus_GYJ_5F",
    "SPRING 50%",
    "a/b",
    "ä?ö&ü#1",
    "add",
    "x" * 255,
]


@pytest.mark.parametrize("id", ODD_IDS)
def test_ids_of_any_shape_have_a_page_and_a_link_to_it(boss: Client, id: str) -> None:
    row = rows.coupon(id)
    assert f'href="{escape(display.object_url(row))}"' in listing(boss, type(row))
    assert f"<code>{escape(id)}</code>" in page(boss, row)


def test_an_id_that_reads_like_another_ones_quoted_form_is_not_mixed_up(boss: Client) -> None:
    plain, encoded = rows.coupon("cus:x", name="Plain"), rows.coupon("cus_3Ax", name="Encoded")
    assert "Plain" in page(boss, plain)
    assert "Encoded" in page(boss, encoded)


def test_djangos_quoted_addresses_lead_to_the_row_too(boss: Client) -> None:
    row = rows.customer("cus_GYJ")
    url = display.admin_url(row, "change", quote(row.pk))
    assert "cus_5FGYJ" in url
    assert boss.get(url).status_code == 200


def test_an_unknown_id_leads_to_the_list_with_a_sentence(boss: Client) -> None:
    answer = boss.get(display.admin_url(Customer, "change", "cus_none"), follow=True)
    assert "There is no customer with the id “cus_none” here." in answer.content.decode()


def test_nothing_is_loaded_from_elsewhere_and_no_handler_stands_in_the_page(boss: Client) -> None:
    rows.one_of_each()
    for url in ("/admin/", display.list_url(Customer), display.object_url(Customer.objects.get())):
        html = boss.get(url).content.decode()
        assert not [part for part in html.split('src="')[1:] if not part.startswith("/")]
        assert " onclick=" not in html
        assert " onsubmit=" not in html


def test_s61_no_page_holds_a_key_or_a_signing_secret(boss: Client, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = "sk_" + "test_" + "superhush"
    leak = "sk_" + "live_" + "abcdefgh" + " and whsec_" + "y" * 12 + " and rk_" + "test_zzz"
    made = rows.one_of_each()
    rows.customer("cus_Leak", name=leak, description=leak, metadata={"key": leak}, email=leak)
    rows.invoice("in_Leak", number=leak, customer="cus_Leak")
    rows.charge("ch_Leak", description=leak, risk_level="normal")
    own = ours()
    Push.objects.update(params={"metadata": {"x": leak}}, before={"name": leak}, reason=leak, message=leak)
    InboxEvent.objects.update(payload={"name": leak}, reason=leak)
    Change.objects.update(fields={"name": [leak, leak]})
    found = [boss.get("/admin/").content.decode()]
    found += [listing(boss, model) for model in admin.site._registry]
    for row in [*made.values(), *own, *(type(made[o]).objects.get(pk=p) for o, p in LEAKS)]:
        found.append(page(boss, row))
    leaks = [html[max(0, match.start() - 200) : match.end()] for html in found for match in KEYS.finditer(html)]
    assert leaks == []
    assert display.HIDDEN in "".join(found)


LEAKS = [("customer", "cus_Leak"), ("invoice", "in_Leak"), ("charge", "ch_Leak")]


def test_raw_json_hides_what_opens_doors(boss: Client) -> None:
    made = rows.one_of_each()
    html = page(boss, made["payment_intent"]) + page(boss, made["invoice"]) + page(boss, made["charge"])
    assert "hush" not in html
    assert "secret-path" not in html


def test_the_history_says_what_changed_and_by_whom(boss: Client) -> None:
    customer = rows.customer()
    now = timezone.now()
    push = Push.objects.create(
        id=uuid.uuid4(),
        operation="edit_customer",
        object_type="customer",
        object_id=customer.pk,
        user_name="Grace Hopper",
        reason="Asked by phone",
        created_at=now,
    )
    base: dict[str, Any] = {"object_type": "customer", "object_id": customer.pk, "happened_at": now, "recorded_at": now}
    Change.objects.create(
        **base, action="updated", version=2, source="push", push=push, fields={"email": ["old@x", "new@x"]}
    )
    Change.objects.create(**base, action="updated", version=3, source="api", fields={"balance": [0, -500]})
    html = page(boss, customer)
    for expected in ("Grace Hopper", "Asked by phone", "old@x", "new@x", "Dashboard or another API client", "-$5.00"):
        assert expected in html


def test_a_kind_without_an_admin_of_its_own_is_shown_by_its_columns(boss: Client) -> None:
    from stripe_mirror.admin.base import StripeObjectAdmin

    rows.one_of_each()
    for kind in all_kinds():
        generic = StripeObjectAdmin(kind.model, admin.site)
        assert len(generic.default_columns) > 2
        row = kind.model.objects.first()
        shown = "".join(str(column(row)) for group in generic.all_facts for column in group.facts)
        assert shown
