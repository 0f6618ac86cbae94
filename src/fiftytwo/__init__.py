"""Fifty-Two: a year of AI engineering that runs."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "evidence": ["Check", "Measurement", "Metric", "Run", "Verdict"],
        "lab": ["Lab"],
        "measure": ["difference", "refusal"],
        "plan": ["Exercise", "Mistake", "Question", "Week"],
    },
)
