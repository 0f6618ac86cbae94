"""Typed settings from a file, the environment and ``key=value`` overrides, with every mistake told at once."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"loading": ["load_config"]})
