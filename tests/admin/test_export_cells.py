"""What stands in the cells of a CSV: numbers as numbers, moments with their offset, text that can't calculate."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test.utils import isolate_apps
from hypothesis import example, given
from hypothesis import strategies as st
from import_export import fields

from stripe_mirror.admin.exports.cells import TextCell
from stripe_mirror.admin.exports.guard import plain_cell, safe_cell, typed_cell
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.resources import StripeResource, is_amount, is_bearer, resource_for, resource_of
from stripe_mirror.admin.exports.streaming import csv_bytes
from stripe_mirror.admin.exports.writing import export_bytes
from stripe_mirror.kinds import all_kinds, kind_of
from stripe_mirror.models import Coupon, Customer, Invoice, StripeObject
from stripe_mirror.models.fields import FromJson, JsonIntegerField, JsonTextField
from tests.admin import rows


def exported(model: type[StripeObject], options: ExportOptions | None = None) -> list[dict[str, str]]:
    pieces = export_bytes(model.objects.all(), options or ExportOptions(), sees_personal=True)
    return list(csv.DictReader(io.StringIO(b"".join(pieces).decode(), newline="")))


def cell(model: type[StripeObject], column: str) -> str:
    return exported(model)[0][column]


# --- formulas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+49 30 1234", "-2+3", "@SUM(A1)", "\tb", "\rb", " =1", "  +1", '"=1"', "'=1", "' \"@x"),
        *("＝1", "＋1", "－1", "＠x", "\u00a0=1", "\ufeff=1", "\u200b=1", "\tplain", "-", "=cmd|'/C calc'!A0"),
    ],
)
def test_s56_text_that_would_calculate_opens_as_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Ada", "a=b", "1-2", "ada@example.com", "", "{}", "(=1)", "Zoë", "O'Neil", '"Al"'])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


HOSTILE = st.text() | st.text(alphabet="=+-@'\"\t\r\n ,;|a1\u200b\ufeff\u202e\u2212＝＋－＠\0")


@given(HOSTILE)
def test_every_text_can_be_read_back_exactly(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text
    assert plain_cell(typed_cell(text)) == text


@example("-0")
@given(HOSTILE)
def test_no_text_is_a_formula_whatever_separates_the_columns(text: str) -> None:
    for part in re.split(r"[,;|\t\r\n]", safe_cell(text)):
        if re.fullmatch(r"-[0-9]+(\.[0-9]+)?", part):
            # A number calculates nothing.
            continue
        seen = part.lstrip('\0 "\u200b\ufeff\u202e')
        assert seen[:1] not in ("=", "+", "-", "@", "−", "＝", "＋", "－", "＠")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        *(("a;=1", "a;'=1"), ("a, -2", "a,' -2"), ('x\n"@y', "x\n'\"@y"), ("a\t+1", "a\t'+1"), ("\t=1", "'\t'=1")),
        *(("'=1", "''=1"), ("'Ada", "'Ada"), ("a;'b", "a;'b")),
    ],
)
def test_s56_a_formula_behind_a_separator_or_a_quote_is_text_as_well(text: str, safe: str) -> None:
    assert safe_cell(text) == safe
    assert plain_cell(safe) == text


@pytest.mark.django_db
def test_s56_names_and_phones_are_text_and_negative_amounts_numbers() -> None:
    rows.customer(name="=HYPERLINK(1)", phone="+49 30 1234", balance=-500, description="-20% off")
    row = exported(Customer)[0]
    assert (row["name"], row["phone"], row["description"]) == ("'=HYPERLINK(1)", "'+49 30 1234", "'-20% off")
    assert row["balance"] == "-5.00"


def test_half_a_character_does_not_stop_the_download() -> None:
    assert b"".join(csv_bytes(["name"], [["a\ud800b"]])) == "name\r\na\ufffdb\r\n".encode()


def test_nul_is_replaced_as_in_the_mirror() -> None:
    assert b"".join(csv_bytes(["name"], [["\0=1"]])) == "name\r\n\ufffd=1\r\n".encode()


# --- values -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("currency", "minor", "major"),
    [
        *(("usd", 5000, "50.00"), ("usd", -1, "-0.01"), ("jpy", 500, "500"), ("kwd", 5000, "5.000")),
        *(("ugx", 500, "5"), ("isk", 500, "5"), ("usd", 0, "0.00"), ("eur", 123456789012, "1234567890.12")),
    ],
)
def test_s51_amounts_are_in_major_units_of_the_rows_currency(currency: str, minor: int, major: str) -> None:
    rows.invoice(currency=currency, total=minor)
    row = exported(Invoice)[0]
    assert (row["currency"], row["total"]) == (currency, major)


@pytest.mark.django_db
def test_an_amount_without_currency_is_never_guessed() -> None:
    rows.customer(id="cus_1", currency=None, balance=0, created=2)
    rows.customer(id="cus_2", currency=None, balance=700, created=1)
    assert [row["balance"] for row in exported(Customer)] == ["0", "700 (minor units of no currency)"]


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.object)
def test_an_amount_stands_after_its_currency(kind: Any) -> None:
    header = resource_of(kind.model)().header()
    amounts = [f.name for f in kind.model._meta.concrete_fields if isinstance(f, JsonIntegerField) and is_amount(f)]
    first = min((header.index(name) for name in amounts), default=None)
    assert first is None or first >= header.index("currency") - 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "reads"),
    [
        ("Pacific/Auckland", "2026-02-01T12:30:00+13:00"),
        ("America/Los_Angeles", "2026-01-31T15:30:00-08:00"),
        ("UTC", "2026-01-31T23:30:00+00:00"),
    ],
)
def test_s54_moments_carry_the_offset_of_the_office(zone: str, reads: str, settings: Any) -> None:
    settings.TIME_ZONE = zone
    rows.invoice(period_end=int(datetime(2026, 1, 31, 23, 30, tzinfo=UTC).timestamp()))
    assert cell(Invoice, "period_end") == reads


@pytest.mark.django_db
def test_flags_and_fractions_read_plainly() -> None:
    rows.coupon(valid=False, amount_off=None, currency=None, percent_off=12.5)
    row = exported(Coupon)[0]
    assert (row["valid"], row["percent_off"], row["amount_off"]) == ("false", "12.5", "")


@pytest.mark.django_db
def test_metadata_is_one_json_text_at_the_end() -> None:
    rows.customer(metadata={"b": "ü", "a": "1"})
    assert list(exported(Customer)[0])[-1] == "metadata"
    assert cell(Customer, "metadata") == '{"a": "1", "b": "ü"}'


@pytest.mark.django_db
def test_deleted_objects_say_since_when() -> None:
    rows.customer(deleted_at=datetime(2026, 3, 1, tzinfo=UTC))
    assert cell(Customer, "deleted_at") == "2026-03-01T00:00:00+00:00"


# --- what is left out ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_s61_no_key_and_nothing_that_opens_without_a_login_is_exported() -> None:
    key = "sk_test_" + "sandbox123"
    rows.one_of_each()["customer"].delete()
    rows.customer(description=f"my key {key}", metadata={"key": key})
    for kind in all_kinds():
        text = str(exported(kind.model))
        assert text != "[]"
        for secret in (key, "secret-path", "_secret_", "hush"):
            assert secret not in text


@isolate_apps("stripe_mirror")
def test_columns_that_open_something_are_left_out_of_a_new_kind() -> None:
    class Session(StripeObject):
        kind = kind_of("customer")  # type: ignore[assignment]
        url = JsonTextField(path="url")
        hosted = JsonTextField(path="hosted_invoice_url")
        client_secret = JsonTextField(path="client_secret")
        mode = JsonTextField(path="mode")

        class Meta:
            app_label = "stripe_mirror"

    assert resource_for(Session)().header() == ["id", "created", "mode", "deleted_at", "version", "metadata"]


@isolate_apps("stripe_mirror")
def test_a_whole_number_whose_name_says_nothing_is_refused() -> None:
    class Odd(StripeObject):
        kind = kind_of("customer")  # type: ignore[assignment]
        wobble = JsonIntegerField(path="wobble")

        class Meta:
            app_label = "stripe_mirror"

    with pytest.raises(ImproperlyConfigured, match=r"Odd\.wobble"):
        resource_for(Odd)


def test_a_kind_can_declare_a_column_of_its_own() -> None:
    class Shouting(StripeResource):
        email = fields.Field(attribute="email", column_name="MAIL", widget=TextCell(), readonly=True)

    header = resource_for(Customer, Shouting)().header()
    assert header[:4] == ["id", "created", "name", "MAIL"]
    assert "email" not in header


def test_no_mirrored_column_is_left_out_by_accident() -> None:
    derived = [f for k in all_kinds() for f in k.model._meta.concrete_fields if isinstance(f, FromJson)]
    assert [f"{f.model.__name__}.{f.name}" for f in derived if is_bearer(f)] == []
