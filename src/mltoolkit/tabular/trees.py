"""Trees: one, boosted ones, what their predictions are made of, and whether the data gives the answer away.

A regression tree asks one column after another and predicts a number in each leaf. Gradient boosting adds up
many small trees, each grown against the gradient of the loss. All work on *bins*: a column's values are sorted
once into at most 255 groups, and a split is then a search over bins.

Where the textbook and this module differ: gains and leaves come from first and second derivatives (Newton's step,
as in XGBoost), missing values have a bin of their own and go to whichever side gains more, and gradients are
rounded to a grid on which every sum is exact, so that the same data gives the same bits on any machine, in any
order of rows and on any number of threads.

`tree_shap` splits a prediction into exact Shapley values; `find_leaks` looks for what a model should not know.

References
----------
Friedman, J. (2001). Greedy function approximation: a gradient boosting machine. Annals of Statistics 29(5).
Chen, T., Guestrin, C. (2016). XGBoost: a scalable tree boosting system. KDD.
Ke, G. et al. (2017). LightGBM: a highly efficient gradient boosting decision tree. NeurIPS.
Lundberg, S. M. et al. (2020). From local explanations to global understanding with explainable AI for trees.
Nature Machine Intelligence 2.
Kaufman, S., Rosset, S., Perlich, C. (2012). Leakage in data mining. ACM TKDD 6(4).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mltoolkit.tabular import Leak
from mltoolkit.tabular._trees import settings
from mltoolkit.tabular._trees.binning import bin_table
from mltoolkit.tabular._trees.boosting import (
    BinaryLogLoss,
    Boosted,
    SoftmaxLogLoss,
    SquaredError,
    boost,
    importances,
    predict_raw,
    staged_raw,
)
from mltoolkit.tabular._trees.growing import grow, to_grid
from mltoolkit.tabular._trees.leaks import search
from mltoolkit.tabular._trees.shapley import Ensemble, explain
from mltoolkit.tabular._trees.xgboost_models import is_xgboost, read


class RegressionTree(RegressorMixin, BaseEstimator):
    """A tree that predicts the mean of the training rows in each leaf, grown to lower the squared error.

    Parameters
    ----------
    max_depth : int or None, default None
        The most splits above a leaf; None for no limit.
    max_leaf_nodes : int or None, default None
        The most leaves, at least 2. The split that gains most comes first.
    min_samples_leaf : int, default 1
        The fewest training rows in a leaf.
    max_bins : int, default 255
        The most bins of a column, 2 to 255. A column with no more different values than this is split exactly.
    monotonic_cst : array-like of shape (d,), dict of column name to int, or None, default None
        1 where the prediction must not fall as the column rises, -1 where it must not rise, 0 elsewhere.

    Attributes
    ----------
    tree_ : Tree
        Nodes as flat arrays: ``feature`` (-1 in a leaf), ``threshold``, ``missing_left``, ``left``, ``right``,
        ``value``, ``cover`` (sum of the weights) and ``gain``.
    n_leaves_ : int
    depth_ : int
        The most splits above a leaf.
    n_features_in_ : int
        d, the number of columns.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, where X had any.

    Raises
    ------
    ValueError
        From ``fit``: X holds infinity, y holds NaN or infinity, weights are negative or all 0, or parameters are
        out of their range (all of these at once). From ``predict``: another number of columns.

    Examples
    --------
    >>> import numpy as np
    >>> tree = RegressionTree(max_depth=1).fit([[0.0], [1.0], [2.0], [np.nan]], [1.0, 1.0, 5.0, 5.0])
    >>> tree.predict([[0.5], [9.0], [np.nan]])
    array([1., 5., 5.])
    """

    def __init__(
        self,
        *,
        max_depth: int | None = None,
        max_leaf_nodes: int | None = None,
        min_samples_leaf: int = 1,
        max_bins: int = 255,
        monotonic_cst: Any = None,
    ) -> None:
        self.max_depth = max_depth
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.max_bins = max_bins
        self.monotonic_cst = monotonic_cst

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RegressionTree:
        """Grow the tree.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Numbers; NaN is a missing value, which a split sends to the side where it gains more.
        y : array-like of shape (n,)
            Finite numbers.
        sample_weight : array-like of shape (n,), optional
            Weights, none negative; a weight of 0 leaves the row out.

        Returns
        -------
        RegressionTree
            The estimator itself.
        """
        settings.check(self)
        train = settings.training_part(self, X, y, sample_weight)
        mean = float(np.average(train.y, weights=train.weights))
        weights = None if (train.weights == 1.0).all() else to_grid(train.weights)
        grown, _ = grow(
            bin_table(train.X, self.max_bins),
            to_grid((mean - train.y) * train.weights),
            weights,
            np.arange(len(train.X), dtype=np.uint32),
            settings.limits(self, l2=0.0, min_child_weight=0.0),
        )
        self.tree_ = settings.shifted(grown, mean)
        self.n_leaves_ = int(self.tree_.is_leaf.sum())
        self.depth_ = int(self.tree_.depth().max())
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predictions.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        leaves = self.apply(X)
        found: NDArray[np.float64] = self.tree_.value[leaves]
        return found

    def apply(self, X: ArrayLike) -> NDArray[np.int64]:
        """The node number of the leaf of each row.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        return self.tree_.apply(settings.table(self, X))

    def __sklearn_tags__(self) -> Tags:
        """Missing values are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class GradientBoostingRegressor(RegressorMixin, BaseEstimator):
    """Boosted trees for squared error, with the regularisation and the defaults of XGBoost.

    The prediction is the mean of y plus the sum of all trees' leaves. Round by round a tree is grown on the
    gradients g and hessians h of half the squared error: a leaf's value is -Σg / (Σh + l2), times the learning
    rate, and a split's gain is what it lowers this quadratic model of the loss by, times 2.

    Parameters
    ----------
    learning_rate : float, default 0.1
        Share of each step that is taken, above 0.
    max_iter : int, default 100
        The most rounds.
    max_depth : int or None, default 6
        The most splits above a leaf.
    max_leaf_nodes : int or None, default None
        The most leaves of a tree, at least 2; the split that gains most comes first.
    min_samples_leaf : int, default 1
        The fewest rows in a leaf.
    min_child_weight : float, default 1.0
        The least sum of hessians in a leaf; for squared error, of weights.
    l2_regularization : float, default 1.0
        Added to the sum of hessians in every leaf.
    max_bins : int, default 255
        The most bins of a column, 2 to 255; missing values have one more.
    subsample : float, default 1.0
        Share of the rows that each round looks at, drawn without replacement.
    colsample_bytree : float, default 1.0
        Share of the columns that each round looks at.
    monotonic_cst : array-like of shape (d,), dict of column name to int, or None, default None
        1 where the prediction must not fall as the column rises, -1 where it must not rise, 0 elsewhere.
    early_stopping : bool, default False
        Stop when the validation loss has not improved for ``n_iter_no_change`` rounds, and keep the rounds up to
        the best one. Needs ``X_val`` and ``y_val`` in ``fit``, or holds back ``validation_fraction``.
    validation_fraction : float, default 0.1
        Share of the rows to hold back when there is no other validation part.
    n_iter_no_change : int, default 10
        Rounds without a better validation loss.
    tol : float, default 0.0
        An improvement has to be larger than this.
    random_state : int, RandomState instance or None, default None
        Draws rows, columns and the validation part.

    Attributes
    ----------
    trees_ : tuple of tuples of Tree
        One tree a round, see ``RegressionTree.tree_``; ``cover`` is the sum of hessians.
    base_ : ndarray of shape (1,)
        The prediction before the first tree.
    n_iter_ : int
        Rounds kept.
    train_score_ : ndarray of shape (rounds + 1,)
        Mean squared error on the training rows after 0, 1, 2 … rounds.
    validation_score_ : ndarray of shape (rounds + 1,) or (0,)
        The same on the validation rows; empty without any.
    feature_importances_ : ndarray of shape (d,)
        Share of each column in the gains of all splits.
    n_features_in_, feature_names_in_
        Number and names of the columns.

    Raises
    ------
    ValueError
        As from ``RegressionTree``.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.arange(40.0)[:, np.newaxis]
    >>> model = GradientBoostingRegressor(learning_rate=0.5, max_iter=50).fit(X, np.sin(X.ravel() / 6))
    >>> bool(abs(model.predict([[9.0]])[0] - np.sin(1.5)) < 0.05)
    True
    """

    def __init__(
        self,
        *,
        learning_rate: float = 0.1,
        max_iter: int = 100,
        max_depth: int | None = 6,
        max_leaf_nodes: int | None = None,
        min_samples_leaf: int = 1,
        min_child_weight: float = 1.0,
        l2_regularization: float = 1.0,
        max_bins: int = 255,
        subsample: float = 1.0,
        colsample_bytree: float = 1.0,
        monotonic_cst: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0,
        random_state: Any = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_depth = max_depth
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.min_child_weight = min_child_weight
        self.l2_regularization = l2_regularization
        self.max_bins = max_bins
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.monotonic_cst = monotonic_cst
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> GradientBoostingRegressor:
        """Boost.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Numbers; NaN is a missing value.
        y : array-like of shape (n,)
            Finite numbers.
        sample_weight : array-like of shape (n,), optional
            Weights, none negative; a weight of 0 leaves the row out.
        X_val, y_val : array-like of shape (v, d) and (v,), optional
            A validation part: its loss is recorded, and decides with ``early_stopping``.

        Returns
        -------
        GradientBoostingRegressor
            The estimator itself.
        """
        settings.check(self)
        train = settings.training_part(self, X, y, sample_weight)
        held_out = settings.validation_part(self, X_val, y_val)
        if held_out is None and self.early_stopping:
            train, held_out = settings.hold_back(self, train, stratify=False)
        _keep(self, boost(train, held_out, SquaredError(), settings.plan(self)))
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predictions.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        return predict_raw(self.base_, self.trees_, settings.table(self, X))[:, 0]

    def staged_predict(self, X: ArrayLike) -> Iterator[NDArray[np.float64]]:
        """Predictions after 1, 2, … rounds.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Yields
        ------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        for raw in staged_raw(self.base_, self.trees_, settings.table(self, X)):
            yield raw[:, 0]

    def __sklearn_tags__(self) -> Tags:
        """Missing values are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class GradientBoostingClassifier(ClassifierMixin, BaseEstimator):
    """Boosted trees for the log loss, of two classes or more.

    Two classes have one tree a round, whose sum is the log-odds of the second class. More have one tree each,
    tied by a softmax; there the hessian is K / (K - 1) · p (1 - p).

    Parameters
    ----------
    learning_rate, max_iter, max_depth, max_leaf_nodes, min_samples_leaf, min_child_weight, l2_regularization, \
