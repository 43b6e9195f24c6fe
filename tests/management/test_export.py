"""`stripe_export` as a script meets it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command

from stripe_mirror.management.exporting import write_out
from tests.admin import rows

pytestmark = pytest.mark.django_db


class Output(io.TextIOWrapper):
    """A standard output that keeps its bytes."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")

    def isatty(self) -> bool:
        return False


def run(*arguments: str) -> str:
    output = Output()
    call_command("stripe_export", *arguments, stdout=output)
    value: bytes = output.buffer.getvalue()  # type: ignore[attr-defined]
    return value.decode()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as failure:
        run(*arguments)
    return str(failure.value)


def test_it_writes_the_rows_of_the_filtered_list() -> None:
    rows.customer()
    rows.invoice("in_1", status="open", total=100)
    rows.invoice("in_2", status="paid", total=200)
    rows.invoice("in_3", status="paid", total=300, currency="eur")
    columns = ("--columns", "id, total,customer.email")
    found = run("invoice", "--filter", "status=paid", "--filter", "currency=usd", *columns)
    assert found == "id,total,customer.email\r\nin_2,2.00,ada@example.com\r\n"
    found = run("invoice", *columns, "--filter", "status=open", "--minor-units", "--separator", "semicolon", "--bom")
    assert found == "\ufeffid;total (minor units);customer.email\r\nin_1;100;ada@example.com\r\n"


def test_search_ordering_and_a_file_of_ids(tmp_path: Path) -> None:
    for number in range(3):
        rows.customer(f"cus_{number}", name=f"Name {number}", created=rows.SECOND + number)
    assert run("customer", "--columns", "id", "--search", "Name 1") == "id\r\ncus_1\r\n"
    (tmp_path / "ids").write_text("cus_2\ncus_0\n\ncus_0\n")
    found = run("customer", "--columns", "id", "--ids-from", str(tmp_path / "ids"), "--ordering", "created")
    assert found == "id\r\ncus_0\r\ncus_2\r\n"


def test_metadata_as_columns_of_their_own() -> None:
    rows.customer(metadata={"plan": "pro", "zone": "7"})
    (found,) = map(json.loads, run("customer", "--columns", "id", "--metadata", "--format", "jsonl").splitlines())
    assert found == {"id": "cus_Ada", "metadata.plan": "pro", "metadata.zone": "7"}


def test_as_a_person_it_exports_what_they_may() -> None:
    rows.customer()
    user = User.objects.create_user("exporter", is_staff=True)
    assert "may not export" in refused("customer", "--user", "exporter")
    user.user_permissions.add(*Permission.objects.filter(codename__in=("view_customer", "export_customer")))
    assert "ada@example.com" not in run("customer", "--user", "exporter")
    user.user_permissions.add(*Permission.objects.filter(codename__in=("view_invoice", "export_invoice")))
    run("invoice", "--user", "exporter", "--columns", "id,customer.country")
    assert "subscription.status" in refused("invoice", "--user", "exporter", "--columns", "id,subscription.status")
    assert "ada@example.com" in run("customer")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("wobble",), "There are: balance_transaction, charge"),
        (("invoice", "--filter", "wobble=1"), "amount_currency, amount_max"),
        (("invoice", "--filter", "wobble"), "NAME=VALUE"),
        (("invoice", "--columns", "id,wobble"), "There is no column “wobble”. There are: id, created"),
        (("invoice", "--timezone", "Mars/Base"), "Europe/Berlin"),
        (("invoice", "--user", "nobody"), "no active user"),
        (("invoice", "--ids-from", "/nowhere"), "can't be read"),
        (("invoice", "--ordering", "wobble"), "wobble"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(*arguments)


def test_whoever_reads_may_go_away_early() -> None:
    """As `| head` does: the rest of the rows isn't read, and nobody complains."""
    script = (
        "from stripe_mirror.management.exporting import write_out\n"
        "import sys\n"
        "write_out((b'x' * 65536 for _ in range(10_000)), sys.stdout.buffer, lambda count: None)\n"
        "print('gone', file=sys.stderr)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10) == b"x" * 10
        process.stdout.close()
        assert process.stderr.read() == b"gone\n"
        assert process.wait(30) == 0


def test_it_says_how_far_it_is() -> None:
    seen: list[int] = []
    target: Any = io.BytesIO()
    assert write_out(iter([b"ab", b"c"]), target, seen.append) == 3
    assert seen == [2, 3]
