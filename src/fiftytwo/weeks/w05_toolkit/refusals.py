"""Checks that what has no answer is refused, clearly, and that what is just within the limits is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, refusal
from fiftytwo.weeks.w05_toolkit.fuzz import SECOND, make_case

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Bad = tuple[dict[str, Any], tuple[str, ...]]  # arguments, and words of which the refusal needs at least one

_NAN = ("nan", "missing", "finite")
_EMPTY = ("empty", "at least one", "no sample", "no row", "0 sample", "0 row")
_LENGTHS = ("length", "row", "shape", "as many", "same", "inconsistent")
_LABELS = ("label", "0 and 1", "0 or 1", "binary")
_PROBABILITIES = ("0 to 1", "0 and 1", "[0, 1]", "probabilit")
_RANKING = ("mrr", "recall_at_k", "ndcg_at_k")
_REGRESSION = ("mae", "rmse", "r2")
_PROBABILISTIC = ("brier_score", "log_loss", "expected_calibration_error")


def refuses(lab: Lab, metric: str) -> Check:
    """Everything that a metric has to refuse; the first that it does not refuse clearly is shown."""

    def measure() -> Measurement:
        last: Measurement | None = None
        for arguments, mentions in _bad(metric):
            arrays = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
            given = [
                name if name in list(arguments)[:2] else f"{name}={name if name in arrays else repr(value)}"
                for name, value in arguments.items()
            ]
            last = refusal(
                lambda a=arguments: getattr(lab.solution, metric)(**a),  # type: ignore[misc]
                call=f"{metric}({', '.join(given)})",
                mentions=mentions,
                inputs=arrays,
            )
            if last.value != 1.0:
                break
        assert last is not None
        return last

    return Check(
        f"{metric} refuses what has no answer",
        measure,
        equals=True,
        why="A score of nothing, of NaN or of one class looks like any other number once it is in a table.",
        hint=(
            "Raise a ValueError that names the argument and what was expected; BadInput is one.",
            "np.isfinite(x).all(), x.size, x.ndim and len are most of it; write it once for all twelve.",
            "What a metric has to refuse stands in its docstring and in the module's.",
        ),
    )


def _bad(metric: str) -> Iterator[Bad]:
    """Calls with one fault each, the commonest first."""
    good = _good(metric)
    first, second = list(good)[:2]
    y, other = good[first], good[second]
    options = {name: value for name, value in good.items() if name not in (first, second)}

    def call(y_true: NDArray[Any], y_other: NDArray[Any], **more: Any) -> dict[str, Any]:
        return {first: y_true, second: y_other, **options, **more}

    for value in (np.nan, np.inf)[: 1 if metric == "f1" else 2]:
        mentions = _NAN if np.isnan(value) else ("inf", "finite")
        yield call(y, _with(other, value)), mentions
        yield call(_with(y, value), other), (*mentions, *_LABELS)
    yield call(y[:0], other[:0]), _EMPTY
    yield call(y, other[:-1]), _LENGTHS
    if metric not in _RANKING:
        yield call(y[:, np.newaxis], other), ("shape", "dimension", "1d", "(n,)")
    ones = np.ones(len(y))
    for weights in (_with(ones, -1.0), 0.0 * ones, ones[:-1], _with(ones, np.nan)):
        yield call(y, other, sample_weight=weights), ("weight",)
    if metric not in (*_REGRESSION, "ndcg_at_k"):
        yield call(_with(y, 2), other), _LABELS
    if metric in _PROBABILISTIC:
        yield call(y, _with(other, 1.0001)), _PROBABILITIES
        yield call(y, _with(other, -0.0001)), _PROBABILITIES
    yield from _undefined(metric, y, other, call)


def _undefined(metric: str, y: NDArray[Any], other: NDArray[Any], call: Any) -> Iterator[Bad]:
    """What is wrong for this metric alone."""
    if metric == "r2":
        yield call(np.full(4, 0.1), other), ("constant", "variance", "same", "vary")
        yield call(y[:1], other[:1]), ("constant", "variance", "same", "vary", "two", "2")
        yield call(y, other, sample_weight=np.array([1.0, 0.0, 0.0, 0.0])), ("constant", "variance", "same", "vary")
    if metric == "f1":
        yield {**call(y, other), "average": "mean"}, ("average",)
    if metric == "roc_auc":
        yield call(0 * y, other), ("label", "class", "one", "1")
        yield call(0 * y + 1, other), ("label", "class", "one", "0")
        yield call(y, other, sample_weight=1.0 - y), ("label", "class", "one", "weight")
    if metric == "average_precision":
        yield call(0 * y, other), ("label", "class", "positive", "1")
        yield call(y, other, sample_weight=1.0 - y), ("label", "class", "positive", "weight")
    if metric == "log_loss":
        rows = np.array([[0.5, 0.5], [0.5, 0.4], [0.5, 0.5], [0.5, 0.5]])
        yield call(y, rows), ("sum", "add up")
        yield call(0 * y, np.ones((4, 1))), ("column", "shape")
        yield call(_with(y, 2), np.full((4, 2), 0.5)), (*_LABELS, "column")
    if metric == "expected_calibration_error":
        yield from (({**call(y, other), "n_bins": n}, ("n_bins",)) for n in (0, -1, 2.5))
        yield {**call(y, other), "strategy": "equal"}, ("strategy",)
    if metric in _RANKING:
        yield from (({**call(y, other), "k": k}, ("k",)) for k in (0, -1, 1.5))
        yield call(y[np.newaxis], other[np.newaxis]), ("shape", "dimension")
    if metric in ("recall_at_k", "ndcg_at_k"):
        yield call(y * np.array([[1], [0]]), other), ("relevant", "row", "query", "queries")
    if metric == "ndcg_at_k":
        yield call(_with(y, -1), other), ("negative", "least 0", "-1", "below")
        yield {**call(y, other), "gain": "square"}, ("gain",)
        yield {**call(_with(y, 1001), other), "gain": "exponential"}, ("1000", "large", "exponential", "relevance")


def _good(metric: str) -> dict[str, Any]:
    second = SECOND[metric]
    if metric in _RANKING:
        scores = np.array([[0.9, 0.5, 0.1], [0.3, 0.6, 0.2]])
        return {"y_true": np.array([[1, 0, 0], [0, 1, 1]]), second: scores, "k": 2}
    predicted = np.array([0, 1, 0, 1]) if metric == "f1" else np.array([0.2, 0.8, 0.6, 0.4])
    return {"y_true": np.array([0, 1, 1, 0]), second: predicted}


def _with(values: NDArray[Any], value: float) -> NDArray[Any]:
    """A copy whose first entry is another."""
    changed = values.astype(np.result_type(values, type(value)))
    changed.flat[0] = value
    return changed


def limits(lab: Lab) -> Iterator[Check]:
    """Every fault at once, and what is just within the limits."""

    def both_faults() -> Measurement:
        bad = {"y_true": np.array([0.0, np.nan]), "y_pred": np.zeros(2), "sample_weight": np.array([1.0, -1.0])}
        last: Measurement | None = None
        for mentions in (_NAN, ("weight",)):
            last = refusal(
                lambda: lab.solution.mae(**bad),
                mentions=mentions,
                inputs=bad,
                call="mae(y_true, y_pred, sample_weight=sample_weight)",
            )
            if last.value != 1.0:
                break
        assert last is not None
        return last

    yield Check(
        "all faults at once",
        both_faults,
        equals=True,
        why="A person who mends one fault and meets the next has been sent twice.",
        hint=("Collect the faults in a list and raise one error at the end.",),
    )

    def just_within() -> Measurement:
        zeros, huge = np.zeros(2), np.full(2, 1e200)
        inputs = {"y_true": zeros, "y_pred": huge}
        got = lab.solution.rmse(zeros, huge)
        last = difference(got, 1e200, call="rmse(y_true, y_pred)", inputs=inputs, relative=True)
        if last.gate or not last.value <= 1e-10:
            return last
        for metric, arguments, options in _LIMITS:
            case = make_case(metric, *map(np.asarray, arguments), **options)
            last = difference(
                getattr(lab.solution, metric)(**case.arguments), case.expected, call=case.call, inputs=case.inputs
            )
            if last.gate or not last.value <= 1e-10:
                break
        return last

    yield Check(
        "takes the limits",
        just_within,
        at_most=1e-10,
        why="What is just within the range is within the range: one row, one bin, a k beyond the end.",
        hint=(
            "Labels may be booleans, k may be more than there are items, one sample is enough for most.",
            "The square of 1e200 is no float: divide the errors by the largest before you square them.",
        ),
    )

    def left_alone() -> Measurement:
        changed = lab.solution.apply(changed_arguments, [(metric, _good(metric)) for metric in SECOND])
        return Measurement(
            float(not changed),
            got=", ".join(changed) or "none",
            expected="no metric that changes its arguments or refuses lists",
        )

    yield Check(
        "takes lists and leaves arrays alone",
        left_alone,
        equals=True,
        why="A metric that sorts its input in place spoils the next metric.",
        hint=("np.asarray takes a list; sort a copy: np.sort, not x.sort().",),
    )


def changed_arguments(solution: Any, calls: list[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Names of the metrics that change an argument, or that give another answer for lists; runs over there."""
    guilty = []
    for metric, arguments in calls:
        given = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in arguments.items()}
        as_lists = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
        answer = getattr(solution, metric)(**given)
        same = all(np.array_equal(given[name], value) for name, value in arguments.items())
        if not same or getattr(solution, metric)(**as_lists) != answer:
            guilty.append(metric)
    return guilty


