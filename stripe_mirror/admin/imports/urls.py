"""The addresses of imports, inside the admin and for staff only."""

from django.contrib import admin
from django.urls import path

from stripe_mirror.admin.imports import review, views

wrap = admin.site.admin_view
urlpatterns = [
    path("new/<slug:object_type>/", wrap(views.new), name="import-new"),
    path("<uuid:import_id>/columns/", wrap(views.columns), name="import-columns"),
    path("<uuid:import_id>/", wrap(review.review), name="import-review"),
    path("<uuid:import_id>/again/", wrap(review.again), name="import-again"),
    path("<uuid:import_id>/errors/", wrap(review.errors), name="import-errors"),
    path("<uuid:import_id>/discard/", wrap(views.discard), name="import-discard"),
]
