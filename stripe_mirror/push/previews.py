"""Stripe's own previews of subscriptions: the request, and its answer in money and in words.

A preview is the invoice that comes next, at once or when the period ends; prorations are never computed here. Stripe
refuses where there is nothing to bill (`invoice_upcoming_none`): that answer reads {} here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push import moments
from stripe_mirror.push.effects import Amount, Effects
from stripe_mirror.push.operation import Call, OperationForm
from stripe_mirror.push.subscription_facts import (
    AUTOMATIC,
    collects,
    is_metered,
    items_of,
    period_end,
    price_of,
    status_of,
)
from stripe_mirror.push.wording import Words
from stripe_mirror.stripe_api.client import api_version

PREVIEW_PATH = "/v1/invoices/create_preview"
CREATE, ALWAYS, NO_PRORATION = "create_prorations", "always_invoice", "none"
PRORATIONS = [
    (CREATE, gettext_lazy("With the next invoice")),
    (ALWAYS, gettext_lazy("With an invoice at once")),
    (NO_PRORATION, gettext_lazy("Not at all: nothing is credited or charged for the running period")),
]
ALLOW, REFUSE = "allow_incomplete", "error_if_incomplete"
# From this version on a subscription can be paused, and a billing date is set by an object instead of a word.
ENDIVE = "2026-09-30"
NOTHING_TO_BILL = gettext_lazy("Stripe has nothing to bill for this.")


def speaks_endive() -> bool:
    """Whether our requests follow the rules of endive or later."""
    return api_version()[:10] >= ENDIVE


def billing_cycle_anchor(word: str) -> Any:
    """`now` or `unchanged`, as the version that we speak wants it."""
    return {"type": word} if speaks_endive() else word


class ProrationForm(OperationForm):
    """How a change inside a period is billed."""

    proration_behavior = forms.ChoiceField(
        label=gettext_lazy("Bill the difference for the running period"), widget=forms.RadioSelect, choices=PRORATIONS
    )
    payment_behavior = forms.ChoiceField(
        label=gettext_lazy("If a payment at once fails"),
        widget=forms.RadioSelect,
        required=False,
        choices=[
            (ALLOW, gettext_lazy("Change it anyhow: the subscription becomes past due")),
            (REFUSE, gettext_lazy("Change nothing")),
        ],
    )
    # The moment that preview and call prorate at, so that both come to the same.
    proration_date = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def prepare(self) -> None:
        """Nothing is charged at once where the customer gets invoices to pay."""
        if self.row.pk and collects(self.row) != AUTOMATIC:
            del self.fields["payment_behavior"]


PRORATION_FIELDS = ("proration_behavior", "payment_behavior", "proration_date")


def proration_initial(row: StripeObject) -> dict[str, Any]:
    """What a ProrationForm shows at first."""
    shown = {"proration_behavior": CREATE, "payment_behavior": ALLOW, "proration_date": pinned(row)}
    return shown if not row.pk or collects(row) == AUTOMATIC else {**shown, "payment_behavior": None}


def pinned(row: StripeObject) -> int | None:
    """Now, moved into the running periods: Stripe prorates in them only. None where the form is for many rows."""
    if not row.pk:
        return None
    bounds = [(item.get("current_period_start"), item.get("current_period_end")) for item in items_of(row)]
    known = [(start, end) for start, end in bounds if isinstance(start, int) and isinstance(end, int)]
    if not known:
        return None
    return min(max(moments.now(), *(start for start, _ in known)), *(end for _, end in known))


def proration_params(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """How to prorate; a date goes only with prorations."""
    behavior, date = cleaned["proration_behavior"], cleaned.get("proration_date")
    params: dict[str, Any] = {"proration_behavior": behavior}
    if date and behavior != NO_PRORATION:
        params["proration_date"] = date
    return params


def payment_params(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """What a failing payment shall do, where it isn't what Stripe does anyhow."""
    behavior = cleaned.get("payment_behavior")
    return {"payment_behavior": behavior} if behavior and behavior != ALLOW else {}


def proration_words(cleaned: Mapping[str, Any]) -> str:
    """How the difference is billed, as a line of a summary."""
    words = {
        CREATE: _("The difference for the running period goes onto the next invoice."),
        ALWAYS: _("The difference for the running period is invoiced at once."),
    }
    return words.get(cleaned["proration_behavior"], _("Nothing is credited or charged for the running period."))


def same_proration(push: Push) -> dict[str, Any]:
    """An inverse is billed in the way that the push was."""
    return {"proration_behavior": push.params.get("proration_behavior", CREATE)}


def change_follows(row: StripeObject, cleaned: Mapping[str, Any], *, at_once: bool) -> list[str]:
    """What comes by itself of a change of what is billed."""
    follows = []
    if at_once and collects(row) == AUTOMATIC:
        follows.append(
            _("An invoice is made and charged at once. If the payment fails, nothing is changed.")
            if payment_params(cleaned)
            else _(
                "An invoice is made and charged at once. If the payment fails, the change stays and "
                "the subscription is past due."
            )
        )
    elif at_once:
        follows.append(_("An invoice is made at once, for the customer to pay."))
    if at_once:
        follows.append(_("Stripe e-mails the invoice or the receipt where its settings say so."))
    if row.data.get("pending_update"):
        follows.append(_("An earlier change that still waits for its payment is dropped."))
    return follows


