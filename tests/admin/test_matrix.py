"""Every operation of the registry, for every role and every status that its objects can have (S36, S58).

Generated from the registry, the ready groups and Stripe's known statuses: what is added to one of them is tested here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from backoffice import roles
from stripe_mirror.admin import display
from stripe_mirror.admin.operations import operation_url
from stripe_mirror.admin.status import KNOWN
from stripe_mirror.models import Push
from stripe_mirror.push.operation import Operation, all_operations
from tests.admin import rows
from tests.sandbox.testing import RunningSandbox

ROLES = [role.name for role in roles.ROLES if role.name != "Live"]
OFFERED = [operation for operation in all_operations() if operation.offered and not operation.creates]
KINDS = sorted({operation.object_type for operation in OFFERED})
# What an object's page has as a form of its own.
FORMS = {"edit_customer"}


def in_each_status(row: Any) -> Iterator[str | None]:
    """The stored row in each status that Stripe is known to give, and in one that nobody has heard of."""
    if "status" not in row.data:
        yield None
        return
    for status in [*KNOWN.get(row.kind.object, {}), "dormant"]:
        row.data = {**row.data, "status": status}
        row.save(update_fields=["data"])
        row.refresh_from_db()
        yield status


def operations_on(kind: str) -> Iterator[Operation]:
    """What is offered on such objects, beside the form that stands on their page."""
    return (operation for operation in OFFERED if operation.object_type == kind and operation.name not in FORMS)


def shown(page: str, row: Any) -> tuple[set[str], set[str]]:
    """The operations that a page offers, and those that it says are not possible now."""
    stem = re.escape(display.object_url(row).removesuffix("change/"))
    offered = set(re.findall(rf'href="{stem}operation/([a-z_]+)/"', page))
    return offered, set(re.findall(r'id="why-not-([a-z_]+)"', page))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ROLES)
def test_s58_a_page_offers_what_role_and_status_allow_and_says_why_not(
    role: Callable[[str], Client], name: str
) -> None:
    client, held, made = role(name), roles.codenames(name), rows.one_of_each()
    for kind in KINDS:
        row, mine = made[kind], [operation for operation in operations_on(kind) if operation.permission in held]
        for status in in_each_status(row):
            possible = {operation.name for operation in mine if not operation.why_not(row)}
            answer = client.get(display.object_url(row))
            assert answer.status_code == 200, (kind, status)
            told = shown(answer.content.decode(), row)
            assert told == (possible, {operation.name for operation in mine} - possible), (kind, status)


@pytest.mark.django_db(transaction=True)
def test_s36_what_a_status_forbids_is_refused_before_stripe_is_asked_to_change_it(
    role: Callable[[str], Client], sandbox: RunningSandbox
) -> None:
    """A forced POST: nothing but reads reaches Stripe, and nothing is recorded as sent."""
    client, made, forbidding = role("Operator"), rows.one_of_each(), set()
    for kind in KINDS:
        for status in in_each_status(made[kind]):
            for operation in operations_on(kind):
                if reason := operation.why_not(made[kind]):
                    assert reason.endswith("."), (operation.name, status, reason)
                    form = {"reason": "asked", "opened": "", "push_id": ""}
                    answer = client.post(operation_url(made[kind], operation), form)
                    assert answer.status_code == 200, (operation.name, status)
                    forbidding.add(kind)
    assert [request for request in sandbox.requests() if request["method"] != "GET"] == []
    assert not Push.objects.exists()
    assert forbidding >= set(KINDS) & KNOWN.keys(), "every kind with a status has one that forbids something"
