"""How values look, everywhere: pills, money, moments, links. Everything that comes from Stripe is escaped here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise, lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from stripe_mirror.conf import conf
from stripe_mirror.kinds import kind_of, kind_of_id
from stripe_mirror.language import spoken
from stripe_mirror.models import StripeObject
from stripe_mirror.models.fields import LAST_SECOND
from stripe_mirror.money import format_money

EMPTY = mark_safe('<span class="sm-empty">—</span>')
# Keys of Stripe; they may stand in metadata or in a description, and never belong on a page (S61).
SECRET = re.compile(r"(?<![A-Za-z0-9])(?:(?:sk|rk)_(?:test|live)_|whsec_)\w+")
HIDDEN = "•••••• (hidden)"
# With one large letter, at its beginning.
LARGE_WORD = re.compile(r"\b[A-Z][a-z]*\b")
LEFT_TO_RIGHT = "\u200e"
# What turns the direction of the text after it: it would turn what stands beside a name, too.
TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def without_secrets(text: str) -> str:
    """The text as it may stand on a page: without what looks like a key of Stripe's, or turns the text around it."""
    return SECRET.sub(HIDDEN, text.translate(TURNS))


def plain(value: object) -> SafeString:
    """A value as text, escaped; a dash where there is none."""
    if value is None or value == "":
        return EMPTY
    return format_html("{}", without_secrets(str(value)))


def plain_words(value: object) -> str:
    """Stripe's enum value as words: "past_due" → "Past due". Unknown values read as they are (S18)."""
    text = str(value or "").replace("_", " ")
    return (text[:1].upper() + text[1:]).replace("Sepa ", "SEPA ")


def words(value: object) -> str:
    """As `plain_words`, in the person's language where `vocabulary` has the words."""
    text = plain_words(value)
    return _(text) if text else ""


words_lazily = lazy(words, str)


def in_sentence(text: str) -> str:
    """A heading's words inside a sentence: in English they begin small, but for abbreviations ("tax IDs")."""
    return LARGE_WORD.sub(lambda word: word[0].lower(), text) if spoken().language == "en" else text


def pill(text: str | Promise, tone: str = "neutral", *, title: str = "") -> SafeString:
    """A small coloured label; the tones are neutral, success, info, warning and danger."""
    if not text:
        return EMPTY
    return format_html('<span class="sm-pill sm-{}" title="{}">{}</span>', tone, title, without_secrets(str(text)))


def money(amount: int | None, currency: str | None) -> SafeString:
    """An amount beside its currency, its digits aligned under those of other rows."""
    if amount is None:
        return EMPTY
    text = format_money(amount, currency)
    code = (currency or "").upper()
    # Where the currency has no sign, its code stands where that of the others stands: behind the digits.
    text = re.sub(rf"{re.escape(code)}\s?", "", text, count=1) if code else text
    return format_html('<span class="sm-money">{} <span class="sm-currency">{}</span></span>', text, code)


def moment_text(moment: datetime | None, *, zone: bool = False) -> str:
    """A moment in TIME_ZONE as text: "3 May 2027, 11:30", with the zone's short name where asked for (S54)."""
    if moment is None:
        return ""
    local = localtime(moment)
    text = date_format(local, "DATETIME_FORMAT")
    return f"{text} {local.tzname()}" if zone else text


def day_text(moment: datetime | None) -> str:
    """The day in TIME_ZONE: "3 May 2027"."""
    return date_format(localtime(moment)) if moment else ""


def bank_day_text(moment: datetime | None) -> str:
    """A date that Stripe means as such, whatever the zone, and sends as midnight in UTC: when money arrives."""
    return date_format(moment.astimezone(UTC)) if moment else ""


def when(moment: datetime | None, *, zone: bool = False) -> SafeString:
    """A moment in TIME_ZONE; UTC on hover."""
    return _time(moment, moment_text(moment, zone=zone))


def clock_time(moment: datetime) -> SafeString:
    """The time of day in TIME_ZONE, to the second; the moment in UTC on hover."""
    return _time(moment, date_format(localtime(moment), "H:i:s"))


def day(moment: datetime | None) -> SafeString:
    """The day of a moment in TIME_ZONE; the moment in UTC on hover."""
    return _time(moment, day_text(moment))


def days(first: datetime | None, last: datetime | None) -> SafeString:
    """A span of days; each moment in UTC on hover."""
    return format_html("{} – {}", day(first), day(last))


def bank_day(moment: datetime | None) -> SafeString:
    """As `bank_day_text`, on a page."""
    return _time(moment, bank_day_text(moment))


