"""An open page in a real Chromium follows changes, and leaves alone what the person is doing."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, Route, expect

from stripe_mirror.models import Change, Customer
from tests.admin import rows

# The design promises five seconds from the event to the open page; a busy machine may take longer. In milliseconds.
WITHIN = 30_000
# How often a page asks.
EVERY = 2_000

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.admin.plain_site"),
]

LIST = "/admin/stripe_mirror/customer/"


def update(id: str, **fields: Any) -> None:
    """What the inbox does when an event arrives: the row changes and a change is noted."""
    row = Customer.objects.get(pk=id)
    Customer.objects.filter(pk=id).update(data=row.data | fields)
    note(id, **{name: [row.data.get(name), value] for name, value in fields.items()})


def note(id: str, action: str = "updated", **fields: Any) -> None:
    now = timezone.now()
    Change.objects.create(
        object_type="customer",
        object_id=id,
        action=action,
        fields=fields,
        version=2,
        happened_at=now,
        recorded_at=now,
        source="api",
    )


def cell(page: Page, id: str, name: str) -> Locator:
    return page.locator("#result_list tr", has=page.locator(f"input[value={id}]")).locator(f".field-{name}")


def tick(page: Page, id: str) -> Locator:
    return page.locator(f"input[name=_selected_action][value={id}]")


def test_a_changed_cell_follows_while_a_ticked_box_typed_text_and_focus_stay(page: Page) -> None:
    rows.customer("cus_Ada", name="Ada")
    rows.customer("cus_Bob", name="Bob", email="bob@example.com")
    page.goto(LIST)
    tick(page, "cus_Bob").check()
    page.locator("#searchbar").fill("half a wor")
    page.evaluate("window.untouched = document.querySelector('#result_list')")
    update("cus_Bob", email="new@example.com")
    expect(cell(page, "cus_Bob", "email")).to_have_text("new@example.com", timeout=WITHIN)
    expect(page.locator(".live-changed", has_text="new@example.com")).to_have_count(1)
    expect(page.locator(".live-spoken")).to_have_text("One row has changed.")
    assert tick(page, "cus_Bob").is_checked()
    assert page.locator("#searchbar").input_value() == "half a wor"
    assert page.evaluate("document.activeElement.id") == "searchbar"
    assert page.evaluate("window.untouched === document.querySelector('#result_list')")
    expect(page.locator(".live-changed")).to_have_count(0, timeout=WITHIN)


def test_new_rows_come_to_their_place_on_the_first_page(page: Page) -> None:
    rows.customer("cus_Ada", created=rows.SECOND)
    rows.customer("cus_Cyd", created=rows.SECOND + 2)
    page.goto(LIST)
    rows.customer("cus_Bob", created=rows.SECOND + 1, name="Bob")
    note("cus_Bob", "created")
    expect(cell(page, "cus_Bob", "name")).to_have_text("Bob", timeout=WITHIN)
    order = page.locator("input[name=_selected_action]").evaluate_all("boxes => boxes.map(box => box.value)")
    assert order == ["cus_Cyd", "cus_Bob", "cus_Ada"]
    tick(page, "cus_Bob").check()
    expect(page.locator("span.action-counter")).to_have_text("1 of 3 selected")


def test_with_a_selection_new_rows_are_offered_first(page: Page) -> None:
    rows.customer("cus_Ada", created=rows.SECOND)
    page.goto(LIST)
    tick(page, "cus_Ada").check()
    for n in (1, 2):
        rows.customer(f"cus_{n}", created=rows.SECOND + n)
        note(f"cus_{n}", "created")
    bar = page.locator(".live-notice")
    expect(bar).to_contain_text("2 new", timeout=WITHIN)
    assert page.locator("input[name=_selected_action]").count() == 1
    bar.get_by_role("button", name="Show").click()
    expect(page.locator("input[name=_selected_action]")).to_have_count(3)
    assert tick(page, "cus_Ada").is_checked()
    expect(bar).to_have_count(0)


def test_a_row_that_left_the_list_goes_unless_it_is_ticked(page: Page) -> None:
    rows.customer("cus_Ada", address={"country": "DE"})
    rows.customer("cus_Bob", address={"country": "DE"})
    rows.customer("cus_Cyd", address={"country": "DE"})
    page.goto(LIST + "?country=DE")
    update("cus_Ada", address={"country": "FR"})
    expect(tick(page, "cus_Ada")).to_have_count(0, timeout=WITHIN)
    tick(page, "cus_Bob").check()
    update("cus_Bob", address={"country": "FR"})
    expect(page.locator(".live-gone").locator("input[value=cus_Bob]")).to_be_checked(timeout=WITHIN)


def test_an_objects_page_follows_named_parts_and_keeps_what_is_typed(page: Page) -> None:
    rows.customer("cus_Ada", name="Ada", email="ada@example.com")
    page.goto(LIST + "cus_5FAda/change/")
    page.evaluate(PARTS)
    page.locator("#note").fill("call back")
    page.route("**/change/", answer_with_parts)
    update("cus_Ada", name="Augusta")
    expect(page.locator("[data-live=name]")).to_have_text("Augusta", timeout=WITHIN)
    notice = page.locator(".live-notice")
    expect(notice).to_contain_text("This customer changed meanwhile: name. What you typed is kept.")
    assert page.locator("#note").input_value() == "call back"
    assert page.locator("details").evaluate("details => details.open")
    # A part that scripts have hidden and named stays so, with new contents of which the new entry is marked.
    entries = page.locator("[data-live=list]")
    assert entries.evaluate("list => [list.hidden, list.getAttribute('role')]") == [True, "tabpanel"]
    assert entries.locator("li").all_text_contents() == ["two", "one"]
    assert entries.locator(".live-changed").all_text_contents() == ["two"]
    assert "old" not in (page.locator("[data-live=name]").get_attribute("class") or "")
    assert page.evaluate("document.activeElement.id") == "note"


def test_who_types_later_into_a_form_that_was_open_is_told_then(page: Page) -> None:
    rows.customer("cus_Ada", name="Ada")
    page.goto(LIST + "cus_5FAda/change/")
    page.evaluate(PARTS)
    page.route("**/change/", answer_with_parts)
    update("cus_Ada", email="new@example.com")
    expect(page.locator("[data-live=name]")).to_have_text("Augusta", timeout=WITHIN)
    assert page.locator(".live-notice").count() == 0
    page.locator("#note").press_sequentially("x")
    expect(page.locator(".live-notice")).to_contain_text("changed meanwhile: email")


# An object's page in miniature: what a template of ours has, before the change and after it.
MARKUP = """
<section data-live="card"><h2 data-live="name" {mark}>{name}</h2>
<ul data-live="list">{entries}</ul>
<details {opened}><summary>More</summary><p>text</p></details>
<form method="post"><textarea id="note">{note}</textarea><input type="hidden" name="token" value="{name}"></form>
</section>"""
PARTS = f"""document.querySelector("#content").insertAdjacentHTML("beforeend",
`{MARKUP.format(name="Ada", mark="class=old", entries="<li>one</li>", opened="open", note="")}`);
document.querySelector("[data-live=list]").hidden = true;
document.querySelector("[data-live=list]").setAttribute("role", "tabpanel");"""


def answer_with_parts(route: Route) -> None:
    entries = "<li>two</li><li>one</li>"
    card = MARKUP.format(name="Augusta", mark="", entries=entries, opened="", note="theirs")
    route.fulfill(body=f"<body><main id=content>{card}</main></body>", content_type="text/html")


@pytest.fixture
def asked(page: Page) -> list[str]:
    """The page's requests for news; its time stands still but for what `pass_time` lets pass."""
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if "/live/?" in request.url else None)
    return found


