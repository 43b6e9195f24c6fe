"""Every text of our templates, and of Unfold's where it ships none, is there in each language."""

from __future__ import annotations

import io

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo

from stripe_mirror.management.commands import translations

HOW = "run `make messages`, translate what it names in locale/*/LC_MESSAGES/django.po, and run it again"


@pytest.mark.parametrize("language", translations.languages())
def test_no_text_lacks_a_translation_and_what_is_compiled_is_what_is_written(language: str) -> None:
    catalog = translations.merged(language)
    assert translations.untranslated(catalog) == [], HOW
    held = translations.held(language)
    assert texts(catalog).keys() == texts(held).keys(), HOW
    compiled = read_mo(io.BytesIO(translations.po_file(language).with_suffix(".mo").read_bytes()))
    assert texts(compiled) == texts(held), HOW


def texts(catalog: Catalog) -> dict[str, list[str]]:
    return {str(list(message.id)): list(message.string) for message in catalog if message.id}


@pytest.mark.parametrize("language", translations.languages())
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    for message in translations.held(language):
        if message.id:
            assert [str(error) for error in message.check()] == [], message.id
