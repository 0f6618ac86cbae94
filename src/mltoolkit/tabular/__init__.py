"""Learning from tables: ridge and lasso, classification and calibration, flat maps."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classification": ["CalibratedClassifier", "IsotonicCalibrator", "LogisticRegression", "PlattCalibrator"],
        "embeddings": ["TSNE", "continuity", "joint_probabilities", "kl_divergence", "trustworthiness"],
        "lassocv": ["LassoCV"],
        "regression": ["Lasso", "Ridge", "RidgeCV", "lasso_path"],
    },
)