def _time(moment: datetime | None, text: str) -> SafeString:
    if moment is None:
        return EMPTY
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', utc.isoformat(), f"{utc:%Y-%m-%d %H:%M:%S} UTC", text
    )


def from_unix(second: object) -> datetime | None:
    """Stripe's seconds as an aware datetime, or None where it is no such number."""
    if not isinstance(second, int) or isinstance(second, bool) or not 0 <= second <= LAST_SECOND:
        return None
    return datetime.fromtimestamp(second, UTC)


def yes_no(value: object) -> SafeString:
    """Yes, no, or a dash where it isn't known."""
    return EMPTY if value is None else plain(_("Yes") if value else _("No"))


def link(text: object, url: str, *, css: str = "sm-link") -> SafeString:
    """A link inside the site."""
    return format_html('<a class="{}" href="{}">{}</a>', css, url, plain(text))


def outside_link(text: str, url: str) -> SafeString:
    """A link to another site, in a new tab that can't reach back."""
    return format_html('<a class="sm-link" href="{}" target="_blank" rel="noopener noreferrer">{}</a>', url, text)


def mono(value: object) -> SafeString:
    """An id or code in a fixed-width face."""
    return EMPTY if not value else format_html('<code class="sm-code">{}</code>', plain(value))


def admin_url(model: type[Model] | Model, page: str, *args: object) -> str:
    """The address of an admin page of a model."""
    opts = model._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)


def object_url(row: Model) -> str:
    """A row's page. The address carries Stripe's id as it is, never Django's quoted form of it."""
    return admin_url(row, "change", row.pk)


def list_url(model: type[Model], params: Mapping[str, object] | None = None) -> str:
    """A model's list, filtered."""
    query = f"?{urlencode(params)}" if params else ""
    return admin_url(model, "changelist") + query


# What reading an object of an unexpected shape raises: its pages must still answer (S18).
ODD_SHAPE = (AttributeError, KeyError, IndexError, TypeError, ValueError)
UNREADABLE = mark_safe('<span class="sm-empty" title="Stripe sent this in an unknown shape: see the JSON.">?</span>')


def name_of(row: Any) -> str:
    """What a row is called; its id where its object has an unexpected shape."""
    try:
        return without_secrets(str(row))
    except ODD_SHAPE:
        return str(row.pk)


def before_numbers(name: str) -> str:
    """A name with numbers beside it, which one written from right to left would turn round but for a mark behind it."""
    turned = any(unicodedata.bidirectional(character) in ("R", "AL") for character in name)
    return f"{name}{LEFT_TO_RIGHT}" if turned else name


def row_link(row: Model | None, missing: object = None) -> SafeString:
    """A link to a row by its name; the bare id where the row isn't mirrored (yet)."""
    if row is None:
        return mono(missing)
    name = name_of(row)
    return link(name, object_url(row), css="sm-link sm-code" if name == row.pk else "sm-link")


def id_of(value: Any) -> str:
    """The id that Stripe names, plain or expanded; "" where it is neither."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def entries_of(value: Any) -> list[dict[str, Any]]:
    """The objects of an array or of a list of Stripe's; none where it is neither."""
    found = value.get("data") if isinstance(value, dict) else value
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def has_more(value: Any) -> bool:
    """Whether a list of Stripe's was cut off after its first page."""
    return isinstance(value, dict) and value.get("has_more") is True


def link_to_id(id: str | None) -> SafeString:
    """A link to the object of an id, whatever its kind; the bare id where no mirrored kind has such ids."""
    kind = kind_of_id(id) if id else None
    return link(id, admin_url(kind.model, "change", id), css="sm-link sm-code") if kind else mono(id)


def kind_words(object_type: str) -> str:
    """A kind's name: "checkout.session" → "Checkout session"; Stripe's own value where it isn't mirrored (S18)."""
    kind = kind_of(object_type)
    return words(kind.model._meta.verbose_name if kind else object_type)


def dashboard_url(row: StripeObject) -> str:
    """The object's page in Stripe's Dashboard, or "" where there is none."""
    return f"{conf.dashboard_base}/{row.kind.dashboard}/{quote(row.pk)}" if row.kind.dashboard else ""


def metadata_table(row: Any) -> SafeString:
    """Stripe's metadata as key and value rows."""
    pairs = row.metadata.items()
    cells = [format_html("<tr><th scope=row>{}</th><td>{}</td></tr>", plain(k), plain(v)) for k, v in pairs]
    joined = mark_safe("".join(cells))  # noqa: S308 (joined from escaped parts)
    return format_html('<table class="sm-pairs"><tbody>{}</tbody></table>', joined) if cells else EMPTY
