"""Small tables that break a careless encoder, and the oracles that know the answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CLOSE = 1e-9


@dataclass(frozen=True)
class Case:
    """A table to fit on, its target, and new rows; ``smooth`` is how the encoder is to smooth."""

    name: str
    X: pd.DataFrame
    y: NDArray[Any]
    new: pd.DataFrame
    smooth: Any

    @property
    def call(self) -> str:
        """The encoder as the learner would type it."""
        return f"TargetEncoder(smooth={self.smooth!r})"


def target_cases(rng: np.random.Generator) -> list[Case]:
    """Binary, continuous and multiclass targets, with both ways to smooth; missing and unseen categories."""
    found = []
    for target in ("binary", "continuous", "multiclass"):
        for smooth in ("auto", 5.0):
            n = 40
            X = pd.DataFrame(
                {
                    "city": rng.choice(np.array(["Bonn", "Köln", "Aachen", None], dtype=object), n),
                    "code": rng.integers(0, 6, n),
                }
            )
            X.loc[0, "city"] = None
            new = pd.DataFrame({"city": np.array(["Bonn", None, "Paris", "Köln"], dtype=object), "code": [1, 2, 99, 3]})
            y: NDArray[Any]
            if target == "continuous":
                y = rng.normal(3.0, 1.0, n) + X["code"].to_numpy()
            else:
                y = np.concatenate([np.arange(3), rng.integers(0, 3, n - 3)]) if target == "multiclass" else (
                    np.concatenate([np.arange(2), rng.integers(0, 2, n - 2)])
                )  # fmt: skip
            found.append(Case(f"{target}, smooth={smooth}", X, y, new, smooth))
    return found


def target_oracle(case: Case, cv: Any = 5) -> Any:
    """scikit-learn's encoder with the same settings, not fitted."""
    from sklearn.preprocessing import TargetEncoder

    return TargetEncoder(smooth=case.smooth, cv=cv)


def hashed(X: pd.DataFrame, n_features: int, signed: bool) -> NDArray[np.float64]:
    """The hashing encoder by its definition, cell by cell."""
    out = np.zeros((len(X), n_features))
    for i, row in enumerate(X.to_dict("records")):
        for name, value in row.items():
            missing = value is None or value != value
            key = str(int(value)) if isinstance(value, float) and not missing and value == int(value) else str(value)
            text = str(name) if missing else f"{name}={key}"
            h = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
            out[i, (h >> 1) % n_features] += -1.0 if signed and h % 2 else 1.0
    return out


def words(rng: np.random.Generator) -> pd.DataFrame:
    """Categories as texts, whole numbers and floats, with gaps and letters beyond ASCII."""
    n = 30
    return pd.DataFrame(
        {
            "city": rng.choice(np.array(["Bonn", "Köln", "København", "東京", "", None], dtype=object), n),
            "other": rng.choice(np.array(["Bonn", "Köln", "x"], dtype=object), n),
            "code": rng.integers(0, 4, n),
            "gaps": rng.choice(np.array([1.0, 2.0, 2.5, np.nan]), n),
        }
    )


def scaler_tables(rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Numbers: plain, with gaps, with wild values, far from zero, one row, and constant columns."""
    plain = rng.normal(2.0, 3.0, (25, 3))
    gaps, wild, constant = plain.copy(), plain.copy(), plain.copy()
    gaps[rng.random(gaps.shape) < 0.2] = np.nan
    gaps[0] = 1.0
    wild[3] = 1e9
    constant[:, 1] = 7.0
    return {
        "plain": plain,
        "gaps": gaps,
        "wild values": wild,
        "far from zero": plain + 1e6,
        "one row": plain[:1],
        "constant": constant,
    }
