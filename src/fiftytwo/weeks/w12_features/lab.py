"""Week 12: one feature pipeline, offline and online.

The build shows what a target encoder that peeks promises and what comes of it, sends the same rows through the batch
and the one-row path, spoils a service's rows on purpose, and tries to load what must not be loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w12_features import figures, probes
from fiftytwo.weeks.w12_features.credit import applications, noise
from fiftytwo.weeks.w12_features.encoding import encoders
from fiftytwo.weeks.w12_features.promises import promised
from fiftytwo.weeks.w12_features.serving import PLAN, differing_bits, files, online_rows, pipelines, refused
from fiftytwo.weeks.w12_features.skews import (
    ALPHA,
    ONLINE,
    OTHERS,
    PLANTED,
    Alarms,
    alarms,
    clean_pairs,
    samples,
    spoiled,
)
from fiftytwo.weeks.w12_features.versions import another_version
from mltoolkit.metrics import roc_auc

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    12,
    exercise=Exercise(
        "mltoolkit.tabular.features",
        ("TargetEncoder", "HashingEncoder", "RobustScaler", "FeaturePipeline", "save_pipeline", "load_pipeline"),
        hours=14.0,
        peers={
            "TargetEncoder": "sklearn.preprocessing:TargetEncoder",
            "RobustScaler": "fiftytwo.weeks.w12_features.peers:RobustScaler",
        },
        brief="""\
Write two encoders, a scaler, a pipeline and its file. Given to you: `mltoolkit.tabular.columns` (`category_key` and
`number_of` read one cell, `Table` and `read_table` read the columns of any frame, `framed` writes one). A good order:

1. `RobustScaler`: median and the range between two percentiles, column by column; gaps; constant columns.
2. `TargetEncoder.fit` and `transform`: smoothed means by category; missing is a category, unseen is the prior.
3. `TargetEncoder.fit_transform`: each fold is encoded by the others. Then continuous and multiclass targets.
4. `HashingEncoder`: the docstring says which hash of which text.
5. `FeaturePipeline`: clone, fit on columns by name, put the results side by side, give the frame's kind back. In
   `fit_transform`, call each step's `fit_transform`.
6. `FeaturePipeline.transform_one`: one mapping, the same bits as the batch.
7. `save_pipeline` and `load_pipeline`: joblib first, with a checksum and the schema in front of it; then skops. What
   the bytes look like is up to you.

