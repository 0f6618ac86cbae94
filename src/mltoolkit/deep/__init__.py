"""Networks and their training: layers by hand, one trainer for the year, checkpoints that survive. Needs PyTorch."""

import lazy_loader

from mltoolkit.errors import naming_the_extra

_attached, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "batches": ["Batches", "Windows"],
        "history": ["History", "Record"],
        "processes": ["ProcessLost"],
        "scale": ["Checkpoint", "accumulate", "autocast"],
        "trainer": ["Trainer", "warmup_cosine"],
    },
)
__getattr__ = naming_the_extra(_attached, "deep", "torch", "safetensors")
