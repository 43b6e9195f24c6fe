"""The sandbox answers each version by that version's rules."""

import pytest

from tests.sandbox.contract.account import HEADERS, Account
from tests.sandbox.contract.declared import concrete
from tests.sandbox.contract.differences import CHANGED, Changed, older
from tests.sandbox.contract.openapi import Spec
from tests.sandbox.versions import DAHLIA, ENDIVE

NAMES = [f"{change.path} {change.parameter}" for change in CHANGED]


@pytest.mark.parametrize("change", CHANGED, ids=NAMES)
@pytest.mark.parametrize("version", [DAHLIA, ENDIVE])
def test_each_version_takes_its_own_form_only(account: Account, change: Changed, version: str) -> None:
    subscription = account.subscription["id"]
    path = concrete(change.path, subscription)
    others = {key: subscription if value == "{id}" else value for key, value in change.others.items()}
    headers = HEADERS | {"Stripe-Version": version}
    for of, form in change.forms.items():
        if form is None:
            continue
        params = others | {change.parameter: form}
        reply = account.sandbox.request(change.method, path, params, headers=headers)
        assert reply.status == (200 if of == version else 400), f"{version} got {params}: {reply.body}"
        assert reply.headers["Stripe-Version"] == version


@pytest.mark.parametrize("change", CHANGED, ids=NAMES)
def test_dahlias_form_is_the_described_one(spec: Spec, change: Changed) -> None:
    path = concrete(change.path)
    for version, form in change.forms.items():
        if form is not None:
            params = change.others | {change.parameter: form}
            assert (spec.check_request(change.method, path, params) == []) == (version == DAHLIA)


@pytest.mark.parametrize("version", [DAHLIA, ENDIVE])
def test_objects_have_the_same_shape_in_both_versions(spec: Spec, account: Account, version: str) -> None:
    headers = HEADERS | {"Stripe-Version": version}
    reply = account.sandbox.request("GET", f"/v1/subscriptions/{account.subscription['id']}", headers=headers)
    assert spec.check_object(older(reply.body)) == []
