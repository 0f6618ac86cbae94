"""Statistics: intervals by resampling, A/B tests, information."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "inference": ["ABTest", "bootstrap_ci", "simulate_ab"],
        "information": ["cross_entropy", "entropy", "js_divergence", "kl_divergence", "mutual_information"],
        "results": ["ABResult", "ABSimulation", "Binary", "Continuous", "Interval", "Moments", "Ratio"],
    },
)
