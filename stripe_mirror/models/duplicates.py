"""Customers that are probably one: with the same e-mail address, or paying by the same card or account.

Read from indexes, a page of groups at a time; nothing is stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import Lower

from stripe_mirror.models.customers import Customer, PaymentMethod
from stripe_mirror.models.subscriptions import Subscription

# Subscriptions that go on no more.
ENDED = ("canceled", "incomplete_expired")
# Customers of one group that are shown; more share an address of a whole company.
MOST = 20


@dataclass(frozen=True)
class Duplicates:
    """Customers that share something, oldest first; `more` where there are too many to show."""

    shared: str
    customers: list[Customer]
    more: bool = False


@dataclass(frozen=True)
class Page:
    """Some groups, and after which key the next ones begin; "" at the end."""

    groups: list[Duplicates]
    after: str


def by_email(*, after: str = "", limit: int = 20) -> Page:
    """Customers with one e-mail address, whatever its case."""
    named = Customer.objects.alive().annotate(key=Lower("email")).exclude(key=None).exclude(key="")
    counted = named.filter(key__gt=after).values("key").annotate(found=Count("pk"))
    keys, following = _repeated(counted, "key", limit)
    found: dict[str, list[Customer]] = defaultdict(list)
    shown = named.select_related("default_payment_method")
    for customer in shown.filter(key__in=keys).order_by("created", "pk"):
        found[str(customer.key)].append(customer)
    return Page([_group(key, found[key]) for key in keys], following)


def by_payment_method(*, after: str = "", limit: int = 20) -> Page:
    """Customers to whom the same card or account is attached: Stripe gives it one fingerprint."""
    attached = PaymentMethod.objects.alive().exclude(customer=None).exclude(fingerprint=None)
    named = attached.filter(fingerprint__gt=after).values("fingerprint")
    keys, following = _repeated(named.annotate(found=Count("customer", distinct=True)), "fingerprint", limit)
    methods: dict[str, list[PaymentMethod]] = defaultdict(list)
    for method in attached.filter(fingerprint__in=keys).order_by("created", "pk"):
        methods[str(method.fingerprint)].append(method)
    ids = {method.customer_id for shared in methods.values() for method in shared}
    shown = Customer.objects.alive().select_related("default_payment_method")
    alive = {row.pk: row for row in shown.filter(pk__in=ids).order_by("created", "pk")}
    groups = []
    for key in keys:
        of = {method.customer_id for method in methods[key]}
        groups.append(_group(str(methods[key][0]), [row for id, row in alive.items() if id in of]))
    return Page([group for group in groups if len(group.customers) > 1], following)


def running_subscriptions(customers: Iterable[Customer]) -> dict[str, int]:
    """How many subscriptions of each customer go on."""
    of = Subscription.objects.alive().filter(customer__in=[row.pk for row in customers]).exclude(status__in=ENDED)
    return dict(of.order_by().values_list("customer").annotate(found=Count("pk")))


def _repeated(counted: QuerySet[Any, Any], name: str, limit: int) -> tuple[list[str], str]:
    """The keys that occur more than once, in their order, and the last one if there are more."""
    rows = counted.filter(found__gt=1).order_by(name).values_list(name, flat=True)[: limit + 1]
    keys = [str(key) for key in rows]
    return keys[:limit], keys[limit - 1] if len(keys) > limit else ""


def _group(shared: str, customers: list[Customer]) -> Duplicates:
    return Duplicates(shared, customers[:MOST], more=len(customers) > MOST)
