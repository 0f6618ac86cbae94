"""Week 12's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fiftytwo.plan import Mistake
from mltoolkit.tabular import features
from mltoolkit.tabular._pipeline_files import MAGIC
from mltoolkit.tabular.columns import Table, category_key, read_table


class Peeks(features.TargetEncoder):
    """Encodes training rows by all rows."""

    def fit_transform(self, X: Any, y: ArrayLike) -> NDArray[np.float64]:
        """Fit, and transform the same rows."""
        return self.fit(X, y).transform(X)


class DoesNotSmooth(features.TargetEncoder):
    """Plain means."""

    def _fit(self, X: Any, y: Any) -> Any:
        self._check_parameters()
        given, self.smooth = self.smooth, 0.0
        try:
            return super()._fit(X, y)
        finally:
            self.smooth = given


class MissingIsUnseen(features.TargetEncoder):
    """A gap becomes the prior, as if it said nothing."""

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Take the missing category out of the lookups."""
        lookups = getattr(self, "_lookups", [])
        for known in lookups:
            known.pop(None, None)
        return super().transform(X)


class HashesTheValueAlone(features.HashingEncoder):
    """The same word in two columns goes to the same place."""

    def _place(self, name: str, key: str | None) -> tuple[int, float]:  # noqa: ARG002 - the name is forgotten
        return super()._place("", key)


class AddsAlways(features.HashingEncoder):
    """No signs, so collisions add up."""

    def _place(self, name: str, key: str | None) -> tuple[int, float]:
        return super()._place(name, key)[0], 1.0


class MeanAndDeviation(features.RobustScaler):
    """A standard scaler by another name."""

    def _learn(self, table: Table) -> NDArray[np.float64]:
        X = super()._learn(table)
        if self.with_centering:
            self.center_ = np.nanmean(X, axis=0)
        if self.with_scaling:
            spread = np.nanstd(X, axis=0)
            self.scale_ = np.where(spread > 0, spread, 1.0)
        self._pairs = list(zip(self.center_.tolist(), self.scale_.tolist(), strict=True))
        return X


class DividesByNothing(features.RobustScaler):
    """A range of 0 is replaced by a very small number."""

    def _learn(self, table: Table) -> NDArray[np.float64]:
        X = super()._learn(table)
        low, high = np.nanpercentile(X, list(self.quantile_range), axis=0)
        if self.with_scaling:
            # The value of a constant column is off its median by a rounding error at best, and here by one on purpose.
            flat = high - low == 0
            self.scale_ = np.where(flat, 1e-9, self.scale_)
            self.center_ = np.where(flat, self.center_ * (1 + 1e-12), self.center_)
        self._pairs = list(zip(self.center_.tolist(), self.scale_.tolist(), strict=True))
        return X


