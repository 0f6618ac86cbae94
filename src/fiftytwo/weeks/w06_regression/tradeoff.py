"""Bias and variance, split by simulation: the same houses sold again and again with fresh noise and fresh luck.

Each of R samples of a few houses gives one fit for each alpha, and each fit predicts the same new houses.
With f the expected price and p the mean prediction over the samples, the expected squared error of a
prediction of f is (p - f)² + the variance of the predictions. The mean over R samples is itself off by
variance / R, which is subtracted from the squared bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.weeks.w06_regression.simulator import houses

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

ROWS, JUNK = 30, 12  # houses of one sample, and columns that mean nothing
_NEW = 300  # houses that are predicted
RIDGE_ALPHAS = np.geomspace(1e-2, 1e3, 16)
LASSO_ALPHAS = np.geomspace(0.1, 100.0, 16)


@dataclass(frozen=True)
class Tradeoff:
    """Squared bias and variance, shape (A,), in squared units of y, for falling or rising alphas."""

    alphas: NDArray[np.float64]
    bias2: NDArray[np.float64]
    variance: NDArray[np.float64]

    @property
    def total(self) -> NDArray[np.float64]:
        """Expected squared error of the predictions, without the noise of the price itself."""
        return self.bias2 + self.variance

    @property
    def best(self) -> int:
        """Index of the alpha of least total error."""
        return int(np.argmin(self.total))

    @property
    def unpenalised(self) -> float:
        """Total error at the smallest alpha."""
        return float(self.total[np.argmin(self.alphas)])


def tradeoffs(lab: Lab) -> tuple[Tradeoff, Tradeoff]:
    """The split for ridge and for the lasso, on the same samples."""
    rng = lab.rng
    new = houses(_NEW, rng, junk=JUNK)
    samples = [houses(ROWS, rng, junk=JUNK) for _ in range(400 if lab.full else 100)]
    X, y = np.array([sample.X for sample in samples]), np.array([sample.y for sample in samples])
    found = []
    for fit, alphas in ((_ridge, RIDGE_ALPHAS), (_lasso, LASSO_ALPHAS)):
        predictions = np.asarray(lab.solution.apply(fit, X, y, alphas, new.X))  # (R, A, m)
        variance = predictions.var(axis=0, ddof=1).mean(axis=1)
        bias2 = np.mean((predictions.mean(axis=0) - new.expected) ** 2, axis=1) - variance / len(samples)
        found.append(Tradeoff(alphas, bias2.clip(min=0.0), variance))
    return found[0], found[1]


def _ridge(solution: Any, X: Any, y: Any, alphas: Any, new: Any) -> Any:
    """Runs where the solution lives: thousands of small fits are too many to ask for one by one."""
    return np.array(
        [
            [solution.Ridge(float(alpha)).fit(table, prices).predict(new) for alpha in alphas]
            for table, prices in zip(X, y, strict=True)
        ]
    )


def _lasso(solution: Any, X: Any, y: Any, alphas: Any, new: Any) -> Any:
    """The same by one path a sample, whose alphas come back falling."""
    predictions = []
    for table, prices in zip(X, y, strict=True):
        mean, centre = table.mean(axis=0), prices.mean()
        coefs = solution.lasso_path(table - mean, prices - centre, alphas=alphas, tol=1e-3, max_iter=20_000)[1]
        predictions.append((centre + (new - mean) @ coefs).T[::-1])
    return np.array(predictions)
