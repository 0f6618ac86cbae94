"""Loans to judge: a simulated portfolio whose true default probabilities are known, or a real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_ROWS = 6_000
_BASE_RATE = -1.9  # log-odds of default of the typical customer


@dataclass(frozen=True)
class Split:
    """Loans to learn from and loans to judge by; columns are scaled by what the first part says.

    ``truth`` are the true default probabilities of the second part, None where nobody knows them.
    """

    name: str
    train: NDArray[np.float64]
    train_defaults: NDArray[np.int64]
    test: NDArray[np.float64]
    test_defaults: NDArray[np.int64]
    truth: NDArray[np.float64] | None


def simulate(rng: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Customers, shape (n, 6), whether each defaults, shape (n,), and with which probability.

    The columns are income (log), share of the limit in use, months of history, late payments, loan to
    income, and the balance of a second card, which nearly repeats the share in use. The log-odds are linear
    but for one bend: late payments weigh less and less the more of them there are.
    """
    income = rng.normal(10.3, 0.5, n)
    used = rng.beta(2.0, 3.0, n)
    history = rng.gamma(3.0, 25.0, n)
    late = rng.poisson(0.3 + 1.2 * used)
    loan = np.exp(rng.normal(-1.0, 0.6, n))
    second = used + rng.normal(0.0, 0.05, n)
    odds = (
        _BASE_RATE - 0.8 * (income - 10.3) + 2.2 * (used - 0.4) - 0.006 * (history - 75.0)
        + 0.9 * np.sqrt(late) - 0.5 + 0.7 * (loan - 0.44)
    )  # fmt: skip
    probability = expit(odds)
    defaults = (rng.random(n) < probability).astype(np.int64)
    return np.column_stack([income, used, history, late, loan, second]), defaults, probability


def loans(lab: Lab) -> Split:
    """The portfolio of the profile, split by chance: seven tenths to learn from."""
    truth: NDArray[np.float64] | None
    if lab.full:
        frame = lab.data("credit-default").frame
        X = frame.drop(columns=["ID", "default.payment.next.month"]).to_numpy(dtype=np.float64)
        defaults, truth = frame["default.payment.next.month"].to_numpy(dtype=np.int64), None
        name = "UCI credit-card default"
    else:
        X, defaults, truth = simulate(lab.rng, _ROWS)
        name = "simulated portfolio"
    order = lab.rng.permutation(len(X))
    cut = 7 * len(X) // 10
    train, test = order[:cut], order[cut:]
    mean, spread = X[train].mean(axis=0), X[train].std(axis=0)
    scaled = (X - mean) / np.where(spread > 0, spread, 1.0)
    return Split(
        name,
        scaled[train],
        defaults[train],
        scaled[test],
        defaults[test],
        None if truth is None else truth[test],
    )


def thinned(rng: np.random.Generator, defaults: NDArray[np.int64], prevalence: float) -> NDArray[np.intp]:
    """Rows among which defaults have a given share, at most the present one: defaults are left out by chance."""
    bad, good = np.flatnonzero(defaults == 1), np.flatnonzero(defaults == 0)
    wanted = max(1, round(prevalence / (1.0 - prevalence) * len(good)))
    return np.sort(np.concatenate([rng.choice(bad, size=min(wanted, len(bad)), replace=False), good]))


def resampled(rng: np.random.Generator, defaults: NDArray[np.int64], *, grow: bool) -> NDArray[np.intp]:
    """Rows in which both outcomes are equally frequent: by repeating the rare one, or by dropping the frequent one."""
    parts: list[Any] = [np.flatnonzero(defaults == k) for k in (0, 1)]
    size = max(map(len, parts)) if grow else min(map(len, parts))
    return np.concatenate([rng.choice(part, size=size, replace=len(part) < size) for part in parts])
