"""Week 5: metrics of many rows and many queries, beside scikit-learn.

Ours and the peer compute the same number from the same arrays: ties, weights and conventions included. In the
ranking metric the peer goes through the queries one by one in Python; ours averages all tied groups at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.metrics as peer

from harness import Row, main
from mltoolkit import metrics

ROWS, QUERIES, ITEMS, CLASSES = 500_000, 2_000, 100, 20
rng = np.random.default_rng(0)
Y = (rng.random(ROWS) < 0.2).astype(int)
SCORES = np.clip(0.2 * Y + rng.random(ROWS), 0.0, 1.0)
WEIGHTS = rng.gamma(2.0, 1.0, ROWS)
LABELS = rng.integers(0, CLASSES, ROWS)
DECIDED = np.where(rng.random(ROWS) < 0.7, LABELS, rng.integers(0, CLASSES, ROWS))
RELEVANCE = rng.integers(0, 4, (QUERIES, ITEMS))
RANKED = np.round(RELEVANCE + rng.standard_normal((QUERIES, ITEMS)), 1)


def same(ours: Any, theirs: Any) -> str:
    """Whether both gave the same number."""
    return "" if abs(ours - theirs) <= 1e-9 else f"{ours!r} and {theirs!r}"


if __name__ == "__main__":
    main(
        "metrics",
        [
            Row(
                "ROC-AUC",
                f"{ROWS:,} rows, weights",
                "roc_auc_score(y, s, sample_weight=w)",
                lambda: metrics.roc_auc(Y, SCORES, sample_weight=WEIGHTS),
                lambda: peer.roc_auc_score(Y, SCORES, sample_weight=WEIGHTS),
                same,
                goal=1.0,
            ),
            Row(
                "average precision",
                f"{ROWS:,} rows, weights",
                "average_precision_score(y, s, sample_weight=w)",
                lambda: metrics.average_precision(Y, SCORES, sample_weight=WEIGHTS),
                lambda: peer.average_precision_score(Y, SCORES, sample_weight=WEIGHTS),
                same,
                goal=1.0,
            ),
            Row(
                "F1, macro",
                f"{ROWS:,} rows, {CLASSES} classes",
                'f1_score(y, p, average="macro")',
                lambda: metrics.f1(LABELS, DECIDED, average="macro"),
                lambda: peer.f1_score(LABELS, DECIDED, average="macro"),
                same,
                goal=1.0,
            ),
            Row(
                "NDCG at 10, ties",
                f"{QUERIES:,} queries x {ITEMS} items, scores with one decimal",
                "ndcg_score(y, s, k=10)",
                lambda: metrics.ndcg_at_k(RELEVANCE, RANKED, k=10),
                lambda: peer.ndcg_score(RELEVANCE, RANKED, k=10),
                same,
                goal=5.0,
            ),
        ],
        ("fiftytwo", "numpy", "scikit-learn"),
    )
