"""Classification whose probabilities mean something: logistic regression, and calibration of any classifier.

Logistic regression minimises, over coefficients W (K, d) and intercepts b (K,),

    C · Σ sᵢ · loss(xᵢ, yᵢ) + ½ ‖W‖²

where the loss is the negative log-likelihood, s are the sample weights, and intercepts carry no penalty. Two
classes need one row of coefficients; more have one each, tied by a softmax. The objective is convex, so every
solver ends at the same place:

- *newton*: each step solves with the exact Hessian, shortened until the objective falls. A handful of steps,
  each O(n (Kd)²). The textbook calls it iteratively reweighted least squares.
- *lbfgs*: builds the curvature from the last gradients; many cheap steps, for wide data.

Calibration learns, on data that the classifier was not fitted on, a map from its scores to probabilities:
two numbers (Platt) or any rising step function (isotonic, by pooling adjacent violators).

References
----------
Hastie, T., Tibshirani, R., Friedman, J. (2009). The Elements of Statistical Learning, 2nd edition, section 4.4.
Platt, J. (1999). Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers.
Lin, H.-T., Lin, C.-J., Weng, R. C. (2007). A note on Platt's probabilistic outputs. Machine Learning 68.
Ayer, M. et al. (1955). An empirical distribution function for sampling with incomplete information.
Zadrozny, B., Elkan, C. (2002). Transforming classifier scores into accurate multiclass probability estimates.
"""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, lstsq
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, has_fit_parameter, validate_data

_NEWTON_MOST = 300  # unknowns up to which a dense Hessian costs less than many gradients
_HALVINGS = 40  # of a Newton step; a direction of descent needs one or two


