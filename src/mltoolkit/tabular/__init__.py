"""Learning from tables: linear models, classification and calibration."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classification": ["CalibratedClassifier", "IsotonicCalibrator", "LogisticRegression", "PlattCalibrator"],
    },
)
