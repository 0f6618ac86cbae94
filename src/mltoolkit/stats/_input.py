"""What comes in from outside, made into arrays, and everything that is wrong with it.

Nothing here raises: faults are sentences, so that the caller can tell all of them at once.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mltoolkit.stats.results import Binary, Continuous, Population

Array = NDArray[np.float64]

_NOTHING = np.empty((0, 0))


def as_samples(data: ArrayLike) -> tuple[Array, list[str]]:
    """Samples as rows in float64, and what is wrong with them."""
    wanted = "expected (n,), or (m, n) with m samples as rows"
    try:
        raw = np.asarray(data)
    except ValueError:
        return _NOTHING, [f"data has rows of different lengths; {wanted}"]
    if raw.dtype.kind not in "biuf":
        return _NOTHING, [f"data has dtype {raw.dtype}; expected numbers"]
    if raw.ndim not in (1, 2) or len(raw) == 0:
        return _NOTHING, [f"data has shape {raw.shape}; {wanted}, and at least 2 observations"]
    samples = np.atleast_2d(raw.astype(float))
    n = samples.shape[1]
    faults = []
    if n < 2:
        faults.append(f"data has {n} observation{'s' * (n != 1)} a sample; spread cannot be seen in fewer than 2")
    missing, infinite = int(np.isnan(samples).sum()), int(np.isinf(samples).sum())
    if missing or infinite:
        faults.append(f"data has {missing} NaN and {infinite} infinite values; drop or impute them first")
    return samples, faults


def as_units(arm: Any, name: str, binary: bool) -> tuple[Array, list[str]]:
    """Values (n,) or pairs (n, 2) in float64, and what is wrong with them."""
    wanted = "(n,)" if binary else "(n,) or (n, 2)"
    try:
        values = np.asarray(arm)
    except ValueError:
        return _NOTHING, [f"{name} has rows of different lengths; expected {wanted}"]
    if values.dtype.kind not in "biuf":
        return _NOTHING, [f"{name} has dtype {values.dtype}; expected numbers"]
    if not (values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 2 and not binary)):
        return _NOTHING, [f"{name} has shape {values.shape}; expected {wanted}"]
    values = values.astype(float)
    if len(values) < 2:
        return values, [f"{name} has n={len(values)} units; expected at least 2"]
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        return values, [f"{name} has {count} values that are NaN or infinite; drop them first"]
    if binary and not np.isin(values, (0.0, 1.0)).all():
        return values, [f"{name} has values other than 0 and 1; compare means with method='welch'"]
    if values.ndim == 2 and not values[:, 1].mean() > 0.0:
        return values, [f"{name} has denominators whose mean is not positive"]
    return values, []


def shares_of(looks: Any) -> Array | None:
    """The shares of n at which to look, or None where they make no sense."""
    if is_int(looks):
        return np.arange(1, looks + 1) / looks if looks >= 1 else None
    try:
        shares = np.asarray(looks, dtype=float)
    except (TypeError, ValueError):
        return None
    rises = shares.ndim == 1 and shares.size > 0 and shares[0] > 0.0 and bool((np.diff(shares) > 0.0).all())
    return shares if rises and shares[-1] == 1.0 else None


def faults_of_populations(control: Any, treatment: Any) -> list[str]:
    """What is wrong with what is to be simulated."""
    faults = [
        f"{name}={population!r} is none of Binary, Continuous, Ratio"
        for name, population in (("control", control), ("treatment", treatment))
        if not isinstance(population, Population)
    ]
    if not faults and type(control) is not type(treatment):
        faults.append(
            f"control is {type(control).__name__} and treatment {type(treatment).__name__}; compare like with like"
        )
    if not faults:
        faults += [f"control={control!r}: {fault}" for fault in _faults_of(control)]
        faults += [f"treatment={treatment!r}: {fault}" for fault in _faults_of(treatment)]
    return faults


def is_int(value: Any) -> TypeGuard[int]:
    """Whether a value is a whole number; True and False are not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_positive(value: Any) -> TypeGuard[float]:
    """Whether a value is a number above 0 and below infinity."""
    return isinstance(value, Real) and not isinstance(value, bool) and 0.0 < float(value) < np.inf


def is_share(value: Any) -> TypeGuard[float]:
    """Whether a value is a number strictly between 0 and 1."""
    return is_positive(value) and value < 1.0


def _faults_of(population: Population) -> list[str]:
    """What is wrong with a population."""
    if isinstance(population, Binary):
        return [] if _are_numbers(population.rate) and 0.0 <= population.rate <= 1.0 else ["rate is not from 0 to 1"]
    if isinstance(population, Continuous):
        if not _are_numbers(population.mean, population.sd):
            return ["mean and sd are not two finite numbers"]
        return [] if population.sd >= 0.0 else ["sd is negative"]
    try:
        (top, bottom), (sd_top, sd_bottom), rho = population.means, population.sds, population.correlation
    except (TypeError, ValueError):
        return ["means and sds are not pairs"]
    if not _are_numbers(top, bottom, sd_top, sd_bottom, rho):
        return ["means, sds and correlation are not finite numbers"]
    good = {
        "the mean of the denominator is not positive": bottom > 0.0,
        "an sd is negative": min(sd_top, sd_bottom) >= 0.0,
        "correlation is not from -1 to 1": -1.0 <= rho <= 1.0,
    }
    return [fault for fault, holds in good.items() if not holds]


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, Real) and bool(np.isfinite(float(value))) for value in values)
