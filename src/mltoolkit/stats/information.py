"""Entropy, divergence and mutual information of counts or probabilities.

Every function takes weights that are not negative, counts or probabilities, and divides them by their sum
itself. Two conventions settle what happens at zero: 0 log 0 is 0, since p log p tends to 0 with p; and what
happens (p > 0) where the model says never (q = 0) is infinitely surprising.

Two choices keep the digits. Weights are divided by the largest before they are added up, so a sum of huge
counts cannot overflow. Logarithms are taken of the weights as they came, not of the shares, so a share too
small for a double (1 in 1e320) still has a finite logarithm and is not taken for "never".

References
----------
Shannon, C. E. (1948). A mathematical theory of communication. Bell System Technical Journal 27(3).
Kullback, S., Leibler, R. A. (1951). On information and sufficiency. Ann. Math. Statist. 22(1).
Lin, J. (1991). Divergence measures based on the Shannon entropy. IEEE Trans. Inf. Theory 37(1).
Cover, T. M., Thomas, J. A. (2006). Elements of Information Theory, 2nd edition, chapter 2. Wiley.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mltoolkit.errors import BadInput

_EXPECTED = "; expected finite counts or probabilities, none negative, not all zero, and a base greater than 1"


def entropy(p: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """Shannon entropy: the surprise of one draw from p, on average.

    H(p) = -Σ pᵢ log pᵢ, between 0 (one outcome is certain) and log k (all k outcomes alike).

    Parameters
    ----------
    p : array-like
        Counts or probabilities: finite numbers, none negative, not all zero. They are divided by their sum
        along ``axis``.
    base : float or None, default None
        Base of the logarithm, greater than 1: 2 for bits, 10 for bans, None for e (nats).
    axis : int or None, default 0
        The axis that runs over the outcomes; None takes the whole array as one distribution.

    Returns
    -------
    float or ndarray
        A number for one distribution, else one per distribution, with the shape of p without ``axis``.

    Raises
    ------
    BadInput
        A ``ValueError`` that names every fault at once: p has no values, holds something that is not a real
        number, NaN, infinity or a negative number, or a distribution in it is all zero; ``base`` is not a
        finite number greater than 1; p has no such ``axis``.

    Examples
    --------
    >>> entropy([0.5, 0.25, 0.25], base=2)
    1.5
    >>> entropy([[10, 7], [10, 0]], base=2)
    array([1., 0.])
    """
    (weights,), unit = _validated("entropy", base, axis, p=p)
    return _result(_expected(weights, -_log_shares(weights, axis), axis), unit)


def cross_entropy(p: ArrayLike, q: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """Cross-entropy: the surprise of one draw from p to somebody who believes q, on average.

    H(p, q) = -Σ pᵢ log qᵢ = H(p) + KL(p ‖ q); infinite when some pᵢ > 0 has qᵢ = 0.

    Parameters
    ----------
    p : array-like
        What happens: counts or probabilities, as for :func:`entropy`.
    q : array-like of the shape of p
        What is believed; the order matters.
    base : float or None, default None
        Base of the logarithm, greater than 1; None for e.
    axis : int or None, default 0
        The axis that runs over the outcomes; None takes the whole array as one distribution.

    Returns
    -------
    float or ndarray
        A number for one pair of distributions, else one per pair, with the shape of p without ``axis``.

    Raises
    ------
    BadInput
        As for :func:`entropy`, for p and q together; also when their shapes differ.

    Examples
    --------
    >>> cross_entropy([1, 1, 0], [2, 1, 1], base=2)
    1.5
    """
    (weights, model), unit = _validated("cross_entropy", base, axis, p=p, q=q)
    return _result(_expected(weights, -_log_shares(model, axis), axis), unit)


def kl_divergence(p: ArrayLike, q: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """Kullback-Leibler divergence of p from q: the extra surprise that believing q costs where p is true.

    KL(p ‖ q) = Σ pᵢ log(pᵢ / qᵢ). Never negative, 0 only when p = q, infinite when some pᵢ > 0 has qᵢ = 0,
    and not symmetric.

    Parameters
    ----------
    p : array-like
        What happens: counts or probabilities, as for :func:`entropy`.
    q : array-like of the shape of p
        What is believed; the order matters.
    base : float or None, default None
        Base of the logarithm, greater than 1; None for e.
    axis : int or None, default 0
        The axis that runs over the outcomes; None takes the whole array as one distribution.

    Returns
    -------
    float or ndarray
        A number for one pair of distributions, else one per pair, with the shape of p without ``axis``.
        Rounding below 0 is cut off.

    Raises
    ------
    BadInput
        As for :func:`cross_entropy`.

    Examples
    --------
    >>> kl_divergence([1, 1, 0], [2, 1, 1], base=2)
    0.5
    >>> kl_divergence([2, 1, 1], [1, 1, 0], base=2)
    inf
    """
    (weights, model), unit = _validated("kl_divergence", base, axis, p=p, q=q)
    return _result(_divergence(weights, _log_shares(model, axis), axis), unit)


def js_divergence(p: ArrayLike, q: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """Jensen-Shannon divergence: how far p and q are, on average, from the distribution halfway between.

    JS(p, q) = (KL(p ‖ m) + KL(q ‖ m)) / 2 with m = (p + q) / 2. Symmetric, and always finite: 0 when p = q
    and log 2 when they share no outcome. Its square root, which SciPy calls ``jensenshannon``, is a metric.

    Parameters
    ----------
    p : array-like
        Counts or probabilities, as for :func:`entropy`.
    q : array-like of the shape of p
        The other distribution. Each is divided by its own sum, so neither counts for more.
    base : float or None, default None
        Base of the logarithm, greater than 1; with 2 the result is between 0 and 1. None for e.
    axis : int or None, default 0
        The axis that runs over the outcomes; None takes the whole array as one distribution.

    Returns
    -------
    float or ndarray
        A number for one pair of distributions, else one per pair, with the shape of p without ``axis``.
        Rounding below 0 is cut off.

    Raises
    ------
    BadInput
        As for :func:`cross_entropy`.

    Examples
    --------
    >>> js_divergence([1, 0], [0, 1], base=2)
    1.0
    """
    (weights, others), unit = _validated("js_divergence", base, axis, p=p, q=q)
    halfway = np.logaddexp(_log_shares(weights, axis), _log_shares(others, axis)) - math.log(2.0)
    return _result((_divergence(weights, halfway, axis) + _divergence(others, halfway, axis)) / 2.0, unit)


def mutual_information(x: ArrayLike, y: ArrayLike | None = None, *, base: float | None = None) -> float:
    """Mutual information: how much surprise knowing one variable takes out of the other.

    I(X; Y) = Σ pᵢⱼ log(pᵢⱼ / (pᵢ pⱼ)), the divergence of the joint distribution from the product of its
    margins. Symmetric; 0 exactly when the two are independent; at most the smaller of their entropies.

    Parameters
    ----------
    x : array-like
        Without y the joint table, shape (r, c): counts or probabilities of each pair, as for
        :func:`entropy`. With y the labels of the first variable, shape (n,): texts, numbers, anything that
        can be told apart; a missing label (NaN or None) is refused.
    y : array-like of shape (n,) or None, default None
        The labels of the second variable, row by row.
    base : float or None, default None
        Base of the logarithm, greater than 1; None for e.

    Returns
    -------
    float
        Rounding below 0 is cut off.

    Raises
    ------
    BadInput
        As for :func:`entropy`; also when a table does not have two dimensions, when labels do not have one
        dimension, have different lengths or are missing.

    Examples
    --------
    >>> mutual_information([[5, 0], [0, 5]], base=2)
    1.0
    >>> mutual_information(["a", "a", "b", "b"], [1, 2, 1, 2])
    0.0
    """
    if y is None:
        (table,), unit = _validated("mutual_information", base, None, dimensions=2, x=x)
        rows, columns = np.nonzero(table)
        weights = table[rows, columns]
    else:  # only the pairs that occur: a table of all pairs would not fit when most labels are different
        codes, unit = _coded(base, x=x, y=y)
        (rows, columns), counts = np.unique(np.stack(codes), axis=1, return_counts=True)
        weights = counts.astype(np.float64)
    shares = _shares(weights, None)
    with np.errstate(divide="ignore"):  # a margin too small for a double belongs to shares that count for nothing
        margins = np.log(np.bincount(rows, shares))[rows] + np.log(np.bincount(columns, shares))[columns]
    return float(_result(_divergence(weights, margins, None), unit))


def _shares(weights: NDArray[Any], axis: int | None) -> NDArray[np.float64]:
    """Weights divided by their sum, which cannot overflow; a share below 1e-308 may become 0."""
    with np.errstate(under="ignore"):
        scaled = weights / weights.max(axis=axis, keepdims=True)
        shares: NDArray[np.float64] = scaled / scaled.sum(axis=axis, keepdims=True)
    return shares


def _log_shares(weights: NDArray[Any], axis: int | None) -> NDArray[np.float64]:
    """Logarithm of each share, also where the share itself is too small for a double; -inf at zero."""
    largest = weights.max(axis=axis, keepdims=True)
    with np.errstate(under="ignore"):
        total = (weights / largest).sum(axis=axis, keepdims=True)
    logs = np.log(weights, out=np.full(weights.shape, -np.inf), where=weights > 0)
    shares: NDArray[np.float64] = logs - np.log(largest) - np.log(total)
    return shares


def _expected(weights: NDArray[Any], values: NDArray[np.float64], axis: int | None) -> Any:
    """Mean of values under the distribution that the weights give; a value that never occurs counts for nothing."""
    shares = _shares(weights, axis)
    terms = np.multiply(shares, values, out=np.zeros(shares.shape), where=shares > 0)
    return terms.sum(axis=axis)


def _divergence(weights: NDArray[Any], log_q: NDArray[np.float64], axis: int | None) -> Any:
    """KL of the weights' distribution from one given by its logarithms."""
    log_p = _log_shares(weights, axis)
    gaps = np.subtract(log_p, log_q, out=np.zeros(log_p.shape), where=weights > 0)
    return np.maximum(_expected(weights, gaps, axis), 0.0)


