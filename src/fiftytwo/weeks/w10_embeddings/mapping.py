"""Maps of handwritten digits by three methods, over perplexities and seeds, and how far each can be trusted."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.errors import MissingExtra
from mltoolkit.linalg import PCA

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Floats = NDArray[np.float64]

NEIGHBOURS = 12  # k of trustworthiness and continuity
_QUICK_ROWS, _FULL_ROWS, _COLUMNS = 350, 3_000, 50


@dataclass(frozen=True)
class Images:
    """The images as rows of numbers."""

    name: str
    described: str
    X: Floats
    digits: NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """One map. ``setting`` is the perplexity, or UMAP's number of neighbours; None for PCA."""

    method: str
    setting: float | None
    seed: int
    Y: Floats
    trustworthiness: float
    continuity: float
    divergence: float | None


def images(lab: Lab) -> Images:
    """The first rows of a set that is small and comes along, or of MNIST's test images by their leading components."""
    if not lab.full:
        data = lab.data("digits")
        X, y = np.asarray(data.data, dtype=float), np.asarray(data.target)
        return Images("digits", "images of 8 × 8 pixels, as they are", X[:_QUICK_ROWS], y[:_QUICK_ROWS])
    data = lab.data("mnist")
    rows = slice(data.train, data.train + _FULL_ROWS)
    X = PCA(_COLUMNS, random_state=lab.seed).fit_transform(data.data[rows] / 255.0)
    described = "images of 28 × 28 pixels, the first of the test part, by their leading principal components"
    return Images("MNIST", described, X, np.asarray(data.target[rows], dtype=np.int64))


def settings(lab: Lab) -> list[tuple[str, float | None, int]]:
    """Method, setting and seed of each map; PCA has neither of the last two."""
    seeds = range(3) if lab.full else range(2)
    return [
        ("PCA", None, 0),
        *(("t-SNE", perplexity, seed) for perplexity in (5.0, 30.0, 100.0) for seed in seeds),
        *(("UMAP", neighbours, seed) for neighbours in (5.0, 15.0, 50.0) for seed in seeds),
    ]


def draw(lab: Lab, X: Floats, method: str, setting: float | None, seed: int) -> Drawn:
    """One map and its scores. Seed 0 of t-SNE begins at the principal components, the others at random positions."""
    divergence = None
    if setting is None:
        Y = np.asarray(PCA(2).fit_transform(X))
    elif method == "t-SNE":
        model: Any = lab.solution.TSNE(
            perplexity=setting, init="random" if seed else "pca", random_state=lab.seed + seed,
            max_iter=1000 if lab.full else 500,
        ).fit(X)  # fmt: skip
        Y, divergence = np.asarray(model.embedding_), float(model.kl_divergence_)
    else:
        Y = umap(X, int(setting), lab.seed + seed)
    trusted, continued = (
        float(getattr(lab.solution, name)(X, Y, n_neighbors=NEIGHBOURS)) for name in ("trustworthiness", "continuity")
    )
    return Drawn(method, setting, seed, Y, trusted, continued, divergence)


def umap(X: Floats, n_neighbors: int, seed: int) -> Floats:
    """UMAP's map, from the library that its authors keep."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about TensorFlow, and that a seed means one thread
        try:
            library = importlib.import_module("umap")  # seconds: numba compiles much of it
        except ImportError:
            raise MissingExtra("umap-learn", "tabular") from None
        with np.errstate(all="ignore"):
            return np.asarray(library.UMAP(n_neighbors=n_neighbors, random_state=seed).fit_transform(X), dtype=float)


def chosen(drawn: list[Drawn], method: str, setting: float | None) -> list[Drawn]:
    """The maps of one method and setting, by seed."""
    return [one for one in drawn if (one.method, one.setting) == (method, setting)]
