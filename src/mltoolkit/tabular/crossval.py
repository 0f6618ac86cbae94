"""Cross-validation whose figures can be believed: splitters that never leak, and what is built on them.

*Splitters* give pairs of row positions, (train, test), as scikit-learn's do, so each can stand for the other. Rows
have positions and nothing else: without ``shuffle`` the folds follow the order of the rows, and the same rows in
another order make other folds. With ``shuffle`` the same ``random_state`` gives the same folds on any machine: no
step depends on the order in which a sort leaves equal values.

- *StratifiedKFold* deals every class out in turn, so that shares of classes differ by less than one row a fold.
- *GroupKFold* gives each group, the largest first, to the fold that is lightest so far. A fold's load is its share of
  all rows, and with ``stratify`` its share of each class as well; the group goes where the sum of squared loads
  grows least.
- *TimeSeriesSplit* trains on the past. ``gap`` leaves rows out before each test window; ``purge`` drops the training
  rows whose label looks into it.

*Runs*: every fit is a pure function of a cloned estimator, rows and options, so that the number of workers and the
backend change nothing but the time. A fold that fails is told with its rows.

*Nested cross-validation* costs no fit for its outer scores: the configuration that was chosen inside an outer split
was fitted on its training rows anyway, to know what a flat search would have promised.

*Comparisons* use the corrected resampled t-test: with J splits whose differences have the standard deviation s,

    t = mean / (s · √(1/J + n_test / n_train)),   J - 1 degrees of freedom

References
----------
Nadeau, C., Bengio, Y. (2003). Inference for the generalization error. Machine Learning 52(3).
Cawley, G., Talbot, N. (2010). On over-fitting in model selection. JMLR 11.
Bouckaert, R., Frank, E. (2004). Evaluating the replicability of significance tests. PAKDD.
López de Prado, M. (2018). Advances in Financial Machine Learning, chapter 7. Wiley.
Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6(2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone, is_classifier

from mltoolkit.errors import BadInput
from mltoolkit.tabular._cv_faults import (
    confidence_fault,
    configurations_of,
    is_number,
    kept_columns,
    purge_fault,
    rare_fault,
    short,
    split_faults,
    step_faults,
)
from mltoolkit.tabular._fold_runs import METHODS, Job, Outcome, Split, Table, refuse_failures, run
from mltoolkit.tabular._paired import corrected, holm, share_tested
from mltoolkit.tabular.cvresults import Comparison, CrossValidation, Difference, NestedCrossValidation
from mltoolkit.tabular.folds import (
    Splitter,
    codes_of,
    count_rows,
    length_faults,
    refuse,
    scorers_of,
    shuffle_fault,
    whole_fault,
)


class KFold(Splitter):
    """k folds of neighbouring rows, or of rows by chance; sizes differ by one at most, the first are larger.

    Parameters
    ----------
    n_splits : int, default 5
        k, at least 2.
    shuffle : bool, default False
        Whether folds are drawn by chance. Without, they are blocks in the order of the rows.
    random_state : int, Generator or None, default None
        With ``shuffle`` alone: an int gives the same folds at every call, a Generator goes on, None is new chance.

    Raises
    ------
    BadInput
        From ``split``: a parameter is out of range, there are fewer rows than folds, or lengths differ (all at once).

    Examples
    --------
    >>> [test.tolist() for _, test in KFold(2).split([[1], [2], [3]])]
    [[0, 1], [2]]
    """

    def __init__(self, n_splits: int = 5, *, shuffle: bool = False, random_state: Any = None) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Pairs of training and test rows.

        Parameters
        ----------
        X : array-like with n rows
        y : array-like of shape (n,), optional
            Not read, but for its length.
        groups : array-like of shape (n,), optional
            Not read, but for its length.

        Yields
        ------
        train, test : ndarray of int
            Positions in rising order; each row is in one test fold.
        """
        n = count_rows(X)
        refuse("KFold", [*_fold_faults(self, n), *length_faults(n, y=y, groups=groups)])
        order = np.random.default_rng(self.random_state).permutation(n) if self.shuffle else np.arange(n)
        fold_of = np.empty(n, dtype=np.intp)
        for fold, rows in enumerate(np.array_split(order, self.n_splits)):
            fold_of[rows] = fold
        yield from _by_fold(fold_of, self.n_splits)


