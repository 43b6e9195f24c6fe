"""The project's addresses: the admin, and the mirror's own endpoints."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from stripe_mirror.admin.preferences import preferences

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/preferences/", admin.site.admin_view(preferences), name="preferences"),
    path("admin/home/", include("stripe_mirror.admin.home.urls")),
    path("admin/exports/", include("stripe_mirror.admin.exports.urls")),
    path("admin/find/", include("stripe_mirror.admin.find.urls")),
    path("admin/imports/", include("stripe_mirror.admin.imports.urls")),
    path("admin/", admin.site.urls),
    path("", include("stripe_mirror.urls")),
]
