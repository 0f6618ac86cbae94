"""Week 5: the metrics that the rest of the year is judged by, and the toolkit around them.

The build lets the metrics judge real predictions and draws two things that a table hides: what tied scores do
to a ranking metric, and how a calibration error depends on its bins. The assessment holds each metric
against scikit-learn on a thousand random cases; then it kills writers in mid-write, plants mistakes in
settings, and runs ruff, mypy and the tests with coverage on the checkout itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w05_toolkit import figures, models
from fiftytwo.weeks.w05_toolkit.engineering import files_and_code
from fiftytwo.weeks.w05_toolkit.fuzz import FAMILIES
from fiftytwo.weeks.w05_toolkit.layers import precedence
from fiftytwo.weeks.w05_toolkit.oracles import expected
from fiftytwo.weeks.w05_toolkit.parity import EXACT, at_random, by_hand, shares_of
from fiftytwo.weeks.w05_toolkit.refusals import limits, refuses
from fiftytwo.weeks.w05_toolkit.settings import sizes
from fiftytwo.weeks.w05_toolkit.topics import TOPICS
from mltoolkit import io

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

NAMES = tuple(topic.metric for topic in TOPICS)

week = Week.planned(
    5,
    exercise=Exercise(
        "mltoolkit.metrics.scores",
        NAMES,
        hours=8.0,
        peers={
            "mae": "sklearn.metrics:mean_absolute_error",
            "rmse": "sklearn.metrics:root_mean_squared_error",
            "r2": "sklearn.metrics:r2_score",
            "brier_score": "sklearn.metrics:brier_score_loss",
            "log_loss": "sklearn.metrics:log_loss",
            "f1": "sklearn.metrics:f1_score",
            "roc_auc": "sklearn.metrics:roc_auc_score",
            "average_precision": "sklearn.metrics:average_precision_score",
            "ndcg_at_k": "sklearn.metrics:ndcg_score",
        },
        brief="""\
Write twelve metrics, each from its definition. Their docstrings say exactly what each gives, also for ties, weights
and what has no answer. A good order is that of the file, and for each metric:

1. The plain case: no ties, no weights. `mae`, `rmse`, `r2` and `brier_score` are a line or two each.
2. Weights: replace every count of rows by a sum of weights.
3. Ties: rows with the same score share a threshold or a place. For `roc_auc` and `average_precision`, add weights
   up by distinct score before you accumulate; for the three ranking metrics, give each tied item the
   mean of its group. One helper serves all of `recall_at_k`, `ndcg_at_k` and the start of `mrr`.
4. Refusals: a `ValueError` that names the argument (`sample_weight`, `k`, ...) or the trouble (NaN, empty,
   length, label, constant, ...), all faults of a call at once. Write that once, as a function of your own.

