"""Checks of mixtures with a component that has too few rows, or rows too much alike."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check
from fiftytwo.weeks.w09_clusters.cases import Case, mixture_start

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def collapses(lab: Lab) -> Iterator[Check]:
    """Rows that agree, a component without rows, no volume."""
    rng = lab.rng
    twins = np.vstack([rng.standard_normal((60, 2)), np.full((15, 2), 3.0)])

    def of_two_rows() -> bool:
        model = lab.solution.GaussianMixture(1).fit(np.array([[0.0, 1.0], [4.0, 5.0]]))
        return bool(
            np.allclose(model.means_, [[2.0, 3.0]]) and np.allclose(model.covariances_, [[[4, 4], [4, 4]]], atol=1e-5)
        )

    yield Check(
        "two rows",
        of_two_rows,
        equals=True,
        why="The fewest rows that have a width.",
        hint=("Their mean, and the mean of the outer products of what is left, with reg_covar on the diagonal.",),
    )
    yield Check(
        "rows that agree",
        lambda: _finite(lab.solution.GaussianMixture(3, random_state=0).fit(twins), twins),
        equals=True,
        why="A component on fifteen equal rows has no width, and its likelihood has no bound.",
        hint=("reg_covar on the diagonal keeps every covariance invertible.",),
    )
    lost = {**mixture_start(Case(twins, np.ones(75), np.array([[0.0, 0.0], [1e3, 1e3]])), "full"), "tol": 1e-3}

    def recovers() -> bool:
        model = lab.solution.GaussianMixture(2, **lost).fit(twins)
        return _finite(model, twins) and bool(model.converged_)

    yield Check(
        "a component that no row belongs to",
        recovers,
        equals=True,
        why="Its mean would be 0 / 0; one NaN then spreads to everything.",
        hint=(
            "Where Σᵢ rᵢₖ is next to 0, seed the component anew, such as on the row that is explained worst.",
            "Then go on: there is no earlier bound to compare the next one with.",
        ),
    )

    def told() -> bool:
        flat = np.column_stack([twins, np.zeros(75)])
        return all(bool(lab.solution.apply(_speaks_up, rows)) for rows in (flat, twins))

    yield Check(
        "no volume and no reg_covar",
        told,
        equals=True,
        why="A constant column, or rows that agree: there is no such Gaussian; a clear error or warning is right, and "
        "NaN without a word is not.",
        hint=(
            "ValueError that mentions reg_covar, when a covariance has no Cholesky factor and a new seed cannot help.",
        ),
    )


def _finite(model: Any, X: NDArray[np.float64]) -> bool:
    parts = [np.asarray(getattr(model, name)) for name in ("weights_", "means_", "covariances_")]
    whole = all(np.isfinite(part).all() for part in parts) and np.isfinite(np.asarray(model.score_samples(X))).all()
    return bool(whole and abs(float(parts[0].sum()) - 1.0) < 1e-6)


def _speaks_up(solution: Any, X: NDArray[np.float64]) -> bool:
    """Whether a fit that cannot be is refused, or survives with a warning and finite numbers."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = solution.GaussianMixture(2, reg_covar=0.0, random_state=0).fit(X)
        except ValueError as error:
            return "reg_covar" in str(error)
    told = any(issubclass(one.category, UserWarning) for one in caught)
    return told and bool(np.isfinite(model.means_).all() and np.isfinite(model.covariances_).all())
