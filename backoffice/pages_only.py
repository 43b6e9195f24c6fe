"""Middleware for pages that people see: an event of Stripe's, of which hundreds come a second, passes by it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string

from stripe_mirror.inbox.endpoints import PATH

Answer = Callable[[HttpRequest], HttpResponseBase]


def pages_only(dotted: str) -> Callable[[Answer], Answer]:
    """The middleware of that name, left out where Stripe delivers an event."""

    def middleware(get_response: Answer) -> Answer:
        wrapped: Answer = import_string(dotted)(get_response)

        def answer(request: HttpRequest) -> HttpResponseBase:
            return get_response(request) if request.path_info == PATH else wrapped(request)

        return answer

    return middleware


content_security_policy = pages_only("csp.middleware.CSPMiddleware")
permissions_policy = pages_only("backoffice.headers.permissions_policy")
locale = pages_only("django.middleware.locale.LocaleMiddleware")
as_preferred = pages_only("stripe_mirror.admin.preferring.as_preferred")