class LogisticRegression(ClassifierMixin, BaseEstimator):
    """Logistic regression with an L2 penalty, for two classes or more.

    Parameters
    ----------
    C : float, default 1.0
        Inverse strength of the penalty, above 0: the weight of the data against it.
    fit_intercept : bool, default True
        Whether to learn intercepts, which carry no penalty.
    class_weight : dict, "balanced" or None, default None
        Class -> factor on the weights of its samples; ``"balanced"`` is n / (K · count of the class).
    solver : {"auto", "newton", "lbfgs"}, default "auto"
        ``"auto"`` takes *newton* up to 300 unknowns (coefficients and intercepts), *lbfgs* beyond.
    tol : float, default 1e-6
        The fit ends when no entry of the objective's gradient, divided by C and by the sum of the weights,
        is larger than this.
    max_iter : int, default 200
        The most steps. A fit that ends here warns with ``ConvergenceWarning``.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The classes, sorted.
    coef_ : ndarray of shape (1, d) for two classes, else (K, d)
    intercept_ : ndarray of shape (1,) or (K,)
        0 without ``fit_intercept``. Of more than two classes they add up to 0.
    n_iter_ : ndarray of shape (1,)
        Steps taken.
    converged_ : bool
        Whether the gradient met ``tol``.
    solver_ : str
        The solver that was used.
    n_features_in_ : int
        d, the number of columns.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, where X had any.

    Raises
    ------
    ValueError
        From ``fit``: X holds NaN or infinity, y has fewer than two classes, weights are negative or all 0, or a
        parameter is out of its range (all of these at once). From the others: another number of columns.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = LogisticRegression().fit(X, [0, 0, 1, 1])
    >>> model.predict_proba([[1.5]]).round(3)
    array([[0.5, 0.5]])
    >>> model.coef_.round(3)
    array([[1.016]])
    """

    def __init__(
        self,
        C: float = 1.0,
        *,
        fit_intercept: bool = True,
        class_weight: Any = None,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 200,
    ) -> None:
        self.C = C
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LogisticRegression:
        """Learn coefficients.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Finite numbers.
        y : array-like of shape (n,)
            Classes: numbers or texts, at least two different ones.
        sample_weight : array-like of shape (n,), optional
            Weights, none negative; 1 each by default. A weight of 2 is the same as the row twice.

        Returns
        -------
        LogisticRegression
            The estimator itself.
        """
        self._check_parameters()
        data, codes, weights = self._encoded(X, y, sample_weight)
        problem = _Problem(data, codes, weights, len(self.classes_), float(self.C), bool(self.fit_intercept))
        self.solver_ = self.solver if self.solver != "auto" else _pick_solver(problem.size)
        start = np.zeros(problem.size)
        self._keep(problem, *_SOLVERS[self.solver_](problem, start, float(self.tol), int(self.max_iter)))
        return self

    def _encoded(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
        """The rows, the codes of their classes and their weights, class weights included; sets ``classes_``."""
        data, target = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(target)
        self.classes_, codes = np.unique(target, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__}: y has one class; expected at least two: it contains only {self.classes_[0]}"
            )
        weights = _weights(data, sample_weight)
        if self.class_weight is not None:
            weights = weights * compute_sample_weight(self.class_weight, target)
        return data, codes, weights

    def _keep(self, problem: _Problem, solution: NDArray[np.float64], steps: int, largest: float) -> None:
        """Set what was learned; warn when it was not learned to the end."""
        self.converged_ = bool(largest <= self.tol)
        self.n_iter_ = np.array([steps])
        if not self.converged_:
            warnings.warn(
                f"{type(self).__name__} did not converge in {steps} steps: the largest entry of the gradient is "
                f"{largest:.2g}, tol is {self.tol:g}. Scale the columns of X, or raise max_iter.",
                ConvergenceWarning,
                stacklevel=3,
            )
        rows = solution.reshape(problem.rows, -1)
        self.coef_ = rows[:, : self.n_features_in_].copy()
        self.intercept_ = rows[:, -1].copy() if self.fit_intercept else np.zeros(problem.rows)
        if not problem.binary:  # a softmax does not see what is added to all of them
            self.intercept_ -= self.intercept_.mean()

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Scores.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,) for two classes, else (n, K)
            X · Wᵀ + b; for two classes the log-odds of the second.
        """
        check_is_fitted(self)
        data = validate_data(self, X, dtype=np.float64, reset=False)
        scores: NDArray[np.float64] = data @ self.coef_.T + self.intercept_
        return scores.ravel() if len(self.classes_) == 2 else scores

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, K)
            One column a class, in the order of ``classes_``; rows add up to 1.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        return np.asarray(softmax(scores, axis=1))

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Logarithms of the probabilities, exact where the probability itself would round to 0.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, K)
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return -np.column_stack([np.logaddexp(0.0, scores), np.logaddexp(0.0, -scores)])
        return np.asarray(log_softmax(scores, axis=1))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row; of two that are equally probable, the first.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        scores = self.decision_function(X)
        codes = (scores > 0).astype(int) if scores.ndim == 1 else np.argmax(scores, axis=1)
        found: NDArray[Any] = self.classes_[codes]
        return found

    def _check_parameters(self) -> None:
        faults = []
        if not _is_number(self.C) or not 0 < self.C < np.inf:
            faults.append(f"C={self.C!r} is not a finite number above 0")
        self._refuse(faults + self._common_faults())

    def _common_faults(self) -> list[str]:
        faults = []
        if not _is_number(self.tol) or not self.tol > 0:
            faults.append(f"tol={self.tol!r} is not a number above 0")
        if isinstance(self.max_iter, bool) or not isinstance(self.max_iter, Integral) or self.max_iter < 1:
            faults.append(f"max_iter={self.max_iter!r} is not an int of at least 1")
        if self.solver not in ("auto", *_SOLVERS):
            faults.append(f"solver={self.solver!r} is none of auto, {', '.join(_SOLVERS)}")
        if not (self.class_weight is None or self.class_weight == "balanced" or isinstance(self.class_weight, dict)):
            faults.append(f"class_weight={self.class_weight!r} is neither a dict, 'balanced' nor None")
        return faults

    def _refuse(self, faults: list[str]) -> None:
        if faults:
            raise ValueError(f"{type(self).__name__}: " + "; ".join(faults))


class _Problem:
    """The objective of one fit, divided by C and the sum of the weights, over one flat vector of unknowns.

    Dividing keeps gradients at the scale of one sample, whatever n and C are. Unknowns are rows of
    coefficients, each with its intercept last: one row for two classes, else K.
    """

    def __init__(
        self, X: NDArray[Any], codes: NDArray[Any], weights: NDArray[Any], classes: int, C: float, intercept: bool
    ) -> None:
        self.X = np.column_stack([X, np.ones(len(X))]) if intercept else X
        self.codes = codes
        self.binary = classes == 2
        self.rows = 1 if self.binary else classes
        self.size = self.rows * self.X.shape[1]
        total = float(weights.sum())
        self.weights = weights / total
        self.penalty = np.full(self.X.shape[1], 1.0 / C / total)
        if intercept:
            self.penalty[-1] = 0.0
        self.targets = (codes == 1).astype(float) if self.binary else np.eye(classes)[codes]

    def value_and_gradient(self, unknowns: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The objective and its gradient."""
        W = unknowns.reshape(self.rows, -1)
        scores = self.X @ W.T
        if self.binary:
            z = scores.ravel()
            # log(1 + e^z) - y z, without overflow at either end
            losses = np.logaddexp(0.0, z) - self.targets * z
            errors = (expit(z) - self.targets)[:, np.newaxis]
        else:
            losses = logsumexp(scores, axis=1) - scores[np.arange(len(scores)), self.codes]
            errors = softmax(scores, axis=1) - self.targets
        value = float(self.weights @ losses) + 0.5 * float(np.sum(self.penalty * W**2))
        gradient = (errors * self.weights[:, np.newaxis]).T @ self.X + self.penalty * W
        return value, gradient.ravel()

    def hessian(self, unknowns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Second derivatives, shape (size, size): blocks Xᵀ diag(s pₖ (δₖₗ - pₗ)) X, and the penalty."""
        W = unknowns.reshape(self.rows, -1)
        scores = self.X @ W.T
        width = self.X.shape[1]
        P = expit(scores) if self.binary else softmax(scores, axis=1)
        H = np.empty((self.size, self.size))
        for k in range(self.rows):
            for m in range(k + 1):
                curvature = self.weights * P[:, k] * (float(k == m) - P[:, m])
                block = (self.X * curvature[:, np.newaxis]).T @ self.X
                H[k * width : (k + 1) * width, m * width : (m + 1) * width] = block
                H[m * width : (m + 1) * width, k * width : (k + 1) * width] = block.T
        H[np.diag_indices(self.size)] += np.tile(self.penalty, self.rows)
        return H


def _newton(
    problem: _Problem, start: NDArray[np.float64], tol: float, most: int
) -> tuple[NDArray[np.float64], int, float]:
    """Newton's method; returns the unknowns, the steps taken and the gradient's largest entry."""
    unknowns = start
    value, gradient = problem.value_and_gradient(unknowns)
    largest, polished = float(np.max(np.abs(gradient))), False
    for step in range(most):
        if largest <= tol and polished:
            return unknowns, step, largest
        polished = largest <= tol  # one step more: close to the end it doubles the digits
        direction = -_solve(problem.hessian(unknowns), gradient)
        slope = float(gradient @ direction)
        length = 1.0
        for _ in range(_HALVINGS):
            candidate = unknowns + length * direction
            new_value, new_gradient = problem.value_and_gradient(candidate)
            new_largest = float(np.max(np.abs(new_gradient)))
            # Near the minimum the objective no longer changes in its last digit; there the gradient decides.
            if new_value <= value + 1e-4 * length * slope or new_largest < largest / 2:
                break
            length /= 2
        else:
            return unknowns, step, largest
        unknowns, value, gradient, largest = candidate, new_value, new_gradient, new_largest
    return unknowns, most, largest


def _solve(H: NDArray[np.float64], gradient: NDArray[np.float64]) -> NDArray[np.float64]:
    """The solution of H x = gradient; the shortest, where intercepts of a softmax leave one direction open."""
    try:
        solution: NDArray[np.float64] = cho_solve(cho_factor(H), gradient)
        if np.linalg.norm(H @ solution - gradient) <= 1e-6 * np.linalg.norm(gradient):
            return solution
    except LinAlgError:
        pass
    return np.asarray(lstsq(H, gradient)[0])


def _lbfgs(
    problem: _Problem, start: NDArray[np.float64], tol: float, most: int
) -> tuple[NDArray[np.float64], int, float]:
    """SciPy's L-BFGS."""
    found = minimize(
        problem.value_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"gtol": tol, "ftol": 0.0, "maxiter": most, "maxfun": 4 * most, "maxcor": 20},
    )
    return found.x, int(found.nit), float(np.max(np.abs(found.jac)))


