"""Idempotency keys: the first answer is kept for 24 hours and replayed to the same request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.sandbox.errors import StripeError

KEPT_SECONDS = 24 * 3600
LONGEST = 255


@dataclass
class Answer:
    """A stored first answer; `status` is 0 while the first request is still running."""

    fingerprint: str
    created: int
    status: int = 0
    body: dict[str, Any] | None = None
    request_id: str = ""


class Keys:
    """All keys in use, oldest first."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}

    def begin(self, key: str, *, method: str, path: str, params: dict[str, Any], now: int) -> Answer | None:
        """The stored answer to replay, or `None` when this request is the first and must be worked on."""
        self._prune(now)
        if len(key) > LONGEST:
            raise StripeError(400, f"Idempotency keys can be at most {LONGEST} characters long.")
        fingerprint = json.dumps([method, path, params], sort_keys=True)
        held = self.answers.get(key)
        if held is None:
            self.answers[key] = Answer(fingerprint, now)
            return None
        if held.status == 0:
            raise StripeError(
                409,
                f"There is currently another in-progress request using this Idempotent Key: {key} (it is possible "
                "that you sent the same request twice). Please try again later.",
                code="idempotency_key_in_use",
            )
        if held.fingerprint != fingerprint:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
                type="idempotency_error",
            )
        return held

    def finish(self, key: str, *, status: int, body: dict[str, Any], request_id: str) -> None:
        """Keep the answer."""
        answer = self.answers[key]
        answer.status, answer.body, answer.request_id = status, body, request_id

    def forget(self, key: str) -> None:
        """The request was not executed: the key is free."""
        self.answers.pop(key, None)

    def _prune(self, now: int) -> None:
        while self.answers:
            key, oldest = next(iter(self.answers.items()))
            if oldest.created > now - KEPT_SECONDS or oldest.status == 0:
                return
            del self.answers[key]

    def dump(self) -> dict[str, list[Any]]:
        """Finished answers, for the snapshot."""
        return {
            key: [
                answer.fingerprint,
                answer.created,
                answer.status,
                answer.body,
                answer.request_id,
            ]
            for key, answer in self.answers.items()
            if answer.status
        }

    def restore(self, dumped: dict[str, list[Any]]) -> None:
        """The inverse of `dump`."""
        self.answers = {key: Answer(*parts) for key, parts in dumped.items()}
