"""What a working engineer would use: scikit-learn's PCA, and its IncrementalPCA for a stream."""

from __future__ import annotations

import sklearn.decomposition
from numpy.typing import ArrayLike


class PCA(sklearn.decomposition.PCA):
    """scikit-learn's PCA with a ``partial_fit`` that is IncrementalPCA's."""

    def partial_fit(self, X: ArrayLike) -> PCA:
        """Hand the block to IncrementalPCA and take over what it learned."""
        if not hasattr(self, "_stream"):
            self._stream = sklearn.decomposition.IncrementalPCA(self.n_components)
        self._stream.partial_fit(X)
        self.__dict__ |= {name: value for name, value in vars(self._stream).items() if name.endswith("_")}
        return self
