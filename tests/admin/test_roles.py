"""Who sees and does what: the ready groups over every model and every operation (S58)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client

from backoffice import roles
from stripe_mirror.admin import display
from stripe_mirror.admin.operations import operation_url
from stripe_mirror.kinds import all_kinds
from stripe_mirror.push.operation import Operation, all_operations
from tests.admin import rows

MIRRORED = [kind.model_name for kind in all_kinds()]
ROLES = [role.name for role in roles.ROLES if role.name != "Live"]
# What is a record of Stripe or of what happened: all but our own settings.
SETTINGS = {"operationlimit"}
RECORDED = [
    model
    for model in admin.site._registry
    if model._meta.app_label == "stripe_mirror" and model._meta.model_name not in SETTINGS
]
# Who may give money away, by the permission's name: everybody else may not.
MONEY = {
    "refund_charge": {"Finance", "Operator"},
    "create_credit_note": {"Finance", "Operator"},
    "adjust_customer_balance": {"Finance", "Operator"},
    "mark_invoice_paid": {"Finance", "Operator"},
    "accept_dispute": {"Finance", "Operator"},
    "cancel_subscription": {"Billing", "Operator"},
    "delete_stripe_customer": {"Operator"},
    "replace_price": {"Catalog", "Operator"},
}


def may_run(role: str, operation: Operation) -> bool:
    return operation.permission in roles.codenames(role)


@pytest.mark.parametrize(("permission", "allowed"), MONEY.items())
def test_money_and_access_are_in_few_hands(permission: str, allowed: set[str]) -> None:
    assert {name for name in ROLES if permission in roles.codenames(name)} == allowed


def test_setup_is_repeatable_and_leaves_other_groups_alone(db: None) -> None:
    own = Group.objects.create(name="Ours")
    own.permissions.add(Permission.objects.get(codename="view_customer"))
    call_command("setup_roles", verbosity=0)
    before = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
    Group.objects.get(name="Viewer").permissions.clear()
    call_command("setup_roles", verbosity=0)
    after = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
    assert before == after
    assert after["Ours"] == {"view_customer"}


def test_every_permission_of_an_operation_exists_and_belongs_to_a_role(db: None) -> None:
    named = {codename for role in roles.ROLES for codename in roles.codenames(role.name)}
    for operation in all_operations():
        assert Permission.objects.filter(codename=operation.permission).exists(), operation.name
        assert operation.permission in named, operation.name


def test_nobody_may_change_the_live_account_by_a_role_alone(db: None) -> None:
    for role in roles.ROLES:
        assert ("act_live" in roles.codenames(role.name)) is (role.name == "Live")


@pytest.mark.parametrize("name", ROLES)
def test_s58_a_role_runs_its_operations_and_no_others(role: Callable[[str], Client], name: str) -> None:
    """Page, forced POST and job of every operation in the registry."""
    client, made = role(name), rows.one_of_each()
    for operation in all_operations():
        if not operation.offered:
            continue
        row = operation.new_row() if operation.creates else made[operation.object_type]
        url, expected = operation_url(row, operation), 200 if may_run(name, operation) else 403
        assert client.get(url).status_code == expected, (name, operation.name)
        # Without a signed form nothing is sent; who may is told so; a job may begin.
        assert client.post(url, {"reason": "x"}).status_code == expected, (name, operation.name)
        if operation.bulk:
            at_once = may_run(name, operation) and "run_job" in roles.codenames(name)
            bulk = display.admin_url(type(row), "bulk", operation.name)
            answers = client.get(bulk, {"ids": row.pk}), client.post(f"{bulk}?ids={row.pk}", {"reason": "x"})
            refused = [answer.status_code == 403 for answer in answers]
            assert refused == [not at_once] * 2, (name, operation.name)


@pytest.mark.parametrize("name", ROLES)
def test_s58_pages_offer_only_what_a_role_may_do(role: Callable[[str], Client], name: str) -> None:
    """Buttons of pages and actions of lists, of every operation in the registry."""
    client, made, lists = role(name), rows.one_of_each(), dict[str, str]()
    pages = {kind: client.get(display.object_url(row)).content.decode() for kind, row in made.items()}
    for operation in all_operations():
        kind = operation.object_type
        if not operation.offered or kind not in pages:
            continue
        row = made[kind]
        listed = lists.setdefault(kind, client.get(display.list_url(type(row))).content.decode())
        if operation.creates:
            assert (f"operation/{operation.name}/" in listed) is may_run(name, operation), (name, operation.name)
        elif operation.name != "edit_customer":
            # On, or off with its reason.
            shown = f"{display.object_url(row).removesuffix('change/')}operation/{operation.name}/" in pages[kind]
            off = f'id="why-not-{operation.name}"' in pages[kind]
            assert (shown or off) is may_run(name, operation), (name, operation.name)
        at_once = may_run(name, operation) and operation.bulk and "run_job" in roles.codenames(name)
        assert (f'"bulk_{operation.name}"' in listed) is at_once, (name, operation.name)
    assert ('name="push_id"' in pages["customer"]) is ("edit_customer" in roles.codenames(name))


@pytest.mark.parametrize("name", ROLES)
def test_a_role_sees_every_mirrored_kind_and_its_own_pages_only(role: Callable[[str], Client], name: str) -> None:
    client = role(name)
    rows.one_of_each()
    held = roles.codenames(name)
    for model in admin.site._registry:
        seen = f"view_{model._meta.model_name}" in held
        answer = client.get(display.list_url(model))
        assert answer.status_code == (200 if seen else 403), (name, model)
        assert model._meta.model_name not in MIRRORED or seen


@pytest.mark.parametrize("name", ROLES)
def test_the_sidebar_leads_only_where_a_role_may_go(role: Callable[[str], Client], name: str) -> None:
    client = role(name)
    html = client.get("/admin/").content.decode()
    for model in admin.site._registry:
        if client.get(display.list_url(model)).status_code == 403:
            assert f'href="{display.list_url(model)}' not in html, (name, model)
    assert f'href="{display.list_url(type(rows.customer()))}' in html


def test_an_outsider_gets_nowhere(db: None, staff: Callable[..., Client]) -> None:
    made = rows.one_of_each()
    stranger, powerless = Client(), staff("outsider")
    for row in made.values():
        for url in (display.object_url(row), display.list_url(type(row))):
            assert stranger.get(url).status_code == 302
            assert powerless.get(url).status_code == 403
            assert powerless.post(url, {"action": "bulk_cancel_subscription"}).status_code == 403
    home = powerless.get("/admin/").content.decode()
    assert "You may not see anything yet" in home
    assert made["customer"].pk not in home


def test_related_tables_show_only_what_a_person_may_see(staff: Callable[..., Client]) -> None:
    made = rows.one_of_each()
    client = staff("narrow", "view_customer")
    html = client.get(display.object_url(made["customer"])).content.decode()
    assert "in_Tea" not in html.split("sm-json")[0]
    assert "Invoices" not in html.split('id="overview"')[1].split("sm-side")[0]


@pytest.mark.parametrize("model", RECORDED)
def test_nobody_adds_changes_or_deletes_by_hand(boss: Client, model: Any) -> None:
    assert boss.get(display.admin_url(model, "add")).status_code == 403
    site: Any = admin.site
    request = boss.get("/admin/").wsgi_request  # type: ignore[attr-defined]
    request.user = User.objects.get(username="boss")
    model_admin = site._registry[model]
    assert not model_admin.has_change_permission(request)
    assert not model_admin.has_delete_permission(request)
    assert "delete_selected" not in model_admin.get_actions(request)


def test_rows_are_not_deleted_by_a_forced_post(boss: Client) -> None:
    row = rows.customer()
    assert boss.post(display.admin_url(row, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()
