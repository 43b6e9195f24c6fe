"""Editing invoices: only the difference is sent, and its way back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from stripe_mirror.models import Push
from stripe_mirror.push.errors import Conflict, NothingToChange
from stripe_mirror.push.operation import get_operation
from tests.push import invoicing
from tests.push.billing import resumed
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
EDIT = get_operation("edit_invoice")
DAY = 86400
ENDED = "2020-01-01T12:00"


@pytest.fixture
def clerk(staff: Callable[..., User]) -> User:
    """May edit invoices."""
    return staff("clerk", EDIT.name)


@pytest.fixture
def row(stripe: RunningSandbox) -> Any:
    """A draft with something in every field."""
    given = {"description": "For May", "footer": "Thanks", "metadata": {"order": "7", "note": "a"}}
    return invoicing.invoice(stripe, "draft", **given)


def later(days: int = 60) -> int:
    """A minute in the future, in Unix seconds."""
    return int(time.time()) // 60 * 60 + days * DAY


def typed(seconds: int) -> str:
    """As a browser sends a moment, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M")


def test_only_what_differs_is_sent_and_the_log_has_before_and_after(
    doing: Opens, clerk: User, row: Any, stripe: RunningSandbox
) -> None:
    push = doing(EDIT.name, row, clerk).submit(description="For June", metadata={"order": "7"})
    assert sent(stripe) == [("POST", f"/v1/invoices/{row.pk}", {"description": "For June", "metadata": {"note": ""}})]
    assert push.before == {"description": "For May", "metadata.note": "a"}
    assert push.after == {"description": "For June", "metadata.note": None}
    assert invoicing.now(stripe, row)["footer"] == "Thanks"


def test_s37_what_is_cleared_is_gone_in_stripe(doing: Opens, clerk: User, row: Any, stripe: RunningSandbox) -> None:
    assert doing(EDIT.name, row, clerk).submit(description="", footer="", metadata={}).state == Push.State.DONE
    held = invoicing.now(stripe, row)
    assert (held["description"] or "", held["footer"] or "", held["metadata"]) == ("", "", {})


def test_nothing_that_differs_is_not_sent(doing: Opens, clerk: User, row: Any, stripe: RunningSandbox) -> None:
    with pytest.raises(NothingToChange):
        doing(EDIT.name, row, clerk).submit()
    assert stripe.requests("POST") == []


def test_a_due_date_keeps_its_seconds_where_nobody_changed_it(
    doing: Opens, clerk: User, row: Any, stripe: RunningSandbox
) -> None:
    shown = typed(row.data["due_date"])
    doing(EDIT.name, row, clerk).submit(due_date=shown, description="For June")
    assert sent(stripe)[0][2] == {"description": "For June"}


def test_s54_a_due_date_is_written_in_the_time_zone_of_the_pages(
    doing: Opens, clerk: User, row: Any, stripe: RunningSandbox, settings: Settings
) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    form = doing(EDIT.name, row, clerk)
    push = form.submit(due_date="2031-05-01T09:30")
    assert push.params == {"due_date": int(datetime(2031, 4, 30, 21, 30, tzinfo=UTC).timestamp())}
    assert any("Pacific/Auckland" in line for line in EDIT.summary(row, form.cleaned(due_date="2031-05-01T09:30")))


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"due_date": ""}, "due_date", "until when"),
        ({"due_date": ENDED}, "due_date", "passed"),
        ({"collection_method": "barter"}, "collection_method", "valid choice"),
        ({"description": "x" * 1501}, "description", "1500"),
        ({"default_payment_method": "pm_foreign"}, "default_payment_method", "isn't the customer's"),
        ({"metadata": {"k" * 41: "v"}}, "metadata", "longer than 40"),
    ],
)
def test_what_stripe_would_refuse_is_said_at_the_field(
    values: dict[str, Any], field: str, words: str, row: Any
) -> None:
    errors = form_errors(EDIT, row, **values)
    assert list(errors) == [field]
    assert words in errors[field]


