"""The one path of every write, against a stand-in for Stripe over real HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from pytest_django import Settings

from stripe_mirror.models import Change, MirroredAccount, Push
from stripe_mirror.push.errors import CantCheck, Conflict, NotAllowed, NothingToChange, PushIdTaken
from stripe_mirror.push.operation import get_operation, may, why_not_user
from stripe_mirror.push.submit import submit
from tests.push.conftest import Doing
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]


def truth(stripe: RunningSandbox, row: Any) -> dict[str, Any]:
    """The object as Stripe has it."""
    return next(obj for obj in stripe.objects(row.kind.object) if obj["id"] == row.pk)


def test_an_edit_reaches_stripe_and_the_mirror(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    push = doing("edit_customer", customer, editor).submit(email="new@example.com")
    assert push.state == Push.State.DONE
    assert truth(stripe, customer)["email"] == "new@example.com"
    customer.refresh_from_db()
    assert customer.email == "new@example.com"


def test_an_edit_costs_one_read_and_one_write(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    push = doing("edit_customer", customer, editor).submit(email="new@example.com")
    assert [(r["method"], r["params"], r["idempotency_key"]) for r in stripe.requests()] == [
        ("GET", {}, None),
        ("POST", {"email": "new@example.com"}, str(push.id)),
    ]


def test_s59_the_log_names_person_reason_fields_and_request(doing: Opens, customer: Any, editor: User) -> None:
    push = doing("edit_customer", customer, editor).submit(email="new@example.com", metadata={"plan": "gold"})
    assert (push.user, push.user_name, push.reason) == (editor, "Editor", "asked by mail")
    assert push.ip_address == "192.0.2.7"
    assert push.before == {"email": "jane@example.com", "metadata.note": "a\nb", "metadata.seats": "3"}
    assert push.after == {"email": "new@example.com", "metadata.note": None, "metadata.seats": None}
    assert push.request_id.startswith("req_")
    change = Change.objects.get(push=push)
    assert (change.source, change.request_id) == (Change.Source.PUSH, push.request_id)


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"name": "", "phone": "", "description": ""}, {"name": None, "phone": None, "description": None}),
        ({f"address_{p}": "" for p in ("line1", "line2", "city", "postal_code", "country")}, {"address": None}),
        ({"metadata": {}}, {"metadata": {}}),
        ({"metadata": {"plan": "gold", "note": "a\nb"}}, {"metadata": {"plan": "gold", "note": "a\nb"}}),
    ],
)
def test_s37_what_is_cleared_is_gone_in_stripe(
    changes: dict[str, Any],
    gone: dict[str, Any],
    doing: Opens,
    customer: Any,
    editor: User,
    stripe: RunningSandbox,
) -> None:
    before = truth(stripe, customer)
    assert doing("edit_customer", customer, editor).submit(**changes).state == Push.State.DONE
    assert truth(stripe, customer) == {**before, **gone}


def test_s37_one_cleared_line_leaves_the_rest_of_the_address(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    doing("edit_customer", customer, editor).submit(address_line2="")
    address = truth(stripe, customer)["address"]
    assert not address["line2"]
    assert (address["line1"], address["city"]) == ("1 Main St", "Cork")


def test_s38_other_peoples_changes_to_other_fields_are_kept(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    form = doing("edit_customer", customer, editor)
    stripe.post(f"/v1/customers/{customer.pk}", email="dashboard@example.com", metadata={"plan": "silver"})
    push = form.submit(phone="99", metadata={"plan": "gold", "seats": "4", "note": "a\nb"})
    assert push.params == {"phone": "99", "metadata": {"seats": "4"}}
    now = truth(stripe, customer)
    assert (now["email"], now["phone"]) == ("dashboard@example.com", "99")
    assert now["metadata"] == {"plan": "silver", "seats": "4", "note": "a\nb"}


def test_s38_a_field_changed_by_both_is_shown_and_nothing_is_sent(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    form = doing("edit_customer", customer, editor)
    stripe.post(f"/v1/customers/{customer.pk}", email="dashboard@example.com")
    with pytest.raises(Conflict) as conflict:
        form.submit(phone="99", email="mine@example.com")
    (field,) = conflict.value.fields
    assert (field.name, field.label) == ("email", "Email")
    assert (field.was, field.now, field.yours) == ("jane@example.com", "dashboard@example.com", "mine@example.com")
    assert stripe.requests("POST", "/v1/customers")[1:] == []
    assert not Push.objects.exists()


def test_s38_once_decided_the_same_form_goes_through(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    form = doing("edit_customer", customer, editor)
    stripe.post(f"/v1/customers/{customer.pk}", email="dashboard@example.com")
    with pytest.raises(Conflict):
        form.submit(email="mine@example.com")
    customer.refresh_from_db()
    form.opened = form.operation.initial(customer)
    assert form.submit(email="mine@example.com").state == Push.State.DONE
    assert truth(stripe, customer)["email"] == "mine@example.com"


def test_what_somebody_else_did_already_is_not_sent_again(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    form = doing("edit_customer", customer, editor)
    stripe.post(f"/v1/customers/{customer.pk}", phone="99")
    with pytest.raises(NothingToChange):
        form.submit(phone="99")


def test_stripes_refusal_stands_at_its_field_and_changes_nothing(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    form = doing("edit_customer", customer, editor)
    push = form.submit(email="ann@mail..example")
    assert push.state == Push.State.REFUSED
    assert form.operation.field_for_param(push.error_param) == "email"
    assert "ann@mail..example" in push.message
    assert push.request_id.startswith("req_")
    assert truth(stripe, customer)["email"] == "jane@example.com"


def test_a_deleted_customer_is_refused_before_stripe_is_asked_to_change_it(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    form = doing("edit_customer", customer, editor)
    stripe.delete(f"/v1/customers/{customer.pk}")
    with pytest.raises(NotAllowed, match="deleted"):
        form.submit(phone="99")
    customer.refresh_from_db()
    assert customer.deleted_at
    assert stripe.requests("POST") == []


def test_s58_without_the_permission_nothing_is_read_or_sent(
    doing: Opens, customer: Any, canceller: User, stripe: RunningSandbox
) -> None:
    with pytest.raises(PermissionDenied, match="edit_customer"):
        doing("edit_customer", customer, canceller).submit(phone="99")
    assert stripe.requests() == []
    assert not Push.objects.exists()


def test_the_live_account_needs_a_permission_of_its_own(
    staff: Callable[..., User], editor: User, settings: Settings
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_" + "live_x"
    operation = get_operation("edit_customer")
    assert "act_live" in why_not_user(editor, operation)
    assert not may(editor, operation)
    assert may(staff("live", "edit_customer", "act_live"), operation)


def test_a_push_never_runs_inside_a_transaction(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="transaction"):
        doing("edit_customer", customer, editor).submit(phone="99")
    assert stripe.requests() == []


def test_s30_a_second_submit_of_the_same_form_finds_the_first(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    form = doing("edit_customer", customer, editor)
    first, second = form.submit(phone="99"), form.submit(phone="99")
    assert first == second
    assert len(stripe.requests("POST")) == 1


def test_a_push_id_is_good_for_one_person_and_one_object(
    doing: Opens, customer: Any, editor: User, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    form = doing("edit_customer", customer, editor)
    form.submit(phone="99")
    form.user = staff("other", "edit_customer")
    with pytest.raises(PushIdTaken):
        form.submit(phone="100")
    assert len(stripe.requests("POST")) == 1


def test_a_reason_is_demanded_where_access_is_lost(subscribe: Callable[..., Any], canceller: User) -> None:
    operation, row = get_operation("cancel_subscription"), subscribe()
    with pytest.raises(NotAllowed, match="reason"):
        submit(
            operation,
            row,
            user=canceller,
            push_id=uuid.uuid4(),
            cleaned={"when": "now"},
            opened={},
            reason=" ",
        )
    assert not Push.objects.exists()


@pytest.mark.parametrize("values", [{"when": "now"}, {"when": "period_end"}])
def test_a_cancellation_arrives(
    values: dict[str, Any], doing: Opens, subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox
) -> None:
    row = subscribe()
    push = doing("cancel_subscription", row, canceller).submit(**values, feedback="unused", comment="bye")
    assert push.state == Push.State.DONE
    now = truth(stripe, row)
    assert (now["status"] == "canceled") == (values["when"] == "now")
    assert now["cancel_at_period_end"] == (values["when"] == "period_end")
    assert (now["cancellation_details"]["feedback"], now["cancellation_details"]["comment"]) == ("unused", "bye")
    row.refresh_from_db()
    assert (row.status, row.cancel_at_period_end) == (now["status"], now["cancel_at_period_end"])
    assert push.before["status"] == "active"
    assert push.after["status"] == now["status"]


def test_s40_a_cancellation_scheduled_by_date_is_undone(
    doing: Opens, subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox
) -> None:
    row = subscribe()
    doing("cancel_subscription", row, canceller).submit(when="date", cancel_at="2091-05-01T12:00:00Z")
    row.refresh_from_db()
    assert (row.cancel_at_period_end, row.cancel_at.year) == (False, 2091)
    doing("keep_subscription", row, canceller).submit()
    assert truth(stripe, row)["cancel_at"] is None


def test_a_cancelled_subscription_is_refused_on_its_fresh_state(
    doing: Opens, subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox
) -> None:
    row = subscribe()
    form = doing("cancel_subscription", row, canceller)
    stripe.delete(f"/v1/subscriptions/{row.pk}")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="canceled"):
        form.submit(when="now")
    assert stripe.requests("DELETE") == []


def test_s61_stripes_words_about_a_key_are_stored_without_it(
    doing: Opens, customer: Any, editor: User, settings: Settings
) -> None:
    settings.STRIPE_SECRET_KEY = "rk_" + "test_backoffice1234_nowrite_customers"
    push = doing("edit_customer", customer, editor).submit(phone="99")
    assert push.state == Push.State.REFUSED
    assert "customers_write" in push.message
    assert "rk_" not in push.message


def test_a_key_that_stripe_does_not_know_stops_before_anything_is_sent(
    doing: Opens, customer: Any, editor: User, settings: Settings, stripe: RunningSandbox
) -> None:
    settings.STRIPE_SECRET_KEY = "pk_" + "test_x"
    with pytest.raises(Exception, match="STRIPE_SECRET_KEY"):
        doing("edit_customer", customer, editor).submit(phone="99")
    assert stripe.requests("POST") == []


def test_a_key_of_the_other_mode_sends_nothing(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    MirroredAccount.objects.create(pk="acct_live", livemode=True)
    stripe.clear_requests()
    with pytest.raises(CantCheck, match="live mode"):
        doing("edit_customer", customer, editor).submit(phone="99")
    assert stripe.requests() == []
    assert not Push.objects.exists()
