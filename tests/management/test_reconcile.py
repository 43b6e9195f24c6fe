"""`stripe_reconcile` as an operator and a machine meet it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from stripe_mirror.models import Customer, Difference, MirroredAccount, ReconcileState, SyncRun
from stripe_mirror.pull import reconcile_confirm
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_waiting(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds pass on Stripe's clock only."""
    monkeypatch.setattr(reconcile_confirm.time, "sleep", lambda seconds: sandbox.advance(int(seconds) + 1))


def run(*arguments: str) -> tuple[int, str]:
    """The exit code, and everything that it said."""
    output = StringIO()
    try:
        call_command("stripe_reconcile", *arguments, stdout=output)
    except CommandError as error:
        return error.returncode, f"{output.getvalue()}{error}"
    return 0, output.getvalue()


@pytest.fixture
def ada(sandbox: RunningSandbox) -> str:
    """A customer in Stripe and here."""
    made = sandbox.post("/v1/customers", name="Ada")
    assert run("customer", "--repair")[0] == 0
    return str(made["id"])


def test_s26_differences_are_named_and_the_exit_code_is_one_until_they_are_repaired(
    sandbox: RunningSandbox, ada: str
) -> None:
    assert run("customer") == (0, "customer: 1 compared, all equal.\nNo difference in what was compared.\n")
    sandbox.post(f"/v1/customers/{ada}", name="Grace")
    code, said = run("customer")
    assert code == 1
    assert "customer: 1 compared, 1 differ." in said
    assert f'customer {ada}: fields differ\n    name: "Ada" here, "Grace" in Stripe' in said
    assert "No event of this object ever reached us." in said
    assert "1 difference not repaired. Add --repair to store what Stripe says." in said
    code, said = run("customer", "--repair")
    assert (code, Customer.objects.get().name) == (0, "Grace")
    assert "fields differ (Repaired)" in said and "Brought to Stripe's state." in said
    assert run("customer")[0] == 0


def test_s22_customer_deleted_while_webhooks_are_off_is_marked_deleted(sandbox: RunningSandbox, ada: str) -> None:
    sandbox.delete(f"/v1/customers/{ada}")
    code, said = run("customer")
    assert code == 1 and f"customer {ada}: missing in Stripe" in said
    assert run("customer", "--repair")[0] == 0
    assert Customer.objects.get().deleted_at is not None
    assert run("customer")[0] == 0


def test_machines_read_json(sandbox: RunningSandbox, ada: str) -> None:
    sandbox.post(f"/v1/customers/{ada}", name="Grace")
    output = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("stripe_reconcile", "customer", "--json", stdout=output)
    assert failure.value.returncode == 1
    said = json.loads(output.getvalue())
    [kind] = said["kinds"]
    assert (said["equal"], kind["kind"], kind["compared"], kind["whole"]) == (False, "customer", 1, True)
    [difference] = kind["differences"]
    assert (difference["id"], difference["nature"], difference["outcome"]) == (ada, "fields", "open")
    assert difference["fields"] == {"name": ["Ada", "Grace"]}


def test_everything_is_compared_without_names(company: RunningSandbox) -> None:
    call_command("stripe_sync", stdout=StringIO())
    code, said = run("--repair")
    assert code == 0, said
    code, said = run()
    assert (code, said.splitlines()[-1]) == (0, "The mirror equals Stripe.")
    assert "line_item" not in said and "invoice: " in said


def test_price_that_stands_in_a_subscription_is_named_once(company: RunningSandbox) -> None:
    call_command("stripe_sync", stdout=StringIO())
    run("--repair")
    item = next(row for row in company.objects("subscription_item") if not row.get("deleted"))
    company.post(f"/v1/prices/{item['price']['id']}", nickname="Other")
    code, said = run("subscription", "price")
    assert (code, said.count("nickname: ")) == (1, 1)
    assert "1 difference not repaired" in said


def test_share_goes_on_where_the_last_one_stopped(sandbox: RunningSandbox) -> None:
    for n in range(150):
        sandbox.post("/v1/customers", name=str(n))
    assert run("customer", "--repair")[0] == 0
    ReconcileState.objects.all().delete()
    sandbox.clear_requests()
    assert "100 compared, a share of it, all equal" in run("customer", "--requests", "1")[1]
    assert "50 compared, all equal" in run("customer", "--requests", "1")[1]
    assert len(sandbox.requests("GET", "/v1/customers")) == 2
    assert ReconcileState.objects.get().whole_compared == 150


def test_kind_that_can_not_be_compared_is_said_and_the_exit_code_is_two(
    sandbox: RunningSandbox, ada: str, impatient: None
) -> None:
    sandbox.faults.add(status=429, path="/v1/customers")
    code, said = run("customer", "product")
    assert code == 2
    assert "product: 0 compared, all equal." in said
    assert "customer: 1 compared" not in said and "Stripe is limiting our requests" in said
    assert not Difference.objects.filter(outcome="open").exists()
    assert Customer.objects.get().deleted_at is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["unicorn"], "Not a mirrored kind: unicorn. There are: "),
        (["--since", "yesterday"], "write it like 2026-01-31"),
        (["--since", "0001-01-01T00:00+14:00"], "write it like 2026-01-31"),
        (["--requests", "0"], "no number of requests"),
        (["--requests", "many"], "no number of requests"),
    ],
)
def test_odd_arguments_are_refused_with_a_sentence(
    sandbox: RunningSandbox, arguments: list[str], sentence: str
) -> None:
    code, said = run(*arguments)
    assert code and sentence in said
    assert sandbox.requests() == []


def test_kind_that_is_none_does_not_count_as_a_difference(sandbox: RunningSandbox) -> None:
    assert run("unicorn")[0] == 2


def test_with_a_key_of_another_account_nothing_is_compared(sandbox: RunningSandbox, ada: str) -> None:
    MirroredAccount.objects.all().delete()
    MirroredAccount.objects.create(pk="acct_other", livemode=False)
    code, said = run("customer", "--repair")
    assert code == 2 and "mirrors the account acct_other" in said
    assert Customer.objects.get().deleted_at is None


def test_refused_key_is_said_without_the_key(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_" + "test_wrong"
    sandbox.faults.add(status=401)
    code, said = run("customer")
    assert code == 2 and "Check STRIPE_SECRET_KEY" in said and "wrong" not in said


def test_runs_stay(sandbox: RunningSandbox, ada: str) -> None:
    sandbox.post(f"/v1/customers/{ada}", name="Grace")
    run("customer")
    last = SyncRun.objects.filter(command="reconcile").order_by("-id")[0]
    assert (last.object_type, last.state, last.seen, last.changed) == ("customer", "done", 1, 1)
    assert last.message == "1 not repaired."
    assert last.finished_at is not None
