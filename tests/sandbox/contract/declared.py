"""What the sandbox declares: its endpoints, and every parameter they take, however deep."""

import re
from collections.abc import Iterator

from tests.sandbox import resources as resources
from tests.sandbox.params import Either, Fields, Kind, Many, Metadata, PerCurrency
from tests.sandbox.resource import Route, all_resources

Keys = tuple[str, ...]


def endpoints() -> list[Route]:
    """Every declared endpoint, in a stable order."""
    routes = [route for resource in all_resources() for route in resource.routes]
    return sorted(routes, key=lambda route: (route.path, route.method))


def name(route: Route) -> str:
    """How a test of this endpoint is called."""
    return f"{route.method} {route.path}"


def concrete(path: str, *ids: str) -> str:
    """A path with its `{…}` filled in, in order; "x" where there is no id."""
    remaining = iter(ids)
    return re.sub(r"\{.+?\}", lambda _: next(remaining, "x"), path)


def parameters(kind: Kind, keys: Keys = ()) -> Iterator[tuple[Keys, Kind]]:
    """The paths of all parameters below, and their types; "*" is an array's index or a free key."""
    if isinstance(kind, Fields):
        for key, member in kind.members.items():
            yield from parameters(member, (*keys, key))
    elif isinstance(kind, Many):
        yield from parameters(kind.item, (*keys, "*"))
    elif isinstance(kind, Either):
        yield keys, kind.scalar
        yield from parameters(kind.nested, keys)
    elif isinstance(kind, PerCurrency):
        yield from parameters(kind.option, (*keys, "*"))
    elif isinstance(kind, Metadata):
        yield (*keys, "*"), kind
    else:
        yield keys, kind


def required(kind: Kind) -> set[str]:
    """The first-level parameters that must be sent."""
    members = kind.members if isinstance(kind, Fields) else {}
    return {key for key, member in members.items() if member.required}
