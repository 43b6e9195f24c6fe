"""A sandbox over real HTTP, staff who may do certain things, and mirrored objects to do them to."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from pytest_django import Settings

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Push, StripeObject
from stripe_mirror.pull.fetch import fetch_now
from stripe_mirror.push.operation import Operation, get_operation, operations_for
from stripe_mirror.push.submit import submit
from tests.sandbox.testing import RunningSandbox


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    """One sandbox for a module."""
    with RunningSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def stripe(running: RunningSandbox, settings: Settings, transactional_db: None) -> Iterator[RunningSandbox]:
    """The sandbox that this project talks to, without faults, its list of requests empty."""
    settings.STRIPE_API_BASE = running.url
    running.faults.clear()
    running.clear_requests()
    yield running
    running.faults.clear()


@pytest.fixture
def staff(transactional_db: None) -> Callable[..., User]:
    """Makes a member of staff with some permissions: staff("canceller", "cancel_subscription")."""

    def make(name: str, *permissions: str) -> User:
        user = User.objects.create_user(name, f"{name}@example.com", is_staff=True, first_name=name.title())
        user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
        return user

    return make


@pytest.fixture
def editor(staff: Callable[..., User]) -> User:
    """May edit customers."""
    return staff("editor", "edit_customer")


@pytest.fixture
def canceller(staff: Callable[..., User]) -> User:
    """May cancel subscriptions, also many at once, and undo it."""
    return staff("canceller", "cancel_subscription", "keep_subscription", "run_job")


@pytest.fixture
def mirrored(stripe: RunningSandbox) -> Callable[[dict[str, Any]], Any]:
    """Brings one of the sandbox's objects into the mirror and gives its row."""

    def bring(obj: dict[str, Any]) -> StripeObject:
        kind = get_kind(obj["object"])
        fetch_now(kind, obj["id"], patient=False)
        stripe.clear_requests()
        return kind.model._default_manager.get(pk=obj["id"])

    return bring


@pytest.fixture
def customer(stripe: RunningSandbox, mirrored: Callable[[dict[str, Any]], Any]) -> Any:
    """A customer with something in every field that can be cleared."""
    address = {"line1": "1 Main St", "line2": "Flat 2", "city": "Cork", "postal_code": "T12", "country": "IE"}
    made = stripe.post(
        "/v1/customers",
        name="Jane Doe",
        email="jane@example.com",
        phone="+353 1",
        description="first",
        address=address,
        shipping={"name": "Jane", "phone": "2", "address": address},
        metadata={"plan": "gold", "seats": "3", "note": "a\nb"},
        preferred_locales=["en", "de"],
    )
    return mirrored(made)


@pytest.fixture
def keeper(staff: Callable[..., User]) -> User:
    """May do all that can be done to customers, also to many."""
    names = (operation.name for object_type in ("customer", "tax_id") for operation in operations_for(object_type))
    return staff("keeper", "run_job", *names)


@pytest.fixture
def payer(stripe: RunningSandbox, mirrored: Callable[[dict[str, Any]], Any]) -> Any:
    """A customer who is billed in eur and has €5.00 credit."""
    made = stripe.post("/v1/customers", name="Jane", email="jane@example.com", address={"country": "IE"})
    stripe.post(f"/v1/customers/{made['id']}/balance_transactions", amount=-500, currency="eur")
    return mirrored(made)


@pytest.fixture
def price(stripe: RunningSandbox) -> dict[str, Any]:
    """29.00 eur a month."""
    product = stripe.post("/v1/products", name="Gold")
    return stripe.post(
        "/v1/prices", product=product["id"], currency="eur", unit_amount=2900, recurring={"interval": "month"}
    )


@pytest.fixture
def subscribe(
    stripe: RunningSandbox, price: dict[str, Any], mirrored: Callable[[dict[str, Any]], Any]
) -> Callable[..., Any]:
    """Makes a customer with an active subscription and mirrors the subscription."""

    def make(**params: Any) -> Any:
        buyer = stripe.post("/v1/customers", email="buyer@example.com")
        defaults = {"collection_method": "send_invoice", "days_until_due": 30, "items": [{"price": price["id"]}]}
        return mirrored(stripe.post("/v1/subscriptions", customer=buyer["id"], **{**defaults, **params}))

    return make


class Doing:
    """Fills an operation's form as a browser does and submits it."""

    def __init__(self, operation: Operation, row: StripeObject, user: User) -> None:
        self.operation, self.row, self.user = operation, row, user
        self.opened = operation.initial(row)
        self.push_id = uuid.uuid4()

    def cleaned(self, **changes: Any) -> dict[str, Any]:
        form = self.operation.get_form(self.row, {**self.opened, "reason": "asked by mail", **changes})
        assert form.is_valid(), form.errors
        return form.cleaned_data

    def submit(self, **changes: Any) -> Push:
        return submit(
            self.operation,
            self.row,
            user=self.user,
            push_id=self.push_id,
            cleaned=self.cleaned(**changes),
            opened=self.opened,
            reason="asked by mail",
            ip="192.0.2.7",
        )


@pytest.fixture
def doing() -> Callable[[str, StripeObject, User], Doing]:
    """Opens an operation's form: doing("edit_customer", row, user).submit(email="x")."""
    return lambda name, row, user: Doing(get_operation(name), row, user)


def form_errors(operation: Any, row: Any, **values: Any) -> dict[str, Any]:
    """What the form says at its fields, filled as a browser does."""
    form = operation.get_form(row, {**operation.initial(row), "reason": "asked by mail", **values})
    return {name: " ".join(form.errors[name]) for name in form.errors}


def undone(push: Push, user: User) -> Push:
    """Do what the push offers as its inverse, through a form, as staff would."""
    undo = get_operation(push.operation).undo(push)
    assert undo is not None
    kind = get_kind(undo.object_type or push.object_type)
    row = kind.model._default_manager.get(pk=undo.object_id or push.object_id)
    return Doing(get_operation(undo.operation), row, user).submit(**undo.values)


def sent(stripe: RunningSandbox) -> list[tuple[str, str, Any]]:
    """The writes that reached Stripe."""
    return [(r["method"], r["path"], r["params"]) for r in stripe.requests() if r["method"] != "GET"]
