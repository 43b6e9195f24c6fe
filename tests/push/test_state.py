"""Comparing what a form showed, what Stripe has now and what was written: the pure part of S37 and S38."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_mirror.push import state


def test_s38_an_untouched_field_takes_its_present_value() -> None:
    opened = {"email": "a@x", "phone": "1"}
    merged, clashes = state.rebase(opened, {"email": "b@x", "phone": "1"}, {"email": "a@x", "phone": "2"})
    assert merged == {"email": "b@x", "phone": "2"}
    assert clashes == []


def test_s38_a_field_changed_by_both_clashes() -> None:
    _, clashes = state.rebase({"email": "a@x"}, {"email": "b@x"}, {"email": "c@x"})
    assert clashes == [state.Clash("email", "", "a@x", "b@x", "c@x")]


def test_the_same_change_by_both_is_no_clash() -> None:
    merged, clashes = state.rebase({"email": "a@x"}, {"email": "b@x"}, {"email": "b@x"})
    assert merged == {"email": "b@x"}
    assert clashes == []


def test_metadata_is_merged_key_by_key() -> None:
    opened = {"metadata": {"kept": "1", "mine": "1", "theirs": "1", "gone": "1"}}
    now = {"metadata": {"kept": "1", "mine": "1", "theirs": "2", "gone": "1", "added": "3"}}
    yours = {"metadata": {"kept": "1", "mine": "9", "theirs": "1"}}
    merged, clashes = state.rebase(opened, now, yours)
    assert merged == {"metadata": {"kept": "1", "mine": "9", "theirs": "2", "added": "3"}}
    assert clashes == []


def test_a_metadata_key_removed_here_and_changed_there_clashes() -> None:
    _, clashes = state.rebase({"metadata": {"k": "1"}}, {"metadata": {"k": "2"}}, {"metadata": {}})
    assert clashes == [state.Clash("metadata", "k", "1", "2", None)]


def test_fields_that_were_never_shown_are_taken_as_written() -> None:
    assert state.rebase({}, {"when": "now"}, {"when": "date", "comment": "x"}) == ({"when": "date", "comment": "x"}, [])


@pytest.mark.parametrize(("one", "other"), [(None, ""), (" Jane ", "Jane"), ("a\r\nb", "a\nb"), (("de",), ["de"])])
def test_what_a_form_does_to_a_value_is_no_change(one: object, other: object) -> None:
    assert state.same(one, other)


values = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", "1", "2", "3"]))


@given(opened=values, now=values, yours=values)
def test_nothing_of_anybody_is_lost_without_a_clash(
    opened: dict[str, str], now: dict[str, str], yours: dict[str, str]
) -> None:
    merged, clashes = state.rebase({"t": opened}, {"t": now}, {"t": yours})
    for key in {*opened, *now, *yours} - {clash.key for clash in clashes}:
        was, theirs, mine, result = (table.get(key, "") for table in (opened, now, yours, merged["t"]))
        assert result == (theirs if mine == was else mine)
        assert mine == was or theirs in (was, mine)


def test_a_cleared_parameter_reads_as_nothing_or_an_empty_table() -> None:
    sent = {"phone": "", "metadata": {"k": ""}, "address": ""}
    assert state.matches({"phone": None, "metadata": {}, "address": None}, sent)
    assert not state.matches({"phone": None, "metadata": {"k": "v"}, "address": None}, sent)


def test_an_expanded_object_reads_as_its_id() -> None:
    obj = {"invoice_settings": {"default_payment_method": {"id": "pm_1", "object": "payment_method"}}}
    assert state.matches(obj, {"invoice_settings": {"default_payment_method": "pm_1"}})


def test_the_log_names_each_touched_field() -> None:
    obj = {"email": "a@x", "address": {"city": "Cork"}, "metadata": {"k": "v"}, "phone": "1"}
    touched = state.touched(obj, {"email": "b@x", "address": {"city": "", "line1": "x"}, "metadata": {"k": ""}})
    assert touched == {"email": "a@x", "address.city": "Cork", "address.line1": None, "metadata.k": "v"}
