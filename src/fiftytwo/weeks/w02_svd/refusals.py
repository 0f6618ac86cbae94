"""Checks that bad input is refused, clearly, and that what is just within the limits is taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear, refusal
from fiftytwo.weeks.w02_svd.cases import Matrix, picture

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def refusals(lab: Lab) -> Iterator[Check]:
    """Bad matrices, bad parameters, what is no image."""
    a = np.arange(12.0).reshape(4, 3) ** 2

    def refuse_matrix(value: Any, rank: Any, mentions: tuple[str, ...], **options: Any) -> Measurement:
        said = "".join(f", {name}={option!r}" for name, option in options.items())
        return refusal(
            lambda: lab.solution.truncated_svd(value, rank, **options),
            call=f"truncated_svd(a, {rank!r}{said})",
            mentions=mentions,
            inputs={"a": value},
        )

    def bad_matrices() -> Measurement:
        return first_unclear(
            refuse_matrix(value, 1, mentions)
            for value, mentions in (
                (np.where(a == 4.0, np.nan, a), ("nan",)),
                (np.where(a == 4.0, -np.inf, a), ("inf",)),
                (a[:0], ("shape", "empty", "row")),
                (a[:, :0], ("shape", "empty", "column")),
                (a[0], ("shape", "dimension", "matrix")),
                (a[np.newaxis], ("shape", "dimension", "matrix")),
                (a + 1j, ("complex", "real")),
                (np.array([["one", "two"]]), ("real", "number", "numeric", "type")),
                (np.full((3, 3), 1e308), ("overflow", "large", "big")),
                (np.full((40, 40), 1e38, dtype=np.float32), ("overflow", "large", "big")),
            )
        )

    yield Check(
        "refuses bad matrices",
        bad_matrices,
        equals=True,
        why="Bad data that goes in quietly comes out as a wrong figure, later and elsewhere.",
        hint=(
            "np.isfinite finds NaN and infinity; a.ndim, a.size and a.dtype.kind the rest.",
            "The singular values of a matrix are at most its largest entry times the root of its size.",
            "raise BadInput from mltoolkit.errors, which is a ValueError",
        ),
    )

    def bad_parameters() -> Measurement:
        ranks = (0, 4, -1, 1.0, True, None, "one")
        nan = np.full((4, 3), np.nan)
        return first_unclear(
            (
                *(refuse_matrix(a, rank, (f"rank={rank!r}",)) for rank in ranks),
                refuse_matrix(a, 1, ("solver='magic'",), solver="magic"),
                refuse_matrix(a, 1, ("random_state",), random_state="seed"),
                refuse_matrix(a, 1, ("random_state",), random_state=-1, solver="svd"),
                refuse_matrix(a, 9, ("rank=9",), solver="magic"),
                refuse_matrix(a, 9, ("solver='magic'",), solver="magic"),
                refuse_matrix(nan, 9, ("nan",), solver="magic"),
                refuse_matrix(nan, 9, ("rank=9",), solver="magic"),
                refuse_matrix(nan, 9, ("solver='magic'",), solver="magic"),
            )
        )

    yield Check(
        "refuses bad parameters",
        bad_parameters,
        equals=True,
        why="All faults are told at once, so that nobody mends them one by one.",
        hint=(
            "rank is an int from 1 to min(m, n); True is none, 1.0 is none.",
            "Collect the faults in a list and raise one BadInput at the end.",
            "Name each as name=value.",
        ),
    )

    def limits() -> Measurement:
        wide: Matrix = a.T
        largest = np.full((2, 2), 8e307)
        return first_unclear(
            Measurement(
                float(lab.solution.truncated_svd(value, rank)[1].shape == (int(rank),)),
                call=f"truncated_svd(a, {rank!r})[1].shape",
                expected=str((int(rank),)),
                inputs={"a": value},
            )
            for value, rank in ((a, 1), (a, 3), (wide, 3), (a, np.int64(2)), (largest, 1))
        )

    yield Check(
        "takes the limits",
        limits,
        equals=True,
        why="What is just within the range is within the range.",
        hint=("1 and min(m, n) are allowed; so is an integer from NumPy.",),
    )
    yield from _images(lab)


def _images(lab: Lab) -> Iterator[Check]:
    grey = picture(lab.rng, 6, 8)

    def refuse_image(image: Any, rank: Any, *mentions: str) -> Measurement:
        return refusal(
            lambda: lab.solution.compress_image(image, rank),
            call=f"compress_image(image, {rank!r})",
            mentions=mentions,
            inputs={"image": image},
        )

    def no_images() -> Measurement:
        nan = np.full((4, 5, 2), np.nan)
        return first_unclear(
            (
                refuse_image(np.where(grey > 99, np.nan, 0.5), 1, "nan"),
                refuse_image(np.where(grey > 99, np.inf, 0.5), 1, "inf"),
                refuse_image(grey.astype(int) + 200, 1, "255"),
                refuse_image(grey.astype(int) - 200, 1, "255"),
                refuse_image(grey.astype(float), 1, "from 0 to 1", "0 to 1", "[0, 1]", "0 and 1"),
                refuse_image(grey / -255.0, 1, "from 0 to 1", "0 to 1", "[0, 1]", "0 and 1"),
                refuse_image(grey > 99, 1, "yes", "bool"),
                refuse_image(grey[0], 1, "shape"),
                refuse_image(grey[:, :, np.newaxis], 1, "shape"),
                refuse_image(np.stack([grey] * 4, axis=2), 1, "shape"),
                refuse_image(np.stack([np.stack([grey] * 3, axis=2)] * 3, axis=3), 1, "shape"),
                refuse_image(grey[:0], 1, "shape", "empty"),
                refuse_image(np.array([["dark"]]), 1, "real", "number", "numeric", "type"),
                *(refuse_image(grey, rank, f"rank={rank!r}") for rank in (0, 7, 2.0, True)),
                refuse_image(nan, 0, "nan"),
                refuse_image(nan, 0, "shape"),
                refuse_image(nan, 0, "rank=0"),
            )
        )

    yield Check(
        "refuses what is no image",
        no_images,
        equals=True,
        why="256 as a byte is 0, and a picture of floats up to 255 would come out white.",
        hint=(
            "Whole numbers from 0 to 255, floats from 0 to 1, shapes (h, w) and (h, w, 3).",
            "The same way as in truncated_svd: collect, then raise BadInput once.",
        ),
    )

    def unlike() -> Measurement:
        small = lab.solution.compress_image(grey, 2)
        return first_unclear(
            refusal(lambda image=image: small.psnr(image), call=call, mentions=mentions, inputs={"image": grey})  # type: ignore[misc]
            for image, call, mentions in (
                (grey[:, 1:], "compress_image(image, 2).psnr(image[:, 1:])", ("shape",)),
                (grey.T, "compress_image(image, 2).psnr(image.T)", ("shape",)),
                (grey / 255.0, "compress_image(image, 2).psnr(image / 255.0)", ("uint8", "float")),
                (grey / 0.5 + 300.0, "compress_image(image, 2).psnr(image * 2.0 + 300.0)", ("0 to 1", "[0, 1]")),
            )
        )

    yield Check(
        "compares like with like",
        unlike,
        equals=True,
        why="A quality measured against another image, or on another scale, is a number without a meaning.",
        hint=("Compare shapes, and whether both hold whole numbers.",),
    )
