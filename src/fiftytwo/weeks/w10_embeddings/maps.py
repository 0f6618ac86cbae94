"""Checks of whole maps: their divergence beside scikit-learn's, what they report, and what they survive."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from sklearn.manifold import TSNE as SklearnTSNE
from sklearn.manifold import trustworthiness

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w10_embeddings.affinities import oracle
from fiftytwo.weeks.w10_embeddings.objective import divergence

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Floats = NDArray[np.float64]

ROWS, ITERATIONS = 200, 600  # of digits; the slowest loops in NumPy take seconds for these
WITHIN = 1.05  # of scikit-learn's divergence
NEARLY = 1.10  # where p is kept for the neighbours alone: scikit-learn's own approximation needs half of that
_MANY = 3_000  # rows, all pairs of which would fill 72 MB


class Beside:
    """Maps of a few digits: the learner's, each drawn once, and scikit-learn's."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.X = np.asarray(lab.data("digits").data[:ROWS], dtype=float)
        self.mine = cache(self._mine)

    def _mine(self, perplexity: float, method: str, init: str = "pca", seed: int = 0) -> tuple[Any, Any]:
        """Map and reported divergence."""
        model = self.lab.solution.TSNE(
            perplexity=perplexity, method=method, init=init, max_iter=ITERATIONS, random_state=seed
        ).fit(self.X)
        return model.embedding_, model.kl_divergence_

    def P(self, perplexity: float) -> Floats:
        """The true joint probabilities."""
        return _truth(self.X.tobytes(), perplexity)[0]

    def ratio(self, perplexity: float, method: str, bound: float = WITHIN) -> Measurement:
        """The divergence of the learner's map over scikit-learn's; an unlucky start has two more tries."""
        P, peer = _truth(self.X.tobytes(), perplexity)
        for seed, init in enumerate(("pca", "random", "random")):
            Y, _ = self.mine(perplexity, method, init, seed)
            call = f'TSNE(perplexity={perplexity:g}, method="{method}", max_iter={ITERATIONS}).fit(X).embedding_'
            shape = difference(Y, np.zeros((ROWS, 2)), call=call)
            if shape.gate:
                return shape
            if not np.isfinite(np.asarray(Y)).all():
                return Measurement(float("inf"), call=call, got="not finite", expected="numbers", inputs={"X": self.X})
            mine = divergence(P, np.asarray(Y, dtype=float))
            if mine <= bound * peer:
                break
        return Measurement(mine / peer, call="KL of " + call, got=mine, expected=peer, inputs={"X": self.X})


@cache
def _truth(rows: bytes, perplexity: float) -> tuple[Floats, float]:
    """Joint probabilities and the divergence of scikit-learn's map: nothing of the learner's, so once a process."""
    X = np.frombuffer(rows).reshape(ROWS, -1)
    P = oracle(X, perplexity)
    model = SklearnTSNE(perplexity=perplexity, method="exact", init="pca", max_iter=ITERATIONS, random_state=0)
    return P, divergence(P, model.fit_transform(X).astype(float))


def maps(lab: Lab) -> Iterator[Check]:
    """The descent first, then the approximation, then awkward input."""
    beside = Beside(lab)
    yield Check(
        "starts where it is told",
        lambda: _first_step(lab, beside.X),
        at_most=1e-3,
        why="A map that can be continued or begun from another one can be compared with it.",
        hint=("init may be an array of shape (n, c): first positions, used as they are.",),
    )
    yield Check(
        "divergence beside scikit-learn's",
        lambda: worst((beside.ratio(perplexity, "exact") for perplexity in (30.0, 8.0)), WITHIN),
        at_most=WITHIN,
        unit="times",
        why="A descent is only as good as where it ends.",
        hint=("Momentum 0.5 while P is exaggerated, 0.8 afterwards.",
              "Multiply P by 12 for the first 250 iterations, and by nothing after them.",
              "Learning rate n / 48, at least 50; gains + 0.2 where the step keeps its sign, × 0.8 where it turns."),
    )  # fmt: skip
    yield Check(
        "reports its divergence",
        lambda: _reported(beside),
        at_most=0.01,
        why="The number that says which of two maps to keep has to be that of the map, not that of the exaggerated P.",
        hint=("kl_divergence_ belongs to embedding_ and to the plain P: compute it once more at the end.",),
    )
    yield Check(
        "approximation beside scikit-learn's exact map",
        lambda: beside.ratio(30.0, "fft", NEARLY),
        at_most=NEARLY,
        unit="times",
        why="Many rows are only possible with an approximation, and only worth it when the map is as good.",
        hint=("Keep p for the 3 · perplexity nearest neighbours: the pull is a sum over these.",
              "The push: Barnes and Hut's tree, or a grid and the fast Fourier transform.",
              "The normaliser sums over all pairs i ≠ j; take out what each point adds by itself."),
    )  # fmt: skip
    yield Check(
        "neighbours in the map are neighbours",
        lambda: Measurement(
            float(trustworthiness(beside.X, np.asarray(beside.mine(30.0, "exact")[0]), n_neighbors=7)),
            call='trustworthiness(X, TSNE(perplexity=30, method="exact").fit(X).embedding_)', inputs={"X": beside.X},
        ),
        at_least=0.96,
        why="That is what such a map promises, and all that it promises.",
        hint=("Look at the checks of the divergence first.",),
    )  # fmt: skip
    yield Check(
        "same seed, same map",
        lambda: _repeated(lab, beside.X[:60]),
        at_most=1e-9,
        why="A map that cannot be drawn again cannot be discussed.",
        hint=("Draw from np.random.default_rng(random_state) or check_random_state(random_state) alone.",),
    )
    yield Check(
        "never all pairs at once",
        lambda: _memory(lab),
        at_most=0.5,
        unit="of an n × n matrix",
        why="Ten times the rows are a hundred times the pairs.",
        hint=('With method="fft", build no array of shape (n, n): neighbours, tree or grid only.',),
    )
    yield from _awkward(lab)


