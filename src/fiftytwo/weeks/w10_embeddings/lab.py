"""Week 10: what a flat map of many dimensions shows, how far it can be trusted, and what it does not mean.

The build draws handwritten digits by PCA, t-SNE and UMAP, over perplexities and seeds, and scores the neighbourhoods.
Then it draws data whose truth is known, and measures what a reader of the map would get wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w10_embeddings import figures, truths
from fiftytwo.weeks.w10_embeddings.affinities import affinities
from fiftytwo.weeks.w10_embeddings.mapping import NEIGHBOURS, Drawn, chosen, draw, images, settings
from fiftytwo.weeks.w10_embeddings.maps import maps
from fiftytwo.weeks.w10_embeddings.neighbourhoods import neighbourhoods
from fiftytwo.weeks.w10_embeddings.objective import objective
from fiftytwo.weeks.w10_embeddings.refusals import refusals

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    10,
    extras=("tabular",),
    exercise=Exercise(
        "mltoolkit.tabular.embeddings",
        ("joint_probabilities", "kl_divergence", "TSNE", "trustworthiness", "continuity"),
        hours=12.0,
        seconds=60.0,
        peers={"TSNE": "sklearn.manifold:TSNE", "trustworthiness": "sklearn.manifold:trustworthiness"},
        brief="""\
Write an estimator with scikit-learn's interface, and four functions. A good order:

1. `joint_probabilities`: for each row bisect on the precision until the entropy is log(perplexity). Think of copies of
   a row, and of data in any unit.
2. `kl_divergence`: the divergence and its gradient over all pairs, in NumPy. Hold the gradient against finite
   differences before you go on.
3. `TSNE(method="exact")`: principal components or random draws (or an array) as the start, momentum, gains, early
   exaggeration, and a number that says where it ended.
4. `trustworthiness` and `continuity`: ranks, a block of rows at a time.
5. `TSNE(method="fft")`: nearest neighbours for the pull, and an approximation of your choice for the push, under this
   name: a grid and the fast Fourier transform, or Barnes and Hut's tree. No array of all pairs.

Bad input gets a `ValueError` that says what was wrong. NumPy, SciPy and scikit-learn's neighbour search and validation
helpers are yours; a finished t-SNE or score from a library is not the exercise.
""",
    ),
)


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    drawn: tuple[Drawn, ...]
    shown: Mapping[str, truths.Shown]


def build(lab: Lab) -> Built:
    """Draw the digits by three methods, then what misleads."""
    subject = images(lab)
    drawn = [draw(lab, subject.X, *setting) for setting in lab.progress(settings(lab), "drawing maps")]
    shown = [truths.show(lab, case) for case in lab.progress(truths.cases(lab.rng), "drawing what misleads")]
    lab.metric("images", len(subject.X))
    lab.metric("neighbours of a score", NEIGHBOURS)
    _report_maps(lab, subject.name, drawn, subject.digits)
    _report_truths(lab, shown)
    lab.document("reading.md.jinja", "What the map does not mean", subject=subject.name, described=subject.described)
    return Built(tuple(drawn), truths.by_name(shown))


def _report_maps(lab: Lab, name: str, drawn: list[Drawn], digits: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    import pandas as pd

    rows = []
    for method, setting in dict.fromkeys((one.method, one.setting) for one in drawn):
        same = chosen(drawn, method, setting)
        trusted = [one.trustworthiness for one in same]
        continued = [one.continuity for one in same]
        divergences = [one.divergence for one in same if one.divergence is not None]
        rows.append({
            "method": method, "perplexity or neighbours": setting, "seeds": len(same),
            "trustworthiness": float(np.mean(trusted)), "spread": float(np.ptp(trusted)),
            "continuity": float(np.mean(continued)), "its spread": float(np.ptp(continued)),
            "divergence (nats)": float(np.mean(divergences)) if divergences else None,
        })  # fmt: skip
    lab.table(pd.DataFrame(rows, dtype=object), "Neighbourhoods",
              "Means over seeds; spread: the highest less the lowest. Divergences of different perplexities are of "
              "different objectives and cannot be compared.")  # fmt: skip
    best = {"PCA": chosen(drawn, "PCA", None)[0], "t-SNE": chosen(drawn, "t-SNE", 30.0)[0],
            "UMAP": chosen(drawn, "UMAP", 15.0)[0]}  # fmt: skip
    for method, one in best.items():
        lab.metric(f"trustworthiness, {method}", one.trustworthiness)
        lab.metric(f"continuity, {method}", one.continuity)
    lab.figure(figures.maps([("PCA", best["PCA"].Y), ("t-SNE, perplexity 30", best["t-SNE"].Y),
                             ("UMAP, 15 neighbours", best["UMAP"].Y)], digits),
               "Three maps", f"{name} by three methods. A number stands above its digit's median.")  # fmt: skip
    panels = [(f"perplexity {setting:g}", chosen(drawn, "t-SNE", setting)[0].Y) for setting in (5.0, 30.0, 100.0)]
    lab.figure(figures.maps(panels, digits), "Perplexities",
               f"{name} by t-SNE: few neighbours give crumbs, many give continents.")  # fmt: skip
    lab.figure(figures.scores(drawn), "Scores",
               f"How far neighbourhoods of {NEIGHBOURS} are kept: a point a seed, the line their mean.")  # fmt: skip


_FIGURES = {  # what the map is read for
    "widths": ("width of the second group over that of the first", "{:.1f} times as wide"),
    "densities": ("area of the first group over that of the second", "{:.1f} times the area"),
    "distances": ("distance of the far group over that of the near one", "{:.1f} times as far"),
    "noise": ("clumps", "clumps: {:.0f}"),
    "line": ("distance between the ends over the way along the line", "straightness {:.2f}"),
}


def _report_truths(lab: Lab, shown: list[truths.Shown]) -> None:
    import pandas as pd

    rows, titles = [], []
    for one in shown:
        figure, words = _FIGURES[one.case.name]
        rows.append({
            "case": one.case.name, "figure": figure, "rows": len(one.case.X), "perplexity": one.case.perplexity,
            "in the data": one.truth, "least on a map": float(one.shown.min()), "most on a map": float(one.shown.max()),
        })  # fmt: skip
        titles.append((words.format(one.truth), words.format(float(one.shown[0]))))
        lab.metric(f"{one.case.name}, in the data", one.truth)
        lab.metric(f"{one.case.name}, on the map", float(one.shown[0]))
    lab.table(pd.DataFrame(rows), "What misleads",
              "Data whose truth is known, and three maps of each: one from principal components, two from random "
              "positions.")  # fmt: skip
    lab.figure(figures.truths(shown, titles), "What misleads",
               "Above the data, below its map by t-SNE, each with the figure that one would read off.")  # fmt: skip


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's functions and maps first, then what the build found."""
    yield from affinities(lab)
    yield from objective(lab)
    yield from neighbourhoods(lab)
    yield from refusals(lab)
    yield from maps(lab)
    yield from _digits(built)
    yield from _misleading(built)


