"""Files that people brought to change objects with: staged here, private to who brought them, gone after a while.

Nothing of it goes to Stripe: what is confirmed becomes a job of pushes, whose id is the import's.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy


class ImportQuerySet(models.QuerySet["Import"]):
    """Querysets over imports."""

    def alive(self) -> ImportQuerySet:
        """Without those whose time is over."""
        return self.filter(expires_at__gt=timezone.now())


class Import(models.Model):
    """One file, for one operation, and what was found in it."""

    class State(models.TextChoices):
        """How far it is."""

        # Its columns are to be matched with the operation's fields.
        STAGED = "staged", gettext_lazy("Columns to be matched")
        JUDGING = "judging", gettext_lazy("Being compared")
        JUDGED = "judged", gettext_lazy("Compared")
        # Confirmed; the job's rows are being written.
        STARTING = "starting", gettext_lazy("Being started")
        STARTED = "started", gettext_lazy("Started")
        # Nothing can be done with it; `message` says why.
        FAILED = "failed", gettext_lazy("Failed")

    # Also its job's id: one import is one job, however often it is confirmed.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    operation = models.CharField(max_length=64)
    object_type = models.CharField(max_length=255)
    file_name = models.CharField(max_length=255, blank=True)
    # "CSV, UTF-8, separated by semicolons", for the page.
    file_format = models.CharField(max_length=255, blank=True)
    # The file's headers, and for each what its cells are ("" where they are ignored).
    headers = models.JSONField(default=list)
    targets = models.JSONField(default=list)
    # Whether amounts are in minor units rather than major ones.
    minor_units = models.BooleanField(default=False)
    # In which language its errors are said.
    language = models.CharField(max_length=16, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.STAGED)
    message = models.TextField(blank=True)
    # Grows each time that it is compared anew: what an earlier comparison still finds is dropped.
    round = models.PositiveIntegerField(default=0)
    # Rows of the file, and how many of its parts were compared.
    total = models.PositiveIntegerField(default=0)
    parts_judged = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    wrong = models.PositiveIntegerField(default=0)
    # Of the rows that change something: minor units per currency.
    sums = models.JSONField(default=dict)
    # What was given when it was confirmed.
    reason = models.TextField(blank=True)
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    judged_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    objects = ImportQuerySet.as_manager()

    class Meta:
        # Who may run the operation on many rows may import it.
        default_permissions = ()
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("owner", "created_at"), name="import_owner"),
            models.Index(fields=("state", "created_at"), name="import_state"),
            models.Index(fields=("expires_at",), name="import_expiry"),
        )

    def __str__(self) -> str:
        return f"{self.file_name} ({self.operation})"


class ImportPart(models.Model):
    """Some rows of the file as they stand in it: compressed JSON, each row its number in the file and its cells."""

    upload = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("upload", "number"), name="one_part_of_a_number"),)

    def __str__(self) -> str:
        return f"{self.upload_id} {self.number}"


class ImportRow(models.Model):
    """A row that would change something, or that can't be done. Rows without a difference are only counted."""

    class State(models.TextChoices):
        """What would become of it."""

        CHANGED = "changed", gettext_lazy("Changed")
        WRONG = "wrong", gettext_lazy("With errors")

    upload = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows")
    # Its number in the file, the header being 1, and the part that holds it.
    number = models.PositiveIntegerField()
    part = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State)
    # Empty for what is created.
    object_id = models.CharField(max_length=255, blank=True)
    # The mirrored row's version when it was compared.
    version = models.BigIntegerField(default=0)
    # The form's fields that it changes, and what they were.
    form = models.JSONField(default=dict)
    opened = models.JSONField(default=dict)
    # Sentences, each with the header of its column or "".
    errors = models.JSONField(default=list)

    class Meta:
        default_permissions = ()
        ordering = ("number",)
        indexes = (models.Index(fields=("upload", "state", "number"), name="import_row_state"),)

    def __str__(self) -> str:
        return f"{self.upload_id} {self.number}"
