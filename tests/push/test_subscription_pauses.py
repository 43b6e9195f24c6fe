"""The two pauses: of the collection, and of the whole subscription (S41)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from stripe_mirror.models import Push, Subscription
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.operation import get_operation, operations_for
from tests.push.billing import DAY, Mirrored, Row, halfway, previewed, redo, resumed, sent, sold, truth
from tests.push.conftest import Doing
from tests.push.examples import SUBSCRIPTION
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
PAUSE_COLLECTION, UNPAUSE = get_operation("pause_collection"), get_operation("unpause_collection")
PAUSE, RESUME = get_operation("pause_subscription"), get_operation("resume_subscription")
ALL = (PAUSE_COLLECTION, UNPAUSE, PAUSE, RESUME)
MONTH_AHEAD = int(time.time()) // 60 * 60 + 31 * DAY


@pytest.fixture
def pauser(staff: Callable[..., User]) -> User:
    """May pause in both ways, and undo both."""
    return staff("pauser", *(operation.name for operation in ALL))


@pytest.fixture
def row(stripe: RunningSandbox, mirrored: Mirrored) -> Any:
    """31.00 eur a month, ten days old, paid by card."""
    return halfway(stripe, mirrored, sold(stripe, mirrored, "Gold", 3100))


def subscription(**changes: Any) -> Subscription:
    """A subscription that isn't stored."""
    return Subscription(id="sub_1", data={**SUBSCRIPTION, **changes})


# Collection


