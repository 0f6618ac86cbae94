"""Logistic regression with its C chosen by cross-validation, on one path for all folds together.

The path goes from the strongest penalty to the weakest, and each fit starts from the one before. For two classes all
folds and all rows are solved side by side: one pass over the data gives the gradients of every training part, and
the held-out scores with them. The Hessian of a training part is that of all rows without the fold, so the blocks of
the folds are summed up once and serve everyone, for as long as the steps that they give contract. What is not solved
like that (three classes or more, wide data, a fit that does not contract) goes through ``LogisticRegression``'s
solvers, from the same starts.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_softmax
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv

from mltoolkit.tabular.classification import _SOLVERS, LogisticRegression, _pick_solver, _Problem, _weights

Floats = NDArray[np.float64]
Splits = Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]

_TOGETHER = 20  # folds up to which all are held in memory side by side
_STEPS = 12  # of the shared Hessian, before a fit goes its own way
_LAST = 0.01  # tolerance of the last fit over that of the fits that are compared
_CONTRACTS = 0.2  # a step that leaves more than this share of a gradient asks for a new Hessian


class LogisticRegressionCV(LogisticRegression):
    """Logistic regression that chooses its C by cross-validation, then fits all rows.

    Parameters
    ----------
    Cs : int or array-like of shape (A,), default 10
        How many inverse strengths of the penalty to try, equally spaced on a log scale from 1e-4 to 1e4; or the
        values themselves, all above 0.
    fit_intercept, class_weight, solver, max_iter
        As in ``LogisticRegression``. ``class_weight="balanced"`` counts the classes of all rows, once.
    tol : float, default 1e-4
        As in ``LogisticRegression``, for the fits that are compared: a score changes by about the square of it. The
        fit of all rows goes on to a hundredth of it.
    cv : int, splitter, iterable of (train, test) or None, default None
        None for 5 folds; an int k gives k stratified folds.
    scoring : str, callable or None, default None
        None for the logarithmic loss, by its negative, so that more is better. A name that
        ``sklearn.metrics.get_scorer`` knows, or a function of (estimator, X, y).

    Attributes
    ----------
    C_ : float
        The C of the highest mean score; of several, the smallest.
    Cs_ : ndarray of shape (A,)
        What was tried, rising.
    scores_ : ndarray of shape (A, folds)
        Score of the rows held out; the logarithmic loss is weighted by ``sample_weight``.
    classes_, coef_, intercept_, n_iter_, converged_, solver_, n_features_in_, feature_names_in_
        As in ``LogisticRegression``, at ``C_`` on all rows.

    Raises
    ------
    ValueError
        As in ``LogisticRegression``; also when a split leaves a class without a row of a weight above 0 to learn
        from, or nothing to be judged on.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((300, 4))
    >>> y = X[:, 0] + rng.standard_normal(300) > 0
    >>> model = LogisticRegressionCV(Cs=[0.01, 1.0, 100.0]).fit(X, y)
    >>> model.C_, int(np.argmax(np.abs(model.coef_)))
    (1.0, 0)
    """

    Cs_: Floats

    def __init__(
        self,
        Cs: int | ArrayLike = 10,
        *,
        fit_intercept: bool = True,
        cv: Any = None,
        scoring: Any = None,
        class_weight: Any = None,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 200,
    ) -> None:
        self.Cs = Cs
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.scoring = scoring
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LogisticRegressionCV:
        """Choose C and learn coefficients.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Finite numbers.
        y : array-like of shape (n,)
            Classes: numbers or texts, at least two different ones.
        sample_weight : array-like of shape (n,), optional
            As in ``LogisticRegression``.

        Returns
        -------
        LogisticRegressionCV
            The estimator itself.
        """
        self._check_parameters()
        data, codes, weights = self._encoded(X, y, sample_weight)
        given = _weights(data, sample_weight)  # without those of the classes: they are no part of a score
        splits = list(check_cv(5 if self.cv is None else self.cv, codes, classifier=True).split(data, codes))
        counts = _training_counts(splits, codes, weights, self.classes_)
        self.Cs_ = np.logspace(-4.0, 4.0, int(self.Cs)) if isinstance(self.Cs, Integral) else _rising(self.Cs)
        width = (data.shape[1] + bool(self.fit_intercept)) * (1 if len(self.classes_) == 2 else len(self.classes_))
        self.solver_ = self.solver if self.solver != "auto" else _pick_solver(width)
        found = self._paths(data, codes, weights, counts)
        self.scores_ = np.column_stack(
            [self._scores(data[test], codes[test], given[test], found[:, i]) for i, (_, test) in enumerate(splits)]
        )
        best = int(np.argmax(self.scores_.mean(axis=1)))
        self.C_ = float(self.Cs_[best])
        problem = self._problem(data, codes, weights, self.C_)
        solve = _SOLVERS[self.solver_]
        solution, steps, largest = solve(problem, found[best, -1], _LAST * float(self.tol), int(self.max_iter))
        self._keep(problem, solution, max(steps, 1), largest)
        return self

    def _problem(self, data: Floats, codes: NDArray[np.intp], weights: Floats, C: float) -> _Problem:
        return _Problem(data, codes, weights, len(self.classes_), C, bool(self.fit_intercept))

    def _paths(self, data: Floats, codes: NDArray[np.intp], weights: Floats, counts: NDArray[np.intp]) -> Floats:
        """Unknowns for each C, each training part and, last, all rows: shape (A, folds + 1, unknowns)."""
        parts = np.column_stack([weights[:, np.newaxis] * counts, weights])
        together = None
        if len(self.classes_) == 2 and self.solver_ == "newton" and _SideBySide.has_room(counts):
            together = _SideBySide(self._problem(data, codes, weights, 1.0), counts, parts)
        unknowns: Floats | None = None
        found = []
        for C in self.Cs_:
            late = np.arange(parts.shape[1])
            if together is not None:
                unknowns, good = together.solve(float(C), float(self.tol), unknowns)
                late = np.flatnonzero(~good)
            for i in late:
                kept = parts[:, i] > 0
                problem = self._problem(data[kept], codes[kept], parts[kept, i], float(C))
                if unknowns is None:
                    unknowns = np.zeros((parts.shape[1], problem.size))
                solve = _SOLVERS[self.solver_]
                unknowns[i] = solve(problem, unknowns[i].copy(), float(self.tol), int(self.max_iter))[0]
            assert unknowns is not None
            found.append(unknowns.copy())
        return np.array(found)

    def _scores(self, rows: Floats, codes: NDArray[np.intp], weights: Floats, found: Floats) -> Floats:
        """Scores of the rows held out from one fit for each C, shape (A,)."""
        models = [self._model(unknowns) for unknowns in found]
        if self.scoring is not None:
            scorer = get_scorer(self.scoring)
            return np.array([scorer(model, rows, self.classes_[codes]) for model in models])
        K, A = len(models[0].coef_), len(models)
        table = rows @ np.vstack([model.coef_ for model in models]).T
        table += np.concatenate([model.intercept_ for model in models])
        if K == 1:
            losses = np.logaddexp(0.0, np.where(codes == 1, -1.0, 1.0)[:, np.newaxis] * table)
        else:
            losses = -log_softmax(table.reshape(-1, A, K), axis=2)[np.arange(len(rows)), :, codes]
        return np.asarray(-(weights @ losses) / weights.sum())

    def _model(self, unknowns: Floats) -> LogisticRegression:
        """What one fit has learned, as an estimator that predicts."""
        rows = unknowns.reshape(1 if len(self.classes_) == 2 else len(self.classes_), -1)
        model = LogisticRegression()
        model.classes_, model.n_features_in_ = self.classes_, self.n_features_in_
        model.coef_ = rows[:, : self.n_features_in_]
        model.intercept_ = rows[:, -1] if self.fit_intercept else np.zeros(len(rows))
        return model

    def _check_parameters(self) -> None:
        a_count = isinstance(self.Cs, Integral) and not isinstance(self.Cs, bool)
        faults = []
        if a_count and self.Cs < 1:  # type: ignore[operator]
            faults.append(f"Cs={self.Cs!r} is not an int of at least 1")
        if not a_count:
            try:
                grid = _rising(self.Cs)
                good = grid.ndim == 1 and len(grid) > 0 and bool((np.isfinite(grid) & (grid > 0)).all())
            except (TypeError, ValueError):
                good = False
            if not good:
                faults.append(f"Cs={self.Cs!r} is neither a count nor finite numbers above 0 along one axis")
        self._refuse(faults + self._common_faults())


def _rising(Cs: Any) -> Floats:
    return np.sort(np.asarray(Cs, dtype=np.float64))


def _training_counts(
    splits: Splits, codes: NDArray[np.intp], weights: Floats, classes: NDArray[Any]
) -> NDArray[np.intp]:
    """How often each training part has each row, shape (n, folds); refuses parts that cannot be used."""
    counts = np.array([np.bincount(train, minlength=len(codes)) for train, _ in splits]).T
    faults = [] if splits else ["there is no split"]
    for i, (train, test) in enumerate(splits):
        seen = np.bincount(codes[train], weights[train], minlength=len(classes))
        faults += [f"split {i} has no row of class {classes[k]} to learn from" for k in np.flatnonzero(seen == 0)]
        faults += [f"split {i} has no row of a weight above 0 to be judged on"] * (not weights[test].any())
    if faults:
        raise ValueError("LogisticRegressionCV: " + "; ".join(faults) + ". Take fewer folds, or more rows")
    return counts


class _SideBySide:
    """Two classes: every training part and all rows, solved in the same passes over the data.

    With F parts and p unknowns, weights S are (n, F) and unknowns (F, p). Rows that the same parts have lie together,
    so that a Hessian of any part is a sum of the blocks of some of these groups.
    """

    @staticmethod
    def has_room(counts: NDArray[np.intp]) -> bool:
        """Whether the parts fit into memory side by side, and each mixture of parts has a number of its own."""
        folds: int = counts.shape[1]
        return folds <= _TOGETHER and (int(counts.max()) + 1) ** int(folds) < 2**62

    def __init__(self, problem: _Problem, counts: NDArray[np.intp], parts: Floats) -> None:
        numbers = counts @ (int(counts.max()) + 1) ** np.arange(counts.shape[1])
        order = np.argsort(numbers, kind="stable")
        _, first = np.unique(numbers[order], return_index=True)
        self.edges = [*first.tolist(), len(order)]
        self.patterns = np.column_stack([counts[order[first]], np.ones(len(first), dtype=counts.dtype)])
        self.X, self.targets = problem.X[order], problem.targets[order, np.newaxis]
        self.totals = parts.sum(axis=0)
        self.weights = parts[order] / self.totals
        self.all = parts[order, -1]
        self.penalised = (problem.penalty > 0).astype(np.float64)
        self._scaled = np.empty_like(self.X)  # written over again and again: fresh memory costs more than the product

    def solve(self, C: float, tol: float, start: Floats | None) -> tuple[Floats, NDArray[np.bool_]]:
        """Unknowns at C, and which of the parts have met the tolerance."""
        penalty = self.penalised / (C * self.totals[:, np.newaxis])  # (F, p)
        unknowns = np.zeros((len(self.totals), self.X.shape[1])) if start is None else start
        inverse, before = None, np.full(len(self.totals), np.inf)
        for _ in range(_STEPS):
            p = expit(self.X @ unknowns.T)  # (n, F)
            gradient = (self.weights * (p - self.targets)).T @ self.X + penalty * unknowns
            largest = np.max(np.abs(gradient), axis=1)
            if (largest <= tol).all():
                break
            if inverse is None or (largest > np.maximum(_CONTRACTS * before, tol)).any():
                inverse = self._inverse_hessians(p[:, -1], penalty)
            before = largest
            unknowns = unknowns - np.einsum("fij,fj->fi", inverse, gradient)
        return unknowns, largest <= tol

    def _inverse_hessians(self, p: Floats, penalty: Floats) -> Floats:
        """One for each part, shape (F, p, p), all at the probabilities that all rows have."""
        A = np.multiply(self.X, np.sqrt(self.all * p * (1.0 - p))[:, np.newaxis], out=self._scaled)
        blocks = np.array([A[first:last].T @ A[first:last] for first, last in itertools.pairwise(self.edges)])
        hessians = np.einsum("gf,gij->fij", self.patterns, blocks) / self.totals[:, np.newaxis, np.newaxis]
        diagonal = np.arange(self.X.shape[1])
        hessians[:, diagonal, diagonal] += penalty + 1e-12 * np.trace(hessians, axis1=1, axis2=2)[:, np.newaxis]
        return np.linalg.inv(hessians)
