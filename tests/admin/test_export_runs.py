"""Large exports: written by the worker into a file that is its owner's alone, and gone after a while."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from stripe_mirror import tasks
from stripe_mirror.admin.exports import claiming, files, running, scheduling, tidy
from stripe_mirror.admin.exports.counting import counted_bytes
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.selection import Selection
from stripe_mirror.models import Export, ExportRecord, SavedExport
from tests.admin.exporting import (
    DIALOG,
    MINE,
    browser,
    chosen,
    customers,
    ids,
    person,
    table_of,
    text_of,
    without,
)
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 12


@pytest.fixture(autouse=True)
def small_files(settings: Settings, tmp_path: Path) -> None:
    """More than ten rows are many; files in a folder of the test's own."""
    settings.EXPORTS_STREAM_ROWS = 10
    settings.EXPORTS_DIR = tmp_path / "exports"


@pytest.fixture
def user() -> User:
    """May export customers, with their personal data, also by schedule."""
    return person("exporter")


@pytest.fixture
def exporter(user: User) -> Client:
    customers(ROWS, address={"country": "DE"})
    return browser(user)


def asked(client: Client, *names: str, url: str = DIALOG, **form: Any) -> Export:
    """A file that was asked for on the page."""
    answer = client.post(url, chosen(*names, **form))
    export = Export.objects.latest("created_at")
    assert answer.url == f"{MINE}{export.pk}/"
    return export


def written(client: Client, *names: str, **form: Any) -> Export:
    """A file that the worker has written."""
    export = asked(client, *names, **form)
    running.run_export(export.pk)
    return again(export)


def again(export: Export) -> Export:
    return Export.objects.get(pk=export.pk)


def page(client: Client, export: Export) -> str:
    answer = client.get(f"{MINE}{export.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def download(client: Client, export: Export) -> Any:
    return client.get(f"{MINE}{export.pk}/download/")


def present() -> list[str]:
    return sorted(files.older_than(timedelta(0)))


# --- from asking to having ----------------------------------------------------------------------------------------


def test_many_rows_become_a_file_that_the_real_worker_writes(exporter: Client) -> None:
    export = asked(exporter, "id", "email", url=DIALOG + "?country=DE&o=created")
    assert "data-live-poll" in page(exporter, export)
    assert download(exporter, export).status_code == 302
    call_command("db_worker", batch=True, startup_delay=False, verbosity=0)
    export = again(export)
    assert (export.state, export.counted, export.written) == ("ready", ROWS, ROWS)
    assert f"{MINE}{export.pk}/download/" in page(exporter, export)
    answer = download(exporter, export)
    assert ids(answer) == [f"cus_{n:05}" for n in range(ROWS)]
    assert "no-store" in answer["Cache-Control"]
    assert present() == [f"{export.pk}.csv"]
    assert files.path_of(export.file_name).stat().st_mode & 0o077 == 0
    assert export.size == files.path_of(export.file_name).stat().st_size


@pytest.mark.parametrize("name", ["csv", "jsonl", "xlsx"])
def test_every_format_counts_its_rows(exporter: Client, name: str) -> None:
    export = written(exporter, "id", "description", format=name)
    assert (export.state, export.written) == ("ready", ROWS), export.error


@given(
    rows=st.lists(st.lists(st.text('a",\n\r;\t=', max_size=6), min_size=2, max_size=2), max_size=8),
    size=st.integers(1, 9),
)
@hypothesis_settings(max_examples=100, deadline=None)
def test_rows_are_counted_whatever_stands_in_their_cells(rows: list[list[str]], size: int) -> None:
    import csv
    import io

    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "b"], *rows])
    whole = text.getvalue().encode()
    pieces = [whole[n : n + size] for n in range(0, len(whole), size)]
    assert [count for _, count in counted_bytes(pieces, "csv")][-1] == len(rows)


def test_the_log_tells_of_the_file_and_of_each_download(user: User, exporter: Client) -> None:
    export = written(exporter, "id", "email")
    download(exporter, export)
    told = list(ExportRecord.objects.order_by("id").values_list("action", "rows", "personal", "export_id", "user"))
    assert told == [(action, ROWS, True, export.pk, user.pk) for action in ("written", "downloaded")]


# --- whose --------------------------------------------------------------------------------------------------------


