"""Schedules: a subscription is put under one, released again, or cancelled with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Push, Subscription, SubscriptionSchedule
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.jobs_preview import preview as preview_many
from stripe_mirror.push.operation import get_operation, operations_for
from stripe_mirror.push.preview import preview
from tests.push.billing import DAY, Mirrored, Row, buyer, may, previewed, resumed, sold, truth
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.examples import SCHEDULE, SUBSCRIPTION
from tests.push.paying import mirror
from tests.push.scenarios import parts
from tests.push.scenarios_subscriptions import schedule, subscription
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
CREATE, STEP = get_operation("create_schedule"), get_operation("end_with_schedule")
RELEASE, CANCEL = get_operation("release_schedule"), get_operation("cancel_schedule")
PATH = "/v1/subscription_schedules"


@pytest.fixture
def planner(staff: Callable[..., User]) -> User:
    """May put subscriptions under schedules, and end these."""
    return staff("planner", *may(CREATE.name, RELEASE.name, CANCEL.name))


@pytest.fixture
def paying(stripe: RunningSandbox) -> Any:
    """29.00 eur a month, ten days old."""
    return subscription(stripe)


@pytest.fixture
def later(stripe: RunningSandbox, mirrored: Mirrored) -> Any:
    """A schedule that begins in ten days."""
    phase = {"items": [{"price": sold(stripe, mirrored, "Gold")["id"]}], "duration": {"interval": "month"}}
    start = int(time.time()) + 10 * DAY
    return mirrored(stripe.post(PATH, customer=buyer(stripe)["id"], phases=[phase], start_date=start))


def its_subscription(stripe: RunningSandbox, row: Any) -> Row:
    """The subscription that the schedule is or was about, as Stripe has it."""
    now = truth(stripe, row)
    return stripe.get(f"/v1/subscriptions/{now['subscription'] or now['released_subscription']}")


def not_stored(**changes: Any) -> SubscriptionSchedule:
    """A schedule that isn't stored."""
    return SubscriptionSchedule(id="sub_sched_1", data={**SCHEDULE, **changes})


# -- under a schedule --------------------------------------------------------------------------------------------------


def test_a_subscription_is_put_under_a_schedule_and_let_go_again(
    doing: Opens, paying: Any, planner: User, stripe: RunningSandbox
) -> None:
    push = doing(CREATE.name, paying, planner).submit()
    assert (push.state, parts(push)) == (Push.State.DONE, [push])
    assert sent(stripe) == [("POST", PATH, {"from_subscription": paying.pk})]
    made = truth(stripe, paying)["schedule"]
    assert (push.before, push.after) == ({"schedule": None}, {"schedule": made})
    assert stripe.get(f"{PATH}/{made}")["end_behavior"] == "release"
    assert made in get_operation("change_trial").why_not(Subscription.objects.get(pk=paying.pk))
    assert undone(push, planner).state == Push.State.DONE
    assert truth(stripe, paying)["schedule"] is None
    assert CREATE.undo(push) is None, "it was released"


def test_its_end_is_a_second_call_and_dropped_by_the_undo(
    doing: Opens, paying: Any, planner: User, stripe: RunningSandbox
) -> None:
    form = doing(CREATE.name, paying, planner)
    told = preview(CREATE, paying, form.cleaned(at_end="cancel"), ask=True)
    assert " until " in told.summary[0]
    assert "cancel the subscription" in told.summary[1]
    assert "access ends" in told.effects.follows[-1]
    push = form.submit(at_end="cancel")
    made, step = push.after["schedule"], push.steps.get()
    assert [part.state for part in parts(push)] == [Push.State.DONE] * 2
    assert sent(stripe)[1] == ("POST", f"{PATH}/{made}", {"end_behavior": "cancel"})
    assert (step.before, step.after) == ({"end_behavior": "release"}, {"end_behavior": "cancel"})
    end = paying.data["items"]["data"][0]["current_period_end"]
    assert truth(stripe, paying)["cancel_at"] == end
    assert undone(push, planner).state == Push.State.DONE
    now = truth(stripe, paying)
    assert (now["schedule"], now["cancel_at"], now["status"]) == (None, None, "active")


def test_the_second_step_is_no_button_and_done_once() -> None:
    assert STEP not in operations_for("subscription_schedule")
    with pytest.raises(NothingToChange):
        STEP.plan(not_stored(end_behavior="cancel"), {})


@pytest.mark.parametrize("path", [f"{PATH}$", f"^{PATH}/"])
def test_s31_a_lost_answer_to_either_call_makes_one_schedule_that_cancels(
    path: str, doing: Opens, paying: Any, planner: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path=path, lose_answer=True, times=1)
    push = doing(CREATE.name, paying, planner).submit(at_end="cancel")
    for _ in range(2):
        for part in parts(push):
            if part.state == Push.State.UNKNOWN:
                resumed(part)
    push.refresh_from_db()
    assert [part.state for part in parts(push)] == [Push.State.DONE] * 2
    mine = [row for row in stripe.objects("subscription_schedule") if row["subscription"] == paying.pk]
    assert [row["end_behavior"] for row in mine] == ["cancel"]


