"""Checks of cross_validate: scores of scikit-learn on the same splits, rows that stay apart, failures that are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn.model_selection as peer
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w11_crossval.models import Witness
from fiftytwo.weeks.w11_crossval.probes import heard, validated

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

EXACT = 1e-9  # the same fits on the same rows


def table(rng: np.random.Generator, n: int = 60) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Two classes, one a third of the rows, and three columns of which one tells them apart."""
    y = (np.arange(n) % 3 == 0).astype(np.intp)
    X = rng.standard_normal((n, 3))
    X[:, 0] += 1.2 * y
    return X, y


def running(lab: Lab) -> Iterator[Check]:
    """Scores and predictions, what was seen, weights, intervals, failures, bits."""
    X, y = table(lab.rng)
    yield from _scores(lab, X, y)
    yield from _apart(lab, X, y)
    yield from _weights(lab, X, y)
    yield from _intervals(lab, X, y)
    yield from _failures(lab)
    yield from _bits(lab, X, y)


def _subjects(X: NDArray[Any], y: NDArray[Any]) -> list[tuple[str, Any, NDArray[Any], list[str]]]:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.3))
    return [
        ("GaussianNB()", GaussianNB(), y, ["accuracy", "roc_auc", "neg_log_loss"]),
        ("pipeline", pipeline, y, ["f1", "average_precision"]),
        ("Ridge()", Ridge(), X[:, 0] + 0.5 * X[:, 1] ** 2, ["r2", "neg_mean_absolute_error"]),
    ]


def _scores(lab: Lab, X: NDArray[Any], y: NDArray[Any]) -> Iterator[Check]:
    splits = list(peer.StratifiedKFold(4).split(X, y))

    def scores() -> Measurement:
        measured = []
        for shown, estimator, target, names in _subjects(X, y):
            got = lab.solution.apply(validated, estimator, X, target, {"cv": splits, "scoring": names})["scores"]
            known = peer.cross_validate(estimator, X, target, cv=splits, scoring=names)
            for name in names:
                call = f"cross_validate({shown}, X, y, cv=splits, scoring={names}).scores[{name!r}]"
                inputs = {"X": X, "y": target}
                measured.append(difference(got.get(name), known[f"test_{name}"], call=call, inputs=inputs))
        return worst(measured, EXACT)

    yield Check(
        "scores of each fold",
        scores,
        at_most=EXACT,
        why="The same fits on the same rows have the same scores, whoever runs them.",
        hint=("clone(estimator).fit on the training rows, then scorer(fitted, X[test], y[test]).",
              "scorers_of(estimator, scoring) in mltoolkit.tabular.folds gives scorers by name.",
              "scores maps each name to an array with one entry a split."),
    )  # fmt: skip

    def own() -> Measurement:
        options = {"cv": splits, "scoring": {"mine": _half_right, "auc": "roc_auc"}, "method": None}
        got = lab.solution.apply(validated, GaussianNB(), X, y, options)["scores"]
        known = peer.cross_validate(GaussianNB(), X, y, cv=splits, scoring={"mine": _half_right, "auc": "roc_auc"})
        call = "cross_validate(GaussianNB(), X, y, cv=splits, scoring={'mine': f, 'auc': 'roc_auc'}, method=None)"
        call += ".scores"
        return worst(
            (difference(got.get(n), known[f"test_{n}"], call=f"{call}[{n!r}]") for n in ("mine", "auc")), EXACT
        )

    yield Check(
        "scorers of one's own",
        own,
        at_most=EXACT,
        why="What counts in a business is seldom in a library.",
        hint=("A scorer is called as scorer(fitted, X, y).",),
    )

    def predictions() -> Measurement:
        measured = []
        for shown, estimator, target, names in _subjects(X, y):
            for method in ("predict", "predict_proba") if hasattr(estimator, "predict_proba") else ("predict",):
                options = {"cv": splits, "scoring": names[0], "method": method}
                found = lab.solution.apply(validated, estimator, X, target, options)
                known = peer.cross_val_predict(estimator, X, target, cv=splits, method=method)
                for (_, test), part in zip(splits, found["fold_predictions"], strict=True):
                    call = f"cross_validate({shown}, X, y, cv=splits, method={method!r}).fold_predictions"
                    measured.append(difference(part, known[test], call=call))
        return worst(measured, EXACT)

    yield Check(
        "out-of-fold predictions",
        predictions,
        at_most=EXACT,
        why="They show which rows a model gets wrong, and a second model can learn from them.",
        hint=("fold_predictions[i] belongs to test_rows[i], in its order.",),
    )


