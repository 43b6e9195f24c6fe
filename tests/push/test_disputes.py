"""Disputes: evidence is collected first and sent to the bank once, or the loss is accepted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Dispute, Job, Push
from stripe_mirror.push import jobs
from stripe_mirror.push.dispute_forms import LONGEST_EVIDENCE, TEXTS
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.errors import Conflict, NotAllowed, NothingToChange
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from tests.push import paying
from tests.push.billing import DAY, resumed, truth
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.examples import DISPUTE
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
STAGE, SUBMIT, ACCEPT = map(get_operation, ("stage_dispute_evidence", "submit_dispute_evidence", "accept_dispute"))
NAMES = [operation.name for operation in (STAGE, SUBMIT, ACCEPT)]
FIRST = {"evidence_customer_name": "Ann", "evidence_service_date": "2026-11-01"}


@pytest.fixture
def advocate(staff: Callable[..., User]) -> User:
    """May answer disputes and accept them, also many."""
    return staff("advocate", "run_job", *NAMES)


@pytest.fixture
def dispute(stripe: RunningSandbox) -> Any:
    """A chargeback about 49.00 eur without evidence."""
    return paying.disputed(stripe)


def unstored(**changes: Any) -> Dispute:
    """A dispute that isn't stored, with some evidence."""
    return Dispute(id="du_1", data={"id": "du_1", **DISPUTE, "evidence": {"customer_name": "Ann"}, **changes})


def due(at: float) -> dict[str, Any]:
    """What a dispute says of its deadline."""
    return {"evidence_details": {"due_by": int(at)}}


def staged(stripe: RunningSandbox, row: Any, **evidence: str) -> Any:
    """The dispute with this evidence, mirrored."""
    stripe.post(f"/v1/disputes/{row.pk}", evidence=evidence, submit=False)
    fresh = paying.mirror("dispute", row.pk)
    stripe.clear_requests()
    return fresh


def evidence(stripe: RunningSandbox, row: Any) -> dict[str, str]:
    """The texts and files that Stripe has."""
    return {name: value for name, value in truth(stripe, row)["evidence"].items() if value}


# Staging


