"""Segment one table of customers, and report what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiftytwo.weeks.w09_clusters import figures, profiles
from fiftytwo.weeks.w09_clusters.choosing import NUMBERS, STABLE, Choice, choose
from fiftytwo.weeks.w09_clusters.customers import Customers
from mltoolkit.metrics import adjusted_rand

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


@dataclass(frozen=True)
class Segmented:
    """One table of customers, segmented.

    ``agreement`` is the adjusted Rand index with the groups that are known, ``mixture`` that of k-means with the best
    mixture of as many components, and ``certain`` the share of customers whom that mixture gives to one component with
    a probability of at least 0.8; both NaN when every mixture collapsed.
    """

    customers: Customers
    choice: Choice
    labels: NDArray[np.intp]
    segments: list[profiles.Segment]
    agreement: float
    mixture: float
    certain: float


def segment(lab: Lab, customers: Customers) -> Segmented:
    """Choose how many, cluster, describe, and report."""
    choice = choose(lab, customers.X)
    found = choice.stability[choice.best]
    segments = profiles.profile(customers, found.labels, found)
    mixture, certain = _by_mixture(lab, customers.X, choice, found.labels)
    result = Segmented(
        customers, choice, found.labels, segments, adjusted_rand(customers.truth, found.labels), mixture, certain
    )
    report(lab, result)
    return result


def _by_mixture(lab: Lab, X: NDArray[np.float64], choice: Choice, labels: NDArray[np.intp]) -> tuple[float, float]:
    """Agreement of the best mixture with k-means, and the share of rows that it is sure of."""
    scores = {kind: values[NUMBERS.index(choice.best)] for kind, values in choice.bic.items()}
    good = {kind: score for kind, score in scores.items() if np.isfinite(score)}
    if not good:
        return np.nan, np.nan
    kind = min(good, key=lambda kind: good[kind])
    model = lab.solution.GaussianMixture(choice.best, covariance_type=kind, max_iter=200, random_state=lab.seed).fit(X)
    P = np.asarray(model.predict_proba(X))
    return adjusted_rand(labels, np.argmax(P, axis=1)), float(np.mean(P.max(axis=1) >= 0.8))


def report(lab: Lab, one: Segmented) -> None:
    """Metrics, tables and figures of one table of customers."""
    import pandas as pd

    name, choice, X = one.customers.name, one.choice, one.customers.X
    lab.metric(f"customers, {name}", len(X))
    lab.metric(f"segments, {name}", choice.best)
    lab.metric(f"agreement with {one.customers.known_as}, {name}", one.agreement)
    if np.isfinite(one.mixture):
        lab.metric(f"agreement of mixture and k-means, {name}", one.mixture)
        lab.metric(f"customers that the mixture is sure of, {name}", 100 * one.certain, "%")
    lab.table(profiles.table(one.customers, one.segments), f"Segments, {name}",
              "Medians of each segment. Overlap: the mean one with the most similar cluster of a resample; 1 is the "
              "same customers.")  # fmt: skip
    rows = [{"segments": k, "silhouette": None if k == 1 else choice.silhouette[i],
             **{f"BIC, {kind}": None if np.isnan(v[i]) else v[i] for kind, v in choice.bic.items()},
             "gap": choice.gap.gap[i], "error of the gap": choice.gap.error[i]}
            for i, k in enumerate(NUMBERS)]  # fmt: skip
    lab.table(pd.DataFrame(rows, dtype=object), f"Criteria, {name}",
              "Three criteria for the number of segments. A BIC is left out where a component shrank to a few "
              "customers that agree.")  # fmt: skip
    rows = []
    for k, found in choice.stability.items():
        (seeds_low, seeds_high), (low, high) = found.interval("seeds"), found.interval()
        by = ", ".join(criterion for criterion, proposal in choice.proposals.items() if proposal == k)
        rows.append({"segments": k, "proposed by": by or "nobody", "seeds": float(found.seeds.mean()),
                     "seeds from": seeds_low, "seeds to": seeds_high, "resamples": float(found.resamples.mean()),
                     "from": low, "to": high, "weakest segment": float(found.per_cluster.min())})  # fmt: skip
    lab.table(pd.DataFrame(rows), f"Stability, {name}",
              "Adjusted Rand index with the segments of the first seed: over other seeds and over bootstrap resamples, "
              "each with the range of 95% of the runs; and how far the weakest segment comes back.")  # fmt: skip
    _draw(lab, one)


def _draw(lab: Lab, one: Segmented) -> None:
    name, choice, customers = one.customers.name, one.choice, one.customers
    drawn = figures.criteria(NUMBERS, choice.silhouette, choice.bic, choice.gap, choice.proposals)
    lab.figure(drawn, f"Criteria, {name}",
               "What each criterion says of each number of segments; the dashed line is its proposal.")  # fmt: skip
    lab.figure(figures.stability(choice.stability, STABLE), f"Stability, {name}",
               "Do the same segments come back? Left, over seeds and resamples; right, segment by segment: below the "
               "dashed line a segment should carry no decision.")  # fmt: skip
    centers = np.array([customers.X[one.labels == s.code].mean(axis=0) for s in one.segments])
    titles = [f"{s.number}: {100 * s.share:.0f}% of customers" for s in one.segments]
    lab.figure(figures.profiles(list(customers.raw.columns), centers, titles), f"Profiles, {name}",
               "Mean of each segment, in standard deviations of the (logarithmic) features: red is more than the mean "
               "of all customers, blue is less.")  # fmt: skip
    columns = list(customers.raw.columns)
    x, y = columns[0], columns[2]
    numbered = np.empty(len(one.labels), dtype=np.intp)
    for i, s in enumerate(one.segments):
        numbered[one.labels == s.code] = i
    axis_labels = tuple(f"{c} ({customers.units[c]})" if customers.units[c] else c for c in (x, y))
    lab.figure(
        figures.scatter(customers.raw[x].to_numpy(), customers.raw[y].to_numpy(), numbered,
                        [f"{s.number}: {s.who}" for s in one.segments], (axis_labels[0], axis_labels[1])),
        f"Customers, {name}", "Each customer is a point; two of the features, on logarithmic axes.",
    )  # fmt: skip


def facts(one: Segmented) -> dict[str, object]:
    """What the document says of one table of customers, beyond metrics and tables."""
    return {
        "name": one.customers.name,
        "known_as": one.customers.known_as,
        "units": one.customers.units,
        "proposals": dict(one.choice.proposals),
        "segments": one.segments,
        "collapsed": sum(int(np.isnan(values).sum()) for values in one.choice.bic.values()),
        "fits": len(one.choice.bic) * len(NUMBERS),
        "mixture": bool(np.isfinite(one.mixture)),
        "weakest": min(s.overlap for s in one.segments),
    }