def _half_right(model: Any, X: Any, y: Any) -> float:
    """A scorer that counts a wrong class as half a mistake."""
    return float(1.0 - 0.5 * np.mean(np.asarray(model.predict(X)) != np.asarray(y)))


def _apart(lab: Lab, X: NDArray[Any], y: NDArray[Any]) -> Iterator[Check]:
    named = np.column_stack([np.arange(len(X)), X])

    def unseen() -> Measurement:
        found = lab.solution.apply(validated, Witness(), named, y, {"cv": 4, "scoring": _mean_prediction})
        seen = [np.asarray(p) for p in found["fold_predictions"]]
        share = float(np.mean(np.concatenate([np.concatenate(seen), found["scores"]["score"]])))
        return Measurement(share, call="cross_validate(witness, X, y, cv=4)", got=share, expected=0.0)

    yield Check(
        "test rows were never seen",
        unseen,
        at_most=0.0,
        why="This is all that cross-validation promises; a witness inside the model says whether it was kept.",
        hint=("Fit on X[train], score and predict on X[test], and nothing else.",),
    )

    def untouched() -> bool:
        return not lab.solution.apply(validated, GaussianNB(), X, y, {"cv": 3})["fitted"]

    yield Check(
        "the estimator stays as it was",
        untouched,
        equals=True,
        why="A fit that carries over from fold to fold carries test rows along.",
        hint=("sklearn.base.clone makes an unfitted copy for each split.",),
    )

    def groups() -> Measurement:
        names = np.array([f"patient {i // 4}" for i in range(len(X))])
        by_group = np.column_stack([np.arange(len(X)) // 4, X])
        found = lab.solution.apply(validated, Witness(), by_group, y.astype(float), {"cv": 4, "groups": names})
        share = float(np.mean(np.concatenate([np.asarray(p) for p in found["fold_predictions"]])))
        return Measurement(share, call="cross_validate(witness, X, y, cv=4, groups=patients)",
                           got=f"{share:.0%} of the test rows are of a patient that was in training",
                           expected="none")  # fmt: skip

    yield Check(
        "an int and groups mean GroupKFold",
        groups,
        at_most=0.0,
        why="Elsewhere groups are ignored here without a word, and the leak they should prevent is there.",
        hint=("cv=5 with groups stands for GroupKFold(5).",),
    )

    def stands_for() -> Measurement:
        rows = np.sort(y)  # classes one after the other: plain blocks would hold one class alone
        folds = lab.solution.apply(validated, GaussianNB(), X, rows, {"cv": 4})["test_rows"]
        counts = np.array([[np.sum(rows[test] == label) for label in (0, 1)] for test in folds])
        found = difference(counts, np.tile([10, 5], (4, 1)), inputs={"y": rows},
                           call="rows of a class in each fold of cross_validate(classifier, X, y, cv=4)")  # fmt: skip
        if found.gate or found.value > 0:
            return found
        folds = lab.solution.apply(validated, Ridge(), X, X[:, 0], {})["test_rows"]
        return difference(np.concatenate(folds), np.arange(60), call="test_rows of cross_validate(Ridge(), X, y)")

    yield Check(
        "an int means StratifiedKFold for classes, KFold for numbers",
        stands_for,
        equals=0,
        why="A number has no share to keep, and a rare class has.",
        hint=("sklearn.base.is_classifier(estimator) tells; y may be None.",),
    )

    def refuses() -> Measurement:
        halves = [(np.arange(40), np.arange(30, 60))]
        names = np.arange(60) // 4
        groups = [(np.arange(42), np.arange(42, 60))]
        trials = [({"cv": halves}, ("both", "overlap", "train"), "cv with rows on both sides"),
                  ({"cv": groups, "groups": names}, ("group",), "cv that splits a group, groups=groups"),
                  ({"groups": names[:50]}, ("50", "length", "inconsistent"), "50 groups for 60 rows"),
                  ({"scoring": "acuracy"}, ("acuracy",), "scoring='acuracy'"),
                  ({"cv": 1}, ("cv", "split"), "cv=1"),
                  ({"cv": [3, 4]}, ("cv", "pair"), "cv=[3, 4]"),
                  ({"cv": [(halves[0][0][:30], np.arange(30, 60), 1)]}, ("cv", "pair"), "cv of threes"),
                  ({"method": "guess"}, ("method",), "method='guess'"),
                  ({"error_score": "skip"}, ("error_score",), "error_score='skip'")]  # fmt: skip
        return first_unclear(
            refusal(
                lambda options=options: lab.solution.apply(validated, GaussianNB(), X, y, options),  # type: ignore[misc]
                call=f"cross_validate(GaussianNB(), X, y, ...) with {shown}", mentions=words,
            )
            for options, words, shown in trials
        )  # fmt: skip

    yield Check(
        "refuses splits that leak, and nonsense",
        refuses,
        equals=True,
        why="Splits that come from outside are the usual way for a leak to come in.",
        hint=("Look for rows and groups on both sides before the first fit.",),
    )


def _mean_prediction(model: Any, X: Any, _y: Any = None) -> float:
    """A scorer that asks the witness."""
    return float(np.mean(model.predict(X)))


def _weights(lab: Lab, X: NDArray[Any], y: NDArray[Any]) -> Iterator[Check]:
    weights = lab.rng.gamma(1.0, 1.0, len(X))
    splits = list(peer.KFold(3).split(X))

    def weighted() -> Measurement:
        from sklearn.metrics import accuracy_score

        pipeline = make_pipeline(StandardScaler(), LogisticRegression())
        expected = []
        for train, test in splits:
            model = make_pipeline(StandardScaler(), LogisticRegression())
            model.fit(X[train], y[train], logisticregression__sample_weight=weights[train])
            expected.append(accuracy_score(y[test], model.predict(X[test]), sample_weight=weights[test]))
        options = {"cv": splits, "scoring": "accuracy", "sample_weight": weights}
        got = lab.solution.apply(validated, pipeline, X, y, options)["scores"]["accuracy"]
        call = "cross_validate(pipeline, X, y, cv=splits, scoring='accuracy', sample_weight=weights)"
        return difference(got, np.array(expected), inputs={"X": X, "y": y, "weights": weights}, call=call)

    yield Check(
        "sample weights reach fit and score",
        weighted,
        at_most=EXACT,
        why="A model that was trained by weights and judged without is judged by another question.",
        hint=("Cut them to the training rows for fit and to the test rows for the scorer.",
              "A Pipeline takes them as LASTSTEP__sample_weight.", "takes_weights(scorer) says whether a scorer does."),
    )  # fmt: skip

    def parameters() -> Measurement:
        options = {"cv": splits, "scoring": "accuracy", "fit_params": {"sample_weight": weights}}
        got = lab.solution.apply(validated, GaussianNB(), X, y, options)["scores"]["accuracy"]
        known = peer.cross_val_score(GaussianNB(), X, y, cv=splits, params={"sample_weight": weights})
        return difference(got, known, call="cross_validate(GaussianNB(), X, y, fit_params={'sample_weight': weights})")

    yield Check(
        "arguments of fit are cut to the training rows",
        parameters,
        at_most=EXACT,
        why="An argument with one entry a row belongs to its rows.",
        hint=("Cut those with n entries; pass the others on.",),
    )


def _intervals(lab: Lab, X: NDArray[Any], y: NDArray[Any]) -> Iterator[Check]:
    def corrected() -> Measurement:
        measured = []
        for k, confidence in ((2, 0.5), (5, 0.95), (10, 0.8)):
            options = {"cv": peer.KFold(k), "scoring": "roc_auc", "confidence": confidence}
            found = lab.solution.apply(validated, GaussianNB(), X, y, options)
            scores = np.asarray(found["scores"]["roc_auc"])
            half = student.ppf(0.5 + confidence / 2, k - 1) * scores.std(ddof=1) * np.sqrt(1 / k + 1 / (k - 1))
            expected = np.array([scores.mean() - half, scores.mean() + half])
            call = f"cross_validate(GaussianNB(), X, y, cv=KFold({k}), confidence={confidence}).intervals['roc_auc']"
            measured.append(difference(np.array(found["intervals"]["roc_auc"]), expected, call=call))
        return worst(measured, EXACT)

    yield Check(
        "interval of the mean score",
        corrected,
        at_most=EXACT,
        why="Folds share training rows, so their mean is less certain than that of independent values.",
        hint=("The variance of the mean is s² · (1/k + n_test / n_train), with n - 1 in s².",
              "Student's t has k - 1 degrees of freedom."),
    )  # fmt: skip


def _failures(lab: Lab) -> Iterator[Check]:
    X = np.column_stack([np.arange(12.0), np.ones(12)])
    y = np.arange(12.0)
    call = "cross_validate(estimator that fails without row 4, X, y, cv=KFold(3))"

    def told() -> Measurement:
        options = {"cv": peer.KFold(3)}
        attempt: Callable[[], Any] = lambda: lab.solution.apply(validated, Witness(4.0), X, y, options)  # noqa: E731
        return first_unclear(refusal(attempt, call=call, mentions=(word,)) for word in ("entry 4 is missing", "fold 1"))

    yield Check(
        "a fold that fails is told",
        told,
        equals=True,
        why="A fold that failed quietly leaves a mean over the easy folds.",
        hint=("Run the other folds to their end, then raise FoldsFailed with every FoldFailure.",
              "Both are in mltoolkit.tabular.cvresults."),
    )  # fmt: skip

    def all_told() -> Measurement:
        def attempt() -> Any:
            return lab.solution.apply(validated, Witness(99.0), X, y, {"cv": peer.KFold(3)})

        name = "cross_validate(estimator that always fails, X, y, cv=KFold(3))"
        return first_unclear(refusal(attempt, call=name, mentions=(f"fold {i}",)) for i in range(3))

    yield Check(
        "all failures are told at once",
        all_told,
        equals=True,
        why="Three folds that fail for three reasons need one run to be seen, not three.",
        hint=("Collect; raise after the last fold.",),
    )

    def recorded() -> Measurement:
        options = {"cv": peer.KFold(3), "error_score": -7.0}
        found = lab.solution.apply(validated, Witness(4.0), X, y, options)
        scores = np.asarray(found["scores"]["score"])
        (fold, error, rows), *others = found["failed"] or [(-1, "", np.zeros(0))]
        got = [
            scores[1],
            fold,
            "missing" in error,
            np.asarray(rows).tolist(),
            len(others),
            bool((scores != -7)[[0, 2]].all()),
        ]
        expected = [-7.0, 1, True, [4, 5, 6, 7], 0, True]
        what = f"{expected}: score and number of the fold, error, its rows, other failures, other scores"
        return Measurement(float(got == expected), call=f"{call[:-1]}, error_score=-7)", got=str(got), expected=what)

    yield Check(
        "error_score records a failure",
        recorded,
        equals=True,
        why="In a long search one bad configuration should not end all others; it should not vanish either.",
        hint=("failures keeps fold, stage, error and rows; the fold's scores are error_score.",),
    )


def _bits(lab: Lab, X: NDArray[Any], y: NDArray[Any]) -> Iterator[Check]:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(5, random_state=0)

    def run(**options: Any) -> dict[str, Any]:
        options = {"cv": 4, "scoring": ["accuracy", "roc_auc"], "method": "predict_proba", **options}
        return dict(lab.solution.apply(validated, forest, X, y, options))

    def differing(**options: Any) -> Measurement:
        first, again = run(), run(**options)
        parts = [(first["scores"][name], again["scores"][name]) for name in first["scores"]]
        parts += list(zip(first["fold_predictions"], again["fold_predictions"], strict=True))
        wrong = sum(np.asarray(a).tobytes() != np.asarray(b).tobytes() for a, b in parts)
        call = f"cross_validate(forest, X, y, cv=4{''.join(f', {name}={value!r}' for name, value in options.items())})"
        got = f"{wrong} of {len(parts)} arrays differ"
        return Measurement(float(wrong), call=f"{call}, beside one worker", got=got, expected="none")

    for name, options in (("a rerun", {}), ("two threads", {"n_jobs": 2, "backend": "threading"})):
        yield Check(
            f"{name} gives the same bits",
            lambda options=options: differing(**options),  # type: ignore[misc]
            equals=0,
            why="Who finishes first must not decide which number stands where, nor what it is.",
            hint=("joblib.Parallel returns results in the order of the calls.", "Clone the estimator for each split."),
        )

    def hears() -> Measurement:
        calls = [tuple(map(int, call)) for call in lab.solution.apply(heard, GaussianNB(), X, y, {"cv": 4})]
        expected = [(1, 4), (2, 4), (3, 4), (4, 4)]
        call = "calls of progress in cross_validate(GaussianNB(), X, y, cv=4)"
        return Measurement(float(calls == expected), call=call, got=str(calls), expected=str(expected))

    yield Check(
        "progress is told after each split",
        hears,
        equals=True,
        why="Whoever waits wants to know how long still.",
        hint=("progress(done, total); joblib.Parallel(return_as='generator') hands results out as they come.",),
    )
