"""Week 9: who the customers are, how many kinds of them there are, and how sure one can be of that.

The build segments customers by k-means, lets three criteria propose the number of segments and stability decide, and
writes a profile of each segment. In the quick profile the true segments are known. Iris and wine show what the shape of
a cluster and the scale of a column do; noise shows that k-means finds segments where there are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w09_clusters.choosing import STABLE, stable
from fiftytwo.weeks.w09_clusters.customers import scaled, subjects
from fiftytwo.weeks.w09_clusters.kmeans import kmeans
from fiftytwo.weeks.w09_clusters.mixtures import mixtures
from fiftytwo.weeks.w09_clusters.refusals import refusals
from fiftytwo.weeks.w09_clusters.segmenting import Segmented, facts, segment
from fiftytwo.weeks.w09_clusters.separation import separation
from mltoolkit.metrics import adjusted_rand
from mltoolkit.tabular.cluster_validation import Stability

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    9,
    exercise=Exercise(
        "mltoolkit.tabular.clusters",
        ("KMeans", "GaussianMixture", "silhouette_samples", "silhouette"),
        hours=12.0,
        peers={
            "KMeans": "sklearn.cluster:KMeans",
            "GaussianMixture": "sklearn.mixture:GaussianMixture",
            "silhouette_samples": "sklearn.metrics:silhouette_samples",
            "silhouette": "sklearn.metrics:silhouette_score",
        },
        brief="""\
Write two estimators with scikit-learn's interface, and two functions. A good order:

1. `KMeans` from given centres (`init` an array): assign, average, until no row changes sides. Then `predict`,
   `transform`, `score`, `sample_weight`.
2. Starts: k-means++, `n_init` of them, the best kept. A centre that loses all its rows moves to the row that is
   farthest from its own. Centre the columns first, or compute differences: a data set at 10⁸ has to work.
3. Hamerly's bounds (Elkan's do as well): `algorithm="hamerly"`. Count in `n_distances_` what you computed.
4. `GaussianMixture` from given parameters, one covariance type after the other. Stay with logarithms: log-densities,
   `scipy.special.logsumexp`, responsibilities last.
5. Its own start, `score_samples`, `bic`, `aic`, `sample`; components that collapse.
6. `silhouette_samples` a block of rows at a time, and `silhouette`, its mean.

Restarts on a sample of the rows (`init_size`) are for speed and not checked. Bad input gets a `ValueError` that says
what was wrong. NumPy, SciPy and scikit-learn's validation helpers are yours; a finished clustering from a library is
not the exercise.
""",
    ),
)


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    segmented: tuple[Segmented, ...]
    flowers: Mapping[str, float]  # adjusted Rand index with the known classes of iris and wine
    noise: Stability  # of segments of rows that have none


def build(lab: Lab) -> Built:
    """Segment each table, then the counter-examples."""
    tables = subjects(lab)
    segmented = tuple(segment(lab, table) for table in lab.progress(list(tables), "segmenting"))
    flowers = _flowers(lab)
    rows, k = tables[0].X.shape, segmented[0].choice.best
    noise = stable(lab, scaled(lab.rng.random(rows)), k)
    lab.metric("agreement of resamples on noise", float(noise.resamples.mean()))
    lab.metric("agreement of resamples, " + tables[0].name, float(segmented[0].choice.stability[k].resamples.mean()))
    lab.document(
        "segments.md.jinja",
        "Who the customers are",
        tables=[facts(one) for one in segmented],
        first=tables[0].name,
        stable=STABLE,
    )
    return Built(segmented, flowers, noise)


def _flowers(lab: Lab) -> dict[str, float]:
    """Agreement with the known classes: where the shape of the clusters and the scale of the columns matter."""
    found = {}
    iris, wine = lab.data("iris"), lab.data("wine")
    for name, X, y in (
        ("iris", iris.data, iris.target),
        ("wine", scaled(wine.data), wine.target),
        ("wine, columns as they are", wine.data, wine.target),
    ):
        found[f"{name}, k-means"] = adjusted_rand(y, lab.solution.KMeans(3, random_state=lab.seed).fit(X).labels_)
    mixture = lab.solution.GaussianMixture(3, n_init=5, random_state=lab.seed).fit(iris.data)
    found["iris, mixture"] = adjusted_rand(iris.target, mixture.predict(iris.data))
    for name, agreement in found.items():
        lab.metric(f"agreement with the classes, {name}", agreement)
    return found


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's clusterings first, then what they found."""
    yield from kmeans(lab)
    yield from mixtures(lab)
    yield from separation(lab)
    yield from refusals(lab)
    yield from _segments(lab, built)
    yield from _counter_examples(built)


def _segments(lab: Lab, built: Built) -> Iterator[Check]:
    earlier = ("Look at the checks of k-means first.",)
    if not lab.full:
        yield Check(
            "known segments come back",
            lambda: built.segmented[0].agreement,
            at_least=0.8,
            why="Only a simulation can show whether segments are the real ones; there they have to be.",
            hint=earlier,
        )
        yield Check(
            "the number of segments is found",
            lambda: built.segmented[0].choice.best,
            equals=len(set(built.segmented[0].customers.truth)),
            why="Criteria that miss a number that is known say little about one that is not.",
            hint=("Look at the checks of the silhouette and of BIC first.",),
        )
        yield Check(
            "the mixture is sure of most customers",
            lambda: built.segmented[0].certain,
            at_least=0.7,
            why="A customer between two segments should not be treated as a certain member of one.",
            hint=("Look at the checks of the mixtures first.",),
        )
    yield Check(
        "other seeds find the same segments",
        lambda: min(one.choice.stability[one.choice.best].interval("seeds")[0] for one in built.segmented),
        at_least=0.9,
        why="Segments that depend on a random seed are the seed's, not the customers'.",
        hint=("Is the best of all starts kept, by inertia?",),
    )
    yield Check(
        "resamples find the same segments",
        lambda: min(float(one.choice.stability[one.choice.best].resamples.mean()) for one in built.segmented),
        at_least=0.8,
        why="Another year's customers are another sample; what does not survive a bootstrap will not survive that.",
        hint=earlier,
    )
    yield Check(
        "every segment comes back",
        lambda: min(segment.overlap for one in built.segmented for segment in one.segments),
        at_least=STABLE,
        why="An average hides the one segment that is an accident; each has to stand on its own.",
        hint=earlier,
    )


def _counter_examples(built: Built) -> Iterator[Check]:
    yield Check(
        "mixture beside k-means on iris",
        lambda: built.flowers["iris, mixture"] - built.flowers["iris, k-means"],
        at_least=0.1,
        why="Two of the species are long and oblique; k-means knows only balls.",
        hint=("Look at the checks of the full covariance first.",),
    )
    yield Check(
        "scaled beside unscaled columns on wine",
        lambda: built.flowers["wine, k-means"] - built.flowers["wine, columns as they are, k-means"],
        at_least=0.3,
        why="A distance adds up columns; the one with the largest unit decides alone.",
        hint=("Look at the checks of k-means first.",),
    )
    yield Check(
        "segments of noise do not come back",
        lambda: float(built.noise.resamples.mean()),
        at_most=0.75,
        why="k-means cuts anything into k parts. Only a comparison with resamples shows that the cuts are arbitrary.",
        hint=("Look at the checks of k-means first.",),
    )
