"""Events as Stripe sent them, and what became of each."""

from django.conf import settings
from django.db import models


class InboxEvent(models.Model):
    """One event of Stripe's, stored before it is answered: storing is the promise to Stripe."""

    class State(models.TextChoices):
        """What became of it; the reason stands beside."""

        # Stored, not decided yet.
        RECEIVED = "received"
        # Its state is now the row's.
        APPLIED = "applied"
        # Older than what we hold.
        STALE = "stale"
        # Says what we hold already.
        DUPLICATE = "duplicate", "duplicate of state"
        # Needs Stripe or another try: see the reason and the next attempt.
        WAITING = "waiting"
        # Carries no mirrored kind.
        IGNORED = "ignored", "not mirrored"
        # Of the other mode or another account.
        PARKED = "parked"
        # Given up after the last attempt.
        FAILED = "failed"
        # Given up by a person, with a note (see `EventAction`).
        DISMISSED = "dismissed"

    class Source(models.TextChoices):
        """How it reached us."""

        WEBHOOK = "webhook"
        CATCH_UP = "catch_up", "catch-up"

    id = models.CharField("ID", primary_key=True, max_length=255)
    type = models.CharField(max_length=255)
    account = models.CharField(max_length=255, blank=True)
    livemode = models.BooleanField()
    api_version = models.CharField(max_length=64, blank=True)
    # Stripe's clock, whole seconds.
    created = models.DateTimeField()
    object_type = models.CharField(max_length=255, blank=True)
    object_id = models.CharField(max_length=255, blank=True)
    # Of the request that caused it; both empty where Stripe acted by itself.
    request_id = models.CharField(max_length=255, blank=True)
    idempotency_key = models.CharField(max_length=255, blank=True)
    payload = models.JSONField()
    source = models.CharField(max_length=16, choices=Source, default=Source.WEBHOOK)
    state = models.CharField(max_length=16, choices=State, default=State.RECEIVED)
    reason = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "event"
        default_permissions = ("view",)
        permissions = (
            ("retry_event", "Can retry events"),
            ("dismiss_event", "Can dismiss events"),
            ("replay_event", "Can replay events"),
        )
        ordering = ("-created", "-id")
        indexes = (
            models.Index(fields=("created", "id"), name="inbox_created"),
            models.Index(fields=("state", "next_attempt_at"), name="inbox_due"),
            models.Index(fields=("state", "created", "id"), name="inbox_state"),
            models.Index(fields=("type", "created", "id"), name="inbox_type"),
            models.Index(fields=("source", "created", "id"), name="inbox_source"),
            models.Index(fields=("object_id", "created"), name="inbox_object"),
            models.Index(fields=("request_id",), name="inbox_request"),
        )

    def __str__(self) -> str:
        return f"{self.type} ({self.id})"


class EventAction(models.Model):
    """What a person did about an event. Append-only."""

    class Verb(models.TextChoices):
        """What it was."""

        # Tried again at once.
        RETRY = "retry", "retried"
        # Given up.
        DISMISS = "dismiss", "dismissed"
        # Decided anew, though it was settled.
        REPLAY = "replay", "replayed"

    event_id = models.CharField(max_length=255)
    verb = models.CharField(max_length=16, choices=Verb)
    note = models.TextField(blank=True)
    # What the event was before.
    was = models.CharField(max_length=16)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="stripe_event_actions"
    )
    # The person's name when it happened.
    user_name = models.CharField(max_length=255)
    done_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        indexes = (models.Index(fields=("event_id", "id"), name="event_action"),)

    def __str__(self) -> str:
        return f"{self.event_id} {self.verb}"
