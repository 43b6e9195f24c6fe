"""What staff asked Stripe to do: one intent per push, and jobs of many."""

import uuid

from django.conf import settings
from django.db import models


class Job(models.Model):
    """One operation on many objects: a push per row, run by the worker, stoppable and resumable."""

    class State(models.TextChoices):
        """How far it is."""

        # Rows written, waiting for the worker.
        READY = "ready"
        RUNNING = "running"
        # Asked to stop; nothing is sent any more until it is resumed.
        STOPPED = "stopped"
        # Every row has a result.
        FINISHED = "finished"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.CharField(max_length=64)
    object_type = models.CharField(max_length=255)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="stripe_jobs")
    reason = models.TextField(blank=True)
    # What the form said, as text: the same for every row.
    form = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State, default=State.READY)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        permissions = (("run_job", "Can run operations on many objects at once"),)
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("state", "created_at"), name="job_state"),)

    def __str__(self) -> str:
        return f"{self.operation} ({self.id})"


class Push(models.Model):
    """One intent of one person to change one object in Stripe, written and committed before the call.

    Its UUID is the idempotency key of every attempt and the hidden field of the form, so that one intent is one effect
    however often it is submitted, retried or resumed.
    """

    class State(models.TextChoices):
        """What is known of its effect in Stripe."""

        # A row of a job that has not been sent yet.
        PLANNED = "planned"
        # Committed and about to be sent, or being sent.
        SENDING = "sending"
        # Stripe said yes, and the answer is applied.
        DONE = "done"
        # Stripe, or our own rule, said no: nothing changed.
        REFUSED = "refused"
        # The answer is not known: the worker asks again with the same key.
        UNKNOWN = "unknown", "checking"
        # A row of a job that was left out, with the reason.
        SKIPPED = "skipped"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.CharField(max_length=64)
    object_type = models.CharField(max_length=255)
    # Empty until Stripe has made it, where the operation creates an object.
    object_id = models.CharField(max_length=255, blank=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, blank=True, related_name="pushes")
    position = models.PositiveIntegerField(default=0)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="stripe_pushes",
    )
    # The person's name when it happened, for the log.
    user_name = models.CharField(max_length=255, blank=True)
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    reason = models.TextField(blank=True)
    # What is sent; byte-stable between attempts.
    method = models.CharField(max_length=8, blank=True)
    path = models.CharField(max_length=600, blank=True)
    params = models.JSONField(default=dict)
    # The touched fields before and after.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State, default=State.SENDING)
    # Stripe's sentence or our own, for staff.
    message = models.TextField(blank=True)
    # Stripe's name of the parameter that it refused, and its code.
    error_param = models.CharField(max_length=255, blank=True)
    error_code = models.CharField(max_length=255, blank=True)
    request_id = models.CharField(max_length=255, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    first_sent_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "pushes"
        default_permissions = ("view",)
        permissions = (("act_live", "Can change the live Stripe account"),)
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("state", "next_attempt_at"), name="push_due"),
            models.Index(fields=("created_at", "id"), name="push_created"),
            models.Index(fields=("object_type", "object_id", "created_at"), name="push_object"),
            models.Index(fields=("job", "position"), name="push_job"),
            models.Index(fields=("job", "state"), name="push_job_state"),
            models.Index(fields=("request_id",), name="push_request"),
        )

    def __str__(self) -> str:
        return f"{self.operation} {self.object_id}".strip()