@pytest.mark.parametrize("happened", [True, False])
def test_after_a_day_the_subscription_tells(
    happened: bool, doing: Opens, paying: Any, planner: User, stripe: RunningSandbox
) -> None:
    fault = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path=PATH, times=1, **fault)
    push = doing(CREATE.name, paying, planner).submit(at_end="cancel")
    after = resumed(push, hours=24)
    assert after.state == (Push.State.DONE if happened else Push.State.REFUSED)
    assert [part.state for part in parts(after)][1:] == ([Push.State.DONE] if happened else [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schedule": "sub_sched_1"}, "sub_sched_1"),
        ({"cancel_at_period_end": True}, "scheduled to end"),
        ({"cancel_at": 1_900_000_000}, "scheduled to end"),
        ({"status": "incomplete"}, "isn't paid yet"),
        ({"status": "canceled"}, "ended"),
        ({"status": None}, "shape"),
    ],
)
def test_it_says_why_a_subscription_can_not_be_scheduled(changes: Row, words: str) -> None:
    reason = CREATE.why_not(Subscription(id="sub_1", data={**SUBSCRIPTION, **changes}))
    assert words in reason
    assert reason.endswith(".")


# -- release -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [True, False])
def test_a_released_subscription_keeps_the_end_only_where_it_shall(
    keep: bool, doing: Opens, paying: Any, planner: User, stripe: RunningSandbox
) -> None:
    row = schedule(stripe, paying, end_behavior="cancel")
    form = doing(RELEASE.name, row, planner)
    wish = {"preserve_cancel_date": True} if keep else {}
    told = preview(RELEASE, row, form.cleaned(**wish), ask=True)
    assert ("still ends on" in told.summary[1], "no longer ends on" in told.summary[1]) == (keep, not keep)
    assert "It goes on being billed: Gold · €29.00 / month." in told.effects.follows
    assert "can't take its subscription back" in told.effects.final
    stripe.clear_requests()
    push = form.submit(**wish)
    expected = {"preserve_cancel_date": "true"} if keep else {}
    assert (push.state, sent(stripe)) == (Push.State.DONE, [("POST", f"{PATH}/{row.pk}/release", expected)])
    assert push.before == {"status": "active", "subscription": paying.pk}
    assert push.after == {"status": "released", "subscription": paying.pk}
    now = its_subscription(stripe, row)
    assert (now["status"], now["schedule"], bool(now["cancel_at"])) == ("active", None, keep)
    assert RELEASE.undo(push) is None


def test_phases_that_will_not_come_are_counted(
    doing: Opens, paying: Any, planner: User, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    row = schedule(stripe, paying)
    now = {"items": [{"price": paying.price_id}], "end_date": row.data["phases"][0]["end_date"]}
    next_one = {"items": [{"price": sold(stripe, mirrored, "Dear", 9900)["id"]}], "duration": {"interval": "month"}}
    stripe.post(f"{PATH}/{row.pk}", phases=[now, next_one])
    row = mirror("subscription_schedule", row.pk)
    told = preview(RELEASE, row, doing(RELEASE.name, row, planner).cleaned(), ask=True)
    assert any(line.startswith("1 planned phase won't come") for line in told.effects.follows)


def test_the_end_is_asked_about_only_where_there_is_one() -> None:
    assert "preserve_cancel_date" not in RELEASE.get_form(not_stored()).fields
    assert "preserve_cancel_date" in RELEASE.get_form(not_stored(end_behavior="cancel")).fields
    assert "preserve_cancel_date" in RELEASE.get_form(RELEASE.new_row()).fields


# -- cancel ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "credit"),
    [
        ({}, True),
        ({"invoice_now": False}, False),
        ({"prorate": False}, False),
        ({"invoice_now": False, "prorate": False}, False),
    ],
)
def test_cancelling_ends_both_and_credits_what_was_previewed(
    wish: Row, credit: bool, doing: Opens, paying: Any, planner: User, stripe: RunningSandbox
) -> None:
    row = schedule(stripe, paying)
    form = doing(CANCEL.name, row, planner)
    seen = preview(CANCEL, row, form.cleaned(**wish), ask=True)
    assert seen.may_confirm, seen.failure
    assert seen.asked == (wish != {"invoice_now": False, "prorate": False}) or not seen.needed
    assert "access ends now" in seen.effects.follows[0] or "nothing to bill" in seen.effects.follows[0]
    stripe.clear_requests()
    push = form.submit(**wish)
    flags = {name: str(wish.get(name, True)).lower() for name in ("invoice_now", "prorate")}
    assert (push.state, sent(stripe)) == (Push.State.DONE, [("POST", f"{PATH}/{row.pk}/cancel", flags)])
    assert (push.after["status"], its_subscription(stripe, row)["status"]) == ("canceled", "canceled")
    balance = -stripe.get(f"/v1/customers/{paying.customer_id}")["balance"]
    waiting = [item["amount"] for item in stripe.objects("invoiceitem") if item["customer"] == paying.customer_id]
    left = -sum(waiting) if not credit and wish.get("prorate", True) else 0
    # Both are computed to the second, and the one comes after the other.
    assert sum(due.amount for due in seen.effects.money) == pytest.approx(balance or left, abs=2)
    assert bool(balance) == credit
    assert CANCEL.undo(push) is None


