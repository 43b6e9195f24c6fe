"""Every object of the seeded company, and every event about one, has the shape that Stripe describes."""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.sandbox.contract.differences import older
from tests.sandbox.contract.openapi import Spec
from tests.sandbox.server import Sandbox

OBJECT_TYPES = sorted(Sandbox(seed=1).tables)


def problems(spec: Spec, shown: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    """One line per different mistake, with an example of an object that has it."""
    found: dict[str, str] = {}
    for name, value in shown:
        for violation in spec.check_object(older(value)):
            found.setdefault(str(violation), f"{value['object']} {name}: {violation}")
    return list(found.values())


@pytest.mark.parametrize("object_type", OBJECT_TYPES)
def test_every_object_has_stripes_shape(spec: Spec, company: Sandbox, object_type: str) -> None:
    rows = [row for row in company.objects(object_type) if not row.get("deleted")]
    wrong = problems(spec, ((row.get("id", ""), row) for row in rows))
    assert not wrong, "\n".join(wrong[:20])


def test_every_event_carries_an_object_of_stripes_shape(spec: Spec, company: Sandbox) -> None:
    events = company.events
    assert len(events) > 100
    wrong = problems(spec, ((f"{event['id']} ({event['type']})", event["data"]["object"]) for event in events))
    assert not wrong, "\n".join(wrong[:20])


def test_every_event_type_is_one_of_stripes(spec: Spec, company: Sandbox) -> None:
    operation = spec.operation("POST", "/v1/webhook_endpoints")
    assert operation is not None
    known = operation.parameters["properties"]["enabled_events"]["items"]["enum"]
    strange = {event["type"] for event in company.events} - set(known)
    assert not strange


def test_last_event_about_an_object_shows_it_as_it_is(company: Sandbox) -> None:
    last = {}
    for event in reversed(company.events):
        shown = event["data"]["object"]
        last[shown["object"], shown.get("id")] = shown
    for object_type in OBJECT_TYPES:
        # Stripe tells of no change of an invoice item: it is the invoice that changes.
        for row in [] if object_type == "invoiceitem" else company.objects(object_type):
            shown = last.get((object_type, row.get("id")))
            assert shown is None or row.get("deleted") or shown == row, f"{object_type} {row['id']}"


def test_previous_attributes_name_fields_of_the_object(company: Sandbox) -> None:
    for event in company.events:
        previous = event["data"].get("previous_attributes")
        assert (previous is None) or (event["type"].endswith("updated") or previous), event["type"]
        unknown = set(previous or {}) - set(event["data"]["object"])
        assert not unknown, f"{event['id']} ({event['type']}): {unknown}"
