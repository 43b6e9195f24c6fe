"""The form field for the lines of a new invoice: a table of description, amount and quantity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.money import WrongAmount, to_major, to_minor

MOST = 10
# So many rows are in sight at first; the others are a click away.
IN_SIGHT = 4
COLUMNS = ("description", "amount", "quantity")
LONGEST = 500
MOST_OF_ONE = 1_000_000
HEADINGS = (gettext_lazy("What for"), gettext_lazy("Amount each"), gettext_lazy("Quantity"))


class LinesWidget(forms.Widget):
    """Rows of three inputs named `<field>-description`, `<field>-amount` and `<field>-quantity`."""

    def rows(self, value: Any) -> list[tuple[Any, ...]]:
        """What is written already, and empty rows up to the most that there may be."""
        written = [tuple(line.get(c, "") for c in COLUMNS) for line in value or [] if isinstance(line, Mapping)]
        return [*written, *[("", "", "")] * (MOST - len(written))]

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """A plain table of inputs, and one more of the rows that nobody needs for a short invoice."""
        rows = list(enumerate(self.rows(value), start=1))
        sight = max(IN_SIGHT, sum(any(row) for _, row in rows))
        shown = _table(name, rows[:sight], id=(attrs or {}).get("id", f"id_{name}"))
        if not rows[sight:]:
            return shown
        rest = _table(name, rows[sight:], id=f"id_{name}_more")
        more = '{}<details class="sm-more-lines"><summary>{}</summary>{}</details>'
        return format_html(more, shown, _("More lines"), rest)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Mapping[str, Any]]:
        """The rows in which anything stands, from a posted form or from a stored one."""
        if isinstance(stored := data.get(name), list):
            return stored
        if not hasattr(data, "getlist"):
            return []
        columns = (data.getlist(f"{name}-{column}") for column in COLUMNS)
        written = [dict(zip(COLUMNS, map(str.strip, row), strict=True)) for row in zip(*columns, strict=False)]
        return [line for line in written if line["description"] or line["amount"]]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """An empty table is a value."""
        return name not in data and f"{name}-description" not in data


def _table(name: str, rows: list[tuple[int, tuple[Any, ...]]], *, id: str) -> SafeString:
    head = format_html_join("", '<th scope="col">{}</th>', ((heading,) for heading in HEADINGS))
    body = format_html_join(
        "",
        '<tr><td><input name="{0}-description" value="{1}" maxlength="{4}" aria-label="{5}"></td>'
        '<td><input name="{0}-amount" value="{2}" inputmode="decimal" aria-label="{6}"></td>'
        '<td><input name="{0}-quantity" value="{3}" inputmode="numeric" aria-label="{7}"></td></tr>',
        ((name, *row, LONGEST, *_labels(number)) for number, row in rows),
    )
    return format_html(
        '<table class="sm-metadata sm-lines" id="{}"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
        id,
        head,
        body,
    )


def _labels(number: int) -> tuple[str, str, str]:
    """The accessible names of a row's inputs."""
    return (
        _("What for, line %(number)s") % {"number": number},
        _("Amount each, line %(number)s") % {"number": number},
        _("Quantity, line %(number)s") % {"number": number},
    )


class InvoiceLinesField(forms.Field):
    """Gives a list of {description, amount, quantity}: minor units of `currency`, which the form sets in `prepare`.

    A negative amount takes something off, and has no quantity. Raises a sentence for each line that is wrong (S51).
    """

    widget = LinesWidget

    def __init__(self, *, currency: str = "usd", **options: Any) -> None:
        super().__init__(required=False, **options)
        self.currency = currency

    def prepare_value(self, value: Any) -> Any:
        """Minor units as people write them; typed text as it was typed."""
        return [
            {**line, "amount": str(to_major(line["amount"], self.currency))}
            if isinstance(line.get("amount"), int)
            else line
            for line in value or []
        ]

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        """Each line, judged."""
        lines, errors = [], []
        for number, line in enumerate(value or [], start=1):
            try:
                lines.append(self._line(line))
            except ValueError as error:
                errors.append(_("Line %(number)s: %(error)s") % {"number": number, "error": error})
        if len(value or []) > MOST:
            errors.append(_("Write at most %(most)s lines here; more can be added in Stripe.") % {"most": MOST})
        if errors:
            raise ValidationError(errors)
        return lines

    def _line(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """One line. Raises ValueError with a sentence."""
        description = str(line.get("description") or "")
        if not description:
            raise ValueError(_("Write what it is for."))
        if len(description) > LONGEST:
            raise ValueError(_("The description is longer than %(longest)s characters.") % {"longest": LONGEST})
        amount, quantity = self._amount(line.get("amount")), _quantity(line.get("quantity"))
        if amount < 0 and quantity != 1:
            raise ValueError(_("What is taken off can't have a quantity: write its whole amount."))
        return {"description": description, "amount": amount, "quantity": quantity}

    def _amount(self, value: Any) -> int:
        # A stored form holds minor units already.
        amount = value if isinstance(value, int) else to_minor(str(value or ""), self.currency)
        if amount == 0:
            raise WrongAmount(_("Write an amount other than 0."))
        return amount


def _quantity(value: Any) -> int:
    text = str(value if value is not None else "").strip() or "1"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_OF_ONE:
        raise ValueError(_("Write the quantity as a whole number from 1."))
    return int(text)


def total_of(lines: list[Mapping[str, Any]]) -> int:
    """What the lines add up to, before discounts and taxes."""
    return sum(line["amount"] * line["quantity"] for line in lines)


def line_params(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """A line as /v1/invoices/{id}/add_lines wants it: a quantity goes only with a price, and a price with a product."""
    if line["quantity"] == 1:
        return {"amount": line["amount"], "description": line["description"]}
    price = {"currency": currency, "product_data": {"name": line["description"]}, "unit_amount": line["amount"]}
    return {"description": line["description"], "price_data": price, "quantity": line["quantity"]}
