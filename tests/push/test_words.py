"""What operations say can be translated, whole sentences of it; and what is stored stays in the site's language."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from babel.messages.catalog import Catalog
from django import forms
from django.contrib.auth.models import Group, User
from django.utils import translation
from pytest_django import Settings

from stripe_mirror.models import Customer, OperationLimit, Push
from stripe_mirror.push import approvals
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.jobs import create_job, run_job
from stripe_mirror.push.operation import Operation, all_operations, get_operation
from stripe_mirror.push.preview import preview, told
from stripe_mirror.push.submit import submit
from tests.push.pseudo import OPEN, ROOT, install, marked
from tests.push.scenarios import ALIKE, SCENARIOS, STEPS, made_by
from tests.sandbox.testing import RunningSandbox

PUSH = ROOT / "stripe_mirror" / "push"
# Where a text is for people: named arguments, attributes of classes, and what these take first.
NAMED = {"label", "help_text", "refusal", "short_description", "final_warning", "passed", "words"}
CALLED = {
    "AlreadyDecided",
    "Amount",
    "CantCheck",
    "CantReach",
    "NotAllowed",
    "NothingToChange",
    "PermissionDenied",
    "PushIdTaken",
    "StillChecking",
    "ValidationError",
    "WrongAmount",
}
# Names and signs that are the same in every language, and what only Stripe says.
AS_IT_IS = re.compile(r"[\W\d_]*")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """All that is marked."""
    return marked("stripe_mirror/push", "stripe_mirror/models", "stripe_mirror/stripe_api")


@pytest.fixture
def german(catalog: Catalog, settings: Settings, tmp_path: Any) -> Iterator[None]:
    """As a person whose language has a catalog: each marked text reads in brackets."""
    settings.LOCALE_PATHS = [install(catalog, tmp_path / "locale")]
    with translation.override("de"):
        yield


def is_translated(text: Any) -> bool:
    words = str(text)
    return OPEN in words or bool(AS_IT_IS.fullmatch(words))


def said_by(operation: Operation) -> Iterator[Any]:
    """What a page says of an operation whatever the row is."""
    yield from (operation.label, operation.short_description, operation.final_warning)
    for name, field in operation.form_class.base_fields.items():
        if field.widget.is_hidden or not operation.offered:
            continue
        yield field.label or name
        yield field.help_text
        # Those of countries and currencies are babel's.
        choices = field.choices if type(field) is forms.ChoiceField else ()
        if isinstance(choices, list):
            yield from (words for _, words in choices)


def test_what_an_operation_is_called_and_asks_for_can_be_translated(german: None) -> None:
    wrong = {o.name: [str(text) for text in said_by(o) if not is_translated(text)] for o in all_operations()}
    assert {name: texts for name, texts in wrong.items() if texts} == {}


def test_what_a_confirm_page_says_can_be_translated(german: None, stripe: RunningSandbox) -> None:
    wrong: dict[str, list[str]] = {}
    for name in SCENARIOS.keys() - STEPS.keys() - ALIKE.keys():
        operation = get_operation(name)
        row, values = made_by(name, stripe)
        form = operation.get_form(row, {**operation.initial(row), **values, "reason": "asked"})
        assert form.is_valid(), (name, form.errors)
        seen = preview(operation, row, form.cleaned_data, ask=True)
        texts = [*seen.summary, *seen.effects.follows, seen.effects.final, seen.failure]
        texts += [amount.words for amount in seen.effects.money]
        assert seen.summary, name
        typed = tuple(line["description"] for line in values.get("lines", []))
        wrong[name] = [str(text) for text in texts if not is_translated(text) and not str(text).startswith(typed)]
        stored = json.dumps(told(operation, row, form.cleaned_data, seen), ensure_ascii=False)
        assert OPEN not in stored, (name, stored)
    assert {name: texts for name, texts in wrong.items() if texts} == {}


def test_what_a_person_is_refused_is_said_in_their_language(german: None, canceller: User, subscribe: Any) -> None:
    operation, row = get_operation("cancel_subscription"), subscribe()
    with pytest.raises(NotAllowed, match=OPEN):
        submit(operation, row, user=canceller, push_id=uuid4(), cleaned={"when": "now"}, opened={}, reason=" ")


def test_what_is_stored_is_in_the_site_s_language_whoever_does_it(
    german: None, stripe: RunningSandbox, staff: Callable[..., User], payer: Any
) -> None:
    operation, boss = get_operation("adjust_customer_balance"), staff("boss", "approve_push")
    user = staff("giver", operation.name, "run_job")
    cleaned = {"direction": "credit", "amount": 700, "currency": "eur", "description": ""}

    def asked() -> Push:
        return submit(operation, payer, user=user, push_id=uuid4(), cleaned=cleaned, opened={}, reason="sorry")

    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    assert "It is not known yet whether this happened." in asked().message
    group = Group.objects.create(name="careful")
    user.groups.add(group)
    OperationLimit.objects.create(group=group, operation=operation.name, currency="eur", amount=100)
    declined, withdrawn = asked(), asked()
    assert "is above the limit" in declined.message
    approvals.decline(declined, by=boss, reason="no")
    approvals.withdraw(withdrawn, by=user)
    assert (declined.message, withdrawn.message) == ("Declined by Boss: no", "Withdrawn by Giver: nothing was sent.")
    stripe.delete(f"/v1/customers/{payer.pk}")
    other = {**cleaned, "currency": "usd"}
    job = create_job(operation, Customer.objects.all(), user=user, cleaned=cleaned, reason="sorry", job_id=uuid4())
    run_job(job.pk)
    with pytest.raises(NotAllowed, match=OPEN):
        create_job(operation, Customer.objects.all(), user=user, cleaned=other, reason="sorry", job_id=uuid4())
    messages = set(Push.objects.exclude(message="").values_list("message", flat=True))
    assert not any(OPEN in message for message in messages), messages


def test_no_text_for_people_is_left_unmarked() -> None:
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(PUSH.glob("*.py"))
        for node in texts_in(ast.parse(path.read_text()))
        if is_text(node)
    ]
    assert found == []


def texts_in(tree: ast.AST) -> Iterator[ast.expr]:
    """Where a text for people is written."""
    for node in ast.walk(tree):
        if (isinstance(node, ast.keyword) and node.arg in NAMED) or (
            isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in NAMED for t in node.targets)
        ):
            yield from alternatives(node.value)
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = 0 if called in CALLED else 1 if called == "add_error" else None
            if place is not None and len(node.args) > place:
                yield from alternatives(node.args[place])
        elif isinstance(node, ast.FunctionDef) and (node.name.startswith("why_not") or node.name.endswith("_words")):
            returned = (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value)
            yield from (text for value in returned for text in alternatives(value))


def alternatives(value: ast.expr) -> Iterator[ast.expr]:
    """A text, or each of those that it may be."""
    if isinstance(value, ast.IfExp):
        yield from (*alternatives(value.body), *alternatives(value.orelse))
    elif isinstance(value, ast.BoolOp):
        yield from (one for part in value.values for one in alternatives(part))
    else:
        yield value


def is_text(node: ast.expr) -> bool:
    """Whether words stand there as they are, and not as an argument of gettext."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and not AS_IT_IS.fullmatch(part.value)
        for part in parts
    )
