"""HTML as nested calls: everything that is not `Html` already is escaped, so a hostile name stays text."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

VOID_TAGS = frozenset({"input", "link", "meta", "br", "hr"})

Child = Any


class Html(str):
    """Text that is safe to send as it is."""

    __slots__ = ()


def tag(name: str, /, *children: Child, **attributes: Any) -> Html:
    """An element. `class_` and `for_` lose their underscore, other underscores become dashes; None and False vanish."""
    opening = "".join([name, *(_attribute(key, value) for key, value in attributes.items())])
    if name in VOID_TAGS:
        return Html(f"<{opening}>")
    return Html(f"<{opening}>{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Html:
    """Children one after the other; nested lists are flattened, None is left out."""
    return Html("".join(_text(child) for child in children))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, list | tuple):
        return join(child)
    return escape(str(child))


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


# The few shapes that all pages are made of


def table(headings: Iterable[str], rows: Iterable[Iterable[Child]], *, empty: str, id: str | None = None) -> Html:
    """A table, or a sentence where there is nothing to show."""
    body = [tag("tr", [tag("td", cell) for cell in row]) for row in rows]
    if not body:
        return tag("p", empty, class_="empty", id=id)
    head = tag("tr", [tag("th", heading, scope="col") for heading in headings])
    return tag("div", tag("table", tag("thead", head), tag("tbody", body), id=id), class_="scroll")


def button(
    label: str, *, to: str, action: str, danger: bool = False, fields: Mapping[str, Child] | None = None
) -> Html:
    """A form that is one button (and hidden fields); `action` is its stable name for tests."""
    hidden = [tag("input", type="hidden", name=name, value=value) for name, value in (fields or {}).items()]
    style = "danger" if danger else None
    return tag("form", hidden, tag("button", label, data_action=action, class_=style), method="post", action=to)


def text_input(label: str, name: str, value: Any = "", *, kind: str = "text", width: str = "") -> Html:
    """A labelled input."""
    shown = "" if value is None else value
    return tag("label", tag("span", label), tag("input", type=kind, name=name, value=shown), class_=width or None)


def select(label: str, name: str, options: Iterable[tuple[str, str]], chosen: str = "") -> Html:
    """A labelled drop-down of (value, label)."""
    entries = [tag("option", text, value=value, selected=value == chosen) for value, text in options]
    return tag("label", tag("span", label), tag("select", entries, name=name))


def facts(pairs: Iterable[tuple[str, Child]]) -> Html:
    """Terms and their values."""
    return tag("dl", [(tag("dt", term), tag("dd", "–" if value in (None, "") else value)) for term, value in pairs])


def card(title: str, *children: Child, id: str | None = None) -> Html:
    """A titled section."""
    return tag("section", tag("h2", title), children, class_="card", id=id)


def pill(status: str | None) -> Html:
    """A status, coloured by the stylesheet."""
    return tag("span", (status or "none").replace("_", " "), class_=f"pill {status}", data_status=status)


def link(label: Child, to: str) -> Html:
    """An anchor; a blank label shows the address instead, or it could not be clicked."""
    return tag("a", label if str(label).strip() else to, href=to)
