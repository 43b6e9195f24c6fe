"""What all mirrored rows share: Stripe's object verbatim, and what we know about it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from stripe_mirror.kinds import Kind
from stripe_mirror.models.fields import JsonDateTimeField


class StripeObjectQuerySet(models.QuerySet[Any]):
    """Querysets over mirrored rows."""

    def alive(self) -> StripeObjectQuerySet:
        """Without the tombstones of objects that Stripe deleted."""
        return self.filter(deleted_at=None)


def deleted_index(name: str, ordered_by: str = "created") -> models.Index:
    """For lists of deleted rows alone: they are few."""
    return models.Index(fields=(ordered_by, "id"), condition=models.Q(deleted_at__isnull=False), name=name)


class StripeObject(models.Model):
    """One object of Stripe's, mirrored. Only `pull.apply` writes such rows, and rows are never deleted."""

    kind: ClassVar[Kind]

    id = models.CharField("ID", primary_key=True, max_length=255)
    account = models.CharField(max_length=255, blank=True, editable=False)
    # From the key, not from the object: several kinds lack it.
    livemode = models.BooleanField(default=False, editable=False)
    # Stripe's object, verbatim; every derived column comes from it.
    data = models.JSONField(editable=False)
    # The latest second on Stripe's clock by which this state surely held.
    as_of = models.DateTimeField(editable=False)
    # The latest second that the state may stem from (the Date of an answer of the API). Empty where an unbroken chain
    # of events led to it (see `pull.ordering`).
    read_until = models.DateTimeField(null=True, editable=False)
    # When we last saw this state confirmed (the clock that all machines share), and when `data` last changed.
    synced_at = models.DateTimeField(editable=False)
    changed_at = models.DateTimeField(editable=False)
    # Tombstone: when Stripe's object was deleted. The row stays, with its last state.
    deleted_at = models.DateTimeField("deleted", null=True, editable=False)
    # Grows with each change of `data`; forms and live pages compare it.
    version = models.BigIntegerField(default=1, editable=False)
    # PostgreSQL's jsonb can't hold U+0000; it was replaced by U+FFFD.
    nul_replaced = models.BooleanField(default=False, editable=False)

    created = JsonDateTimeField(path="created")

    objects = StripeObjectQuerySet.as_manager()

    class Meta:
        abstract = True
        # Rows mirror Stripe: nobody adds, changes or deletes them here. Operations have permissions of their own.
        default_permissions = ("view", "export")
        ordering = ("-created", "-id")

    def __str__(self) -> str:
        return str(self.id)

    @property
    def metadata(self) -> dict[str, str]:
        """Stripe's metadata; empty where the kind has none."""
        found = self.data.get("metadata")
        return dict(found) if isinstance(found, dict) else {}
