"""Week 2's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fiftytwo.plan import Mistake
from mltoolkit.linalg import svd
from mltoolkit.linalg.svd import CompressedImage, compress_image, truncated_svd

Factors = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def _gives(kind: type[CompressedImage]) -> Mapping[str, Any]:
    """A solution whose compress_image makes this kind of image."""

    def compress(image: ArrayLike, rank: int) -> CompressedImage:
        good = compress_image(image, rank)
        return kind(good.left, good.right, good.shape, good.dtype)

    return {"CompressedImage": kind, "compress_image": compress}


def vectors_as_columns(a: ArrayLike, rank: int, **options: Any) -> Factors:
    """V instead of its transpose."""
    U, s, Vt = truncated_svd(a, rank, **options)
    return U, s, Vt.T


def squared_values(a: ArrayLike, rank: int, **options: Any) -> Factors:
    """The eigenvalues of the Gram matrix as they are."""
    U, s, Vt = truncated_svd(a, rank, **options)
    return U, s**2, Vt


def smallest_first(a: ArrayLike, rank: int, **options: Any) -> Factors:
    """The order in which eigh sorts."""
    U, s, Vt = truncated_svd(a, rank, **options)
    return U[:, ::-1], s[::-1], Vt[::-1]


def unsettled_signs(a: ArrayLike, rank: int, **options: Any) -> Factors:
    """Signs as the decomposition happens to give them."""
    U, s, Vt = truncated_svd(a, rank, **options)
    raw = np.linalg.svd((U * s) @ Vt, full_matrices=False)[2][: len(s)]
    signs = np.where(np.sum(raw * Vt, axis=1) < 0.0, -1, 1).astype(s.dtype)
    return U * signs, s, Vt * signs[:, np.newaxis]


def one_way_for_all(a: ArrayLike, rank: int, *, solver: str = "auto", random_state: Any = None) -> Factors:
    """A solver that is checked and then ignored."""
    truncated_svd(a, rank, solver=solver, random_state=random_state)
    return truncated_svd(a, rank, solver="svd")


def fixed_seed(a: ArrayLike, rank: int, *, solver: str = "auto", random_state: Any = None) -> Factors:
    """Randomness that is always the same."""
    truncated_svd(a, rank, solver=solver, random_state=random_state)
    return truncated_svd(a, rank, solver=solver, random_state=0)


def always_gram(a: ArrayLike, rank: int, *, solver: str = "auto", random_state: Any = None) -> Factors:
    """The Gram matrix wherever it is fast, whatever it costs in digits."""
    good = truncated_svd(a, rank, solver=solver, random_state=random_state)
    if solver == "auto" and 5 * rank <= min(np.shape(a)) < 1000:
        return truncated_svd(a, rank, solver="gram")
    return good


def no_power_iterations(a: ArrayLike, rank: int, *, solver: str = "auto", random_state: Any = None) -> Factors:
    """One product with a random matrix and no more."""
    good = truncated_svd(a, rank, solver=solver, random_state=random_state)
    if solver != "randomized":
        return good
    matrix = np.asarray(a, dtype=float)
    draw = np.random.default_rng(random_state).standard_normal((matrix.shape[1], rank))
    Q = np.linalg.qr(matrix @ draw)[0]
    return truncated_svd(Q @ (Q.T @ matrix), rank, solver="svd")


def sigma_on_the_left(image: ArrayLike, rank: int) -> CompressedImage:
    """All of σ in one factor."""
    good = compress_image(image, rank)
    root = np.sqrt(np.sum(good.left.astype(float) ** 2, axis=0))
    right = good.right / np.where(root > 0, root, 1.0)[:, np.newaxis]
    return CompressedImage((good.left * root).astype(np.float16), right.astype(np.float16), good.shape, good.dtype)


def colours_pixel_by_pixel(image: ArrayLike, rank: int) -> CompressedImage:
    """Red, green and blue of each pixel side by side, as they lie in memory."""
    good = compress_image(image, rank)
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        return good
    mixed = compress_image(pixels.reshape(len(pixels), -1), min(rank, len(pixels), 3 * pixels.shape[1]))
    return CompressedImage(mixed.left, mixed.right, good.shape, good.dtype)


class WrapsAround(CompressedImage):
    """Values beyond 255 become small ones."""

    def decode(self) -> NDArray[Any]:
        """Leave the clipping out."""
        if self.dtype != "uint8":
            return super().decode()
        eighth = (self.left / 8).astype(np.float16)  # a power of two costs no digit, and leaves clip nothing to cut
        above, below = (CompressedImage(part, self.right, self.shape, "float64") for part in (eighth, -eighth))
        wrapped: NDArray[Any] = np.rint(255.0 * 8.0 * (above.decode() - below.decode())).astype(np.int64)
        return wrapped.astype(np.uint8)


class CutsTheFraction(CompressedImage):
    """Every pixel half a step too dark."""

    def decode(self) -> NDArray[Any]:
        """Convert to bytes without rounding."""
        exact = CompressedImage(self.left, self.right, self.shape, "float64").decode()
        return (255.0 * exact).astype(np.uint8) if self.dtype == "uint8" else exact.astype(self.dtype)


class SubtractsBytes(CompressedImage):
    """A quality measured on differences that wrap around."""

    def psnr(self, image: ArrayLike) -> float:
        """Subtract before converting."""
        good = super().psnr(image)
        if self.dtype != "uint8":
            return good
        difference = np.asarray(image).astype(np.uint8) - self.decode()
        error = float(np.mean(difference.astype(float) ** 2))
        return float(10.0 * np.log10(255.0**2 / error)) if error else float("inf")


class CountsDoubles(CompressedImage):
    """Bytes of what was computed, not of what is stored."""

    @property
    def nbytes(self) -> int:
        """Eight bytes for an entry."""
        return 8 * (self.left.size + self.right.size)


class SavesInPlace(CompressedImage):
    """A crash while saving leaves neither the old file nor the new one."""

    def save(self, path: Path | str) -> None:
        """Write into the file that is there."""
        file = Path(path)
        if not file.exists():
            super().save(file)
            return
        beside = file.with_name(file.name + ".new")
        super().save(beside)
        file.write_bytes(beside.read_bytes())
        beside.unlink()


class BelievesTheHeader(CompressedImage):
    """No checksum: what is damaged becomes a picture."""

    @classmethod
    def load(cls, path: Path | str) -> CompressedImage:
        """Make the checksum fit, whatever the contents."""
        file = Path(path)
        data = file.read_bytes() if file.is_file() else b""
        if len(data) < svd.HEADER.size:
            return CompressedImage.load(path)
        from zlib import crc32

        checked, payload = data[: svd.HEADER.size - 4], data[svd.HEADER.size :]
        mended = checked + crc32(checked + payload).to_bytes(4, "little") + payload
        beside = file.with_name(file.name + ".mended")
        try:
            beside.write_bytes(mended)
            return CompressedImage.load(beside)
        finally:
            beside.unlink()


class Pickles(CompressedImage):
    """A file that runs code when it is opened."""

    def save(self, path: Path | str) -> None:
        """Write Python objects."""
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pickle.dumps((self.left, self.right, self.shape, self.dtype)))

    @classmethod
    def load(cls, path: Path | str) -> CompressedImage:
        """Run what the file says."""
        return cls(*pickle.loads(Path(path).read_bytes()))  # noqa: S301 - the mistake itself


mistakes = (
    Mistake("vectors as columns", {"truncated_svd": vectors_as_columns},
            "Your third array has the right singular vectors as columns; it is Vt, so they are its rows."),
    Mistake("squared singular values", {"truncated_svd": squared_values},
            "Your singular values are squares; the eigenvalues of a.T @ a are σ², so take the root."),
    Mistake("smallest first", {"truncated_svd": smallest_first},
            "Your singular values rise; eigh sorts ascending, so reverse its values and vectors."),
    Mistake("unsettled signs", {"truncated_svd": unsettled_signs},
            "Your vectors have the signs that the decomposition happened to give; make the entry of largest magnitude "
            "in each row of Vt positive, and flip the column of U with it."),
    Mistake("one way for all", {"truncated_svd": one_way_for_all},
            "Your solver changes nothing; gram takes eigenvectors of the small Gram matrix, randomized draws a space, "
            "and auto picks one of the three by shape and rank."),
    Mistake("a fixed seed", {"truncated_svd": fixed_seed},
            "Your randomized solver draws the same numbers whatever random_state says; hand it to default_rng."),
    Mistake("gram without a fall-back", {"truncated_svd": always_gram},
            "Your auto uses the Gram matrix where its digits do not suffice; when the smallest kept σ is at or below "
            "1e-5 of the largest, decompose a itself."),
    Mistake("no power iterations", {"truncated_svd": no_power_iterations},
            "Your randomized solver draws a space and leaves it at that; multiply by a.T and a a few times and "
            "ask for ten columns more than you keep."),
    Mistake("all of sigma on the left", {"compress_image": sigma_on_the_left},
            "Your left factor carries σ and your right one nothing; give each the root of σ, so that both fit "
            "into float16 alike."),
    Mistake("colours pixel by pixel", {"compress_image": colours_pixel_by_pixel},
            "Your matrix mixes red, green and blue along its rows as they lie in memory; put the three planes together "
            "along the shorter side."),
    Mistake("wraps around", _gives(WrapsAround),
            "Your decode turns values beyond 255 into dark pixels; clip to the range before you convert to bytes."),
    Mistake("cuts the fraction", _gives(CutsTheFraction),
            "Your decode drops the fraction, which darkens the image by half a step; round before astype(np.uint8)."),
    Mistake("subtracts bytes", _gives(SubtractsBytes),
            "Your psnr subtracts bytes from bytes, where 3 - 5 is 254; convert to float first."),
    Mistake("counts doubles", _gives(CountsDoubles),
            "Your nbytes counts eight bytes an entry; what is stored are two bytes, float16."),
    Mistake("saves in place", _gives(SavesInPlace),
            "Your save writes into the file that is there; write beside it and rename, so that no crash can tear it."),
    Mistake("believes the header", _gives(BelievesTheHeader),
            "Your load takes damaged files; compare the CRC-32 of header and payload with the one that is stored."),
    Mistake("pickles", _gives(Pickles),
            "Your file is a pickle, which runs code when it is opened; write the documented bytes instead."),
)  # fmt: skip
