from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from mltoolkit.quality.distances import (
    ks_by_chance,
    ks_distance,
    one_sided_by_chance,
    proportions_by_chance,
    psi,
    quantile_bins,
    shares_by_chance,
)
from mltoolkit.quality.pairs import count_values

values = arrays(float, st.integers(1, 60), elements=st.integers(-6, 6).map(float))
two_counts = st.integers(2, 12).flatmap(
    lambda k: st.tuples(
        arrays(np.int64, k, elements=st.integers(0, 50)), arrays(np.int64, k, elements=st.integers(0, 50))
    )
)


@given(values, values)
def test_the_distance_is_its_definition(one: np.ndarray, other: np.ndarray) -> None:
    found = count_values(one, other)
    gaps = [np.mean(other <= value) - np.mean(one <= value) for value in found.values]
    assert ks_distance(found.before, found.after) == pytest.approx(np.abs(gaps).max(), abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(500, 300), (150, 5000), (100_000, 100_000)])
def test_its_probability_is_scipys(n: int, m: int) -> None:
    rng = np.random.default_rng(n + m)
    for shift in (0.0, 0.05, 0.1):
        theirs = stats.ks_2samp(rng.normal(size=n), rng.normal(shift, size=m), method="asymp")
        assert ks_by_chance(float(theirs.statistic), n, m) == pytest.approx(theirs.pvalue, rel=0.03, abs=1e-12)


def test_the_distance_is_scipys() -> None:
    rng = np.random.default_rng(9)
    one, other = rng.poisson(4, 300), rng.poisson(5, 200)
    found = count_values(one, other)
    assert ks_distance(found.before, found.after) == pytest.approx(stats.ks_2samp(one, other).statistic, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (4, 4), (7, 31), (60, 45), (3, 1000)])
def test_with_few_rows_its_probability_is_exact(n: int, m: int) -> None:
    rng = np.random.default_rng(n + m)
    for shift in (0.0, 0.5, 2.0, 9.0):
        theirs = stats.ks_2samp(rng.normal(size=n), rng.normal(shift, size=m), method="exact")
        assert ks_by_chance(float(theirs.statistic), n, m) == pytest.approx(theirs.pvalue, abs=1e-9)


@given(two_counts)
def test_psi_is_its_definition(counts: tuple[np.ndarray, np.ndarray]) -> None:
    before, after = counts
    used = [(int(a), int(b)) for a, b in zip(before, after, strict=True) if a + b]
    k, n, m = len(used), int(before.sum()), int(after.sum())
    brute = 0.0
    for a, b in used if n and m and k > 1 else []:
        p, q = (a + 0.5) / (n + 0.5 * k), (b + 0.5) / (m + 0.5 * k)
        brute += (p - q) * np.log(p / q)
    assert psi(before, after) == pytest.approx(brute, abs=1e-12)


@given(two_counts)
def test_what_should_be_symmetric_is(counts: tuple[np.ndarray, np.ndarray]) -> None:
    before, after = counts
    assert psi(before, after) == pytest.approx(psi(after, before), abs=1e-12)
    assert ks_distance(before, after) == pytest.approx(ks_distance(after, before), abs=1e-12)
    assert shares_by_chance(before, after) == pytest.approx(shares_by_chance(after, before), rel=1e-6)
    bins, mirrored = quantile_bins(before, after), quantile_bins(after, before)
    assert np.array_equal(bins[0], mirrored[1])
    assert np.array_equal(bins[1], mirrored[0])


@given(two_counts)
def test_a_sample_is_at_no_distance_from_itself(counts: tuple[np.ndarray, np.ndarray]) -> None:
    same = counts[0]
    assert psi(same, same) == 0.0
    assert ks_distance(same, same) == 0.0
    assert shares_by_chance(same, same) == pytest.approx(1.0)


def test_psi_near_the_value_without_the_half_rows() -> None:
    before, after = np.array([50_000, 30_000, 20_000]), np.array([40_000, 30_000, 30_000])
    p, q = before / before.sum(), after / after.sum()
    assert psi(before, after) == pytest.approx(float(np.sum((p - q) * np.log(p / q))), rel=1e-4)


def test_chi_squared_is_scipys_where_all_cells_are_full() -> None:
    table = np.array([[10, 20, 30, 40], [15, 25, 20, 60]])
    assert shares_by_chance(*table) == pytest.approx(stats.chi2_contingency(table).pvalue, rel=1e-10)


def test_rare_cells_are_taken_together() -> None:
    rare = np.array([[200, 300, 1, 2, 3, 2], [210, 280, 3, 1, 2, 4]])
    together = np.array([[200, 300, 8], [210, 280, 10]])
    assert shares_by_chance(*rare) == pytest.approx(stats.chi2_contingency(together).pvalue, rel=1e-10)


@pytest.mark.parametrize(("a", "n", "b", "m"), [(1, 100, 10, 120), (0, 30, 0, 40), (5, 5, 0, 5), (300, 1000, 260, 900)])
def test_two_shares_by_the_hypergeometric_law(a: int, n: int, b: int, m: int) -> None:
    greater = stats.fisher_exact([[b, m - b], [a, n - a]], alternative="greater").pvalue
    less = stats.fisher_exact([[b, m - b], [a, n - a]], alternative="less").pvalue
    assert proportions_by_chance(a, n, b, m) == pytest.approx(min(1.0, 2 * min(greater, less)), rel=1e-9)


@pytest.mark.parametrize(("k", "n", "m"), [(1, 10, 10), (3, 50, 20), (10, 100, 100)])
def test_rows_of_one_side_only_by_counting(k: int, n: int, m: int) -> None:
    expected = stats.hypergeom(n + m, k, m).pmf(k)
    assert one_sided_by_chance(k, n, m) == pytest.approx(expected, rel=1e-9)


def test_probabilities_are_uniform_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(3)
    chances = []
    for _ in range(400):
        found = count_values(rng.normal(size=300), rng.normal(size=200))
        chances.append(shares_by_chance(*quantile_bins(found.before, found.after)))
    assert stats.kstest(chances, "uniform").pvalue > 0.01


@given(values, values)
def test_bins_hold_every_row_once_and_are_about_equally_full(one: np.ndarray, other: np.ndarray) -> None:
    found = count_values(one, other)
    before, after = quantile_bins(found.before, found.after)
    assert (before.sum(), after.sum()) == found.sizes
    assert len(before) <= 10
    assert np.all(before + after > 0)


@pytest.mark.parametrize("measure", [psi, ks_distance])
def test_nothing_is_said_of_an_empty_sample(measure: object) -> None:
    empty, full = np.zeros(3, dtype=np.int64), np.array([1, 2, 3])
    assert measure(empty, full) == measure(full, empty) == 0.0  # type: ignore[operator]
    assert shares_by_chance(empty, full) == ks_by_chance(1.0, 0, 6) == proportions_by_chance(0, 0, 1, 6) == 1.0
    assert one_sided_by_chance(0, 3, 3) == one_sided_by_chance(4, 3, 3) == 1.0
    assert [len(side) for side in quantile_bins(empty, empty)] == [0, 0]
