"""How much one person may move by one operation; above it, another person has to approve."""

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy


class OperationLimit(models.Model):
    """Up to this much, in this currency, the members of a group need nobody's approval for an operation.

    What a person may move follows from all of their groups' rows: see `push.limits`.
    """

    # A group with limits can't be deleted: without its rows its members would be unlimited.
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="stripe_limits")
    # An operation that declares `limited`.
    operation = models.CharField(max_length=64)
    # As in Stripe's objects: lower case.
    currency = models.CharField(max_length=3)
    # In minor units; with 0 everything needs approval.
    amount = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = gettext_lazy("limit")
        ordering = ("operation", "currency", "group__name")
        constraints = (models.UniqueConstraint(fields=("group", "operation", "currency"), name="one_limit_each"),)

    def __str__(self) -> str:
        return f"{self.group}: {self.operation}, {self.currency.upper()}"