def test_staged_evidence_is_kept_at_stripe_and_not_sent_to_the_bank(
    doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    form = doing(STAGE.name, dispute, advocate)
    seen = preview(STAGE, dispute, form.cleaned(**FIRST), ask=False)
    assert set(seen.summary[:2]) == {"Customer's name: Ann", "Date of the service: 2026-11-01"}
    assert "The bank takes evidence until" in seen.summary[2]
    assert seen.effects.follows == ("Nothing is sent to the bank before the evidence is submitted.",)
    push = form.submit(**FIRST)
    params = {"evidence": {"customer_name": "Ann", "service_date": "2026-11-01"}, "submit": "false"}
    assert sent(stripe) == [("POST", f"/v1/disputes/{dispute.pk}", params)]
    now = truth(stripe, dispute)
    assert (push.state, now["status"], now["evidence_details"]["submission_count"]) == (
        Push.State.DONE,
        "needs_response",
        0,
    )
    dispute.refresh_from_db()
    assert dispute.data["evidence"]["customer_name"] == "Ann"


def test_staging_again_sends_only_what_changed_and_keeps_the_rest(
    doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    row = staged(stripe, dispute, customer_name="Ann", service_date="2026-11-01", receipt="file_1")
    form = doing(STAGE.name, row, advocate)
    assert form.opened["evidence_customer_name"] == "Ann"
    push = form.submit(evidence_customer_name="Ann Lee", evidence_shipping_carrier="Post")
    params = {"evidence": {"customer_name": "Ann Lee", "shipping_carrier": "Post"}, "submit": "false"}
    assert sent(stripe) == [("POST", f"/v1/disputes/{row.pk}", params)]
    assert evidence(stripe, row) == {
        "customer_name": "Ann Lee",
        "service_date": "2026-11-01",
        "shipping_carrier": "Post",
        "receipt": "file_1",
    }
    assert push.before == {
        "status": "needs_response",
        "evidence.customer_name": "Ann",
        "evidence.shipping_carrier": None,
    }


def test_a_text_is_cleared_and_brought_back(doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox) -> None:
    row = staged(stripe, dispute, customer_name="Ann", service_date="2026-11-01")
    form = doing(STAGE.name, row, advocate)
    assert "Customer's name: (cleared)" in STAGE.summary(row, form.cleaned(evidence_customer_name=""))
    push = form.submit(evidence_customer_name="")
    params = {"evidence": {"customer_name": ""}, "submit": "false"}
    assert sent(stripe) == [("POST", f"/v1/disputes/{row.pk}", params)]
    assert evidence(stripe, row) == {"service_date": "2026-11-01"}
    assert undone(push, advocate).state == Push.State.DONE
    assert evidence(stripe, row) == {"customer_name": "Ann", "service_date": "2026-11-01"}


def test_a_first_text_is_taken_back_to_nothing(
    doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    push = doing(STAGE.name, dispute, advocate).submit(**FIRST)
    assert undone(push, advocate).state == Push.State.DONE
    assert evidence(stripe, dispute) == {}
    dispute.refresh_from_db()
    assert "No evidence is staged" in SUBMIT.why_not(dispute)


def test_an_unchanged_form_sends_nothing(doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox) -> None:
    """Stripe takes a request without evidence as the order to submit."""
    row = staged(stripe, dispute, customer_name="Ann")
    with pytest.raises(NothingToChange):
        doing(STAGE.name, row, advocate).submit(evidence_customer_name=" Ann ")
    assert sent(stripe) == []


def test_s38_two_people_write_different_fields_and_both_stay(
    doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    form = doing(STAGE.name, dispute, advocate)
    stripe.post(f"/v1/disputes/{dispute.pk}", evidence={"customer_name": "Theirs"}, submit=False)
    assert form.submit(evidence_shipping_carrier="Post").state == Push.State.DONE
    assert evidence(stripe, dispute) == {"customer_name": "Theirs", "shipping_carrier": "Post"}


def test_s38_two_people_write_the_same_field_and_the_second_is_asked(
    doing: Opens, advocate: User, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    row = staged(stripe, paying.disputed(stripe), customer_name="Ann")
    second = doing(STAGE.name, row, advocate)
    first = doing(STAGE.name, row, staff("other", STAGE.name))
    assert first.submit(evidence_customer_name="Theirs").state == Push.State.DONE
    stripe.clear_requests()
    with pytest.raises(Conflict, match="Customer's name") as caught:
        second.submit(evidence_customer_name="Ours", evidence_shipping_carrier="Post")
    (clash,) = caught.value.fields
    assert (clash.was, clash.now, clash.yours) == ("Ann", "Theirs", "Ours")
    assert sent(stripe) == []
    row.refresh_from_db()
    decided = doing(STAGE.name, row, advocate)
    assert decided.submit(evidence_customer_name="Ours").state == Push.State.DONE
    assert evidence(stripe, row) == {"customer_name": "Ours"}


@pytest.mark.parametrize(("reason", "first"), [("fraudulent", "customer_name"), ("duplicate", "duplicate_charge_id")])
@pytest.mark.django_db
def test_the_form_has_every_text_and_begins_with_what_fits_the_reason(reason: str, first: str) -> None:
    names = list(STAGE.get_form(unstored(reason=reason)).fields)
    assert set(names) == {*(f"evidence_{name}" for name in TEXTS), "reason"}
    assert (names[0], names[-1]) == (f"evidence_{first}", "reason")


def test_what_the_payment_says_stands_beside_the_field(stripe: RunningSandbox, dispute: Any) -> None:
    details = stripe.sandbox.table("charge").rows[dispute.charge_id]["billing_details"]
    details |= {"name": "Ann Lee", "address": {"line1": "1 Main St", "line2": None, "city": "Cork"}}
    paying.mirror("charge", dispute.charge_id)
    fields = STAGE.get_form(dispute).fields
    assert fields["evidence_customer_name"].help_text == "The payment says: Ann Lee"
    assert fields["evidence_billing_address"].help_text == "The payment says: 1 Main St, Cork"


@pytest.mark.django_db
def test_texts_that_are_too_long_alone_or_together_are_refused_in_the_form() -> None:
    errors = form_errors(STAGE, unstored(), evidence_customer_name="x" * 5001)
    assert "5000" in errors["evidence_customer_name"]
    longest = [name for name, (_, most) in TEXTS.items() if most == 20_000]
    values = {f"evidence_{name}": "x" * 20_000 for name in longest}
    assert len(values) * 20_000 > LONGEST_EVIDENCE
    assert "all together" in form_errors(STAGE, unstored(), **values)["__all__"]


# Submitting


def test_what_is_staged_goes_to_the_bank_once_and_for_all(
    doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    row = staged(stripe, dispute, customer_name="Ann", uncategorized_text="x" * 400, receipt="file_1")
    form = doing(SUBMIT.name, row, advocate)
    seen = preview(SUBMIT, row, form.cleaned(), ask=False)
    assert seen.summary[0] == "This is sent to the bank:"
    assert {"Customer's name: Ann", "Receipt: file file_1"} <= set(seen.summary)
    assert any("(400 characters)" in line for line in seen.summary)
    assert seen.effects.final == SUBMIT.final_warning
    assert any("€49.00 and €15.00 as Stripe's fee" in line for line in seen.effects.follows)
    push = form.submit()
    assert sent(stripe) == [("POST", f"/v1/disputes/{row.pk}", {"submit": "true"})]
    now = truth(stripe, row)
    assert (push.state, now["status"], now["evidence_details"]["submission_count"]) == (
        Push.State.DONE,
        "under_review",
        1,
    )
    assert (push.before["submission_count"], push.after["submission_count"]) == (0, 1)
    assert SUBMIT.undo(push) is None
    row.refresh_from_db()
    for operation in (STAGE, SUBMIT, ACCEPT):
        assert "the bank is deciding" in operation.why_not(row)


def test_without_evidence_nothing_is_submitted(
    doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    assert SUBMIT.why_not(dispute) == "No evidence is staged yet. Stage it first."
    with pytest.raises(NotAllowed, match="No evidence is staged"):
        doing(SUBMIT.name, dispute, advocate).submit()
    assert sent(stripe) == []


def test_a_file_alone_is_evidence() -> None:
    assert SUBMIT.why_not(unstored(evidence={"receipt": "file_1"})) == ""
    assert SUBMIT.why_not(unstored(evidence={"customer_name": None, "receipt": ""})) != ""


def test_evidence_that_was_changed_since_it_was_read_is_not_submitted(
    doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    row = staged(stripe, dispute, customer_name="Ann")
    form = doing(SUBMIT.name, row, advocate)
    row = staged(stripe, row, customer_name="Bob")
    with pytest.raises(NotAllowed, match="Read it again"):
        form.submit()
    assert sent(stripe) == []
    assert doing(SUBMIT.name, row, advocate).submit().state == Push.State.DONE


def test_evidence_is_submitted_while_an_inquiry_waits(doing: Opens, advocate: User, stripe: RunningSandbox) -> None:
    row = staged(stripe, paying.disputed(stripe, inquiry=True), customer_name="Ann")
    assert "inquiry" in ACCEPT.why_not(row)
    assert doing(SUBMIT.name, row, advocate).submit().state == Push.State.DONE
    assert truth(stripe, row)["status"] == "warning_under_review"


@pytest.mark.parametrize("name", NAMES)
def test_after_the_deadline_nothing_is_sent(
    name: str, doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    row = staged(stripe, dispute, customer_name="Ann")
    form = doing(name, row, advocate)
    stripe.sandbox.table("dispute").rows[row.pk]["evidence_details"]["due_by"] = int(time.time()) - 60
    with pytest.raises(NotAllowed, match="The deadline was"):
        form.submit(**({"evidence_customer_name": "Bob"} if name == STAGE.name else {}))
    assert sent(stripe) == []


@pytest.mark.parametrize("operation", [STAGE, SUBMIT, ACCEPT])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        (due(time.time() + DAY), ""),
        (due(time.time() - DAY), "The deadline was"),
        ({"evidence_details": {"due_by": None, "past_due": True}}, "The deadline has passed"),
        ({"status": "under_review"}, "the bank is deciding"),
        ({"status": "warning_under_review"}, "the bank is deciding"),
        ({"status": "warning_closed"}, "is closed"),
        ({"status": "won"}, "is won"),
        ({"status": "lost"}, "is lost"),
        ({"status": "prevented"}, "is prevented"),
        ({"status": None}, "shape"),
    ],
)
def test_only_a_dispute_that_waits_for_an_answer_can_be_answered(
    changes: dict[str, Any], words: str, operation: Any
) -> None:
    reason = operation.why_not(unstored(**changes))
    assert (reason == "") is (words == "")
    assert words in reason


# Accepting


def test_an_accepted_dispute_is_lost_with_its_money(
    doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    assert "required" in form_errors(ACCEPT, dispute, reason="")["reason"]
    form = doing(ACCEPT.name, dispute, advocate)
    seen = preview(ACCEPT, dispute, form.cleaned(), ask=False)
    assert seen.summary[0] == "The dispute about €49.00 is lost."
    assert seen.effects.money == (Amount("Lost for good", 4900, "eur"),)
    assert "Evidence that is staged is never sent." in seen.effects.follows
    assert seen.effects.final == ACCEPT.final_warning
    push = form.submit()
    assert sent(stripe) == [("POST", f"/v1/disputes/{dispute.pk}/close", {})]
    assert (push.state, truth(stripe, dispute)["status"]) == (Push.State.DONE, "lost")
    assert (push.before, push.after) == ({"status": "needs_response"}, {"status": "lost"})
    assert ACCEPT.undo(push) is None
    dispute.refresh_from_db()
    assert "is lost" in STAGE.why_not(dispute)


def test_what_was_submitted_meanwhile_is_not_accepted(
    doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    row = staged(stripe, dispute, customer_name="Ann")
    form = doing(ACCEPT.name, row, advocate)
    assert doing(SUBMIT.name, row, advocate).submit().state == Push.State.DONE
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="the bank is deciding"):
        form.submit()
    assert sent(stripe) == []


def test_many_disputes_are_accepted_but_no_inquiry(advocate: User, stripe: RunningSandbox) -> None:
    rows, inquiry = [paying.disputed(stripe) for _ in range(2)], paying.disputed(stripe, inquiry=True)
    form = ACCEPT.get_form(ACCEPT.new_row(), {"reason": "not worth it"})
    assert form.is_valid()
    chosen = Dispute.objects.filter(pk__in=[row.pk for row in (*rows, inquiry)])
    seen = jobs.preview(ACCEPT, chosen, cleaned=form.cleaned_data)
    assert (seen.allowed, [row for row, _ in seen.excluded], seen.sums) == (2, [inquiry], {"eur": 9800})
    job = jobs.create_job(
        ACCEPT, chosen, user=advocate, cleaned=form.cleaned_data, reason="not worth it", job_id=uuid4(), ip="192.0.2.1"
    )
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED
    assert [truth(stripe, row)["status"] for row in (*rows, inquiry)] == ["lost", "lost", "warning_needs_response"]


# Answers that are lost


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize(
    ("name", "values"), [(STAGE.name, {"evidence_customer_name": "Bob"}), (SUBMIT.name, {}), (ACCEPT.name, {})]
)
def test_after_a_day_the_dispute_itself_tells_whether_it_happened(
    happened: bool,
    name: str,
    values: dict[str, Any],
    doing: Opens,
    dispute: Any,
    advocate: User,
    stripe: RunningSandbox,
) -> None:
    row = staged(stripe, dispute, customer_name="Ann")
    fault: dict[str, Any] = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path="/v1/disputes", times=1, **fault)
    push = doing(name, row, advocate).submit(**values)
    assert push.state == Push.State.UNKNOWN
    assert resumed(push, hours=24).state == (Push.State.DONE if happened else Push.State.REFUSED)


def test_s31_evidence_whose_answer_was_lost_is_submitted_once(
    doing: Opens, dispute: Any, advocate: User, stripe: RunningSandbox
) -> None:
    row = staged(stripe, dispute, customer_name="Ann")
    stripe.faults.add(method="POST", path="/v1/disputes", lose_answer=True, times=1)
    push = doing(SUBMIT.name, row, advocate).submit()
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert truth(stripe, row)["evidence_details"]["submission_count"] == 1
