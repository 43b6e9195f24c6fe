"""Django's users and groups in the same look, with the Stripe customer that a user is."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.columns import FactGroup
from stripe_mirror.admin.own_lists import OwnListAdmin
from stripe_mirror.admin.read_only import ReadOnlyAdmin
from stripe_mirror.models import CustomerLink
from stripe_mirror.push.customers import create_customer_for
from stripe_mirror.push.errors import PushError, StillChecking
from stripe_mirror.push.operation import get_operation, may

admin.site.unregister(User)
admin.site.unregister(Group)

# Users that one action may make customers: each is a call to Stripe while the person waits.
MOST_USERS = 25


def may_create(request: HttpRequest) -> bool:
    """Whether this person may make users customers in Stripe."""
    return may(request.user, get_operation("create_customer_for_user"))


@admin.register(User)
class UserAdmin(OwnListAdmin, DjangoUserAdmin):  # type: ignore[misc, type-arg]
    """Who may sign in; some of them are customers too."""

    form = UserChangeForm
    add_form = UserCreationForm
    # Unfold's, which come first, are empty.
    add_fieldsets = DjangoUserAdmin.add_fieldsets
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "full_name", "staff", "customer")
    list_select_related = ("stripe_customer_link__customer",)
    readonly_fields = ("customer", "subscription", "last_login", "date_joined")
    actions = ("create_customers",)
    change_form_outer_before_template = "stripe_mirror/user_customer.html"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        return [("Stripe", {"fields": ("customer", "subscription")}), *fieldsets]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        user = self.get_object(request, object_id)
        missing = user is not None and getattr(user, "stripe_customer_link", None) is None
        url = display.admin_url(CustomerLink, "create", user.pk) if user and missing and may_create(request) else ""
        return super().change_view(request, object_id, form_url, {"create_customer_url": url, **(extra_context or {})})

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name()

    @admin.display(description=gettext_lazy("may sign in"), ordering="is_staff")
    def staff(self, user: User) -> Any:
        """Whether pages of this site open for the user."""
        return display.pill(_("Staff"), "info") if user.is_active and user.is_staff else display.EMPTY

    @admin.display(description=gettext_lazy("customer"))
    def customer(self, user: User) -> Any:
        """The customer in Stripe."""
        link = getattr(user, "stripe_customer_link", None)
        if link is None:
            return display.EMPTY
        deleted = link.customer is not None and link.customer.deleted_at
        shown = display.row_link(link.customer, link.customer_id)
        return format_html("{} {}", shown, display.pill(_("Deleted in Stripe"), "warning") if deleted else "")

    @admin.display(description=gettext_lazy("current subscription"))
    def subscription(self, user: User) -> Any:
        """The newest subscription that hasn't ended, with its state in words."""
        link = getattr(user, "stripe_customer_link", None)
        customer = link.customer if link else None
        newest = customer.subscriptions.select_related("price").filter(ended_at=None).first() if customer else None
        if newest is None:
            return display.EMPTY
        shown = display.link(display.name_of(newest.price or newest), display.object_url(newest))
        return format_html("{} {}", shown, columns.status_pill(newest))

    def has_create_customer_permission(self, request: HttpRequest) -> bool:
        """For the action: absent for who may not."""
        return may_create(request)

    @admin.action(description=gettext_lazy("Create customer in Stripe"), permissions=["create_customer"])
    def create_customers(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Make the selected users customers; one that is a customer already stays what it is."""
        users = list(queryset[: MOST_USERS + 1])
        if len(users) > MOST_USERS:
            messages.error(request, _("Nothing was done: select at most %(n)s users.") % {"n": MOST_USERS})
            return
        for user in users:
            _tell(request, user, *_create(user, by=cast(User, request.user)))


def _create(user: User, *, by: User) -> tuple[CustomerLink | None, str, int]:
    """The link, or the sentence that says why there is none (yet), with the message's level."""
    try:
        link = create_customer_for(user, by=by)
    except StillChecking as open_outcome:
        return None, str(open_outcome), messages.WARNING
    except PushError as error:
        return None, str(error), messages.ERROR
    return (
        link,
        _("%(user)s is the customer %(id)s in Stripe.") % {"user": user, "id": link.customer_id},
        messages.SUCCESS,
    )


def _tell(request: HttpRequest, user: User, link: CustomerLink | None, text: str, level: int) -> None:
    messages.add_message(request, level, text if link else f"{user}: {text}")


@admin.register(CustomerLink)
class CustomerLinkAdmin(ReadOnlyAdmin):
    """Which user is which customer; also the endpoint that makes a user a customer."""

    list_display = (
        columns.made(gettext_lazy("User"), lambda row: row.user.get_username()),
        columns.relation("customer"),
        columns.moment("created_at", gettext_lazy("Linked")),
        columns.made(gettext_lazy("By"), lambda row: row.created_by or ""),
    )
    list_select_related = ("user", "customer", "created_by")
    search_exact = ("customer_id", "user__username")
    search_help_text = gettext_lazy("Customer id or username")
    facts = (
        FactGroup(
            title=gettext_lazy("Link"),
            facts=(
                columns.made(gettext_lazy("User"), lambda row: display.link(row.user, display.object_url(row.user))),
                columns.relation("customer"),
                columns.moment("created_at", gettext_lazy("Linked")),
                columns.made(gettext_lazy("By"), lambda row: row.created_by or ""),
            ),
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        create = path(
            "create/<int:user_id>/",
            self.admin_site.admin_view(self.create_view),
            name="stripe_mirror_customerlink_create",
        )
        return [create, *super().get_urls()]

    def create_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """POST: make the user a customer in Stripe. Answers JSON where that is asked for, else leads to the user."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not may_create(request):
            raise PermissionDenied("You may not create customers in Stripe.")
        user = User.objects.filter(pk=user_id).first()
        json = "application/json" in request.headers.get("Accept", "")
        if user is None:
            answer = {"error": _("There is no user %(id)s. Nothing was done.") % {"id": user_id}}
            return JsonResponse(answer, status=404) if json else self.missing(request, str(user_id))
        link, text, level = _create(user, by=cast(User, request.user))
        if json:
            return _as_json(link, text, level)
        _tell(request, user, link, text, level)
        return HttpResponseRedirect(self._back(request, user))

    def _back(self, request: HttpRequest, user: User) -> str:
        """The user's page, for who may see it."""
        seen = request.user.has_perm("auth.view_user") or request.user.has_perm("auth.change_user")
        if seen:
            return display.object_url(user)
        return display.list_url(CustomerLink) if self.has_view_permission(request) else reverse("admin:index")


def _as_json(link: CustomerLink | None, text: str, level: int) -> JsonResponse:
    if link:
        return JsonResponse({"customer": link.customer_id, "message": text})
    # 202: the outcome isn't known yet and is found out by itself.
    return JsonResponse({"error": text}, status=202 if level == messages.WARNING else 409)


@admin.register(Group)
class GroupAdmin(OwnListAdmin, DjangoGroupAdmin):  # type: ignore[misc]
    """What people may do; the ready groups come from `manage.py setup_roles`."""

    list_display = ("name",)
