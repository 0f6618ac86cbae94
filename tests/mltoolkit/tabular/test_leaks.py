"""The search for leaks: what was planted is found by its name, and clean tables raise no alarm."""

import numpy as np
import pandas as pd
import pytest

from mltoolkit import datasets
from mltoolkit.tabular import find_leaks


def loans(n=1_000, seed=0):
    """A clean table: income, use of the limit, a region, a balance in whole numbers, and who defaults."""
    rng = np.random.default_rng(seed)
    income, used = rng.normal(10.0, 1.0, n), rng.beta(2, 3, n)
    odds = -1.0 - income + 10.0 + 4.0 * (used - 0.4)
    return pd.DataFrame(
        {
            "income": income,
            "used": used,
            "balance": rng.lognormal(8.0, 1.0, n).astype(int),
            "region": rng.choice(["north", "south", "west"], n),
            "default": (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int),
        }
    )


def found(train, test=None, target="default", **options):
    return [(leak.kind, leak.columns) for leak in find_leaks(train, test, target=target, **options)]


def noisy(y, rng, share):
    return np.where(rng.random(len(y)) < share, 1 - y, y)


COPIES = {
    "itself": lambda y, rng: y,
    "texts": lambda y, rng: np.where(y == 1, "lost", "paid"),
    "on another scale": lambda y, rng: np.exp(3.0 * y) + 0.1 * rng.random(len(y)),
    "turned round": lambda y, rng: -5.0 * y + rng.normal(0.0, 0.2, len(y)),
    "one in a hundred wrong": lambda y, rng: noisy(y, rng, 0.01),
    "one in a hundred wrong, in hiding": lambda y, rng: noisy(y, rng, 0.01) * 2.0 + rng.random(len(y)),
    "neither rising nor falling": lambda y, rng: (
        np.where(y == 1, 0.0, rng.choice([-1.0, 1.0], len(y))) + 0.1 * rng.normal(size=len(y))
    ),
    "truth values": lambda y, rng: y == 0,
}


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("seed", range(3))
def test_copies_of_classes_are_found(copy, seed):
    table = loans(seed=seed)
    table["status"] = COPIES[copy](table["default"].to_numpy(), np.random.default_rng(seed))
    assert found(table) == [("target copy", ("status",))]


@pytest.mark.parametrize("change", [lambda y: y, lambda y: np.exp(y / 50.0), lambda y: -(y**3), lambda y: 2 * y + 7])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_copies_of_a_quantity_are_found(change, noise):
    rng = np.random.default_rng(99)
    table = loans()
    y = 100 + 10 * table["income"] + 20 * rng.standard_normal(len(table))
    table["price"], table["tax"] = y, change(y + noise * y.std() * rng.standard_normal(len(y)))
    assert found(table, target="price") == [("target copy", ("tax",))]


@pytest.mark.parametrize("seed", range(3))
def test_columns_written_after_the_outcome_are_found(seed):
    rng = np.random.default_rng(seed)
    table = loans(seed=seed)
    bad = table["default"] == 1
    table["recovered"] = np.where(bad & (rng.random(len(table)) < 0.6), rng.uniform(0, 500, len(table)), np.nan)
    assert found(table) == [("future", ("recovered",))]
    table["recovered"] = np.where(bad & (rng.random(len(table)) < 0.6), np.nan, rng.uniform(0, 500, len(table)))
    assert found(table) == [("future", ("recovered",))]


def test_dates_after_the_rows_own_time_are_found():
    table = loans()
    table["applied"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(len(table)), unit="h")
    days = np.random.default_rng(0).integers(1, 60, len(table))
    table["born"] = table["applied"] - pd.to_timedelta(9_000 + days, unit="D")
    assert found(table, time="applied") == []
    table["closed"] = table["applied"] + pd.to_timedelta(days, unit="D")
    assert found(table, time="applied") == [("future", ("closed",))]


def test_the_target_of_a_later_row_is_found_and_of_an_earlier_one_is_not():
    rng = np.random.default_rng(0)
    series = pd.DataFrame({"hour": np.arange(500), "load": np.cumsum(rng.normal(size=500))})
    series["before"] = series["load"].shift(1)
    assert found(series, target="load", time="hour") in ([], [("target copy", ("before",))])  # a walk predicts itself
    series["load"] = rng.normal(size=500)
    series["before"], series["after"] = series["load"].shift(1), series["load"].shift(-2)
    assert found(series, target="load", time="hour") == [("future", ("after",))]


