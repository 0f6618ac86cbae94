"""Week 11's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import t as student
from sklearn.base import clone

from fiftytwo.plan import Mistake
from mltoolkit.tabular import crossval
from mltoolkit.tabular._paired import corrected, holm
from mltoolkit.tabular.cvresults import Comparison, CrossValidation, Difference, NestedCrossValidation
from mltoolkit.tabular.folds import scorers_of

Pairs = Iterator[tuple[Any, Any]]


class DropsTheRemainder(crossval.KFold):
    """Folds of n // k rows; what is left over is never tested."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Pairs:
        """Cut every test fold to the size of the smallest."""
        pairs = list(super().split(X, y, groups))
        size = min(len(test) for _, test in pairs)
        rows = np.arange(len(X))
        yield from ((np.setdiff1d(rows, test[:size]), test[:size]) for _, test in pairs)


class TestsItsTrainingRows(crossval.KFold):
    """Trains on everything."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Pairs:
        """All rows are training rows."""
        yield from ((np.arange(len(X)), test) for _, test in super().split(X, y, groups))


class SharesByLuck(crossval.StratifiedKFold):
    """Shuffles and hopes that the shares come out."""

    def split(self, X: Any, y: Any, groups: Any = None) -> Pairs:
        """Folds by chance."""
        list(super().split(X, y, groups))
        seed = self.random_state if self.shuffle else 0
        yield from crossval.KFold(self.n_splits, shuffle=True, random_state=seed).split(X)


class SplitsRows(crossval.GroupKFold):
    """Takes groups and does not look at them."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Pairs:
        """Folds of rows."""
        list(super().split(X, y, groups))
        yield from crossval.KFold(self.n_splits, shuffle=self.shuffle, random_state=self.random_state).split(X)


class CountsGroups(crossval.GroupKFold):
    """As many groups in each fold, however large they are."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Pairs:
        """Folds of the groups as if they were rows."""
        list(super().split(X, y, groups))
        names, codes = np.unique(np.asarray(groups), return_inverse=True)
        fold_of = np.concatenate([np.full(len(p), i) for i, p in enumerate(np.array_split(names, self.n_splits))])
        rows = fold_of[codes]
        yield from ((np.flatnonzero(rows != i), np.flatnonzero(rows == i)) for i in range(self.n_splits))


class EvensSizesAlone(crossval.GroupKFold):
    """Takes stratify and balances rows."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Pairs:
        """Folds of groups by their sizes."""
        list(super().split(X, y, groups))
        plain = crossval.GroupKFold(self.n_splits, shuffle=self.shuffle, random_state=self.random_state)
        yield from plain.split(X, y, groups)


class TrainsOnTheFuture(crossval.TimeSeriesSplit):
    """Leaves the window out and trains on both sides of it."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Pairs:
        """All rows outside the window."""
        rows = np.arange(len(X))
        yield from ((np.setdiff1d(rows, test), test) for _, test in super().split(X, y, groups))


class ForgetsThePurge(crossval.TimeSeriesSplit):
    """Takes the horizon of the labels and does not use it."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Pairs:
        """Gap alone."""
        list(super().split(X, y, groups))
        given, self.purge = self.purge, 0
        try:
            yield from list(super().split(X, y, groups))
        finally:
            self.purge = given


def judges_training_rows(estimator: Any, X: Any, y: Any = None, **options: Any) -> CrossValidation:
    """Scores on the rows that were trained on."""
    found = crossval.cross_validate(estimator, X, y, **options)
    scores = {name: np.array(values) for name, values in found.scores.items()}
    scorers = scorers_of(estimator, options.get("scoring"))
    for i, test in enumerate(found.test_rows):
        rows = np.union1d(found.train_rows[i], test)
        model = clone(estimator).fit(X[rows], None if y is None else y[rows])
        for name, scorer in scorers.items():
            scores[name][i] = scorer(model, X[test], None if y is None else y[test])
    return replace(found, scores=scores)


def swallows_failures(estimator: Any, X: Any, y: Any = None, **options: Any) -> CrossValidation:
    """A fold that fails scores 0 and nobody hears of it."""
    found = crossval.cross_validate(estimator, X, y, **{"error_score": 0.0, **options})
    return replace(found, failures=())


def ignores_groups(estimator: Any, X: Any, y: Any = None, *, groups: Any = None, **options: Any) -> CrossValidation:
    """An int is k folds of rows, groups or not."""
    if groups is not None and isinstance(options.get("cv", 5), int):
        return crossval.cross_validate(estimator, X, y, **options)
    return crossval.cross_validate(estimator, X, y, groups=groups, **options)


def divides_by_the_folds(estimator: Any, X: Any, y: Any = None, **options: Any) -> CrossValidation:
    """The standard error of independent values: s / √k."""
    found = crossval.cross_validate(estimator, X, y, **options)
    confidence = options.get("confidence", 0.95)

    def naive(values: Any) -> tuple[float, float]:
        k = len(values)
        half = student.ppf(0.5 + confidence / 2, k - 1) * np.std(values, ddof=1) / np.sqrt(k)
        return float(np.mean(values) - half), float(np.mean(values) + half)

    return replace(found, intervals={name: naive(values) for name, values in found.scores.items()})


def reports_the_flat_best(
    estimator: Any, param_grid: Any, X: Any, y: Any = None, **options: Any
) -> NestedCrossValidation:
    """Chooses by the outer test rows and reports the same scores."""
    found = crossval.nested_cross_validate(estimator, param_grid, X, y, **options)
    chosen = np.argmax(found.flat_scores, axis=0)
    scores = found.flat_scores[chosen, np.arange(len(found.scores))]
    return replace(found, scores=scores, chosen=tuple(map(int, chosen)))


