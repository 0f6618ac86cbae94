"""The twelve metrics in the order in which they are best written, with a case by hand and the hints for each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Topic:
    """What a learner is told about one metric.

    ``by_hand`` are the arguments of a case that can be checked on paper, and ``value`` its result;
    ``why`` says what the metric is for; ``ties_why`` and ``ties_hint`` belong to the family of random cases
    that are not plain, and ``undefined`` is a call with no answer, with words for its refusal.
    """

    metric: str
    by_hand: tuple[Any, ...]
    value: float
    why: str
    hint: tuple[str, ...]
    ties_why: str
    ties_hint: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


TOPICS = (
    Topic(
        "mae", ([1.0, 2.0, 4.0], [2.0, 2.0, 1.0]), 4 / 3,
        "The mean size of an error, in the unit of what is predicted.",
        ("Errors must not cancel.", "np.average(np.abs(y_true - y_pred), weights=...)"),
        "A prediction that is exactly right adds nothing to the sum and still counts in the mean.",
        ("Divide by the number of rows, not by the number of errors.",),
    ),
    Topic(
        "rmse", ([0.0, 0.0, 0.0, 0.0], [2.0, 2.0, 2.0, 4.0]), math.sqrt(7),
        "Squares make one large error weigh more than several small ones; the root brings the unit back.",
        ("Which unit does the mean of the squares have?", "np.sqrt(np.average(errors**2, weights=...))"),
        "A prediction that is exactly right adds nothing to the sum and still counts in the mean.",
        ("Divide by the number of rows, not by the number of errors.",),
    ),
    Topic(
        "r2", ([1.0, 2.0, 3.0, 6.0], [1.0, 2.0, 3.0, 4.0]), 1 - 4 / 14,
        "How much better than always predicting the mean: the baseline is the mean of y_true itself.",
        ("Both sums of squares run over the same rows.", "1 - np.sum((y - p)**2) / np.sum((y - y.mean())**2)",
         "The baseline is the mean of y_true: not of the predictions, and not zero."),
        "Rows may be worse than the mean as a whole, and then R² is below zero.",
        ("Do not cut it off at 0.",),
    ),
    Topic(
        "brier_score", ([1, 0, 1, 0], [0.9, 0.2, 0.4, 0.0]), (0.01 + 0.04 + 0.36) / 4,
        "The squared error of a probability; the truth is the only forecast that makes it smallest.",
        ("It is the mean squared error of y_prob against the labels.", "No root at the end."),
        "A forecast of 0 or 1 is allowed, and a table with one label is no obstacle.",
        ("Nothing here divides by a count of labels.",),
    ),
    Topic(
        "log_loss", ([1, 0, 1], [0.8, 0.5, 0.25]), math.log(10) / 3,
        "The price of a forecast in nats: what was given to the label that happened is all that counts.",
        ("-ln of the probability of what happened: p where the label is 1, else 1 - p.",
         "The logarithm is natural.", "With k columns: y_prob[np.arange(n), y_true]."),
        "A certain and wrong forecast costs 36.04 nats and not infinity, which would drown every other row.",
        ("What is log(0)?", "np.maximum(p, eps) with eps = np.finfo(np.float64).eps, before the logarithm.",
         "Raise to eps exactly: 1e-15 gives another number. Do not rescale the rows afterwards."),
    ),
    Topic(
        "f1", ([1, 1, 1, 0, 0], [1, 0, 1, 1, 0]), 2 / 3,
        "One number for precision and recall; the average decides whose mistakes count.",
        ("2 TP / (2 TP + FP + FN) needs no case for a precision or recall of zero.",
         "macro is the mean of the classes' scores; micro adds the counts up first.",
         "weighted: by the share of each class in y_true."),
        "A class that is never predicted, or is nowhere in y_true, still counts: with an F1 of zero.",
        ("The classes are those in y_true or y_pred: np.union1d.", "0 / 0 is 0 here, by convention.",
         "Labels may be texts."),
    ),
    Topic(
        "roc_auc", ([0, 1, 0, 1], [0.1, 0.3, 0.5, 0.9]), 3 / 4,
        "How often a row of label 1 scores above a row of label 0: ranking alone, no threshold.",
        ("Count the pairs of a 1 and a 0 first: a double loop is a fine start.",
         "Sorted by score, each 0 is beaten by the weight of label 1 above it.",
         "np.unique(score, return_inverse=True) and np.bincount gather the weight at each score."),
        "Two rows with the same score are a coin toss: half a pair, in whatever order the table lies.",
        ("A tie between a 1 and a 0 counts one half.", "Add weights up by distinct score before you accumulate.",
         "sum(negative * (positive_above + positive / 2)) / (all positive * all negative)"),
    ),
    Topic(
        "average_precision", ([0, 1, 1, 0, 1], [0.9, 0.8, 0.7, 0.6, 0.5]), (1 / 2 + 2 / 3 + 3 / 5) / 3,
        "Precision each time another positive is found: it notices false alarms that ROC-AUC forgives.",
        ("From the highest score down: precision where recall rises, times how much it rises.",
         "Steps, not trapezoids: np.trapezoid is too optimistic here."),
        "Rows with the same score pass the threshold together, so their precision is one number.",
        ("Look at precision and recall at the end of each group of tied scores only.",
         "np.unique(-score, return_inverse=True) numbers the groups from the highest down."),
    ),
    Topic(
        "expected_calibration_error", ([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75]), 0.25,
        "The gap between what was promised and what happened, bin by bin, weighted by how many were promised it.",
        ("In each bin: mean label minus mean probability, without its sign.",
         "Weight each bin by its share of the rows; an empty bin has none.",
         "quantile: np.quantile(p, shares, method='inverted_cdf', weights=w) gives such edges."),
        "A probability on an edge belongs to the bin below it, and equal ones are never parted.",
        ("Bins are open below and closed above: np.searchsorted(inner_edges, p, side='left').",
         "The first bin takes 0 and the last takes 1.", "Quantile edges follow the weights."),
        {"n_bins": 2},
    ),
    Topic(
        "mrr", ([[0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]], [[4.0, 3.0, 2.0, 1.0]] * 3), (1 / 2 + 1 + 0) / 3,
        "How far down the first right answer is; what comes after it does not matter.",
        ("Ranks begin at 1.", "A query with nothing to find adds 0, and counts in the mean.",
         "Only the first relevant item of each query matters."),
        "Tied items share their ranks: the expected value over their orders, or the order of the table decides.",
        ("With one relevant item among t tied ones, each of the t ranks has probability 1 / t.",
         "At rank s + j with probability: (none among the first j - 1) times r' / t' of those that are left.",
         "With k, ranks beyond it add nothing."),
    ),
    Topic(
        "recall_at_k", ([[1, 0, 1, 1], [0, 1, 0, 0]], [[4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.0, 1.0]]), (1 / 3 + 1) / 2,
        "The share of what should be found that the first k places show.",
        ("Divide by the number of relevant items of the query, not by k.", "np.argsort(-scores, axis=1)[:, :k]"),
        "A group of tied items that only partly fits into the first k counts with the share that fits.",
        ("Replace each relevance by the mean of its tied group, then take the first k places.",
         "np.add.at or np.bincount over group numbers gives the means of all queries at once."),
        {"k": 2},
    ),
    Topic(
        "ndcg_at_k", ([[3, 0, 1, 2]], [[4.0, 3.0, 2.0, 1.0]]),
        (3 + 1 / 2) / (3 + 2 / math.log2(3) + 1 / 2),
        "Graded relevance, discounted by place, as a share of the best possible order.",
        ("The discount of rank i is 1 / log2(i + 1): the first place counts in full.",
         "The best order sorts the relevance itself, falling, and stops at k too.",
         "exponential: 2**relevance - 1 in both DCGs."),
        "Tied items share their places: each carries the mean gain of its group.",
        ("Replace each gain by the mean of its tied group in y_score; the best order has no such groups.",
         "The order in which tied items lie in the table must not matter."),
        {"k": 3},
    ),
)  # fmt: skip
