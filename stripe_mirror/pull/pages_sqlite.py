"""The statements by which SQLite, too, takes a page's text as Stripe sent it: see `pull.pages`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, models

from stripe_mirror.conf import conf
from stripe_mirror.kinds import Kind
from stripe_mirror.pull import rows
from stripe_mirror.pull.ordering import Bounds

# Texts are compared: a row that was stored otherwise than from a page is looked at more closely.
DIFFERENT = """
SELECT JSON_EXTRACT(page.value, '$.id') FROM JSON_EACH(%s, '$.data') AS page WHERE NOT EXISTS (
    SELECT 1 FROM {table} AS held
    WHERE held.id = JSON_EXTRACT(page.value, '$.id') AND held.data = page.value AND held.deleted_at IS NULL
)"""
INSERT = """
INSERT INTO {table}
    (id, account, livemode, data, as_of, read_until, synced_at, changed_at, version, nul_replaced)
SELECT JSON_EXTRACT(page.value, '$.id'), %s, %s, page.value, %s, %s, %s, %s, 1, FALSE
FROM JSON_EACH(%s, '$.data') AS page
WHERE JSON_EXTRACT(page.value, '$.id') IN (SELECT value FROM JSON_EACH(%s))
ON CONFLICT DO NOTHING"""


def different(kind: Kind, text: str) -> set[str]:
    """The ids of the page's objects that aren't held in just this text."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENT.format(table=_table(kind)), [text])
        return {id for (id,) in cursor.fetchall()}


def insert(kind: Kind, text: str, ids: Sequence[str], seen: Bounds, *, now: datetime) -> int:
    """Store those of the page's objects as new rows; how many were. A row that is there already stays."""
    moments = [_moment(at) for at in (seen.as_of, seen.read_until or seen.as_of, now, now)]
    values: list[str | bool] = [rows.account_id(), conf.livemode, *moments, text, json.dumps(list(ids))]
    with connection.cursor() as cursor:
        cursor.execute(INSERT.format(table=_table(kind)), values)
        return int(cursor.rowcount)


def _moment(at: datetime) -> str:
    return str(models.DateTimeField().get_db_prep_save(at, connection))


def _table(kind: Kind) -> str:
    return connection.ops.quote_name(kind.model._meta.db_table)
