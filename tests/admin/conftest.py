"""Staff who may do certain things, and browsers of theirs (Django's test client)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from playwright.sync_api import Browser, Page

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


@pytest.fixture
def page(chromium: Browser, live_server: Any) -> Iterator[Page]:
    """A real browser's page, signed in as a superuser; an error in its scripts fails the test."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    context = chromium.new_context(base_url=live_server.url)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    context.add_cookies([cookie])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []
