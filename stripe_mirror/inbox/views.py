"""The receiver of Stripe's webhooks: verify, store, answer. It never talks to Stripe (S14)."""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager, nullcontext

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from stripe_mirror import background
from stripe_mirror.conf import conf
from stripe_mirror.inbox.processing import process
from stripe_mirror.inbox.store import BadEvent, row_for, store
from stripe_mirror.models import InboxEvent
from stripe_mirror.stripe_api.webhook import BadPayload, verify

logger = logging.getLogger(__name__)
TOO_LARGE = "The body is larger than {} bytes."
# SQLite has one writer, and those who wait for it sleep in growing steps, so that some wait for seconds while others
# pass. The threads of this process queue here instead.
_one_at_a_time = threading.Lock()


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> JsonResponse:
    """POST /stripe-webhooks/: 200 once the event is stored, 400 for what is no event, 503 to be asked again."""
    try:
        event = _event(request)
    except (BadPayload, BadEvent, UnreadablePostError) as reason:
        return _refusal(str(reason), 400)
    with _turn():
        try:
            store(event)
        except Error:
            logger.exception("Event %s could not be stored; Stripe is asked to send it again.", event.pk)
            return _refusal("The event could not be stored; send it again.", 503)
        _process(event.pk)
    return JsonResponse({"received": True})


def _turn() -> AbstractContextManager[object]:
    return _one_at_a_time if connection.vendor == "sqlite" else nullcontext()


def _event(request: HttpRequest) -> InboxEvent:
    signature = request.headers.get("Stripe-Signature", "")
    payload = verify(_body(request), signature, secrets=conf.webhook_secrets, tolerance=conf.webhook_tolerance)
    return row_for(payload, source=InboxEvent.Source.WEBHOOK)


def _body(request: HttpRequest) -> bytes:
    """The untouched body, read up to the limit whatever its length claims to be."""
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > conf.webhook_max_bytes:
        raise BadPayload(TOO_LARGE.format(conf.webhook_max_bytes))
    body = request.read(conf.webhook_max_bytes + 1)
    if len(body) > conf.webhook_max_bytes:
        raise BadPayload(TOO_LARGE.format(conf.webhook_max_bytes))
    return body


def _process(event_id: str) -> None:
    """Decide at once where that needs no network. The event is stored: whatever fails now is our own business."""
    try:
        if process(event_id):
            background.enqueue("process_event", event_id)
    except Error:
        logger.exception("Event %s is stored but not processed; the worker will find it.", event_id)


def _refusal(message: str, status: int) -> JsonResponse:
    return JsonResponse({"error": message}, status=status)
