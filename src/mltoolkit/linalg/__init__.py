"""Linear algebra from first principles: principal components and low rank."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"pca": ["PCA"], "svd": ["CompressedImage", "compress_image", "truncated_svd"]},
)