Bad input gets a `BadInput` (a `ValueError`) that names all faults at once; a file that must not be loaded gets a
`CannotRead`. NumPy, pandas, joblib, skops and scikit-learn's base classes and splitters are yours; its encoders,
scalers and `ColumnTransformer` are what yours is held against.
""",
    ),
)

_ROWS = 10_000
_ROWS_EACH = (500, 100, 20, 10, 5, 2)


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    naive: tuple[float, ...]  # ROC-AUC of encoded noise on its training rows, by rows in a category
    crossed: tuple[float, ...]
    promises: Mapping[str, Mapping[str, tuple[float, float]]]  # table -> way to encode -> ROC-AUC in training, on new
    differing: float  # floats with other bits between batch and one row
    alarms: Alarms


def build(lab: Lab) -> Built:
    """Leakage, promises, two paths, skews, and refusals."""
    naive, crossed = _leakage(lab)
    found = promised(lab)
    _report_promises(lab, found)
    differing = _paths(lab)
    raised = alarms(lab)
    _report_skews(lab, raised)
    _report_refusals(lab)
    lab.document("deployment.md.jinja", "Deployment note", tables=list(found))
    return Built(naive, crossed, found, differing, raised)


def _leakage(lab: Lab) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Encode noise by its own rows and by the others."""
    naive, crossed = [], []
    for each in lab.progress(_ROWS_EACH, "encoding noise"):
        X, y = noise(lab.rng, _ROWS, _ROWS // each)
        encoder = lab.solution.TargetEncoder()
        crossed.append(roc_auc(y, np.asarray(encoder.fit_transform(X, y))[:, 0]))
        naive.append(roc_auc(y, np.asarray(encoder.transform(X))[:, 0]))
    lab.figure(
        figures.leakage(_ROWS_EACH, naive, crossed),
        "Noise",
        "A column that has nothing to do with the target, encoded by its targets. The fewer rows a category has, the "
        "more each row's own target shows in its feature, unless it is left out.",
    )
    lab.metric("rows of noise", _ROWS)
    lab.metric("rows in a category", _ROWS_EACH[3])
    lab.metric("ROC-AUC of noise, naive", naive[3])
    lab.metric("ROC-AUC of noise, cross-fitted", crossed[3])
    return tuple(naive), tuple(crossed)


def _report_promises(lab: Lab, found: Mapping[str, Mapping[str, tuple[float, float]]]) -> None:
    import pandas as pd

    rows = [
        {"table": name, "many categories are": way, "training rows": train, "new rows": new,
         "promised too much": train - new}
        for name, ways in found.items() for way, (train, new) in ways.items()
    ]  # fmt: skip
    lab.table(pd.DataFrame(rows), "Promises", "ROC-AUC of a logistic regression on the features of a pipeline.")
    lab.figure(
        figures.promises(found),
        "Promises",
        "ROC-AUC in training and on new rows. The longer the line, the more was promised.",
    )


def _paths(lab: Lab) -> float:
    """The same rows in one batch and one by one."""
    frame, y = applications(lab.rng, 3_000 if lab.full else 1_200)
    train, new = frame.iloc[: len(frame) // 2], frame.iloc[len(frame) // 2 :].reset_index(drop=True)
    found = lab.solution.apply(probes.online, PLAN, train, y[: len(train)], new, online_rows(new))
    milliseconds = 1000.0 * np.asarray(found["seconds"])
    lab.figure(
        figures.latency(1000.0 * milliseconds),
        "Latency",
        "Time from a mapping of fields to features, one row at a time.",
    )
    lab.metric("rows through both paths", len(new))
    lab.metric("features a row", found["batch"].shape[1])
    lab.metric("latency of one row, median", float(np.median(milliseconds)), "ms")
    lab.metric("latency of one row, 99th percentile", float(np.percentile(milliseconds, 99)), "ms")
    differing = differing_bits(found["batch"], found["one"])
    lab.metric("floats with other bits", differing)
    return differing


def _report_skews(lab: Lab, raised: Alarms) -> None:
    import pandas as pd

    rows = [
        {"planted": what, "column": skew.column, "kind": skew.kind, "figure": skew.figure, "found": skew.found,
         "what to do": skew.action}
        for what, report in raised.alone.items() for skew in report.skews
    ]  # fmt: skip
    lab.table(pd.DataFrame(rows), "Skews", "One skew planted at a time, and what the report says.")
    offline, online = samples(lab)
    lab.figure(
        figures.before_and_after(offline, online, spoiled(lab, online), "amount", "applied"),
        "Skewed columns",
        "Two columns of the same period: what the model was trained on, what the service should hand over, and what it "
        "hands over: cents for euros, and local time for UTC.",
    )
    lab.metric("rows served", ONLINE)
    lab.metric("skews planted together", len(PLANTED))
    lab.metric("skews found together", len(raised.together.skews))
    lab.metric("level of a report", ALPHA)
    lab.metric("reports on clean samples", raised.clean)
    lab.metric("false alarms", raised.false)
    lab.metric("share of false alarms", raised.false / raised.clean)


def _report_refusals(lab: Lab) -> None:
    import pandas as pd

    found = {**refused(lab), "a pickle of another NumPy": another_version()}
    rows = [
        {"attempt": name, "outcome": "loaded" if value[0] == "nothing" else value[0], "message": value[1]}
        for name, value in found.items() if not isinstance(value, bool)
    ]  # fmt: skip
    lab.table(pd.DataFrame(rows), "Refusals", "What was tried with pipeline files, and what came of it.")
    lab.metric("attempts refused", sum(row["outcome"] != "loaded" for row in rows))


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's module first, then what the build shows."""
    yield from encoders(lab)
    yield from pipelines(lab)
    yield from files(lab)
    yield from _leaks(built)
    yield from _served(lab, built)
    yield from _reported(lab, built)


def _leaks(built: Built) -> Iterator[Check]:
    yield Check(
        "noise that is encoded by its own rows, beside it",
        lambda: built.naive[3],
        at_least=0.6,
        why="This is what fit and then transform on the training rows makes of a column that knows nothing.",
        hint=("See: encodings of known categories.",),
    )
    yield Check(
        "noise stays worthless, whatever the size of its categories",
        lambda: max(abs(area - 0.5) for area in built.crossed),
        at_most=0.03,
        why="Half a ROC curve is what guessing is worth, with categories of five hundred rows and of two.",
        hint=("See: ROC-AUC of a column of pure noise.",),
    )
    yield Check(
        "what the naive way promises too much",
        lambda: _gap(built, "encoded by their own rows") - _gap(built, "cross-fitted"),
        at_least=0.03,
        why="The model is trained on answers, and on new rows there are none.",
        hint=("See: training rows are cross-fitted.",),
    )
    yield Check(
        "what cross-fitting is worth on new rows",
        lambda: _new(built, "cross-fitted") - _new(built, "encoded by their own rows"),
        at_least=0.0,
        why="A model that was misled in training weighs the wrong columns when it counts.",
        hint=("See: training rows are cross-fitted.",),
    )


def _gap(built: Built, way: str) -> float:
    train, new = built.promises["simulated applications"][way]
    return train - new


def _new(built: Built, way: str) -> float:
    return built.promises["simulated applications"][way][1]


def _served(lab: Lab, built: Built) -> Iterator[Check]:
    yield Check(
        "floats that differ between the two paths",
        lambda: built.differing,
        equals=0,
        why="A thousand rows with gaps and strangers among them, in one batch and one by one, to the last bit.",
        hint=("See: features that differ by a bit between batch and one row.",),
    )

    def slow() -> float:
        median = next(metric.value for metric in lab.ledger.metrics if metric.name.endswith("one row, median"))
        return float(median)

    yield Check(
        "median time of one row",
        slow,
        at_most=100.0,
        unit="ms",
        why="A service has a few milliseconds for everything; this bound is wide, since the machine may be busy.",
        exercise=False,
    )


def _reported(lab: Lab, built: Built) -> Iterator[Check]:
    yield Check(
        "refuses a pickle of another NumPy",
        lambda: another_version()[0] == "CannotRead",
        equals=True,
        why="What a pickle of other versions builds may work, and be something else.",
        exercise=False,
    )
    yield Check(
        "planted skews that are found and named",
        lambda: len({(skew.column, skew.kind) for skew in built.alarms.together.skews}
                    & {(one.column, one.kind) for one in PLANTED}),
        equals=len(PLANTED),
        why="Scale, encoding, missingness and time, each with its column.",
        exercise=False,
    )  # fmt: skip
    yield Check(
        "findings that nobody planted",
        lambda: sum((skew.column, skew.kind) not in {(one.column, one.kind) for one in PLANTED}
                    for skew in built.alarms.together.skews),
        equals=0,
        why="A report that cries wolf is switched off within a week.",
        exercise=False,
    )  # fmt: skip
    yield Check(
        "skews that are found alone",
        lambda: sum(
            [(skew.column, skew.kind) for skew in built.alarms.alone[one.title].skews] == [(one.column, one.kind)]
            for one in (*PLANTED, *OTHERS)
        ),
        equals=len(PLANTED) + len(OTHERS),
        why="Each by itself, under its own name, and nothing else.",
        exercise=False,
    )
    # Three standard errors above the level that the report promises.
    most = ALPHA + 3.0 * float(np.sqrt(ALPHA * (1 - ALPHA) / clean_pairs(lab)))
    yield Check(
        "false alarms on clean samples",
        lambda: built.alarms.false / built.alarms.clean,
        at_most=round(most, 3),
        why="All tests of a report share one error rate.",
        exercise=False,
    )
