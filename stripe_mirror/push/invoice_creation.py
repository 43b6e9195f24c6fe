"""Making an invoice for a customer: the draft first, then its lines, as a step of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from babel import Locale
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Invoice, InvoiceItem, InvoiceLineItem, Push, StripeObject
from stripe_mirror.money import format_money, totals
from stripe_mirror.push import state
from stripe_mirror.push.customer_forms import text
from stripe_mirror.push.effects import Amount, Effects, Step, Undo
from stripe_mirror.push.errors import NothingToChange
from stripe_mirror.push.invoice_edits import COLLECTION
from stripe_mirror.push.invoice_facts import AUTOMATIC, BY_INVOICE, DRAFT, amount_of, status_of, why_not_in
from stripe_mirror.push.invoice_lines import InvoiceLinesField, line_params, total_of
from stripe_mirror.push.operation import Call, Operation, OperationForm, register
from stripe_mirror.push.refund_history import currency_of
from stripe_mirror.push.wording import Words

LONGEST_DUE = 3650
NO_LINES = gettext_lazy("Write at least one line, or include the pending items.")
FINAL_ALREADY = gettext_lazy("This invoice is finalized: nothing can be added to it any more.")


def pending_items(customer: StripeObject) -> list[Any]:
    """What waits for the customer's next invoice."""
    waiting = InvoiceItem.objects.alive().filter(customer=customer.pk, invoice=None)
    return list(waiting) if customer.pk else []


class CreateInvoiceForm(OperationForm):
    """What the invoice says, and what stands on it."""

    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        max_length=3,
        help_text=gettext_lazy("The three letters of its code, as in EUR."),
    )
    lines = InvoiceLinesField(
        label=gettext_lazy("Lines"), help_text=gettext_lazy("A negative amount takes something off.")
    )
    include_pending = forms.BooleanField(label=gettext_lazy("Include pending items"), required=False)
    collection_method = forms.ChoiceField(
        label=gettext_lazy("How it is paid"), widget=forms.RadioSelect, choices=list(COLLECTION.items())
    )
    days_until_due = forms.IntegerField(
        label=gettext_lazy("Days until due"),
        required=False,
        min_value=0,
        max_value=LONGEST_DUE,
        help_text=gettext_lazy("Only where the customer pays by itself."),
    )
    description = text(
        gettext_lazy("Memo"),
        1500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Stands on the invoice."),
    )

    def prepare(self) -> None:
        """The customer's own currency where it has one, and what is pending in it."""
        held = currency_of(self.row)
        if held:
            self.fields["currency"].widget.attrs["readonly"] = True
            self.fields["currency"].help_text = _("What this customer is billed in.")
        lines = self.fields["lines"]
        if isinstance(lines, InvoiceLinesField):
            lines.currency = held or self._written() or "usd"
        sums = totals((amount_of(item, "amount"), currency_of(item)) for item in pending_items(self.row))
        waiting = ", ".join(format_money(amount, currency) for currency, amount in sums.items())
        self.fields["include_pending"].help_text = _("Pending: %(waiting)s.") % {"waiting": waiting or _("nothing")}

    def _written(self) -> str:
        return known_currency(self.data.get("currency") or self.initial.get("currency"))

    def clean_currency(self) -> str:
        """A code that exists, and the customer's."""
        code, held = known_currency(self.cleaned_data["currency"]), currency_of(self.row)
        if not code:
            raise forms.ValidationError(_("Write the three letters of a currency, for example EUR."))
        if held and held != code:
            raise forms.ValidationError(_("This customer is billed in %(currency)s.") % {"currency": held.upper()})
        return code

    def clean(self) -> dict[str, Any]:
        """Something to bill, and a term where the customer pays by itself."""
        cleaned = super().clean()
        if "lines" in cleaned and not cleaned["lines"] and not cleaned.get("include_pending"):
            self.add_error("lines", NO_LINES)
        by_invoice, days = cleaned.get("collection_method") == BY_INVOICE, cleaned.get("days_until_due")
        if by_invoice and days is None and "days_until_due" in cleaned:
            self.add_error("days_until_due", _("Write how many days the customer has."))
        if not by_invoice:
            cleaned["days_until_due"] = None
        return cleaned


def known_currency(code: Any) -> str:
    """The code as Stripe writes it; "" where there is no such currency."""
    written = str(code or "").strip()
    return written.lower() if written.upper() in Locale("en").currencies else ""


