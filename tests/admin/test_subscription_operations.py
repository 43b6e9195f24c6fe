"""Subscriptions made, discounts and schedules changed on the pages of staff: preview, confirm, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stripe_mirror.admin.operations import operation_url
from stripe_mirror.admin.receipts import receipt_url
from stripe_mirror.models import Push
from stripe_mirror.push.operation import get_operation
from tests.admin.test_operations import clerk, inputs, messages_of, opened  # noqa: F401
from tests.push import scenarios_subscriptions as scenarios
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
Clerk = Callable[..., Client]


def confirmed(client: Client, name: str, row: Any, values: dict[str, Any]) -> Any:
    """The answer after a person has filled the form, read Stripe's preview and confirmed it."""
    operation = get_operation(name)
    url = operation_url(row, operation)
    typed = opened(client, url) | {"reason": "asked by mail", **values}
    html = client.post(url, typed).content.decode()
    assert f">{operation.label}</button>" in html
    return client.post(url, inputs(html), follow=True)


@pytest.mark.parametrize(
    "name", ["create_subscription", "apply_discount", "remove_discount", "cancel_schedule"], ids=lambda name: name
)
def test_what_moves_money_is_previewed_and_confirmed(
    name: str,
    clerk: Clerk,  # noqa: F811
    sandbox: RunningSandbox,
) -> None:
    row, values = {make.__name__: make for make in scenarios.ALL}[name](sandbox)
    answer = confirmed(clerk(get_operation(name).permission, "view_subscriptionschedule"), name, row, values)
    assert messages_of(answer) == [f"{get_operation(name).label}: done."]
    assert Push.objects.get().told["money"]


def test_the_only_discount_is_removed_without_a_choice_and_undone_from_the_receipt(
    clerk: Clerk,  # noqa: F811
    sandbox: RunningSandbox,
) -> None:
    row = scenarios.subscription(sandbox, discounts=[{"coupon": scenarios.coupon(sandbox).pk}])
    client = clerk("apply_discount", "remove_discount")
    url = operation_url(row, get_operation("remove_discount"))
    assert 'type="radio" name="discount"' not in client.get(url).content.decode()
    confirmed(client, "remove_discount", row, {})
    push = Push.objects.get()
    assert sandbox.get(f"/v1/subscriptions/{row.pk}")["discounts"] == []
    shown = client.get(receipt_url(push)).content.decode()
    assert operation_url(row, get_operation("apply_discount")) in shown
