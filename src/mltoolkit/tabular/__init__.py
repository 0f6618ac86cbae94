"""Learning from tables: ridge and lasso, classification and calibration, boosted trees."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_trees.leaks": ["Leak"],
        "classification": ["CalibratedClassifier", "IsotonicCalibrator", "LogisticRegression", "PlattCalibrator"],
        "lassocv": ["LassoCV"],
        "regression": ["Lasso", "Ridge", "RidgeCV", "lasso_path"],
        "trees": [
            "GradientBoostingClassifier",
            "GradientBoostingRegressor",
            "RegressionTree",
            "find_leaks",
            "tree_shap",
        ],
    },
)
