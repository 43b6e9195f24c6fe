"""Pages read as the person prefers: their zone, their language; others and exports see no difference."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stripe_mirror.admin import display
from stripe_mirror.models import Preferences, Subscription
from tests.admin import rows

PAGE = "/admin/preferences/"
# 12:30 on the 1st of February in Auckland, half past three in the afternoon of the 31st of January in Los Angeles.
LAST_HOUR = int(datetime(2027, 1, 31, 23, 30, tzinfo=UTC).timestamp())


@pytest.fixture
def preferring(staff: Callable[..., Client]) -> Callable[..., Client]:
    """Somebody who has chosen: preferring(time_zone="Pacific/Auckland")."""

    def make(name: str = "viewer", **chosen: str) -> Client:
        client = staff(name, "view_subscription", "export_subscription", "view_customer", "export_customer")
        Preferences.objects.create(user=User.objects.get(username=name), **chosen)
        return client

    return make


def html_of(client: Client, url: str, **headers: str) -> str:
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("zone", "day", "name"),
    [
        ("Pacific/Auckland", "1 Feb 2027", "Pacific/Auckland"),
        ("America/Los_Angeles", "31 Jan 2027", "America/Los_Angeles"),
        ("", "31 Jan 2027", "UTC"),
    ],
)
def test_the_end_of_a_period_is_on_the_readers_day_and_the_zone_is_named_s54(
    preferring: Callable[..., Client], zone: str, day: str, name: str
) -> None:
    rows.price()
    row = rows.subscription(current_period_end=LAST_HOUR, created=LAST_HOUR)
    client = preferring(time_zone=zone)
    for url in (display.list_url(Subscription), display.object_url(row)):
        html = html_of(client, url)
        assert re.search(rf"\b{day}\b", html)
        assert f" in {name}" in html
        assert re.search(r'title="2027-01-31[ T]23:30', html), "the moment in UTC isn't there on hover"


def test_days_of_a_filter_are_the_readers_days(preferring: Callable[..., Client]) -> None:
    row = rows.customer(created=LAST_HOUR)
    february = f"{display.list_url(type(row))}?created_from=2027-02-01"
    assert row.pk in html_of(preferring("kiri", time_zone="Pacific/Auckland"), february)
    assert row.pk not in html_of(preferring("ana", time_zone="America/Los_Angeles"), february)


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("Pacific/Auckland", "2027-02-01T12:30:00+13:00"),
        ("America/Los_Angeles", "2027-01-31T15:30:00-08:00"),
        ("", "2027-01-31T23:30:00+00:00"),
    ],
)
def test_s54_an_export_has_the_persons_zone_with_its_offset_and_headers_of_no_language(
    preferring: Callable[..., Client], zone: str, moment: str
) -> None:
    row = rows.customer(created=LAST_HOUR)
    answer: Any = preferring("kiri", time_zone=zone, language="de").get(f"{display.list_url(type(row))}export/")
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("id,created,name,")
    assert moment in text


def test_what_is_chosen_stays_and_a_misspelt_zone_is_refused_with_a_sentence(staff: Callable[..., Client]) -> None:
    client = staff("viewer", "view_customer")
    for typed in ("Mars/Olympus", "../../etc/passwd", "<b>", "\x00"):
        html = client.post(PAGE, {"time_zone": typed, "language": ""}).content.decode()
        assert 'aria-invalid="true" aria-describedby="id_time_zone_helptext id_time_zone_error"' in html
        assert not Preferences.objects.exists()
    answer = client.post(PAGE, {"time_zone": "Mars/Olympus", "language": ""})
    assert "“Mars/Olympus” is no time zone. Choose one from the list" in answer.content.decode()
    answer = client.post(PAGE, {"time_zone": "europe/berlin", "language": "de"}, follow=True)
    html = answer.content.decode()
    assert Preferences.objects.get().time_zone == "Europe/Berlin"
    assert '<html lang="de"' in html
    assert "Ihre Einstellungen sind gespeichert." in html
    assert answer.headers["Content-Language"] == "de"
    assert client.post(PAGE, {"time_zone": "", "language": "xx"}).status_code == 200
    assert Preferences.objects.get().language == "de"


def test_somebody_elses_page_is_not_touched_and_a_stranger_is_asked_to_log_in(staff: Callable[..., Client]) -> None:
    staff("one", "view_customer").post(PAGE, {"time_zone": "Asia/Tokyo", "language": "de"})
    html = html_of(staff("two", "view_customer"), PAGE)
    assert '<html lang="en"' in html
    assert "Asia/Tokyo" not in re.sub("<datalist.*?</datalist>", "", html, flags=re.S)
    assert Client().get(PAGE).headers["Location"].startswith("/admin/login/")


def test_a_zone_that_has_left_the_database_of_zones_breaks_no_page(preferring: Callable[..., Client]) -> None:
    client = preferring(time_zone="Atlantis/Capital", language="tlh")
    assert "Times in UTC" in html_of(client, display.list_url(Subscription))


def test_preferences_cost_no_query(preferring: Callable[..., Client], staff: Callable[..., Client]) -> None:
    needed = []
    for client in (staff("plain", "view_subscription"), preferring(time_zone="Asia/Tokyo")):
        with CaptureQueriesContext(connection) as queries:
            html_of(client, display.list_url(Subscription))
        needed.append([re.sub(r"\d+", "", str(query["sql"]).split("WHERE")[0]) for query in queries])
    # The second may export, too, which asks for nothing more.
    assert len(needed[0]) == len(needed[1]), needed


def test_a_german_browser_gets_german_and_one_may_prefer_otherwise(
    preferring: Callable[..., Client], boss: Client
) -> None:
    assert "Einstellungen" in html_of(boss, PAGE, accept_language="de")
    assert "Anmelden" in html_of(Client(), "/admin/login/", accept_language="de")
    assert "Preferences" in html_of(preferring(language="en"), PAGE, accept_language="de")
