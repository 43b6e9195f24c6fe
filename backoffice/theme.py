"""How the admin looks: Unfold's settings (sidebar, styles, environment badge). Colours are in `colours.css`."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.conf import conf
from stripe_mirror.kinds import Kind, all_kinds

# The sidebar: each group's kinds, by Stripe's `object`, the most asked for first.
GROUPS = (
    (gettext_lazy("Customers"), ("customer", "payment_method", "tax_id", "customer_balance_transaction")),
    (
        gettext_lazy("Billing"),
        (
            "subscription",
            "subscription_item",
            "subscription_schedule",
            "invoice",
            "line_item",
            "invoiceitem",
            "invoice_payment",
            "credit_note",
            "credit_note_line_item",
        ),
    ),
    (gettext_lazy("Payments"), ("payment_intent", "charge", "refund", "dispute", "checkout.session", "setup_intent")),
    (gettext_lazy("Balance"), ("balance_transaction", "payout")),
    (gettext_lazy("Catalog"), ("product", "price", "coupon", "promotion_code", "discount", "tax_rate")),
)
# For kinds that are in no group.
REST = gettext_lazy("More")
ICONS = {
    "customer": "group",
    "payment_method": "credit_card",
    "subscription": "autorenew",
    "subscription_item": "list",
    "invoice": "receipt_long",
    "payment_intent": "payments",
    "charge": "bolt",
    "refund": "undo",
    "product": "inventory_2",
    "price": "sell",
    "coupon": "confirmation_number",
    "tax_id": "badge",
    "customer_balance_transaction": "account_balance_wallet",
    "subscription_schedule": "event_repeat",
    "line_item": "format_list_bulleted",
    "invoiceitem": "post_add",
    "invoice_payment": "price_check",
    "credit_note": "request_quote",
    "credit_note_line_item": "playlist_remove",
    "dispute": "gavel",
    "checkout.session": "shopping_cart_checkout",
    "setup_intent": "add_card",
    "balance_transaction": "swap_vert",
    "payout": "account_balance",
    "promotion_code": "loyalty",
    "discount": "percent",
    "tax_rate": "calculate",
}
TITLES = {
    "tax_id": gettext_lazy("Tax IDs"),
    "customer_balance_transaction": gettext_lazy("Balance history"),
}
BADGES = {
    "demo": (gettext_lazy("DEMO"), "info"),
    "test": (gettext_lazy("TEST MODE"), "warning"),
    "live": (gettext_lazy("LIVE"), "danger"),
}


def environment(request: HttpRequest) -> list[str]:
    """The badge that says whether real money moves."""
    text, tone = BADGES[conf.mode]
    return [str(text), tone]


def title_prefix(request: HttpRequest) -> str:
    """The mode in the browser's tab."""
    return f"[{BADGES[conf.mode][0]}]"


def allowed(permission: str) -> Callable[[HttpRequest], bool]:
    """A callback that says whether the person has the permission."""
    return lambda request: bool(getattr(request, "user", None)) and request.user.has_perm(permission)


def link(
    title: str | Promise, icon: str, model: str, *, app: str = "stripe_mirror", page: str = "changelist"
) -> dict[str, Any]:
    """One line of the sidebar, shown to whoever may view the model."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_{page}"),
        "permission": allowed(f"{app}.view_{model}"),
    }


def kind_link(kind: Kind) -> dict[str, Any]:
    """The line of a mirrored kind; one that we gave no icon gets a plain one."""
    plural = capfirst(str(kind.model._meta.verbose_name_plural))
    return link(TITLES.get(kind.object, plural), ICONS.get(kind.object, "data_object"), kind.model_name)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: every mirrored kind in its group, then our own pages."""
    home = {"title": "", "items": [{"title": _("Home"), "icon": "home", "link": reverse_lazy("admin:index")}]}
    return [home, *(group | {"separator": True} for group in kind_groups()), operations(request), people()]


