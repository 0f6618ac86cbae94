"""Pace: dates that follow what was really passed, hours that are learned, a calendar that updates itself."""

import itertools
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fiftytwo import plan
from fiftytwo.cli import cli
from fiftytwo.learner import pace, today
from fiftytwo.learner.calendar import to_ics
from fiftytwo.learner.pace import Pace
from fiftytwo.progress import Way
from mltoolkit.errors import CannotRead

MONDAY = date(2027, 1, 4)
HOURS = {1: 7.0, 2: 7.0, 3: 14.0, 4: 7.0}
STEADY = Pace(MONDAY, 7.0, id="abc")


def noon(day):
    return datetime(day.year, day.month, day.day, 12).astimezone()


def passed(week, begin, end, **more):
    return Way(week, started=noon(begin), passed=noon(end), **more)


def spans(schedule):
    return {slot.week: (slot.begin, slot.end) for slot in schedule.slots}


def days(*numbers):
    return tuple(MONDAY + timedelta(days=number) for number in numbers)


def test_the_stated_hours_are_those_of_the_exercises():
    for number in plan.landed():
        exercise = plan.load(number).week.exercise
        assert pace.stated_hours(number) == exercise.hours, number
    assert pace.stated_hours(52) == plan.Exercise.hours


def test_weeks_follow_each_other_at_the_hours_one_has():
    found = pace.schedule(STEADY, {}, MONDAY, HOURS)
    assert spans(found) == {1: days(0, 6), 2: days(7, 13), 3: days(14, 27), 4: days(28, 34)}
    assert (found.factor, found.behind, found.current.week) == (1.0, 0, 1)
    faster = pace.schedule(Pace(MONDAY, 14.0), {}, MONDAY, HOURS)
    assert spans(faster)[1] == days(0, 3)
    assert spans(faster)[2] == days(3, 6)


def test_holidays_are_left_out():
    away = Pace(MONDAY, 7.0, holidays=((days(2)[0], days(4)[0]), (days(9)[0], days(9)[0])))
    found = pace.schedule(away, {}, MONDAY, HOURS)
    assert spans(found)[1] == days(0, 10)
    assert found.end == days(34 + 4)[0]


def test_what_is_late_moves_the_rest():
    ways = {1: Way(1, started=noon(MONDAY))}
    found = pace.schedule(STEADY, ways, days(10)[0], HOURS)
    assert [slot.standing for slot in found.slots] == ["late", "ahead", "ahead", "ahead"]
    assert spans(found)[1] == (MONDAY, days(10)[0])
    assert spans(found)[2] == days(11, 17)
    assert found.behind == 4
    assert found.slots[0].first_due == days(6)[0]


def test_a_week_that_was_not_begun_begins_today_at_the_earliest():
    assert spans(pace.schedule(STEADY, {}, days(3)[0], HOURS))[1] == days(3, 9)
    assert spans(pace.schedule(STEADY, {}, days(-30)[0], HOURS))[1] == days(0, 6)


def test_a_pass_has_its_real_dates_and_the_rest_follows_it():
    ways = {1: passed(1, MONDAY, days(2)[0])}
    found = pace.schedule(STEADY, ways, days(2)[0], HOURS)
    assert spans(found)[1] == days(0, 2)
    assert found.slots[0].standing == "passed"
    assert spans(found)[2][0] == days(3)[0]
    assert found.behind < 0


def test_a_skipped_week_takes_no_time_and_a_begun_one_goes_first():
    ways = {1: Way(1, skipped=True), 3: Way(3, started=noon(MONDAY))}
    found = pace.schedule(STEADY, ways, MONDAY, HOURS)
    assert [slot.standing for slot in found.slots] == ["skipped", "ahead", "under way", "ahead"]
    assert spans(found)[3] == days(0, 13)
    assert spans(found)[2] == days(14, 20)


def test_the_factor_is_learned_from_what_weeks_took():
    ways = {1: passed(1, MONDAY, days(13)[0])}
    found = pace.schedule(STEADY, ways, days(13)[0], HOURS)
    assert found.took[0].elapsed_days == 14
    assert found.factor == pytest.approx((12 + 14) / (12 + 7))
    told = pace.schedule(Pace(MONDAY, 7.0, spent={1: 3.5}), ways, days(13)[0], HOURS)
    assert told.took[0].elapsed_days is None
    assert told.factor == pytest.approx((12 + 3.5) / (12 + 7))
    holiday = Pace(MONDAY, 7.0, holidays=((days(1)[0], days(12)[0]),))
    assert pace.schedule(holiday, ways, days(13)[0], HOURS).took[0].elapsed_days == 2


def test_one_odd_week_does_not_rule_the_year_and_a_cold_pass_says_nothing():
    ways = {1: passed(1, MONDAY, MONDAY + timedelta(days=400))}
    found = pace.schedule(STEADY, ways, MONDAY + timedelta(days=400), HOURS)
    assert found.factor == pytest.approx((12 + 28) / (12 + 7))
    cold = pace.schedule(STEADY, {1: Way(1, passed=noon(MONDAY), cold=True)}, MONDAY, HOURS)
    assert cold.took == ()
    assert cold.slots[0].standing == "passed"


