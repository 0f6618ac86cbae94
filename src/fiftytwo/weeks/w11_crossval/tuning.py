"""Checks of nested_cross_validate, compare_models and ablate: brute force, definitions, and promises kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn.model_selection as peer
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w11_crossval.models import ColumnRule
from fiftytwo.weeks.w11_crossval.probes import compared, nested
from fiftytwo.weeks.w11_crossval.running import EXACT, table

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

FIELDS = ("mean", "standard_error", "low", "high", "t", "p", "p_adjusted")
GRID = {"n_neighbors": [1, 3, 9, 15]}


def tuning(lab: Lab) -> Iterator[Check]:
    """Nested cross-validation against a loop over scikit-learn's grid search."""
    yield from _nested_scores(lab)
    yield from _nested_manners(lab)


def _clear_search(rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any], list[Any], list[Any]]:
    """A table, outer splits and their grid searches, none of which is decided by rounding."""
    while True:
        X, y = table(rng, 90)
        outer = list(peer.StratifiedKFold(4).split(X, y))
        searches = [
            peer.GridSearchCV(KNeighborsClassifier(), GRID, cv=peer.KFold(3)).fit(X[train], y[train])
            for train, _ in outer
        ]
        means = np.sort([search.cv_results_["mean_test_score"] for search in searches], axis=1)
        if (means[:, -1] - means[:, -2] > 1e-6).all():
            return X, y, outer, searches


def _nested_scores(lab: Lab) -> Iterator[Check]:
    X, y, outer, searches = _clear_search(lab.rng)
    call = "nested_cross_validate(KNeighborsClassifier(), grid, X, y, outer=splits, inner=KFold(3))"

    def found() -> dict[str, Any]:
        options = {"outer": outer, "inner": peer.KFold(3)}
        return dict(lab.solution.apply(nested, KNeighborsClassifier(), GRID, X, y, options))

    def scores() -> Measurement:
        expected = np.array([s.score(X[test], y[test]) for s, (_, test) in zip(searches, outer, strict=True)])
        return difference(found()["scores"], expected, call=f"{call}.scores", inputs={"X": X, "y": y})

    yield Check(
        "nested scores",
        scores,
        at_most=EXACT,
        why="Tuning is part of the fit, so it is done anew inside every outer training part.",
        hint=("For each outer split: choose by inner cross-validation on its training rows alone.",
              "Then score the chosen configuration, fitted on all of them, on the outer test rows."),
    )  # fmt: skip

    def chosen() -> Measurement:
        got, expected = found()["chosen"], [dict(s.best_params_) for s in searches]
        right = sum(a == b for a, b in zip(got, expected, strict=True))
        return Measurement(right, call=f"{call}.chosen", got=str(got), expected=str(expected))

    yield Check(
        "what was chosen in each outer split",
        chosen,
        equals=len(outer),
        why="Choices that change from fold to fold say that the search is led by noise.",
        hint=("np.argmax of the mean inner scores; of equals, the first in the order of ParameterGrid.",),
    )

    def flat() -> Measurement:
        expected = np.array([
            peer.cross_val_score(KNeighborsClassifier(**c), X, y, cv=outer) for c in peer.ParameterGrid(GRID)
        ])  # fmt: skip
        return difference(found()["flat_scores"], expected, call=f"{call}.flat_scores")

    yield Check(
        "flat scores",
        flat,
        at_most=EXACT,
        why="They are what a plain search reports: shape (configurations, outer splits).",
        hint=("Fit every configuration on every outer training part; a nested score is one of these.",),
    )

    def optimism() -> Measurement:
        one = found()
        expected = float(np.max(np.mean(one["flat_scores"], axis=1)) - np.mean(one["scores"]))
        return difference(one["optimism"], expected, call=f"{call}.optimism")

    yield Check(
        "optimism",
        optimism,
        at_most=EXACT,
        why="The best of many scores is the best one's merit plus the luck of the draw.",
        hint=("Flat best minus nested mean.",),
    )


