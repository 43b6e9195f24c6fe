"""How a change reads in a summary ("Email: old → new"), and how numbers and lists are said in a person's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from django.utils.translation import gettext as _

from stripe_mirror.push.metadata import difference

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

# What people read: a text, or one that becomes a text in the language of whoever reads it.
Words: TypeAlias = "_StrOrPromise"


def change_line(label: str, old: Any, new: Any) -> str:
    """One field, before and after."""
    return f"{label}: {_shown(old)} → {_shown(new)}"


def metadata_lines(present: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Each entry of the metadata that changes."""
    return [
        change_line(_("Metadata “%(key)s”") % {"key": k}, present.get(k, ""), v)
        for k, v in difference(present, wanted).items()
    ]


def joined(words: Iterable[str]) -> str:
    """ "€20.00 and $5.00" """
    return _(" and ").join(words)


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or _("(empty)"))
