"""What we know of the account, and the record of every sync."""

from django.db import models


class MirroredAccount(models.Model):
    """The one account that this database mirrors: a key of another account or mode is noticed."""

    id = models.CharField(primary_key=True, max_length=255)
    livemode = models.BooleanField()
    name = models.CharField(max_length=255, blank=True)
    # The newest event that catch-up has seen (Stripe's clock): where the next one starts.
    events_seen_until = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "account"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name or self.id


class SyncRun(models.Model):
    """One run of a backfill, catch-up or reconcile over one kind. Append-only but for its own progress."""

    class Command(models.TextChoices):
        """Which of the three."""

        BACKFILL = "backfill"
        CATCH_UP = "catch_up", "catch-up"
        RECONCILE = "reconcile"

    class State(models.TextChoices):
        """How it went."""

        RUNNING = "running"
        DONE = "done"
        # Ended before the end of its list; a repeat is safe.
        FAILED = "failed"

    command = models.CharField(max_length=16, choices=Command)
    object_type = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    pages = models.PositiveIntegerField(default=0)
    # Objects seen, and how many of them were new or different.
    seen = models.PositiveBigIntegerField(default=0)
    changed = models.PositiveBigIntegerField(default=0)
    message = models.TextField(blank=True)

    class Meta:
        ordering = ("-started_at", "-id")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.command} {self.object_type}".strip()
