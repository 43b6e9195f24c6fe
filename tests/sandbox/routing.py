"""From method and path to the declared endpoint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from tests.sandbox.errors import unknown_url
from tests.sandbox.resource import Resource, Route


@dataclass
class Match:
    """An endpoint and the ids in the path."""

    route: Route
    ids: list[str]


class Router:
    """All endpoints, by method, first segment and number of segments."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.routes: dict[tuple[str, str, int], list[tuple[list[str], Route]]] = {}
        for resource in resources:
            for route in resource.routes:
                parts = route.path.split("/")
                self.routes.setdefault((route.method, parts[2], len(parts)), []).append((parts, route))
        for candidates in self.routes.values():
            candidates.sort(key=lambda candidate: sum(part.startswith("{") for part in candidate[0]))

    def match(self, method: str, path: str) -> Match:
        """The endpoint of a request, or Stripe's 404."""
        parts = [unquote(part) for part in path.split("/")]
        if len(parts) > 2:
            for pattern, route in self.routes.get((method, parts[2], len(parts)), ()):
                pairs = list(zip(pattern, parts, strict=True))
                if all(wanted == part or wanted.startswith("{") for wanted, part in pairs):
                    return Match(route, [part for wanted, part in pairs if wanted.startswith("{")])
        raise unknown_url(method, path)

    def all(self) -> list[Route]:
        """Every endpoint."""
        return [route for candidates in self.routes.values() for _, route in candidates]
