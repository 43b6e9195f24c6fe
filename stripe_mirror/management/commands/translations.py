"""`manage.py translations`: collect what can be translated, keep what is translated, compile. `make messages` calls it.

Django's own makemessages needs GNU gettext on the machine; Babel, which the project has anyway, does the same.
"""

from __future__ import annotations

import gettext
import io
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
import unfold
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation.template import templatize

KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "tell": None,
    "ntell": (1, 2),
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# Templates of Unfold's that no page of ours uses.
UNUSED = ("unfold_crispy", "command", "search", "welcomemsg", "dataset", "nested", "tab_items", "actions_row", "dialog")
HEADER = "# Collected by `make messages`; translations are written here by hand."
# Lines of the head that say when and by whom: the history does.
NOISE = ("-Date: ", "EMAIL@", "LL@li.org", "Project-Id-Version", "Generated-By")
Found = tuple[str | tuple[str, ...], str | None, str]


class Command(BaseCommand):
    """Rewrites each language's catalog from the sources and compiles it; fails where a text has no translation."""

    help = "Collect what can be translated into locale/*/LC_MESSAGES/django.po and compile it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; only say what is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        for language in languages():
            catalog = merged(language)
            if not options["check"]:
                store(catalog, language)
            if missing := untranslated(catalog):
                words = "".join(f"\n  {message}" for message in missing)
                raise CommandError(f"{po_file(language)}: {len(missing)} texts have no translation:{words}")


def languages() -> list[str]:
    """Those that texts are translated into: all but the one they are written in."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def po_file(language: str) -> Path:
    """Where translators write."""
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"


def merged(language: str) -> Catalog:
    """The catalog as it should be: a message for each text of the sources, with the translations that there are."""
    catalog = Catalog(locale=language, header_comment=HEADER, fuzzy=False)
    kept = held(language)
    for message_id, context, place in sources(language):
        old = kept.get(message_id if isinstance(message_id, str) else message_id[0], context)
        same = old is not None and old.id == message_id
        catalog.add(message_id, old.string if old and same else None, locations=[(place, 0)], context=context)
    return catalog


def held(language: str) -> Catalog:
    """The catalog as it is."""
    path = po_file(language)
    return read_po(io.BytesIO(path.read_bytes()), locale=language) if path.exists() else Catalog(locale=language)


def sources(language: str) -> Iterator[Found]:
    """Every text of our templates and code, and of Unfold's templates what Django doesn't translate itself."""
    base = settings.BASE_DIR
    for path in sorted((base / "templates").rglob("*.html")):
        yield from in_template(path, str(path.relative_to(base)))
    for path in sorted([*(base / "stripe_mirror").rglob("*.py"), *(base / "backoffice").rglob("*.py")]):
        yield from in_python(path.read_bytes(), str(path.relative_to(base)))
    translated = by_django(language)
    templates = Path(unfold.__file__).parent / "templates"
    for path in sorted(templates.rglob("*.html")):
        if any(name in str(path.relative_to(templates)) for name in UNUSED):
            continue
        for found in in_template(path, f"unfold/{path.relative_to(templates)}"):
            first = found[0] if isinstance(found[0], str) else found[0][0]
            if not any(catalog.gettext(first) != first for catalog in translated):
                yield found


def by_django(language: str) -> list[gettext.NullTranslations]:
    """What Django and its own applications translate."""
    parts = ("conf", "contrib/admin", "contrib/auth")
    home = Path(django.__file__).parent
    return [gettext.translation("django", home / part / "locale", [language], fallback=True) for part in parts]


def in_template(path: Path, place: str) -> Iterator[Found]:
    """The texts of a Django template: `templatize` makes calls of its tags, and Babel reads these."""
    code = templatize(path.read_text(), origin=place)
    # What stood before a tag would read as an indentation.
    lines = "\n".join(line.strip() for line in code.splitlines())
    yield from in_python(lines.encode(), place)


def in_python(code: bytes, place: str) -> Iterator[Found]:
    """The texts of Python code."""
    for _line, message, _comments, context in extract("python", io.BytesIO(code), keywords=KEYWORDS):
        if message and message != ("", ""):
            yield message, context, place


def untranslated(catalog: Catalog) -> list[str]:
    """The texts without a translation."""
    return [str(m.id) for m in catalog if m.id and not (all(m.string) if isinstance(m.string, tuple) else m.string)]


def compiled(catalog: Catalog) -> bytes:
    """The catalog as gettext reads it: the same bytes each time."""
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def store(catalog: Catalog, language: str) -> None:
    """Write both files. Without dates and lines, so that only what is said makes a difference."""
    path = po_file(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    out = io.BytesIO()
    write_po(out, catalog, omit_header=False, sort_output=True, include_lineno=False, width=120)
    text = [line for line in out.getvalue().decode().splitlines() if not any(noise in line for noise in NOISE)]
    path.write_text("\n".join(text) + "\n")
    path.with_suffix(".mo").write_bytes(compiled(held(language)))
