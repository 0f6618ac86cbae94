"""Week 2: photographs in a few singular values, what that costs, and whether two engines agree on a question.

The build compresses photographs by rank and measures quality, bytes, processor time and memory; the assessment
holds the solution against NumPy, against the theorem of Eckart and Young, against files that lie, and asks
pandas and SQL the same questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w02_svd import photographs, profiling, review
from fiftytwo.weeks.w02_svd.cases import EXACT, images_of, matrices_of, predicted_bytes
from fiftytwo.weeks.w02_svd.digits import edges
from fiftytwo.weeks.w02_svd.drills import drills
from fiftytwo.weeks.w02_svd.files import files
from fiftytwo.weeks.w02_svd.images import compressed
from fiftytwo.weeks.w02_svd.parity import basics, solvers
from fiftytwo.weeks.w02_svd.refusals import refusals

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    2,
    exercise=Exercise(
        "mltoolkit.linalg.svd",
        ("truncated_svd", "CompressedImage", "compress_image"),
        hours=8.0,
        peers={"truncated_svd": "fiftytwo.weeks.w02_svd.peers:truncated_svd"},
        brief=f"""\
Everything that the checks ask for stands in the docstrings of the starter. A good order:

1. `truncated_svd` with `np.linalg.svd`, cut off after `rank` terms, and the sign rule. A third of the checks
   turns green. Then refuse bad input: collect all faults and raise one `BadInput` (`from mltoolkit.errors import
   BadInput`) that names each parameter as `name=value`.
2. The solver *gram*: the leading eigenvectors `Q` of `a @ a.T` (or `a.T @ a`), then the exact decomposition of the
   small matrix `Q.T @ a`. Then the solver *randomized*, which ends the same way, and the rule for `"auto"`.
3. Very large and very small entries: scale by a power of two, decompose, scale back.
4. `compress_image`, then `decode`, `nbytes` and `psnr` of `CompressedImage`.
5. `save` and `load`, by the table in the docstring. `load` trusts nothing: it raises `CannotRead` (also from
   `mltoolkit.errors`) before it believes a header.

NumPy and SciPy are yours to use. A truncated decomposition from a library (`scipy.sparse.linalg.svds`,
scikit-learn's `TruncatedSVD` and `randomized_svd`) is not the exercise. Never open a file with `pickle` that you
did not write.

An image of your own: `{photographs.IMAGE}=holiday.jpg fiftytwo run 2` puts it into the build.
""",
    ),
    reads=(photographs.IMAGE,),
)


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    steps: dict[str, list[photographs.Step]]  # by image, rank by rank
    sizes: dict[str, tuple[int, ...]]  # shape by image
    squared_error: float  # of the grey photograph kept to the middle rank
    spectrum: NDArray[np.float64]  # of the grey photograph
    grey: NDArray[np.float64]
    costs: pd.DataFrame


def build(lab: Lab) -> Built:
    """Compress photographs by rank; draw spectra, quality and pictures; measure time and memory."""
    profiling.on_one_thread(lab.solution)  # here, where a learner's results are judged
    lab.solution.apply(profiling.on_one_thread)
    images = photographs.load(lab)
    steps = photographs.compress(lab, images)
    photographs.show(lab, images, steps)
    spectrum = photographs.spectra(lab, images)
    if lab.full:
        photographs.small_images(lab)
    grey = images[photographs.GREY] / 255.0
    U, s, Vt = lab.solution.truncated_svd(grey, photographs.MIDDLE)
    costs = profiling.cost_table(lab)
    profiling.report(lab, costs)
    review.report(lab)
    return Built(
        steps=steps,
        sizes={name: image.shape for name, image in images.items()},
        squared_error=float(np.sum((grey - (U * s) @ Vt) ** 2)),
        spectrum=spectrum,
        grey=grey,
        costs=costs,
    )


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """Hold the solution against NumPy, the theorem, files that lie and bad input; then measure the build."""
    matrices, images = matrices_of(lab.rng), images_of(lab.rng)
    yield from basics(lab, matrices)
    yield from solvers(lab, matrices)
    yield from edges(lab, matrices)
    yield from compressed(lab, images)
    yield from files(lab, images)
    yield from refusals(lab)
    yield from _on_photographs(built)
    yield from _costs(built)
    yield from drills(lab)


def _on_photographs(built: Built) -> Iterator[Check]:
    def spectrum() -> Measurement:
        exact = np.linalg.svd(built.grey, compute_uv=False)
        return difference(built.spectrum, exact, relative=True, call="truncated_svd(photograph, 427)[1]")

    yield Check(
        "spectrum of the photograph",
        spectrum,
        at_most=EXACT,
        why="The same on a real image as on made-up matrices.",
        hint=("Look at the checks above this one first.",),
    )

    def theorem() -> Measurement:
        k = photographs.MIDDLE
        discarded = float(np.sum(built.spectrum[k:] ** 2))
        call = f"squared error of truncated_svd(photograph, {k}) over the discarded spectrum"
        return difference(built.squared_error / discarded, 1.0, call=call)

    yield Check(
        "error of the photograph is its discarded spectrum",
        theorem,
        at_most=1e-9,
        why="What is lost can be read off the singular values before anything is thrown away.",
        hint=("Both sides are sums over all pixels of the image with values from 0 to 1.",),
    )
    yield Check(
        "quality of the photographs rises",
        lambda: min(
            float(np.min(np.diff([step.psnr for step in row])))
            for name, row in built.steps.items()
            if name != photographs.OWN  # which may be an image that one term gives back
        ),
        at_least=0.1,
        unit="dB",
        why="From each rank to the next one, in grey and in colour, the picture comes closer to the original.",
        hint=("See: quality rises with rank.",),
    )
    yield Check(
        "stored bytes of the photographs",
        lambda: float(max(
            abs(step.nbytes - predicted_bytes(built.sizes[name], step.rank))
            for name, row in built.steps.items()
            for step in row
        )),
        at_most=0,
        unit="bytes",
        why="Height, width, colours and rank say how large the file will be.",
        hint=("See: bytes as predicted.",),
    )  # fmt: skip


def _costs(built: Built) -> Iterator[Check]:
    yield Check(
        "memory of gram beside svd",
        lambda: profiling.of_largest(built.costs, "MiB", "gram") / profiling.of_largest(built.costs, "MiB", "svd"),
        at_most=0.75,
        exercise=False,
        why="A solver that never holds all singular vectors should show it in its peak memory.",
    )
    yield Check(
        "memory grows with the matrix and no faster",
        lambda: float(built.costs[profiling.COLUMNS[-1]].max()),
        at_most=8.0,
        unit="times the matrix",
        exercise=False,
        why="Whatever the size, a decomposition needs a few copies of its matrix, so one can say what fits.",
    )
