"""Many fits on many splits: one job a fit, each a pure function of its estimator, its rows and the data.

Three things make the bits the same for any number of workers and any backend. A job clones its estimator, so
that no fit sees what another left behind. Results come back in the order of the jobs, whoever finished first. And
every job computes on one thread of BLAS and OpenMP, since the order of a sum depends on how many share it.

A job that fails says where and goes on record; the others run to their end.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from numpy.typing import NDArray
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from mltoolkit.errors import BadInput, MissingExtra
from mltoolkit.tabular.cvresults import FoldFailure, FoldsFailed
from mltoolkit.tabular.folds import Scorer, codes_of, count_rows, take_columns, take_rows, takes_weights

Split = tuple[NDArray[np.intp], NDArray[np.intp]]
Progress = Callable[[int, int], None]
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


@dataclass(frozen=True, eq=False)
class Job:
    """One fit: an unfitted estimator, a split, and the columns it may see (None for all)."""

    estimator: Any
    fold: int
    split: Split
    what: str = ""
    columns: Sequence[Any] | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """What all jobs share. ``method`` names the predictions that are kept; None keeps none."""

    X: Any
    y: Any
    scorers: Mapping[str, Scorer]
    sample_weight: NDArray[np.float64] | None = None
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    method: str | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a job gave; ``scores`` and ``prediction`` are None when it failed."""

    scores: Mapping[str, float] | None
    prediction: NDArray[Any] | None
    fit_seconds: float
    score_seconds: float
    failure: FoldFailure | None = None
    cause: BaseException | None = None