_SOLVERS = {"newton": _newton, "lbfgs": _lbfgs}


def _pick_solver(unknowns: int) -> str:
    return "newton" if unknowns <= _NEWTON_MOST else "lbfgs"


class IsotonicCalibrator(RegressorMixin, BaseEstimator):
    """The rising step function that is closest to the outcomes, in weighted squared error.

    Scores that are equal count as one point, at their mean outcome. Between two points the calibrated value
    is interpolated; beyond the ends it is that of the end.

    Attributes
    ----------
    X_thresholds_ : ndarray of shape (m,)
        Scores at which the function is known, rising: the ends of every step.
    y_thresholds_ : ndarray of shape (m,)
        Its values there, never falling.

    Raises
    ------
    ValueError
        From ``fit``: scores or outcomes hold NaN or infinity, are empty or of different lengths, or weights are
        negative or all 0. From ``predict``: scores hold NaN.

    Examples
    --------
    >>> calibrator = IsotonicCalibrator().fit([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
    >>> calibrator.predict([0.0, 0.2, 0.35, 0.9])
    array([0.  , 0.5 , 0.75, 1.  ])
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> IsotonicCalibrator:
        """Learn the step function.

        Parameters
        ----------
        X : array-like of shape (n,) or (n, 1)
            Scores.
        y : array-like of shape (n,)
            Outcomes: 0 and 1, or any finite numbers.
        sample_weight : array-like of shape (n,), optional
            Weights, none negative; a weight of 0 leaves the row out.

        Returns
        -------
        IsotonicCalibrator
            The estimator itself.
        """
        scores = _as_scores(self, X)
        outcomes = check_array(column_or_1d(y), ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(scores, outcomes, sample_weight)
        weights = _weights(scores[:, np.newaxis], sample_weight)
        points, means, weights = _merge_equal(scores[weights > 0], outcomes[weights > 0], weights[weights > 0])
        fitted = _pool_adjacent_violators(means, weights)
        # Inside a step only its two ends are needed: between them the function is flat.
        ends = np.ones(len(fitted), dtype=bool)
        ends[1:-1] = (fitted[1:-1] != fitted[:-2]) | (fitted[1:-1] != fitted[2:])
        self.X_thresholds_, self.y_thresholds_ = points[ends], fitted[ends]
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Calibrated values.

        Parameters
        ----------
        X : array-like of shape (n,) or (n, 1)
            Scores.

        Returns
        -------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        return np.interp(_as_scores(self, X), self.X_thresholds_, self.y_thresholds_)


def _pool_adjacent_violators(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The closest never-falling sequence, shape (n,), by merging neighbours that fall, left to right."""
    level: list[float] = []
    mass: list[float] = []
    count: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        level.append(value)
        mass.append(weight)
        count.append(1)
        while len(level) > 1 and level[-2] >= level[-1]:
            total = mass[-2] + mass[-1]
            level[-2:] = [(level[-2] * mass[-2] + level[-1] * mass[-1]) / total]
            mass[-2:] = [total]
            count[-2:] = [count[-2] + count[-1]]
    return np.repeat(level, count)