@given(
    hours=st.floats(0.5, 100),
    holidays=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 40)), max_size=5),
    late=st.integers(-30, 500),
    done=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60)), max_size=4),
)
def test_every_schedule_is_in_order_and_leaves_holidays_out(hours, holidays, late, done):
    off = tuple((MONDAY + timedelta(days=a), MONDAY + timedelta(days=a + b)) for a, b in holidays)
    kept = Pace(MONDAY, hours, holidays=off)
    ways = {
        week: passed(week, MONDAY + timedelta(days=a), MONDAY + timedelta(days=a + b))
        for week, (a, b) in enumerate(done, 1)
    }
    now = MONDAY + timedelta(days=late)
    found = pace.schedule(kept, ways, now, HOURS)
    assert [slot.week for slot in found.slots] == sorted(HOURS)
    ahead = [slot for slot in found.slots if slot.standing == "ahead"]
    for slot in ahead:
        assert max(now, MONDAY) <= slot.begin <= slot.end
        assert not kept.is_holiday(slot.begin)
        assert not kept.is_holiday(slot.end)
    for one, two in itertools.pairwise(ahead):
        assert one.end <= two.begin
    assert 0.25 <= found.factor <= 4


def invoke(*words):
    return CliRunner().invoke(cli, ["plan", *words])


def test_a_pace_is_kept_and_shown(home):
    shown = invoke(
        "--start", "2027-01-04", "--hours", "8", "--holiday", "2027-07-01..2027-07-14", "--holiday", "2027-09-01"
    )
    assert shown.exit_code == 0, shown.output
    assert max(map(len, shown.output.splitlines())) <= 80
    assert "   1  Principal components" in shown.output
    assert "At 8 h a week from 2027-01-04 the year ends 20" in shown.output
    assert "Days off: 2027-07-01 to 2027-07-14, 2027-09-01." in shown.output
    kept = pace.read(home)
    assert (kept.start, kept.hours, len(kept.holidays)) == (MONDAY, 8.0, 2)
    assert invoke("--dates").output == shown.output
    assert "At 8 h a week" in invoke().output
    assert invoke("--no-holidays").exit_code == 0
    assert pace.read(home).holidays == ()
    assert pace.read(home).id == kept.id
    rows = json.loads(invoke("--json").stdout)
    assert rows[0]["due"] >= rows[0]["begin"] >= "2027-01-04"


def test_hours_that_were_told_are_kept(home):
    invoke("--hours", "8")
    assert invoke("--spent", "7=6.5", "--spent", "8=9").exit_code == 0
    assert pace.read(home).spent == {7: 6.5, 8: 9.0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--dates",), "no pace is kept yet; choose one: fiftytwo plan --start 2027-01-04 --hours 8"),
        (("--start", "2027-01-04"), "say how many hours you have a week"),
        (("--ics", "x.ics"), "no pace is kept yet"),
        (("--hours", "0"), "0"),
        (("--hours", "8", "--spent", "53=1", "--holiday", "summer"), "got '53=1'"),
        (("--hours", "8", "--holiday", "2027-07-14..2027-07-01"), "is before the first"),
        (("--hours", "169"), "168"),
    ],
)
def test_what_cannot_be_planned_is_refused_and_nothing_is_kept(home, words, message):
    shown = invoke(*words)
    assert shown.exit_code != 0
    assert message in shown.stderr + str(shown.exception)
    assert pace.read(home) is None


@pytest.mark.parametrize(
    "text", ["start = 3", "hours = ", 'start = 2027-01-04\nhours = -1\nid = "a"\nrevision = 0', ""]
)
def test_a_file_that_was_edited_into_something_else_says_so(home, text):
    home.root.mkdir()
    (home.root / "pace.toml").write_text(text)
    with pytest.raises(CannotRead, match=r"pace\.toml"):
        pace.read(home)


def test_the_calendar_is_valid_and_a_second_import_updates_it(home, tmp_path):
    from icalendar import Calendar

    def export():
        shown = invoke("--ics", str(tmp_path / "year.ics"))
        assert shown.exit_code == 0, shown.output
        data = (tmp_path / "year.ics").read_bytes()
        assert all(len(line) <= 75 for line in data.split(b"\r\n"))
        return {str(event["uid"]): event for event in Calendar.from_ical(data).events}

    invoke("--start", "2027-01-04", "--hours", "8")
    first = export()
    invoke("--hours", "4")
    second = export()
    assert len(first) == 52
    assert set(first) == set(second)
    moved = [uid for uid in first if first[uid].start != second[uid].start]
    assert len(moved) == 51
    for uid, event in second.items():
        assert event["sequence"] > first[uid]["sequence"]
        assert event.end > event.start >= MONDAY
        assert {"DTSTAMP", "SUMMARY", "STATUS"} <= set(event)


def test_a_skipped_week_is_cancelled_in_the_calendar():
    from icalendar import Calendar

    found = pace.schedule(STEADY, {2: Way(2, skipped=True)}, MONDAY, HOURS)
    events = Calendar.from_ical(to_ics(STEADY, found, datetime(2027, 1, 4, tzinfo=UTC))).events
    assert [str(event["status"]) for event in events] == ["CONFIRMED", "CANCELLED", "CONFIRMED", "CONFIRMED"]


def test_the_overview_names_what_is_due(home):
    now = datetime(2027, 1, 4, 9).astimezone()
    pace.keep(home, Pace(MONDAY, 7.0, id="abc"))
    said = list(today.lines(today.overview(home, now), now))
    assert "Due: week 1 by 2027-01-09 (in 5 days)" in said
    home.log("start", 1, time=now.isoformat())
    home.log("quiz", 1, time=now.isoformat(), question="w01-divisor", right=False)
    late = now + timedelta(days=20)
    said = "\n".join(today.lines(today.overview(home, late), late))
    assert "Late: week 1, Principal components from first principles; what follows has moved" in said
