"""What the checks ask of a solution, run where the solution lives: one trip instead of a thousand."""

from __future__ import annotations

import builtins
import pickle
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

RAN = "week 12: a pickle was run"  # a name that a pickle sets where it is run


class Doubler(TransformerMixin, BaseEstimator):
    """A transformer of somebody else's: harmless, and nobody has said so."""

    def fit(self, X: Any, y: Any = None) -> Doubler:  # noqa: ARG002 - the estimator contract
        """Nothing is learned."""
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Twice."""
        return 2.0 * np.asarray(X, dtype=np.float64)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:  # noqa: ARG002 - likewise
        """``twice0``, ``twice1``, and so on."""
        return np.array([f"twice{i}" for i in range(self.n_features_in_)], dtype=object)


class _Bomb:
    """Unpickling it sets a name in builtins, where it can be seen."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, (f"import builtins; setattr(builtins, {RAN!r}, True)",))


def steps(solution: Any, plan: Iterable[tuple[str, str, Mapping[str, Any], list[str]]]) -> list[Any]:
    """Steps of a pipeline from (name, class, options, columns)."""
    return [
        (name, Doubler() if kind == "Doubler" else getattr(solution, kind)(**options), columns)
        for name, kind, options, columns in plan
    ]


def outputs(solution: Any, plan: Any, train: Any, y: Any, new: Any) -> dict[str, Any]:
    """What a pipeline makes of its training rows and of new ones."""
    pipeline = solution.FeaturePipeline(steps(solution, plan))
    fitted = pipeline.fit_transform(train, y)
    out = pipeline.transform(new)
    return {
        "train": np.asarray(fitted, dtype=float),
        "new": np.asarray(out, dtype=float),
        "names": [str(name) for name in pipeline.get_feature_names_out()],
        "columns": [str(name) for name in getattr(out, "columns", [])],
        "index": list(getattr(out, "index", [])),
        "kind": type(out).__module__.partition(".")[0],
    }


def fitted_alone(solution: Any, plan: Any, train: Any, y: Any, new: Any) -> NDArray[np.float64]:
    """New rows through ``fit`` and then ``transform``."""
    return np.asarray(solution.FeaturePipeline(steps(solution, plan)).fit(train, y).transform(new), dtype=float)


def polars_output(solution: Any, plan: Any, train: Any, y: Any, new: Any) -> dict[str, Any]:
    """The same from polars frames."""
    import polars as pl

    pipeline = solution.FeaturePipeline(steps(solution, plan))
    pipeline.fit(pl.from_pandas(train), y)
    out = pipeline.transform(pl.from_pandas(new))
    return {"kind": type(out).__module__.partition(".")[0], "columns": list(out.columns), "new": out.to_numpy()}


