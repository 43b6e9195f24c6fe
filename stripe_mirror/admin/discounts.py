"""Promotion codes and discounts, as staff see them: coupons that are given out, and coupons at work."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.models import Discount, PromotionCode


def redemptions(row: Any) -> str:
    """How often it was used, of how many."""
    used = row.times_redeemed or 0
    return (
        gettext("%(used)s of %(most)s") % {"used": used, "most": row.max_redemptions}
        if row.max_redemptions
        else str(used)
    )


def minimum(row: Any) -> Any:
    """The least that an order must come to."""
    return display.money(row.minimum_amount, row.currency)


def terms(row: Any) -> str:
    """What the coupon behind a code or a discount gives."""
    return row.coupon.terms if row.coupon else ""


def applies_to(row: Any) -> Any:
    """The narrowest thing that a discount stands on."""
    for name in ("invoice", "subscription", "customer"):
        id, target = getattr(row, f"{name}_id"), getattr(row, name)
        if id:
            return display.link(display.words(name), display.object_url(target)) if target else display.mono(id)
    return display.EMPTY


def coupon_name(row: Any) -> str:
    """What a discount is known by."""
    return display.name_of(row.coupon) if row.coupon else str(row.coupon_id or row.pk)


def discounts_on(relation: str) -> Related:
    """The discounts of what the row pays, where it has some."""
    shown = (
        columns.linked(_("Discount"), coupon_name),
        columns.made(_("Terms"), terms),
        columns.STATUS,
        columns.moment("created", _("Since")),
    )
    return Related(
        title=_("Discounts"), object="discount", lookup=relation, columns=shown, select=("coupon",), if_any=True
    )


def discounts_by(relation: str) -> Related:
    """The discounts that a coupon or a code made."""
    shown = (
        columns.linked(_("Since"), lambda row: display.when(row.created)),
        columns.STATUS,
        columns.relation("customer"),
        columns.made(_("Applies to"), applies_to),
    )
    select = ("customer", "subscription", "invoice")
    return Related(title=_("Discounts"), object="discount", lookup=relation, columns=shown, select=select, if_any=True)


@admin.register(PromotionCode)
class PromotionCodeAdmin(StripeObjectAdmin):
    """What customers type to get a coupon."""

    list_display = (
        columns.made(_("Code"), display.name_of),
        columns.STATUS,
        columns.relation("coupon"),
        columns.made(_("Terms"), terms),
        columns.made(_("Redeemed"), redemptions, numeric=True),
        columns.relation("customer", _("Only for")),
        columns.CREATED,
    )
    list_select_related = ("coupon", "customer")
    search_fields = ("code",)
    search_parents = {"coupon": ("name",)}
    search_help_text = _("Code, coupon or id")
    key_facts = (
        columns.relation("coupon"),
        columns.made(_("Terms"), terms),
        columns.made(_("Redeemed"), redemptions),
    )
    facts = (
        FactGroup(
            title=_("Details"),
            facts=(
                columns.text("code"),
                columns.relation("coupon"),
                columns.made(_("Terms"), terms),
                columns.made(_("Redeemed"), redemptions),
                columns.moment("expires_at", _("Expires")),
                columns.flag("active"),
            ),
        ),
        FactGroup(
            title=_("Who may use it"),
            facts=(
                columns.relation("customer", _("Only for")),
                columns.flag("first_time_transaction", _("First payment only")),
                columns.made(_("Order of at least"), minimum),
            ),
        ),
    )
    related = (discounts_by("promotion_code"),)


@admin.register(Discount)
class DiscountAdmin(StripeObjectAdmin):
    """Coupons at work: on a customer, a subscription or an invoice."""

    list_display = (
        columns.made(_("Discount"), coupon_name),
        columns.made(_("Terms"), terms),
        columns.STATUS,
        columns.relation("customer"),
        columns.made(_("Applies to"), applies_to),
        columns.day("created", _("Since"), order=True),
        columns.day("end", _("Until"), order=True),
    )
    list_select_related = ("coupon", "customer", "subscription", "invoice")
    detail_select_related = ("promotion_code",)
    search_parents = {"customer": ("name", "email"), "coupon": ("name",)}
    search_help_text = _("Coupon, customer, subscription, invoice or id")
    key_facts = (
        columns.made(_("Terms"), terms),
        columns.relation("customer"),
        columns.made(_("Applies to"), applies_to),
    )
    facts = (
        FactGroup(
            title=_("Details"),
            facts=(
                columns.relation("coupon"),
                columns.relation("promotion_code"),
                columns.relation("customer"),
                columns.relation("subscription"),
                columns.made(_("Subscription item"), lambda row: display.link_to_id(row.subscription_item_id)),
                columns.relation("invoice"),
                columns.made(_("Invoice item"), lambda row: display.link_to_id(row.invoice_item_id)),
                columns.moment("created", _("Since")),
                columns.moment("end", _("Until")),
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        return coupon_name(row)
