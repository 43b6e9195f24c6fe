"""The registry: what is mirrored. Each model declares its `Kind`; everything else walks over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

from django.apps import apps

if TYPE_CHECKING:
    from stripe_mirror.models.base import StripeObject


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


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One mirrored kind of Stripe object: how it is listed, found in events, linked and shown in Stripe."""

    # Stripe's `object` value, as in `data.object.object` of an event.
    object: str
    # The list's path, also the stem of one object's path; "" where Stripe has no list over all.
    list_path: str
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
    # The kind and column of the parent whose payload carries this one, where it has no events of its own.
    parent: str = ""
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

    def path(self, id: str) -> str:
        """The API path of one object."""
        return f"{self.list_path}/{id}"


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
    return next((kind for kind in all_kinds() if id.startswith(kind.prefixes or ("\0",))), None)


def all_event_types() -> tuple[str, ...]:
    """Every event type that the mirror needs, sorted: what our webhook endpoint subscribes to."""
    return tuple(sorted({event for kind in all_kinds() for event in kind.events}))
