"""What Stripe's refusals become: certain, uncertain, or to be tried again; and never with our key in the sentence."""

import pytest
import stripe

from stripe_mirror.stripe_api import errors


def refusal(
    kind: type[stripe.StripeError], status: int | None, error: dict[str, object] | None = None
) -> stripe.StripeError:
    body = {"error": error} if error is not None else None
    return kind("m", http_body=None, http_status=status, json_body=body, headers={"request-id": "req_1"})  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("kind", "status", "error", "expected"),
    [
        (stripe.APIConnectionError, None, None, errors.OutcomeUnknown),
        (stripe.APIError, 500, {"message": "x"}, errors.OutcomeUnknown),
        (stripe.APIError, 503, None, errors.OutcomeUnknown),
        (stripe.APIError, 200, None, errors.OutcomeUnknown),
        (stripe.APIError, 409, {"code": "idempotency_key_in_use"}, errors.OutcomeUnknown),
        (stripe.RateLimitError, 429, {"message": "slow"}, errors.RateLimited),
        (stripe.AuthenticationError, 401, {"message": "bad key"}, errors.BadKey),
        (stripe.PermissionError, 403, {"message": "needs write"}, errors.NotPermitted),
    ],
)
def test_each_failure_says_what_can_be_done(
    kind: type[stripe.StripeError], status: int | None, error: dict[str, object] | None, expected: type[Exception]
) -> None:
    failure = errors.translate(refusal(kind, status, error))
    assert type(failure) is expected
    assert failure.request_id == "req_1"
    assert len(str(failure)) > 5


def test_a_refused_parameter_keeps_its_name_code_and_sentence() -> None:
    error = {"message": "Invalid email", "param": "email", "code": "email_invalid"}
    failure = errors.translate(
        stripe.InvalidRequestError(
            "m", "email", http_status=400, json_body={"error": error}, headers={"request-id": "r"}
        )
    )
    assert (type(failure), failure.param, failure.code, str(failure)) == (
        errors.Refused, "email", "email_invalid", "Invalid email",
    )  # fmt: skip


def test_a_missing_object_is_told_apart() -> None:
    error = {"message": "No such customer", "code": "resource_missing", "param": "id"}
    failure = errors.translate(
        stripe.InvalidRequestError("m", "id", code="resource_missing", http_status=404, json_body={"error": error})
    )
    assert type(failure) is errors.NotFound


def test_a_declined_card_is_a_refusal_with_its_reason() -> None:
    error = {"message": "Your card was declined.", "code": "card_declined", "decline_code": "insufficient_funds"}
    failure = errors.translate(stripe.CardError("m", "", "card_declined", http_status=402, json_body={"error": error}))
    assert type(failure) is errors.Declined
    assert failure.body["decline_code"] == "insufficient_funds"


def test_s61_a_wrong_key_is_never_repeated_in_the_sentence() -> None:
    error = {"message": "Invalid API Key provided: sk_test_****1234"}
    failure = errors.translate(stripe.AuthenticationError("m", http_status=401, json_body={"error": error}))
    assert "sk_test" not in str(failure)


def test_s61_a_refusal_that_quotes_the_key_is_told_without_it() -> None:
    masked = "rk_test_" + "*" * 20 + "a1B2"
    message = f"The provided key '{masked}' does not have the required permissions: rak_invoice_read."
    failure = errors.translate(refusal(stripe.PermissionError, 403, {"message": message}))
    assert "rk_test_" not in str(failure)
    assert "rak_invoice_read" in str(failure)
