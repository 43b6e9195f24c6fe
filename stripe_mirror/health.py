"""The public health checks: whether this process, or the whole mirror, does its work, and nothing else."""

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from stripe_mirror.inbox.health.finding import Level
from stripe_mirror.inbox.health.report import summary


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """GET /healthz: 200 or 503. For a load balancer: a process that reaches its database can take events."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return _answer(False)
    return _answer(True)


@require_safe
@never_cache
def mirror_healthz(request: HttpRequest) -> JsonResponse:
    """GET /healthz/mirror: 503 while the Health page shows a problem. For whoever is woken up by it.

    Not for a load balancer: taking the receiver away would make every problem worse.
    """
    try:
        return _answer(summary().level is not Level.PROBLEM)
    except Error:
        return _answer(False)


def _answer(ok: bool) -> JsonResponse:
    return JsonResponse({"ok": ok}, status=200 if ok else 503)
