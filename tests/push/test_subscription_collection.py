"""How a subscription is paid: the two ways of collection, and what is charged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Push, Subscription
from stripe_mirror.push.errors import Conflict, NotAllowed, NothingToChange
from stripe_mirror.push.operation import get_operation
from tests.push.billing import Mirrored, Row, buyer, halfway, previewed, redo, resumed, sent, sold, truth
from tests.push.conftest import Doing, form_errors
from tests.push.examples import SUBSCRIPTION
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
SWITCH, METHOD = get_operation("switch_collection_method"), get_operation("change_subscription_payment_method")
BY_INVOICE = {"collection_method": "send_invoice", "days_until_due": 14}
AUTOMATIC = {"collection_method": "charge_automatically"}


@pytest.fixture
def clerk(staff: Callable[..., User]) -> User:
    """May change how subscriptions are paid."""
    return staff("clerk", SWITCH.name, METHOD.name)


@pytest.fixture
def row(stripe: RunningSandbox, mirrored: Mirrored) -> Any:
    """31.00 eur a month, ten days old, paid by the customer's card."""
    return halfway(stripe, mirrored, sold(stripe, mirrored, "Gold", 3100))


@pytest.fixture
def card(stripe: RunningSandbox, mirrored: Mirrored, row: Any) -> Any:
    """Another card of the same customer."""
    made = stripe.post("/v1/payment_methods/pm_card_mastercard/attach", customer=row.customer_id)
    return mirrored(made)


def subscription(**changes: Any) -> Subscription:
    """A subscription that isn't stored."""
    return Subscription(id="sub_1", data={**SUBSCRIPTION, **changes})


# The two ways


def test_invoices_are_sent_instead_of_charged_and_back(
    doing: Opens, row: Any, clerk: User, stripe: RunningSandbox
) -> None:
    push = doing(SWITCH.name, row, clerk).submit(**BY_INVOICE)
    assert push.state == Push.State.DONE
    assert sent(stripe) == {"collection_method": "send_invoice", "days_until_due": "14"}
    now = truth(stripe, row)
    assert (now["collection_method"], now["days_until_due"]) == ("send_invoice", 14)
    assert push.before == {"collection_method": "charge_automatically", "days_until_due": None}
    assert push.after == BY_INVOICE
    stripe.clear_requests()
    back = redo(SWITCH.undo(push), doing, push, row)
    assert (back.state, sent(stripe)) == (Push.State.DONE, AUTOMATIC)
    assert (truth(stripe, row)["collection_method"], truth(stripe, row)["days_until_due"]) == (
        "charge_automatically",
        None,
    )
    redo(SWITCH.undo(back), doing, back, row)
    assert truth(stripe, row)["days_until_due"] == 14


def test_only_the_days_are_changed_where_only_they_differ(
    doing: Opens, row: Any, clerk: User, stripe: RunningSandbox
) -> None:
    doing(SWITCH.name, row, clerk).submit(**BY_INVOICE)
    row.refresh_from_db()
    stripe.clear_requests()
    form = doing(SWITCH.name, row, clerk)
    with pytest.raises(NothingToChange, match="already"):
        form.submit()
    assert form.submit(days_until_due=30).params == {"days_until_due": 30}
    assert truth(stripe, row)["days_until_due"] == 30


def test_days_that_the_form_showed_are_not_sent_beside_a_charge(
    doing: Opens, row: Any, clerk: User, stripe: RunningSandbox
) -> None:
    """A browser sends the field that the form opened with; Stripe refuses it (400, `days_until_due`)."""
    doing(SWITCH.name, row, clerk).submit(**BY_INVOICE)
    row.refresh_from_db()
    push = doing(SWITCH.name, row, clerk).submit(**AUTOMATIC)
    assert (push.state, push.params) == (Push.State.DONE, AUTOMATIC)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"collection_method": "send_invoice"}, "how many days"),
        ({"days_until_due": 3}, "only with invoices"),
        ({"collection_method": "send_invoice", "days_until_due": "-1"}, "greater than or equal to 0"),
        ({"collection_method": "send_invoice", "days_until_due": "1.5"}, "whole number"),
    ],
)
def test_days_and_invoices_go_together(wish: Row, words: str) -> None:
    assert words in form_errors(SWITCH, subscription(days_until_due=None), **wish)["days_until_due"]