class StratifiedKFold(Splitter):
    """k folds that have each class in the share that all rows have: counts differ by one row at most.

    Parameters
    ----------
    n_splits : int, default 5
        k, at least 2.
    shuffle : bool, default False
        Whether the rows of each class are dealt out by chance. Without, in their order.
    random_state : int, Generator or None, default None
        With ``shuffle`` alone: an int gives the same folds at every call, a Generator goes on, None is new chance.

    Raises
    ------
    BadInput
        From ``split``: a parameter is out of range, there are fewer rows than folds, lengths differ, y is missing
        somewhere, or a class has fewer rows than there are folds, so that a fold would lack it.

    Examples
    --------
    >>> [test.tolist() for _, test in StratifiedKFold(2).split([[0]] * 4, ["a", "a", "b", "b"])]
    [[0, 2], [1, 3]]
    """

    def __init__(self, n_splits: int = 5, *, shuffle: bool = False, random_state: Any = None) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Pairs of training and test rows.

        Parameters
        ----------
        X : array-like with n rows
        y : array-like of shape (n,)
            Classes: numbers or texts.
        groups : array-like of shape (n,), optional
            Not read, but for its length.

        Yields
        ------
        train, test : ndarray of int
            Positions in rising order; each row is in one test fold.
        """
        n = count_rows(X)
        faults = [*_fold_faults(self, n), *length_faults(n, y=y, groups=groups)]
        if y is None:
            faults.append("y is None; expected a class for each row")
        refuse("StratifiedKFold", faults)
        classes, codes = codes_of(y, "y", "StratifiedKFold")
        counts = np.bincount(codes)
        refuse("StratifiedKFold", [rare_fault(classes, counts, self.n_splits)])
        rng = np.random.default_rng(self.random_state) if self.shuffle else None
        _, first = np.unique(codes, return_index=True)  # folds depend on where a class first stands, not on its name
        fold_of, dealt = np.empty(n, dtype=np.intp), 0
        for code in np.argsort(first):  # the next class goes on where the last one ended, so that sizes come out even
            turns = np.sort((dealt + np.arange(counts[code])) % self.n_splits)
            fold_of[codes == code] = turns if rng is None else rng.permutation(turns)
            dealt += counts[code]
        yield from _by_fold(fold_of, self.n_splits)


class GroupKFold(Splitter):
    """k folds of whole groups, as equal in size as groups allow; sizes differ by at most the largest group.

    Parameters
    ----------
    n_splits : int, default 5
        k, at least 2 and at most the number of groups.
    stratify : bool, default False
        Whether folds should have each class in its share too, as far as whole groups allow. Sizes come second then.
    shuffle : bool, default False
        Whether chance decides between groups. Without, the largest go first, equals in the order of their labels.
    random_state : int, Generator or None, default None
        With ``shuffle`` alone: an int gives the same folds at every call, a Generator goes on, None is new chance.

    Raises
    ------
    BadInput
        From ``split``: a parameter is out of range, groups are missing as a whole or somewhere, there are fewer
        groups than folds, or lengths differ. With ``stratify``: y is missing somewhere.

    Notes
    -----
    With ``shuffle`` groups come in random order when sizes alone count, and when classes do, large before small
    up to a factor of two: strict order would leave nothing to chance where all sizes differ.

    Examples
    --------
    >>> customers = ["ann", "bob", "ann", "eve", "bob", "ann"]
    >>> [test.tolist() for _, test in GroupKFold(2).split([[0]] * 6, groups=customers)]
    [[0, 2, 5], [1, 3, 4]]
    """

    def __init__(
        self, n_splits: int = 5, *, stratify: bool = False, shuffle: bool = False, random_state: Any = None
    ) -> None:
        self.n_splits = n_splits
        self.stratify = stratify
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Pairs of training and test rows.

        Parameters
        ----------
        X : array-like with n rows
        y : array-like of shape (n,), optional
            Classes; read with ``stratify`` alone.
        groups : array-like of shape (n,)
            What must stay together: customer, patient, site. Numbers or texts.

        Yields
        ------
        train, test : ndarray of int
            Positions in rising order; each row is in one test fold, and no group on both sides.
        """
        n = count_rows(X)
        faults = [*_fold_faults(self, n), *length_faults(n, y=y, groups=groups)]
        if groups is None:
            faults.append("groups is None; expected a group for each row")
        if self.stratify and y is None:
            faults.append("y is None; stratify=True needs a class for each row")
        refuse("GroupKFold", faults)
        names, group_of = codes_of(groups, "groups", "GroupKFold")
        if len(names) < self.n_splits:
            raise BadInput(
                f"GroupKFold: n_splits={self.n_splits}, but there are {len(names)} groups only; "
                "lower n_splits, or check that groups is the column you mean"
            )
        sizes = np.bincount(group_of)
        loads = sizes[:, np.newaxis] / n
        if self.stratify:
            classes, codes = codes_of(y, "y", "GroupKFold")
            table = np.zeros((len(names), len(classes)))
            np.add.at(table, (group_of, codes), 1.0)
            loads = np.column_stack([loads, table / table.sum(axis=0)])
        yield from _by_fold(self._assigned(loads, sizes)[group_of], self.n_splits)

    def _assigned(self, loads: NDArray[np.float64], sizes: NDArray[np.intp]) -> NDArray[np.intp]:
        """The fold of each group: where its loads, shape (groups, columns), make the sum of squares grow least."""
        weight = np.sum(loads**2, axis=1)
        if not self.shuffle:
            order = np.argsort(-weight, kind="stable")
        else:
            order = np.random.default_rng(self.random_state).permutation(len(sizes))
            if self.stratify:
                order = order[np.argsort(-np.floor(np.log2(weight[order]) / 2.0), kind="stable")]
        so_far = np.zeros((self.n_splits, loads.shape[1]))
        rows = np.zeros(self.n_splits, dtype=np.intp)
        fold_of = np.empty(len(sizes), dtype=np.intp)
        for group in order:
            growth = so_far @ loads[group]
            best = growth <= growth.min() + 1e-12  # equal but for rounding
            fold = int(np.argmin(np.where(best, rows, np.iinfo(np.intp).max)))
            fold_of[group] = fold
            so_far[fold] += loads[group]
            rows[fold] += sizes[group]
        return fold_of


