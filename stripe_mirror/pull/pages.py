"""Stores a whole page of a Stripe list at once, under the same rules as single objects.

Both databases take the page's text as Stripe sent it: nothing is parsed and re-serialised here. PostgreSQL decides and
stores in one statement; SQLite, which has only one writer, stores what is new so and the rest in Python. Created rows
get no `Change`: a first backfill would write millions. Rows that are equal are compared, not locked, and not written
unless the caller asks for a touch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from stripe_mirror.conf import conf
from stripe_mirror.kinds import Kind
from stripe_mirror.models import Change, Confirmation, StripeObject
from stripe_mirror.pull import clock, ordering, pages_sqlite, rows
from stripe_mirror.pull.changes import Origin, change, differences
from stripe_mirror.pull.ordering import Bounds, Decision
from stripe_mirror.pull.statements import insert_each
from stripe_mirror.pull.storable import may_be_unstorable, storable

SYNC = Origin(Change.Source.SYNC)

# Sorted by id, so that writers of overlapping pages wait for each other instead of deadlocking.
PAGE = """
page AS MATERIALIZED (
    SELECT DISTINCT ON (item ->> 'id') item ->> 'id' AS id, item AS data
    FROM jsonb_array_elements(%(text)s::jsonb -> 'data') AS item
    ORDER BY item ->> 'id'
)"""
NEWER = """(
    %(as_of)s > COALESCE(held.read_until, held.as_of)
    OR (held.synced_at < %(sent_at)s AND %(read_until)s >= held.as_of)
) AND NOT EXISTS (
    SELECT 1 FROM {confirmations} AS seen
    WHERE seen.object_type = %(object_type)s AND seen.as_of > %(read_until)s AND held.deleted_at IS NULL
    AND seen.as_of > COALESCE(held.read_until, held.as_of) AND held.synced_at < seen.untouched_since
    AND (seen.created_from IS NULL OR seen.created_from <= held.created)
    AND (seen.created_to IS NULL OR seen.created_to >= held.created)
)"""
UPSERT = """
WITH {page},
differing AS MATERIALIZED (
    SELECT page.id, page.data, held.data AS before, held.deleted_at AS buried
    FROM page LEFT JOIN {table} AS held ON held.id = page.id
    WHERE held.id IS NULL OR held.data IS DISTINCT FROM page.data OR held.deleted_at IS NOT NULL
),
stored AS (
    INSERT INTO {table} AS held
        (id, account, livemode, data, as_of, read_until, synced_at, changed_at, deleted_at, version, nul_replaced)
    SELECT id, %(account)s, %(livemode)s, data, %(as_of)s, %(read_until)s, %(now)s, %(now)s, NULL, 1, FALSE
    FROM differing ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        data = EXCLUDED.data, as_of = GREATEST(held.as_of, EXCLUDED.as_of), read_until = EXCLUDED.read_until,
        synced_at = GREATEST(EXCLUDED.synced_at, held.synced_at + INTERVAL '1 microsecond'),
        changed_at = EXCLUDED.changed_at, deleted_at = NULL,
        version = held.version + 1, nul_replaced = FALSE
    WHERE (held.data IS DISTINCT FROM EXCLUDED.data OR held.deleted_at IS NOT NULL) AND {newer}
    RETURNING held.id, held.version
)
SELECT stored.id, stored.version, differing.before::text, differing.data::text, differing.buried IS NOT NULL
FROM stored JOIN differing ON differing.id = stored.id WHERE stored.version > 1
UNION ALL SELECT NULL, COUNT(*), NULL, NULL, FALSE FROM stored WHERE version = 1"""
# Narrow: `data` and the columns derived from it are not rewritten.
TOUCH = """
WITH {page},
equal AS (
    SELECT held.id FROM {table} AS held JOIN page ON page.id = held.id
    WHERE held.data = page.data AND held.deleted_at IS NULL AND held.synced_at < %(now)s
    ORDER BY held.id FOR UPDATE OF held
)
UPDATE {table} AS held SET
    as_of = GREATEST(held.as_of, %(as_of)s),
    read_until = GREATEST(COALESCE(held.read_until, held.as_of), %(read_until)s),
    synced_at = GREATEST(%(now)s, held.synced_at + INTERVAL '1 microsecond')
FROM equal WHERE equal.id = held.id"""


@dataclass(frozen=True)
class PageResult:
    """What a page did."""

    seen: int
    created: int
    changed: int


def apply_page(
    kind: Kind,
    page_text: str,
    items: list[dict[str, Any]],
    *,
    as_of: datetime,
    read_until: datetime | None,
    sent_at: datetime | None = None,
    touch: bool = True,
) -> PageResult:
    """Store a page: `page_text` is the list as Stripe sent it, `items` its parsed `data`.

    `sent_at` as for `apply_state`. Rows that may be newer than the page are left alone. Without `touch` nothing at all
    is written to equal rows: the caller records a confirmation for all of them (see `pull.confirmations`).
    """
    seen = Bounds(as_of, read_until or as_of)
    # A deleted stub would overwrite the last state: events and reads of one object bury.
    whole = [item for item in items if item.get("deleted") is not True]
    text = page_text if len(whole) == len(items) and not may_be_unstorable(page_text) else None
    if connection.vendor == "postgresql" and text is not None:
        return _store_text(kind, text, len(items), seen, sent_at, touch)
    differing = whole if touch else _differing(kind, whole, text)
    result = _store_items(kind, differing, seen, sent_at, text) if differing else PageResult(0, 0, 0)
    return PageResult(len(items), result.created, result.changed)


def _differing(kind: Kind, items: list[dict[str, Any]], text: str | None) -> list[dict[str, Any]]:
    """Those that aren't held like this; looked up without a lock."""
    if text is not None:
        ids = pages_sqlite.different(kind, text)
        items = [item for item in items if item["id"] in ids]
    held = kind.model._default_manager.filter(pk__in=[item["id"] for item in items], deleted_at=None)
    states = dict(held.values_list("pk", "data"))
    return [item for item in items if item["id"] not in states or states[item["id"]] != storable(item)[0]]


