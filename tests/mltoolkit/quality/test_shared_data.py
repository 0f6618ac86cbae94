"""Real tables, where they are at hand: what they are known to hold is found, and nothing else is called an error."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mltoolkit.quality import check, profile


def test_titanic(shared_data: Path) -> None:
    path = shared_data / "titanic" / "train.csv"
    frame = pd.read_csv(path)
    found = profile(path, "Survived")
    assert (found.rows, len(found.columns)) == frame.shape
    for column in found.columns:
        assert column.missing == frame[column.name].isna().sum()
        assert column.distinct == frame[column.name].nunique()
        if column.kind in ("integer", "float"):
            assert column.mean == pytest.approx(frame[column.name].mean())
            assert column.std == pytest.approx(frame[column.name].std())
    findings = {(finding.rule, finding.column): finding for finding in check(path, "Survived")}
    assert findings["missing", "Cabin"].count == 687
    assert findings["missing", "Age"].severity == "warning"
    assert findings["missing", "Embarked"].rows == (63, 831)
    assert findings["mixed types", "Ticket"].count == pd.to_numeric(frame["Ticket"], errors="coerce").isna().sum()
    assert not [rule for rule, _ in findings if rule in ("duplicates", "leakage suspects", "class balance")]


def test_a_hospital_before_and_after_cleaning(shared_data: Path) -> None:
    clean, dirty = (shared_data / "dirty-hospital" / f"{name}.csv" for name in ("clean", "dirty"))
    assert {finding.severity for finding in check(clean)} <= {"info"}
    errors = {finding.column for finding in check(dirty) if finding.severity == "error"}
    assert {"ProviderNumber", "ZipCode", "PhoneNumber"} <= errors


def test_half_a_million_sales_in_parquet(shared_data: Path) -> None:
    path = shared_data / "online-retail" / "online_retail.parquet"
    frame = pd.read_parquet(path)
    findings = {(finding.rule, finding.column): finding for finding in check(path)}
    assert findings["duplicates", None].count == frame.duplicated().sum()
    assert findings["missing", "CustomerID"].count == frame["CustomerID"].isna().sum()
    assert findings["ranges", "UnitPrice"].count == (frame["UnitPrice"] < 0).sum()
    assert findings["encodings", "Description"].severity in ("error", "warning")
