"""Named datasets: where each is from, its licence and checksum, and how to load it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "catalogue": ["Entry", "File", "entries", "entry"],
        "fetching": ["fetch"],
        "loading": ["Dataset", "load"],
        "locating": ["locate"],
    },
)
