"""Week 11: experiments that can be believed.

The build puts splitters into worlds where the truth is known, searches for the best of many worthless rules,
compares two equal models over and over, takes a model apart, and does one experiment again in five ways. The
assessment holds the learner's module against scikit-learn, brute force and the definitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w11_crossval import figures
from fiftytwo.weeks.w11_crossval.ablations import ablating
from fiftytwo.weeks.w11_crossval.bits import Again, Moved, again, moved, pinned
from fiftytwo.weeks.w11_crossval.experiments import (
    ALPHA,
    CUSTOMERS,
    NOISE_ROWS,
    WORLDS,
    Alarms,
    Leak,
    Optimism,
    customers,
    days,
    equals,
    noise,
    sizes,
)
from fiftytwo.weeks.w11_crossval.probes import compared, folds
from fiftytwo.weeks.w11_crossval.running import running
from fiftytwo.weeks.w11_crossval.splitting import refusals, splitters
from fiftytwo.weeks.w11_crossval.subjects import Subject, market, retail, subject
from fiftytwo.weeks.w11_crossval.tuning import comparing, comparing_refuses, defaults, tuning

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    11,
    exercise=Exercise(
        "mltoolkit.tabular.crossval",
        (
            "KFold",
            "StratifiedKFold",
            "GroupKFold",
            "TimeSeriesSplit",
            "cross_validate",
            "nested_cross_validate",
            "compare_models",
            "ablate",
        ),
        hours=14.0,
        processes=8,  # two workers of joblib, and what starts and tracks them
        peers={
            "KFold": "sklearn.model_selection:KFold",
            "StratifiedKFold": "sklearn.model_selection:StratifiedKFold",
            "GroupKFold": "fiftytwo.weeks.w11_crossval.peers:GroupKFold",
            "TimeSeriesSplit": "fiftytwo.weeks.w11_crossval.peers:TimeSeriesSplit",
        },
        brief="""\
Write four splitters and four functions. Given to you: `mltoolkit.tabular.folds` (the base class `Splitter`, checks
of parameters and columns, scorers by name, rows of any table) and `mltoolkit.tabular.cvresults` (what the functions
return, and `FoldsFailed`). A good order:

1. `KFold`: number the folds of the rows, then give out the pairs. Shuffle with `np.random.default_rng(random_state)`.
2. `StratifiedKFold`: deal the rows of each class out like cards.
3. `GroupKFold`: number the folds of groups, the largest first, each to the lightest fold. Then `stratify`.
4. `TimeSeriesSplit`: windows at the end, the past before them, then `gap`, `purge` and `max_train_size`.
5. `cross_validate`: clone, fit on the training rows, score and predict the test rows. Then several scorers,
   weights, failures, `joblib.Parallel`, the corrected interval.
6. `compare_models` and `ablate`: the same splits for all, differences split by split, the corrected t-test, Holm.
7. `nested_cross_validate`: every configuration inside every outer training part; an outer score is a fit that the
   flat search makes anyway.

