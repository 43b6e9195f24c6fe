"""What the tests of exports share: customers in number, what the page's form sends, and files as they were written."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from stripe_mirror.models import Customer
from tests.admin import rows

LIST = "/admin/stripe_mirror/customer/"
DIALOG = LIST + "export/choose/"
AT_ONCE = LIST + "export/"
MINE = "/admin/exports/"
EXPORTER = ("view_customer", "export_customer", "view_pii", "schedule_export")
FORM = {"which": "default", "format": "csv", "separator": "comma", "amounts": "major", "time_zone": "UTC"}


def person(name: str, *codenames: str) -> User:
    """A member of staff who may do this; with no names, what somebody who exports customers may."""
    user = User.objects.create_user(name, f"{name}@example.com", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames or EXPORTER))
    return user


def without(user: User, codename: str) -> None:
    """Take a permission away."""
    user.user_permissions.remove(Permission.objects.get(codename=codename))


def browser(user: User) -> Client:
    """Signed in as them."""
    client = Client()
    client.force_login(user)
    return client


def customers(count: int, **fields: Any) -> list[str]:
    """Customers created a second apart; their ids."""
    now = datetime(2026, 6, 1, tzinfo=UTC)
    start = Customer.objects.count()
    made = [
        Customer(
            id=f"cus_{start + n:05}",
            data={
                "object": "customer",
                "name": f"Name {start + n:05}",
                "email": f"n{start + n}@example.com",
                "created": rows.SECOND + start + n,
                "metadata": {"plan": "gold"},
                **fields,
            },
            as_of=now,
            synced_at=now,
            changed_at=now,
        )
        for n in range(count)
    ]
    Customer.objects.bulk_create(made)
    return [row.id for row in made]


def chosen(*names: str, **given: Any) -> dict[str, Any]:
    """What the form sends with these columns ticked; the usual ones with none."""
    ticked = {"which": "chosen", "column": list(names)} if names else {}
    return {**FORM, **ticked, "export": "1", **given}


def text_of(answer: Any) -> str:
    """A download's text."""
    assert answer.status_code == 200, answer
    return b"".join(answer.streaming_content).decode()


def table_of(text: str, **options: Any) -> list[dict[str, str]]:
    """A CSV's rows."""
    return list(csv.DictReader(io.StringIO(text, newline=""), **options))


def ids(answer: Any) -> list[str]:
    """The ids in a download, in its order."""
    return [row["id"] for row in table_of(text_of(answer))]
