"""The timeline: all that happened, one entry per real thing, by whom, to the last one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from stripe_mirror.admin import display
from stripe_mirror.admin.notes import writing
from stripe_mirror.models import Change, Push
from tests.admin import rows

AT = rows.NOW


def change(object_type: str, id: str, fields: dict[str, Any], **more: Any) -> Change:
    values: dict[str, Any] = {
        "action": "updated",
        "version": 2,
        "happened_at": AT,
        "recorded_at": AT,
        "source": "api",
    }
    return Change.objects.create(object_type=object_type, object_id=id, fields=fields, **(values | more))


def push(operation: str, object_type: str, id: str, **more: Any) -> Push:
    values: dict[str, Any] = {"state": "done", "user_name": "Paula Push", "reason": "They were right", "created_at": AT}
    return Push.objects.create(operation=operation, object_type=object_type, object_id=id, **(values | more))


def entries(client: Client, row: Any, query: str = "") -> list[str]:
    """What each entry says, without its markup."""
    html = client.get(display.object_url(row) + query).content.decode()
    section = html.split('id="history"')[1].split("</section>")[0]
    found = re.findall(r'<li class="sm-entry.*?</li>', section, re.DOTALL)
    texts = (" ".join(unescape(re.sub(r"<[^>]+>", " ", one)).split()) for one in found)
    return [re.sub(r" ([:,])", r"\1", text) for text in texts]


def test_money_says_how_much_for_what_and_why_it_failed(boss: Client) -> None:
    made = rows.one_of_each()
    rows.charge("ch_Bad", status="failed", failure_message="Your card has insufficient funds.", payment_intent="pi_Bad")
    told = "\n".join(entries(boss, made["customer"], "?timeline=money"))
    assert "Payment of $29.00 USD received · invoice ADA-0001, renewal of a subscription Visa •••• 4242" in told
    assert "Payment of $29.00 USD failed: Your card has insufficient funds" in told
    assert "Refund of $9.00 USD · Requested by customer" in told
    assert "Dispute over $29.00 USD: product not received" in told
    assert "Credit note" in told
    # Stripe charged it at once: the payment tells of it.
    assert "Invoice ADA-0001 over" not in told


def test_a_push_and_what_it_changed_are_one_entry_with_person_and_reason(boss: Client) -> None:
    made = rows.one_of_each()
    edit = push("edit_customer", "customer", "cus_Ada")
    change("customer", "cus_Ada", {"email": ["old@example.com", "new@example.com"]}, source="push", push=edit)
    refund = push("refund_charge", "charge", "ch_Tea", reason="Duplicate")
    change("refund", "re_Tea", {}, action="created", source="push", push=refund)
    change("charge", "ch_Tea", {"amount_refunded": [0, 900]}, source="push", push=refund)
    told = entries(boss, made["customer"], "?timeline=staff")
    assert len(told) == 2
    edited = next(one for one in told if "new@example.com" in one)
    assert "by Paula Push" in edited
    assert "They were right" in edited
    given = next(one for one in told if "Refund of $9.00" in one)
    assert "by Paula Push" in given
    assert "Duplicate" in given


def test_status_changes_are_said_in_words_by_whom(boss: Client) -> None:
    made = rows.one_of_each()
    change("subscription", "sub_Tea", {"status": ["active", "past_due"]}, source="stripe")
    change("subscription", "sub_Tea", {"cancel_at_period_end": [False, True]}, happened_at=AT + timedelta(minutes=1))
    change("subscription", "sub_Tea", {"latest_invoice": ["in_1", "in_2"]}, source="stripe")
    change("customer", "cus_Ada", {"phone": ["1", "2"]}, source="sync")
    change("invoice", "in_Tea", {"status": ["open", "paid"]}, source="stripe")
    told = "\n".join(entries(boss, made["customer"], "?timeline=status"))
    assert re.search(r"Subscription .*: Active → Past due by Stripe", told)
    assert re.search(r"Subscription .*: will end with its period by Dashboard or another API client", told)
    assert "phone changed" in told
    assert "in_2" not in told
    assert "Open → Paid" not in told
    assert len(entries(boss, made["customer"], "?timeline=stripe")) == 1
    assert len(entries(boss, made["customer"], "?timeline=outside")) == 1
    assert entries(boss, made["customer"], "?timeline=nonsense")


def test_every_entry_is_on_exactly_one_page_of_thirty(boss: Client) -> None:
    """Also where many happened in the same second, and the sources run out at different times."""
    customer = rows.customer()
    author = User.objects.get(username="boss")
    for number in range(45):
        rows.charge(f"ch_{number:03}", created=rows.SECOND + number // 10, amount=100_000 + number)
    for number in range(45):
        change("customer", "cus_Ada", {"phone": ["x", f"phone-{number:03}"]}, happened_at=AT + timedelta(number // 9))
    for number in range(40):
        writing.add(customer, author=author, text=f"note-{number:03}")
    seen: list[str] = []
    query, pages = "", 0
    while pages < 20:
        html = boss.get(display.object_url(customer) + query).content.decode()
        section = html.split('id="history"')[1].split("</section>")[0]
        assert section.count('class="sm-entry ') <= 30
        seen += re.findall(r"\$1,0\d\d\.\d\d|phone-\d{3}|note-\d{3}", section)
        older = re.search(r'sm-older"><a class="sm-button" href="([^"#]*)', section)
        if older is None:
            break
        query, pages = unescape(older.group(1)), pages + 1
    assert len(seen) == len(set(seen)) == 130


def test_odd_places_in_the_address_lead_to_a_page(boss: Client) -> None:
    rows.one_of_each()
    customer = rows.customer("cus_Odd")
    for before in ("", "x", "1.3.nothing", "9" * 40 + ".1.a", "1.x.y", "1780000000000000.2.x", "-5.9.1", "1.3.%00"):
        for topic in ("", "staff", "<script>"):
            answer = boss.get(display.object_url(customer) + f"?before={before}&timeline={topic}")
            assert answer.status_code == 200, before


def test_nothing_of_a_kind_that_one_may_not_see_is_told(staff: Callable[..., Client]) -> None:
    made = rows.one_of_each()
    change("subscription", "sub_Tea", {"status": ["active", "past_due"]})
    change("customer", "cus_Ada", {"phone": ["1", "2"]})
    writing.Note.objects.create(object_type="customer", object_id="cus_Ada", text="hush", created_at=timezone.now())
    told = "\n".join(entries(staff("clerk", "view_customer"), made["customer"]))
    assert "phone changed" in told
    for hidden in ("Payment", "Subscription", "hush", "Refund"):
        assert hidden not in told


def test_pages_of_other_kinds_tell_what_happened_to_them(boss: Client) -> None:
    made = rows.one_of_each()
    change("product", "prod_Tea", {"name": ["Tea", "Tea club"]})
    assert "name changed" in entries(boss, made["product"])[0]
    for object_type in ("subscription", "invoice", "payment_intent", "charge"):
        assert any("Payment of $29.00" in one for one in entries(boss, made[object_type])), object_type
