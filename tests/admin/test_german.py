"""The main pages say nothing in English to a person of another language; names and keys stay what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy
from pytest_django import Settings

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.home.period import Bucket
from stripe_mirror.admin.lists.dates import Days
from stripe_mirror.admin.status import status_of
from stripe_mirror.inbox import endpoints
from stripe_mirror.inbox.endpoints import Endpoint
from stripe_mirror.inbox.health import report
from stripe_mirror.inbox.health.finding import Finding, problem
from stripe_mirror.kinds import all_kinds
from stripe_mirror.language import log_language
from stripe_mirror.management.commands.translations import sources
from stripe_mirror.models import HealthReport, Price, Push
from stripe_mirror.sentences import as_json, from_json, ntell, tell
from tests.admin import rows
from tests.push.pseudo import CLOSE, OPEN, install

GERMAN = {"accept-language": "de"}
# What says something besides the objects' own texts: headings, names of facts, filters, the sidebar, buttons.
TAGS = {"th", "dt", "h2", "h3", "summary", "legend", "button", "label"}
# Names and signs that are the same in every language.
# Also a key, and examples of what the search understands.
EXAMPLES = r"Esc|49\.90 3 march|INV-0001|ada@ex|cus_…, https://dashboard\.stripe\.com/…"
AS_IT_IS = re.compile(rf"[\W\d_]*|ID|JSON|{EXAMPLES}")


# Parts of a page that scripts find again, and columns.
KEYS = re.compile(r'\s(?:data-live|data-column|id|name)="([a-z][\w-]*)"')


class Said(HTMLParser):
    """The texts in some tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        # Headings of rows are the objects' own names.
        says = tag in TAGS and given.get("scope") != "row"
        if self.open or says or given.get("class") == "sm-nav-title":
            if tag not in ("input", "br", "img", "path", "option"):
                self.open.append(tag)
            if len(self.open) == 1:
                self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[-1] += data


