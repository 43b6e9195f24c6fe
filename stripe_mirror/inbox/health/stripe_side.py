"""Checks that ask Stripe: the account, the clock, our endpoint, what the key may do, what Stripe lists and we lack.

Each costs calls, so they run seldom and never for a page (see `report`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from stripe_mirror.conf import conf
from stripe_mirror.inbox import endpoints
from stripe_mirror.inbox.endpoints import Endpoint
from stripe_mirror.inbox.health.finding import Finding, counted, ok, problem, warning
from stripe_mirror.kinds import Kind, all_kinds, kind_of
from stripe_mirror.language import as_written
from stripe_mirror.models import InboxEvent, ReceiverAddress, SyncRun
from stripe_mirror.pull.account import OtherAccount, check_account
from stripe_mirror.pull.catch_up import EVENTS, FIRST_LOOK
from stripe_mirror.pull.rows import UNKNOWN_ACCOUNT
from stripe_mirror.sentences import ntell, tell
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.client import Answer, call
from stripe_mirror.stripe_api.errors import NotPermitted, Refused

PERMISSION = re.compile(r"'(\w+)' permission")
# Beyond the first our clock should be mended; beyond the second signatures count as too old.
SKEW, REFUSED_SKEW = 5.0, 240.0
# Events this young may still be under way.
SETTLED = timedelta(minutes=10)
CREATE = "manage.py stripe_webhook create https://…/stripe-webhooks/"


def check_account_and_mode() -> list[Finding]:
    """Whose key it is. Raises StripeFailures, but for those that are the finding."""
    try:
        account = check_account()
    except OtherAccount as other:
        todo = tell("Use the key of the mirrored account and mode, or another DATABASE_URL for this key.")
        return [problem("account", other.words, todo)]
    if account.pk == UNKNOWN_ACCOUNT:
        what = tell("The key may not read the account, so a key of another account would not be noticed.")
        return [
            warning(
                "account",
                what,
                tell(
                    "Give the restricted key this right in Stripe's Dashboard (Developers, API keys): read the account."
                ),
            )
        ]
    mode = "live" if conf.livemode else "test"
    return [
        ok(
            "account",
            tell(
                "The key belongs to the mirrored account %(account)s (%(pk)s), %(mode)s mode.",
                account=account,
                pk=account.pk,
                mode=mode,
            ),
        )
    ]


def check_clock() -> list[Finding]:
    """Our clock against Stripe's. Raises StripeFailures."""
    answer = _any_answer()
    # The Date header has whole seconds; the truth lies within the second after it.
    skew = (timezone.now() - answer.read_until).total_seconds() - 0.5
    if abs(skew) < SKEW:
        return [ok("clock", tell("Our clock and Stripe's agree within a few seconds."))]
    seconds = f"{abs(skew):.0f}"
    ahead, behind = (
        tell("Our clock is %(seconds)s s ahead of Stripe's.", seconds=seconds),
        tell("Our clock is %(seconds)s s behind Stripe's.", seconds=seconds),
    )
    what = ahead if skew > 0 else behind
    if skew > REFUSED_SKEW:
        todo = tell("Let this machine follow NTP at once: webhooks are refused, because their signatures look too old.")
        return [problem("clock", what, todo)]
    return [
        warning(
            "clock",
            tell("%(what)s The order of states does not depend on it.", what=what),
            tell("Let this machine follow NTP."),
        )
    ]


def _any_answer() -> Answer:
    """Whatever the key may read; a refusal carries no date."""
    try:
        return call("get", EVENTS, {"limit": 1})
    except Refused:
        return read.account()


def check_endpoint() -> list[Finding]:
    """Our webhook endpoint as Stripe knows it. Raises StripeFailures."""
    try:
        ours = [endpoint for endpoint in endpoints.list_endpoints() if endpoints.is_ours(endpoint)]
    except NotPermitted as refusal:
        what = tell("The key may not read webhook endpoints, so ours can't be checked.")
        if right := _right(refusal):
            what = tell(
                "The key may not read webhook endpoints (right: %(right)s), so ours can't be checked.", right=right
            )
        todo = tell(
            "Give the restricted key this right in Stripe's Dashboard (Developers, API keys), or "
            "look at the endpoint in the Dashboard."
        )
        return [warning("endpoint", what, todo)]
    here = reached_at()
    at_us = [endpoint for endpoint in ours if here is None or leads_to(endpoint, here)]
    if not at_us:
        return [_no_endpoint(ours, here)]
    enabled = [endpoint for endpoint in at_us if endpoint.status == "enabled"]
    found = [finding for endpoint in enabled or at_us for finding in _endpoint(endpoint)]
    if len(enabled) > 1:
        found.append(_several(enabled))
    return found or [ok("endpoint", tell("%(url)s is registered, enabled, and sends what we need.", url=at_us[0].url))]


def reached_at() -> str | None:
    """The address under which events reach us; None while none has come."""
    return ReceiverAddress.objects.values_list("url", flat=True).first()


def leads_to(endpoint: Endpoint, address: str) -> bool:
    """Whether an endpoint's URL is this address; a proxy may have changed the scheme, a marker may follow."""
    one, other = urlsplit(endpoint.url), urlsplit(address)
    return (one.netloc.lower(), one.path) == (other.netloc.lower(), other.path)


