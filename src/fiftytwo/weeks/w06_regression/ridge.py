"""Checks of ridge regression: by hand, against scikit-learn, and where digits or columns are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w06_regression.cases import EXACT, Table, ridge_oracle, weights_of

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_ALPHAS = (0.01, 1.0, 100.0)


def ridge(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    """Ridge, from one column to a table without enough rows."""
    yield from _basics(lab, cases)
    yield from _parity(lab, cases)
    yield from _edges(lab, cases)


def _basics(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    X, y = np.array([[-1.0], [0.0], [1.0]]), np.array([1.0, 3.0, 5.0])

    def returns_itself() -> bool:
        model = lab.solution.Ridge()
        return bool(model.fit(X, y) == model)

    yield Check("fit returns the estimator", returns_itself, equals=True,
                why="Chains such as Ridge().fit(X, y).predict(X) depend on it.",
                hint=("End fit with: return self",))  # fmt: skip

    def by_hand() -> Measurement:
        return worst(
            (difference(lab.solution.Ridge(alpha=2.0).fit(X, y).coef_, np.array([1.0]),
                        call="Ridge(alpha=2.0).fit(X, y).coef_", inputs={"X": X, "y": y}),
             difference(lab.solution.Ridge(alpha=2.0).fit(X, y).intercept_, 3.0,
                        call="Ridge(alpha=2.0).fit(X, y).intercept_", inputs={"X": X, "y": y})), EXACT,
        )  # fmt: skip

    yield Check("one column by hand", by_hand, at_most=EXACT,
                why="XᵀX = 2 and Xᵀy = 4 once the means are gone, so w = 4 / (2 + alpha) and b is the mean of y.",
                hint=("Subtract the means of X and y first; then w = Xᵀy / (XᵀX + alpha).",
                      "intercept_ = mean(y) - mean(X) · w"))  # fmt: skip

    def free() -> Measurement:
        X, y = cases["tall"]
        moved = lab.solution.Ridge(5.0).fit(X + 100.0, y + 1000.0)
        return difference(moved.coef_, ridge_oracle(5.0, X, y).coef_, inputs={"X": X, "y": y},
                          call="Ridge(5.0).fit(X + 100.0, y + 1000.0).coef_")  # fmt: skip

    yield Check("the intercept is free", free, at_most=EXACT,
                why="Where zero lies on a scale is a convention; a penalty on the intercept would make it matter.",
                hint=("Moving X or y by a constant must leave coef_ alone.",
                      "Centre both, solve for the coefficients alone, then work the intercept out."))  # fmt: skip


def _parity(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    def compare(name: str, *, fit_intercept: bool = True, weighted: bool = False) -> Measurement:
        option = "" if fit_intercept else ", fit_intercept=False"

        def one(X: Any, y: Any, alpha: float) -> Measurement:
            weights = weights_of(len(y), lab.rng) if weighted else None
            theirs = ridge_oracle(alpha, X, y, weights, fit_intercept=fit_intercept)
            ours = lab.solution.Ridge(alpha, fit_intercept=fit_intercept)
            ours = ours.fit(X, y, weights) if weighted else ours.fit(X, y)
            expected = theirs.coef_ if name == "coef_" else float(theirs.intercept_)
            return difference(getattr(ours, name), expected,
                              call=f"Ridge({alpha}{option}).fit(X, y{', s' if weighted else ''}).{name}",
                              inputs={"X": X, "y": y, **({"s": weights} if weighted else {})})  # fmt: skip

        return worst((one(X, y, alpha) for X, y in cases.values() for alpha in _ALPHAS), EXACT)

    yield Check("ridge coefficients", lambda: compare("coef_"), at_most=EXACT,
                why="The penalty is alpha times the sum of squares, beside a sum of squared residuals, not a mean.",
                hint=("Compare on one column first: w = Xᵀy / (XᵀX + alpha), both centred.",
                      "np.linalg.solve(Xc.T @ Xc + alpha * np.eye(d), Xc.T @ yc)",
                      "Is alpha multiplied by n somewhere? It should not be."))  # fmt: skip
    yield Check("ridge intercept", lambda: compare("intercept_"), at_most=EXACT,
                why="The fitted plane goes through the point of the means.",
                hint=("mean(y) - mean(X) @ coef_",))  # fmt: skip
    yield Check("ridge without intercept", lambda: compare("coef_", fit_intercept=False), at_most=EXACT,
                why="Where the origin is known to be on the plane, nothing may be centred.",
                hint=("fit_intercept=False: no means are subtracted, and intercept_ is 0.",))  # fmt: skip
    yield Check("ridge with weights", lambda: compare("coef_", weighted=True), at_most=EXACT,
                why="A weight of 2 is the row twice, a weight of 0 is no row at all: in the means as well.",
                hint=("Which mean do you centre at? np.average(X, axis=0, weights=s)",
                      "Multiply the centred rows of X and y by np.sqrt(s)."))  # fmt: skip
    yield Check("ridge intercept with weights", lambda: compare("intercept_", weighted=True), at_most=EXACT,
                why="The plane goes through the weighted means.",
                hint=("np.average(y, weights=s) - np.average(X, axis=0, weights=s) @ coef_",))  # fmt: skip

    def predicted() -> Measurement:
        def one(X: Any, y: Any) -> Measurement:
            new = X[::-1] * 2.0 - 1.0
            return difference(lab.solution.Ridge(0.5).fit(X, y).predict(new), ridge_oracle(0.5, X, y).predict(new),
                              call="Ridge(0.5).fit(X, y).predict(Z)", inputs={"X": X, "y": y, "Z": new})  # fmt: skip

        return worst((one(X, y) for X, y in cases.values()), EXACT)

    yield Check("predictions", predicted, at_most=EXACT, why="Coefficients and intercept have to belong together.",
                hint=("LinearRegressor predicts X @ coef_ + intercept_; set both.",))  # fmt: skip


def _edges(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    X, y = cases["long"]
    collinear = np.column_stack([X[:, :2], X[:, 0] + X[:, 1], X[:, 0] - 2.0 * X[:, 1]])

    def least_norm() -> Measurement:
        def one(X: Any, y: Any) -> Measurement:
            expected = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean(), rcond=1e-12)[0]
            return difference(lab.solution.Ridge(alpha=0).fit(X, y).coef_, expected,
                              call="Ridge(alpha=0).fit(X, y).coef_", inputs={"X": X, "y": y})  # fmt: skip

        return worst((one(*table) for table in (*cases.values(), (collinear, y))), EXACT)

    yield Check("alpha=0 is least squares", least_norm, at_most=EXACT,
                why="Where many planes fit equally well, the one with the smallest coefficients is taken.",
                hint=("XᵀX cannot be inverted here: some combination of columns does not vary.",
                      "From the singular values of X, leave out those that are rounding.",
                      "np.linalg.lstsq(Xc, yc) and np.linalg.pinv know how."))  # fmt: skip

    def nearly() -> Measurement:
        def one(unit: float, apart: float) -> Measurement:
            columns = np.column_stack([X[:, 0], X[:, 0] + apart * X[:, 1], X[:, 2]]) * unit
            return difference(lab.solution.Ridge(1e-9).fit(columns, y).coef_, ridge_oracle(1e-9, columns, y).coef_,
                              relative=True, call="Ridge(1e-9).fit(X, y).coef_",
                              inputs={"X": columns, "y": y})  # fmt: skip

        return worst((one(1.0, 1e-5), one(1e4, 1e-6)), 1e-5)

    yield Check("nearly collinear columns", nearly, at_most=1e-5,
                why="XᵀX squares the ratio of the largest to the smallest direction, and loses twice the digits.",
                hint=("How small is the smallest eigenvalue of XᵀX beside the largest?",
                      "Take the singular value decomposition of X where XᵀX is too ill-conditioned.",
                      "V @ (σ / (σ² + alpha) * (Uᵀy))"))  # fmt: skip

    def single() -> Measurement:
        model = lab.solution.Ridge(1.0).fit(X.astype(np.float32), y.astype(np.float32))
        if str(model.coef_.dtype) != "float32":
            return Measurement(np.nan, gate=f"expected coef_ in float32, got {model.coef_.dtype}",
                               inputs={"X": X, "y": y},
                               call="Ridge(1.0).fit(X.astype('float32'), y).coef_")  # fmt: skip
        expected = ridge_oracle(1.0, X.astype(np.float32).astype(float), y.astype(np.float32)).coef_
        return difference(model.coef_, expected, relative=True, inputs={"X": X, "y": y},
                          call="Ridge(1.0).fit(X.astype('float32'), y.astype('float32')).coef_")  # fmt: skip

    yield Check("single precision", single, at_most=1e-6,
                why="float32 in gives float32 out, computed in float64 and rounded once.",
                hint=("self.set_coefficients(coef, intercept, data.dtype) rounds at the end.",
                      "Let every sum run in float64: data.astype(float) before you multiply."))  # fmt: skip

    def one_row() -> Measurement:
        def one(alpha: float) -> Measurement:
            model = lab.solution.Ridge(alpha).fit(X[:1], y[:1])
            got = np.append(model.coef_, model.intercept_)
            return difference(got, np.append(np.zeros(X.shape[1]), y[0]), inputs={"X": X[:1], "y": y[:1]},
                              call=f"Ridge({alpha}).fit(X, y).coef_ and intercept_")  # fmt: skip

        return worst((one(alpha) for alpha in (1.0, 0.0)), EXACT)

    yield Check("one row", one_row, at_most=EXACT,
                why="One row says nothing about any slope: the penalty decides, and the intercept is y itself.",
                hint=("Centred, the row is all zeros; nothing may be divided by zero.",))  # fmt: skip