def untranslated(html: str) -> set[str]:
    """What isn't in brackets."""
    page = Said()
    page.feed(html)
    texts = {" ".join(text.split()) for text in page.texts}
    return {text for text in texts if OPEN not in text and not AS_IT_IS.fullmatch(text)}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Each text that is marked, in brackets."""
    found = Catalog(locale="de", fuzzy=False)
    for message, context, _place in sources("de"):
        forms = (message,) if isinstance(message, str) else message
        said = tuple(f"{OPEN}{form}{CLOSE}" for form in forms)
        found.add(message, said[0] if isinstance(message, str) else said, context=context)
    return found


@pytest.fixture
def german(catalog: Catalog, settings: Settings, tmp_path: Any) -> Iterator[None]:
    """Each marked text reads in brackets for browsers that ask for German."""
    settings.LOCALE_PATHS = [install(catalog, tmp_path / "locale")]
    with translation.override(None):
        yield


@pytest.fixture
def pages(db: None) -> list[str]:
    """The lists and an object of each kind, and our own pages."""
    own = ("push", "job", "inboxevent", "change", "syncrun", "difference", "healthreport", "note", "customerlink")
    found = [
        "/admin/",
        reverse("admin:stripe_mirror_syncrun_backfill"),
        reverse("admin:stripe_mirror_difference_proof"),
    ]
    found += [reverse(f"admin:stripe_mirror_{name}_changelist") for name in own]
    for row in rows.one_of_each().values():
        found += [display.list_url(type(row), {"view": "all"}), display.object_url(row)]
    return found


def test_headings_labels_and_the_sidebar_have_no_word_that_is_not_marked(
    german: None, boss: Client, pages: list[str]
) -> None:
    left = {url: untranslated(boss.get(url, headers=GERMAN, follow=True).content.decode()) for url in pages}
    names = {display.name_of(row) for kind in all_kinds() for row in kind.model._default_manager.all()}
    assert {url: texts - names for url, texts in left.items() if texts - names} == {}


def test_what_scripts_and_files_go_by_is_the_same_in_every_language(
    german: None, boss: Client, pages: list[str]
) -> None:
    for url in pages:
        english, other = (boss.get(url, headers=headers, follow=True) for headers in ({}, GERMAN))
        assert OPEN in other.content.decode()
        assert KEYS.findall(other.content.decode()) == KEYS.findall(english.content.decode()), url
    english, other = (boss.get("/admin/stripe_mirror/invoice/export/", headers=h, follow=True) for h in ({}, GERMAN))
    assert other["Content-Disposition"] == english["Content-Disposition"]
    assert b"".join(other.streaming_content) == b"".join(english.streaming_content)  # type: ignore[attr-defined]


def test_labels_name_columns_by_their_english(german: None) -> None:
    with translation.override("de"):
        column = columns.made(gettext_lazy("Current period"), str)
        assert (column.__name__, column.label) == ("current_period", f"{OPEN}Current period{CLOSE}")
        assert (columns.text("last4").__name__, columns.text("last4").label) == ("last4", f"{OPEN}Last4{CLOSE}")
        # A value of tomorrow's reads as it is.
        assert display.words("from_the_future") == "From the future"
        assert [str(kind.model._meta.verbose_name)[0] for kind in all_kinds()] == [OPEN] * len(all_kinds())


MAY = datetime(2091, 5, 3, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "day", "moment", "month", "span"),
    [
        ("en", "3 May 2091", "3 May 2091, 09:30", "1–31 May 2091", "1 Sep – 2 Oct 2091"),
        ("de", "3. Mai 2091", "3. Mai 2091, 09:30", "1.–31. Mai 2091", "1. Sept. – 2. Okt. 2091"),
    ],
)
def test_dates_read_as_each_language_writes_them(language: str, day: str, moment: str, month: str, span: str) -> None:
    with translation.override(language):
        assert display.day_text(MAY) == display.bank_day_text(MAY) == day
        assert display.moment_text(MAY) == moment
        assert Days(date(2091, 5, 1), date(2091, 5, 31)).words == month
        assert Bucket(date(2091, 9, 1), date(2091, 10, 2)).label == span


def test_states_in_words_say_their_days_in_german(db: None) -> None:
    ends = rows.subscription("sub_ends", cancel_at=int(MAY.timestamp()), cancel_at_period_end=False)
    with translation.override("de"):
        status = status_of(ends)
    assert status is not None
    assert status.text == "Aktiv, endet am 3. Mai 2091"


@pytest.mark.parametrize(
    ("recurring", "english", "german"),
    [
        ({"interval": "month", "interval_count": 1}, "€29.00 / month", "€29.00 / Monat"),
        ({"interval": "month", "interval_count": 3}, "€29.00 every 3 months", "€29.00 alle 3 Monate"),
        ({"interval": "aeon", "interval_count": 2}, "€29.00 / 2 aeon", "€29.00 / 2 aeon"),
        (None, "€29.00", "€29.00"),
    ],
)
def test_prices_are_named_in_the_persons_language(recurring: Any, english: str, german: str) -> None:
    price = Price(id="price_1", data={"unit_amount": 2900, "currency": "eur", "recurring": recurring})
    for language, name in (("en", english), ("de", german)):
        with translation.override(language):
            assert str(price) == name


def test_site_is_named_in_german_in_the_tab_and_where_pages_fail(boss: Client) -> None:
    for url in ("/admin/", "/admin/nowhere/"):
        page = boss.get(url, headers=GERMAN).content.decode()
        assert re.search(r"<title>[^<]*Stripe-Backoffice\s*</title>", page), url
        assert "Stripe back office" not in page


def test_what_the_worker_found_and_stored_in_english_is_shown_in_german(boss: Client) -> None:
    endpoint = Endpoint(id="we_1", url="https://x.test/", status="disabled", events=frozenset("*"), api_version="old")
    with log_language():
        wrong = endpoints.problems(endpoint)[0]
        found = [
            problem("endpoint", tell("%(url)s: %(what)s", url=endpoint.url, what=wrong.what), wrong.do),
            problem("stripe", tell("Stripe could not be asked: %(failure)s", failure="502 < 503"), "Since yesterday."),
        ]
    report.store("endpoint", found)
    stored = HealthReport.objects.get(pk="endpoint").findings
    assert stored[0]["what"] == "https://x.test/: It is disabled: nothing is delivered."
    page = boss.get("/admin/stripe_mirror/healthreport/", headers=GERMAN).content.decode()
    assert "https://x.test/: Sein Status ist „disabled“: Es wird nichts zugestellt." in page
    assert "Aktivieren Sie ihn in Stripes Dashboard." in page
    assert "Stripe konnte nicht gefragt werden: 502 &lt; 503" in page
    # What has no translation, and what an older version stored, reads as it was stored.
    assert "Since yesterday." in page
    assert Finding.from_json({**stored[0], "said": None}).what == stored[0]["what"]
    assert Finding.from_json({**stored[0], "said": {"what": {"message": "%(gone)s"}}}).what == stored[0]["what"]


def test_refusal_that_is_stored_in_english_is_told_in_german(boss: Client) -> None:
    message = "Stripe does not accept our API key; nothing was changed. Check STRIPE_SECRET_KEY."
    push = Push.objects.create(
        operation="edit_customer",
        object_type="customer",
        object_id="cus_1",
        state="refused",
        message=message,
        created_at=MAY,
    )
    for url in (display.list_url(Push), display.object_url(push)):
        page = boss.get(url, headers=GERMAN).content.decode()
        assert "Stripe akzeptiert unseren API-Schlüssel nicht" in page, url
        assert message not in page


def test_sentence_counts_in_the_language_of_its_reader() -> None:
    with log_language():
        told = ntell("%(n)s problem", "%(n)s problems", 2, n=2)
    assert told == "2 problems"
    with translation.override("de"):
        assert from_json(as_json(told), "") == "2 Probleme"