def test_a_file_is_its_owners_alone_even_among_superusers(exporter: Client) -> None:
    export = written(exporter, "id")
    boss = browser(User.objects.create_superuser("boss"))
    for client in (boss, browser(person("other"))):
        for what in ("", "download/", "cancel/"):
            assert client.get(f"{MINE}{export.pk}/{what}").status_code == 404
        assert client.post(f"{MINE}{export.pk}/cancel/").status_code == 404
        assert str(export.pk) not in client.get(MINE).content.decode()
    assert str(export.pk) in exporter.get(MINE).content.decode()


def test_who_lost_a_permission_gets_no_file_and_the_worker_writes_none(user: User, exporter: Client) -> None:
    export, waiting = written(exporter, "id", "email"), asked(exporter, "id")
    without(user, "view_pii")
    assert download(exporter, export).status_code == 403
    without(user, "export_customer")
    running.run_export(waiting.pk)
    assert again(waiting).state == "failed"
    assert "permission" in again(waiting).error
    assert present() == [f"{export.pk}.csv"]
    assert download(exporter, waiting).status_code == 403


def test_personal_data_is_masked_for_who_may_not_see_it_when_the_worker_runs(user: User, exporter: Client) -> None:
    export = asked(exporter, "id", "email")
    without(user, "view_pii")
    running.run_export(export.pk)
    assert not again(export).personal
    text = text_of(download(exporter, export))
    assert "cus_00001" in text
    assert "example.com" not in text


# --- what goes wrong ----------------------------------------------------------------------------------------------


def test_a_cancelled_run_leaves_no_file(exporter: Client) -> None:
    export = asked(exporter, "id")
    exporter.post(f"{MINE}{export.pk}/cancel/")
    running.run_export(export.pk)
    assert again(export).state == "cancelled"
    assert present() == []
    # While it is written: the worker notices before it goes on.
    export = asked(exporter, "id")

    def cancelled_meanwhile(*args: Any, **options: Any) -> Iterator[bytes]:
        yield b"id\r\n"
        exporter.post(f"{MINE}{export.pk}/cancel/")
        yield b"cus_00000\r\n"

    with patch.object(running, "export_bytes", cancelled_meanwhile):
        running.run_export(export.pk)
    assert again(export).state == "cancelled"
    assert present() == []
    assert not ExportRecord.objects.exists()


@pytest.mark.parametrize(("number", "says"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "EXPORTS_DIR")])
def test_a_full_disk_is_said_in_a_sentence_and_leaves_no_file(exporter: Client, number: int, says: str) -> None:
    export = asked(exporter, "id")

    def failing(*args: Any, **options: Any) -> Iterator[bytes]:
        yield b"id\r\n"
        raise OSError(number, "no")

    with patch.object(running, "export_bytes", failing):
        running.run_export(export.pk)
    assert again(export).state == "failed"
    assert says in page(exporter, export).replace("&#x27;", "'")
    assert present() == []


def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(exporter: Client, settings: Settings) -> None:
    settings.EXPORTS_DIR = Path("/proc/nowhere")
    export = written(exporter, "id")
    assert export.state == "failed"
    assert "EXPORTS_DIR" in export.error


def test_a_killed_workers_run_begins_anew_and_its_half_file_is_never_offered(exporter: Client) -> None:
    export = asked(exporter, "id")
    claim = claiming.claim_run(export.pk)
    assert claim is not None
    files.conf.exports_dir.mkdir(parents=True, exist_ok=True)
    half = files.conf.exports_dir / f"{export.pk}.csv.{claim.id}{files.PART}"
    half.write_bytes(b"id\r\ncus_0")
    assert claiming.claim_run(export.pk) is None
    assert download(exporter, export).status_code == 302
    Export.objects.update(
        claimed_until=timezone.now() - timedelta(seconds=1), created_at=timezone.now() - timedelta(minutes=2)
    )
    assert running.due_runs() == [export.pk]
    running.run_export(export.pk)
    assert ids(download(exporter, export)) == [f"cus_{n:05}" for n in reversed(range(ROWS))]
    # The one that was only thought dead throws its work away.
    claim.beat()
    with pytest.raises(claiming.ClaimLost):
        claim.demand()
    with patch.object(tidy, "YOUNG", timedelta(0)):
        tidy.tidy()
    assert present() == [f"{export.pk}.csv"]


def test_of_many_workers_one_writes(exporter: Client) -> None:
    export = asked(exporter, "id")
    found = at_once(*[lambda: claiming.claim_run(export.pk)] * 4)
    (taken,) = (claim for claim in found if claim is not None)
    assert isinstance(taken, claiming.Claim)


