"""XGBoost's models as trees of ours, read from the JSON that every version of it writes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.errors import BadInput
from mltoolkit.tabular._trees.shapley import Ensemble
from mltoolkit.tabular._trees.tree import Tree

Floats = NDArray[np.float64]

_LOGIT = ("binary:logistic", "binary:logitraw", "reg:logistic")
_LOG = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")


def is_xgboost(model: Any) -> bool:
    """Whether a model is one of XGBoost's, without importing it."""
    return any(kind.__module__.partition(".")[0] == "xgboost" for kind in type(model).__mro__)


def read(model: Any, X: Floats) -> tuple[Ensemble, Floats]:
    """The trees of a Booster or an estimator around one, and the rows as it sees them: in single precision."""
    booster, missing, rounds = model, np.nan, None
    if hasattr(model, "get_booster"):
        booster = model.get_booster()
        missing = model.missing if model.missing is not None else np.nan
        if getattr(model, "early_stopping_rounds", None) and booster.attr("best_iteration") is not None:
            rounds = int(booster.attr("best_iteration")) + 1  # what its predict uses
    document = json.loads(bytes(booster.save_raw("json")))
    learner = document["learner"]
    gbm, weights = learner["gradient_booster"], None
    if gbm["name"] == "dart":
        weights = gbm["weight_drop"]
        gbm = gbm["gbtree"]
    if "model" not in gbm or "trees" not in gbm["model"]:
        raise BadInput(f"tree_shap: XGBoost's booster {gbm['name']!r} has no trees; expected gbtree or dart")
    columns = int(learner["learner_model_param"]["num_feature"])
    if X.shape[1] != columns:
        raise BadInput(f"tree_shap: X has {X.shape[1]} columns and the model was fitted on {columns}; pass the same")
    outputs = [int(k) for k in gbm["model"]["tree_info"]]
    count = len(outputs) if rounds is None else int(gbm["model"]["iteration_indptr"][rounds])
    trees = [_tree(one, 1.0 if weights is None else weights[i]) for i, one in enumerate(gbm["model"]["trees"][:count])]
    seen = np.where(missing == X, np.nan, X) if missing == missing else X
    return Ensemble(trees, outputs[:count], _offset(learner, max(outputs, default=0) + 1)), (
        seen.astype(np.float32).astype(np.float64)
    )  # fmt: skip


def _offset(learner: dict[str, Any], outputs: int) -> Floats:
    """The base score on the scale of the raw predictions; it is stored on that of the final ones."""
    text = learner["learner_model_param"]["base_score"]
    stored = np.atleast_1d(np.array(json.loads(text), dtype=np.float32)).astype(np.float64)
    name = learner["objective"]["name"]
    if name in _LOGIT:
        stored = np.log(stored / (1.0 - stored))
    elif name in _LOG:
        stored = np.log(stored)
    return np.ascontiguousarray(np.broadcast_to(stored, (outputs,)))


def _tree(one: dict[str, Any], weight: float) -> Tree:
    if any(one.get("split_type", ())):
        raise BadInput("tree_shap: the model splits on categories, which is not supported; encode them as numbers")
    left, right = (np.array(one[name], dtype=np.int64) for name in ("left_children", "right_children"))
    leaf = left < 0
    condition = np.array(one["split_conditions"], dtype=np.float32)
    # XGBoost goes left below its threshold, we go left up to ours: the next smaller number in single precision.
    threshold = np.nextafter(condition, np.float32(-np.inf)).astype(np.float64)
    return Tree(
        np.where(leaf, -1, np.array(one["split_indices"], dtype=np.int64)),
        threshold,
        np.array(one["default_left"], dtype=np.bool_),
        left,
        right,
        np.where(leaf, weight * condition.astype(np.float64), 0.0),
        np.array(one["sum_hessian"], dtype=np.float32).astype(np.float64),
        np.where(leaf, 0.0, np.array(one["loss_changes"], dtype=np.float64)),
    )
