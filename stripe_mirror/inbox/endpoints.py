"""Our webhook endpoint as Stripe knows it: registered for exactly the events and the API version that we read."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.utils import timezone

from stripe_mirror.conf import conf
from stripe_mirror.kinds import all_event_types
from stripe_mirror.sentences import tell
from stripe_mirror.stripe_api import read, write
from stripe_mirror.stripe_api.client import api_version

PATH = "/stripe-webhooks/"
ENDPOINTS = "/v1/webhook_endpoints"
# In `enabled_events`: everything.
ALL = "*"


class BadUrl(Exception):
    """Stripe could not deliver to this address; the message says why."""


class NotOurs(Exception):
    """There is no such endpoint that leads to us, or it is needed; the message says which."""


@dataclass(frozen=True)
class Endpoint:
    """A registered endpoint. `secret` is known only right after it was made."""

    id: str
    url: str
    status: str
    events: frozenset[str]
    api_version: str
    secret: str = ""


@dataclass(frozen=True)
class Problem:
    """What is wrong with an endpoint of ours, and what to do."""

    what: str
    do: str
    # Nothing, or less than we need, is delivered.
    serious: bool = False
    # It only costs deliveries.
    harmless: bool = False

    def __str__(self) -> str:
        return f"{self.what} {self.do}"


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


def rotate_endpoint(id: str = "") -> tuple[Endpoint, Endpoint]:
    """Register a second endpoint at the address of an old one, with a secret and our version; old and new.

    Stripe can't change an endpoint's secret or version through the API. While both deliver, every event arrives twice
    and counts once. Raises NotOurs, BadUrl and StripeFailures.
    """
    old = our_endpoint(id) if id else _only(enabled_endpoints())
    parts = urlsplit(old.url)
    # A marker, by which a person tells the two apart; the receiver takes no notice of it.
    url = urlunsplit((*parts[:3], f"since={timezone.now():%Y-%m-%d}", ""))
    return old, create_endpoint(url)


def update_endpoint(endpoint: Endpoint) -> Endpoint:
    """Have it send exactly the events that we need. Raises StripeFailures."""
    return _change(endpoint.id, {"enabled_events": list(all_event_types())})


def disable_endpoint(id: str) -> Endpoint:
    """Have it deliver nothing, until it is enabled in the Dashboard. Raises NotOurs and StripeFailures."""
    _require_another(our_endpoint(id))
    return _change(id, {"disabled": True})


def delete_endpoint(id: str) -> Endpoint:
    """Take it away for good; its secret is worth nothing afterwards. Raises NotOurs and StripeFailures."""
    endpoint = our_endpoint(id)
    _require_another(endpoint)
    write.delete(f"{ENDPOINTS}/{id}")
    return endpoint


def list_endpoints() -> list[Endpoint]:
    """All endpoints of the account. Raises StripeFailures."""
    return [_endpoint(found) for answer in read.list_pages(ENDPOINTS) for found in answer.body["data"]]


def enabled_endpoints() -> list[Endpoint]:
    """Those that deliver to a receiver like ours. Raises StripeFailures."""
    return [endpoint for endpoint in list_endpoints() if is_ours(endpoint) and endpoint.status == "enabled"]


def our_endpoint(id: str) -> Endpoint:
    """The endpoint of that id. Raises NotOurs and StripeFailures."""
    for endpoint in list_endpoints():
        if endpoint.id == id and is_ours(endpoint):
            return endpoint
    raise NotOurs(f"{id} is no endpoint that leads to us; `manage.py stripe_webhook list` shows them all.")


def problems(endpoint: Endpoint) -> list[Problem]:
    """What is wrong with an endpoint of ours, each with what to do; empty where all is well."""
    found = []
    if endpoint.status != "enabled":
        do = tell("Enable it in Stripe's Dashboard.")
        found.append(Problem(tell("It is %(status)s: nothing is delivered.", status=endpoint.status), do, serious=True))
    do = tell("Run `manage.py stripe_webhook update`.")
    if missing := sorted(set(all_event_types()) - endpoint.events) if ALL not in endpoint.events else []:
        found.append(Problem(tell("These events are not sent: %(types)s.", types=", ".join(missing)), do, serious=True))
    if superfluous := sorted(endpoint.events - set(all_event_types())):
        unused = tell("These events are sent but not used: %(types)s.", types=", ".join(superfluous))
        found.append(Problem(unused, do, harmless=True))
    if endpoint.api_version != api_version():
        found.append(_other_version(endpoint))
    return found


def is_ours(endpoint: Endpoint) -> bool:
    """Whether it leads to a receiver like ours."""
    return urlsplit(endpoint.url).path.endswith(PATH)


def _other_version(endpoint: Endpoint) -> Problem:
    return Problem(
        tell(
            "It sends version %(theirs)s, and we read %(ours)s: objects of another major version are not trusted but "
            "fetched one by one.",
            theirs=endpoint.api_version or tell("of the account"),
            ours=api_version(),
        ),
        tell("The version can't be changed: run `manage.py stripe_webhook rotate`."),
    )


def _only(endpoints: list[Endpoint]) -> Endpoint:
    if len(endpoints) == 1:
        return endpoints[0]
    if not endpoints:
        raise NotOurs("No endpoint delivers to us. Run: manage.py stripe_webhook create https://…/stripe-webhooks/")
    ids = ", ".join(endpoint.id for endpoint in endpoints)
    raise NotOurs(f"Several endpoints deliver to us: name the one to replace ({ids}).")


def _require_another(endpoint: Endpoint) -> None:
    """An account without an enabled endpoint would wait for the poll."""
    if endpoint.status == "enabled" and len(enabled_endpoints()) < 2:
        raise NotOurs(
            f"{endpoint.id} is the only endpoint that delivers to us, so nothing was changed. Make the new one first: "
            "manage.py stripe_webhook rotate"
        )


def _change(id: str, params: dict[str, Any]) -> Endpoint:
    return _endpoint(write.post(f"{ENDPOINTS}/{id}", params, idempotency_key=str(uuid.uuid4())).body)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadUrl(f"{url} is no address; write it like https://office.example.com{PATH}") from None
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
