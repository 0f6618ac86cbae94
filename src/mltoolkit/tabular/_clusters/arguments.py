"""What the clusterings are given, checked: every fault of a call in one message."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from mltoolkit.errors import BadInput
from mltoolkit.tabular._clusters.mixture import KINDS, precision_factors
from mltoolkit.tabular._clusters.separation import METRICS


def check_kmeans(model: Any) -> None:
    """Parameters of KMeans."""
    faults = _counts(model, "n_clusters", "n_init", "max_iter")
    if model.init_size is not None:
        faults += _counts(model, "init_size")
    faults += _numbers(model, "tol")
    if isinstance(model.init, str) and model.init not in ("k-means++", "random"):
        faults.append(f"init={model.init!r} is neither 'k-means++', 'random' nor an array of centres")
    if model.algorithm not in ("auto", "hamerly", "lloyd"):
        faults.append(f"algorithm={model.algorithm!r} is none of auto, hamerly, lloyd")
    _close("KMeans", faults)


def check_mixture(model: Any) -> None:
    """Parameters of GaussianMixture."""
    faults = _counts(model, "n_components", "max_iter", "n_init") + _numbers(model, "tol", "reg_covar")
    if model.covariance_type not in KINDS:
        faults.append(f"covariance_type={model.covariance_type!r} is none of {', '.join(KINDS)}")
    if model.init_params not in ("kmeans", "k-means++", "random_from_data"):
        faults.append(f"init_params={model.init_params!r} is none of kmeans, k-means++, random_from_data")
    _close("GaussianMixture", faults)


def _counts(model: Any, *names: str) -> list[str]:
    values = {name: getattr(model, name) for name in names}
    return [
        f"{name}={value!r} is not an int of at least 1"
        for name, value in values.items()
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1
    ]


def _numbers(model: Any, *names: str) -> list[str]:
    values = {name: getattr(model, name) for name in names}
    return [
        f"{name}={value!r} is not a finite number of at least 0"
        for name, value in values.items()
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < np.inf
    ]


def _close(what: str, faults: list[str]) -> None:
    if faults:
        raise BadInput(f"{what}: " + "; ".join(faults))


_LARGEST = 1e150  # from here on squared distances are no longer finite


def check_size(what: str, X: NDArray[np.float64]) -> None:
    """Numbers whose squares are still finite."""
    largest = float(np.abs(X).max())
    if largest > _LARGEST:
        raise BadInput(
            f"{what}: X holds {largest:.3g}, and beyond {_LARGEST:g} squares are not finite; scale the columns"
        )


def check_count(what: str, name: str, value: Any) -> None:
    """A whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise BadInput(f"{what}: {name}={value!r} is not an int of at least 1")


def check_rows(what: str, name: str, k: int, rows: int, *, weighted: bool) -> None:
    """At least as many rows as groups."""
    if rows < k:
        of = " of weight above 0" if weighted else ""
        raise BadInput(
            f"{what}: X has n_samples={rows} rows{of} and {name}={k}; give at least as many rows, or lower {name}"
        )


def check_centers(init: Any, k: int, d: int) -> NDArray[np.float64] | None:
    """First centres that were given, or None."""
    if isinstance(init, str):
        return None
    centers = check_array(init, dtype=np.float64, input_name="init")
    if centers.shape != (k, d):
        raise BadInput(f"KMeans: init has shape {centers.shape}; expected (n_clusters, columns of X) = ({k}, {d})")
    return np.asarray(centers)


def check_start(model: Any, d: int) -> dict[str, NDArray[np.float64]]:
    """First parameters of a mixture that were given, by name."""
    k, kind = int(model.n_components), model.covariance_type
    shapes = {
        "weights": (k,),
        "means": (k, d),
        "precisions": {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}[kind],
    }
    found, faults = {}, []
    for name, shape in shapes.items():
        value = getattr(model, f"{name}_init")
        if value is None:
            continue
        array = np.asarray(value, dtype=np.float64)
        if array.shape != shape:
            faults.append(f"{name}_init has shape {array.shape}; expected {shape}")
        elif not np.isfinite(array).all():
            faults.append(f"{name}_init holds NaN or infinity")
        else:
            found[name] = array
    weights = found.get("weights")
    if weights is not None and (weights.min() < 0 or abs(weights.sum() - 1.0) > 1e-6):
        faults.append(f"weights_init adds up to {weights.sum():g} and its least is {weights.min():g}; expected shares")
    if "precisions" in found and precision_factors(found["precisions"], kind)[1].any():
        faults.append("precisions_init is not positive definite")
    _close("GaussianMixture", faults)
    return found


def check_silhouette(X: ArrayLike, labels: ArrayLike, metric: str) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Rows, and their clusters as 0 to k - 1."""
    faults = [] if metric in METRICS else [f"metric={metric!r} is none of {', '.join(METRICS)}"]
    try:
        data = np.asarray(check_array(X, dtype=np.float64, input_name="X"))
    except ValueError as error:
        faults.append(str(error).splitlines()[0])
        data = None
    given = np.asarray(labels)
    if given.dtype == object and all(isinstance(label, str) for label in given.flat):
        given = given.astype(str)
    if given.ndim != 1:
        faults.append(f"labels has shape {given.shape}; expected (n,)")
    elif given.dtype.kind == "O" or (given.dtype.kind == "f" and np.isnan(given).any()):
        faults.append("labels holds NaN or values that are neither numbers nor texts")
    else:
        found, codes = np.unique(given, return_inverse=True)
        if data is not None and len(given) != len(data):
            faults.append(f"X has {len(data)} rows and labels {len(given)}; expected as many")
        elif not 2 <= len(found) <= len(given) - 1:
            faults.append(f"labels has {len(found)} clusters of {len(given)} rows; expected from 2 to n - 1")
    _close("silhouette", faults)
    assert data is not None
    check_size("silhouette", data)
    return data, codes
