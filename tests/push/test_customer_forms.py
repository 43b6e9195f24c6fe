"""What the customer forms take, refuse and send: the difference only, within Stripe's rules (S37)."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from stripe_mirror.models import Customer
from stripe_mirror.push.errors import NothingToChange
from stripe_mirror.push.operation import OperationForm, get_operation

pytestmark = pytest.mark.django_db
OPERATION = get_operation("edit_customer")
ADDRESS = {
    "line1": "1 Main St",
    "line2": "Flat 2",
    "city": "Cork",
    "postal_code": "T12",
    "state": None,
    "country": "IE",
}


def jane(**changes: Any) -> Customer:
    """A customer that isn't stored."""
    shown = {
        "object": "customer",
        "name": "Jane Doe",
        "email": "jane@example.com",
        "phone": "1",
        "address": ADDRESS,
        "shipping": {"name": "Jane", "phone": "2", "address": ADDRESS},
        "metadata": {"plan": "gold", "seats": "3"},
        "preferred_locales": ["en", "de"],
        "tax_exempt": "none",
        "invoice_settings": {"default_payment_method": None},
    }
    return Customer(id="cus_1", data={**shown, **changes})


def filled(row: Customer, **changes: Any) -> OperationForm:
    """The form as it was opened, with changes."""
    return OPERATION.get_form(row, {**OPERATION.initial(row), **changes})


def sent(row: Customer, **changes: Any) -> dict[str, Any]:
    """The parameters of a valid form."""
    form = filled(row, **changes)
    assert form.is_valid(), form.errors
    return OPERATION.plan(row, form.cleaned_data).params


def test_an_unchanged_form_sends_nothing() -> None:
    with pytest.raises(NothingToChange):
        sent(jane())


def test_values_that_a_browser_changes_by_itself_are_not_sent() -> None:
    with pytest.raises(NothingToChange):
        sent(jane(name=" Jane Doe ", description="one\r\ntwo"), description="one\r\ntwo", name="Jane Doe")


def test_s37_a_cleared_field_sends_an_empty_string() -> None:
    assert sent(jane(), name="", phone="") == {"name": "", "phone": ""}


def test_s37_one_cleared_line_of_an_address_leaves_the_others() -> None:
    assert sent(jane(), address_line2="") == {"address": {"line2": ""}}


def test_s37_an_emptied_address_is_cleared_as_a_whole() -> None:
    empty = dict.fromkeys((f"address_{part}" for part in ADDRESS), "")
    assert sent(jane(), **empty) == {"address": ""}


def test_s37_one_metadata_key_is_cleared_and_others_untouched() -> None:
    assert sent(jane(), metadata={"seats": "3"}) == {"metadata": {"plan": ""}}


def test_s37_all_metadata_is_cleared_key_by_key_so_that_a_new_one_survives() -> None:
    assert sent(jane(), metadata={}) == {"metadata": {"plan": "", "seats": ""}}


def test_shipping_is_sent_with_the_name_and_address_that_stripe_asks_for() -> None:
    address = {key: value for key, value in ADDRESS.items() if value}
    assert sent(jane(), shipping_phone="3") == {"shipping": {"name": "Jane", "phone": "3", "address": address}}
    assert sent(jane(), shipping_address_line2="") == {
        "shipping": {"name": "Jane", "address": {**address, "line2": ""}}
    }


def test_emptied_shipping_is_cleared_as_a_whole() -> None:
    fields = [name for name in OPERATION.form_class.base_fields if name.startswith("shipping_")]
    assert sent(jane(), **dict.fromkeys(fields, "")) == {"shipping": ""}


def test_shipping_without_a_name_is_refused_at_the_field() -> None:
    form = filled(jane(), shipping_name="")
    assert not form.is_valid()
    assert list(form.errors) == ["shipping_name"]


def test_lines_end_in_stripe_as_they_end_there_and_not_as_browsers_post_them() -> None:
    assert sent(jane(), description="one\r\ntwo") == {"description": "one\ntwo"}


def test_odd_shipping_details_do_not_keep_other_fields_from_being_edited() -> None:
    assert sent(jane(shipping={"name": None, "phone": "2", "address": {}}), phone="9") == {"phone": "9"}


def test_languages_are_a_list_that_can_be_replaced_but_not_emptied() -> None:
    assert sent(jane(), preferred_locales="de , fr-CA") == {"preferred_locales": ["de", "fr-CA"]}
    assert "preferred_locales" in filled(jane(), preferred_locales="").errors
    with pytest.raises(NothingToChange):
        sent(jane(preferred_locales=[]), preferred_locales="")


def test_the_default_payment_method_is_one_of_the_attached_or_none() -> None:
    held = jane(invoice_settings={"default_payment_method": "pm_unknown"})
    assert sent(held, default_payment_method="") == {"invoice_settings": {"default_payment_method": ""}}
    assert "default_payment_method" in filled(held, default_payment_method="pm_of_somebody_else").errors


