"""A person at the admin: signs in, opens a form, changes it and sends it, over real HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import urlencode

import urllib3
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore

# Later than any time that a history reaches.
NEVER = datetime(2100, 1, 1, tzinfo=UTC)


class Staff:
    """One signed-in superuser; lost and refused answers are part of the game."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._http = urllib3.PoolManager(retries=False, timeout=10)
        self._cookies = {settings.SESSION_COOKIE_NAME: _session()}

    def edit_customer(self, id: str, name: str) -> str:
        """Change the name on the customer's page."""
        return self._send(f"/admin/stripe_mirror/customer/{id}/change/", name=name)

    def cancel_subscription(self, id: str, when: str) -> str:
        """By the operation's own page: "now" or at the period's end."""
        path = f"/admin/stripe_mirror/subscription/{id}/operation/cancel_subscription/"
        return self._send(path, when=when, reason="Asked by mail")

    def _send(self, path: str, **changed: str) -> str:
        try:
            form = self._opened(path)
            return str(self._request("POST", path, {**form, **changed}).status) if form else "no form"
        except urllib3.exceptions.HTTPError as error:
            return type(error).__name__

    def _opened(self, path: str) -> dict[str, list[str] | str]:
        answer = self._request("GET", path)
        if answer.status != 200:
            return {}
        body = answer.data.decode()
        _, found, form = body.partition("sm-form")
        return inputs(form.partition("</form>")[0]) if found else {}

    def _request(
        self, method: str, path: str, form: dict[str, list[str] | str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form, doseq=True) if form else None
        answer = self._http.request(method, self.address + path, body=body, headers=headers, redirect=False)
        if token := re.search(r"csrftoken=(\w+)", answer.headers.get("Set-Cookie", "")):
            self._cookies["csrftoken"] = token[1]
        return answer


def _session() -> str:
    user = User.objects.create_superuser("clerk")
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.set_expiry(NEVER)
    session.create()
    return str(session.session_key)


def inputs(form: str) -> dict[str, list[str] | str]:
    """What a browser would send of this form, unchanged."""
    found: dict[str, list[str] | str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = {name: unescape(value) for name, value in re.findall(r'([\w:-]+)="([^"]*)"', tag)}
        chosen = attributes.get("type") not in ("radio", "checkbox") or " checked" in tag
        if chosen and "name" in attributes:
            held = found.setdefault(attributes["name"], [])
            assert isinstance(held, list)
            held.append(attributes.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n?([^<]*)</textarea>', form):
        found[name] = unescape(text)
    for name, options in re.findall(r'<select[^>]*name="([^"]*)".*?>(.*?)</select>', form, re.DOTALL):
        option = re.search(r'value="([^"]*)" selected', options)
        found[name] = unescape(option[1]) if option else ""
    return found
