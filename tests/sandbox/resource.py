"""How a resource is declared: its name, routes, parameters, lists, expansions. One short file per resource does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.sandbox.params import Fields, Int, Kind, Many, Str
from tests.sandbox.store import Row

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

ANY_KIND = "*"  # an expandable field that holds the id of an object of one kind or another
ABSENT = object()  # what an include answers when the object has no such property
Handler = Callable[..., Any]
EXPAND: dict[str, Kind] = {"expand": Many(Str())}
PAGING: dict[str, Kind] = {
    **EXPAND,
    "limit": Int(),
    "starting_after": Str(),
    "ending_before": Str(),
}


@dataclass(frozen=True)
class Route:
    """One endpoint. `{x}` segments are handed to the handler by position."""

    method: str
    path: str
    params: Fields
    handler: Handler
    resource: Resource


@dataclass
class Listing:
    """A handler's answer that is a page of objects."""

    rows: list[Row]
    has_more: bool
    url: str


@dataclass
class Plain:
    """A handler's answer that is sent as it is (a deleted stub)."""

    body: dict[str, Any]


@dataclass
class Elsewhere:
    """A handler's answer that is an object of another sandbox: of a double, in which something was rehearsed."""

    sandbox: Sandbox
    row: Row


@dataclass
class Resource:
    """A kind of object. `expands` maps a dotted path inside the object to the kind that stands there as an id
    (or, with `embeds`, as a full object); a kind of `""` is expandable at Stripe but always null here. `clocked`:
    objects of a test clock are listed only when one of these filters is given."""

    object: str
    prefix: str
    path: str
    noun: str = ""
    id_length: int = 14
    indexes: tuple[str, ...] = ()
    created: str = "created"
    expands: dict[str, str] = field(default_factory=dict)
    embeds: dict[str, str] = field(default_factory=dict)
    includes: dict[str, tuple[str, Callable[[Sandbox, Row], Any]]] = field(default_factory=dict)
    decorate: Callable[[Sandbox, Row], None] | None = None
    keep_deleted: bool = False
    clocked: tuple[str, ...] = ()
    routes: list[Route] = field(default_factory=list)

    def __post_init__(self) -> None:
        RESOURCES[self.object] = self

    def on(self, method: str, suffix: str = "", /, **params: Kind) -> Callable[[Handler], Handler]:
        """Declare an endpoint: `@CUSTOMER.on("POST", "/{id}", name=Str())`."""

        def declare(handler: Handler) -> Handler:
            path = suffix if suffix.startswith("/v1/") else self.path + suffix
            self.routes.append(Route(method, path, Fields(EXPAND, params), handler, self))
            return handler

        return declare

    def lists(self, *, columns: dict[str, str] | None = None, **filters: Kind) -> None:
        """Declare the plain list: filters named like a column (or mapped to one), ranges on timestamps."""

        def handler(sandbox: Sandbox, params: dict[str, Any]) -> Listing:
            return sandbox.page(self.object, params, columns=columns)

        self.routes.append(Route("GET", self.path, Fields(PAGING, filters), handler, self))

    def reads(self) -> None:
        """Declare `GET /v1/things/{id}`; a deleted object whose last state is kept answers with its stub."""

        def handler(sandbox: Sandbox, params: dict[str, Any], object_id: str) -> Any:
            table = sandbox.table(self.object)
            if object_id not in table.rows and object_id in table.gone and self.keep_deleted:
                return Plain(self.stub(object_id))
            return sandbox.fetch(self.object, object_id)

        self.routes.append(Route("GET", self.path + "/{id}", Fields(EXPAND), handler, self))

    def stub(self, object_id: str) -> dict[str, Any]:
        """What is left of a deleted object."""
        return {"id": object_id, "object": self.object, "deleted": True}


RESOURCES: dict[str, Resource] = {}


def all_resources() -> Iterable[Resource]:
    """Every declared resource (importing `tests.sandbox.resources` declares them)."""
    return RESOURCES.values()


def merge(row: Row, values: dict[str, Any], *, skip: Iterable[str] = ()) -> None:
    """Write parameters into an object as Stripe does: nested objects merge per leaf, arrays are replaced, `""`
    clears, metadata merges per key and `""` removes one."""
    left_out = {"expand", *skip}
    for key, value in values.items():
        if key in left_out:
            continue
        if key == "metadata":
            row[key] = merged_metadata(row.get(key), value)
        elif isinstance(value, dict):
            held = row.get(key)
            row[key] = held if isinstance(held, dict) else {}
            merge(row[key], value)
        else:
            row[key] = None if value == "" else value


def merged_metadata(held: dict[str, str] | None, sent: dict[str, str] | str) -> dict[str, str]:
    """Metadata after an update."""
    if sent == "":
        return {}
    assert isinstance(sent, dict)
    merged = {**(held or {}), **sent}
    return {key: value for key, value in merged.items() if value != ""}
