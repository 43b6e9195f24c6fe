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
        # Someone asked it to wait; what was read is stored.
        PAUSED = "paused"
        DONE = "done"
        # Ended before the end of its lists; a backfill goes on where it was, a repeat of the others is safe.
        FAILED = "failed"
        # Given up for a new one over the same kind.
        DROPPED = "dropped"

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
    # Of a backfill: which runs were started together,
    group = models.UUIDField(null=True, blank=True, db_index=True)
    # from when on objects are listed (by their `created`; empty: all),
    since = models.DateTimeField(null=True, blank=True)
    # when its lists were found and cut into parts (empty: not yet),
    planned_at = models.DateTimeField(null=True, blank=True)
    # how many objects a second it reads just now,
    rate = models.FloatField(default=0)
    # and who asked for it ("" for the command).
    started_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ("-started_at", "-id")
        default_permissions = ("view",)
        permissions = (("run_sync", "Can start, pause and resume a backfill"),)

    def __str__(self) -> str:
        return f"{self.command} {self.object_type}".strip()


class SyncPart(models.Model):
    """One list within one window of `created` (or range of parents): a piece of a backfill that stands and falls alone.

    Its row is written after each stored page, so that whoever goes on knows where.
    """

    class State(models.TextChoices):
        """How far it is."""

        # Read by someone while its lease lasts, free otherwise.
        OPEN = "open"
        DONE = "done"
        # Stripe did not let us finish it; resuming reads on from its cursor.
        FAILED = "failed"

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="parts")
    state = models.CharField(max_length=16, choices=State, default=State.OPEN)
    # The list, as in `pull.listing.Source`; for a kind below another one with `{parent}` in the path.
    path = models.CharField(max_length=255)
    params = models.JSONField(default=dict)
    created_filter = models.BooleanField(default=True)
    inside = models.CharField(max_length=255, blank=True)
    # The window of `created`, Stripe's seconds: both ends belong to it, none is open.
    created_from = models.BigIntegerField(null=True)
    created_to = models.BigIntegerField(null=True)
    # Or the ids of the parents: after the first, up to and with the last; empty is open.
    parents_after = models.CharField(max_length=255, blank=True)
    parents_to = models.CharField(max_length=255, blank=True)
    # Where the next page starts: after this object (or, below parents, with the one after this parent),
    cursor = models.CharField(max_length=255, blank=True)
    # in a chain that began at this second (it never changes under a cursor; empty: at the window's end),
    chain_to = models.BigIntegerField(null=True)
    # and the second of the last object read.
    oldest = models.BigIntegerField(null=True)
    # with the ids that were read of this second: a fresh chain shows them again.
    ids_at_oldest = models.JSONField(default=list)
    pages = models.PositiveIntegerField(default=0)
    seen = models.PositiveBigIntegerField(default=0)
    changed = models.PositiveBigIntegerField(default=0)
    message = models.TextField(blank=True)
    # Which process reads it, and until when others leave it alone.
    claimed_by = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    # On Stripe's clock: the first page's `as_of` and the last page's `read_until`.
    as_of = models.DateTimeField(null=True)
    read_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        default_permissions = ()
        indexes = (models.Index(fields=("run", "state"), name="syncpart_state"),)

    def __str__(self) -> str:
        return f"{self.path} {self.params or ''}".strip()


class CallBudget(models.Model):
    """What all processes together may still ask of Stripe: one row, from which each takes many calls at a time."""

    # Until when (our database's clock, seconds) calls of background work are given out; and of backfills.
    given_until = models.FloatField(default=0)
    sync_given_until = models.FloatField(default=0)
    # Stripe said 429: nobody asks before this.
    paused_until = models.FloatField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"calls given out until {self.given_until:.3f}"


class Confirmation(models.Model):
    """A finished listing: the rows that it found unchanged held their state at that time, too.

    Unchanged rows are not rewritten; this one row says for all of them that an event from before the listing is old.
    """

    object_type = models.CharField(max_length=255)
    # The window of `created` that was listed; empty is without an end.
    created_from = models.DateTimeField(null=True)
    created_to = models.DateTimeField(null=True)
    # As in a mirrored row, on Stripe's clock: the first page's `as_of` and the last page's `read_until`.
    as_of = models.DateTimeField()
    read_until = models.DateTimeField()
    # Our clock: of rows that learned something later than this, nothing is said. Without it, of no row.
    untouched_since = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("object_type", "as_of"), name="confirmation_kind"),)

    def __str__(self) -> str:
        return f"{self.object_type} as of {self.as_of:%Y-%m-%d %H:%M:%S}"


class Refresh(models.Model):
    """A list of Stripe's to read soon, because a change of another object implied it. One row a list, however often."""

    # A digest of the path and the filters.
    key = models.CharField(primary_key=True, max_length=64)
    object_type = models.CharField(max_length=255)
    path = models.CharField(max_length=600)
    params = models.JSONField(default=dict)
    # Where the objects stand in each item of the answer; "" where they are the items.
    inside = models.CharField(max_length=255, blank=True)
    # Read back to here (Stripe's clock); empty: the whole list.
    since = models.DateTimeField(null=True)
    # Grows with each request: one that comes while the list is being read has it read again.
    wanted = models.PositiveBigIntegerField(default=1)
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("due_at",), name="refresh_due"),)

    def __str__(self) -> str:
        return f"{self.path} {self.params}"
