"""What changed, when, and by whom: one row per applied change, append-only."""

from django.db import models


class Change(models.Model):
    """One change of one mirrored row. Feeds the history tab, live pages and "who changed this?"."""

    class Source(models.TextChoices):
        """Whose change it was."""

        # Ours: see `push`.
        PUSH = "push", "this back office"
        # A request with another key, or the Dashboard.
        API = "api", "Dashboard or another API client"
        # Stripe by itself: renewals, retries, ends of trials.
        STRIPE = "stripe", "Stripe"
        # Seen by a backfill, a fetch or a reconcile; who did it isn't known.
        SYNC = "sync", "seen by a sync"

    class Action(models.TextChoices):
        """What happened to the object."""

        CREATED = "created"
        UPDATED = "updated"
        DELETED = "deleted"

    object_type = models.CharField(max_length=255)
    object_id = models.CharField(max_length=255)
    action = models.CharField(max_length=16, choices=Action)
    # Field (dotted where only a part changed) → [old, new]. Empty for created ones.
    fields = models.JSONField(default=dict)
    # The row's version after it.
    version = models.BigIntegerField()
    # When it happened on Stripe's clock, and when we applied it.
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    source = models.CharField(max_length=16, choices=Source)
    push = models.ForeignKey("Push", on_delete=models.PROTECT, null=True, blank=True, related_name="changes")
    event_id = models.CharField(max_length=255, blank=True)
    event_type = models.CharField(max_length=255, blank=True)
    request_id = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=("object_type", "object_id", "id"), name="change_object"),
            models.Index(fields=("object_type", "id"), name="change_type"),
            models.Index(fields=("request_id",), name="change_request"),
        )

    def __str__(self) -> str:
        return f"{self.object_id} {self.action}"
