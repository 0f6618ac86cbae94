"""Checks of the pipeline and its files: frames, one row at a time, and what must not be loaded."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal
from fiftytwo.weeks.w12_features import probes
from fiftytwo.weeks.w12_features.credit import FEW, MANY, NUMBERS, applications

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

PLAN = [
    ("scale", "RobustScaler", {"fill": 0.0}, NUMBERS),
    ("target", "TargetEncoder", {"smooth": 5.0, "cv": KFold(4)}, [*FEW, "employer"]),
    ("hash", "HashingEncoder", {"n_features": 6}, ["region", "agent"]),
]
_TRAIN, _NEW = 300, 60


def formats() -> tuple[str, ...]:
    """The formats that a pipeline can be saved in here."""
    return ("skops", "joblib") if importlib.util.find_spec("skops") else ("joblib",)


def tables(lab: Lab) -> tuple[pd.DataFrame, NDArray[np.int64], pd.DataFrame]:
    """Rows to fit on, their target, and new rows with gaps and unseen categories, under an index of their own."""
    frame, y = applications(lab.rng, _TRAIN + _NEW, per_agent=3)
    train, new = frame.iloc[:_TRAIN].reset_index(drop=True), frame.iloc[_TRAIN:].reset_index(drop=True)
    new.loc[0, "region"], new.loc[1, "region"], new.loc[2, "purpose"] = "region 99", None, None
    new.loc[3, "income"] = np.nan
    new.index = pd.Index(range(1_000, 1_000 + _NEW))
    return train, y[:_TRAIN], new


def pipelines(lab: Lab) -> Iterator[Check]:
    """Frames in and out, then one row at a time."""
    train, y, new = tables(lab)

    @cache
    def made() -> dict[str, Any]:
        return dict(lab.solution.apply(probes.outputs, PLAN, train, y, new))

    yield from _frames(lab, train, y, new, made)
    yield from _one_row(lab, train, y, new)


def _names() -> list[str]:
    inner = {"scale": NUMBERS, "target": [*FEW, "employer"], "hash": [f"hash{i}" for i in range(6)]}
    return [f"{step}__{name}" for step, names in inner.items() for name in names]


def _frames(lab: Lab, train: Any, y: Any, new: Any, made: Any) -> Iterator[Check]:
    call = "FeaturePipeline(steps).fit_transform(train, y)"

    def framed() -> Measurement:
        found = made()
        got = [found["kind"], found["columns"], found["index"][:2]]
        expected = ["pandas", _names(), list(new.index[:2])]
        return Measurement(float(got == expected), call=f"{call}, then .transform(new): kind, columns, index",
                           got=str(got), expected=str(expected))  # fmt: skip

    yield Check(
        "a frame goes in and a frame comes out",
        framed,
        equals=True,
        why="A column that has lost its name is found again by its position, until somebody adds another before it.",
        hint=("Names are STEP__FEATURE, with what each transformer's get_feature_names_out says.",
              "A pandas frame keeps the index of the rows that went in."),
    )  # fmt: skip

    def side_by_side() -> Measurement:
        expected = _by_hand(lab, train, y, new, cross=False)
        return difference(made()["new"], expected, call="FeaturePipeline(steps).transform(new)")

    yield Check(
        "features are those of the steps",
        side_by_side,
        at_most=1e-12,
        why="A pipeline adds nothing of its own; each step sees its columns and no others.",
        hint=("Clone each transformer, fit it on its columns, and put the results side by side.",),
    )

    def trained() -> Measurement:
        expected = _by_hand(lab, train, y, new, cross=True)
        return difference(made()["train"], expected, call=call)

    yield Check(
        "training rows are cross-fitted",
        trained,
        at_most=1e-12,
        why="A pipeline that calls fit and then transform undoes what its encoder is careful about.",
        hint=("In fit_transform, call each step's fit_transform.",),
    )

    def other_order() -> Measurement:
        moved = new[list(reversed(new.columns))].assign(more=1.0)
        got = lab.solution.apply(probes.fitted_alone, PLAN, train, y, moved)
        return difference(got, made()["new"], call="FeaturePipeline(steps).fit(train, y).transform(columns reversed)")

    yield Check(
        "columns are found by name",
        other_order,
        at_most=0.0,
        why="A service sends its fields in the order of its own code, and next month one more.",
        hint=("Take X[columns] for each step, never positions.",),
    )
    if importlib.util.find_spec("polars"):

        def from_polars() -> Measurement:
            found = lab.solution.apply(probes.polars_output, PLAN, train, y, new)
            if found["kind"] != "polars" or found["columns"] != _names():
                return Measurement(np.nan, gate=f"expected a polars frame, got {found['kind']} {found['columns']}")
            return difference(
                np.asarray(found["new"]), made()["new"], call="FeaturePipeline(steps).fit(polars).transform(polars)"
            )

        yield Check(
            "polars gives what pandas gives",
            from_polars,
            at_most=1e-12,
            why="The warehouse uses one library and the service another; a feature must not notice.",
            hint=("columns.Table reads both, columns.framed writes both.",),
        )

    def refuses() -> Measurement:
        pipeline, scaler = lab.solution.FeaturePipeline, lab.solution.RobustScaler
        short = new.drop(columns=["income", "region"])
        good = [(name, getattr(lab.solution, kind)(**options), columns) for name, kind, options, columns in PLAN]
        trials: list[tuple[Any, str, tuple[str, ...]]] = [
            (lambda: pipeline([("s", scaler(), ["incom"])]).fit(train, y), "fit with a column that is not there",
             ("incom'",)),
            (lambda: pipeline([("s", scaler(), ["used"]), ("s", scaler(), ["income"])]).fit(train, y),
             "fit with a name used twice", ("twice", "duplicate", "unique", "'s'")),
            (lambda: pipeline([]).fit(train, y), "fit without steps", ("step",)),
            (lambda: pipeline(good).fit(train, y).transform(short), "transform without two columns", ("'income'",)),
            (lambda: pipeline(good).fit(train, y).transform(short), "transform without two columns", ("'region'",)),
        ]  # fmt: skip
        return first_unclear(
            refusal(action, call=f"FeaturePipeline: {c}", mentions=words) for action, c, words in trials
        )

    yield Check(
        "refuses steps and frames that do not fit",
        refuses,
        equals=True,
        why="A column that is missing is not a column of zeros.",
        hint=("Collect what is wrong with all steps, then raise once.",
              "Before transform, name every column that the frame lacks."),
    )  # fmt: skip


def _by_hand(lab: Lab, train: Any, y: Any, new: Any, *, cross: bool) -> NDArray[np.float64]:
    """The steps one by one, with the same solution's transformers."""
    parts = []
    for _, kind, options, columns in PLAN:
        step = getattr(lab.solution, kind)(**options)
        part = train[columns]
        if cross and kind == "TargetEncoder":
            parts.append(np.asarray(step.fit_transform(part, y)))
        else:
            parts.append(np.asarray(step.fit(part, y).transform(part if cross else new[columns])))
    return np.hstack(parts)


