"""An image of the learner's own, which may be anything: its kind and size are looked at before its pixels."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.errors import CannotRead

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
MOST_PIXELS = 2**26  # of what is decoded; a file of a few kilobytes can claim far more
LONGEST_SIDE = 800  # of what the week works with, so that one image does not take minutes
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image file as an array of bytes.

    Parameters
    ----------
    path : Path
        PNG, JPEG, GIF (its first picture), BMP, TIFF or WebP.

    Returns
    -------
    ndarray of shape (h, w) or (h, w, 3), uint8
        Grey when no pixel has a colour. Turned as its camera says, on white where it is transparent, and
        scaled down where a side is longer than ``LONGEST_SIDE``.

    Raises
    ------
    CannotRead
        When it is no such image, is damaged, or is larger than ``MOST_PIXELS``.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings(), Image.open(path, formats=FORMATS) as file:
            warnings.simplefilter("ignore")  # on odd metadata, which plays no part here
            width, height = file.size
            if width * height > MOST_PIXELS:
                raise CannotRead(f"{path.name} has {width} x {height} pixels; at most {MOST_PIXELS:,} are taken")
            if file.mode not in _MODES:
                raise CannotRead(f"{path.name} has pixels of kind {file.mode}; save it with 8 bits a channel")
            file.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            turned = ImageOps.exif_transpose(file).convert("RGBA")
            turned.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            opaque = Image.alpha_composite(Image.new("RGBA", turned.size, "white"), turned)
            pixels = np.asarray(opaque.convert("RGB"), dtype=np.uint8)
    except CannotRead:
        raise
    except Exception as error:  # a decoder raises whatever its format's faults lead it to
        kinds = ", ".join(FORMATS)
        raise CannotRead(f"{path.name} cannot be read as an image ({error}); expected one of {kinds}") from error
    return pixels[:, :, 0] if _is_grey(pixels) else pixels


def _is_grey(pixels: NDArray[Any]) -> bool:
    return bool((pixels == pixels[:, :, :1]).all())


def jpeg_curve(image: NDArray[np.uint8], qualities: tuple[int, ...]) -> list[tuple[int, NDArray[np.uint8]]]:
    """For each quality: how many bytes JPEG takes for an image, and the image that comes back."""
    import io

    from PIL import Image

    found = []
    for quality in qualities:
        sink = io.BytesIO()
        Image.fromarray(image).save(sink, "JPEG", quality=quality)
        found.append((sink.tell(), np.asarray(Image.open(io.BytesIO(sink.getvalue())))))
    return found
