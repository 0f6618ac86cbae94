"""What a working engineer would use: scikit-learn's splitters, with our options where it has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sklearn.model_selection as peer


class GroupKFold(peer.GroupKFold):
    """GroupKFold, or StratifiedGroupKFold with ``stratify``."""

    def __init__(
        self, n_splits: int = 5, *, stratify: bool = False, shuffle: bool = False, random_state: Any = None
    ) -> None:
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)
        self.stratify = stratify

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Any, Any]]:
        """The splits of the one or the other."""
        if not self.stratify:
            yield from super().split(X, y, groups)
            return
        stratified = peer.StratifiedGroupKFold(self.n_splits, shuffle=self.shuffle, random_state=self.random_state)
        yield from stratified.split(X, y, groups)


class TimeSeriesSplit(peer.TimeSeriesSplit):
    """TimeSeriesSplit; a purge is a gap where it is one number."""

    def __init__(self, n_splits: int = 5, *, gap: int = 0, purge: int = 0, test_size: int | None = None,
                 max_train_size: int | None = None) -> None:  # fmt: skip
        super().__init__(n_splits, gap=max(gap, purge), test_size=test_size, max_train_size=max_train_size)