def _first_step(lab: Lab, X: Floats) -> Measurement:
    X = X[:60]
    start = lab.rng.normal(0.0, 10.0, (60, 2))
    model = lab.solution.TSNE(perplexity=5, init=start, learning_rate=1e-6, max_iter=1, method="exact").fit(X)
    call = "pdist(TSNE(perplexity=5, init=Y, learning_rate=1e-6, max_iter=1).fit(X).embedding_)"
    Y = model.embedding_
    shape = difference(Y, start, call=call)
    if shape.gate:
        return shape
    return difference(
        pdist(np.asarray(Y, dtype=float)), pdist(start), relative=True, call=call, inputs={"X": X, "Y": start}
    )


def _reported(beside: Beside) -> Measurement:
    Y, reported = beside.mine(30.0, "exact")
    return difference(
        reported, divergence(beside.P(30.0), np.asarray(Y, dtype=float)), relative=True,
        call='TSNE(perplexity=30, method="exact").fit(X).kl_divergence_', inputs={"X": beside.X},
    )  # fmt: skip


def _repeated(lab: Lab, X: Floats) -> Measurement:
    def once(seed: int) -> Any:
        model = lab.solution.TSNE(perplexity=5, init="random", max_iter=30, method="exact", random_state=seed)
        return model.fit_transform(X)

    first, again, other = once(3), once(3), once(4)
    call = 'TSNE(perplexity=5, init="random", random_state=3).fit_transform(X), twice'
    found = difference(again, np.asarray(first), call=call, inputs={"X": X})
    if not found.gate and np.array_equal(np.asarray(first), np.asarray(other)):
        return Measurement(float("inf"), call=call, got="the same map for another seed", expected="another map")
    return found


def _memory(lab: Lab) -> Measurement:
    X = lab.rng.standard_normal((_MANY, 4))
    share = float(lab.solution.apply(_peak, X)) / (8.0 * _MANY**2)
    return Measurement(
        share, call='TSNE(perplexity=10, method="fft", max_iter=3).fit(X)', inputs={"X": X},
        got="all pairs" if share > 0.5 else "less than half of all pairs", expected="less than half of all pairs",
    )  # fmt: skip


def _peak(solution: Any, X: Floats) -> int:
    """The most memory that NumPy held during a fit, in bytes."""
    options: dict[str, Any] = {"perplexity": 10, "method": "fft", "max_iter": 3, "random_state": 0}
    solution.TSNE(**options).fit(X[:100])
    tracemalloc.start()
    try:
        solution.TSNE(**options).fit(X)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _awkward(lab: Lab) -> Iterator[Check]:
    rng = lab.rng
    copies = rng.standard_normal((60, 3))
    copies[:25] = copies[0]
    cases = {"copies of a row": copies, "equal rows": np.full((40, 3), 7.0), "one column": rng.random((40, 1)),
             "far from zero": 1e6 + rng.standard_normal((40, 3))}  # fmt: skip

    def survives(name: str) -> Measurement:
        Y = lab.solution.TSNE(perplexity=5, max_iter=60, random_state=0).fit_transform(cases[name])
        good = isinstance(Y, np.ndarray) and Y.shape == (len(cases[name]), 2) and bool(np.isfinite(Y).all())
        return Measurement(
            float(good), call=f"TSNE(perplexity=5).fit_transform({name})", inputs={"X": cases[name]},
            got=Y if not good else "a finite map", expected="a finite map",
        )  # fmt: skip

    yield Check(
        "copies, equal rows, one column, far from zero",
        lambda: first_unclear(survives(name) for name in cases),
        equals=True,
        why="A map is drawn of what there is, before anybody knows what there is.",
        hint=("Where principal components have no spread, draw small first positions.",
              "Divide by a spread only where it is above 0."),
    )  # fmt: skip

    def few() -> Measurement:
        X = rng.standard_normal((20, 3))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that it is lowered is what is wanted
                Y = lab.solution.TSNE(perplexity=30, max_iter=60, random_state=0).fit_transform(X)
        except NotImplementedError:
            raise
        except Exception as error:
            if getattr(error, "ends_the_process", False):
                raise

            def again(error: Exception = error) -> None:
                raise error

            return refusal(again, call="TSNE(perplexity=30).fit(20 rows)", mentions=("perplexity",), inputs={"X": X})
        good = isinstance(Y, np.ndarray) and Y.shape == (20, 2) and bool(np.isfinite(Y).all())
        return Measurement(
            float(good), call="TSNE(perplexity=30).fit(20 rows)", inputs={"X": X}, got=Y,
            expected="a map with a lower perplexity, or a ValueError that mentions perplexity",
        )  # fmt: skip

    yield Check(
        "fewer rows than the perplexity asks for",
        few,
        equals=True,
        why="Thirty neighbours among nineteen others: no bandwidth fits, and a search for one may never end.",
        hint=("Lower the perplexity to (n - 1) / 3 and warn, or refuse with a message that names it.",),
    )