def _result(nats: Any, unit: float) -> Any:
    """In the unit asked for, as a plain number when it is one; -0.0 becomes 0.0."""
    found = np.asarray(nats) / unit + 0.0
    return found if found.ndim else float(found)


def _validated(
    name: str, base: float | None, axis: int | None, dimensions: int | None = None, **given: ArrayLike
) -> tuple[list[NDArray[np.float64]], float]:
    """Weights as float64 and the natural logarithm of the base, or every fault in one error."""
    arrays, faults = [], []
    for argument, values in given.items():
        try:
            weights = _numbers(values)
        except (TypeError, ValueError, OverflowError):
            faults.append(f"{argument} is not an array of real numbers")
            continue
        arrays.append(weights)
        faults += [f"{argument} {fault}" for fault in _faults_of(weights, axis)]
        if dimensions not in (None, weights.ndim):
            faults.append(f"{argument} has shape {weights.shape}, not two dimensions; for labels give both: (x, y)")
    if len({weights.shape for weights in arrays}) > 1:
        faults.append("p and q have shapes " + " and ".join(str(weights.shape) for weights in arrays))
    unit = _unit(base, faults)
    if faults:
        raise BadInput(f"{name}: " + "; ".join(faults) + _EXPECTED)
    return arrays, unit


def _numbers(values: ArrayLike) -> NDArray[np.float64]:
    """An array of float64, or an error where texts, dates or complex numbers would have to be bent into one."""
    array = np.asarray(values)
    if array.dtype.kind not in "buifO":
        raise TypeError(array.dtype)
    with np.errstate(over="ignore"):  # a long double out of range becomes inf, which is refused by name
        return array.astype(np.float64)


