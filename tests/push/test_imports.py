"""A file of edits: compared row by row, confirmed once, and pushed like any other job (S54, S56)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from stripe_mirror.models import Customer, Import, ImportRow, Job, Push
from stripe_mirror.push import jobs_again
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.imports import comparing, staging, starting
from stripe_mirror.push.jobs import (
    begin_import,
    complete_job,
    due_jobs,
    plan_more,
    planned_so_far,
    run_job,
    start_job,
)
from stripe_mirror.push.jobs_preview import preview_wishes
from stripe_mirror.push.operation import get_operation
from tests.push.conftest import sent
from tests.push.importing import brought, counts, done, forms, pushed, said, written
from tests.sandbox.testing import RunningSandbox
from tests.together import at_once

EDITED = ("id", "name", "email", "phone", "metadata.plan", "metadata.seats", "version")


@pytest.fixture
def importer(staff: Callable[..., User]) -> User:
    """May do everything that a file can do to customers."""
    names = ("edit_customer", "create_customer", "delete_stripe_customer", "run_job", "view_customer")
    return staff("importer", *names)


@pytest.fixture
def people(stripe: RunningSandbox, mirrored: Callable[[dict[str, Any]], Any]) -> list[Any]:
    """Four customers."""
    made = []
    for n in range(4):
        plan = {"plan": "gold", "seats": str(n)}
        made.append(mirrored(stripe.post("/v1/customers", name=f"P{n}", email=f"p{n}@example.com", metadata=plan)))
    return made


def line(row: Any, **changes: str) -> list[str]:
    """A customer as exported, with some cells edited."""
    cells = {
        "id": row.pk,
        "name": row.data["name"] or "",
        "email": row.data["email"] or "",
        "phone": row.data["phone"] or "",
        "metadata.plan": row.data["metadata"].get("plan", ""),
        "metadata.seats": row.data["metadata"].get("seats", ""),
        "version": str(row.version),
    }
    return list({**cells, **changes}.values())


def held(stripe: RunningSandbox, row: Any) -> dict[str, Any]:
    """As Stripe has it."""
    return next(obj for obj in stripe.objects("customer") if obj["id"] == row.pk)


def test_a_file_changes_what_differs_and_nothing_else(
    importer: User, people: list[Any], stripe: RunningSandbox
) -> None:
    one, two, three, four = people
    content = written(
        EDITED,
        [
            line(one, email="new@example.com"),
            line(two),
            line(three, **{"metadata.plan": "", "metadata.seats": "9"}),
            line(four, name=""),
        ],
    )
    upload = brought("edit_customer", content, importer)
    assert counts(upload) == (3, 1, 0)
    assert Push.objects.count() == Job.objects.count() == 0
    assert stripe.requests() == []
    job = done(upload)
    assert job.state == Job.State.FINISHED
    assert pushed(job) == [
        ("done", one.pk, {"email": "new@example.com"}),
        ("done", three.pk, {"metadata": {"plan": "", "seats": "9"}}),
        ("done", four.pk, {"name": ""}),
    ]
    assert held(stripe, one)["email"] == "new@example.com"
    assert held(stripe, three)["metadata"] == {"seats": "9"}
    assert held(stripe, four)["name"] is None
    assert {push.reason for push in job.pushes.all()} == {"asked by mail"}
    assert len(set(job.pushes.values_list("pk", flat=True))) == 3


def test_each_error_stands_at_its_row_and_column(
    importer: User, people: list[Any], stripe: RunningSandbox, mirrored: Any
) -> None:
    one, two, three, four = people
    stripe.delete(f"/v1/customers/{four.pk}")
    Customer.objects.filter(pk=four.pk).update(deleted_at=timezone.now())
    rows = [
        ["cus_unknown", *line(one)[1:]],
        ["", *line(one)[1:]],
        line(two, phone="1" * 21),
        line(three, name="New", version="0"),
        line(four, name="New"),
        line(one, name="a key sk_test_" + "1234567890abcdef"),
    ]
    upload = brought("edit_customer", written(EDITED, rows), importer)
    assert counts(upload) == (0, 0, 6)
    found = said(upload)
    assert found[2] == [("id", "There is no customer with this ID here.")]
    assert found[3] == [("id", "The row doesn't say which customer it is about.")]
    ((column, sentence),) = found[4]
    assert column == "phone"
    assert "at most 20 characters" in sentence
    assert found[5] == [("version", "It has changed since the file was exported (version 0 then, 1 now).")]
    assert found[6] == [("", "This customer was deleted in Stripe.")]
    assert found[7][0][0] == "name"
    with pytest.raises(NotAllowed):
        starting.confirm(upload, reason="x")
    assert stripe.requests("POST") == []


def test_a_row_that_says_what_stripe_has_is_no_error_however_old_it_is(importer: User, people: list[Any]) -> None:
    upload = brought("edit_customer", written(EDITED, [line(people[0], version="0")]), importer)
    assert counts(upload) == (0, 1, 0)


def test_a_masked_cell_is_never_a_value(importer: User, people: list[Any]) -> None:
    masked = line(people[0], name="•••", email="•••••• (hidden)", **{"metadata.plan": "•••"})
    upload = brought("edit_customer", written(EDITED, [masked]), importer)
    assert counts(upload) == (0, 1, 0)


def test_another_currency_than_stripes_is_an_error(
    importer: User, stripe: RunningSandbox, mirrored: Any, payer: Any
) -> None:
    content = written(("id", "name", "currency"), [(payer.pk, "New", "usd")])
    upload = brought("edit_customer", content, importer)
    assert said(upload) == {2: [("currency", "The file says USD, in Stripe it is EUR.")]}


def test_two_rows_about_one_object_end_the_import_and_leave_only_the_sentence(
    importer: User, people: list[Any]
) -> None:
    rows = [line(people[0], name="A"), line(people[1]), line(people[0], name="B")]
    upload = brought("edit_customer", written(EDITED, rows), importer)
    assert upload.state == Import.State.FAILED
    assert upload.message == f"The ID {people[0].pk} stands in rows 2 and 4: an object can have only one row."
    assert not upload.parts.exists()
    assert not upload.rows.exists()


def test_what_changed_in_stripe_since_it_was_compared_is_left_out(
    importer: User, people: list[Any], stripe: RunningSandbox, mirrored: Any
) -> None:
    one, two, *_rest = people
    upload = brought("edit_customer", written(EDITED, [line(one, name="A"), line(two, name="B")]), importer)
    stripe.post(f"/v1/customers/{one.pk}", phone="5")
    mirrored({"object": "customer", "id": one.pk})
    assert starting.stale_rows(upload).count() == 1
    job = done(upload)
    first, second = job.pushes.order_by("position")
    assert (first.state, second.state) == ("skipped", "done")
    assert "since the file was compared" in first.message


def test_s38_what_changes_while_the_job_waits_is_merged_or_left_out(
    importer: User, people: list[Any], stripe: RunningSandbox
) -> None:
    one, two, *_rest = people
    rows = [line(one, **{"metadata.plan": "silver"}), line(two, name="B")]
    upload = brought("edit_customer", written(EDITED, rows), importer)
    job = starting.confirm(upload, reason="x")
    assert job
    stripe.post(f"/v1/customers/{one.pk}", metadata={"added": "yes"})
    stripe.post(f"/v1/customers/{two.pk}", name="somebody else's")
    run_job(job.pk)
    first, second = job.pushes.order_by("position")
    assert first.state == "done"
    assert held(stripe, one)["metadata"] == {"plan": "silver", "seats": "0", "added": "yes"}
    assert second.state == "skipped"
    assert "somebody else has changed this" in second.message
    assert held(stripe, two)["name"] == "somebody else's"


def test_s30_confirmed_twice_at_once_it_is_one_job(importer: User, people: list[Any], stripe: RunningSandbox) -> None:
    upload = brought("edit_customer", written(EDITED, [line(people[0], name="A")]), importer)
    twins = [Import.objects.get(pk=upload.pk) for _ in range(2)]
    results = at_once(*(lambda twin=twin: starting.confirm(twin, reason="x") for twin in twins))
    assert Job.objects.count() == 1
    assert Push.objects.count() == 1
    assert any(isinstance(result, Job) for result in results), results
    run_job(upload.pk)
    assert len(sent(stripe)) == 1
    assert starting.confirm(upload, reason="x") == Job.objects.get()


def test_an_import_becomes_a_job_by_its_id_and_can_be_taken_back(
    importer: User, people: list[Any], stripe: RunningSandbox
) -> None:
    upload = brought("edit_customer", written(EDITED, [line(row, name="All the same") for row in people]), importer)
    job = done(upload)
    assert job.pk == upload.pk
    inverse = jobs_again.undo_operation(job)
    assert inverse
    seen = preview_wishes(inverse, jobs_again.undo_wishes(job, inverse), form={})
    assert seen.allowed == 4
    back = Job(id=uuid.uuid4(), operation=inverse.name, user=importer, reason="mistake", undoes=job)
    run_job(start_job(back, seen).pk)
    assert [held(stripe, row)["name"] for row in people] == ["P0", "P1", "P2", "P3"]


def test_customers_are_made_from_a_file_each_once_and_can_be_deleted_again(
    importer: User, stripe: RunningSandbox
) -> None:
    rows = [("Ada", "ada@example.com", "DE", "gold"), ("Bob", "bob@example.com", "", ""), ("", "", "", "")]
    content = written(("Name", "E-Mail", "country", "metadata.plan"), [*rows, ("", "", "DE", "")])
    content = content.replace(b"E-Mail", b"email")
    upload = brought("create_customer", content, importer)
    assert counts(upload) == (2, 0, 1)
    assert said(upload) == {5: [("Name", "Write a name or an email address.")]}
    job = done(upload)
    ids = set(job.pushes.values_list("object_id", flat=True))
    made = {obj["name"]: obj for obj in stripe.objects("customer") if obj["id"] in ids}
    assert made.keys() == {"Ada", "Bob"}
    assert made["Ada"]["address"]["country"] == "DE"
    assert made["Ada"]["metadata"] == {"plan": "gold"}
    inverse = jobs_again.undo_operation(job)
    assert inverse
    assert inverse.name == "delete_stripe_customer"
    seen = preview_wishes(inverse, jobs_again.undo_wishes(job, inverse), form={})
    assert (seen.allowed, seen.excluded_count) == (2, 0), seen.excluded


def test_refused_rows_of_a_file_are_tried_again_with_their_own_values(importer: User, stripe: RunningSandbox) -> None:
    content = written(("name", "email"), [("Ada", "ada@example.com"), ("Bob", "bob@mail..example")])
    upload = brought("create_customer", content, importer)
    job = done(upload)
    assert [state for state, *_rest in pushed(job)] == ["done", "refused"]
    operation = get_operation("create_customer")
    seen = preview_wishes(operation, jobs_again.retry_wishes(job), form={})
    assert seen.allowed == 1
    retry = Job(id=uuid.uuid4(), operation=operation.name, user=importer, reason="again", retries=job)
    again = start_job(retry, seen)
    run_job(again.pk)
    assert [params["name"] for _state, _id, params in pushed(again)] == ["Bob"]


def test_a_killed_job_of_a_file_goes_on_where_it_was(importer: User, people: list[Any], stripe: RunningSandbox) -> None:
    upload = brought("edit_customer", written(EDITED, [line(row, phone="7") for row in people]), importer)
    job = starting.confirm(upload, reason="x")
    assert job
    assert run_job(job.pk, seconds=0)
    assert due_jobs() == [job.pk]
    run_job(job.pk)
    assert len(sent(stripe)) == 4
    assert [held(stripe, row)["phone"] for row in people] == ["7"] * 4


def test_who_may_not_run_it_on_many_cannot_confirm(staff: Callable[..., User], people: list[Any]) -> None:
    for missing in ("run_job", "edit_customer"):
        names = {"run_job", "edit_customer", "view_customer"} - {missing}
        user = staff(f"without-{missing}", *names)
        upload = brought("edit_customer", written(EDITED, [line(people[0], name="A")]), user)
        with pytest.raises(PermissionDenied):
            starting.confirm(upload, reason="x")
    assert Job.objects.count() == 0


def test_what_a_person_may_do_no_longer_is_not_started_by_the_worker(
    importer: User, people: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = brought("edit_customer", written(EDITED, [line(people[0], name="A")]), importer)
    Import.objects.filter(pk=upload.pk).update(state=Import.State.STARTING, reason="x")
    importer.user_permissions.clear()
    assert starting.start(Import.objects.select_related("owner").get(pk=upload.pk)) is None
    upload.refresh_from_db()
    assert upload.state == Import.State.JUDGED
    assert "may not" in upload.message


def test_a_part_is_counted_once_though_two_workers_compare_it(importer: User, people: list[Any]) -> None:
    upload = brought("edit_customer", written(EDITED, [line(people[0], name="A"), line(people[1])]), importer)
    Import.objects.filter(pk=upload.pk).update(
        state=Import.State.JUDGING, parts_judged=0, changed=0, unchanged=0, round=5
    )
    ImportRow.objects.all().delete()
    twins = [Import.objects.get(pk=upload.pk) for _ in range(2)]
    at_once(*(lambda twin=twin: comparing.compare(twin) for twin in twins))
    upload.refresh_from_db()
    assert upload.state == Import.State.JUDGED
    assert counts(upload) == (1, 1, 0)
    assert upload.rows.count() == 1


def test_a_comparison_that_was_overtaken_stores_nothing(importer: User, people: list[Any]) -> None:
    upload = brought("edit_customer", written(EDITED, [line(people[0], name="A")]), importer)
    old = Import.objects.get(pk=upload.pk)
    assert comparing.begin(upload, ["=key", "", "", "", "", "metadata.seats", ""], minor_units=False)
    old.state, old.parts_judged = Import.State.JUDGING, 0
    comparing.compare(old)
    upload.refresh_from_db()
    assert counts(upload) == (0, 1, 0)
    assert not comparing.begin(Import(pk=upload.pk, round=1, total=1), [], minor_units=False)


def test_files_are_forgotten_after_a_day_with_their_rows(importer: User, people: list[Any]) -> None:
    upload = brought("edit_customer", written(EDITED, [line(people[0], name="A")]), importer)
    assert staging.find(upload.pk, importer) == upload
    Import.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert staging.find(upload.pk, importer) is None
    assert staging.forget_expired() == 1
    assert not ImportRow.objects.exists()


def test_nobody_else_finds_it(importer: User, editor: User, people: list[Any]) -> None:
    upload = brought("edit_customer", written(EDITED, [line(people[0], name="A")]), importer)
    assert staging.find(upload.pk, editor) is None


def test_forms_of_rows_hold_only_what_they_change(importer: User, people: list[Any]) -> None:
    upload = brought("edit_customer", written(EDITED, [line(people[0], phone=" 12 ")]), importer)
    assert forms(upload) == {2: {"phone": "12"}}


def test_many_rows_are_planned_in_their_order_each_with_its_own_values(importer: User, stripe: RunningSandbox) -> None:
    now = timezone.now()
    data = [{"id": f"cus_{n:05}", "object": "customer", "name": f"P{n}", "metadata": {}} for n in range(1_201)]
    Customer.objects.bulk_create(
        [Customer(id=obj["id"], data=obj, as_of=now, synced_at=now, changed_at=now) for obj in data]
    )
    lines = [(obj["id"], f"New {n}" if n else "P0") for n, obj in enumerate(data)]
    upload = brought("edit_customer", written(("id", "name"), lines), importer)
    assert counts(upload) == (1_200, 1, 0)
    Customer.objects.filter(pk="cus_00700").update(version=9)
    # As if the process had been killed after the first portion: what is there isn't taken for all of it.
    Import.objects.filter(pk=upload.pk).update(state=Import.State.STARTING, reason="x")
    upload.refresh_from_db()
    begun = begin_import(Job(id=upload.pk, operation=upload.operation, user=importer, reason="x"))
    plan_more(begun, list(starting._rows(upload, 0)), after=0)
    plan_more(begun, list(starting._rows(upload, 0)), after=0)
    assert (planned_so_far(begun), due_jobs(), complete_job(begun.pk)) == (1_000, [], False)
    assert starting.due() == [("start_import", str(upload.pk))]
    job = starting.start(Import.objects.select_related("owner").get(pk=upload.pk))
    assert job
    assert due_jobs() == [job.pk]
    planned = list(job.pushes.order_by("position").values_list("position", "object_id", "form", "opened", "state"))
    assert [row[:4] for row in planned] == [
        (n, f"cus_{n:05}", {"name": f"New {n}"}, {"name": f"P{n}"}) for n in range(1, 1_201)
    ]
    assert {row[1] for row in planned if row[4] == "skipped"} == {"cus_00700"}
