"""`stripe_import` as an operator meets it: the same rules as the pages, sentences instead of tracebacks."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command

from stripe_mirror.models import Import, ImportPart, ImportRow, Job, Push
from tests.admin import rows
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, **options: Any) -> tuple[str, str]:
    """What it writes on standard output and on standard error."""
    out, err = StringIO(), StringIO()
    call_command("stripe_import", *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def refused(*arguments: str) -> CommandError:
    """Why it ends."""
    with pytest.raises(CommandError) as ended:
        run(*arguments)
    return ended.value


@pytest.fixture
def operator() -> User:
    """May edit customers by a file."""
    user = User.objects.create_user("operator", is_staff=True)
    names = ("edit_customer", "run_job", "view_customer")
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return user


@pytest.fixture
def ada(sandbox: RunningSandbox) -> Any:
    """A customer, in Stripe and here."""
    made = sandbox.post("/v1/customers", name="Ada", email="ada@example.com")
    return rows.store(made)


def file(folder: Path, *lines: str) -> str:
    """A CSV of these lines."""
    path = folder / "edits.csv"
    path.write_text("\n".join(lines))
    return str(path)


def nothing_stored() -> bool:
    """Neither an import nor anything of a job."""
    return not any(model.objects.exists() for model in (Import, ImportPart, ImportRow, Job, Push))  # type: ignore[attr-defined]


def test_a_dry_run_says_what_differs_and_stores_nothing(ada: Any, tmp_path: Path, sandbox: RunningSandbox) -> None:
    sandbox.clear_requests()
    path = file(tmp_path, "id;name;email;balance", f"{ada.pk};Ada L.;ada@example.com;5")
    out, err = run(path, "--kind", "customer", "--dry-run")
    assert f"row 2 {ada.pk}: name: 'Ada' → 'Ada L.'" in out
    assert "1 rows differ, 0 don't, 0 have errors." in out
    assert "balance: ignored. “Edit customer” can't change this." in err
    assert nothing_stored()
    assert sandbox.requests() == []


def test_errors_stand_on_standard_error_and_in_the_exit_code(ada: Any, tmp_path: Path) -> None:
    path = file(tmp_path, "id,phone", f"{ada.pk},{'1' * 30}", "cus_none,1")
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as ended:
        call_command("stripe_import", path, "--kind=customer", "--dry-run", stdout=out, stderr=err)
    assert ended.value.returncode == 2
    assert "row 2, phone: " in err.getvalue()
    assert "row 3, id: There is no customer with this ID here." in err.getvalue()
    assert nothing_stored()


def test_what_differs_is_pushed_as_a_job_of_that_person(
    ada: Any, operator: User, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    path = file(tmp_path, "id,name,email", f"{ada.pk},Ada L.,ada@example.com")
    out, _err = run(path, "--kind=customer", "--user=operator", "--reason=asked by mail", "--yes")
    assert "1 done, 0 refused, 0 left out." in out
    job = Job.objects.get()
    assert (job.user, job.reason, job.state) == (operator, "asked by mail", "finished")
    assert sandbox.objects("customer")[0]["name"] == "Ada L."
    assert not Import.objects.exists()
    again, _err = run(path, "--kind=customer", "--user=operator", "--reason=x", "--yes")
    assert "Nothing to do." in again
    assert Job.objects.count() == 1


def test_a_refused_row_is_said_and_ends_with_an_error(
    ada: Any, operator: User, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    path = file(tmp_path, "id,email", f"{ada.pk},ada@mail..example")
    err = StringIO()
    with pytest.raises(CommandError, match="Not every row was done") as ended:
        arguments = (path, "--kind=customer", "--user=operator", "--reason=x", "--yes")
        call_command("stripe_import", *arguments, stdout=StringIO(), stderr=err)
    assert ended.value.returncode == 2
    assert f"1 {ada.pk}: Refused." in err.getvalue()


def test_it_asks_before_it_starts(ada: Any, operator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, "id,name", f"{ada.pk},New")
    monkeypatch.setattr("sys.stdin", StringIO("no\n"))
    assert str(refused(path, "--kind=customer", "--user=operator", "--reason=x")) == "Nothing was started."
    assert nothing_stored()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--kind=customer", "--reason=x"), "Say who does it"),
        (("--kind=customer", "--user=nobody", "--reason=x"), "Say who does it"),
        (("--kind=customer", "--user=operator"), "Say why"),
        (("--user=operator", "--reason=x"), "Say what the file is about: --kind with one of coupon, customer"),
        (("--kind=charge", "--dry-run"), "Say what the file is about"),
        (("--operation=create_customer", "--user=operator", "--reason=x"), "operator may not import"),
        (("--operation=create_price", "--dry-run"), "No column says which product a row is about"),
    ],
)
def test_what_is_missing_is_said(operator: User, tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert str(refused(file(tmp_path, "id,name", "cus_1,a"), *arguments)).startswith(sentence)
    assert nothing_stored()


def test_a_file_that_cannot_be_read_gets_a_sentence(operator: User, tmp_path: Path) -> None:
    empty = file(tmp_path)
    assert str(refused(empty, "--kind=customer", "--dry-run")) == "The file is empty."
    assert str(refused(str(tmp_path / "none.csv"), "--kind=customer", "--dry-run")).endswith(
        "No such file or directory."
    )
    ragged = file(tmp_path, "id,name", "1,2,3")
    for how in (("--dry-run",), ("--user=operator", "--reason=x", "--yes")):
        assert "Row 2 has 3 cells" in str(refused(ragged, "--kind=customer", *how))
    twice = file(tmp_path, "id,name", "cus_1,a", "cus_1,b")
    for how in (("--dry-run",), ("--user=operator", "--reason=x", "--yes")):
        assert "stands in rows 2 and 3" in str(refused(twice, "--kind=customer", *how))
    assert nothing_stored()
