"""How people look at lists: the views they saved, and for each person and kind the chosen columns and first view."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Q


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Querysets over saved views."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> SavedViewQuerySet:
        """The person's own ones, and those that are shared with everyone."""
        return self.filter(Q(owner_id=user.pk) | Q(shared=True))


class SavedView(models.Model):
    """A list's search, filters, ordering and columns under a name.

    The one without a name is how a person has the list where no view is open: its columns, and the view that opens
    first. It is read together with the others, in one query for each list.
    """

    # Who saved it; a shared view outlives its owner's account.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    # Stripe's `object` of the rows.
    object_type = models.CharField(max_length=64)
    name = models.CharField(max_length=60, blank=True)
    # Whether everybody who may see the list is offered the view.
    shared = models.BooleanField(default=False)
    # The list's address: what stands behind its question mark.
    query = models.TextField(blank=True)
    # Names of columns in their order; empty for the kind's own.
    columns = models.JSONField(default=list)
    # Of the one without a name: the view that opens first, by the key that its address has; "" for all rows.
    first_view = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        # Everybody may keep views of their own; only sharing them asks for more.
        default_permissions = ()
        permissions = (("share_savedview", "Can share saved views of lists with everyone"),)
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("owner", "object_type", "name"), name="one_view_of_a_name"),)
        indexes = (models.Index(fields=("object_type", "name", "id"), name="saved_view_kind"),)

    def __str__(self) -> str:
        return self.name
