"""Django's users and groups in the same look, with the Stripe customer that a user is."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from stripe_mirror.admin import columns, display

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Who may sign in; some of them are customers too."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "full_name", "is_staff", "customer")
    list_select_related = ("stripe_customer_link__customer",)
    readonly_fields = ("customer", "subscription", "last_login", "date_joined")
    show_full_result_count = False
    list_per_page = 25
    compressed_fields = False

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        return [*fieldsets, ("Stripe", {"fields": ("customer", "subscription")})]

    @admin.display(description="name")
    def full_name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name()

    @admin.display(description="customer")
    def customer(self, user: User) -> Any:
        """The customer in Stripe."""
        link = getattr(user, "stripe_customer_link", None)
        return display.row_link(link.customer, link.customer_id) if link else display.EMPTY

    @admin.display(description="current subscription")
    def subscription(self, user: User) -> Any:
        """The newest subscription that hasn't ended, with its state in words."""
        link = getattr(user, "stripe_customer_link", None)
        customer = link.customer if link else None
        newest = customer.subscriptions.filter(ended_at=None).first() if customer else None
        if newest is None:
            return display.EMPTY
        return format_html("{} {}", display.row_link(newest), columns.status_pill(newest))


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """What people may do; the ready groups come from `manage.py setup_roles`."""
