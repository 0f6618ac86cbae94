"""What is compared and taken apart: tumours in the quick profile; customers, loans and a market in the full one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fiftytwo.weeks.w11_crossval.experiments import Leak, accuracy, splits_of

if TYPE_CHECKING:
    import pandas as pd

    from fiftytwo.lab import Lab

_LOANS, _INVOICES, _HALF_HOURS = 6_000, 12_000, 15_000


@dataclass(frozen=True, eq=False)
class Subject:
    """A table, three models for it, and the parts of its columns."""

    name: str
    X: pd.DataFrame
    y: NDArray[np.intp]
    models: Mapping[str, Any]
    whole: Any  # the pipeline that is taken apart
    features: Mapping[str, list[str]]
    scoring: str = "roc_auc"


def subject(lab: Lab) -> Subject:
    """Tumours (quick) or loans (full)."""
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, solver="newton-cholesky"))
    if lab.full:
        frame = lab.data("credit-default").frame.sample(_LOANS, random_state=lab.seed)
        X = frame.drop(columns=["ID", "default.payment.next.month"]).astype(float)
        columns = list(X.columns)
        features = {
            "who": ["SEX", "EDUCATION", "MARRIAGE", "AGE"],
            "limit": ["LIMIT_BAL"],
            "delays": [c for c in columns if c.startswith("PAY_") and "AMT" not in c],
            "bills": [c for c in columns if c.startswith("BILL")],
            "payments": [c for c in columns if c.startswith("PAY_AMT")],
        }
        boosting = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.08, random_state=0)
        models = {"boosting": boosting, "logistic": linear, "naive Bayes": GaussianNB()}
        target = frame["default.payment.next.month"].to_numpy(dtype=np.intp)
        return Subject("UCI credit-card default", X, target, models, linear, features)
    frame = lab.data("breast-cancer").frame
    X = frame.drop(columns="target")
    columns = list(X.columns)
    features = {
        "means": [c for c in columns if c.startswith("mean")],
        "errors": [c for c in columns if c.endswith("error")],
        "worst": [c for c in columns if c.startswith("worst")],
    }
    neighbours = make_pipeline(StandardScaler(), KNeighborsClassifier(5))
    models = {"logistic": linear, "neighbours": neighbours, "naive Bayes": GaussianNB()}
    return Subject("Wisconsin breast cancer", X, frame["target"].to_numpy(dtype=np.intp), models, linear, features)


def retail(lab: Lab) -> Leak:
    """Is an invoice above the median? Each customer has a habit, and the customer's number is among the columns."""
    frame = lab.data("online-retail").frame.dropna(subset=["CustomerID"])
    frame = frame[frame["Quantity"] > 0].assign(value=lambda t: t["Quantity"] * t["UnitPrice"])
    invoices = frame.groupby("InvoiceNo", sort=True).agg(
        value=("value", "sum"), customer=("CustomerID", "first"), when=("InvoiceDate", "first")
    )
    invoices = invoices.sample(_INVOICES, random_state=lab.seed)
    when = invoices["when"].dt
    X = np.column_stack([invoices["customer"].astype(float), when.hour, when.day_of_week, when.month]).astype(float)
    y = (invoices["value"] > invoices["value"].median()).to_numpy(dtype=np.intp)
    who = invoices["customer"].to_numpy(dtype=np.intp)
    new = np.isin(who, lab.rng.permutation(np.unique(who))[: len(np.unique(who)) // 3])
    model = RandomForestClassifier(40, min_samples_leaf=2, random_state=0)
    promised = {
        name: accuracy(lab, model, X[~new], y[~new], lab.solution.apply(splits_of, name, {}, X[~new], y[~new], groups))
        for name, groups in (("KFold", None), ("StratifiedKFold", None), ("GroupKFold", who[~new]))
    }
    return Leak("UCI Online Retail: new customers", promised, float(model.fit(X[~new], y[~new]).score(X[new], y[new])))


def market(lab: Lab) -> Leak:
    """Does the price of electricity rise? Half-hours in order of time, and the time is among the columns."""
    frame = lab.data("electricity-elec2").frame.iloc[: 2 * _HALF_HOURS]
    X = frame.drop(columns=["class", "nswprice"]).assign(time=np.arange(len(frame))).to_numpy(dtype=float)
    y = frame["class"].to_numpy(dtype=np.intp)
    past = slice(0, _HALF_HOURS)
    model = RandomForestClassifier(40, random_state=0)
    plans: dict[str, tuple[str, dict[str, Any]]] = {
        "KFold, shuffled": ("KFold", {"shuffle": True, "random_state": lab.seed}),
        "TimeSeriesSplit": ("TimeSeriesSplit", {}),
    }
    promised = {
        name: accuracy(lab, model, X[past], y[past], lab.solution.apply(splits_of, kind, o, X[past], y[past], None))
        for name, (kind, o) in plans.items()
    }
    truth = float(model.fit(X[past], y[past]).score(X[_HALF_HOURS:], y[_HALF_HOURS:]))
    return Leak("Elec2: the time after", promised, truth)
