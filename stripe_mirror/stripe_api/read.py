"""Reading from Stripe: one object, a page of a list, the account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stripe_mirror.kinds import Kind
from stripe_mirror.stripe_api.client import Answer, call, call_patiently

# The largest page that Stripe gives.
PAGE = 100


def retrieve(kind: Kind, id: str, *, parent: str = "", patient: bool = False) -> Answer:
    """One object as it is now. Raises NotFound (also for deleted products and coupons) and other StripeFailures.

    `patient` waits rate limits out, for the worker; pages of staff fail at once. A nested kind needs the id of the
    object above; LookupError where Stripe has no address for a single object of the kind.
    """
    return one(kind.path(id, parent=parent), patient=patient)


def one(path: str, params: Mapping[str, Any] | None = None, *, patient: bool = False) -> Answer:
    """What stands at this path. Raises StripeFailures."""
    return call_patiently(path, params) if patient else call("get", path, params)


def question(method: str, path: str, params: Mapping[str, Any]) -> Answer:
    """What Stripe computes without changing anything, as /v1/invoices/create_preview does. Raises StripeFailures."""
    return call(method, path, params)


def list_page(path: str, params: Mapping[str, Any] | None = None) -> Answer:
    """One page of a list, waiting rate limits out. Raises a StripeFailure when patience ends."""
    return call_patiently(path, {"limit": PAGE, **(params or {})})


def list_pages(path: str, params: Mapping[str, Any] | None = None) -> Iterator[Answer]:
    """All pages of a list, by cursor, with the same filter from the first to the last."""
    cursor: dict[str, str] = {}
    while True:
        answer = list_page(path, {**(params or {}), **cursor})
        yield answer
        items = answer.body.get("data") or []
        if not answer.body.get("has_more") or not items:
            return
        cursor = {"starting_after": items[-1]["id"]}


def account() -> Answer:
    """The account that the key belongs to. Raises NotPermitted for a restricted key without that right."""
    return call("get", "/v1/account")
