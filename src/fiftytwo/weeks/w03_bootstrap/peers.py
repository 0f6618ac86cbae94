"""What a working engineer would use: SciPy's bootstrap, with this week's interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from mltoolkit.stats.results import Interval

_CELLS = 2**20  # numbers that SciPy gathers at once; without a limit it takes all resamples


def bootstrap_ci(
    data: ArrayLike,
    statistic: str | Callable[..., Any] = "mean",
    *,
    method: str = "bca",
    confidence: float = 0.95,
    n_resamples: int = 9999,
    random_state: Any = None,
) -> Interval:
    """scipy.stats.bootstrap; it has no studentized interval, so that one becomes BCa."""
    x = np.asarray(data, dtype=float)
    named: Mapping[str, Callable[..., Any]] = {"mean": np.mean, "median": np.median}
    function = named[statistic] if isinstance(statistic, str) else statistic
    found = stats.bootstrap(
        (x,),
        function,
        axis=-1,
        method={"percentile": "percentile", "basic": "basic"}.get(method, "BCa"),
        confidence_level=confidence,
        n_resamples=n_resamples,
        batch=max(1, _CELLS // x.size),
        rng=random_state,
    )
    low, high = found.confidence_interval
    return Interval(low, high, function(x, axis=-1), found.standard_error, confidence, method, n_resamples)
