"""Week 12: a feature pipeline of 500,000 rows, beside scikit-learn's ColumnTransformer.

Both fit and transform the same columns: four of numbers by median and quartiles, three of categories by cross-fitted
target means on the same five folds. The features must agree to 1e-9. The peer is called as it is documented, on the
same frame; ours gives out a frame with names, the peer an array. The one-row path is measured beside a frame of one row
through the peer's ``transform``, which is how a service would call it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import KFold
from sklearn.preprocessing import RobustScaler as PeerScaler
from sklearn.preprocessing import TargetEncoder as PeerEncoder

from harness import Row, main
from mltoolkit.tabular import FeaturePipeline, RobustScaler, TargetEncoder

ROWS = 500_000
NUMBERS = ["income", "amount", "used", "months"]
CATEGORIES = ["region", "purpose", "employer"]
CALLS = 200
rng = np.random.default_rng(0)
Y = rng.integers(0, 2, ROWS)
X = pd.DataFrame(
    {
        **{name: rng.lognormal(3.0, 1.0, ROWS) for name in NUMBERS},
        "region": rng.choice([f"region {i}" for i in range(12)], ROWS),
        "purpose": rng.choice([f"purpose {i}" for i in range(6)], ROWS),
        "employer": rng.choice([f"employer {i}" for i in range(2_000)], ROWS),
    }
)
CODES = X.assign(**{name: pd.factorize(X[name])[0] for name in CATEGORIES})
FOLDS = KFold(5, shuffle=True, random_state=0)


def ours() -> Any:
    """Our pipeline, not fitted."""
    return FeaturePipeline([("scale", RobustScaler(), NUMBERS), ("target", TargetEncoder(cv=FOLDS), CATEGORIES)])


def theirs() -> Any:
    """The peer's, not fitted."""
    return ColumnTransformer([("scale", PeerScaler(), NUMBERS), ("target", PeerEncoder(cv=FOLDS), CATEGORIES)])


def same(a: Any, b: Any) -> str:
    """Whether all features agree."""
    gap = float(np.max(np.abs(np.asarray(a) - np.asarray(b))))
    return "" if gap <= 1e-9 else f"features differ by {gap:.3g}"


if __name__ == "__main__":
    call = "ColumnTransformer([RobustScaler(), TargetEncoder(cv=folds)])"
    mine, peer = ours().fit(X, Y), theirs().fit(X, Y)
    rows = X[:CALLS].to_dict("records")
    frames = [X[i : i + 1] for i in range(CALLS)]
    main(
        "features",
        [
            Row(
                "feature pipeline, fit_transform",
                f"{ROWS:,} rows, 4 numbers and 3 text categories (2,000 employers), 5 folds",
                f"{call}.fit_transform(X, y)",
                lambda: ours().fit_transform(X, Y), lambda: theirs().fit_transform(X, Y), same, goal=3.0,
            ),
            Row(
                "feature pipeline, whole-number categories",
                f"{ROWS:,} rows, 4 numbers and 3 categories as whole numbers, 5 folds",
                f"{call}.fit_transform(X, y)",
                lambda: ours().fit_transform(CODES, Y), lambda: theirs().fit_transform(CODES, Y), same, goal=3.0,
            ),
            Row(
                "feature pipeline, transform",
                f"{ROWS:,} new rows, 4 numbers and 3 text categories",
                f"{call}.transform(X)",
                lambda: mine.transform(X), lambda: peer.transform(X), same, goal=3.0,
            ),
            Row(
                "feature pipeline, one row at a time",
                f"{CALLS} rows, each as a mapping; the peer's as a frame of one row",
                f"{call}.transform(frame of one row)",
                lambda: np.array([mine.transform_one(row) for row in rows]),
                lambda: np.vstack([peer.transform(frame) for frame in frames]), same, goal=20.0,
            ),
        ],
        ("fiftytwo", "numpy", "pandas", "pyarrow", "scikit-learn"),
        pairs=5,
    )  # fmt: skip
