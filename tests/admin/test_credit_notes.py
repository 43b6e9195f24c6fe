"""A credit note's page shows all of its lines, also those that Stripe leaves out of the credit note."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.test import Client

from stripe_mirror.admin import display
from stripe_mirror.models import CreditNoteLineItem
from tests.admin import rows


def note_of(lines: int, *, shown: int, held: int) -> Any:
    """A credit note with so many lines: so many stand in Stripe's object, and so many are held."""
    inside = [{"id": f"cnli_{n:02}", "description": f"Tin no. {n}.", "amount": 100 + n} for n in range(shown)]
    # Ids say nothing of the order.
    for n in reversed(range(held)):
        rows.credit_note_line(f"cnli_{99 - n}", description=f"Tin no. {n}.", amount=100 + n, position=n)
    return rows.credit_note(lines={"object": "list", "data": inside, "has_more": lines > shown})


def lines_on_page(client: Client, note: Any) -> str:
    html = client.get(display.object_url(note)).content.decode()
    return html.split('data-live="lines"')[1].split("</section>")[0]


def test_all_lines_are_shown_in_their_order(boss: Client) -> None:
    html = lines_on_page(boss, note_of(25, shown=10, held=25))
    places = [html.index(f"Tin no. {n}.") for n in range(25)]
    assert places == sorted(places)
    assert "$1.24" in html
    assert "25+" not in html


def test_lines_that_left_the_credit_note_are_not_shown(boss: Client) -> None:
    note = note_of(12, shown=10, held=12)
    CreditNoteLineItem.objects.filter(position=11).update(deleted_at=rows.NOW)
    html = lines_on_page(boss, note)
    assert "Tin no. 10." in html
    assert "Tin no. 11." not in html


def test_until_the_rest_is_read_the_first_lines_are_shown_and_that_there_are_more(boss: Client) -> None:
    html = lines_on_page(boss, note_of(25, shown=10, held=10))
    assert "Tin no. 9." in html
    assert "10+" in html


def test_lines_lead_to_their_list_and_the_list_to_the_credit_note(boss: Client) -> None:
    note = note_of(3, shown=3, held=3)
    rows.credit_note_line("cnli_other", credit_note="cn_other")
    url = display.list_url(CreditNoteLineItem, {"credit_note": note.pk})
    assert f'href="{url}"'.replace("&", "&amp;") in lines_on_page(boss, note)
    answer: Any = boss.get(url)
    assert [row.position for row in answer.context_data["cl"].result_list] == [0, 1, 2]
    assert f'href="{display.object_url(note)}"' in answer.content.decode()


def test_exported_line_names_its_credit_note_and_its_amount_the_currency(boss: Client) -> None:
    rows.credit_note_line(amount=1234)
    answer: Any = boss.get("/admin/stripe_mirror/creditnotelineitem/export/")
    [line] = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))
    assert (line["credit_note"], line["currency"], line["amount"]) == ("cn_Tea", "usd", "12.34")


def test_line_is_found_by_its_credit_note(boss: Client) -> None:
    rows.credit_note()
    rows.credit_note_line()
    rows.credit_note_line("cnli_other", credit_note="cn_other")
    for sought in ("ADA-0001-CN", "cn_Tea", "cnli_Tea"):
        answer: Any = boss.get(display.list_url(CreditNoteLineItem) + f"?q={sought}")
        assert [row.pk for row in answer.context_data["cl"].result_list] == ["cnli_Tea"], sought