The docstrings state every rule. Bad input gets a `BadInput` (a `ValueError`) that names all faults at once. NumPy,
SciPy, joblib and scikit-learn's `clone`, `ParameterGrid` and scorers are yours; its splitters and cross-validation
are what yours is held against.
""",
    ),
)


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    leaks: tuple[Leak, ...]
    optimism: Optimism
    alarms: Alarms
    ablation: Mapping[str, Any]
    comparison: Mapping[str, Any]
    again: tuple[Again, ...]
    moved: Moved


def build(lab: Lab) -> Built:
    """Leaks, optimism, false alarms, a comparison, an ablation, and the same experiment again."""
    _draw_splits(lab)
    leaks = (customers(lab), days(lab), *((retail(lab), market(lab)) if lab.full else ()))
    _report_leaks(lab, leaks)
    optimism = noise(lab, 40 if lab.full else 10)
    alarms = equals(lab, 1000 if lab.full else 150)
    _report_simulations(lab, optimism, alarms)
    chosen = subject(lab)
    comparison, ablation = _compare(lab, chosen), _ablate(lab, chosen)
    ways, movement = again(lab, chosen), moved(lab, chosen)
    _report_checklist(lab, chosen, ways, movement)
    return Built(leaks, optimism, alarms, ablation, comparison, tuple(ways), movement)


def _draw_splits(lab: Lab) -> None:
    rng, n = lab.rng, 40
    y = np.sort(rng.random(n) < 0.3).astype(int)
    groups = np.sort(rng.integers(0, 9, n))
    plans: dict[str, tuple[str, dict[str, Any]]] = {
        "KFold": ("KFold", {"n_splits": 4}),
        "StratifiedKFold (rows sorted by class)": ("StratifiedKFold", {"n_splits": 4}),
        "GroupKFold (rows sorted by group)": ("GroupKFold", {"n_splits": 4}),
        "TimeSeriesSplit, gap 2": ("TimeSeriesSplit", {"n_splits": 4, "gap": 2}),
        "TimeSeriesSplit, purge 5, at most 12 rows": ("TimeSeriesSplit",
                                                      {"n_splits": 4, "purge": 5, "max_train_size": 12}),
    }  # fmt: skip
    found = {title: lab.solution.apply(folds, name, o, n, y, groups) for title, (name, o) in plans.items()}
    lab.figure(
        figures.split_maps(found, n),
        "Splits",
        "Five ways to split the same 40 rows: a line a split, a cell a row.",
    )


def _report_leaks(lab: Lab, leaks: tuple[Leak, ...]) -> None:
    import pandas as pd

    rows = [
        {"world": leak.world, "splitter": name, "promised": value, "on new rows": leak.truth,
         "promised too much": value - leak.truth}
        for leak in leaks for name, value in leak.promised.items()
    ]  # fmt: skip
    lab.table(pd.DataFrame(rows), "Promises", "Accuracy by splitter, beside what the same model reached on new rows.")
    for i in range(0, len(leaks), 2):
        lab.figure(
            figures.promises(leaks[i : i + 2]),
            "Promises" if i == 0 else "Promises on real tables",
            "Accuracy that cross-validation promised, by splitter. The dashed line is the accuracy on rows that came "
            "later or belong to others.",
        )
    lab.metric("worlds of each kind", WORLDS)
    lab.metric("customers in a world", CUSTOMERS)


def _report_simulations(lab: Lab, optimism: Optimism, alarms: Alarms) -> None:
    lab.figure(
        figures.optimism(sizes(lab), optimism),
        "Optimism",
        "Labels are coin flips, so every rule is worth one half. The best of a flat search promises more the longer it "
        "searches; the nested score does not. Bars: 95% intervals of the means over data sets.",
    )
    lab.figure(
        figures.false_alarms(alarms, ALPHA),
        "False alarms",
        "Two models that are equally good, compared on many data sets. A test keeps its word where its curve is not "
        "above the dashed line.",
    )
    lab.metric("rows of noise", NOISE_ROWS)
    lab.metric("configurations tried", sizes(lab)[-1])
    lab.metric("searches in noise", len(optimism.flat))
    lab.metric("flat best in noise", float(optimism.flat[:, -1].mean()))
    lab.metric("nested score in noise", float(optimism.nested[:, -1].mean()))
    lab.metric("level of the tests", ALPHA)
    lab.metric("comparisons of equals", len(alarms.naive))
    lab.metric("false alarms, naive", alarms.rate("naive"))
    lab.metric("false alarms, corrected", alarms.rate("corrected"))


_COLUMNS = ["difference", "standard error", "low", "high", "t", "p", "p, Holm"]


def _compare(lab: Lab, chosen: Subject) -> dict[str, Any]:
    options = {"scoring": chosen.scoring, "n_repeats": 4, "random_state": lab.seed}
    found = lab.solution.apply(compared, "compare_models", dict(chosen.models), chosen.X, chosen.y, options)
    frame = _frame(found, "first", "second")
    lab.table(
        frame, "Comparison", f"{chosen.name}: differences of ROC-AUC over the same 20 splits, first minus second."
    )
    return dict(found)


def _ablate(lab: Lab, chosen: Subject) -> dict[str, Any]:
    options = {"scoring": chosen.scoring, "n_repeats": 4, "random_state": lab.seed, "features": dict(chosen.features),
               "steps": ["standardscaler"]}  # fmt: skip
    found = lab.solution.apply(compared, "ablate", chosen.whole, chosen.X, chosen.y, options)
    frame = _frame(found, "whole", "part")
    lab.table(frame, "Ablation", f"{chosen.name}: ROC-AUC that each part adds, over the same 20 splits.")
    lab.metric("ROC-AUC of the whole", float(np.mean(found["scores"]["full"])))
    values: NDArray[np.float64] = found["values"]
    lab.figure(
        figures.contributions(
            [part for _, part in found["pairs"]], values[:, [0, 2, 3]], "ROC-AUC, full minus without"
        ),
        "Ablation",
        "What each part adds to the whole, with corrected 95% intervals. Grey: could be nothing.",
    )
    return dict(found)


def _frame(found: Mapping[str, Any], first: str, second: str) -> Any:
    import pandas as pd

    frame = pd.DataFrame(found["pairs"], columns=[first, second])
    return pd.concat([frame, pd.DataFrame(found["values"], columns=_COLUMNS)], axis=1)[
        [first, second, "difference", "low", "high", "p", "p, Holm"]
    ]


def _report_checklist(lab: Lab, chosen: Subject, ways: list[Again], movement: Moved) -> None:
    import pandas as pd

    from mltoolkit.errors import CannotRead

    rows = [
        {"way": one.way, "SHA-256 of scores, predictions and rows": one.digest[:16] or one.reason,
         "same bits": bool(one.digest == ways[0].digest)}
        for one in ways
    ]  # fmt: skip
    lab.table(pd.DataFrame(rows), "Again", "The same experiment in five ways; equal digests are equal bits.")
    lab.metric("mean score moved by the order of rows", movement.by_order)
    lab.metric("mean score moved by the seed of the folds", movement.by_seed)
    lab.metric("half of the interval", movement.half_interval)
    lab.metric("seed", lab.seed)
    try:
        libraries = pinned()
    except CannotRead:
        libraries = []
    frame = pd.DataFrame(libraries, columns=["library", "runs", "pinned"])
    lab.table(frame, "Versions", "Libraries of this run, and the versions that requirements.lock pins.")
    data = {d.name for d in lab.ledger.data}
    lab.document(
        "reproducibility.md.jinja", "Reproducibility checklist", subject=chosen.name, datasets=sorted(data),
        checkout=bool(libraries),
    )  # fmt: skip


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's splitters and functions first, then what the build shows."""
    yield from splitters(lab)
    yield from refusals(lab)
    yield from running(lab)
    yield from tuning(lab)
    yield from comparing(lab)
    yield from comparing_refuses(lab)
    yield from ablating(lab)
    yield from defaults(lab)
    yield from _worlds(lab, built)
    yield from _simulations(built)
    yield from _parts(built)
    yield from _checklist(lab, built)


