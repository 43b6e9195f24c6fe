"""What was exported and is brought back unchanged shows no differences, whatever stands in it (S54, S56)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from stripe_mirror.admin.exports.columns import columns_of
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.writing import export_bytes
from stripe_mirror.admin.imports.reading import read_table
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Customer
from stripe_mirror.push.imports.columns import METADATA, guess_all
from stripe_mirror.push.imports.judging import Judge, Judged
from stripe_mirror.push.operation import all_operations, get_operation
from tests.admin import rows

EDITS = [o.name for o in all_operations() if o.importable and not (o.creates or o.adds)]
# Formulas, guards, separators, line ends, marks that nobody sees, other scripts, lengths, and what looks like a guard.
CORPUS = [
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+49 30 1234",
    "-5",
    "@SUM(A1)",
    "\ttab first",
    "\rreturn first",
    "'=quoted",
    "''=twice",
    "a;=b,-c|@d\t+e",
    'say "=1"',
    "two\nlines",
    "two\r\nlines",
    "null\ufffdreplaced",
    "\ufeffmark",
    "\u202eright to left\u202c",
    "＝full width",
    "ünïcödé 😀",
    "null",
    "true",
    "00123",
    "1e5",
    "2026-02-01",
    "x" * 500,
    "a\u2028b\u0085c",
    "_x000D_",
    "\x1f",
    "\x01\x1f\x08",
]
FORMATS = [
    ExportOptions(),
    ExportOptions(format="xlsx"),
    ExportOptions(format="jsonl"),
    ExportOptions(minor_units=True, bom=True, separator=";", timezone="Pacific/Auckland"),
    ExportOptions(format="xlsx", minor_units=True, timezone="America/Los_Angeles"),
    ExportOptions(format="jsonl", minor_units=True),
    ExportOptions(separator="\t"),
]


def judged(operation: str, options: ExportOptions, columns: list[str], *, sees: bool = True) -> list[Judged]:
    """All rows of the kind exported, and judged as they come back."""
    found = get_operation(operation)
    model: Any = get_kind(found.object_type).model
    chosen = ExportOptions.from_json({**options.to_json(), "columns": columns})
    content = b"".join(export_bytes(model.objects.order_by("pk"), chosen, sees_personal=sees))
    table = read_table(io.BytesIO(content))
    targets = [guess.target for guess in guess_all(found, table.headers)]
    return list(Judge(found, table.headers, targets, minor_units=options.minor_units).judge(list(table.rows)))


def own_columns(object_type: str, keys: list[str]) -> list[str]:
    """Every column of the kind, with these keys of the metadata."""
    names = [column.name for column in columns_of(get_kind(object_type).model)]
    return [*names, *(METADATA + key for key in keys)]


def differences(found: list[Judged]) -> list[Any]:
    """Rows that would change something or can't be done."""
    return [(one.object_id, one.form, one.errors) for one in found if one.state]


@pytest.mark.parametrize("options", FORMATS, ids=lambda o: f"{o.format}{o.separator!r}{'-minor' * o.minor_units}")
@pytest.mark.parametrize("operation", EDITS)
def test_s54_an_export_that_comes_back_unchanged_shows_no_differences(
    db: None, operation: str, options: ExportOptions
) -> None:
    rows.one_of_each()
    rows.product("prod_Bare", name="Bare", description=None, default_price=None, metadata={})
    rows.customer("cus_Bare", name=None, email=None, phone=None, address=None, shipping=None, metadata={})
    rows.invoice("in_Draft", status="draft", collection_method="send_invoice", due_date=rows.SECOND)
    object_type = get_operation(operation).object_type
    every = judged(operation, options, own_columns(object_type, ["plan", "seats", "=x"]))
    assert every
    assert differences(every) == []
    assert differences(judged(operation, options, [])) == []