The checks come metric by metric, so you can stop after any of them. NumPy and SciPy are yours to use; a metric
from a library is not the exercise. Hundreds of small calls are made, so a loop over the rows of a case is
fast enough; a loop over all pairs of rows is too, for these sizes.
""",
    ),
    seconds=600.0,  # the tests run within it, and on a busy machine they take their time
)

_BINS = (2, 5, 10, 20, 50)
_DECIMALS = (0, 1, 2, 3)


@dataclass(frozen=True)
class Built:
    """The predictions that were judged, and the scores that the metrics gave them."""

    classified: models.Predictions
    regressed: models.Predictions
    searched: models.Predictions
    scores: pd.DataFrame  # task, model, metric, value


def build(lab: Lab) -> Built:
    """Judge real predictions; show what ties and bins do; keep the scores in three formats."""
    size = sizes(full=lab.full)
    classified, regressed, searched = (
        models.classifiers(lab, size),
        models.regressions(lab, size),
        models.searches(lab, size),
    )
    judged = {"classification": classified, "regression": regressed, "search": searched}
    rows = [row for task, predictions in judged.items() for row in _judge(lab, task, predictions)]
    scores = pd.DataFrame(rows, columns=["task", "model", "metric", "value"])
    for task, caption in (
        (
            "classification",
            "Three classifiers on rows that they had not seen. ECE is the expected calibration error, "
            "with ten bins of equal width or of equal mass.",
        ),
        ("regression", "Two regressions on rows that they had not seen."),
        ("search", "Images of digits found for images of digits, by distance; relevant are those of the same digit."),
    ):
        wide = scores[scores["task"] == task].pivot_table("value", "model", "metric", sort=False).reset_index()
        lab.table(wide.rename_axis(columns=None), f"Scores: {task}", caption)
    _draw_ties(lab, classified)
    _draw_bins(lab, classified)
    io.write_csv(scores, lab.artifact("scores.csv"))
    io.write_parquet(scores, lab.artifact("scores.parquet"))
    io.write_json(scores.to_dict("records"), lab.artifact("scores.json"))
    return Built(classified, regressed, searched, scores)


# The title of a score, the metric, and its options, by task.
_JUDGED: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "classification": (
        ("ROC-AUC", "roc_auc", {}),
        ("average precision", "average_precision", {}),
        ("F1", "f1", {}),
        ("log loss", "log_loss", {}),
        ("Brier score", "brier_score", {}),
        ("ECE, width", "expected_calibration_error", {"strategy": "uniform"}),
        ("ECE, mass", "expected_calibration_error", {"strategy": "quantile"}),
    ),
    "regression": (("MAE", "mae", {}), ("RMSE", "rmse", {}), ("R²", "r2", {})),
    "search": (("MRR", "mrr", {}), ("recall at 10", "recall_at_k", {"k": 10}), ("NDCG at 10", "ndcg_at_k", {"k": 10})),
}
_MANY_ORDERS = ("mrr", "recall_at_k")  # the oracle tries every order of tied items, which are too many here


def _judge(lab: Lab, task: str, predictions: models.Predictions) -> Iterator[tuple[str, str, str, float]]:
    for model, said in predictions.said.items():
        for title, name, options in _JUDGED[task]:
            value = getattr(lab.solution, name)(predictions.truth, _taken_by(name, said), **options)
            yield task, model, title, float(value)


def _taken_by(metric: str, said: models.Array) -> models.Array:
    """What a metric judges: decisions for F1, else what the model said."""
    return (said >= 0.5).astype(int) if metric == "f1" else said


def _draw_ties(lab: Lab, predictions: models.Predictions) -> None:
    truth, probability = predictions.truth, predictions.said["logistic regression"]
    rounded = [np.round(probability, decimals) for decimals in _DECIMALS]
    nudge = 1e-6 * truth  # too small to pass another score, and enough to part tied ones
    fair = [float(lab.solution.roc_auc(truth, score)) for score in rounded]
    best = [float(lab.solution.roc_auc(truth, score + nudge)) for score in rounded]
    worst = [float(lab.solution.roc_auc(truth, score - nudge)) for score in rounded]
    lab.figure(
        figures.rounding(_DECIMALS, fair, best, worst),
        "What ties do",
        "ROC-AUC of one model whose probabilities are rounded. The band is what a metric that ignores ties can give, "
        "depending on how the table happens to be sorted.",
    )
    lab.metric("ROC-AUC with no decimals, tied rows sorted kindly", best[0])
    lab.metric("ROC-AUC with no decimals, tied rows sorted unkindly", worst[0])
    lab.metric("ROC-AUC with no decimals, ties as halves", fair[0])


def _draw_bins(lab: Lab, predictions: models.Predictions) -> None:
    error = lab.solution.expected_calibration_error
    errors = {
        model: {
            name: [float(error(predictions.truth, probability, n_bins=b, strategy=strategy)) for b in _BINS]
            for strategy, name in (("uniform", "width"), ("quantile", "mass"))
        }
        for model, probability in predictions.said.items()
    }
    lab.figure(
        figures.calibration(_BINS, errors),
        "Calibration error and its bins",
        "The same predictions, cut into more and more bins of equal width or equal mass. With few rows in a bin its "
        "gap is mostly chance, so the error tends to grow with their number; compare models at the same number only.",
    )


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """Each metric in turn, then real predictions, then the toolkit around the metrics."""
    size = sizes(full=lab.full)
    shares = shares_of(size.cases)
    for topic in TOPICS:
        yield by_hand(lab, topic)
        for family in FAMILIES:
            yield at_random(lab, topic, family, shares[family])
        yield refuses(lab, topic.metric)
    yield from limits(lab)
    yield from _on_real_predictions(lab, built)
    yield from precedence(lab)
    yield from files_and_code(lab, size)
    lab.metric("random cases for each metric", size.cases)
    tables = {table.name: table for table in lab.ledger.tables}
    lab.document(
        "quality.md.jinja",
        "Quality report of the toolkit",
        metrics=NAMES,
        tests=size.tests,
        measured=size.measured,
        killed="Killed writers" in tables,
        covered="Coverage" in tables,
        least=tables["Coverage"].rows[0] if "Coverage" in tables else None,
    )


def _on_real_predictions(lab: Lab, built: Built) -> Iterator[Check]:
    def scores() -> Measurement:
        told = {(row.task, row.model, row.metric): row.value for row in built.scores.itertuples()}
        got, wanted = [], []
        for task, predictions in (
            ("classification", built.classified),
            ("regression", built.regressed),
            ("search", built.searched),
        ):
            for model, said in predictions.said.items():
                for title, name, options in _JUDGED[task]:
                    if name not in _MANY_ORDERS:
                        got.append(told[task, model, title])
                        wanted.append(expected(name, predictions.truth, _taken_by(name, said), **options))
        return difference(np.array(got), np.array(wanted), call="the scores of the build", relative=True)

    yield Check(
        "scores of real predictions",
        scores,
        at_most=EXACT,
        why="The same on real predictions as on made-up cases.",
        hint=("Look at the checks above this one first.",),
    )

    def halves() -> Measurement:
        truth, score = built.classified.truth, np.round(built.classified.said["logistic regression"], 1)
        kind, unkind, fair = (
            lab.solution.roc_auc(truth, score + nudge) for nudge in (1e-6 * truth, -1e-6 * truth, 0.0 * truth)
        )
        return difference(
            fair, (kind + unkind) / 2.0, call="roc_auc(y_true, y_score)", inputs={"y_true": truth, "y_score": score}
        )

    yield Check(
        "a tie lies half way",
        halves,
        at_most=EXACT,
        why="With ties as halves, ROC-AUC is the mean of its values when every tie is won and when it is lost.",
        hint=("Compare with scores to which 1e-6 * y_true was added: then every tie is won.",),
    )

    def kept() -> float:
        folder = lab.folder / "artifacts"
        read = (
            io.read_csv(folder / "scores.csv"),
            io.read_parquet(folder / "scores.parquet"),
            pd.DataFrame(io.read_json(folder / "scores.json")),
        )
        return float(sum(frame.equals(built.scores) for frame in read))

    yield Check(
        "formats that give the scores back to the bit",
        kept,
        equals=3,
        exercise=False,
        why="A figure that loses digits between two programs is another figure.",
    )
