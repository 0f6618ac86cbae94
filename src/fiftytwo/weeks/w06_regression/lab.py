"""Week 6: ridge and lasso on housing, tuned and judged by cross-validation that looks at nothing it should not.

The build lets least squares, ridge and lasso predict a real table and a small one of simulated houses whose
prices are known to the last coefficient, draws how coefficients shrink, and splits the error into bias and
variance. The assessment holds the learner's estimators against scikit-learn, brute force and the conditions
that define a solution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w06_regression import figures
from fiftytwo.weeks.w06_regression.cases import cases_of
from fiftytwo.weeks.w06_regression.choosing import choosing
from fiftytwo.weeks.w06_regression.contest import MODELS, RIDGE_ALPHAS, Contest, hold, scaled, tuned_lasso
from fiftytwo.weeks.w06_regression.edges import edges
from fiftytwo.weeks.w06_regression.lasso import lasso
from fiftytwo.weeks.w06_regression.prices import Subject, real_table
from fiftytwo.weeks.w06_regression.ridge import ridge
from fiftytwo.weeks.w06_regression.simulator import NOISE, PRICES, houses
from fiftytwo.weeks.w06_regression.tradeoff import JUNK, ROWS, Tradeoff, tradeoffs

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_FEW, _FEW_JUNK = 120, 80  # houses and columns of junk in the small table
_MANY = 20_000  # houses from which the true coefficients have to come back

week = Week.planned(
    6,
    exercise=Exercise(
        "mltoolkit.tabular.regression",
        ("Ridge", "RidgeCV", "Lasso", "lasso_path"),
        hours=8.0,
        peers={
            "Ridge": "sklearn.linear_model:Ridge",
            "RidgeCV": "fiftytwo.weeks.w06_regression.peers:RidgeCV",
            "Lasso": "sklearn.linear_model:Lasso",
            "lasso_path": "sklearn.linear_model:lasso_path",
        },
        brief="""\
Write `Ridge`, `RidgeCV`, `Lasso` and `lasso_path`, with scikit-learn's interface and objectives. The base class
`LinearRegressor` (in `mltoolkit.tabular.linear`) predicts, and does two chores in `fit`:

- `data, target, weights = self.checked(X, y, sample_weight)` refuses bad data and keeps the names of the
  columns; `weights` are ones where none were given, and `least_rows=2` asks for two rows;
- `self.set_coefficients(coef, intercept, data.dtype)` keeps the result in the precision of the data.

`number_fault`, `count_fault`, `grid_fault` and `refuse_faults` beside it word what is wrong with a parameter.
A good order:

1. `Ridge.fit`: centre at the (weighted) means, solve for the coefficients, work the intercept out. Then the
   cases that need care: `alpha=0`, more columns than rows, nearly collinear columns.
2. `Lasso.fit`: the soft threshold on one column, then sweeps over all of them. At first stop after `max_iter`
   sweeps; then compute the duality gap after each sweep and stop by it. Set `dual_gap_` and `n_iter_`, and warn
   with `sklearn.exceptions.ConvergenceWarning` when the gap is still too large.
3. `lasso_path`: the same for many alphas, largest first, each started from the one before. No intercept here.
4. `RidgeCV`: leave-one-out in closed form first, then folds (`sklearn.model_selection.check_cv` turns `cv`
   into splits).

