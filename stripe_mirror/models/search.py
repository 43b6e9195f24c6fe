"""What staff search, declared: which columns of which tables.

`search_build` makes the indexes, `search_find` asks them.
Changing a declaration is enough: `migrate` builds what is missing and drops what is stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from django.apps import apps
from django.conf import settings
from django.db import models

USERS = settings.AUTH_USER_MODEL


@dataclass(frozen=True)
class Searched:
    """The searched text of one table."""

    # The model's label, as "stripe_mirror.Customer".
    label: str
    # Found by any part, whatever the case.
    columns: tuple[str, ...] = ()
    # Columns written in many ways, found by their digits alone: phone numbers.
    digits: tuple[str, ...] = ()
    # Found by their beginning: what is typed first, and all there is where the database has no trigrams.
    beginnings: tuple[str, ...] = ()
    # Whether the values of Stripe's metadata are found by their beginning.
    metadata: bool = False
    # The written columns that the searched ones come from.
    source: tuple[str, ...] = ("data",)

    @cached_property
    def model(self) -> type[models.Model]:
        """The table's model."""
        return cast("type[models.Model]", apps.get_model(self.label))

    @property
    def table(self) -> str:
        """The table's name."""
        return str(self.model._meta.db_table)

    @property
    def key(self) -> str:
        """The column of the primary key."""
        return str(cast("Any", self.model._meta.pk).column)

    @property
    def needed(self) -> set[str]:
        """The columns that the table must have."""
        return {*self.columns, *self.digits, *self.beginnings, *self.source}

    @property
    def by_part(self) -> bool:
        """Whether anything of it needs trigrams."""
        return bool(self.columns or self.metadata)


def mirrored(name: str, *columns: str, **declared: Any) -> Searched:
    """The declaration of a mirrored kind, by its model's name."""
    return Searched(f"stripe_mirror.{name}", columns, **declared)


SEARCHED = (
    mirrored("Customer", "name", "email", "phone", digits=("phone",), beginnings=("name", "email"), metadata=True),
    mirrored("Invoice", "number", "customer_email", "customer_name", beginnings=("number",), metadata=True),
    mirrored("Subscription", metadata=True),
    mirrored("PaymentIntent", "description", metadata=True),
    mirrored("PaymentMethod", beginnings=("last4",)),
    mirrored("Charge", beginnings=("last4",)),
    mirrored("CreditNote", "number", beginnings=("number",)),
    mirrored("CheckoutSession", "customer_email", beginnings=("customer_email",)),
    mirrored("Product", "name", "description", beginnings=("name",)),
    mirrored("Price", "nickname", "lookup_key", beginnings=("nickname", "lookup_key")),
    mirrored("Coupon", "name", beginnings=("name",)),
    mirrored("PromotionCode", "code", beginnings=("code",)),
    mirrored("TaxId", "value", "verified_name", beginnings=("value",)),
    mirrored("Payout", "description", "statement_descriptor"),
    mirrored("SetupIntent", "description"),
    mirrored("InvoiceItem", "description"),
    mirrored("CustomerBalanceTransaction", "description"),
    mirrored("TaxRate", "display_name", "description", "jurisdiction", beginnings=("display_name",)),
    Searched(
        USERS,
        ("username", "email", "first_name", "last_name"),
        beginnings=("username", "email"),
        source=("username", "email", "first_name", "last_name"),
    ),
)


def searched(model: type[models.Model]) -> Searched | None:
    """What of a model is searched; None where nothing is declared."""
    return next((one for one in SEARCHED if one.label.lower() == model._meta.label_lower), None)


def existing(tables: Iterable[str], *, of: Iterable[Searched] = SEARCHED) -> list[Searched]:
    """The declarations whose tables are there already: in the middle of migrations some aren't."""
    there = set(tables)
    return [one for one in of if one.table in there]