def forgets_groups_inside(
    estimator: Any, param_grid: Any, X: Any, y: Any = None, *, groups: Any = None, outer: Any = 5, **options: Any
) -> NestedCrossValidation:
    """Groups for the outer splits alone."""
    splits = list(crossval.GroupKFold(outer).split(X, y, groups)) if groups is not None else outer
    return crossval.nested_cross_validate(estimator, param_grid, X, y, outer=splits, **options)


def compares_naively(models: Mapping[str, Any], X: Any, y: Any = None, **options: Any) -> Comparison:
    """A paired t-test that takes splits for independent."""
    found = crossval.compare_models(models, X, y, **options)
    J = len(next(iter(found.scores.values())))
    factor = float(np.sqrt((1 / J) / (1 / J + found.test_share)))
    changed = []
    for d in found.differences:
        error = d.standard_error * factor
        half = (d.high - d.low) / 2 * factor
        t = d.t / factor
        p = float(2 * student.sf(abs(t), J - 1))
        changed.append(replace(d, standard_error=error, low=d.mean - half, high=d.mean + half, t=t, p=p))
    adjusted = holm(np.array([d.p for d in changed]))
    done = tuple(replace(d, p_adjusted=float(p)) for d, p in zip(changed, adjusted, strict=True))
    return replace(found, differences=done)


def adjusts_by_bonferroni(models: Mapping[str, Any], X: Any, y: Any = None, **options: Any) -> Comparison:
    """Every p-value times the number of comparisons."""
    found = crossval.compare_models(models, X, y, **options)
    m = len(found.differences)
    return replace(found, differences=tuple(replace(d, p_adjusted=min(1.0, m * d.p)) for d in found.differences))


def splits_anew_for_each(models: Mapping[str, Any], X: Any, y: Any = None, **options: Any) -> Comparison:
    """Every model meets splits of its own."""
    found = crossval.compare_models(models, X, y, **options)
    names = list(found.scores)
    scores = {name: np.roll(found.scores[name], i) for i, name in enumerate(names)}
    pairs = [(d.first, d.second) for d in found.differences]
    measured = [corrected(scores[a] - scores[b], found.test_share, found.confidence) for a, b in pairs]
    adjusted = holm(np.array([one.p for one in measured]))
    differences = tuple(
        Difference(a, b, *one, float(p)) for (a, b), one, p in zip(pairs, measured, adjusted, strict=True)
    )
    return replace(found, scores=scores, differences=differences)


def without_minus_full(estimator: Any, X: Any, y: Any = None, **options: Any) -> Comparison:
    """The difference the other way round."""
    found = crossval.ablate(estimator, X, y, **options)
    turned = tuple(replace(d, mean=-d.mean, low=-d.high, high=-d.low, t=-d.t) for d in found.differences)
    return replace(found, differences=turned)


mistakes = (
    Mistake("drops the remainder", {"KFold": DropsTheRemainder},
            "Your folds have n // k rows each, so n % k rows are never tested; make the first folds one row larger."),
    Mistake("tests its training rows", {"KFold": TestsItsTrainingRows},
            "Your training rows include the test rows; leave the test fold out."),
    Mistake("shares by luck", {"StratifiedKFold": SharesByLuck},
            "Your folds are random, and shares of classes come out by luck; deal each class out in turn."),
    Mistake("splits rows", {"GroupKFold": SplitsRows},
            "Your folds are made of rows, so a group is on both sides; number the folds of groups."),
    Mistake("counts groups", {"GroupKFold": CountsGroups},
            "Your folds have as many groups each, whatever their size; give the next largest to the lightest fold."),
    Mistake("evens sizes alone", {"GroupKFold": EvensSizesAlone},
            "Your folds have even sizes and uneven classes; with stratify count the shares of each class as well."),
    Mistake("trains on the future", {"TimeSeriesSplit": TrainsOnTheFuture},
            "Your training rows include some that are younger than the window; keep the older ones alone."),
    Mistake("forgets the purge", {"TimeSeriesSplit": ForgetsThePurge},
            "Your training rows include labels that look into the window; keep rows with i + purge before its start."),
    Mistake("judges training rows", {"cross_validate": judges_training_rows},
            "Your scores are those of a model that was fitted on the test rows too; fit on the training rows alone."),
    Mistake("swallows failures", {"cross_validate": swallows_failures},
            "Your failed folds score 0 and are not told; raise with all of them unless error_score asks otherwise."),
    Mistake("ignores groups", {"cross_validate": ignores_groups},
            "Your folds take no notice of groups where cv is an int; groups ask for GroupKFold."),
    Mistake("divides by the folds", {"cross_validate": divides_by_the_folds},
            "Your interval takes folds for independent; the variance is s² · (1/k + n_test / n_train)."),
    Mistake("reports the flat best", {"nested_cross_validate": reports_the_flat_best},
            "Your configurations are chosen by the outer test rows; choose by inner splits of the training rows."),
    Mistake("forgets groups inside", {"nested_cross_validate": forgets_groups_inside},
            "Your inner splits tear groups apart; cut groups to the outer training rows and hand them on."),
    Mistake("compares naively", {"compare_models": compares_naively},
            "Your standard error is s / √J, as if splits were new data; it is s · √(1/J + n_test / n_train)."),
    Mistake("adjusts by Bonferroni", {"compare_models": adjusts_by_bonferroni},
            "Your p-values are all multiplied by m; Holm multiplies the smallest by m, the next by m - 1, and so on."),
    Mistake("splits anew for each model", {"compare_models": splits_anew_for_each},
            "Your models meet different splits, so luck of the split counts as a difference; make the splits once."),
    Mistake("without minus full", {"ablate": without_minus_full},
            "Your differences have the other sign; they are the whole minus the whole without the part."),
)  # fmt: skip