The docstrings state every formula and every attribute. Bad parameters get a `ValueError` that names them, all
at once. NumPy and SciPy are yours to use; a finished ridge or lasso from a library is not the exercise.
""",
    ),
)


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    real: Contest
    few: Contest
    ridge: Tradeoff
    lasso: Tradeoff
    recovered: float  # largest error of a coefficient learned from many houses, in standard errors
    kept_real: int  # columns that set the price among those the lasso kept on the small table
    kept_junk: int


def build(lab: Lab) -> Built:
    """Hold the contest on both tables, draw paths and the split of the error, learn the truth from many houses."""
    few = houses(_FEW, lab.rng, junk=_FEW_JUNK)
    small = Subject("simulated houses", few.X, few.y, few.names, "k USD")
    subjects = (real_table(lab), small)
    real, contest = (hold(lab, subject) for subject in subjects)
    _report_contests(lab, (real, contest))
    kept = _draw_small_paths(lab, small)
    _draw_real_path(lab, subjects[0])
    by_ridge, by_lasso = tradeoffs(lab)
    _report_tradeoffs(lab, by_ridge, by_lasso)
    _compare_units(lab, subjects[0])
    lab.document(
        "regularization.md.jinja",
        "What regularization did",
        real=subjects[0].name,
        few=small.name,
        gains={c.subject.name: {model: c.gain(model) for model in MODELS[1:]} for c in (real, contest)},
    )
    truth = len(PRICES)
    return Built(real, contest, by_ridge, by_lasso, _recover(lab), int(kept[:truth].sum()), int(kept[truth:].sum()))


def _report_contests(lab: Lab, contests: tuple[Contest, ...]) -> None:
    import pandas as pd

    rows, drawn = [], []
    for contest in contests:
        subject = contest.subject
        lab.metric(f"rows, {subject.name}", len(subject.y))
        lab.metric(f"columns, {subject.name}", subject.X.shape[1])
        lab.metric(f"columns kept by the lasso, {subject.name}", float(contest.kept.mean()))
        for model in MODELS:
            rmse, (gain, low, high) = contest.rmse(model), contest.gain(model)
            lab.metric(f"RMSE of {model}, {subject.name}", rmse, subject.unit)
            paired = (gain, low, high) if model != MODELS[0] else (None, None, None)
            rows.append((subject.name, model, rmse, *paired, subject.unit))
            if model != MODELS[0]:
                base = contest.rmse(MODELS[0]) / 100
                drawn.append((f"{model}, {subject.name}", gain / base, low / base, high / base))
    frame = pd.DataFrame(rows, columns=["table", "model", "RMSE", "gain", "from", "to", "unit"], dtype=object)
    lab.table(frame, "Contest",
              "Root mean squared error on ten held-out folds; the gain over least squares is paired fold by fold, with "
              "its 95% interval.")  # fmt: skip
    lab.figure(figures.gains(drawn, "RMSE below that of least squares (%)"), "Gains",
               "Gain over least squares with its 95% interval. Where the interval holds 0, the folds cannot tell the "
               "two models apart.")  # fmt: skip


def _draw_small_paths(lab: Lab, small: Subject) -> NDArray[np.bool_]:
    """Both paths on the small table; which columns the tuned lasso keeps."""
    X, _ = scaled(small.X, small.X)
    centred = small.y - small.y.mean()
    ridge_alphas = np.geomspace(1e-1, 1e4, 40)
    ridge_coefs = np.array([lab.solution.Ridge(float(a)).fit(X, small.y).coef_ for a in ridge_alphas]).T
    alphas, coefs, _ = lab.solution.lasso_path(X, centred, n_alphas=40, max_iter=20_000)
    chosen = lab.solution.RidgeCV(RIDGE_ALPHAS).fit(X, small.y).alpha_
    tuned = tuned_lasso(lab, X, small.y)
    lab.metric("alpha of ridge, simulated houses", chosen)
    lab.metric("alpha of the lasso, simulated houses", tuned.alpha)
    kept: NDArray[np.bool_] = np.asarray(tuned.coef_) != 0
    truth = len(PRICES)
    lab.metric("price columns", truth)
    lab.metric("junk columns", len(kept) - truth)
    lab.metric("price columns kept", int(kept[:truth].sum()))
    lab.metric("junk columns kept", int(kept[truth:].sum()))
    lab.figure(
        figures.two_paths(
            [("ridge", ridge_alphas, ridge_coefs, chosen), ("lasso", alphas, coefs, tuned.alpha)], truth, small.unit
        ),
        "Coefficient paths",
        f"Coefficients of {len(small.y)} simulated houses as the penalty grows. Ridge shrinks all of them and drops "
        "none; the lasso sets one after the other to exactly 0, most of the junk first.",
    )
    return kept


def _draw_real_path(lab: Lab, real: Subject) -> None:
    X, _ = scaled(real.X, real.X)
    alphas, coefs, _ = lab.solution.lasso_path(X, real.y - real.y.mean(), n_alphas=40)
    first_in = real.columns[int(np.argmax(np.abs(X.T @ (real.y - real.y.mean()))))]
    lab.figure(figures.named_path(alphas, coefs, real.columns, real.unit), "Lasso path",
               f"The lasso path of {real.name}, columns scaled. Read from the right: {first_in} is the first column to "
               "enter as the penalty falls.")  # fmt: skip


def _report_tradeoffs(lab: Lab, by_ridge: Tradeoff, by_lasso: Tradeoff) -> None:
    lab.metric("houses in a sample", ROWS)
    lab.metric("columns in a sample", len(PRICES) + JUNK)
    for name, split in (("ridge", by_ridge), ("lasso", by_lasso)):
        lab.metric(f"least expected error, {name}", float(np.sqrt(split.total[split.best])), "k USD")
        lab.metric(f"expected error at the smallest alpha, {name}", float(np.sqrt(split.unpenalised)), "k USD")
        lab.metric(f"alpha of least expected error, {name}", split.alphas[split.best])
        lab.metric(
            f"bias share at its best alpha, {name}", 100 * split.bias2[split.best] / split.total[split.best], "%"
        )
    lab.figure(
        figures.tradeoff([(name, split.alphas, split.bias2, split.variance)
                          for name, split in (("ridge", by_ridge), ("lasso", by_lasso))], "(k USD)²"),
        "Bias and variance",
        f"Squared bias, variance and their sum, from many samples of {ROWS} houses with {len(PRICES) + JUNK} columns. "
        "The noise of a single price is not part of it.",
    )  # fmt: skip


def _compare_units(lab: Lab, real: Subject) -> None:
    """The same ridge on the columns in other units: one column in thousandths of what it was."""
    X, _ = scaled(real.X, real.X)
    correlation = [abs(float(np.corrcoef(column, real.y)[0, 1])) for column in X.T]
    strongest = int(np.argmax(correlation))
    alpha = float(len(real.y)) / 4
    moved = X.copy()
    moved[:, strongest] /= 1000.0
    before, after = (float(lab.solution.Ridge(alpha).fit(data, real.y).score(data, real.y)) for data in (X, moved))
    lab.metric("R2 with scaled columns", before)
    lab.metric("R2 with one column in other units", after)
    lab.note(
        f"With {real.columns[strongest]} in a thousand times larger units, the same ridge explains {after:.2f} of the "
        f"variance instead of {before:.2f}: its coefficient would have to be a thousand times larger, and pays for it."
    )


def _recover(lab: Lab) -> float:
    """Learn from many houses: how many standard errors the worst coefficient is off."""
    many = houses(_MANY, lab.rng)
    coef = np.asarray(lab.solution.RidgeCV(RIDGE_ALPHAS).fit(many.X, many.y).coef_)
    centred = many.X - many.X.mean(axis=0)
    errors = NOISE * np.sqrt(np.diag(np.linalg.inv(centred.T @ centred)))
    return float(np.max(np.abs(coef - many.coef) / errors))


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """Hold the solution against scikit-learn, brute force and optimality; then look at what the build found."""
    cases = cases_of(lab.rng)
    yield from ridge(lab, cases)
    yield from lasso(lab, cases)
    yield from choosing(lab, cases)
    yield from edges(lab, cases)
    yield from _on_the_build(lab, built)


def _on_the_build(lab: Lab, built: Built) -> Iterator[Check]:
    yield Check(
        "true coefficients come back",
        lambda: built.recovered,
        at_most=4.0,
        unit="standard errors",
        why="With many rows a tuned penalty is small, and the estimate is as good as least squares.",
        exercise=False,
    )
    yield Check(
        "variance at the best alpha over that at the smallest",
        lambda: float(built.ridge.variance[built.ridge.best] / built.ridge.variance[0]),
        at_most=0.5,
        why="A penalty leaves a fit less room to follow the noise.",
        exercise=False,
    )
    yield Check(
        "bias grows with the penalty",
        lambda: bool(np.all(np.diff(built.ridge.bias2[built.ridge.best :]) > 0)),
        equals=True,
        why="A stronger penalty pulls the fit further from the truth.",
        exercise=False,
    )
    yield Check(
        "a penalty beats none",
        lambda: float(built.ridge.total[built.ridge.best] / built.ridge.unpenalised),
        at_most=0.8,
        why="With few rows a column, what variance loses is worth more than what bias adds.",
        exercise=False,
    )
    for model in MODELS[1:]:
        yield Check(
            f"{model} beats least squares on few houses",
            lambda model=model: built.few.gain(model)[1],  # type: ignore[misc]
            at_least=0.0,
            unit="k USD",
            why="The lower end of the paired 95% interval of the gain is above 0.",
            exercise=False,
        )
    yield Check(
        "price columns that the lasso kept",
        lambda: built.kept_real,
        at_least=len(PRICES) - 4,
        why="Columns that move the price most are kept; weak ones may go, since they look like noise.",
        exercise=False,
    )
    yield Check(
        "share of the junk that the lasso dropped",
        lambda: 1.0 - built.kept_junk / _FEW_JUNK,
        at_least=0.4,
        why="An alpha chosen to predict well keeps some junk: it is no test of which columns matter.",
        exercise=False,
    )
    yield Check(
        "ridge on the real table",
        lambda: built.real.rmse("ridge"),
        between=(0.70, 0.76) if lab.full else (52.0, 57.0),
        unit="100k USD" if lab.full else "points",
        why="The usual figure for a linear model on this table, so nothing leaked and nothing was lost.",
        exercise=False,
    )