def test_present_values_that_we_do_not_know_can_stay() -> None:
    odd = jane(tax_exempt="partly", address={**ADDRESS, "country": "XX"})
    assert sent(odd, phone="9") == {"phone": "9"}


def test_a_country_is_one_of_isos() -> None:
    choices = dict(filled(jane()).fields["address_country"].choices)  # type: ignore[attr-defined]
    assert choices["DE"] == "Germany"
    assert "EU" not in choices
    assert "address_country" in filled(jane(), address_country="Germany").errors


@pytest.mark.parametrize(
    ("param", "field"),
    [
        ("email", "email"),
        ("address[country]", "address_country"),
        ("shipping[address][line1]", "shipping_address_line1"),
        ("metadata[plan]", "metadata"),
        ("preferred_locales[0]", "preferred_locales"),
        ("invoice_settings[default_payment_method]", "default_payment_method"),
        ("something_else", ""),
    ],
)
def test_stripes_parameter_names_lead_to_the_field(param: str, field: str) -> None:
    assert OPERATION.field_for_param(param) == field


def test_the_summary_says_each_change_in_words() -> None:
    row = jane()
    form = filled(row, phone="", email="j@x.com", metadata={"seats": "4"})
    assert form.is_valid()
    assert sorted(OPERATION.summary(row, form.cleaned_data)) == [
        "Email: jane@example.com → j@x.com",
        "Metadata “plan”: gold → (empty)",
        "Metadata “seats”: 3 → 4",
        "Phone: 1 → (empty)",
    ]


@pytest.mark.parametrize("secret", ["sk_test_" + "abc", "rk_live_" + "****abcd", "whsec_" + "abc"])
def test_s61_a_key_is_refused_wherever_it_is_pasted(secret: str) -> None:
    assert "description" in filled(jane(), description=f"key {secret}").errors
    assert "metadata" in filled(jane(), metadata={"key": secret}).errors
    assert "reason" in filled(jane(), reason=secret).errors


def posted(pairs: list[tuple[str, str]]) -> QueryDict:
    """A browser's form with a metadata table."""
    query = QueryDict(mutable=True)
    for name, value in OPERATION.initial(jane()).items():
        if name != "metadata":
            query[name] = ", ".join(value) if isinstance(value, list) else value
    query.setlist("metadata-key", [key for key, _ in pairs])
    query.setlist("metadata-value", [value for _, value in pairs])
    return query


def test_the_metadata_table_is_read_row_by_row() -> None:
    rows = [("plan", "gold"), ("seats", ""), ("", "lost"), (" new ", "a\r\nb"), ("", "")]
    form = OPERATION.get_form(jane(), posted(rows))
    assert form.is_valid(), form.errors
    assert OPERATION.plan(jane(), form.cleaned_data).params == {"metadata": {"new": "a\nb", "seats": ""}}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("k" * 41, "v")], "longer than 40"),
        ([("a[b]", "v")], "square bracket"),
        ([("k", "v" * 501)], "longer than 500"),
        ([("k", "1"), ("k", "2")], "two rows"),
        ([(f"k{n}", "v") for n in range(51)], "at most 50"),
    ],
)
def test_stripes_limits_of_metadata_are_said_at_the_field(rows: list[tuple[str, str]], says: str) -> None:
    form = OPERATION.get_form(jane(), posted(rows))
    assert says in " ".join(form.errors["metadata"])


def test_fields_that_a_request_lacks_are_left_alone() -> None:
    form = OPERATION.get_form(jane(), QueryDict("phone=9"))
    assert form.is_valid(), form.errors
    assert OPERATION.plan(jane(), form.cleaned_data).params == {"phone": "9"}


def test_the_metadata_table_renders_what_it_reads_and_escapes_it() -> None:
    row = jane(metadata={"<b>": '"><script>'})
    shown = str(OPERATION.get_form(row)["metadata"])
    assert "<script>" not in shown
    assert "&lt;b&gt;" in shown
    assert shown.count("metadata-key") == 4


@pytest.mark.parametrize("text", ["nobody", "@", "jane@", "@example.com", "jane doe@example.com", "a@b@c"])
def test_what_is_no_email_address_is_said_before_stripe_is_asked(text: str) -> None:
    assert "name@example.com" in filled(jane(), email=text).errors["email"][0]
    # One that Stripe has already stays.
    assert filled(jane(email=text), phone="2").is_valid()


@pytest.mark.parametrize("text", ["jane@example.com", "Jané+tag@bücher.example", "a@b", ""])
def test_whatever_else_is_one_stripe_judges(text: str) -> None:
    assert filled(jane(), email=text).is_valid()
