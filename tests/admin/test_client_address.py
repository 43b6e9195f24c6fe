"""The address that the log names: nobody can make one up, whatever stands in the headers."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from stripe_mirror.admin.client_address import client_address

SENDER, OUTER, INNER = "203.0.113.7", "198.51.100.2", "10.0.0.2"


@pytest.mark.parametrize(
    ("proxies", "header", "expected"),
    [
        (0, None, INNER),
        (0, SENDER, INNER),
        (1, None, INNER),
        (1, SENDER, SENDER),
        # Whoever sent it wrote the first one.
        (1, f"1.2.3.4, {SENDER}", SENDER),
        (2, f"1.2.3.4, {SENDER}, {OUTER}", SENDER),
        (2, SENDER, INNER),
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "unknown", INNER),
        (1, "<script>", INNER),
    ],
)
def test_the_address_is_the_one_that_our_outermost_proxy_saw(
    settings: Settings, rf: RequestFactory, proxies: int, header: str | None, expected: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": header} if header else {}
    assert client_address(rf.get("/", REMOTE_ADDR=INNER, headers=headers)) == expected


def test_behind_a_socket_there_is_none(rf: RequestFactory) -> None:
    assert client_address(rf.get("/", REMOTE_ADDR="")) is None
