"""Checks of the splitters: what every set of splits must hold, and scikit-learn's folds where they are defined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn.model_selection as peer

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import refusal, worst
from fiftytwo.weeks.w11_crossval.cases import (
    Case,
    Pairs,
    cases,
    count_faults,
    fault_of_groups,
    fault_of_partition,
    fault_of_shares,
    one_sided,
    spread,
    unevenness,
)
from fiftytwo.weeks.w11_crossval.probes import folds, many_folds

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

TABLES = 60
_PARTITIONS = ("KFold", "StratifiedKFold", "GroupKFold")


def splitters(lab: Lab) -> Iterator[Check]:
    """Partitions first, then what makes each splitter itself."""
    tables = cases(lab.rng, TABLES)

    @cache
    def found(name: str, **options: Any) -> list[Pairs]:
        calls = [({"n_splits": c.k, **options}, c.n, c.y, c.groups) for c in tables]
        return list(lab.solution.apply(many_folds, name, calls))

    for name in _PARTITIONS:
        yield _partition(name, tables, found)
    yield from _plain(lab, tables, found)
    yield from _groups(lab, tables, found)
    yield from _chance(lab, tables, found)
    yield from time(lab)


def _call(name: str, options: str = "") -> Callable[[Case], str]:
    return lambda case: f"list({name}({case.k}{options}).split(zeros(({case.n}, 1)), y, groups))"


def _partition(name: str, tables: list[Case], found: Callable[..., list[Pairs]]) -> Check:
    return Check(
        f"{name} tests every row once",
        lambda: count_faults(found(name), tables, lambda pairs, c: fault_of_partition(pairs, c.n, c.k), _call(name)),
        equals=0,
        why="A row that is tested twice counts twice, one that is never tested hides, and one on both sides lies.",
        hint=("Give each row the number of its fold first.",
              "train is np.flatnonzero(fold != i), test is np.flatnonzero(fold == i)."),
    )  # fmt: skip


def _plain(lab: Lab, tables: list[Case], found: Callable[..., list[Pairs]]) -> Iterator[Check]:
    def blocks(pairs: Pairs, case: Case) -> str:
        expected = [test.tolist() for _, test in peer.KFold(case.k).split(np.zeros(case.n))]
        got = [np.asarray(test).tolist() for _, test in pairs]
        return "" if got == expected else f"test folds {got!s:.120}; expected {expected!s:.120}"

    yield Check(
        "KFold without shuffling gives blocks",
        lambda: count_faults(found("KFold"), tables, blocks, _call("KFold")),
        equals=0,
        why="Folds that are defined by the order of rows can be named in a report and made again by anyone.",
        hint=("The first n % k folds have one row more than the others.", "np.array_split does just that."),
    )
    yield Check(
        "StratifiedKFold deals every class out evenly",
        lambda: count_faults(
            found("StratifiedKFold"), tables, lambda pairs, c: fault_of_shares(pairs, c.y), _call("StratifiedKFold")
        ),
        equals=0,
        why="A fold without the rare class has nothing to say about it.",
        hint=("Deal the rows of one class out like cards: 0, 1, ..., k - 1, 0, 1, ...",
              "np.arange(count) % n_splits numbers the folds of one class's rows."),
    )  # fmt: skip

    def interoperates() -> bool:
        return bool(lab.solution.apply(_within_scikit_learn))

    yield Check(
        "scikit-learn takes the splitters",
        interoperates,
        equals=True,
        why="One interface, split and get_n_splits, lets a splitter serve grid searches and pipelines of others.",
        hint=("split(X, y=None, groups=None) yields pairs; get_n_splits comes with the base class Splitter.",),
    )


def _within_scikit_learn(solution: Any) -> bool:
    """Whether a splitter drives scikit-learn's own cross-validation."""
    from sklearn.neighbors import KNeighborsClassifier

    X, y = np.arange(12.0)[:, np.newaxis], np.arange(12) % 2
    ours = peer.cross_val_score(KNeighborsClassifier(1), X, y, cv=solution.KFold(3))
    theirs = peer.cross_val_score(KNeighborsClassifier(1), X, y, cv=peer.KFold(3))
    return bool(np.array_equal(ours, theirs))


