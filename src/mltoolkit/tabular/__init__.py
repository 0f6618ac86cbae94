"""Models for tables of numbers: ridge and lasso."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "lassocv": ["LassoCV"],
        "regression": ["Lasso", "Ridge", "RidgeCV", "lasso_path"],
    },
)