def run(
    jobs: Sequence[Job],
    table: Table,
    *,
    n_jobs: int | None = None,
    backend: str | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Do the jobs and return their outcomes in the same order; ``progress`` hears (done, total) after each."""
    # The outer limit also serves threads of this process, whose own limits begin and end in any order.
    with threadpool_limits(1), _workers(backend, n_jobs):
        workers = effective_n_jobs(None)
        # Setting a worker's limit costs milliseconds, so short fits share it: several chunks a worker, for balance.
        size = 1 if workers == 1 else max(1, len(jobs) // (4 * workers))
        chunks = [jobs[i : i + size] for i in range(0, len(jobs), size)]
        calls = (delayed(_do)(chunk, table, _here()) for chunk in chunks)
        found: list[Outcome] = []
        for outcomes in Parallel(return_as="list" if progress is None else "generator")(calls):
            for outcome in outcomes:
                found.append(outcome)
                if progress is not None:
                    progress(len(found), len(jobs))
        return found


@contextlib.contextmanager
def _workers(backend: str | None, n_jobs: int | None) -> Iterator[None]:
    options = {name: value for name, value in (("backend", backend), ("n_jobs", n_jobs)) if value is not None}
    try:
        config = parallel_config(**options) if options else None
    except ImportError as error:
        raise MissingExtra(str(backend), "cluster") from error
    except ValueError as error:
        raise BadInput(f"backend={backend!r}: {error}") from error
    if config is None:
        yield
        return
    with config:
        yield


def refuse_failures(operation: str, outcomes: Iterable[Outcome], fits: int) -> None:
    """Raise FoldsFailed when any job failed, caused by the first one's exception."""
    failed = [outcome for outcome in outcomes if outcome.failure is not None]
    if failed:
        raise FoldsFailed(operation, [o.failure for o in failed if o.failure], fits) from failed[0].cause


def _here() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def _do(jobs: Sequence[Job], table: Table, limited: tuple[int, int]) -> list[Outcome]:
    """Fit on the training rows, score and predict the test rows, on one thread; the caller's own is limited already."""
    with contextlib.nullcontext() if _here() == limited else threadpool_limits(1):
        return [_fit_and_score(job, table) for job in jobs]


def _fit_and_score(job: Job, table: Table) -> Outcome:
    train, test = job.split
    X = table.X if job.columns is None else take_columns(table.X, job.columns)
    stage, started, fitted = "fit", time.perf_counter(), 0.0
    try:
        model = clone(job.estimator)
        options = _rows_of_params(table.fit_params, train, count_rows(table.X))
        options |= _weights_for(model, table.sample_weight, train)
        seen = take_rows(X, train)
        model = model.fit(seen, **options) if table.y is None else model.fit(seen, take_rows(table.y, train), **options)
        fitted = time.perf_counter() - started
        stage = "score"
        unseen, truth = take_rows(X, test), None if table.y is None else take_rows(table.y, test)
        _remember(model, unseen)
        weights = None if table.sample_weight is None else table.sample_weight[test]
        scores = {name: _score(name, scorer, model, unseen, truth, weights) for name, scorer in table.scorers.items()}
        stage = "predict"
        prediction = None if table.method is None else _predict(model, table.method, unseen, table.y)
    except Exception as error:
        failure = FoldFailure(job.fold, stage, f"{type(error).__name__}: {error}", train, test, job.what)
        fitted = fitted or time.perf_counter() - started
        return Outcome(None, None, fitted, time.perf_counter() - started - fitted, failure, _portable(error))
    return Outcome(scores, prediction, fitted, time.perf_counter() - started - fitted)


def _portable(error: Exception) -> Exception:
    """The exception, or its text where it would not survive the way between processes."""
    import pickle

    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes, a line ago
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _remember(model: Any, X: Any) -> None:
    """Have a fitted model answer a second question about the same rows from memory; scorers ask the same ones."""
    for name in METHODS:
        try:
            ask = getattr(model, name, None)
            if callable(ask):
                setattr(model, name, _once(ask, X))
        except AttributeError:  # no such method for this setting, or a model that takes no attributes
            continue


def _once(ask: Callable[..., Any], rows: Any) -> Callable[..., Any]:
    answer: list[Any] = []

    @functools.wraps(ask)
    def asked(X: Any, *args: Any, **options: Any) -> Any:
        if X is not rows or args or options:
            return ask(X, *args, **options)
        if not answer:
            answer.append(ask(X))
        return answer[0]

    return asked


def _score(name: str, scorer: Scorer, model: Any, X: Any, y: Any, weights: NDArray[np.float64] | None) -> float:
    options = {} if weights is None or not takes_weights(scorer) else {"sample_weight": weights}
    found = scorer(model, X, y, **options)
    try:
        return float(found)
    except (TypeError, ValueError):
        raise TypeError(f"scorer {name!r} gave {type(found).__name__} {found!r:.60}; expected a number") from None


def _predict(model: Any, method: str, X: Any, y: Any) -> NDArray[Any]:
    """Predictions as an array; one column a class of y, where a fold's training rows may lack one."""
    found = np.asarray(getattr(model, method)(X))
    classes = getattr(model, "classes_", None)
    if method == "predict" or found.ndim != 2 or y is None or classes is None or np.ndim(classes) != 1:
        return found
    everyone, _ = codes_of(y, "y")
    if len(everyone) == found.shape[1] or len(classes) != found.shape[1]:
        return found
    nothing = {"predict_proba": 0.0, "predict_log_proba": -np.inf}.get(method, float(np.finfo(found.dtype).min))
    whole = np.full((len(found), len(everyone)), nothing)
    whole[:, np.searchsorted(everyone, classes)] = found
    return whole


def _rows_of_params(params: Mapping[str, Any], train: NDArray[np.intp], n: int) -> dict[str, Any]:
    """Options of fit; of those with one entry a row, the entries of the training rows."""
    return {
        name: take_rows(value, train)
        if hasattr(value, "__len__") and not isinstance(value, str | bytes | Mapping) and len(value) == n
        else value
        for name, value in params.items()
    }


def _weights_for(model: Any, weights: NDArray[np.float64] | None, train: NDArray[np.intp]) -> dict[str, Any]:
    """Sample weights under the name by which fit takes them: of a Pipeline, its last step's."""
    from sklearn.utils.validation import has_fit_parameter

    if weights is None:
        return {}
    steps = getattr(model, "steps", None)
    last, name = (steps[-1][1], f"{steps[-1][0]}__sample_weight") if steps else (model, "sample_weight")
    if not has_fit_parameter(last, "sample_weight"):
        raise BadInput(f"{type(last).__name__}.fit takes no sample_weight; leave the weights out, or pass fit_params")
    return {name: weights[train]}