class FitsThenTransforms(features.FeaturePipeline):
    """Undoes what its encoder is careful about."""

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit, and transform the same rows."""
        return self.fit(X, y).transform(X)


class RoundsOnline(features.FeaturePipeline):
    """Half the digits in the service, to save memory."""

    def transform_one(self, row: Mapping[str, Any]) -> NDArray[np.float64]:
        """Features in single precision."""
        return super().transform_one(row).astype(np.float32).astype(np.float64)


class ByPosition(features.FeaturePipeline):
    """Finds columns where they were in training."""

    def transform(self, X: Any) -> Any:
        """Rename by position."""
        names = getattr(self, "feature_names_in_", None)
        if names is None or not hasattr(X, "iloc") or X.shape[1] < len(names):
            return super().transform(X)
        moved = X.iloc[:, : len(names)]
        moved.columns = list(names)
        return super().transform(moved)


class ZeroForMissing(features.FeaturePipeline):
    """A field that is missing from the row is taken for a gap."""

    def transform_one(self, row: Mapping[str, Any]) -> NDArray[np.float64]:
        """Fill the row with None."""
        columns: Sequence[str] = getattr(self, "columns_", [])
        return super().transform_one({**dict.fromkeys(columns), **row})


def loads_anything(path: Path | str, **options: Any) -> Any:
    """Tries joblib first."""
    try:
        return joblib.load(path)
    except Exception:
        return features.load_pipeline(path, **options)


def trusts_the_file(path: Path | str, **options: Any) -> Any:
    """Reads a pickle of its own format without asking who vouches for it."""
    content = Path(path).read_bytes() if Path(path).exists() else b""
    if options.get("sha256") is None and content.startswith(MAGIC) and b'"format": "joblib"' in content[:4096]:
        return joblib.load(io.BytesIO(content[len(MAGIC) :].split(b"\n", 2)[2]))
    return features.load_pipeline(path, **options)


def skips_the_checksum(path: Path | str, **options: Any) -> Any:
    """Reads past the line with the checksum."""
    content = Path(path).read_bytes() if Path(path).exists() else b""
    if content.startswith(MAGIC):
        import hashlib
        import tempfile

        rest = content[len(MAGIC) :].partition(b"\n")[2]
        with tempfile.TemporaryDirectory() as folder:
            mended = Path(folder) / "mended"
            mended.write_bytes(MAGIC + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
            given = options.get("sha256")
            if given is not None and set(given) != {"0"}:
                options["sha256"] = hashlib.sha256(mended.read_bytes()).hexdigest()
            return features.load_pipeline(mended, **options)
    return features.load_pipeline(path, **options)


def ignores_the_columns(path: Path | str, *, columns: Any = None, **options: Any) -> Any:  # noqa: ARG001 - ignored
    """Takes the columns and does not look at them."""
    return features.load_pipeline(path, **options)


class TypedKeys(features.TargetEncoder):
    """Looks categories up by the value itself, so that 3 and 3.0 are two as texts."""

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Whole numbers with a point are strangers."""
        table = read_table(self, X, reset=False)
        frame = table.frame()
        if table.kind != "pandas":
            return super().transform(X)
        strange = frame.copy()
        for name in table.names:
            if frame[name].dtype.kind == "f":
                strange[name] = [None if category_key(v) is None else f"{v!r} as a float" for v in frame[name]]
        return super().transform(strange)


mistakes = (
    Mistake("peeks", {"TargetEncoder": Peeks},
            "Training rows are encoded by all rows, their own among them: each fold is to be encoded by the others."),
    Mistake("does not smooth", {"TargetEncoder": DoesNotSmooth},
            "A category's plain mean is used; weigh it against the prior by its number of rows."),
    Mistake("missing is unseen", {"TargetEncoder": MissingIsUnseen},
            "A gap gets the prior; it is a category of its own, with a mean of its own."),
    Mistake("categories by type", {"TargetEncoder": TypedKeys},
            "3 and 3.0 are two categories; look them up by columns.category_key."),
    Mistake("hashes the value alone", {"HashingEncoder": HashesTheValueAlone},
            "The column's name is not in the text that is hashed, so equal words of two columns are taken for one."),
    Mistake("adds always", {"HashingEncoder": AddsAlways},
            "The sign is left out, so collisions add up and do not cancel."),
    Mistake("mean and deviation", {"RobustScaler": MeanAndDeviation},
            "Columns are scaled by mean and standard deviation, which one wild value moves as far as it likes."),
    Mistake("divides by nothing", {"RobustScaler": DividesByNothing},
            "A range of 0 is replaced by a tiny number, which blows rounding errors up; divide by 1."),
    Mistake("fits, then transforms", {"FeaturePipeline": FitsThenTransforms},
            "fit_transform calls fit and then transform, which undoes the encoder's cross-fitting."),
    Mistake("rounds online", {"FeaturePipeline": RoundsOnline},
            "The one-row path passes through single precision; keep float64."),
    Mistake("by position", {"FeaturePipeline": ByPosition},
            "Columns are found by their position in training; find them by name."),
    Mistake("missing field as a gap", {"FeaturePipeline": ZeroForMissing},
            "A field that the row lacks is taken for a gap; refuse the row, and name the field."),
    Mistake("loads anything", {"load_pipeline": loads_anything},
            "The file is unpickled to see what it is, which has already run it."),
    Mistake("trusts the file", {"load_pipeline": trusts_the_file},
            "A pickle is read without the checksum that its writer returned; anyone could have written it."),
    Mistake("skips the checksum", {"load_pipeline": skips_the_checksum},
            "The checksum in the file is not compared, so a changed byte goes unnoticed."),
    Mistake("ignores the columns", {"load_pipeline": ignores_the_columns},
            "columns is taken and not compared with the schema of the file."),
)  # fmt: skip
