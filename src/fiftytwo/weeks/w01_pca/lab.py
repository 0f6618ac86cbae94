"""Week 1: principal components of handwritten digits and of wine, and twelve questions to a data set.

The build draws what the components see; the assessment holds them against scikit-learn on every shape of
data that breaks a careless implementation: tall, wide, rank-deficient, with constant columns, far from
zero, in single precision, in a stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w01_pca import figures
from fiftytwo.weeks.w01_pca.cases import EXACT, cases_of, oracle
from fiftytwo.weeks.w01_pca.parity import basics, options, parity
from fiftytwo.weeks.w01_pca.questions import twelve_questions
from fiftytwo.weeks.w01_pca.refusals import refusals
from fiftytwo.weeks.w01_pca.solvers import solvers, streams

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    1,
    exercise=Exercise(
        "mltoolkit.linalg.pca",
        ("PCA",),
        hours=6.0,
        peers={"PCA": "fiftytwo.weeks.w01_pca.peers:PCA"},
        brief="""\
Write `PCA`, with scikit-learn's interface. A good order:

1. `__init__` stores its arguments and does nothing else.
2. `fit` with the singular value decomposition of the centred data. Set `mean_`, `components_`,
   `explained_variance_`, `explained_variance_ratio_`, `singular_values_`, `n_components_`, `n_samples_`
   and `solver_`. Most checks turn green here.
3. `transform` and `inverse_transform`, then `whiten`.
4. The covariance and the randomized solver, and the rule by which `"auto"` picks one.
5. `partial_fit`: the same result from a stream, in memory that does not grow.

