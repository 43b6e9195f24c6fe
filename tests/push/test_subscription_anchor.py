"""Beginning a new billing period now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from stripe_mirror.models import Push, Subscription
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from tests.push.billing import Mirrored, Row, halfway, previewed, resumed, sent, sold, truth
from tests.push.conftest import Doing
from tests.push.examples import SUBSCRIPTION
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
RESET = get_operation("reset_billing_anchor")


@pytest.fixture
def biller(staff: Callable[..., User]) -> User:
    """May begin new periods."""
    return staff("biller", RESET.name)


@pytest.fixture
def row(stripe: RunningSandbox, mirrored: Mirrored) -> Any:
    """31.00 eur a month, ten days old, paid by card."""
    return halfway(stripe, mirrored, sold(stripe, mirrored, "Gold", 3100))


def subscription(**changes: Any) -> Subscription:
    """A subscription that isn't stored."""
    return Subscription(id="sub_1", data={**SUBSCRIPTION, **changes})


@pytest.mark.parametrize("behavior", ["create_prorations", "none"])
def test_a_new_period_is_charged_as_previewed(
    behavior: str, doing: Opens, row: Any, biller: User, stripe: RunningSandbox
) -> None:
    before = truth(stripe, row)["billing_cycle_anchor"]
    form = doing(RESET.name, row, biller)
    told = previewed(form, proration_behavior=behavior)
    stripe.clear_requests()
    push = form.submit(proration_behavior=behavior)
    pinned = {} if behavior == "none" else {"proration_date": str(form.opened["proration_date"])}
    assert sent(stripe) == {"billing_cycle_anchor": {"type": "now"}, "proration_behavior": behavior, **pinned}
    now = truth(stripe, row)
    invoice = stripe.get(f"/v1/invoices/{now['latest_invoice']}")
    assert [(due.words, due.amount) for due in told.money] == [("Charged at once", invoice["amount_paid"])]
    assert (invoice["amount_paid"] == 3100) == (behavior == "none")
    assert (push.state, push.before) == (Push.State.DONE, {"billing_cycle_anchor": before})
    assert push.after == {"billing_cycle_anchor": now["billing_cycle_anchor"]}
    assert now["billing_cycle_anchor"] > before
    assert RESET.undo(push) is None
    assert "can't be brought back" in told.final


def test_the_preview_is_asked_with_the_date_that_is_sent(
    doing: Opens, row: Any, biller: User, stripe: RunningSandbox
) -> None:
    """Stripe takes a date in a preview only beside items."""
    form = doing(RESET.name, row, biller)
    previewed(form)
    asked = sent(stripe, "/v1/invoices/create_preview")["subscription_details"]
    (item,) = stripe.get(f"/v1/subscriptions/{row.pk}")["items"]["data"]
    assert asked == {
        "billing_cycle_anchor": {"type": "now"},
        "items": {"0": {"id": item["id"]}},
        "proration_behavior": "create_prorations",
        "proration_date": str(form.opened["proration_date"]),
    }


def test_in_the_older_version_the_date_is_a_word(
    doing: Opens, row: Any, biller: User, settings: Settings, stripe: RunningSandbox
) -> None:
    settings.STRIPE_API_VERSION = "2026-08-26.dahlia"
    form = doing(RESET.name, row, biller)
    told = previewed(form)
    stripe.clear_requests()
    assert form.submit().state == Push.State.DONE
    assert sent(stripe)["billing_cycle_anchor"] == "now"
    invoice = stripe.get(f"/v1/invoices/{truth(stripe, row)['latest_invoice']}")
    assert told.money[0].amount == invoice["amount_paid"]


@pytest.mark.parametrize("behavior", ["create_prorations", "none"])
def test_s33_of_two_people_one_begins_a_period(
    behavior: str, doing: Opens, row: Any, biller: User, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    first, second = doing(RESET.name, row, biller), doing(RESET.name, row, staff("other", RESET.name))
    assert first.submit(proration_behavior=behavior).state == Push.State.DONE
    with pytest.raises(NotAllowed, match="moved since"):
        second.submit(proration_behavior=behavior)
    assert len(sent(stripe)) > 0


def test_what_is_in_a_trial_or_paused_is_told_another_way() -> None:
    assert "Change the trial" in RESET.why_not(subscription(status="trialing"))
    assert "Resume it" in RESET.why_not(subscription(status="paused"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "incomplete"}, "isn't paid yet"),
        ({"status": "canceled"}, "ended"),
        ({"status": None}, "shape"),
        ({"schedule": "sub_sched_1"}, "sub_sched_1"),
    ],
)
def test_it_says_why_not(changes: Row, words: str) -> None:
    assert words in RESET.why_not(subscription(**changes))


@pytest.mark.parametrize("status", ["active", "past_due", "unpaid"])
def test_it_may_be_done(status: str) -> None:
    assert RESET.why_not(subscription(status=status)) == ""


def test_s43_without_a_preview_nobody_confirms(doing: Opens, row: Any, biller: User, stripe: RunningSandbox) -> None:
    stripe.faults.add(method="POST", path="/v1/invoices/create_preview", status=500)
    seen = preview(RESET, row, doing(RESET.name, row, biller).cleaned(), ask=True)
    assert (seen.may_confirm, seen.effects.money) == (False, ())


def test_a_declined_payment_can_leave_everything_as_it_was(
    doing: Opens, row: Any, biller: User, stripe: RunningSandbox
) -> None:
    failing = stripe.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", customer=row.customer_id)
    stripe.post(f"/v1/subscriptions/{row.pk}", default_payment_method=failing["id"])
    before = truth(stripe, row)["billing_cycle_anchor"]
    push = doing(RESET.name, row, biller).submit(payment_behavior="error_if_incomplete")
    assert (push.state, "declined" in push.message) == (Push.State.REFUSED, True)
    assert truth(stripe, row)["billing_cycle_anchor"] == before


def test_s31_a_lost_answer_charges_once(doing: Opens, row: Any, biller: User, stripe: RunningSandbox) -> None:
    stripe.faults.add(method="POST", path="/v1/subscriptions", lose_answer=True, times=1)
    push = doing(RESET.name, row, biller).submit(proration_behavior="none")
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    charges = [charge["amount"] for charge in stripe.objects("charge") if charge["customer"] == row.customer_id]
    assert charges == [3100, 3100], "the first period, and the new one"


@pytest.mark.parametrize("happened", [True, False])
def test_after_a_day_the_billing_date_tells(
    happened: bool, doing: Opens, row: Any, biller: User, stripe: RunningSandbox
) -> None:
    """The request names no date: it is compared with the one before."""
    fault = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path="/v1/subscriptions", times=1, **fault)
    push = doing(RESET.name, row, biller).submit()
    assert resumed(push, hours=24).state == (Push.State.DONE if happened else Push.State.REFUSED)
