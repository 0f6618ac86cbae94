"""How far two groupings of the same samples agree.

Reference: Hubert, L., Arabie, P. (1985). Comparing partitions. Journal of Classification 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mltoolkit.metrics._inputs import Inputs


def adjusted_rand(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """Adjusted Rand index: the share of pairs that two groupings treat alike, beyond what chance gives.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)
        Groups of the same samples, numbers or texts. Names do not matter, nor does the order of the two.

    Returns
    -------
    float
        1 for the same groups, 0 on average for groups by chance (of the same sizes), at least -0.5.

    Raises
    ------
    BadInput
        When a grouping is empty or holds NaN, or the lengths differ.

    References
    ----------
    Hubert, L., Arabie, P. (1985). Comparing partitions. Journal of Classification 2, 193-218.

    Examples
    --------
    >>> adjusted_rand([0, 0, 1, 1], ["b", "b", "a", "a"])
    1.0
    >>> round(adjusted_rand([0, 0, 1, 1], [0, 0, 1, 2]), 3)
    0.571
    """
    inputs = Inputs("adjusted_rand")
    codes = []
    for name, labels in (("labels_true", labels_true), ("labels_pred", labels_pred)):
        codes += inputs.labels(**{name: labels})  # one by one: numbers may be compared with texts
    if not inputs.faults:
        inputs.same_length(labels_true=codes[0], labels_pred=codes[1])
    inputs.close()
    first, second = (np.unique(labels, return_inverse=True)[1] for labels in codes)
    both = first.astype(np.int64) * (int(second.max()) + 1) + second
    # Pairs as Python ints: their products pass 2**63 from some hundred thousand samples on.
    together, alike_first, alike_second = (_pairs(groups) for groups in (both, first, second))
    possible = len(first) * (len(first) - 1) // 2
    if alike_first == alike_second == together:  # the same groups, also when all or none are together
        return 1.0
    expected = alike_first * alike_second / possible
    return float((together - expected) / ((alike_first + alike_second) / 2 - expected))


def _pairs(groups: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    """How many pairs of samples are in the same group."""
    counts = np.unique(groups, return_counts=True)[1].astype(np.int64)
    return int(np.sum(counts * (counts - 1) // 2))