def _worlds(lab: Lab, built: Built) -> Iterator[Check]:
    for i, leaky, honest, bound in (
        (0, "KFold", "GroupKFold", 0.12),
        (1, "KFold, shuffled", "TimeSeriesSplit, purged", 0.2),
    ):
        yield Check(
            ("the promise for new customers", "the promise for tomorrow")[i],
            lambda i=i, honest=honest: abs(built.leaks[i].promised[honest] - built.leaks[i].truth),  # type: ignore[misc]
            at_most=bound,
            why="A split that does what the world will do promises what the world will give.",
            hint=("See the checks of the splitter: a group or the future leaks.",),
        )
        yield Check(
            ("customers that leak, beside it", "days that leak, beside it")[i],
            lambda i=i, leaky=leaky: built.leaks[i].promised[leaky] - built.leaks[i].truth,  # type: ignore[misc]
            at_least=0.25,
            why="Rows of a known customer or a neighbouring day are remembered, not understood.",
            hint=("See the checks of cross_validate.",),
        )
    yield Check(
        "what purging takes away",
        lambda: built.leaks[1].promised["TimeSeriesSplit"] - built.leaks[1].promised["TimeSeriesSplit, purged"],
        at_least=0.1,
        why="A label that reaches into the test window carries it into training, though its own row is older.",
        hint=("See: purge drops labels that look into the window.",),
    )
    if lab.full:
        pairs = ((built.leaks[2], "KFold", "GroupKFold"), (built.leaks[3], "KFold, shuffled", "TimeSeriesSplit"))
        yield Check(
            "real tables whose careful promise is the truer one",
            lambda: sum(
                abs(leak.promised[honest] - leak.truth) < abs(leak.promised[leaky] - leak.truth)
                for leak, leaky, honest in pairs
            ),
            equals=2,
            why="Real customers and a real market leak as the drawn ones do, only less.",
            hint=("See the checks of the splitters.",),
        )


