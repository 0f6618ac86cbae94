"""How good a model is: classification, regression, calibration, ranking; each with weights."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "agreement": ["adjusted_rand"],
        "scores": [
            "average_precision",
            "brier_score",
            "expected_calibration_error",
            "f1",
            "log_loss",
            "mae",
            "mrr",
            "ndcg_at_k",
            "r2",
            "recall_at_k",
            "rmse",
            "roc_auc",
        ],
    },
)
