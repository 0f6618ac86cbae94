"""What the metrics take: arrays checked against each other, with every fault of a call in one message."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mltoolkit.errors import BadInput

Floats = NDArray[np.float64]
_ROWS_SUM_TO = 1e-5  # how far a row of probabilities may be from 1; float32 softmax stays well within


class Inputs:
    """Collects the faults of one call; ``close`` raises them together.

    Parameters
    ----------
    metric : str
        Name of the function, with which the message begins.
    """

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self.faults: list[str] = []

    def close(self) -> None:
        """Raise BadInput when there was any fault."""
        if self.faults:
            raise BadInput(f"{self.metric}: " + "; ".join(self.faults))

    def numbers(self, name: str, value: ArrayLike, *, ndim: tuple[int, ...] = (1,)) -> Floats:
        """Finite numbers with at least one entry, in one of the given numbers of dimensions."""
        shapes = " or ".join({1: "(n,)", 2: "two dimensions"}[d] for d in ndim)
        try:
            array = np.asarray(value)
            if array.dtype.kind not in "biuf":
                array = self._from_objects(name, array)
            found = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            self.faults.append(f"{name} is not an array of numbers; expected shape {shapes}")
            return np.zeros((1,) * ndim[0])
        if found.ndim not in ndim:
            self.faults.append(f"{name} has shape {found.shape}; expected {shapes}")
        elif found.size == 0:
            self.faults.append(f"{name} is empty; at least one sample is needed")
        elif not np.isfinite(found).all():
            bad = int(np.sum(~np.isfinite(found)))
            kind = "NaN" if np.isnan(found).any() else "infinity"
            self.faults.append(f"{name} holds {kind} ({bad} of {found.size} values are not finite)")
        return found

    @staticmethod
    def _from_objects(name: str, array: NDArray[Any]) -> NDArray[Any]:
        """Numbers that pandas or lists keep as objects; texts and complex numbers are refused."""
        if array.dtype.kind != "O" or not all(isinstance(v, int | float | np.number | np.bool_) for v in array.flat):
            raise TypeError(name)
        return array.astype(np.float64)

    def binary(self, name: str, value: ArrayLike, *, ndim: tuple[int, ...] = (1,)) -> Floats:
        """Labels 0 and 1."""
        before = len(self.faults)
        labels = self.numbers(name, value, ndim=ndim)
        if len(self.faults) == before and not np.isin(labels, (0.0, 1.0)).all():
            odd = sorted(set(labels[(labels != 0.0) & (labels != 1.0)].tolist()))
            shown = ", ".join(f"{label:g}" for label in odd[:3])
            self.faults.append(f"{name} holds {shown}; expected labels 0 and 1 only")
        return labels

    def probabilities(self, name: str, value: ArrayLike, *, ndim: tuple[int, ...] = (1,)) -> Floats:
        """Numbers from 0 to 1; with two dimensions each row is a distribution over the classes."""
        before = len(self.faults)
        found = self.numbers(name, value, ndim=ndim)
        if len(self.faults) > before:
            return found
        if found.min() < 0.0 or found.max() > 1.0:
            extreme = found.min() if found.min() < 0.0 else found.max()
            self.faults.append(f"{name} holds {extreme:g}; expected probabilities from 0 to 1")
        elif found.ndim == 2 and np.abs(found.sum(axis=1) - 1.0).max() > _ROWS_SUM_TO:
            row = int(np.argmax(np.abs(found.sum(axis=1) - 1.0)))
            self.faults.append(f"row {row} of {name} sums to {found[row].sum():g}; expected 1")
        return found

    def same_length(self, **arrays: NDArray[Any]) -> None:
        """All arrays have as many rows as the first one."""
        first, *others = arrays
        rows = len(arrays[first])
        for name in others:
            if len(arrays[name]) != rows and not self.faults:
                self.faults.append(f"{first} has {rows} rows and {name} has {len(arrays[name])}; expected as many")

    def weights(self, value: ArrayLike | None, rows: int) -> Floats:
        """Weights of the rows: finite, none negative, not all zero; ones when there are none."""
        if value is None:
            return np.ones(rows)
        before = len(self.faults)
        weights = self.numbers("sample_weight", value)
        if len(self.faults) > before:
            return np.ones(rows)
        if len(weights) != rows:
            self.faults.append(f"sample_weight has {len(weights)} entries for {rows} rows; expected one each")
            return np.ones(rows)
        if weights.min() < 0.0:
            self.faults.append(f"sample_weight holds {weights.min():g}; expected no negative weight")
        elif weights.max() == 0.0:
            self.faults.append("sample_weight is zero throughout; at least one row must count")
        return weights

    def count(self, name: str, value: Any) -> None:
        """A whole number of at least 1."""
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            self.faults.append(f"{name}={value!r} is not a whole number of at least 1")

    def choice(self, name: str, value: str, allowed: tuple[str, ...]) -> None:
        """One of the named options."""
        if value not in allowed:
            self.faults.append(f"{name}={value!r} is none of {', '.join(allowed)}")

    def ranking(self, y_true: ArrayLike, y_score: ArrayLike, *, graded: bool) -> tuple[Floats, Floats]:
        """Relevance and scores of shape (q, m); one query may be given as (m,)."""
        read = self.numbers if graded else self.binary
        relevance = read("y_true", y_true, ndim=(1, 2))
        scores = self.numbers("y_score", y_score, ndim=(1, 2))
        if not self.faults and relevance.shape != scores.shape:
            self.faults.append(f"y_true has shape {relevance.shape} and y_score {scores.shape}; expected the same")
        if not self.faults and graded and relevance.min() < 0.0:
            self.faults.append(f"y_true holds {relevance.min():g}; expected relevance of at least 0")
        return np.atleast_2d(relevance), np.atleast_2d(scores)

    def relevant_in_each(self, relevance: Floats) -> None:
        """Every query has something to find."""
        if self.faults:
            return
        without = np.flatnonzero(relevance.max(axis=1) == 0.0)
        if len(without):
            rows = ", ".join(map(str, without[:5])) + (", ..." if len(without) > 5 else "")
            self.faults.append(f"no relevant item in {len(without)} of the queries (row {rows}); leave them out")

    def labels(self, **arrays: ArrayLike) -> list[NDArray[Any]]:
        """Class labels of any one kind (numbers or texts, without gaps), as arrays of shape (n,)."""
        found = []
        for name, value in arrays.items():
            array = np.asarray(value)
            if array.dtype == object and all(isinstance(label, str) for label in array.flat):
                array = array.astype(str)
            if array.ndim != 1:
                self.faults.append(f"{name} has shape {array.shape}; expected (n,)")
            elif array.size == 0:
                self.faults.append(f"{name} is empty; at least one sample is needed")
            elif array.dtype.kind not in "biufU":
                self.faults.append(f"{name} holds labels that are neither all numbers nor all texts")
            elif array.dtype.kind == "f" and not np.isfinite(array).all():
                self.faults.append(f"{name} holds NaN or infinity; expected a label for each sample")
            found.append(array)
        if not self.faults and len({array.dtype.kind == "U" for array in found}) > 1:
            self.faults.append(f"{' and '.join(arrays)} are of two kinds, numbers and texts")
        return found
