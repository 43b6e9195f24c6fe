"""Which language is spoken: the person's on a page, the site's in what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, override, to_locale


@contextmanager
def log_language() -> Iterator[None]:
    """What is stored is in the site's language, whoever does it, so that the log is in one."""
    with override(settings.LANGUAGE_CODE):
        yield


def as_written(text: str | Promise) -> str:
    """The text as the code has it, whatever is spoken: what names, keys and addresses are made of."""
    with override(None):
        return str(text)


def said_again(text: str) -> str:
    """A stored sentence in the person's language, where it is one that the code has as it stands; else as stored."""
    return gettext(text) if text else ""


def spoken() -> Locale:
    """The person's language, as babel knows it."""
    language = get_language() or settings.LANGUAGE_CODE
    try:
        return Locale.parse(to_locale(language))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def number_words(number: int) -> str:
    """ "10,000" """
    return str(format_decimal(number, locale=spoken()))