def test_from_sent_to_charged_and_back(doing: Opens, clerk: User, row: Any, stripe: RunningSandbox) -> None:
    before = invoicing.now(stripe, row)
    form = doing(EDIT.name, row, clerk)
    told = EDIT.effects(row, form.cleaned(collection_method="charge_automatically"), None)
    assert "has no due date" in told.follows[0]
    push = form.submit(collection_method="charge_automatically")
    assert sent(stripe)[0][2] == {"collection_method": "charge_automatically"}
    assert invoicing.now(stripe, row)["due_date"] is None
    row.refresh_from_db()
    due = later()
    back = doing(EDIT.name, row, clerk).submit(collection_method="send_invoice", due_date=typed(due))
    assert back.params == {"collection_method": "send_invoice", "due_date": due}
    assert invoicing.now(stripe, row) == {**before, "due_date": due}
    assert push.state == back.state == Push.State.DONE


def test_an_edit_is_undone_to_what_it_was(doing: Opens, clerk: User, row: Any, stripe: RunningSandbox) -> None:
    method = row.customer.default_payment_method_id
    mirror("payment_method", method)
    before = invoicing.now(stripe, row)
    changes = {"footer": "", "due_date": typed(later()), "auto_advance": "on", "default_payment_method": method}
    push = doing(EDIT.name, row, clerk).submit(**changes, metadata={"order": "8"}, description="New")
    assert invoicing.now(stripe, row) != before
    stripe.post(f"/v1/invoices/{row.pk}", metadata={"since": "then"})
    assert undone(push, clerk).state == Push.State.DONE
    now = invoicing.now(stripe, row)
    assert now == {**before, "metadata": {**before["metadata"], "since": "then"}}


@pytest.mark.parametrize(
    ("status", "on", "words"),
    [
        ("draft", True, "finalizes the draft by itself in about an hour"),
        ("open", True, "goes on by itself"),
        ("draft", False, "Stripe stops"),
        ("open", False, "Stripe stops"),
    ],
)
def test_automatic_collection_says_what_it_does(
    status: str, on: bool, words: str, doing: Opens, clerk: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, status, auto_advance=not on)
    form = doing(EDIT.name, row, clerk)
    changes = {"auto_advance": "on" if on else ""}
    assert words in EDIT.effects(row, form.cleaned(**changes), None).follows[0]
    assert form.submit(**changes).state == Push.State.DONE
    assert invoicing.now(stripe, row)["auto_advance"] is on


def test_of_an_open_invoice_only_what_stripe_still_takes_can_be_edited(
    doing: Opens, clerk: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe)
    form = EDIT.get_form(row)
    assert not {"collection_method", "due_date"} & set(form.fields)
    push = doing(EDIT.name, row, clerk).submit(description="New", footer="Bye", metadata={"a": "b"})
    assert push.state == Push.State.DONE
    assert set(push.params) == {"description", "footer", "metadata"}


def test_s38_a_memo_changed_by_both_is_shown_and_nothing_is_sent(
    doing: Opens, clerk: User, row: Any, stripe: RunningSandbox
) -> None:
    form = doing(EDIT.name, row, clerk)
    stripe.post(f"/v1/invoices/{row.pk}", description="Theirs")
    stripe.clear_requests()
    with pytest.raises(Conflict, match="Memo"):
        form.submit(description="Mine")
    assert stripe.requests("POST") == []


def test_s31_a_lost_answer_is_found_out_by_reading(doing: Opens, clerk: User, row: Any, stripe: RunningSandbox) -> None:
    stripe.faults.add(method="POST", path="/v1/invoices", lose_answer=True, times=1)
    push = doing(EDIT.name, row, clerk).submit(description="New")
    assert push.state == Push.State.UNKNOWN
    assert resumed(push, hours=24).state == Push.State.DONE
    assert len(stripe.requests("POST")) == 1