Bad input gets a `ValueError` that says what was wrong and what was expected. NumPy and SciPy are yours to
use; a finished PCA from a library is not the exercise.
""",
    ),
)


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    digits: NDArray[np.float64]
    shares: NDArray[np.float64]  # of the variance of the digits, component by component
    kept: int
    squared_error: float  # of the digits rebuilt from `kept` components, summed over pixels, per sample - 1
    discarded: float  # variance of the components that were left out
    streamed: NDArray[np.float64]  # variances learned block by block
    whole: NDArray[np.float64]  # the same, learned at once


def build(lab: Lab) -> Built:
    """Draw the spectrum, the map and the reconstructions; compare scaled with unscaled; learn from a stream."""
    name = "mnist" if lab.full else "digits"
    images = lab.data(name)
    digits = images.data[: images.train or len(images.data)].astype(float)
    labels = images.target[: len(digits)]
    kept = 50 if lab.full else 16
    pca = lab.solution.PCA(100 if lab.full else None).fit(digits)
    shares = pca.explained_variance_ratio_
    _draw_digits(lab, digits, labels, shares, kept)
    _compare_scaling(lab)
    few = lab.solution.PCA(kept).fit(digits)
    rebuilt = few.inverse_transform(few.transform(digits))
    total = float(np.sum(digits.var(axis=0, ddof=1)))
    stream = lab.solution.PCA(kept)
    for block in lab.progress(np.array_split(digits, 8), "streaming blocks"):
        stream.partial_fit(block)
    _record_variance(lab, shares)
    return Built(
        digits=digits,
        shares=shares,
        kept=kept,
        squared_error=float(np.sum((digits - rebuilt) ** 2) / (len(digits) - 1)),
        discarded=total - float(np.sum(few.explained_variance_)),
        streamed=stream.explained_variance_,
        whole=few.explained_variance_,
    )


def _draw_digits(
    lab: Lab, digits: NDArray[np.float64], labels: NDArray[Any], shares: NDArray[np.float64], kept: int
) -> None:
    side = int(np.sqrt(digits.shape[1]))
    lab.figure(
        figures.scree(shares),
        "Scree plot",
        f"Share of the variance along each component of the digits, and added up. {side} x {side} pixels are far from "
        "independent: a few directions carry most of what varies.",
    )
    plane = lab.solution.PCA(2).fit(digits)
    shown = lab.rng.permutation(len(digits))[:2000]
    lab.figure(
        figures.digit_map(plane.transform(digits[shown]), labels[shown]),
        "Map of the digits",
        "Each number is one image at its first two coordinates. Some digits stand apart, others overlap: "
        "two directions of largest variance are not chosen to separate classes.",
    )
    steps = (2, 8, kept, 4 * kept if not lab.full else 100)
    rows = [digits[:6]]
    for k in steps:
        model = lab.solution.PCA(k).fit(digits)
        rows.append(model.inverse_transform(model.transform(digits[:6])))
    lab.figure(
        figures.reconstructions(rows, ("original", *(f"{k} components" for k in steps)), side),
        "Reconstructions",
        "Six digits rebuilt from more and more components. What is lost is what varies least.",
    )


def _compare_scaling(lab: Lab) -> None:
    wine = lab.data("wine")
    scaled = (wine.data - wine.data.mean(axis=0)) / wine.data.std(axis=0)
    maps, loudest = [], []
    for data in (wine.data, scaled):
        model = lab.solution.PCA(2).fit(data)
        maps.append(model.transform(data))
        first = model.components_[0]
        loudest.append(wine.feature_names[int(np.argmax(np.abs(first)))])
        lab.metric(
            f"share of first component, {'scaled' if data is scaled else 'unscaled'}",
            model.explained_variance_ratio_[0],
        )
    lab.figure(
        figures.two_maps(maps, wine.target, wine.target_names),
        "Wine, unscaled and scaled",
        f"Unscaled, the first component is little but {loudest[0]}, whose numbers are the largest. "
        "With every column at variance one, the three cultivars come apart.",
    )
    lab.note(
        f"On the wine data as it is, the first component follows {loudest[0]}; with every column at variance one "
        f"its largest entry is {loudest[1]}. PCA answers in the units it is given."
    )


def _record_variance(lab: Lab, shares: NDArray[np.float64]) -> None:
    import pandas as pd

    added = np.cumsum(shares)
    for share in (0.5, 0.8, 0.9, 0.95):
        if added[-1] > share:
            lab.metric(
                f"components for {share:.0%} of the variance", int(np.searchsorted(added, share, side="right")) + 1
            )
    rows = [k for k in (1, 2, 4, 8, 16, 32, 64) if k <= len(shares)]
    frame = pd.DataFrame({"components": rows, "share of variance": [float(added[k - 1]) for k in rows]})
    lab.table(frame, "Variance kept", "Share of the variance that the first components of the digits carry together.")


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """Hold the solution against scikit-learn, identities and bad input; then ask the twelve questions."""
    cases = cases_of(lab.rng)
    yield from basics(lab, cases)
    yield from parity(lab, cases)
    yield from options(lab, cases)
    yield from solvers(lab, cases)
    yield from streams(lab, cases)
    yield from refusals(lab)
    yield from _on_digits(built)
    yield from twelve_questions(lab)


def _on_digits(built: Built) -> Iterator[Check]:
    def shares() -> Measurement:
        exact = oracle(built.digits, len(built.shares))
        return difference(
            built.shares, exact.explained_variance_ratio_, call="PCA().fit(digits).explained_variance_ratio_"
        )

    yield Check("spectrum of the digits", shares, at_most=EXACT, why="The same on real data as on made-up data.",
                hint=("Look at the checks above this one first.",))  # fmt: skip

    def balance() -> Measurement:
        return difference(built.squared_error / built.discarded, 1.0,
                          call=f"reconstruction error of PCA({built.kept}) over the discarded variance")  # fmt: skip

    yield Check("what is lost is what was discarded", balance, at_most=1e-9,
                why="Reconstruction error equals the variance of the directions left out: PCA hides nothing.",
                hint=("Both sides are sums over all pixels, divided by n - 1.",))  # fmt: skip
    yield Check("digits in a stream", lambda: difference(built.streamed, built.whole, call="PCA(k).partial_fit(block)",
    relative=True),
                at_most=EXACT, why="Eight blocks give what the whole gives.", hint=("See: a stream equals the whole.",
                ))  # fmt: skip
