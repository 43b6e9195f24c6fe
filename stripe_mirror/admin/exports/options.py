"""How an export is written: its columns, format, time zone and units; as JSON, for exports that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone as django_timezone
from django.utils.translation import gettext as _

CSV, JSONL, XLSX = "csv", "jsonl", "xlsx"
FORMATS = (CSV, JSONL, XLSX)
# By their names: a tab can't be the value of a form's choice, it is lost on the way.
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
MOST_COLUMNS = 300


class WrongOptions(ValueError):
    """An option can't be what it is; the message is a sentence for whoever chose it."""


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Checked when made: raises WrongOptions. Names of columns are checked by `columns.columns_named`."""

    # Names in their order; empty for the kind's default ones.
    columns: tuple[str, ...] = ()
    format: str = CSV
    # Name of a time zone; "" for the office's.
    timezone: str = ""
    # Amounts as Stripe's integers rather than in the currency's major unit.
    minor_units: bool = False
    # CSV only: a byte order mark, by which Excel knows UTF-8.
    bom: bool = False
    # CSV only.
    separator: str = ","

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise WrongOptions(_("There is no format “%(name)s”: choose csv, jsonl or xlsx.") % {"name": self.format})
        if self.separator not in SEPARATORS.values():
            raise WrongOptions(_("Columns can be separated by a comma, a semicolon or a tab."))
        if len(self.columns) > MOST_COLUMNS:
            raise WrongOptions(_("An export has at most %(n)s columns.") % {"n": MOST_COLUMNS})
        if len(set(self.columns)) < len(self.columns):
            twice = next(name for name in self.columns if self.columns.count(name) > 1)
            raise WrongOptions(_("The column “%(name)s” is chosen twice.") % {"name": twice})
        _zone(self.timezone)

    @property
    def zone(self) -> Any:
        """The time zone, as datetime takes it."""
        return _zone(self.timezone)

    def to_json(self) -> dict[str, Any]:
        """For a JSON column, and for `from_json`."""
        return {
            "columns": list(self.columns),
            "format": self.format,
            "timezone": self.timezone,
            "minor_units": self.minor_units,
            "bom": self.bom,
            "separator": self.separator,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> ExportOptions:
        """What `to_json` gave; raises WrongOptions for anything else."""
        known = cls().to_json()
        if not isinstance(stored, dict) or any(type(stored[name]) is not type(known.get(name)) for name in stored):
            raise WrongOptions(_("These options of an export are not understood."))
        columns = stored.get("columns", [])
        if not all(isinstance(name, str) for name in columns):
            raise WrongOptions(_("These options of an export are not understood."))
        return cls(**{**stored, "columns": tuple(columns)})


def _zone(name: str) -> Any:
    if not name:
        return django_timezone.get_default_timezone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongOptions(
            _("There is no time zone “%(name)s”. Name it as in Europe/Berlin.") % {"name": name[:64]}
        ) from None
