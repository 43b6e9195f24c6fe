"""How the rows of a file become forms of an operation: what an operation declares, beside its form, to be imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ID = "id"


@dataclass(frozen=True)
class Importable:
    """Every field of the operation's form is a column of that name; exports may call it otherwise."""

    # Column of an export → the form's field.
    columns: Mapping[str, str] = field(default_factory=dict)
    # The column that names the object that a row is about ("id"); of what is added to an object, that one's.
    key: str = ID
    # Of a field, what exports write for its values.
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # Fields whose choices depend on the row: a form is built for each row that changes one of them. Building a form
    # takes longer than all else, so that otherwise one form judges all rows. None: always.
    by_row: tuple[str, ...] | None = ()
