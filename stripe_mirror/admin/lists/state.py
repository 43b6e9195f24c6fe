"""How one person sees one list now: the view that is open, its columns, and whether it differs from what is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest
from django.utils.translation import gettext as _

from stripe_mirror.admin.columns import Column
from stripe_mirror.admin.display import list_url
from stripe_mirror.admin.lists import catalogue
from stripe_mirror.admin.lists.ready import READY, ReadyView
from stripe_mirror.models import SavedView

# Parameters of a list's address: the open view, and a column (once for each), where they differ from the saved ones.
VIEW, COLUMN = "view", "col"
ALL = "all"
# What chooses a page rather than rows, or how they are shown.
ASIDE = frozenset({"p", "e", "all", VIEW, COLUMN})


@dataclass(frozen=True)
class Tab:
    """A view as the list offers it."""

    key: str
    name: str
    url: str
    current: bool
    own: bool


@dataclass(frozen=True)
class ListState:
    """The list of a kind as one person has it."""

    model_admin: Any
    request: HttpRequest

    @cached_property
    def _stored(self) -> list[SavedView]:
        return list(SavedView.objects.visible_to(self.request.user).filter(object_type=self.object_type))

    @cached_property
    def preference(self) -> SavedView:
        """What the person has chosen for the kind."""
        own = next((view for view in self._stored if not view.name), None)
        return own or SavedView(owner_id=self.request.user.pk, object_type=self.object_type)

    def prefer(self, **chosen: Any) -> None:
        """Remember this for the person and the kind."""
        SavedView.objects.update_or_create(
            owner_id=self.request.user.pk, object_type=self.object_type, name="", defaults=chosen
        )

    @cached_property
    def saved(self) -> list[SavedView]:
        """The saved views that the person may open."""
        return [view for view in self._stored if view.name]

    @property
    def object_type(self) -> str:
        """Stripe's `object` of the rows."""
        return str(self.model_admin.kind.object)

    @property
    def views(self) -> list[ReadyView | SavedView]:
        """All views, the ready ones first."""
        return [*READY.get(self.object_type, ()), *self.saved]

    @cached_property
    def view(self) -> ReadyView | SavedView | None:
        """The one that is open; None for all rows."""
        key = self.request.GET.get(VIEW, "")
        return next((view for view in self.views if key_of(view) == key), None)

    @property
    def key(self) -> str:
        """Of the view that is open."""
        return key_of(self.view)

    @property
    def is_first(self) -> bool:
        """Whether the open view is the one that opens first."""
        return self.key == (self.preference.first_view or ALL)

    @cached_property
    def names(self) -> list[str]:
        """Names of the columns: of the address, of the view, of the person, or the kind's own."""
        wanted: Sequence[str] = self.request.GET.getlist(COLUMN) or self._saved_columns()
        found = [column.__name__ for column in catalogue.columns_named(self.model_admin, wanted)]
        return found or catalogue.own_names(self.model_admin)

    @property
    def columns(self) -> list[Column]:
        """The columns that are shown."""
        return catalogue.columns_named(self.model_admin, self.names)

    @property
    def relations(self) -> list[str]:
        """Relations that the columns show."""
        return catalogue.relations_of(self.model_admin, self.names)

    @property
    def query(self) -> str:
        """Search, filters and ordering as a saved view keeps them."""
        return normal(self.request.GET.urlencode())

    @property
    def changed(self) -> bool:
        """Whether the open view differs from what is saved."""
        if self.view is None:
            return False
        other_columns = COLUMN in self.request.GET and self.names != list(self.view.columns)
        return other_columns or self.query != normal(self.view.query)

    @property
    def worth_saving(self) -> bool:
        """Whether there is anything that a new view would keep."""
        return self.changed or (self.view is None and bool(self.query))

    @property
    def may_share(self) -> bool:
        """Whether this person may share views with everyone."""
        return bool(getattr(self.request.user, "has_perm")("stripe_mirror.share_savedview"))  # noqa: B009

    @property
    def may_edit(self) -> bool:
        """Whether this person may change the open view."""
        return isinstance(self.view, SavedView) and may_edit(self.view, self)

    @property
    def problems(self) -> list[str]:
        """What of the address or the view isn't there (any more)."""
        key = self.request.GET.get(VIEW, ALL)
        gone = (
            [_("This view isn't there any more, or isn't shared with you.")] if self.view is None and key != ALL else []
        )
        wanted = self.request.GET.getlist(COLUMN) or (list(self.view.columns) if self.view else [])
        return gone + catalogue.unknown_names(self.model_admin, wanted)

    @property
    def tabs(self) -> list[Tab]:
        """The views as tabs, all rows first."""
        base, user = list_url(self.model_admin.model), self.request.user.pk
        found = [Tab(ALL, _("All"), f"{base}?{VIEW}={ALL}", self.view is None, False)]
        for view in self.views:
            found.append(
                Tab(key_of(view), str(view.name), base + address_of(view), view is self.view, view.owner_id == user)
            )
        return found

    @property
    def address(self) -> str:
        """The list's own query, for forms and links that keep it."""
        query = self.request.GET.copy()
        query.pop("p", None)
        return f"?{query.urlencode()}" if query else ""

    @property
    def views_url(self) -> str:
        """Where views are saved."""
        return f"{list_url(self.model_admin.model)}lists/views/"

    @property
    def columns_url(self) -> str:
        """Where columns are chosen."""
        return f"{list_url(self.model_admin.model)}lists/columns/"

    def first_address(self) -> str:
        """Where the list leads that is opened without parameters; "" for all rows."""
        first = self.preference.first_view
        view = next((view for view in self.views if key_of(view) == first), None) if first else None
        return list_url(self.model_admin.model) + address_of(view) if view else ""

    def _saved_columns(self) -> list[str]:
        chosen = list(self.view.columns) if self.view else []
        return chosen or list(self.preference.columns)


def may_edit(view: SavedView, state: ListState) -> bool:
    """Its owner may, and who may share views where it is shared."""
    return view.owner_id == state.request.user.pk or (view.shared and state.may_share)


def key_of(view: ReadyView | SavedView | None) -> str:
    """A view's key in addresses."""
    if view is None:
        return ALL
    return view.key if isinstance(view, ReadyView) else str(view.pk)


def address_of(view: ReadyView | SavedView) -> str:
    """A view's address from the question mark on."""
    return "?" + urlencode([(VIEW, key_of(view)), *parse_qsl(view.query)])


def normal(query: str) -> str:
    """An address's search, filters and ordering, in an order that can be compared."""
    return urlencode(sorted((name, value) for name, value in parse_qsl(query) if name not in ASIDE))


def list_state(request: HttpRequest, model_admin: Any) -> ListState:
    """The state of a request's list, worked out once."""
    held: dict[Any, ListState] = vars(request).setdefault("list_states", {})
    return held.setdefault(model_admin, ListState(model_admin, request))