def kind_groups() -> list[dict[str, Any]]:
    """The groups of mirrored kinds; one that is in none comes last."""
    kinds = {kind.object: kind for kind in all_kinds()}
    groups = [(title, [kinds.pop(name) for name in names if name in kinds]) for title, names in GROUPS]
    groups.append((REST, list(kinds.values())))
    return [{"title": title, "items": [kind_link(kind) for kind in found]} for title, found in groups if found]


def operations(request: HttpRequest) -> dict[str, Any]:
    """What runs behind the pages."""
    items = [
        link(_("Health"), "monitor_heart", "healthreport"),
        link(_("Events"), "inbox", "inboxevent"),
        link(_("Pushes"), "upload", "push") | {"active": lambda request: is_log(request) and not is_waiting(request)},
        approvals(request),
        link(_("Jobs"), "stacks", "job"),
        exports(),
        link(_("Export log"), "policy", "exportrecord"),
        link(_("Notes"), "sticky_note_2", "note"),
        link(_("Changes"), "history", "change"),
        link(_("Syncs"), "sync", "syncrun"),
        link(_("Proof of sync"), "verified", "difference", page="proof"),
        link(_("Account"), "account_balance", "mirroredaccount"),
    ]
    return {"title": _("Operations"), "separator": True, "items": items}


def exports() -> dict[str, Any]:
    """The person's own exports, for who may export anything."""
    return {
        "title": _("Exports"),
        "icon": "download",
        "link": reverse_lazy("exports:index"),
        # By its name: the settings read this file before there are models.
        "permission": lambda request: import_string("stripe_mirror.admin.exports.access.exports_anything")(
            request.user
        ),
    }


def is_log(request: HttpRequest) -> bool:
    """Whether a page is one of the log of pushes."""
    return request.path.startswith(str(reverse_lazy("admin:stripe_mirror_push_changelist")))


def is_waiting(request: HttpRequest) -> bool:
    """Whether a list shows what waits for approval."""
    return request.GET.get("state") == "waiting"


def approvals(request: HttpRequest) -> dict[str, Any]:
    """What others have asked for, for who may approve it; with how many these are."""
    seen, decides = allowed("stripe_mirror.view_push"), allowed("stripe_mirror.approve_push")
    path, may = reverse_lazy("admin:stripe_mirror_push_changelist"), seen(request) and decides(request)
    return {
        "title": _("Waiting for approval"),
        "icon": "approval",
        "link": format_lazy("{}?state=waiting", path),
        "active": lambda request: is_log(request) and is_waiting(request),
        # By its name: the settings read this file before there are models.
        "badge": str(import_string("stripe_mirror.admin.approvals.count_for")(request) or "") if may else "",
        "badge_variant": "warning",
        "permission": lambda request: may,
    }


def people() -> dict[str, Any]:
    """Who may use it."""
    items = [link(_("Users"), "person", "user", app="auth"), link(_("Groups"), "shield_person", "group", app="auth")]
    items += [link(_("Limits"), "speed", "operationlimit"), link(_("Customer links"), "link", "customerlink")]
    return {"title": _("People"), "separator": True, "items": items}


UNFOLD: dict[str, object] = {
    "SITE_TITLE": gettext_lazy("Stripe back office"),
    "SITE_HEADER": gettext_lazy("Stripe back office"),
    "SITE_SYMBOL": "sync_alt",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "backoffice.theme.environment",
    "ENVIRONMENT_TITLE_PREFIX": "backoffice.theme.title_prefix",
    "DASHBOARD_CALLBACK": "stripe_mirror.admin.dashboard.home",
    "STYLES": [
        lambda request: static("stripe_mirror/admin.css"),
        lambda request: static("stripe_mirror/status.css"),
        lambda request: static("stripe_mirror/lists.css"),
        lambda request: static("stripe_mirror/customer.css"),
        lambda request: static("stripe_mirror/timeline.css"),
        lambda request: static("stripe_mirror/home.css"),
        lambda request: static(f"stripe_mirror/mode-{conf.mode}.css"),
        lambda request: static("stripe_mirror/find.css"),
    ],
    "SCRIPTS": [lambda request: static("stripe_mirror/find.js")],
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("stripe_mirror/favicon.svg")}
    ],
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": "backoffice.theme.navigation"},
}
