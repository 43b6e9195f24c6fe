"""What every answer tells the browser to refuse."""

from __future__ import annotations

import pytest
from django.test import Client

from stripe_mirror.admin import display
from stripe_mirror.models import Customer


@pytest.mark.parametrize("url", ["/admin/login/", "/admin/", "/nowhere/", display.list_url(Customer)])
def test_every_answer_carries_a_strict_policy(db: None, url: str) -> None:
    headers = Client().get(url).headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    for directive in (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert directive in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_a_failure_is_a_page_of_ours_without_a_word_about_the_reason(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("the reason")

    monkeypatch.setattr("stripe_mirror.admin.preferences.zones", fail)
    admin_client.raise_request_exception = False
    answer = admin_client.get("/admin/preferences/")
    assert answer.status_code == 500
    html = answer.content.decode()
    assert "Something went wrong here" in html
    assert "chrome.css" in html
    assert "the reason" not in html
    assert "Traceback" not in html
