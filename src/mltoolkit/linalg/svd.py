"""The truncated singular value decomposition, and images that are stored as one.

For a of shape (m, n) the decomposition a = U diag(s) Vᵀ has orthonormal columns in U, orthonormal rows in
Vᵀ, and s falling. Of all matrices of rank k, the first k terms of it are the closest to a (Eckart, Young
1936). They are computed in one of three ways, which differ in how the space of U, or of V, is found:

- *svd*: LAPACK's decomposition of a itself, cut off after k terms. The most accurate and the slowest.
- *gram*: the leading eigenvectors of the Gram matrix of the shorter side, a aᵀ or aᵀ a. Fast, since that
  matrix is small and only k vectors are asked for; but squaring loses half the digits of small σ.
- *randomized*: products of a with a thin random matrix, sharpened by powers (Halko et al., 4.4 and 5.1).

The last two end alike: a is projected onto the space that was found, and the small matrix that this gives
is decomposed exactly. So singular vectors are orthonormal to the last digit whatever the solver.

An image becomes a matrix with values from 0 to 1. The three planes of a colour image are put side by side
along the shorter side: the decomposition then shares what they have in common, and the factors stay small.
Both factors carry the root of σ, so that their entries stay below (m n)^¼ and fit into float16.

References
----------
Eckart, C., Young, G. (1936). The approximation of one matrix by another of lower rank. Psychometrika 1(3).
Golub, G., Van Loan, C. (2013). Matrix Computations, 4th edition, sections 2.4 and 8.6.
Halko, N., Martinsson, P.-G., Tropp, J. (2011). Finding structure with randomness. SIAM Review 53(2).
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh, svd

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.io import atomic_write
from mltoolkit.linalg._arguments import check_rank, read_image, real_numbers

MAGIC = b"\x89SVD52\r\n"  # a byte beyond ASCII and both line ends: a transfer as text breaks it, and it shows
VERSION = 1
HEADER = struct.Struct("<8sBBHIIII")  # magic, version, sample type, channels, height, width, rank, CRC-32
SAMPLE_TYPES = ("uint8", "float32", "float64")  # the header has the index
MAX_SAMPLES = 2**28  # of an image; a file of a few kilobytes could otherwise ask for all the memory there is

_CHECKED = HEADER.size - 4  # bytes of the header that the CRC-32 covers
_FEW = 5  # gram is the fastest up to a fifth of the shorter side
_BIG, _VERY_FEW = 1000, 20  # randomized is, from this shorter side and up to a twentieth of it
_SMALLEST = 1e-5  # share of the largest σ below which squaring has cost too many digits
_OVERSAMPLING = 10  # columns of the random matrix beyond the rank
_POWER_ITERATIONS = 4  # with which the error stays below 1% above the best one, also in a slow spectrum
_SQUARES = 300  # binary exponent up to which squares and their sums neither overflow nor vanish


def truncated_svd(
    a: ArrayLike, rank: int, *, solver: str = "auto", random_state: Any = None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The leading singular values and vectors of a matrix.

    Parameters
    ----------
    a : array-like of shape (m, n)
        Finite real numbers. float32 stays float32, computed in float64 and rounded once; every other
        type becomes float64. It is not changed.
    rank : int
        How many singular values to keep: k, from 1 to min(m, n).
    solver : {"auto", "gram", "randomized", "svd"}, default "auto"
        ``"auto"`` takes *randomized* when min(m, n) is 1000 or more and ``rank`` at most a twentieth of
        it; else *gram* when ``rank`` is at most a fifth of min(m, n), unless the smallest kept singular
        value turns out at or below 1e-5 of the largest; else *svd*. *gram* and *svd* are exact, up to
        rounding; the error of *randomized* is within 1% of theirs.
    random_state : int, Generator or None, default None
        Seeds the random matrix of *randomized*; the other solvers use no randomness.

    Returns
    -------
    U : ndarray of shape (m, k)
        Left singular vectors: orthonormal columns.
    s : ndarray of shape (k,)
        Singular values, falling and never negative.
    Vt : ndarray of shape (k, n)
        Right singular vectors: orthonormal rows. The entry of largest magnitude in each row is positive,
        the first one where several are as large; U has the signs that belong to it.

    Raises
    ------
    BadInput
        A ``ValueError`` that names all faults at once: ``a`` is not a matrix of real numbers, is empty,
        or holds NaN, infinity or values whose singular values are beyond its floating-point type;
        ``rank`` is no int or out of range; ``solver`` or ``random_state`` is none of the above.

    Examples
    --------
    >>> import numpy as np
    >>> U, s, Vt = truncated_svd(np.outer([3.0, 4.0], [0.0, -1.0]), rank=1)
    >>> U.round(4).tolist(), s.round(4).tolist(), (Vt + 0.0).tolist()
    ([[-0.6], [-0.8]], [5.0], [[0.0, 1.0]])
    """
    faults: list[str] = []
    given = real_numbers("a", a, faults)
    if given is not None and (given.ndim != 2 or given.size == 0):
        faults.append(f"a has shape {given.shape}; expected a matrix (m, n) with at least one row and one column")
        given = None
    check_rank(rank, "min(m, n)", None if given is None else min(given.shape), faults)
    if solver not in ("auto", *_SOLVERS):
        faults.append(f"solver={solver!r} is none of auto, {', '.join(_SOLVERS)}")
    try:
        rng = np.random.default_rng(random_state)
    except (TypeError, ValueError):
        faults.append(f"random_state={random_state!r} is neither an int from 0 on, a Generator nor None")
    kind = np.float32 if given is not None and given.dtype == np.float32 else np.float64
    largest = max(float(given.max()), -float(given.min())) if given is not None and not faults else 0.0
    if given is not None and largest > float(np.finfo(kind).max) / np.sqrt(given.size):
        faults.append(f"a holds values up to {largest:.3g}, whose singular values overflow; scale it down")
    if given is None or faults:
        raise BadInput("truncated_svd: " + "; ".join(faults))

    matrix = np.asarray(given, dtype=np.float64)
    exponent = int(np.frexp(largest)[1])
    if abs(exponent) > _SQUARES:  # powers of two cost no digit
        matrix = np.ldexp(matrix, -exponent)
    for name in _candidates(solver, int(rank), min(matrix.shape)):
        U, s, Vt = _SOLVERS[name](matrix, int(rank), rng)
        if s[-1] > _SMALLEST * s[0]:
            break
    if abs(exponent) > _SQUARES:
        s = np.ldexp(s, exponent)
    signs = np.sign(Vt[np.arange(len(s)), np.argmax(np.abs(Vt), axis=1)])
    return (U * signs).astype(kind), s.astype(kind), (Vt * signs[:, np.newaxis]).astype(kind)


