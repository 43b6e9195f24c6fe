"""What tests of subscriptions share: customers who pay, subscriptions in the middle of their period, previews."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from stripe_mirror.models import Push
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from stripe_mirror.push.submit import resume
from tests.push.conftest import Doing
from tests.push.test_unknown_outcomes import make_due
from tests.sandbox.testing import RunningSandbox

DAY = 86400
MONTHLY = {"interval": "month"}
Row = dict[str, Any]
Mirrored = Callable[[Row], Any]


def buyer(stripe: RunningSandbox, card: str = "pm_card_visa", **params: Any) -> Row:
    """A customer who is charged by a card."""
    default = {"default_payment_method": card}
    return stripe.post(
        "/v1/customers", email="buyer@example.com", payment_method=card, invoice_settings=default, **params
    )


def sold(stripe: RunningSandbox, mirrored: Mirrored, name: str, amount: int = 2900, **price: Any) -> Row:
    """A mirrored price, by default in EUR a month, of a mirrored product."""
    product = stripe.post("/v1/products", name=name)
    terms = {"currency": "eur", "unit_amount": amount, "recurring": MONTHLY, **price}
    made = stripe.post("/v1/prices", product=product["id"], **terms)
    mirrored(product)
    mirrored(made)
    return made


def halfway(stripe: RunningSandbox, mirrored: Mirrored, *prices: Row, days: int = 10, **params: Any) -> Any:
    """A subscription that began some days ago, mirrored; charged to a card unless the parameters say otherwise."""
    now = time.time()
    stripe.sandbox.clock.set(int(now) - days * DAY)
    customer = params.pop("customer", None) or buyer(stripe)
    items = params.pop("items", [{"price": price["id"]} for price in prices])
    made = stripe.post("/v1/subscriptions", customer=customer["id"], items=items, **params)
    stripe.sandbox.clock.follow_real_time()
    mirrored(stripe.get(f"/v1/customers/{customer['id']}"))
    row = mirrored(made)
    stripe.clear_requests()
    return row


def truth(stripe: RunningSandbox, row: Any) -> Row:
    """The object as Stripe has it."""
    return next(obj for obj in stripe.objects(row.kind.object) if obj["id"] == row.pk)


def previewed(doing: Doing, **changes: Any) -> Effects:
    """What the confirm page says, after Stripe's own preview."""
    seen = preview(doing.operation, doing.row, doing.cleaned(**changes), ask=True)
    assert seen.may_confirm, seen.failure
    return seen.effects


def redo(undo: Undo | None, doing: Callable[..., Doing], push: Push, row: Any) -> Push:
    """Run an inverse, as its form comes filled in."""
    assert undo is not None
    row.refresh_from_db()
    opened = doing(undo.operation, row, push.user)
    return opened.submit(**undo.values)


def resumed(push: Push, *, hours: int = 0) -> Push:
    """The push after the worker came round, by and by."""
    make_due(push, age=timedelta(hours=hours))
    after = resume(push.pk)
    assert after is not None
    return after


def sent(stripe: RunningSandbox, path: str = "/v1/subscriptions") -> Row:
    """The parameters of the only write."""
    (request,) = [entry for entry in stripe.requests("POST", path) if not entry["replayed"]]
    params: Row = request["params"]
    return params


def may(*names: str) -> tuple[str, ...]:
    """These operations' permissions."""
    return tuple(get_operation(name).permission for name in names)
