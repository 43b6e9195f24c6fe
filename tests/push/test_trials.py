"""Trials: another end, an end now, free time for one that pays."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from stripe_mirror.models import Push, Subscription
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from tests.push.billing import DAY, Mirrored, Row, halfway, previewed, redo, resumed, sent, sold, truth
from tests.push.conftest import Doing, form_errors
from tests.push.examples import SUBSCRIPTION
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
TRIAL = get_operation("change_trial")
SOON = int(time.time()) // 60 * 60 + 10 * DAY
LATER = SOON + 20 * DAY


@pytest.fixture
def giver(staff: Callable[..., User]) -> User:
    """May change trials."""
    return staff("giver", TRIAL.name)


@pytest.fixture
def gold(stripe: RunningSandbox, mirrored: Mirrored) -> Row:
    """31.00 eur a month."""
    return sold(stripe, mirrored, "Gold", 3100)


@pytest.fixture
def trial(stripe: RunningSandbox, mirrored: Mirrored, gold: Row) -> Any:
    """In a trial that began ten days ago and ends in ten."""
    return halfway(stripe, mirrored, gold, trial_end=SOON)


@pytest.fixture
def paying(stripe: RunningSandbox, mirrored: Mirrored, gold: Row) -> Any:
    """Paid by card, ten days old."""
    return halfway(stripe, mirrored, gold)


def subscription(**changes: Any) -> Subscription:
    """A subscription that isn't stored."""
    return Subscription(id="sub_1", data={**SUBSCRIPTION, **changes})


def facts(row: Row) -> tuple[Any, ...]:
    """What a trial is about."""
    return row["status"], row["trial_end"], row["billing_cycle_anchor"]


@pytest.mark.parametrize("end", [LATER, SOON - 5 * DAY])
def test_a_trial_ends_at_another_date_and_back(
    end: int, doing: Opens, trial: Any, giver: User, stripe: RunningSandbox
) -> None:
    form = doing(TRIAL.name, trial, giver)
    told = previewed(form, when="until", trial_end=end)
    (due,) = told.money
    assert (due.amount, due.currency, told.final) == (3100, "eur", "")
    assert due.words.startswith("Next invoice, on ")
    stripe.clear_requests()
    push = form.submit(when="until", trial_end=end)
    assert push.state == Push.State.DONE
    assert sent(stripe) == {"trial_end": str(end), "proration_behavior": "none"}
    assert facts(truth(stripe, trial)) == ("trialing", end, end)
    assert push.before == {"status": "trialing", "trial_end": SOON, "billing_cycle_anchor": SOON}
    assert push.after == {"status": "trialing", "trial_end": end, "billing_cycle_anchor": end}
    assert redo(TRIAL.undo(push), doing, push, trial).state == Push.State.DONE
    assert facts(truth(stripe, trial)) == ("trialing", SOON, SOON)


def test_the_first_invoice_comes_when_the_moved_trial_ends(
    doing: Opens, trial: Any, giver: User, stripe: RunningSandbox
) -> None:
    doing(TRIAL.name, trial, giver).submit(when="until", trial_end=LATER)
    paid = [i["amount_paid"] for i in stripe.objects("invoice") if i["customer"] == trial.customer_id]
    stripe.advance(11 * DAY)
    assert [i["amount_paid"] for i in stripe.objects("invoice") if i["customer"] == trial.customer_id] == paid
    stripe.advance(21 * DAY)
    invoices = [i["amount_paid"] for i in stripe.objects("invoice") if i["customer"] == trial.customer_id]
    stripe.sandbox.clock.follow_real_time()
    assert sorted(invoices) == sorted([*paid, 3100])


