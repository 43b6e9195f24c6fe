"""What tells whether the mirror is well: who works, what the last checks found, what can't be replayed."""

from django.db import models


class WorkerProcess(models.Model):
    """One background worker, for as long as it runs; it writes the time every few seconds."""

    # The worker's id in the queue of tasks.
    id = models.CharField(primary_key=True, max_length=64)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("beat_at",), name="worker_beat"),)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class HealthReport(models.Model):
    """What one check found when it last ran, so that no page has to wait for it."""

    name = models.CharField(primary_key=True, max_length=64)
    checked_at = models.DateTimeField()
    # Findings as JSON, see `inbox.health.finding`.
    findings = models.JSONField(default=list)

    class Meta:
        verbose_name = "health"
        verbose_name_plural = "health"
        default_permissions = ("view",)
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ReceiverAddress(models.Model):
    """An address under which a signed event has reached us."""

    url = models.CharField(primary_key=True, max_length=600)
    # Our clock, exact to some minutes.
    delivered_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("-delivered_at",)

    def __str__(self) -> str:
        return self.url


class EventGap(models.Model):
    """A time whose events Stripe no longer listed when we looked: only a backfill brings what happened then."""

    # Stripe's clock.
    starts_at = models.DateTimeField(unique=True)
    ends_at = models.DateTimeField()
    # Ours: a backfill that began later has closed it.
    found_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("-found_at",)

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M} UTC"
