"""Minor units ↔ Decimal, by Stripe's table of currencies. The only place that knows how many decimals a currency has.

The rule is Stripe's (https://docs.stripe.com/currencies), not ISO's: ISK and UGX are sent with two decimals that are
always 00 and shown without them; three-decimal currencies end in 0 (S51).
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from babel.numbers import format_compact_currency, format_currency, get_currency_symbol
from django.utils.translation import gettext as _

ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
# Sent with two decimals, which must be 00.
WHOLE_BUT_TWO_DECIMAL = frozenset(["isk", "ugx"])
# Decimals of a minor unit in what one unit costs (https://docs.stripe.com/api/prices/create, unit_amount_decimal).
FINEST = 12
# Digits before the point; Stripe's largest amounts have twelve.
LONGEST = 15


class WrongAmount(ValueError):
    """The text is no amount of that currency; the message is a sentence for the field."""


def exponent(currency: str) -> int:
    """How many decimals Stripe's minor unit has: 2 for usd, 0 for jpy, 3 for kwd, 2 for isk and ugx."""
    code = currency.lower()
    return 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2


def shown_decimals(currency: str) -> int:
    """How many decimals people see: as `exponent`, but none for isk and ugx."""
    return 0 if currency.lower() in WHOLE_BUT_TWO_DECIMAL else exponent(currency)


def to_major(amount: int | Decimal, currency: str) -> Decimal:
    """Minor units as a Decimal with the decimals that people see: 5000 usd → 50.00, 500 jpy → 500, 500 ugx → 5.

    Fractions of a minor unit stay: 0.5 usd → 0.005.
    """
    major = Decimal(amount).scaleb(-exponent(currency))
    shown = shown_decimals(currency)
    return major if _decimals(major) > shown else major.quantize(Decimal(1).scaleb(-shown))


def to_minor(text: str | Decimal, currency: str) -> int:
    """What a person typed as minor units: "49.90" usd → 4990, "500" jpy → 500, "5" ugx → 500.

    Raises WrongAmount with a sentence where the text is no number or has more decimals than the currency.
    """
    major = _parsed(text, currency)
    allowed = 2 if currency.lower() in THREE_DECIMAL else shown_decimals(currency)
    if _decimals(major) > allowed:
        raise WrongAmount(_too_fine(currency, allowed))
    return int(major.scaleb(exponent(currency)))


def to_fine_minor(text: str | Decimal, currency: str) -> Decimal:
    """As `to_minor`, for what one unit costs, with fractions of a minor unit: "0.005" usd → 0.5.

    Raises WrongAmount where the text is no number or has more than Stripe's twelve decimals.
    """
    minor = _parsed(text, currency).scaleb(exponent(currency))
    if _decimals(minor) > FINEST:
        raise WrongAmount(
            _("Stripe takes at most %(n)s decimals in %(currency)s.")
            % {"n": FINEST + exponent(currency), "currency": currency.upper()}
        )
    return minor


def _parsed(text: str | Decimal, currency: str) -> Decimal:
    try:
        major = Decimal(str(text).strip())
    except InvalidOperation:
        major = Decimal("NaN")
    if not major.is_finite():
        said = _("Write the amount in %(currency)s as a number, for example %(example)s.")
        raise WrongAmount(said % {"currency": currency.upper(), "example": _example(currency)})
    if major.adjusted() >= LONGEST:
        raise WrongAmount(_("This is more %(currency)s than Stripe takes.") % {"currency": currency.upper()})
    return major


def _decimals(amount: Decimal) -> int:
    """Decimals that matter: 5.000 has none."""
    places = amount.normalize().as_tuple().exponent
    return max(0, -places) if isinstance(places, int) else 0


def _too_fine(currency: str, allowed: int) -> str:
    code = currency.upper()
    if allowed == 0:
        return _("%(currency)s has no decimals: write a whole number.") % {"currency": code}
    if currency.lower() in THREE_DECIMAL:
        said = _("Stripe takes %(currency)s amounts with a last digit of 0: write at most %(n)s decimals.")
        return said % {"currency": code, "n": allowed}
    said = _("%(currency)s has %(n)s decimals: write for example %(example)s.")
    return said % {"currency": code, "n": allowed, "example": _example(currency)}


def _example(currency: str) -> str:
    return str(to_major(12_500 if exponent(currency) == 3 else 1_200, currency))


@lru_cache(maxsize=8192)
def format_money(amount: int | Decimal | None, currency: str | None, *, locale: str = "en") -> str:
    """An amount as people read it, "$50.00" or "UGX 5"; "" where there is none."""
    if amount is None:
        return ""
    if not currency:
        return str(amount)
    code = currency.upper()
    major = to_major(amount, currency)
    places = max(shown_decimals(currency), _decimals(major))
    pattern = "¤#,##0" if places == 0 else "¤#,##0." + "0" * places
    if get_currency_symbol(code, locale=locale) == code:
        pattern = pattern.replace("¤", "¤\u00a0")
    return format_currency(major, code, format=pattern, locale=locale, currency_digits=False)


def format_short(amount: int, currency: str, *, locale: str = "en") -> str:
    """An amount for the axis of a chart, where there is little room: 1200000 usd → "$12K"."""
    major = to_major(amount, currency)
    if abs(major) < 10_000:
        return format_money(amount, currency, locale=locale) if major % 1 else _whole(major, currency, locale)
    return format_compact_currency(major, currency.upper(), fraction_digits=1, locale=locale).replace("\u00a0", "")


def _whole(major: Decimal, currency: str, locale: str) -> str:
    return format_currency(major, currency.upper(), format="¤#,##0", locale=locale, currency_digits=False)


def totals(amounts: Iterable[tuple[int, str]]) -> dict[str, int]:
    """Sums per currency, in minor units; currencies are never added to each other (S53)."""
    sums: dict[str, int] = {}
    for amount, currency in amounts:
        sums[currency] = sums.get(currency, 0) + amount
    return dict(sorted(sums.items()))