def test_a_run_that_kills_its_worker_is_given_up(exporter: Client) -> None:
    export = asked(exporter, "id")
    for _ in range(claiming.MOST_ATTEMPTS):
        assert claiming.claim_run(export.pk)
        Export.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    running.run_export(export.pk)
    assert again(export).state == "failed"
    assert "several times" in again(export).error


# --- for a while --------------------------------------------------------------------------------------------------


def test_a_file_goes_when_its_time_is_over_and_is_not_offered_even_before(exporter: Client) -> None:
    export = written(exporter, "id")
    assert export.expires_at is not None
    assert export.finished_at is not None
    assert export.expires_at - export.finished_at == timedelta(days=7)
    Export.objects.update(expires_at=timezone.now())
    assert download(exporter, export).status_code == 302
    assert "the file was deleted" in page(exporter, export)
    tidy.tidy()
    assert (again(export).state, present()) == ("expired", [])


def test_a_file_that_somebody_deleted_on_the_server_is_said(exporter: Client) -> None:
    export = written(exporter, "id")
    files.remove(export.file_name)
    answer = exporter.get(f"{MINE}{export.pk}/download/", follow=True)
    assert "can&#x27;t be found" in answer.content.decode()
    assert not ExportRecord.objects.filter(action="downloaded").exists()


def test_old_runs_are_forgotten_and_the_log_is_not(exporter: Client) -> None:
    export = written(exporter, "id")
    Export.objects.update(state="expired", created_at=timezone.now() - tidy.LISTED - timedelta(days=1))
    tidy.tidy()
    assert not Export.objects.exists()
    assert ExportRecord.objects.get().export_id == export.pk


# --- saved and scheduled ------------------------------------------------------------------------------------------


def saving(name: str = "Germans", **fields: Any) -> dict[str, Any]:
    """What the page sends on Save."""
    form = {"name": name, "schedule": "none", "weekday": "0", "day": "1", "hour": "6", "time_zone": "Europe/Berlin"}
    return {f"saved-{key}": value for key, value in {**form, **fields}.items()}


def saved(client: Client, **fields: Any) -> SavedExport:
    """A saved export of the German customers."""
    form = {**chosen("id", "email"), **saving(**fields), "save": "1"}
    form.pop("export")
    answer = client.post(DIALOG + "?country=DE&o=created", form)
    found = SavedExport.objects.exclude(name="").latest("id")
    assert answer.url == f"{MINE}saved/{found.pk}/", answer.content.decode()
    return found


def due(one: SavedExport, *, days: int = 0) -> None:
    """Its time came so long ago."""
    SavedExport.objects.filter(pk=one.pk).update(next_run_at=timezone.now() - timedelta(days=days, seconds=1))


def test_a_saved_export_runs_again_with_its_filter_and_columns(exporter: Client) -> None:
    one = saved(exporter)
    assert one.next_run_at is None
    answer = exporter.post(f"{MINE}saved/{one.pk}/run/")
    export = Export.objects.get()
    assert answer.url == f"{MINE}{export.pk}/"
    running.run_export(export.pk)
    found = table_of(text_of(download(exporter, export)))
    assert list(found[0]) == ["id", "email"]
    assert [row["id"] for row in found] == [f"cus_{n:05}" for n in range(ROWS)]
    shown = exporter.get(f"{MINE}saved/{one.pk}/").content.decode()
    assert "saved_export=" in shown
    assert "Germans" in exporter.get(MINE).content.decode()


def test_a_saved_export_is_renamed_scheduled_and_deleted_by_its_owner_alone(exporter: Client) -> None:
    one, url = saved(exporter), f"{MINE}saved/"
    others = [browser(User.objects.create_superuser("boss")), browser(person("other"))]
    for client in others:
        for what in ("", "run/", "delete/"):
            assert client.post(f"{url}{one.pk}/{what}", saving()).status_code == 404
    exporter.post(f"{url}{one.pk}/", saving("Berlin", schedule="weekly", weekday="4", hour="7"))
    one.refresh_from_db()
    assert (one.name, one.schedule, one.weekday) == ("Berlin", "weekly", 4)
    assert one.next_run_at is not None
    assert "Every Friday at 07:00, Europe/Berlin" in exporter.get(f"{url}{one.pk}/").content.decode()
    exporter.post(f"{url}{one.pk}/delete/")
    assert not SavedExport.objects.exclude(name="").exists()