def _one_row(lab: Lab, train: Any, y: Any, new: Any) -> Iterator[Check]:
    def same_bits() -> Measurement:
        rows = online_rows(new)
        found = lab.solution.apply(probes.online, PLAN, train, y, new, rows)
        batch, one = found["batch"], found["one"]
        call = "[pipeline.transform_one(row) for row in rows] beside pipeline.transform(new)"
        if one.shape != batch.shape:
            return Measurement(np.nan, gate=f"expected {batch.shape[1]} features a row, got {one.shape[1:]}", call=call)
        return Measurement(differing_bits(batch, one), call=call, got=one, expected=batch)

    yield Check(
        "features that differ by a bit between batch and one row",
        same_bits,
        equals=0,
        why="Almost the same is another branch of a tree, and nobody can say which of the two scored the customer.",
        hint=("Do the same operations in the same order: (x - center) / scale, not x / scale - center / scale.",
              "Keep float64 all the way.", "Look each category up by its category_key."),
    )  # fmt: skip

    def values() -> Measurement:
        row = {**dict.fromkeys((*NUMBERS, *FEW, *MANY)), "income": 30_000, "region": "region 01"}
        expected = _by_hand(lab, train, y, pd.DataFrame([row]), cross=False)[0]
        got = lab.solution.apply(probes.one_row, PLAN, train, y, {**row, "something": "else"})
        return difference(
            got, expected, call="pipeline.transform_one({'income': 30000, 'region': 'region 01', ...: None})"
        )

    yield Check(
        "one row of gaps",
        values,
        at_most=1e-12,
        why="Online, a missing field is None and not NaN, and a whole number is an int.",
        hint=("columns.number_of and columns.category_key read one cell.",),
    )

    def refuses() -> Measurement:
        short = {"income": 1.0, "used": 0.5, "months_employed": 3.0, "purpose": "car", "employer": "x", "agent": "y"}
        text = {**short, "amount": "12,50", "region": "region 01"}
        trials = ((short, "'amount'"), (short, "'region'"), (text, "'amount'"))
        return first_unclear(
            refusal(lambda row=row: lab.solution.apply(probes.one_row, PLAN, train, y, row),  # type: ignore[misc]
                    call=f"pipeline.transform_one({row})", mentions=(word,))
            for row, word in trials
        )  # fmt: skip

    yield Check(
        "refuses a row that lacks fields",
        refuses,
        equals=True,
        why="A renamed field would otherwise be missing for every customer from one release on, and nobody would hear.",
        hint=("Compare with columns_ first, and name everything that is not there.",),
    )