def test_s43_without_a_preview_nobody_can_confirm(
    doing: Opens, paying: Any, planner: User, stripe: RunningSandbox
) -> None:
    row = schedule(stripe, paying)
    stripe.faults.add(method="POST", path="/v1/invoices/create_preview", status=500, times=10)
    form = doing(CANCEL.name, row, planner)
    seen = preview(CANCEL, row, form.cleaned(), ask=True)
    assert (seen.may_confirm, bool(seen.failure), seen.effects.money) == (False, True, ())
    nothing = form.cleaned(invoice_now=False, prorate=False)
    assert preview(CANCEL, row, nothing, ask=True).may_confirm, "where nothing is billed, Stripe isn't asked"


@pytest.mark.parametrize("operation", [RELEASE, CANCEL], ids=lambda operation: operation.name)
def test_what_has_not_begun_never_does(
    operation: Any, doing: Opens, later: Any, planner: User, stripe: RunningSandbox
) -> None:
    form = doing(operation.name, later, planner)
    assert list(operation.get_form(later).fields) == ["reason"]
    told = preview(operation, later, form.cleaned(), ask=True)
    assert "before it has begun" in told.summary[0]
    assert "is never made" in told.effects.follows[0]
    assert form.submit().state == Push.State.DONE
    assert [params for _, _, params in sent(stripe)] == [{}]
    assert truth(stripe, later)["status"] == ("released" if operation is RELEASE else "canceled")


@pytest.mark.parametrize("operation", [RELEASE, CANCEL], ids=lambda operation: operation.name)
@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("released", "released already"),
        ("canceled", "cancelled already"),
        ("completed", "run to its end"),
        ("zz_new", "zz_new"),
        (None, "shape"),
    ],
)
def test_what_is_over_is_refused_with_its_reason(operation: Any, status: str | None, words: str) -> None:
    reason = operation.why_not(not_stored(status=status))
    assert words in reason
    assert reason.endswith(".")
    assert operation.why_not(not_stored()) == operation.why_not(not_stored(status="not_started")) == ""


def test_s36_a_schedule_that_ended_meanwhile_is_left_alone(
    doing: Opens, paying: Any, planner: User, stripe: RunningSandbox
) -> None:
    row = schedule(stripe, paying)
    form = doing(CANCEL.name, row, planner)
    stripe.post(f"{PATH}/{row.pk}/release")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="released already"):
        form.submit()
    assert stripe.requests("POST") == []
    assert its_subscription(stripe, row)["status"] == "active"


@pytest.mark.parametrize("operation", [RELEASE, CANCEL], ids=lambda operation: operation.name)
@pytest.mark.parametrize("happened", [True, False])
def test_after_a_day_its_status_tells(
    happened: bool, operation: Any, doing: Opens, paying: Any, planner: User, stripe: RunningSandbox
) -> None:
    row = schedule(stripe, paying)
    fault = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path=PATH, times=1, **fault)
    push = doing(operation.name, row, planner).submit()
    assert push.state == Push.State.UNKNOWN
    assert resumed(push, hours=24).state == (Push.State.DONE if happened else Push.State.REFUSED)


def test_many_are_judged_each_by_its_own_state(paying: Any, later: Any, stripe: RunningSandbox) -> None:
    row, over = schedule(stripe, paying), schedule(stripe)
    stripe.post(f"{PATH}/{over.pk}/release")
    rows = [mirror("subscription_schedule", each.pk) for each in (row, later, over)]
    everyone = SubscriptionSchedule.objects.filter(pk__in=[each.pk for each in rows])
    form = CANCEL.get_form(CANCEL.new_row(), {**CANCEL.initial(CANCEL.new_row()), "reason": "closed"})
    assert form.is_valid(), form.errors
    stripe.clear_requests()
    seen = preview_many(CANCEL, everyone, cleaned=form.cleaned_data)
    assert (seen.allowed, seen.excluded_count, seen.unpreviewed, seen.sums) == (2, 1, 1, {"eur": 2900})
    assert seen.summary["The schedule is cancelled before it has begun."] == 1
    assert stripe.requests() == []


def test_a_reason_is_asked_where_access_ends() -> None:
    assert (CREATE.needs_reason, RELEASE.needs_reason, CANCEL.needs_reason) == (True, False, True)
    assert "reason" in form_errors(CANCEL, not_stored(), reason="")


def test_a_subscription_that_is_not_mirrored_is_no_obstacle(
    doing: Opens, paying: Any, planner: User, stripe: RunningSandbox
) -> None:
    row = schedule(stripe, paying)
    Subscription.objects.filter(pk=paying.pk).delete()
    assert previewed(doing(CANCEL.name, row, planner)).money[0].currency == "eur"
    assert doing(RELEASE.name, row, planner).submit().state == Push.State.DONE
