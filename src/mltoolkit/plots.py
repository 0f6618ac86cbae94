"""How figures look, everywhere: colour-blind-safe, quiet, and the same bytes for the same data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Okabe and Ito's palette, in the order in which it is used; its yellow and black are left out.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style within the block."""
    import matplotlib as mpl
    from cycler import cycler

    style: dict[str, Any] = {
        "axes.prop_cycle": cycler(color=PALETTE),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.titlelocation": "left",
        "axes.titlesize": "medium",
        "grid.color": "#e5e5e5",
        "grid.linewidth": 0.6,
        "font.size": 10,
        "legend.frameon": False,
        "figure.figsize": (7.0, 4.2),
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "white",
        "svg.hashsalt": "fiftytwo",
    }
    with mpl.rc_context(style):  # type: ignore[arg-type]
        yield
