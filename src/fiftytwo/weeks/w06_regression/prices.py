"""The real table: diabetes in the quick profile, California housing in the full one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


@dataclass(frozen=True)
class Subject:
    """A table to predict: X of shape (n, d), where NaN is a missing value, and what y is measured in."""

    name: str
    X: NDArray[np.float64]
    y: NDArray[np.float64]
    columns: tuple[str, ...]
    unit: str


def real_table(lab: Lab) -> Subject:
    """The rows in random order, since both tables come sorted in ways that folds must not follow."""
    if lab.full:
        return _shuffled(lab, _california(lab))
    loaded = lab.data("diabetes")
    return _shuffled(
        lab, Subject("diabetes", loaded.data.astype(float), loaded.target.astype(float), loaded.feature_names, "points")
    )


def _california(lab: Lab) -> Subject:
    """The eight classic features: averages of a household instead of totals of a block."""
    frame = lab.data("california-housing").frame
    homes = frame["households"]
    columns = {
        "median income": frame["median_income"],
        "house age": frame["housing_median_age"],
        "rooms": frame["total_rooms"] / homes,
        "bedrooms": frame["total_bedrooms"] / homes,
        "population": frame["population"],
        "occupants": frame["population"] / homes,
        "latitude": frame["latitude"],
        "longitude": frame["longitude"],
    }
    X = np.column_stack([column.to_numpy(dtype=float) for column in columns.values()])
    return Subject(
        "California housing", X, frame["median_house_value"].to_numpy(dtype=float) / 1e5, tuple(columns), "100k USD"
    )


def _shuffled(lab: Lab, table: Subject) -> Subject:
    order = lab.rng.permutation(len(table.y))
    return Subject(table.name, table.X[order], table.y[order], table.columns, table.unit)