max_bins, subsample, colsample_bytree, monotonic_cst, early_stopping, validation_fraction, n_iter_no_change, tol, \
random_state
        As in ``GradientBoostingRegressor``, with the same defaults. ``monotonic_cst`` is about the second class,
        and is refused with more than two. The validation part that ``fit`` holds back has the classes' shares.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The classes, sorted.
    trees_ : tuple of tuples of Tree
        One round each: one tree for two classes, else K.
    base_ : ndarray of shape (1,) or (K,)
        Raw scores before the first tree.
    n_iter_ : int
        Rounds kept.
    train_score_, validation_score_ : ndarray of shape (rounds + 1,)
        Mean log loss after 0, 1, 2 … rounds; the second is empty without a validation part.
    feature_importances_ : ndarray of shape (d,)
        Share of each column in the gains of all splits.
    n_features_in_, feature_names_in_
        Number and names of the columns.

    Raises
    ------
    ValueError
        As from ``RegressionTree``, and when y has fewer than two classes.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.arange(20.0)[:, np.newaxis]
    >>> model = GradientBoostingClassifier(min_child_weight=0.1).fit(X, X.ravel() > 12)
    >>> model.predict([[3.0], [18.0]])
    array([False,  True])
    """

    def __init__(
        self,
        *,
        learning_rate: float = 0.1,
        max_iter: int = 100,
        max_depth: int | None = 6,
        max_leaf_nodes: int | None = None,
        min_samples_leaf: int = 1,
        min_child_weight: float = 1.0,
        l2_regularization: float = 1.0,
        max_bins: int = 255,
        subsample: float = 1.0,
        colsample_bytree: float = 1.0,
        monotonic_cst: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0,
        random_state: Any = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_depth = max_depth
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.min_child_weight = min_child_weight
        self.l2_regularization = l2_regularization
        self.max_bins = max_bins
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.monotonic_cst = monotonic_cst
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> GradientBoostingClassifier:
        """Boost.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Numbers; NaN is a missing value.
        y : array-like of shape (n,)
            Classes: numbers or texts, at least two different ones.
        sample_weight : array-like of shape (n,), optional
            Weights, none negative; a weight of 0 leaves the row out.
        X_val, y_val : array-like of shape (v, d) and (v,), optional
            A validation part: its loss is recorded, and decides with ``early_stopping``.

        Returns
        -------
        GradientBoostingClassifier
            The estimator itself.
        """
        settings.check(self)
        data, target = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(target)
        train, self.classes_ = settings.classes_part(data, target, sample_weight)
        settings.refuse_monotone_softmax(self, len(self.classes_))
        held_out = settings.validation_part(self, X_val, y_val, classes=self.classes_)
        if held_out is None and self.early_stopping:
            train, held_out = settings.hold_back(self, train, stratify=True)
        loss = BinaryLogLoss() if len(self.classes_) == 2 else SoftmaxLogLoss(len(self.classes_))
        _keep(self, boost(train, held_out, loss, settings.plan(self)))
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Raw scores.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,) for two classes, else (n, K)
            For two classes the log-odds of the second.
        """
        check_is_fitted(self)
        raw = predict_raw(self.base_, self.trees_, settings.table(self, X))
        return raw[:, 0] if raw.shape[1] == 1 else raw

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
        return _probabilities(self.decision_function(X))

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

    def staged_predict_proba(self, X: ArrayLike) -> Iterator[NDArray[np.float64]]:
        """Probabilities after 1, 2, … rounds.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Yields
        ------
        ndarray of shape (n, K)
        """
        check_is_fitted(self)
        for raw in staged_raw(self.base_, self.trees_, settings.table(self, X)):
            yield _probabilities(raw[:, 0] if raw.shape[1] == 1 else raw)

    def __sklearn_tags__(self) -> Tags:
        """Missing values are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def tree_shap(model: Any, X: ArrayLike) -> tuple[NDArray[np.float64], Any]:
    """Split predictions into exact Shapley values, one a column.

    For each row, base value + the sum of its values is the model's raw prediction: the number itself, or the
    log-odds of the second class, or the scores before the softmax. A column that is not known is replaced by both
    branches of each of its splits, weighted by how much of the training data went there (their *cover*); this is
    what the library shap calls ``tree_path_dependent``.

    Parameters
    ----------
    model : RegressionTree, GradientBoostingRegressor, GradientBoostingClassifier, or a model of XGBoost
        Fitted. Of XGBoost: a ``Booster``, ``XGBRegressor`` or ``XGBClassifier`` with numeric columns (boosters
        gbtree and dart); after early stopping an estimator's trees up to the best one count, as in its ``predict``.
    X : array-like of shape (n, d)
        Rows to explain; NaN is a missing value.

    Returns
    -------
    values : ndarray of shape (n, d), or (n, d, K) for more than two classes
    base : float, or ndarray of shape (K,)
        The prediction when no column is known.

    Raises
    ------
    ValueError
        When X has another number of columns, or the model is none of these.
    NotFittedError
        When the model was not fitted.

    References
    ----------
    Lundberg, S. M. et al. (2020). From local explanations to global understanding with explainable AI for trees.

    Examples
    --------
    >>> X = [[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]
    >>> model = RegressionTree(max_depth=1).fit(X, [0.0, 0.0, 4.0, 4.0])
    >>> values, base = tree_shap(model, X)
    >>> values
    array([[-2.,  0.],
           [-2.,  0.],
           [ 2.,  0.],
           [ 2.,  0.]])
    >>> base
    2.0
    """
    if is_xgboost(model):
        ensemble, data = read(model, settings.numbers(X))
    elif isinstance(model, RegressionTree | GradientBoostingRegressor | GradientBoostingClassifier):
        check_is_fitted(model)
        data = settings.table(model, X)
        rounds = ((model.tree_,),) if isinstance(model, RegressionTree) else model.trees_
        offset = np.zeros(1) if isinstance(model, RegressionTree) else model.base_
        pairs = [(tree, k) for one in rounds for k, tree in enumerate(one)]
        ensemble = Ensemble([tree for tree, _ in pairs], [k for _, k in pairs], offset)
    else:
        raise settings.not_a_tree_model(model)
    values, base = explain(ensemble, data)
    return (values[:, :, 0], float(base[0])) if len(base) == 1 else (values, base)


def find_leaks(
    train: pd.DataFrame,
    test: pd.DataFrame | None = None,
    *,
    target: str,
    group: str | None = None,
    time: str | None = None,
) -> list[Leak]:
    """Look for what a model should not know: columns that give the answer away, rows on both sides of a split.

    Parameters
    ----------
    train : DataFrame
        Rows to learn from, with the target.
    test : DataFrame, optional
        Rows to judge by; the target may be missing there.
    target : str
        Name of the target column. Texts, truth values and numbers with at most 20 different values are classes,
        other numbers a quantity.
    group : str, optional
        Column whose values must not be on both sides of the split, such as a patient.
    time : str, optional
        Column by which train must come before test.

    Returns
    -------
    list of Leak
        Findings with ``kind``, ``columns``, ``message`` and ``evidence``; empty when there are none. The kinds:

        - *target copy*: a column alone predicts the target nearly without error on rows held out, be it the target
          itself, a noisy copy or one on another scale;
        - *future*: a column that is filled in (or missing) for one outcome only, a date later than ``time``, the
          target of a later row; or training rows that are not earlier than the test rows;
        - *identity*: a column that numbers or names the rows, and predicts the target;
        - *duplicate*: test rows that stand in the training part too;
        - *group*: values of ``group`` on both sides.

    Raises
    ------
    ValueError
        When a named column is missing, or test lacks columns of train (all of these at once).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"income": rng.normal(size=200), "default": rng.integers(0, 2, 200)})
    >>> find_leaks(table, target="default")
    []
    >>> [leak.kind for leak in find_leaks(table.assign(status=table["default"] * 7), target="default")]
    ['target copy']
    """
    settings.check_tables(train, test)
    return list(search(train, test, target, group, time))


def _keep(model: GradientBoostingRegressor | GradientBoostingClassifier, found: Boosted) -> None:
    """Put what boosting found into the estimator's attributes."""
    model.trees_, model.base_, model.n_iter_ = found.trees, found.start, len(found.trees)
    model.train_score_, model.validation_score_ = found.train_loss, found.validation_loss
    model.feature_importances_ = importances(found.trees, model.n_features_in_)


def _probabilities(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    if scores.ndim == 1:
        return np.column_stack([expit(-scores), expit(scores)])
    return np.asarray(softmax(scores, axis=1))