def test_the_first_invoice_afterwards_is_open_until_it_is_paid(
    doing: Opens, row: Any, clerk: User, stripe: RunningSandbox
) -> None:
    told = previewed(doing(SWITCH.name, row, clerk), **BY_INVOICE)
    assert "Nothing is charged now" in told.follows[0]
    doing(SWITCH.name, row, clerk).submit(**BY_INVOICE)
    stripe.advance(32 * 86400)
    invoice = stripe.get(f"/v1/invoices/{truth(stripe, row)['latest_invoice']}")
    stripe.sandbox.clock.follow_real_time()
    assert (invoice["collection_method"], invoice["status"]) == ("send_invoice", "open")


def test_what_will_be_charged_is_named_or_missing(
    doing: Opens, clerk: User, mirrored: Mirrored, stripe: RunningSandbox, row: Any
) -> None:
    price = sold(stripe, mirrored, "Silver")
    nobody = stripe.post("/v1/customers", email="a@example.com")
    by_hand = halfway(stripe, mirrored, price, customer=nobody, **BY_INVOICE)
    assert any(
        "next payment will fail" in line for line in previewed(doing(SWITCH.name, by_hand, clerk), **AUTOMATIC).follows
    )
    mirrored(
        stripe.get(
            f"/v1/payment_methods/{stripe.get(f'/v1/customers/{row.customer_id}')['invoice_settings']['default_payment_method']}"
        )
    )
    stripe.post(f"/v1/subscriptions/{row.pk}", **BY_INVOICE)
    row = mirrored(stripe.get(f"/v1/subscriptions/{row.pk}"))
    assert any("4242" in line for line in previewed(doing(SWITCH.name, row, clerk), **AUTOMATIC).follows)


def test_s38_another_way_chosen_meanwhile_is_a_conflict(
    doing: Opens, row: Any, clerk: User, stripe: RunningSandbox
) -> None:
    form = doing(SWITCH.name, row, clerk)
    stripe.post(f"/v1/subscriptions/{row.pk}", collection_method="send_invoice", days_until_due=7)
    with pytest.raises(Conflict):
        form.submit(**BY_INVOICE)


@pytest.mark.parametrize(
    ("operation", "changes", "words"),
    [
        (SWITCH, {"status": "paused"}, "Resume it first"),
        (SWITCH, {"status": "incomplete"}, "isn't paid yet"),
        (SWITCH, {"status": "canceled"}, "ended"),
        (SWITCH, {"status": None}, "shape"),
        (SWITCH, {"schedule": "sub_sched_1"}, "sub_sched_1"),
        (METHOD, {"status": "canceled"}, "ended"),
        (METHOD, {"status": "incomplete_expired"}, "ended"),
        (METHOD, {"schedule": "sub_sched_1"}, "sub_sched_1"),
    ],
)
def test_it_says_why_not(operation: Any, changes: Row, words: str) -> None:
    reason = operation.why_not(subscription(**changes))
    assert words in reason
    assert reason.endswith(".")


@pytest.mark.parametrize("status", ["active", "trialing", "past_due", "unpaid"])
def test_what_runs_may_be_paid_in_another_way(status: str) -> None:
    assert (SWITCH.why_not(subscription(status=status)), METHOD.why_not(subscription(status=status))) == ("", "")


def test_what_is_paused_and_sends_invoices_can_be_charged_again_to_be_resumed() -> None:
    assert SWITCH.why_not(subscription(status="paused", collection_method="send_invoice")) == ""


@pytest.mark.parametrize("name", [SWITCH.name, METHOD.name])
def test_s31_a_lost_answer_has_one_effect(
    name: str, doing: Opens, row: Any, card: Any, clerk: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/subscriptions", lose_answer=True, times=1)
    wish = BY_INVOICE if name == SWITCH.name else {"default_payment_method": card.pk}
    push = doing(name, row, clerk).submit(**wish)
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert len([entry for entry in stripe.requests("POST") if not entry["replayed"]]) == 1


@pytest.mark.parametrize("happened", [True, False])
def test_after_a_day_its_state_tells(
    happened: bool, doing: Opens, row: Any, clerk: User, stripe: RunningSandbox
) -> None:
    fault = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path="/v1/subscriptions", times=1, **fault)
    push = doing(SWITCH.name, row, clerk).submit(**BY_INVOICE)
    assert resumed(push, hours=24).state == (Push.State.DONE if happened else Push.State.REFUSED)


