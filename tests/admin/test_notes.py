"""Notes of staff: written by who may, changed by their author only, never rewritten unseen."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client

from stripe_mirror.admin import display
from stripe_mirror.models import Note, NoteRevision
from tests.admin import rows

SECRET = "sk_" + "live_" + "abcdefgh12345678"


def add(client: Client, row: object, text: str) -> int:
    return client.post(f"{display.object_url(row)[: -len('change/')]}note/", {"text": text}).status_code  # type: ignore[arg-type]


def page(client: Client, row: object) -> str:
    return client.get(display.object_url(row)).content.decode()  # type: ignore[arg-type]


def test_a_note_is_kept_with_its_author_and_shown_on_the_object_and_its_customer(role: Callable[[str], Client]) -> None:
    made, support = rows.one_of_each(), role("Support")
    assert add(support, made["dispute"], "Asked the courier <b>twice</b>") == 302
    note = Note.objects.get()
    assert (note.object_id, note.customer_id, note.author_name) == ("du_Tea", "cus_Ada", "the-Support")
    for shown in (made["dispute"], made["customer"]):
        html = page(support, shown)
        assert "Asked the courier &lt;b&gt;twice&lt;/b&gt;" in html
        assert "the-Support" in html.split('id="notes"')[1]
    assert "Asked the courier" not in page(support, made["invoice"])


def test_who_may_not_write_notes_is_refused_and_sees_no_form(
    role: Callable[[str], Client], staff: Callable[..., Client]
) -> None:
    customer, viewer = rows.customer(), role("Viewer")
    assert add(viewer, customer, "x") == 403
    assert 'class="sm-form sm-note-form"' not in page(viewer, customer)
    assert add(staff("writer", "add_note"), customer, "x") == 403
    assert add(role("Finance"), customer, "Paid by wire") == 302
    assert "Paid by wire" in page(viewer, customer)
    assert "Paid by wire" not in page(staff("clerk", "view_customer"), customer)
    assert viewer.get(f"{display.object_url(customer)[: -len('change/')]}note/").status_code == 405


def test_only_the_author_changes_a_note_and_what_it_said_is_kept(role: Callable[[str], Client]) -> None:
    customer, author, other = rows.customer(), role("Support"), role("Operator")
    add(author, customer, "First thought")
    note = Note.objects.get()
    url = f"{display.object_url(customer)[: -len('change/')]}note/{note.pk}/"
    assert other.post(url, {"text": "mine"}).status_code == 403
    assert author.post(url, {"text": "Second thought"}).status_code == 302
    assert author.post(url, {"text": "Second thought", "delete": "1"}).status_code == 302
    assert author.post(url, {"text": "Third thought"}).status_code == 403
    note.refresh_from_db()
    assert (note.text, bool(note.edited_at), bool(note.deleted_at)) == ("", True, True)
    assert list(NoteRevision.objects.values_list("text", flat=True)) == ["First thought", "Second thought"]
    html = page(author, customer)
    assert "A note of the-Support was deleted" in html
    assert "thought" not in html
    log = page(other, note)
    assert "First thought" in log
    assert "Second thought" in log
    assert "thought" not in page(role("Viewer"), note)


def test_a_note_takes_no_secret_and_is_never_empty(boss: Client) -> None:
    customer = rows.customer()
    for text in ("", "   ", f"The key is {SECRET}", "x" * 5001):
        add(boss, customer, text)
    assert not Note.objects.exists()


def test_notes_are_found_by_their_words_and_by_what_they_are_about(boss: Client) -> None:
    customer = rows.customer()
    author = User.objects.get(username="boss")
    add(boss, customer, "Promised a CALL back")
    add(boss, rows.invoice(), "Wants another address")
    assert Note.objects.filter(author=author).count() == 2

    def found(query: str) -> set[str]:
        answer = boss.get(display.list_url(Note) + query)
        return {note.text for note in answer.context_data["cl"].result_list}  # type: ignore[attr-defined]

    assert found("?q=call") == {"Promised a CALL back"}
    assert found("?q=in_Tea") == {"Wants another address"}
    assert len(found("?customer_id=cus_Ada")) == 2
    assert found("?object_type=invoice") == {"Wants another address"}
    assert found("?q=nothing+such") == set()