def _nested_manners(lab: Lab) -> Iterator[Check]:
    X, y = table(lab.rng, 30)

    def grouped() -> Measurement:
        rng, groups = lab.rng, np.arange(40) % 20
        prints = rng.standard_normal((20, 2))[groups] + 1e-3 * rng.standard_normal((40, 2))
        labels = (rng.permutation(20) < 10).astype(int)[groups]
        one = lab.solution.apply(nested, KNeighborsClassifier(), {"n_neighbors": [1]}, prints, labels,
                                 {"outer": 4, "inner": 4, "groups": groups})  # fmt: skip
        inner = float(np.mean(one["inner_scores"]))
        return Measurement(inner, call="nested_cross_validate(KNeighborsClassifier(), ..., groups=twins).inner_scores",
                           got=f"inner accuracy {inner:.2f} of labels that only a twin could tell",
                           expected="about a half")  # fmt: skip

    yield Check(
        "inner splits keep groups together",
        grouped,
        at_most=0.75,
        why="A search that sees twins inside chooses what recognises twins.",
        hint=("Cut groups to the outer training rows and hand them to the inner splits.",),
    )

    def refuses() -> Measurement:
        trials: list[tuple[Any, tuple[str, ...], str]] = [
            ([], ("empty", "param_grid"), "an empty grid"),
            ({"depth": [1]}, ("depth",), "a grid of 'depth'"),
        ]
        return first_unclear(
            refusal(lambda grid=grid: lab.solution.apply(nested, KNeighborsClassifier(), grid, X, y, {}),  # type: ignore[misc]
                    call=f"nested_cross_validate(KNeighborsClassifier(), ..., X, y) with {shown}", mentions=words)
            for grid, words, shown in trials
        )  # fmt: skip

    yield Check(
        "refuses a grid without sense",
        refuses,
        equals=True,
        why="A misspelt parameter is found before hours of fits, not after.",
        hint=("estimator.get_params() knows the names.",),
    )


MODELS = {"first": ColumnRule(0), "second": ColumnRule(1), "third": ColumnRule(2)}


def comparing(lab: Lab) -> Iterator[Check]:
    """Comparisons against their definition, recomputed from the scores that came with them; then seeds and twins."""
    yield from _differences(lab)
    yield from _designs(lab)


def _differences(lab: Lab) -> Iterator[Check]:
    X, y = table(lab.rng, 80)
    splits = [pair for seed in range(3) for pair in peer.KFold(4, shuffle=True, random_state=seed).split(X)]
    shown = "compare_models(models, X, y, cv=12 splits)"

    def found(**options: Any) -> dict[str, Any]:
        return dict(lab.solution.apply(compared, "compare_models", MODELS, X, y, {"cv": splits, **options}))

    def scores() -> Measurement:
        got = found()["scores"]
        return worst(
            (
                difference(got.get(name), np.array([
                    clone(model).fit(X[train], y[train]).score(X[test], y[test]) for train, test in splits
                ]), call=f"{shown}.scores[{name!r}]")
                for name, model in MODELS.items()
            ),
            EXACT,
        )  # fmt: skip

    yield Check(
        "models are scored on the same splits",
        scores,
        at_most=EXACT,
        why="A hard fold is hard for both; the difference within a fold is what tells models apart.",
        hint=("Make the splits once, then loop over the models.",),
    )

    def field(*names: str, **options: Any) -> Measurement:
        one = found(**options)
        expected = _definition(one["scores"], one["pairs"], float(options.get("confidence", 0.95)), 1 / 3)
        columns = [FIELDS.index(name) for name in names]
        what = "".join(f", {name}={value}" for name, value in options.items())
        return difference(one["values"][:, columns], expected[:, columns], inputs={"X": X, "y": y},
                          call=f"{', '.join(names)} of {shown[:-1]}{what}).differences")  # fmt: skip

    for name, names, hints in (
        ("mean differences", ("mean",), ("First minus second, over the splits.",)),
        ("corrected standard errors", ("standard_error",), ("s · √(1/J + n_test / n_train), with J - 1 in s.",)),
        ("intervals and p-values", ("low", "high", "t", "p"), ("Student's t with J - 1 degrees of freedom.",
                                                               "p is two-sided: 2 · t.sf(|t|, J - 1).")),
        ("Holm's adjustment", ("p_adjusted",), ("The smallest of m p-values times m, the next times m - 1, ...",
                                               "None is smaller than the one before it, none above 1.")),
    ):  # fmt: skip
        yield Check(
            name,
            lambda names=names: worst((field(*names), field(*names, confidence=0.8)), 1e-8),  # type: ignore[misc]
            at_most=1e-8,
            why="Splits of one table are not independent draws, and three comparisons are three chances to be wrong.",
            hint=hints,
        )