def test_a_trial_that_ends_now_charges_what_was_previewed(
    doing: Opens, trial: Any, giver: User, stripe: RunningSandbox
) -> None:
    form = doing(TRIAL.name, trial, giver)
    told = previewed(form, when="now")
    assert [(due.words, due.amount) for due in told.money] == [("Charged at once", 3100)]
    assert "charged at once" in told.follows[0]
    assert "stays" in told.final
    stripe.clear_requests()
    push = form.submit(when="now")
    assert sent(stripe) == {"trial_end": "now", "proration_behavior": "none"}
    now = truth(stripe, trial)
    assert (push.state, now["status"]) == (Push.State.DONE, "active")
    assert stripe.get(f"/v1/invoices/{now['latest_invoice']}")["amount_paid"] == 3100
    assert now["billing_cycle_anchor"] < SOON
    assert TRIAL.undo(push) is None


def test_a_declined_payment_can_leave_the_trial_as_it_is(
    doing: Opens, trial: Any, giver: User, stripe: RunningSandbox
) -> None:
    failing = stripe.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", customer=trial.customer_id)
    stripe.post(f"/v1/subscriptions/{trial.pk}", default_payment_method=failing["id"])
    push = doing(TRIAL.name, trial, giver).submit(when="now", payment_behavior="error_if_incomplete")
    assert (push.state, "declined" in push.message) == (Push.State.REFUSED, True)
    assert facts(truth(stripe, trial)) == ("trialing", SOON, SOON)


def test_without_anything_to_pay_with_a_trial_can_not_be_ended(
    doing: Opens, giver: User, gold: Row, mirrored: Mirrored, stripe: RunningSandbox
) -> None:
    """S43: Stripe refuses the preview as it would refuse the change."""
    nobody = stripe.post("/v1/customers", email="a@example.com")
    row = halfway(stripe, mirrored, gold, customer=nobody, trial_end=SOON)
    form = doing(TRIAL.name, row, giver)
    seen = preview(TRIAL, row, form.cleaned(when="now"), ask=True)
    assert (seen.may_confirm, "payment method" in seen.failure) == (False, True)
    assert any("next payment will fail" in line for line in previewed(form, trial_end=LATER).follows)


@pytest.mark.django_db
@pytest.mark.parametrize(("wish", "words"), [("pause", "Stripe then pauses it"), ("cancel", "Stripe then cancels it")])
def test_what_stripe_does_without_a_payment_method_is_said(wish: str, words: str) -> None:
    end = {"end_behavior": {"missing_payment_method": wish}}
    row = subscription(status="trialing", trial_end=SOON, trial_settings=end)
    told = TRIAL.effects(row, {"when": "until", "trial_end": LATER}, None)
    assert any(words in line for line in told.follows)


@pytest.mark.parametrize("behavior", ["none", "create_prorations"])
def test_free_time_for_one_that_pays_credits_as_previewed(
    behavior: str, doing: Opens, paying: Any, giver: User, stripe: RunningSandbox
) -> None:
    form = doing(TRIAL.name, paying, giver)
    wish = {"when": "begin", "trial_end": LATER, "proration_behavior": behavior}
    told = previewed(form, **wish)
    stripe.clear_requests()
    push = form.submit(**wish)
    assert push.state == Push.State.DONE
    pinned = {} if behavior == "none" else {"proration_date": str(form.opened["proration_date"])}
    assert sent(stripe) == {"trial_end": str(LATER), "proration_behavior": behavior, **pinned}
    assert facts(truth(stripe, paying)) == ("trialing", LATER, LATER)
    credit = -stripe.get(f"/v1/customers/{paying.customer_id}")["balance"]
    assert (credit > 1900) == (behavior == "create_prorations")
    assert [due.amount for due in told.money] == [credit]
    assert TRIAL.undo(push) is None
    assert "stays" in told.final


def test_a_trial_that_ended_meanwhile_does_not_become_free_time(
    doing: Opens, trial: Any, giver: User, stripe: RunningSandbox
) -> None:
    form = doing(TRIAL.name, trial, giver)
    stripe.post(f"/v1/subscriptions/{trial.pk}", trial_end="now")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="in no trial"):
        form.submit(when="until", trial_end=LATER)
    assert stripe.requests("POST") == []