def preview_call(row: StripeObject, details: Mapping[str, Any], **more: Any) -> Call:
    """The request for the invoice that would come of a changed subscription."""
    return Call("post", PREVIEW_PATH, {"subscription": row.pk, "subscription_details": dict(details), **more})


def effects_of(
    row: StripeObject,
    preview: Mapping[str, Any] | None,
    *,
    at_once: bool,
    follows: Iterable[str] = (),
    final: Words = "",
    date: int | None = None,
    words: str = "",
) -> Effects:
    """What a preview says, beside what is known without it. `at_once`: the invoice is made now (see `is_at_once`), with
    `words` for what is due; `date`: the proration date that was asked with."""
    if not preview:
        nothing = () if preview is None else (NOTHING_TO_BILL,)
        return Effects(follows=(*nothing, *follows), final=final)
    if at_once:
        money = [_due(preview, words or _words_at_once(row))]
    else:
        start = renewal_start(row, preview) or period_end(row)
        money = [*_prorations(preview, date), _due(preview, _words_later(start))]
    return Effects(money=tuple(money), lines=tuple(lines_of(preview)), follows=tuple(follows), final=final)


def is_at_once(row: StripeObject, preview: Mapping[str, Any] | None, behavior: str) -> bool:
    """Whether a change of items makes an invoice now: it was asked for, or a new period begins (Stripe bills at once
    when the interval changes, or what was free gets a price)."""
    if not preview or renewal_start(row, preview) is not None:
        return False
    metered = {item.get("id") for item in items_of(row) if is_metered(price_of(item))}
    periods = [_item_details(line) for line in _lines(preview) if not is_proration(line)]
    return behavior == ALWAYS or any(of and of.get("subscription_item") not in metered for of in periods)


def _lines(preview: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((preview.get("lines") or {}).get("data") or [])


def _item_details(line: Mapping[str, Any]) -> Mapping[str, Any]:
    return (line.get("parent") or {}).get("subscription_item_details") or {}


def is_proration(line: Mapping[str, Any]) -> bool:
    """Whether a line credits or charges a part of a period."""
    parent = line.get("parent") or {}
    kinds = ("subscription_item_details", "invoice_item_details")
    return any((parent.get(kind) or {}).get("proration") for kind in kinds)


def renewal_start(row: StripeObject, preview: Mapping[str, Any]) -> int | None:
    """When the period begins that the preview bills, where it is a later one than the running one."""
    ends = {item.get("id"): item.get("current_period_end") for item in items_of(row) if not is_metered(price_of(item))}
    starts = [
        line["period"]["start"]
        for line in _lines(preview)
        if not is_proration(line)
        and isinstance(end := ends.get(_item_details(line).get("subscription_item")), int)
        and line["period"]["start"] >= end
    ]
    return min(starts, default=None)


def _due(preview: Mapping[str, Any], words: str) -> Amount:
    currency = str(preview["currency"])
    if (total := int(preview["total"])) < 0:
        return Amount(_("Credited to the customer's balance for later invoices"), -total, currency)
    return Amount(words, int(preview["amount_due"]), currency)


def _words_at_once(row: StripeObject) -> str:
    if row.data.get("pause_collection"):
        return _("Put on an invoice at once, which is not collected while collection is paused")
    if status_of(row) == "unpaid":
        return _("Put on an invoice at once, which stays a draft while the subscription is unpaid")
    return _("Charged at once") if collects(row) == AUTOMATIC else _("Invoiced at once")


def _words_later(start: int | None) -> str:
    return _("Next invoice, on %(moment)s") % {"moment": moments.moment_words(start)} if start else _("Next invoice")


def _prorations(preview: Mapping[str, Any], date: int | None) -> list[Amount]:
    """What this change adds to the next invoice, by the date that only its prorations begin at."""
    if date is None or (preview.get("lines") or {}).get("has_more"):
        return []
    mine = [line for line in _lines(preview) if is_proration(line) and line["period"]["start"] == date]
    if not mine:
        return []
    return [Amount(_("Of this for the running period"), sum(int(line["amount"]) for line in mine), mine[0]["currency"])]


def lines_of(preview: Mapping[str, Any]) -> list[Amount]:
    """The lines of the invoice, then what else makes them up to what is due."""
    currency = str(preview["currency"])
    lines = [Amount(str(line.get("description") or "—"), int(line["amount"]), currency) for line in _lines(preview)]
    more = [
        (_("Further lines"), int(preview["subtotal"]) - sum(line.amount for line in lines)),
        (_("Discounts"), -_sum(preview.get("total_discount_amounts"))),
        (_("Taxes"), _sum(tax for tax in preview.get("total_taxes") or [] if tax.get("tax_behavior") == "exclusive")),
    ]
    lines += [Amount(words, amount, currency) for words, amount in more if amount]
    if rest := int(preview["amount_due"]) - sum(line.amount for line in lines):
        lines.append(Amount(_balance_words(rest, preview), rest, currency))
    return lines


def _balance_words(rest: int, preview: Mapping[str, Any]) -> str:
    if rest < 0:
        return _("From the customer's balance")
    return _("Credited to the customer's balance") if int(preview["total"]) < 0 else _("Owed from before")


def _sum(amounts: Iterable[Mapping[str, Any]] | None) -> int:
    return sum(int(entry["amount"]) for entry in amounts or [])