@register
class CreateInvoice(Operation):
    """https://docs.stripe.com/api/invoices/create, then /add_lines"""

    name = "create_invoice"
    label = gettext_lazy("Create invoice")
    at_hand = True
    short_description = gettext_lazy("Make a draft, to be checked before it is finalized.")
    object_type = "customer"
    form_class = CreateInvoiceForm
    adds = True
    decisions = (
        "currency",
        "lines",
        "include_pending",
        "collection_method",
        "days_until_due",
        "description",
    )

    def why_not(self, row: StripeObject) -> str:
        """Deleted customers get no invoices."""
        return _("This customer was deleted in Stripe.") if row.deleted_at else ""

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The customer's currency; to be paid by itself where nothing could be charged."""
        chargeable = state.look_up(row.data, ("invoice_settings", "default_payment_method"))
        return {
            "currency": currency_of(row).upper(),
            "collection_method": AUTOMATIC if chargeable else BY_INVOICE,
            "days_until_due": 30,
        }

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The draft; it does nothing by itself."""
        method = cleaned["collection_method"]
        params: dict[str, Any] = {"collection_method": method, "currency": cleaned["currency"], "customer": row.pk}
        if method == BY_INVOICE:
            params["days_until_due"] = cleaned["days_until_due"]
        if cleaned.get("description"):
            params["description"] = cleaned["description"]
        if cleaned.get("include_pending"):
            params["pending_invoice_items_behavior"] = "include"
        return Call("post", "/v1/invoices", params)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What will stand on it."""
        currency, lines = cleaned["currency"], cleaned.get("lines") or []
        if not lines and not cleaned.get("include_pending"):
            raise NothingToChange(NO_LINES)
        said = [f"{line['description']}: {_product(line, currency)}." for line in lines]
        if cleaned.get("include_pending"):
            said.append(_("What is pending is put on it, too."))
        said.append(f"{COLLECTION.get(cleaned['collection_method'], cleaned['collection_method'])}.")
        if cleaned["collection_method"] == BY_INVOICE:
            said.append(
                _("It is due %(days_until_due)s days after it is made.") % {"days_until_due": cleaned["days_until_due"]}
            )
        return said + ([_("Memo: %(memo)s") % {"memo": cleaned["description"]}] if cleaned.get("description") else [])

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """A draft moves no money."""
        currency, lines = cleaned["currency"], cleaned.get("lines") or []
        amounts = [Amount(line["description"], line["amount"] * line["quantity"], currency) for line in lines]
        if cleaned.get("include_pending"):
            pending = [item for item in pending_items(row) if currency_of(item) == currency]
            amounts += [
                Amount(_("%(item)s (pending)") % {"item": item}, amount_of(item, "amount"), currency)
                for item in pending
            ]
        follows = [
            _("The customer sees nothing, and nothing is charged, until somebody finalizes the draft."),
            _("Discounts and taxes of the customer come on top; the draft shows them."),
        ]
        if any(line["quantity"] > 1 for line in lines):
            follows.append(_("For each line with a quantity Stripe keeps a product of that name in the catalog."))
        if row.pk and not currency_of(row):
            follows.append(
                _("The customer will be billed in %(currency)s from now on.") % {"currency": currency.upper()}
            )
        sums = (Amount(_("Sum of the lines"), sum(one.amount for one in amounts), currency),)
        return Effects(money=sums, lines=tuple(amounts), follows=tuple(follows))

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Nothing of the customer changes; the answer is the draft."""
        return {"invoice": row.pk, "status": row.data.get("status")} if row.kind.object == "invoice" else {}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """The customer doesn't tell."""
        return False

    def step_after(self, push: Push, answer: Mapping[str, Any]) -> Step | None:
        """All lines by one call, where there are any."""
        lines, invoice = push.form.get("lines"), made_invoice(push, answer)
        return Step(AddInvoiceLines.name, "invoice", invoice, {"lines": lines}) if lines and invoice else None

    def undo(self, push: Push) -> Undo | None:
        """As long as it is a draft."""
        made = Invoice.objects.alive().filter(pk=made_invoice(push, {})).first()
        return Undo("delete_draft_invoice", {}, "invoice", made.pk) if made and status_of(made) == DRAFT else None


def made_invoice(push: Push, answer: Mapping[str, Any]) -> str:
    """The id of the draft that a push has made: by Stripe's answer, by our log, or by the event that told of it."""
    if answer.get("object") == "invoice":
        return str(answer.get("id") or "")
    told = push.changes.filter(object_type="invoice").order_by("id").values_list("object_id", flat=True).first()
    return str(push.after.get("invoice") or told or "")


def _product(line: Mapping[str, Any], currency: str) -> str:
    each, total = format_money(line["amount"], currency), format_money(line["amount"] * line["quantity"], currency)
    return each if line["quantity"] == 1 else f"{line['quantity']} × {each} = {total}"


class AddLinesForm(OperationForm):
    """The lines of a draft that was just made."""

    lines = InvoiceLinesField(label=gettext_lazy("Lines"))

    def prepare(self) -> None:
        """The invoice's currency."""
        if isinstance(field := self.fields["lines"], InvoiceLinesField):
            field.currency = currency_of(self.row) or "usd"


@register
class AddInvoiceLines(Operation):
    """https://docs.stripe.com/api/invoices/add_lines, as the second step of making an invoice"""

    name = "add_invoice_lines"
    permission = "create_invoice"
    label = gettext_lazy("Add lines to the invoice")
    short_description = gettext_lazy("Put the lines on the draft that was made for them.")
    object_type = "invoice"
    form_class = AddLinesForm
    offered = False
    decisions = ("lines",)
    refused: ClassVar[Mapping[str, Words]] = dict.fromkeys(("open", "paid", "uncollectible", "void"), FINAL_ALREADY)

    def why_not(self, row: StripeObject) -> str:
        """Drafts only (`invoice_not_editable`)."""
        return why_not_in(row, self.refused)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """All of them at once: either all stand on it or none."""
        lines = [line_params(line, currency_of(row)) for line in cleaned["lines"]]
        return Call("post", f"/v1/invoices/{row.pk}/add_lines", {"lines": lines})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """One line."""
        return [
            _("Lines over %(amount)s are put on the draft.")
            % {"amount": format_money(total_of(cleaned["lines"]), currency_of(row))}
        ]

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """What stands on it adds up to this."""
        return {name: row.data.get(name) for name in ("status", "subtotal", "total")}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Whether every line stands on it, by its words and its sum."""
        held = [(line.description, line.amount) for line in InvoiceLineItem.objects.alive().filter(invoice=row.pk)]
        for line in call.params["lines"]:
            unit = line.get("amount", state.look_up(line, ("price_data", "unit_amount")))
            wanted = (line["description"], unit * line.get("quantity", 1))
            if wanted not in held:
                return False
            held.remove(wanted)
        return True
