"""Draw the moments of an arm, look by look, without drawing its units.

Sums are kept around the population's own mean, where they are small, so that subtracting them costs no
digits: with z standard normal, the units are mean + sd z.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mltoolkit.errors import BadInput
from mltoolkit.stats.results import Binary, Continuous, Moments, Population, Ratio

Array = NDArray[np.float64]


def draw_arm(population: Population, sizes: NDArray[np.int64], count: int, rng: np.random.Generator) -> Moments:
    """Moments of ``count`` arms at sizes (L,), which rise; means and variances are (count, L)."""
    if isinstance(population, Binary):
        return _binary(population, sizes, count, rng)
    return (_continuous if isinstance(population, Continuous) else _ratio)(population, sizes, count, rng)  # type: ignore[arg-type]


def _binary(population: Binary, sizes: NDArray[np.int64], count: int, rng: np.random.Generator) -> Moments:
    conversions = rng.binomial(_added(sizes), population.rate, (count, len(sizes))).cumsum(axis=1)
    share = conversions / sizes
    return Moments(sizes, share, share * (1.0 - share) * (sizes / (sizes - 1.0)))


def _continuous(population: Continuous, sizes: NDArray[np.int64], count: int, rng: np.random.Generator) -> Moments:
    added = _added(sizes)
    means = rng.standard_normal((count, len(sizes))) / np.sqrt(added)
    squares = _chi_squared(added - 1, count, rng)
    mean, variance = _running(means, means, squares, added)
    return Moments(sizes, population.mean + population.sd * mean, population.sd**2 * variance)


def _ratio(population: Ratio, sizes: NDArray[np.int64], count: int, rng: np.random.Generator) -> Moments:
    """The pair is (means) + (sds) * (u, rho u + sqrt(1 - rho²) v) with u and v independent.

    Their scatter matrix is Wishart with added - 1 degrees of freedom, drawn by Bartlett's decomposition.
    """
    added = _added(sizes)
    shape = (count, len(sizes))
    u, v = (rng.standard_normal(shape) / np.sqrt(added) for _ in range(2))
    uu = _chi_squared(added - 1, count, rng)
    slope = rng.standard_normal(shape) * (added > 1)
    vv = slope**2 + _chi_squared(np.maximum(added - 2, 0), count, rng)
    mean_u, var_u = _running(u, u, uu, added)
    mean_v, var_v = _running(v, v, vv, added)
    _, cov = _running(u, v, np.sqrt(uu) * slope, added)
    rho, rest = population.correlation, np.sqrt(1.0 - population.correlation**2)
    (top, bottom), (sd_top, sd_bottom) = population.means, population.sds
    y = top + sd_top * mean_u
    x = bottom + sd_bottom * (rho * mean_u + rest * mean_v)
    if not (x > 0.0).all():
        raise BadInput(
            "simulate_ab: in a simulated arm the mean of the denominator is not positive, so its ratio means nothing; "
            "use more units at the first look or a smaller sd"
        )
    ratio = y / x
    of_u, of_v = sd_top - ratio * sd_bottom * rho, -ratio * sd_bottom * rest  # y - ratio x in u and v
    variance = of_u**2 * var_u + 2.0 * of_u * of_v * cov + of_v**2 * var_v
    return Moments(sizes, ratio, np.maximum(variance, 0.0) / x**2)


def _added(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Units that each look adds."""
    return np.diff(sizes, prepend=0)


def _chi_squared(freedom: NDArray[np.int64], count: int, rng: np.random.Generator) -> Array:
    """Chi-squared numbers (count, L); 0 where there is no degree of freedom."""
    return 2.0 * rng.standard_gamma(freedom / 2.0, (count, len(freedom)))


def _running(a: Array, b: Array, products: Array, added: NDArray[np.int64]) -> tuple[Array, Array]:
    """Mean of a and covariance of a and b (divisor N - 1) of all units so far.

    ``a`` and ``b`` are the means of what each look added, ``products`` its sum of products around them.
    """
    total = added.cumsum()
    if len(added) == 1:
        return a, products / (total - 1.0)
    mean_a = (added * a).cumsum(axis=1) / total
    mean_b = mean_a if b is a else (added * b).cumsum(axis=1) / total
    around_zero = (products + added * a * b).cumsum(axis=1)
    covariance = (around_zero - total * mean_a * mean_b) / (total - 1.0)
    return mean_a, np.maximum(covariance, 0.0) if b is a else covariance
