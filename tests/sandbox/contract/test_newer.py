"""What is newer than the description at hand is the stripe package's: endpoints, parameters, words, fields; and callers
of the older version are refused it."""

from __future__ import annotations

import sys
import types
import typing
from typing import Any

import pytest
import stripe
import typing_extensions

from tests.sandbox import versions
from tests.sandbox.contract import differences
from tests.sandbox.contract.account import HEADERS, Account
from tests.sandbox.contract.declared import concrete, endpoints, name, parameters
from tests.sandbox.contract.openapi import Spec
from tests.sandbox.params import Enum
from tests.sandbox.resource import Route
from tests.sandbox.versions import DAHLIA, ENDIVE

NEWER = [route for route in endpoints() if (route.method, route.path) in differences.NEWER]


def hints(of: Any) -> dict[str, Any]:
    """The parameters of a `TypedDict` of the stripe package, with their types."""
    known = vars(typing) | vars(sys.modules[of.__module__]) | {"StripeContext": stripe.StripeContext}
    return typing.get_type_hints(of, known, include_extras=True)


def branches(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, without `NotRequired` and unions."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing_extensions.NotRequired):
        return [branch for argument in typing.get_args(annotation) for branch in branches(argument)]
    return [annotation]


def at(of: Any, keys: tuple[str, ...]) -> list[Any]:
    """What a nested parameter may be; nothing where there is no such one. "*" is the index of a list."""
    found = [of]
    for key in keys:
        holders = [branch for branch in found if typing_extensions.is_typeddict(branch) and key in hints(branch)]
        found = [branch for holder in holders for branch in branches(hints(holder)[key])]
    return found


def words_of(found: list[Any]) -> set[str]:
    literals = [branch for branch in found if typing.get_origin(branch) in (typing.Literal, typing_extensions.Literal)]
    return {word for literal in literals for word in typing.get_args(literal)}


def test_every_newer_thing_is_compared() -> None:
    newer = versions.NEWER_ENDPOINTS | set(versions.NEWER_PARAMETERS)
    assert newer == {(route.method, route.path) for route in NEWER} == set(differences.NEWER)


@pytest.mark.parametrize("route", NEWER, ids=[name(route) for route in NEWER])
def test_newer_parameters_are_those_of_the_stripe_package(route: Route) -> None:
    of = differences.NEWER[route.method, route.path]
    for keys, kind in parameters(route.params):
        if not differences.is_newer(route.method, route.path, keys) or keys[0] == "expand":
            continue
        found = at(of, keys)
        assert found, f"{name(route)} takes {'.'.join(keys)}; the stripe package does not know it"
        if isinstance(kind, Enum):
            assert set(kind.words) == words_of(found), f"{name(route)} {'.'.join(keys)}"


@pytest.mark.parametrize("object_type", list(versions.NEWER_FIELDS))
def test_newer_fields_are_those_of_the_stripe_package(object_type: str) -> None:
    known = {
        shown.OBJECT_NAME: shown for shown in stripe.StripeObject.__subclasses__() if hasattr(shown, "OBJECT_NAME")
    }
    del known
    annotations = getattr(stripe, object_type.title().replace("_", "")).__annotations__
    assert set(versions.NEWER_FIELDS[object_type]) <= set(annotations)


def test_older_version_is_refused_what_is_newer(spec: Spec, account: Account) -> None:
    subscription = account.subscription["id"]
    older, newer = (HEADERS | {"Stripe-Version": version} for version in (DAHLIA, ENDIVE))
    paths = {route.path: concrete(route.path, subscription) for route in NEWER}

    def asked(path: str, params: dict[str, Any], headers: dict[str, str]) -> tuple[int, str | None]:
        reply = account.sandbox.request("POST", paths[path], params, headers=headers)
        assert reply.status == 200 or spec.check_error(reply.body) == []
        return reply.status, reply.body.get("error", {}).get("param")

    preview = {"subscription": subscription, "subscription_details": {"pause": {"invoicing_behavior": "invoice"}}}
    assert asked("/v1/invoices/create_preview", preview, older) == (400, "subscription_details[pause]")
    assert asked("/v1/invoices/create_preview", preview, newer) == (200, None)
    assert asked("/v1/subscriptions/{id}/pause", {}, older) == (404, None)
    assert asked("/v1/subscriptions/{id}/pause", {}, newer) == (200, None)
    how = {"payment_behavior": "resume_on_payment_attempt"}
    assert asked("/v1/subscriptions/{id}/resume", how, older) == (400, "payment_behavior")
    assert asked("/v1/subscriptions/{id}/resume", how, newer) == (200, None)


def test_answers_of_the_older_version_lack_the_newer_fields(spec: Spec, account: Account) -> None:
    subscription = account.subscription["id"]
    shown = account.call("GET", f"/v1/subscriptions/{subscription}")
    assert "status_details" not in shown
    listed = account.call("GET", "/v1/invoices", {"expand": ["data.parent.subscription_details.subscription"]})
    assert spec.check_object(listed["data"][0]["parent"]["subscription_details"]["subscription"]) == []
    reply = account.sandbox.request("GET", f"/v1/subscriptions/{subscription}")
    assert reply.body["status_details"] is None