def test_two_saved_exports_of_one_list_have_different_names(exporter: Client) -> None:
    saved(exporter)
    answer = exporter.post(DIALOG, {**chosen("id"), **saving(), "save": "1", "export": ""})
    assert "of this name already" in answer.content.decode()


def test_scheduling_needs_its_permission(user: User, exporter: Client) -> None:
    without(user, "schedule_export")
    assert saved(exporter, schedule="daily").schedule == "none"


def test_a_schedule_runs_once_however_many_workers_look_and_once_for_all_that_was_missed(exporter: Client) -> None:
    one = saved(exporter, schedule="daily")
    due(one, days=20)
    assert sum(at_once(*[scheduling.run_due] * 4)) == 1
    export = Export.objects.get()
    assert export.scheduled
    one.refresh_from_db()
    assert one.next_run_at is not None
    assert timezone.now() < one.next_run_at < timezone.now() + timedelta(days=1, hours=1)
    assert scheduling.run_due() == 0
    running.run_export(export.pk)
    assert ExportRecord.objects.get().action == "scheduled"
    assert again(export).state == "ready"


@pytest.mark.parametrize("lost", ["schedule_export", "export_customer", "account"])
def test_a_schedule_whose_owner_may_not_pauses_and_says_why(user: User, exporter: Client, lost: str) -> None:
    one = saved(exporter, schedule="daily")
    due(one)
    if lost == "account":
        User.objects.update(is_active=False)
    else:
        without(user, lost)
    assert scheduling.run_due() == 0
    one.refresh_from_db()
    assert one.next_run_at is None
    assert one.paused_reason
    assert not Export.objects.exists()
    if lost == "schedule_export":
        assert "Paused" in exporter.get(MINE).content.decode()
        assert "Paused exports" in exporter.get("/admin/").content.decode()


def test_a_scheduled_export_that_failed_stands_on_home_until_the_next_succeeds(exporter: Client) -> None:
    one = saved(exporter, schedule="daily")
    Export.objects.all().delete()
    failed = running.run_again(one, scheduled=True)
    Export.objects.filter(pk=failed.pk).update(state="failed", error="no")
    assert "Scheduled exports that failed" in exporter.get("/admin/").content.decode()
    good = running.run_again(one, scheduled=True)
    running.run_export(good.pk)
    assert "Scheduled exports that failed" not in exporter.get("/admin/").content.decode()


def test_the_periodic_task_runs_what_is_due_and_finds_what_was_forgotten(user: User, exporter: Client) -> None:
    due(saved(exporter, schedule="monthly", day="31"))
    lost = running.ask_for(user, Selection(model_name="customer"), ExportOptions(columns=("id",)))
    Export.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    from django_tasks_db.models import DBTaskResult

    DBTaskResult.objects.all().delete()
    call_command("db_worker", batch=True, startup_delay=False, verbosity=0)
    assert Export.objects.filter(state="ready", scheduled=True).count() == 1
    assert again(lost).state == "ready"


@pytest.mark.long
def test_a_worker_killed_while_it_writes_leaves_nothing_and_another_finishes(
    exporter: Client, settings: Settings, tmp_path: Path
) -> None:
    """A real process, killed as hard as can be."""
    import sys
    import time

    from tests.bench.processes import ROOT, environment
    from tests.inbox.test_many_processes import database_url

    export = asked(exporter, "id")
    connections.close_all()
    code = (
        "import django, time; django.setup()\n"
        "from uuid import UUID\n"
        "from stripe_mirror.admin.exports import running\n"
        "def slow(*args, **options):\n"
        "    yield b'id\\r\\n'\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(600)\n"
        "running.export_bytes = slow\n"
        f"running.run_export(UUID('{export.pk}'))\n"
    )
    env = environment(database_url()) | {"EXPORTS_DIR": str(settings.EXPORTS_DIR)}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=env, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    assert again(export).state == "running"
    process.kill()
    process.wait()
    time.sleep(0.1)
    assert running.run_export(export.pk) is None
    assert again(export).state == "running"
    Export.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    running.run_export(export.pk)
    assert again(export).state == "ready"
    assert len(ids(download(exporter, export))) == ROWS


def test_the_tasks_that_do_it_run_for_ever() -> None:
    names = {task.module_path.rsplit(".", 1)[-1] for task, _period in tasks.PERIODIC}
    assert {"sweep_exports", "tidy_exports"} <= names
