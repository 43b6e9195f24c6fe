"""What a person chose last for a list, and what they saved under a name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from stripe_mirror.admin.exports.access import may_have
from stripe_mirror.admin.exports.columns import (
    METADATA,
    METADATA_PREFIX,
    OWN,
    RELATED,
    Column,
    UnknownColumn,
    columns_named,
    columns_of,
    default_columns,
)
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.preferring import preferences_of
from stripe_mirror.models import SavedExport

MOST_SAVED = 100
# The order in which columns are offered, and written.
GROUPS = (OWN, METADATA, RELATED)


class Choice:
    """How a person has the files of a list: as last time, or as everybody the first time."""

    def __init__(self, user: User, model: type[Any], saved: SavedExport | None = None) -> None:
        self.user, self.model = user, model
        self.saved = saved or SavedExport.objects.filter(owner=user, model_name=model._meta.model_name, name="").first()
        zone = preferences_of(user).time_zone or settings.TIME_ZONE
        self.options = ExportOptions.from_json(self.saved.options) if self.saved else _usual(model, zone)

    @property
    def which(self) -> str:
        """The columns in one word: default, all or chosen."""
        if self.saved is None:
            return "default"
        return "chosen" if self.saved.name else str(self.saved.selection.get("which", "chosen"))

    def offered(self, keys: Iterable[str]) -> list[Column]:
        """Every column that can be ticked: the list's, those of these metadata keys, and what was ticked before."""
        known = {column.name: column for column in columns_of(self.model)}
        for name in (*(f"{METADATA_PREFIX}{key}" for key in keys), *self.options.columns):
            if name not in known and (column := column_named(self.model, name)):
                known[name] = column
        allowed = [column for column in known.values() if may_have(self.user, self.model, column)]
        return sorted(allowed, key=lambda column: GROUPS.index(column.group))


def column_named(model: type[Any], name: str) -> Column | None:
    """A column; None where there is none (any more)."""
    try:
        return columns_named(model, [name])[0]
    except UnknownColumn:
        return None


def _usual(model: type[Any], zone: str) -> ExportOptions:
    return ExportOptions(columns=tuple(column.name for column in default_columns(model)), timezone=zone)


def remember(user: User, model: type[Any], options: ExportOptions, *, which: str) -> None:
    """Begin with this the next time."""
    SavedExport.objects.update_or_create(
        owner=user,
        model_name=model._meta.model_name,
        name="",
        defaults={"options": options.to_json(), "selection": {"which": which}},
    )


def saved_by(user: User) -> Any:
    """What the person saved under names."""
    return SavedExport.objects.filter(owner=user).exclude(name="")
