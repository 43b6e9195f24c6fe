"""`stripe_webhook`: our endpoint is registered for exactly what we read, and drift is noticed."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from stripe_mirror.kinds import all_event_types
from stripe_mirror.models import Change, Customer, InboxEvent
from stripe_mirror.stripe_api.client import api_version
from tests.browser.running_demo import eventually
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


@pytest.mark.parametrize("verb", ["create", "rotate"])
def test_secrets_that_are_in_use_are_not_printed_with_the_new_one(
    sandbox: RunningSandbox, settings: Settings, verb: str
) -> None:
    run("create", URL)
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_" + "inuse1", "whsec_" + "inuse2"]
    said = run(*([verb] if verb == "rotate" else [verb, f"{URL}?two"]))
    assert re.findall(r"whsec_\w*", said) == re.findall(r"^whsec_\w{8,}$", said, re.M)
    assert len(re.findall("whsec_", said)) == 1 and "inuse" not in said
    assert "Append it in .env to STRIPE_WEBHOOK_SECRETS, after a comma" in said


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://office.example.com/stripe-webhooks", "ends in /stripe-webhooks/"),
        ("https://office.example.com/", "ends in /stripe-webhooks/"),
        ("ftp://office.example.com/stripe-webhooks/", "not https"),
        ("office.example.com/stripe-webhooks/", "does not lead to the receiver"),
        ("https://[office/stripe-webhooks/", "is no address"),
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


def test_update_has_the_endpoint_send_exactly_what_is_needed(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/webhook_endpoints", url=URL, enabled_events=["*"], api_version=api_version())
    run("update")
    assert "All is well." in run("check")


def test_rotation_makes_a_second_endpoint_and_says_how_to_go_on(sandbox: RunningSandbox) -> None:
    run("create", URL)
    [old] = sandbox.objects("webhook_endpoint")
    said = run("rotate")
    new = next(each for each in sandbox.objects("webhook_endpoint") if each["id"] != old["id"])
    assert new["url"].startswith(f"{URL}?since=")
    assert (new["api_version"], sorted(new["enabled_events"])) == (api_version(), sorted(all_event_types()))
    assert f"stripe_webhook delete {old['id']}" in said
    run("delete", old["id"])
    assert [each["id"] for each in sandbox.objects("webhook_endpoint")] == [new["id"]]
    assert "All is well." in run("check")


@pytest.mark.parametrize("verb", ["delete", "disable"])
def test_the_only_endpoint_that_delivers_is_not_taken_away(sandbox: RunningSandbox, verb: str) -> None:
    run("create", URL)
    [only] = sandbox.objects("webhook_endpoint")
    with pytest.raises(CommandError, match="the only endpoint that delivers to us"):
        run(verb, only["id"])
    assert sandbox.objects("webhook_endpoint") == [only]
    sandbox.post("/v1/webhook_endpoints", url="https://other.example.com/hooks", enabled_events=["*"])
    other = next(each for each in sandbox.objects("webhook_endpoint") if each["id"] != only["id"])
    with pytest.raises(CommandError, match="no endpoint that leads to us"):
        run(verb, other["id"])


def test_disabled_endpoint_delivers_nothing(sandbox: RunningSandbox) -> None:
    run("create", URL)
    run("rotate")
    [old, _] = sandbox.objects("webhook_endpoint")
    assert "disabled" in run("disable", old["id"])


def test_rotation_without_one_or_among_several_says_what_to_do(sandbox: RunningSandbox) -> None:
    with pytest.raises(CommandError, match="stripe_webhook create"):
        run("rotate")
    run("create", URL)
    run("create", f"{URL}?two")
    with pytest.raises(CommandError, match="name the one to replace"):
        run("rotate")


@pytest.mark.django_db(transaction=True)
def test_while_two_endpoints_deliver_every_event_counts_once(
    sandbox: RunningSandbox, live_server: LiveServer, settings: Settings
) -> None:
    """S28: each signs with its own secret."""
    secrets = ["whsec_" + "old", "whsec_" + "new"]
    settings.STRIPE_WEBHOOK_SECRETS = secrets
    url = f"{live_server.url}/stripe-webhooks/"
    sandbox.deliver_to(url, secrets[0])
    sandbox.deliver_to(f"{url}?since=2026-11-23", secrets[1])
    made = sandbox.post("/v1/customers", name="Ada")
    # One after the other: if the update overtook the creation, that would rightly leave one change.
    eventually(lambda: Customer.objects.filter(name="Ada").exists())
    sandbox.post(f"/v1/customers/{made['id']}", name="Grace")
    sandbox.drain_deliveries(10)
    assert len([each for each in sandbox.deliveries() if each["outcome"] == 200]) == 4
    assert InboxEvent.objects.count() == 2
    eventually(lambda: Customer.objects.filter(name="Grace").exists())
    assert Change.objects.filter(object_id=made["id"]).count() == 2