def _groups(lab: Lab, tables: list[Case], found: Callable[..., list[Pairs]]) -> Iterator[Check]:
    def leaks(**options: Any) -> Measurement:
        pairs = found("GroupKFold", **options)
        shown = "".join(f", {name}={value}" for name, value in options.items())
        return count_faults(pairs, tables, lambda p, c: fault_of_groups(p, c.groups), _call("GroupKFold", shown))

    yield Check(
        "GroupKFold splits no group",
        leaks,
        equals=0,
        why="A model that knows a customer from training has not shown that it understands a new one.",
        hint=("Number the folds of groups, not of rows.",
              "names, codes = np.unique(groups, return_inverse=True); fold_of_group[codes] numbers the rows."),
    )  # fmt: skip

    def unbalanced(pairs: Pairs, case: Case) -> str:
        largest = int(np.unique(case.groups, return_counts=True)[1].max())
        gap = spread(pairs)
        return f"test folds differ by {gap} rows; the largest group has {largest}" if gap > largest else ""

    yield Check(
        "GroupKFold balances the folds",
        lambda: count_faults(found("GroupKFold"), tables, unbalanced, _call("GroupKFold")),
        equals=0,
        why="A fold with most of the rows leaves little to train on and decides the mean alone.",
        hint=("Sort the groups by size, largest first.", "Each goes to the fold that has the fewest rows so far."),
    )

    def rows_apart() -> Measurement:
        ours = [spread(pairs) for pairs in found("GroupKFold")]
        theirs = [spread(list(peer.GroupKFold(c.k).split(np.zeros(c.n), groups=c.groups))) for c in tables]
        return Measurement(float(np.mean(ours) - np.mean(theirs)), call="GroupKFold over random tables",
                           got=f"folds differ by {np.mean(ours):.3g} rows on average",
                           expected=f"{np.mean(theirs):.3g}, as scikit-learn's")  # fmt: skip

    yield Check(
        "GroupKFold is as balanced as scikit-learn's",
        rows_apart,
        at_most=0.5,
        unit="rows",
        why="Largest first is the classical rule for packing: what comes last is small and fills the holes.",
        hint=("Sort the groups by size, largest first.",),
    )
    yield Check(
        "stratified GroupKFold splits no group",
        lambda: leaks(stratify=True),
        equals=0,
        why="Even classes are worth nothing if a group leaks for them.",
        hint=("Groups stay whole; only the choice of their fold changes.",),
    )

    def uneven(**chance: Any) -> Measurement:
        leaning = one_sided(lab.rng, TABLES // 2)
        calls = [({"n_splits": c.k, "stratify": True, **chance}, c.n, c.y, c.groups) for c in leaning]
        found = lab.solution.apply(many_folds, "GroupKFold", calls)
        ours = [unevenness(pairs, c.y) for pairs, c in zip(found, leaning, strict=True)]
        theirs = [
            unevenness(list(peer.StratifiedGroupKFold(c.k, **chance).split(np.zeros(c.n), c.y, c.groups)), c.y)
            for c in leaning
        ]
        shown = "".join(f", {name}={value}" for name, value in chance.items())
        return Measurement(float(np.mean(ours) / np.mean(theirs)),
                           call=f"GroupKFold(stratify=True{shown}) over random tables",
                           got=f"shares of classes are off by {np.mean(ours):.3g} on average",
                           expected=f"{np.mean(theirs):.3g}, as StratifiedGroupKFold's")  # fmt: skip

    yield Check(
        "stratified GroupKFold evens the classes out",
        lambda: worst((uneven(), uneven(shuffle=True, random_state=1)), 1.15),
        at_most=1.15,
        why="Groups are whole, so shares cannot be exact; they can be as good as the best known simple rule.",
        hint=("Count the classes of each group, as shares of the class.",
              "Put a group where the sum over folds of squared shares grows least.",
              "That growth is 2 · (fold's shares · group's shares), but for a constant; large groups go first, also "
              "where chance decides between those of about the same size."),
    )  # fmt: skip


def _chance(lab: Lab, tables: list[Case], found: Callable[..., list[Pairs]]) -> Iterator[Check]:
    def seeded(name: str) -> Measurement:
        first = found(name, shuffle=True, random_state=1)
        calls = [({"n_splits": c.k, "shuffle": True, "random_state": 1}, c.n, c.y, c.groups) for c in tables]
        again = lab.solution.apply(many_folds, name, calls)
        other = found(name, shuffle=True, random_state=2)
        same = sum(_same(a, b) for a, b in zip(first, again, strict=True))
        differ = sum(not _same(a, b) for a, b in zip(first, other, strict=True))
        faults = (_fault_of_promise(name, pairs, case) for pairs, case in zip(first, tables, strict=True))
        fault = next((fault for fault in faults if fault), "no fault")
        good = same == len(tables) and differ >= 0.6 * len(tables) and fault == "no fault"
        return Measurement(
            float(good), call=f"{name}(k, shuffle=True, random_state=1) twice, and random_state=2",
            got=f"{same} of {len(tables)} tables the same with one seed, {differ} different with another; {fault}",
            expected="all the same with one seed, most different with another; no fault",
        )  # fmt: skip

    for name in _PARTITIONS:
        yield Check(
            f"{name} shuffles by its seed",
            lambda name=name: seeded(name),  # type: ignore[misc]
            equals=True,
            why="Repeated cross-validation needs new folds each time; a rerun needs the same ones.",
            hint=("np.random.default_rng(random_state) makes the generator, inside split.",
                  "Shuffled folds keep what the splitter promises: classes even, groups whole."),
        )  # fmt: skip


def _fault_of_promise(name: str, pairs: Pairs, case: Case) -> str:
    """What a splitter promises with and without shuffling."""
    own = {"StratifiedKFold": fault_of_shares(pairs, case.y), "GroupKFold": fault_of_groups(pairs, case.groups)}
    return fault_of_partition(pairs, case.n, case.k) or own.get(name, "")


def _same(a: Pairs, b: Pairs) -> bool:
    return all(np.array_equal(x[1], y[1]) for x, y in zip(a, b, strict=True))


def time(lab: Lab) -> Iterator[Check]:
    """TimeSeriesSplit against scikit-learn's, and against the definition of a label's horizon."""
    settings: list[tuple[int, dict[str, Any]]] = [
        (3, {"n_splits": 2}), (5, {"n_splits": 2, "test_size": 1, "max_train_size": 1}), (6, {"n_splits": 2}),
        (13, {"n_splits": 3}), (20, {"n_splits": 3, "gap": 2}),
        (30, {"n_splits": 4, "test_size": 3}), (30, {"n_splits": 4, "test_size": 5, "max_train_size": 7, "gap": 1}),
    ]  # fmt: skip

    def parity() -> Measurement:
        right = 0
        for n, options in settings:
            got = [[np.asarray(part).tolist() for part in pair]
                   for pair in lab.solution.apply(folds, "TimeSeriesSplit", options, n)]  # fmt: skip
            expected = [[p.tolist() for p in pair] for pair in peer.TimeSeriesSplit(**options).split(np.zeros(n))]
            if got != expected:
                shown = ", ".join(f"{name}={value}" for name, value in options.items())
                return Measurement(right, call=f"list(TimeSeriesSplit({shown}).split(zeros(({n}, 1))))",
                                   got=str(got), expected=str(expected))  # fmt: skip
            right += 1
        return Measurement(right)

    yield Check(
        "TimeSeriesSplit trains on the past",
        parity,
        equals=len(settings),
        why="Nobody has tomorrow's rows to train on, so an estimate must not have them either.",
        hint=("The last window ends with the last row; a window has n // (k + 1) rows.",
              "Training ends gap rows before the window begins.", "max_train_size keeps the latest rows."),
    )  # fmt: skip

    def purged() -> Measurement:
        rng, right = lab.rng, 0
        trials: list[tuple[int, dict[str, Any]]] = [
            (24, {"n_splits": 3, "purge": 4}), (24, {"n_splits": 3, "purge": 2, "gap": 3}),
            (24, {"n_splits": 3, "purge": 5, "gap": 1}),
            (40, {"n_splits": 4, "purge": rng.integers(0, 6, 40), "max_train_size": 9}),
        ]  # fmt: skip
        for n, options in trials:
            horizon = np.broadcast_to(options["purge"], n)
            start, expected = n // (options["n_splits"] + 1), []
            for i in range(options["n_splits"]):
                begin = n - start * (options["n_splits"] - i)
                rows = [r for r in range(n) if r < begin - options.get("gap", 0) and r + int(horizon[r]) < begin]
                expected.append(rows[-options.get("max_train_size", n) :])
            got = [np.asarray(train).tolist() for train, _ in lab.solution.apply(folds, "TimeSeriesSplit", options, n)]
            if got != expected:
                shown = ", ".join(f"{k}={v if np.ndim(v) == 0 else 'horizons'}" for k, v in options.items())
                return Measurement(right, call=f"training rows of TimeSeriesSplit({shown}).split(zeros(({n}, 1)))",
                                   got=str(got), expected=str(expected), inputs={"horizons": horizon})  # fmt: skip
            right += 1
        return Measurement(right)

    yield Check(
        "purge drops labels that look into the window",
        purged,
        equals=4,
        why="A label that is made of the next rows carries them into training, whatever its own date is.",
        hint=("Row i's label looks at rows i to i + purge.", "Keep the rows with i + purge < start of the window.",
              "purge may be one number or one for each row; gap holds beside it, the stricter one decides."),
    )  # fmt: skip


def refusals(lab: Lab) -> Iterator[Check]:
    """Tables that cannot be split, refused with the reason."""
    y, groups = [0] * 8 + [1] * 2, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    trials: list[tuple[str, str, dict[str, Any], int, Any, Any, tuple[str, ...]]] = [
        ("more folds than rows", "KFold", {"n_splits": 5}, 3, None, None, ("3 rows", "rows", "sample")),
        ("one fold", "KFold", {"n_splits": 1}, 10, None, None, ("n_splits",)),
        ("a seed without shuffling", "KFold", {"random_state": 1}, 10, None, None, ("shuffle",)),
        ("a class with fewer rows than folds", "StratifiedKFold", {"n_splits": 3}, 10, y, None, ("class", "member")),
        ("classes that are missing", "StratifiedKFold", {"n_splits": 2}, 4, [0.0, 1.0, np.nan, 1.0], None,
         ("nan", "missing")),
        ("fewer groups than folds", "GroupKFold", {"n_splits": 6}, 10, None, groups, ("group",)),
        ("groups that are missing", "GroupKFold", {"n_splits": 2}, 4, None, [1.0, np.nan, 2.0, 2.0],
         ("nan", "missing")),
        ("no groups", "GroupKFold", {"n_splits": 2}, 10, None, None, ("group",)),
        ("lengths that differ", "GroupKFold", {"n_splits": 2}, 9, None, groups, ("10", "length", "inconsistent")),
        ("windows without a past", "TimeSeriesSplit", {"n_splits": 3, "test_size": 4}, 12, None, None,
         ("few", "many", "train")),
        ("more windows than rows", "TimeSeriesSplit", {"n_splits": 5}, 4, None, None, ("few", "many", "train")),
        ("a purge that leaves nothing", "TimeSeriesSplit", {"n_splits": 3, "purge": 3}, 12, None, None,
         ("purge", "few", "train")),
    ]  # fmt: skip
    for what, name, options, n, labels, names, words in trials:
        shown = ", ".join(f"{key}={value}" for key, value in options.items())

        def attempt(name: str = name, options: Any = options, n: int = n, y: Any = labels, groups: Any = names) -> Any:
            return lab.solution.apply(folds, name, options, n, y, groups)

        yield Check(
            f"refuses {what}",
            lambda attempt=attempt, name=name, shown=shown, n=n, words=words: refusal(  # type: ignore[misc]
                attempt, call=f"list({name}({shown}).split(zeros(({n}, 1)), y, groups))", mentions=words
            ),
            equals=True,
            why="A split that cannot be what it promises has to say so before anything is fitted on it.",
            hint=("Check in split, before the first pair is given out.", f"Mention {words[0]!r}."),
        )

    def both() -> Measurement:
        def attempt() -> Any:
            return lab.solution.apply(folds, "GroupKFold", {"n_splits": 1, "random_state": 3}, 4)

        call = "list(GroupKFold(1, random_state=3).split(zeros((4, 1))))"
        for word in ("n_splits", "shuffle", "groups"):
            found = refusal(attempt, call=call, mentions=(word,))
            if found.value != 1.0:
                return found
        return found

    yield Check(
        "tells all faults at once",
        both,
        equals=True,
        why="Mending one fault a run makes three runs of one.",
        hint=("Collect the faults in a list; refuse(operation, faults) in mltoolkit.tabular.folds raises them.",),
    )