def _merge_equal(
    scores: NDArray[np.float64], outcomes: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Distinct scores in rising order, their weighted mean outcomes and their weights."""
    points, codes = np.unique(scores, return_inverse=True)
    mass = np.bincount(codes, weights).astype(np.float64)
    return points, np.bincount(codes, weights * outcomes) / mass, mass


class PlattCalibrator(RegressorMixin, BaseEstimator):
    """Platt scaling: probability = 1 / (1 + exp(a · score + b)), fitted by maximum likelihood.

    The outcomes are pulled in from 0 and 1 as if each class had one more observation of the other kind
    (Platt's targets), which keeps the fit finite when scores separate the classes.

    Attributes
    ----------
    a_, b_ : float
        Slope and offset; ``a_`` is negative when larger scores mean the second outcome.

    Raises
    ------
    ValueError
        From ``fit``: scores hold NaN or infinity, outcomes are not all 0 or 1, lengths differ, or weights are
        negative or all 0. From ``predict``: scores hold NaN.

    Examples
    --------
    >>> calibrator = PlattCalibrator().fit([-2.0, -1.0, 1.0, 2.0], [0, 0, 1, 1])
    >>> calibrator.predict([-2.0, 0.0, 2.0]).round(3)
    array([0.214, 0.5  , 0.786])
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> PlattCalibrator:
        """Learn slope and offset.

        Parameters
        ----------
        X : array-like of shape (n,) or (n, 1)
            Scores, such as log-odds.
        y : array-like of shape (n,)
            Outcomes, 0 or 1.
        sample_weight : array-like of shape (n,), optional
            Weights, none negative.

        Returns
        -------
        PlattCalibrator
            The estimator itself.
        """
        scores = _as_scores(self, X)
        outcomes = check_array(column_or_1d(y), ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(scores, outcomes, sample_weight)
        strange = outcomes[(outcomes != 0.0) & (outcomes != 1.0)]
        if len(strange):
            raise ValueError(f"PlattCalibrator: y holds {strange[0]:g}; expected outcomes of 0 and 1 alone")
        weights = _weights(scores[:, np.newaxis], sample_weight)
        ones = float(weights @ outcomes)
        zeros = float(weights.sum()) - ones
        targets = np.where(outcomes == 1.0, (ones + 1.0) / (ones + 2.0), 1.0 / (zeros + 2.0))
        # Scores of any size: centred and scaled for the fit, and the line carried back.
        centre = float(weights @ scores / weights.sum())
        spread = float(np.max(np.abs(scores - centre))) or 1.0
        slope, offset = _fit_sigmoid((scores - centre) / spread, targets, weights, ones, zeros)
        self.a_ = -slope / spread
        self.b_ = -(offset - slope * centre / spread)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probabilities.

        Parameters
        ----------
        X : array-like of shape (n,) or (n, 1)
            Scores.

        Returns
        -------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        return np.asarray(expit(-(self.a_ * _as_scores(self, X) + self.b_)))


def _fit_sigmoid(
    scores: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64], ones: float, zeros: float
) -> tuple[float, float]:
    """Slope and offset of the log-odds line that gives the targets the highest likelihood, by Newton's method."""
    X = np.column_stack([scores, np.ones(len(scores))])
    line = np.array([0.0, np.log((ones + 1.0) / (zeros + 1.0))])

    def loss_of(candidate: NDArray[np.float64]) -> float:
        z = X @ candidate
        return float(weights @ (np.logaddexp(0.0, z) - targets * z))

    loss = loss_of(line)
    for _ in range(100):
        p = expit(X @ line)
        gradient = X.T @ (weights * (p - targets))
        if np.max(np.abs(gradient)) <= 1e-12 * weights.sum():
            break
        hessian = (X * (weights * p * (1.0 - p))[:, np.newaxis]).T @ X
        hessian[np.diag_indices(2)] += 1e-12 * weights.sum()  # constant scores leave the slope open
        direction = -np.linalg.solve(hessian, gradient)
        length = 1.0
        while length > 1e-10 and (new := loss_of(line + length * direction)) > loss + 1e-4 * length * float(
            gradient @ direction
        ):
            length /= 2
        if length <= 1e-10:  # rounding is all that is left to gain
            break
        line, loss = line + length * direction, new
    return float(line[0]), float(line[1])


class CalibratedClassifier(ClassifierMixin, BaseEstimator):
    """A classifier whose scores are mapped to probabilities on data that it was not fitted on.

    The classifier is fitted anew on each fold's training part and scores the held-out part; one calibrator a
    class learns from all held-out scores, and the classifier is then fitted on everything. With more than two
    classes each is calibrated against the rest, and the results are divided by their sum.

    Parameters
    ----------
    estimator : classifier or None, default None
        Has ``decision_function`` or ``predict_proba``; None for ``LogisticRegression()``.
    method : {"isotonic", "platt"}, default "isotonic"
        *isotonic* needs about 1,000 rows or more; *platt* makes do with few and assumes an S-shape.
    cv : int, cross-validation splitter or "prefit", default 5
        Folds (stratified for an int). ``"prefit"``: the estimator is fitted already, on other data, and what is
        given to ``fit`` is for calibration alone.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    estimator_ : classifier
        Fitted on all data, or the one that was handed in with ``"prefit"``.
    calibrators_ : list of IsotonicCalibrator or PlattCalibrator
        One for two classes (of the second), else K.
    n_features_in_ : int
        Where the estimator knows it.

    Raises
    ------
    ValueError
        From ``fit``: a parameter is out of its range, y has fewer than two classes, or a class has fewer samples
        than there are folds.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 2))
    >>> y = X[:, 0] + rng.standard_normal(200) > 0
    >>> model = CalibratedClassifier(method="platt").fit(X, y)
    >>> bool(np.all(model.predict_proba(X).sum(axis=1).round(12) == 1))
    True
    """

    def __init__(self, estimator: Any = None, *, method: str = "isotonic", cv: Any = 5) -> None:
        self.estimator = estimator
        self.method = method
        self.cv = cv

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> CalibratedClassifier:
        """Fit the classifier and its calibrators.

        Parameters
        ----------
        X : array-like of shape (n, d)
            What the estimator takes; whether it may hold NaN is for the estimator to say.
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
            For the calibrators, and for the classifier where it takes weights.

        Returns
        -------
        CalibratedClassifier
            The estimator itself.
        """
        if self.method not in _CALIBRATORS:
            raise ValueError(f"CalibratedClassifier: method={self.method!r} is none of {', '.join(_CALIBRATORS)}")
        data, target = validate_data(self, X, y, dtype=None, ensure_all_finite=False)
        check_classification_targets(target)
        weights = _weights(data, sample_weight)
        if isinstance(self.cv, str) and self.cv == "prefit":
            check_is_fitted(self.estimator)
            self.estimator_ = self.estimator
            self.classes_ = np.asarray(self.estimator.classes_)
            scores = _scores_of(self.estimator_, X)
        else:
            self.classes_ = np.unique(target)
            if len(self.classes_) < 2:
                raise ValueError(f"CalibratedClassifier: y has one class ({self.classes_[0]}); expected at least two")
            unfitted = LogisticRegression() if self.estimator is None else self.estimator
            scores = self._held_out_scores(unfitted, X, target, weights if sample_weight is not None else None)
            self.estimator_ = _fit(clone(unfitted), X, target, weights if sample_weight is not None else None)
        columns = [1] if len(self.classes_) == 2 else range(len(self.classes_))
        self.calibrators_ = [
            _CALIBRATORS[self.method]().fit(scores[:, i], target == self.classes_[k], sample_weight=weights)
            for i, k in enumerate(columns)
        ]
        return self

    def _held_out_scores(
        self, unfitted: Any, X: Any, target: NDArray[Any], weights: NDArray[Any] | None
    ) -> NDArray[np.float64]:
        """Scores of every row, shape (n, 1) or (n, K), by a classifier that has not seen it."""
        _, counts = np.unique(target, return_counts=True)
        if isinstance(self.cv, Integral) and not isinstance(self.cv, bool) and counts.min() < self.cv:
            raise ValueError(
                f"CalibratedClassifier: cv={self.cv} folds, but a class has {counts.min()} sample(s) only; "
                f"lower cv, or give more rows"
            )
        width = 1 if len(counts) == 2 else len(counts)
        scores = np.full((len(target), width), np.nan)
        for train, test in check_cv(self.cv, target, classifier=True).split(X, target):
            fold_weights = None if weights is None else weights[train]
            model = _fit(clone(unfitted), _rows(X, train), target[train], fold_weights)
            scores[test] = _scores_of(model, _rows(X, test))
        if np.isnan(scores).any():
            raise ValueError("CalibratedClassifier: cv leaves rows that are in no test fold; expected a partition")
        return scores

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probabilities.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, K)
            One column a class, in the order of ``classes_``; rows add up to 1.
        """
        check_is_fitted(self)
        scores = _scores_of(self.estimator_, X)
        P = np.column_stack([c.predict(scores[:, i]) for i, c in enumerate(self.calibrators_)])
        if P.shape[1] == 1:
            return np.hstack([1.0 - P, P])
        total = P.sum(axis=1, keepdims=True)
        return np.where(total > 0, P / np.where(total > 0, total, 1.0), 1.0 / P.shape[1])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class with the highest calibrated probability; of equals, the first.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        found: NDArray[Any] = self.classes_[np.argmax(self.predict_proba(X), axis=1)]
        return found


_CALIBRATORS: dict[str, Any] = {"isotonic": IsotonicCalibrator, "platt": PlattCalibrator}


def _scores_of(model: Any, X: Any) -> NDArray[np.float64]:
    """What a calibrator works on, shape (n, 1) for two classes, else (n, K)."""
    if hasattr(model, "decision_function"):
        scores = np.asarray(model.decision_function(X), dtype=np.float64)
    else:
        scores = np.asarray(model.predict_proba(X), dtype=np.float64)
        scores = scores[:, 1] if scores.shape[1] == 2 else scores
    return scores.reshape(len(scores), -1)


def _fit(model: Any, X: Any, y: NDArray[Any], weights: NDArray[Any] | None) -> Any:
    takes = weights is not None and has_fit_parameter(model, "sample_weight")
    return model.fit(X, y, sample_weight=weights) if takes else model.fit(X, y)


def _rows(X: Any, index: NDArray[np.intp]) -> Any:
    """Rows of an array or a frame, which stays a frame."""
    return X.iloc[index] if hasattr(X, "iloc") else np.asarray(X)[index]


def _weights(X: NDArray[Any], sample_weight: ArrayLike | None) -> NDArray[np.float64]:
    """Sample weights, shape (n,), checked: none negative, not all 0."""
    weights: NDArray[np.float64] = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.sum() > 0:
        raise ValueError("sample_weight: every weight is 0; expected at least one above 0")
    return weights


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _as_scores(estimator: Any, X: ArrayLike) -> NDArray[np.float64]:
    """Scores as a vector, shape (n,): what was given may also be one column."""
    scores = check_array(X, ensure_2d=False, dtype=np.float64, input_name="X", estimator=estimator)
    if scores.ndim != 1 and not (scores.ndim == 2 and scores.shape[1] == 1):
        raise ValueError(
            f"{type(estimator).__name__}: expected scores of shape (n,) or (n, 1), got {scores.shape}; "
            "pass one score a row"
        )
    return np.asarray(scores.ravel(), dtype=np.float64)
