"""Tells a stored object where it stands, if Stripe's object doesn't: a credit note's line names no credit note.

Written into columns of ours in the transaction that stores the row, so that no row is without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import transaction

from stripe_mirror.kinds import Embedded, get_kind
from stripe_mirror.pull.statements import update_each

State = Mapping[str, Any]


def together(embeds: Embedded) -> AbstractContextManager[Any]:
    """The transaction for storing children and saying where they stand; none of its own where they say it themselves:
    a page takes its locks in two transactions, each in order."""
    return transaction.atomic() if embeds.given else nullcontext()


def place(embeds: Embedded, found: Iterable[tuple[State, Sequence[State]]], *, start: int = 0) -> None:
    """Write where stored children stand: each parent with its children in order, the first one at `start`."""
    if not embeds.given:
        return
    columns = [*embeds.given, embeds.position_column]
    wanted = {
        str(child["id"]): [*(parent.get(name) for name in embeds.given.values()), position]
        for parent, children in found
        for position, child in enumerate(children, start)
    }
    rows = get_kind(embeds.object).model._default_manager.filter(pk__in=wanted)
    wrong = [id for id, *values in rows.values_list("pk", *columns) if values != wanted[id]]
    if wrong:
        # Locked in the order of everybody.
        locked = list(rows.filter(pk__in=wrong).select_for_update().order_by("pk").values_list("pk", flat=True))
        update_each(rows.model, columns, [(id, *wanted[id]) for id in locked])
