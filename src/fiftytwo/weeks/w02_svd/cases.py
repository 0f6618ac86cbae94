"""Matrices and images of every shape that breaks a careless implementation, and the oracle that knows the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Measurement

Matrix = NDArray[np.float64]
Factors = tuple[Matrix, Matrix, Matrix]

EXACT = 1e-8  # agreement with NumPy that double precision allows on matrices of this size
SOLVERS = ("svd", "gram", "randomized")


def with_spectrum(rng: np.random.Generator, m: int, n: int, s: NDArray[Any]) -> Matrix:
    """A matrix (m, n) with these singular values and random singular vectors."""
    U, V = (np.linalg.qr(rng.standard_normal((side, len(s))))[0] for side in (m, n))
    a: Matrix = (U * s) @ V.T
    return a


def matrices_of(rng: np.random.Generator) -> dict[str, Matrix]:
    """Matrices of every shape, smallest first; singular values lie well apart, so that vectors are determined."""
    return {
        "tall": with_spectrum(rng, 9, 4, np.array([7.0, 4.0, 2.0, 1.0])),
        "wide": with_spectrum(rng, 5, 14, np.array([9.0, 6.0, 3.0, 2.0, 1.0])),
        "square": with_spectrum(rng, 8, 8, np.geomspace(20.0, 0.5, 8)),
        "rank-deficient": with_spectrum(rng, 12, 10, np.array([5.0, 3.0, 1.0])),
        "long": with_spectrum(rng, 90, 24, np.geomspace(50.0, 0.1, 24)),
    }


def rank(a: Matrix) -> int:
    """How many singular values are not zero, up to rounding."""
    return int(np.linalg.matrix_rank(a))


def oracle(a: NDArray[Any], k: int) -> Factors:
    """NumPy's singular value decomposition, cut off after k terms and with the sign rule applied."""
    U, s, Vt = np.linalg.svd(np.asarray(a, dtype=float), full_matrices=False)
    signs = np.sign(Vt[np.arange(k), np.argmax(np.abs(Vt[:k]), axis=1)])
    return U[:, :k] * signs, s[:k], Vt[:k] * signs[:, np.newaxis]


def product(factors: Factors) -> Matrix:
    """U diag(s) Vᵀ."""
    U, s, Vt = factors
    return (U * s) @ Vt


def parts(result: Any, a: NDArray[Any], k: int, *, call: str) -> Factors | Measurement:
    """The three arrays that a call gave, or what is wrong with their number, kind or shape."""
    wanted = {"U": (a.shape[0], k), "s": (k,), "Vt": (k, a.shape[1])}
    fault = ""
    if not isinstance(result, tuple) or len(result) != len(wanted):
        fault = f"expected a tuple (U, s, Vt), got {type(result).__name__}"
    else:
        for (name, shape), part in zip(wanted.items(), result, strict=True):
            if not isinstance(part, np.ndarray) or part.dtype.kind != "f":
                fault = fault or f"expected {name} as an array of floats"
            elif part.shape != shape:
                fault = fault or f"expected {name} of shape {shape}, got {part.shape}"
    return Measurement(np.nan, gate=fault, call=call, inputs={"a": a}) if fault else result


def picture(rng: np.random.Generator, h: int, w: int, channels: int = 1) -> NDArray[np.uint8]:
    """An image with large shapes, fine texture, black and white."""
    y, x = np.mgrid[:h, :w]
    planes = [
        np.sin(x / (2.0 + c)) * np.cos(y / (3.0 + c)) + 0.3 * rng.standard_normal((h, w)) for c in range(channels)
    ]
    values = np.rint(127.5 + 110.0 * np.stack(planes, axis=2)).clip(0, 255).astype(np.uint8)
    return values if channels > 1 else values[:, :, 0]


def images_of(rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Images of every kind, smallest first."""
    return {
        "one pixel": np.full((1, 1), 200, dtype=np.uint8),
        "one row": picture(rng, 1, 12),
        "constant": np.full((6, 5), 77, dtype=np.uint8),
        "grey": picture(rng, 12, 17),
        "grey, upright": picture(rng, 16, 11),
        "colour": picture(rng, 10, 15, 3),
        "colour, upright": picture(rng, 15, 9, 3),
        "colour, square": picture(rng, 9, 9, 3),
        "floats": picture(rng, 12, 17) / 255.0,
        "single precision": (picture(rng, 11, 14, 3) / 255.0).astype(np.float32),
    }


def as_matrix(image: NDArray[Any]) -> Matrix:
    """The matrix of an image: values from 0 to 1, colours put together along the shorter side."""
    scaled = image / 255.0 if image.dtype == np.uint8 else image.astype(float)
    if image.ndim == 2:
        return scaled
    planes = [scaled[:, :, c] for c in range(3)]
    return np.vstack(planes) if image.shape[0] <= image.shape[1] else np.hstack(planes)


def matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Of the matrix of an image."""
    h, w = shape[:2]
    if len(shape) == 2:
        return h, w
    return (3 * h, w) if h <= w else (h, 3 * w)


def predicted_bytes(shape: tuple[int, ...], k: int) -> int:
    """Two bytes for each entry of both factors."""
    h, w = shape[:2]
    return 2 * k * (h + w + (2 * min(h, w) if len(shape) == 3 else 0))


def decibels(image: NDArray[Any], decoded: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio by its definition."""
    peak = 255.0 if image.dtype == np.uint8 else 1.0
    error = float(np.mean((image.astype(float) - decoded.astype(float)) ** 2))
    return float(10.0 * np.log10(peak**2 / error)) if error > 0.0 else float("inf")


def ranks_of(image: NDArray[Any]) -> Iterator[int]:
    """A low rank, a middle one and the highest that the image has."""
    most = min(matrix_shape(image.shape))
    yield from sorted({1, (most + 1) // 2, most})
