"""The skew report: planted skews are found and named, clean samples are left in peace, as often as promised."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from mltoolkit.errors import BadInput
from mltoolkit.tabular import skew_report
from mltoolkit.tabular.skew import _homogeneous, _kolmogorov


def rows(rng, n):
    return pd.DataFrame(
        {
            "amount": rng.lognormal(3, 1, n),
            "share": rng.beta(2, 3, n),
            "count": rng.poisson(3, n),
            "gaps": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "city": rng.choice(["Bonn", "Köln", "Aachen", "Trier"], n, p=[0.4, 0.3, 0.2, 0.1]),
            "street": rng.choice([f"street {i}" for i in range(500)], n),
            "when": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 90, n) * 24.0 + rng.normal(13, 2, n), unit="h"),
        }
    )


def found(offline, online, **options):
    return [(skew.column, skew.kind) for skew in skew_report(offline, online, **options).skews]


def pair(seed=0, n=2_000, m=1_000):
    rng = np.random.default_rng(seed)
    return rows(rng, n), rows(rng, m)


@pytest.mark.parametrize(
    ("column", "kind", "figure", "spoil"),
    [
        ("amount", "scale", 100.0, lambda c: c * 100),
        ("amount", "scale", 0.001, lambda c: c / 1000),
        ("amount", "scale", 12.0, lambda c: c * 12),
        ("share", "scale", -1.0, lambda c: -c),
        ("share", "scale", 1.0, lambda c: c + 0.4),
        ("gaps", "missingness", None, lambda c: c.fillna(0.0)),
        ("share", "missingness", 0.5, lambda c: c.where(np.arange(len(c)) % 2 == 0)),
        ("share", "missingness", 1.0, lambda c: c * np.nan),
        ("city", "encoding", 1.0, lambda c: c.str.upper()),
        ("city", "encoding", 1.0, lambda c: " " + c + " "),
        ("city", "encoding", 1.0, lambda c: c.str[:2] + "1"),
        ("city", "encoding", None, lambda c: c.replace({"Bonn": "Trier", "Trier": "Bonn"})),
        ("share", "encoding", 1.0, lambda c: c.astype(str)),
        ("when", "time", -1.0, lambda c: c - pd.Timedelta(hours=1)),
        ("when", "time", 2.25, lambda c: c + pd.Timedelta(hours=2.25)),
        ("when", "time", None, lambda c: c - pd.Timedelta(days=365)),
        ("when", "time", None, lambda c: c.clip(upper=c.max() - pd.Timedelta(days=30))),
        ("when", "time", 0.0, lambda c: c.dt.normalize()),
        ("share", "distribution", None, lambda c: c**3),
        ("city", "distribution", None, lambda c: c.where(c != "Bonn", "Köln")),
    ],
)
def test_a_planted_skew_is_found_and_named_and_nothing_else(column, kind, figure, spoil):
    offline, online = pair()
    report = skew_report(offline, online.assign(**{column: spoil(online[column])}))
    assert [(skew.column, skew.kind) for skew in report.skews] == [(column, kind)]
    (skew,) = report.skews
    assert skew.found.endswith(".")
    assert skew.action.endswith(".")
    assert skew.p_value <= report.level
    if figure is not None:
        assert skew.figure == pytest.approx(figure, abs=0.06)
    assert not report.clean
    assert f"{column}: {kind}: " in str(report)
    assert report.to_frame()["column"].tolist() == [column]


def test_clean_samples_raise_alarms_as_rarely_as_promised():
    alarms = sum(not skew_report(*pair(seed, 400, 200), alpha=0.05, tolerance=0.0).clean for seed in range(150))
    assert alarms <= 16  # 7.5 expected at most; more than 16 comes by chance once in 300 times


def test_a_clean_report_says_so():
    report = skew_report(*pair(1))
    assert report.clean
    assert str(report).startswith("no skew in 9 tests")
    assert report.to_frame().empty


def test_differences_below_the_tolerance_are_let_be():
    rng = np.random.default_rng(0)
    offline, online = rows(rng, 60_000)[["share"]], rows(rng, 60_000)[["share"]] + 0.02
    assert found(offline, online, tolerance=0.0) == [("share", "scale")]
    assert found(offline, online, tolerance=0.05) == []


def test_a_column_that_is_not_there_online_is_named_and_new_ones_are_let_be():
    offline, online = pair()
    assert found(offline, online.drop(columns="city").assign(more=1)) == [("city", "missingness")]


def test_polars_frames_and_arrays():
    pl = pytest.importorskip("polars")
    offline, online = pair()
    spoiled = online.assign(amount=online["amount"] * 100, when=online["when"] + pd.Timedelta(hours=2))
    assert found(pl.from_pandas(offline), pl.from_pandas(spoiled)) == [("amount", "scale"), ("when", "time")]
    assert found(offline, pl.from_pandas(spoiled)) == [("amount", "scale"), ("when", "time")]
    X = np.random.default_rng(0).normal(5.0, 1.0, (300, 2))
    assert found(X, X[:100] * [1.0, 10.0]) == [("x1", "scale")]


def test_constant_infinite_and_empty_columns():
    n = 50
    same = pd.DataFrame({"one": np.ones(n), "none": np.full(n, np.nan), "inf": np.where(np.arange(n) % 2, np.inf, 1.0),
                         "text": ["a"] * n})  # fmt: skip
    assert found(same, same) == []
    assert found(same, same.assign(one=2.0)) == [("one", "scale")]
    assert found(same, same.assign(text="b")) == [("text", "encoding")]
    assert found(same, same.assign(one=0.0)) == [("one", "scale")]


def test_times_with_a_zone_are_compared_in_utc():
    offline, online = pair()
    there = online.assign(when=online["when"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"))
    assert found(offline.assign(when=offline["when"].dt.tz_localize("UTC")), there) == []


def test_what_is_refused():
    offline, online = pair()
    with pytest.raises(BadInput, match=r"offline has 3 rows.*; alpha=2 .*; tolerance=-1 "):
        skew_report(offline[:3], online, alpha=2, tolerance=-1)
    with pytest.raises(BadInput, match="no column in common"):
        skew_report(offline[["amount"]], online[["share"]])
    with pytest.raises(BadInput, match="1 dimensions"):
        skew_report(np.ones(30), online)


@pytest.mark.parametrize("seed", range(5))
def test_the_tests_are_scipys(seed):
    rng = np.random.default_rng(seed)
    a, b = np.sort(rng.normal(size=200)), np.sort(rng.normal(0.1 * seed, 1.0, 150))
    distance, p = _kolmogorov(a, b)
    peer = ks_2samp(a, b, method="asymp")
    assert distance == pytest.approx(peer.statistic, abs=1e-12)
    assert p == pytest.approx(peer.pvalue, rel=0.05)
    counts = rng.multinomial(300, [0.4, 0.3, 0.2, 0.1], size=2)
    assert _homogeneous(counts) == pytest.approx(chi2_contingency(counts, correction=False).pvalue, rel=1e-9)
