"""Large imports in the worker: real processes that are killed, and each row with one effect (S44)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.admin.imports.reading import read_pasted
from stripe_mirror.models import Import, Job
from stripe_mirror.push import jobs
from stripe_mirror.push.imports import comparing, starting
from stripe_mirror.push.imports.staging import stage
from stripe_mirror.push.operation import get_operation
from tests.push.test_jobs_worker import leases_end, worker
from tests.sandbox.testing import RunningSandbox, wait_for

pytestmark = pytest.mark.long

ROWS = 12


@pytest.fixture
def customers(stripe: RunningSandbox, mirrored: Callable[..., Any]) -> list[Any]:
    """Some customers."""
    return [mirrored(stripe.post("/v1/customers", name=f"Customer {n}")) for n in range(ROWS)]


def test_s44_a_large_file_is_compared_and_pushed_by_workers_that_are_killed(
    customers: list[Any], staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    importer = staff("importer", "edit_customer", "run_job", "view_customer")
    # Most rows are of nobody: what is compared in the background is more than what somebody waits for.
    lines = [f"{row.pk}\t+49 {n}" for n, row in enumerate(customers)]
    text = "\n".join(["id\tphone", *lines, *(f"cus_nobody{n}\t1" for n in range(comparing.AT_ONCE))])
    upload = stage(get_operation("edit_customer"), read_pasted(text), owner=importer)
    assert comparing.begin(upload, upload.targets, minor_units=False)
    assert upload.state == Import.State.JUDGING
    with worker(stripe):
        wait_for(lambda: Import.objects.get().state == Import.State.JUDGED, 90, "it was not compared")
    upload.refresh_from_db()
    assert (upload.changed, upload.unchanged, upload.wrong) == (ROWS, 0, comparing.AT_ONCE)
    assert starting.confirm(upload, reason="new numbers")
    read, write = customers[3], customers[7]
    stripe.faults.add(method="GET", path=f"/v1/customers/{read.pk}", hang=2, times=1)
    stripe.faults.add(method="POST", path=f"/v1/customers/{write.pk}", hang=2, times=1)
    for number in range(2):
        with worker(stripe) as process:
            wait_for(lambda n=number: stripe.faults.list()[n]["used"] == 1, 90, "the worker did not come so far")  # type: ignore[misc]
            process.kill()
            process.wait()
        leases_end()
    with worker(stripe):
        wait_for(lambda: Job.objects.get().finished_at is not None, 90, "the job did not end")
    held = {obj["id"]: obj["phone"] for obj in stripe.objects("customer")}
    assert [held[row.pk] for row in customers] == [f"+49 {n}" for n in range(ROWS)]
    assert jobs.progress(Job.objects.get())["done"] == ROWS
    asked = {r["idempotency_key"] for r in stripe.requests("POST", f"/v1/customers/{write.pk}")}
    assert len(asked) == 1