def _simulations(built: Built) -> Iterator[Check]:
    yield Check(
        "a flat search promises too much in noise",
        lambda: float(built.optimism.flat[:, -1].mean()) - 0.5,
        at_least=0.08,
        why="The best of forty coin-flip rules looks like knowledge.",
        hint=("flat_best is the largest mean over the outer splits.",),
    )
    yield Check(
        "a nested score does not",
        lambda: abs(float(built.optimism.nested[:, -1].mean()) - 0.5),
        at_most=0.08,
        why="What was chosen on some rows is judged on others, so luck does not count.",
        hint=("Choose inside the outer training rows alone.",),
    )
    yield Check(
        "false alarms of the corrected test",
        lambda: built.alarms.rate("corrected"),
        at_most=0.1,
        why="A test at five percent should call equal models different five times in a hundred.",
        hint=("s · √(1/J + n_test / n_train), not s / √J.",),
    )
    yield Check(
        "false alarms of the naive one, beside it",
        lambda: built.alarms.rate("naive"),
        at_least=0.2,
        why="Resampled splits are not new data; whoever counts them as such finds differences everywhere.",
        hint=("See: models are scored on the same splits.",),
    )


def _parts(built: Built) -> Iterator[Check]:
    yield Check(
        "intervals of the ablation",
        lambda: float(np.mean((built.ablation["values"][:, 2] <= built.ablation["values"][:, 0])
                              & (built.ablation["values"][:, 0] <= built.ablation["values"][:, 3]))),
        equals=1.0,
        why="A table of contributions without intervals is a table of noise and effect in unknown shares.",
        hint=("See: what each part contributes.",),
    )  # fmt: skip
    yield Check(
        "a part that matters is found",
        lambda: float(np.max(built.ablation["values"][:, 2])),
        at_least=0.0,
        why="At least one part of a working model must be worth more than chance.",
        hint=("See: what each part contributes.",),
    )


def _checklist(lab: Lab, built: Built) -> Iterator[Check]:
    yield Check(
        "the same bits in every way",
        lambda: sum(one.digest != built.again[0].digest or not one.digest for one in built.again),
        equals=0,
        why="An experiment that gives other numbers to more workers cannot be rerun on another machine.",
        hint=(
            "One thread of BLAS for each fit: threadpoolctl.threadpool_limits(1).",
            "Results in the order of the splits.",
        ),
    )
    yield Check(
        "the order of the rows moves the score less than its interval",
        lambda: built.moved.by_order / built.moved.half_interval,
        at_most=1.0,
        why="Other orders make other folds; the interval has to allow for that.",
        hint=("See: interval of the mean score.",),
    )

    def unpinned() -> float:
        return float(sum(running != wanted for _, running, wanted in pinned()))

    yield Check(
        "libraries that differ from requirements.lock",
        unpinned,
        equals=0,
        why="A result that depends on whatever was installed that day is not a result.",
        exercise=False,
    )
    yield Check(
        "data of known content",
        lambda: len(lab.ledger.data) >= (3 if lab.full else 1) and all(d.sha256 for d in lab.ledger.data),
        equals=True,
        why="The fingerprint in the evidence says which bytes the numbers come from.",
        exercise=False,
    )
