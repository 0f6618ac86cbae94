"""What a working engineer would use: SciPy's entropy and Jensen-Shannon distance, scikit-learn's mutual information."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import mutual_info_score


def entropy(p: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """SciPy's entropy."""
    return scipy.stats.entropy(p, base=base, axis=axis)


def kl_divergence(p: ArrayLike, q: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """SciPy's entropy of two distributions, which is the divergence."""
    return scipy.stats.entropy(p, q, base=base, axis=axis)


def cross_entropy(p: ArrayLike, q: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """The sum of the two: SciPy has no cross-entropy of its own."""
    return entropy(p, base=base, axis=axis) + kl_divergence(p, q, base=base, axis=axis)


def js_divergence(p: ArrayLike, q: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """SciPy's Jensen-Shannon distance, squared."""
    left, right = (np.ravel(p), np.ravel(q)) if axis is None else (p, q)
    return jensenshannon(left, right, base=base, axis=axis or 0) ** 2


def mutual_information(x: ArrayLike, y: ArrayLike | None = None, *, base: float | None = None) -> float:
    """scikit-learn's mutual information, which knows nats alone."""
    nats = mutual_info_score(None, None, contingency=np.asarray(x)) if y is None else mutual_info_score(x, y)
    return float(nats) / (math.log(base) if base else 1.0)
