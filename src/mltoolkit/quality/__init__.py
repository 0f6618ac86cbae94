"""Data quality: read a table as it is, profile it, and find what is wrong with it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "checklist": ["ChecklistItem", "eda_checklist"],
        "checks": ["check"],
        "differences": ["ColumnDiff", "TableDiff", "diff"],
        "findings": ["Finding"],
        "profiling": ["ColumnProfile", "Correlation", "Histogram", "TableProfile", "TargetProfile", "profile"],
        "rules.evaluation": ["validate"],
        "rules.loading": ["load_rules"],
        "rules.suggesting": ["suggest"],
        "rules.suite": ["Rule", "Suite"],
        "rules.verdicts": ["Verdict"],
        "source": ["Batch", "Faults", "Source", "open_source"],
        "table": ["Column", "Table", "read_table"],
    },
)
