"""Week 11: cross-validation, nested search and grouped splits, beside sklearn.model_selection.

Ours and the peer fit the same estimators on the same splits and must give the same scores to the bit. Ours keeps
out-of-fold predictions as well, which the peer's ``cross_validate`` does not. Estimators are cheap where the
cost around a fit is what is measured. Grouped splits are made by different rules, so they are equal when ours are at
least as even: shares of a class over folds, and sizes of folds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn.model_selection as peer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness import Row, main
from mltoolkit.tabular import GroupKFold, StratifiedKFold, cross_validate, nested_cross_validate

rng = np.random.default_rng(0)
ROWS, FEATURES, FOLDS = 2_000, 10, 50
Y = rng.integers(0, 2, ROWS)
X = rng.standard_normal((ROWS, FEATURES)) + 0.3 * Y[:, np.newaxis]
SPLITS = list(peer.StratifiedKFold(FOLDS).split(X, Y))
TALL_Y = rng.integers(0, 2, 20_000)
TALL = rng.standard_normal((20_000, 30)) + 0.1 * TALL_Y[:, np.newaxis]
SCORERS = ["roc_auc", "average_precision", "neg_log_loss", "accuracy"]
PIPELINE = make_pipeline(StandardScaler(), LogisticRegression())
GRID = {"var_smoothing": np.geomspace(1e-12, 1.0, 12).tolist()}
OUTER, INNER = peer.StratifiedKFold(5), peer.StratifiedKFold(5)
GROUPS = rng.integers(0, 5_000, 100_000)
CLASSES = (rng.random(100_000) < rng.beta(1.0, 4.0, 5_000)[GROUPS]).astype(int)
LABELS = rng.integers(0, 20, 1_000_000)


def same_scores(ours: Any, theirs: Any) -> str:
    """Whether every score is the same to the bit."""
    for name, values in ours.scores.items():
        known = theirs[f"test_{name}" if f"test_{name}" in theirs else "test_score"]
        if not np.array_equal(values, known):
            return f"{name} differs by {np.max(np.abs(values - known)):.3g}"
    return ""


def peers_nested() -> tuple[Any, float]:
    """Nested scores and the best of a flat search over the outer splits."""
    search = peer.GridSearchCV(GaussianNB(), GRID, cv=INNER)
    flat = peer.GridSearchCV(GaussianNB(), GRID, cv=OUTER, refit=False).fit(X, Y)
    return peer.cross_val_score(search, X, Y, cv=OUTER), float(flat.best_score_)


def same_nested(ours: Any, theirs: Any) -> str:
    """Whether nested scores and the flat best agree."""
    if not np.array_equal(ours.scores, theirs[0]):
        return "nested scores differ"
    return "" if abs(ours.flat_best - theirs[1]) < 1e-12 else "the flat best differs"


def as_even(ours: Any, theirs: Any) -> str:
    """Whether shares and sizes are at least as even."""

    def uneven(pairs: Any) -> tuple[float, int]:
        shares = [CLASSES[test].sum() / CLASSES.sum() for _, test in pairs]
        sizes = [len(test) for _, test in pairs]
        return max(shares) - min(shares), max(sizes) - min(sizes)

    (a, b), (c, d) = uneven(ours), uneven(theirs)
    return "" if a <= c + 1e-3 and b <= max(d, 100) else f"shares differ by {a:.3g} and {c:.3g}, sizes by {b} and {d}"


def same_splits(ours: Any, theirs: Any) -> str:
    """Whether the folds are the same."""
    return "" if all(np.array_equal(a[1], b[1]) for a, b in zip(ours, theirs, strict=True)) else "folds differ"


def run(estimator: Any, data: Any, target: Any, **options: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Ours and the peer's cross_validate with the same arguments."""
    theirs = {name: value for name, value in options.items() if name != "backend"}
    return (lambda: cross_validate(estimator, data, target, **options),
            lambda: peer.cross_validate(estimator, data, target, **theirs))  # fmt: skip


if __name__ == "__main__":
    cheap = run(GaussianNB(), X, Y, cv=SPLITS, scoring="accuracy")
    several = run(PIPELINE, TALL, TALL_Y, cv=peer.StratifiedKFold(5), scoring=SCORERS)
    workers = run(GaussianNB(), X, Y, cv=SPLITS, scoring="accuracy", n_jobs=2, backend="loky")
    main(
        "crossval",
        [
            Row(
                "cross-validation, cheap fits",
                f"{FOLDS} folds of {ROWS:,} x {FEATURES}, GaussianNB, accuracy; ours keeps predictions",
                'cross_validate(GaussianNB(), X, y, cv=splits, scoring="accuracy")',
                *cheap, same_scores, goal=0.9,
            ),
            Row(
                "cross-validation, four scorers",
                "5 folds of 20,000 x 30, scaler and logistic regression; ours keeps predictions",
                f"cross_validate(pipeline, X, y, cv=StratifiedKFold(5), scoring={SCORERS})",
                *several, same_scores, goal=0.95,
            ),
            Row(
                "cross-validation, two workers",
                f"{FOLDS} folds of {ROWS:,} x {FEATURES}, GaussianNB, accuracy, loky",
                'cross_validate(GaussianNB(), X, y, cv=splits, scoring="accuracy", n_jobs=2)',
                *workers, same_scores, goal=0.8,
            ),
            Row(
                "nested and flat search",
                f"12 configurations, 5 x 5 folds of {ROWS:,} x {FEATURES}, GaussianNB",
                "cross_val_score(GridSearchCV(GaussianNB(), grid, cv=inner), X, y, cv=outer); GridSearchCV(cv=outer)",
                lambda: nested_cross_validate(GaussianNB(), GRID, X, Y, outer=OUTER, inner=INNER),
                peers_nested, same_nested, goal=1.1,
            ),
            Row(
                "stratified groups",
                "100,000 rows in 5,000 groups, 5 folds",
                "StratifiedGroupKFold(5).split(X, y, groups)",
                lambda: list(GroupKFold(5, stratify=True).split(CLASSES, CLASSES, GROUPS)),
                lambda: list(peer.StratifiedGroupKFold(5).split(CLASSES, CLASSES, GROUPS)),
                as_even, goal=5.0,
            ),
            Row(
                "stratified folds",
                "1,000,000 rows of 20 classes, 5 folds",
                "StratifiedKFold(5).split(X, y)",
                lambda: list(StratifiedKFold(5).split(LABELS, LABELS)),
                lambda: list(peer.StratifiedKFold(5).split(LABELS, LABELS)),
                same_splits, goal=1.0,
            ),
        ],
        ("fiftytwo", "numpy", "scipy", "scikit-learn", "joblib"),
        pairs=5,
    )  # fmt: skip