def _no_endpoint(ours: list[Endpoint], here: str | None) -> Finding:
    if not ours:
        return problem(
            "endpoint",
            tell("No webhook endpoint of the account leads to us."),
            tell("Register it: %(command)s", command=CREATE),
        )
    others = ", ".join(endpoint.url for endpoint in ours)
    return problem(
        "endpoint",
        tell(
            "Events reached us at %(here)s, but the account's endpoints lead elsewhere: %(others)s.",
            here=here,
            others=others,
        ),
        tell("Register this address: %(command)s", command=CREATE),
    )


def _endpoint(endpoint: Endpoint) -> list[Finding]:
    return [
        (problem if each.serious else warning)(
            "endpoint", tell("%(url)s: %(what)s", url=endpoint.url, what=each.what), each.do
        )
        for each in endpoints.problems(endpoint)
        if not each.harmless
    ]


def _several(enabled: list[Endpoint]) -> Finding:
    ids = ", ".join(endpoint.id for endpoint in enabled)
    what = tell(
        "%(count)s endpoints deliver to us (%(ids)s): every event arrives as often, and counts once.",
        count=len(enabled),
        ids=ids,
    )
    todo = tell("After a rotation, take the old one away: manage.py stripe_webhook delete ID")
    return warning("endpoint_twice", what, todo)


def check_permissions() -> list[Finding]:
    """What the key may not read, and which pages stay empty for it. Raises StripeFailures other than refusals."""
    found = [finding for kind in all_kinds() if kind.list_path and not kind.parent for finding in _may_list(kind)]
    found += _may_read(EVENTS, tell("Events can't be listed: what the webhook misses is never found."))
    return found or [ok("permissions", tell("The key may read everything that is mirrored."))]


def _may_list(kind: Kind) -> list[Finding]:
    # The name is marked in `model_names`.
    kinds = tell(as_written(kind.model._meta.verbose_name_plural or ""))
    return _may_read(
        kind.list_path, tell("The key may not read %(kinds)s: their pages show only what events bring.", kinds=kinds)
    )


def _may_read(path: str, consequence: str) -> list[Finding]:
    try:
        call("get", path, {"limit": 1})
    except NotPermitted as refusal:
        right = _right(refusal)
        what = (
            tell("%(consequence)s (right: %(right)s)", consequence=consequence, right=right) if right else consequence
        )
        todo = tell("Give the restricted key this right in Stripe's Dashboard (Developers, API keys).")
        return [warning("permissions", what, todo)]
    except Refused:
        # It may read, and asked wrongly: some lists want a filter.
        return []
    return []


def _right(refusal: NotPermitted) -> str:
    found = PERMISSION.search(str(refusal))
    return found[1] if found else ""


def check_event_list() -> list[Finding]:
    """Stripe's list of events beside our inbox. Raises StripeFailures."""
    try:
        answer = call("get", EVENTS, {"limit": read.PAGE})
    except NotPermitted:
        # Said by `check_permissions`.
        return []
    end = answer.as_of - SETTLED
    listed = {event["id"]: event for event in answer.body["data"]}
    begin = _watched_since()
    lacking = _lacking([e for e in listed.values() if begin.timestamp() < e["created"] < end.timestamp()])
    unlisted = _unlisted(listed, answer.as_of)
    found = []
    if lacking:
        what = ntell(
            "%(number)s event that Stripe lists never reached the inbox, %(id)s for example.",
            "%(number)s events that Stripe lists never reached the inbox, %(id)s for example.",
            len(lacking),
            number=counted(len(lacking)),
            id=lacking[0],
        )
        found.append(problem("event_list", what, tell("Run manage.py stripe_catch_up and see whether a worker runs.")))
    if unlisted:
        what = ntell(
            "%(number)s event came that Stripe does not list, %(id)s for example.",
            "%(number)s events came that Stripe does not list, %(id)s for example.",
            len(unlisted),
            number=counted(len(unlisted)),
            id=unlisted[0],
        )
        todo = tell("Somebody else may know a signing secret: rotate it with manage.py stripe_webhook rotate")
        found.append(warning("event_list", what, todo))
    return found or [ok("event_list", tell("The inbox holds the newest events that Stripe lists, and no others."))]


def _watched_since() -> datetime:
    """What happened before the last backfill was read with the objects themselves."""
    runs = SyncRun.objects.filter(command=SyncRun.Command.BACKFILL, state=SyncRun.State.DONE)
    last: datetime | None = runs.order_by("-started_at").values_list("started_at", flat=True).first()
    return last or timezone.now() - FIRST_LOOK


def _lacking(events: list[dict[str, Any]]) -> list[str]:
    """Of events about mirrored kinds those that we don't have."""
    wanted = [str(event["id"]) for event in events if kind_of(_object_type(event))]
    known = set(InboxEvent.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    return [id for id in wanted if id not in known]


def _object_type(event: dict[str, Any]) -> str:
    contents = event.get("data")
    obj = contents.get("object") if isinstance(contents, dict) else None
    return str(obj.get("object")) if isinstance(obj, dict) else ""


def _unlisted(listed: dict[str, dict[str, Any]], until: datetime) -> list[str]:
    """Events of ours from the listed time that the list lacks."""
    if not listed:
        return []
    # The oldest listed second may go on on the next page.
    begin = datetime.fromtimestamp(min(event["created"] for event in listed.values()) + 1, UTC)
    ours = InboxEvent.objects.filter(created__gte=begin, created__lt=until, livemode=conf.livemode)
    ours = ours.exclude(state=InboxEvent.State.PARKED)
    # No more are listed than a page, so more than a page of ours are not all needed to find one.
    ids = ours.order_by("created", "id").values_list("pk", flat=True)[: 2 * read.PAGE]
    return [id for id in ids if id not in listed]
