"""Checks of nested_cross_validate and compare_models: brute force, definitions, and promises kept."""

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

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w11_crossval.models import ColumnRule
from fiftytwo.weeks.w11_crossval.probes import compared, defaults_of, nested
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

    def even() -> Measurement:
        rows = lab.rng.standard_normal((48, 2))
        halves = np.arange(48) // 24  # one class after the other
        options = {"outer": 4, "inner": 3, "scoring": _lopsided}
        one = lab.solution.apply(nested, KNeighborsClassifier(), {"n_neighbors": [1]}, rows, halves, options)
        got = np.append(np.ravel(one["inner_scores"]), one["scores"])
        return difference(got, np.zeros(8), inputs={"y": halves},
                          call="how far from a half the share of a class is, as a scorer sees it, in "
                          "nested_cross_validate(..., outer=4, inner=3): inner_scores and scores")  # fmt: skip

    yield Check(
        "inner splits keep the classes even",
        even,
        at_most=EXACT,
        why="An int stands for the same kind of folds inside as outside.",
        hint=("Cut y to the outer training rows and hand it to the inner splits.",),
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


def _lopsided(_model: Any, _X: Any, y: Any) -> float:
    """A scorer that looks at who is tested, and at nothing else."""
    return abs(float(np.mean(np.asarray(y) == 1)) - 0.5)


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
        expected = definition(one["scores"], one["pairs"], float(options.get("confidence", 0.95)), 1 / 3)
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


def definition(
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


def defaults(lab: Lab) -> Iterator[Check]:
    """What is taken where nothing is said."""

    def stated() -> Measurement:
        got = lab.solution.apply(defaults_of, *table(lab.rng, 40), {name: list(row) for name, row in _DEFAULTS.items()})
        other = {name: row for name, row in got.items() if row != _DEFAULTS[name]}
        return Measurement(float(not other), call="inspect.signature of each name", got=str(other or got),
                           expected=str({name: _DEFAULTS[name] for name in other} or _DEFAULTS))  # fmt: skip

    yield Check(
        "defaults are those that the docstrings state",
        stated,
        equals=True,
        why="Whoever leaves a parameter out has read what it is then.",
        hint=("They stand in the signatures.",),
    )


_FOLDS = {"n_splits": 5, "shuffle": False, "random_state": None}
_REPEATS = {"cv": 5, "n_repeats": 10, "scoring": None, "confidence": 0.95, "random_state": 0}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "KFold": _FOLDS,
    "StratifiedKFold": _FOLDS,
    "GroupKFold": {**_FOLDS, "stratify": False},
    "TimeSeriesSplit": {"n_splits": 5, "gap": 0, "purge": 0, "test_size": None, "max_train_size": None},
    "cross_validate": {"cv": 5, "scoring": None, "method": "predict", "error_score": "raise", "confidence": 0.95},
    "nested_cross_validate": {"outer": 5, "inner": 5, "scoring": None, "confidence": 0.95},
    "compare_models": {**_REPEATS, "reference": None},
    "ablate": {**_REPEATS, "steps": ()},
}


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
