"""Everything about one customer: what is in the zip, what is left out, and who may have it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from stripe_mirror.admin.exports.customer_zip import belonging
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Change, Customer, ExportRecord, Note, Push
from tests.admin import rows
from tests.admin.exporting import browser, person

pytestmark = pytest.mark.django_db

URL = "/admin/stripe_mirror/customer/cus_Ada/everything/"
EVERY = [f"{what}_{kind.model_name}" for kind in all_kinds() for what in ("view", "export")]


def downloaded(client: Client) -> dict[str, str]:
    """The zip's files."""
    answer = client.post(URL)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    return {name: archive.read(name).decode() for name in archive.namelist()}


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def made() -> dict[str, Any]:
    """One of each kind, and what staff wrote and did."""
    found = rows.one_of_each()
    now = timezone.now()
    Note.objects.create(
        object_type="customer",
        object_id="cus_Ada",
        customer_id="cus_Ada",
        author_name="Bea",
        text="=called",
        created_at=now,
    )
    Change.objects.create(
        object_type="customer",
        object_id="cus_Ada",
        action="updated",
        fields={"email": ["old@example.com", "new@example.com"], "client_secret": ["x", "open_sesame"]},
        version=2,
        happened_at=now,
        recorded_at=now,
        source="api",
    )
    Push.objects.create(
        operation="edit_customer",
        object_type="customer",
        object_id="cus_Ada",
        state="done",
        created_at=now - timedelta(1),
    )
    return found


@pytest.fixture
def officer() -> Client:
    """May export everything, in the clear."""
    return browser(person("officer", *EVERY, "view_pii", "view_note", "view_change", "view_push", "export_push"))


def test_every_kind_that_belongs_to_a_customer_is_known() -> None:
    known = {one.model.kind.object for one in belonging()}
    assert {"invoice", "subscription", "charge", "payment_method", "tax_id", "checkout.session"} <= known
    # By what they belong to in turn.
    assert {"refund", "dispute", "line_item", "subscription_item", "credit_note_line_item"} <= known
    assert not {"product", "price", "coupon", "tax_rate", "payout"} & known


def test_all_of_the_customers_rows_and_nobody_elses_are_in_the_zip(made: dict[str, Any], officer: Client) -> None:
    rows.customer("cus_Eve")
    rows.invoice("in_Eve", customer="cus_Eve")
    files = downloaded(officer)
    assert [row["id"] for row in table(files["customers.csv"])] == ["cus_Ada"]
    assert [row["id"] for row in table(files["invoices.csv"])] == ["in_Tea"]
    assert [row["id"] for row in table(files["subscriptionitems.csv"])] == [made["subscription_item"].pk]
    assert [row["id"] for row in table(files["refunds.csv"])] == [made["refund"].pk]
    assert table(files["notes.csv"])[0]["text"] == "'=called"
    assert json.loads(table(files["changes.csv"])[0]["fields"])["email"] == ["old@example.com", "new@example.com"]
    assert len(table(files["pushes.csv"])) == 1
    assert "cus_Eve" not in "".join(files.values())
    assert "open_sesame" not in "".join(files.values())
    assert "invoices.csv: Invoices, 1" in files["README.txt"]


def test_the_page_says_beforehand_what_is_in_it(made: dict[str, Any], officer: Client) -> None:
    page = officer.get(URL).content.decode()
    for title in ("Customers", "Invoices", "Notes of staff", "Changes", "What staff did"):
        assert f"<dt>{title}</dt>" in page
    assert "Left out" not in page
    assert not ExportRecord.objects.exists()
    assert f'href="{URL}"' in officer.get("/admin/stripe_mirror/customer/cus_Ada/change/").content.decode()


def test_what_a_person_may_not_export_is_left_out_and_named(made: dict[str, Any]) -> None:
    narrow = browser(person("narrow", "view_customer", "export_customer", "view_invoice", "view_pii"))
    files = downloaded(narrow)
    assert set(files) == {"README.txt", "customers.csv"}
    assert "Invoices (1): You may not export these." in files["README.txt"]
    assert "Notes of staff (1): You may not see these." in files["README.txt"]
    assert "Left out" in narrow.get(URL).content.decode()


def test_without_view_pii_personal_data_is_masked_and_free_text_left_out(made: dict[str, Any]) -> None:
    masked = browser(person("masked", *EVERY, "view_note", "view_change"))
    files = downloaded(masked)
    assert "notes.csv" not in files
    assert "changes.csv" not in files
    everything = "".join(files.values())
    assert "view_pii" in files["README.txt"]
    email = Customer.objects.get(pk="cus_Ada").data["email"]
    assert email not in everything
    assert "example.com" not in everything
    assert not ExportRecord.objects.get().personal


def test_it_is_for_who_may_export_customers_and_in_the_log(made: dict[str, Any], officer: Client) -> None:
    viewer = browser(person("viewer", "view_customer"))
    assert (viewer.get(URL).status_code, viewer.post(URL).status_code) == (403, 403)
    assert "everything/" not in viewer.get("/admin/stripe_mirror/customer/cus_Ada/change/").content.decode()
    downloaded(officer)
    record = ExportRecord.objects.get()
    assert (record.action, record.ids, record.file_format, record.personal) == ("customer", ["cus_Ada"], "zip", True)
    assert record.rows > 10
    assert officer.get(URL.replace("cus_Ada", "cus_Nobody")).status_code == 302
