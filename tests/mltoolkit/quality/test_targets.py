from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

from mltoolkit.quality import Finding, check

RNG = np.random.default_rng


def found(frame: pd.DataFrame, rule: str, target: str) -> list[Finding]:
    return [finding for finding in check(frame, target) if finding.rule == rule]


def suspects(frame: pd.DataFrame, target: str) -> list[str | None]:
    return [finding.column for finding in found(frame, "leakage suspects", target)]


@pytest.mark.parametrize(("rare", "rows"), [(8, 100), (1, 100), (4, 50)])
def test_a_rare_class(rare: int, rows: int) -> None:
    frame = pd.DataFrame({"y": ["no"] * (rows - rare) + ["yes"] * rare})
    (finding,) = found(frame, "class balance", "y")
    assert (finding.severity, finding.count, finding.share) == ("warning", rare, rare / rows)
    assert finding.rows[0] == rows - rare + 1
    assert finding.message.startswith(f"class 'yes' has {rare} row")


def test_balanced_classes_and_numbers_are_no_finding(customers: pd.DataFrame) -> None:
    assert not found(customers, "class balance", "left")
    assert not found(customers, "class balance", "plan")
    assert not found(customers, "class balance", "spent")
    ten = pd.DataFrame({"y": np.arange(500) % 10})  # a tenth each is balanced when there are ten
    assert not found(ten, "class balance", "y")


def test_one_class_is_an_error() -> None:
    (finding,) = found(pd.DataFrame({"y": [1] * 30}), "class balance", "y")
    assert (finding.severity, finding.message) == ("error", "the target has one class: nothing to learn")


def test_what_gives_a_class_away(customers: pd.DataFrame) -> None:
    rng = RNG(0)
    left = customers["left"].to_numpy()
    frame = customers.assign(
        copy=left,
        renamed=np.where(left == 1, "closed", "open"),
        shifted=left * 10.0 + rng.random(200),
        finer=np.where(left == 1, rng.choice(["a", "b"], 200), rng.choice(["c", "d"], 200)),
        nearly=np.where(np.arange(200) == 17, 1 - left, left),
        noisy=np.where(rng.random(200) < 0.2, 1 - left, left),
        key=[f"k{i}" for i in range(200)],
    )
    assert suspects(frame, "left") == ["copy", "renamed", "shifted", "finer", "nearly"]
    messages = {finding.column: finding.message for finding in found(frame, "leakage suspects", "left")}
    assert messages["copy"] == "its value alone settles the target of 100% of the rows"
    assert messages["nearly"] == "its value alone settles the target of more than 99% of the rows"
    assert messages["shifted"] == "thresholds on it separate the classes of the target"


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_strong_features_are_no_leaks(load) -> None:
    assert suspects(load(as_frame=True).frame, "target") == []


def test_a_row_number_of_a_sorted_table_is_a_leak() -> None:
    iris = load_iris(as_frame=True).frame
    assert suspects(iris.assign(id=np.arange(150)), "target") == ["id"]


def test_streaks_over_time_are_no_leak() -> None:
    weather = pd.DataFrame({"day": np.arange(600), "rain": np.arange(600) // 7 % 2})
    assert suspects(weather, "rain") == []


def test_unique_and_noise_columns_are_never_suspects() -> None:
    """A column that fits the rows it has seen and predicts none must not be named, whatever the seed."""
    for seed in range(30):
        rng = RNG(seed)
        frame = pd.DataFrame(
            {
                "y": rng.integers(0, 2, 60),
                "noise": rng.normal(size=60),
                "codes": rng.integers(0, 30, 60).astype(str),
                "key": [f"k{i}" for i in range(60)],
            }
        )
        assert suspects(frame, "y") == []


def test_what_gives_a_number_away() -> None:
    rng = RNG(3)
    price = rng.lognormal(3, 1, 300)
    frame = pd.DataFrame(
        {
            "price": price,
            "with_tax": price * 1.25,
            "log": np.log(price),
            "negative": -price,
            "related": price * rng.lognormal(0, 0.3, 300),
            "text": "x",
            "constant": 1.0,
        }
    )
    assert suspects(frame, "price") == ["with_tax", "log", "negative"]


def test_few_rows_and_gaps_accuse_nobody() -> None:
    frame = pd.DataFrame({"y": [0, 1] * 8, "copy": [0, 1] * 8})
    assert suspects(frame, "y") == []
    frame = pd.DataFrame({"y": [0, 1] * 50, "copy": [0, 1] * 5 + [None] * 90})
    assert suspects(frame, "y") == []
    frame = pd.DataFrame({"y": ["a", "b"] * 30, "beyond": [np.inf, -np.inf] * 25 + [1.0] * 10})
    assert suspects(frame, "y") == []
