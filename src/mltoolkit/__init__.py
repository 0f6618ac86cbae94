"""What the fifty-two weeks build: a typed, tested toolkit that is importable at work."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["config", "datasets", "errors", "io", "linalg", "metrics", "quality"],
)
