"""Which rows an export has: those of a list, as its address describes them, or ticked ones of it.

A selection can be kept and read again outside of a request: it is the list itself that answers, with the filters,
search, ordering and permissions that it has for that person.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.contrib.auth.base_user import AbstractBaseUser

# What chooses a page of the list rather than rows.
PAGE_PARAMETERS = (PAGE_VAR, ALL_VAR, ERROR_FLAG)
# More ids than these travel as one parameter: databases limit how many a statement has.
FEW = 500


class WrongSelection(ValueError):
    """The list doesn't understand what the selection asks for; the message is a sentence for whoever made it."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Rows of one list."""

    # Model of the rows, as in the list's address: "customer", "invoice", "push".
    model_name: str
    # The list's address behind its question mark: filters, search, ordering. What names a page is left out.
    query: str = ""
    # The ticked rows among them; None for all.
    ids: tuple[str, ...] | None = None

    @property
    def model(self) -> type[Any]:
        """The rows' model. Raises WrongSelection where there is none (any more)."""
        try:
            return apps.get_model("stripe_mirror", self.model_name)
        except LookupError:
            raise WrongSelection(_("There is no list of “%(name)s”.") % {"name": self.model_name[:64]}) from None

    def to_json(self) -> dict[str, Any]:
        """For a JSON column, and for `from_json`."""
        ids = None if self.ids is None else list(self.ids)
        return {"model_name": self.model_name, "query": self.query, "ids": ids}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Selection:
        """What `to_json` gave; raises WrongSelection for anything else."""
        ids = stored.get("ids") if isinstance(stored, dict) else ()
        texts = [stored.get("model_name"), stored.get("query", ""), *(ids or [])] if isinstance(stored, dict) else [0]
        if not all(isinstance(text, str) for text in texts):
            raise WrongSelection(_("This selection of rows is not understood."))
        return cls(model_name=texts[0], query=texts[1], ids=None if ids is None else tuple(ids))


def row_parameters(query: QueryDict) -> QueryDict:
    """Of a list's address what chooses rows, to be changed at will."""
    kept = query.copy()
    for name in PAGE_PARAMETERS:
        kept.pop(name, None)
    return kept


@dataclass(frozen=True)
class Listed:
    """A selection as its list answers it."""

    changelist: Any
    # Exactly the list's rows for that person, in the list's order.
    rows: QuerySet[Any]


def queryset_of(selection: Selection, user: AbstractBaseUser, site: AdminSite) -> QuerySet[Any]:
    """The rows alone; raises as `listed` does."""
    return listed(selection, user, site).rows


def listed(selection: Selection, user: AbstractBaseUser, site: AdminSite) -> Listed:
    """What the list shows that person.

    Raises PermissionDenied for who may not see or export the kind, WrongSelection with a sentence where the list
    doesn't understand a filter or an ordering.
    """
    model = selection.model
    if model not in site._registry:
        raise WrongSelection(_("There is no list of “%(name)s”.") % {"name": selection.model_name})
    model_admin: Any = site._registry[model]
    request = _request(selection, user)
    if not model_admin.has_view_permission(request) or not model_admin.has_export_permission(request):
        raise PermissionDenied(_("You may not export these rows."))
    changelist = _changelist(model_admin, request)
    rows = changelist.get_queryset(request)
    if selection.ids is not None:
        rows = rows.filter(pk__in=_among(selection.ids, rows.db))
    return Listed(changelist, rows)


def _changelist(model_admin: Any, request: HttpRequest) -> Any:
    try:
        changelist = model_admin.get_changelist_instance(request)
    except IncorrectLookupParameters:
        raise WrongSelection(
            _("This filter is not understood, so nothing was exported. Filter the list again.")
        ) from None
    if left_out := getattr(changelist, "left_out", None):
        raise WrongSelection(" ".join(str(sentence) for sentence in left_out.values()))
    return changelist


def _request(selection: Selection, user: AbstractBaseUser) -> HttpRequest:
    """The list's, as that person would ask for it."""
    query = row_parameters(QueryDict(selection.query))
    request = HttpRequest()
    request.method = "GET"
    vars(request)["GET"] = query
    request.META["QUERY_STRING"] = query.urlencode()
    vars(request)["user"] = user
    return request


def _among(ids: tuple[str, ...], database: str) -> Any:
    """The ids as a condition takes them, however many they are."""
    if len(ids) <= FEW:
        return [id for id in ids if "\x00" not in id]
    listed = json.dumps([id for id in ids if "\x00" not in id])
    if connections[database].vendor == "postgresql":
        return RawSQL("SELECT jsonb_array_elements_text(%s::jsonb)", [listed])
    return RawSQL("SELECT value FROM json_each(%s)", [listed])


def filter_names(model_name: str, user: AbstractBaseUser, site: AdminSite) -> list[str]:
    """The names that the list's filters have in its address, for messages; empty where the list can't be asked."""
    selection = Selection(model_name=model_name)
    request = _request(selection, user)
    try:
        changelist = site._registry[selection.model].get_changelist_instance(request)
    except (IncorrectLookupParameters, KeyError, WrongSelection):
        return []
    return sorted({str(name) for spec in changelist.filter_specs for name in spec.expected_parameters()})
