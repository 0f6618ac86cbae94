from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.pandas import column, data_frames, range_indexes

from mltoolkit.quality import diff
from mltoolkit.quality.findings import Finding
from mltoolkit.quality.scanning import look_at

Write = Callable[..., Path]
N = 2000


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    first = ["Ana", "Bo", "Chi", "Dag", "Eva", "Finn", "Gül", "Hugo", "Inès", "Jón"]
    last = ["Berg", "Costa", "Novák", "O'Neil", "Rossi", "Sørensen", "Müller", "Gómez"]
    start = np.datetime64("2023-01-01T08:00:00")
    return pd.DataFrame(
        {
            "key": np.arange(1, N + 1),
            "name": [f"{rng.choice(first)} {rng.choice(last)} {rng.integers(1000)}" for _ in range(N)],
            "weight": rng.normal(70, 12, N).round(1),
            "income": rng.lognormal(10, 0.6, N).round(2),
            "children": rng.poisson(1.2, N),
            "city": rng.choice(["Oslo", "Bergen", "Tromsø", "Göteborg"], N, p=[0.5, 0.3, 0.15, 0.05]),
            "member": rng.random(N) < 0.3,
            "seen": start + (rng.integers(0, 200, N) * 24 + rng.integers(0, 9, N)).astype("timedelta64[h]"),
        }
    )


