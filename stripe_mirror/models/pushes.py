"""What staff asked Stripe to do: one intent per push, and jobs of many."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy


class Job(models.Model):
    """One operation on many objects: a push per row, run by the worker; it can be paused, resumed and stopped."""

    class State(models.TextChoices):
        """How far it is."""

        # Rows written, waiting for the worker.
        READY = "ready", gettext_lazy("Ready")
        RUNNING = "running", gettext_lazy("Running")
        # Nothing is sent until it is resumed.
        PAUSED = "paused", gettext_lazy("Paused")
        # For good: the rows that were left are skipped.
        STOPPED = "stopped", gettext_lazy("Stopped")
        # Every row has a result.
        FINISHED = "finished", gettext_lazy("Finished")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.CharField(max_length=64)
    object_type = models.CharField(max_length=255)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="stripe_jobs")
    reason = models.TextField(blank=True)
    # Where it was asked for.
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    # What the form said, as text: the same for every row that has no values of its own.
    form = models.JSONField(default=dict)
    # The job whose refused rows it tries again, or whose rows it takes back.
    retries = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="retried_by")
    undoes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by")
    state = models.CharField(max_length=16, choices=State, default=State.READY)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    # When every row had its result, also of a job that was stopped.
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        permissions = (("run_job", "Can run operations on many objects at once"),)
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("state", "created_at"), name="job_state"),)

    def __str__(self) -> str:
        return f"{self.operation} ({self.id})"


class JobAction(models.Model):
    """Who started, paused, resumed or stopped a job, and when: only ever added to."""

    class Action(models.TextChoices):
        """What the person did."""

        STARTED = "started", gettext_lazy("Started")
        PAUSED = "paused", gettext_lazy("Paused")
        RESUMED = "resumed", gettext_lazy("Resumed")
        STOPPED = "stopped", gettext_lazy("Stopped")

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="actions")
    action = models.CharField(max_length=16, choices=Action)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The person's name when it happened, for the log.
    user_name = models.CharField(max_length=255, blank=True)
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.action} {self.job_id}"


class Push(models.Model):
    """One intent of one person to change one object in Stripe, written and committed before the call.

    Its UUID is the idempotency key of every attempt and the hidden field of the form, so that one intent is one effect
    however often it is submitted, retried or resumed.
    """

    class State(models.TextChoices):
        """What is known of its effect in Stripe."""

        # A row of a job, a step or an approved push that has not been sent yet.
        PLANNED = "planned", gettext_lazy("Planned")
        # More than the person's limit: nothing is sent until another person approves it.
        WAITING = "waiting", gettext_lazy("waiting for approval")
        # Committed and about to be sent, or being sent.
        SENDING = "sending", gettext_lazy("Sending")
        # Stripe said yes, and the answer is applied.
        DONE = "done", gettext_lazy("Done")
        # Stripe, or our own rule, said no: nothing changed.
        REFUSED = "refused", gettext_lazy("Refused")
        # The answer is not known: the worker asks again with the same key.
        UNKNOWN = "unknown", gettext_lazy("checking")
        # A row of a job that was left out, or what was withdrawn or no longer possible once approved; with the reason.
        SKIPPED = "skipped", gettext_lazy("Skipped")

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
    # What the person saw before confirming, in words, for the receipt.
    told = models.JSONField(default=dict)
    # Where it came by itself after another push, as its next step: that push. The form's values until it is sent, of
    # steps, of a job's rows that have their own, and of what waits for approval.
    step_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="steps")
    form = models.JSONField(default=dict)
    # What that form was written against, of a row that came from a file: so that a conflict is found when it is sent.
    opened = models.JSONField(default=dict)
    # The push that this one undoes.
    undoes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by")
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
        verbose_name_plural = gettext_lazy("pushes")
        default_permissions = ("view", "export")
        permissions = (
            ("act_live", "Can change the live Stripe account"),
            ("approve_push", "Can approve what others ask for above their limit"),
        )
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("state", "next_attempt_at"), name="push_due"),
            models.Index(fields=("created_at", "id"), name="push_created"),
            # One for each filter of the log.
            models.Index(fields=("operation", "created_at", "id"), name="push_operation"),
            models.Index(fields=("user", "created_at", "id"), name="push_user"),
            models.Index(fields=("state", "created_at", "id"), name="push_state"),
            models.Index(fields=("object_type", "object_id", "created_at"), name="push_object"),
            models.Index(fields=("job", "position"), name="push_job"),
            models.Index(fields=("job", "state"), name="push_job_state"),
            models.Index(fields=("request_id",), name="push_request"),
        )

    def __str__(self) -> str:
        return f"{self.operation} {self.object_id}".strip()


class Approval(models.Model):
    """That a push was above its person's limit, and who decided about it, once: never changed after that."""

    class Decision(models.TextChoices):
        """What became of it."""

        APPROVED = "approved", gettext_lazy("Approved")
        DECLINED = "declined", gettext_lazy("Declined")
        # By the person who had asked.
        WITHDRAWN = "withdrawn", gettext_lazy("Withdrawn")

    push = models.OneToOneField(Push, on_delete=models.PROTECT, related_name="approval")
    asked_at = models.DateTimeField()
    # What is approved: amounts in minor units, each beside its currency. More than this is not sent.
    stakes = models.JSONField(default=list)
    # What the form showed when it was opened, so that a conflict is found when it is sent (S38).
    opened = models.JSONField(default=dict)
    # Empty until it is decided.
    decision = models.CharField(max_length=16, choices=Decision, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The person's name when it happened, for the log.
    decided_by_name = models.CharField(max_length=255, blank=True)
    reason = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    # From where it was decided.
    ip_address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.decision or 'open'}: {self.push_id}"
