"""Every endpoint of the sandbox is one of Stripe's, takes Stripe's parameters, and answers in Stripe's shape."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.contract import differences
from tests.sandbox.contract.account import HEADERS, Account
from tests.sandbox.contract.calls import CALLS
from tests.sandbox.contract.declared import concrete, endpoints, name, parameters, required
from tests.sandbox.contract.openapi import Spec, Violation
from tests.sandbox.params import Enum
from tests.sandbox.resource import RESOURCES, Route
from tests.sandbox.server import Sandbox

ENDPOINTS = endpoints()
DESCRIBED = [route for route in ENDPOINTS if not differences.is_newer(route.method, route.path)]
NEWER = [route for route in ENDPOINTS if (route.method, route.path) in differences.NEWER]
WRITING = [route for route in DESCRIBED if route.method != "GET"]
READING = [route for route in ENDPOINTS if route.method == "GET"]


def each(routes: list[Route]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=[name(route) for route in routes])


def told(what: str, violations: list[Violation]) -> str:
    """The message of a failure: object, place in it, what is wrong."""
    return "\n".join([f"{what}:", *[f"  {violation}" for violation in violations[:20]]])


def answer(spec: Spec, method: str, path: str, params: dict[str, Any], body: dict[str, Any]) -> None:
    operation = spec.operation(method, path)
    assert operation is not None
    asked = spec.check_request(method, path, params)
    assert not asked, told(f"Parameters of {method} {path}", asked)
    found = spec.check_answer(operation, body)
    assert not found, told(f"Answer of {method} {path} ({body.get('object')} {body.get('id', '')})", found)


@each(DESCRIBED)
def test_endpoint_and_its_parameters_are_stripes(spec: Spec, route: Route) -> None:
    operation = spec.operation(route.method, concrete(route.path))
    assert operation is not None, f"Stripe has no {name(route)} in {spec.version}"
    strange = [".".join(keys) for keys, _ in parameters(route.params) if not spec.parameter(operation, keys)]
    strange = [keys for keys in strange if (route.method, keys) != differences.EVERYWHERE]
    strange = [keys for keys in strange if not differences.is_newer(route.method, route.path, tuple(keys.split(".")))]
    assert not strange, f"{name(route)} takes parameters that Stripe does not know: {strange}"


@each(DESCRIBED)
def test_words_that_a_parameter_may_be_are_stripes(spec: Spec, route: Route) -> None:
    operation = spec.operation(route.method, concrete(route.path))
    assert operation is not None
    for keys, kind in parameters(route.params):
        if differences.is_newer(route.method, route.path, keys):
            continue
        words = set(kind.words) if isinstance(kind, Enum) else set()
        strange = words - spec.words(operation, keys)
        assert not strange, f"{name(route)} takes {'.'.join(keys)}={strange}; Stripe does not"
        refused = spec.words(operation, keys) - words - {""} if words else set()
        known = (route.method, route.path, ".".join(keys)) in differences.NARROWER
        assert known or not refused, f"{name(route)} refuses {'.'.join(keys)}={refused}; Stripe takes them"


@each(DESCRIBED)
def test_parameters_that_stripe_requires_are_required(spec: Spec, route: Route) -> None:
    operation = spec.operation(route.method, concrete(route.path))
    assert operation is not None
    lenient = set(operation.parameters["required"]) - required(route.params)
    assert not lenient, f"{name(route)} can be called without {sorted(lenient)}; Stripe refuses that"


@each(WRITING)
def test_writing_endpoint_answers_in_stripes_shape(spec: Spec, account: Account, route: Route) -> None:
    prepare = CALLS.get((route.method, route.path))
    assert prepare is not None, f"calls.py has no call for {name(route)}: add one"
    ids, params = prepare(account)
    path = concrete(route.path, *ids)
    body = account.call(route.method, path, params)
    answer(spec, route.method, path, params, body)
    for event in account.sandbox.events:
        told_of = event["data"]["object"]
        found = spec.check_object(differences.older(told_of))
        assert not found, told(f"{event['type']} about {told_of.get('id')}", found)


@each(READING)
def test_reading_endpoint_answers_in_stripes_shape(spec: Spec, company: Sandbox, route: Route) -> None:
    path, params = reading(company, route)
    reply = company.request("GET", path, params, headers=HEADERS)
    assert reply.status == 200, f"GET {path} answered {reply.status}: {reply.body}"
    assert reply.body.get("data") != [], f"GET {path} found nothing: the test would show nothing"
    answer(spec, "GET", path, params, reply.body)


@each(READING)
def test_every_expandable_field_expands_to_an_object_of_stripes(spec: Spec, company: Sandbox, route: Route) -> None:
    path, params = reading(company, route)
    plain = company.request("GET", path, params, headers=HEADERS).body
    assert plain.get("data") != [], f"GET {path} found nothing: the test would show nothing"
    shown, prefix = (plain["data"][0], "data.") if plain["object"] == "list" else (plain, "")
    resource = RESOURCES[shown["object"]]
    for field in [*resource.expands, *resource.includes]:
        expanding = params | {"expand": [prefix + field]}
        reply = company.request("GET", path, expanding, headers=HEADERS)
        assert reply.status == 200, f"GET {path} with expand {field} answered {reply.status}: {reply.body}"
        answer(spec, "GET", path, expanding, reply.body)


def reading(company: Sandbox, route: Route) -> tuple[str, dict[str, Any]]:
    """A path and parameters that find something in the company."""
    if (route.method, route.path) in FINDS:
        return FINDS[route.method, route.path](company)
    if "{" not in route.path:
        return route.path, {"limit": 5} if "limit" in route.params.members else {}
    found = company.request("GET", route.resource.path, {"limit": 1}, headers=HEADERS).body["data"]
    assert found, f"the company has no {route.resource.object}"
    return concrete(route.path, found[0]["id"]), {}


def _first(company: Sandbox, object_type: str, **wanted: Any) -> dict[str, Any]:
    alive = (row for row in company.objects(object_type) if not row.get("deleted"))
    return next(row for row in alive if all(row[key] == value for key, value in wanted.items()))


def _card(company: Sandbox) -> dict[str, Any]:
    return next(row for row in company.objects("payment_method") if row["customer"])


def _credit(company: Sandbox) -> dict[str, Any]:
    return _first(company, "customer_balance_transaction", type="adjustment")


def _credits_of(company: Sandbox) -> str:
    return f"/v1/customers/{_credit(company)['customer']}/balance_transactions"


def _tax_payer(company: Sandbox) -> dict[str, Any]:
    return next(row for row in company.objects("tax_id") if not row.get("deleted") and row["customer"])


def _active(company: Sandbox) -> dict[str, Any]:
    return _first(company, "subscription", status="active")


def _customer_of(company: Sandbox) -> str:
    return f"/v1/customers/{_card(company)['customer']}/payment_methods"


# Where the path or a parameter needs more than any object of the kind.
FINDS: dict[tuple[str, str], Callable[[Sandbox], tuple[str, dict[str, Any]]]] = {
    ("GET", "/v1/account"): lambda company: ("/v1/account", {}),
    ("GET", "/v1/accounts/{id}"): lambda company: (f"/v1/accounts/{company.account_id}", {}),
    ("GET", "/v1/subscription_items"): lambda company: (
        "/v1/subscription_items",
        {"subscription": _active(company)["id"]},
    ),
    ("GET", "/v1/subscription_items/{id}"): lambda company: (
        f"/v1/subscription_items/{_active(company)['items']['data'][0]['id']}",
        {},
    ),
    ("GET", "/v1/charges/{id}/refunds"): lambda company: (
        f"/v1/charges/{_first(company, 'refund')['charge']}/refunds",
        {"limit": 5},
    ),
    ("GET", "/v1/checkout/sessions/{id}/line_items"): lambda company: (
        f"/v1/checkout/sessions/{_first(company, 'checkout.session')['id']}/line_items",
        {"limit": 5},
    ),
    ("GET", "/v1/customers/{id}/payment_methods"): lambda company: (_customer_of(company), {"limit": 5}),
    ("GET", "/v1/customers/{id}/payment_methods/{pm}"): lambda company: (
        f"{_customer_of(company)}/{_card(company)['id']}",
        {},
    ),
    ("GET", "/v1/customers/{id}/balance_transactions"): lambda company: (_credits_of(company), {"limit": 5}),
    ("GET", "/v1/customers/{id}/balance_transactions/{transaction}"): lambda company: (
        f"{_credits_of(company)}/{_credit(company)['id']}",
        {},
    ),
    ("GET", "/v1/credit_notes/preview"): lambda company: (
        "/v1/credit_notes/preview",
        {"invoice": _first(company, "invoice", status="open")["id"], "amount": 100},
    ),
    ("GET", "/v1/credit_notes/preview/lines"): lambda company: (
        "/v1/credit_notes/preview/lines",
        {"invoice": _first(company, "invoice", status="open")["id"], "amount": 100},
    ),
    ("GET", "/v1/tax_ids"): lambda company: (
        "/v1/tax_ids",
        {"owner": {"type": "customer", "customer": _tax_payer(company)["customer"]}},
    ),
    ("GET", "/v1/tax_ids/{id}"): lambda company: (f"/v1/tax_ids/{_tax_payer(company)['id']}", {}),
    ("GET", "/v1/customers/{id}/tax_ids"): lambda company: (
        f"/v1/customers/{_tax_payer(company)['customer']}/tax_ids",
        {"limit": 5},
    ),
    ("GET", "/v1/customers/{id}/tax_ids/{txi}"): lambda company: (
        f"/v1/customers/{_tax_payer(company)['customer']}/tax_ids/{_tax_payer(company)['id']}",
        {},
    ),
    ("GET", "/v1/customers/{id}/subscriptions"): lambda company: (
        f"/v1/customers/{_active(company)['customer']}/subscriptions",
        {"limit": 5},
    ),
}