def _store_text(kind: Kind, text: str, count: int, seen: Bounds, sent_at: datetime | None, touch: bool) -> PageResult:
    now = clock.now()
    values: dict[str, str | bool | datetime | None] = {
        "text": text,
        "object_type": kind.object,
        "account": rows.account_id(),
        "livemode": conf.livemode,
        "as_of": seen.as_of,
        "read_until": seen.read_until,
        "now": now,
        "sent_at": sent_at,
    }
    table = connection.ops.quote_name(kind.model._meta.db_table)
    confirmed = connection.ops.quote_name(Confirmation._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(UPSERT.format(page=PAGE, newer=NEWER.format(confirmations=confirmed), table=table), values)
        *changed, (_, created, _, _, _) = sorted(cursor.fetchall(), key=lambda row: row[0] is None)
        insert_each([_change_of_row(kind, row, seen, now) for row in changed])
    if touch and created + len(changed) < count:
        with connection.cursor() as cursor:
            cursor.execute(TOUCH.format(page=PAGE, table=table), values)
    return PageResult(count, created, len(changed))


def _change_of_row(kind: Kind, row: tuple[Any, ...], seen: Bounds, now: datetime) -> Change:
    id, version, old, new, revived = row
    # A row that another transaction made after this statement's snapshot has no `before`.
    fields = differences(json.loads(old), json.loads(new)) if old else {}
    return _change(kind, id, version=version, fields=fields, revived=revived, at=seen.as_of, now=now)


def _store_items(
    kind: Kind, items: list[dict[str, Any]], seen: Bounds, sent_at: datetime | None, text: str | None
) -> PageResult:
    """The same in Python, in one transaction, rows locked in the order of their ids; `text` where it can be stored."""
    unique = {str(item["id"]): item for item in items}
    manager, now = kind.model._default_manager, clock.now()
    with transaction.atomic():
        found = manager.select_for_update().only(*rows.OWN_COLUMNS).filter(pk__in=unique).order_by("pk")
        held = {str(row.pk): row for row in found}
        fresh = [id for id in sorted(unique) if id not in held]
        # Another writer's row wins here and gives way to the next page.
        if fresh and text is not None:
            # An object that stands in the page twice must come out of it once.
            once = text if len(unique) == len(items) else json.dumps({"data": [unique[id] for id in fresh]})
            pages_sqlite.insert(kind, once, fresh, seen, now=now)
        else:
            account = rows.account_id()
            new = [_new_row(kind, unique[id], seen, account, now=now) for id in fresh]
            manager.bulk_create(new, ignore_conflicts=True)
        results = [_store_known(kind, held[id], unique[id], seen, sent_at, now=now) for id in sorted(held)]
        changes = [result for result in results if isinstance(result, Change)]
        insert_each(changes)
        touched = [id for id, result in zip(sorted(held), results, strict=True) if result is Decision.DUPLICATE]
        _touch(manager, touched, held, seen, now=now)
    return PageResult(len(items), len(fresh), len(changes))


def _touch(manager: Any, ids: list[str], held: dict[str, StripeObject], seen: Bounds, *, now: datetime) -> None:
    """Move the seconds of unchanged rows; nearly always they are all the same."""
    groups = dict[tuple[datetime, datetime, datetime], list[str]]()
    for id in ids:
        moved = ordering.bounds_after_read(
            rows.held(held[id]), Decision.DUPLICATE, as_of=seen.as_of, read_until=seen.read_until or seen.as_of
        )
        stamp = ordering.after(held[id].synced_at, now)
        groups.setdefault((moved.as_of, moved.read_until or moved.as_of, stamp), []).append(id)
    for (as_of, read_until, stamp), of_them in groups.items():
        manager.filter(pk__in=of_them).update(as_of=as_of, read_until=read_until, synced_at=stamp)


def _store_known(
    kind: Kind, row: StripeObject, item: dict[str, Any], seen: Bounds, sent_at: datetime | None, *, now: datetime
) -> Change | Decision:
    until = seen.read_until or seen.as_of
    held, (state, replaced) = rows.held(row), storable(item)
    decision = ordering.decide_read(held, state, as_of=seen.as_of, read_until=until, sent_at=sent_at)
    doubtful = sent_at is None and seen.as_of <= (row.read_until or row.as_of)
    if decision is not Decision.APPLY or doubtful:
        return decision if decision is not Decision.APPLY else Decision.STALE
    old, revived = row.data, row.deleted_at is not None
    bounds = ordering.bounds_after_read(held, decision, as_of=seen.as_of, read_until=until)
    rows.update(row, data=state, bounds=bounds, now=now, deleted_at=None, nul_replaced=replaced)
    fields = differences(old, state)
    return _change(kind, str(row.pk), version=row.version, fields=fields, revived=revived, at=seen.as_of, now=now)


def _new_row(kind: Kind, item: dict[str, Any], seen: Bounds, account: str, *, now: datetime) -> StripeObject:
    state, replaced = storable(item)
    return rows.new_row(kind, state, bounds=seen, account=account, nul_replaced=replaced, now=now)


def _change(
    kind: Kind, id: str, *, version: int, fields: dict[str, Any], revived: bool, at: datetime, now: datetime
) -> Change:
    action = Change.Action.CREATED if revived else Change.Action.UPDATED
    return change(kind, id, action, fields=fields, version=version, happened_at=at, recorded_at=now, origin=SYNC)
