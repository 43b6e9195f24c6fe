"""Staff who may do certain things, and browsers of theirs (Django's test client)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from backoffice.roles import setup_roles

# What Stripe's keys and signing secrets begin with; "risk_level" and "task_id" are no keys.
KEYS = re.compile(r"(?<![A-Za-z0-9])(?:sk_|rk_|whsec_)\w*")


@pytest.fixture
def boss(db: None) -> Client:
    """Signed in as a superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss", "boss@example.com", "x"))
    return client


@pytest.fixture
def staff(db: None) -> Callable[..., Client]:
    """Signed in as a member of staff with some permissions: staff("viewer", "view_customer")."""

    def make(name: str, *permissions: str) -> Client:
        user = User.objects.create_user(name, f"{name}@example.com", is_staff=True)
        user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def role(db: None) -> Callable[[str], Client]:
    """Signed in as a member of one of the ready groups."""

    def make(name: str) -> Client:
        setup_roles()
        user = User.objects.create_user(f"the-{name}", "x@example.com", is_staff=True)
        user.groups.add(Group.objects.get(name=name))
        client = Client()
        client.force_login(user)
        return client

    return make
