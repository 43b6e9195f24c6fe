"""Bulk statements keep each value as the ORM would, on both databases."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from stripe_mirror.models import Change, Push, Refresh
from stripe_mirror.pull.statements import insert_each

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(-(10**15), 10**15).map(lambda microseconds: NOW + timedelta(microseconds=microseconds))


def kept(row: Change) -> list[Any]:
    return [getattr(row, field.attname) for field in Change._meta.concrete_fields if field.name != "id"]


class TestInsertedRows(TestCase):
    """One transaction an example."""

    @given(st.lists(st.tuples(TEXT, JSON, MOMENTS, st.integers(0, 2**62)), min_size=1, max_size=4))
    def test_are_read_back_as_they_were_in_their_order(self, given: list[tuple[str, Any, datetime, int]]) -> None:
        rows = [
            Change(
                object_type="customer",
                object_id=text,
                action=Change.Action.UPDATED,
                fields={"name": [text, value]},
                version=version,
                happened_at=moment,
                recorded_at=NOW,
                source=Change.Source.SYNC,
                request_id="%s {x} 'quoted'",
            )
            for text, value, moment, version in given
        ]
        insert_each(rows)
        assert [kept(row) for row in Change.objects.order_by("id")] == [kept(row) for row in rows]


@pytest.mark.django_db
def test_a_relation_is_kept() -> None:
    push = Push.objects.create(
        id=uuid.uuid4(), operation="edit_customer", object_type="customer", object_id="cus_1", created_at=NOW
    )
    values = {"object_type": "customer", "object_id": "cus_1", "version": 1, "happened_at": NOW, "recorded_at": NOW}
    insert_each([Change(push=push, action=Change.Action.UPDATED, source=Change.Source.PUSH, **values)])
    assert Change.objects.get().push == push


@pytest.mark.django_db
def test_what_is_there_already_is_met_as_the_caller_says() -> None:
    def wish(number: int) -> Refresh:
        return Refresh(key=str(number), object_type="charge", path="/v1/charges", due_at=NOW + timedelta(days=number))

    conflict = "ON CONFLICT (key) DO UPDATE SET wanted = held.wanted + 1"
    insert_each([wish(1), wish(2)], conflict=conflict)
    insert_each([wish(2), wish(3)], conflict=conflict)
    insert_each([])
    found = Refresh.objects.order_by("key").values_list("key", "wanted", "due_at", "params", "since")
    assert list(found) == [
        ("1", 1, NOW + timedelta(days=1), {}, None),
        ("2", 2, NOW + timedelta(days=2), {}, None),
        ("3", 1, NOW + timedelta(days=3), {}, None),
    ]
