"""Flat maps of high-dimensional data: t-SNE, and two numbers that say how far a map can be trusted.

t-SNE turns distances between rows into probabilities p_ij of being neighbours, does the same in the map with a kernel
of heavy tails, q_ij ∝ 1 / (1 + ‖y_i - y_j‖²), and moves the points of the map until the Kullback-Leibler divergence Σ
p log(p / q) is small. Neighbours are kept; distances between groups, sizes of groups and empty space are not.

What differs from the first paper, and why:

- The map starts at the first principal components, shrunk, so that its large arrangement comes from the data and not
  from a seed.
- The learning rate is n / exaggeration / 4, in both phases; a fixed one is too slow for many rows.
- For many rows p is kept for the 3 · perplexity nearest neighbours, and the push between all pairs comes from a grid
  by the fast Fourier transform.
- The descent ends when the divergence hardly falls any more, not after a number of iterations.

References
----------
van der Maaten, L., Hinton, G. (2008). Visualizing data using t-SNE. JMLR 9.
Linderman, G., Rachh, M., Hoskins, J., Steinerberger, S., Kluger, Y. (2019). Fast interpolation-based t-SNE for improved
visualization of single-cell RNA-seq data. Nature Methods 16.
Kobak, D., Berens, P. (2019). The art of using t-SNE for single-cell transcriptomics. Nature Communications 10.
Belkina, A. C., et al. (2019). Automated optimized parameters for t-distributed stochastic neighbor embedding. Nature
Communications 10.
Venna, J., Kaski, S. (2001). Neighborhood preservation in nonlinear projection methods. ICANN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import validate_data

from mltoolkit.linalg import PCA
from mltoolkit.tabular._embeddings import affinities, arguments, neighbourhoods
from mltoolkit.tabular._embeddings.descent import Schedule, descend
from mltoolkit.tabular._embeddings.objective import Approximate, Exact, Objective

_EXACT_BELOW = 500  # rows, up to which all pairs cost less than the grid
_START = 1e-4  # standard deviation of the first positions: so close that every pair pushes


def joint_probabilities(X: ArrayLike, perplexity: float = 30.0) -> NDArray[np.float64]:
    """How strongly each pair of rows belongs together.

    Parameters
    ----------
    X : array-like of shape (n, d)
        At least 2 and at most 10,000 rows: the result is dense.
    perplexity : float, default 30.0
        How many neighbours each row effectively has: the exponential of the entropy (in nats) of its p_{j|i}, at least
        1. Where n is not above 3 · perplexity, (n - 1) / 3 is used, with a warning.

    Returns
    -------
    ndarray of shape (n, n)
        p_ij = (p_{j|i} + p_{i|j}) / 2n with p_{j|i} ∝ exp(-‖x_i - x_j‖² / 2σ_i²): symmetric, 0 on the diagonal, of sum
        1.

    Raises
    ------
    ValueError
        When X holds NaN, infinity or numbers beyond 1e150, has fewer than 2 or more than 10,000 rows, or the
        perplexity is below 1.

    Examples
    --------
    >>> joint_probabilities([[0.0], [1.0], [9.0]], perplexity=1.5).sum().round(6)
    np.float64(1.0)
    """
    rows = np.asarray(check_array(X, dtype=np.float64, ensure_min_samples=2, input_name="X"))
    arguments.check_perplexity("joint_probabilities", perplexity)
    arguments.check_rows("joint_probabilities", rows, exact=True)
    return affinities.dense(rows, arguments.fitting_perplexity("joint_probabilities", perplexity, len(rows)))


def kl_divergence(P: ArrayLike, Y: ArrayLike) -> tuple[float, NDArray[np.float64]]:
    """The divergence of a map from the data, and its gradient: all pairs, no approximation.

    Parameters
    ----------
    P : array-like of shape (n, n)
        Joint probabilities as from :func:`joint_probabilities`.
    Y : array-like of shape (n, c)
        The map.

    Returns
    -------
    divergence : float
        KL(P‖Q) = Σ_{i≠j} p_ij log(p_ij / q_ij) in nats, where 0 · log 0 is 0 and q_ij ∝ 1 / (1 + ‖y_i - y_j‖²) adds up
        to 1 over all i ≠ j.
    gradient : ndarray of shape (n, c)
        Its derivative by each coordinate, 4 Σ_j (p_ij - q_ij) (y_i - y_j) / (1 + ‖y_i - y_j‖²).

    Raises
    ------
    ValueError
        When shapes do not fit, or values are no probabilities or not finite.

    Examples
    --------
    >>> P = np.array([[0.0, 0.5], [0.5, 0.0]])
    >>> divergence, gradient = kl_divergence(P, [[0.0, 0.0], [3.0, 4.0]])
    >>> round(divergence, 6)
    0.0
    """
    joint, positions = arguments.check_joint(P, Y)
    objective = Exact(joint)
    return objective.divergence(positions), objective.gradient(positions, 1.0)


class TSNE(BaseEstimator):
    """t-distributed stochastic neighbour embedding.

    Parameters
    ----------
    n_components : int, default 2
        c, dimensions of the map.
    perplexity : float, default 30.0
        How many neighbours each row effectively has, at least 1. Where n is not above 3 · perplexity, (n - 1) / 3 is
        used, with a warning.
    early_exaggeration : float, default 12.0
        By how much p is multiplied in the first phase, at least 1.
    early_exaggeration_iter : int, default 250
        Iterations of the first phase.
    max_iter : int, default 1000
        The most iterations, those of the first phase included.
    tol : float, default 5e-3
        The descent ends when 50 iterations lowered the divergence by at most this share; with 0, when it does not fall.
    learning_rate : "auto" or float, default "auto"
        Step per unit of the gradient (with its factor of 4). ``"auto"`` is n / exaggeration / 4, at least
        50 / exaggeration: larger by ``early_exaggeration`` in the second phase than in the first.
    init : {"pca", "random"} or array-like of shape (n, c), default "pca"
        First positions. ``"pca"``: the first c principal components, scaled so that the first has a standard
        deviation of 1e-4; columns that X is too flat for are drawn. ``"random"``: normal draws of that size. Given
        positions are used as they are.
    method : {"auto", "exact", "fft"}, default "auto"
        ``"exact"`` keeps all pairs (up to 10,000 rows); ``"fft"`` keeps p for the 3 · perplexity nearest neighbours and
        takes the push from a grid, for maps of 2 dimensions. ``"auto"`` takes ``"fft"`` from 500 rows on, where it can.
    random_state : int, RandomState or None, default None
        Where draws come from; an int gives the same map each time. Nothing is drawn for ``init="pca"``, unless X is
        flat.

    Attributes
    ----------
    embedding_ : ndarray of shape (n, c)
        The map, centred.
    kl_divergence_ : float
        KL(P‖Q) at the end, in nats, without exaggeration. With ``"fft"``, p is that of the nearest neighbours.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether the descent ended by ``tol``.
    perplexity_ : float
        The perplexity that was used.
    n_features_in_ : int
        d, the number of columns.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, where X had any.

    Raises
    ------
    ValueError
        From ``fit``: X holds NaN, infinity or numbers beyond 1e150, has fewer than 2 rows or too many for the exact
        method, or parameters are out of range (all of these at once).

    Notes
    -----
    A map has no ``transform``: new rows have no place in it. The time of an iteration grows with n and, for ``"fft"``,
    with the area of the map; memory is that of 3 · perplexity neighbours a row. Copies of a row get the same place, or
    nearly.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((80, 5))
    >>> TSNE(perplexity=10).fit_transform(X).shape
    (80, 2)
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float = 30.0,
        early_exaggeration: float = 12.0,
        early_exaggeration_iter: int = 250,
        max_iter: int = 1000,
        tol: float = 5e-3,
        learning_rate: Any = "auto",
        init: Any = "pca",
        method: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.early_exaggeration_iter = early_exaggeration_iter
        self.max_iter = max_iter
        self.tol = tol
        self.learning_rate = learning_rate
        self.init = init
        self.method = method
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> TSNE:  # noqa: ARG002
        """Draw the map of X; y is ignored.

        Parameters
        ----------
        X : array-like of shape (n, d)
            At least 2 rows.

        Returns
        -------
        TSNE
        """
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        arguments.check_parameters(self)
        n = len(rows)
        exact = self.method == "exact" or (self.method == "auto" and (n < _EXACT_BELOW or self.n_components != 2))
        arguments.check_rows("TSNE", rows, exact=exact)
        start = self._start(rows)
        self.perplexity_ = arguments.fitting_perplexity("TSNE", self.perplexity, n)
        objective: Objective
        if exact:
            objective = Exact(affinities.dense(rows, self.perplexity_))
        else:
            objective = Approximate(affinities.sparse(rows, self.perplexity_))
        rate = None if self.learning_rate == "auto" else float(self.learning_rate)
        schedule = Schedule(
            float(self.early_exaggeration), self.early_exaggeration_iter, self.max_iter, rate, float(self.tol)
        )
        found = descend(objective, start, schedule)
        self.embedding_ = found.embedding
        self.kl_divergence_ = found.divergence
        self.n_iter_ = found.n_iter
        self.converged_ = found.converged
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None) -> NDArray[np.float64]:
        """Draw the map of X and return it; see :meth:`fit`.

        Returns
        -------
        ndarray of shape (n, c)
        """
        return self.fit(X, y).embedding_

    def _start(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """First positions, (n, c)."""
        shape = (len(X), self.n_components)
        if not isinstance(self.init, str):
            return arguments.check_start(self.init, shape)
        Y = np.zeros(shape)
        if self.init == "pca":
            k = min(*X.shape, self.n_components)
            Y[:, :k] = PCA(k).fit_transform(X / max(float(np.abs(X).max()), np.finfo(float).tiny))
        spread = Y.std(axis=0)
        flat = spread <= 1e-9 * max(float(spread.max()), np.finfo(float).tiny)
        Y *= _START / spread[0] if not flat[0] else 0.0
        draws = check_random_state(self.random_state).standard_normal(shape) if flat.any() else 0.0
        return np.asarray(np.where(flat, _START * draws, Y))


def trustworthiness(X: ArrayLike, X_embedded: ArrayLike, *, n_neighbors: int = 5) -> float:
    """How far neighbours in the map are neighbours in the data.

    Parameters
    ----------
    X : array-like of shape (n, d)
    X_embedded : array-like of shape (n, c)
        The map, row by row.
    n_neighbors : int, default 5
        k, how many neighbours count; at least 1 and below n / 2.

    Returns
    -------
    float
        From 0 to 1: 1 - 2 / (n k (2n - 3k - 1)) · Σ_i Σ_j (r_ij - k), over the k nearest rows j of row i in the map
        that are not among its k nearest in the data, where r_ij is their rank by distance in the data (1 is the
        nearest). Rows that are equally far share the better rank.

    Raises
    ------
    ValueError
        When shapes do not fit, values are not finite, or k is not below n / 2.

    Notes
    -----
    Distances are Euclidean. A block of rows is compared with all at a time, in 16 MiB for their distances.

    Examples
    --------
    >>> X = np.arange(12.0)[:, None]
    >>> trustworthiness(X, X**3, n_neighbors=1)
    1.0
    """
    data, shown = arguments.check_map("trustworthiness", X, X_embedded, n_neighbors)
    return neighbourhoods.kept(data, shown, int(n_neighbors))


def continuity(X: ArrayLike, X_embedded: ArrayLike, *, n_neighbors: int = 5) -> float:
    """How far neighbours in the data are still neighbours in the map.

    The counterpart of :func:`trustworthiness`: that falls when strangers move in, this when neighbours move out.

    Parameters
    ----------
    X : array-like of shape (n, d)
    X_embedded : array-like of shape (n, c)
        The map, row by row.
    n_neighbors : int, default 5
        k, how many neighbours count; at least 1 and below n / 2.

    Returns
    -------
    float
        From 0 to 1: as trustworthiness, over the k nearest rows in the data that are not among the k nearest in the
        map, with their ranks in the map.

    Raises
    ------
    ValueError
        When shapes do not fit, values are not finite, or k is not below n / 2.

    Examples
    --------
    >>> X = np.arange(12.0)[:, None]
    >>> continuity(X, X**3, n_neighbors=1)
    1.0
    """
    data, shown = arguments.check_map("continuity", X, X_embedded, n_neighbors)
    return neighbourhoods.kept(shown, data, int(n_neighbors))
