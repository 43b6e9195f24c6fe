"""Our webhook endpoint as Stripe knows it: registered for exactly the events and the API version that we read."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from stripe_mirror.conf import conf
from stripe_mirror.kinds import all_event_types
from stripe_mirror.stripe_api import read, write
from stripe_mirror.stripe_api.client import api_version

PATH = "/stripe-webhooks/"
ENDPOINTS = "/v1/webhook_endpoints"


class BadUrl(Exception):
    """Stripe could not deliver to this address; the message says why."""


@dataclass(frozen=True)
class Endpoint:
    """A registered endpoint. `secret` is known only right after it was made."""

    id: str
    url: str
    status: str
    events: frozenset[str]
    api_version: str
    secret: str = ""


def create_endpoint(url: str) -> Endpoint:
    """Register the receiver. Raises BadUrl and StripeFailures."""
    _check_url(url)
    params = {
        "url": url,
        "enabled_events": list(all_event_types()),
        "api_version": api_version(),
        "description": "Stripe back office",
    }
    return _endpoint(write.post(ENDPOINTS, params, idempotency_key=str(uuid.uuid4())).body)


def list_endpoints() -> list[Endpoint]:
    """All endpoints of the account. Raises StripeFailures."""
    return [_endpoint(found) for answer in read.list_pages(ENDPOINTS) for found in answer.body["data"]]


def problems(endpoint: Endpoint) -> list[str]:
    """What is wrong with an endpoint of ours, each with what to do; empty where all is well."""
    found = []
    if endpoint.status != "enabled":
        found.append(f"It is {endpoint.status}: nothing is delivered. Enable it in Stripe's Dashboard.")
    if missing := sorted(set(all_event_types()) - endpoint.events - {"*"}) if "*" not in endpoint.events else []:
        found.append(
            f"These events are not sent: {', '.join(missing)}. Select them in the Dashboard, or create it anew."
        )
    if superfluous := sorted(endpoint.events - set(all_event_types())):
        found.append(f"These events are sent but not used: {', '.join(superfluous)}. Deselect them in the Dashboard.")
    if endpoint.api_version != api_version():
        found.append(
            f"It sends version {endpoint.api_version or 'of the account'}, and we read {api_version()}: its objects "
            "are not trusted but fetched one by one. The version can't be changed: create the endpoint anew, put the "
            "new secret beside the old one into STRIPE_WEBHOOK_SECRETS, then delete the old endpoint in the Dashboard."
        )
    return found


def is_ours(endpoint: Endpoint) -> bool:
    """Whether it leads to a receiver like ours."""
    return urlsplit(endpoint.url).path.endswith(PATH)


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if not parts.hostname or not parts.path.endswith(PATH):
        raise BadUrl(f"{url} does not lead to the receiver: the address ends in {PATH} (Stripe follows no redirect).")
    if parts.scheme != "https" and (conf.livemode or parts.scheme != "http"):
        raise BadUrl(f"{url} is not https, and in live mode Stripe delivers to nothing else.")


def _endpoint(found: dict[str, Any]) -> Endpoint:
    return Endpoint(
        id=found["id"],
        url=found["url"],
        status=found["status"],
        events=frozenset(found["enabled_events"]),
        api_version=found.get("api_version") or "",
        secret=found.get("secret") or "",
    )
