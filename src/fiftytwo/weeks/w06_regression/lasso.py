"""Checks of the lasso: by hand, against scikit-learn, its optimality conditions, its stop and its path."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w06_regression.cases import EXACT, TIGHT, Table, largest_alpha, lasso_oracle, weights_of

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_SHARES = (0.5, 0.05)  # of the least alpha at which every coefficient is 0
_TIGHT = ", ".join(f"{name}={value}" for name, value in TIGHT.items())


def lasso(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    """The lasso, then its path."""
    yield from _by_hand(lab)
    yield from _parity(lab, cases)
    yield from _many_columns(lab)
    yield from _optimality(lab, cases)
    yield from _stopping(lab)
    yield from _path(lab, cases)


def _by_hand(lab: Lab) -> Iterator[Check]:
    X = np.array([[-1.0, 0.1], [0.0, -0.2], [1.0, 0.1]])
    y = np.array([1.0, 3.0, 5.0])

    def threshold() -> Measurement:
        def one(alpha: float, expected: float) -> Measurement:
            return difference(lab.solution.Lasso(alpha).fit(X, y).coef_, np.array([expected, 0.0]),
                              call=f"Lasso({alpha}).fit(X, y).coef_", inputs={"X": X, "y": y})  # fmt: skip

        return worst((one(1.0, 0.5), one(0.5, 1.25), one(1.5, 0.0)), EXACT)

    yield Check("soft threshold by hand", threshold, at_most=EXACT,
                why="Xᵀy / n = 4/3 and XᵀX / n = 2/3 for the first column, so w = (4/3 - alpha) / (2/3), or 0.",
                hint=("soft(z, t) = sign(z) · max(|z| - t, 0), with z = Xᵀy / n and t = alpha.",
                      "The objective divides the sum of squares by 2 n: with Xᵀy not divided, t is n · alpha.",
                      "Divide by XᵀX / n after the threshold, not before."))  # fmt: skip

    def constant() -> Measurement:
        columns = np.column_stack([X, np.ones(3)])
        return difference(lab.solution.Lasso(0.5).fit(columns, y).coef_, np.array([1.25, 0.0, 0.0]),
                          call="Lasso(0.5).fit(X, y).coef_", inputs={"X": columns, "y": y})  # fmt: skip

    yield Check("a column that never changes", constant, at_most=EXACT,
                why="It says nothing about y, and dividing by how much it varies would be dividing by 0.",
                hint=("Where XᵀX / n of a centred column is 0, its coefficient stays 0.",))  # fmt: skip


def _parity(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    def compare(*, fit_intercept: bool = True, weighted: bool = False, name: str = "coef_") -> Measurement:
        option = "" if fit_intercept else ", fit_intercept=False"

        def one(X: Any, y: Any, share: float) -> Measurement:
            alpha = share * largest_alpha(X, y)
            weights = weights_of(len(y), lab.rng) if weighted else None
            theirs = lasso_oracle(alpha, X, y, weights, fit_intercept=fit_intercept)
            ours = lab.solution.Lasso(alpha, fit_intercept=fit_intercept, **TIGHT)
            ours = ours.fit(X, y, weights) if weighted else ours.fit(X, y)
            expected = theirs.coef_ if name == "coef_" else float(theirs.intercept_)
            return difference(getattr(ours, name), expected,
                              call=f"Lasso({alpha!r}{option}, {_TIGHT}).fit(X, y{', s' if weighted else ''}).{name}",
                              inputs={"X": X, "y": y, **({"s": weights} if weighted else {})})  # fmt: skip

        return worst((one(X, y, share) for X, y in cases.values() for share in _SHARES), EXACT)

    yield Check("lasso coefficients", compare, at_most=EXACT,
                why="One coordinate at a time, each to its own minimum, leads to the common one.",
                hint=("For column j: residuals with its own part put back, then the soft threshold.",
                      "q = Xᵀr / n; new = soft(q[j] + G[j, j] * w[j], alpha) / G[j, j], with G = XᵀX / n",
                      "After w[j] changed by δ, the residuals change by -δ · X[:, j]."))  # fmt: skip
    yield Check("lasso intercept", lambda: compare(name="intercept_"), at_most=EXACT,
                why="The intercept is not penalised here either.",
                hint=("mean(y) - mean(X) @ coef_",))  # fmt: skip
    yield Check("lasso without intercept", lambda: compare(fit_intercept=False), at_most=EXACT,
                why="Then nothing may be centred.",
                hint=("fit_intercept=False: no means are subtracted, and intercept_ is 0.",))  # fmt: skip
    yield Check("lasso with weights", lambda: compare(weighted=True), at_most=EXACT,
                why="The objective divides by the sum of the weights, so only their ratios matter.",
                hint=("Centre at the weighted means, and divide by sum(s) where there was n.",))  # fmt: skip


def _many_columns(lab: Lab) -> Iterator[Check]:
    rng = np.random.default_rng([lab.seed, 6])
    X = rng.standard_normal((16, 520)) + 1.0
    y = X[:, :3] @ [3.0, -2.0, 1.0] + 0.1 * rng.standard_normal(16) + 20.0
    weights = rng.uniform(1.5, 3.0, 16)
    gaps = np.where(np.arange(16) % 5 == 0, 0.0, weights)
    alpha = 0.7 * largest_alpha(X, y)

    def compare() -> Measurement:
        def one(s: NDArray[np.float64] | None, *, fit_intercept: bool = True) -> Measurement:
            scale = alpha if fit_intercept else 0.7 * float(np.max(np.abs(X.T @ y))) / len(y)
            theirs = lasso_oracle(scale, X, y, s, fit_intercept=fit_intercept)
            ours = lab.solution.Lasso(scale, fit_intercept=fit_intercept, tol=1e-11, max_iter=10_000)
            ours = ours.fit(X, y) if s is None else ours.fit(X, y, s)
            option = "" if fit_intercept else ", fit_intercept=False"
            options = f"{option}, tol=1e-11, max_iter=10000"
            call = f"Lasso({scale!r}{options}).fit(X, y{'' if s is None else ', s'}): coef_, then intercept_"
            return difference(np.append(ours.coef_, ours.intercept_), np.append(theirs.coef_, theirs.intercept_),
                              call=call, inputs={"X": X, "y": y, **({} if s is None else {"s": s})})  # fmt: skip

        return worst((one(None), one(weights), one(gaps), one(None, fit_intercept=False)), EXACT)

    yield Check("many columns, few rows", compare, at_most=EXACT,
                why="With 520 columns and 16 rows the lasso is still well defined, and few columns are in use.",
                hint=("Nothing changes in the sweeps; intercept and weights go the way they do in a tall table.",
                      "To be fast, sweep over the columns in use and look at the others now and then."))  # fmt: skip


def _optimality(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    def conditions() -> Measurement:
        def one(X: Any, y: Any, share: float) -> Measurement:
            alpha = share * largest_alpha(X, y)
            model = lab.solution.Lasso(alpha, **TIGHT).fit(X, y)
            coef = np.asarray(model.coef_)
            pull = (X - X.mean(axis=0)).T @ (y - X @ coef - float(model.intercept_)) / len(y)
            expected = np.where(coef != 0, alpha * np.sign(coef), np.clip(pull, -alpha, alpha))
            call = (
                f"(lambda r: (X - X.mean(axis=0)).T @ r / len(y))(y - Lasso({alpha!r}, {_TIGHT}).fit(X, y).predict(X))"
            )
            return difference(pull, expected, call=call, inputs={"X": X, "y": y})

        return worst((one(X, y, share) for X, y in cases.values() for share in (*_SHARES, 0.01)), EXACT)

    yield Check("optimality conditions", conditions, at_most=EXACT,
                why="At the minimum a column in use pulls with exactly alpha, every other one with at most alpha.",
                hint=("Compute Xᵀr / n, with r the residuals: how large is it for the columns in use?",
                      "A column whose pull exceeds alpha belongs into the model.",
                      "Keep sweeping until the duality gap says that you are there."))  # fmt: skip

    def nothing() -> Measurement:
        X, y = cases["long"]
        top = largest_alpha(X, y)
        counts = [int(np.count_nonzero(lab.solution.Lasso(f * top, **TIGHT).fit(X, y).coef_)) for f in (1.001, 0.999)]
        return difference(np.array(counts), np.array([0, 1]), inputs={"X": X, "y": y},
                          call=f"columns in use at alpha = {1.001 * top:.6g} and {0.999 * top:.6g}")  # fmt: skip

    yield Check("where the first column enters", nothing, at_most=0.0,
                why="Above max |Xᵀy| / n every coefficient is exactly 0; just below, one column is in.",
                hint=("Exactly 0 comes from the threshold, not from rounding.",))  # fmt: skip


def gap_of(X: NDArray[Any], y: NDArray[Any], coef: NDArray[Any], alpha: float) -> float:
    """Duality gap from its definition: primal objective minus dual objective at the scaled residuals."""
    n = len(y)
    X, y = X - X.mean(axis=0), y - y.mean()
    residuals = y - X @ coef
    primal = residuals @ residuals / (2 * n) + alpha * float(np.sum(np.abs(coef)))
    largest = float(np.max(np.abs(X.T @ residuals))) / n
    point = residuals * min(1.0, alpha / largest) if largest > 0 else residuals
    return float(primal - (y @ y - (y - point) @ (y - point)) / (2 * n))


def slow_table(rng: np.random.Generator) -> Table:
    """Columns that resemble each other: descent creeps, long after coefficients seem to stand still."""
    X = rng.standard_normal((60, 1)) + 0.2 * rng.standard_normal((60, 6))
    return X, X @ np.array([5.0, -5.0, 4.0, -4.0, 0.0, 1.0]) + 0.05 * rng.standard_normal(60)


def _stopping(lab: Lab) -> Iterator[Check]:
    X, y = slow_table(lab.rng)
    alpha = 0.01 * largest_alpha(X, y)
    scale = float(np.var(y))
    inputs = {"X": X, "y": y}

    def near() -> Measurement:
        def one(tol: float) -> Measurement:
            coef = np.asarray(lab.solution.Lasso(alpha, tol=tol, max_iter=5000).fit(X, y).coef_)
            call = f"Lasso({alpha!r}, tol={tol}, max_iter=5000).fit(X, y).coef_"
            if coef.shape != (X.shape[1],):
                return difference(coef, np.zeros(X.shape[1]), call=call, inputs=inputs)
            return Measurement(gap_of(X, y, coef, alpha) / (tol * scale), call=call, got=coef, inputs=inputs)

        return worst((one(tol) for tol in (1e-1, 1e-3, 1e-6)), 1.0)

    yield Check("stops when the gap is small", near, at_most=1.001,
                why="The gap over its tolerance: steps get small long before the minimum is near.",
                hint=("A small last step does not mean a small distance to the minimum.",
                      "gap = (1 + s²) r·r / (2 n) + alpha · Σ|w| - s · r·y / n, s = min(1, alpha / max|Xᵀr / n|)",
                      "Stop when gap <= tol * mean((y - mean(y))²)."))  # fmt: skip

    def stated() -> Measurement:
        def one(tol: float) -> Measurement:
            model = lab.solution.Lasso(alpha, tol=tol, max_iter=5000).fit(X, y)
            return difference(model.dual_gap_, gap_of(X, y, np.asarray(model.coef_), alpha), relative=True,
                              call=f"Lasso({alpha!r}, tol={tol}, max_iter=5000).fit(X, y).dual_gap_",
                              inputs=inputs)  # fmt: skip

        return worst((one(tol) for tol in (1e-1, 1e-3)), EXACT)

    yield Check("dual_gap_ is the gap", stated, at_most=EXACT,
                why="It bounds how far the objective is above its minimum, so it has to be the real one.",
                hint=("In the units of the objective: everything over n.",
                      "The residuals times s are feasible in the dual; s is 1 when no column pulls with more than "
                      "alpha.",))  # fmt: skip

    def stops_in_time() -> Measurement:
        counts = [int(lab.solution.Lasso(alpha, tol=tol, max_iter=5000).fit(X, y).n_iter_)
                  for tol in (10.0, 1e-2, 1e-6)]  # fmt: skip
        ordered = counts[0] == 1 and counts[0] < counts[1] < counts[2] < 5000
        return Measurement(float(ordered), call="[Lasso(alpha, tol=t, max_iter=5000).fit(X, y).n_iter_ for t in "
                           "(10, 1e-2, 1e-6)]", got=str(counts), expected="1, then more, then more still",
                           inputs={**inputs, "alpha": alpha})  # fmt: skip

    yield Check("sweeps end in time", stops_in_time, equals=True,
                why="A looser tolerance ends sooner, a tight one later; none runs on to max_iter.",
                hint=("n_iter_ is the number of sweeps over all columns, at least 1.",
                      "Compute the gap after each sweep and stop there."))  # fmt: skip

    def says_so() -> Measurement:
        count, texts = lab.solution.apply(_one_sweep, X, y, alpha)
        good = count == 1 and any("converge" in text for text in texts)
        return Measurement(float(good), call=f"Lasso({alpha!r}, max_iter=1, tol=1e-10).fit(X, y)",
                           got=f"n_iter_ {count}, warnings: {'; '.join(texts) or 'none'}",
                           expected="n_iter_ 1 and a ConvergenceWarning that says it did not converge",
                           inputs=inputs)  # fmt: skip

    yield Check("says when it did not converge", says_so, equals=True,
                why="A result that was not reached has to look different from one that was.",
                hint=("warnings.warn(text, sklearn.exceptions.ConvergenceWarning)",
                      "When the last gap is above the tolerance after max_iter sweeps."))  # fmt: skip


def _one_sweep(solution: Any, X: Any, y: Any, alpha: float) -> tuple[int, list[str]]:
    """Runs where the solution lives: warnings do not cross to another process."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = solution.Lasso(alpha, max_iter=1, tol=1e-10).fit(X, y)
    return int(model.n_iter_), [str(w.message) for w in caught if issubclass(w.category, ConvergenceWarning)]


