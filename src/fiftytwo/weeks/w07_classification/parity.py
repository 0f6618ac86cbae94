"""Checks of logistic regression against scikit-learn and against what its docstring says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w07_classification.cases import CLOSE, Case, cases_of, oracle

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def logistic(lab: Lab) -> Iterator[Check]:
    """Two classes, more classes, options, solvers."""
    two, three = cases_of(lab.rng, 2), cases_of(lab.rng, 3)
    yield from _basics(lab, two["plain"], three["plain"])
    yield from _coefficients(lab, [*two.values()], [*three.values()])
    yield from _predictions(lab, two["plain"], three["plain"])
    yield from _options(lab, two["weak penalty"], three["weak penalty"])
    yield from _solvers(lab, two, three)


def _basics(lab: Lab, two: Case, three: Case) -> Iterator[Check]:
    def returns_itself() -> bool:
        model = lab.solution.LogisticRegression()
        return bool(model.fit(two.X, two.y) == model)

    yield Check(
        "fit returns the estimator",
        returns_itself,
        equals=True,
        why="Pipelines and chains of calls depend on it.",
        hint=("End fit with: return self",),
    )

    def classes() -> Measurement:
        names = np.array(["late", "paid", "default"])[three.y]
        found = lab.solution.LogisticRegression().fit(three.X, names)
        got = [list(found.classes_), list(found.predict(three.X[:5]))]
        known = oracle(Case(three.X, names, three.weights, 1.0))
        expected = [list(known.classes_), list(known.predict(three.X[:5]))]
        call = "LogisticRegression().fit(X, texts).classes_ and .predict(X[:5])"
        return Measurement(float(got == expected), call=call, got=str(got), expected=str(expected))

    yield Check(
        "classes may be texts",
        classes,
        equals=True,
        why="Labels come as they come; the model numbers them and gives them back.",
        hint=("np.unique(y, return_inverse=True) gives sorted classes and their codes.",
              "predict returns self.classes_[codes]."),
    )  # fmt: skip


def _fit(lab: Lab, case: Case, **options: Any) -> Any:
    return lab.solution.LogisticRegression(case.C, tol=1e-8, **options).fit(case.X, case.y)


def _coefficients(lab: Lab, two: list[Case], three: list[Case]) -> Iterator[Check]:
    def against_oracle(cases: list[Case], name: str) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            return worst(
                (
                    difference(
                        getattr(_fit(lab, case), name),
                        getattr(oracle(case), name),
                        call=f"LogisticRegression({case.C:g}, tol=1e-8).fit(X, y).{name}",
                        inputs={"X": case.X, "y": case.y},
                    )
                    for case in cases
                ),
                10 * CLOSE,
            )

        return measure

    yield Check(
        "coefficients",
        against_oracle(two, "coef_"),
        at_most=10 * CLOSE,
        why="The objective has one minimum, so every right solver finds the same coefficients.",
        hint=("Is the penalty ½‖w‖² and the data's part C times the sum of losses, not their mean?",
              "The gradient is C · Xᵀ(p - y) + w; the Hessian C · Xᵀ diag(p(1-p)) X + I.",
              "Newton: w ← w - H⁻¹ g, with the intercept as one more column that has no penalty."),
    )  # fmt: skip
    yield Check(
        "intercept",
        against_oracle(two, "intercept_"),
        at_most=1e-3,
        why="It sets the average prediction; a penalty on it would tie that to the units of X.",
        hint=("Leave the intercept out of the penalty.",),
    )
    yield Check(
        "coefficients of three classes",
        against_oracle(three, "coef_"),
        at_most=10 * CLOSE,
        why="Softmax with a penalty on every row has one minimum too.",
        hint=("One row of coefficients a class, tied by a softmax: the shape is (K, d).",
              "The gradient is C · (P - Y)ᵀX + W, with Y as one-hot rows.",
              "Blocks of the Hessian: C · Xᵀ diag(pₖ(δₖₗ - pₗ)) X."),
    )  # fmt: skip

    def adds_up() -> Measurement:
        return worst(
            (
                difference(
                    float(np.sum(_fit(lab, case).intercept_)), 0.0, inputs={"X": case.X, "y": case.y},
                    call=f"LogisticRegression({case.C:g}, tol=1e-8).fit(X, y).intercept_.sum()",
                )
                for case in three
            ),
            1e-6,
        )  # fmt: skip

    yield Check(
        "intercepts add up to zero",
        adds_up,
        at_most=1e-6,
        why="A softmax does not see a number that is added to every score, so a rule has to settle it.",
        hint=("Subtract their mean at the end.",),
    )


def _predictions(lab: Lab, two: Case, three: Case) -> Iterator[Check]:
    def against_oracle(name: str) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            return worst(
                (
                    difference(
                        getattr(_fit(lab, case), name)(case.X), getattr(oracle(case), name)(case.X),
                        call=f"LogisticRegression({case.C:g}, tol=1e-8).fit(X, y).{name}(X)",
                        inputs={"X": case.X, "y": case.y},
                    )
                    for case in (two, three)
                ),
                1e-3 if name == "decision_function" else CLOSE,
            )  # fmt: skip

        return measure

    yield Check(
        "decision_function",
        against_oracle("decision_function"),
        at_most=1e-3,
        why="Scores on the scale of log-odds: what calibrators and thresholds work on.",
        hint=("Shape (n,) for two classes, (n, K) for more.", "X @ coef_.T + intercept_"),
    )
    yield Check(
        "predict_proba",
        against_oracle("predict_proba"),
        at_most=CLOSE,
        why="One column a class, in the order of classes_, rows adding up to 1.",
        hint=("For two classes the columns are [1 - p, p].", "scipy.special.expit and softmax do not overflow."),
    )

    def extremes() -> Measurement:
        model = lab.solution.LogisticRegression(100.0).fit(np.array([[-1.0], [1.0]]), np.array([0, 1]))
        slope = float(np.asarray(model.coef_).ravel()[0])
        z = np.array([-800.0, 0.0, 800.0])
        expected = -np.column_stack([np.logaddexp(0.0, z), np.logaddexp(0.0, -z)])
        return difference(
            model.predict_log_proba(z[:, np.newaxis] / slope), expected,
            call="LogisticRegression(100.0).fit([[-1], [1]], [0, 1]).predict_log_proba(z / coef_)",
        )  # fmt: skip

    yield Check(
        "predict_log_proba of extreme scores",
        extremes,
        at_most=1e-6,
        why="The logarithm of a probability that rounds to 0 is still a number; log(predict_proba) loses it.",
        hint=("log p = -log(1 + exp(-z)), and np.logaddexp(0, -z) computes that without overflow.",),
    )


def _options(lab: Lab, two: Case, three: Case) -> Iterator[Check]:
    def compared(case: Case, call: str, got: Any, known: Any) -> Measurement:
        inputs = {"X": case.X, "y": case.y, "weights": case.weights}
        return difference(got.coef_, known.coef_, call=f"{call}.coef_", inputs=inputs)

    def weighted() -> Measurement:
        return worst(
            (
                compared(
                    case, f"LogisticRegression({case.C:g}, tol=1e-8).fit(X, y, sample_weight=weights)",
                    lab.solution.LogisticRegression(case.C, tol=1e-8).fit(case.X, case.y, sample_weight=case.weights),
                    oracle(case, weighted=True),
                )
                for case in (two, three)
            ),
            10 * CLOSE,
        )  # fmt: skip

    yield Check(
        "sample weights",
        weighted,
        at_most=10 * CLOSE,
        why="A weight of two is the same as the row twice.",
        hint=("Weights multiply each row's loss, and so its share of gradient and Hessian.",
              "They do not multiply the penalty, and they are not divided by their sum."),
    )  # fmt: skip

    def balanced() -> Measurement:
        return worst(
            (
                compared(
                    case, f"LogisticRegression({case.C:g}, class_weight={weight!r}, tol=1e-8).fit(X, y)",
                    _fit(lab, case, class_weight=weight), oracle(case, class_weight=weight),
                )
                for case in (two, three)
                for weight in ("balanced", {int(k): 1.0 + 2.0 * int(k) for k in np.unique(case.y)})
            ),
            10 * CLOSE,
        )  # fmt: skip

    yield Check(
        "class weights",
        balanced,
        at_most=10 * CLOSE,
        why="Rare classes can be made to count more.",
        hint=("'balanced' gives each class the factor n / (K · count).",
              "Multiply the factor of each row's class into its sample weight."),
    )  # fmt: skip

    def without_intercept() -> Measurement:
        return worst(
            (
                compared(case, f"LogisticRegression({case.C:g}, fit_intercept=False, tol=1e-8).fit(X, y)",
                         _fit(lab, case, fit_intercept=False), oracle(case, intercept=False))
                for case in (two, three)
            ),
            10 * CLOSE,
        )  # fmt: skip

    yield Check(
        "without an intercept",
        without_intercept,
        at_most=10 * CLOSE,
        why="A model through the origin is sometimes what is meant.",
        hint=("Do not add the column of ones; intercept_ is then zeros.",),
    )


def _solvers(lab: Lab, two: dict[str, Case], three: dict[str, Case]) -> Iterator[Check]:
    def agree() -> Measurement:
        return worst(
            (
                difference(
                    _fit(lab, case, solver=solver).coef_, oracle(case).coef_, inputs={"X": case.X, "y": case.y},
                    call=f"LogisticRegression({case.C:g}, solver={solver!r}, tol=1e-8).fit(X, y).coef_",
                )
                for case in (two["plain"], three["strong penalty"])
                for solver in ("newton", "lbfgs")
            ),
            10 * CLOSE,
        )  # fmt: skip

    yield Check(
        "solvers agree",
        agree,
        at_most=10 * CLOSE,
        why="Two roads to one minimum check each other.",
        hint=("scipy.optimize.minimize(fun, x0, jac=True, method='L-BFGS-B') takes value and gradient at once.",),
    )

    def picks() -> Measurement:
        rng = np.random.default_rng(0)
        y = np.array([0, 1, 0, 1, 1])
        right = 0
        for d, expected in ((3, "newton"), (299, "newton"), (300, "lbfgs")):
            found = lab.solution.LogisticRegression().fit(rng.standard_normal((5, d)), y).solver_
            if found != expected:
                return Measurement(right, call=f"LogisticRegression().fit(X, y).solver_ with {d} columns",
                                   got=str(found), expected=expected)  # fmt: skip
            right += 1
        return Measurement(right)

    yield Check(
        "auto picks by size",
        picks,
        equals=3,
        why="A dense Hessian of many unknowns costs more than many gradients.",
        hint=("Coefficients and intercepts count: 300 unknowns are newton's, 301 lbfgs's.",),
    )

    def confesses() -> Measurement:
        case = two["weak penalty"]
        early = lab.solution.LogisticRegression(case.C, solver="newton", max_iter=1).fit(case.X, case.y)
        late = lab.solution.LogisticRegression(case.C, solver="newton").fit(case.X, case.y)
        got = [bool(early.converged_), int(early.n_iter_[0]), bool(late.converged_)]
        call = "converged_ and n_iter_ after max_iter=1, and converged_ after the default"
        return Measurement(float(got == [False, 1, True]), got=str(got), expected="[False, 1, True]", call=call)

    yield Check(
        "says when it did not converge",
        confesses,
        equals=True,
        why="Coefficients of an unfinished fit look like any others.",
        hint=("Compare the largest entry of the gradient, divided by C and the sum of weights, with tol.",
              "n_iter_ is an array with one entry."),
    )  # fmt: skip

    def separable() -> Measurement:
        X, y = np.arange(-4.0, 5.0)[:, np.newaxis], (np.arange(9) > 4).astype(int)
        case = Case(X, y, np.ones(9), 1e5)
        got = lab.solution.LogisticRegression(1e5).fit(X, y).coef_
        call = "LogisticRegression(1e5).fit(X, y).coef_"
        return difference(got, oracle(case).coef_, call=call, inputs={"X": X, "y": y}, relative=True)

    yield Check(
        "separable classes",
        separable,
        at_most=1e-3,
        why="There the full Newton step overshoots; a step that does not lower the objective has to be shortened.",
        hint=("Halve the step until the objective falls enough (Armijo's rule).",),
    )


def refusals(lab: Lab) -> Iterator[Check]:
    """Bad input, refused clearly."""
    X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 1, 0, 1])
    nan, one = np.array([[0.0], [np.nan], [2.0], [3.0]]), np.zeros(4, dtype=int)
    model = lab.solution.LogisticRegression
    trials: list[tuple[str, Callable[[], Any], str, tuple[str, ...]]] = [
        ("NaN in X", lambda: model().fit(nan, y), "LogisticRegression().fit(X with NaN, y)", ("nan",)),
        ("one class", lambda: model().fit(X, one), "LogisticRegression().fit(X, zeros)", ("class",)),
        ("no weight", lambda: model().fit(X, y, sample_weight=np.zeros(4)), "fit(X, y, sample_weight=zeros)",
         ("weight",)),
        ("negative weights", lambda: model().fit(X, y, sample_weight=np.array([1.0, -1.0, 1.0, 1.0])),
         "fit(X, y, sample_weight=[1, -1, 1, 1])", ("negative",)),
        ("other columns", lambda: model().fit(X, y).predict(np.zeros((2, 3))), "fit(X, y).predict(zeros((2, 3)))",
         ("feature", "column")),
        ("use before fit", lambda: model().predict(X), "LogisticRegression().predict(X)", ("fit",)),
    ]  # fmt: skip
    for name, action, call, words in trials:
        yield Check(
            f"refuses {name}",
            lambda action=action, call=call, words=words: refusal(action, call=call, mentions=words),  # type: ignore[misc]
            equals=True,
            why="Bad data that goes in quietly comes out as a wrong figure, later and elsewhere.",
            hint=("sklearn.utils.validation has validate_data, check_is_fitted and more.", f"Mention {words[0]!r}."),
        )

    def parameters() -> Measurement:
        bad: list[dict[str, Any]] = [{"C": 0.0}, {"C": -1.0}, {"tol": 0.0}, {"max_iter": 0}, {"solver": "sag"}]
        named = [(row, str(next(iter(row)))) for row in bad]
        both = {"C": -1.0, "max_iter": 0}
        return first_unclear(
            refusal(lambda row=row: model(**row).fit(X, y), call=f"LogisticRegression(**{row}).fit(X, y)",  # type: ignore[misc]
                    mentions=(word,))
            for row, word in [*named, (both, "C"), (both, "max_iter")]
        )  # fmt: skip

    yield Check(
        "refuses bad parameters",
        parameters,
        equals=True,
        why="All faults are told at once, so that nobody mends them one run at a time.",
        hint=("Check in fit, not in __init__; collect the faults in a list.",),
    )