class TimeSeriesSplit(Splitter):
    """Train on the past, test on the window that follows; rows are in order of time.

    Parameters
    ----------
    n_splits : int, default 5
        k windows, at least 2, the last one at the end of the rows.
    gap : int, default 0
        Rows that are left out between training and test.
    purge : int or array-like of shape (n,), default 0
        How many rows beyond its own each row's label looks at (its horizon). A training row i is dropped when
        i + purge reaches the test window, since its label is made of what is to be predicted.
    test_size : int or None, default None
        Rows of a window; None for n // (k + 1).
    max_train_size : int or None, default None
        The most training rows, the latest ones; None for all.

    Raises
    ------
    BadInput
        From ``split``: a parameter is out of range, windows, gap and purge leave a split without training rows, or
        lengths differ.

    Examples
    --------
    >>> [(train.tolist(), test.tolist()) for train, test in TimeSeriesSplit(2, purge=1).split([[0]] * 6)]
    [([0], [2, 3]), ([0, 1, 2], [4, 5])]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        gap: int = 0,
        purge: Any = 0,
        test_size: int | None = None,
        max_train_size: int | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.gap = gap
        self.purge = purge
        self.test_size = test_size
        self.max_train_size = max_train_size

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Pairs of training and test rows.

        Parameters
        ----------
        X : array-like with n rows, oldest first
        y : array-like of shape (n,), optional
            Not read, but for its length.
        groups : array-like of shape (n,), optional
            Not read, but for its length.

        Yields
        ------
        train, test : ndarray of int
            Positions in rising order; every training row is older than every test row.
        """
        n = count_rows(X)
        faults = [whole_fault("n_splits", self.n_splits, 2), whole_fault("gap", self.gap, 0)]
        sizes = {"test_size": self.test_size, "max_train_size": self.max_train_size}
        faults += [whole_fault(name, value, 1) for name, value in sizes.items() if value is not None]
        faults += [purge_fault(self.purge, n), *length_faults(n, y=y, groups=groups)]
        refuse("TimeSeriesSplit", faults)
        size = n // (self.n_splits + 1) if self.test_size is None else int(self.test_size)
        ends = np.arange(n) + np.asarray(self.purge)  # the last row that each label looks at
        starts = [n - size * (self.n_splits - i) for i in range(self.n_splits)]
        splits = []
        for start in starts:
            train = np.flatnonzero((np.arange(n) < start - self.gap) & (ends < start))
            train = train[-int(self.max_train_size) :] if self.max_train_size is not None else train
            splits.append((train, np.arange(start, start + size)))
        if size < 1 or not len(splits[0][0]):  # a window that begins before the first row has no past either
            raise BadInput(
                f"TimeSeriesSplit: {n} rows are too few for n_splits={self.n_splits} windows of {size} rows with "
                f"gap={self.gap} and purge={short(self.purge)}: the first has nothing to train on; lower one of them"
            )
        yield from splits


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: ArrayLike | None = None,
    cv: Any = 5,
    scoring: Any = None,
    sample_weight: ArrayLike | None = None,
    fit_params: Mapping[str, Any] | None = None,
    method: str | None = "predict",
    error_score: Any = "raise",
    confidence: float = 0.95,
    n_jobs: int | None = None,
    backend: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CrossValidation:
    """Fit on each split's training rows, score and predict its test rows.

    Parameters
    ----------
    estimator : estimator
        Anything with scikit-learn's interface; it is cloned for each split and stays as it is.
    X : array, frame or sparse matrix with n rows
    y : array-like of shape (n,) or None
    groups : array-like of shape (n,), optional
        What must not be on both sides of a split.
    cv : int, splitter or iterable of (train, test), default 5
        An int makes ``GroupKFold`` where there are groups, ``StratifiedKFold`` for a classifier, else ``KFold``.
    scoring : None, str, callable, sequence, or mapping of str to str or callable, default None
        scikit-learn's names, or functions (fitted, X, y); higher is better. None asks the estimator.
    sample_weight : array-like of shape (n,), optional
        For ``fit`` (of a Pipeline: for its last step) and for every scorer that takes weights.
    fit_params : mapping, optional
        Further arguments of ``fit``; those with n entries are cut to the training rows.
    method : {"predict", "predict_proba", "predict_log_proba", "decision_function"} or None, default "predict"
        Which out-of-fold predictions are kept; None keeps none.
    error_score : "raise" or number, default "raise"
        What becomes of failures: one error that tells all of them, or this score for the folds that failed.
    confidence : float, default 0.95
        Of the intervals, between 0 and 1.
    n_jobs : int or None, default None
        Workers; None for what joblib's context says, else 1. Does not change one bit of a result.
    backend : str or None, default None
        ``"loky"``, ``"threading"``, ``"dask"`` ...; None for what joblib's context says.
    progress : function (done, total), optional
        Called after each split.

    Returns
    -------
    CrossValidation
        The interval of a mean score is mean ± t · s · √(1/k + n_test / n_train).

    Raises
    ------
    BadInput
        Parameters out of range, lengths that differ, splits that share rows or groups, or (``FoldsFailed``) folds
        that failed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> found = cross_validate(KNeighborsClassifier(), X, y, scoring=["accuracy", "f1_macro"])
    >>> round(found.mean("accuracy"), 3)
    0.973
    >>> float(np.mean(found.predictions == y)) == found.mean("accuracy")
    True
    """
    n = count_rows(X)
    faults = length_faults(n, y=y, groups=groups, sample_weight=sample_weight)
    if method is not None and method not in METHODS:
        faults.append(f"method={method!r} is none of {', '.join(METHODS)}")
    if not (isinstance(error_score, str) and error_score == "raise") and not is_number(error_score):
        faults.append(f"error_score={error_score!r} is neither 'raise' nor a number")
    refuse("cross_validate", [*faults, confidence_fault(confidence)])
    splits = _splits("cross_validate", cv, estimator, X, y, groups)
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    table = Table(X, y, scorers_of(estimator, scoring), weights, dict(fit_params or {}), method)
    jobs = [Job(estimator, fold, split) for fold, split in enumerate(splits)]
    outcomes = run(jobs, table, n_jobs=n_jobs, backend=backend, progress=progress)
    if isinstance(error_score, str):
        refuse_failures("cross_validate", outcomes, len(jobs))
    scores = {
        name: np.array([error_score if o.scores is None else o.scores[name] for o in outcomes], dtype=np.float64)
        for name in table.scorers
    }
    return CrossValidation(
        scores=scores,
        intervals={name: _interval(values, splits, confidence) for name, values in scores.items()},
        fit_seconds=np.array([o.fit_seconds for o in outcomes]),
        score_seconds=np.array([o.score_seconds for o in outcomes]),
        train_rows=tuple(train for train, _ in splits),
        test_rows=tuple(test for _, test in splits),
        fold_predictions=tuple(o.prediction for o in outcomes),
        failures=tuple(o.failure for o in outcomes if o.failure is not None),
        confidence=confidence,
        n_rows=n,
    )


