"""Checks of what surrounds a fit: names of columns, pipelines, bad data and bad parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal
from fiftytwo.weeks.w06_regression.cases import EXACT, Table

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_MODELS = ("Ridge", "Lasso", "RidgeCV")


def edges(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    """Company that an estimator keeps, and what it has to refuse."""
    yield from _company(lab, cases)
    yield from _bad_data(lab, cases)
    yield from _bad_parameters(lab, cases)


def _company(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    X, y = cases["long"]

    def names() -> Measurement:
        import pandas as pd

        frame = pd.DataFrame(X, columns=["area", "rooms", "age", "größe", "km"])
        wanted = ", ".join(frame.columns)

        def one(model: str) -> Measurement:
            learned = getattr(lab.solution, model)().fit(frame, y)
            got = ", ".join(map(str, learned.feature_names_in_))
            return Measurement(float(got == wanted), call=f"{model}().fit(frame, y).feature_names_in_", got=got,
                               expected=wanted, inputs={"frame": frame, "y": y})  # fmt: skip

        return first_unclear(map(one, _MODELS))

    yield Check("names of the columns", names, equals=True,
                why="Coefficients without names get attributed to the wrong columns sooner or later.",
                hint=("self.checked(X, y, sample_weight) sets them.",))  # fmt: skip

    def pipeline() -> Measurement:
        from sklearn.linear_model import Ridge
        from sklearn.model_selection import cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        expected = cross_val_score(make_pipeline(StandardScaler(), Ridge(3.0)), X, y, cv=4)
        got = lab.solution.apply(_scores, X, y)
        return difference(np.asarray(got), expected, inputs={"X": X, "y": y},
                          call="cross_val_score(make_pipeline(StandardScaler(), Ridge(3.0)), X, y, cv=4)")  # fmt: skip

    yield Check("in a pipeline", pipeline, at_most=EXACT,
                why="A pipeline fits its scaler within each fold, which is what keeps the judgement honest.",
                hint=("__init__ stores its arguments under their own names and does nothing else.",
                      "clone copies an estimator from what __init__ stored."))  # fmt: skip

    yield Check("defaults as documented", lambda: _defaults(lab, X, y), equals=True,
                why="Who writes Lasso() relies on what the page says: the numbers are part of the contract.",
                hint=("The signatures of your starter have them; keep them.",))  # fmt: skip


_DEFAULTS: dict[str, dict[str, Any]] = {
    "Ridge": {"alpha": 1.0, "fit_intercept": True},
    "RidgeCV": {"alphas": [0.1, 1.0, 10.0], "fit_intercept": True, "cv": None},
    "Lasso": {"alpha": 1.0, "fit_intercept": True, "max_iter": 1000, "tol": 1e-4},
    "lasso_path": {"alphas": None, "n_alphas": 100, "eps": 1e-3, "max_iter": 1000, "tol": 1e-4},
}


def _defaults(lab: Lab, X: Any, y: Any) -> Measurement:
    """Whether every option is what it is documented to be when nothing is said."""

    def one(name: str, expected: dict[str, Any]) -> Measurement:
        got = lab.solution.apply(_defaults_of, name, X, y)
        return Measurement(float(got == expected), call=f"defaults of {name}", got=str(got), expected=str(expected))

    return first_unclear(one(*item) for item in _DEFAULTS.items())


def _defaults_of(solution: Any, name: str, X: Any, y: Any) -> dict[str, Any]:
    """Runs where the solution lives: a signature is no plain data. The options have to work, too."""
    import inspect

    found = getattr(solution, name)
    if isinstance(found, type):
        found().fit(X, y)
    else:
        found(X - X.mean(axis=0), y - y.mean())
    options = {k: p.default for k, p in inspect.signature(found).parameters.items() if p.default is not p.empty}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}


def _scores(solution: Any, X: Any, y: Any) -> list[float]:
    """Runs where the solution lives, since a pipeline of another process cannot hold its estimator."""
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), solution.Ridge(3.0))
    return [float(score) for score in cross_val_score(model, X, y, cv=4)]


def _bad_data(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    X, y = cases["tall"]
    first = np.arange(len(y)) == 0

    def refused(X: Any, y: Any, s: Any, *mentions: str) -> Callable[[], Measurement]:
        def one(model: str) -> Measurement:
            return refusal(lambda: getattr(lab.solution, model)().fit(X, y, s), call=f"{model}().fit(X, y, s)",
                           mentions=mentions, inputs={"X": X, "y": y, "s": s})  # fmt: skip

        return lambda: first_unclear(map(one, _MODELS))

    for name, action in (
        ("NaN", refused(np.where(first[:, np.newaxis], np.nan, X), y, None, "NaN", "missing")),
        ("an infinite target", refused(X, np.where(first, np.inf, y), None, "inf")),
        ("lengths that differ", refused(X, y[:-1], None, "inconsistent", "length", "sample")),
        ("negative weights", refused(X, y, np.where(first, -1.0, 1.0), "negative")),
        ("weights that are all zero", refused(X, y, np.zeros(len(y)), "zero")),
    ):
        yield Check(f"refuses {name}", action, equals=True,
                    why="Bad data that goes in quietly comes out as wrong coefficients.",
                    hint=("self.checked(X, y, sample_weight) refuses all of this.",))  # fmt: skip

    def unfitted() -> Measurement:
        def one(model: str) -> Measurement:
            return refusal(lambda: getattr(lab.solution, model)().predict(X), call=f"{model}().predict(X)",
                           mentions=("not fitted", "fit"), inputs={"X": X})  # fmt: skip

        return first_unclear(map(one, _MODELS))

    yield Check("refuses use before fit", unfitted, equals=True,
                why="NotFittedError says what to do; AttributeError only says that something is missing.",
                hint=("Leave predict to LinearRegressor; set no attribute that ends in _ before fit.",))  # fmt: skip


def _bad_parameters(lab: Lab, cases: Mapping[str, Table]) -> Iterator[Check]:
    X, y = cases["tall"]
    nothing = np.eye(len(y))[0]

    def fit(model: str, given: Mapping[str, Any], *mentions: str) -> Measurement:
        text = ", ".join(f"{name}={value!r}" for name, value in given.items())
        return refusal(lambda: getattr(lab.solution, model)(**given).fit(X, y), call=f"{model}({text}).fit(X, y)",
                       mentions=mentions, inputs={"X": X, "y": y})  # fmt: skip

    def parameters() -> Measurement:
        wrong: list[tuple[str, dict[str, Any], str]] = [
            *(("Ridge", {"alpha": alpha}, "alpha") for alpha in (-1.0, np.nan, np.inf, "much", None)),
            *(("Lasso", {"alpha": alpha}, "alpha") for alpha in (0, -0.5, np.nan)),
            *(("Lasso", {"max_iter": value}, "max_iter") for value in (0, 2.5, -3)),
            *(("Lasso", {"tol": value}, "tol") for value in (-1e-4, np.nan)),
            *(("Lasso", {"alpha": -1.0, "max_iter": 0, "tol": -1.0}, name) for name in ("alpha", "max_iter", "tol")),
            *(("RidgeCV", {"alphas": alphas}, "alphas") for alphas in ([], [1.0, 0.0], [-1.0], [np.nan], ["a"])),
        ]
        return first_unclear(fit(*case) for case in wrong)

    yield Check("refuses bad parameters", parameters, equals=True,
                why="A parameter that makes no sense is told before any sum is made, all faults at once.",
                hint=("alpha of Ridge is finite and at least 0; alpha of Lasso and the alphas of RidgeCV above 0.",
                      "Check in fit, not in __init__: scikit-learn sets parameters later too.",
                      "number_fault, count_fault and grid_fault of mltoolkit.tabular.linear say what is wrong, and "
                      "refuse_faults raises it."))  # fmt: skip

    def path() -> Measurement:
        def one(given: dict[str, Any], mention: str) -> Measurement:
            text = ", ".join(f"{name}={value!r}" for name, value in given.items())
            return refusal(lambda: lab.solution.lasso_path(X, y, **given), call=f"lasso_path(X, y, {text})",
                           mentions=(mention,), inputs={"X": X, "y": y})  # fmt: skip

        return first_unclear(
            one(*case) for case in (({"alphas": [1.0, -1.0]}, "alphas"), ({"n_alphas": 0}, "n_alphas"),
                                    ({"eps": 1.0}, "eps"), ({"eps": 0.0}, "eps"), ({"tol": -1.0}, "tol"),
                                    ({"max_iter": 0}, "max_iter"))
        )  # fmt: skip

    yield Check("a path refuses bad parameters", path, equals=True,
                why="A grid that does not fall, or falls to nothing, is no path.",
                hint=("eps is strictly between 0 and 1.",))  # fmt: skip

    def left_with_nothing() -> Measurement:
        return first_unclear((
            refusal(lambda: lab.solution.RidgeCV().fit(X, y, nothing), call="RidgeCV().fit(X, y, s)",
                    mentions=("weight", "row"), inputs={"X": X, "y": y, "s": nothing}),
            refusal(lambda: lab.solution.RidgeCV().fit(X[:1], y[:1]), call="RidgeCV().fit(X[:1], y[:1])",
                    mentions=("sample", "row"), inputs={"X": X, "y": y}),
        ))  # fmt: skip

    yield Check("refuses to leave out the only row", left_with_nothing, equals=True,
                why="With one row of a weight above 0, leaving it out leaves nothing to learn from.",
                hint=("self.checked(X, y, sample_weight, least_rows=2)",
                      "Count the weights that are above 0."))  # fmt: skip

    def limits() -> Measurement:
        def one(model: str, given: dict[str, Any]) -> Measurement:
            size = np.shape(getattr(lab.solution, model)(**given).fit(X, y).coef_)
            return Measurement(float(size == (X.shape[1],)), call=f"{model}({given}).fit(X, y).coef_.shape",
                               got=str(size), expected=str((X.shape[1],)), inputs={"X": X, "y": y})  # fmt: skip

        return first_unclear(
            one(*case) for case in (("Ridge", {"alpha": 0}), ("Ridge", {"alpha": np.int64(2)}),
                                    ("Lasso", {"alpha": np.float32(0.5)}), ("Lasso", {"max_iter": np.int64(500)}),
                                    ("Lasso", {"max_iter": 1, "tol": 10.0}), ("RidgeCV", {"alphas": np.array([1])}),
                                    ("RidgeCV", {"alphas": [1, 2]}))
        )  # fmt: skip

    yield Check("takes the limits", limits, equals=True, why="What is just within the range is within the range.",
                hint=("alpha=0 is a ridge without penalty; a grid of one alpha is a grid; NumPy's numbers are "
                      "numbers.",))  # fmt: skip