_LIMITS: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    ("mae", ([1], [3]), {}),
    ("rmse", ([1], [3]), {}),
    ("rmse", ([1.0, 2.0], [1.0, 2.0]), {}),
    ("r2", ([1, 2], [0, 9]), {}),
    ("brier_score", ([True], [0.0]), {}),
    ("log_loss", ([False, True], [1.0, 0.0]), {}),
    ("log_loss", ([0], [[0.2, 0.8]]), {}),
    ("f1", ([0], [0]), {}),
    ("f1", ([1], [1]), {}),
    ("f1", (["a"], ["b"]), {"average": "weighted"}),
    ("roc_auc", ([True, False], [0.5, 0.5]), {}),
    ("average_precision", ([1], [0.0]), {}),
    ("expected_calibration_error", ([1], [0.0]), {"n_bins": 1}),
    ("expected_calibration_error", ([1, 0], [1.0, 0.0]), {"n_bins": 4, "strategy": "quantile"}),
    ("expected_calibration_error", ([1, 0, 0, 1], [0.5, 0.25, 0.75, 0.5]), {"n_bins": 4}),
    ("mrr", ([[1]], [[0.0]]), {}),
    ("mrr", ([[0, 0, 1, 0, 1, 0]], [[0.0] * 6]), {"k": 3}),
    ("mrr", ([[0, 1]], [[1.0, 0.0]]), {"k": 1}),
    ("recall_at_k", ([[0, 1, 1]], [[3.0, 2.0, 1.0]]), {"k": 9}),
    ("recall_at_k", ([[0, 1, 1]], [[1.0, 1.0, 1.0]]), {"k": 1}),
    ("ndcg_at_k", ([[0, 2]], [[1.0, 0.0]]), {"k": 9, "gain": "exponential"}),
    ("ndcg_at_k", ([[900, 1000]], [[1.0, 0.0]]), {"k": 1, "gain": "exponential"}),
    ("ndcg_at_k", ([[1001, 2000]], [[1.0, 0.0]]), {"k": 1}),
)
