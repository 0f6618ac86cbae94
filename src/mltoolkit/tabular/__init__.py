"""Learning from tables: ridge and lasso, classification and calibration, clusters."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classification": ["CalibratedClassifier", "IsotonicCalibrator", "LogisticRegression", "PlattCalibrator"],
        "cluster_validation": ["Gap", "Stability", "cluster_stability", "gap_statistic"],
        "clusters": ["GaussianMixture", "KMeans", "silhouette", "silhouette_samples"],
        "lassocv": ["LassoCV"],
        "regression": ["Lasso", "Ridge", "RidgeCV", "lasso_path"],
    },
)