def online(solution: Any, plan: Any, train: Any, y: Any, new: Any, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The batch path and the one-row path on the same rows, and the seconds of each row."""
    pipeline = solution.FeaturePipeline(steps(solution, plan)).fit(train, y)
    batch = np.asarray(pipeline.transform(new), dtype=np.float64)
    found, seconds = [], []
    for row in rows:
        started = time.perf_counter()
        found.append(np.asarray(pipeline.transform_one(row), dtype=np.float64))
        seconds.append(time.perf_counter() - started)
    return {"batch": batch, "one": np.array(found), "seconds": np.array(seconds)}


def one_row(solution: Any, plan: Any, train: Any, y: Any, row: Mapping[str, Any]) -> NDArray[np.float64]:
    """One row through a fitted pipeline."""
    pipeline = solution.FeaturePipeline(steps(solution, plan)).fit(train, y)
    return np.asarray(pipeline.transform_one(row), dtype=np.float64)


def round_trip(solution: Any, plan: Any, train: Any, y: Any, new: Any, format: str) -> dict[str, Any]:
    """Save, load, and whether the loaded pipeline gives the same bits; and the checksum beside the file's own."""
    import hashlib

    pipeline = solution.FeaturePipeline(steps(solution, plan)).fit(train, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline"
        digest = solution.save_pipeline(pipeline, path, format=format)
        loaded = solution.load_pipeline(path, columns=new, sha256=digest)
        before, after = (np.asarray(p.transform(new), dtype=float) for p in (pipeline, loaded))
        return {
            "before": before,
            "after": after,
            "same bits": before.tobytes() == after.tobytes(),
            "digest": str(digest),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "left over": sorted(p.name for p in Path(folder).iterdir() if p != path),
        }


def _attempt(action: Any) -> tuple[str, str]:
    """The name of the error that an action raises, and its text; ``"nothing"`` when it raises none."""
    try:
        action()
    except NotImplementedError:
        raise
    except Exception as error:
        names = [cls.__name__ for cls in type(error).__mro__]
        kind = next((name for name in names if name in ("CannotRead", "BadInput", "MissingExtra")), names[0])
        return kind, str(error)
    return "nothing", ""


def changed_bytes(solution: Any, plan: Any, train: Any, y: Any, format: str, places: int) -> list[tuple[int, str]]:
    """Change one byte, over and over, from the first to the last; the outcome of each try should be CannotRead.

    The checksum that came apart from the file is not used, but where a pickle is refused without it.
    """
    pipeline = solution.FeaturePipeline(steps(solution, plan)).fit(train, y)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline"
        digest = solution.save_pipeline(pipeline, path, format=format)
        content = path.read_bytes()
        options = {"sha256": digest} if format == "joblib" else {}
        for place in np.unique(np.linspace(0, len(content) - 1, places).astype(int)).tolist():
            spoiled = bytearray(content)
            spoiled[place] ^= 0x10
            path.write_bytes(bytes(spoiled))
            found.append((place, _attempt(lambda: solution.load_pipeline(path, **options))[0]))
        path.write_bytes(content[: len(content) // 2])
        found.append((len(content) // 2, _attempt(lambda: solution.load_pipeline(path, **options))[0]))
    return found


def refusals(solution: Any, plan: Any, train: Any, y: Any, wrong: Mapping[str, Any], formats: Any) -> dict[str, Any]:
    """Outcomes of loading what must not be loaded: name of the attempt -> (kind of error, its text)."""
    found: dict[str, Any] = {}
    pipeline = solution.FeaturePipeline(steps(solution, plan)).fit(train, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline"
        found["no such file"] = _attempt(lambda: solution.load_pipeline(Path(folder) / "nowhere"))
        path.write_bytes(pickle.dumps(_Bomb()))
        found["a bare pickle"] = _attempt(lambda: solution.load_pipeline(path))
        found["ran"] = hasattr(builtins, RAN)
        if found["ran"]:
            delattr(builtins, RAN)
        digest = solution.save_pipeline(pipeline, path, format="joblib")
        found["a pickle without its checksum"] = _attempt(lambda: solution.load_pipeline(path))
        other = "0" * len(str(digest))
        found["another checksum"] = _attempt(lambda: solution.load_pipeline(path, sha256=other))
        for name, columns in wrong.items():
            found[name] = _attempt(lambda columns=columns: solution.load_pipeline(path, columns=columns, sha256=digest))
        if "skops" in formats:
            found.update(_foreign_classes(solution, path, train, y, plan))
        found["an unknown format"] = _attempt(lambda: solution.save_pipeline(pipeline, path, format="csv"))
        found["before fit"] = _attempt(lambda: solution.save_pipeline(solution.FeaturePipeline([]), path))
    return {name: value if isinstance(value, bool) else tuple(_without(folder, value)) for name, value in found.items()}


def _without(folder: str, outcome: tuple[str, str]) -> tuple[str, str]:
    return outcome[0], outcome[1].replace(f"{folder}/", "")


def _foreign_classes(solution: Any, path: Path, train: Any, y: Any, plan: Any) -> dict[str, Any]:
    name = f"{Doubler.__module__}.{Doubler.__qualname__}"
    column = next(columns[0] for _, kind, _, columns in plan if kind == "RobustScaler")
    foreign = solution.FeaturePipeline([("twice", Doubler(), [column])]).fit(train, y)
    solution.save_pipeline(foreign, path, format="skops")
    return {
        "a class nobody trusts": _attempt(lambda: solution.load_pipeline(path)),
        "the same, trusted by name": _attempt(lambda: solution.load_pipeline(path, trusted=[name])),
    }


class _CannotBeSaved(Doubler):
    def __getstate__(self) -> Any:
        raise RuntimeError("this holds an open connection")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("this holds an open connection")


def keeps_the_old_file(solution: Any, plan: Any, train: Any, y: Any) -> dict[str, Any]:
    """Save over a good file what cannot be saved."""
    pipeline = solution.FeaturePipeline(steps(solution, plan)).fit(train, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline"
        digest = solution.save_pipeline(pipeline, path, format="joblib")
        spoiled = solution.FeaturePipeline(steps(solution, plan)).fit(train, y)
        spoiled.connection = _CannotBeSaved()
        outcome = _attempt(lambda: solution.save_pipeline(spoiled, path, format="joblib"))
        again = _attempt(lambda: solution.load_pipeline(path, sha256=digest))
        left = sorted(p.name for p in Path(folder).iterdir())
    return {"saving": outcome[0], "the old file": again[0], "files": left}


def names_of(solution: Any, kind: str, options: Mapping[str, Any], X: Any, y: Any) -> list[str]:
    """Names of the features that a fitted transformer gives out."""
    return [str(name) for name in getattr(solution, kind)(**options).fit(X, y).get_feature_names_out()]


def moved_by_own_target(
    solution: Any, options: Mapping[str, Any], X: Any, y: NDArray[np.int64], rows: Iterable[int]
) -> int:
    """Of how many rows the feature changes when that row's own target is turned over."""
    before = np.asarray(solution.TargetEncoder(**options).fit_transform(X, y))
    moved = 0
    for row in rows:
        turned = y.copy()
        turned[row] = 1 - turned[row]
        after = np.asarray(solution.TargetEncoder(**options).fit_transform(X, turned))
        moved += not np.allclose(after[row], before[row], rtol=0, atol=1e-12)
    return moved
