"""Stripe's error bodies: every refusal of the sandbox is one of these."""

from __future__ import annotations

from typing import Any

TYPES = {
    401: "invalid_request_error",
    402: "card_error",
    429: "invalid_request_error",
    500: "api_error",
}


class StripeError(Exception):
    """A refusal with Stripe's HTTP status, `type`, `code`, `param` and sentence."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        **extra: Any,
    ):
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.extra = extra

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON body Stripe sends; absent fields are left out as Stripe does."""
        error: dict[str, Any] = {}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        error["message"] = self.message
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        error["type"] = self.extra.get("type") or TYPES.get(self.status, "invalid_request_error")
        error.update({key: value for key, value in self.extra.items() if key != "type"})
        return {"error": error}


def invalid(message: str, *, param: str | None = None, code: str | None = None, **extra: Any) -> StripeError:
    """400: the request can't be done as it was put."""
    return StripeError(400, message, code=code, param=param, **extra)


def missing(object_name: str, object_id: str, *, param: str = "id", status: int = 404) -> StripeError:
    """`No such customer: 'cus_x'`: 404 for the object of the path, 400 for one that a parameter names."""
    message = f"No such {object_name}: '{object_id}'"
    return StripeError(status, message, code="resource_missing", param=param)


def unknown_url(method: str, path: str) -> StripeError:
    """404: no such route."""
    return StripeError(
        404,
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
    )
