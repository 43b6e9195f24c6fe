"""Users and groups: the first thing that who runs the back office does in it."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

pytestmark = pytest.mark.django_db
PASSWORD = "a long and odd one 81"


def test_a_user_is_added_by_the_form_as_it_stands_there(admin_client: Client) -> None:
    page = admin_client.get("/admin/auth/user/add/").content.decode()
    shown = set(re.findall(r'name="([a-z_0-9]+)"', page))
    assert {"username", "password1", "password2"} <= shown
    given = {"username": "grace", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    answer = admin_client.post("/admin/auth/user/add/", {name: given[name] for name in given if name in shown})
    user = User.objects.get(username="grace")
    assert answer.headers["Location"] == f"/admin/auth/user/{user.pk}/change/"
    assert user.check_password(PASSWORD)
    Client().login(username="grace", password=PASSWORD)


def test_what_goes_with_a_group_is_said_without_each_of_its_permissions(admin_client: Client) -> None:
    group = Group.objects.create(name="Night shift")
    group.permissions.set(Permission.objects.all()[:5])
    group.user_set.add(User.objects.create_user("grace"))
    url = f"/admin/auth/group/{group.pk}/delete/"
    page = admin_client.get(url).content.decode()
    assert "Night shift" in page
    assert "relationship" not in page
    admin_client.post(url, {"post": "yes"})
    assert not Group.objects.filter(name="Night shift").exists()