def _designs(lab: Lab) -> Iterator[Check]:
    X, y = table(lab.rng, 80)

    def found(**options: Any) -> dict[str, Any]:
        return dict(lab.solution.apply(compared, "compare_models", MODELS, X, y, options))

    def design() -> Measurement:
        one = found(cv=4, n_repeats=3, random_state=5)
        again = found(cv=4, n_repeats=3, random_state=5)
        other = found(cv=4, n_repeats=3, random_state=6)
        referred = found(reference="second")["pairs"]
        got = [one["pairs"], len(one["scores"]["first"]), bool(np.array_equal(one["values"], again["values"])),
               bool(np.array_equal(one["values"], other["values"])), referred]  # fmt: skip
        all_pairs = [("first", "second"), ("first", "third"), ("second", "third")]
        expected = [all_pairs, 12, True, False, [("first", "second"), ("third", "second")]]
        what = f"{expected}: pairs, splits, the same with one seed, with another, pairs with a reference"
        call = "compare_models(models, X, y, cv=4, n_repeats=3)"
        return Measurement(float(got == expected), call=call, got=str(got), expected=what)

    yield Check(
        "pairs, repeats and seeds",
        design,
        equals=True,
        why="Repeats average out how the rows were dealt; the seed lets anyone deal them again.",
        hint=(
            "An int cv is shuffled anew n_repeats times, by one generator.",
            "With a reference: each other model minus it.",
        ),
    )

    def twins() -> Measurement:
        one = lab.solution.apply(compared, "compare_models", {"a": ColumnRule(0), "b": ColumnRule(0)}, X, y, {})
        return difference(one["values"][:, [0, 5]], np.array([[0.0, 1.0]]),
                          call="mean and p of compare_models({'a': model, 'b': the same}, X, y)")  # fmt: skip

    yield Check(
        "a model does not differ from itself",
        twins,
        at_most=1e-12,
        why="Here is where unpaired splits and a division by zero show.",
        hint=("Differences that are all 0 have t = 0 and p = 1.",),
    )


def _definition(
    scores: dict[str, Any], pairs: list[tuple[str, str]], confidence: float, share: float
) -> NDArray[np.float64]:
    """Every field of every difference, computed from the scores."""
    rows = []
    for first, second in pairs:
        d = np.asarray(scores[first]) - np.asarray(scores[second])
        error = d.std(ddof=1) * np.sqrt(1 / len(d) + share)
        half = student.ppf(0.5 + confidence / 2, len(d) - 1) * error
        t = d.mean() / error
        rows.append([d.mean(), error, d.mean() - half, d.mean() + half, t, 2 * student.sf(abs(t), len(d) - 1)])
    p, m = np.array([row[-1] for row in rows]), len(rows)
    # Holm as a definition: the largest of (m - rank) · p over all p-values that are no larger than one's own.
    adjusted = [min(1.0, max((m - np.sum(p < other)) * other for other in p[p <= mine])) for mine in p]
    return np.column_stack([rows, adjusted])


