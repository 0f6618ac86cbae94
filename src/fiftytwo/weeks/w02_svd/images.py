"""Checks of compressed images: factors, decoding, bytes, quality."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import describe_type, difference, worst
from fiftytwo.weeks.w02_svd.cases import as_matrix, decibels, matrix_shape, oracle, predicted_bytes, product, ranks_of

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Images = Mapping[str, NDArray[Any]]

_HALF = 2e-3  # what rounding to float16 moves an entry of the product by, at most
_LEVEL = 0.51  # of 255: a product that lies near a half may round either way


def compressed(lab: Lab, images: Images) -> Iterator[Check]:
    """What compress_image makes of an image."""

    def described() -> Measurement:
        for image in images.values():
            small = lab.solution.compress_image(image, 1)
            missing = [name for name in ("left", "right", "shape", "dtype") if not hasattr(small, name)]
            if missing:
                fault = f"expected a CompressedImage, got {describe_type(small)}, which has no {missing[0]}"
                return Measurement(np.nan, gate=fault, call="compress_image(image, 1)", inputs={"image": image})
            got, expected = (tuple(small.shape), str(small.dtype)), (image.shape, str(image.dtype))
            if got != expected:
                call = "(lambda c: (c.shape, c.dtype))(compress_image(image, 1))"
                return Measurement(0.0, call=call, got=str(got), expected=str(expected), inputs={"image": image})
        return Measurement(1.0)

    yield Check(
        "an image with its shape and dtype",
        described,
        equals=True,
        why="The factors alone do not say whether the image was grey or in colour, bytes or floats.",
        hint=("shape is the image's own; dtype is 'uint8', 'float32' or 'float64'.",),
    )

    def over_all(measure: Callable[[NDArray[Any], int, Any], Iterator[Measurement]], bound: float) -> Measurement:
        return worst(
            (
                measurement
                for image in images.values()
                for k in ranks_of(image)
                for measurement in measure(image, k, lab.solution.compress_image(image, k))
            ),
            bound,
        )

    def factors(image: NDArray[Any], k: int, small: Any) -> Iterator[Measurement]:
        call, inputs = f"compress_image(image, {k})", {"image": image}
        m, n = matrix_shape(image.shape)
        for name, shape in (("left", (m, k)), ("right", (k, n))):
            part = getattr(small, name)
            if not isinstance(part, np.ndarray) or part.dtype != np.float16 or part.shape != shape:
                got = f"{part.dtype} of shape {part.shape}" if isinstance(part, np.ndarray) else type(part).__name__
                fault = f"expected {name} as float16 of shape {shape}, got {got}"
                yield Measurement(np.nan, gate=fault, call=f"{call}.{name}", inputs=inputs)
        left, right = small.left.astype(float), small.right.astype(float)
        exact = product(oracle(as_matrix(image), k))
        yield difference(left @ right, exact, call=f"(lambda c: c.left @ c.right)({call})", inputs=inputs)
        s = oracle(as_matrix(image), k)[1]
        for name, carried in (("left", (left**2).sum(axis=0)), ("right", (right**2).sum(axis=1))):
            axis = 0 if name == "left" else 1
            yield difference(
                carried, s, relative=True, call=f"(({call}.{name}.astype(float)) ** 2).sum(axis={axis})", inputs=inputs
            )

    yield Check(
        "factors of the image's matrix",
        lambda: over_all(factors, _HALF),
        at_most=_HALF,
        why="The image is a matrix from 0 to 1 whose leading terms are kept, each factor with the root of σ.",
        hint=(
            "Divide bytes by 255. Put colour planes one above the other when h <= w, else side by side.",
            "np.concatenate([image[:, :, 0], image[:, :, 1], image[:, :, 2]], axis=0 or 1)",
            "left = (U * np.sqrt(s)).astype(np.float16); right = (np.sqrt(s)[:, np.newaxis] * Vt).astype(np.float16)",
        ),
    )

    yield from _decoded(lab)

    def there_and_back(image: NDArray[Any], k: int, small: Any) -> Iterator[Measurement]:
        if k < min(matrix_shape(image.shape)):
            return
        unit = 255.0 if image.dtype == np.uint8 else 1.0
        got = small.decode()
        if not isinstance(got, np.ndarray) or got.dtype != image.dtype:
            kind = got.dtype if isinstance(got, np.ndarray) else type(got).__name__
            fault = f"expected {image.dtype}, got {kind}"
            yield Measurement(np.nan, gate=fault, call=f"compress_image(image, {k}).decode()", inputs={"image": image})
            return
        yield difference(
            got / unit, image / unit, call=f"compress_image(image, {k}).decode() / {unit:g}", inputs={"image": image}
        )

    yield Check(
        "all terms give the image back",
        lambda: over_all(there_and_back, 0.004),
        at_most=0.004,
        why="With nothing discarded, only rounding is left: at most one step of 255.",
        hint=("Undo in reverse order what compress_image did.", "Are the colours in their order?"),
    )

    def nbytes(image: NDArray[Any], k: int, small: Any) -> Iterator[Measurement]:
        call = f"compress_image(image, {k}).nbytes"
        yield difference(small.nbytes, predicted_bytes(image.shape, k), call=call, inputs={"image": image})

    yield Check(
        "bytes as predicted",
        lambda: over_all(nbytes, 0.0),
        at_most=0.0,
        unit="bytes",
        why="What is stored follows from height, width, colours and rank alone, before anything is compressed.",
        hint=("float16 takes two bytes; count the entries of both factors.", "left.nbytes + right.nbytes"),
    )
    yield from _quality(lab, images)


def _decoded(lab: Lab) -> Iterator[Check]:
    def from_factors() -> Measurement:
        rng = lab.rng

        def one(shape: tuple[int, ...], dtype: str) -> Measurement:
            m, n = matrix_shape(shape)
            left = rng.uniform(-0.4, 1.0, (m, 2)).astype(np.float16)
            right = rng.uniform(-0.4, 1.0, (2, n)).astype(np.float16)
            matrix = (left.astype(float) @ right.astype(float)).clip(0.0, 1.0)
            planes = np.split(matrix, 3, axis=0 if shape[0] <= shape[1] else 1) if len(shape) == 3 else [matrix]
            exact = np.stack(planes, axis=2).reshape(shape)
            inputs = {"left": left, "right": right}
            call = f"CompressedImage(left, right, {shape}, {dtype!r}).decode()"
            got = lab.solution.CompressedImage(left, right, shape, dtype).decode()
            if not isinstance(got, np.ndarray) or str(got.dtype) != dtype:
                kind = got.dtype if isinstance(got, np.ndarray) else type(got).__name__
                return Measurement(np.nan, gate=f"expected {dtype}, got {kind}", call=call, inputs=inputs)
            if dtype != "uint8":
                return difference(got, exact.astype(dtype), call=call, inputs=inputs)
            return difference(got / 255.0, exact, call=call + " / 255", inputs=inputs)

        shapes = ((5, 7), (7, 5), (4, 6, 3), (6, 4, 3), (5, 5, 3), (1, 1, 3))
        floats = [one(shape, dtype) for shape in shapes for dtype in ("float64", "float32")]
        found = worst(floats, 1e-6)
        return found if found.gate or found.value > 1e-6 else worst((one(s, "uint8") for s in shapes), _LEVEL / 255)

    yield Check(
        "decode",
        from_factors,
        at_most=_LEVEL / 255,
        why="A product that leaves the range from 0 to 1 is cut off there, and bytes are rounded, not cut.",
        hint=(
            "A value of 1.02 times 255 does not fit into a byte: what becomes of it?",
            "np.rint(255 * image).astype(np.uint8), after clip(0, 1)",
            "np.split(matrix, 3, axis=...) gives the planes back; np.stack(planes, axis=2) the image.",
        ),
    )

    def half_to_even() -> Measurement:
        left = np.array([[0.5, 1.5, 2.5, 100.5, 254.5]], dtype=np.float16).T / np.float16(256)
        right = np.full((1, 1), 256 / 255, dtype=np.float16)
        exact = np.rint(255.0 * (left.astype(float) @ right.astype(float))).astype(np.uint8)
        got = lab.solution.CompressedImage(left, right, (5, 1), "uint8").decode()
        call = "CompressedImage(left, right, (5, 1), 'uint8').decode()"
        return difference(got, exact, call=call, inputs={"left": left, "right": right})

    yield Check(
        "decode rounds",
        half_to_even,
        at_most=0.0,
        why="astype(np.uint8) drops the fraction, which darkens every image by half a step.",
        hint=("np.rint rounds to the nearest whole number.",),
    )


def _quality(lab: Lab, images: Images) -> Iterator[Check]:
    def psnr() -> Measurement:
        def one(image: NDArray[Any]) -> Measurement:
            small = lab.solution.compress_image(image, 2)
            exact = decibels(image, np.asarray(small.decode()))
            call = "compress_image(image, 2).psnr(image)"
            return difference(small.psnr(image), exact, call=call, inputs={"image": image})

        chosen = ("grey", "colour", "colour, upright", "floats", "single precision")
        return worst((one(images[name]) for name in chosen), 1e-9)

    yield Check(
        "psnr",
        psnr,
        at_most=1e-9,
        unit="dB",
        why="Ten times the logarithm of peak² over mean squared error, with peak 255 for bytes and 1 for floats.",
        hint=(
            "A difference of bytes is a byte: 3 - 5 is 254. Convert to float first.",
            "10 * np.log10(peak**2 / np.mean((original - decoded) ** 2))",
        ),
    )

    def perfect() -> Measurement:
        constant = images["constant"]
        got = lab.solution.compress_image(constant, 1).psnr(constant)
        call = "compress_image(image, 1).psnr(image)"
        return Measurement(float(got == np.inf), call=call, got=got, expected=np.inf, inputs={"image": constant})

    yield Check(
        "psnr of an equal image",
        perfect,
        equals=True,
        why="Where there is no error the ratio is infinite, and a division by zero is no answer.",
        hint=("What does your code do when the error is 0?",),
    )

    def rising() -> Measurement:
        def one(image: NDArray[Any]) -> Measurement:
            found = [lab.solution.compress_image(image, k).psnr(image) for k in (1, 2, 3, 5, 8)]
            call = "[compress_image(image, k).psnr(image) for k in (1, 2, 3, 5, 8)]"
            return Measurement(-float(np.min(np.diff(found))), call=call, got=str(np.round(found, 2).tolist()),
                               expected="rising by 0.1 dB or more a step", inputs={"image": image})  # fmt: skip

        steepest = worst((one(images[name]) for name in ("grey", "colour", "colour, upright", "floats")), -0.1)
        return Measurement(-steepest.value, call=steepest.call, got=steepest.got, expected=steepest.expected,
                           inputs=steepest.inputs)  # fmt: skip

    yield Check(
        "quality rises with rank",
        rising,
        at_least=0.1,
        unit="dB a step",
        why="Each further term takes its σ² out of the error.",
        hint=("Are the terms that you keep the largest ones?", "Does decode use all of them?"),
    )

    def whole_numbers() -> Measurement:
        grey = images["grey"]
        return worst(
            (
                difference(
                    lab.solution.compress_image(grey.astype(kind), 4).psnr(grey.astype(kind)),
                    lab.solution.compress_image(grey, 4).psnr(grey),
                    call="compress_image(image, 4).psnr(image)",
                    inputs={"image": grey.astype(kind)},
                )
                for kind in (np.int64, np.uint16, np.int32)
            ),
            0.0,
        )

    yield Check(
        "whole numbers of any type",
        whole_numbers,
        at_most=0.0,
        unit="dB",
        why="A list of pixels becomes int64 in NumPy, and it is the same image.",
        hint=("Once they are known to lie between 0 and 255: image.astype(np.uint8)",),
    )

    def same_bits() -> Measurement:
        noise = lab.rng.integers(0, 256, (1000, 1001), dtype=np.uint8)
        first, second = (lab.solution.compress_image(noise, 2) for _ in range(2))
        call = "compress_image(image, 2).left - compress_image(image, 2).left"
        return difference(first.left.astype(float), second.left.astype(float), call=call, inputs={"image": noise})

    yield Check(
        "the same image, the same bytes",
        same_bits,
        at_most=0.0,
        why="At this size auto draws random numbers; a file that differs from run to run cannot be compared.",
        hint=("truncated_svd(matrix, rank, random_state=0)",),
    )