def online_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as a service gets them: plain values in another order, None for what is missing."""
    return [
        {name: None if pd.isna(value) else value for name, value in reversed(list(row.items()))}
        for row in frame.drop(columns=["applied"], errors="ignore").to_dict("records")
    ]


def differing_bits(one: Any, other: Any) -> float:
    """How many floats have other bits."""
    a, b = (np.ascontiguousarray(values, dtype=np.float64).view(np.int64) for values in (one, other))
    return float(np.sum(a != b))


def files(lab: Lab) -> Iterator[Check]:
    """Saving and loading."""
    train, y, new = tables(lab)
    yield from _trips(lab, train, y, new)
    yield from _changed(lab, train, y)
    yield from _not_loaded(lab, train, y)


def _trips(lab: Lab, train: Any, y: Any, new: Any) -> Iterator[Check]:
    @cache
    def trip(format: str) -> dict[str, Any]:
        return dict(lab.solution.apply(probes.round_trip, PLAN, train, y, new, format))

    for format in formats():
        yield Check(
            f"a pipeline comes back to the bit ({format})",
            lambda format=format: Measurement(  # type: ignore[misc]
                differing_bits(trip(format)["before"], trip(format)["after"]),
                call=f"load_pipeline(path) after save_pipeline(pipeline, path, format={format!r})",
            ),
            equals=0,
            why="What is served is what was tested.",
            hint=("joblib.dump keeps every bit; skops does too.",),
        )

    def digest() -> Measurement:
        found = trip("joblib")
        good = found["digest"] == found["sha256"] and not found["left over"]
        call = "save_pipeline(pipeline, path, format='joblib'), and what else is in the folder"
        return Measurement(float(good), call=call,
                           got=f"{found['digest']} {found['left over']}", expected=f"{found['sha256']} []")  # fmt: skip

    yield Check(
        "saving returns the file's checksum",
        digest,
        equals=True,
        why="Kept apart from the file, it proves later that this is the file that was tested.",
        hint=(
            "hashlib.sha256 of the whole file, in hexadecimal.",
            "mltoolkit.io.atomic_write leaves nothing else behind.",
        ),
    )


def _changed(lab: Lab, train: Any, y: Any) -> Iterator[Check]:
    def unnoticed() -> Measurement:
        tried = {f: lab.solution.apply(probes.changed_bytes, PLAN, train, y, f, 60) for f in formats()}
        wrong = [(f, place, kind) for f, rows in tried.items() for place, kind in rows if kind != "CannotRead"]
        call = "load_pipeline(path) after one byte of the file was changed; (format, byte, outcome)"
        return Measurement(float(len(wrong)), call=call, got=str(wrong[:3]), expected="[]")

    yield Check(
        "changed files that are loaded all the same",
        unnoticed,
        equals=0,
        why="A bit that flips on a disk changes a coefficient as easily as it breaks a file.",
        hint=("Write a SHA-256 of everything else into the file, and compare before you read on.",
              "Raise CannotRead for whatever the reader stumbles over."),
    )  # fmt: skip

    def old() -> Measurement:
        found = lab.solution.apply(probes.keeps_the_old_file, PLAN, train, y)
        good = len(found["files"]) == 1 and (found["saving"] == "nothing" or found["the old file"] == "nothing")
        return Measurement(float(good), got=str(dict(found)), expected="the old file, and nothing else",
                           call="save_pipeline over a good file, which fails half-way")  # fmt: skip

    yield Check(
        "a failed save leaves the old file",
        old,
        equals=True,
        why="A service that restarts in that moment needs a pipeline.",
        hint=("mltoolkit.io.atomic_write: a temporary file, then a rename.",),
    )


def _not_loaded(lab: Lab, train: Any, y: Any) -> Iterator[Check]:
    @cache
    def tried() -> dict[str, Any]:
        renamed = [name for name in train.columns if name != "income"]
        types = {name: "number" if name in NUMBERS else "category" for name in train.columns}
        wrong = {"a column that is missing": renamed, "a column of another type": {**types, "used": "category"},
                 "the right columns": types}  # fmt: skip
        return dict(lab.solution.apply(probes.refusals, PLAN, train, y, wrong, formats()))

    def outcome(name: str, kind: str, *words: str) -> Measurement:
        got_kind, text = tried()[name]
        clear = got_kind == kind and (not words or any(word.lower() in text.lower() for word in words))
        wanted = kind + (f" that mentions {' or '.join(map(repr, words))}" if words else "")
        return Measurement(
            float(clear), call=f"load_pipeline: {name}", got=f"{name}: {got_kind} {text}", expected=wanted
        )

    yield Check(
        "pickles that were run",
        lambda: Measurement(float(tried()["ran"]), call="load_pipeline(path of a bare pickle)"),
        equals=0,
        why="A pickle is a program. Reading it to see what it is has already run it.",
        hint=("Look at the first bytes before anything is unpickled: your own file begins in your own way.",),
    )
    yield Check(
        "refuses pickles that nobody vouches for",
        lambda: first_unclear([
            outcome("a bare pickle", "CannotRead"),
            outcome("a pickle without its checksum", "CannotRead", "sha256", "checksum"),
            outcome("another checksum", "CannotRead", "sha", "checksum"),
        ]),
        equals=True,
        why="A checksum inside the file finds accidents; whoever means harm writes a fitting one.",
        hint=("A file in the format joblib is read only with the sha256 that save_pipeline returned.",),
    )  # fmt: skip
    yield Check(
        "refuses another schema",
        lambda: first_unclear([
            outcome("the right columns", "nothing"),
            outcome("a column that is missing", "BadInput", "income"),
            outcome("a column of another type", "BadInput", "used"),
        ]),
        equals=True,
        why="At start-up it is a message; at three in the morning it is a wrong score.",
        hint=("Keep schema_ in the file, and compare it with columns before you load.",),
    )  # fmt: skip
    if "skops" in formats():
        yield Check(
            "refuses classes that nobody trusts",
            lambda: first_unclear([
                outcome("a class nobody trusts", "CannotRead", "Doubler"),
                outcome("the same, trusted by name", "nothing"),
            ]),
            equals=True,
            why="To load an object is to let its class do as it likes.",
            hint=("skops.io.get_untrusted_types names the classes in a file.",
                  "Trust the four of your module, and what the caller names in trusted."),
        )  # fmt: skip
    yield Check(
        "refuses what cannot be a pipeline file",
        lambda: first_unclear([
            outcome("no such file", "CannotRead", "no such", "not found", "nowhere"),
            outcome("an unknown format", "BadInput", "csv"),
            outcome("before fit", "NotFittedError"),
        ]),
        equals=True,
        why="The message is read by somebody who did not write the code.",
        hint=("sklearn.utils.validation.check_is_fitted(pipeline, 'steps_') raises NotFittedError.",),
    )  # fmt: skip


def refused(lab: Lab) -> dict[str, Any]:
    """The refusals of the solution, for the table."""
    train, y, _ = tables(lab)
    renamed = [name for name in train.columns if name != "income"]
    wrong = {"a column that is missing": renamed}
    return dict(lab.solution.apply(probes.refusals, PLAN, train, y, wrong, formats()))
