"""One feature pipeline for training and for serving: encoders, a scaler, the pipeline, and a file that can be trusted.

What differs from a textbook's version, and why:

- The *target encoder* turns each column into whole numbers once. Sums and counts by category and fold come from
  ``bincount``; what the other folds say is the total less the fold's own share, so k folds cost one pass.
- A row's feature never sees that row's own target: ``fit_transform`` encodes each fold from the others. ``fit`` and
  then ``transform`` on the same rows leaks, and is for new rows.
- The *hash* is BLAKE2b of a text, never Python's ``hash``, which is another in each process.
- Every transformer has a path for one row that does the same floating-point operations in the same order as the path
  for many, so that both give the same bits.

References
----------
Micci-Barreca, D. (2001). A preprocessing scheme for high-cardinality categorical attributes in classification and
prediction problems. SIGKDD Explorations 3(1).
Weinberger, K. et al. (2009). Feature hashing for large scale multitask learning. ICML.
Pargent, F. et al. (2022). Regularized target encoding outperforms traditional methods in supervised machine learning
with high cardinality features. Computational Statistics 37.
Sculley, D. et al. (2015). Hidden technical debt in machine learning systems. NeurIPS.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.utils import Tags, check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted

from mltoolkit.errors import BadInput
from mltoolkit.tabular._pipeline_files import read_pipeline, write_pipeline
from mltoolkit.tabular._target_means import as_floats, dealt, kind_of_target, rest_moments, smoothed
from mltoolkit.tabular.columns import (
    Table,
    category_key,
    frame_kind,
    framed,
    missing_columns,
    names_of,
    number_of,
    read_table,
)

_UNDECIDED = 10 * np.finfo(float).eps  # a spread this small beside the values is rounding


class TargetEncoder(TransformerMixin, BaseEstimator):
    """Each category as a smoothed mean of its targets.

    A category with n rows, mean m and within-category variance v becomes λ m + (1 - λ) prior, where the prior is the
    mean of all targets. With a number a, λ = n / (n + a). With ``"auto"``, λ = n s² / (n s² + v), where s² is the
    variance of all targets: the empirical Bayes weight. Missing is a category of its own. A category that ``fit``
    did not see becomes the prior.

    Parameters
    ----------
    smooth : "auto" or float, default "auto"
        The weight of the prior in rows, at least 0.
    target_type : {"auto", "continuous", "binary", "multiclass"}, default "auto"
        ``"auto"``: floats with fractions are continuous; else two distinct values or fewer are binary, more are
        multiclass. Say ``"continuous"`` for counts.
    cv : int or splitter, default 5
        Folds of ``fit_transform``, at most one a row. An int deals the rows of each class out by chance. A splitter
        must test every row once and train on all others.
    random_state : int, default 0
        Seed of the deal; not used with a splitter.

    Attributes
    ----------
    categories_ : list of ndarray of object
        For each column its keys, see ``columns.category_key``, in the order in which they first occur; None, at the
        end, stands for missing.
    encodings_ : list of ndarray of shape (categories, K)
        For each column the encodings; K is 1, or the number of classes of a multiclass target.
    target_mean_ : ndarray of shape (K,)
        The prior.
    target_type_ : str
    classes_ : ndarray or None
        Sorted; of a binary target the second one counts as 1. None for a continuous target.
    n_features_in_, feature_names_in_
        As scikit-learn has them.

    Raises
    ------
    ValueError
        From ``fit``: y is missing, has another length, holds NaN, or does not fit ``target_type``; a parameter is out
        of its range (all of these at once). From ``transform``: other columns.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([["a"], ["a"], ["b"], ["b"]], dtype=object)
    >>> encoder = TargetEncoder(smooth=2.0).fit(X, [1, 1, 0, 1])
    >>> encoder.transform(np.array([["a"], ["b"], ["unseen"]], dtype=object)).ravel()
    array([0.875, 0.625, 0.75 ])
    """

    def __init__(self, smooth: Any = "auto", *, target_type: str = "auto", cv: Any = 5, random_state: int = 0) -> None:
        self.smooth = smooth
        self.target_type = target_type
        self.cv = cv
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike) -> TargetEncoder:
        """Learn encodings from all rows; for rows that are new.

        Parameters
        ----------
        X : frame or array-like of shape (n, d)
        y : array-like of shape (n,)

        Returns
        -------
        TargetEncoder
            The encoder itself.
        """
        self._fit(X, y)
        return self

    def fit_transform(self, X: Any, y: ArrayLike) -> NDArray[np.float64]:
        """Learn encodings from all rows, and encode each row by what the other folds say.

        Parameters
        ----------
        X : frame or array-like of shape (n, d)
            At least two rows.
        y : array-like of shape (n,)

        Returns
        -------
        ndarray of shape (n, d · K)
            Column by column, and within a column class by class.
        """
        coded, targets, labels = self._fit(X, y)
        n = targets.shape[1]
        if n < 2:
            raise BadInput("TargetEncoder: n_samples = 1; expected at least two rows to encode one by the others")
        folds, fold_of = self._folds(X, y, n, labels)
        means, variances = rest_moments(targets, fold_of, folds)
        out = np.empty((n, len(coded) * len(targets)), order="F")
        for j, codes in enumerate(coded):
            categories = len(self.categories_[j])
            place = fold_of * categories + codes
            counts = np.bincount(place, minlength=folds * categories).reshape(folds, categories)
            for k, target in enumerate(targets):
                sums = np.bincount(place, target, folds * categories).reshape(folds, categories)
                squares = None
                if self.smooth == "auto":
                    squares = sums if labels is not None else (
                        np.bincount(place, target**2, folds * categories).reshape(folds, categories)
                    )  # fmt: skip
                    squares = squares.sum(axis=0) - squares
                encodings = smoothed(
                    counts.sum(axis=0) - counts, sums.sum(axis=0) - sums, squares, means[k], variances[k], self.smooth
                )
                encodings += self._centre
                np.take(encodings.ravel(), place, out=out[:, j * len(targets) + k], mode="clip")
        return out

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Encode new rows.

        Parameters
        ----------
        X : frame or array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, d · K)
        """
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        classes = len(self.target_mean_)
        out = np.empty((table.n_rows, len(table.names) * classes), order="F")
        for j, name in enumerate(table.names):
            codes, keys = table.codes(name)
            known = self._lookups[j]
            rows = np.array([known.get(key, self.target_mean_) for key in [*keys, None]])  # -1 is the last: missing
            for k in range(classes):
                out[:, j * classes + k] = rows[codes, k]
        return out

    def transform_row(self, values: Sequence[Any]) -> list[float]:
        """Encode one row: one value for each column, in the order of ``fit``; the same bits as ``transform``."""
        found: list[float] = []
        for known, value in zip(self._lookups, values, strict=True):
            found.extend(known.get(category_key(value), self._prior))
        return found

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the columns of the result: the column's, with ``_CLASS`` where the target is multiclass."""
        check_is_fitted(self)
        names = _same_names(self, input_features)
        if self.target_type_ == "multiclass":
            assert self.classes_ is not None
            names = [f"{name}_{label}" for name in names for label in self.classes_]
        return np.array(names, dtype=object)

    def _fit(self, X: Any, y: Any) -> tuple[list[NDArray[np.intp]], NDArray[np.float64], NDArray[np.intp] | None]:
        """Codes of each column, targets (K, n) less their centre, and class numbers (None when continuous)."""
        self._check_parameters()
        if y is None:
            raise BadInput("TargetEncoder: requires y to be passed, but the target y is None")
        table = read_table(self, X, reset=True)
        check_consistent_length(y, np.empty(table.n_rows))
        targets, labels = self._targets(y)
        self._centre = 0.0
        if labels is None:  # sums of squares of what lies far from zero would lose their digits
            self._centre = float(targets.mean())
            targets = targets - self._centre
        mean, variance = targets.mean(axis=1), targets.var(axis=1)
        self.target_mean_ = mean + self._centre
        self.categories_, self.encodings_, coded = [], [], []
        for name in table.names:
            codes, keys = table.codes(name)
            missing = codes < 0
            if missing.any():
                codes = np.where(missing, len(keys), codes)
                keys = [*keys, None]  # type: ignore[list-item]
            coded.append(codes)
            self.categories_.append(np.array(keys, dtype=object))
            counts = np.bincount(codes, minlength=len(keys))
            found = []
            for k, target in enumerate(targets):
                sums = np.bincount(codes, target, len(keys))
                squares = sums if labels is not None else np.bincount(codes, target**2, len(keys))
                found.append(smoothed(counts, sums, squares, mean[k], variance[k], self.smooth) + self._centre)
            self.encodings_.append(np.column_stack(found))
        self._index()
        return coded, targets, labels

    def _targets(self, y: Any) -> tuple[NDArray[np.float64], NDArray[np.intp] | None]:
        values = np.asarray(column_or_1d(y, warn=True))
        if pd.isna(values).any() or (values.dtype.kind == "f" and not np.isfinite(values).all()):
            raise BadInput("TargetEncoder: y holds NaN, infinity or a missing value; leave these rows out")
        kind = self.target_type if self.target_type != "auto" else kind_of_target(values)
        self.target_type_, self.classes_ = kind, None
        if kind == "continuous":
            if values.dtype.kind not in "buif":
                values = as_floats(values)
            return values.astype(np.float64)[np.newaxis], None
        labels, classes = pd.factorize(values, sort=True)
        self.classes_ = np.asarray(classes)
        if kind == "binary":
            if len(classes) > 2:
                raise BadInput(f"TargetEncoder: y has {len(classes)} distinct values; a binary target has two")
            return (labels.astype(np.float64))[np.newaxis], labels
        return (labels == np.arange(len(classes))[:, np.newaxis]).astype(np.float64), labels

    def _folds(self, X: Any, y: Any, n: int, labels: NDArray[np.intp] | None) -> tuple[int, NDArray[np.intp]]:
        """How many folds there are, and the fold of each row."""
        if isinstance(self.cv, Integral):
            folds = min(int(self.cv), n)
            return folds, dealt(n, labels, folds, np.random.default_rng(self.random_state))
        fold_of, trained = np.full(n, -1, dtype=np.intp), 0
        blank = np.empty((n, 1)) if isinstance(X, Table) else X
        i = -1
        for i, (train, test) in enumerate(self.cv.split(blank, y)):
            trained += len(train)
            if (fold_of[test] >= 0).any():
                trained = -1
                break
            fold_of[test] = i
        if (fold_of < 0).any() or trained != i * n:
            raise BadInput("TargetEncoder: cv must test each row once and train on all the others")
        return i + 1, fold_of

    def _index(self) -> None:
        """A lookup for each column: key -> encodings (K of them)."""
        self._prior = tuple(map(float, self.target_mean_))
        self._lookups: list[dict[str | None, Any]] = [
            dict(zip(keys, map(tuple, rows.tolist()), strict=True))
            for keys, rows in zip(self.categories_, self.encodings_, strict=True)
        ]

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_lookups", None)  # made again from what is kept
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "encodings_" in state:
            self._index()

    def _check_parameters(self) -> None:
        faults = []
        if self.smooth != "auto" and not (_is_number(self.smooth) and 0 <= self.smooth < np.inf):
            faults.append(f"smooth={self.smooth!r} is neither 'auto' nor a finite number of at least 0")
        if self.target_type not in ("auto", "continuous", "binary", "multiclass"):
            faults.append(f"target_type={self.target_type!r} is none of auto, continuous, binary, multiclass")
        if not hasattr(self.cv, "split") and not (_is_int(self.cv) and self.cv >= 2):
            faults.append(f"cv={self.cv!r} is neither an int of at least 2 nor a splitter")
        if not (_is_int(self.random_state) and self.random_state >= 0):
            faults.append(f"random_state={self.random_state!r} is not an int of at least 0")
        if faults:
            raise BadInput("TargetEncoder: " + "; ".join(faults))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


