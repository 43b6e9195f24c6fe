"""The addresses of "Find", inside the admin and for staff only."""

from django.contrib import admin
from django.urls import path

from stripe_mirror.admin.find import views

urlpatterns = [
    path("", admin.site.admin_view(views.page), name="find"),
    path("lines/", admin.site.admin_view(views.lines), name="find-lines"),
    path("fetch/", admin.site.admin_view(views.fetch), name="find-fetch"),
]
