"""Every endpoint of the sandbox is one of Stripe's, takes Stripe's parameters, and answers in Stripe's shape."""

from typing import Any

import pytest

from tests.sandbox.contract import differences
from tests.sandbox.contract.account import HEADERS, Account
from tests.sandbox.contract.calls import CALLS
from tests.sandbox.contract.declared import concrete, endpoints, name, parameters, required
from tests.sandbox.contract.openapi import Spec, Violation
from tests.sandbox.resource import Route
from tests.sandbox.server import Sandbox

ENDPOINTS = [route for route in endpoints() if (route.method, route.path) not in differences.ENDIVE_ROUTES]
WRITING = [route for route in ENDPOINTS if route.method != "GET"]
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
    found = [violation for violation in spec.check_answer(operation, body) if not allowed(body, violation)]
    assert not found, told(f"Answer of {method} {path} ({body.get('object')} {body.get('id', '')})", found)


def allowed(body: dict[str, Any], violation: Violation) -> bool:
    return differences.passes(str(body.get("object")), violation)


@each(ENDPOINTS)
def test_endpoint_and_its_parameters_are_stripes(spec: Spec, route: Route) -> None:
    operation = spec.operation(route.method, concrete(route.path))
    assert operation is not None, f"Stripe has no {name(route)} in {spec.version}"
    strange = [".".join(keys) for keys in parameters(route.params) if not spec.parameter(operation, keys)]
    strange = [keys for keys in strange if (route.method, route.path, keys) not in differences.ENDIVE_PARAMETERS]
    assert not strange, f"{name(route)} takes parameters that Stripe does not know: {strange}"


@each(ENDPOINTS)
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
    resource = route.resource if plain["object"] == "list" else company_resource(route, plain)
    prefix = "data." if plain["object"] == "list" else ""
    for field in [*resource.expands, *resource.includes]:
        expanding = params | {"expand": [prefix + field]}
        reply = company.request("GET", path, expanding, headers=HEADERS)
        if reply.status == 400 and plain["object"] == "list" and "/{" in route.path:
            continue  # the list of another kind, at this kind's path
        assert reply.status == 200, f"GET {path} with expand {field} answered {reply.status}: {reply.body}"
        answer(spec, "GET", path, expanding, reply.body)


def company_resource(route: Route, shown: dict[str, Any]) -> Any:
    """The declaration of the object that a path answers with."""
    from tests.sandbox.resource import RESOURCES

    return RESOURCES.get(shown["object"], route.resource)


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
    return next(
        row
        for row in company.objects(object_type)
        if not row.get("deleted") and all(row[key] == value for key, value in wanted.items())
    )


def _card(company: Sandbox) -> dict[str, Any]:
    return next(row for row in company.objects("payment_method") if row["customer"])


def _items(company: Sandbox) -> tuple[str, dict[str, Any]]:
    return "/v1/subscription_items", {"subscription": _first(company, "subscription", status="active")["id"]}


FINDS: dict[tuple[str, str], Any] = {
    ("GET", "/v1/subscription_items"): _items,
    ("GET", "/v1/subscription_items/{id}"): lambda company: (
        f"/v1/subscription_items/{_first(company, 'subscription')['items']['data'][0]['id']}",
        {},
    ),
    ("GET", "/v1/customers/{id}/payment_methods"): lambda company: (
        f"/v1/customers/{_card(company)['customer']}/payment_methods",
        {"limit": 5},
    ),
    ("GET", "/v1/customers/{id}/payment_methods/{pm}"): lambda company: (
        f"/v1/customers/{_card(company)['customer']}/payment_methods/{_card(company)['id']}",
        {},
    ),
    ("GET", "/v1/customers/{id}/subscriptions"): lambda company: (
        f"/v1/customers/{_first(company, 'subscription', status='active')['customer']}/subscriptions",
        {"limit": 5},
    ),
}