@pytest.mark.parametrize("behavior", ["keep_as_draft", "mark_uncollectible", "void"])
@pytest.mark.parametrize("until", [None, MONTH_AHEAD])
def test_collection_is_paused_and_the_subscription_goes_on(
    behavior: str, until: int | None, doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    push = doing(PAUSE_COLLECTION.name, row, pauser).submit(behavior=behavior, resumes_at=until)
    assert push.state == Push.State.DONE
    pause = {"behavior": behavior} if until is None else {"behavior": behavior, "resumes_at": str(until)}
    assert sent(stripe) == {"pause_collection": pause}
    now = truth(stripe, row)
    assert (now["status"], now["pause_collection"]) == ("active", {"behavior": behavior, "resumes_at": until})
    row.refresh_from_db()
    assert (row.status, row.pause_behavior) == ("active", behavior)
    assert push.before == {"pause_collection.behavior": None, "pause_collection.resumes_at": None}
    assert push.after == {"pause_collection.behavior": behavior, "pause_collection.resumes_at": until}


def test_pausing_collection_and_taking_it_up_undo_each_other(
    doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    before = truth(stripe, row)
    paused = doing(PAUSE_COLLECTION.name, row, pauser).submit(behavior="void", resumes_at=MONTH_AHEAD)
    during = truth(stripe, row)
    taken_up = redo(PAUSE_COLLECTION.undo(paused), doing, paused, row)
    assert (taken_up.operation, truth(stripe, row)) == (UNPAUSE.name, before)
    redo(UNPAUSE.undo(taken_up), doing, taken_up, row)
    assert truth(stripe, row) == during


def test_another_way_to_pause_is_undone_to_the_first(
    doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    doing(PAUSE_COLLECTION.name, row, pauser).submit(behavior="void")
    row.refresh_from_db()
    first = truth(stripe, row)
    push = doing(PAUSE_COLLECTION.name, row, pauser).submit(behavior="keep_as_draft")
    redo(PAUSE_COLLECTION.undo(push), doing, push, row)
    assert truth(stripe, row) == first


def test_a_date_that_has_passed_is_not_brought_back() -> None:
    push = Push(before={"pause_collection.behavior": "void", "pause_collection.resumes_at": 1_600_000_000})
    undo = UNPAUSE.undo(push)
    assert undo is not None
    assert undo.values == {"behavior": "void", "resumes_at": None}


@pytest.mark.parametrize(("until", "words"), [("2001-01-01T00:00", "passed"), ("soon", "valid date")])
def test_a_pause_ends_in_the_future(until: str, words: str) -> None:
    form = PAUSE_COLLECTION.get_form(subscription(), {"behavior": "void", "reason": "x", "resumes_at": until})
    assert words in form.errors["resumes_at"][0]


def test_a_date_is_not_taken_away_because_stripe_would_keep_it() -> None:
    row = subscription(pause_collection={"behavior": "void", "resumes_at": MONTH_AHEAD})
    form = PAUSE_COLLECTION.get_form(row, {"behavior": "keep_as_draft", "reason": "x", "resumes_at": ""})
    assert "anew" in form.errors["resumes_at"][0]


def test_a_date_with_seconds_that_is_left_alone_is_no_change(
    doing: Opens, row: Any, pauser: User, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    row = mirrored(
        stripe.post(
            f"/v1/subscriptions/{row.pk}", pause_collection={"behavior": "void", "resumes_at": MONTH_AHEAD + 17}
        )
    )
    with pytest.raises(NothingToChange, match="already"):
        doing(PAUSE_COLLECTION.name, row, pauser).submit(resumes_at=MONTH_AHEAD)
    assert stripe.requests("POST") == []


def test_what_is_open_or_kept_is_told(
    doing: Opens, row: Any, pauser: User, mirrored: Mirrored, stripe: RunningSandbox
) -> None:
    stripe.post(f"/v1/subscriptions/{row.pk}", pause_collection={"behavior": "keep_as_draft"})
    stripe.advance(31 * DAY)
    stripe.get(f"/v1/subscriptions/{row.pk}")
    stripe.sandbox.clock.follow_real_time()
    mirrored(stripe.get(f"/v1/invoices/{truth(stripe, row)['latest_invoice']}"))
    row = mirrored(stripe.get(f"/v1/subscriptions/{row.pk}"))
    assert any("1 invoice (€31.00) stay drafts" in line for line in previewed(doing(UNPAUSE.name, row, pauser)).follows)


def test_voiding_is_said_to_be_final(doing: Opens, row: Any, pauser: User) -> None:
    form = doing(PAUSE_COLLECTION.name, row, pauser)
    assert previewed(form, behavior="keep_as_draft").final == ""
    assert "stay void" in previewed(form, behavior="void").final
    assert any("status" in line for line in previewed(form, behavior="void").follows)


# The whole subscription


def test_s41_a_paused_subscription_has_another_status_and_another_call(
    doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    push = doing(PAUSE.name, row, pauser).submit()
    assert push.state == Push.State.DONE
    assert sent(stripe, f"/v1/subscriptions/{row.pk}/pause") == {
        "type": "subscription",
        "bill_for": {"unused_time_from": {"type": "now"}, "outstanding_usage_through": {"type": "now"}},
        "invoicing_behavior": "pending_invoice_item",
    }
    now = truth(stripe, row)
    assert (now["status"], now["pause_collection"]) == ("paused", None)
    row.refresh_from_db()
    assert row.status == "paused"
    assert (push.before, push.after) == ({"status": "active"}, {"status": "paused"})


def test_s41_each_resume_names_the_other() -> None:
    collection = subscription(pause_collection={"behavior": "void", "resumes_at": None})
    paused = subscription(status="paused")
    assert (UNPAUSE.why_not(collection), RESUME.why_not(paused)) == ("", "")
    assert f"“{UNPAUSE.label}”" in RESUME.why_not(collection)
    assert f"“{RESUME.label}”" in UNPAUSE.why_not(paused)
    labels = [operation.label for operation in operations_for("subscription") if operation in ALL]
    assert len({*labels}) == len(ALL)


@pytest.mark.parametrize("unused", ["now", "item_current_period_start"])
def test_what_pausing_is_previewed_to_credit_is_credited(
    unused: str, doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    form = doing(PAUSE.name, row, pauser)
    wish = {"invoicing_behavior": "invoice", "unused_time_from": unused}
    told = previewed(form, **wish)
    assert form.submit(**wish).state == Push.State.DONE
    credit = -stripe.get(f"/v1/customers/{row.customer_id}")["balance"]
    assert [(amount.amount, amount.currency) for amount in told.money] == [(credit, "eur")]
    assert credit > 1900
    assert "access" in told.final


@pytest.mark.parametrize(
    "wish",
    [
        {"invoicing_behavior": "pending_invoice_item"},
        {"invoicing_behavior": "invoice", "unused_time_from": "none", "outstanding_usage_through": "none"},
    ],
)
def test_without_an_invoice_stripe_is_not_asked_for_a_preview(
    wish: Row, doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    told = previewed(doing(PAUSE.name, row, pauser), **wish)
    assert (told.money, stripe.requests()) == ((), [])


def test_where_stripe_has_nothing_to_bill_it_is_said_and_can_be_confirmed(doing: Opens, row: Any, pauser: User) -> None:
    wish = {"invoicing_behavior": "invoice", "unused_time_from": "none", "outstanding_usage_through": "now"}
    assert "nothing to bill" in previewed(doing(PAUSE.name, row, pauser), **wish).follows[0]


def test_pausing_and_resuming_undo_each_other(doing: Opens, row: Any, pauser: User, stripe: RunningSandbox) -> None:
    before = truth(stripe, row)
    paused = doing(PAUSE.name, row, pauser).submit()
    resumed_push = redo(PAUSE.undo(paused), doing, paused, row)
    assert resumed_push.state == Push.State.DONE
    now = truth(stripe, row)
    assert (now["status"], now["billing_cycle_anchor"]) == ("active", before["billing_cycle_anchor"])
    pending = stripe.get("/v1/invoiceitems", customer=row.customer_id, pending=True)["data"]
    assert abs(sum(item["amount"] for item in pending)) <= 1, "the credit and the charge take each other away"
    assert redo(RESUME.undo(resumed_push), doing, resumed_push, row).state == Push.State.DONE
    assert truth(stripe, row)["status"] == "paused"


def test_resuming_now_charges_a_period_as_previewed(
    doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    doing(PAUSE.name, row, pauser).submit(unused_time_from="none")
    row.refresh_from_db()
    form = doing(RESUME.name, row, pauser)
    told = previewed(form)
    stripe.clear_requests()
    push = form.submit()
    assert sent(stripe) == {
        "billing_cycle_anchor": {"type": "now"},
        "payment_behavior": "resume_on_payment_success",
    }
    now = truth(stripe, row)
    invoice = stripe.get(f"/v1/invoices/{now['latest_invoice']}")
    assert (push.state, now["status"]) == (Push.State.DONE, "active")
    assert [(amount.words, amount.amount) for amount in told.money] == [("Charged at once", invoice["amount_paid"])]
    assert invoice["amount_paid"] == 3100


def test_resuming_in_the_running_period_bills_its_rest_at_the_pinned_date(
    doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    doing(PAUSE.name, row, pauser).submit(unused_time_from="none")
    row.refresh_from_db()
    form = doing(RESUME.name, row, pauser)
    wish = {"billing_cycle_anchor": "unchanged", "proration_behavior": "always_invoice"}
    told = previewed(form, **wish)
    stripe.clear_requests()
    form.submit(**wish)
    assert sent(stripe)["proration_date"] == str(form.opened["proration_date"])
    invoice = stripe.get(f"/v1/invoices/{truth(stripe, row)['latest_invoice']}")
    assert told.money[0].amount == invoice["amount_paid"] > 1900


def test_resuming_without_a_charge_waits_for_a_payment(
    doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    doing(PAUSE.name, row, pauser).submit(unused_time_from="none")
    row.refresh_from_db()
    form = doing(RESUME.name, row, pauser)
    told = previewed(form, payment_behavior="resume_on_payment_attempt")
    assert told.money[0].words == "To be paid before it goes on"
    assert form.submit(payment_behavior="resume_on_payment_attempt").state == Push.State.DONE
    now = truth(stripe, row)
    assert (now["status"], stripe.get(f"/v1/invoices/{now['latest_invoice']}")["status"]) == ("paused", "open")


def test_in_the_older_version_a_billing_date_is_a_word_and_nothing_is_paused(
    doing: Opens, row: Any, pauser: User, settings: Settings, stripe: RunningSandbox
) -> None:
    settings.STRIPE_API_VERSION = "2026-08-26.dahlia"
    assert "2026-08-26.dahlia" in PAUSE.why_not(row)
    stripe.post(f"/v1/subscriptions/{row.pk}/pause")
    row.data["status"] = "paused"
    form = doing(RESUME.name, row, pauser)
    assert "payment_behavior" not in form.opened
    assert previewed(form).money[0].amount > 0
    stripe.clear_requests()
    assert form.submit().state == Push.State.DONE
    assert sent(stripe) == {"billing_cycle_anchor": "now"}


@pytest.mark.parametrize("name", [PAUSE.name, PAUSE_COLLECTION.name])
def test_s31_a_lost_answer_has_one_effect(
    name: str, doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/subscriptions", lose_answer=True, times=1)
    push = doing(name, row, pauser).submit()
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert len([entry for entry in stripe.requests("POST") if not entry["replayed"]]) == 1


@pytest.mark.parametrize("happened", [True, False])
def test_after_a_day_the_status_tells(
    happened: bool, doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    fault = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path="/v1/subscriptions", times=1, **fault)
    push = doing(PAUSE.name, row, pauser).submit()
    stripe.clear_requests()
    assert resumed(push, hours=24).state == (Push.State.DONE if happened else Push.State.REFUSED)
    assert stripe.requests("POST") == []


@pytest.mark.parametrize(
    ("operation", "changes", "words"),
    [
        (PAUSE_COLLECTION, {"status": "paused"}, "whole subscription is paused"),
        (PAUSE_COLLECTION, {"status": "incomplete"}, "isn't paid yet"),
        (PAUSE_COLLECTION, {"status": "canceled"}, "ended"),
        (PAUSE_COLLECTION, {"schedule": "sub_sched_1"}, "sub_sched_1"),
        (UNPAUSE, {}, "isn't paused"),
        (UNPAUSE, {"pause_collection": "odd"}, "isn't paused"),
        (UNPAUSE, {"status": "canceled", "pause_collection": {"behavior": "void"}}, "ended"),
        (PAUSE, {"status": "paused"}, "already"),
        (PAUSE, {"status": "trialing"}, "trial"),
        (PAUSE, {"status": "incomplete"}, "isn't paid yet"),
        (PAUSE, {"billing_mode": {"type": "classic"}}, "classic"),
        (PAUSE, {"billing_mode": None}, "classic"),
        (PAUSE, {"collection_method": "send_invoice"}, "by hand"),
        (PAUSE, {"schedule": {"id": "sub_sched_1", "object": "subscription_schedule"}}, "sub_sched_1"),
        (RESUME, {}, "isn't paused"),
        (RESUME, {"status": "paused", "collection_method": "send_invoice"}, "sends invoices"),
        (RESUME, {"status": "canceled"}, "ended"),
    ],
)
def test_it_says_why_not(operation: Any, changes: Row, words: str) -> None:
    reason = operation.why_not(subscription(**changes))
    assert words in reason
    assert reason.endswith(".")


def test_a_subscription_paused_by_somebody_else_is_not_paused_again(
    doing: Opens, row: Any, pauser: User, stripe: RunningSandbox
) -> None:
    form = doing(PAUSE.name, row, pauser)
    stripe.post(f"/v1/subscriptions/{row.pk}/pause")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="already"):
        form.submit()
    assert stripe.requests("POST") == []
