"""Learning from tables: models, calibration, clusters, flat maps, cross-validation, feature pipelines."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_trees.leaks": ["Leak"],
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
        "embeddings": ["TSNE", "continuity", "joint_probabilities", "kl_divergence", "trustworthiness"],
        "features": [
            "FeaturePipeline",
            "HashingEncoder",
            "RobustScaler",
            "TargetEncoder",
            "load_pipeline",
            "save_pipeline",
        ],
        "lassocv": ["LassoCV"],
        "logisticcv": ["LogisticRegressionCV"],
        "regression": ["Lasso", "Ridge", "RidgeCV", "lasso_path"],
        "skew": ["Skew", "SkewReport", "skew_report"],
        "trees": [
            "GradientBoostingClassifier",
            "GradientBoostingRegressor",
            "RegressionTree",
            "find_leaks",
            "tree_shap",
        ],
    },
)