def nested_cross_validate(
    estimator: Any,
    param_grid: Any,
    X: Any,
    y: Any = None,
    *,
    groups: ArrayLike | None = None,
    outer: Any = 5,
    inner: Any = 5,
    scoring: Any = None,
    confidence: float = 0.95,
    n_jobs: int | None = None,
    backend: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NestedCrossValidation:
    """Estimate what tuning achieves on rows that took no part in it.

    Parameters
    ----------
    estimator : estimator
        Its parameters are set from the grid.
    param_grid : mapping of str to sequence, or sequence of such mappings
        All combinations are tried, in the order of ``sklearn.model_selection.ParameterGrid``.
    X, y, groups
        As in ``cross_validate``. Inner splits keep groups together too.
    outer, inner : int, splitter or iterable, default 5
        As ``cv`` of ``cross_validate``; ``inner`` is an int or a splitter, applied to each outer training part.
    scoring : None, str or callable, default None
        One scorer.
    confidence, n_jobs, backend, progress
        As in ``cross_validate``.

    Returns
    -------
    NestedCrossValidation
        Inside each outer split the configuration with the best mean inner score is chosen (of equals, the first) and
        scored on the outer test rows. ``optimism`` is what a flat search over the outer splits would have promised
        beyond that.

    Raises
    ------
    BadInput
        As ``cross_validate``; also a grid that is empty or names parameters that the estimator does not have.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> found = nested_cross_validate(KNeighborsClassifier(), {"n_neighbors": [1, 5, 15]}, X, y)
    >>> found.optimism >= 0
    True
    """
    operation = "nested_cross_validate"
    faults = [*length_faults(count_rows(X), y=y, groups=groups), confidence_fault(confidence)]
    configurations, fault = configurations_of(estimator, param_grid)
    refuse(operation, [*faults, fault])
    candidates = [clone(estimator).set_params(**configuration) for configuration in configurations]
    names = [", ".join(f"{key}={value!r}" for key, value in c.items()) for c in configurations]
    table = Table(X, y, _one_scorer(operation, estimator, scoring))
    splits = _splits(operation, outer, estimator, X, y, groups)
    within = [_inner_splits(operation, inner, estimator, y, groups, train) for train, _ in splits]
    jobs = [Job(c, k, split, what) for c, what in zip(candidates, names, strict=True) for k, split in enumerate(splits)]
    jobs += [
        Job(candidate, k, split, f"{what}, inside outer fold {k}")
        for k, folds in enumerate(within)
        for candidate, what in zip(candidates, names, strict=True)
        for split in folds
    ]
    outcomes = run(jobs, table, n_jobs=n_jobs, backend=backend, progress=progress)
    refuse_failures(operation, outcomes, len(jobs))
    values = np.array([next(iter(o.scores.values())) for o in outcomes if o.scores is not None])
    G, K = len(candidates), len(splits)
    flat, rest = values[: G * K].reshape(G, K), values[G * K :]
    ends = np.cumsum([G * len(folds) for folds in within])
    inner_scores = np.array([part.reshape(G, -1).mean(axis=1) for part in np.split(rest, ends[:-1])])
    chosen = np.argmax(inner_scores, axis=1)
    scores = flat[chosen, np.arange(K)]
    low, high = _interval(scores, splits, confidence)
    return NestedCrossValidation(
        scores, low, high, configurations, tuple(map(int, chosen)), inner_scores, flat, confidence
    )


def compare_models(
    models: Mapping[str, Any],
    X: Any,
    y: Any = None,
    *,
    groups: ArrayLike | None = None,
    cv: Any = 5,
    n_repeats: int = 10,
    reference: str | None = None,
    scoring: Any = None,
    confidence: float = 0.95,
    random_state: Any = 0,
    n_jobs: int | None = None,
    backend: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare models over the same splits, by the corrected resampled t-test.

    Parameters
    ----------
    models : mapping of str to estimator
        At least two.
    X, y, groups
        As in ``cross_validate``.
    cv : int, splitter or iterable of (train, test), default 5
        An int is shuffled anew ``n_repeats`` times; anything else is used as it is, once.
    n_repeats : int, default 10
        How often an int ``cv`` is repeated.
    reference : str or None, default None
        Compare every other model with this one; None compares all pairs, in the order of ``models``.
    scoring : None, str or callable, default None
        One scorer. None asks each model, so let them be of one kind.
    confidence : float, default 0.95
    random_state : int, Generator or None, default 0
        Of the shuffles.
    n_jobs, backend, progress
        As in ``cross_validate``.

    Returns
    -------
    Comparison
        Differences are first minus second; with a reference, each model minus the reference. Their p-values are also
        adjusted by Holm for how many there are.

    Raises
    ------
    BadInput
        As ``cross_validate``; also fewer than two models or splits, or a reference that is no model.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> found = compare_models({"neighbours": KNeighborsClassifier(), "most frequent": DummyClassifier()}, X, y)
    >>> found.differences[0].low > 0.5
    True
    """
    operation = "compare_models"
    faults = [*length_faults(count_rows(X), y=y, groups=groups), confidence_fault(confidence)]
    faults.append(whole_fault("n_repeats", n_repeats, 1))
    if not isinstance(models, Mapping) or len(models) < 2:
        raise BadInput(f"compare_models: models={models!r:.80}; expected a mapping of at least two names to estimators")
    if reference is not None and reference not in models:
        faults.append(f"reference={reference!r} is none of {', '.join(models)}")
    refuse(operation, faults)
    first = next(iter(models.values()))
    splits = _repeated_splits(operation, cv, n_repeats, random_state, first, X, y, groups)
    table = Table(X, y, _one_scorer(operation, first, scoring))
    jobs = [Job(model, k, split, name) for name, model in models.items() for k, split in enumerate(splits)]
    outcomes = run(jobs, table, n_jobs=n_jobs, backend=backend, progress=progress)
    refuse_failures(operation, outcomes, len(jobs))
    names = list(models)
    if reference is None:
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    else:
        pairs = [(name, reference) for name in names if name != reference]
    return _compared(outcomes, names, pairs, splits, confidence)


def ablate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    features: Mapping[str, Sequence[Any]] | None = None,
    steps: Sequence[str] = (),
    groups: ArrayLike | None = None,
    cv: Any = 5,
    n_repeats: int = 10,
    scoring: Any = None,
    confidence: float = 0.95,
    random_state: Any = 0,
    n_jobs: int | None = None,
    backend: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Leave out one part at a time and measure what it contributed.

    Parameters
    ----------
    estimator : estimator
        The whole.
    X, y, groups
        As in ``cross_validate``.
    features : mapping of str to sequence, optional
        Name of a feature group -> its columns: by name in a frame, by position in an array.
    steps : sequence of str
        Steps of a Pipeline to leave out; each becomes ``"passthrough"``.
    cv, n_repeats, scoring, confidence, random_state, n_jobs, backend, progress
        As in ``compare_models``.

    Returns
    -------
    Comparison
        One difference a part, ``"full"`` minus ``"without PART"``, over the same splits. Above 0: the part helps.

    Raises
    ------
    BadInput
        As ``compare_models``; also nothing to leave out, columns or steps that are not there, or a group of
        features that leaves no column (all at once).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> parts = {"sepal": [0, 1], "petal": [2, 3]}
    >>> found = ablate(KNeighborsClassifier(), X, y, features=parts, n_repeats=2)
    >>> [f"{d.second}: {d.mean:.2f}" for d in found.differences]
    ['without sepal: 0.01', 'without petal: 0.21']
    """
    operation = "ablate"
    faults = [*length_faults(count_rows(X), y=y, groups=groups), confidence_fault(confidence)]
    faults.append(whole_fault("n_repeats", n_repeats, 1))
    kept, more = kept_columns(X, features or {})
    refuse(operation, [*faults, *more, *step_faults(estimator, steps)])
    if not kept and not steps:
        raise BadInput("ablate: there is nothing to leave out; name feature groups in features or steps in steps")
    variants: dict[str, tuple[Any, Sequence[Any] | None]] = {"full": (estimator, None)}
    variants |= {f"without {name}": (estimator, columns) for name, columns in kept.items()}
    variants |= {f"without {step}": (clone(estimator).set_params(**{step: "passthrough"}), None) for step in steps}
    splits = _repeated_splits(operation, cv, n_repeats, random_state, estimator, X, y, groups)
    table = Table(X, y, _one_scorer(operation, estimator, scoring))
    jobs = [
        Job(model, k, split, name, columns)
        for name, (model, columns) in variants.items()
        for k, split in enumerate(splits)
    ]
    outcomes = run(jobs, table, n_jobs=n_jobs, backend=backend, progress=progress)
    refuse_failures(operation, outcomes, len(jobs))
    names = list(variants)
    return _compared(outcomes, names, [("full", name) for name in names[1:]], splits, confidence)


def _fold_faults(splitter: Any, n: int) -> list[str]:
    """What is wrong with the parameters that the fold splitters share."""
    fault = whole_fault("n_splits", splitter.n_splits, 2)
    if not fault and splitter.n_splits > n:
        fault = f"n_splits={splitter.n_splits} is more than the {n} rows; lower it, or give more rows"
    return [fault, shuffle_fault(splitter.shuffle, splitter.random_state)]


def _by_fold(fold_of: NDArray[np.intp], n_splits: int) -> Iterator[Split]:
    for fold in range(n_splits):
        yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)


def _splits(
    operation: str, cv: Any, estimator: Any, X: Any, y: Any, groups: Any, shuffle_with: Any = None
) -> list[Split]:
    """The splits of cv as a list, each with rows on both sides and no row or group on two."""
    n = count_rows(X)
    if isinstance(cv, str) or not (hasattr(cv, "split") or np.iterable(cv)):
        cv = _splitter(operation, cv, estimator, y, groups, shuffle_with)
    pairs = cv.split(X, y, groups) if hasattr(cv, "split") else cv
    try:
        splits = [(np.asarray(train), np.asarray(test)) for train, test in pairs]
    except (TypeError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{operation}: cv does not give pairs of training and test rows ({error})") from error
    refuse(operation, split_faults(splits, n, groups))
    return [(train.astype(np.intp), test.astype(np.intp)) for train, test in splits]


def _splitter(operation: str, k: Any, estimator: Any, y: Any, groups: Any, shuffle_with: Any) -> Splitter:
    """The splitter that an int stands for."""
    fault = whole_fault("cv", k, 2)
    if fault:
        raise BadInput(f"{operation}: {fault}, a splitter or pairs of rows")
    classes = is_classifier(estimator) and y is not None
    options = {} if shuffle_with is None else {"shuffle": True, "random_state": shuffle_with}
    if groups is not None:
        return GroupKFold(int(k), stratify=classes, **options)
    return StratifiedKFold(int(k), **options) if classes else KFold(int(k), **options)


def _inner_splits(
    operation: str, inner: Any, estimator: Any, y: Any, groups: Any, train: NDArray[np.intp]
) -> list[Split]:
    """Inner splits of an outer training part, in positions of the whole table."""
    part = None if y is None else np.asarray(y)[train]
    part_groups = None if groups is None else np.asarray(groups)[train]
    # Splitters read positions alone, so the part stands in for its rows without a copy of the table.
    found = _splits(operation, inner, estimator, np.zeros((len(train), 1)), part, part_groups)
    return [(train[learn], train[judge]) for learn, judge in found]


def _repeated_splits(
    operation: str, cv: Any, n_repeats: int, random_state: Any, estimator: Any, X: Any, y: Any, groups: Any
) -> list[Split]:
    if hasattr(cv, "split") or np.iterable(cv):
        splits = _splits(operation, cv, estimator, X, y, groups)
    else:
        rng = np.random.default_rng(random_state)
        splits = [split for _ in range(n_repeats) for split in _splits(operation, cv, estimator, X, y, groups, rng)]
    if len(splits) < 2:
        raise BadInput(f"{operation}: cv gives {len(splits)} split; a comparison needs at least two")
    return splits


def _one_scorer(operation: str, estimator: Any, scoring: Any) -> dict[str, Any]:
    scorers = scorers_of(estimator, scoring)
    if len(scorers) != 1:
        raise BadInput(f"{operation}: scoring names {len(scorers)} scorers; expected one to decide by")
    return scorers


def _interval(values: NDArray[np.float64], splits: list[Split], confidence: float) -> tuple[float, float]:
    """The corrected interval of a mean over splits; NaN where one split or a failed one leaves none."""
    if len(values) < 2 or not np.isfinite(values).all():
        return float("nan"), float("nan")
    found = corrected(values, share_tested(splits), confidence)
    return found.low, found.high


def _compared(
    outcomes: list[Outcome],
    names: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    splits: list[Split],
    confidence: float,
) -> Comparison:
    """Paired differences of the scores of all models, whose outcomes come model by model."""
    values = np.array([next(iter(o.scores.values())) for o in outcomes if o.scores is not None])
    scores = dict(zip(names, values.reshape(len(names), len(splits)), strict=True))
    share = share_tested(splits)
    found = [corrected(scores[a] - scores[b], share, confidence) for a, b in pairs]
    adjusted = holm(np.array([one.p for one in found]))
    differences = tuple(Difference(a, b, *one, float(p)) for (a, b), one, p in zip(pairs, found, adjusted, strict=True))
    return Comparison(scores, differences, share, confidence)
