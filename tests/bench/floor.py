"""The least that a receiver can do: verify the signature and insert the event. What ours costs is seen beside it.

Its own settings, addresses and WSGI application: no middleware, no decision, nothing applied.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from datetime import UTC, datetime

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.floor_settings"

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone

application = get_wsgi_application()

from stripe_mirror.models import InboxEvent  # noqa: E402


def receive(request: HttpRequest) -> HttpResponse:
    """200 once the event is stored."""
    parts = dict(part.split("=", 1) for part in request.headers["Stripe-Signature"].split(","))
    signed = f"{parts['t']}.".encode() + request.body
    digest = hmac.new(settings.STRIPE_WEBHOOK_SECRETS[0].encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(digest, parts["v1"]):
        return HttpResponse(status=400)
    event = json.loads(request.body)
    InboxEvent.objects.create(
        id=event["id"],
        type=event["type"],
        livemode=event["livemode"],
        created=datetime.fromtimestamp(event["created"], UTC),
        payload=event,
        received_at=timezone.now(),
    )
    return HttpResponse()


urlpatterns = [path("stripe-webhooks/", receive)]
