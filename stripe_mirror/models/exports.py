"""Downloads of lists: the runs, the saved and scheduled ones, and who took what out of the back office."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy


class SavedExport(models.Model):
    """A list's filter with the columns and form of its file, under a name; it may run by itself.

    The one without a name is what a person chose last for a kind. All are their owner's alone: a file is written with
    its owner's permissions.
    """

    class Schedule(models.TextChoices):
        """How often it runs by itself."""

        NONE = "none", gettext_lazy("Not by itself")
        DAILY = "daily", gettext_lazy("Every day")
        WEEKLY = "weekly", gettext_lazy("Every week")
        MONTHLY = "monthly", gettext_lazy("Every month")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_exports")
    # Model of the rows, as in the list's address: "customer", "invoice".
    model_name = models.CharField(max_length=64)
    name = models.CharField(max_length=80, blank=True)
    # As `admin.exports` writes them: which rows, and how the file is written.
    selection = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    schedule = models.CharField(max_length=8, choices=Schedule, default=Schedule.NONE)
    # By the clock of `time_zone`: the hour; the weekday from Monday, 0, on; the day, where a month is shorter its last.
    hour = models.PositiveSmallIntegerField(default=6)
    weekday = models.PositiveSmallIntegerField(default=0)
    day = models.PositiveSmallIntegerField(default=1)
    time_zone = models.CharField(max_length=64, default="UTC")
    # Empty where it doesn't run by itself, or is paused.
    next_run_at = models.DateTimeField(null=True, blank=True)
    # Why its schedule is paused; in words, for its owner.
    paused_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("owner", "model_name", "name"), name="one_export_of_a_name"),)
        indexes = (models.Index(fields=("next_run_at",), name="saved_export_due"),)

    def __str__(self) -> str:
        return self.name


class Export(models.Model):
    """One file, written by the worker and kept for its owner for a while."""

    class State(models.TextChoices):
        """How far it is."""

        QUEUED = "queued", gettext_lazy("Queued")
        RUNNING = "running", gettext_lazy("Running")
        # The file can be downloaded.
        READY = "ready", gettext_lazy("Ready")
        # There is no file; `error` says why.
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")
        # The file was deleted because its time was over.
        EXPIRED = "expired", gettext_lazy("Expired")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exports")
    model_name = models.CharField(max_length=64)
    selection = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    # The saved export that it ran for, and whether that was by its schedule.
    saved = models.ForeignKey(SavedExport, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs")
    scheduled = models.BooleanField(default=False)
    # From where it was asked for; empty where a schedule did.
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    # How many rows there were when writing began, and how many are written.
    counted = models.PositiveBigIntegerField(null=True, blank=True)
    written = models.PositiveBigIntegerField(default=0)
    # Of the file: its bytes, its name inside EXPORTS_DIR, and whether personal data stands in it in the clear.
    size = models.PositiveBigIntegerField(default=0)
    file_name = models.CharField(max_length=80, blank=True)
    personal = models.BooleanField(default=False)
    # Why there is no file; in words, for its owner.
    error = models.TextField(blank=True)
    # Who writes it is known by `claim`; after `claimed_until` another worker begins anew.
    claim = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        permissions = (
            ("view_pii", "Can see personal data in exports"),
            ("schedule_export", "Can have exports run by themselves"),
        )
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("owner", "created_at"), name="export_owner"),
            models.Index(fields=("state", "created_at"), name="export_state"),
        )

    def __str__(self) -> str:
        return f"{self.model_name} ({self.id})"


class ExportRecord(models.Model):
    """That somebody took rows out of the back office: only ever added to, and never pruned."""

    class Action(models.TextChoices):
        """How."""

        # Sent to the browser while it was read.
        STREAMED = "streamed", gettext_lazy("Downloaded at once")
        # Written into a file by the worker.
        WRITTEN = "written", gettext_lazy("File written")
        SCHEDULED = "scheduled", gettext_lazy("File written by schedule")
        # A file that had been written was fetched.
        DOWNLOADED = "downloaded", gettext_lazy("File downloaded")
        # Everything about one customer.
        CUSTOMER = "customer", gettext_lazy("Everything about a customer")
        # By `manage.py stripe_export`.
        COMMAND = "command", gettext_lazy("Command")

    action = models.CharField(max_length=16, choices=Action)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, db_index=False, related_name="+"
    )
    # The person's name when it happened; of a command, who ran it on the machine.
    user_name = models.CharField(max_length=255, blank=True)
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    at = models.DateTimeField()
    model_name = models.CharField(max_length=64)
    # The list's query with its filters, search and order, or the ids of the chosen rows, one by one.
    query = models.TextField(blank=True)
    ids = models.JSONField(default=list)
    columns = models.JSONField(default=list)
    # How many rows: counted just before where they were streamed, as written where there was a file.
    rows = models.PositiveBigIntegerField()
    file_format = models.CharField(max_length=8)
    # Whether personal data stood in it in the clear.
    personal = models.BooleanField(default=False)
    # Of what became a file.
    export_id = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name_plural = gettext_lazy("export log")
        default_permissions = ("view",)
        ordering = ("-id",)
        indexes = (
            # One for each filter of the log.
            models.Index(fields=("at", "id"), name="export_record_at"),
            models.Index(fields=("user", "id"), name="export_record_user"),
            models.Index(fields=("model_name", "id"), name="export_record_kind"),
            models.Index(fields=("action", "id"), name="export_record_action"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.model_name}"
