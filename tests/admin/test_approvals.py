"""Limits are set, and what is above them is approved, declined and withdrawn, through the browser's requests."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from backoffice import roles
from stripe_mirror.admin import display
from stripe_mirror.admin.operations import operation_url
from stripe_mirror.admin.receipts import receipt_url
from stripe_mirror.models import Charge, Customer, Job, OperationLimit, Push
from stripe_mirror.push.jobs import run_job
from stripe_mirror.push.operation import get_operation
from tests.admin.test_operations import inputs, messages_of, opened, writes
from tests.push import paying
from tests.push.approving import again, limit
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

REFUND, ADJUST = get_operation("refund_charge"), get_operation("adjust_customer_balance")
WAITING = "Waits for approval"
SIDEBAR = "?state=waiting"


def signed_in(name: str, *permissions: str) -> Client:
    """A browser of a member of staff with these permissions."""
    user = User.objects.create_user(name, f"{name}@example.com", is_staff=True, first_name=name.title())
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def charge(transactional_db: None, sandbox: RunningSandbox) -> Charge:
    """49.00 eur, paid by card."""
    return paying.paid(sandbox)


@pytest.fixture
def asker(transactional_db: None) -> Client:
    """May refund, alone up to €10.00; may not read the log."""
    client = signed_in("asker", "view_charge", "refund_charge", "run_job", "view_job")
    limit(User.objects.get(username="asker"), "refund_charge", "eur", 1000)
    return client


@pytest.fixture
def approver(transactional_db: None) -> Client:
    """May refund without a limit, read the log and approve."""
    return signed_in("approver", "view_charge", "refund_charge", "view_push", "approve_push")


@pytest.fixture
def waiting(asker: Client, charge: Charge, sandbox: RunningSandbox) -> Push:
    """A refund of €20.00 that the asker has submitted."""
    url = operation_url(charge, REFUND)
    asker.post(url, opened(asker, url) | {"amount": "20.00", "reason": "asked by mail"})
    sandbox.clear_requests()
    return Push.objects.get()


def deed(push: Push, name: str) -> str:
    return display.admin_url(push, name, push.pk)


def html_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


# Asking


def test_the_page_says_before_that_it_will_wait(asker: Client, charge: Charge) -> None:
    url = operation_url(charge, REFUND)
    assert "€49.00 is above your limit" in html_of(asker, url)
    assert "€10.01 is above your limit" in html_of(asker, f"{url}?amount=10.01")
    assert "above your limit" not in html_of(asker, f"{url}?amount=10.00")
    assert "above your limit" not in html_of(asker, f"{url}?amount=nonsense")


def test_after_the_submit_the_receipt_says_that_it_waits(
    asker: Client, charge: Charge, sandbox: RunningSandbox
) -> None:
    url = operation_url(charge, REFUND)
    form = opened(asker, url) | {"amount": "20.00", "reason": "asked by mail"}
    answer = asker.post(url, form, follow=True)
    push = Push.objects.get()
    assert answer.redirect_chain == [(receipt_url(push), 302)]
    assert messages_of(answer) == ["Refund payment: it waits for approval by another person. Nothing was sent yet."]
    html = answer.content.decode()
    assert f"{WAITING} by another person." in html
    assert "€20.00 of the €49.00 that were paid go back" in html
    # It may last for days: the page doesn't reload itself.
    assert 'http-equiv="refresh"' not in html
    assert writes(sandbox)[1:] == []
    # The same form once more.
    again_answer = asker.post(url, form, follow=True)
    assert messages_of(again_answer) == messages_of(answer)
    assert Push.objects.count() == 1


def test_the_objects_page_says_that_something_waits(waiting: Push, asker: Client, approver: Client) -> None:
    viewer = signed_in("viewer", "view_charge")
    charge = Charge.objects.get()
    for client, link in ((asker, receipt_url(waiting)), (approver, display.object_url(waiting)), (viewer, "")):
        html = html_of(client, display.object_url(charge))
        note = html.split('data-live="checking"')[1].split("</div>")[0]
        assert "Waits for approval: Refund payment, €20.00, by Asker." in note
        assert re.findall('href="([^"]*)"', note) == ([link] if link else [])
        assert "data-live-poll" not in html.split('data-live="checking"')[1].split(">")[0]


# Who may decide


def test_the_sidebar_counts_what_a_person_may_decide_about(waiting: Push, asker: Client, approver: Client) -> None:
    entry = html_of(approver, "/admin/").split(SIDEBAR)[1].split("</li>")[0]
    assert "Waiting for approval" in entry
    assert re.search(r">\s*1\s*</span>", entry)
    assert SIDEBAR not in html_of(asker, "/admin/")
    approver.post(deed(waiting, "decline"), {"reason": "no"})
    entry = html_of(approver, "/admin/").split(SIDEBAR)[1].split("</li>")[0]
    assert not re.search(r">\s*\d+\s*</span>", entry)


def test_home_says_what_waits_for_me(waiting: Push, asker: Client, approver: Client) -> None:
    assert "Waiting for your approval" in html_of(approver, "/admin/")
    assert "Waiting for your approval" not in html_of(asker, "/admin/")


def test_what_i_asked_for_myself_is_not_counted_for_me(waiting: Push, asker: Client) -> None:
    user = User.objects.get(username="asker")
    user.user_permissions.add(*Permission.objects.filter(codename__in=("approve_push", "view_push")))
    entry = html_of(asker, "/admin/").split(SIDEBAR)[1].split("</li>")[0]
    assert not re.search(r">\s*\d+\s*</span>", entry)
    html = html_of(asker, display.object_url(waiting))
    assert deed(waiting, "approve") not in html
    assert deed(waiting, "withdraw") in html
    for name in ("approve", "decline"):
        assert asker.post(deed(waiting, name), {"reason": "x"}).status_code == 403


def test_the_list_of_what_waits_leads_to_the_page_where_it_is_decided(waiting: Push, approver: Client) -> None:
    html = html_of(approver, display.list_url(Push) + SIDEBAR)
    assert f'href="{display.object_url(waiting)}"' in html
    page = html_of(approver, display.object_url(waiting))
    assert "€20.00 of the €49.00 that were paid go back" in page
    assert "asked by mail" in page
    assert "What would be sent" in page
    assert f'formaction="{deed(waiting, "approve")}"' in page
    assert f'action="{deed(waiting, "decline")}"' in page


def test_s58_who_may_not_is_shown_no_buttons_and_refused(waiting: Push, sandbox: RunningSandbox) -> None:
    reader = signed_in("reader", "view_push", "refund_charge", "view_charge")
    html = html_of(reader, display.object_url(waiting))
    assert "needs the permission approve_push" in html
    for name in ("approve", "decline", "withdraw"):
        assert deed(waiting, name) not in html
        assert reader.post(deed(waiting, name), {"reason": "x"}).status_code == 403
    assert (again(waiting).state, sandbox.requests()) == ("waiting", [])


def test_who_could_not_do_it_alone_may_decline_but_not_approve(waiting: Push, approver: Client) -> None:
    limit(User.objects.get(username="approver"), "refund_charge", "eur", 1999)
    html = html_of(approver, display.object_url(waiting))
    assert "above your own limit, too" in html
    assert deed(waiting, "approve") not in html
    assert approver.post(deed(waiting, "approve")).status_code == 403
    assert approver.post(deed(waiting, "decline"), {"reason": "no"}).status_code == 302
    assert again(waiting).state == "refused"


def test_opening_the_addresses_decides_nothing(waiting: Push, approver: Client, sandbox: RunningSandbox) -> None:
    for name in ("approve", "decline", "withdraw"):
        assert approver.get(deed(waiting, name)).status_code == 405
    assert (again(waiting).state, sandbox.requests()) == ("waiting", [])


def test_a_forged_request_is_refused(waiting: Push, approver: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="approver"))
    for name in ("approve", "decline", "withdraw"):
        assert strict.post(deed(waiting, name), {"reason": "x"}).status_code == 403
    assert again(waiting).state == "waiting"


def test_only_operators_may_approve_by_a_role_and_nobody_sets_limits_by_one() -> None:
    holders = {role.name for role in roles.ROLES if "approve_push" in roles.codenames(role.name)}
    assert holders == {"Operator"}
    named = {codename for role in roles.ROLES for codename in roles.codenames(role.name)}
    assert not [codename for codename in named if codename.endswith("_operationlimit")]


# Deciding


def test_approving_sends_it_and_says_so(waiting: Push, approver: Client, asker: Client) -> None:
    answer = approver.post(deed(waiting, "approve"), {"reason": "called them"}, follow=True)
    assert answer.redirect_chain == [(display.object_url(waiting), 302)]
    assert messages_of(answer) == ["Refund payment: approved and done."]
    assert "Approved by Approver" in answer.content.decode()
    assert "called them" in answer.content.decode()
    assert again(waiting).approval.ip_address == "127.0.0.1"
    receipt = html_of(asker, receipt_url(waiting))
    assert "Approved by Approver" in receipt
    assert WAITING not in receipt


def test_s30_a_second_click_is_told_who_decided(
    waiting: Push, approver: Client, charge: Charge, sandbox: RunningSandbox
) -> None:
    approver.post(deed(waiting, "approve"))
    answer = approver.post(deed(waiting, "approve"), follow=True)
    assert "approved by Approver" in messages_of(answer)[-1]
    assert paying.refunds(sandbox, charge) == [(2000, "succeeded")]


def test_declining_without_a_reason_is_not_taken(waiting: Push, approver: Client, asker: Client) -> None:
    answer = approver.post(deed(waiting, "decline"), {"reason": " "}, follow=True)
    assert "write why it is declined" in messages_of(answer)[0]
    assert again(waiting).state == "waiting"
    approver.post(deed(waiting, "decline"), {"reason": "Too\x00 much"})
    assert again(waiting).message == "Declined by Approver: Too much"
    assert "Declined by Approver: Too much" in html_of(asker, receipt_url(waiting))


def test_who_asked_withdraws_it_on_the_receipt(waiting: Push, asker: Client) -> None:
    assert f'action="{deed(waiting, "withdraw")}"' in html_of(asker, receipt_url(waiting))
    answer = asker.post(deed(waiting, "withdraw"), follow=True)
    assert answer.redirect_chain == [(receipt_url(waiting), 302)]
    assert messages_of(answer) == ["Refund payment: withdrawn, nothing was sent."]
    assert "Withdrawn by Asker" in answer.content.decode()


def test_what_is_no_longer_possible_says_why_after_the_approval(
    waiting: Push, approver: Client, charge: Charge, sandbox: RunningSandbox
) -> None:
    sandbox.post("/v1/refunds", charge=charge.pk)
    answer = approver.post(deed(waiting, "approve"), follow=True)
    assert "approved, but not done. Nothing was sent. This payment is refunded already" in messages_of(answer)[0]


def test_only_what_waited_has_something_to_decide(approver: Client, charge: Charge, asker: Client) -> None:
    url = operation_url(charge, REFUND)
    asker.post(url, opened(asker, url) | {"amount": "5.00", "reason": "x"})
    assert approver.post(deed(Push.objects.get(), "approve")).status_code == 404


# Many rows


def test_a_bulk_page_counts_what_will_wait_and_the_job_shows_it(
    asker: Client, approver: Client, sandbox: RunningSandbox, transactional_db: None
) -> None:
    rows = [paying.paid(sandbox, amount) for amount in (500, 4900, 5000)]
    url = display.admin_url(Charge, "bulk", REFUND.name) + "?" + "&".join(f"ids={row.pk}" for row in rows)
    html = html_of(asker, url)
    assert "2 rows are above your limit" in html
    asker.post(url, inputs(html) | {"reason": "shop closed"})
    job = Job.objects.get()
    run_job(job.pk)
    page = html_of(asker, display.object_url(job))
    assert "1 of 3 settled" in page
    assert "For approval</dt><dd>2<" in page
    push = job.pushes.filter(state="waiting").first()
    assert push is not None
    answer = approver.post(deed(push, "approve"), follow=True)
    assert messages_of(answer) == ["Refund payment: approved. Its job sends it."]
    run_job(job.pk)
    assert again(push).state == "done"


# Limits


def test_a_limit_is_set_in_the_major_unit(transactional_db: None) -> None:
    keeper = signed_in(
        "keeper", "view_operationlimit", "add_operationlimit", "change_operationlimit", "delete_operationlimit"
    )
    group = Group.objects.create(name="Support desk")
    add = display.admin_url(OperationLimit, "add")
    for typed, code, amount in (("500.50", "EUR", 50050), ("500", "jpy", 500), ("5", "UGX", 500), ("0", "usd", 0)):
        posted = {"group": group.pk, "operation": REFUND.name, "currency": code, "typed": typed}
        assert keeper.post(add, posted).status_code == 302
        row = OperationLimit.objects.get(currency=code.lower())
        assert row.amount == amount
    assert LogEntry.objects.count() == 4
    html = html_of(keeper, display.list_url(OperationLimit))
    for shown in ("€500.50", "¥500", "UGX", "Refund payment", "Support desk"):
        assert shown in html
    row = OperationLimit.objects.get(currency="eur")
    page = html_of(keeper, display.object_url(row))
    assert 'value="500.50"' in page
    assert "This is true of superusers, too." in page
    changed = {"group": group.pk, "operation": REFUND.name, "currency": "EUR", "typed": "20"}
    assert keeper.post(display.object_url(row), changed).status_code == 302
    row.refresh_from_db()
    assert row.amount == 2000
    assert keeper.post(display.admin_url(row, "delete", row.pk), {"post": "yes"}).status_code == 302
    assert not OperationLimit.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"typed": "1.005"}, "EUR has 2 decimals"),
        ({"typed": "-1"}, "Write €0.00 or more."),
        ({"typed": "much"}, "as a number"),
        ({"currency": "XXQ"}, "three letters of a currency"),
        ({"operation": "edit_customer"}, "Select a valid choice"),
    ],
)
def test_a_limit_that_is_none_is_refused_at_its_field(
    values: dict[str, str], error: str, transactional_db: None
) -> None:
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    group = Group.objects.create(name="Support desk")
    posted = {"group": group.pk, "operation": REFUND.name, "currency": "EUR", "typed": "10", **values}
    answer = boss.post(display.admin_url(OperationLimit, "add"), posted)
    assert error in answer.content.decode()
    assert not OperationLimit.objects.exists()


def test_a_group_has_no_two_limits_for_the_same(asker: Client) -> None:
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    held = OperationLimit.objects.get()
    posted = {"group": held.group_id, "operation": held.operation, "currency": "EUR", "typed": "99999"}
    html = boss.post(display.admin_url(OperationLimit, "add"), posted).content.decode()
    assert "already exists" in html
    assert OperationLimit.objects.count() == 1


def test_limits_are_for_those_who_may_see_them(asker: Client, charge: Charge) -> None:
    held = OperationLimit.objects.get()
    for url in (display.list_url(OperationLimit), display.object_url(held), display.admin_url(OperationLimit, "add")):
        assert asker.get(url).status_code == 403
    viewer = signed_in("viewer", "view_operationlimit")
    assert viewer.get(display.object_url(held)).status_code == 200
    assert viewer.post(display.object_url(held), {"typed": "99999"}).status_code == 403
    assert display.list_url(OperationLimit) in html_of(viewer, "/admin/")
    assert display.list_url(OperationLimit) not in html_of(asker, "/admin/")


def test_an_undo_above_the_limit_says_on_the_first_receipt_that_it_waits(
    sandbox: RunningSandbox, transactional_db: None
) -> None:
    made = sandbox.post("/v1/customers", name="Jane")
    row: Any = paying.mirror("customer", made["id"])
    giver = signed_in("giver", "view_customer", ADJUST.name)
    url = operation_url(row, ADJUST)
    giver.post(url, opened(giver, url) | {"amount": "20", "currency": "EUR", "reason": "outage"})
    first = Push.objects.get()
    limit(User.objects.get(username="giver"), ADJUST.name, "eur", 1000)
    undo = f"{operation_url(Customer.objects.get(), ADJUST)}?undoes={first.pk}"
    giver.post(undo, opened(giver, undo) | {"reason": "wrong person"})
    assert Push.objects.get(undoes=first).state == Push.State.WAITING
    html = html_of(giver, receipt_url(first))
    assert "Undoing this waits for approval." in html
    assert "This was undone." not in html
