from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mltoolkit.errors import BadInput
from mltoolkit.quality import ChecklistItem, check, eda_checklist

NAMES = (
    "missing",
    "duplicates",
    "constants",
    "outliers",
    "mixed types",
    "cardinality",
    "skew",
    "class balance",
    "leakage suspects",
    "ranges",
    "dates",
    "encodings",
)
FAULTS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "missing": lambda t: t.assign(spent=t["spent"].where(t.index != 3)),
    "duplicates": lambda t: pd.concat([t, t.iloc[[4]]], ignore_index=True),
    "constants": lambda t: t.assign(country="NO"),
    "outliers": lambda t: t.assign(spent=t["spent"].where(t.index != 9, 9e6)),
    "mixed types": lambda t: t.assign(age=t["age"].astype(object).where(t.index != 5, "forty")),
    "cardinality": lambda t: t.assign(key=[f"u-{i:04d}" for i in t.index]),
    "skew": lambda t: t.assign(income=np.exp(np.random.default_rng(0).normal(0, 1.5, len(t)))),
    "class balance": lambda t: t.assign(left=(t.index < 6).astype(int)),
    "leakage suspects": lambda t: t.assign(closed=t["left"] == 1),
    "ranges": lambda t: t.assign(age=t["age"].where(t.index != 2, -5)),
    "dates": lambda t: t.assign(joined=t["joined"].where(t.index != 2, pd.Timestamp("2999-01-01"))),
    "encodings": lambda t: t.assign(name=t["name"].str.replace("Gül", "GÃ¼l")),
}


def test_a_clean_table_is_clear_throughout_and_every_answer_states_its_figures(customers: pd.DataFrame) -> None:
    items = eda_checklist(customers, target="left")
    assert tuple(item.name for item in items) == NAMES
    assert [item for item in items if not item.clear or item.count or item.columns] == []
    details = {item.name: item.detail for item in items}
    joined = customers["joined"]
    skews = customers[["age", "spent", "left"]].skew().abs()
    assert details["missing"] == "none of 1,400 cells is missing"
    assert details["duplicates"] == "none of 200 rows repeats another"
    assert details["constants"] == "every column varies, 'newsletter' the least: 2 different values"
    assert details["outliers"] == "no value lies beyond three interquartile ranges (3 number columns)"
    assert details["mixed types"].startswith("every column holds values of one kind: 2 text, 2 integer")
    assert details["cardinality"].endswith("(2 text columns)")
    assert f"is {skews.max():.2f}, of '{skews.idxmax()}'" in details["skew"]
    assert details["class balance"] == "the rarest of 2 classes has 100 rows (50%)"
    assert details["leakage suspects"] == "none of 6 other columns gives 'left' away"
    assert details["ranges"].endswith("(3 number columns)")
    assert f"between {joined.min():%Y-%m-%d} and {joined.max():%Y-%m-%d} (1 date column)" in details["dates"]
    assert (
        details["encodings"]
        == f"every text is clean ({customers['name'].nunique() + 3} different values in 2 text columns)"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_fault_is_found_where_it_belongs(customers: pd.DataFrame, name: str) -> None:
    items = {item.name: item for item in eda_checklist(FAULTS[name](customers), target="left")}
    assert not items[name].clear
    assert items[name].count >= 1
    # A gross outlier is no more than an outlier; only a negative age may be one besides.
    assert {other for other, item in items.items() if not item.clear} <= {name, "outliers"}


def test_all_faults_at_once_are_all_found(customers: pd.DataFrame) -> None:
    frame = customers
    for name, plant in FAULTS.items():
        if name not in ("class balance", "duplicates"):
            frame = plant(frame)
    frame = frame.assign(left=(frame.index < 6).astype(int), closed=frame.index < 6)
    frame = pd.concat([frame, frame.iloc[[50]]], ignore_index=True)
    assert [item.name for item in eda_checklist(frame, target="left") if item.clear] == []


def test_command_and_checklist_share_their_checks(customers: pd.DataFrame) -> None:
    frame = FAULTS["missing"](FAULTS["outliers"](customers))
    findings = check(frame, "left")
    for item in eda_checklist(frame, target="left"):
        assert item.count == sum(finding.rule == item.name for finding in findings)


def test_several_findings_are_told_by_the_first_and_a_number(customers: pd.DataFrame) -> None:
    frame = customers.assign(spent=np.nan, age=np.nan)
    item = eda_checklist(frame)[0]
    assert item == ChecklistItem("missing", False, 2, ("age", "spent"), "age: every cell is empty; and 1 more")


def test_without_a_target_two_questions_are_not_asked(customers: pd.DataFrame) -> None:
    items = {item.name: item for item in eda_checklist(customers)}
    for name in ("class balance", "leakage suspects"):
        assert items[name] == ChecklistItem(name, True, 0, (), "not asked: no target was named")


def test_a_number_as_target(customers: pd.DataFrame) -> None:
    items = {item.name: item for item in eda_checklist(customers, target="spent")}
    assert items["class balance"].detail == f"'spent' has no classes: {customers['spent'].nunique()} different values"


@pytest.mark.parametrize(
    "frame", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame({"a": [None]}), pd.DataFrame({"a": ["x"]})]
)
def test_the_smallest_tables_are_answered(frame: pd.DataFrame) -> None:
    items = eda_checklist(frame)
    assert tuple(item.name for item in items) == NAMES
    assert all(item.detail for item in items)


def test_an_unknown_target(customers: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="there is no column 'churn'"):
        eda_checklist(customers, target="churn")
