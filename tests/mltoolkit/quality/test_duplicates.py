from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from mltoolkit.quality import Finding, check, read_table
from mltoolkit.quality.duplicates import repeated_rows


def duplicates(frame: pd.DataFrame) -> Finding | None:
    return next((finding for finding in check(frame) if finding.rule == "duplicates"), None)


cells = st.sampled_from(["a", "b", "", "7", "7.5"])


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=30))
def test_repeated_rows_are_those_of_pandas(rows: list[tuple[str, str]]) -> None:
    frame = pd.DataFrame(rows, columns=["x", "y"])
    assert repeated_rows(read_table(frame)).tolist() == frame.duplicated().tolist()


def test_numbers_and_gaps_repeat_as_in_pandas(customers: pd.DataFrame) -> None:
    frame = pd.concat([customers.assign(spent=np.nan), customers.assign(spent=np.nan).head(7)], ignore_index=True)
    assert repeated_rows(read_table(frame)).tolist() == frame.duplicated().tolist()


def test_the_order_of_cells_matters() -> None:
    frame = pd.DataFrame({"x": ["a", "b"], "y": ["b", "a"]})
    assert not repeated_rows(read_table(frame)).any()


def test_a_copied_row_is_a_warning(customers: pd.DataFrame) -> None:
    finding = duplicates(pd.concat([customers, customers.iloc[[4]]], ignore_index=True))
    assert finding is not None
    assert (finding.severity, finding.count, finding.rows) == ("warning", 1, (201,))
    assert finding.message == "1 row repeats an earlier row (0.5%)"


def test_a_copied_row_of_a_small_table_is_a_warning() -> None:
    finding = duplicates(pd.DataFrame({"x": [1, 2, 1], "y": [1, 1, 1]}))
    assert finding is not None
    assert finding.severity == "warning"


def test_the_pair_of_irises_is_chance_and_a_copied_iris_is_not() -> None:
    iris = load_iris(as_frame=True).frame
    finding = duplicates(iris)
    assert finding is not None
    assert finding.severity == "info"
    assert finding.message == "1 row repeats an earlier row (0.67%), as rows of so few different values do by chance"
    copied = duplicates(pd.concat([iris, iris.iloc[[0]]], ignore_index=True))
    assert copied is not None
    assert copied.severity == "warning"


def test_more_rows_than_there_are_different_ones() -> None:
    rng = np.random.default_rng(0)
    finding = duplicates(pd.DataFrame({"sex": rng.choice(["f", "m"], 300), "class": rng.integers(1, 4, 300)}))
    assert finding is not None
    assert finding.severity == "info"


def test_chance_is_told_from_copies_by_simulation() -> None:
    """Independent coarse columns: at least 9 tables in 10 are let pass; with 25 rows copied, none of them is."""
    warned, caught = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.integers(0, 25, (400, 3)), columns=list("xyz"))
        finding = duplicates(frame)
        warned += finding is not None and finding.severity == "warning"
        copied = duplicates(pd.concat([frame, frame.head(25)], ignore_index=True))
        caught += copied is not None and copied.severity == "warning"
    assert warned <= 4
    assert caught == 40
