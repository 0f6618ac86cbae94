"""Where a run ran: versions, processor, memory, BLAS; what its figures may depend on."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from fiftytwo.evidence import Machine

_NAMED = ("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "duckdb", "matplotlib", "torch")


def installed(distribution: str) -> str:
    """Version of an installed distribution, or an empty string."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def same_versions(recorded: Mapping[str, str]) -> bool:
    """Whether what a run recorded of versions still holds here."""
    now = {name: platform.python_version() if name == "python" else installed(name) for name in recorded}
    return now == dict(recorded)


def versions() -> dict[str, str]:
    """Versions of Python, of this software and of the libraries that the run imported."""
    found = {"python": platform.python_version(), "fiftytwo": installed("fiftytwo")}
    imported = {"sklearn" if name == "scikit-learn" else name: name for name in _NAMED}
    for module, distribution in imported.items():
        if module in sys.modules:
            found[distribution] = installed(distribution)
    return found


def machine(device: str = "cpu") -> Machine:
    """The machine as far as figures depend on it."""
    import psutil

    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        device=device,
        blas=_blas(),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _blas() -> str:
    from threadpoolctl import threadpool_info

    for library in threadpool_info():
        if library.get("user_api") == "blas":
            kernel = f" {library['architecture']}" if library.get("architecture") else ""
            asked = f", OPENBLAS_CORETYPE={core}" if (core := os.environ.get("OPENBLAS_CORETYPE")) else ""
            return f"{library['internal_api']} {library['version']}{kernel}, {library['num_threads']} threads{asked}"
    return ""