def _digits(built: Built) -> Iterator[Check]:
    def least(method: str, setting: float | None, score: str) -> float:
        return min(float(getattr(one, score)) for one in chosen(list(built.drawn), method, setting))

    yield Check(
        "t-SNE is more trustworthy than PCA",
        lambda: least("t-SNE", 30.0, "trustworthiness") - least("PCA", None, "trustworthiness"),
        at_least=0.05,
        why="Two straight directions cannot hold ten digits; a map that bends can.",
        hint=("Look at the checks of the divergence first.",),
        exercise=False,
    )
    yield Check(
        "UMAP is more trustworthy than PCA",
        lambda: least("UMAP", 15.0, "trustworthiness") - least("PCA", None, "trustworthiness"),
        at_least=0.05,
        why="The other map that is drawn everywhere, by the same measure.",
        hint=("Is umap-learn installed in a version that is locked?",),
        exercise=False,
    )

    def spread() -> float:
        return float(np.ptp([one.trustworthiness for one in chosen(list(built.drawn), "t-SNE", 30.0)]))

    yield Check(
        "seeds change the map, not its trustworthiness",
        spread,
        at_most=0.02,
        why="Where a group lies is an accident of the start; who is near whom is not.",
        hint=("Compare more seeds.",),
        exercise=False,
    )


def _misleading(built: Built) -> Iterator[Check]:
    def share(name: str) -> float:
        one = built.shown[name]
        return float(one.shown.max()) / one.truth

    earlier = ("Look at the figure of what misleads, and at the case's numbers in its table.",)
    yield Check(
        "the size of a group is not its width",
        lambda: share("widths"),
        at_most=0.3,
        unit="of the true ratio",
        why="Each row's bandwidth fits its own neighbourhood, so that tight and wide groups are drawn alike.",
        hint=earlier,
        exercise=False,
    )
    yield Check(
        "the area of a group counts its rows",
        lambda: float(built.shown["densities"].shown.min()),
        at_least=2.0,
        unit="times the area of a group as wide",
        why="Points push each other apart: a group with more rows takes more room, and density is levelled.",
        hint=earlier,
        exercise=False,
    )
    yield Check(
        "the distance between groups is not kept",
        lambda: share("distances"),
        at_most=0.4,
        unit="of the true ratio",
        why="Beyond the neighbours every p is all but 0; whether a group is far or very far is not in the objective.",
        hint=earlier,
        exercise=False,
    )
    yield Check(
        "noise has clumps at a low perplexity",
        lambda: float(built.shown["noise"].shown.min()) - built.shown["noise"].truth,
        at_least=10.0,
        unit="more than in the data",
        why="With two neighbours a row, any data falls into crumbs that look like groups.",
        hint=earlier,
        exercise=False,
    )
    yield Check(
        "a straight line does not stay one",
        lambda: share("line"),
        at_most=0.75,
        unit="of its straightness",
        why="Bends and breaks are the map's: a few neighbours hold a line together and nothing holds it straight.",
        hint=earlier,
        exercise=False,
    )
