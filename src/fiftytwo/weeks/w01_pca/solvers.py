"""Checks of the three solvers, of the rule that picks one, and of streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w01_pca.cases import EXACT, oracle, worst

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def solvers(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    """Each solver, the rule between them, and what sets them apart."""
    for solver in ("svd", "covariance", "randomized"):

        def measure(solver: str = solver) -> Measurement:
            def one(X: NDArray[np.float64], name: str) -> Measurement:
                pca = lab.solution.PCA(2, solver=solver, random_state=0).fit(X)
                return difference(getattr(pca, name), getattr(oracle(X, 2), name), inputs={"X": X},
                                  call=f"PCA(2, solver={solver!r}, random_state=0).fit(X).{name}")  # fmt: skip

            names = ("components_", "explained_variance_", "explained_variance_ratio_", "mean_")
            if solver != "randomized":  # whose neighbours in a slow spectrum are approximate
                slow = lab.rng.standard_normal((60, 40)) * np.geomspace(1.0, 0.5, 40)
                return worst(one(X, name) for X in (cases["tall"], cases["wide"], slow) for name in names)
            return worst(
                one(X, name) for X in (cases["tall"], cases["wide"], cases["rank-deficient"]) for name in names
            )

        yield Check(f"solver {solver}", measure, at_most=EXACT,
                    why="Three ways, one answer: only time and accuracy differ.",
                    hint=("Each solver yields variances and directions; the rest of fit is shared.",
                          "covariance: eigh of the centred Gram matrix over n - 1. randomized: svd of Q.T @ A.",
                          "Halko, Martinsson and Tropp, algorithms 4.4 and 5.1"))  # fmt: skip

    def chosen() -> Measurement:
        right = 0
        for X, k, expected in _rule(cases, lab.rng):
            got = lab.solution.PCA(k, random_state=0).fit(X).solver_
            if got != expected:
                call = f"PCA({k}, random_state=0).fit(X).solver_"
                return Measurement(right, call=call, got=str(got), expected=expected, inputs={"X": X})
            right += 1
        return Measurement(right)

    yield Check("auto picks by shape", chosen, equals=13,
                why="n ≫ d makes the covariance cheap, a few components of a big matrix make the projection cheap.",
                hint=("The rule stands in the docstring of PCA, with its limits.",
                      "The kept variance that decides for svd is the smallest one you would keep."))  # fmt: skip

    def repeatable() -> Measurement:
        X = lab.rng.standard_normal((60, 40))
        first, second = (lab.solution.PCA(3, solver="randomized", random_state=7).fit(X).components_ for _ in range(2))
        return difference(first, second, inputs={"X": X},
                          call="PCA(3, solver='randomized', random_state=7).fit(X).components_")  # fmt: skip

    yield Check("random_state repeats", repeatable, at_most=0.0, why="The same seed gives the same bits.",
                hint=("Draw from check_random_state(random_state), never from np.random itself.",))  # fmt: skip

    def close() -> Measurement:
        X = lab.rng.standard_normal((300, 200)) * np.geomspace(1.0, 0.3, 200)
        exact = oracle(X, 5).explained_variance_
        found = [
            difference(
                lab.solution.PCA(5, solver="randomized", random_state=seed).fit(X).explained_variance_,
                exact,
                relative=True,
                inputs={"X": X},
                call=f"PCA(5, solver='randomized', random_state={seed}).fit(X).explained_variance_",
            )
            for seed in range(5)
        ]
        largest = max(found, key=lambda one: (bool(one.gate), one.value))
        return replace(largest, value=float(np.mean([one.value for one in found])), where="")

    yield Check("randomized on a slow spectrum", close, at_most=1e-2,
                why="Power iterations separate directions whose variances lie close together; five seeds, on average.",
                hint=("Multiply by A and by A.T a few times, with a QR step after each.",
                "Ask for ten columns more than you keep."))  # fmt: skip

    def never_negative() -> Measurement:
        pca = lab.solution.PCA(solver="covariance").fit(cases["rank-deficient"])
        lowest = min(
            float(np.min(pca.explained_variance_)), float(np.min(np.nan_to_num(pca.singular_values_, nan=-1.0)))
        )
        return Measurement(lowest, call="PCA(solver='covariance').fit(X).explained_variance_.min()",
                           inputs={"X": cases["rank-deficient"]})  # fmt: skip

    yield Check("no variance below zero", never_negative, at_least=0.0,
                why="Rounding makes tiny eigenvalues negative, and the square root of one is NaN.",
                hint=("Cut eigenvalues off at 0 before you take roots.",))  # fmt: skip

    def far_from_zero() -> Measurement:
        X = cases["long"]
        shifted = X + 1e6
        return difference(lab.solution.PCA().fit(shifted).explained_variance_, oracle(shifted).explained_variance_,
                          call="PCA().fit(X).explained_variance_", inputs={"X": shifted})  # fmt: skip

    yield Check("far from zero", far_from_zero, at_most=1e-6,
                why="Centre first, multiply then: the other way round, the digits cancel.",
                hint=("X.T @ X - n * outer(mean, mean) subtracts two huge numbers.",
                "(X - mean).T @ (X - mean)"))  # fmt: skip


def _rule(
    cases: Mapping[str, NDArray[np.float64]], rng: np.random.Generator
) -> list[tuple[NDArray[np.float64], float | None, str]]:
    """Data, number of components, and the solver that auto picks for them."""
    long = cases["long"]
    deficient = np.repeat(cases["rank-deficient"], 3, axis=0)
    nearly = long * [1.0, 1.0, 1.0, 1.0, 2e-6]
    big = rng.standard_normal((1010, 3)) @ rng.standard_normal((3, 1001)) + 0.01 * rng.standard_normal((1010, 1001))
    return [
        (long, None, "covariance"),
        (long[:50], 2, "covariance"),
        (long[:49], None, "svd"),
        (cases["wide"], 2, "svd"),
        (deficient, None, "svd"),
        (deficient, 3, "covariance"),
        (deficient, 0.5, "covariance"),
        (nearly, None, "svd"),
        (nearly, 4, "covariance"),
        (nearly, 0.9999999999, "covariance"),
        (big[:1000, :1000], 3, "randomized"),
        (big, 3, "randomized"),
        (big[:, :101], 101, "covariance"),
    ]


def streams(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    """Blocks of any size against the whole."""
    X = cases["long"] + 1e3

    def streamed() -> Measurement:
        exact = oracle(X, 3)
        pca = lab.solution.PCA(3)
        for block in (X[:7], X[7:8], X[8:50], X[50:]):
            pca.partial_fit(block)
        call = "[p.partial_fit(b) for p in [PCA(3)] for b in (X[:7], X[7:8], X[8:50], X[50:])][-1]"
        names = (
            "mean_",
            "components_",
            "explained_variance_",
            "explained_variance_ratio_",
            "singular_values_",
            "n_samples_",
        )
        expected = {name: getattr(exact, name) for name in names}
        return worst(
            difference(getattr(pca, name), expected[name], call=f"{call}.{name}", inputs={"X": X}) for name in names
        )

    yield Check("a stream equals the whole", streamed, at_most=EXACT,
                why="Blocks of any size, even of one row, add up to the result of all rows at once.",
                hint=("Two scatter matrices add up once the distance between their means is made good.",
                      "S = S_a + S_b + outer(δ, δ) · n_a n_b / (n_a + n_b), with δ = mean_b - mean_a"))  # fmt: skip

    def every_direction() -> Measurement:
        pca = lab.solution.PCA().partial_fit(X[:3])
        early = pca.n_components_
        call = "PCA().partial_fit(X[:3]).n_components_"
        later = "PCA().partial_fit(X[:3]).partial_fit(X[3:])"
        pca.partial_fit(X[3:])
        return worst((
            difference(early, 3, call=call, inputs={"X": X}),
            difference(pca.explained_variance_, oracle(X).explained_variance_, call=later, inputs={"X": X}),
        ))  # fmt: skip

    yield Check("a stream that grows", every_direction, at_most=EXACT,
                why="With n_components=None there are as many components as rows and columns allow so far.",
                hint=("min(n, d) changes while n grows.",))  # fmt: skip

    def anew() -> Measurement:
        pca = lab.solution.PCA(2).partial_fit(X[:30])
        pca.fit(X[30:])
        got = pca.partial_fit(X[:40]).mean_
        return difference(got, X[:40].mean(axis=0), inputs={"X": X},
                          call="PCA(2).partial_fit(X[:30]).fit(X[30:]).partial_fit(X[:40]).mean_")  # fmt: skip

    yield Check("fit ends a stream", anew, at_most=EXACT,
    why="fit forgets what came before, as everywhere in scikit-learn.",
                hint=("Drop the stream's state in fit.",))  # fmt: skip

    def many_blocks() -> Measurement:
        data = lab.rng.standard_normal((5000, 3)) * [3.0, 2.0, 1.0]
        got = lab.solution.PCA(2).partial_fit(data).explained_variance_
        return difference(got, oracle(data, 2).explained_variance_, inputs={"X": data},
                          call="PCA(2).partial_fit(X).explained_variance_")  # fmt: skip

    yield Check("a long block", many_blocks, at_most=EXACT, why="Every row of a block counts, however long it is.",
                hint=("If you work in pieces, does the last one reach the end?",))  # fmt: skip
