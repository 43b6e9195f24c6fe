"""What a list's address filters by, in words, each with the address without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.views.main import SEARCH_VAR
from django.utils.translation import gettext as _

from stripe_mirror.admin import display


@dataclass(frozen=True)
class Chip:
    """One condition: "Status: Past due", and how to remove it."""

    label: str
    remove: str


@dataclass(frozen=True)
class Menu:
    """A filter as the toolbar shows it."""

    spec: Any
    choices: list[Any]
    # What the address carries besides: the filter's form must carry it, too.
    hidden: list[tuple[str, str]]

    @property
    def title(self) -> str:
        """What it is called."""
        return display.words(self.spec.title)

    @property
    def chosen(self) -> str:
        """What is chosen, or "" where it is everything."""
        if hasattr(self.spec, "control"):
            return str(self.spec.words) if self.spec.active else ""
        # The first choice is "All"; a value that is none of the choices is shown as it is.
        named = next((str(c["display"]) for c in self.choices if c["selected"]), "")
        everything = bool(self.choices) and self.choices[0]["selected"]
        return "" if everything else named or self._given

    @property
    def problem(self) -> bool:
        """Whether something of it was ignored."""
        return bool(getattr(self.spec, "problems", ()))

    @property
    def _given(self) -> str:
        words = getattr(self.spec, "label", display.words)
        return str(words(next(iter(_texts(list(self.spec.used_parameters.values()))), "")))


def menu(changelist: Any, spec: Any) -> Menu:
    """The menu of one filter."""
    own = set(spec.expected_parameters())
    hidden = [(name, value) for name, value in parameters(changelist) if name not in own]
    return Menu(spec, list(spec.choices(changelist)), hidden)


def parameters(changelist: Any) -> Iterator[tuple[str, str]]:
    """What the list's address carries, without its page."""
    for name, values in changelist.filter_params.items():
        for value in values if isinstance(values, list) else [values]:
            yield name, value


def chips(changelist: Any) -> list[Chip]:
    """Each condition of the address: the search, the filters that are set, and what belongs to no filter."""
    found = []
    if changelist.query:
        text = display.without_secrets(changelist.query)
        found.append(Chip(_("Search: %(text)s") % {"text": text}, changelist.address({SEARCH_VAR: None})))
    for menu in changelist.menus:
        if menu.chosen and not menu.problem:
            gone = dict.fromkeys(menu.spec.expected_parameters())
            found.append(Chip(f"{menu.title}: {menu.chosen}", changelist.address(gone)))
    for name, values in changelist.remaining.items():
        text = f"{display.words(name.split('__')[0])}: {', '.join(_texts(values))}"
        found.append(Chip(display.without_secrets(text), changelist.address({name: None})))
    return found


def _texts(given: Any) -> list[str]:
    """What stands in a parameter's value, which Django keeps as lists, some of them in lists."""
    return [text for one in given for text in _texts(one)] if isinstance(given, list) else [str(given)]
