"""A language for tests: every marked text in brackets, so that what isn't marked is seen at once."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo

ROOT = Path(__file__).parents[2]
OPEN, CLOSE = "⟦", "⟧"
# As gettext's own, and Django's lazy ones.
CONTEXT = ((1, "c"), 2)
KEYWORDS = {
    "_": None,
    "gettext_lazy": None,
    "tell": None,
    "ngettext": (1, 2),
    "ntell": (1, 2),
    "pgettext": CONTEXT,
    "pgettext_lazy": CONTEXT,
}


def marked(*packages: str) -> Catalog:
    """What is marked in these folders of the project."""
    catalog = Catalog(locale="de", fuzzy=False)
    for package in packages:
        found = extract_from_dir(ROOT / package, method_map=[("**.py", "python")], keywords=KEYWORDS)
        for _, _, message, _, context in found:
            catalog.add(message, _bracketed(message, context), context=context)
    return catalog


def _bracketed(message: str | tuple[str, ...], context: str | None) -> str | tuple[str, ...]:
    if context == "date":
        return str(message)
    if isinstance(message, str):
        return f"{OPEN}{message}{CLOSE}"
    return tuple(f"{OPEN}{form}{CLOSE}" for form in message)


def install(catalog: Catalog, folder: Path) -> Path:
    """Write it where Django looks, as German; the folder for LOCALE_PATHS."""
    place = folder / "de" / "LC_MESSAGES"
    place.mkdir(parents=True)
    with (place / "django.mo").open("wb") as file:
        write_mo(file, catalog)
    return folder
