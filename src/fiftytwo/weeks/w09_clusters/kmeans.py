"""Checks of k-means against scikit-learn and against what its docstring says."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans as KMeansOfPeer

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w09_clusters.cases import Case, blobs, cases_of, kmeans_oracle
from fiftytwo.weeks.w09_clusters.starts import starts

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

CLOSE = 1e-6  # in coordinates of size 1; far from zero a stored centre itself has 1e-8
PARITY = 1e-8


def kmeans(lab: Lab) -> Iterator[Check]:
    """From a given start, from its own, and where something is missing."""
    cases = cases_of(lab.rng)
    yield from _centers(lab, cases)
    yield from _labels_and_inertia(lab, cases)
    yield from _use(lab, cases["five that overlap"])
    yield from starts(lab)
    yield from _edges(lab, cases["five that overlap"])
    yield from _bounds(lab)


def _fit(lab: Lab, case: Case, *, weighted: bool = False, **options: Any) -> Any:
    model = lab.solution.KMeans(len(case.start), init=case.start, tol=0.0, max_iter=1000, **options)
    return model.fit(case.X, sample_weight=case.weights) if weighted else model.fit(case.X)


def _centers(lab: Lab, cases: dict[str, Case]) -> Iterator[Check]:
    def returns_itself() -> bool:
        model = lab.solution.KMeans(2)
        return bool(model.fit(cases["two groups"].X) == model)

    yield Check(
        "KMeans.fit returns the estimator",
        returns_itself,
        equals=True,
        why="Pipelines and chains of calls depend on it.",
        hint=("End fit with: return self",),
    )

    def centers(weighted: bool) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            return worst(
                (
                    difference(
                        np.asarray(_fit(lab, case, weighted=weighted).cluster_centers_) - case.shift,
                        kmeans_oracle(case, weighted=weighted).cluster_centers_,
                        call=f"KMeans({len(case.start)}, init=start, tol=0).fit(X"
                        f"{', sample_weight=weights' if weighted else ''}).cluster_centers_ - {case.shift:g}",
                        inputs={"X": case.X, "start": case.start, "weights": case.weights},
                    )
                    for case in cases.values()
                ),
                CLOSE,
            )

        return measure

    yield Check(
        "centres from a given start",
        centers(False),
        at_most=CLOSE,
        why="From one start, with nothing left to chance, the descent has one end.",
        hint=("Assign each row to the nearest centre, then move each centre to the mean of its rows.",
              "With tol=0 go on until no row changes sides.",
              "At 10⁸ the formula ‖x‖² - 2x·c + ‖c‖² has no digits left: subtract the column means first."),
    )  # fmt: skip
    yield Check(
        "centres with weights",
        centers(True),
        at_most=CLOSE,
        why="A row of weight 2 stands for two customers.",
        hint=("The centre is the weighted mean; the nearest centre does not depend on weights.",),
    )

    def absent() -> Measurement:
        case = cases["five that overlap"]
        start = case.start.copy()
        start[0] += 100.0
        rows = np.vstack([case.X, start[:1] + 1.0])
        weights = np.append(case.weights, 0.0)
        got, expected = (
            lab.solution.KMeans(5, init=start, tol=0.0, max_iter=1000).fit(rows[:n], sample_weight=weights[:n])
            for n in (len(rows), len(case.X))
        )
        return difference(np.asarray(got.cluster_centers_), np.asarray(expected.cluster_centers_),
                          call="KMeans(5, init=start, tol=0).fit(X and a far row, weights and 0).cluster_centers_",
                          inputs={"X": rows, "weights": weights, "start": start})  # fmt: skip

    yield Check(
        "a row of weight 0 is not there",
        absent,
        at_most=CLOSE,
        why="Nobody's row holds no centre: one that has no other rows is empty.",
        hint=("Leave such rows out before the descent; they have labels all the same.",),
    )

    def early() -> Measurement:
        case = cases["five that overlap"]
        ends = []
        for scale, tol in ((1.0, 0.02), (1.0, 0.002), (100.0, 0.02), (0.01, 0.002)):
            peer = KMeansOfPeer(5, init=scale * case.start, n_init=1, tol=tol, max_iter=1000).fit(scale * case.X)
            ours = lab.solution.KMeans(5, init=scale * case.start, tol=tol, max_iter=1000).fit(scale * case.X)
            ends.append(
                difference(
                    np.asarray(ours.cluster_centers_) / scale, peer.cluster_centers_ / scale,
                    call=f"KMeans(5, init=start, tol={tol}).fit(X).cluster_centers_, both times {scale:g}",
                    inputs={"X": case.X, "start": case.start},
                )
            )  # fmt: skip
        return worst(ends, CLOSE)

    yield Check(
        "tol is a share of the variance",
        early,
        at_most=CLOSE,
        why="A descent in euros and one in cents are the same descent, and should end at the same step.",
        hint=("Stop when the squared moves of all centres add up to tol times the mean of X.var(axis=0), or less.",),
    )


def _labels_and_inertia(lab: Lab, cases: dict[str, Case]) -> Iterator[Check]:
    def labels() -> Measurement:
        return worst(
            (
                difference(
                    np.asarray(_fit(lab, case).labels_), kmeans_oracle(case).labels_,
                    call=f"KMeans({len(case.start)}, init=start, tol=0).fit(X).labels_",
                    inputs={"X": case.X, "start": case.start},
                )
                for case in cases.values()
            ),
            0.0,
        )  # fmt: skip

    yield Check(
        "labels from a given start",
        labels,
        equals=0,
        why="labels_ are the nearest of the final centres, numbered as these are.",
        hint=("Assign once more after the last move.",),
    )

    def inertia() -> Measurement:
        return worst(
            (
                difference(
                    _fit(lab, case, weighted=w).inertia_, kmeans_oracle(case, weighted=w).inertia_, relative=True,
                    call=f"KMeans({len(case.start)}, init=start, tol=0).fit(X{', weights' if w else ''}).inertia_",
                    inputs={"X": case.X, "start": case.start, "weights": case.weights},
                )
                for case in cases.values() if not case.shift
                for w in (False, True)
            ),
            PARITY,
        )  # fmt: skip

    yield Check(
        "inertia equals scikit-learn's",
        inertia,
        at_most=PARITY,
        why="The sum of squared distances is what k-means promises to make small.",
        hint=("Σ wᵢ · ‖xᵢ - c‖² with the nearest final centre: a sum, not a mean, and not the root.",),
    )


def _use(lab: Lab, case: Case) -> Iterator[Check]:
    new = case.X[::3] * 1.1 + 0.1

    def predict() -> Measurement:
        model = _fit(lab, case)
        expected = np.argmin(cdist(new, np.asarray(model.cluster_centers_)), axis=1)
        return difference(np.asarray(model.predict(new)), expected, call="KMeans(5, init=start).fit(X).predict(new)",
                          inputs={"X": case.X, "start": case.start, "new": new})  # fmt: skip

    yield Check(
        "predict takes the nearest centre",
        predict,
        equals=0,
        why="A new customer is put where the distance is smallest.",
        hint=("np.argmin over the distances to cluster_centers_.",),
    )

    def transform() -> Measurement:
        model = _fit(lab, case)
        expected = cdist(new, np.asarray(model.cluster_centers_))
        return difference(model.transform(new), expected, call="KMeans(5, init=start).fit(X).transform(new)",
                          inputs={"X": case.X, "start": case.start, "new": new})  # fmt: skip

    yield Check(
        "transform gives distances",
        transform,
        at_most=1e-6,
        why="They are in the units of X, so they are not squared.",
        hint=("Shape (n, k): a column a centre.",),
    )

    def score() -> Measurement:
        weights = case.weights[::3]
        model = _fit(lab, case)
        expected = -float(weights @ cdist(new, np.asarray(model.cluster_centers_), "sqeuclidean").min(axis=1))
        return difference(model.score(new, sample_weight=weights), expected, relative=True,
                          call="KMeans(5, init=start).fit(X).score(new, sample_weight=weights)",
                          inputs={"X": case.X, "start": case.start, "new": new, "weights": weights})  # fmt: skip

    yield Check(
        "score is minus the inertia",
        score,
        at_most=PARITY,
        why="Search tools maximise, so a loss is given back with its sign turned.",
        hint=("Weights count here too.",),
    )


def _edges(lab: Lab, case: Case) -> Iterator[Check]:
    far = case.start.copy()
    far[0] += 1e4

    def refills() -> float:
        model = lab.solution.KMeans(5, init=far, max_iter=1000).fit(case.X)
        centers = np.asarray(model.cluster_centers_)
        return float(len(np.unique(np.asarray(model.labels_)))) if np.isfinite(centers).all() else 0.0

    yield Check(
        "an empty cluster is filled again",
        refills,
        equals=5,
        why="A centre without rows has no mean; left alone it turns into NaN or into a segment of nobody.",
        hint=("Move it to the row that is farthest from its own centre.",),
    )

    def duplicates() -> Measurement:
        rows = np.repeat(np.array([[0.0, 1.0], [2.0, 3.0], [5.0, 5.0]]), 4, axis=0)
        told, inertia, finite = lab.solution.apply(_too_few, rows)
        return Measurement(float(told and finite and abs(inertia) < 1e-9), call="KMeans(5).fit(three different rows)",
                           got=f"warned {told}, inertia {inertia:g}, finite centres {finite}",
                           expected="warned True, inertia 0, finite centres True")  # fmt: skip

    yield Check(
        "fewer different rows than clusters",
        duplicates,
        equals=True,
        why="The fit cannot give what was asked, so it says so and stays finite.",
        hint=("warnings.warn(..., ConvergenceWarning) when fewer labels are used than clusters were asked for.",
              "k-means++ divides by the sum of squared distances: here it becomes 0."),
    )  # fmt: skip

    def confesses() -> Measurement:
        got = lab.solution.apply(confession, "KMeans", case.X, {"n_clusters": 5, "init": case.start, "tol": 0.0})
        return Measurement(float(got == [False, 1, True, True, False]), got=str(got),
                           expected="[False, 1, True, True, False]",
                           call="KMeans: converged_, n_iter_, warned with max_iter=1; same with 5000")  # fmt: skip

    yield Check(
        "KMeans says when it did not converge",
        confesses,
        equals=True,
        why="Centres of an unfinished descent look like any others.",
        hint=(
            "One iteration is one assignment and one move of the centres.",
            "warnings.warn(..., ConvergenceWarning) where max_iter ended it.",
        ),
    )

    yield Check(
        "fit leaves X alone",
        lambda: lab.solution.apply(_untouched, case.X),
        equals=True,
        why="Whoever centres in place changes the caller's data.",
        hint=("X = X - mean makes a new array, X -= mean does not.",),
    )


def _too_few(solution: Any, rows: NDArray[np.float64]) -> tuple[bool, float, bool]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = solution.KMeans(5, random_state=0).fit(rows)
    told = any(issubclass(one.category, UserWarning) for one in caught)  # ConvergenceWarning is one; 0 / 0 is not
    return told, float(model.inertia_), bool(np.isfinite(model.cluster_centers_).all())


def confession(solution: Any, name: str, X: NDArray[np.float64], options: dict[str, Any]) -> list[Any]:
    """What a fit of one iteration says of itself, whether it warned, and the same of a long one."""
    said: list[Any] = []
    for most in (1, 5000):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = getattr(solution, name)(**{**options, "max_iter": most}).fit(X)
        told = any(issubclass(one.category, UserWarning) for one in caught)
        said += [bool(model.converged_), *([int(model.n_iter_)] if most == 1 else []), told]
    return said


def _untouched(solution: Any, X: NDArray[np.float64]) -> bool:
    mine = np.array(X)
    solution.KMeans(3, random_state=0).fit(mine)
    return bool((mine == X).all())


def _bounds(lab: Lab) -> Iterator[Check]:
    X = np.vstack([blobs(lab.rng, 16, 40), lab.rng.uniform(-10.0, 70.0, (200, 2))])
    start = X[np.sort(lab.rng.choice(len(X), size=16, replace=False))]

    def fitted(algorithm: str) -> Any:
        return lab.solution.KMeans(16, init=start, tol=0.0, algorithm=algorithm, max_iter=1000).fit(X)

    yield Check(
        "bounds change nothing",
        lambda: difference(
            np.asarray(fitted("hamerly").cluster_centers_), np.asarray(fitted("lloyd").cluster_centers_),
            call='KMeans(16, init=start, tol=0, algorithm="hamerly").fit(X).cluster_centers_',
            inputs={"X": X, "start": start},
        ),
        at_most=1e-6,
        why="A bound may only save work: where it does not settle a row, the distance is computed.",
        hint=("When centres move, upper grows by the move of the row's own centre, lower falls by the largest move of "
              "another.",
              "A row is settled when upper < max(lower, half the distance from its centre to the nearest other)."),
    )  # fmt: skip

    def share() -> float:
        model = fitted("hamerly")
        return float(model.n_distances_) / (len(X) * 16 * int(model.n_iter_))

    yield Check(
        "bounds save distances",
        share,
        between=(0.001, 0.6),
        why="Late in a descent hardly a row changes sides, and the triangle inequality knows which cannot.",
        hint=("First make upper exact by one distance; only rows that are still in doubt need all k.",
              "Count both kinds in n_distances_."),
    )  # fmt: skip