class HashingEncoder(TransformerMixin, BaseEstimator):
    """Categories of all columns, counted in a fixed number of columns by a hash.

    The text ``NAME=KEY`` (the column's name, and its ``columns.category_key``; ``NAME`` alone for a missing value) is
    hashed with BLAKE2b to 8 bytes, read as a little-endian whole number h. The row's column (h >> 1) % n_features
    gets +1 where h is even, -1 where it is odd. Nothing is learned, so no category is ever unseen; two may share a
    column, and signs make such collisions cancel out on average.

    Parameters
    ----------
    n_features : int, default 32
        Columns of the result, at least 1.
    signed : bool, default True
        False adds +1 always.

    Attributes
    ----------
    n_features_in_, feature_names_in_
        As scikit-learn has them.

    Raises
    ------
    ValueError
        A parameter is out of its range, or other columns than in ``fit``.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = HashingEncoder(4).fit(np.array([["a"]], dtype=object))
    >>> encoder.transform(np.array([["a"], ["b"]], dtype=object))
    array([[ 0.,  0.,  0., -1.],
           [ 0.,  1.,  0.,  0.]])
    """

    def __init__(self, n_features: int = 32, *, signed: bool = True) -> None:
        self.n_features = n_features
        self.signed = signed

    def fit(self, X: Any, y: Any = None) -> HashingEncoder:  # noqa: ARG002 - the estimator contract
        """Check parameters and keep the columns' names; y is not used."""
        faults = []
        if not (_is_int(self.n_features) and self.n_features >= 1):
            faults.append(f"n_features={self.n_features!r} is not an int of at least 1")
        if not isinstance(self.signed, bool | np.bool_):
            faults.append(f"signed={self.signed!r} is not a bool")
        if faults:
            raise BadInput("HashingEncoder: " + "; ".join(faults))
        read_table(self, X, reset=True)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Hash.

        Parameters
        ----------
        X : frame or array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, n_features)
        """
        check_is_fitted(self, "n_features_in_")
        table = read_table(self, X, reset=False)
        out = np.zeros((table.n_rows, self.n_features))
        rows = np.arange(table.n_rows)
        for name, given in zip(names_of(self), table.names, strict=True):
            codes, keys = table.codes(given)
            places = [self._place(name, key) for key in [*keys, None]]  # -1 is the last: missing
            columns, signs = (np.array(part) for part in zip(*places, strict=True))
            out[rows, columns[codes]] += signs[codes]  # a row occurs once, so no two additions meet
        return out

    def transform_row(self, values: Sequence[Any]) -> list[float]:
        """Hash one row: one value for each column, in the order of ``fit``; the same bits as ``transform``."""
        found = [0.0] * self.n_features
        for name, value in zip(names_of(self), values, strict=True):
            column, sign = self._place(name, category_key(value))
            found[column] += sign
        return found

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """``hash0``, ``hash1``, and so on."""
        check_is_fitted(self, "n_features_in_")
        _same_names(self, input_features)
        return np.array([f"hash{i}" for i in range(self.n_features)], dtype=object)

    def _place(self, name: str, key: str | None) -> tuple[int, float]:
        text = name if key is None else f"{name}={key}"
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        number = int.from_bytes(digest, "little")
        return (number >> 1) % self.n_features, -1.0 if self.signed and number & 1 else 1.0

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


class RobustScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Each column less its median, divided by the range between two quantiles.

    A few wild values move neither. Missing values are left out of ``fit`` and stay missing.

    Parameters
    ----------
    with_centering, with_scaling : bool, default True
        Whether to subtract the median; whether to divide.
    quantile_range : (float, float), default (25.0, 75.0)
        The quantiles, in percent, 0 <= first < second <= 100.
    fill : float or None, default None
        What a missing value becomes; 0.0 is the median. None keeps it missing.

    Attributes
    ----------
    center_ : ndarray of shape (d,)
        Medians; 0 without centering.
    scale_ : ndarray of shape (d,)
        Ranges; 1 without scaling, and where the range is 0 (beside the size of the quantiles).
    n_features_in_, feature_names_in_
        As scikit-learn has them.

    Raises
    ------
    ValueError
        A column holds infinity or no number at all, or something that is no number (every such column is named); a
        parameter is out of its range; other columns than in ``fit``.

    Examples
    --------
    >>> RobustScaler().fit_transform([[1.0], [2.0], [3.0], [4.0], [1000.0]]).ravel()
    array([ -1. ,  -0.5,   0. ,   0.5, 498.5])
    """

    def __init__(
        self,
        *,
        with_centering: bool = True,
        with_scaling: bool = True,
        quantile_range: tuple[float, float] = (25.0, 75.0),
        fill: float | None = None,
    ) -> None:
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.quantile_range = quantile_range
        self.fill = fill

    def fit(self, X: Any, y: Any = None) -> RobustScaler:  # noqa: ARG002 - the estimator contract
        """Learn medians and ranges; y is not used.

        Parameters
        ----------
        X : frame or array-like of shape (n, d)
            Numbers; NaN is missing.
        """
        self._check_parameters()
        self._learn(read_table(self, X, reset=True))
        return self

    def fit_transform(self, X: Any, y: Any = None) -> NDArray[np.float64]:  # noqa: ARG002 - the estimator contract
        """Learn medians and ranges, and scale the same rows."""
        self._check_parameters()
        return self._scaled(self._learn(read_table(self, X, reset=True)))

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Scale.

        Parameters
        ----------
        X : frame or array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, d)
        """
        check_is_fitted(self)
        return self._scaled(_finite_numbers(read_table(self, X, reset=False)))

    def transform_row(self, values: Sequence[Any]) -> list[float]:
        """Scale one row: one value for each column, in the order of ``fit``; the same bits as ``transform``."""
        found, faults = [], []
        for j, (value, (center, scale)) in enumerate(zip(values, self._pairs, strict=True)):
            try:
                number = number_of(value)
            except BadInput as fault:
                faults.append(f"column {names_of(self)[j]!r}: {fault}")
                continue
            if math.isinf(number):
                faults.append(f"column {names_of(self)[j]!r} holds infinity")
            elif math.isnan(number):
                found.append(math.nan if self.fill is None else float(self.fill))
            else:
                found.append((number - center) / scale)
        if faults:
            raise BadInput("; ".join(faults))
        return found

    def _learn(self, table: Table) -> NDArray[np.float64]:
        X = _finite_numbers(table)
        low, high = self.quantile_range
        self.center_, self.scale_ = np.zeros(X.shape[1]), np.ones(X.shape[1])
        faults = []
        for j, name in enumerate(table.names):
            column = X[:, j]
            missing = np.isnan(column)
            known = column[~missing] if missing.any() else column
            if not len(known):
                faults.append(f"column {name!r} has no value at all")
                continue
            below, middle, above = _percentiles(known, (low, 50.0, high))
            with np.errstate(over="ignore"):
                spread = above - below
            if not np.isfinite(spread):
                faults.append(f"column {name!r} is spread wider than a float can hold; divide it first")
            if self.with_centering:
                self.center_[j] = middle
            if self.with_scaling and spread > _UNDECIDED * max(abs(below), abs(above)):
                self.scale_[j] = spread
        if faults:
            raise BadInput("RobustScaler: " + "; ".join(faults))
        self._pairs = list(zip(self.center_.tolist(), self.scale_.tolist(), strict=True))
        return X

    def _scaled(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(over="ignore"):  # a value far beyond those of fit; infinity says so
            X = (X - self.center_) / self.scale_
        missing = np.isnan(X)
        if missing.any():
            X[missing] = np.nan if self.fill is None else self.fill
        return X

    def _check_parameters(self) -> None:
        faults = [
            f"{name}={value!r} is not a bool"
            for name, value in (("with_centering", self.with_centering), ("with_scaling", self.with_scaling))
            if not isinstance(value, bool | np.bool_)
        ]
        both = self.quantile_range
        if not (
            isinstance(both, tuple | list)
            and len(both) == 2
            and all(map(_is_number, both))
            and 0 <= both[0] < both[1] <= 100
        ):
            faults.append(f"quantile_range={both!r} is not a pair with 0 <= first < second <= 100")
        if self.fill is not None and not (_is_number(self.fill) and math.isfinite(self.fill)):
            faults.append(f"fill={self.fill!r} is neither None nor a finite number")
        if faults:
            raise BadInput("RobustScaler: " + "; ".join(faults))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _percentiles(values: NDArray[np.float64], percents: tuple[float, ...]) -> NDArray[np.float64]:
    """Percentiles by linear interpolation; one partition for all of them, which is most of the scaler's time."""
    place = np.array(percents) / 100.0 * (len(values) - 1)
    before = np.floor(place).astype(np.intp)
    after = np.minimum(before + 1, len(values) - 1)
    parted = np.partition(values, np.unique([before, after]))
    share = place - before
    return np.asarray(parted[before] * (1.0 - share) + parted[after] * share)


