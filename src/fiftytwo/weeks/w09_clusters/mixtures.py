"""Checks of Gaussian mixtures against scikit-learn and against what their docstring says."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w09_clusters.cases import Case, blobs, cases_of, mixture_oracle, mixture_start
from fiftytwo.weeks.w09_clusters.collapses import collapses
from fiftytwo.weeks.w09_clusters.kmeans import confession

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

CLOSE = 1e-4  # EM creeps at its end: two that stop at 1e-9 of likelihood differ by more than that in parameters
PARITY = 1e-8
KINDS = ("full", "tied", "diag", "spherical")
_HINTS = {
    "full": "Of component k: Σᵢ rᵢₖ (xᵢ - μₖ)(xᵢ - μₖ)ᵀ / Σᵢ rᵢₖ, with the new mean.",
    "tied": "One for all: the sum over components of Σᵢ rᵢₖ (xᵢ - μₖ)(xᵢ - μₖ)ᵀ, divided by n.",
    "diag": "The diagonal of the full covariance; compute no more than that.",
    "spherical": "One number a component: the mean of the diagonal.",
}


def mixtures(lab: Lab) -> Iterator[Check]:
    """From given parameters, the criteria, far rows, collapse."""
    cases = cases_of(lab.rng)
    plain = [cases["two groups"], cases["five that overlap"]]
    yield from _from_a_start(lab, plain)
    yield from _use(lab, cases["two groups"])
    yield from _far_and_drawn(lab, cases["two groups"])
    yield from _criteria(lab, cases["five that overlap"])
    yield from _own_start(lab, cases)
    yield from collapses(lab)


def _fit(lab: Lab, case: Case, kind: str, **options: Any) -> Any:
    return lab.solution.GaussianMixture(len(case.start), **{**mixture_start(case, kind), **options}).fit(case.X)


def _from_a_start(lab: Lab, cases: list[Case]) -> Iterator[Check]:
    def returns_itself() -> bool:
        model = lab.solution.GaussianMixture(2)
        return bool(model.fit(cases[0].X) == model)

    yield Check(
        "GaussianMixture.fit returns the estimator",
        returns_itself,
        equals=True,
        why="Pipelines and chains of calls depend on it.",
        hint=("End fit with: return self",),
    )

    def attribute(name: str, kind: str, bound: float) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            return worst(
                (
                    difference(
                        np.asarray(getattr(_fit(lab, case, kind), name)), getattr(mixture_oracle(case, kind), name),
                        call=f'GaussianMixture({len(case.start)}, covariance_type="{kind}", ..._init, tol=1e-9).fit(X).'
                        f"{name}",
                        inputs={"X": case.X, "start": case.start},
                    )
                    for case in cases
                ),
                bound,
            )  # fmt: skip

        return measure

    for kind in KINDS:
        yield Check(
            f"covariances, {kind}",
            attribute("covariances_", kind, CLOSE),
            at_most=CLOSE,
            why="From one start, EM has one end; its covariances are what sets a mixture apart from k-means.",
            hint=(_HINTS[kind], "Add reg_covar to the diagonal in every M step.",
                  "log N(x) = -½ (d log 2π + log det Σ + (x - μ)ᵀ Σ⁻¹ (x - μ)), by a Cholesky factor of Σ."),
        )  # fmt: skip
    yield Check(
        "means and shares",
        lambda: worst(
            (attribute(name, kind, CLOSE)() for kind in ("full", "tied") for name in ("means_", "weights_")), CLOSE
        ),
        at_most=CLOSE,
        why="A component's share is its mean responsibility; its mean is the rows weighted by theirs.",
        hint=("weights_ = responsibilities.sum(axis=0) / n.",),
    )

    def likelihood() -> Measurement:
        return worst(
            (
                difference(
                    _fit(lab, case, kind).score(case.X), float(mixture_oracle(case, kind).score(case.X)),
                    relative=True, inputs={"X": case.X, "start": case.start},
                    call=f'GaussianMixture({len(case.start)}, covariance_type="{kind}", ..._init, tol=1e-9).fit(X)'
                    ".score(X)",
                )
                for case in cases for kind in KINDS
            ),
            PARITY,
        )  # fmt: skip

    yield Check(
        "likelihood equals scikit-learn's",
        likelihood,
        at_most=PARITY,
        why="The likelihood is what EM makes large; here even its last digits agree.",
        hint=("score is the mean over rows of log Σₖ πₖ N(x | μₖ, Σₖ).",),
    )


def _use(lab: Lab, case: Case) -> Iterator[Check]:
    new = case.X[::2] * 1.2

    def fitted() -> Any:
        return _fit(lab, case, "full")

    def oracle() -> Any:
        return mixture_oracle(case, "full")

    def method(name: str) -> Callable[[], Measurement]:
        return lambda: difference(
            np.asarray(getattr(fitted(), name)(new)), getattr(oracle(), name)(new),
            call=f"GaussianMixture(2, ..._init, tol=1e-9).fit(X).{name}(new)", inputs={"X": case.X, "new": new},
        )  # fmt: skip

    yield Check(
        "score_samples",
        method("score_samples"),
        at_most=CLOSE * 10,
        why="A row that the mixture finds unlikely is a customer like no other.",
        hint=("scipy.special.logsumexp over log πₖ + log N(x | μₖ, Σₖ).",),
    )
    yield Check(
        "responsibilities",
        method("predict_proba"),
        at_most=CLOSE * 10,
        why="They say how sure the mixture is of each customer.",
        hint=("exp(log-density - logsumexp), a row at a time.",),
    )
    yield Check(
        "predict takes the most probable component",
        lambda: difference(
            np.asarray(fitted().predict(new)), np.argmax(np.asarray(fitted().predict_proba(new)), axis=1),
            call="GaussianMixture(2, ..._init).fit(X).predict(new)", inputs={"X": case.X, "new": new},
        ),
        equals=0,
        why="A label is the short form of the responsibilities.",
        hint=("np.argmax(..., axis=1)",),
    )  # fmt: skip


def _far_and_drawn(lab: Lab, case: Case) -> Iterator[Check]:
    def far() -> Measurement:
        rows = case.X[:4] + 1e3
        model = _fit(lab, case, "full")
        P, scores = np.asarray(model.predict_proba(rows)), np.asarray(model.score_samples(rows))
        got = np.concatenate([P.sum(axis=1), np.isfinite(scores).astype(float)])
        return difference(got, np.ones(8), inputs={"X": case.X, "rows": rows},
                          call="sums of predict_proba(rows), and whether score_samples(rows) is finite")  # fmt: skip

    yield Check(
        "rows far from everything",
        far,
        at_most=1e-9,
        why="There every density rounds to 0, and 0 / 0 is no probability; their logarithms still know the answer.",
        hint=("Never leave the logarithms before the responsibilities.",),
    )

    def drawn() -> Measurement:
        model = _fit(lab, case, "full", random_state=0)
        X, y = model.sample(20_000)
        X, y = np.asarray(X), np.asarray(y)
        one = len(np.asarray(model.sample()[0]))
        got = [float((y == 0).mean()), *X[y == 0].mean(axis=0), *np.cov(X[y == 0].T).ravel(), one]
        known = mixture_oracle(case, "full")
        expected = [known.weights_[0], *known.means_[0], *known.covariances_[0].ravel(), 1]
        return difference(np.array(got), np.array(expected), inputs={"X": case.X},
                          call="share, mean and covariance of component 0 in GaussianMixture(2, ...).fit(X)."
                          "sample(20_000), and rows of .sample()")  # fmt: skip

    yield Check(
        "samples look like the mixture",
        drawn,
        at_most=0.1,
        why="A model that can be drawn from can be looked at.",
        hint=("x = μ + L z with L Lᵀ = Σ and z standard normal; multinomial counts of the components.",),
    )


def _criteria(lab: Lab, case: Case) -> Iterator[Check]:
    def criterion(name: str) -> Callable[[], Measurement]:
        return lambda: worst(
            (
                difference(
                    getattr(_fit(lab, case, kind), name)(case.X),
                    float(getattr(mixture_oracle(case, kind), name)(case.X)),
                    call=f'GaussianMixture(5, covariance_type="{kind}", ..._init).fit(X).{name}(X)',
                    inputs={"X": case.X, "start": case.start},
                )
                for kind in KINDS
            ),
            0.01,
        )  # fmt: skip

    yield Check(
        "BIC",
        criterion("bic"),
        at_most=0.01,
        why="More components always fit better; BIC asks whether by enough.",
        hint=("-2 log L + p log n, with log L the sum over rows.",
              "p counts means k·d, shares k - 1, and covariances: k·d(d+1)/2, d(d+1)/2, k·d or k."),
    )  # fmt: skip
    yield Check(
        "AIC",
        criterion("aic"),
        at_most=0.01,
        why="It asks for less than BIC before it takes one component more.",
        hint=("-2 log L + 2 p.",),
    )

    yield Check(
        "lower_bound_ is the last likelihood",
        lambda: difference(
            _fit(lab, case, "full").lower_bound_, float(mixture_oracle(case, "full").lower_bound_), relative=True,
            call="GaussianMixture(5, ..._init, tol=1e-9).fit(X).lower_bound_",
            inputs={"X": case.X, "start": case.start},
        ),
        at_most=PARITY,
        why="Starts are compared by it, so it has to be that of the end.",
        hint=("The mean log-likelihood of a row in the last E step.",),
    )  # fmt: skip

    def rises() -> Measurement:
        bounds = np.asarray(_fit(lab, case, "full").lower_bounds_)
        got = float(np.min(np.diff(bounds), initial=0.0)) if len(bounds) > 1 else np.nan
        return Measurement(max(-got, 0.0), call="the largest fall in lower_bounds_", got=got, expected="none",
                           inputs={"X": case.X, "start": case.start})  # fmt: skip

    yield Check(
        "the likelihood never falls",
        rises,
        at_most=1e-7,
        why="It is the theorem behind EM, and the best test of an implementation that there is.",
        hint=("lower_bounds_ holds the mean log-likelihood of each E step.",),
    )

    def confesses() -> Measurement:
        options = {"n_components": len(case.start), **mixture_start(case, "full")}
        got = lab.solution.apply(confession, "GaussianMixture", case.X, options)
        return Measurement(float(got == [False, 1, True, True, False]), got=str(got),
                           expected="[False, 1, True, True, False]",
                           call="GaussianMixture: converged_, n_iter_, warned with max_iter=1; with 5000")  # fmt: skip

    yield Check(
        "GaussianMixture says when it did not converge",
        confesses,
        equals=True,
        why="Parameters of an unfinished fit look like any others.",
        hint=(
            "One iteration is an E step and an M step; converged when the bound changed by less than tol.",
            "warnings.warn(..., ConvergenceWarning) where max_iter ended it.",
        ),
    )


def _own_start(lab: Lab, cases: dict[str, Case]) -> Iterator[Check]:
    case, far = cases["five that overlap"], cases["far from zero"]

    def falls_short() -> float:
        peer = mixture_oracle(case, "full", weights_init=None, means_init=None, precisions_init=None, n_init=10,
                              tol=1e-4, random_state=0)  # fmt: skip
        ours = lab.solution.GaussianMixture(5, n_init=10, tol=1e-4, max_iter=500, random_state=0).fit(case.X)
        return float(peer.score(case.X)) - float(ours.score(case.X))

    yield Check(
        "its own starts are as good as scikit-learn's",
        falls_short,
        at_most=0.05,
        unit="nats a row",
        why="EM climbs the hill at whose foot it starts; from a good start that is a high one.",
        hint=("Start from the labels of k-means: shares, means and covariances of its clusters.",
              "Keep the start with the highest likelihood."),
    )  # fmt: skip

    groups = blobs(lab.rng, 9, 25)

    def found(way: str) -> float:
        """How far one step from each of several starts stays below the mixture that the groups were drawn from."""
        scores = lab.solution.apply(_after_one_step, groups, 9, way)
        return float(-np.log(18.0 * np.pi) - 1.0 - np.median(scores))

    yield Check(
        "one start from k-means, or by k-means++",
        lambda: worst((Measurement(found(way), call=f'GaussianMixture(9, init_params="{way}", max_iter=1).fit(X)')
                       for way in ("kmeans", "k-means++")), 0.5),
        at_most=0.5,
        unit="nats a row",
        why="Rows drawn at random leave some groups without a component, and EM seldom carries one across.",
        hint=("Each row belongs at first to the nearest mean, alone.",
              "KMeans(n_components, n_init=1).fit(X).cluster_centers_, or k-means++'s draws."),
    )  # fmt: skip

    def given() -> Measurement:
        means = groups.reshape(9, 25, 2).mean(axis=1)

        def one(**more: Any) -> Measurement:
            model = lab.solution.GaussianMixture(9, means_init=means + 0.5, tol=1e-6, random_state=0, **more)
            return difference(np.asarray(model.fit(groups).means_), means, inputs={"X": groups, "means": means, **more},
                              call="GaussianMixture(9, means_init=means + 0.5, tol=1e-6).fit(X).means_")  # fmt: skip

        return worst((one(), one(weights_init=np.full(9, 1.0 / 9.0))), 0.05)

    yield Check(
        "first means, alone and with shares",
        given,
        at_most=0.05,
        why="Whoever knows about where the groups are need not know how wide they are.",
        hint=("Shares and covariances come from its own start, the means are replaced.",),
    )

    def shifted() -> Measurement:
        near = Case(far.X - far.shift + 1e6, far.weights, far.start - far.shift + 1e6)
        home = Case(far.X - far.shift, far.weights, far.start - far.shift)
        return difference(
            np.asarray(_fit(lab, near, "full", tol=1e-6).covariances_),
            mixture_oracle(home, "full", tol=1e-6).covariances_,
            call="GaussianMixture(4, ..._init).fit(X + 1e6).covariances_", inputs={"X": near.X, "start": near.start},
        )  # fmt: skip

    yield Check(
        "covariances of data far from zero",
        shifted,
        at_most=0.01,
        why="The spread of a column does not depend on where its zero is.",
        hint=("Σ r x xᵀ / N - μ μᵀ subtracts two large numbers; sum r (x - μ)(x - μ)ᵀ instead.",),
    )


def _after_one_step(solution: Any, X: NDArray[np.float64], k: int, way: str) -> list[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one step is not enough, and the fit says so
        models = [solution.GaussianMixture(k, init_params=way, max_iter=1, random_state=seed) for seed in range(9)]
        return [float(model.fit(X).score(X)) for model in models]
