"""The log of what staff did: nobody edits it, who may read it filters it, who may export it gets all of it (S59)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backoffice import roles
from stripe_mirror.admin import display
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Approval, Push
from tests.admin import rows

pytestmark = pytest.mark.django_db

LOG = display.list_url(Push)
EXPORT = f"{LOG}export/"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRET = "sk_" + "test_" + "abcdefghijklmnop"


def person(name: str) -> User:
    """A member of staff."""
    return User.objects.create_user(name, is_staff=True, first_name=name.title())


def pushed(user: User | None, **fields: Any) -> Push:
    """A push of theirs."""
    given = {
        "operation": "edit_customer",
        "object_type": "customer",
        "object_id": "cus_Ada",
        "user_name": user.first_name if user else "",
        "ip_address": "192.0.2.7",
        "reason": "asked by mail",
        "state": "done",
        "request_id": "req_1",
        "before": {"email": "old@example.com", "name": "Ada"},
        "after": {"email": "new@example.com", "name": "Ada"},
        "created_at": NOON,
        **fields,
    }
    return Push.objects.create(user=user, **given)


def refunded(user: User, by: User) -> Push:
    """A refund that was approved."""
    push = pushed(
        user,
        operation="refund_charge",
        object_type="charge",
        object_id="ch_1",
        told={"money": [{"words": "Goes back", "amount": 2000, "currency": "eur"}]},
        params={"amount": 2000, "charge": "ch_1"},
        method="post",
        path="/v1/refunds",
        before={"amount_refunded": 0},
        after={"amount_refunded": 2000},
        first_sent_at=NOON,
    )
    Approval.objects.create(
        push=push,
        asked_at=NOON,
        stakes=[[2000, "eur"]],
        decision="approved",
        decided_by=by,
        decided_by_name="Bea",
        reason="called them",
        decided_at=NOON + timedelta(hours=1),
        ip_address="192.0.2.9",
    )
    return push


def listed(client: Client, query: str = "") -> set[Any]:
    """The pushes that the list shows."""
    answer = client.get(LOG + query)
    assert answer.status_code == 200
    return {row.pk for row in answer.context["cl"].result_list}


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    """The rows of the download."""
    answer: Any = client.get(EXPORT + query)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))


def test_nobody_adds_changes_or_deletes_an_entry(boss: Client) -> None:
    push = refunded(person("ann"), person("bea"))
    was = Push.objects.values().get()
    for page in ("add",):
        assert boss.post(display.admin_url(Push, page), {"reason": "forged"}).status_code == 403
    assert boss.post(display.object_url(push), {"reason": "forged", "state": "refused"}).status_code == 405
    assert boss.post(display.admin_url(push, "delete", push.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(push.pk)], "post": "yes"}
    boss.post(LOG, chosen)
    assert Push.objects.values().get() == was
    assert Approval.objects.get().reason == "called them"
    assert Approval not in admin.site._registry


def test_a_list_shows_who_what_and_what_it_changed(staff: Callable[..., Client]) -> None:
    refunded(person("ann"), person("bea"))
    html = staff("auditor", "view_push").get(LOG).content.decode()
    row = html.split("<tbody>")[1].split("</tbody>")[0]
    for shown in ("Refund payment", "Done", "ch_1", "Ann", "asked by mail", "amount_refunded", "€0.00", "€20.00"):
        assert shown in row
    assert "Approved by Bea" in row


def test_a_page_shows_from_where_why_before_and_after_and_who_approved(staff: Callable[..., Client]) -> None:
    push = refunded(person("ann"), person("bea"))
    html = staff("auditor", "view_push").get(display.object_url(push)).content.decode()
    for shown in (
        "192.0.2.7",
        "asked by mail",
        "req_1",
        "€0.00",
        "€20.00",
        "Approved by Bea",
        "called them",
        "192.0.2.9",
    ):
        assert shown in html
    assert "What was sent" in html


def test_it_is_filtered_by_person_operation_kind_outcome_and_time(staff: Callable[..., Client]) -> None:
    ann, bea = person("ann"), person("bea")
    edit = pushed(ann)
    refund = refunded(bea, ann)
    late = pushed(bea, state="refused", created_at=NOON + timedelta(days=1), object_id="cus_Bob")
    nobodys = pushed(None, state="skipped", created_at=NOON - timedelta(days=1))
    client = staff("auditor", "view_push")
    assert listed(client) == {edit.pk, refund.pk, late.pk, nobodys.pk}
    assert listed(client, f"?person={ann.pk}") == {edit.pk}
    assert listed(client, "?operation=refund_charge") == {refund.pk}
    assert listed(client, "?object_type=charge") == {refund.pk}
    assert listed(client, "?state=refused") == {late.pk}
    assert listed(client, f"?person={bea.pk}&operation=edit_customer&state=refused") == {late.pk}
    assert listed(client, "?created_from=2026-06-02") == {late.pk}
    assert listed(client, "?created_from=2026-06-01&created_to=2026-06-01") == {edit.pk, refund.pk}
    assert listed(client, "?object_type=customer&object_id=cus_Bob") == {late.pk}
    assert listed(client, "?q=req_1&person=nonsense") == set()
    assert listed(client, f"?person={'9' * 30}") == set()


def test_people_to_choose_are_those_who_did_something(staff: Callable[..., Client]) -> None:
    pushed(person("ann"))
    person("idle")
    html = staff("auditor", "view_push").get(LOG).content.decode()
    filters = html.split('class="sm-filters"')[1].split("sm-table")[0]
    assert ">Ann<" in filters
    assert "Idle" not in filters
    assert "Refund payment" in filters


def test_a_list_takes_few_queries_however_many_rows(staff: Callable[..., Client]) -> None:
    client, ann, bea = staff("auditor", "view_push"), person("ann"), person("bea")
    refunded(ann, bea)
    client.get(LOG)
    with CaptureQueriesContext(connection) as few:
        client.get(LOG)
    for _ in range(20):
        refunded(ann, bea)
    with CaptureQueriesContext(connection) as many:
        client.get(LOG)
    assert len(many) == len(few) <= 12


@pytest.mark.parametrize("object_type", [kind.object for kind in all_kinds()])
def test_every_objects_page_leads_to_its_activity(object_type: str, staff: Callable[..., Client]) -> None:
    row = rows.one_of_each()[object_type]
    url = display.list_url(Push, {"object_type": object_type, "object_id": row.pk}).replace("&", "&amp;")
    may, may_not = (
        staff("auditor", f"view_{row.kind.model_name}", "view_push"),
        staff("viewer", f"view_{row.kind.model_name}"),
    )
    assert f'href="{url}">Activity' in may.get(display.object_url(row)).content.decode()
    assert ">Activity" not in may_not.get(display.object_url(row)).content.decode()


def test_the_activity_of_an_object_is_its_own(staff: Callable[..., Client]) -> None:
    mine, _ = pushed(person("ann")), pushed(None, object_id="cus_Bob")
    _other_kind = pushed(None, object_type="charge")
    assert listed(staff("auditor", "view_push"), "?object_type=customer&object_id=cus_Ada") == {mine.pk}


# Export


def test_all_of_it_is_exported(staff: Callable[..., Client]) -> None:
    ann, bea = person("ann"), person("bea")
    refunded(ann, bea)
    (row,) = exported(staff("auditor", "view_push", "export_push", "view_pii"))
    assert row["created_at"] == "2026-06-01T12:00:00+00:00"
    assert (row["user_name"], row["username"], row["ip_address"]) == ("Ann", "ann", "192.0.2.7")
    assert (row["operation"], row["operation_label"]) == ("refund_charge", "Refund payment")
    assert (row["object_type"], row["object_id"], row["outcome"]) == ("charge", "ch_1", "Done")
    assert (row["reason"], row["request_id"]) == ("asked by mail", "req_1")
    assert row["changes"] == "amount_refunded: 0 → 2000"
    assert [json.loads(row[name]) for name in ("before", "after")] == [
        {"amount_refunded": 0},
        {"amount_refunded": 2000},
    ]
    assert (row["path"], json.loads(row["sent"])) == ("/v1/refunds", {"amount": 2000, "charge": "ch_1"})
    assert (row["approval"], row["approval_by"], row["approval_reason"]) == ("approved", "Bea", "called them")
    assert (row["approval_at"], row["approval_ip_address"]) == ("2026-06-01T13:00:00+00:00", "192.0.2.9")


def test_s55_the_export_is_what_is_listed(staff: Callable[..., Client]) -> None:
    ann, bea = person("ann"), person("bea")
    mine = pushed(ann)
    refunded(bea, ann)
    client = staff("auditor", "view_push", "export_push", "view_pii")
    query = f"?person={ann.pk}&created_from=2026-06-01"
    assert [row["id"] for row in exported(client, query)] == [str(mine.pk)]
    html = client.get(LOG + query).content.decode()
    assert f'href="{EXPORT}choose/{query}"'.replace("&", "&amp;") in html


def test_a_push_without_approval_or_answer_is_exported_too(staff: Callable[..., Client]) -> None:
    pushed(None, after={}, state="unknown")
    (row,) = exported(staff("auditor", "view_push", "export_push", "view_pii"))
    assert (row["outcome"], row["changes"], row["approval"], row["username"]) == ("checking", "", "", "")


def test_s61_no_secret_and_s56_no_formula_leaves_by_the_export(staff: Callable[..., Client]) -> None:
    pushed(None, reason=f"=see {SECRET}", after={"email": "x", "name": SECRET}, params={"client_secret": SECRET})
    client = staff("auditor", "view_push", "export_push", "view_pii")
    (row,) = exported(client)
    assert row["reason"].startswith("'=")
    assert SECRET not in json.dumps(row)
    assert SECRET not in client.get(LOG).content.decode()


def test_s58_without_permission_there_is_no_export(staff: Callable[..., Client]) -> None:
    pushed(person("ann"))
    for codenames in (("view_push",), ("export_push",)):
        client = staff(f"no_{codenames[0]}", *codenames)
        assert client.get(EXPORT).status_code == 403
        assert EXPORT not in client.get(LOG).content.decode()


def test_only_operators_export_the_log_by_a_role() -> None:
    assert {r.name for r in roles.ROLES if "export_push" in roles.codenames(r.name)} == {"Operator"}


def test_s57_the_export_is_one_walk_that_is_sent_while_it_is_read(staff: Callable[..., Client]) -> None:
    client = staff("auditor", "view_push", "export_push", "view_pii")
    Push.objects.bulk_create(
        [Push(operation="edit_customer", object_type="customer", created_at=NOON, state="done") for _ in range(2_100)]
    )
    answer: Any = client.get(EXPORT)
    with CaptureQueriesContext(connection) as queries:
        pieces = list(answer.streaming_content)
    assert len(pieces) > 2
    assert len(queries) <= 1
