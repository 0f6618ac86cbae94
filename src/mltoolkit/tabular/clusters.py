"""Groups in data: k-means, Gaussian mixtures, and how well a grouping separates.

k-means looks for k centres c that make the inertia Σ wᵢ · minⱼ ‖xᵢ - cⱼ‖² small; a mixture looks for k Gaussians
that make the data likely, by expectation and maximisation (EM). Both only go downhill (or up) from where they start,
so the start matters, and both are run from several.

What differs from the textbook, and why:

- Columns are centred first. Distances come from a matrix product, whose error is of the size of ‖x‖², and a data set
  that lies at 10⁸ would otherwise have no digits left for its own spread.
- Lloyd's iteration skips rows by Hamerly's bounds: the result is the same, most distances are not computed.
- Of many rows, the restarts see a sample, and the best of them is polished on all rows. The sample settles which
  valley to descend into; only the last steps need everything.
- EM adds up second moments about the previous means, which keeps their digits.

References
----------
Lloyd, S. P. (1982). Least squares quantization in PCM. IEEE Transactions on Information Theory 28(2).
Arthur, D., Vassilvitskii, S. (2007). k-means++: the advantages of careful seeding. SODA.
Hamerly, G. (2010). Making k-means even faster. SIAM International Conference on Data Mining.
Dempster, A. P., Laird, N. M., Rubin, D. B. (1977). Maximum likelihood from incomplete data via EM. JRSS B.
Rousseeuw, P. J. (1987). Silhouettes. Journal of Computational and Applied Mathematics 20.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, DensityMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from mltoolkit.tabular._clusters import arguments, mixture, separation
from mltoolkit.tabular._clusters.descent import Descent, descend, nearest, pick_assign
from mltoolkit.tabular._clusters.seeding import generator, plus_plus, random_rows, restart_rows


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """k-means clustering.

    Parameters
    ----------
    n_clusters : int, default 8
        k, at least 1 and at most the number of rows.
    init : {"k-means++", "random"} or array-like of shape (k, d), default "k-means++"
        How to choose the first centres. ``"k-means++"`` draws each in proportion to its squared distance from those
        already there, and of a few draws keeps the one that lowers the inertia most; ``"random"`` draws rows. Given
        centres are used as they are, once.
    n_init : int, default 10
        Starts; the one with the lowest inertia is kept.
    max_iter : int, default 300
        The most iterations of one descent.
    tol : float, default 1e-4
        A descent ends when the squared moves of all centres add up to this share of the mean variance of the columns,
        or when no row changes sides. With 0 only the latter counts.
    algorithm : {"auto", "hamerly", "lloyd"}, default "auto"
        ``"lloyd"`` computes every distance in every iteration, ``"hamerly"`` those that the triangle inequality does
        not settle. They end at the same centres. ``"auto"`` takes Hamerly's where numba compiles it, else Lloyd's.
    init_size : int or None, default None
        Rows that the starts see, where there are more than twice as many: a random sample (by weight), on which
        all starts run to their end; the best is then polished on all rows. None is 500 a cluster, at least 10,000.
    random_state : int, Generator, RandomState or None, default None
        Where draws come from; an int gives the same result each time.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (k, d)
    labels_ : ndarray of shape (n,)
        Index of the nearest centre of each row that was fitted.
    inertia_ : float
        Σ wᵢ ‖xᵢ - c‖² over the rows, each with its nearest centre; in squared units of X.
    n_iter_ : int
        Iterations of the descent that was kept (of the last one, over all rows).
    converged_ : bool
        Whether that descent ended before ``max_iter``.
    n_distances_ : int
        Distances between a row and a centre which that descent computed; Lloyd's computes n · k an iteration.
    n_features_in_ : int
        d, the number of columns.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, where X had any.

    Raises
    ------
    ValueError
        From ``fit``: X holds NaN, infinity or numbers beyond 1e150, there are fewer rows (of weight above 0) than
        clusters, a weight is negative, or parameters are out of range (all of these at once).

    Warns
    -----
    ConvergenceWarning
        When fewer different rows than clusters leave clusters empty, or ``max_iter`` was too small.

    Notes
    -----
    A centre that loses all its rows moves to the row that is farthest from its own centre. Computation is in float64.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 0.0], [0.0, 2.0], [9.0, 0.0], [9.0, 2.0]])
    >>> model = KMeans(2, random_state=0).fit(X)
    >>> sorted(model.cluster_centers_.tolist())
    [[0.0, 1.0], [9.0, 1.0]]
    >>> model.inertia_
    4.0
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: int = 10,
        max_iter: int = 300,
        tol: float = 1e-4,
        algorithm: str = "auto",
        init_size: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.algorithm = algorithm
        self.init_size = init_size
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> KMeans:  # noqa: ARG002
        """Find centres.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Finite numbers. Columns of different units should be scaled first: distances add them up.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            Weights, none negative; 1 each by default. A weight of 2 is the same as the row twice.

        Returns
        -------
        KMeans
            The estimator itself.
        """
        arguments.check_kmeans(self)
        data = validate_data(self, X, dtype=np.float64, order="C")
        arguments.check_size("KMeans", data)
        weights = _check_sample_weight(sample_weight, data, dtype=np.float64, ensure_non_negative=True)
        counted = weights > 0
        arguments.check_rows("KMeans", "n_clusters", self.n_clusters, int(counted.sum()), weighted=not counted.all())
        given = arguments.check_centers(self.init, self.n_clusters, data.shape[1])
        rows, weights = (data, weights) if counted.all() else (data[counted], weights[counted])
        mean = np.average(rows, axis=0, weights=weights)
        found = self._search(rows - mean, weights, None if given is None else given - mean)
        self.cluster_centers_ = found.centers + mean
        self.labels_, distances = nearest(data, self.cluster_centers_)
        self.inertia_ = float(weights @ distances[counted])
        self.n_iter_, self.converged_, self.n_distances_ = found.n_iter, found.converged, found.n_distances
        self._n_features_out = len(self.cluster_centers_)
        self._warn()
        return self

    def _search(self, X: NDArray[Any], weights: NDArray[Any], given: NDArray[Any] | None) -> Descent:
        """The best descent of all starts on centred rows; of many rows, the starts run on a sample."""
        rng, k = generator(self.random_state), int(self.n_clusters)

        def run(X: NDArray[Any], weights: NDArray[Any], centers: NDArray[Any]) -> Descent:
            tol = float(self.tol) * float(np.mean(np.average(X**2, axis=0, weights=weights)))
            assign = pick_assign(self.algorithm, X.shape, k)
            return descend(X, weights, centers, tol=tol, max_iter=int(self.max_iter), assign=assign)

        if given is not None:
            return run(X, weights, given)
        part, mass, sampled = restart_rows(X, weights, k, self.init_size, rng)
        seed = plus_plus if self.init == "k-means++" else random_rows
        best: Descent | None = None
        for _ in range(int(self.n_init)):
            found = run(part, mass, seed(part, k, mass, rng))
            if best is None or found.inertia < best.inertia:
                best = found
        assert best is not None
        return run(X, weights, best.centers) if sampled else best

    def _warn(self) -> None:
        used = len(np.unique(self.labels_))
        if used < self.n_clusters:
            warnings.warn(
                f"KMeans found {used} distinct clusters for n_clusters={self.n_clusters}: X has too few different "
                "rows, and the other centres repeat one. Lower n_clusters, or look for duplicates.",
                ConvergenceWarning,
                stacklevel=3,
            )
        if not self.converged_:
            warnings.warn(
                f"KMeans did not converge in max_iter={self.max_iter} iterations; raise max_iter or tol.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def predict(self, X: ArrayLike) -> NDArray[np.int32]:
        """The nearest centre of each row; of two that are equally near, the first.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
            Indices into ``cluster_centers_``.
        """
        check_is_fitted(self)
        return nearest(validate_data(self, X, dtype=np.float64, reset=False), self.cluster_centers_)[0]

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """The distance of each row to each centre.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k)
            Euclidean distances, in units of X.
        """
        check_is_fitted(self)
        data = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(cdist(data, self.cluster_centers_))

    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:  # noqa: ARG002
        """Minus the inertia of rows: larger is better.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : ignored
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
        """
        check_is_fitted(self)
        data = validate_data(self, X, dtype=np.float64, reset=False)
        weights = _check_sample_weight(sample_weight, data, dtype=np.float64)
        return -float(weights @ nearest(data, self.cluster_centers_)[1])


class GaussianMixture(DensityMixin, BaseEstimator):
    """A mixture of Gaussians, fitted by expectation and maximisation.

    Parameters
    ----------
    n_components : int, default 1
        k, at least 1 and at most the number of rows.
    covariance_type : {"full", "tied", "diag", "spherical"}, default "full"
        Each component its own covariance; one for all; a variance a column; one variance.
    tol : float, default 1e-3
        EM ends when the mean log-likelihood of a row changes by less than this, in nats.
    reg_covar : float, default 1e-6
        Added to each variance, in squared units of X: what keeps a component from shrinking to a point. 0 or more.
    max_iter : int, default 100
        The most iterations from one start.
    n_init : int, default 1
        Starts; the one with the highest likelihood is kept.
    init_params : {"kmeans", "k-means++", "random_from_data"}, default "kmeans"
        The first means: the centres of k-means, rows drawn by k-means++, or rows drawn at random. Each row belongs at
        first to the nearest.
    weights_init : array-like of shape (k,), optional
    means_init : array-like of shape (k, d), optional
    precisions_init : array-like in the shape of ``precisions_``, optional
        First parameters in place of those.
    random_state : int, Generator, RandomState or None, default None

    Attributes
    ----------
    weights_ : ndarray of shape (k,)
        Shares of the components; they add up to 1.
    means_ : ndarray of shape (k, d)
    covariances_, precisions_ : ndarray
        Covariances and their inverses: (k, d, d) full, (d, d) tied, (k, d) diag, (k,) spherical.
    converged_ : bool
        Whether the start that was kept met ``tol``.
    n_iter_ : int
        Its iterations.
    lower_bound_ : float
        Mean log-likelihood of a row in its last E step, in nats.
    lower_bounds_ : ndarray of shape (n_iter_,)
        The same after each iteration; it never falls, but where a component was seeded anew.
    collapsed_ : ndarray of int
        Components that have shrunk in some direction to what ``reg_covar`` leaves them, and X has not: they describe
        a few rows that agree, not a group.
    n_reseeded_ : int
        How often a component without rows or volume was seeded anew.
    n_features_in_, feature_names_in_
        As of every estimator.

    Raises
    ------
    ValueError
        From ``fit``: X holds NaN or infinity, there are fewer rows than components, parameters are out of range (all at
        once), or components collapse again and again (the message says what helps).

    Warns
    -----
    ConvergenceWarning
        When ``max_iter`` was too small, a component was seeded anew, or one has collapsed.

    Notes
    -----
    A component that holds no row any more, or whose covariance has no inverse, moves to the row that the mixture
    explains worst, with the covariance of all rows.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[-1.1], [-1.0], [-0.9], [3.8], [4.0], [4.2]])
    >>> model = GaussianMixture(2, random_state=0).fit(X)
    >>> model.weights_.round(2).tolist(), sorted(model.means_.ravel().round(2).tolist())
    ([0.5, 0.5], [-1.0, 4.0])
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weights_init: Any = None,
        means_init: Any = None,
        precisions_init: Any = None,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> GaussianMixture:  # noqa: ARG002
        """Find the mixture.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Finite numbers, at least two rows.
        y : ignored

        Returns
        -------
        GaussianMixture
            The estimator itself.
        """
        arguments.check_mixture(self)
        data = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        arguments.check_size("GaussianMixture", data)
        arguments.check_rows("GaussianMixture", "n_components", self.n_components, len(data), weighted=False)
        given = arguments.check_start(self, data.shape[1])
        shift = data.mean(axis=0)
        rows, rng = data - shift, generator(self.random_state)
        runs = [self._run(rows, shift, given, rng) for _ in range(int(self.n_init))]
        best = max(runs, key=lambda run: run.bound)
        found = best.parameters
        self.weights_, self.means_, self.covariances_ = found.weights, found.means + shift, found.covariances
        self.precisions_ = mixture.precisions(found.factors, found.kind)
        self._factors = found.factors
        self.converged_, self.n_iter_, self.n_reseeded_ = best.converged, len(best.bounds), best.reseeded
        self.lower_bounds_ = np.array(best.bounds)
        self.lower_bound_ = best.bound
        self.collapsed_ = mixture.collapsed(found, rows, float(self.reg_covar))
        self._warn()
        return self

    def _run(
        self, X: NDArray[Any], shift: NDArray[Any], given: dict[str, NDArray[Any]], rng: np.random.Generator
    ) -> mixture.Run:
        """EM from one start, on centred rows."""
        p, reseeded = self._start(X, shift, given, rng)
        bounds: list[float] = []
        last = np.nan  # there is no change from nothing
        for _ in range(int(self.max_iter)):
            sums = mixture.expect(X, p)
            bounds.append(sums.log_likelihood / len(X))
            new, gone = mixture.maximise(sums, p.means, p.kind, float(self.reg_covar))
            if len(gone):
                p = mixture.reseed(X, p, new, gone, reseeded, float(self.reg_covar))
                reseeded += len(gone)
                last = np.nan
                continue
            p = new
            if abs(bounds[-1] - last) < self.tol:
                return mixture.Run(p, bounds, True, reseeded)
            last = bounds[-1]
        return mixture.Run(p, bounds, False, reseeded)

    def _start(
        self, X: NDArray[Any], shift: NDArray[Any], given: dict[str, NDArray[Any]], rng: np.random.Generator
    ) -> tuple[mixture.Parameters, int]:
        """The first parameters, and how many components had to be seeded anew for them."""
        k, kind = int(self.n_components), self.covariance_type
        if len(given) == 3:
            factors, covariances = mixture.from_precisions(given["precisions"], kind)
            return mixture.Parameters(kind, given["weights"], given["means"] - shift, covariances, factors), 0
        ones = np.ones(len(X))
        if self.init_params == "kmeans":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                means = KMeans(k, n_init=1, random_state=rng).fit(X).cluster_centers_
        else:
            means = (plus_plus if self.init_params == "k-means++" else random_rows)(X, k, ones, rng)
        sums = mixture.start(X, nearest(X, means)[0], means, kind)
        p, gone = mixture.maximise(sums, means, kind, float(self.reg_covar))
        if len(gone):
            p = mixture.reseed(X, p, p, gone, 0, float(self.reg_covar))
        if "weights" in given:
            p.weights = given["weights"]
        if "means" in given:
            p.means = given["means"] - shift
        if "precisions" in given:
            p.factors, p.covariances = mixture.from_precisions(given["precisions"], kind)
        return p, len(gone)

    def _warn(self) -> None:
        told = []
        if not self.converged_:
            told.append(f"did not converge in max_iter={self.max_iter} iterations; raise max_iter or tol")
        if self.n_reseeded_:
            told.append(f"seeded {self.n_reseeded_} collapsed components anew; fewer may be enough")
        if len(self.collapsed_):
            told.append(
                f"components {self.collapsed_.tolist()} have shrunk to what reg_covar={self.reg_covar:g} leaves them; "
                "lower n_components, raise reg_covar, or take a simpler covariance_type"
            )
        if told:
            warnings.warn("GaussianMixture " + "; it ".join(told) + ".", ConvergenceWarning, stacklevel=3)

    def fit_predict(self, X: ArrayLike, y: Any = None) -> NDArray[np.intp]:
        """Find the mixture, and the most probable component of each row.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : ignored

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.fit(X, y).predict(X)

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Log-likelihood of each row.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
            In nats; finite where the density itself would round to 0.
        """
        return np.asarray(logsumexp(self._log_joint(X), axis=1))

    def score(self, X: ArrayLike, y: Any = None) -> float:  # noqa: ARG002
        """Mean log-likelihood of a row, in nats.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : ignored

        Returns
        -------
        float
        """
        return float(np.mean(self.score_samples(X)))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probability of each component, given the row: its responsibility.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k)
            Rows add up to 1.
        """
        return np.asarray(softmax(self._log_joint(X), axis=1))

    def predict(self, X: ArrayLike) -> NDArray[np.intp]:
        """The most probable component of each row.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        return np.asarray(np.argmax(self._log_joint(X), axis=1))

    def _log_joint(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        data = validate_data(self, X, dtype=np.float64, reset=False)
        kind = self.covariance_type
        p = mixture.Parameters(kind, self.weights_, self.means_, self.covariances_, self._factors)
        return mixture.log_densities(data, p)

    def bic(self, X: ArrayLike) -> float:
        """Bayesian information criterion of rows: -2 log L + p log n. Lower is better.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        float
        """
        scores = self.score_samples(X)
        return float(-2.0 * scores.sum() + self._n_parameters() * np.log(len(scores)))

    def aic(self, X: ArrayLike) -> float:
        """Akaike's information criterion of rows: -2 log L + 2 p. Lower is better.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        float
        """
        return float(-2.0 * self.score_samples(X).sum() + 2.0 * self._n_parameters())

    def _n_parameters(self) -> int:
        k, d = self.means_.shape
        return mixture.degrees_of_freedom(self.covariance_type, k, d)

    def sample(self, n_samples: int = 1) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Draw rows from the mixture.

        Parameters
        ----------
        n_samples : int, default 1
            At least 1.

        Returns
        -------
        X : ndarray of shape (n_samples, d)
            In the order of their components.
        y : ndarray of shape (n_samples,)
            The component that each row is from.
        """
        check_is_fitted(self)
        arguments.check_count("GaussianMixture.sample", "n_samples", n_samples)
        rng = generator(self.random_state)
        k, d = self.means_.shape
        y = np.repeat(np.arange(k), rng.multinomial(n_samples, self.weights_ / self.weights_.sum()))
        noise = rng.standard_normal((n_samples, d))
        roots = mixture.roots(self.covariances_, self.covariance_type, k, d)
        return self.means_[y] + np.einsum("nij,nj->ni", roots[y], noise), y


def silhouette_samples(X: ArrayLike, labels: ArrayLike, *, metric: str = "euclidean") -> NDArray[np.float64]:
    """How much nearer each row is to its own cluster than to the next one.

    With a the mean distance to the other rows of its cluster, and b the lowest mean distance to the rows of another,
    a row's silhouette is (b - a) / max(a, b): 1 is deep inside, 0 on the border, below 0 nearer to another cluster.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Finite numbers.
    labels : array-like of shape (n,)
        Clusters, numbers or texts; at least 2 different and at most n - 1.
    metric : {"euclidean", "cityblock", "cosine"}, default "euclidean"

    Returns
    -------
    ndarray of shape (n,)
        From -1 to 1; 0 for a row that is alone in its cluster.

    Raises
    ------
    ValueError
        When X holds NaN or infinity, the lengths differ, or there are too few or too many clusters (all at once).

    Notes
    -----
    Time O(n² d). Distances are held for a block of rows at a time, at most 16 MiB of them (or one row), never n x n.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and validation of cluster analysis.

    Examples
    --------
    >>> silhouette_samples([[0.0], [1.0], [10.0], [11.0]], [0, 0, 1, 1]).round(3).tolist()
    [0.905, 0.895, 0.895, 0.905]
    """
    data, codes = arguments.check_silhouette(X, labels, metric)
    return separation.silhouettes(data, codes, metric)


def silhouette(X: ArrayLike, labels: ArrayLike, *, metric: str = "euclidean") -> float:
    """The mean silhouette of all rows: how well a grouping separates.

    Parameters
    ----------
    X : array-like of shape (n, d)
    labels : array-like of shape (n,)
    metric : {"euclidean", "cityblock", "cosine"}, default "euclidean"
        All as in :func:`silhouette_samples`, with the same errors.

    Returns
    -------
    float
        From -1 to 1; higher is better.

    Examples
    --------
    >>> round(silhouette([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"]), 3)
    0.9
    """
    return float(np.mean(silhouette_samples(X, labels, metric=metric)))
