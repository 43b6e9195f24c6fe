"""What people do about events in the admin: retry, dismiss, replay; each said before it is done, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from stripe_mirror.admin import display
from stripe_mirror.inbox import processing, replay
from stripe_mirror.models import Change, Customer, EventAction, InboxEvent
from tests.conftest import events_of, post_event
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

State = InboxEvent.State
T = 1_800_000_000
VERBS = ("retry", "dismiss", "replay")


def act(verb: str, *ids: str) -> str:
    query = "&".join(f"ids={id}" for id in ids)
    return f"{display.admin_url(InboxEvent, 'act', verb)}?{query}"


def drain() -> None:
    while processing.drain():
        pass


def state(id: str) -> str:
    return InboxEvent.objects.get(pk=id).state


@pytest.fixture
def operator(role: Callable[[str], Client]) -> Client:
    return role("Operator")


@pytest.fixture
def history(sandbox: RunningSandbox, client: Client) -> list[dict[str, Any]]:
    """A customer created and renamed twice, one second after the other: all delivered in order."""
    sandbox.sandbox.clock.set(T)
    made = sandbox.post("/v1/customers", name="a")
    for name in "bc":
        sandbox.advance(1)
        sandbox.post(f"/v1/customers/{made['id']}", name=name)
    told = events_of(sandbox, made["id"])
    for event in told:
        post_event(client, event)
    drain()
    return told


def test_failed_event_is_retried_at_once_with_all_its_tries(
    sandbox: RunningSandbox, client: Client, operator: Client
) -> None:
    """S11: what was given up is not lost."""
    sandbox.post("/v1/customers", name="Ada")
    [created] = events_of(sandbox)
    sandbox.faults.add(status=403)
    post_event(client, {**created, "api_version": "2024-06-20"})
    while state(created["id"]) == State.WAITING:
        InboxEvent.objects.update(next_attempt_at=timezone.now())
        drain()
    assert state(created["id"]) == State.FAILED
    sandbox.faults.clear()
    assert act("retry", created["id"]) in page(operator, created["id"])
    operator.post(act("retry", created["id"]))
    assert InboxEvent.objects.get().attempts == 0
    assert DBTaskResult.objects.filter(task_path="stripe_mirror.tasks.process_event").exists()
    drain()
    assert state(created["id"]) == State.APPLIED
    assert Customer.objects.get().name == "Ada"
    assert "the-Operator" in page(operator, created["id"])


def page(browser: Client, id: str) -> str:
    return browser.get(display.admin_url(InboxEvent, "change", id)).content.decode()


def failed(id: str = "evt_1", **values: Any) -> InboxEvent:
    now = timezone.now()
    fields = {"type": "customer.updated", "livemode": False, "created": now, "received_at": now, "state": "failed"}
    return InboxEvent.objects.create(id=id, payload={"data": {"object": {}}}, reason="Broken.", **{**fields, **values})


def test_dismissal_needs_a_note_and_keeps_who_when_and_why(operator: Client) -> None:
    failed()
    answer = operator.post(act("dismiss", "evt_1"))
    assert answer.status_code == 200
    assert "This field is required" in answer.content.decode()
    assert state("evt_1") == State.FAILED
    operator.post(act("dismiss", "evt_1"), {"note": "A test of ours <b>"})
    assert state("evt_1") == State.DISMISSED
    done = EventAction.objects.get()
    assert (done.verb, done.was, done.user_name, done.note) == (
        "dismiss",
        "failed",
        "the-Operator",
        "A test of ours <b>",
    )
    shown = page(operator, "evt_1")
    assert "the-Operator" in shown
    assert "A test of ours &lt;b&gt;" in shown
    assert "Broken." in shown


def test_parked_events_can_be_dismissed_and_settled_ones_can_not(operator: Client) -> None:
    failed("evt_1", state="parked")
    failed("evt_2", state="applied")
    shown = operator.get(act("dismiss", "evt_1", "evt_2")).content.decode()
    assert "1 of the chosen events is left out" in shown
    operator.post(act("dismiss", "evt_1", "evt_2"), {"note": "x"})
    assert (state("evt_1"), state("evt_2")) == (State.DISMISSED, State.APPLIED)


def test_preview_says_what_a_replay_would_do_and_writes_nothing(
    history: list[dict[str, Any]], operator: Client, sandbox: RunningSandbox
) -> None:
    before = list(InboxEvent.objects.order_by("pk").values()), Customer.objects.values().get()
    sandbox.clear_requests()
    Customer.objects.update(data={**history[1]["data"]["object"]})
    shown = operator.get(act("replay", *(event["id"] for event in history))).content.decode()
    assert "Older than the row" in shown
    Customer.objects.update(data={**history[2]["data"]["object"]})
    shown = operator.get(act("replay", *(event["id"] for event in history))).content.decode()
    assert "Same as the row" in shown
    assert (list(InboxEvent.objects.order_by("pk").values()), Customer.objects.values().get()) == before
    assert sandbox.requests() == []


def test_replay_of_everything_makes_no_row_older(
    history: list[dict[str, Any]], operator: Client, sandbox: RunningSandbox
) -> None:
    changes = Change.objects.count()
    operator.post(act("replay", *(event["id"] for event in history)))
    assert set(InboxEvent.objects.values_list("state", flat=True)) == {State.RECEIVED}
    drain()
    assert Customer.objects.get().data == sandbox.objects("customer")[0]
    assert Change.objects.count() == changes
    assert state(history[2]["id"]) == State.DUPLICATE
    assert EventAction.objects.filter(verb="replay", was="applied").count() == 3


def test_replay_within_a_second_that_ran_in_a_circle_asks_stripe_and_ends_right(
    sandbox: RunningSandbox, client: Client, operator: Client
) -> None:
    """A→B→A: told alone, the first change would look like the next one."""
    sandbox.sandbox.clock.set(T)
    made = sandbox.post("/v1/customers", name="a")
    sandbox.advance(10)
    for name in "ba":
        sandbox.post(f"/v1/customers/{made['id']}", name=name)
    created, there, back = events_of(sandbox, made["id"])
    for event in (created, there, back):
        post_event(client, event)
    drain()
    assert Customer.objects.get().name == "a"
    assert "Would be read from Stripe" in operator.get(act("replay", there["id"])).content.decode()
    operator.post(act("replay", there["id"]))
    drain()
    assert Customer.objects.get().name == "a"
    assert Customer.objects.get().data == sandbox.objects("customer")[0]


def test_replay_brings_back_what_a_lost_row_knew(history: list[dict[str, Any]], operator: Client) -> None:
    Customer.objects.all().delete()
    assert "Would change the row" in operator.get(act("replay", history[2]["id"])).content.decode()
    operator.post(act("replay", history[2]["id"]))
    drain()
    assert Customer.objects.get().name == "c"


def test_all_that_match_the_filter_are_replayed_but_none_that_came_later(
    history: list[dict[str, Any]], operator: Client
) -> None:
    chosen = operator.post(
        display.list_url(InboxEvent, {"type": "customer.updated"}),
        {"action": "replay_events", "select_across": "1", "_selected_action": [history[1]["id"]]},
    )
    shown = operator.get(chosen["Location"])
    assert "Replay (2)" in shown.content.decode()
    failed("evt_later")
    operator.post(chosen["Location"], {"until": shown.context["until"]})
    assert set(EventAction.objects.values_list("event_id", flat=True)) == {event["id"] for event in history[1:]}
    assert state("evt_later") == State.FAILED


def test_event_whose_insides_are_left_keeps_that_for_its_retry(operator: Client) -> None:
    failed("evt_1", state="waiting")
    InboxEvent.objects.update(reason=replay.EMBEDDED_LEFT, next_attempt_at=timezone.now())
    operator.post(act("retry", "evt_1"))
    assert InboxEvent.objects.get().reason == replay.EMBEDDED_LEFT
    InboxEvent.objects.update(state="failed")
    operator.post(act("replay", "evt_1"))
    kept = InboxEvent.objects.get()
    assert (kept.state, kept.reason) == (State.RECEIVED, replay.EMBEDDED_LEFT)


@pytest.mark.parametrize("verb", VERBS)
def test_each_needs_its_own_permission(staff: Callable[..., Client], verb: str) -> None:
    failed()
    viewer = staff("viewer", "view_inboxevent")
    assert viewer.get(act(verb, "evt_1")).status_code == 403
    assert viewer.post(act(verb, "evt_1"), {"note": "x"}).status_code == 403
    assert state("evt_1") == State.FAILED
    assert "/act/" not in page(viewer, "evt_1")
    assert f"{verb}_events" not in viewer.get(display.list_url(InboxEvent)).content.decode()
    may = staff("may", "view_inboxevent", f"{verb}_event")
    assert may.get(act(verb, "evt_1")).status_code == 200
    assert f"{verb}_events" in may.get(display.list_url(InboxEvent)).content.decode()
    others = {each for each in VERBS if each != verb}
    assert {may.get(act(other, "evt_1")).status_code for other in others} == {403}


def test_unknown_verbs_and_events_are_sentences(operator: Client) -> None:
    assert operator.get(act("explode", "evt_1")).status_code == 404
    assert "There is nothing to do" in operator.get(act("replay", "evt_none")).content.decode()
    for until in ("0001-99-99T", "0001-01-01T00:00:00+14:00"):
        assert (
            operator.post(f"{act('replay', 'evt_none').partition('?')[0]}?q=none", {"until": until}).status_code == 302
        )
    assert operator.put(act("replay", "evt_none")).status_code == 405


def test_a_get_does_nothing(operator: Client) -> None:
    failed()
    for verb in VERBS:
        operator.get(act(verb, "evt_1"))
    assert state("evt_1") == State.FAILED
    assert not EventAction.objects.exists()


def test_person_who_left_stays_named(operator: Client) -> None:
    failed()
    operator.post(act("dismiss", "evt_1"), {"note": "x"})
    User.objects.get(username="the-Operator").delete()
    assert EventAction.objects.get().user_name == "the-Operator"
