"""Products, prices, coupons and tax rates, as staff see them."""

from typing import Any

from django.contrib import admin

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.discounts import discounts_by, redemptions
from stripe_mirror.models import Coupon, Price, Product, TaxRate


def duration(row: Any) -> str:
    """How long a coupon's discount lasts."""
    if row.duration == "repeating" and row.duration_in_months:
        return f"{row.duration_in_months} months"
    return display.words(row.duration)


def percent(row: Any) -> str:
    """A tax rate's percentage without needless zeros."""
    return f"{row.percentage.normalize():f}%" if row.percentage is not None else ""


@admin.register(Product)
class ProductAdmin(StripeObjectAdmin):
    """What is sold."""

    list_display = (
        columns.NAME,
        columns.STATUS,
        columns.relation("default_price"),
        columns.text("description"),
        columns.CREATED,
    )
    list_select_related = ("default_price",)
    search_fields = ("name", "description")
    search_help_text = "Name, description or id"
    key_facts = (columns.relation("default_price"), columns.moment("created"))
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.text("name"),
                columns.text("description"),
                columns.flag("active"),
                columns.relation("default_price"),
                columns.made("Tax code", lambda row: row.data.get("tax_code")),
                columns.made("Unit label", lambda row: row.data.get("unit_label")),
            ),
        ),
    )
    related = (
        Related(
            title="Prices",
            object="price",
            lookup="product",
            columns=(
                columns.made("Price", lambda row: display.row_link(row)),
                columns.STATUS,
                columns.text("nickname"),
                columns.made("Currency", lambda row: (row.currency or "").upper()),
                columns.CREATED,
            ),
        ),
        Related(
            title="Subscribed",
            object="subscription_item",
            lookup="product",
            columns=(
                columns.made("Subscription", lambda row: display.row_link(row.subscription, row.subscription_id)),
                columns.relation("price"),
                columns.number("quantity"),
                columns.CREATED,
            ),
            select=("subscription", "price"),
        ),
    )


@admin.register(Price)
class PriceAdmin(StripeObjectAdmin):
    """How much and how often."""

    list_display = (
        columns.NAME,
        columns.relation("product"),
        columns.STATUS,
        columns.amount("unit_amount"),
        columns.enum("type"),
        columns.text("nickname"),
        columns.CREATED,
    )
    list_select_related = ("product",)
    search_fields = ("nickname", "lookup_key")
    search_parents = {"product": ("name",)}
    search_help_text = "Product, nickname, lookup key or id"
    key_facts = (columns.relation("product"), columns.moment("created"))
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.relation("product"),
                columns.amount("unit_amount"),
                columns.enum("type"),
                columns.enum("interval"),
                columns.number("interval_count"),
                columns.text("nickname"),
                columns.text("lookup_key"),
                columns.made("Billing scheme", lambda row: display.words(row.data.get("billing_scheme"))),
                columns.made("Tax behavior", lambda row: display.words(row.data.get("tax_behavior"))),
            ),
        ),
    )
    related = (
        Related(
            title="Subscriptions",
            object="subscription",
            lookup="price",
            columns=(
                columns.made("Subscription", lambda row: display.row_link(row)),
                columns.relation("customer"),
                columns.STATUS,
                columns.number("quantity"),
                columns.CREATED,
            ),
            select=("customer",),
        ),
    )


@admin.register(Coupon)
class CouponAdmin(StripeObjectAdmin):
    """Discounts."""

    list_display = (
        columns.NAME,
        columns.made("Terms", lambda row: row.terms),
        columns.made("Duration", duration),
        columns.STATUS,
        columns.made("Redeemed", redemptions, numeric=True),
        columns.moment("redeem_by"),
        columns.CREATED,
    )
    search_fields = ("name",)
    search_help_text = "Name or id"
    key_facts = (columns.made("Terms", lambda row: row.terms), columns.made("Duration", duration))
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.text("name"),
                columns.made("Terms", lambda row: row.terms),
                columns.made("Duration", duration),
                columns.made("Redeemed", redemptions),
                columns.moment("redeem_by"),
                columns.flag("valid"),
            ),
        ),
    )
    related = (
        Related(
            title="Promotion codes",
            object="promotion_code",
            lookup="coupon",
            columns=(
                columns.linked("Code", display.name_of),
                columns.STATUS,
                columns.made("Redeemed", redemptions, numeric=True),
                columns.CREATED,
            ),
        ),
        discounts_by("coupon"),
    )


def tax_type(row: Any) -> str:
    """ "VAT", "GST"; "Sales tax"."""
    name = row.tax_type or ""
    return name.upper() if len(name) <= 3 else display.words(name)


@admin.register(TaxRate)
class TaxRateAdmin(StripeObjectAdmin):
    """Taxes that are set by hand."""

    list_display = (
        columns.NAME,
        columns.STATUS,
        columns.made("Rate", percent, numeric=True),
        columns.made("Price", lambda row: "Includes it" if row.inclusive else "Tax on top"),
        columns.text("country"),
        columns.text("jurisdiction"),
        columns.text("description"),
        columns.CREATED,
    )
    search_fields = ("display_name", "description", "jurisdiction")
    search_help_text = "Name, description, jurisdiction or id"
    key_facts = (columns.made("Rate", percent), columns.text("country"), columns.moment("created"))
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.text("display_name"),
                columns.text("description"),
                columns.made("Rate", percent),
                columns.flag("inclusive", "Included in the price"),
                columns.flag("active"),
                columns.made("Tax type", tax_type),
                columns.text("country"),
                columns.text("state"),
                columns.text("jurisdiction"),
            ),
        ),
    )