def _finite_numbers(table: Table) -> NDArray[np.float64]:
    X = table.numbers()
    if np.isinf(X).any():
        named = ", ".join(repr(name) for j, name in enumerate(table.names) if np.isinf(X[:, j]).any())
        raise BadInput(f"column {named} holds infinity; expected finite numbers, or NaN for what is missing")
    return X


class FeaturePipeline(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Columns of a frame through transformers, side by side, to a frame of features.

    A frame comes out as the kind of frame that went in, a pandas frame with its index; an array as an array. Columns
    are found by name, in any order, and others are left alone.

    Parameters
    ----------
    steps : list of (name, transformer, columns)
        Names are distinct texts. A transformer has ``fit``, ``transform`` and ``get_feature_names_out``; it is cloned.
        ``columns`` is a list of names, or ``"all"``. Columns of an array are called ``x0``, ``x1``, and so on.

    Attributes
    ----------
    steps_ : list of (name, fitted transformer, list of columns)
    columns_ : list of str
        The columns that are needed.
    schema_ : dict of str to {"number", "category", "time"}
        What each of them held in ``fit``.
    n_features_in_, feature_names_in_
        As scikit-learn has them.

    Raises
    ------
    ValueError
        From ``fit``: steps that are no such list, or columns that are not there. From the others: columns that are
        missing, or hold something else than a step can take. All faults are told at once.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"age": [20, 30, 40], "city": ["Bonn", "Köln", "Bonn"]})
    >>> pipeline = FeaturePipeline([("scale", RobustScaler(), ["age"]), ("hash", HashingEncoder(3), ["city"])])
    >>> pipeline.fit_transform(frame)
       scale__age  hash__hash0  hash__hash1  hash__hash2
    0        -1.0         -1.0          0.0          0.0
    1         0.0          0.0          0.0         -1.0
    2         1.0         -1.0          0.0          0.0
    >>> pipeline.transform_one({"city": "Köln", "age": 30})
    array([ 0.,  0.,  0., -1.])
    """

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    def fit(self, X: Any, y: Any = None) -> FeaturePipeline:
        """Fit a clone of each transformer on its columns.

        Parameters
        ----------
        X : frame or array-like of shape (n, d)
        y : array-like of shape (n,), optional
            For transformers that need it.

        Returns
        -------
        FeaturePipeline
            The pipeline itself.
        """
        self._fit(X, y, transform=False)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Each transformer's ``fit_transform``: what a model is to be trained on.

        Not the same as ``fit(X, y).transform(X)`` where a transformer is cross-fitted.

        Returns
        -------
        frame or ndarray of shape (n, features)
        """
        table, parts = self._fit(X, y, transform=True)
        return self._out(table, parts)

    def transform(self, X: Any) -> Any:
        """Each transformer's ``transform``: for rows that are new.

        Returns
        -------
        frame or ndarray of shape (n, features)
        """
        check_is_fitted(self, "steps_")
        table = self._table(X)
        parts, faults = [], []
        for name, fitted, columns in self.steps_:
            try:
                parts.append(_dense(fitted.transform(_part(table, fitted, columns))))
            except BadInput as fault:
                faults.append(f"step {name!r}: {fault}")
        if faults:
            raise BadInput("FeaturePipeline: " + "; ".join(faults))
        return self._out(table, parts)

    def transform_one(self, row: Mapping[str, Any]) -> NDArray[np.float64]:
        """Features of one row: the same bits as ``transform`` gives.

        Parameters
        ----------
        row : mapping of column name to value
            All of ``columns_``; None for what is missing. Others are left alone.

        Returns
        -------
        ndarray of shape (features,)
        """
        check_is_fitted(self, "steps_")
        absent = missing_columns(self.columns_, row)
        if absent:
            raise BadInput(
                f"FeaturePipeline: the row lacks {', '.join(map(repr, absent))}; give None for what is missing"
            )
        found: list[float] = []
        faults = []
        for name, fitted, columns in self.steps_:
            values = [row[column] for column in columns]
            try:
                if hasattr(fitted, "transform_row"):
                    found += fitted.transform_row(values)
                else:
                    found += _dense(fitted.transform(self._one(columns, values)))[0].tolist()
            except BadInput as fault:
                faults.append(f"step {name!r}: {fault}")
        if faults:
            raise BadInput("FeaturePipeline: " + "; ".join(faults))
        return np.array(found)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """``STEP__FEATURE`` for each feature."""
        check_is_fitted(self, "steps_")
        _same_names(self, input_features)
        names = [f"{name}__{feature}" for name, fitted, _ in self.steps_ for feature in fitted.get_feature_names_out()]
        return np.array(names, dtype=object)

    def set_output(self, *, transform: str | None = None) -> FeaturePipeline:
        """Choose the kind of frame that comes out.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None
            ``"default"`` is the kind that goes in; None changes nothing.

        Returns
        -------
        FeaturePipeline
            The pipeline itself.
        """
        if transform not in (None, "default", "pandas", "polars"):
            raise BadInput(f"set_output: transform={transform!r} is none of default, pandas, polars, None")
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}  # where clone looks for it
        return self

    def _fit(self, X: Any, y: Any, *, transform: bool) -> tuple[Table, list[NDArray[np.float64]]]:
        table = read_table(self, X, reset=True)
        plan = self._plan(table)
        self.steps_, parts, faults = [], [], []
        for name, transformer, columns in plan:
            fitted = clone(transformer)
            part = _part(table, fitted, columns)
            try:
                if not transform:
                    fitted.fit(part, y)
                elif hasattr(fitted, "fit_transform"):
                    parts.append(_dense(fitted.fit_transform(part, y)))
                else:
                    parts.append(_dense(fitted.fit(part, y).transform(part)))
            except BadInput as fault:
                faults.append(f"step {name!r}: {fault}")
            self.steps_.append((name, fitted, columns))
        if faults:
            raise BadInput("FeaturePipeline: " + "; ".join(faults))
        self.columns_ = list(dict.fromkeys(column for _, _, columns in plan for column in columns))
        self.schema_ = {column: table.type_of(column) for column in self.columns_}
        self._kind = table.kind
        return table, parts

    def _plan(self, table: Table) -> list[tuple[str, Any, list[str]]]:
        """The steps with their columns by name; every fault in them at once."""
        if not isinstance(self.steps, list | tuple) or not self.steps:
            raise BadInput("FeaturePipeline: steps is not a list of (name, transformer, columns) with something in it")
        plan: list[tuple[str, Any, list[str]]] = []
        faults = []
        for i, step in enumerate(self.steps):
            if not isinstance(step, list | tuple) or len(step) != 3 or not isinstance(step[0], str):
                faults.append(f"step {i} is not (name, transformer, columns)")
                continue
            name, transformer, columns = step
            if name in [known for known, _, _ in plan]:
                faults.append(f"the name {name!r} is used twice")
            if not all(hasattr(transformer, method) for method in ("fit", "transform", "get_feature_names_out")):
                faults.append(f"step {name!r} has no fit, transform and get_feature_names_out")
            wanted = list(table.names) if isinstance(columns, str) and columns == "all" else columns
            if not isinstance(wanted, list | tuple) or not wanted:
                faults.append(f"step {name!r}: columns is {columns!r}, expected a list of names or 'all'")
                continue
            absent = missing_columns(wanted, table.names)
            if absent:
                faults.append(f"step {name!r} wants {', '.join(map(repr, absent))}, which X does not have")
            plan.append((name, transformer, list(wanted)))
        if faults:
            raise BadInput("FeaturePipeline: " + "; ".join(faults))
        return plan

    def _table(self, X: Any) -> Table:
        table = read_table(self, X, reset=False) if frame_kind(X) == "array" else Table(X)
        absent = missing_columns(self.columns_, table.names)
        if absent:
            raise BadInput(
                "FeaturePipeline: The feature names should match those that were passed during fit; "
                f"X lacks {', '.join(map(repr, absent))}"
            )
        return table

    def _one(self, columns: list[str], values: list[Any]) -> Any:
        """One row in the kind of frame that a foreign transformer was fitted with."""
        if self._kind == "array":
            return np.array([values], dtype=None if all(isinstance(v, Real) for v in values) else object)
        return pd.DataFrame([values], columns=columns).infer_objects()

    def _out(self, table: Table, parts: list[NDArray[np.float64]]) -> Any:
        values = parts[0] if len(parts) == 1 else np.empty((table.n_rows, sum(p.shape[1] for p in parts)), order="F")
        if len(parts) > 1:
            np.concatenate(parts, axis=1, out=values)
        wanted = getattr(self, "_sklearn_output_config", {}).get("transform", "default")
        return framed(
            values, self.get_feature_names_out().tolist(), table, table.kind if wanted == "default" else wanted
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        known = self.steps if isinstance(self.steps, list | tuple) else []
        inner = [step[1].__sklearn_tags__() for step in known if hasattr(step[1], "__sklearn_tags__")]
        tags.input_tags.allow_nan = all(tag.input_tags.allow_nan for tag in inner)
        tags.target_tags.required = any(tag.target_tags.required for tag in inner)
        return tags


def _part(table: Table, transformer: Any, columns: list[str]) -> Any:
    """Some columns: as a table for our own transformers, which share what was read, as a frame for others."""
    part = table.select(columns)
    return part if isinstance(transformer, TargetEncoder | HashingEncoder | RobustScaler) else part.frame()


def _dense(part: Any) -> NDArray[np.float64]:
    if hasattr(part, "toarray"):
        part = part.toarray()
    values = np.asarray(part, dtype=np.float64)
    return values if values.ndim == 2 else values.reshape(len(values), -1)


def _same_names(estimator: Any, input_features: Any) -> list[str]:
    """Names of the columns that were fitted; other names are refused."""
    names = names_of(estimator)
    if input_features is None:
        return names
    given = [str(name) for name in input_features]
    if len(given) != len(names):
        raise BadInput(
            f"input_features should have length equal to number of features ({len(names)}), got {len(given)}"
        )
    if hasattr(estimator, "feature_names_in_") and given != names:
        raise BadInput("input_features is not equal to feature_names_in_")
    return given


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


_OWN = (FeaturePipeline, TargetEncoder, HashingEncoder, RobustScaler)


def save_pipeline(pipeline: FeaturePipeline, path: Path | str, *, format: str = "skops") -> str:
    """Write a fitted pipeline with its schema, versions and checksum, whole or not at all.

    Parameters
    ----------
    pipeline : FeaturePipeline
        Fitted.
    path : Path or str
    format : {"skops", "joblib"}, default "skops"
        ``"skops"`` holds data alone and names its classes, so reading it can run nothing that is not trusted (extra
        ``tabular``). ``"joblib"`` is a pickle: it holds everything, and reading it runs what it names.

    Returns
    -------
    str
        SHA-256 of the file, in hexadecimal. Keep it apart from the file, and hand it to :func:`load_pipeline`.

    Raises
    ------
    NotFittedError
        When the pipeline is not fitted.
    BadInput
        When ``format`` is neither, or the pipeline holds what the format cannot. The file that was there stays.
    MissingExtra
        When skops is not installed.
    """
    check_is_fitted(pipeline, "steps_")
    return write_pipeline(pipeline, path, format)


def load_pipeline(
    path: Path | str, *, columns: Any = None, sha256: str | None = None, trusted: Sequence[str] = ()
) -> FeaturePipeline:
    """Read a pipeline that :func:`save_pipeline` wrote, or say why not. Nothing of a refused file is run.

    Parameters
    ----------
    path : Path or str
    columns : sequence of str, mapping of str to {"number", "category", "time"}, or frame, optional
        What the pipeline will be handed: names, names with types, or a frame to take both from.
    sha256 : str, optional
        What :func:`save_pipeline` returned. A file in the format ``"joblib"`` is read only with it.
    trusted : sequence of str, optional
        Full names of classes that a file in the format ``"skops"`` may hold, beside the four of this module and those
        that skops trusts.

    Returns
    -------
    FeaturePipeline

    Raises
    ------
    CannotRead
        The file is missing, cut short, no pipeline file (such as a bare pickle), was changed since it was written, has
        another checksum, was written with another version of a library whose objects it holds, is a pickle without
        ``sha256``, or holds classes that are not trusted (each is named).
    BadInput
        ``columns`` lacks some that the pipeline needs, or has them with another type; each is named.
    MissingExtra
        When the file needs skops and it is not installed.
    """
    loaded: FeaturePipeline = read_pipeline(path, columns, sha256, [*_OWN], list(trusted))
    return loaded