@pytest.mark.parametrize("options", FORMATS[:4], ids=lambda o: o.format + o.separator)
def test_s56_hostile_cells_come_back_as_they_were(db: None, options: ExportOptions) -> None:
    for n, cell in enumerate(CORPUS):
        many = {f"key {m} {'=+-@'[m % 4]}": CORPUS[(n + m) % len(CORPUS)] for m in range(50)}
        rows.customer(f"cus_{n}", name=cell, email=f"{cell}@x", description=cell * 3, metadata=many)
    keys = [f"key {m} {'=+-@'[m % 4]}" for m in range(50)]
    wanted = ["id", "version", "name", "email", "description", *(METADATA + key for key in keys)]
    assert differences(judged("edit_customer", options, wanted)) == []
    assert differences(judged("edit_customer", options, ["id", "name", "metadata"])) == []


def test_who_sees_masks_changes_nothing_by_bringing_them_back(db: None) -> None:
    rows.customer("cus_1", name="Ada", email="ada@example.com", metadata={"plan": "gold"})
    for options in FORMATS[:3]:
        every = own_columns("customer", ["plan"])
        assert differences(judged("edit_customer", options, every, sees=False)) == []


def test_secrets_that_an_export_hides_are_not_written_over(db: None) -> None:
    secret = "pay at https://invoice.stripe.com/i/acct_1/test_abc now"
    rows.customer("cus_1", description=secret, metadata={"link": secret, "api_token": "abc", "plan": "gold"})
    for options in FORMATS[:3]:
        assert differences(judged("edit_customer", options, ["id", "description", "metadata", "name"])) == []


def test_an_edit_of_the_metadata_as_json_keeps_what_was_hidden(db: None) -> None:
    rows.customer("cus_1", metadata={"api_token": "abc", "plan": "gold", "old": "x"})
    operation = get_operation("edit_customer")
    cell = '{"api_token": "•••••• (hidden)", "plan": "silver"}'
    (one,) = Judge(operation, ["id", "metadata"], ["=key", "metadata"], minor_units=False).judge([(2, ["cus_1", cell])])
    assert one.form == {"metadata": {"api_token": "abc", "plan": "silver"}}
    assert one.opened["metadata"]["old"] == "x"


@pytest.mark.parametrize("options", FORMATS[:4], ids=lambda o: o.format + o.separator)
def test_a_file_of_hardly_anything_but_control_characters_comes_back(db: None, options: ExportOptions) -> None:
    rows.customer("cus_1", name="\x1f\x08\x01" * 20, metadata={})
    assert differences(judged("edit_customer", options, ["id", "name"])) == []


class AnyText(TestCase):
    """Whatever people write."""

    @settings(max_examples=40, deadline=None)
    @given(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
        st.sampled_from(FORMATS[:4]),
    )
    def test_any_text_comes_back_as_it_was(self, text: str, options: ExportOptions) -> None:
        """As the name, in the metadata and in the metadata as JSON."""
        Customer.objects.all().delete()
        metadata = {"k": text} if text else {}
        rows.customer("cus_1", name=text, description=f"{text};{text}", metadata=metadata)
        for columns in (["id", "name", "description", "metadata.k"], ["id", "metadata"]):
            assert differences(judged("edit_customer", options, columns)) == []


def test_one_cell_that_was_edited_is_the_only_difference(db: None) -> None:
    for n, cell in enumerate(CORPUS):
        rows.customer(f"cus_{n:02}", name=cell, metadata={"plan": cell})
    model = Customer.objects.order_by("pk")
    options = ExportOptions(columns=("id", "name", "metadata.plan", "version"))
    content = b"".join(export_bytes(model, options, sees_personal=True)).replace(b"00123", b"00124", 1)
    table = read_table(io.BytesIO(content))
    operation = get_operation("edit_customer")
    targets = [guess.target for guess in guess_all(operation, table.headers)]
    found = Judge(operation, table.headers, targets, minor_units=False).judge(list(table.rows))
    ((id, form, errors),) = differences(list(found))
    assert (form, errors) == ({"name": "00124"}, [])
    assert Customer.objects.get(pk=id).name == "00123"
    assert User.objects.count() == 0
