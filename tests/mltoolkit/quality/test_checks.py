from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_wine

from mltoolkit.errors import BadInput
from mltoolkit.quality import Finding, check

Write = Callable[..., Path]


def found(frame: pd.DataFrame | Path, rule: str, target: str | None = None) -> list[Finding]:
    return [finding for finding in check(frame, target) if finding.rule == rule]


def only(frame: pd.DataFrame | Path, rule: str, target: str | None = None) -> Finding:
    findings = found(frame, rule, target)
    assert len(findings) == 1, findings
    return findings[0]


def test_nothing_is_found_in_a_clean_table(customers: pd.DataFrame) -> None:
    assert check(customers, "left") == ()


@pytest.mark.parametrize("load", [load_iris, load_wine, load_digits, load_diabetes])
def test_ordinary_tables_give_no_warning(load: Callable[..., object], tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    load(as_frame=True).frame.to_csv(path, index=False)  # type: ignore[attr-defined]
    assert {finding.severity for finding in check(path, "target")} <= {"info"}


def test_findings_come_worst_first(write: Write) -> None:
    path = write("a,b,c\n1,x,\n2,x,\nz,x,\n1,x,\n")
    severities = [finding.severity for finding in check(path)]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert set(severities) == {"error", "warning", "info"}


# ---- form


def test_faults_of_form_have_their_lines(write: Write) -> None:
    path = write(b'a,a,\n1,2,3\n1,2\n3,4,5,6\n7\0,8,9\n"1" 2,3,4\n')
    assert only(path, "ragged rows") == Finding(
        "ragged rows",
        None,
        "error",
        2,
        0.4,
        "2 lines have another number of cells than the 3 of the header",
        (3, 4),
    )
    assert only(path, "quotes").rows == (6,)
    assert only(path, "encodings").message == "1 line holds NUL bytes"
    assert [(f.column, f.severity, f.message) for f in found(path, "header")] == [
        ("a", "error", "2 columns are called 'a'"),
        (None, "warning", "1 column has no name"),
    ]


def test_a_header_without_rows_is_a_warning(write: Write) -> None:
    assert check(write("a,b\n")) == (
        Finding("no rows", None, "warning", 0, 0.0, "the table has a header and no rows", ()),
    )


def test_bytes_of_another_encoding_are_an_error(write: Write) -> None:
    findings = found(write("a,b\nKöln,1\nÅrhus,2\n".encode() + b"K\xf6ln,3\n"), "encodings")
    assert [(f.column, f.rows) for f in findings] == [(None, (4,)), ("a", (4,))]
    assert findings[0].message == "1 line holds bytes that are not of the file's encoding"


# ---- missing, constants, mixed types


@pytest.mark.parametrize(("gaps", "severity"), [(1, "info"), (9, "info"), (10, "warning"), (200, "warning")])
def test_missing_cells(customers: pd.DataFrame, gaps: int, severity: str) -> None:
    customers["spent"] = customers["spent"].where(np.arange(200) >= gaps)
    finding = only(customers, "missing")
    assert (finding.column, finding.severity, finding.count, finding.share) == ("spent", severity, gaps, gaps / 200)
    assert finding.rows == tuple(range(1, min(gaps, 5) + 1))
    expected = {1: "1 cell is missing (0.5%)", 10: "10 cells are missing (5%)", 200: "every cell is empty"}
    assert finding.message == expected.get(gaps, finding.message)


def test_constants_are_an_info(customers: pd.DataFrame) -> None:
    assert only(customers.assign(country="NO"), "constants").message == "every value is 'NO'"
    assert only(customers.assign(zero=0.0), "constants").message == "every value is 0"
    nearly = customers.assign(country=["SE"] + ["NO"] * 199)
    finding = only(nearly, "constants")
    assert (finding.message, finding.severity, finding.rows) == ("one value makes up all but 1 row", "info", (1,))
    assert not found(customers.assign(country=["SE"] * 2 + ["NO"] * 198), "constants")


def test_mixed_types_are_an_error_with_lines(write: Write) -> None:
    finding = only(write("a,b\n1,x\n2,y\nthree,z\n4,w\n"), "mixed types")
    assert finding == Finding(
        "mixed types", "a", "error", 1, 0.25, "1 value among numbers of another kind, such as 'three'", (4,)
    )
    reverse = only(write("a,b\nBergen,1\nOslo,2\n7,3\n"), "mixed types")
    assert reverse.message == "1 value among text of another kind, such as '7'"


# ---- numbers


def test_a_gross_outlier_is_a_warning(customers: pd.DataFrame) -> None:
    customers.loc[3, "spent"] = 12_000.0
    finding = only(customers, "outliers")
    assert (finding.column, finding.severity, finding.count, finding.rows) == ("spent", "warning", 1, (4,))
    assert finding.message.endswith("(3 interquartile ranges); the farthest is 12,000")


@pytest.mark.parametrize("sigma", [0.3, 1.0, 1.5])
def test_a_long_tail_is_skew_and_no_outlier(sigma: float) -> None:
    income = np.exp(np.random.default_rng(1).normal(8, sigma, 5000))
    frame = pd.DataFrame({"income": income})
    assert not [finding for finding in found(frame, "outliers") if finding.severity != "info"]
    assert bool(found(frame, "skew")) == (sigma >= 1.0)


def test_outliers_are_found_in_a_long_tail_all_the_same() -> None:
    income = np.exp(np.random.default_rng(1).normal(8, 0.5, 500))
    income[10] *= 1e5
    assert only(pd.DataFrame({"income": income}), "outliers").rows == (11,)


def test_small_counts_are_no_outliers() -> None:
    counts = np.random.default_rng(0).poisson(0.9, 3000)
    assert not found(pd.DataFrame({"children": counts}), "outliers")


def test_normal_samples_rarely_show_outliers() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(500, 200))).add_prefix("x")
    findings = check(frame)
    assert {f.severity for f in findings} <= {"info"}
    assert len(findings) <= 3  # of 100,000 values, about one in a million lies beyond the outer fence