def _path(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    from sklearn.linear_model import lasso_path as oracle

    def compare(part: int, name: str) -> Measurement:
        def one(X: Any, y: Any) -> Measurement:
            grid = np.geomspace(1.0, 0.02, 8) * float(np.max(np.abs(X.T @ y))) / len(y)
            expected = oracle(X, y, alphas=grid, **TIGHT)[part]
            got = lab.solution.lasso_path(X, y, n_alphas=8, eps=0.02, **TIGHT)[part]
            return difference(got, np.asarray(expected), inputs={"X": X, "y": y},
                              call=f"lasso_path(X, y, n_alphas=8, eps=0.02, {_TIGHT})[{part}]  # {name}")  # fmt: skip

        return worst((one(X - X.mean(axis=0) + 0.1, y - y.mean()) for X, y in cases.values()), EXACT)

    yield Check("grid of the path", lambda: compare(0, "alphas"), at_most=EXACT,
                why="The path starts where the first column enters and falls by a constant factor.",
                hint=("np.geomspace(top, eps * top, n_alphas), with top = max |Xᵀy| / n",))  # fmt: skip
    yield Check("coefficients of the path", lambda: compare(1, "coefs"), at_most=EXACT,
                why="Each solution is the best start for the next, and the path takes the data as it is.",
                hint=("Shape (d, A): a column for each alpha.",
                      "No means are subtracted here; that is for the caller to do.",
                      "Largest alpha first; keep w and the residuals from one alpha to the next."))  # fmt: skip

    def gaps() -> Measurement:
        X, y = slow_table(lab.rng)
        X, y = X - X.mean(axis=0), y - y.mean()
        call = "lasso_path(X, y, n_alphas=6, eps=0.02, tol=0.01)"
        alphas, coefs, got = lab.solution.lasso_path(X, y, n_alphas=6, eps=0.02, tol=0.01)
        shape = np.shape(coefs)
        if shape != (X.shape[1], 6):
            return difference(coefs, np.zeros((X.shape[1], 6)), call=f"{call}[1]", inputs={"X": X, "y": y})
        expected = np.array([gap_of(X, y, coefs[:, k], alphas[k]) for k in range(6)])
        return difference(got, expected, relative=True, call=f"{call}[2]  # dual_gaps", inputs={"X": X, "y": y})

    yield Check("gaps of the path", gaps, at_most=EXACT,
                why="Every point of the path says how exact it is.",
                hint=("dual_gap_ of each alpha, over n like the objective.",))  # fmt: skip

    def any_order() -> Measurement:
        X, y = cases["long"]
        X, y = X - X.mean(axis=0), y - y.mean()
        alphas = np.array([0.3, 2.0, 0.7])
        expected = oracle(X, y, alphas=alphas, **TIGHT)
        got = lab.solution.lasso_path(X, y, alphas=alphas, **TIGHT)
        call = f"lasso_path(X, y, alphas=[0.3, 2.0, 0.7], {_TIGHT})"
        return worst((difference(got[i], np.asarray(expected[i]), call=f"{call}[{i}]", inputs={"X": X, "y": y})
                      for i in (0, 1)), EXACT)  # fmt: skip

    yield Check("alphas in any order", any_order, at_most=EXACT,
                why="They come back falling, each column beside its alpha.",
                hint=("np.sort(alphas)[::-1]",))  # fmt: skip
