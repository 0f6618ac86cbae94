"""Principal components: the directions along which data varies most.

For data X of shape (n, d) with column means m, the components are the eigenvectors of the sample
covariance C = (X - m)ᵀ(X - m) / (n - 1), ordered by eigenvalue; an eigenvalue is the variance along its
direction. Three ways lead there:

- *svd*: singular values σ of X - m itself; variances are σ² / (n - 1). The most accurate one, since
  nothing is squared.
- *covariance*: eigenvalues of C. For n ≫ d by far the fastest, but squaring loses half the digits of
  the small directions.
- *randomized*: the few leading directions of a big matrix, from its products with a thin random matrix.

Whatever the input's precision, sums are kept in float64 and the results are rounded once, at the end.

References
----------
Pearson, K. (1901). On lines and planes of closest fit to systems of points in space. Phil. Mag. 2(11).
Hotelling, H. (1933). Analysis of a complex of statistical variables into principal components.
Halko, N., Martinsson, P.-G., Tropp, J. (2011). Finding structure with randomness. SIAM Review 53(2).
Chan, T., Golub, G., LeVeque, R. (1983). Algorithms for computing the sample variance. Am. Stat. 37(3).
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

_FLOATS = [np.float64, np.float32]
_BLOCK = 2048  # rows that are centred at a time, so that the working copy stays in the cache
_BIG = 1000  # the shorter side from which the leading components alone are worth a random projection
_SMALLEST = 1e-10  # share of the largest variance below which squaring has cost too many digits
_OVERSAMPLING = 10  # columns of the random matrix beyond the components that are asked for
_POWER_ITERATIONS = 7  # each sharpens a slowly falling spectrum; Halko et al., section 4.5


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal component analysis.

    Parameters
    ----------
    n_components : int, float or None, default None
        How many components to keep: an int from 1 to min(n, d); a float strictly between 0 and 1 for
        the fewest components whose shares of the variance add up to more than it; None for min(n, d).
    whiten : bool, default False
        Divide the coordinates that ``transform`` returns by their standard deviations.
    solver : {"auto", "covariance", "randomized", "svd"}, default "auto"
        ``"auto"`` takes *randomized* when ``n_components`` is an int of at most a tenth of min(n, d) and
        min(n, d) is 1000 or more; else *covariance* when n is at least 10 d, unless a kept variance
        turns out below 1e-10 of the largest; else *svd*. The random matrix of *randomized* has ten
        columns more than are kept and goes through seven power iterations.
    random_state : int, RandomState or None, default None
        Seeds the random matrix of the randomized solver; the other solvers use no randomness.

    Attributes
    ----------
    components_ : ndarray of shape (k, d)
        Orthonormal directions as rows, by falling variance. Each one's sign is such that its entry of
        largest magnitude is positive, so results can be compared.
    explained_variance_ : ndarray of shape (k,)
        Sample variance along each component, with divisor n - 1.
    explained_variance_ratio_ : ndarray of shape (k,)
        The same as a share of the total variance of all d columns, discarded directions included; 0
        throughout for constant data.
    singular_values_ : ndarray of shape (k,)
        Singular values of the centred data: the square root of (n - 1) times the variance.
    mean_ : ndarray of shape (d,)
        Column means.
    n_components_ : int
        k, the number of components that were kept.
    n_samples_ : int
        n, the number of samples that were seen.
    n_features_in_ : int
        d, the number of columns.
    solver_ : str
        The solver that was used.

    Raises
    ------
    ValueError
        From ``fit`` and ``partial_fit``: X holds NaN or infinity, has no column or fewer than two rows,
        or a parameter is out of its range. From ``transform`` and ``inverse_transform``: X has a
        different number of columns than were learned.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    >>> pca = PCA(n_components=1).fit(X)
    >>> pca.components_.round(4)
    array([[0.7071, 0.7071]])
    >>> pca.explained_variance_
    array([2.])
    """

    _scatter: NDArray[np.float64]  # of the stream so far, with its mean at full precision
    _mean: NDArray[np.float64]

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        whiten: bool = False,
        solver: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.whiten = whiten
        self.solver = solver
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> PCA:  # noqa: ARG002 - scikit-learn passes y to every step
        """Learn the components of X.

        Parameters
        ----------
        X : array-like of shape (n, d), n >= 2
            Finite numbers. float32 stays float32; every other numeric type becomes float64.
        y : ignored

        Returns
        -------
        PCA
            The estimator itself.
        """
        data: NDArray[Any] = validate_data(self, X, dtype=_FLOATS, ensure_min_samples=2)
        self._check_parameters(data.shape)
        self.__dict__.pop("_scatter", None)  # a stream that was under way ends here
        mean = data.mean(axis=0, dtype=np.float64)
        most = self._most(data.shape)
        for solver in self._candidates(data.shape):
            spectrum = _SOLVERS[solver](data, mean, most, check_random_state(self.random_state))
            kept = spectrum.variances[: self._count(spectrum)]
            if kept[-1] > _SMALLEST * kept[0]:
                break
        self.solver_ = solver
        return self._keep(len(data), mean, spectrum, data.dtype)

    def partial_fit(self, X: ArrayLike, y: object = None) -> PCA:  # noqa: ARG002
        """Learn from one more block of a stream, as if all blocks had been given to ``fit`` at once.

        Memory is O(d²), however long the stream is. The first call, and the first after ``fit``,
        begins a new stream. ``solver`` plays no part: the scatter matrix is what is carried along.

        Parameters
        ----------
        X : array-like of shape (n, d)
            The next rows; the first block has at least two, and all have the same columns.
        y : ignored

        Returns
        -------
        PCA
            The estimator itself, fitted to every row so far.
        """
        first = not hasattr(self, "_scatter")
        block: NDArray[Any] = validate_data(self, X, dtype=_FLOATS, reset=first, ensure_min_samples=2 if first else 1)
        mean = block.mean(axis=0, dtype=np.float64)
        scatter = _scatter_of(block, mean)
        count = len(block)
        if not first:  # Chan et al.: scatters add up once the distance of the two means is made good
            gap = mean - self._mean
            count += self.n_samples_
            scatter += self._scatter + np.outer(gap, gap) * (self.n_samples_ * len(block) / count)
            mean = self._mean + gap * (len(block) / count)
        shape = (count, len(mean))
        self._check_parameters(shape)
        self._scatter, self._mean, self.solver_ = scatter, mean, "covariance"
        return self._keep(count, mean, _spectrum_of(scatter / (count - 1), self._most(shape)), block.dtype)

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Coordinates of X along the components.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k)
            (X - mean) · componentsᵀ; with ``whiten`` each column is divided by its standard deviation.
        """
        check_is_fitted(self)
        data: NDArray[Any] = validate_data(self, X, dtype=_FLOATS, reset=False)
        coordinates: NDArray[Any] = (data - self.mean_) @ self.components_.T
        return coordinates / self._deviations() if self.whiten else coordinates

    def inverse_transform(self, X: ArrayLike) -> NDArray[Any]:
        """Points in the original space that have the given coordinates.

        Parameters
        ----------
        X : array-like of shape (n, k)
            Coordinates as ``transform`` returns them, whitened ones included.

        Returns
        -------
        ndarray of shape (n, d)
            Of all points with these coordinates, those in the plane of the components: the closest
            reconstruction in the least-squares sense of what was transformed.
        """
        check_is_fitted(self)
        coordinates = np.asarray(X, dtype=self.components_.dtype)
        if coordinates.ndim != 2 or coordinates.shape[1] != self.n_components_:
            raise ValueError(
                f"PCA.inverse_transform: expected coordinates of shape (n, {self.n_components_}), "
                f"got {coordinates.shape}; pass what transform returned"
            )
        if self.whiten:
            coordinates = coordinates * self._deviations()
        rebuilt: NDArray[Any] = coordinates @ self.components_ + self.mean_
        return rebuilt

    def _check_parameters(self, shape: tuple[int, ...]) -> None:
        """Refuse parameters that are out of range, all faults at once."""
        faults = []
        k, most = self.n_components, min(shape)
        if isinstance(k, bool) or not (k is None or isinstance(k, Real)):
            faults.append(f"n_components={k!r} is neither an int, a float nor None")
        elif isinstance(k, Integral) and not 1 <= k <= most:
            faults.append(f"n_components={k} is not between 1 and min(n, d) = {most}")
        elif k is not None and not isinstance(k, Integral) and not 0 < k < 1:
            faults.append(f"n_components={k} as a share of the variance is not strictly between 0 and 1")
        if self.solver not in ("auto", *_SOLVERS):
            faults.append(f"solver={self.solver!r} is none of auto, {', '.join(_SOLVERS)}")
        elif self.solver in _NEED_COUNT and not isinstance(k, Integral):
            faults.append(f"solver={self.solver!r} needs n_components as an int, got n_components={k!r}")
        if faults:
            raise ValueError("PCA: " + "; ".join(faults))

    def _candidates(self, shape: tuple[int, ...]) -> tuple[str, ...]:
        """The solvers to try in turn; a later one is for when an earlier one lost too many digits."""
        if self.solver in _SOLVERS:
            return (self.solver,)
        n, d = shape
        if isinstance(self.n_components, Integral) and min(n, d) >= max(_BIG, 10 * int(self.n_components)):
            return ("randomized",)
        return ("covariance", "svd") if n >= 10 * d else ("svd",)

    def _most(self, shape: tuple[int, ...]) -> int:
        """The most components that may be kept, before the variances are known."""
        return int(self.n_components) if isinstance(self.n_components, Integral) else min(shape)

    def _count(self, spectrum: _Spectrum) -> int:
        """How many components to keep, once their shares are known."""
        if self.n_components is None or isinstance(self.n_components, Integral):
            return self._most(spectrum.directions.shape)
        added = np.cumsum(spectrum.ratios)
        return min(int(np.searchsorted(added, float(self.n_components), side="right")) + 1, len(added))

    def _keep(self, n: int, mean: NDArray[Any], spectrum: _Spectrum, dtype: np.dtype[Any]) -> PCA:
        """Set the attributes from what a solver found."""
        k = self._count(spectrum)
        directions = spectrum.directions[:k]
        largest = np.argmax(np.abs(directions), axis=1)
        signs = np.sign(directions[np.arange(k), largest])
        self.mean_ = mean.astype(dtype)
        self.components_ = (directions * signs[:, np.newaxis]).astype(dtype)
        self.explained_variance_ = spectrum.variances[:k].astype(dtype)
        self.explained_variance_ratio_ = spectrum.ratios[:k].astype(dtype)
        self.singular_values_ = np.sqrt(spectrum.variances[:k] * (n - 1)).astype(dtype)
        self.n_samples_, self.n_components_, self._n_features_out = n, k, k
        return self

    def _deviations(self) -> NDArray[Any]:
        """Standard deviations along the components, kept away from zero."""
        deviations = np.sqrt(self.explained_variance_)
        positive: NDArray[Any] = np.maximum(deviations, np.finfo(deviations.dtype).eps)
        return positive

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class _Spectrum(NamedTuple):
    """What a solver finds: variances (r,) falling, directions (r, d) as rows, and the variance in all."""

    variances: NDArray[Any]
    directions: NDArray[Any]
    total: float

    @property
    def ratios(self) -> NDArray[Any]:
        """Shares of the total; 0 throughout when nothing varies."""
        shares: NDArray[Any] = self.variances / max(self.total, np.finfo(float).tiny)
        return shares


def _scatter_of(X: NDArray[Any], mean: NDArray[Any]) -> NDArray[np.float64]:
    """(X - mean)ᵀ(X - mean) of shape (d, d), block by block: centred first, so that nothing cancels."""
    total = np.zeros((X.shape[1], X.shape[1]))
    for start in range(0, len(X), _BLOCK):
        block = X[start : start + _BLOCK] - mean
        total += block.T @ block
    return total


def _spectrum_of(covariance: NDArray[Any], k: int) -> _Spectrum:
    """The k largest eigenvalues with their eigenvectors; rounding below 0 is cut off."""
    d = len(covariance)
    values, vectors = eigh(covariance, subset_by_index=(d - k, d - 1))
    return _Spectrum(values[::-1].clip(min=0.0), vectors[:, ::-1].T, float(np.trace(covariance)))


def _by_covariance(X: NDArray[Any], mean: NDArray[Any], k: int, _: np.random.RandomState) -> _Spectrum:
    return _spectrum_of(_scatter_of(X, mean) / (len(X) - 1), k)


def _by_svd(X: NDArray[Any], mean: NDArray[Any], _: int, __: np.random.RandomState) -> _Spectrum:
    singular, directions = np.linalg.svd(X - mean, full_matrices=False)[1:]
    variances = singular**2 / (len(X) - 1)
    return _Spectrum(variances, directions, float(np.sum(variances)))


def _by_projection(X: NDArray[Any], mean: NDArray[Any], k: int, rng: np.random.RandomState) -> _Spectrum:
    """Project onto the range of a random matrix, sharpened by powers of AᵀA (Halko et al., 4.4 and 5.1)."""
    A = X - mean
    Q = rng.standard_normal((A.shape[1], k + _OVERSAMPLING))
    for _ in range(_POWER_ITERATIONS):
        Q, _ = np.linalg.qr(A @ Q)
        Q, _ = np.linalg.qr(A.T @ Q)
    Q, _ = np.linalg.qr(A @ Q)
    _, singular, directions = np.linalg.svd(Q.T @ A, full_matrices=False)
    variances = singular[:k] ** 2 / (len(A) - 1)
    return _Spectrum(variances, directions[:k], float(np.sum(A**2)) / (len(A) - 1))


_SOLVERS = {"covariance": _by_covariance, "randomized": _by_projection, "svd": _by_svd}
_NEED_COUNT = ("randomized",)
