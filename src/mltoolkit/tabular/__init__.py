"""Learning from tables: ridge and lasso, classification and calibration, cross-validation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classification": ["CalibratedClassifier", "IsotonicCalibrator", "LogisticRegression", "PlattCalibrator"],
        "crossval": [
            "GroupKFold",
            "KFold",
            "StratifiedKFold",
            "TimeSeriesSplit",
            "ablate",
            "compare_models",
            "cross_validate",
            "nested_cross_validate",
        ],
        "lassocv": ["LassoCV"],
        "regression": ["Lasso", "Ridge", "RidgeCV", "lasso_path"],
    },
)
