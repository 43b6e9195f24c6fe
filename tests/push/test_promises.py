"""What every operation of the registry promises, each tried on an object of the stand-in for Stripe, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Push
from stripe_mirror.push.operation import Operation, all_operations, get_operation
from stripe_mirror.push.preview import preview
from stripe_mirror.push.submit import due_pushes, resume
from tests.push import scenarios
from tests.push.conftest import Doing
from tests.push.scenarios import ALIKE, SCENARIOS, STEPS, made_by, parts, writes
from tests.push.test_unknown_outcomes import make_due
from tests.sandbox.contract.openapi import Spec, load, spec_path
from tests.sandbox.testing import RunningSandbox
from tests.sandbox.versions import ENDIVE, NEWER_ENDPOINTS, NEWER_PARAMETERS, to_dahlia

Opens = Callable[..., Doing]
OPERATIONS = [o for o in all_operations() if o.name not in STEPS and o.name not in ALIKE]
each = pytest.mark.parametrize("operation", OPERATIONS, ids=[o.name for o in OPERATIONS])
# How often an answer is lost until a person would give up waiting.
SWEEPS = 4


@pytest.fixture(scope="module")
def spec() -> Spec:
    """Stripe's description; without it there is nothing to compare with."""
    path = spec_path()
    if not path.exists():
        pytest.skip(f"Stripe's OpenAPI description is not at {path}; STRIPE_OPENAPI may name another place.")
    return load(path)


@pytest.fixture
def opened(operation: Operation, doing: Opens, staff: Callable[..., User], stripe: RunningSandbox) -> Doing:
    """The operation's form on its scenario, opened by somebody who may do that and nothing else."""
    row, _ = made = made_by(operation.name, stripe)
    form = doing(operation.name, row, staff("worker", operation.permission))
    form.values = made[1]  # type: ignore[attr-defined]
    return form


def values(form: Doing) -> dict[str, Any]:
    return dict(form.values)  # type: ignore[attr-defined]


def test_every_operation_has_a_scenario() -> None:
    assert {operation.name for operation in all_operations()} == SCENARIOS.keys() | STEPS.keys() | ALIKE.keys()


@each
def test_it_is_done_at_the_cost_of_two_reads_and_a_write_each(opened: Doing, stripe: RunningSandbox) -> None:
    """Beside its preview; the steps after it cost as much each."""
    push = opened.submit(**values(opened))
    assert push.state == Push.State.DONE, push.message
    steps = parts(push)
    assert [step.state for step in steps] == [Push.State.DONE] * len(steps)
    assert len(writes(stripe)) == len(steps)
    assert len(stripe.requests("GET")) <= 2 * len(steps)
    assert all(step.request_id.startswith("req_") for step in steps)
    assert push.before != push.after, "the log tells what changed"
    # The same form once more is the same push.
    stripe.clear_requests()
    assert opened.submit(**values(opened)) == push
    assert stripe.requests() == []


@each
def test_stripe_describes_each_of_its_requests(opened: Doing, stripe: RunningSandbox, spec: Spec) -> None:
    """Path, verb, parameters and types; what is newer than the description stands in `tests/sandbox/versions.py`."""
    preview(opened.operation, opened.row, opened.cleaned(**values(opened)), ask=True)
    opened.submit(**values(opened))
    assert stripe.requests()
    for request in stripe.requests():
        assert problems(spec, request) == [], request


def problems(spec: Spec, request: dict[str, Any]) -> list[str]:
    """What Stripe's description says against a request, beside what is newer or has another form by now."""
    method, path = request["method"], request["path"]
    if any(method == verb and fits(template, path) for verb, template in NEWER_ENDPOINTS):
        return []
    newer = [names for (verb, template), names in NEWER_PARAMETERS.items() if verb == method and fits(template, path)]
    known = {name for names in newer for name in names}
    found = spec.check_request(method, path, to_dahlia(path, listed(request["params"]), ENDIVE))
    return [str(one) for one in found if not any(one.path == name or one.path.startswith(f"{name}.") for name in known)]


def listed(sent: Any) -> Any:
    """Lists where the form's keys count: a request carries `items[0]`."""
    if not isinstance(sent, dict):
        return sent
    if sent and list(sent) == [str(n) for n in range(len(sent))]:
        return [listed(value) for value in sent.values()]
    return {key: listed(value) for key, value in sent.items()}


def fits(template: str, path: str) -> bool:
    """Whether a path is one of a template's."""
    pieces = list(zip(template.split("/"), path.split("/"), strict=False))
    return template.count("/") == path.count("/") and all(a == b or a.startswith("{") for a, b in pieces)


@each
def test_s31_a_lost_answer_is_one_effect_and_one_truthful_record(opened: Doing, stripe: RunningSandbox) -> None:
    stripe.faults.add(method="POST", path="/v1/", lose_answer=True, times=1)
    stripe.faults.add(method="DELETE", path="/v1/", lose_answer=True, times=1)
    push = opened.submit(**values(opened))
    assert push.state == Push.State.UNKNOWN, "the page says “checking”"
    stripe.faults.clear()
    assert opened.submit(**values(opened)) == push
    for _ in range(SWEEPS):
        for part in parts(push):
            if part.pk in due_after_a_pause(part):
                resume(part.pk)
    push.refresh_from_db()
    steps = parts(push)
    assert [step.state for step in steps] == [Push.State.DONE] * len(steps), [step.message for step in steps]
    assert len(writes(stripe)) == len(steps)


def due_after_a_pause(push: Push) -> list[Any]:
    if push.state not in (Push.State.UNKNOWN, Push.State.PLANNED):
        return []
    make_due(push)
    return due_pushes()


@each
def test_s52_what_can_not_be_undone_is_said_before(opened: Doing, stripe: RunningSandbox) -> None:
    """An inverse that Stripe has can be done; where there is none, the confirm page says so."""
    cleaned = opened.cleaned(**values(opened))
    told = preview(opened.operation, opened.row, cleaned, ask=True)
    assert told.may_confirm, told.failure
    assert told.summary
    assert told.calls
    push = opened.submit(**values(opened))
    undo = opened.operation.undo(push)
    assert undo or told.effects.final, "neither an undo nor a word that there is none"
    if undo:
        assert get_operation(undo.operation).offered
        assert set(undo.values) <= set(get_operation(undo.operation).form_class.base_fields) | set(undo.values)


@each
def test_s36_what_is_gone_is_refused_before_stripe_is_asked_to_change_it(opened: Doing, stripe: RunningSandbox) -> None:
    if opened.operation.creates:
        assert opened.operation.why_not(opened.operation.new_row()) == ""
        return
    assert opened.operation.why_not(opened.row) == ""
    opened.row.deleted_at = opened.row.synced_at
    assert opened.operation.why_not(opened.row).endswith(".")


def test_scenarios_name_operations_that_exist() -> None:
    for name in scenarios.SCENARIOS:
        get_operation(name)
