"""Compares objects as Stripe shows them with our rows; reads only, and only what differs.

PostgreSQL compares a page's text as Stripe sent it, in one statement; SQLite's rows are compared in Python.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from stripe_mirror.kinds import Kind, kind_of
from stripe_mirror.models import Difference
from stripe_mirror.pull.changes import differences
from stripe_mirror.pull.states import same
from stripe_mirror.pull.storable import may_be_unstorable, storable

State = dict[str, Any]
Nature = Difference.Nature

COMPARE = """
WITH page AS MATERIALIZED (
    SELECT DISTINCT ON (item ->> 'id') item ->> 'id' AS id, item AS data
    FROM jsonb_array_elements(%(text)s::jsonb -> 'data') AS item
)
SELECT page.id, held.data::text, held.deleted_at IS NOT NULL, COALESCE(held.version, 0)
FROM page LEFT JOIN {table} AS held ON held.id = page.id
WHERE held.id IS NULL OR held.deleted_at IS NOT NULL OR held.data IS DISTINCT FROM page.data"""

# Links that Stripe signs anew for each reader, and secrets: only whether there is one is compared, none is kept.
DOORS = frozenset(
    [
        "client_secret",
        "confirmation_secret",
        "hosted_invoice_url",
        "hosted_regulatory_receipt_url",
        "hosted_verification_url",
        "hosted_voucher_url",
        "invoice_pdf",
        "mobile_auth_url",
        "pdf",
        "receipt_url",
        "redirect_to_url",
        "secret",
        "verification_url",
    ]
)
DOOR = "(not shown)"
SECRET = re.compile(r"(?<![A-Za-z0-9])(?:(?:sk|rk)_(?:test|live)_|whsec_)\w+")
# Ids that say where an object without an address of its own is shown.
NEAR = ("customer", "subscription", "subscription_item", "invoice", "invoice_item", "credit_note")


@dataclass(frozen=True)
class Held:
    """What we hold of an object; `state` is None where there is no row."""

    state: State | None
    deleted: bool = False
    version: int = 0


@dataclass(frozen=True)
class Mismatch:
    """An object that stands otherwise here than Stripe showed it; `state` is None where Stripe lacks it."""

    kind: Kind
    id: str
    state: State | None
    held: Held
    # What else is known of where it stands: ids of the objects around it.
    around: State = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """Kind and id."""
        return self.kind.object, self.id

    @property
    def near(self) -> State:
        """Ids of the objects that lead to it."""
        known = {**(self.held.state or {}), **(self.state or {}), **self.around}
        return {name: found for name in NEAR if (found := _id(known.get(name)))}

    @property
    def nature(self) -> Difference.Nature:
        """In what they differ."""
        if self.state is None:
            return Nature.MISSING_IN_STRIPE
        return Nature.MISSING_HERE if self.held.state is None or self.held.deleted else Nature.FIELDS

    @property
    def fields(self) -> dict[str, list[Any]]:
        """Field → [ours, Stripe's], where both have the object."""
        if self.nature is not Nature.FIELDS or self.state is None or self.held.state is None:
            return {}
        found = differences(comparable(self.held.state), comparable(self.state))
        return {name: [without_secrets(value) for value in pair] for name, pair in found.items()}


def compare(kind: Kind, objects: list[State], *, text: str = "") -> list[Mismatch]:
    """Those of the objects that our rows don't equal. `text`: the list as Stripe sent it, where it holds just these."""
    unique = {str(item["id"]): item for item in objects if item.get("deleted") is not True}
    if not unique:
        return []
    if connection.vendor == "postgresql":
        suspects = _suspects(kind, unique, text if len(unique) == len(objects) else "")
    else:
        suspects = held_rows(kind, unique)
    return [Mismatch(kind, id, unique[id], row) for id, row in suspects.items() if not equal(row, unique[id])]


def held_rows(kind: Kind, ids: Iterable[str]) -> dict[str, Held]:
    """What we hold under each id."""
    found = {id: Held(None) for id in ids}
    rows = kind.model._default_manager.filter(pk__in=list(found))
    for id, state, deleted_at, version in rows.values_list("pk", "data", "deleted_at", "version"):
        found[str(id)] = Held(state, deleted_at is not None, version)
    return found


def equal(held: Held, state: State | None) -> bool:
    """Whether we hold what Stripe has; `state` is None where it has nothing."""
    if state is None or state.get("deleted") is True:
        return held.state is None or held.deleted
    if held.state is None or held.deleted:
        return False
    return held.state == state or same(comparable(held.state), comparable(storable(state)[0]))


def comparable(state: State) -> State:
    """The object without what may differ while nothing is wrong: nulls, signed links, copies of other objects.

    A price inside a subscription is as old as that one's last event, and has a row of its own to be right.
    """
    return {name: _comparable(value, name) for name, value in state.items() if value is not None}


def without_secrets(value: Any) -> Any:
    """The value without Stripe's keys and signing secrets."""
    if isinstance(value, str):
        return SECRET.sub(DOOR, value)
    if isinstance(value, dict):
        return {name: without_secrets(part) for name, part in value.items()}
    return [without_secrets(part) for part in value] if isinstance(value, list) else value


def _suspects(kind: Kind, unique: dict[str, State], text: str) -> dict[str, Held]:
    """PostgreSQL: the rows that aren't the page's object to the letter."""
    text = text or json.dumps({"data": list(unique.values())})
    if may_be_unstorable(text):
        return held_rows(kind, unique)
    table = connection.ops.quote_name(kind.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(COMPARE.format(table=table), {"text": text})
        found = cursor.fetchall()
    return {id: Held(json.loads(state) if state else None, deleted, version) for id, state, deleted, version in found}


def _comparable(value: Any, name: str) -> Any:
    if name in DOORS:
        return DOOR
    if isinstance(value, list):
        return [_comparable(item, "") for item in value]
    if isinstance(value, dict):
        return value["id"] if _is_copy(value) else comparable(value)
    return value


def _is_copy(value: State) -> bool:
    """Whether the nested object is a copy of one that has events, and thus a row, of its own."""
    if not isinstance(value.get("id"), str):
        return False
    kind = kind_of(str(value.get("object")))
    # A plan is the older shape of a price.
    return value.get("object") == "plan" or (kind is not None and bool(kind.events))


def _id(value: Any) -> str:
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""
