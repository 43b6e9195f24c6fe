"""`stripe_webhook`: our endpoint is registered for exactly what we read, and drift is noticed."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from stripe_mirror.kinds import all_event_types
from stripe_mirror.models import InboxEvent
from stripe_mirror.stripe_api.client import api_version
from tests.conftest import events_of, post_event, signed
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db

URL = "https://office.example.com/stripe-webhooks/"


@pytest.fixture(autouse=True)
def real(settings: Settings) -> None:
    settings.DEMO = False


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("stripe_webhook", *arguments, stdout=output)
    return output.getvalue()


def test_create_registers_exactly_our_events_and_version_and_tells_the_secret_once(
    sandbox: RunningSandbox, settings: Settings, client: Client
) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    output = run("create", URL)
    [endpoint] = sandbox.objects("webhook_endpoint")
    assert endpoint["url"] == URL
    assert sorted(endpoint["enabled_events"]) == list(all_event_types())
    assert endpoint["api_version"] == api_version()
    line = re.search(r"^STRIPE_WEBHOOK_SECRETS=(whsec_\S+)$", output, re.M)
    assert line is not None
    settings.STRIPE_WEBHOOK_SECRETS = line[1].split(",")
    sandbox.post("/v1/customers", name="Ada")
    body = json.dumps(events_of(sandbox)[0]).encode()
    assert post_event(client, body, **{"Stripe-Signature": signed(body, secret=line[1])}).status_code == 200
    assert InboxEvent.objects.exists()
    assert "whsec_" not in run("list")


def test_create_keeps_the_secrets_that_are_in_use(sandbox: RunningSandbox) -> None:
    assert re.search(r"^STRIPE_WEBHOOK_SECRETS=whsec_test,whsec_\S+$", run("create", URL), re.M)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://office.example.com/stripe-webhooks", "ends in /stripe-webhooks/"),
        ("https://office.example.com/", "ends in /stripe-webhooks/"),
        ("ftp://office.example.com/stripe-webhooks/", "not https"),
        ("office.example.com/stripe-webhooks/", "does not lead to the receiver"),
    ],
)
def test_address_that_stripe_could_not_deliver_to_is_refused(sandbox: RunningSandbox, url: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("create", url)
    assert sandbox.objects("webhook_endpoint") == []


def test_plain_http_is_taken_in_test_mode_only(sandbox: RunningSandbox, settings: Settings) -> None:
    plain = "http://office.example.com/stripe-webhooks/"
    assert "whsec_" in run("create", plain)
    settings.STRIPE_SECRET_KEY = "sk_live_" + "0" * 12
    with pytest.raises(CommandError, match="not https"):
        run("create", plain)


def test_check_is_content_with_what_create_made(sandbox: RunningSandbox) -> None:
    run("create", URL)
    assert "All is well." in run("check")


def test_check_without_an_endpoint_says_how_to_make_one(sandbox: RunningSandbox) -> None:
    with pytest.raises(CommandError, match="stripe_webhook create"):
        run("check")


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"api_version": "2024-06-20"}, "It sends version 2024-06-20"),
        ({"enabled_events": ["customer.created"]}, "These events are not sent: charge.captured"),
        ({"enabled_events": [*all_event_types(), "balance.available"]}, "sent but not used: balance.available"),
    ],
)
def test_check_names_each_difference(sandbox: RunningSandbox, params: dict[str, object], sentence: str) -> None:
    right = {"enabled_events": list(all_event_types()), "api_version": api_version()}
    sandbox.post("/v1/webhook_endpoints", url=URL, **{**right, **params})
    with pytest.raises(CommandError, match=sentence):
        run("check")


def test_check_notices_a_disabled_endpoint_and_a_missing_secret(sandbox: RunningSandbox, settings: Settings) -> None:
    run("create", URL)
    [endpoint] = sandbox.objects("webhook_endpoint")
    sandbox.post(f"/v1/webhook_endpoints/{endpoint['id']}", disabled=True)
    settings.STRIPE_WEBHOOK_SECRETS = []
    with pytest.raises(CommandError, match="It is disabled") as failure:
        run("check")
    assert "STRIPE_WEBHOOK_SECRETS is empty" in str(failure.value)


def test_refused_request_is_a_sentence(sandbox: RunningSandbox) -> None:
    sandbox.faults.add(status=403)
    with pytest.raises(CommandError):
        run("list")
