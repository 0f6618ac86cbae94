"""The push between all pairs of a map of two dimensions, from a grid.

Σ_j g(y_i - y_j) is a convolution of the points with g. Spread each point over the grid nodes around it, convolve on the
grid, where the fast Fourier transform does it in N log N, and read the result off at each point by the same weights.
Linderman et al. convolve a kernel with 1, y and y² and put the force together afterwards. Here the force itself is the
kernel,

    g(d) = d / (1 + ‖d‖²)²,

one transform of the points serves both of its components, and no large numbers are subtracted. The normaliser needs no
way back at all: by Parseval's theorem it is a sum over frequencies.

Weights are those of cubic Lagrange interpolation in the middle one of three intervals, where it is best.

References
----------
Linderman, G., Rachh, M., Hoskins, J., Steinerberger, S., Kluger, Y. (2019). Fast interpolation-based t-SNE for improved
visualization of single-cell RNA-seq data. Nature Methods 16.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft, ifft, irfft, next_fast_len, rfft

Floats = NDArray[np.float64]

_SPACING = 0.5  # of nodes, in units of the map, in which the kernel is about 1 wide
_LEAST = 32  # nodes a side: a map that is small yet gets a finer grid
_FINEST = 2.0**-40
_STENCIL = 4  # nodes along each axis over which a point is spread


@dataclass(frozen=True)
class Kernels:
    """Transforms of the kernels on one grid.

    ``force`` (2, Lx, Ly/2 + 1) are those of g's two components; ``normaliser`` (Lx, Ly/2 + 1) is that of 1 / (1 +
    ‖d‖²), times what makes its product with a power spectrum add up to Z. ``own`` is 1 / (1 + ‖d‖²) between the nodes
    of one stencil: what a point, spread over the nodes, adds to Z by itself.
    """

    force: NDArray[np.complex64]
    normaliser: Floats
    own: Floats


class Repulsion:
    """Σ_j k_ij² (y_i - y_j) for each row, and Z = Σ_{i≠j} k_ij; keeps the kernels of the last grid."""

    def __init__(self) -> None:
        self._grid: tuple[float, tuple[int, int]] | None = None
        self._kernels: Kernels | None = None

    def __call__(self, Y: Floats) -> tuple[Floats, float]:
        """The push on each row of Y, shape (n, 2), and the normaliser."""
        low, extent = Y.min(axis=0), np.ptp(Y, axis=0)
        spacing, lengths = layout(extent)
        if self._grid != (spacing, lengths):
            self._grid, self._kernels = (spacing, lengths), kernels(spacing, lengths)
        assert self._kernels is not None
        nodes = (lengths[0] // 2, lengths[1] // 2)
        where, weights = stencil((Y - low) / spacing, nodes[1])
        charges = np.bincount(where.ravel(), weights.ravel(), minlength=nodes[0] * nodes[1])
        charges = charges.reshape(nodes).astype(np.float32)  # single precision is far beyond that of the interpolation
        spectrum = fft(rfft(charges, lengths[1], axis=1), lengths[0], axis=0)
        power = spectrum.real**2 + spectrum.imag**2
        Z = float(np.vdot(power.astype(np.float64), self._kernels.normaliser))
        Z -= float(np.sum((weights @ self._kernels.own) * weights))  # a point does not push itself
        field = ifft(spectrum * self._kernels.force, axis=1)[:, : nodes[0]]
        field = irfft(field, lengths[1], axis=2)[:, :, : nodes[1]].reshape(2, -1)
        push = np.stack([np.einsum("ij,ij->i", weights, axis[where]) for axis in field], axis=1)
        return push, max(Z, np.finfo(float).tiny)


def layout(extent: Floats) -> tuple[float, tuple[int, int]]:
    """Spacing of the nodes, and lengths of the transforms along both axes.

    A transform is twice as long as its side has nodes, so that no force comes round the back. Both go in steps, so that
    the kernels need not be computed anew in every iteration.
    """
    longest = float(extent.max())
    spacing = _SPACING
    if longest < _SPACING * _LEAST:
        spacing = max(_FINEST, 2.0 ** math.floor(math.log2(max(longest, _FINEST) / _LEAST)))
    nodes = [8 * math.ceil((side / spacing + _STENCIL + 1) / 8) for side in extent.tolist()]
    return spacing, (_even_length(2 * nodes[0]), _even_length(2 * nodes[1]))


def _even_length(least: int) -> int:
    return 2 * int(next_fast_len(least // 2, real=True))


def kernels(spacing: float, lengths: tuple[int, int]) -> Kernels:
    """Sample and transform the kernels; distances wrap around as those of the transform do."""
    x, y = (spacing * np.fft.fftfreq(length, 1.0 / length) for length in lengths)
    K = 1.0 / (1.0 + x[:, None] ** 2 + y**2)
    force = fft(rfft(np.stack([K**2 * x[:, None], K**2 * y]), axis=2), axis=1)
    columns = np.full(lengths[1] // 2 + 1, 2.0)  # rfft leaves the mirrored half out
    columns[[0, -1]] = 1.0
    normaliser = fft(rfft(K, axis=1), axis=0).real * columns / (lengths[0] * lengths[1])
    along, across = np.divmod(np.arange(_STENCIL**2), _STENCIL)
    own = 1.0 / (1.0 + spacing**2 * (np.subtract.outer(along, along) ** 2 + np.subtract.outer(across, across) ** 2))
    return Kernels(force.astype(np.complex64), normaliser, own)


def stencil(positions: Floats, columns: int) -> tuple[NDArray[np.intp], Floats]:
    """The 16 nodes around each point, as indices into the flat grid, and their weights, both of shape (n, 16).

    Parameters
    ----------
    positions : ndarray of shape (n, 2)
        In units of the spacing, at least 0.
    columns : int
        Nodes along the second axis.
    """
    base = np.floor(positions).astype(np.intp)
    t = positions - base  # from the node at or below
    before, after, second = t + 1.0, t - 1.0, t - 2.0  # and from the other three of the stencil
    W = np.stack(
        [
            -t * after * second / 6.0,
            before * after * second / 2.0,
            -before * t * second / 2.0,
            before * t * after / 6.0,
        ],
        axis=2,
    )  # the grid begins one node before the first point
    steps = np.arange(_STENCIL)
    where = (base[:, 0, None] + steps)[:, :, None] * columns + (base[:, 1, None] + steps)[:, None, :]
    weights = W[:, 0, :, None] * W[:, 1, None, :]
    return where.reshape(len(base), -1), weights.reshape(len(base), -1)
