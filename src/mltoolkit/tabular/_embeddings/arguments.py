"""What the maps are given, checked: every fault of a call in one message."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from mltoolkit.errors import BadInput

Floats = NDArray[np.float64]

METHODS = ("auto", "exact", "fft")
_LARGEST = 1e150  # from here on squared distances are no longer finite
_EXACT_ROWS = 10_000  # of which three arrays of all pairs fill 2.4 GB


def check_parameters(model: Any) -> None:
    """Parameters of TSNE that need no data."""
    faults = [
        f"{name}={value!r} is not an int of at least {least}"
        for name, least in (("n_components", 1), ("max_iter", 1), ("early_exaggeration_iter", 0))
        if isinstance(value := getattr(model, name), bool) or not isinstance(value, Integral) or value < least
    ]
    faults += [
        f"{name}={getattr(model, name)!r} is not a finite number of at least {least:g}"
        for name, least in (("perplexity", 1.0), ("early_exaggeration", 1.0), ("tol", 0.0))
        if not _is_number(getattr(model, name), least)
    ]
    rate = model.learning_rate
    if rate != "auto" and not (_is_number(rate, 0.0) and rate > 0.0):
        faults.append(f"learning_rate={rate!r} is neither 'auto' nor a number above 0")
    if isinstance(model.init, str) and model.init not in ("pca", "random"):
        faults.append(f"init={model.init!r} is neither 'pca', 'random' nor an array of first positions")
    if model.method not in METHODS:
        faults.append(f"method={model.method!r} is none of {', '.join(METHODS)}")
    elif model.method == "fft" and model.n_components != 2:
        faults.append(f"method='fft' draws maps of 2 dimensions, not {model.n_components!r}; use method='exact'")
    close("TSNE", faults)


def check_perplexity(what: str, perplexity: Any) -> None:
    """A number of at least 1."""
    if not _is_number(perplexity, 1.0):
        raise BadInput(f"{what}: perplexity={perplexity!r} is not a finite number of at least 1")


def _is_number(value: Any, least: float) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and least <= float(value) < np.inf


def close(what: str, faults: list[str]) -> None:
    """Raise what was found, if anything was."""
    if faults:
        raise BadInput(f"{what}: " + "; ".join(faults))


def check_rows(what: str, X: Floats, *, exact: bool) -> None:
    """Numbers whose squares are finite, and no more rows than all pairs of which can be held."""
    faults = []
    largest = float(np.abs(X).max())
    if largest > _LARGEST:
        faults.append(f"X holds {largest:.3g}, and beyond {_LARGEST:g} squares are not finite; scale the columns")
    if exact and len(X) > _EXACT_ROWS:
        faults.append(
            f"all pairs of {len(X)} rows do not fit; the exact method takes up to {_EXACT_ROWS} rows, "
            "TSNE(method='fft') more"
        )
    close(what, faults)


def fitting_perplexity(what: str, perplexity: float, n: int) -> float:
    """The perplexity, or the largest that n rows have neighbours for, with a warning."""
    if n > 3.0 * perplexity:
        return float(perplexity)
    lowered = max(1.0, (n - 1) / 3.0)
    if lowered < perplexity:
        warnings.warn(
            f"{what}: perplexity={perplexity:g} wants more than {3.0 * perplexity:g} rows and X has {n}; "
            f"{lowered:.3g} is used",
            stacklevel=4,
        )
    return min(lowered, float(perplexity))


def check_start(init: ArrayLike, shape: tuple[int, int]) -> Floats:
    """First positions that were given."""
    Y = np.array(init, dtype=np.float64)
    faults = []
    if Y.shape != shape:
        faults.append(f"init has shape {Y.shape}; expected {shape}")
    elif not np.isfinite(Y).all():
        faults.append("init holds NaN or infinity")
    close("TSNE", faults)
    return Y


def check_joint(P: ArrayLike, Y: ArrayLike) -> tuple[Floats, Floats]:
    """Joint probabilities of all pairs, and a map of as many rows."""
    p, y = np.asarray(P, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    faults = []
    if p.ndim != 2 or p.shape[0] != p.shape[1] or len(p) < 2:
        faults.append(f"P has shape {p.shape}; expected (n, n) with n of at least 2")
    elif not np.isfinite(p).all() or p.min() < 0.0:
        faults.append("P holds NaN, infinity or negative numbers; expected probabilities")
    if y.ndim != 2 or y.shape[1:] == (0,):
        faults.append(f"Y has shape {y.shape}; expected (n, c)")
    elif not np.isfinite(y).all():
        faults.append("Y holds NaN or infinity")
    elif not faults and len(y) != len(p):
        faults.append(f"P has {len(p)} rows and Y {len(y)}; expected as many")
    close("kl_divergence", faults)
    return p, y


def check_map(what: str, X: ArrayLike, Y: ArrayLike, n_neighbors: Any) -> tuple[Floats, Floats]:
    """Data and its map, and a number of neighbours that both have."""
    faults, found = [], []
    for name, given in (("X", X), ("X_embedded", Y)):
        try:
            found.append(np.asarray(check_array(given, dtype=np.float64, input_name=name)))
        except ValueError as error:
            faults.append(str(error).splitlines()[0])
        else:
            if float(np.abs(found[-1]).max()) > _LARGEST:
                faults.append(f"{name} holds numbers beyond {_LARGEST:g}; scale it")
    if len(found) == 2 and len(found[0]) != len(found[1]):
        faults.append(f"X has {len(found[0])} rows and X_embedded {len(found[1])}; expected as many")
    if isinstance(n_neighbors, bool) or not isinstance(n_neighbors, Integral) or n_neighbors < 1:
        faults.append(f"n_neighbors={n_neighbors!r} is not an int of at least 1")
    elif found and int(n_neighbors) >= len(found[0]) / 2:
        faults.append(f"n_neighbors={n_neighbors} is not below half of the {len(found[0])} rows")
    close(what, faults)
    return found[0], found[1]
