"""From stored objects to answers: nested lists are put in, and `expand[]` paths replace ids by objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.errors import invalid
from tests.sandbox.resource import ABSENT, ANY_KIND, RESOURCES, Resource
from tests.sandbox.store import Row, clone

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

DEEPEST = 4


def render(sandbox: Sandbox, row: Row) -> Row:
    """An object as Stripe shows it with nothing expanded: a copy that the caller may keep."""
    shown: Row = clone(row)
    resource = RESOURCES[row["object"]]
    if resource.decorate is not None:
        resource.decorate(sandbox, shown)
    return shown


def nested_list(sandbox: Sandbox, rows: list[Row], *, url: str, limit: int) -> dict[str, Any]:
    """A list inside an object: the first `limit` members and where to read the rest."""
    shown = [render(sandbox, row) for row in rows[:limit]]
    return {"object": "list", "data": shown, "has_more": len(rows) > limit, "url": url}


def expand(
    sandbox: Sandbox,
    shown: list[Row],
    resource: Resource,
    paths: list[str],
    *,
    listing: bool,
) -> None:
    """Apply every requested path to the rendered objects; an impossible one is refused even on an empty list."""
    for path in paths:
        tokens = path.split(".")
        if len(tokens) > DEEPEST:
            raise invalid(f"You cannot expand more than {DEEPEST} levels of a property. Property: {path}")
        if listing:
            if tokens[0] != "data" or len(tokens) == 1:
                raise not_expandable(path)
            tokens = tokens[1:]
        _walk(sandbox, shown, resource, tokens, path)


def not_expandable(path: str) -> Exception:
    """Stripe's refusal of a path."""
    return invalid(f"This property cannot be expanded ({path}).", param="expand")


def _walk(sandbox: Sandbox, rows: list[Row], resource: Resource, tokens: list[str], path: str) -> None:
    for length in range(len(tokens), 0, -1):
        name = ".".join(tokens[:length])
        if name in resource.includes:
            children, target = _include(sandbox, rows, resource, name)
            rest = tokens[length:]
            if rest[:1] == ["data"]:
                rest = rest[1:]
        elif name in resource.expands:
            target, rest = resource.expands[name], tokens[length:]
            children = _replace(sandbox, rows, name, target)
        elif name in resource.embeds:
            target, rest = resource.embeds[name], tokens[length:]
            children = _members(rows, name)
            if not rest:
                raise not_expandable(path)
        else:
            continue
        if rest:
            if target not in RESOURCES:
                raise not_expandable(path)
            _walk(sandbox, children, RESOURCES[target], rest, path)
        return
    raise not_expandable(path)


def _include(sandbox: Sandbox, rows: list[Row], resource: Resource, name: str) -> tuple[list[Row], str]:
    target, build = resource.includes[name]
    children: list[Row] = []
    for row in rows:
        for holder, key in _holders([row], name.split(".")):
            if key not in holder:
                built = build(sandbox, row)
                if built is ABSENT:
                    continue
                holder[key] = built
            if isinstance(holder[key], dict):
                children += holder[key].get("data", [])
    return children, target


def _replace(sandbox: Sandbox, rows: list[Row], name: str, target: str) -> list[Row]:
    children: list[Row] = []
    for holder, key in _holders(rows, name.split(".")):
        value = holder.get(key)
        if isinstance(value, list):
            holder[key] = [_resolved(sandbox, item, target) for item in value]
            children += holder[key]
        elif value is not None:
            holder[key] = _resolved(sandbox, value, target)
            children.append(holder[key])
    return [child for child in children if isinstance(child, dict) and not child.get("deleted")]


def _resolved(sandbox: Sandbox, value: Any, target: str) -> Any:
    if isinstance(value, dict):
        return value
    if target == ANY_KIND:
        target = next((name for name, table in sandbox.tables.items() if value in table.rows), "")
    if target not in RESOURCES:
        return value
    table = sandbox.table(target)
    if value in table.rows:
        return render(sandbox, table.rows[value])
    if value not in table.gone:
        return value
    if target == "discount":  # unlike others, a deleted discount keeps its fields
        return {**{key: item for key, item in table.gone[value].items() if key != "end"}, "deleted": True}
    if target == "coupon":  # what a discount or a code was made from is shown as it was
        return clone(table.gone[value])
    return RESOURCES[target].stub(value)


def _members(rows: list[Row], name: str) -> list[Row]:
    members: list[Row] = []
    for holder, key in _holders(rows, name.split(".")):
        value = holder.get(key)
        members += value if isinstance(value, list) else [value] if value else []
    return members


def _holders(rows: list[Row], keys: list[str]) -> list[tuple[Row, str]]:
    """The dicts that hold the last key of a dotted path; arrays on the way are walked through."""
    nodes: list[Any] = list(rows)
    for key in keys[:-1]:
        following: list[Any] = []
        for node in nodes:
            value = node.get(key)
            following += value if isinstance(value, list) else [value]
        nodes = [node for node in following if isinstance(node, dict)]
    return [(node, keys[-1]) for node in nodes]
