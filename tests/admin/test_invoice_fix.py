"""The page that leads to what puts an invoice right: it shows the steps, ticks off what is done, and only reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from secrets import token_hex
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from stripe_mirror.admin import display, filling
from stripe_mirror.admin.operations import operation_url
from stripe_mirror.models import Invoice, Push
from stripe_mirror.push.invoice_facts import DELETED
from stripe_mirror.push.invoice_fixes import KNOWN, Problem
from stripe_mirror.push.operation import get_operation
from tests.admin import rows
from tests.admin.test_operations import inputs, mirrored, opened, writes
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

VOID, CREATE = get_operation("void_invoice"), get_operation("create_invoice")
MAY = (VOID.name, CREATE.name, "create_credit_note", "edit_customer")


@pytest.fixture
def fixer(transactional_db: None) -> Callable[..., Client]:
    """Signed in with the permissions to see invoices and customers, and those named."""

    def make(*permissions: str) -> Client:
        user = User.objects.create_user("fixer", "fixer@example.com", is_staff=True, first_name="Fay")
        seen = ("view_customer", "view_invoice")
        user.user_permissions.add(*Permission.objects.filter(codename__in=(*permissions, *seen)))
        client = Client()
        client.force_login(user)
        return client

    return make


def draft(sandbox: RunningSandbox, customer: str, words: str) -> dict[str, Any]:
    """A draft with one line over 29.00 eur."""
    terms = {"collection_method": "send_invoice", "days_until_due": 14}
    made = sandbox.post("/v1/invoices", customer=customer, currency="eur", **terms)
    return sandbox.post(f"/v1/invoices/{made['id']}/add_lines", lines=[{"amount": 2900, "description": words}])


@pytest.fixture
def invoice(transactional_db: None, sandbox: RunningSandbox) -> Any:
    """An open one over 29.00 eur, for one hour of advice."""
    customer = sandbox.post("/v1/customers", name="Jane", email="jane@example.com")
    made = draft(sandbox, customer["id"], "An hour of advice")
    row = mirrored(sandbox.post(f"/v1/invoices/{made['id']}/finalize"))
    mirrored(sandbox.get(f"/v1/customers/{customer['id']}"))
    sandbox.clear_requests()
    return row


def fix_url(row: Any) -> str:
    return display.admin_url(row, "fix", row.pk)


def asked(client: Client, row: Any, problem: str) -> str:
    answer = client.get(fix_url(row), {"problem": problem})
    assert answer.status_code == 200
    return answer.content.decode()


def steps(html: str) -> list[tuple[str, str]]:
    """Each step's operation and state, in their order on the page."""
    found = re.findall(r'sm-fix-step sm-fix-(\w+)">.*?sm-fix-name">(.*?)</span>', html, re.S)
    return [(unescape(label), state) for state, label in found]


def ways_to(html: str) -> list[str]:
    """Where the buttons of the steps lead."""
    return [unescape(url) for url in re.findall(r'sm-fix-open" href="([^"]*)"', html)]


def submit(client: Client, url: str, **values: Any) -> Push:
    """Open an operation's page as the link fills it in, and send the form."""
    client.post(url.split("?")[0], opened(client, url) | {"reason": "wrong", **values})
    return Push.objects.filter(step_of=None).latest("created_at")


def test_the_page_is_one_of_the_invoices_buttons(fixer: Callable[..., Client], invoice: Any) -> None:
    html = fixer(VOID.name).get(display.object_url(invoice)).content.decode()
    assert f'href="{fix_url(invoice)}"' in html
    assert "Fix this invoice…" in html


def test_who_may_do_nothing_to_invoices_is_not_led_there(fixer: Callable[..., Client], invoice: Any) -> None:
    client = fixer()
    assert "Fix this invoice…" not in client.get(display.object_url(invoice)).content.decode()
    # The page may be read all the same: it says who can.
    assert client.get(fix_url(invoice)).status_code == 200


def test_who_may_not_see_invoices_may_not_see_how_to_fix_them(staff: Callable[..., Client], invoice: Any) -> None:
    assert staff("outsider", "view_customer").get(fix_url(invoice)).status_code == 403
    assert Client().get(fix_url(invoice)).status_code == 302


def test_an_unknown_invoice_is_said_to_be_unknown(fixer: Callable[..., Client], invoice: Any) -> None:
    url = fix_url(Invoice(id="in_unknown"))
    assert fixer().get(url)["Location"] == display.list_url(Invoice)


def test_it_only_reads(fixer: Callable[..., Client], invoice: Any, sandbox: RunningSandbox) -> None:
    client = fixer(*MAY)
    assert client.post(fix_url(invoice), {"problem": "wrong_amount"}).status_code == 405
    for problem in Problem:
        asked(client, invoice, problem)
    assert sandbox.requests() == []
    assert not Push.objects.exists()


def test_at_first_it_only_asks_what_is_wrong(fixer: Callable[..., Client], invoice: Any) -> None:
    html = fixer(*MAY).get(fix_url(invoice)).content.decode()
    assert [html.count(f'name="problem" value="{problem}"') for problem in Problem] == [1] * len(Problem)
    assert steps(html) == []


@pytest.mark.parametrize("status", [*KNOWN, "archived"])
def test_it_has_an_answer_for_every_status_and_problem(status: str, boss: Client) -> None:
    rows.customer()
    rows.subscription()
    row = rows.invoice(status="draft" if status == DELETED else status)
    if status == DELETED:
        Invoice.objects.filter(pk=row.pk).update(deleted_at=rows.NOW)
    for problem in Problem:
        html = asked(boss, row, problem)
        assert ("sm-fix-nothing" in html) != bool(steps(html))


