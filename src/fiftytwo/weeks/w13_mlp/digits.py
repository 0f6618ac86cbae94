"""The handwritten digits of a run: scikit-learn's small ones, or MNIST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


@dataclass(frozen=True, eq=False)
class Digits:
    """Pictures as rows of bytes, (n, side²), and their labels; ``top`` is the value of full ink."""

    name: str
    side: int
    top: int
    train: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test: NDArray[np.uint8]
    test_labels: NDArray[np.int64]

    def scaled(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """From 0 to 1."""
        return pictures / self.top

    def first(self, n: int, m: int) -> Digits:
        """The first n training and m test rows."""
        return Digits(self.name, self.side, self.top, self.train[:n], self.train_labels[:n], self.test[:m],
                      self.test_labels[:m])  # fmt: skip


def digits(lab: Lab) -> Digits:
    """MNIST in the full profile, by its own split; else the small digits, a fifth held out by the run's seed."""
    if lab.full:
        data = lab.data("mnist")
        pictures, labels = np.asarray(data.data), np.asarray(data.target, dtype=np.int64)
        cut = 60_000
        return Digits("MNIST", 28, 255, pictures[:cut], labels[:cut], pictures[cut:], labels[cut:])
    data = lab.data("digits")
    order = lab.rng.permutation(len(data.target))
    pictures, labels = np.asarray(data.data)[order].astype(np.uint8), np.asarray(data.target, dtype=np.int64)[order]
    cut = len(order) - len(order) // 5
    return Digits("the small digits", 8, 16, pictures[:cut], labels[:cut], pictures[cut:], labels[cut:])
