"""Every mirrored kind is shown: one without an admin of its own is registered here, with its derived columns."""

from django.contrib import admin

from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.kinds import all_kinds


def register_the_rest(site: admin.AdminSite = admin.site) -> None:
    """Register the kinds that no module of this package has registered."""
    for kind in all_kinds():
        if not site.is_registered(kind.model):
            site.register(kind.model, StripeObjectAdmin)