def test_a_training_part_later_than_the_test_part_is_found():
    table = loans().assign(month=np.arange(1_000) // 50)
    assert found(table[:700], table[700:], time="month") == []
    mixed = table.sample(frac=1.0, random_state=0)
    assert found(mixed[:700], mixed[700:], time="month") == [("future", ("month",))]


def identities(n, style):
    numbers = np.arange(n)
    if style == "texts":
        return np.array([f"C{i:06d}" for i in numbers])
    return numbers + 10_001 if style == "rows" else 7 * numbers + 3


@pytest.mark.parametrize("style", ["rows", "steps", "texts"])
def test_numbers_of_rows_that_carry_the_answer_are_found_and_others_are_not(style):
    table = loans()
    table["customer"] = identities(len(table), style)
    assert found(table) == []
    ordered = table.sort_values("default", kind="stable").reset_index(drop=True)
    ordered["customer"] = identities(len(table), style)
    assert found(ordered) == [("identity", ("customer",))]
    assert found(ordered.sample(frac=1.0, random_state=1)) == [("identity", ("customer",))]


def test_rows_on_both_sides_are_found():
    table = loans().assign(customer=np.arange(1_000))
    train, test = table[:700], table[700:]
    assert found(train, test) == []
    again = pd.concat([test, train.sample(20, random_state=0).assign(customer=np.arange(5_000, 5_020))])
    assert found(train, again) == [("duplicate", ())]


def test_rows_that_are_alike_because_columns_are_coarse_raise_no_alarm():
    rng = np.random.default_rng(0)
    coarse = pd.DataFrame(rng.integers(0, 3, (1_000, 4)), columns=list("abcd")).assign(y=rng.integers(0, 2, 1_000))
    assert found(coarse[:700], coarse[700:], target="y") == []


def test_groups_on_both_sides_are_found():
    table = loans().assign(patient=np.arange(1_000) // 10)
    assert found(table[:700], table[700:], group="patient") == []
    assert found(table[:705], table[705:], group="patient") == [("group", ("patient",))]
    leak = find_leaks(table[:705], table[705:], target="default", group="patient")[0]
    assert leak.evidence["groups"] == 1.0
    assert "1 values of 'patient' are on both sides" in leak.message


def split(table, seed):
    order = np.random.default_rng(seed).permutation(len(table))
    cut = 7 * len(table) // 10
    return table.iloc[order[:cut]], table.iloc[order[cut:]]


@pytest.mark.parametrize("name", ["digits", "wine", "iris", "breast-cancer", "diabetes"])
@pytest.mark.parametrize("seed", range(3))
def test_embedded_tables_raise_no_alarm(name, seed):
    loaded = datasets.load(name)
    table = pd.DataFrame(loaded.data).rename(columns=str).assign(target=loaded.target)
    assert found(*split(table, seed), target="target") == []


@pytest.mark.parametrize("seed", range(10))
def test_simulated_tables_raise_no_alarm(seed):
    rng = np.random.default_rng(seed)
    table = loans(300 + 200 * seed, seed)
    table["strong"] = table["default"] * 2.0 + rng.normal(0.0, 0.8, len(table))
    table.loc[rng.random(len(table)) < 0.1 + 0.2 * table["default"], "income"] = np.nan
    assert found(*split(table, seed)) == []
    prices = table.assign(price=np.exp(table["used"] + 0.3 * rng.standard_normal(len(table))))
    assert found(*split(prices.drop(columns="default"), seed), target="price") == []


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("california-housing", "median_house_value"), ("credit-default", "default.payment.next.month"),
        ("wholesale-customers", "Channel"), ("wholesale-customers", "Region"), ("titanic", "Survived"),
        ("melbourne-housing", "Price"), ("electricity-elec2", None), ("mall-customers", None),
    ],
)  # fmt: skip
def test_real_tables_raise_no_alarm(name, target, shared_data):
    table = datasets.load(name).frame
    target = target or table.columns[-1]
    table = table[table[target].notna()]
    assert found(*split(table, 0), target=target) == []


def test_awkward_tables_are_taken():
    empty = loans()[:0]
    assert found(empty) == []
    assert found(empty, empty, group="region") == []
    assert found(loans(1)) == []
    assert found(loans(50).assign(default=1)) == []
    odd = loans(300).assign(
        nothing=np.nan, same="x", mixed=[1, "a", None] * 100, whole=pd.array([1, None] * 150, dtype="Int64"),
        many=pd.Categorical(np.arange(300) % 7), far=np.where(np.arange(300) == 3, np.inf, 1e308),
    )  # fmt: skip
    odd.loc[5, "default"] = 1
    assert found(*split(odd, 0)) == []
    names = loans(200).rename(columns={"income": "доход"}).rename(columns={"used": 7})
    assert found(names.assign(ответ=names["default"])) == [("target copy", ("ответ",))]


def test_what_is_no_table_or_lacks_columns_is_refused_with_all_faults():
    with pytest.raises(ValueError, match="train is a ndarray, expected a DataFrame; test is a int"):
        find_leaks(np.zeros((3, 2)), 3, target="y")
    table = loans(20)
    with pytest.raises(ValueError, match=r"target='y' is no column .*; group='g' is no column .*; test lacks .*used"):
        find_leaks(table, table.drop(columns="used"), target="y", group="g")
    with pytest.raises(ValueError, match="two columns of one name"):
        find_leaks(pd.concat([table, table[["used"]]], axis=1), target="default")


def test_findings_say_what_to_do():
    table = loans()
    table["status"] = table["default"] * 2
    (leak,) = find_leaks(table, target="default")
    assert "leave it out" in leak.message
    assert leak.evidence["skill"] == 1.0
    with pytest.raises(AttributeError):
        leak.kind = "other"