@dataclass(frozen=True, eq=False)
class CompressedImage:
    """An image as the product of two thin factors; made by :func:`compress_image` and by ``load``.

    With M = (m, n) the image as a matrix (:func:`compress_image` says how) of which k terms were kept,
    the file is, with all numbers little-endian:

    ======  =========  ===================================================================
    offset  bytes      contents
    ======  =========  ===================================================================
    0       8          ``MAGIC``
    8       1          ``VERSION``
    9       1          sample type: the index of ``dtype`` in ``SAMPLE_TYPES``
    10      2          channels: 1 (grey) or 3 (colour)
    12      4, 4, 4    height, width, k; each at least 1
    24      4          CRC-32 of bytes 0 to 23 followed by the payload
    28      2 k m      payload: ``left``, float16, row by row
    ...     2 k n      payload: ``right``, float16, row by row
    ======  =========  ===================================================================

    Attributes
    ----------
    left : ndarray of shape (m, k), float16
        U, its columns times the roots of the singular values.
    right : ndarray of shape (k, n), float16
        Vᵀ, its rows times the roots of the singular values.
    shape : tuple of int
        Of the image: (h, w) in grey or (h, w, 3) in colour.
    dtype : {"uint8", "float32", "float64"}
        Of the image that ``decode`` gives back.
    """

    left: NDArray[np.float16]
    right: NDArray[np.float16]
    shape: tuple[int, ...]
    dtype: str

    @property
    def nbytes(self) -> int:
        """Bytes of the payload: 2 k (h + w) in grey, 2 k (h + w + 2 min(h, w)) in colour."""
        return self.left.nbytes + self.right.nbytes

    def decode(self) -> NDArray[Any]:
        """The image again.

        Returns
        -------
        ndarray of shape ``shape`` and of type ``dtype``
            The product of the factors in float64, cut off to 0 to 1; for uint8 times 255 and rounded to
            the nearest whole number, a half to the even one.
        """
        matrix = (self.left.astype(np.float64) @ self.right.astype(np.float64)).clip(0.0, 1.0)
        planes = np.split(matrix, _channels(self.shape), axis=_stacked_along(self.shape))
        image = np.stack(planes, axis=2).reshape(self.shape)
        return np.rint(255.0 * image).astype(np.uint8) if self.dtype == "uint8" else image.astype(self.dtype)

    def psnr(self, image: ArrayLike) -> float:
        """How close ``decode()`` comes to an image: the peak signal-to-noise ratio in decibels.

        Parameters
        ----------
        image : array-like of the same shape, of whole numbers when ``dtype`` is uint8, else of floats
            As :func:`compress_image` takes it.

        Returns
        -------
        float
            10 log10(peak² / mean squared error), with peak 255 for uint8 and 1 for floats; infinity for an
            image that is the same.

        Raises
        ------
        BadInput
            The image is none that :func:`compress_image` takes, or has another shape or kind of number.
        """
        faults: list[str] = []
        original = read_image(image, MAX_SAMPLES, faults)
        if original is not None and original.shape != self.shape:
            faults.append(f"image has shape {original.shape}; expected that of the compressed one, {self.shape}")
        if original is not None and (original.dtype == np.uint8) != (self.dtype == "uint8"):
            faults.append(f"image holds {original.dtype} values; the compressed one {self.dtype}")
        if original is None or faults:
            raise BadInput("psnr: " + "; ".join(faults))
        error = float(np.mean((original.astype(np.float64) - self.decode()) ** 2))
        peak = 255.0 if self.dtype == "uint8" else 1.0
        return float(10.0 * np.log10(peak**2 / error)) if error > 0.0 else float("inf")

    def save(self, path: Path | str) -> None:
        """Write the file, whole or not at all: a file of this name is replaced at the very end.

        Parameters
        ----------
        path : Path or str
            The file to write; its folder is made when it is missing.
        """
        height, width = self.shape[:2]
        kind = SAMPLE_TYPES.index(self.dtype)
        sizes = (_channels(self.shape), height, width, self.left.shape[1])
        payload = self.left.astype("<f2").tobytes() + self.right.astype("<f2").tobytes()
        checked = HEADER.pack(MAGIC, VERSION, kind, *sizes, 0)[:_CHECKED]
        atomic_write(path, checked + struct.pack("<I", zlib.crc32(checked + payload)) + payload)

    @classmethod
    def load(cls, path: Path | str) -> CompressedImage:
        """Read a file that ``save`` wrote; nothing in it is trusted.

        Parameters
        ----------
        path : Path or str

        Returns
        -------
        CompressedImage

        Raises
        ------
        CannotRead
            There is no such file, or it is not a regular one; it does not begin with ``MAGIC``, or has
            another version; its header is impossible (an unknown sample type, channels other than 1 and 3,
            no rows, columns or terms, more terms than the image has, more than ``MAX_SAMPLES`` samples); it
            is cut short or goes on after its end (the message says which); the CRC-32 differs; a factor
            holds NaN or infinity. The size is compared with what the header announces before memory is
            asked for.
        """
        file = Path(path)
        try:
            if not file.is_file():  # a pipe would keep us waiting
                raise CannotRead(f"{file}: there is no such file" if not file.exists() else f"{file} is not a file")
            with file.open("rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                shape, dtype, rank = _read_header(stream.read(HEADER.size), size, file)
                stream.seek(0)
                data = stream.read(size)
        except CannotRead:
            raise
        except OSError as error:
            raise CannotRead(f"{file} cannot be read: {error}") from error
        payload = data[HEADER.size :]
        if zlib.crc32(data[:_CHECKED] + payload) != HEADER.unpack_from(data)[-1]:
            raise CannotRead(f"{file} is damaged: its CRC-32 does not fit its contents; get a fresh copy")
        numbers = np.frombuffer(payload, dtype="<f2").astype(np.float16)
        if not np.isfinite(numbers).all():
            raise CannotRead(f"{file} is damaged: a factor holds NaN or infinity")
        rows, columns = _matrix_shape(shape)
        left, right = numbers[: rows * rank], numbers[rows * rank :]
        return cls(left.reshape(rows, rank), right.reshape(rank, columns), shape, dtype)


def compress_image(image: ArrayLike, rank: int) -> CompressedImage:
    """Keep the leading singular values of an image.

    The image becomes a matrix with values from 0 to 1 (whole numbers are divided by 255). A grey image
    (h, w) is that matrix. Of a colour image the planes red, green and blue are put one above the other,
    (3h, w), when h <= w, and side by side, (h, 3w), when h > w.

    Parameters
    ----------
    image : array-like of shape (h, w) or (h, w, 3)
        Whole numbers from 0 to 255, which come back as uint8; or floats from 0 to 1, of which float32
        comes back as float32 and every other type as float64. At most ``MAX_SAMPLES`` samples.
    rank : int
        How many singular values to keep: from 1 to the shorter side of the matrix.

    Returns
    -------
    CompressedImage
        The factors of ``truncated_svd(matrix, rank, random_state=0)``: the same image and rank always give
        the same bytes.

    Raises
    ------
    BadInput
        A ``ValueError`` that names all faults at once: the image has another shape, is empty or too
        large, holds NaN, infinity, values out of range or no real numbers; ``rank`` is no int or out of
        range.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.outer(np.arange(100), np.ones(80)).astype(np.uint8)  # grows darker from row to row
    >>> small = compress_image(image, rank=1)
    >>> image.nbytes, small.nbytes, bool((small.decode() == image).all())
    (8000, 360, True)
    """
    faults: list[str] = []
    given = read_image(image, MAX_SAMPLES, faults)
    side = None if given is None else min(_matrix_shape(given.shape))
    check_rank(rank, "the shorter side of the image's matrix", side, faults)
    if given is None or faults:
        raise BadInput("compress_image: " + "; ".join(faults))
    planes = np.moveaxis(np.atleast_3d(given), 2, 0).astype(np.float64)
    matrix = np.concatenate(planes, axis=_stacked_along(given.shape))
    U, s, Vt = truncated_svd(matrix / 255.0 if given.dtype == np.uint8 else matrix, rank, random_state=0)
    root = np.sqrt(s)
    left, right = (U * root).astype(np.float16), (root[:, np.newaxis] * Vt).astype(np.float16)
    return CompressedImage(left, right, given.shape, str(given.dtype))


def _candidates(solver: str, rank: int, side: int) -> tuple[str, ...]:
    """The solvers to try in turn; a later one is for when an earlier one lost too many digits."""
    if solver != "auto":
        return (solver,)
    if side >= _BIG and _VERY_FEW * rank <= side:
        return ("randomized",)
    return ("gram", "svd") if _FEW * rank <= side else ("svd",)


_Factors = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def _by_svd(a: NDArray[np.float64], k: int, _: np.random.Generator) -> _Factors:
    U, s, Vt = svd(a, full_matrices=False)
    return U[:, :k], s[:k], Vt[:k]


def _by_gram(a: NDArray[np.float64], k: int, _: np.random.Generator) -> _Factors:
    if a.shape[0] > a.shape[1]:
        V, s, Ut = _by_gram(a.T, k, _)
        return Ut.T, s, V.T
    side = len(a)
    Q = eigh(a @ a.T, subset_by_index=(side - k, side - 1))[1]
    return _within(a, Q, k)


def _by_projection(a: NDArray[np.float64], k: int, rng: np.random.Generator) -> _Factors:
    Q, _ = np.linalg.qr(a @ rng.standard_normal((a.shape[1], min(k + _OVERSAMPLING, *a.shape))))
    for _ in range(_POWER_ITERATIONS):
        Q, _ = np.linalg.qr(a.T @ Q)
        Q, _ = np.linalg.qr(a @ Q)
    return _within(a, Q, k)


def _within(a: NDArray[np.float64], Q: NDArray[np.float64], k: int) -> _Factors:
    """Leading terms of a, with left singular vectors from the space of Q's orthonormal columns."""
    U, s, Vt = svd(Q.T @ a, full_matrices=False)
    return Q @ U[:, :k], s[:k], Vt[:k]


_SOLVERS = {"gram": _by_gram, "randomized": _by_projection, "svd": _by_svd}


def _channels(shape: tuple[int, ...]) -> int:
    return shape[2] if len(shape) == 3 else 1


def _stacked_along(shape: tuple[int, ...]) -> int:
    """The axis along which the planes of an image are put together: its shorter one."""
    return 0 if shape[0] <= shape[1] else 1


def _matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Of an image as a matrix."""
    sides = [shape[0], shape[1]]
    sides[_stacked_along(shape)] *= _channels(shape)
    return sides[0], sides[1]


def _read_header(head: bytes, size: int, file: Path) -> tuple[tuple[int, ...], str, int]:
    """Shape, type and rank of an image from the first bytes of a file of the given size."""
    if not head.startswith(MAGIC):
        raise CannotRead(f"{file} is no compressed image: expected its first bytes to be {MAGIC!r}")
    if len(head) < HEADER.size:
        raise CannotRead(f"{file} is cut short: {size} bytes, where the header alone has {HEADER.size}")
    _, version, kind, channels, height, width, rank, _ = HEADER.unpack(head)
    if version != VERSION:
        raise CannotRead(f"{file} has version {version} of the format; this software reads version {VERSION}")
    faults = []
    if kind >= len(SAMPLE_TYPES):
        faults.append(f"sample type {kind}")
    if channels not in (1, 3):
        faults.append(f"{channels} channels")
    if height * width * channels > MAX_SAMPLES:
        faults.append(f"{height} x {width} pixels")
    shape = (height, width) if channels == 1 else (height, width, channels)
    rows, columns = _matrix_shape(shape)
    if not 0 < rank <= min(rows, columns):
        faults.append(f"rank {rank}")
    if faults:
        raise CannotRead(f"{file} is damaged: its header announces {', '.join(faults)}")
    expected = HEADER.size + 2 * rank * (rows + columns)
    if size != expected:
        how = "is cut short" if size < expected else "goes on after its end"
        raise CannotRead(f"{file} {how}: {size} bytes, where its header announces {expected}")
    return shape, SAMPLE_TYPES[kind], rank
