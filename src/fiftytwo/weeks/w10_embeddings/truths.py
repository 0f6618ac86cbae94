"""What a map does not mean: data whose truth is known, and what t-SNE makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.neighbors import NearestNeighbors

from mltoolkit.linalg import PCA

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Floats = NDArray[np.float64]

_DIMENSIONS = 10
_FEWEST = 4  # points, from which a clump is one


@dataclass(frozen=True)
class Case:
    """Data with a known truth, and what is measured in the data and on the map.

    ``groups`` (n,) colours the points. ``measure`` gives the figure that the map is tempted to be read for.
    """

    name: str
    X: Floats
    groups: NDArray[np.intp]
    perplexity: float
    measure: Callable[[Floats], float]


@dataclass(frozen=True)
class Shown:
    """A case beside its maps, one a seed: what is true, what each map shows, and a map to look at."""

    case: Case
    truth: float
    shown: Floats
    flat: Floats  # (n, 2), the first two principal components
    map: Floats  # (n, 2)


def show(lab: Lab, case: Case) -> Shown:
    """Draw one map from the principal components and two from random positions."""
    maps = [
        np.asarray(
            lab.solution.TSNE(
                perplexity=case.perplexity, init=init, max_iter=500, random_state=lab.seed + i
            ).fit_transform(case.X)
        )
        for i, init in enumerate(("pca", "random", "random"))
    ]
    shown = np.array([case.measure(Y) for Y in maps])
    return Shown(case, case.measure(case.X), shown, np.asarray(PCA(2).fit_transform(case.X)), maps[0])


def cases(rng: np.random.Generator) -> list[Case]:
    """Widths, densities, distances, noise and a line."""
    return [_widths(rng), _densities(rng), _distances(rng), _noise(rng), _line(rng)]


def _cloud(rng: np.random.Generator, n: int, spread: float = 1.0, at: float = 0.0) -> Floats:
    X = spread * rng.standard_normal((n, _DIMENSIONS))
    X[:, 0] += at
    return X


def _groups(*sizes: int) -> NDArray[np.intp]:
    return np.repeat(np.arange(len(sizes)), sizes)


def radius(X: Floats) -> float:
    """Median distance from the middle: a few points that stray do not count."""
    return float(np.median(np.linalg.norm(X - np.median(X, axis=0), axis=1)))


def _widths(rng: np.random.Generator) -> Case:
    groups = _groups(120, 120)
    X = np.vstack([_cloud(rng, 120), _cloud(rng, 120, 10.0, 100.0)])
    return Case("widths", X, groups, 30.0, lambda Y: radius(Y[groups == 1]) / radius(Y[groups == 0]))


def _densities(rng: np.random.Generator) -> Case:
    groups = _groups(200, 50)
    X = np.vstack([_cloud(rng, 200), _cloud(rng, 50, 1.0, 30.0)])
    return Case("densities", X, groups, 15.0, lambda Y: (radius(Y[groups == 0]) / radius(Y[groups == 1])) ** 2)


def _distances(rng: np.random.Generator) -> Case:
    groups = _groups(80, 80, 80)
    X = np.vstack([_cloud(rng, 80), _cloud(rng, 80, 1.0, 10.0), _cloud(rng, 80, 1.0, 100.0)])

    def ratio(Y: Floats) -> float:
        a, b, far = (np.median(Y[groups == g], axis=0) for g in range(3))
        return float(np.linalg.norm(far - (a + b) / 2) / np.linalg.norm(a - b))

    return Case("distances", X, groups, 30.0, ratio)


def clumps(X: Floats) -> float:
    """Groups of at least four points that are chained by less than three times the median distance to a neighbour."""
    nearest = NearestNeighbors(n_neighbors=1).fit(X).kneighbors()[0]
    sizes = np.bincount(fcluster(linkage(X, "single"), 3.0 * float(np.median(nearest)), "distance"))
    return float(np.count_nonzero(sizes >= _FEWEST))


def _noise(rng: np.random.Generator) -> Case:
    return Case("noise", _cloud(rng, 250), _groups(250), 2.0, clumps)


def _line(rng: np.random.Generator) -> Case:
    X = _cloud(rng, 250, 0.05)
    X[:, 0] += np.linspace(0.0, 100.0, 250)

    def straightness(Y: Floats) -> float:
        path = Y[::10]
        return float(np.linalg.norm(path[-1] - path[0]) / np.linalg.norm(np.diff(path, axis=0), axis=1).sum())

    return Case("line", X, _groups(*[50] * 5), 5.0, straightness)


def by_name(shown: list[Shown]) -> Mapping[str, Shown]:
    """The cases by their names."""
    return {one.case.name: one for one in shown}
