"""Checks of the choice of alpha: leave-one-out against fitting n times, folds against a loop over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w06_regression.cases import (
    EXACT,
    Table,
    held_out,
    one_at_a_time,
    ridge_oracle,
    weights_of,
)

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_ALPHAS = np.array([0.01, 0.1, 1.0, 10.0, 100.0])
_CALL = "RidgeCV([0.01, 0.1, 1.0, 10.0, 100.0]"


def choosing(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    """RidgeCV, one row or one fold at a time."""
    yield from _left_out(lab, cases)
    yield from _folds(lab, cases)
    yield from _choice(lab, cases)


def _left_out(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    def compare(*, fit_intercept: bool = True, weighted: bool = False) -> Measurement:
        option = ")" if fit_intercept else ", fit_intercept=False)"

        def one(X: Any, y: Any) -> Measurement:
            weights = weights_of(len(y), lab.rng) if weighted else None
            s = np.ones(len(y)) if weights is None else weights
            by_row = held_out(X, y, _ALPHAS, one_at_a_time(len(y)), weights, fit_intercept=fit_intercept)
            model = lab.solution.RidgeCV(_ALPHAS, fit_intercept=fit_intercept)
            model = model.fit(X, y, weights) if weighted else model.fit(X, y)
            return difference(model.cv_errors_, s @ by_row / s.sum(), relative=True,
                              call=f"{_CALL}{option}.fit(X, y{', s' if weighted else ''}).cv_errors_",
                              inputs={"X": X, "y": y, **({"s": weights} if weighted else {})})  # fmt: skip

        return worst((one(X, y) for X, y in cases.values()), EXACT)

    yield Check("leave-one-out equals brute force", compare, at_most=EXACT,
                why="n fits for the price of one: a residual divided by 1 - h is what leaving the row out gives.",
                hint=("h is the diagonal of the matrix that turns y into its fitted values.",
                      "The intercept is fitted too: it adds 1 / n to each h.",
                      "Xc = U Σ Vᵀ: h = 1/n + Σ_j U_ij² σ_j² / (σ_j² + alpha)"))  # fmt: skip
    yield Check("leave-one-out without intercept", lambda: compare(fit_intercept=False), at_most=EXACT,
                why="Then there is no mean that a row has a share in.",
                hint=("Without intercept, the 1 / n is not there.",))  # fmt: skip
    yield Check("leave-one-out with weights", lambda: compare(weighted=True), at_most=EXACT,
                why="Weighted rows weigh in the fit, in the leverage and in the mean of the errors.",
                hint=("On rows times √s, the intercept's part of h is s / Σ s.",
                      "The mean of the squared errors is weighted too; a row of weight 0 does not count."))  # fmt: skip

    def close() -> Measurement:
        X, y = cases["wide"]
        alphas = np.array([1e-9, 1e-6, 1e-3])
        expected = held_out(X, y, alphas, one_at_a_time(len(y))).mean(axis=0)
        return difference(lab.solution.RidgeCV(alphas).fit(X, y).cv_errors_, expected, relative=True,
                          call="RidgeCV([1e-9, 1e-6, 1e-3]).fit(X, y).cv_errors_",
                          inputs={"X": X, "y": y})  # fmt: skip

    yield Check("leverages close to one", close, at_most=1e-4,
                why="With more columns than rows h is nearly 1, and 1 - h from a subtraction has no digits left.",
                hint=("1 - h can be summed up directly: of terms alpha / (λ + alpha).",
                      "1 - h = Σ_j U_ij² alpha / (σ_j² + alpha), over all n - 1 directions beside the mean.",
                      "The residual is alpha / (σ² + alpha) along each of these directions as well."))  # fmt: skip

    def long() -> Measurement:
        X = lab.rng.standard_normal((1500, 3)) + 2.0
        y = X @ [1.0, 0.0, -1.0] + lab.rng.standard_normal(1500)
        from sklearn.linear_model import RidgeCV

        theirs = RidgeCV(_ALPHAS, store_cv_results=True).fit(X, y)
        return difference(lab.solution.RidgeCV(_ALPHAS).fit(X, y).cv_errors_, theirs.cv_results_.mean(axis=0),
                          relative=True, call=f"{_CALL}).fit(X, y).cv_errors_", inputs={"X": X, "y": y})  # fmt: skip

    yield Check("leave-one-out on many rows", long, at_most=EXACT,
                why="No matrix of n by n is needed for its diagonal.",
                hint=("The rows of Xc V, squared, times 1 / (λ + alpha): a diagonal needs no product of two big "
                      "matrices.",))  # fmt: skip


def _folds(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    def compare(cv: Any, splits: Any, text: str, *, weighted: bool = False) -> Measurement:
        def one(X: Any, y: Any) -> Measurement:
            weights = weights_of(len(y), lab.rng) if weighted else None
            parts = splits(len(y))
            expected = held_out(X, y, _ALPHAS, parts, weights).mean(axis=0)
            model = lab.solution.RidgeCV(_ALPHAS, cv=cv if isinstance(cv, int) else parts)
            model = model.fit(X, y, weights) if weighted else model.fit(X, y)
            return difference(model.cv_errors_, expected, relative=True,
                              call=f"{_CALL}, cv={text}).fit(X, y{', s' if weighted else ''}).cv_errors_",
                              inputs={"X": X, "y": y, "splits": [list(map(np.asarray, p)) for p in parts],
                                      **({"s": weights} if weighted else {})})  # fmt: skip

        return worst((one(X, y) for X, y in cases.values()), EXACT)

    yield Check("folds of consecutive rows", lambda: compare(3, _thirds, "3"), at_most=EXACT,
                why="Everything that is learned, the means too, is learned from the training rows alone.",
                hint=("The means to centre at are those of the training part, in every fold.",
                      "Mean of squared errors within a fold, then the plain mean over the folds.",
                      "sklearn.model_selection.check_cv(cv).split(X, y) yields (train, test) for all forms of "
                      "cv."))  # fmt: skip
    yield Check("folds with weights", lambda: compare(3, _thirds, "3", weighted=True), at_most=EXACT,
                why="Weights count in learning and in judging.",
                hint=("np.average(squared_errors, weights=s[test])",))  # fmt: skip
    yield Check("splits of one's own", lambda: compare("splits", _growing, "splits"), at_most=EXACT,
                why="Time series and groups come with splits in which some rows are never tested.",
                hint=("Do not rely on folds that cover all rows: learn from train, whatever it is.",))  # fmt: skip


def _thirds(n: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    rows = np.arange(n)
    return [(np.setdiff1d(rows, part), part) for part in np.array_split(rows, 3)]


def _growing(n: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    rows = np.arange(n)
    return [(rows[: n // 2], rows[n // 2 : n // 2 + 2]), (rows[: n // 2 + 2], rows[n // 2 + 2 :])]


def _choice(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    def chosen() -> Measurement:
        def one(X: Any, y: Any, cv: Any, splits: Any) -> Measurement:
            errors = held_out(X, y, _ALPHAS, splits).mean(axis=0)
            alpha = float(_ALPHAS[np.argmin(errors)])
            model = lab.solution.RidgeCV(_ALPHAS, cv=cv).fit(X, y)
            call = f"{_CALL}{', cv=3' if cv else ''}).fit(X, y)"
            return worst(
                (difference(model.alpha_, alpha, call=f"{call}.alpha_", inputs={"X": X, "y": y}),
                 difference(model.coef_, ridge_oracle(alpha, X, y).coef_, call=f"{call}.coef_",
                            inputs={"X": X, "y": y}),
                 difference(model.intercept_, float(ridge_oracle(alpha, X, y).intercept_),
                            call=f"{call}.intercept_", inputs={"X": X, "y": y})), EXACT,
            )  # fmt: skip

        return worst((one(X, y, cv, splits(len(y))) for X, y in cases.values()
                      for cv, splits in ((None, one_at_a_time), (3, _thirds))), EXACT)  # fmt: skip

    yield Check("the choice, fitted to all rows", chosen, at_most=EXACT,
                why="Cross-validation chooses alpha; what is handed out has learned from every row.",
                hint=("alpha_ is where cv_errors_ is smallest.",
                      "After the choice, fit Ridge(alpha_) to all of X and y."))  # fmt: skip

    def default() -> Measurement:
        X = cases["long"][0]
        y, noise = X @ np.ones(X.shape[1]), lab.rng.standard_normal(len(X))
        models = [lab.solution.RidgeCV().fit(X, t).alpha_ for t in (y, noise)]
        return difference(np.array(models, dtype=float), np.array([0.1, 10.0]), inputs={"X": X, "y": y, "z": noise},
                          call="[RidgeCV().fit(X, t).alpha_ for t in (y, z)]")  # fmt: skip

    yield Check("default alphas", default, at_most=0.0,
                why="Where y follows X the least penalty is best; where it is noise, the most.",
                hint=("alphas=(0.1, 1.0, 10.0)",))  # fmt: skip
