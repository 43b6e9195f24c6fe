"""Credit notes: what is taken off an invoice once it is finalized, and given back of what was paid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import CreditNote, Invoice, Push, StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import state
from stripe_mirror.push.credit_note_forms import (
    AMOUNT,
    MAIL,
    REASONS,
    SPLIT,
    CreditNoteForm,
    chosen_lines,
    objections,
    total_of,
)
from stripe_mirror.push.effects import Amount, Effects, Undo
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.invoice_facts import (
    DRAFT,
    OPEN,
    PAID,
    VOID,
    amount_of,
    facts_of,
    name_of,
    paid_by,
    payments_of,
    status_of,
    subscription_of,
    why_not_in,
    why_not_while_processing,
)
from stripe_mirror.push.invoice_operation import IS_VOID
from stripe_mirror.push.operation import Call, Operation, OperationForm, register
from stripe_mirror.push.refund_history import UNDER_WAY, currency_of, whole
from stripe_mirror.push.refund_rules import fee_words
from stripe_mirror.push.wording import Words

OPERATION = "create_credit_note"
WORDS = {
    "refund_amount": gettext_lazy("Refunded to the customer"),
    "credit_amount": gettext_lazy("Credited for the customer's next invoices"),
    "out_of_band_amount": gettext_lazy("Given back outside of Stripe"),
}


@register
class CreateCreditNote(Operation):
    """https://docs.stripe.com/api/credit_notes/create"""

    name = OPERATION
    label = gettext_lazy("Issue credit note")
    short_description = gettext_lazy("Take something off a finalized invoice, and give back what was paid of it.")
    object_type = "invoice"
    form_class = CreditNoteForm
    needs_reason = True
    danger = True
    adds = True
    limited = True
    final_warning = gettext_lazy(
        "Money that a credit note gives back stays given back. The note can be voided only while its invoice is open."
    )
    decisions = ("by", "amount", *SPLIT, "credit_reason", "memo", "email_type")
    refused: ClassVar[Mapping[str, Words]] = {
        DRAFT: gettext_lazy("This invoice is a draft: edit or delete it. Credit notes are for finalized invoices."),
        VOID: IS_VOID,
    }

    def why_not(self, row: StripeObject) -> str:
        """By the status, what was credited, and what is under way."""
        if reason := why_not_in(row, self.refused) or why_not_while_processing(row):
            return reason
        if facts_of(row).creditable == 0:
            words = _credited_words(row)
            return (_("Nothing is left of this invoice to credit. %(words)s") % {"words": words}).strip()
        if under_way(row):
            return _("Another credit note of this invoice isn't confirmed yet. Wait until its outcome is known.")
        return ""

    def why_not_at_a_glance(self, row: StripeObject) -> str:
        """By the status."""
        return why_not_in(row, self.refused)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """An amount, and an e-mail, as Stripe does by default."""
        return {"by": AMOUNT, "credit_reason": "", "email_type": MAIL}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The note; judged again, because what was paid may have changed since the form was opened."""
        if wrong := objections(row, facts_of(row), cleaned):
            raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": " ".join(wrong.values())})
        return Call("post", "/v1/credit_notes", _params(row, cleaned))

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """https://docs.stripe.com/api/credit_notes/preview takes what the real call takes."""
        return Call("get", "/v1/credit_notes/preview", self.plan(row, cleaned).params)

    def field_for_param(self, param: str) -> str:
        """`reason` is Stripe's here, and the form has a field per line."""
        if param == "reason":
            return "credit_reason"
        return "by" if param.startswith("lines") else super().field_for_param(param)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """Over what, how it is given back, what the customer gets."""
        self.plan(row, cleaned)
        currency, total = currency_of(row), total_of(row, cleaned)
        over = format_money(total, currency)
        invoice = name_of(row)
        lines = [
            _("%(invoice)s gets a credit note over %(over)s.") % {"invoice": invoice, "over": over}
            if total
            else _("%(invoice)s gets a credit note.") % {"invoice": invoice}
        ]
        lines += [f"{words}: {format_money(amount, currency)}." for words, amount in _given(cleaned)]
        if cleaned.get("credit_reason"):
            lines.append(_("Reason on the note: %(reason)s.") % {"reason": dict(REASONS).get(cleaned["credit_reason"])})
        return lines + ([_("Memo: %(memo)s") % {"memo": cleaned["memo"]}] if cleaned.get("memo") else [])

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What Stripe's preview says of the sums, and what follows from them."""
        currency, seen = currency_of(row), preview or {}
        total = whole(seen.get("total")) or total_of(row, cleaned) or 0
        before = min(total, facts_of(row).remaining)
        before = whole(seen.get("pre_payment_amount")) if "pre_payment_amount" in seen else before
        money = [Amount(_("Credit note"), total, currency)]
        if before:
            money.append(Amount(_("Less to pay on the invoice"), before, currency))
        money += [Amount(words, amount, currency) for words, amount in _given(cleaned)]
        return Effects(
            money=tuple(money),
            lines=tuple(_lines_of(seen, currency)),
            follows=tuple(self._follows(row, cleaned, before)),
            final=self.final_warning,
        )

    def _follows(self, row: StripeObject, cleaned: Mapping[str, Any], before: int) -> Iterator[str]:
        left = amount_of(row, "amount_remaining") - before
        if before and not left:
            yield _("Nothing is left to pay: the invoice becomes paid, without a payment.")
        elif before:
            yield _("%(amount)s are left to pay.") % {"amount": format_money(left, currency_of(row))}
        if cleaned.get("refund_amount"):
            paid = next((charge for payment in payments_of(row) if (charge := paid_by(payment))), None)
            yield fee_words(paid) if paid else _("Stripe's fee for the payment isn't returned.")
        if cleaned.get("out_of_band_amount"):
            yield _("What is given back outside of Stripe you pay back yourselves; Stripe only notes it.")
        if subscription_of(row):
            yield _("The subscription goes on and bills again; to end it, cancel it.")
        yield _mail_words(row, cleaned)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """The invoice's sums; the answer is the note."""
        if row.kind.object == "credit_note":
            amounts = {name: row.data.get(name) for name in ("total", "pre_payment_amount", "post_payment_amount")}
            return {"credit_note": row.pk, "credit_note.number": row.data.get("number"), **amounts}
        names = ("status", "amount_remaining", "pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
        return {name: row.data.get(name) for name in names}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """The invoice's sums can't tell whose note changed them."""
        return False

    def refusal(self, push: Push, message: str) -> str:
        """With what others have credited meanwhile (S33)."""
        row = Invoice.objects.filter(pk=push.object_id).first()
        words = _credited_words(row) if row else ""
        return f"{message} {words}".strip()

    def at_stake(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Iterable[tuple[int, str]]:
        """What the note is over; all that can be credited where only Stripe's preview knows the taxes of its lines."""
        total = total_of(row, cleaned)
        return [(facts_of(row).creditable if total is None else total, currency_of(row))]

    def undo(self, push: Push) -> Undo | None:
        """Only a note that has moved no money, while its invoice is open."""
        note = CreditNote.objects.alive().filter(pk=push.after.get("credit_note") or "").first()
        if note is None or note.post_payment_amount or VoidCreditNote().why_not(note):
            return None
        return Undo(VoidCreditNote.name, {}, "credit_note", note.pk)


def _params(row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = {"email_type": cleaned["email_type"], "invoice": row.pk}
    if cleaned["by"] == AMOUNT:
        params["amount"] = cleaned["amount"]
    else:
        params["lines"] = [
            {"amount": amount, "invoice_line_item": id, "type": "invoice_line_item"}
            for id, amount in chosen_lines(cleaned)
        ]
    params |= {name: cleaned[name] for name in SPLIT if cleaned.get(name)}
    given = {"reason": cleaned.get("credit_reason"), "memo": cleaned.get("memo")}
    return params | {name: value for name, value in given.items() if value}


def _given(cleaned: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [(str(words), cleaned[name]) for name, words in WORDS.items() if cleaned.get(name)]


def _lines_of(seen: Mapping[str, Any], currency: str) -> Iterator[Amount]:
    """The lines of Stripe's preview, what was discounted of them, and the taxes on top."""
    held = state.look_up(seen, ("lines", "data"))
    entries = held if isinstance(held, list) else []
    for entry in entries:
        yield Amount(str(entry.get("description") or _("Amount")), whole(entry.get("amount")), currency)
    if state.look_up(seen, ("lines", "has_more")):
        known = sum(whole(entry.get("amount")) for entry in entries)
        yield Amount(_("Further lines"), whole(seen.get("subtotal")) - known, currency)
    if discount := whole(seen.get("discount_amount")):
        yield Amount(_("Discount"), -discount, currency)
    taxes = seen.get("total_taxes")
    for tax in taxes if isinstance(taxes, list) else []:
        words = _("Tax, included") if tax.get("tax_behavior") == "inclusive" else _("Tax")
        yield Amount(words, whole(tax.get("amount")), currency)


def _mail_words(row: StripeObject, cleaned: Mapping[str, Any]) -> str:
    address = state.text(row.data.get("customer_email"))
    if cleaned.get("email_type") != MAIL:
        return _("The customer gets no e-mail about it.")
    return (
        _("Stripe e-mails the credit note to %(address)s.") % {"address": address}
        if address
        else _("There is no e-mail address to send it to.")
    )


def under_way(row: StripeObject) -> bool:
    """Whether a credit note of this invoice was asked for here and isn't known to be made or refused."""
    asked = Push.objects.filter(object_type="invoice", object_id=row.pk, operation=OPERATION)
    return asked.filter(state__in=UNDER_WAY, first_sent_at__isnull=False).exists()


def _credited_words(row: StripeObject) -> str:
    """Which notes there are, and who made them here: "Credited by now: €5.00 by Jo (ABC-0001-CN-01)."."""
    done = Push.objects.filter(object_type="invoice", object_id=row.pk, operation=OPERATION, state=Push.State.DONE)
    makers = {push.after.get("credit_note"): push.user_name for push in done}
    notes = CreditNote.objects.alive().filter(invoice=row.pk).exclude(status=VOID).order_by("created", "id")
    said = [_credited(note, makers.get(note.pk)) for note in notes]
    return _("Credited by now: %(notes)s.") % {"notes": "; ".join(said)} if said else ""


def _credited(note: CreditNote, who: str | None) -> str:
    amount = format_money(note.total, note.currency)
    return (
        _("%(amount)s by %(who)s (%(note)s)") % {"amount": amount, "who": who, "note": note}
        if who
        else f"{amount} ({note})"
    )


@register
class VoidCreditNote(Operation):
    """https://docs.stripe.com/api/credit_notes/void"""

    name = "void_credit_note"
    label = gettext_lazy("Void credit note")
    short_description = gettext_lazy("Take the note back; its invoice asks for the amount again.")
    object_type = "credit_note"
    form_class = OperationForm
    needs_reason = True
    danger = True
    final_warning = gettext_lazy("A void credit note stays void.")
    refused: ClassVar[Mapping[str, Words]] = {VOID: gettext_lazy("This credit note is void already.")}

    def why_not(self, row: StripeObject) -> str:
        """Only while its invoice is open."""
        if reason := why_not_in(row, self.refused):
            return reason
        invoice = _invoice_of(row)
        if invoice is None or status_of(invoice) in ("", OPEN):
            return ""
        if (status := status_of(invoice)) == PAID:
            return _(
                "Its invoice is paid: what it gave back stays given back. Stripe voids only the notes of open invoices."
            )
        return _(
            "Its invoice is %(status)s: nothing is asked for any more. Stripe voids only the notes of open invoices."
        ) % {"status": status}

    def why_not_at_a_glance(self, row: StripeObject) -> str:
        """By the status."""
        return why_not_in(row, self.refused)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """Without parameters."""
        return Call("post", f"/v1/credit_notes/{row.pk}/void", {})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is asked for again."""
        again = format_money(amount_of(row, "pre_payment_amount"), currency_of(row))
        return [_("The credit note becomes void; %(again)s are to be paid again.") % {"again": again}]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What the invoice asks for again; what was given back isn't asked back."""
        follows = [_("The customer gets no e-mail about it.")]
        if amount_of(row, "post_payment_amount"):
            follows.append(_("What it refunded or credited isn't taken back."))
        money = (Amount(_("To be paid again"), amount_of(row, "pre_payment_amount"), currency_of(row)),)
        return Effects(money=money, follows=tuple(follows), final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Its status."""
        return {name: row.data.get(name) for name in ("status", "voided_at")}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """The call has no parameters that could be read back."""
        return status_of(row) == VOID


def _invoice_of(note: StripeObject) -> Any:
    return Invoice.objects.filter(pk=state.text(state.look_up(note.data, ("invoice",)))).first()