@pytest.mark.parametrize(
    ("name", "at", "message"),
    [
        ("visits", -1, "1 value is negative, such as -1, where all others are not"),
        ("visits", -999, "1 value is -999: a code for a missing value?"),
        ("visits", 9999, "1 value is 9999: a code for a missing value?"),
        ("age", 150, "1 value lies beyond 0 to 130, which age cannot, such as 150"),
        ("done_percent", 140, "1 value lies beyond -100 to 100, which percent cannot, such as 140"),
    ],
)
def test_impossible_numbers(name: str, at: float, message: str) -> None:
    values = np.random.default_rng(2).integers(30, 70, 100)
    values[7] = at
    finding = only(pd.DataFrame({name: values}), "ranges")
    assert (finding.message, finding.severity, finding.rows) == (message, "warning", (8,))


def test_negative_numbers_among_others_of_both_signs_are_possible() -> None:
    degrees = np.random.default_rng(0).normal(15, 6.5, 400)  # a mild climate: a few days below zero
    assert (degrees < 0).any()
    assert not found(pd.DataFrame({"temperature": degrees}), "ranges")


def test_a_name_alone_condemns_nothing() -> None:
    shares = np.linspace(-400, 900, 80)  # growth in percent: the name is not meant as a range
    assert not found(pd.DataFrame({"growth percent": shares}), "ranges")


def test_infinite_values() -> None:
    frame = pd.DataFrame({"v": [1.0, np.inf, 3.0, -np.inf]})
    assert only(frame, "ranges").message == "2 values are infinite"


# ---- dates


def test_dates_that_cannot_be(write: Write) -> None:
    dates = [f"2021-03-{day:02d}" for day in range(1, 29)]
    dates[4], dates[9], dates[14] = "2021-02-30", "2199-12-31", "1021-03-01"
    path = write("\n".join(["when", *dates]) + "\n")
    assert [(f.severity, f.message, f.rows) for f in found(path, "dates")] == [
        ("error", "1 value among dates that cannot be read as one, such as '2021-02-30'", (6,)),
        ("warning", "1 date lies in the future, such as 2199-12-31", (11,)),
        ("warning", "1 date lies before 1900, such as 1021-03-01", (16,)),
    ]


def test_dates_that_are_meant_to_lie_ahead(customers: pd.DataFrame) -> None:
    customers.loc[0, "joined"] = pd.Timestamp("2199-01-01")
    assert only(customers, "dates").rows == (1,)
    assert not found(customers.rename(columns={"joined": "valid_until"}), "dates")
    assert not found(customers.assign(joined=pd.Timestamp("2199-01-01")), "dates")


# ---- texts


