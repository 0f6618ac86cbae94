"""Which way a lasso is solved. Size decides, and every way ends at the same coefficients."""

from __future__ import annotations

import contextlib

from mltoolkit.tabular._working_sets import Descend

_GRAM_COLUMNS = 500  # up to here the lasso takes the Gram matrix of all columns, however few rows there are
_COMPILE = 250  # columns times alphas from which the compiled loop makes good the time that it takes to load


def has_gram(n: int, d: int) -> bool:
    """Whether the lasso works on the Gram matrix of all d columns."""
    return n >= d or d <= _GRAM_COLUMNS


def fastest(descend: Descend, d: int, n_alphas: int) -> Descend:
    """The compiled loop where numba is installed and the work makes good the time that loading it takes."""
    if d * n_alphas >= _COMPILE:
        with contextlib.suppress(ImportError):
            from mltoolkit.tabular import _kernels

            compiled: Descend = _kernels.descend
            return compiled
    return descend