def pass_time(page: Page, milliseconds: int) -> None:
    """Until what was begun meanwhile is done: a later request of the page is answered later."""
    page.clock.run_for(milliseconds)
    page.evaluate("fetch('/static/admin/css/base.css').then((answer) => answer.text())")


def test_nothing_is_asked_while_nobody_looks_and_at_once_when_somebody_does(page: Page, asked: list[str]) -> None:
    rows.customer("cus_Ada", email="ada@example.com")
    page.goto(LIST)
    page.evaluate(HIDE, True)
    update("cus_Ada", email="new@example.com")
    pass_time(page, 60_000)
    assert asked == []
    page.evaluate(HIDE, False)
    expect(cell(page, "cus_Ada", "email")).to_have_text("new@example.com", timeout=WITHIN)


HIDE = """hidden => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_who_is_signed_out_is_told_and_no_longer_asked_for(page: Page, asked: list[str]) -> None:
    rows.customer("cus_Ada")
    page.goto(LIST)
    page.context.clear_cookies()
    pass_time(page, EVERY)
    expect(page.locator(".live-notice")).to_contain_text("signed out", timeout=WITHIN)
    pass_time(page, 60_000)
    assert len(asked) == 1


def test_a_server_that_fails_is_asked_less_often_and_the_page_recovers(page: Page, asked: list[str]) -> None:
    rows.customer("cus_Ada", email="ada@example.com")
    page.goto(LIST)
    page.route("**/live/**", lambda route: route.fulfill(status=500))
    for times, pause in enumerate((EVERY, 2 * EVERY, 4 * EVERY)):
        pass_time(page, pause - 1)
        assert len(asked) == times
        with page.expect_response("**/live/**"):
            page.clock.run_for(1)
        pass_time(page, 0)
    expect(page.locator(".live-notice")).to_contain_text("can't be reached", timeout=WITHIN)
    page.unroute("**/live/**")
    update("cus_Ada", email="new@example.com")
    pass_time(page, 8 * EVERY)
    expect(cell(page, "cus_Ada", "email")).to_have_text("new@example.com", timeout=WITHIN)
    expect(page.locator(".live-notice")).to_have_count(0)


def test_a_page_with_a_running_part_is_read_again_without_any_change(page: Page) -> None:
    rows.customer("cus_Ada", name="Ada")
    page.goto(LIST + "cus_5FAda/change/")
    page.evaluate(PARTS)
    page.evaluate("document.querySelector('[data-live=name]').setAttribute('data-live-poll', '')")
    page.route("**/change/", answer_with_parts)
    expect(page.locator("[data-live=name]")).to_have_text("Augusta", timeout=WITHIN)


@pytest.mark.urls("backoffice.urls")
def test_the_products_own_list_and_page_follow_changes(page: Page) -> None:
    rows.one_of_each()
    page.goto(LIST)
    tick(page, "cus_Ada").check()
    update("cus_Ada", name="Augusta")
    expect(page.locator("#result_list tbody tr")).to_contain_text("Augusta", timeout=WITHIN)
    assert tick(page, "cus_Ada").is_checked()
    page.goto(LIST + "cus_Ada/change/")
    page.get_by_role("tab", name="Timeline").click()
    update("cus_Ada", name="Countess", email="countess@example.com")
    expect(page.locator("[data-live=header]")).to_contain_text("Countess", timeout=WITHIN)
    expect(page.locator("#history")).to_contain_text("countess@example.com")
    assert page.get_by_role("tab", name="Timeline").get_attribute("aria-selected") == "true"
    assert page.locator("#overview").is_hidden()
    assert page.locator("#history").is_visible()


@pytest.mark.urls("backoffice.urls")
def test_the_products_export_button_downloads_the_filtered_list(page: Page) -> None:
    rows.customer("cus_Ada", name="Ada")
    rows.customer("cus_Bob", name="Bob", email="bob@example.com")
    page.goto(LIST + "?q=Bob")
    page.get_by_role("link", name="Export", exact=True).click()
    with page.expect_download() as started:
        page.locator(".sm-export-do").get_by_role("button", name="Export").click()
    content = started.value.path().read_text()
    assert started.value.suggested_filename.startswith("customers-")
    assert "cus_Bob" in content
    assert "cus_Ada" not in content
