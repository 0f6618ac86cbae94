"""The reproducibility checklist, measured: the same experiment again, in other ways, and what differs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_limits

import mltoolkit
from fiftytwo.machine import versions
from fiftytwo.weeks.w11_crossval.probes import validated
from mltoolkit.errors import CannotRead

if TYPE_CHECKING:
    from fiftytwo.lab import Lab
    from fiftytwo.weeks.w11_crossval.subjects import Subject

_ROWS = 300


@dataclass(frozen=True)
class Again:
    """The digest of an experiment, done in one way; empty with the reason where it could not be done here."""

    way: str
    digest: str
    reason: str = ""


@dataclass(frozen=True)
class Moved:
    """How far a mean score moves when only chance or the order of rows changes, beside half its interval."""

    by_order: float
    by_seed: float
    half_interval: float


def again(lab: Lab, subject: Subject) -> list[Again]:
    """The same experiment, each in another way: the first is what the others are held against."""
    X, y = subject.X.to_numpy(dtype=float)[:_ROWS], subject.y[:_ROWS]
    ways: list[tuple[str, dict[str, Any], int]] = [
        ("as it is", {}, 1),
        ("again", {}, 1),
        ("two processes (loky)", {"n_jobs": 2, "backend": "loky"}, 1),
        ("two threads", {"n_jobs": 2, "backend": "threading"}, 1),
        ("two threads of BLAS and OpenMP", {}, 2),
    ]
    return [_once(lab, way, X, y, options, threads) for way, options, threads in ways]


def _once(lab: Lab, way: str, X: Any, y: Any, options: Mapping[str, Any], threads: int) -> Again:
    forest = RandomForestClassifier(10, random_state=lab.seed)
    plan = {"cv": 4, "scoring": ["roc_auc", "neg_log_loss"], "method": "predict_proba"}
    try:
        with threadpool_limits(threads):
            found = lab.solution.apply(validated, forest, X, y, {**plan, **options})
    except OSError as error:  # code under check may start no process
        return Again(way, "", f"{type(error).__name__}: {error}"[:120])
    return Again(way, digest(found))


def digest(found: Mapping[str, Any]) -> str:
    """SHA-256 over the bits of scores, predictions and rows, in order; times are left out."""
    whole = hashlib.sha256()
    for name in sorted(found["scores"]):
        whole.update(np.ascontiguousarray(found["scores"][name]).tobytes())
    for part in (*found["fold_predictions"], *found["test_rows"], *found["train_rows"]):
        whole.update(np.ascontiguousarray(part).tobytes())
    return whole.hexdigest()


def moved(lab: Lab, subject: Subject, times: int = 5) -> Moved:
    """The range of the mean score over orders of the rows, and over seeds of the folds."""
    X, y, rng = subject.X.to_numpy(dtype=float), subject.y, lab.rng
    model = subject.models["naive Bayes"]

    def scores(order: Any, cv: Any) -> Any:
        options = {"cv": cv, "scoring": subject.scoring}
        return lab.solution.apply(validated, model, X[order], y[order], options)

    def shuffled(seed: int) -> Any:
        return list(lab.solution.StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y))

    rows = np.arange(len(y))
    first = scores(rows, 5)
    low, high = first["intervals"][subject.scoring]
    orders = [first, *(scores(rng.permutation(rows), 5) for _ in range(times))]
    seeds = [scores(rows, shuffled(seed)) for seed in range(times)]
    means = [[float(np.mean(one["scores"][subject.scoring])) for one in ones] for ones in (orders, seeds)]
    return Moved(max(means[0]) - min(means[0]), max(means[1]) - min(means[1]), (high - low) / 2)


def pinned() -> list[tuple[str, str, str]]:
    """Library, the version that runs, and the one that requirements.lock pins (empty where it pins none).

    Raises
    ------
    CannotRead
        There is no checkout with a lock file here.
    """
    file = mltoolkit.__file__
    assert file is not None
    lock = Path(file).parents[2] / "requirements.lock"
    if not lock.is_file():
        raise CannotRead("there is no requirements.lock here to compare with: it runs from an installed package")
    wanted: dict[str, list[str]] = {}
    for line in lock.read_text("utf-8").splitlines():  # one library may be pinned for each version of Python
        name, _, version = line.partition("#")[0].partition(";")[0].strip().partition("==")
        wanted.setdefault(name, []).append(version)
    rows = []
    for name, running in versions().items():
        if name not in ("python", "fiftytwo"):
            pins = wanted.get(name, [])
            # A build for one kind of machine, such as 2.13.0+cpu, is the version that is pinned.
            rows.append((name, running, running if running.partition("+")[0] in pins else ", ".join(pins)))
    return rows