@pytest.mark.parametrize(
    ("value", "severity", "message"),
    [
        ("MÃ¼nchen", "error", "1 value was decoded with the wrong encoding, such as 'MÃ¼nchen'"),
        ("donâ€™t", "error", "1 value was decoded with the wrong encoding, such as 'donâ€™t'"),
        ("M\ufffdnchen", "error", "1 value holds U+FFFD, which stands for a lost character, such as 'M\ufffdnchen'"),
        ("Rome\x07", "warning", "1 value holds control characters, such as 'Rome\\x07'"),
        ("Ro\u200bme", "warning", "1 value holds characters that nobody sees, such as 'Ro\\u200bme'"),
        ("Rome ", "warning", "1 value has white space at an end, such as 'Rome '"),
    ],
)
def test_broken_text(customers: pd.DataFrame, value: str, severity: str, message: str) -> None:
    customers.loc[5, "name"] = value
    finding = only(customers, "encodings")
    assert (finding.severity, finding.message, finding.rows) == (severity, message, (6,))


# Letters alone: the signs among them, such as ª or ¼, follow no letter in a word.
western = st.characters(codec="latin-1", categories=("L",), exclude_characters="ªºµ")


@given(st.text(western, min_size=1, max_size=12))
def test_genuine_western_words_are_clean_and_their_mojibake_is_not(word: str) -> None:
    frame = pd.DataFrame({"word": ["plain", word]})
    assert not found(frame, "encodings")
    if not word.isascii():
        broken = word.encode().decode("cp1252", errors="ignore")
        if broken.encode("cp1252") == word.encode():
            assert found(pd.DataFrame({"word": ["plain", broken]}), "encodings")[0].severity == "error"


def test_white_space_as_a_habit_or_in_prose_is_an_info(write: Write) -> None:
    habit = write("a, b\nx, y\nz, w\nv, u\n")
    assert {f.severity for f in found(habit, "encodings")} == {"info"}
    prose = pd.DataFrame(
        {"text": ["it rained all day in Bergen ", "nobody came to the door", "so we left early again"]}
    )
    assert only(prose, "encodings").severity == "info"


def test_labels_that_differ_in_spelling_only(customers: pd.DataFrame) -> None:
    customers["city"] = ["Oslo"] * 120 + ["Turin"] * 77 + ["OSLO", "oslo", "turin "]
    finding = only(customers, "cardinality")
    assert (finding.severity, finding.rows) == ("warning", (198, 199, 200))
    assert finding.message == "labels differ in case or spaces only, such as 'Oslo' and 'OSLO'"


@pytest.mark.parametrize(
    ("values", "identifier"),
    [
        ([f"C{i:05d}" for i in range(200)], True),
        ([f"user{i}@example.org" for i in range(200)], True),
        ([f"{i:064x}" for i in range(200)], True),
        ([f"{'abcdefghij'[i // 100]}{'abcdefghij'[i // 10 % 10]}{'abcdefghij'[i % 10]}x" for i in range(200)], True),
        ([f"note {i} of the day" for i in range(200)], False),
        (["abcdefghij"[i // 20] * (i % 20 + 1) for i in range(200)], False),
    ],
)
def test_identifiers_written_as_text(customers: pd.DataFrame, values: list[str], identifier: bool) -> None:
    findings = found(customers.assign(key=values), "cardinality")
    assert [(f.column, f.severity) for f in findings] == ([("key", "info")] if identifier else [])


# ---- the whole


def test_an_unknown_target(customers: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="there is no column 'Left'; columns: name, age, spent"):
        check(customers, "Left")


values = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.text(max_size=5),
    st.dates().map(str),
    st.sampled_from(["1e308", "-1e308", "inf", "0001-01-01", "99/99/2024", "Ã¼", " "]),
)


@given(st.integers(0, 3).flatmap(lambda d: st.lists(st.tuples(*[values] * d), max_size=25)), st.booleans())
def test_any_table_is_checked(rows: list[tuple[object, ...]], named: bool) -> None:
    frame = pd.DataFrame(rows, columns=[f"c{i}" for i in range(len(rows[0]))] if rows else [], dtype=object)
    target = "c0" if named and frame.shape[1] else None
    for finding in check(frame, target):
        assert finding.message
        assert 0.0 <= finding.share <= 1.0
        assert len(finding.rows) <= 5
        assert all(1 <= row <= len(frame) for row in finding.rows)
