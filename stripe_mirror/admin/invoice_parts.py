"""Parts of an invoice's page: its totals in Stripe's order, and the way to its hosted page and PDF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import display

if TYPE_CHECKING:
    from stripe_mirror.admin.base import StripeObjectAdmin

MAY_OPEN = "stripe_mirror.view_invoice_links"
# The page's name in our address → the field of Stripe's that says where it is.
LINKS = {"hosted": "hosted_invoice_url", "pdf": "invoice_pdf"}

# Stripe's reasons for an invoice, as people ask for them; others read as they are.
REASONS = {
    "subscription_create": gettext_lazy("First invoice of a subscription"),
    "subscription_cycle": gettext_lazy("Renewal of a subscription"),
    "subscription_update": gettext_lazy("Change of a subscription"),
    "subscription_threshold": gettext_lazy("Usage above a threshold"),
    "manual": gettext_lazy("Made by hand"),
}


@dataclass(frozen=True)
class Total:
    """A line of the totals."""

    label: str
    value: SafeString
    strong: bool = False


def totals(row: Any) -> list[Total]:
    """Subtotal, discount, tax, total, what the balance took, due, paid, remaining; what is nothing is left out."""
    discount = -_sum(row.data.get("total_discount_amounts"))
    found = [
        (_("Subtotal"), row.subtotal, True, False),
        (_("Discount"), discount, False, False),
        (_("Tax"), tax_of(row), False, False),
        (_("Total"), row.total, True, True),
        (_("Credit notes before payment"), -_whole(row.data.get("pre_payment_credit_notes_amount")), False, False),
        (_("Applied balance"), _balance(row), False, False),
        (_("Amount due"), row.amount_due, True, False),
        (_("Paid"), row.amount_paid, True, False),
        (_("Credit notes after payment"), -_whole(row.data.get("post_payment_credit_notes_amount")), False, False),
        (_("Remaining"), row.amount_remaining, True, True),
    ]
    return [
        Total(label, display.money(amount, row.currency), strong)
        for label, amount, always, strong in found
        if amount is not None and (always or amount)
    ]


def reason_words(reason: object) -> str:
    """Why there is an invoice."""
    return str(REASONS.get(str(reason)) or display.words(reason))


def tax_of(row: Any) -> int:
    """All taxes, also those inside the prices; older objects name them otherwise."""
    taxes = row.data.get("total_taxes") or row.data.get("total_tax_amounts")
    return _sum(taxes) if taxes else _whole(row.data.get("tax"))


def _balance(row: Any) -> int:
    """What the customer's balance changed on it: below zero it paid a part."""
    start, end = row.data.get("starting_balance"), row.data.get("ending_balance")
    if not isinstance(start, int) or not isinstance(end, int):
        return 0
    return start - end


def _sum(amounts: Any) -> int:
    entries = amounts if isinstance(amounts, list) else []
    return sum(_whole(entry.get("amount")) for entry in entries if isinstance(entry, Mapping))


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def links(request: HttpRequest, row: Any) -> list[tuple[str, str]]:
    """The hosted page and the PDF through addresses of ours, for who may open them: who has Stripe's needs no login."""
    if not request.user.has_perm(MAY_OPEN):
        return []
    names = {"hosted": _("Invoice page"), "pdf": _("PDF")}
    return [
        (names[page], reverse("admin:stripe_mirror_invoice_open", args=(row.pk, page)))
        for page in LINKS
        if _address(row, page)
    ]


def open_link(request: HttpRequest, model_admin: StripeObjectAdmin, object_id: str, page: str) -> HttpResponse:
    """Lead to Stripe's page. Its address stands in no page and no log of ours."""
    row = model_admin.find(request, object_id)
    if row is None:
        return model_admin.missing(request, object_id)
    model_admin.demand_view(request, row)
    if not request.user.has_perm(MAY_OPEN):
        raise PermissionDenied(_("You may not open this invoice's pages at Stripe."))
    address = _address(row, page)
    if not address:
        raise Http404(_("This invoice has no such page."))
    answer = HttpResponseRedirect(address)
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _address(row: Any, page: str) -> str:
    address = row.data.get(LINKS.get(page, ""))
    return address if isinstance(address, str) and address.startswith("https://") else ""
