"""One step of expectation and maximisation for a Gaussian mixture, in one pass over the rows.

Every density needs ``x - μ`` of each row and component. The pass keeps that difference for a block of rows and adds
up, with responsibilities r, what the next parameters need:

    N = Σ r      S₁ = Σ r (x - μ)      S₂ = Σ r (x - μ)(x - μ)ᵀ

The new mean is μ + S₁/N and the new covariance S₂/N - δδᵀ with δ = S₁/N. The textbook's Σ r x xᵀ/N - μμᵀ is the same on
paper and loses every digit when the spread is small beside the mean; δ goes to 0 as the fit converges.

The four shapes of a covariance differ only in what S₂ keeps: all of it (*full*), its sum over components (*tied*), its
diagonal (*diag*), the mean of that (*spherical*).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from mltoolkit.errors import BadInput
from mltoolkit.tabular._clusters.seeding import Floats

KINDS = ("full", "tied", "diag", "spherical")
_CELLS = 2**18  # numbers in a block of differences: 2 MiB, which a second-level cache holds
_RESEEDS = 10  # a component, until a mixture is given up
_FEWEST = 1e-8  # rows, as a sum of responsibilities, below which a component is gone


@dataclass
class Parameters:
    """A mixture of k Gaussians in d dimensions.

    ``covariances`` has the shape of its kind: full (k, d, d), tied (d, d), diag (k, d), spherical (k,). ``factors`` are
    of the same shape and hold F with F Fᵀ = Σ⁻¹ (upper triangular), or one over the standard deviation.
    """

    kind: str
    weights: Floats
    means: Floats
    covariances: Floats
    factors: Floats


@dataclass
class Sums:
    """What a pass over the rows adds up: the log-likelihood, and N (k,), S₁ (k, d) and S₂ about the old means."""

    log_likelihood: float
    counts: Floats
    first: Floats
    second: Floats


def log_densities(X: Floats, p: Parameters) -> Floats:
    """log(weight · density) of each row under each component, shape (n, k)."""
    found = np.empty((len(X), len(p.weights)))
    for rows in _blocks(X, len(p.weights)):
        gaps = X[rows] - p.means[:, np.newaxis]
        found[rows] = _log_joint(_scatter(gaps, p.kind), p).T
    return found


def _blocks(X: Floats, k: int) -> list[slice]:
    size = max(1, _CELLS // (k * X.shape[1]))
    return [slice(start, start + size) for start in range(0, len(X), size)]


def _scatter(gaps: Floats, kind: str) -> Floats:
    """What a shape needs of differences: themselves, or their squares where covariances have no other entries."""
    return gaps if kind in ("full", "tied") else gaps**2


def _log_joint(scatter: Floats, p: Parameters) -> Floats:
    """The same for a block of differences (k, b, d) or their squares, shape (k, b)."""
    d = scatter.shape[2]
    if p.kind in ("full", "tied"):
        scaled = scatter @ p.factors
        distances = np.einsum("kbd,kbd->kb", scaled, scaled)
        diagonals = np.atleast_2d(np.diagonal(p.factors, axis1=-2, axis2=-1))
        log_det = np.log(diagonals).sum(axis=1)
    elif p.kind == "diag":
        distances = (scatter @ p.factors[:, :, np.newaxis] ** 2)[:, :, 0]
        log_det = np.log(p.factors).sum(axis=1)
    else:
        distances = (scatter @ np.ones(d)) * p.factors[:, np.newaxis] ** 2  # a product is faster than a sum here
        log_det = d * np.log(p.factors)
    with np.errstate(divide="ignore"):  # a weight of 0 is a log-density of minus infinity
        constant = np.log(p.weights) + log_det - 0.5 * d * np.log(2.0 * np.pi)
    return np.asarray(constant[:, np.newaxis] - 0.5 * distances)


def expect(X: Floats, p: Parameters) -> Sums:
    """The E step, and the sums that the M step needs."""
    k, d = p.means.shape
    sums = Sums(0.0, np.zeros(k), np.zeros((k, d)), np.zeros_like(_empty_second(p.kind, k, d)))
    for rows in _blocks(X, k):
        gaps = X[rows] - p.means[:, np.newaxis]
        scatter = _scatter(gaps, p.kind)
        joint = _log_joint(scatter, p)
        total = logsumexp(joint, axis=0)
        sums.log_likelihood += float(total.sum())
        _add(sums, gaps, scatter, np.exp(joint - total), p.kind)
    return sums


def start(X: Floats, labels: NDArray[np.int32], means: Floats, kind: str) -> Sums:
    """The sums of rows that each belong to one component, about given means."""
    k, d = means.shape
    sums = Sums(np.nan, np.zeros(k), np.zeros((k, d)), np.zeros_like(_empty_second(kind, k, d)))
    for rows in _blocks(X, k):
        belongs = (labels[rows] == np.arange(k)[:, np.newaxis]).astype(np.float64)
        gaps = X[rows] - means[:, np.newaxis]
        _add(sums, gaps, _scatter(gaps, kind), belongs, kind)
    return sums


def _empty_second(kind: str, k: int, d: int) -> Floats:
    return np.zeros({"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}[kind])


def _add(sums: Sums, gaps: Floats, scatter: Floats, resp: Floats, kind: str) -> None:
    """Add a block: differences (k, b, d), what the shape needs of them, and responsibilities (k, b)."""
    sums.counts += resp.sum(axis=1)
    sums.first += (resp[:, np.newaxis] @ gaps)[:, 0]
    if kind in ("full", "tied"):
        half = np.sqrt(resp)[:, :, np.newaxis] * gaps  # a product with its own transpose is half the work
        if kind == "tied":
            half = half.reshape(1, -1, gaps.shape[2])
        square = half.transpose(0, 2, 1) @ half
        sums.second += square[0] if kind == "tied" else square
    else:
        squares = (resp[:, np.newaxis] @ scatter)[:, 0]
        sums.second += squares if kind == "diag" else squares.mean(axis=1)


def maximise(sums: Sums, means: Floats, kind: str, reg_covar: float) -> tuple[Parameters, NDArray[np.intp]]:
    """The M step: new parameters, and the components that have collapsed (no rows left, or no volume).

    The factors of a collapsed component are those of a unit covariance: it must be seeded anew.
    """
    gone = sums.counts < _FEWEST
    counts = np.where(gone, 1.0, sums.counts)
    step = sums.first / counts[:, np.newaxis]
    if kind == "full":
        covariances = sums.second / counts[:, np.newaxis, np.newaxis] - step[:, :, np.newaxis] * step[:, np.newaxis]
    elif kind == "tied":
        covariances = (sums.second - (sums.counts[:, np.newaxis] * step).T @ step) / sums.counts.sum()
    elif kind == "diag":
        covariances = sums.second / counts[:, np.newaxis] - step**2
    else:
        covariances = sums.second / counts - np.mean(step**2, axis=1)
    covariances = add_to_diagonal(covariances, reg_covar, kind)
    factors, flat = precision_factors(covariances, kind)
    weights = sums.counts / sums.counts.sum()
    found = Parameters(kind, weights, means + step, covariances, factors)
    return found, np.flatnonzero(gone | flat)  # tied: one flat covariance is everybody's


def add_to_diagonal(covariances: Floats, value: float, kind: str) -> Floats:
    """Covariances with ``value`` added to each variance."""
    if kind in ("diag", "spherical"):
        return np.asarray(np.maximum(covariances, 0.0) + value)
    return np.asarray(covariances + value * np.eye(covariances.shape[-1]))


def precision_factors(covariances: Floats, kind: str) -> tuple[Floats, NDArray[np.bool_]]:
    """F with F Fᵀ = Σ⁻¹ for each covariance, and which of them have no inverse (one for all where tied)."""
    if kind in ("diag", "spherical"):
        flat = ~(covariances > 0.0)
        factors = 1.0 / np.sqrt(np.where(flat, 1.0, covariances))
        return factors, np.asarray(flat.any(axis=1)) if kind == "diag" else flat
    stack = covariances if kind == "full" else covariances[np.newaxis]
    bad = np.array([not _has_root(one) for one in stack])
    lower = np.linalg.cholesky(np.where(bad[:, np.newaxis, np.newaxis], np.eye(stack.shape[-1]), stack))
    factors = np.swapaxes(np.linalg.inv(lower), -1, -2)
    return (factors, bad) if kind == "full" else (factors[0], bad)


def _has_root(covariance: Floats) -> bool:
    """Whether a covariance is finite and positive definite."""
    try:
        return bool(np.isfinite(np.linalg.cholesky(covariance)).all())
    except np.linalg.LinAlgError:
        return False


def precisions(factors: Floats, kind: str) -> Floats:
    """Inverse covariances, in the shape of their kind."""
    return factors**2 if kind in ("diag", "spherical") else factors @ np.swapaxes(factors, -1, -2)


def overall(X: Floats, kind: str, reg_covar: float) -> Floats:
    """The covariance of all rows, in the shape that one component has; X is centred."""
    if kind in ("full", "tied"):
        return X.T @ X / len(X) + reg_covar * np.eye(X.shape[1])
    variances = np.mean(X**2, axis=0) + reg_covar
    return variances if kind == "diag" else np.asarray(variances.mean())


def degrees_of_freedom(kind: str, k: int, d: int) -> int:
    """Free parameters of a mixture: covariances, means, and weights that add up to 1."""
    covariances = {"full": k * d * (d + 1) // 2, "tied": d * (d + 1) // 2, "diag": k * d, "spherical": k}[kind]
    return covariances + k * d + k - 1


@dataclass(frozen=True)
class Run:
    """Where EM ended from one start."""

    parameters: Parameters
    bounds: list[float]
    converged: bool
    reseeded: int

    @property
    def bound(self) -> float:
        """The mean log-likelihood of a row in the last E step, in nats."""
        return self.bounds[-1]


def _hopeless(cause: str, k: int, reg_covar: float) -> BadInput:
    return BadInput(
        f"GaussianMixture: {cause}; raise reg_covar={reg_covar:g}, lower n_components={k}, take a simpler "
        "covariance_type, or drop such columns"
    )


def reseed(
    X: Floats, old: Parameters, new: Parameters, gone: NDArray[np.intp], before: int, reg_covar: float
) -> Parameters:
    """``new`` with the components that are gone placed on the rows that ``old`` explains worst.

    They get the covariance of all rows and the weight of an equal share. ``before`` components were seeded anew
    already, so that not the same rows are taken again.

    Raises
    ------
    BadInput
        When all rows together have no volume, or it was done too often.
    """
    k = len(new.weights)
    if before + len(gone) > _RESEEDS * k:
        raise _hopeless(f"components {gone.tolist()} collapse again and again", k, reg_covar)
    whole = overall(X, new.kind, reg_covar)
    stack = whole if new.kind == "tied" else whole[np.newaxis]
    factors, flat = precision_factors(stack, new.kind)
    if flat.any():
        raise _hopeless("X has no volume in some direction (constant or dependent columns)", k, reg_covar)
    worst = np.argsort(logsumexp(log_densities(X, old), axis=1), kind="stable")
    means, weights = new.means.copy(), new.weights.copy()
    means[gone] = X[worst[(before + np.arange(len(gone))) % len(X)]]
    weights[gone] = 1.0 / k
    if new.kind == "tied":
        return Parameters(new.kind, weights / weights.sum(), means, whole, factors)
    covariances, all_factors = new.covariances.copy(), new.factors.copy()
    covariances[gone], all_factors[gone] = whole, factors[0]
    return Parameters(new.kind, weights / weights.sum(), means, covariances, all_factors)


def collapsed(p: Parameters, X: Floats, reg_covar: float) -> NDArray[np.intp]:
    """Components with a direction in which only ``reg_covar`` keeps them wide, where X itself is wide throughout."""
    if p.kind == "tied" or reg_covar <= 0.0:
        return np.empty(0, dtype=np.intp)
    wide = least_variance(overall(X, p.kind, 0.0)[np.newaxis], p.kind)[0]
    if wide <= 100.0 * reg_covar:  # the data is as narrow: nothing of the component's own
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero(least_variance(p.covariances, p.kind) <= 2.0 * reg_covar)


def least_variance(covariances: Floats, kind: str) -> Floats:
    """The smallest variance of each component in any direction that its shape knows, (k,)."""
    if kind == "full":
        return np.asarray(np.linalg.eigvalsh(covariances)[:, 0])
    return covariances.min(axis=1) if kind == "diag" else covariances


def from_precisions(given: Floats, kind: str) -> tuple[Floats, Floats]:
    """Factors and covariances of inverse covariances that were checked to be positive definite."""
    if kind in ("diag", "spherical"):
        return np.sqrt(given), 1.0 / given
    return np.asarray(np.linalg.cholesky(given)), np.asarray(np.linalg.inv(given))


def roots(covariances: Floats, kind: str, k: int, d: int) -> Floats:
    """A root A of each component's covariance, A Aᵀ = Σ, shape (k, d, d)."""
    if kind == "full":
        return np.asarray(np.linalg.cholesky(covariances))
    if kind == "tied":
        return np.broadcast_to(np.linalg.cholesky(covariances), (k, d, d))
    deviations = np.sqrt(covariances if kind == "diag" else covariances[:, np.newaxis])
    return np.asarray(np.broadcast_to(deviations, (k, d))[:, :, np.newaxis] * np.eye(d))
