"""The addresses of a person's exports, inside the admin and for staff only."""

from django.contrib import admin
from django.urls import path

from stripe_mirror.admin.exports import pages, saved_pages

wrap = admin.site.admin_view
app_name = "exports"
urlpatterns = [
    path("", wrap(pages.index), name="index"),
    path("<uuid:export_id>/", wrap(pages.run), name="run"),
    path("<uuid:export_id>/download/", wrap(pages.download), name="download"),
    path("<uuid:export_id>/cancel/", wrap(pages.stop), name="cancel"),
    path("saved/<int:saved_id>/", wrap(saved_pages.saved_page), name="saved"),
    path("saved/<int:saved_id>/run/", wrap(saved_pages.run_now), name="saved-run"),
    path("saved/<int:saved_id>/delete/", wrap(saved_pages.delete), name="saved-delete"),
]