@pytest.mark.parametrize("problem", ["", "nonsense", "WRONG_AMOUNT"])
def test_what_is_no_problem_of_its_list_is_not_answered(problem: str, boss: Client, invoice: Any) -> None:
    html = asked(boss, invoice, problem)
    assert (steps(html), "sm-fix-nothing" in html) == ([], False)


def test_from_the_wrong_lines_to_the_right_invoice(
    fixer: Callable[..., Client], invoice: Any, sandbox: RunningSandbox
) -> None:
    client = fixer(*MAY)
    html = asked(client, invoice, "wrong_amount")
    assert steps(html)[-2:] == [(VOID.label, "ready"), (CREATE.label, "later")]
    assert "After step 1." in html
    void = operation_url(invoice, VOID)
    assert void in ways_to(html)
    assert submit(client, void).state == Push.State.DONE

    html = asked(client, invoice, "wrong_amount")
    assert steps(html) == [(VOID.label, "done"), (CREATE.label, "ready")]
    assert "Done by Fay" in html
    assert f"/receipt/{Push.objects.get().pk}/" in html
    (create,) = ways_to(html)
    form = client.get(create).content.decode()
    # Filled in with what stood on the old one, and what will happen is said of it.
    assert 'value="An hour of advice"' in form
    assert 'value="29.00"' in form
    assert "An hour of advice: €29.00." in form
    push = submit(client, create, **{"lines-amount": "19"})
    assert Invoice.objects.get(pk=push.after["invoice"]).total == 1900

    html = asked(client, invoice, "wrong_amount")
    assert steps(html) == [(VOID.label, "done"), (CREATE.label, "done")]
    assert "All done" in html
    assert [entry["path"] for entry in writes(sandbox)] == [
        f"/v1/invoices/{invoice.pk}/void",
        "/v1/invoices",
        f"/v1/invoices/{push.after['invoice']}/add_lines",
    ]


def test_a_credit_note_begins_with_all_that_can_be_credited(
    fixer: Callable[..., Client], sandbox: RunningSandbox, invoice: Any
) -> None:
    row = mirrored(sandbox.post(f"/v1/invoices/{invoice.pk}/pay", paid_out_of_band=True))
    client = fixer(*MAY)
    html = asked(client, row, "should_not_exist")
    (url,) = ways_to(html)
    form = inputs(client.get(url).content.decode())
    assert (form["amount"], form["credit_amount"]) == ("29.00", "29.00")


def test_what_somebody_may_not_do_names_the_permission_and_who_can(fixer: Callable[..., Client], invoice: Any) -> None:
    group = Group.objects.create(name="Collectors")
    group.permissions.add(Permission.objects.get(codename=VOID.permission))
    html = asked(fixer(CREATE.name), invoice, "should_not_exist")
    assert steps(html) == [(VOID.label, "off")]
    assert "needs the permission void_invoice" in html
    assert "Who can: Collectors." in html
    assert ways_to(html) == []


def test_where_no_group_can_it_says_whom_to_ask(fixer: Callable[..., Client], invoice: Any) -> None:
    html = asked(fixer(), invoice, "should_not_exist")
    assert "No group can; ask who runs this back office." in unescape(html)


def test_who_may_not_see_the_customer_is_not_led_to_it(staff: Callable[..., Client], invoice: Any) -> None:
    html = asked(staff("blind", "view_invoice", *MAY), invoice, "wrong_details")
    assert steps(html)[0] == (get_operation("edit_customer").label, "off")
    assert "view_customer" in html
    assert display.object_url(invoice.customer) not in html.split("sm-fix-steps", 1)[1]


def test_a_step_that_isnt_known_to_have_happened_is_checked_not_offered(
    fixer: Callable[..., Client], invoice: Any, sandbox: RunningSandbox
) -> None:
    client = fixer(*MAY)
    sandbox.faults.add(method="POST", path="/v1/invoices/", lose_answer=True, times=3)
    assert submit(client, operation_url(invoice, VOID)).state == Push.State.UNKNOWN
    html = asked(client, invoice, "should_not_exist")
    assert steps(html) == [(VOID.label, "checking")]
    assert ways_to(html) == []
    sandbox.faults.clear()


def test_a_draft_that_was_deleted_on_the_way_still_leads_to_the_new_one(
    fixer: Callable[..., Client], sandbox: RunningSandbox, invoice: Any
) -> None:
    row = mirrored(draft(sandbox, invoice.data["customer"], "Tea"))
    client = fixer("delete_draft_invoice", *MAY)
    assert submit(client, operation_url(row, get_operation("delete_draft_invoice"))).state == Push.State.DONE
    html = asked(client, row, "wrong_amount")
    assert [state for _, state in steps(html)] == ["done", "ready"]
    (create,) = ways_to(html)
    assert 'value="Tea"' in client.get(create).content.decode()


def test_a_link_fills_in_only_the_form_that_it_was_made_for(fixer: Callable[..., Client], invoice: Any) -> None:
    client, credit = fixer(*MAY), get_operation("create_credit_note")
    url = operation_url(invoice, credit)
    for query in (
        filling.query(VOID, invoice, {"amount": 2900}),
        filling.query(credit, Invoice(id="in_other"), {"amount": 2900}),
        "?filled=2900",
        "?amount=29.00",
    ):
        assert inputs(client.get(url + query).content.decode()).get("amount", "") == ""
    assert (
        inputs(client.get(url + filling.query(credit, invoice, {"amount": 2900})).content.decode())["amount"] == "29.00"
    )


def test_what_an_address_cant_hold_is_not_filled_in(invoice: Any) -> None:
    lines = [{"description": token_hex(240), "amount": 1, "quantity": 1} for _ in range(10)]
    assert filling.query(CREATE, invoice, {"lines": lines}) == ""
