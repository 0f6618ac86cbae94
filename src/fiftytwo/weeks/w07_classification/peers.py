"""What a working engineer would use: scikit-learn's calibration around one classifier."""

from __future__ import annotations

from typing import Any

import sklearn.calibration


class CalibratedClassifier(sklearn.calibration.CalibratedClassifierCV):
    """CalibratedClassifierCV with our names of the methods."""

    def __init__(self, estimator: Any = None, *, method: str = "isotonic", cv: Any = 5) -> None:
        super().__init__(estimator, method="sigmoid" if method == "platt" else method, cv=cv, ensemble=False)
