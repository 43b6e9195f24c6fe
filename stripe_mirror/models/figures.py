"""Home's figures as they were computed last, so that no page has to wait. Only `figures` writes these rows."""

from django.db import models


class FigureProgress(models.Model):
    """How far one source of figures has been walked. Whoever works on it locks this row: two workers take turns."""

    # Stripe's `object` of the rows that are walked.
    source = models.CharField(primary_key=True, max_length=64)
    # Everything that changed before this place is in the figures; the walk goes by (changed_at, id).
    cursor_at = models.DateTimeField(null=True)
    cursor_id = models.CharField(max_length=255, blank=True)
    # When the walk that is under way began; empty between two.
    pass_began_at = models.DateTimeField(null=True)
    # Where the first sum over all days stands; what is older is summed.
    summed_until = models.DateTimeField(null=True)
    # Days whose sums are no longer right, and the first day from which the level of MRR isn't.
    stale_days = models.JSONField(default=list)
    stale_from = models.DateField(null=True)
    # When the first walk was through, and the latest one.
    filled_at = models.DateTimeField(null=True)
    computed_at = models.DateTimeField(null=True)
    # From then on each movement is known by its change; before it, from what the rows still tell.
    exact_since = models.DateTimeField(null=True)
    # What the stored figures were computed by: the zone of their days, and the edition of the formulas.
    zone = models.CharField(max_length=64, blank=True)
    formulas = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.source


class SubscriptionAmount(models.Model):
    """What one subscription adds to MRR now."""

    subscription = models.CharField(primary_key=True, max_length=255)
    customer = models.CharField(max_length=255, blank=True)
    currency = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=255, blank=True)
    # Minor units a month; 0 where it doesn't count.
    amount = models.BigIntegerField(default=0)
    # The row's version that it was computed from, and the moment of its latest movement.
    version = models.BigIntegerField()
    moved_at = models.DateTimeField(null=True)
    # When it changes although the subscription doesn't: a discount begins or ends.
    due_at = models.DateTimeField(null=True)
    # A sentence where it can't be computed; then `amount` is the last one that could.
    problem = models.CharField(max_length=255, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("-amount", "subscription")
        indexes = (
            models.Index(fields=("due_at",), name="sub_amount_due"),
            models.Index(fields=("currency", "status"), name="sub_amount_status"),
            models.Index(fields=("currency", "amount", "subscription"), name="sub_amount_amount"),
            models.Index(fields=("problem", "subscription"), name="sub_amount_problem"),
        )

    def __str__(self) -> str:
        return self.subscription


class MrrMovement(models.Model):
    """How a customer's MRR in one currency changed on one day; the first of a customer's begins at 0."""

    class Nature(models.TextChoices):
        """By the amounts before and after."""

        # From nothing, for the first time.
        NEW = "new"
        # From nothing, not for the first time.
        REACTIVATION = "reactivation"
        EXPANSION = "expansion"
        CONTRACTION = "contraction"
        # To nothing.
        CHURN = "churn"

    customer = models.CharField(max_length=255)
    currency = models.CharField(max_length=255)
    # In TIME_ZONE.
    day = models.DateField()
    nature = models.CharField(max_length=16, choices=Nature)
    # Minor units a month.
    before = models.BigIntegerField()
    after = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        ordering = ("-day", "-id")
        constraints = (models.UniqueConstraint(fields=("customer", "currency", "day"), name="mrr_movement_once"),)
        indexes = (
            models.Index(fields=("currency", "day", "id"), name="mrr_movement_day"),
            models.Index(fields=("currency", "nature", "day", "id"), name="mrr_movement_nature"),
        )

    def __str__(self) -> str:
        return f"{self.customer} {self.day}"


class MrrDay(models.Model):
    """The movements of a day in one currency, and where they led; days without movements have no row."""

    currency = models.CharField(max_length=255)
    day = models.DateField()
    # At the end of the day: minor units, and customers with more than nothing.
    mrr = models.BigIntegerField()
    subscribers = models.BigIntegerField()
    # Per nature of movement: minor units (negative for contraction and churn), and customers.
    new = models.BigIntegerField(default=0)
    new_count = models.BigIntegerField(default=0)
    reactivation = models.BigIntegerField(default=0)
    reactivation_count = models.BigIntegerField(default=0)
    expansion = models.BigIntegerField(default=0)
    expansion_count = models.BigIntegerField(default=0)
    contraction = models.BigIntegerField(default=0)
    contraction_count = models.BigIntegerField(default=0)
    churn = models.BigIntegerField(default=0)
    churn_count = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        ordering = ("day",)
        constraints = (models.UniqueConstraint(fields=("currency", "day"), name="mrr_day_once"),)

    def __str__(self) -> str:
        return f"{self.currency} {self.day}"


class MoneyDay(models.Model):
    """What was paid, refused, given back and disputed on a day, in one currency: minor units and how many."""

    currency = models.CharField(max_length=255)
    # In TIME_ZONE.
    day = models.DateField()
    paid = models.BigIntegerField(default=0)
    paid_count = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    failed_count = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    refunded_count = models.BigIntegerField(default=0)
    disputed = models.BigIntegerField(default=0)
    disputed_count = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        ordering = ("day",)
        constraints = (models.UniqueConstraint(fields=("currency", "day"), name="money_day_once"),)

    def __str__(self) -> str:
        return f"{self.currency} {self.day}"


class StandingFigures(models.Model):
    """What is so at this moment rather than on a day: counts and sums per currency, as JSON (`figures.standing`)."""

    name = models.CharField(primary_key=True, max_length=64)
    computed_at = models.DateTimeField()
    content = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
