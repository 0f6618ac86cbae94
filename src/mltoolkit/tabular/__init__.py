"""Learning from tables: ridge and lasso, classification and calibration, feature pipelines."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classification": ["CalibratedClassifier", "IsotonicCalibrator", "LogisticRegression", "PlattCalibrator"],
        "features": [
            "FeaturePipeline",
            "HashingEncoder",
            "RobustScaler",
            "TargetEncoder",
            "load_pipeline",
            "save_pipeline",
        ],
        "lassocv": ["LassoCV"],
        "regression": ["Lasso", "Ridge", "RidgeCV", "lasso_path"],
        "skew": ["Skew", "SkewReport", "skew_report"],
    },
)