@pytest.fixture(scope="module")
def halves(people: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    first = np.random.default_rng(5).permutation(N) < N // 2
    return people[first].reset_index(drop=True), people[~first].reset_index(drop=True)


def told(before: object, after: object) -> list[tuple[str, str | None, str]]:
    return [(found.rule, found.column, found.severity) for found in diff(before, after).findings]  # type: ignore[arg-type]


def only(before: pd.DataFrame, after: pd.DataFrame) -> Finding:
    (found,) = diff(before, after).findings
    return found


def test_two_halves_of_a_table_say_nothing(people: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    for share in (0.5, 0.5, 0.5, 0.2, 0.8, 0.1):
        first = rng.random(N) < share
        findings = [found for found in diff(people[first], people[~first]).findings if found.rule != "rows"]
        assert findings == []


def test_tables_of_pure_noise_say_nothing_in_999_of_1000() -> None:
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(60):
        frame = pd.DataFrame(
            {"a": rng.standard_t(2, 400), "b": rng.choice(list("abcdefgh"), 400), "c": rng.poisson(3, 400)}
        )
        alarms += bool(diff(frame[:200], frame[200:]).findings)
    assert alarms == 0


def test_a_table_and_itself(people: pd.DataFrame) -> None:
    found = diff(people, people)
    assert found.findings == ()
    assert all(c.missing_change == 0 and not c.new and not c.gone and c.psi in (0.0, None) for c in found.columns)
    assert all(c.mean_shift in (0.0, None) and c.ks in (0.0, None) for c in found.columns)


frames = data_frames(
    [
        column("n", dtype=float, elements=st.floats(allow_nan=True, width=32)),
        column("t", elements=st.text(max_size=4), dtype=object),
    ],
    index=range_indexes(max_size=30),
)


@given(frames)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_table_and_itself(frame: pd.DataFrame) -> None:
    assert diff(frame, frame).findings == ()


@given(frames, frames)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_measures_of_any_two_tables_are_symmetric(one: pd.DataFrame, other: pd.DataFrame) -> None:
    there, back = diff(one, other), diff(other, one)
    for forth, again in zip(there.columns, back.columns, strict=True):
        assert (forth.psi is None) == (again.psi is None)
        assert forth.psi == pytest.approx(again.psi, abs=1e-9)
        assert forth.ks == pytest.approx(again.ks, abs=1e-9)
        assert forth.missing_change == pytest.approx(-again.missing_change)
        assert (forth.new, forth.gone) == (again.gone, again.new)


PLANTED: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str, str, str]] = {
    "scale": (lambda t: t.assign(weight=t.weight * 2.20462), "distribution", "weight", "pounds and kilograms"),
    "thousand": (lambda t: t.assign(income=t.income / 1000), "distribution", "income", "1/1000 of what they were"),
    "sign": (lambda t: t.assign(income=-t.income), "distribution", "income", "the values have changed their sign"),
    "fahrenheit": (
        lambda t: t.assign(weight=t.weight * 1.8 + 32),
        "distribution",
        "weight",
        "Celsius had become Fahrenheit",
    ),
    "mean": (lambda t: t.assign(weight=t.weight + 6), "distribution", "weight", "the mean goes up from"),
    "spread": (
        lambda t: t.assign(weight=70 + (t.weight - 70) * 1.6),
        "distribution",
        "weight",
        "the standard deviation goes from",
    ),
    "missing": (
        lambda t: t.assign(income=t.income.mask(t.key % 10 == 0)),
        "missing",
        "income",
        "% of the cells are missing, 0% before",
    ),
    "new label": (lambda t: t.assign(city=t.city.mask(t.key % 20 == 0, "Paris")), "new values", "city", "'Paris' (5"),
    "gone label": (lambda t: t[t.city != "Bergen"].assign(), "gone values", "city", "'Bergen' ("),
    "code": (lambda t: t.assign(children=t.children.mask(t.key % 12 == 0, 99)), "new values", "children", "are 99 ("),
    "shares": (
        lambda t: t.assign(city=t.city.mask((t.city == "Oslo") & (t.key % 2 == 0), "Bergen")),
        "distribution",
        "city",
        "shares have moved",
    ),
    "upper case": (lambda t: t.assign(city=t.city.str.upper()), "spelling", "city", "in another case"),
    "encoding": (
        lambda t: t.assign(city=t.city.str.encode("utf-8").str.decode("cp1252")),
        "spelling",
        "city",
        "wrongly decoded",
    ),
    "encoding of names": (
        lambda t: t.assign(name=t.name.str.encode("utf-8").str.decode("cp1252")),
        "form of texts",
        "name",
        "decoded with the wrong encoding",
    ),
    "accents": (
        lambda t: t.assign(city=t.city.replace({"Tromsø": "Tromsø", "Göteborg": "Goteborg"})),
        "spelling",
        "city",
        "without accents",
    ),
    "time zone": (
        lambda t: t.assign(seen=t.seen + pd.Timedelta(hours=5)),
        "time of day",
        "seen",
        "5 hours later than before",
    ),
    "date": (lambda t: t.assign(seen=t.seen + pd.Timedelta(days=90)), "distribution", "seen", "days later on average"),
    "far date": (
        lambda t: t.assign(seen=t.seen - pd.Timedelta(days=3650)),
        "distribution",
        "seen",
        "days earlier on average",
    ),
    "text": (lambda t: t.assign(weight=t.weight.astype(str) + " kg"), "retyped", "weight", "was numbers, is text"),
    "strays": (
        lambda t: t.assign(weight=t.weight.astype(str).mask(t.key % 10 == 0, "heavy")),
        "retyped",
        "weight",
        "is mixed numbers",
    ),
    "keys": (
        lambda t: t.assign(key=t.key.mask(t.key % 10 == 0, t.key - 1)),
        "uniqueness",
        "key",
        "before, all were different",
    ),
    "longer": (lambda t: t.assign(name=t.name + " of Norway"), "form of texts", "name", "characters long on average"),
    "pattern": (lambda t: t.assign(name=t.name.str.replace(" ", "_")), "form of texts", "name", "have the pattern"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_change_is_told_and_nothing_else(what: str, halves: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    plant, rule, name, words = PLANTED[what]
    before, after = halves
    found = [finding for finding in diff(before, plant(after)).findings if finding.rule != "rows"]
    assert {finding.column for finding in found} == {name}, found
    (first, *_) = [finding for finding in found if finding.rule == rule]
    assert first.severity in ("warning", "error")
    assert words in first.message
    assert len(found) <= 2


def test_lines_of_the_second_table_are_named(write: Write) -> None:
    before = write("city\n" + "Oslo\nRome\n" * 100, "before.csv")
    after = write("city\n" + "Oslo\nRome\n" * 50 + "Lima\n" * 100, "after.csv")
    found = diff(before, after).findings
    (new,) = [finding for finding in found if finding.rule == "new values"]
    assert (new.count, new.rows) == (100, (102, 103, 104, 105, 106))
    assert new.message == "'Lima' (50% of the values) is new"


def test_columns_gone_new_renamed_and_moved(people: pd.DataFrame) -> None:
    after = people.rename(columns={"weight": "kilos", "city": "town"}).drop(columns="children").assign(bonus=1)
    after = after[["key", "name", "town", "kilos", "member", "income", "seen", "bonus"]]
    found = diff(people, after)
    assert found.renamed == (("city", "town"), ("weight", "kilos")) or set(found.renamed) == {
        ("weight", "kilos"),
        ("city", "town"),
    }
    assert (found.removed, found.added) == (("children",), ("bonus",))
    assert [(f.rule, f.column, f.severity) for f in found.findings if f.rule in ("removed", "added", "reordered")] == [
        ("removed", "children", "error"),
        ("added", "bonus", "warning"),
        ("reordered", None, "info"),
    ]
    (moved,) = [f for f in found.findings if f.rule == "reordered"]
    assert "1 column stands elsewhere: 'member'" in moved.message or "'income'" in moved.message
    assert "weight → kilos" in [column.name for column in found.columns]


def test_few_values_make_no_rename_without_a_likeness_of_names() -> None:
    flags = np.arange(300) % 2 == 0
    before = pd.DataFrame({"smoker": flags, "n": range(300)})
    assert diff(before, before.rename(columns={"smoker": "insured"})).renamed == ()
    assert diff(before, before.rename(columns={"smoker": "is_smoker"})).renamed == (("smoker", "is_smoker"),)


def test_columns_of_one_name_are_told_apart(write: Write) -> None:
    text = "a,a\n" + "".join(f"{i},x{i % 3}\n" for i in range(60))
    assert diff(write(text, "1.csv"), write(text, "2.csv")).findings == ()


def test_rows() -> None:
    def table(n: int) -> pd.DataFrame:
        return pd.DataFrame({"v": np.arange(n) % 10})

    assert told(table(1000), table(1050)) == []
    assert told(table(1000), table(1200)) == [("rows", None, "info")]
    assert told(table(1000), table(300)) == [("rows", None, "warning")]
    assert told(table(100), table(0)) == [("rows", None, "error")]
    assert only(table(1000), table(300)).message == "1,000 rows before, 300 now (0.3 times as many)"


def test_a_next_month_is_no_warning(people: pd.DataFrame) -> None:
    rng = np.random.default_rng(8)
    later = people.sample(frac=1, random_state=1).assign(
        key=np.arange(N + 1, 2 * N + 1),
        seen=np.datetime64("2023-07-21T08:00:00")
        + (rng.integers(0, 60, N) * 24 + rng.integers(0, 9, N)).astype("timedelta64[h]"),
    )
    found = diff(people, later).findings
    assert [(f.rule, f.column, f.severity) for f in found] == [
        ("distribution", "key", "info"),
        ("distribution", "seen", "info"),
    ]
    assert found[0].message == "numbers of rows go from 1 … 2000 to 2001 … 4000"
    assert found[1].message.startswith("the dates go on: 2023-01-01 to 2023-07-")


def test_a_column_that_is_empty_now(people: pd.DataFrame) -> None:
    found = only(people, people.assign(income=np.nan))
    assert (found.rule, found.severity, found.message) == ("missing", "error", "every cell is missing, 0% before")


def test_one_stray_is_chance_and_many_are_not() -> None:
    whole = pd.DataFrame({"v": [str(i % 50) for i in range(1000)]})
    one, many = whole.copy(), whole.copy()
    one.loc[3, "v"] = "x"
    many.loc[::10, "v"] = "x"
    assert told(whole, one) == []
    assert told(whole, many) == [("retyped", "v", "error")]


def test_few_rows_prove_nothing() -> None:
    before, after = pd.DataFrame({"v": [1, 2, 3, 4]}), pd.DataFrame({"v": [101, 102, 103, 104]})
    assert told(before, after) == []


def test_a_large_table_is_compared_by_a_sample() -> None:
    rng = np.random.default_rng(4)
    n = 140_000
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 10**9, n), "c": rng.choice(["x", "y"], n)})
    one, other, wider = (
        look_at(part, whole=1000)
        for part in (frame[: n // 2], frame[n // 2 :], frame[n // 2 :].assign(a=frame.a * 1.5))
    )
    assert one.column("a").sampled
    assert told(one, other) == []
    assert told(one, wider) == [("distribution", "a", "warning")]


@pytest.mark.parametrize(
    "values", [[np.inf, 1.0, -np.inf], [1.7e308, -1.7e308, 1.7e308], [5.0] * 3, [np.nan] * 3, [1e-320] * 3]
)
def test_odd_numbers_do_no_harm(values: list[float]) -> None:
    frame = pd.DataFrame({"v": values * 20})
    assert told(frame, frame) == []
    diff(frame, pd.DataFrame({"v": np.arange(60.0)}))
    diff(pd.DataFrame({"v": np.arange(60.0)}), frame)


def test_files_of_another_form(write: Write) -> None:
    rows = [(i, f"c{i % 4}") for i in range(50)]
    comma = write("n,c\n" + "".join(f"{a},{b}\n" for a, b in rows), "1.csv")
    semicolon = write("n;c\n" + "".join(f"{a};{b}\n" for a, b in rows), "2.csv")
    found = diff(comma, semicolon).findings
    assert [(f.rule, f.severity) for f in found] == [("form", "info")]
    assert found[0].message == ("was comma-separated, utf-8, with header; is semicolon-separated, utf-8, with header")


def test_halves_of_real_tables(shared_data: Path) -> None:
    rng = np.random.default_rng(6)
    for name in (
        "titanic/train.csv",
        "dirty-beers/dirty.csv",
        "dirty-hospital/dirty.csv",
        "california-housing/housing.csv",
    ):
        frame = pd.read_csv(shared_data / name, dtype=str, keep_default_na=False)
        first = rng.random(len(frame)) < 0.5
        assert [f for f in diff(frame[first], frame[~first]).findings if f.rule != "rows"] == [], name


def test_texts_that_have_no_pattern_in_common() -> None:
    rng = np.random.default_rng(12)
    before = pd.DataFrame({"t": [f"{i:04d}-{i * 7 % 1000:03d}" for i in range(200)]})
    after = pd.DataFrame({"t": ["".join(rng.choice(list("12345-/.:;+*#"), 8)) for _ in range(200)]})
    assert only(before, after).message == "100% of the values have another pattern, 0% before"
