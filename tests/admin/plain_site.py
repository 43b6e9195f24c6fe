"""An admin of bare lists, for testing what the mixins promise on any Unfold ModelAdmin; also its addresses."""

from django.http import HttpRequest
from django.urls import path
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from stripe_mirror.admin.exports.mixin import ExportAdminMixin
from stripe_mirror.admin.live import LiveAdminMixin
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Customer, HealthReport, Subscription


class ReadOnlyAdmin(LiveAdminMixin, ExportAdminMixin, ModelAdmin):
    """A list and a page of one mirrored kind."""

    list_per_page = 25

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class CustomerAdmin(ReadOnlyAdmin):
    """With a filter and a search, as the lists of the product."""

    list_display = ("name", "email", "country", "balance")
    list_filter = ("country", "delinquent")
    search_fields = ("name", "email")


class SubscriptionAdmin(ReadOnlyAdmin):
    """Shows the customer beside."""

    list_display = ("id", "customer", "status")
    list_select_related = ("customer",)


class PlainSite(UnfoldAdminSite):
    """Without the product's sidebar, which names pages that aren't here."""

    settings_name = "UNFOLD_FOR_PLAIN_SITE"


site = PlainSite(name="admin")
for kind in all_kinds():
    special = {Customer: CustomerAdmin, Subscription: SubscriptionAdmin}
    site.register(kind.model, special.get(kind.model, ReadOnlyAdmin))

# Where the badge in the head of every page leads.
site.register(HealthReport, ModelAdmin)

urlpatterns = [path("admin/", site.urls)]
