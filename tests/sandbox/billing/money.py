"""Amounts: Stripe's exponents, minimums and sizes, and what a price costs."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.sandbox.errors import invalid
from tests.sandbox.store import Row

ZERO_DECIMAL = {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
THREE_DECIMAL = {"bhd", "jod", "kwd", "omr", "tnd"}
TWO_DECIMAL = {
    "usd",
    "eur",
    "gbp",
    "chf",
    "cad",
    "aud",
    "nzd",
    "sek",
    "nok",
    "dkk",
    "pln",
    "czk",
    "huf",
    "ron",
    "bgn",
    "brl",
    "mxn",
    "inr",
    "idr",
    "sgd",
    "hkd",
    "thb",
    "myr",
    "php",
    "twd",
    "zar",
    "aed",
    "sar",
    "ils",
    "try",
    "isk",
    "ugx",
    "cop",
    "pen",
    "ars",
    "uah",
    "kes",
    "ngn",
    "egp",
    "mad",
    "qar",
    "cny",
    "lkr",
    "pkr",
    "bdt",
    "gel",
    "rsd",
}
MINIMUMS = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "chf": 50, "cad": 50, "aud": 50, "sek": 300, "nok": 300}
MINIMUMS |= {"dkk": 250, "pln": 200, "czk": 1500, "huf": 17500, "mxn": 1000, "inr": 50, "hkd": 400, "sgd": 50}
DIGITS = {"idr": 12, "inr": 9}


def check_currency(currency: str) -> str:
    """The currency in lower case, or Stripe's refusal of an unknown one."""
    code = currency.lower()
    if code not in ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL:
        listed = ", ".join(sorted(ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL))
        raise invalid(
            f"Invalid currency: {code}. Stripe currently supports these currencies: {listed}", param="currency"
        )
    return code


def exponent(currency: str) -> int:
    """How many decimals a currency has at Stripe."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def text(amount: int, currency: str) -> str:
    """An amount for a sentence: `$5.00 usd` in Stripe's style."""
    places = exponent(currency)
    return f"{Decimal(amount).scaleb(-places):.{places}f} {currency}"


SYMBOLS = {
    "usd": "$",
    "eur": "€",
    "gbp": "£",
    "jpy": "¥",
    "cad": "CA$",
    "aud": "A$",
    "inr": "₹",
    "krw": "₩",
    "brl": "R$",
}


def in_words(amount: int | Decimal, currency: str) -> str:
    """An amount for a sentence as Stripe writes it where it compares two, and on an invoice's lines: `$5.00`."""
    major = Decimal(amount).scaleb(-exponent(currency)).normalize()
    number = f"{major:,.{max(exponent(currency), -int(major.as_tuple().exponent))}f}"
    return f"{SYMBOLS[currency]}{number}" if currency in SYMBOLS else f"{currency.upper()} {number}"


def check_size(amount: int, currency: str, param: str) -> None:
    """Refuse amounts of too many digits, and thousandths that a three-decimal currency does not have."""
    digits = DIGITS.get(currency, 8)
    if abs(amount) >= 10**digits:
        raise invalid(
            f"Amount must be no more than {'9' * digits}",
            code="amount_too_large",
            param=param,
        )
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid(
            f"Invalid amount: the last digit of an amount in {currency.upper()} must be 0.",
            code="parameter_invalid_integer",
            param=param,
        )


def check_charge(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse what can't be charged: too large, or less than the minimum."""
    check_size(amount, currency, param)
    if amount < minimum(currency):
        raise invalid(
            f"Amount must be at least {text(minimum(currency), currency)}",
            code="amount_too_small",
            param=param,
        )


def minimum(currency: str) -> int:
    """The smallest charge in a currency."""
    return MINIMUMS.get(currency, 1 if currency in ZERO_DECIMAL else 100 if currency in THREE_DECIMAL else 50)


def rounded(amount: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> int:
    """Whole minor units; three-decimal currencies to the nearest ten."""
    step = Decimal(10 if currency in THREE_DECIMAL else 1)
    return int((amount / step).to_integral_value(rounding) * step)


def cost(sandbox: Any, price: Row, quantity: int) -> int:
    """What `quantity` of a price costs."""
    if price["billing_scheme"] == "tiered":
        tiers = sandbox.table("price").private[price["id"]]["tiers"]
        return rounded(_tiered(tiers, quantity, price["tiers_mode"]), price["currency"])
    if transform := price["transform_quantity"]:
        whole, rest = divmod(quantity, transform["divide_by"])
        quantity = whole + (1 if rest and transform["round"] == "up" else 0)
    return rounded(Decimal(price["unit_amount_decimal"] or 0) * quantity, price["currency"])


def _tiered(tiers: list[dict[str, Any]], quantity: int, mode: str | None) -> Decimal:
    total, below = Decimal(0), 0
    for tier in tiers:
        top = tier["up_to"] if tier["up_to"] is not None else quantity
        here = min(quantity, top) - below
        unit, flat = Decimal(tier["unit_amount_decimal"] or 0), Decimal(tier["flat_amount_decimal"] or 0)
        if mode == "volume" and quantity <= top:
            return unit * quantity + flat
        if here > 0:
            total += unit * here + flat
        below = top
        if below >= quantity:
            break
    return total
