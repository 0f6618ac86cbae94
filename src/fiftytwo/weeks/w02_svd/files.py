"""Checks of the file: what is in it, that it comes back, that it is whole, and that nothing in it is trusted."""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w02_svd.cases import matrix_shape, predicted_bytes
from mltoolkit.errors import CannotRead
from mltoolkit.linalg.svd import HEADER, MAGIC, MAX_SAMPLES, SAMPLE_TYPES, VERSION

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_CHECKED = HEADER.size - 4  # the bytes of the header before its checksum
_FIELDS = ("magic", "version", "kind", "channels", "height", "width", "rank")


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _file(image: NDArray[Any], left: NDArray[Any], right: NDArray[Any], **forged: Any) -> bytes:
    """The bytes of a file by the documented format, with header fields forged under a checksum that fits."""
    h, w = image.shape[:2]
    channels = image.shape[2] if image.ndim == 3 else 1
    kind = SAMPLE_TYPES.index(str(image.dtype))
    values = dict(zip(_FIELDS, (MAGIC, VERSION, kind, channels, h, w, left.shape[1]), strict=True)) | forged
    head = HEADER.pack(*values.values(), 0)[:_CHECKED]
    payload = left.astype("<f2").tobytes() + right.astype("<f2").tobytes()
    return head + struct.pack("<I", zlib.crc32(head + payload)) + payload