# What is charged


def test_another_card_is_charged_and_the_customers_default_again(
    doing: Opens, row: Any, card: Any, clerk: User, stripe: RunningSandbox
) -> None:
    form = doing(METHOD.name, row, clerk)
    (words,) = METHOD.summary(row, form.cleaned(default_payment_method=card.pk))
    assert words.startswith("Charged with: the customer's default (")
    assert "→ Mastercard •••• 4444" in words
    push = form.submit(default_payment_method=card.pk)
    assert push.state == Push.State.DONE
    assert sent(stripe) == {"default_payment_method": card.pk}
    assert truth(stripe, row)["default_payment_method"] == card.pk
    assert (push.before, push.after) == ({"default_payment_method": None}, {"default_payment_method": card.pk})
    stripe.advance(32 * 86400)
    charges = [charge for charge in stripe.objects("charge") if charge["customer"] == row.customer_id]
    stripe.sandbox.clock.follow_real_time()
    assert max(charges, key=lambda charge: int(charge["created"]))["payment_method"] == card.pk
    stripe.clear_requests()
    back = redo(METHOD.undo(push), doing, push, row)
    assert sent(stripe) == {"default_payment_method": ""}
    assert truth(stripe, row)["default_payment_method"] is None
    assert redo(METHOD.undo(back), doing, back, row).state == Push.State.DONE
    assert truth(stripe, row)["default_payment_method"] == card.pk


def test_a_card_that_was_detached_is_not_brought_back(
    doing: Opens, row: Any, card: Any, clerk: User, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    doing(METHOD.name, row, clerk).submit(default_payment_method=card.pk)
    row.refresh_from_db()
    push = doing(METHOD.name, row, clerk).submit(default_payment_method="")
    mirrored(stripe.post(f"/v1/payment_methods/{card.pk}/detach"))
    assert METHOD.undo(push) is None


def test_only_the_customers_own_are_offered(
    doing: Opens, row: Any, card: Any, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    other = buyer(stripe)
    foreign = mirrored(stripe.get(f"/v1/payment_methods/{other['invoice_settings']['default_payment_method']}"))
    offered = [value for value, _ in METHOD.get_form(row).fields["default_payment_method"].widget.choices]
    assert offered == ["", card.pk]
    assert "attached" in form_errors(METHOD, row, default_payment_method=foreign.pk)["default_payment_method"]


def test_a_card_detached_since_the_form_was_opened_is_not_sent(
    doing: Opens, row: Any, card: Any, clerk: User, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    form = doing(METHOD.name, row, clerk)
    cleaned = form.cleaned(default_payment_method=card.pk)
    mirrored(stripe.post(f"/v1/payment_methods/{card.pk}/detach"))
    with pytest.raises(NotAllowed, match="attached"):
        METHOD.plan(row, cleaned)


def test_nothing_is_sent_where_nothing_changes(doing: Opens, row: Any, clerk: User, stripe: RunningSandbox) -> None:
    with pytest.raises(NothingToChange, match="already"):
        doing(METHOD.name, row, clerk).submit()
    assert stripe.requests("POST") == []


def test_a_first_invoice_that_waits_for_its_payment_can_get_another_card(
    doing: Opens, clerk: User, mirrored: Mirrored, stripe: RunningSandbox
) -> None:
    customer = buyer(stripe, "pm_card_chargeCustomerFail")
    row = halfway(stripe, mirrored, sold(stripe, mirrored, "Gold"), customer=customer, days=0)
    assert row.status == "incomplete"
    good = mirrored(stripe.post("/v1/payment_methods/pm_card_visa/attach", customer=customer["id"]))
    assert doing(METHOD.name, row, clerk).submit(default_payment_method=good.pk).state == Push.State.DONE


def test_what_follows_depends_on_who_pays(row: Any, card: Any, doing: Opens, clerk: User) -> None:
    told = previewed(doing(METHOD.name, row, clerk), default_payment_method=card.pk).follows
    assert "next payment on" in told[1]
    row.data["collection_method"] = "send_invoice"
    assert "by hand" in METHOD.effects(row, {"default_payment_method": card.pk}, None).follows[1]
    alone = subscription(customer="cus_unknown", default_payment_method=card.pk)
    assert "will fail" in METHOD.effects(alone, {"default_payment_method": ""}, None).follows[1]
