"""The receiver of Stripe's webhooks: verify, store, answer; then have it applied. It never talks to Stripe (S14)."""

from __future__ import annotations

import logging

from django.db import Error
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from stripe_mirror.conf import conf
from stripe_mirror.inbox.applier import hand_over, turn
from stripe_mirror.inbox.store import BadEvent, plain, row_for, store
from stripe_mirror.models import InboxEvent
from stripe_mirror.stripe_api.webhook import BadPayload, verify

logger = logging.getLogger(__name__)
TOO_LARGE = "The body is larger than {} bytes."


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> JsonResponse:
    """POST /stripe-webhooks/: 200 once the event is stored, 400 for what is no event, 503 to be asked again."""
    try:
        text, event = _event(request)
    except (BadPayload, BadEvent, UnreadablePostError) as reason:
        return _refusal(str(reason), 400)
    try:
        with turn():
            is_new = store(event, text=text)
    except Error:
        logger.exception("Event %s could not be stored; Stripe is asked to send it again.", event.pk)
        return _refusal("The event could not be stored; send it again.", 503)
    hand_over(event, is_new=is_new)
    return JsonResponse({"received": True})


def _event(request: HttpRequest) -> tuple[str | None, InboxEvent]:
    """The event, and the text that keeps it where that can be stored as it came."""
    signature = request.headers.get("Stripe-Signature", "")
    body = _body(request)
    payload = verify(body, signature, secrets=conf.webhook_secrets, tolerance=conf.webhook_tolerance)
    received = body.decode()
    text = received if plain(received) else None
    return text, row_for(payload, source=InboxEvent.Source.WEBHOOK, text=text)


def _body(request: HttpRequest) -> bytes:
    """The untouched body, read up to the limit whatever its length claims to be."""
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > conf.webhook_max_bytes:
        raise BadPayload(TOO_LARGE.format(conf.webhook_max_bytes))
    body = request.read(conf.webhook_max_bytes + 1)
    if len(body) > conf.webhook_max_bytes:
        raise BadPayload(TOO_LARGE.format(conf.webhook_max_bytes))
    return body


def _refusal(message: str, status: int) -> JsonResponse:
    return JsonResponse({"error": message}, status=status)
