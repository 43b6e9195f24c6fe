"""The pages of an import: a file, its columns, what differs, and the job; nothing is written before that."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from stripe_mirror import tasks
from stripe_mirror.models import Import, ImportPart, ImportRow, Job, Push
from stripe_mirror.push.jobs import run_job
from tests.push.conftest import sent
from tests.push.importing import left_behind, written
from tests.sandbox.testing import RunningSandbox

LIST = "/admin/stripe_mirror/customer/?q="
NEW = "/admin/imports/new/customer/"


@pytest.fixture
def importer(staff: Callable[..., User]) -> User:
    """May edit and create customers by a file."""
    return staff("importer", "edit_customer", "create_customer", "run_job", "view_customer", "view_job")


@pytest.fixture
def browser(importer: User) -> Client:
    """Their browser."""
    client = Client()
    client.force_login(importer)
    return client


def upload(browser: Client, content: bytes, *, operation: str = "edit_customer", name: str = "edits.csv") -> Any:
    """Post a file."""
    file = SimpleUploadedFile(name, content)
    return browser.post(NEW, {"operation": operation, "file": file, "text": ""})


def compared(browser: Client, content: bytes, **options: Any) -> Import:
    """Post a file, and its columns as they are guessed."""
    answer = upload(browser, content, **options)
    assert answer.status_code == 302, answer.content.decode()
    page = browser.get(answer["Location"])
    chosen = dict(re.findall(r'name="(column-\d+)">.*?<option value="([^"]*)" selected', page.content.decode(), re.S))
    answer = browser.post(answer["Location"], chosen)
    assert answer.status_code == 302, answer.content.decode()
    found = Import.objects.latest("created_at")
    assert answer["Location"] == reverse("import-review", args=(found.pk,))
    return found


def page_of(found: Import) -> str:
    """Its page."""
    return reverse("import-review", args=(found.pk,))


def test_from_a_file_to_its_job(browser: Client, customer: Any, stripe: RunningSandbox) -> None:
    row = (customer.pk, "Jane <b>Roe</b>", "", "silver", customer.version, "x")
    content = written(("id", "name", "phone", "metadata.plan", "version", "balance"), [row])
    found = compared(browser, content)
    assert Push.objects.count() == Job.objects.count() == 0
    assert stripe.requests() == []
    page = browser.get(page_of(found)).content.decode()
    assert "Jane &lt;b&gt;Roe&lt;/b&gt;" in page
    for text in ("Jane Doe", "+353 1", "cleared", "Metadata “plan”", "gold", "silver", "Edit customer (1)"):
        assert text in page, text
    assert "Write the reason" in browser.post(page_of(found), {"round": found.round, "reason": " "}).content.decode()
    assert Job.objects.count() == 0
    for _twice in range(2):
        answer = browser.post(page_of(found), {"round": found.round, "reason": "asked by mail"}, follow=True)
        assert answer.redirect_chain[-1][0] == f"/admin/stripe_mirror/job/{found.pk}/change/"
    run_job(Job.objects.get().pk)
    ((_method, _path, params),) = sent(stripe)
    assert params == {"name": "Jane <b>Roe</b>", "phone": "", "metadata": {"plan": "silver"}}


def test_columns_that_nothing_can_push_say_why(browser: Client, customer: Any) -> None:
    answer = upload(browser, written(("id", "name", "balance"), [(customer.pk, "New", "5")]))
    page = browser.get(answer["Location"]).content.decode()
    assert "“Edit customer” can&#x27;t change this." in page
    wrong = browser.post(answer["Location"], {"column-0": "", "column-1": "name"}).content.decode()
    assert "No column says which customer a row is about" in wrong
    twice = browser.post(answer["Location"], {"column-0": "=key", "column-1": "name", "column-2": "name"})
    assert "Two columns are matched with “Name”" in twice.content.decode()
    nothing = browser.post(answer["Location"], {"column-0": "=key", "column-1": "no such field"}).content.decode()
    assert "No column of this file is one that “Edit customer” can change." in nothing
    assert ImportRow.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"id,name\n", "The file has no rows below its headers."),
        (b"id,name\n1,2,3\n", "Row 2 has 3 cells, but the header has 2. Nothing was read."),
        (b"PK\x03\x04nothing", "This XLSX file is damaged. Save it anew."),
        (b"id" + b",c" * 999_999 + b"\n1\n", "The file has more than 500 columns."),
        (b"\x00\x01\x02\xff" * 500, "This is no text."),
    ],
    ids=["empty", "no rows", "ragged", "damaged", "a million columns", "binary"],
)
def test_a_malformed_file_gets_a_sentence_and_leaves_nothing_behind(
    browser: Client, content: bytes, sentence: str
) -> None:
    answer = upload(browser, content)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert left_behind() == 0


def test_a_file_or_pasted_rows_one_of_both(browser: Client, customer: Any) -> None:
    neither = browser.post(NEW, {"operation": "edit_customer", "text": " "}).content.decode()
    assert "Choose a file or paste rows" in neither
    pasted = browser.post(NEW, {"operation": "edit_customer", "text": f"id\tname\r\n{customer.pk}\tNew\r\n"})
    assert pasted.status_code == 302
    assert Import.objects.get().headers == ["id", "name"]
    both = {"operation": "edit_customer", "file": SimpleUploadedFile("a.csv", b"id,name\n1,2\n"), "text": "id\n1"}
    assert "Choose a file or paste rows" in browser.post(NEW, both).content.decode()
    assert Import.objects.count() == 1


def test_rows_with_errors_are_mended_and_brought_again(browser: Client, customer: Any) -> None:
    rows = [(customer.pk, "=New", "1" * 30), ("cus_none", "A", "1")]
    found = compared(browser, written(("id", "name", "phone"), rows))
    page = browser.get(page_of(found)).content.decode()
    assert "There is no customer with this ID here." in page
    assert "1" * 30 in page
    answer = browser.get(reverse("import-errors", args=(found.pk,)))
    lines = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert lines[0] == ["id", "name", "phone", "import_error"]
    assert lines[1][:3] == [customer.pk, "'=New", "1" * 30]
    assert lines[1][3].startswith("phone: ")
    assert lines[2][3] == "id: There is no customer with this ID here."
    mended = compared(browser, written(lines[0], [[*lines[1][:2], "5", lines[1][3]]]))
    assert (mended.changed, mended.wrong) == (1, 0)
    assert mended.rows.get().form == {"name": "=New", "phone": "5"}


def test_only_what_was_shown_is_confirmed(browser: Client, customer: Any) -> None:
    found = compared(browser, written(("id", "name"), [(customer.pk, "New")]))
    shown = found.round
    browser.post(reverse("import-again", args=(found.pk,)))
    answer = browser.post(page_of(found), {"round": shown, "reason": "x"})
    assert "the file was compared again since" in answer.content.decode()
    assert Job.objects.count() == 0


def test_what_changed_in_stripe_meanwhile_is_marked_and_compared_again(
    browser: Client, customer: Any, stripe: RunningSandbox, mirrored: Any
) -> None:
    found = compared(browser, written(("id", "name"), [(customer.pk, "New")]))
    stripe.post(f"/v1/customers/{customer.pk}", name="New")
    mirrored({"object": "customer", "id": customer.pk})
    page = browser.get(page_of(found)).content.decode()
    assert "Changed in Stripe meanwhile" in page
    assert "Edit customer (" not in page
    browser.post(reverse("import-again", args=(found.pk,)))
    assert "Nothing in this file differs from what Stripe has." in browser.get(page_of(found)).content.decode()


def test_many_rows_are_the_workers_and_the_page_follows(browser: Client, customer: Any) -> None:
    rows = [(f"cus_{n}", "A") for n in range(2_000)] + [(customer.pk, "New")]
    found = compared(browser, written(("id", "name"), rows))
    waiting = browser.get(page_of(found))
    assert waiting["Refresh"] == "2"
    assert "Being compared with Stripe" in waiting.content.decode()
    tasks.compare_import.call(str(found.pk))
    page = browser.get(page_of(found))
    assert "Refresh" not in page
    found.refresh_from_db()
    assert (found.changed, found.wrong) == (1, 2_000)
    assert "Page 1 of 80" in browser.get(f"{page_of(found)}?show=wrong").content.decode()
    last = browser.get(f"{page_of(found)}?show=wrong&page=999").content.decode()
    assert "Page 80 of 80" in last
    assert "cus_1999" in last


def test_it_is_private_to_who_brought_it(browser: Client, customer: Any, staff: Callable[..., User]) -> None:
    found = compared(browser, written(("id", "name"), [(customer.pk, "New")]))
    other = Client()
    other.force_login(staff("other", "edit_customer", "create_customer", "run_job", "view_customer"))
    for page in ("review", "columns", "errors"):
        assert other.get(reverse(f"import-{page}", args=(found.pk,))).status_code == 404
    for page in ("review", "again", "discard"):
        assert other.post(reverse(f"import-{page}", args=(found.pk,)), {"reason": "x"}).status_code == 404
    assert Import.objects.filter(pk=found.pk).exists()


def test_who_has_lost_the_permission_sees_it_no_more(browser: Client, customer: Any, importer: User) -> None:
    found = compared(browser, written(("id", "name"), [(customer.pk, "New")]))
    importer.user_permissions.clear()
    assert browser.get(page_of(found)).status_code == 403
    assert browser.post(page_of(found), {"round": found.round, "reason": "x"}).status_code == 403
    assert Job.objects.count() == 0


@pytest.mark.parametrize("missing", ["run_job", "view_customer", "edit_customer"])
def test_s58_without_a_permission_there_is_no_button_and_the_page_is_refused(
    staff: Callable[..., User], customer: Any, missing: str
) -> None:
    client = Client()
    client.force_login(staff("half", *({"run_job", "view_customer", "edit_customer"} - {missing})))
    assert client.get(NEW).status_code == 403
    assert upload(client, b"id,name\n1,2\n").status_code == 403
    listed = client.get(LIST)
    assert "Import CSV" not in listed.content.decode()
    assert Import.objects.count() == 0


def test_only_what_a_person_may_do_is_offered(staff: Callable[..., User], browser: Client) -> None:
    client = Client()
    client.force_login(staff("maker", "create_customer", "run_job", "view_customer"))
    page = client.get(NEW).content.decode()
    assert "Create customer" in page
    assert "Edit customer" not in page
    assert upload(client, b"id,name\n1,2\n").status_code == 200
    assert Import.objects.count() == 0
    assert "Import CSV" in browser.get(LIST).content.decode()
    assert browser.get("/admin/stripe_mirror/customer/import/")["Location"] == NEW
    assert browser.get("/admin/imports/new/charge/").status_code == 403
    assert browser.get("/admin/imports/new/nothing/").status_code == 404


def test_a_discarded_file_leaves_nothing_behind(browser: Client, customer: Any) -> None:
    found = compared(browser, written(("id", "name"), [(customer.pk, "New")]))
    assert browser.post(reverse("import-discard", args=(found.pk,))).status_code == 302
    assert left_behind() == 0
    assert not ImportPart.objects.exists()
    assert browser.get(page_of(found)).status_code == 404


def test_its_errors_are_said_in_the_language_of_who_brought_it(browser: Client, customer: Any) -> None:
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    found = compared(browser, written(("id", "name"), [("cus_none", "A")]))
    assert found.rows.get().errors == [["id", "Hier gibt es kein Objekt (Kunde) mit dieser ID."]]
    assert "Was nicht stimmt" in browser.get(page_of(found)).content.decode()


def test_a_failed_import_says_why_and_offers_another_file(browser: Client, customer: Any) -> None:
    found = compared(browser, written(("id", "name"), [(customer.pk, "A"), (customer.pk, "B")]))
    page = browser.get(page_of(found)).content.decode()
    assert f"The ID {customer.pk} stands in rows 2 and 3" in page
    assert NEW in page
    assert Job.objects.count() == 0
