"""What cross-validation gives back: values, frozen, with the questions people ask of them.

Scores follow scikit-learn's rule that higher is better, so that a difference above 0 speaks for the first of
two models. k stands for splits, n for rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5  # rows that a failure names


@dataclass(frozen=True, eq=False)
class FoldFailure:
    """What went wrong in one fold.

    Attributes
    ----------
    fold : int
        Number of the split, from 0.
    stage : str
        ``"fit"``, ``"score"`` or ``"predict"``.
    error : str
        Type and message of the exception.
    train_rows, test_rows : ndarray of int
        Positions of the rows that took part.
    what : str
        The candidate that failed, such as a model's name; empty where there is only one.
    """

    fold: int
    stage: str
    error: str
    train_rows: NDArray[np.intp]
    test_rows: NDArray[np.intp]
    what: str = ""

    def __str__(self) -> str:
        rows = ", ".join(map(str, self.test_rows[:_SHOWN])) + (", ..." if len(self.test_rows) > _SHOWN else "")
        who = f" of {self.what}" if self.what else ""
        return (
            f"fold {self.fold}{who}, {self.stage} ({len(self.train_rows)} training rows, "
            f"{len(self.test_rows)} test rows: {rows}): {self.error}"
        )


class FoldsFailed(BadInput):
    """Folds that could not be fitted, scored or predicted; ``failures`` has every one of them.

    Parameters
    ----------
    operation : str
        Who was called.
    failures : sequence of FoldFailure
    fits : int
        How many fits there were.
    """

    def __init__(self, operation: str, failures: Sequence[FoldFailure], fits: int) -> None:
        self.operation, self.failures, self.fits = operation, tuple(failures), fits
        lines = "".join(f"\n  {failure}" for failure in self.failures)
        super().__init__(f"{operation}: {len(self.failures)} of {fits} fits failed:{lines}")

    def __reduce__(self) -> tuple[type[FoldsFailed], tuple[str, tuple[FoldFailure, ...], int]]:
        return type(self), (self.operation, self.failures, self.fits)


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What ``cross_validate`` found.

    Attributes
    ----------
    scores : mapping of str to ndarray of shape (k,)
        Scorer -> its score on each split; the recorded ``error_score`` where a fold failed.
    intervals : mapping of str to (float, float)
        Scorer -> confidence interval of the mean, corrected for training rows that folds share.
    fit_seconds, score_seconds : ndarray of shape (k,)
        Wall-clock time of fitting, and of scoring and predicting: all that differs between reruns.
    train_rows, test_rows : tuple of k ndarrays of int
        Positions of the rows of each split.
    fold_predictions : tuple of k ndarrays
        Predictions for ``test_rows``, in their order; None for a fold that failed.
    failures : tuple of FoldFailure
    confidence : float
    n_rows : int
    """

    scores: Mapping[str, NDArray[np.float64]]
    intervals: Mapping[str, tuple[float, float]]
    fit_seconds: NDArray[np.float64]
    score_seconds: NDArray[np.float64]
    train_rows: tuple[NDArray[np.intp], ...]
    test_rows: tuple[NDArray[np.intp], ...]
    fold_predictions: tuple[NDArray[Any] | None, ...]
    failures: tuple[FoldFailure, ...]
    confidence: float
    n_rows: int

    def mean(self, name: str | None = None) -> float:
        """Mean score over the splits, of the first scorer unless ``name`` says otherwise."""
        return float(np.mean(self.scores[self._name(name)]))

    def interval(self, name: str | None = None) -> tuple[float, float]:
        """Both ends of the confidence interval of the mean."""
        return self.intervals[self._name(name)]

    @property
    def predictions(self) -> NDArray[Any]:
        """Out-of-fold predictions in the order of the rows.

        Returns
        -------
        ndarray of shape (n,) or (n, K)
            NaN (None for texts) where a row was in no test fold or its fold failed; labels that are whole
            numbers become floats then.

        Raises
        ------
        BadInput
            A row was tested more than once, so that there is no such thing as its prediction.
        """
        times = np.bincount(np.concatenate(self.test_rows), minlength=self.n_rows)
        if (times > 1).any():
            raise BadInput(
                f"predictions: {np.sum(times > 1)} rows were tested more than once, row {int(np.argmax(times > 1))} "
                f"{times.max()} times; expected at most once; read fold_predictions with test_rows instead"
            )
        pairs = [(r, p) for r, p in zip(self.test_rows, self.fold_predictions, strict=True) if p is not None]
        if not pairs:
            return np.full(self.n_rows, np.nan)
        values = np.concatenate([p for _, p in pairs])
        rows = np.concatenate([r for r, _ in pairs])
        if len(rows) == self.n_rows:
            found: NDArray[Any] = np.empty_like(values)
        elif values.dtype.kind in "biuf":
            found = np.full((self.n_rows, *values.shape[1:]), np.nan)
        else:
            found = np.full((self.n_rows, *values.shape[1:]), None, dtype=object)
        found[rows] = values
        return found

    def to_frame(self) -> pd.DataFrame:
        """One row a split: sizes, scores, seconds, error."""
        import pandas as pd

        errors = {failure.fold: failure.error for failure in self.failures}
        return pd.DataFrame(
            {
                "fold": range(len(self.test_rows)),
                "train rows": [len(rows) for rows in self.train_rows],
                "test rows": [len(rows) for rows in self.test_rows],
                **self.scores,
                "fit seconds": self.fit_seconds,
                "score seconds": self.score_seconds,
                "error": [errors.get(fold, "") for fold in range(len(self.test_rows))],
            }
        )

    def _name(self, name: str | None) -> str:
        if name is None:
            return next(iter(self.scores))
        if name not in self.scores:
            raise BadInput(f"there is no score {name!r}; known: {', '.join(self.scores)}")
        return name


