"""Products, prices, coupons and tax rates, as staff see them."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import F, IntegerField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, detail, display
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.discounts import discounts_by, redemptions
from stripe_mirror.admin.row_menu import menu_of
from stripe_mirror.models import Coupon, Price, Product, SubscriptionItem, TaxRate

# Of each price so many items are looked at; of a product so many prices are shown.
COUNTED = 1000
PRICES = 10


def duration(row: Any) -> str:
    """How long a coupon's discount lasts."""
    if row.duration == "repeating" and row.duration_in_months:
        return _("%(n)s months") % {"n": row.duration_in_months}
    return display.words(row.duration)


def percent(row: Any) -> str:
    """A tax rate's percentage without needless zeros."""
    return f"{row.percentage.normalize():f}%" if row.percentage is not None else ""


class CountOf(Subquery):
    """How many rows a limited subquery has."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def with_subscribers(prices: QuerySet[Price]) -> QuerySet[Price]:
    """With how many of the newest items of each price are in subscriptions that run: no price is counted to its end."""
    items = SubscriptionItem.objects.filter(price=OuterRef("pk"), deleted_at=None).order_by("-created", "-id")
    counted = items.annotate(state=F("subscription__status")).values("state")[:COUNTED]
    return prices.annotate(counted=CountOf(counted), running=Running(counted))


class Running(Subquery):
    """How many of a limited subquery's rows have a subscription that runs."""

    template = (
        "(SELECT COUNT(*) FROM (%(subquery)s) AS counted WHERE counted.state IN ('active', 'trialing', 'past_due'))"
    )
    output_field = IntegerField()


def subscribers(row: Any) -> str:
    """ "12", or "1,000+" where not all were counted."""
    more = row.counted >= COUNTED
    return f"{row.running:,}{'+' if more else ''}"


def subscription_of(row: Any, id: str | None) -> SafeString:
    """A link to a subscription under the name of who has it, which says more than its id."""
    if row is None or row.customer is None:
        return display.row_link(row, id)
    return display.link(display.name_of(row.customer), display.object_url(row))


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
    search_help_text = gettext_lazy("Name, description or id")
    key_facts = (columns.relation("default_price"), columns.moment("created"))
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.text("name"),
                columns.text("description"),
                columns.flag("active"),
                columns.relation("default_price"),
                columns.made(gettext_lazy("Tax code"), lambda row: row.data.get("tax_code")),
                columns.made(gettext_lazy("Unit label"), lambda row: row.data.get("unit_label")),
            ),
        ),
    )
    related = (
        Related(
            title=gettext_lazy("Prices"),
            object="price",
            lookup="product",
            columns=(
                columns.made(gettext_lazy("Price"), lambda row: display.row_link(row)),
                columns.STATUS,
                columns.text("nickname"),
                columns.made(gettext_lazy("Subscribers"), subscribers, numeric=True),
                columns.day("created"),
            ),
        ),
        Related(
            title=gettext_lazy("Subscribers"),
            object="subscription_item",
            lookup="product",
            columns=(
                columns.made(
                    gettext_lazy("Customer"), lambda row: subscription_of(row.subscription, row.subscription_id)
                ),
                columns.relation("price"),
                columns.number("quantity"),
                columns.day("created"),
            ),
            select=("subscription__customer", "price"),
        ),
    )

    def tables(self, request: HttpRequest, row: Any) -> list[detail.Table]:
        """Each price with how many subscribe to it."""
        prices = with_subscribers(Price.objects.filter(product=row.pk))[: PRICES + 1]
        loaded = {"Prices": list(prices) if detail.may_view(request.user, "price") else []}
        return detail.related_tables(request, row, self.related, loaded=loaded, menu=partial(menu_of, request))


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
    search_help_text = gettext_lazy("Product, nickname, lookup key or id")
    key_facts = (columns.relation("product"), columns.moment("created"))
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.relation("product"),
                columns.amount("unit_amount"),
                columns.enum("type"),
                columns.enum("interval"),
                columns.number("interval_count"),
                columns.text("nickname"),
                columns.text("lookup_key"),
                columns.made(gettext_lazy("Billing scheme"), lambda row: display.words(row.data.get("billing_scheme"))),
                columns.made(gettext_lazy("Tax behavior"), lambda row: display.words(row.data.get("tax_behavior"))),
            ),
        ),
    )
    related = (
        Related(
            title=gettext_lazy("Subscriptions"),
            object="subscription",
            lookup="price",
            columns=(
                columns.made(gettext_lazy("Customer"), lambda row: subscription_of(row, row.pk)),
                columns.STATUS,
                columns.number("quantity"),
                columns.day("created"),
            ),
            select=("customer",),
        ),
    )


@admin.register(Coupon)
class CouponAdmin(StripeObjectAdmin):
    """Discounts."""

    list_display = (
        columns.NAME,
        columns.made(gettext_lazy("Terms"), lambda row: row.terms),
        columns.made(gettext_lazy("Duration"), duration),
        columns.STATUS,
        columns.made(gettext_lazy("Redeemed"), redemptions, numeric=True),
        columns.moment("redeem_by"),
        columns.CREATED,
    )
    search_fields = ("name",)
    search_help_text = gettext_lazy("Name or id")
    key_facts = (
        columns.made(gettext_lazy("Terms"), lambda row: row.terms),
        columns.made(gettext_lazy("Duration"), duration),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.text("name"),
                columns.made(gettext_lazy("Terms"), lambda row: row.terms),
                columns.made(gettext_lazy("Duration"), duration),
                columns.made(gettext_lazy("Redeemed"), redemptions),
                columns.moment("redeem_by"),
                columns.flag("valid"),
            ),
        ),
    )
    related = (
        Related(
            title=gettext_lazy("Promotion codes"),
            object="promotion_code",
            lookup="coupon",
            columns=(
                columns.linked(gettext_lazy("Code"), display.name_of),
                columns.STATUS,
                columns.made(gettext_lazy("Redeemed"), redemptions, numeric=True),
                columns.day("created"),
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
        columns.made(gettext_lazy("Rate"), percent, numeric=True),
        columns.made(gettext_lazy("Price"), lambda row: _("Includes it") if row.inclusive else _("Tax on top")),
        columns.text("country"),
        columns.text("jurisdiction"),
        columns.text("description"),
        columns.CREATED,
    )
    search_fields = ("display_name", "description", "jurisdiction")
    search_help_text = gettext_lazy("Name, description, jurisdiction or id")
    key_facts = (columns.made(gettext_lazy("Rate"), percent), columns.text("country"), columns.moment("created"))
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.text("display_name"),
                columns.text("description"),
                columns.made(gettext_lazy("Rate"), percent),
                columns.flag("inclusive", gettext_lazy("Included in the price")),
                columns.flag("active"),
                columns.made(gettext_lazy("Tax type"), tax_type),
                columns.text("country"),
                columns.text("state"),
                columns.text("jurisdiction"),
            ),
        ),
    )
