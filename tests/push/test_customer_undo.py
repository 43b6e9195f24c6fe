"""Taking an edit of a customer back: the old values, also of cleared fields, and what came since stays."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Customer, Push
from stripe_mirror.push.effects import Undo
from stripe_mirror.push.operation import get_operation
from tests.push.conftest import undone
from tests.push.test_customer_operations import Brings, Opens
from tests.push.test_submit import truth
from tests.sandbox.testing import RunningSandbox


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "new@example.com", "name": "", "tax_exempt": "exempt"},
        {"address_line2": "", "address_city": "Dublin"},
        {f"address_{part}": "" for part in ("line1", "line2", "city", "postal_code", "country")},
        {"shipping_name": "Joe", "shipping_phone": ""},
        {"metadata": {"plan": "silver", "new.key": "x"}, "preferred_locales": ["fr"]},
    ],
)
def test_an_edit_is_undone_to_what_was_there(
    changes: dict[str, Any], doing: Opens, customer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    before = truth(stripe, customer)
    push = doing("edit_customer", customer, keeper).submit(**changes)
    assert truth(stripe, customer) != before
    assert undone(push, keeper).state == Push.State.DONE
    assert truth(stripe, customer) == before


def test_undoing_an_edit_keeps_what_came_since(
    doing: Opens, customer: Any, keeper: User, stripe: RunningSandbox, mirrored: Brings
) -> None:
    push = doing("edit_customer", customer, keeper).submit(email="new@example.com", metadata={"plan": "silver"})
    stripe.post(f"/v1/customers/{customer.pk}", phone="99", metadata={"later": "y"})
    mirrored({"object": "customer", "id": customer.pk})
    undone(push, keeper)
    now = truth(stripe, customer)
    assert (now["email"], now["phone"]) == ("jane@example.com", "99")
    assert now["metadata"] == {"plan": "gold", "seats": "3", "note": "a\nb", "later": "y"}


def test_an_edit_that_stripe_or_the_log_cannot_take_back_offers_no_undo(doing: Opens, payer: Any, keeper: User) -> None:
    edit = get_operation("edit_customer")
    push = doing(edit.name, payer, keeper).submit(preferred_locales="fr")
    assert edit.undo(push) is None
    push = doing(edit.name, Customer.objects.get(pk=payer.pk), keeper).submit(email="new@example.com")
    assert edit.undo(push) == Undo(edit.name, {"email": "jane@example.com"})
    push.before = {}
    assert edit.undo(push) is None