@dataclass(frozen=True, eq=False)
class NestedCrossValidation:
    """What ``nested_cross_validate`` found; G configurations, k outer splits.

    Attributes
    ----------
    scores : ndarray of shape (k,)
        Score on each outer split of the configuration that was chosen without it.
    low, high : float
        Ends of the corrected confidence interval of their mean.
    configurations : tuple of G dicts
    chosen : tuple of k ints
        Position in ``configurations`` of what was chosen inside each outer split.
    inner_scores : ndarray of shape (k, G)
        Mean inner score of each configuration inside each outer split.
    flat_scores : ndarray of shape (G, k)
        Score of each configuration on each outer split: what a plain search over the same splits sees.
    confidence : float
    """

    scores: NDArray[np.float64]
    low: float
    high: float
    configurations: tuple[Mapping[str, Any], ...]
    chosen: tuple[int, ...]
    inner_scores: NDArray[np.float64]
    flat_scores: NDArray[np.float64]
    confidence: float

    @property
    def mean(self) -> float:
        """Mean nested score: what tuning followed by fitting achieves on new rows."""
        return float(self.scores.mean())

    @property
    def best(self) -> int:
        """Position of the configuration with the best flat score; of equals, the first."""
        return int(np.argmax(self.flat_scores.mean(axis=1)))

    @property
    def flat_best(self) -> float:
        """Mean score of the best configuration, read off the very splits that chose it."""
        return float(self.flat_scores.mean(axis=1)[self.best])

    @property
    def optimism(self) -> float:
        """How much the flat score promises beyond the nested one."""
        return self.flat_best - self.mean

    def to_frame(self) -> pd.DataFrame:
        """One row an outer split: what was chosen, what it promised inside, what it kept outside."""
        import pandas as pd

        return pd.DataFrame(
            {
                "fold": range(len(self.scores)),
                "chosen": [", ".join(f"{k}={v!r}" for k, v in self.configurations[i].items()) for i in self.chosen],
                "inner score": [self.inner_scores[fold, i] for fold, i in enumerate(self.chosen)],
                "outer score": self.scores,
            }
        )


@dataclass(frozen=True)
class Difference:
    """The mean difference of two models' scores over the same splits, ``first`` minus ``second``.

    Attributes
    ----------
    first, second : str
    mean : float
        Above 0: the first is better.
    standard_error : float
        With the correction for training rows that splits share.
    low, high : float
        Ends of the confidence interval, not adjusted for the number of comparisons.
    t, p : float
        The corrected resampled t statistic and its two-sided p-value, with one degree of freedom less than splits.
    p_adjusted : float
        Holm's p-value over all comparisons of the same call.
    """

    first: str
    second: str
    mean: float
    standard_error: float
    low: float
    high: float
    t: float
    p: float
    p_adjusted: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """What ``compare_models`` or ``ablate`` found; J splits, the same for all.

    Attributes
    ----------
    scores : mapping of str to ndarray of shape (J,)
        Model (or ablation) -> its score on each split.
    differences : tuple of Difference
    test_share : float
        Test rows over training rows of a split, the size of the correction.
    confidence : float
    """

    scores: Mapping[str, NDArray[np.float64]]
    differences: tuple[Difference, ...]
    test_share: float
    confidence: float

    def to_frame(self) -> pd.DataFrame:
        """One row a comparison."""
        import pandas as pd

        rows = [
            {
                "first": d.first,
                "second": d.second,
                "score of first": float(self.scores[d.first].mean()),
                "score of second": float(self.scores[d.second].mean()),
                "difference": d.mean,
                "low": d.low,
                "high": d.high,
                "p": d.p,
                "p, Holm": d.p_adjusted,
            }
            for d in self.differences
        ]
        return pd.DataFrame(rows)