def test_free_time_is_not_given_twice(doing: Opens, paying: Any, giver: User, stripe: RunningSandbox) -> None:
    first, second = doing(TRIAL.name, paying, giver), doing(TRIAL.name, paying, giver)
    first.submit(when="begin", trial_end=LATER)
    with pytest.raises(NotAllowed, match="in a trial already"):
        second.submit(when="begin", trial_end=LATER + DAY)


def test_nothing_is_sent_where_the_end_stays(doing: Opens, trial: Any, giver: User, stripe: RunningSandbox) -> None:
    with pytest.raises(NothingToChange, match="already"):
        doing(TRIAL.name, trial, giver).submit()
    assert stripe.requests("POST") == []


@pytest.mark.parametrize(
    ("end", "words"),
    [("", "until when"), ("2001-01-01T00:00", "passed"), ("soon", "valid date"), (SOON + 731 * DAY, "two years")],
)
def test_a_trial_ends_within_two_years(end: Any, words: str) -> None:
    assert words in form_errors(TRIAL, subscription(), when="begin", trial_end=end)["trial_end"]


def test_only_what_fits_the_status_is_offered() -> None:
    def offered(row: Subscription) -> list[str]:
        return [str(way) for way, _ in TRIAL.get_form(row).choice_field("when").choices]  # type: ignore[union-attr]

    assert offered(subscription(status="trialing")) == ["until", "now"]
    assert offered(subscription()) == ["begin"]
    assert offered(Subscription(id="", data={})) == ["until", "now", "begin"]
    assert "when" in form_errors(TRIAL, subscription(), when="now")


@pytest.mark.django_db
def test_an_end_that_is_scheduled_is_told() -> None:
    row = subscription(status="trialing", trial_end=SOON, cancel_at_period_end=True)
    told = TRIAL.effects(row, {"when": "until", "trial_end": LATER}, None)
    assert any("scheduled to end" in line for line in told.follows)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "paused"}, "Resume it first"),
        ({"status": "unpaid"}, "unpaid"),
        ({"status": "incomplete"}, "isn't paid yet"),
        ({"status": "canceled"}, "ended"),
        ({"status": "incomplete_expired"}, "ended"),
        ({"status": None}, "shape"),
        ({"schedule": "sub_sched_1"}, "sub_sched_1"),
    ],
)
def test_it_says_why_not(changes: Row, words: str) -> None:
    reason = TRIAL.why_not(subscription(**changes))
    assert words in reason
    assert reason.endswith(".")


@pytest.mark.parametrize("status", ["active", "trialing", "past_due"])
def test_it_may_be_done(status: str) -> None:
    assert TRIAL.why_not(subscription(status=status)) == ""


def test_s31_a_lost_answer_charges_once(doing: Opens, trial: Any, giver: User, stripe: RunningSandbox) -> None:
    stripe.faults.add(method="POST", path="/v1/subscriptions", lose_answer=True, times=1)
    push = doing(TRIAL.name, trial, giver).submit(when="now")
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    charges = [charge for charge in stripe.objects("charge") if charge["customer"] == trial.customer_id]
    assert [charge["amount"] for charge in charges] == [3100]


@pytest.mark.parametrize("wish", [{"when": "now"}, {"when": "until", "trial_end": LATER}])
@pytest.mark.parametrize("happened", [True, False])
def test_after_a_day_its_state_tells(
    happened: bool, wish: Row, doing: Opens, trial: Any, giver: User, stripe: RunningSandbox
) -> None:
    fault = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path="/v1/subscriptions", times=1, **fault)
    push = doing(TRIAL.name, trial, giver).submit(**wish)
    assert resumed(push, hours=24).state == (Push.State.DONE if happened else Push.State.REFUSED)


def test_in_the_older_version_the_same_is_sent(
    doing: Opens, trial: Any, giver: User, settings: Settings, stripe: RunningSandbox
) -> None:
    settings.STRIPE_API_VERSION = "2026-08-26.dahlia"
    form = doing(TRIAL.name, trial, giver)
    assert previewed(form, when="now").money[0].amount == 3100
    assert form.submit(when="now").state == Push.State.DONE