def _factors(image: NDArray[Any], k: int, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    m, n = matrix_shape(image.shape)
    return rng.random((m, k)).astype(np.float16), rng.random((k, n)).astype(np.float16)


def _load(lab: Lab, path: Path, call: str) -> Any:
    """What load makes of a good file; a refusal is a fault of the code and not of the file."""
    try:
        return lab.solution.CompressedImage.load(path)
    except CannotRead as error:
        return Measurement(np.nan, gate=f"a good file was refused: {error}", call=call)


def files(lab: Lab, images: Mapping[str, NDArray[Any]]) -> Iterator[Check]:
    """There and back, byte by byte, and everything that can be wrong with a file."""
    chosen = [images[name] for name in ("one pixel", "grey", "colour", "colour, upright", "floats", "single precision")]

    def there_and_back() -> Measurement:
        call = "(lambda c: (c.save(path), CompressedImage.load(path)))(compress_image(image, k))"

        def one(image: NDArray[Any], path: Path) -> Iterator[Measurement]:
            small = lab.solution.compress_image(image, min(2, *image.shape[:2]))
            small.save(path)
            loaded = _load(lab, path, call)
            if isinstance(loaded, Measurement):
                yield loaded
                return
            inputs = {"image": image}
            for name in ("left", "right"):
                got, kept = (getattr(c, name) for c in (loaded, small))
                yield difference(got, kept, call=f"{call}[1].{name}", inputs=inputs)
            yield difference(loaded.decode(), small.decode(), call=f"{call}[1].decode()", inputs=inputs)
            yield difference(loaded.psnr(image), small.psnr(image), call=f"{call}[1].psnr(image)", inputs=inputs)
            yield difference(loaded.nbytes, small.nbytes, call=f"{call}[1].nbytes", inputs=inputs)

        with _scratch() as folder:
            return worst((m for image in chosen for m in one(image, folder / "größe.svd")), 0.0)

    yield Check(
        "a round trip through the file",
        there_and_back,
        at_most=0.0,
        why="What was saved comes back to the last bit: factors, shape, type and quality.",
        hint=(
            "HEADER.pack and HEADER.unpack; tobytes and np.frombuffer(..., dtype='<f2').",
            "left comes first, row by row; where does right begin?",
        ),
    )

    def as_documented() -> Measurement:
        def one(image: NDArray[Any], path: Path) -> Measurement:
            left, right = _factors(image, 1, lab.rng)
            lab.solution.CompressedImage(left, right, image.shape, str(image.dtype)).save(path)
            got, expected = path.read_bytes(), _file(image, left, right)
            inputs = {"left": left, "right": right}
            call = f"CompressedImage(left, right, {image.shape}, {str(image.dtype)!r}).save(path)"
            if len(got) != len(expected):
                fault = f"expected {len(expected)} bytes, got {len(got)}"
                return Measurement(np.nan, gate=fault, call=call, inputs=inputs)
            wrong = [i for i, (x, y) in enumerate(zip(got, expected, strict=True)) if x != y]
            where = f"byte {wrong[0]} and {len(wrong) - 1} more" if wrong else ""
            return Measurement(
                len(wrong), call=call, got=where, expected="as the table in the docstring", inputs=inputs
            )

        with _scratch() as folder:
            return worst((one(image, folder / "image.svd") for image in chosen), 0.0)

    yield Check(
        "the file is as documented",
        as_documented,
        at_most=0.0,
        unit="bytes off",
        why="Only a format that is written down to the byte can be read by somebody else, or in ten years.",
        hint=(
            "The table stands in the docstring of CompressedImage; MAGIC, VERSION and HEADER are in your file.",
            "The checksum is zlib.crc32 of the first 24 bytes followed by the payload.",
        ),
    )

    def from_elsewhere() -> Measurement:
        largest = np.broadcast_to(np.uint8(0), (2**14, MAX_SAMPLES // 2**14))

        def one(image: NDArray[Any], k: int, path: Path) -> Iterator[Measurement]:
            left, right = _factors(image, k, lab.rng)
            path.write_bytes(_file(image, left, right))
            call = "CompressedImage.load(path)"
            loaded = _load(lab, path, call)
            if isinstance(loaded, Measurement):
                yield loaded
                return
            kept = (tuple(loaded.shape), str(loaded.dtype))
            if kept != (image.shape, str(image.dtype)):
                fault = f"expected shape {image.shape} and {image.dtype}, got {kept[0]} and {kept[1]}"
                yield Measurement(np.nan, gate=fault, call=call)
            yield difference(loaded.left, left, call=f"{call}.left")
            yield difference(loaded.right, right, call=f"{call}.right")
            yield difference(loaded.nbytes, predicted_bytes(image.shape, k), call=f"{call}.nbytes")

        with _scratch() as folder:
            sized = [*((image, min(matrix_shape(image.shape))) for image in chosen), (largest, 1)]
            return worst((m for image, k in sized for m in one(image, k, folder / "image.svd")), 0.0)

    yield Check(
        "reads what others wrote",
        from_elsewhere,
        at_most=0.0,
        why="A file by the documented format is a file, whoever wrote it.",
        hint=("Use the numbers of the header, not those of an image that you happen to know.",),
    )
    yield from _trust(lab, images["colour"])
    yield from _atomic(lab, images["grey"])


def _trust(lab: Lab, image: NDArray[Any]) -> Iterator[Check]:
    left, right = _factors(image, 3, lab.rng)
    good = _file(image, left, right)

    def refuse(data: bytes | None, what: str, *mentions: str) -> Measurement:
        with _scratch() as folder:
            path = folder / "image.svd"
            if data is not None:
                path.write_bytes(data)
            return refusal(
                lambda: lab.solution.CompressedImage.load(path),
                call=f"CompressedImage.load(path) of {what}",
                error=CannotRead,
                mentions=mentions,
            )

    def no_file() -> Measurement:
        with _scratch() as folder:
            a_folder = refusal(lambda: lab.solution.CompressedImage.load(folder), error=CannotRead,
                               call="CompressedImage.load(path) of a folder")  # fmt: skip
        return first_unclear((refuse(None, "a missing file", "no such file", "not exist", "missing"), a_folder))

    yield Check(
        "refuses what is no file",
        no_file,
        equals=True,
        why="One error type for whatever cannot be read spares every caller a list of them.",
        hint=("raise CannotRead from mltoolkit.errors, with the path in the message",),
    )

    def foreign() -> Measurement:
        return first_unclear(
            (
                refuse(b"", "an empty file", "image.svd"),
                refuse(b"\x89PNG\r\n\x1a\n" + bytes(200), "a PNG file", "image.svd"),
                refuse(b"\x80\x04\x95" + bytes(300), "a pickle", "image.svd"),
                refuse(good.replace(b"\r\n", b"\n", 1), "a file sent as text", "image.svd"),
                refuse(_file(image, left, right, version=VERSION + 1), "a later version", "version"),
                refuse(_file(image, left, right, version=0), "version 0", "version"),
            )
        )

    yield Check(
        "refuses foreign files",
        foreign,
        equals=True,
        why="The first bytes say what a file is; its name says what somebody hopes.",
        hint=("Compare with MAGIC before you believe anything else.", "Name the version in the message."),
    )

    def broken() -> Measurement:
        lengths = (len(MAGIC) - 1, len(MAGIC), HEADER.size - 1, HEADER.size, len(good) // 2, len(good) - 1)
        places = (10, 12, 16, 20, _CHECKED, HEADER.size - 1, HEADER.size, len(good) // 2, len(good) - 1)
        short = ("short", "truncated", "incomplete", "missing", "fewer")
        changed = (good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :] for i in places)
        return first_unclear(
            (
                *(refuse(good[:n], f"its first {n} bytes", "image.svd") for n in lengths),
                *(refuse(good[:n], f"its first {n} bytes", *short) for n in lengths[-2:]),
                *(refuse(data, "one changed bit", "image.svd") for data in changed),
                refuse(good + b"\0", "one byte too many", "after", "beyond", "too long", "more", "extra"),
            )
        )

    yield Check(
        "refuses broken files",
        broken,
        equals=True,
        why="A download that stopped or a bit that flipped must not become a picture.",
        hint=("Compare the file's size with what its header announces.", "Then compare the checksum."),
    )

    def hostile() -> Measurement:
        huge = 2**32 - 1
        nan, inf = (np.where(np.arange(left.size).reshape(left.shape) == 4, bad, left) for bad in (np.nan, np.inf))
        forged: tuple[Mapping[str, Any], ...] = (
            {"kind": len(SAMPLE_TYPES)}, {"channels": 0}, {"channels": 2}, {"channels": 4},
            {"height": 0}, {"width": 0}, {"rank": 0}, {"rank": min(matrix_shape(image.shape)) + 1}, {"rank": huge},
            {"height": huge, "width": huge}, {"height": 9000, "width": 9000, "rank": 9000},
        )  # fmt: skip
        square = np.broadcast_to(np.uint8(0), (int(np.sqrt(MAX_SAMPLES / 3)) + 1,) * 2 + (3,))
        bomb = _file(square, *_factors(square, 1, lab.rng))
        return first_unclear(
            (
                *(refuse(_file(image, left, right, **fields), f"a file with {fields}") for fields in forged),
                refuse(_file(image, left[:, :0], right[:0]), "a file without a single term"),
                refuse(_file(image, nan, right), "a factor with NaN"),
                refuse(_file(image, inf, right), "a factor with infinity"),
                refuse(bomb, "a file with more than MAX_SAMPLES samples"),
            )
        )

    yield Check(
        "refuses hostile files",
        hostile,
        equals=True,
        why="A header is a claim: believing it means to let a stranger choose how much memory is taken.",
        hint=(
            "Which sizes, ranks and types can a header name that no image has?",
            "Check height * width * channels against MAX_SAMPLES, and the file's size, before anything is allocated.",
            "np.isfinite on both factors",
        ),
    )


def _atomic(lab: Lab, image: NDArray[Any]) -> Iterator[Check]:
    def whole_or_not_at_all() -> Measurement:
        call = "compress_image(image, 2).save(path)"
        with _scratch() as folder:
            path, second = folder / "deep" / "image.svd", folder / "second name"
            small = lab.solution.compress_image(image, 2)
            small.save(path)
            second.hardlink_to(path)
            before = second.read_bytes()
            lab.solution.compress_image(image, 3).save(path)
            left_over = sorted(p.name for p in path.parent.iterdir())
            fault = ""
            if second.read_bytes() != before:
                fault = "it wrote into the old file; a crash half-way would leave neither the old one nor the new one"
            elif path.stat().st_size == len(before):
                fault = "the file that was there was not replaced"
            elif left_over != [path.name]:
                fault = f"it left files behind: {', '.join(left_over)}"
            return Measurement(float(not fault), call=call, got=fault, expected="the file replaced in one step",
                               inputs={"image": image})  # fmt: skip

    yield Check(
        "saving is all or nothing",
        whole_or_not_at_all,
        equals=True,
        why="A reader sees the old file or the new one, also when the power fails in between.",
        hint=("Write to a temporary name in the same folder, then rename.", "mltoolkit.io.atomic_write(path, data)"),
    )
