"""Checks of the encoders and the scaler: scikit-learn's numbers, the definition of the hash, and what must not leak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w12_features.cases import CLOSE, hashed, scaler_tables, target_cases, target_oracle, words
from fiftytwo.weeks.w12_features.credit import noise
from fiftytwo.weeks.w12_features.probes import moved_by_own_target, names_of
from mltoolkit.metrics import roc_auc

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

NOISE_ROWS, NOISE_CATEGORIES = 20_000, 2_000


def encoders(lab: Lab) -> Iterator[Check]:
    """The target encoder, the hash, the scaler."""
    yield from _new_rows(lab)
    yield from _training_rows(lab)
    yield from _target_refusals(lab)
    yield from _hashing(lab)
    yield from _scaling(lab)


def _new_rows(lab: Lab) -> Iterator[Check]:
    cases = target_cases(lab.rng)

    def returns_itself() -> bool:
        encoder = lab.solution.TargetEncoder()
        return bool(encoder.fit(cases[0].X, cases[0].y) == encoder)

    yield Check(
        "fit returns the encoder",
        returns_itself,
        equals=True,
        why="Pipelines and chains of calls depend on it.",
        hint=("End fit with: return self",),
    )

    def encodings() -> Measurement:
        return worst(
            (
                difference(
                    lab.solution.TargetEncoder(smooth=case.smooth).fit(case.X, case.y).transform(case.X.dropna()),
                    target_oracle(case).fit(case.X, case.y).transform(case.X.dropna()),
                    call=f"{case.call}.fit(X, y).transform(X)", inputs={"X": case.X, "y": case.y},
                )
                for case in cases
            ),
            CLOSE,
        )  # fmt: skip

    yield Check(
        "encodings of known categories",
        encodings,
        at_most=CLOSE,
        why="A mean of three rows says less than a mean of three thousand; smoothing weighs it against the prior.",
        hint=("λ · mean + (1 - λ) · prior, with λ = n / (n + smooth).",
              "auto: λ = n s² / (n s² + v), s² the variance of all targets, v that within the category.",
              "Multiclass: each class as a target of 0 and 1, columns class by class within a column."),
    )  # fmt: skip

    def strangers() -> Measurement:
        return worst(
            (
                difference(
                    lab.solution.TargetEncoder(smooth=case.smooth).fit(case.X, case.y).transform(case.new),
                    target_oracle(case).fit(case.X, case.y).transform(case.new),
                    call=f"{case.call}.fit(X, y).transform(new)",
                    inputs={"X": case.X, "y": case.y, "new": case.new},
                )
                for case in cases
            ),
            CLOSE,
        )  # fmt: skip

    yield Check(
        "missing and unseen categories",
        strangers,
        at_most=CLOSE,
        why="That nobody gave an employer says something; an employer that nobody knows says nothing: the prior.",
        hint=("columns.category_key gives None for whatever is missing: keep None as one more category.",
              "A key that is not in the lookup becomes target_mean_."),
    )  # fmt: skip

    def one_key() -> Measurement:
        X = pd.DataFrame({"code": np.array([1, 1, 2, 2, 2], dtype=np.int64)})
        encoder = lab.solution.TargetEncoder(smooth=1.0).fit(X, np.array([1, 1, 0, 0, 1]))
        new = pd.DataFrame({"code": np.array([1.0, 2.0, np.nan])})
        texts = pd.DataFrame({"code": np.array(["1", "2", None], dtype=object)})
        got = np.column_stack([encoder.transform(new).ravel(), encoder.transform(texts).ravel()])
        known = np.array([(2 + 0.6) / 3, (1 + 0.6) / 4, 0.6])
        return difference(
            got, np.column_stack([known, known]),
            call="TargetEncoder(smooth=1.0).fit(X, y).transform(new): 1 and 2 as floats, then as texts",
        )  # fmt: skip

    yield Check(
        "equal numbers are equal categories",
        one_key,
        at_most=CLOSE,
        why="One gap in a column turns its whole numbers into floats, and 3 must still be 3.0.",
        hint=("Look categories up by columns.category_key, never by the value itself.",),
    )

    def named() -> Measurement:
        case = next(case for case in cases if case.name.startswith("multiclass"))
        got = lab.solution.apply(names_of, "TargetEncoder", {}, case.X, case.y)
        expected = [str(name) for name in target_oracle(case).fit(case.X, case.y).get_feature_names_out()]
        return Measurement(float(got == expected), call="TargetEncoder().fit(X, y).get_feature_names_out()",
                           got=str(got), expected=str(expected))  # fmt: skip

    yield Check(
        "names of the encoded columns",
        named,
        equals=True,
        why="A model's coefficient or a skew is told by the name of its column.",
        hint=("The column's name; with several classes NAME_CLASS.",),
    )


def _training_rows(lab: Lab) -> Iterator[Check]:
    cases = target_cases(lab.rng)

    def crossfitted() -> Measurement:
        return worst(
            (
                difference(
                    lab.solution.TargetEncoder(smooth=case.smooth, cv=KFold(4)).fit_transform(case.X, case.y),
                    target_oracle(case, KFold(4)).fit_transform(case.X, case.y),
                    call=f"TargetEncoder(smooth={case.smooth!r}, cv=KFold(4)).fit_transform(X, y)",
                    inputs={"X": case.X, "y": case.y},
                )
                for case in cases
            ),
            CLOSE,
        )  # fmt: skip

    yield Check(
        "each fold is encoded by the others",
        crossfitted,
        at_most=CLOSE,
        why="What a model is trained on has to look like what it will be served: encoded by rows other than its own.",
        hint=("For each split: encodings from the training rows, written to the test rows.",
              "Prior and variance are those of the training rows too.",
              "A category that the training rows lack becomes their prior."),
    )  # fmt: skip

    def own_target() -> Measurement:
        rng = lab.rng
        X = pd.DataFrame({"city": rng.choice(np.array(list("abcdef"), dtype=object), 60)})
        y = rng.integers(0, 2, 60)
        options = {"smooth": 2.0, "cv": KFold(5)}
        got = lab.solution.apply(moved_by_own_target, options, X, y, list(range(0, 60, 5)))
        call = "TargetEncoder(smooth=2.0, cv=KFold(5)).fit_transform(X, y), with one target turned over"
        return Measurement(float(got), call=call, inputs={"X": X, "y": y})

    yield Check(
        "rows whose feature knows their own target",
        own_target,
        equals=0,
        why="A feature that was made from the answer predicts the answer, in training and never again.",
        hint=("Turn over y[i]: the feature of row i must stay as it is.",),
    )

    def area() -> Measurement:
        X, y = noise(lab.rng, NOISE_ROWS, NOISE_CATEGORIES)
        encoded = np.asarray(lab.solution.TargetEncoder().fit_transform(X, y))
        if encoded.shape != (NOISE_ROWS, 1):
            return Measurement(float("nan"), gate=f"expected shape ({NOISE_ROWS}, 1), got {encoded.shape}")
        return Measurement(roc_auc(y, encoded[:, 0]), call="roc_auc(y, TargetEncoder().fit_transform(noise, y))")

    yield Check(
        "ROC-AUC of a column of pure noise",
        area,
        between=(0.48, 0.52),
        why="With two thousand categories of ten rows, the encoder can learn the targets by heart; it must not.",
        hint=("See: each fold is encoded by the others.",
              "Folds are dealt out by chance: rows of one category must not all be in one fold."),
    )  # fmt: skip


def _target_refusals(lab: Lab) -> Iterator[Check]:
    X, y = pd.DataFrame({"city": ["a", "b", "a", "b"]}), np.array([0, 1, 0, 1])
    encoder = lab.solution.TargetEncoder

    def data() -> Measurement:
        trials: list[tuple[Callable[[], Any], str, tuple[str, ...]]] = [
            (lambda: encoder().fit(X, np.array([0.5, np.nan, 1.0, 2.0])), "fit(X, y with NaN)", ("nan", "missing")),
            (lambda: encoder().fit(X, y[:3]), "fit(X, y[:3])", ("3", "length", "inconsistent")),
            (lambda: encoder().fit(X, None), "fit(X, None)", ("y", "target")),
            (lambda: encoder().fit(X, y).transform(X.assign(more="c")), "transform(X with another column)",
             ("feature", "column")),
            (lambda: encoder(target_type="binary").fit(X, np.array([0, 1, 2, 0])), "fit(X, three classes) as binary",
             ("binary", "two")),
        ]  # fmt: skip
        return first_unclear(
            refusal(action, call=f"TargetEncoder().{call}", mentions=words) for action, call, words in trials
        )

    yield Check(
        "refuses bad targets and other columns",
        data,
        equals=True,
        why="Bad data that goes in quietly comes out as a wrong figure, later and elsewhere.",
        hint=("columns.read_table checks the columns.", "Look at y before anything is counted."),
    )

    def parameters() -> Measurement:
        bad: list[tuple[dict[str, Any], str]] = [
            ({"smooth": -1.0}, "smooth"), ({"smooth": "some"}, "smooth"), ({"cv": 1}, "cv"),
            ({"target_type": "counts"}, "target_type"),
            ({"smooth": -1.0, "cv": 1}, "smooth"), ({"smooth": -1.0, "cv": 1}, "cv"),
        ]  # fmt: skip
        return first_unclear(
            refusal(lambda row=row: encoder(**row).fit(X, y), call=f"TargetEncoder(**{row}).fit(X, y)",  # type: ignore[misc]
                    mentions=(word,))
            for row, word in bad
        )  # fmt: skip

    yield Check(
        "refuses bad parameters",
        parameters,
        equals=True,
        why="All faults are told at once, so that nobody mends them one run at a time.",
        hint=("Check in fit, not in __init__; collect the faults in a list.",),
    )


def _hashing(lab: Lab) -> Iterator[Check]:
    X = words(lab.rng)

    def compared(signed: bool) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            return worst(
                (
                    difference(
                        lab.solution.HashingEncoder(size, signed=signed).fit(X).transform(X),
                        hashed(X, size, signed), call=f"HashingEncoder({size}, signed={signed}).fit(X).transform(X)",
                        inputs={"X": X},
                    )
                    for size in (1, 8, 37)
                ),
                0.0,
            )  # fmt: skip

        return measure

    yield Check(
        "hashed columns",
        compared(True),
        at_most=0.0,
        why="Every process and machine has to agree on where a category goes, or a saved model reads noise.",
        hint=("hashlib.blake2b(text.encode(), digest_size=8).digest(), then int.from_bytes(..., 'little').",
              "The text is NAME=KEY, and NAME alone where the value is missing.",
              "The column is (h >> 1) % n_features; the sign is - where h is odd."),
    )  # fmt: skip
    yield Check(
        "hashed columns without signs",
        compared(False),
        at_most=0.0,
        why="Without signs the columns are counts, which some models need.",
        hint=("signed=False adds +1 always.",),
    )


def _scaling(lab: Lab) -> Iterator[Check]:
    from sklearn.preprocessing import RobustScaler

    tables = scaler_tables(lab.rng)

    def compared(names: tuple[str, ...], **options: Any) -> Callable[[], Measurement]:
        shown = ", ".join(f"{name}={value}" for name, value in options.items())

        def measure() -> Measurement:
            return worst(
                (
                    difference(
                        lab.solution.RobustScaler(**options).fit(tables[name]).transform(tables[name]),
                        RobustScaler(**options).fit_transform(tables[name]), inputs={"X": tables[name]},
                        call=f"RobustScaler({shown}).fit(X).transform(X)",
                    )
                    for name in names
                ),
                1e-6,
            )  # fmt: skip

        return measure

    yield Check(
        "scaled numbers",
        compared(("plain", "wild values", "far from zero")),
        at_most=1e-6,
        why="One wild income moves a mean as far as it likes, and a median not at all.",
        hint=("(X - median) / (75th - 25th percentile), column by column.", "np.percentile(column, [25, 50, 75])"),
    )
    yield Check(
        "scaled numbers with other quantiles",
        compared(("plain", "gaps"), quantile_range=(10.0, 90.0), with_centering=False),
        at_most=1e-6,
        why="A column that is mostly zero has no middle half to speak of; a wider range has.",
        hint=("quantile_range is in percent.",),
    )
    yield Check(
        "gaps stay gaps",
        compared(("gaps",)),
        at_most=1e-6,
        why="Whoever fills a gap decides something; a scaler should not do so in passing.",
        hint=("Percentiles of the values that are there.",),
    )
    yield Check(
        "constant columns",
        compared(("constant", "one row")),
        at_most=1e-6,
        why="A column that never changes has a range of 0, and the first new value would be infinite.",
        hint=("Where the range is 0, divide by 1.",),
    )

    def filled() -> Measurement:
        X = tables["gaps"]
        expected = np.nan_to_num(RobustScaler().fit_transform(X), nan=-2.0)
        got = lab.solution.RobustScaler(fill=-2.0).fit(X).transform(X)
        return difference(got, expected, call="RobustScaler(fill=-2.0).fit(X).transform(X)", inputs={"X": X})

    yield Check(
        "gaps that are filled",
        filled,
        at_most=1e-6,
        why="0 after scaling is the median, which is what most models want for what nobody knows.",
        hint=("Fill after scaling.",),
    )

    def refuses() -> Measurement:
        texts = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"], "c": ["1", "2"]})
        infinite = np.array([[1.0], [np.inf]])
        trials: list[tuple[Callable[[], Any], str, tuple[str, ...]]] = [
            (lambda: lab.solution.RobustScaler().fit(texts), "fit(X with texts in b and c)", ("'b'",)),
            (lambda: lab.solution.RobustScaler().fit(texts), "fit(X with texts in b and c)", ("'c'",)),
            (lambda: lab.solution.RobustScaler().fit(infinite), "fit(X with infinity)", ("inf",)),
            (lambda: lab.solution.RobustScaler().fit(np.full((3, 1), np.nan)), "fit(X without a value)",
             ("value", "missing", "nan", "empty")),
        ]  # fmt: skip
        return first_unclear(
            refusal(action, call=f"RobustScaler().{call}", mentions=words) for action, call, words in trials
        )

    yield Check(
        "refuses what is no number",
        refuses,
        equals=True,
        why="A text that looks like a number is a decision that somebody made without writing it down.",
        hint=("Table.numbers() reads the columns and names every one that holds something else.",),
    )
