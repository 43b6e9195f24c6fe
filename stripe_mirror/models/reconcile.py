"""What a comparison with Stripe found, and how far the comparison of each kind is."""

from django.conf import settings
from django.db import models


class Difference(models.Model):
    """One object that stood otherwise here than in Stripe, and what became of it. Rows are never deleted."""

    class Nature(models.TextChoices):
        """In what they differ."""

        # Stripe has it, and we don't, or hold it for deleted.
        MISSING_HERE = "missing_here", "missing here"
        # We have it, and Stripe doesn't any more.
        MISSING_IN_STRIPE = "missing_in_stripe", "missing in Stripe"
        # Both have it, with other values.
        FIELDS = "fields", "fields differ"

    class Outcome(models.TextChoices):
        """What became of it."""

        OPEN = "open"
        # Read from Stripe and stored, by a person, a command or the schedule.
        REPAIRED = "repaired"
        # Found equal by a later look: an event or a sync brought it.
        EQUAL = "equal", "equal by itself"

    run = models.ForeignKey("SyncRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="differences")
    object_type = models.CharField(max_length=255)
    object_id = models.CharField(max_length=255)
    nature = models.CharField(max_length=32, choices=Nature)
    # Field (dotted inside nested objects) → [ours, Stripe's]; without secrets. Empty where one side lacks the object.
    fields = models.JSONField(default=dict)
    likely_why = models.TextField(blank=True)
    # Ids of the objects that show it, for kinds without an address of their own (see `pull.single`).
    near = models.JSONField(default=dict)
    found_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.OPEN)
    repaired_at = models.DateTimeField(null=True, blank=True)
    repaired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # What the repair did, or why it failed.
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("-found_at", "-id")
        default_permissions = ("view",)
        permissions = (("run_reconcile", "Can compare the mirror with Stripe and repair differences"),)
        constraints = (
            models.UniqueConstraint(
                fields=("object_type", "object_id"), condition=models.Q(outcome="open"), name="difference_open_once"
            ),
        )
        indexes = (
            models.Index(fields=("outcome", "found_at", "id"), name="difference_outcome"),
            models.Index(fields=("object_type", "outcome", "found_at", "id"), name="difference_kind"),
            models.Index(fields=("object_id",), name="difference_object"),
        )

    def __str__(self) -> str:
        return f"{self.object_id} {self.get_nature_display()}"


class ReconcileState(models.Model):
    """How far the comparison of one kind is: its rounds, and where the present one goes on."""

    object_type = models.CharField(primary_key=True, max_length=255)
    # Where the round goes on (see `pull.reconcile_walk`); empty between rounds.
    position = models.JSONField(default=dict)
    round_started_at = models.DateTimeField(null=True)
    # How many objects the present round has compared, and how many the last whole one did.
    round_compared = models.PositiveBigIntegerField(default=0)
    whole_compared = models.PositiveBigIntegerField(null=True)
    # When the last whole round began and ended.
    whole_started_at = models.DateTimeField(null=True)
    whole_finished_at = models.DateTimeField(null=True)
    # When it was last tried, when anything of it was last compared, and when its newest objects were.
    tried_at = models.DateTimeField(null=True)
    compared_at = models.DateTimeField(null=True)
    newest_at = models.DateTimeField(null=True)
    # A round that a person asked for is brought to its end by the worker, slice by slice, under this run.
    run = models.ForeignKey("SyncRun", on_delete=models.SET_NULL, null=True, related_name="+")
    # Until when the worker that is at it keeps others away.
    held_until = models.DateTimeField(null=True)
    # Why the last attempt ended early.
    failure = models.TextField(blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.object_type
