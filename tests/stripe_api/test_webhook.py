"""Signatures: only Stripe's own, recent, well-formed events pass."""

import json
import time

import pytest
import stripe

from stripe_mirror.stripe_api.webhook import BadPayload, verify

OURS = "whsec_" + "ours"
OTHER = "whsec_" + "other"
EVENT = json.dumps({"id": "evt_1", "object": "event", "type": "customer.updated"})


def sign(text: str, secret: str = OURS, *, at: int | None = None) -> str:
    return str(stripe.WebhookSignature.generate_signature_header(text, secret, at))


@pytest.mark.parametrize("secrets", [[OURS, OTHER], [OTHER, OURS], [OURS]])
def test_s28_any_configured_secret_may_sign(secrets: list[str]) -> None:
    assert verify(EVENT.encode(), sign(EVENT), secrets=secrets, tolerance=300)["id"] == "evt_1"


@pytest.mark.parametrize("order", [(OURS, OTHER), (OTHER, OURS)])
@pytest.mark.parametrize("secrets", [[OURS, OTHER], [OTHER, OURS], [OURS]])
def test_s28_a_header_with_two_signatures_passes_if_one_is_ours(order: tuple[str, str], secrets: list[str]) -> None:
    at = int(time.time())
    first, second = (sign(EVENT, secret, at=at).split(",")[1] for secret in order)
    header = f"t={at},{first},{second}"
    assert verify(EVENT.encode(), header, secrets=secrets, tolerance=300)["id"] == "evt_1"


def refused_headers() -> dict[str, str]:
    """Made when the test runs: their times are compared with the clock."""
    return {
        "missing": "",
        "nonsense": "nonsense",
        "time only": "t=1",
        "signature only": "v1=abc",
        "time is no number": "t=x,v1=abc",
        "empty parts": "t=,v1=",
        "not ascii": "t=1,v1=ä",
        "another secret": sign(EVENT, OTHER),
        "another scheme": sign(EVENT).replace("v1=", "v0="),
        "too old": sign(EVENT, at=int(time.time()) - 301),
        "another body": sign(EVENT + " "),
    }


@pytest.mark.parametrize("case", sorted(refused_headers()))
def test_s28_everything_else_is_refused(case: str) -> None:
    with pytest.raises(BadPayload):
        verify(EVENT.encode(), refused_headers()[case], secrets=[OURS], tolerance=300)


def test_without_secrets_nothing_passes() -> None:
    with pytest.raises(BadPayload):
        verify(EVENT.encode(), sign(EVENT), secrets=[], tolerance=300)


@pytest.mark.parametrize(
    "text", ["", "12", "[]", "null", '"event"', "{", '{"object": "v2.core.event"}', "{}", "[" * 9000]
)
def test_signed_bodies_that_are_no_event_are_refused(text: str) -> None:
    with pytest.raises(BadPayload):
        verify(text.encode(), sign(text), secrets=[OURS], tolerance=300)


def test_a_body_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(BadPayload):
        verify(b"\xff\xfe", "t=1,v1=a", secrets=[OURS], tolerance=300)