def ablating(lab: Lab) -> Iterator[Check]:
    """Ablations against models that were built without the part."""
    X, y = table(lab.rng, 80)
    X = X * np.array([1.0, 50.0, 1.0])
    pipeline = make_pipeline(StandardScaler(), KNeighborsClassifier(5))
    splits = list(peer.StratifiedKFold(5).split(X, y))
    options = {"features": {"signal": [0], "noise": [1, 2]}, "steps": ["standardscaler"], "cv": splits}
    shown = "ablate(pipeline, X, y, features={'signal': [0], 'noise': [1, 2]}, steps=['standardscaler'], cv=splits)"

    def oracle() -> dict[str, NDArray[np.float64]]:
        def scores(model: Any, columns: list[int]) -> NDArray[np.float64]:
            return np.asarray(peer.cross_val_score(model, X[:, columns], y, cv=splits))

        return {
            "full": scores(pipeline, [0, 1, 2]),
            "without signal": scores(pipeline, [1, 2]),
            "without noise": scores(pipeline, [0]),
            "without standardscaler": scores(KNeighborsClassifier(5), [0, 1, 2]),
        }

    def found() -> dict[str, Any]:
        return dict(lab.solution.apply(compared, "ablate", pipeline, X, y, options))

    def scores() -> Measurement:
        got = found()["scores"]
        return worst((difference(got.get(name), known, call=f"{shown}.scores[{name!r}]")
                      for name, known in oracle().items()), EXACT)  # fmt: skip

    yield Check(
        "one part is left out at a time",
        scores,
        at_most=EXACT,
        why="Everything else stays as it is: same splits, same other parts, fitted anew.",
        hint=("Columns are dropped before the fit; a step of a Pipeline becomes 'passthrough'.",
              "The names are 'full' and 'without NAME'."),
    )  # fmt: skip

    def differences() -> Measurement:
        one, known = found(), oracle()
        pairs = [("full", name) for name in known if name != "full"]
        if one["pairs"] != pairs:
            return Measurement(float("nan"), call=f"{shown}.differences", gate=f"expected the pairs {pairs}",
                               got=str(one["pairs"]), expected=str(pairs))  # fmt: skip
        return difference(one["values"], _definition(known, pairs, 0.95, 0.25), call=f"{shown}.differences")

    yield Check(
        "what each part contributes",
        differences,
        at_most=1e-8,
        why="Full minus without: above 0 the part helps, and the interval says whether that could be chance.",
        hint=("The same differences as compare_models', with 'full' first.",),
    )

    def refuses() -> Measurement:
        trials: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
            ({}, ("nothing", "features"), "nothing to leave out"),
            ({"features": {"odd": [7]}}, ("odd", "7"), "a column that is not there"),
            ({"features": {"all": [0, 1, 2]}}, ("all",), "all columns"),
            ({"steps": ["pca"]}, ("pca",), "an unknown step"),
        ]  # fmt: skip
        return first_unclear(
            refusal(lambda given=given: lab.solution.apply(compared, "ablate", pipeline, X, y, given),  # type: ignore[misc]
                    call=f"ablate(pipeline, X, y, ...) with {what}", mentions=words)
            for given, words, what in trials
        )  # fmt: skip

    yield Check(
        "refuses parts that are not there",
        refuses,
        equals=True,
        why="A part that was never in leaves nothing when it is taken out, and the table says that it does not matter.",
        hint=("Compare with the columns of X and with estimator.steps.",),
    )


def comparing_refuses(lab: Lab) -> Iterator[Check]:
    """Comparisons that make no sense."""
    X, y = table(lab.rng, 30)
    one, two = {"a": GaussianNB()}, {"a": GaussianNB(), "b": GaussianNB()}
    trials: list[tuple[Any, dict[str, Any], tuple[str, ...], str]] = [
        (one, {}, ("two", "2", "model"), "one model"),
        (two, {"reference": "c"}, ("reference",), "an unknown reference"),
        (two, {"n_repeats": 0}, ("n_repeats",), "n_repeats=0"),
    ]
    yield Check(
        "refuses comparisons without sense",
        lambda: first_unclear(
            refusal(lambda m=m, o=o: lab.solution.apply(compared, "compare_models", m, X, y, o),  # type: ignore[misc]
                    call=f"compare_models(...) with {what}", mentions=words)
            for m, o, words, what in trials
        ),
        equals=True,
        why="A misspelt reference would silently turn into another question.",
        hint=("Say what was wrong and what would be right.",),
    )  # fmt: skip
