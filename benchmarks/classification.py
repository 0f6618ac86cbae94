"""Week 7: logistic regression whose C is chosen by cross-validation, beside scikit-learn's.

Ten values of C on five stratified folds, then a fit of all rows, each side with its defaults, but for the score:
the logarithmic loss on both sides, so that both choose by one measure (scikit-learn's default is to count the rows
that are right). scikit-learn goes down a path for every fold by L-BFGS, each fit started from the one before; ours
takes all folds down one path. Equal: the same grid, the mean log loss at every C to 1e-3 of itself, and either the same
C with coefficients to 1% of the largest, or a C that is as good to 1e-5 in the peer's own eyes: the tolerance is 1e-4
on both sides, in gradients of different scale.

The standard columns are what a peer is fastest on; the others have scales from a tenth to ten, as tables do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import linear_model

from harness import Row, main
from mltoolkit.tabular import LogisticRegressionCV

CS, FOLDS = 10, 5
N, D = 20_000, 50


def loans(scales: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Correlated columns of given scales, and outcomes of which a fifth are ones."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, D)) + 0.5 * rng.standard_normal((N, 1))
    scores = 0.3 * X @ rng.standard_normal(D) - 2.0
    return X * scales, (rng.random(N) < 1.0 / (1.0 + np.exp(-scores))).astype(np.int64)


def same(ours: Any, theirs: Any) -> str:
    """Whether both saw the same losses along the path, and chose the same."""
    if not np.allclose(ours.Cs_, theirs.Cs_):
        return "the grids of C differ"
    mine, other = ours.scores_.mean(axis=1), theirs.scores_.reshape(FOLDS, CS).mean(axis=0)
    gap = float(np.max(np.abs(mine / other - 1.0)))
    if gap > 1e-3:
        return f"log losses differ by {gap:.2g}"
    chosen, best = int(np.argmax(mine)), int(np.argmax(other))
    if chosen != best:
        gap = float(other[chosen] / other[best] - 1.0)
        return "" if gap <= 1e-5 else f"C {ours.C_:g} and {ours.Cs_[best]:g}"
    gap = float(np.max(np.abs(ours.coef_ - theirs.coef_)) / np.max(np.abs(ours.coef_)))
    return "" if gap <= 0.01 else f"coefficients differ by {gap:.2g}"


def row(name: str, scales: NDArray[np.float64]) -> Row:
    """One table."""
    X, y = loans(scales)
    return Row(
        f"logistic path, {name}",
        f"{N:,} x {D} float64, {CS} Cs, {FOLDS} folds, two classes",
        f"sklearn LogisticRegressionCV(Cs={CS}, cv={FOLDS}, scoring='neg_log_loss', max_iter=1000)",
        lambda: LogisticRegressionCV(CS, cv=FOLDS).fit(X, y),
        lambda: linear_model.LogisticRegressionCV(
            Cs=CS, cv=FOLDS, scoring="neg_log_loss", max_iter=1000, l1_ratios=(0,), use_legacy_attributes=False
        ).fit(X, y),
        same,
        goal=4.0,
    )


if __name__ == "__main__":
    main(
        "classification",
        [row("standard columns", np.ones(D)), row("columns of many scales", np.geomspace(0.1, 10.0, D))],
        ("fiftytwo", "numpy", "scipy", "scikit-learn"),
        pairs=5,
    )
