"""Faults on demand: what goes wrong, for which requests or events, how often."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from tests.sandbox.errors import StripeError

MESSAGES = {
    409: "This object cannot be accessed right now because another API request or Stripe process is currently "
    "accessing it. If you see this error intermittently, retry the request.",
    429: "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
    500: "An unknown error occurred",
}
CODES = {409: "lock_timeout", 429: "rate_limit", 500: None}
SHOWN = ("id", "used", "times")
NOTHING_MEANS = ("keep", "has_more")  # 0 and false are settings of these, too


@dataclass
class Fault:
    """One rule. `path` is a prefix, or a regular expression when it starts with `^`; `event` a type, `*` allowed.

    To the API: `status` (429, 500, 409; with `after_work` the work is done first), `hang` seconds, `latency_ms` (a call
    that waits goes on at once when its rule is removed), `lose_answer` (work, then close the connection), `rate_limit`
    requests per second. To lists: `keep` objects of the page only (0: an empty page), `has_more` as told. The first
    `skip` that match pass unharmed. To webhooks: `lose`, `repeat` (further copies), `delay` seconds, `reorder` (gather
    this many, or a second's worth, and shuffle), `hold` (keep until they are flushed).
    """

    method: str | None = None
    path: str | None = None
    event: str | None = None
    times: int | None = None
    skip: int = 0
    probability: float = 1.0
    status: int | None = None
    after_work: bool = False
    hang: float = 0
    latency_ms: float = 0
    lose_answer: bool = False
    rate_limit: float | None = None
    keep: int | None = None
    has_more: bool | None = None
    lose: bool = False
    repeat: int = 0
    delay: float = 0
    reorder: int = 0
    hold: bool = False
    id: int = 0
    used: int = 0
    passed: int = 0
    bucket: tuple[float, float] = field(default=(0.0, 0.0), repr=False)

    def wants_request(self, method: str, path: str) -> bool:
        """Whether the rule is about API calls, and about this one."""
        acts = self.status or self.hang or self.latency_ms or self.lose_answer or self.rate_limit
        bends = method == "GET" and (self.keep is not None or self.has_more is not None)
        if not (acts or bends) or (self.method and self.method.upper() != method):
            return False
        if self.path is None:
            return True
        return bool(re.search(self.path, path)) if self.path.startswith("^") else path.startswith(self.path)

    def wants_event(self, event_type: str) -> bool:
        """Whether the rule is about webhooks, and about this type."""
        acts = self.lose or self.repeat or self.delay or self.reorder or self.hold
        return bool(acts) and (self.event is None or fnmatchcase(event_type, self.event))

    def overrun(self) -> bool:
        """Take a token from the bucket; true when there is none left."""
        if not self.rate_limit:
            return False
        tokens, at = self.bucket
        now = time.monotonic()
        tokens = min(self.rate_limit, tokens + (now - at) * self.rate_limit) if at else self.rate_limit
        self.bucket = (tokens - 1 if tokens >= 1 else tokens, now)
        return tokens < 1


@dataclass
class Plan:
    """What the faults that matched do to one API call; `slowed` are the rules that make it wait."""

    wait: float = 0
    slowed: list[Fault] = field(default_factory=list)
    refusal: StripeError | None = None
    refusal_after_work: StripeError | None = None
    lose_answer: bool = False
    keep: int | None = None
    has_more: bool | None = None

    def bend(self, body: dict[str, Any]) -> None:
        """Make a list's page shorter, or lie about what follows."""
        if body.get("object") == "list" and self.keep is not None:
            del body["data"][self.keep :]
        if body.get("object") == "list" and self.has_more is not None:
            body["has_more"] = self.has_more


class Faults:
    """The rules in force, in the order in which they were added."""

    def __init__(self, *, seed: int) -> None:
        self.random = Random(seed)
        self.rules: list[Fault] = []
        self.count = 0

    def add(self, **rule: Any) -> dict[str, Any]:
        """Put a rule in force; an unknown setting is refused."""
        known = {item.name for item in fields(Fault)} - {"id", "used", "passed", "bucket"}
        if strange := sorted(set(rule) - known):
            raise ValueError(f"Unknown fault settings {strange}; known are {sorted(known)}.")
        self.count += 1
        rule["reorder"] = 10 if rule.get("reorder") is True else int(rule.get("reorder") or 0)
        fault = Fault(**rule, id=self.count)
        self.rules.append(fault)
        return self.shown(fault)

    def remove(self, fault_id: int | None = None) -> None:
        """Take one rule, or all, out of force."""
        self.rules = [rule for rule in self.rules if fault_id is not None and rule.id != fault_id]

    clear = remove

    def list(self) -> list[dict[str, Any]]:
        """The rules as JSON."""
        return [self.shown(rule) for rule in self.rules]

    @staticmethod
    def shown(fault: Fault) -> dict[str, Any]:
        """One rule as JSON, without what is not set."""
        values = asdict(fault)
        values.pop("bucket")
        told = {key for key in NOTHING_MEANS if values[key] is not None}
        return {key: value for key, value in values.items() if value or key in SHOWN or key in told}

    def for_request(self, method: str, path: str) -> Plan:
        """What happens to this API call; uses up `times`."""
        plan = Plan()
        for rule in self.rules:
            if rule.wants_request(method, path) and (not rule.rate_limit or rule.overrun()) and self._strikes(rule):
                if rule.hang or rule.latency_ms:
                    plan.wait += rule.hang + rule.latency_ms / 1000
                    plan.slowed.append(rule)
                plan.lose_answer |= rule.lose_answer
                plan.keep = rule.keep if rule.keep is not None else plan.keep
                plan.has_more = rule.has_more if rule.has_more is not None else plan.has_more
                status = 429 if rule.rate_limit else rule.status
                if status and rule.after_work:
                    plan.refusal_after_work = refusal(status)
                elif status:
                    plan.refusal = refusal(status)
        return plan

    def hold(self, plan: Plan) -> bool:
        """Whether a rule that makes this call wait is still in force."""
        return any(rule is held for rule in self.rules for held in plan.slowed)

    def for_event(self, event_type: str) -> list[Fault]:
        """The rules that act on the delivery of this event; uses up `times`."""
        return [rule for rule in self.rules if rule.wants_event(event_type) and self._strikes(rule)]

    def _strikes(self, rule: Fault) -> bool:
        if rule.passed < rule.skip:
            rule.passed += 1
            return False
        if rule.times is not None and rule.used >= rule.times:
            return False
        if rule.probability < 1 and self.random.random() >= rule.probability:
            return False
        rule.used += 1
        return True


def refusal(status: int) -> StripeError:
    """Stripe's answer of this status."""
    return StripeError(status, MESSAGES.get(status, "The sandbox was told to fail."), code=CODES.get(status))
