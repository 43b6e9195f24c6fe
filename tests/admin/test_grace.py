"""What waits before it is sent is taken back on its receipt, through the browser's requests."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from stripe_mirror.admin.operations import operation_url
from stripe_mirror.admin.receipts import TAKE_BACK, receipt_url
from stripe_mirror.models import Push
from tests.admin.test_approvals import REFUND, html_of, signed_in
from tests.admin.test_operations import messages_of, opened, writes
from tests.push import paying
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def refunder(transactional_db: None, settings: Settings) -> Client:
    """May refund; what is dangerous waits a minute."""
    settings.PUSH_GRACE_SECONDS = 60
    return signed_in("refunder", "view_charge", "refund_charge")


@pytest.fixture
def later(refunder: Client, sandbox: RunningSandbox) -> Push:
    """A refund that was submitted and waits."""
    url = operation_url(paying.paid(sandbox), REFUND)
    answer = refunder.post(url, opened(refunder, url) | {"amount": "20.00", "reason": "asked by mail"}, follow=True)
    push = Push.objects.get()
    assert answer.redirect_chain == [(receipt_url(push), 302)]
    assert messages_of(answer) == ["Refund payment: it is sent in a moment, and can be taken back until then."]
    sandbox.clear_requests()
    return push


def test_the_receipt_says_when_it_is_sent_and_takes_it_back(
    refunder: Client, later: Push, sandbox: RunningSandbox
) -> None:
    url = receipt_url(later)
    html = html_of(refunder, url)
    assert "It is sent at " in html
    assert f'action="{url}{TAKE_BACK}"' in html
    assert "Checking" not in html
    answer = refunder.post(url + TAKE_BACK, follow=True)
    assert messages_of(answer) == ["Refund payment: taken back, nothing was sent."]
    assert "Taken back by Refunder" in answer.content.decode()
    assert TAKE_BACK not in html_of(refunder, url)
    assert messages_of(refunder.post(url + TAKE_BACK, follow=True))[0].startswith("It is too late")
    assert writes(sandbox) == []


def test_nobody_else_takes_it_back(later: Push) -> None:
    other = signed_in("other", "view_charge", "refund_charge", "view_push")
    assert TAKE_BACK not in html_of(other, receipt_url(later))
    assert other.post(receipt_url(later) + TAKE_BACK).status_code == 404
    assert other.get(receipt_url(later) + TAKE_BACK).status_code == 405
    later.refresh_from_db()
    assert later.state == Push.State.PLANNED


def test_the_objects_page_says_that_it_waits(refunder: Client, later: Push) -> None:
    page = f"/admin/stripe_mirror/charge/{later.object_id}/change/"
    html = html_of(refunder, page)
    assert "Is sent at " in html
    assert f'href="{receipt_url(later)}"' in html
    refunder.post(receipt_url(later) + TAKE_BACK)
    assert "Is sent at " not in html_of(refunder, page)
