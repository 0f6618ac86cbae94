"""The build's images: which they are, what they become rank by rank, and how that looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fiftytwo.weeks.w02_svd import figures, foreign
from fiftytwo.weeks.w02_svd.cases import decibels, matrix_shape

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

IMAGE = "FIFTYTWO_IMAGE"  # the environment variable that may name an image of the learner's own
GREY, COLOUR = "temple, grey", "flower"  # the two that stand for all where one is enough
OWN = "your own"
MIDDLE = 50  # the rank that stands for good enough to look at

_RANKS = (1, 5, 10, 20, MIDDLE, 100)
_SHOWN = (5, 20, 100)
_QUALITIES = (5, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95)  # of JPEG
_SMALL_RANKS = (1, 2, 4, 8, 16)
_SMALL_COUNT = 1000

Images = Mapping[str, NDArray[np.uint8]]


class Step(NamedTuple):
    """An image at one rank: bytes stored, quality in decibels, and the image that comes back."""

    rank: int
    nbytes: int
    psnr: float
    decoded: NDArray[np.uint8]


def load(lab: Lab) -> Images:
    """Two photographs, one of them in grey too, and the learner's own where one is named."""
    temple, flower = lab.data("photographs").images
    grey = np.rint(temple @ [0.299, 0.587, 0.114]).astype(np.uint8)  # what the eye makes of red, green and blue
    images = {GREY: grey, "temple": temple, COLOUR: flower}
    path = lab.file(IMAGE)
    if path is not None:
        images[OWN] = foreign.read_image(path)
    return images


def compress(lab: Lab, images: Images) -> dict[str, list[Step]]:
    """Each image at each rank that it has."""
    found: dict[str, list[Step]] = {}
    for name, image in lab.progress(list(images.items()), "images"):
        ranks = [k for k in _RANKS if k <= min(matrix_shape(image.shape))]
        compressed = [(k, lab.solution.compress_image(image, k)) for k in ranks]
        found[name] = [Step(k, c.nbytes, c.psnr(image), c.decode()) for k, c in compressed]
    return found


def show(lab: Lab, images: Images, steps: Mapping[str, list[Step]]) -> None:
    """Table, pictures and curves."""
    rows = [
        (name, step.rank, step.nbytes, 100 * step.nbytes / images[name].nbytes, _finite(step.psnr))
        for name, row in steps.items()
        for step in row
    ]
    lab.table(
        pd.DataFrame(
            rows, columns=["image", "rank", "bytes stored", "% of the pixels' bytes", "PSNR in dB"], dtype=object
        ),
        "Quality and size",
        "What is stored and how close it comes, image by image and rank by rank.",
    )
    pictures = {
        name: [*(s.decoded for s in row if s.rank in _SHOWN), images[name]]
        for name, row in steps.items()
        if row[-1].rank == _RANKS[-1]
    }
    lab.figure(
        figures.gallery(pictures, [*(f"rank {k}" for k in _SHOWN), "original"]),
        "Pictures at several ranks",
        "A few terms are enough for light and dark; edges that run neither level nor upright, such as roof and "
        "petal, need many.",
    )
    jpeg = {name: _jpeg(image) for name, image in images.items() if image.ndim == 3}
    curves = {name: _curve(images[name], [(s.nbytes, s.psnr) for s in row]) for name, row in steps.items()}
    dashed = {name: _curve(images[name], row) for name, row in jpeg.items()}
    lab.figure(
        figures.quality(curves, dashed),
        "Quality by size",
        "Quality rises with every term, but slowly: twice the bytes bring a few decibels. A codec made for "
        "photographs (dashed) reaches the same quality with far fewer bits.",
    )
    middle = next(step for step in steps[COLOUR] if step.rank == MIDDLE)
    lab.metric(f"quality of the {COLOUR} at rank {MIDDLE}", middle.psnr, "dB")
    enough = [nbytes for nbytes, quality in jpeg[COLOUR] if quality >= middle.psnr]
    lab.metric("bytes of SVD over JPEG at equal quality", middle.nbytes / min(enough))
    lab.note(
        f"At rank {MIDDLE} the {COLOUR} takes {middle.nbytes / min(enough):.0f} times the bytes of a JPEG of no less "
        "quality. Low rank is a tool for tables; for photographs there are codecs."
    )


def spectra(lab: Lab, images: Images) -> NDArray[np.float64]:
    """Draw the singular values of both photographs beside those of noise; returns those of the grey one."""
    grey = images[GREY] / 255.0
    flower = images[COLOUR].mean(axis=2) / 255.0
    noise = lab.rng.random(grey.shape)
    found: dict[str, NDArray[np.float64]] = {
        name: lab.solution.truncated_svd(a, min(a.shape))[1]
        for name, a in (("temple", grey), ("flower", flower), ("noise", noise))
    }
    lab.figure(
        figures.spectra(found),
        "Spectrum",
        "Singular values of both photographs in grey and of noise of the same size. After the first, which is "
        "little but brightness, those of a photograph fall and those of noise do not: there is nothing to leave out.",
    )
    for name, s in found.items():
        share = 1.0 - np.cumsum(s[1:] ** 2) / np.sum(s[1:] ** 2)
        lab.metric(f"terms for 99% of the contrast, {name}", int(np.argmax(share <= 0.01)) + 2)
    return found["temple"]


def small_images(lab: Lab) -> None:
    """Rank by rank the mean quality of many small photographs."""
    data = lab.data("cifar10-subset")
    images = data.images[lab.rng.permutation(data.train)[:_SMALL_COUNT]]
    rows = []
    for k in lab.progress(_SMALL_RANKS, "small images"):
        nbytes, found = lab.solution.apply(_qualities, images, k)
        rows.append((k, nbytes, 100 * nbytes / images[0].nbytes, float(np.mean(found)), float(np.std(found, ddof=1))))
    columns = ["rank", "bytes stored", "% of the pixels' bytes", "mean PSNR in dB", "standard deviation"]
    lab.table(
        pd.DataFrame(rows, columns=columns),
        "Small photographs",
        f"{_SMALL_COUNT:,} images of {data.title}. Two bytes for an entry of a factor and one for a pixel: at this "
        "size there is little to gain.",
    )


def _qualities(solution: Any, images: NDArray[np.uint8], k: int) -> tuple[int, list[float]]:
    """Bytes of one image and the quality of each; runs where the solution lives."""
    compressed = [(image, solution.compress_image(image, k)) for image in images]
    return compressed[0][1].nbytes, [min(c.psnr(image), 100.0) for image, c in compressed]  # black ones are perfect


def _finite(quality: float) -> float | None:
    """Nothing for an image that came back without any error, whose quality is beyond all numbers."""
    return quality if np.isfinite(quality) else None


def _curve(image: NDArray[Any], row: list[tuple[int, float]]) -> list[tuple[float, float]]:
    """Bits for each pixel and decibels, without what is beyond all numbers."""
    pixels = image.shape[0] * image.shape[1]
    return [(8 * nbytes / pixels, quality) for nbytes, quality in row if np.isfinite(quality)]


def _jpeg(image: NDArray[np.uint8]) -> list[tuple[int, float]]:
    """Bytes and quality at each setting of JPEG."""
    return [(nbytes, decibels(image, decoded)) for nbytes, decoded in foreign.jpeg_curve(image, _QUALITIES)]
