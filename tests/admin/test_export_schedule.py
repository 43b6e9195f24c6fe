"""When a scheduled export runs: by the clocks of its zone, on each of its days once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_mirror.admin.exports.schedule import Rhythm, moment_on, next_run

# With clocks that are set by one hour, by half an hour, at midnight, and not at all.
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata")
rhythms = st.builds(
    Rhythm,
    schedule=st.sampled_from(("daily", "weekly", "monthly")),
    hour=st.integers(0, 23),
    weekday=st.integers(0, 6),
    day=st.integers(1, 31),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def run_of(rhythm: Rhythm, after: datetime, count: int) -> list[datetime]:
    """Its next runs."""
    found: list[datetime] = []
    for _ in range(count):
        following = next_run(rhythm, found[-1] if found else after)
        assert following is not None
        found.append(following)
    return found


@given(rhythms, moments)
@settings(max_examples=150, deadline=None)
def test_runs_go_on_and_there_is_one_on_each_of_its_days_and_none_on_others(rhythm: Rhythm, after: datetime) -> None:
    found = run_of(rhythm, after, 4)
    assert all(earlier < later for earlier, later in zip([after, *found], found, strict=False))
    days = [moment.astimezone(rhythm.zone).date() for moment in found]
    assert len(set(days)) == len(days)
    for moment, day in zip(found, days, strict=True):
        local = moment.astimezone(rhythm.zone)
        # Where the hour is left out, the first moment after it.
        assert local.hour == rhythm.hour or local.replace(tzinfo=None) - datetime.combine(
            day, datetime.min.time()
        ) <= timedelta(hours=rhythm.hour + 1)
        if rhythm.schedule == "weekly":
            assert day.weekday() == rhythm.weekday
        if rhythm.schedule == "monthly":
            last = (day + timedelta(days=1)).month != day.month
            assert day.day == rhythm.day or (last and day.day < rhythm.day)


@given(rhythms, moments)
@settings(max_examples=100, deadline=None)
def test_no_day_is_left_out(rhythm: Rhythm, after: datetime) -> None:
    first, second = (moment.astimezone(rhythm.zone).date() for moment in run_of(rhythm, after, 2))
    longest = {"daily": 1, "weekly": 7, "monthly": 31}[rhythm.schedule]
    assert (second - first).days <= longest
    # What lies between is before `after`, or none of its days.
    between = [first - timedelta(days=n) for n in range(1, longest)]
    for day in between if rhythm.schedule != "monthly" else ():
        is_its = rhythm.schedule == "daily" or day.weekday() == rhythm.weekday
        assert not is_its or moment_on(rhythm, day) <= after


@given(rhythms, moments, st.timedeltas(timedelta(0), timedelta(days=400)))
@settings(max_examples=100, deadline=None)
def test_however_long_the_worker_was_down_the_next_run_is_ahead(
    rhythm: Rhythm, after: datetime, down: timedelta
) -> None:
    now = after + down
    following = next_run(rhythm, now)
    assert following is not None
    assert following > now


def at(zone: str, hour: int, **more: object) -> Rhythm:
    given = {"schedule": "daily", **more}
    return Rhythm(hour=hour, zone=ZoneInfo(zone), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rhythm", "after", "expected"),
    [
        # Spring: 2:00 doesn't exist in Berlin on 29 March 2026; it is the moment of the change.
        (at("Europe/Berlin", 2), "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:00"]),
        # Autumn: 2:00 comes twice on 25 October 2026; the first counts, and only that.
        (at("Europe/Berlin", 2), "2026-10-24T12:00", ["2026-10-25T00:00", "2026-10-26T01:00"]),
        # Six in the morning stays six in the morning.
        (at("Europe/Berlin", 6), "2026-10-24T12:00", ["2026-10-25T05:00", "2026-10-26T05:00"]),
        (at("America/New_York", 6), "2026-03-07T12:00", ["2026-03-08T10:00", "2026-03-09T10:00"]),
        # Midnight is left out in Santiago on 6 September 2026.
        (at("America/Santiago", 0), "2026-09-05T12:00", ["2026-09-06T04:00", "2026-09-07T03:00"]),
        # A month without a 31st: its last day; February in a leap year.
        (
            at("UTC", 6, schedule="monthly", day=31),
            "2028-01-31T07:00",
            ["2028-02-29T06:00", "2028-03-31T06:00", "2028-04-30T06:00"],
        ),
        (at("UTC", 6, schedule="weekly", weekday=0), "2026-11-29T12:00", ["2026-11-30T06:00", "2026-12-07T06:00"]),
        # A minute late is the next time.
        (at("UTC", 6), "2026-11-29T06:00", ["2026-11-30T06:00"]),
    ],
)
def test_clocks_and_calendars_are_kept(rhythm: Rhythm, after: str, expected: list[str]) -> None:
    found = run_of(rhythm, datetime.fromisoformat(after).replace(tzinfo=UTC), len(expected))
    assert [moment.strftime("%Y-%m-%dT%H:%M") for moment in found] == expected


def test_what_does_not_run_by_itself_has_no_next_time() -> None:
    assert next_run(at("UTC", 6, schedule="none"), datetime(2026, 1, 1, tzinfo=UTC)) is None
    assert moment_on(at("Asia/Kolkata", 6), date(2026, 1, 1)) == datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
