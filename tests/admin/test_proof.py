"""Proof of sync: what it says, what it offers, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from stripe_mirror.admin import display
from stripe_mirror.kinds import all_kinds, get_kind
from stripe_mirror.models import Change, Customer, Difference, InboxEvent, ReconcileState, SyncRun
from stripe_mirror.pull import reconcile_confirm
from stripe_mirror.pull.reconcile_rounds import compared_kinds, reconcile_now
from tests.admin import rows
from tests.sandbox.testing import RunningSandbox

URL = "/admin/stripe_mirror/difference/proof/"
COMPARE = "admin:stripe_mirror_difference_compare"
REPAIR = "admin:stripe_mirror_difference_repair"
REPAIR_KIND = "admin:stripe_mirror_difference_repair_kind"


def said(client: Client, url: str = URL) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


def difference(**fields: Any) -> Difference:
    values: dict[str, Any] = {
        "object_type": "customer",
        "object_id": "cus_Ada",
        "nature": Difference.Nature.FIELDS,
        "fields": {"name": ["Ada Lovelace", "Grace Hopper"]},
        "likely_why": "No event of this object ever reached us.",
        "found_at": timezone.now(),
    }
    return Difference.objects.create(**(values | fields))


def work() -> None:
    """A worker that goes home when nothing is left to do."""
    call_command("db_worker", batch=True, startup_delay=False, verbosity=0)


def test_page_is_honest_before_anything_was_compared(role: Callable[[str], Client]) -> None:
    html = said(role("Operator"))
    assert html.count("Never compared") == len(all_kinds())
    assert "Nothing is proved yet" in html
    assert "Nothing was compared yet" in html


def test_page_says_when_and_how_much_was_compared(role: Callable[[str], Client]) -> None:
    now = timezone.now()
    for kind in compared_kinds():
        ReconcileState.objects.create(
            object_type=kind.object, whole_compared=1234, whole_finished_at=now, compared_at=now, whole_started_at=now
        )
    operator = role("Operator")
    html = said(operator)
    assert "No open difference. Every kind was compared as a whole" in html
    assert html.count("All 1,234") == len(compared_kinds())
    ReconcileState.objects.filter(object_type="customer").update(
        compared_at=now + timedelta(hours=1), position={"source": 0}, round_compared=77
    )
    assert "; 77 of the next round" in said(operator)


def test_page_shows_both_values_and_why(role: Callable[[str], Client]) -> None:
    rows.customer()
    difference()
    html = said(role("Operator"))
    assert "1 object differs from Stripe." in html
    for part in ("Ada Lovelace", "Grace Hopper", "No event of this object ever reached us.", "Fields differ"):
        assert part in html


def test_values_are_escaped_and_secrets_hidden(role: Callable[[str], Client]) -> None:
    rows.customer()
    key = "sk_" + "test_hush"
    row = difference(fields={"name": ["<script>x</script>", key]}, likely_why=f"Because of {key}.", note=key)
    operator = role("Operator")
    for url in (URL, display.object_url(row)):
        html = said(operator, url)
        assert "<script>x</script>" not in html and "&lt;script&gt;x" in html
        assert key not in html


def test_lag_is_that_of_the_newest_events(role: Callable[[str], Client]) -> None:
    now = timezone.now().replace(microsecond=0)
    for n in range(100):
        InboxEvent.objects.create(
            id=f"evt_{n}",
            type="customer.updated",
            livemode=False,
            created=now,
            object_type="customer",
            object_id="cus_Ada",
            payload={},
            state="applied",
            received_at=now + timedelta(seconds=1),
            processed_at=now + timedelta(seconds=2 if n < 95 else 300),
        )
    html = said(role("Operator"))
    assert "2.0 s · 5 min" in html
    assert display.moment_text(now) in html


def test_page_takes_as_many_queries_however_much_there_is(role: Callable[[str], Client]) -> None:
    operator = role("Operator")
    said(operator)
    with CaptureQueriesContext(connection) as few:
        said(operator)
    for n in range(30):
        rows.customer(f"cus_{n}")
        difference(object_id=f"gone_{n}", object_type="customer")
        SyncRun.objects.create(command="reconcile", object_type="customer")
    with CaptureQueriesContext(connection) as many:
        said(operator)
    assert len(many) <= len(few) + 2 * 20 + 2
    assert not [q for q in many if "COUNT(*)" in q["sql"] and "LIMIT" not in q["sql"] and "difference" not in q["sql"]]


@pytest.mark.parametrize("name", ["Viewer", "Support", "Billing", "Finance"])
def test_only_operators_see_and_run_it(role: Callable[[str], Client], name: str) -> None:
    client, row = role(name), difference()
    assert client.get(URL).status_code == 403
    for url in (
        reverse(COMPARE, args=("customer",)),
        reverse(REPAIR, args=(row.pk,)),
        reverse(REPAIR_KIND, args=("customer",)),
    ):
        assert client.post(url).status_code == 403
    assert not SyncRun.objects.exists()


def test_who_may_only_look_is_offered_nothing(staff: Callable[..., Client]) -> None:
    rows.customer()
    row = difference()
    viewer = staff("looker", "view_difference", "view_customer")
    for url in (URL, display.object_url(row)):
        html = said(viewer, url)
        assert "cus_Ada" in html and "data-submit-once" not in html
    assert viewer.post(reverse(REPAIR, args=(row.pk,))).status_code == 403


def test_who_may_not_see_a_kind_sees_and_learns_nothing_of_its_differences(staff: Callable[..., Client]) -> None:
    """Neither by looking nor by comparing and repairing, which would show the values, too."""
    row, other = difference(), difference(object_type="product", object_id="prod_Boat", fields={"name": ["a", "b"]})
    blind = staff("blind", "view_difference", "view_syncrun", "run_reconcile", "view_product")
    for url in (URL, display.list_url(Difference), display.object_url(row)):
        html = blind.get(url, follow=True).content.decode()
        assert not [part for part in ("cus_Ada", "Ada Lovelace", "Grace Hopper") if part in html]
        assert "prod_Boat" in html
    forbidden = reverse(COMPARE, args=("customer",)), reverse(REPAIR_KIND, args=("customer",))
    for url in (*forbidden, reverse(REPAIR, args=(row.pk,))):
        assert blind.post(url).status_code == 403
    assert not (SyncRun.objects.exists() or DBTaskResult.objects.exists())
    assert blind.post(reverse(COMPARE, args=("all",))).status_code == 302
    assert [run.object_type for run in SyncRun.objects.all()] == ["product"]
    assert "Repair" in said(blind, display.object_url(other))


def test_nothing_runs_by_a_link(role: Callable[[str], Client]) -> None:
    operator, row = role("Operator"), difference()
    for url in (
        reverse(COMPARE, args=("all",)),
        reverse(REPAIR, args=(row.pk,)),
        reverse(REPAIR_KIND, args=("customer",)),
    ):
        assert operator.get(url).status_code == 405
    assert operator.post(URL).status_code == 405
    assert "no such kind" in operator.post(reverse(COMPARE, args=("unicorn",)), follow=True).content.decode()
    assert operator.post(reverse(REPAIR, args=(0,)), follow=True).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_s26_click_repairs_one_and_says_who(sandbox: RunningSandbox, role: Callable[[str], Client]) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    sandbox.advance(60)
    [found] = reconcile_now(get_kind("customer")).differences
    html = role("Operator").post(reverse(REPAIR, args=(found.pk,)), follow=True).content.decode()
    assert "Stored as Stripe has it." in html
    found.refresh_from_db()
    assert (found.outcome, str(found.repaired_by)) == ("repaired", "the-Operator")
    assert Customer.objects.get().pk == made["id"]
    assert Change.objects.get().source == Change.Source.SYNC


@pytest.mark.django_db(transaction=True)
def test_failed_click_says_why(sandbox: RunningSandbox, role: Callable[[str], Client]) -> None:
    row = difference(object_id="cus_Other")
    sandbox.faults.add(status=500)
    html = role("Operator").post(reverse(REPAIR, args=(row.pk,)), follow=True).content.decode()
    assert html.count("Not repaired: Stripe can&#x27;t be reached") == 2


@pytest.mark.django_db(transaction=True)
def test_worker_compares_and_repairs_a_whole_kind_when_asked(
    sandbox: RunningSandbox, role: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile_confirm.time, "sleep", lambda seconds: sandbox.advance(int(seconds) + 1))
    for name in "abc":
        sandbox.post("/v1/customers", name=name)
    reconcile_now(get_kind("customer"), repairs=True)
    Customer.objects.update(data={"object": "customer", "name": "edited here"})
    operator = role("Operator")
    html = operator.post(reverse(COMPARE, args=("customer",)), follow=True).content.decode()
    assert "Comparing customers with Stripe" in html and "Comparing…" in html
    operator.post(reverse(COMPARE, args=("customer",)))
    # The schedule, which repairs by itself, stays away from a kind that a person asked for.
    run = SyncRun.objects.get(command="reconcile", object_type="customer", started_by="the-Operator")
    work()
    run.refresh_from_db()
    assert (run.state, run.changed) == ("done", 3)
    assert {row.name for row in Customer.objects.all()} == {"edited here"}
    assert "Customers that differ" in said(operator)
    operator.post(reverse(REPAIR_KIND, args=("customer",)))
    work()
    assert {row.name for row in Customer.objects.all()} == set("abc")
    assert {str(one.repaired_by) for one in Difference.objects.filter(run=run)} == {"the-Operator"}
