"""Home's own addresses, below the admin's."""

from django.contrib import admin
from django.urls import path

from stripe_mirror.admin.home.page import refresh
from stripe_mirror.admin.home.rows import rows

app_name = "home"
urlpatterns = [
    path("rows/<slug:name>/", admin.site.admin_view(rows), name="rows"),
    path("refresh/", admin.site.admin_view(refresh), name="refresh"),
]
