"""The registry: what is mirrored. Each model declares its `Kind`; everything else walks over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from django.apps import apps

if TYPE_CHECKING:
    from stripe_mirror.models.base import StripeObject


# As a `stem`: Stripe has no address for a single object of this kind.
NONE = "-"


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """Where objects of another kind stand inside this kind's payload, complete and worth storing."""

    # The embedded objects' kind, by Stripe's `object` value.
    object: str
    # Dotted path to one object or to a list of them ("items.data", "items.data.price").
    path: str
    # Path to the list object, where a complete list proves that missing children are gone.
    list_path: str = ""
    # The child's column that names this object, for finding children that left the list.
    parent_column: str = ""
    # Columns of the child that are ours, because its own object doesn't say where it stands: which field of this object
    # each takes, and the one that takes its place in the list, from 0.
    given: Mapping[str, str] = field(default_factory=dict)
    position_column: str = ""


@dataclass(frozen=True, kw_only=True)
class Through:
    """Where Stripe lists a kind only inside the list of another one, expanded: "data.tax_ids" of customers."""

    # The kind whose list is read.
    object: str
    # What to expand in that list; more places with a space between them.
    expand: str
    # Where the objects then stand inside each item of the list; more paths with a space between them.
    path: str


@dataclass(frozen=True, kw_only=True)
class Nested:
    """Where Stripe lists a kind only below each object of another one: a customer's balance transactions."""

    # The kind above.
    object: str
    # The list's path, with `{parent}` for the id of the object above.
    path: str
    # Our column that names the object above.
    parent_column: str


@dataclass(frozen=True, kw_only=True)
class Implied:
    """A change of another kind after which objects of this one may be new or different without an event of their own.

    What to read then: a list, or one object that shows them expanded. Dotted paths in braces ("{id}", "{customer}") are
    values of the changed object; where one is missing, nothing is read.
    """

    # The kind whose change it is.
    by: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    # Where our objects stand in each object of the answer; "" where they are these objects.
    inside: str = ""
    # Only where one of these fields of it changed (a created object's fields all did); empty: with each change.
    fields: tuple[str, ...] = ()
    # Only where the changed object has one of these values at each path; without values: anything but null.
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Only where we lack one of the objects whose ids stand at this path of it.
    unless_held: str = ""
    # Read the newest of the list, back to the second of the change: one read for the changes of many objects.
    newest: bool = False
    # What stood at `unless_held` and does no more, or stood there when the changed object was deleted, may have ended
    # without a word: look for each of them.
    ends_untold: bool = False


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One mirrored kind of Stripe object: how it is listed, found in events, linked and shown in Stripe."""

    # Stripe's `object` value, as in `data.object.object` of an event.
    object: str
    # The path of the list over all; "" where Stripe has none (see `through`, `nested` and `parent`).
    list_path: str = ""
    # The stem of one object's path, where it isn't the list's; NONE where Stripe doesn't give single ones.
    stem: str = ""
    # One full listing is a pass per entry: Stripe hides some rows without the right filter.
    passes: tuple[Mapping[str, str], ...] = ({},)
    # Whether the list takes a `created` range.
    created_filter: bool = True
    # Event types that carry a snapshot of this kind.
    events: tuple[str, ...] = ()
    # How its ids begin, for finding the kind of a pasted id; empty where ids are free text.
    prefixes: tuple[str, ...] = ()
    # Stem of its page in Stripe's Dashboard ("customers"); "" where it has none.
    dashboard: str = ""
    # Other kinds that come inside its payload.
    embeds: tuple[Embedded, ...] = ()
    # The kind whose payload carries this one, where it has neither events nor a list over all.
    parent: str = ""
    # Other lists that show this kind.
    through: tuple[Through, ...] = ()
    nested: Nested | None = None
    # Changes of other kinds that change this one silently.
    implied: tuple[Implied, ...] = ()
    # The list leaves out what belongs to a test clock unless it is filtered by this: "test_clock", or "customer".
    by_test_clock: str = ""
    # A GET of a deleted one answers a stub (customers) rather than 404.
    listed_when_deleted: bool = False

    @property
    def model(self) -> type[StripeObject]:
        """The Django model that holds this kind."""
        return _models()[self.object]

    @property
    def model_name(self) -> str:
        """The model's name in lower case, as in admin addresses and permissions."""
        return str(self.model._meta.model_name)

    @property
    def owns(self) -> bool:
        """Whether some of what it embeds ends with it."""
        return any(embeds.parent_column for embeds in self.embeds)

    @property
    def retrievable(self) -> bool:
        """Whether Stripe gives single objects of this kind."""
        return self.stem != NONE

    def path(self, id: str, *, parent: str = "") -> str:
        """The API path of one object; a nested kind needs the id of the object above. Raises LookupError."""
        if not self.retrievable or (self.nested and not parent):
            raise LookupError(f"Stripe has no address for a single {self.object}")
        stem = self.nested.path.format(parent=parent) if self.nested else self.stem or self.list_path
        # Coupons and products may have ids of somebody's choice: "50% off/2".
        return f"{stem}/{quote(id, safe='')}"


@cache
def _models() -> dict[str, type[StripeObject]]:
    models = apps.get_app_config("stripe_mirror").get_models()
    return {
        cast("type[StripeObject]", m).kind.object: cast("type[StripeObject]", m) for m in models if hasattr(m, "kind")
    }


def all_kinds() -> tuple[Kind, ...]:
    """Every mirrored kind, in the order in which they are best synced and shown."""
    return tuple(model.kind for model in _models().values())


def kind_of(object_name: str) -> Kind | None:
    """The kind of a Stripe `object` value, or None where it isn't mirrored."""
    model = _models().get(object_name)
    return model.kind if model else None


def get_kind(object_name: str) -> Kind:
    """As `kind_of`, for names that must exist. Raises KeyError."""
    return _models()[object_name].kind


def kind_of_id(id: str) -> Kind | None:
    """The kind whose id prefix this id has, or None."""
    found = [(len(prefix), kind) for kind in all_kinds() for prefix in kind.prefixes if id.startswith(prefix)]
    # The longest: "sub_" begins the ids of schedules, too.
    return max(found, key=lambda pair: pair[0])[1] if found else None


def all_event_types() -> tuple[str, ...]:
    """Every event type that the mirror needs, sorted: what our webhook endpoint subscribes to."""
    return tuple(sorted({event for kind in all_kinds() for event in kind.events}))