def _faults_of(weights: NDArray[np.float64], axis: int | None) -> list[str]:
    """What keeps weights from being distributions along an axis."""
    if weights.ndim == 0:
        return ["is a single number, not an array"]
    if weights.size == 0:
        return [f"is empty: shape {weights.shape}"]
    checks = {"NaN": np.isnan(weights), "infinity": np.isinf(weights), "a negative number": weights < 0}
    found = [
        f"holds {what} ({np.count_nonzero(bad)} of {bad.size} values, the first at {np.argwhere(bad)[0].tolist()})"
        for what, bad in checks.items()
        if bad.any()
    ]
    if axis is not None and not (isinstance(axis, Integral) and -weights.ndim <= axis < weights.ndim):
        return [*found, f"has {weights.ndim} dimensions and no axis {axis!r}"]
    empty = ~weights.any(axis=axis)
    if empty.any():
        found.append(f"is all zero in {np.count_nonzero(empty)} of {empty.size} distributions")
    return found


def _unit(base: float | None, faults: list[str]) -> float:
    """Natural logarithm of the base."""
    if base is None:
        return 1.0
    if isinstance(base, bool) or not isinstance(base, Real) or not 1.0 < base < math.inf:
        faults.append(f"base={base!r} is not a finite number greater than 1")
        return 1.0
    return math.log(base)


def _coded(base: float | None, **labels: ArrayLike) -> tuple[list[NDArray[np.intp]], float]:
    """Labels as the numbers 0, 1, 2, …, or every fault in one error."""
    import pandas as pd

    codes, faults, shapes = [], [], []
    for argument, values in labels.items():
        array = np.asarray(values, dtype=object)
        shapes.append(array.shape)
        if array.ndim != 1:
            faults.append(f"{argument} has shape {array.shape}, not one dimension")
            continue
        try:
            code, _ = pd.factorize(array)
        except TypeError as error:
            faults.append(f"{argument} holds a label that cannot be compared ({error})")
            continue
        codes.append(code)
        if missing := np.count_nonzero(code < 0):
            faults.append(f"{argument} holds {missing} missing labels (NaN or None), the first at [{np.argmin(code)}]")
        if not array.size:
            faults.append(f"{argument} is empty")
    if len(set(shapes)) > 1:
        faults.append("x and y have shapes " + " and ".join(map(str, shapes)))
    unit = _unit(base, faults)
    if faults:
        raise BadInput("mutual_information: " + "; ".join(faults) + "; expected one label per row in both")
    return codes, unit
