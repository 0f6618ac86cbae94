"""Learning from tables: ridge and lasso, classification and calibration, clusters, cross-validation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classification": ["CalibratedClassifier", "IsotonicCalibrator", "LogisticRegression", "PlattCalibrator"],
        "cluster_validation": ["Gap", "Stability", "cluster_stability", "gap_statistic"],
        "clusters": ["GaussianMixture", "KMeans", "silhouette", "silhouette_samples"],
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
