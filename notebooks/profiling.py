"""A notebook on what a truncated decomposition costs; open it with: marimo edit notebooks/profiling.py."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="What does low rank cost?")

with app.setup:
    import cProfile
    import pstats
    from pathlib import Path

    import marimo as mo
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd
    from threadpoolctl import threadpool_limits

    from fiftytwo.weeks.w02_svd.cases import with_spectrum
    from fiftytwo.weeks.w02_svd.profiling import COLUMNS, measure
    from mltoolkit import linalg
    from mltoolkit.plots import PALETTE, house_style

    SOLVERS = ("gram", "randomized", "svd")
    SIZES = (60, 120, 240, 480, 960)
    RANKS = (1, 2, 5, 10, 20, 40, 60)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What does low rank cost?

    `truncated_svd` has three solvers that give the same answer. This notebook measures what each of them takes:
    **processor time**, the least of three calls on one thread, and the **peak of memory** that is allocated during a
    call beyond the matrix itself. The matrices have $r$ rows and $1.5\,r$ columns, and singular values
    that fall like those of a photograph.

    Move a slider, and everything below it is measured again.
    """)
    return


@app.cell(hide_code=True)
def _():
    rows = mo.ui.slider(steps=SIZES, value=240, label="rows", show_value=True, debounce=True)
    rank = mo.ui.slider(steps=RANKS, value=10, label="rank", show_value=True, debounce=True)
    solver = mo.ui.dropdown(SOLVERS, value="gram", label="solver to look into")
    mo.hstack([rows, rank, solver], justify="start", gap=2)
    return rank, rows, solver


@app.cell(hide_code=True)
def _():
    def cost(height, rank, solver):
        """One row of a table: the setting and what it costs."""
        width = 3 * height // 2
        with threadpool_limits(1):
            return (height, width, rank, solver, *measure(linalg, height, width, rank, solver))

    def table(settings):
        """Costs of many settings; a rank that a size does not have is left out."""
        wanted = [setting for setting in settings if setting[1] <= setting[0]]
        with mo.status.progress_bar(total=len(wanted), title="measuring", remove_on_exit=True) as bar:
            found = []
            for setting in wanted:
                found.append(cost(*setting))
                bar.update()
        return pd.DataFrame(found, columns=COLUMNS)

    return (table,)


@app.cell(hide_code=True)
def _(rank, rows, table):
    here = table([(rows.value, rank.value, name) for name in SOLVERS])
    fastest = here.loc[here["ms"].idxmin()]
    mo.vstack(
        [
            mo.md(
                f"""
    ## At this setting

    The fastest solver for {fastest["height"]} x {fastest["width"]} and rank {fastest["rank"]} is
    **{fastest["solver"]}**, with {fastest["ms"]:.2f} ms. The slowest takes
    {here["ms"].max() / fastest["ms"]:.1f} times as long.
    """
            ),
            mo.ui.table(here.round(3), selection=None, show_download=False, pagination=False),
        ]
    )
    return (here,)


@app.cell(hide_code=True)
def _():
    def curves(costs, over, label):
        """Time and memory over one of the settings, a line for each solver."""
        with house_style():
            figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.6))
            for panel, column, title in zip(
                panels, ("ms", "MiB"), ("processor time (ms)", "peak memory (MiB)"), strict=True
            ):
                for colour, marker, name in zip(PALETTE, "os^", SOLVERS, strict=False):
                    mine = costs[costs["solver"] == name]
                    panel.loglog(mine[over], mine[column], color=colour, marker=marker, markersize=4, label=name)
                ticks = sorted(set(costs[over]))
                panel.set_xticks(ticks, list(map(str, ticks)))
                panel.set_xticks([], minor=True)
                panel.set_xlabel(label)
                panel.set_title(title)
            handles, labels = panels[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=len(SOLVERS))
            plt.close(figure)
        return figure

    return (curves,)


@app.cell(hide_code=True)
def _(curves, rank, rows, table):
    by_size = table([(height, rank.value, name) for height in SIZES if height <= rows.value for name in SOLVERS])
    mo.vstack(
        [
            mo.md(
                f"""
    ## By size, at rank {rank.value}

    On these logarithmic axes a power is a straight line, and its exponent is the slope. A whole decomposition grows
    with the third power of the side; at a fixed rank *randomized* needs little more than a few passes over the matrix,
    which is the second power.
    """
            ),
            curves(by_size, "height", "rows of the matrix"),
        ]
    )
    return (by_size,)


@app.cell(hide_code=True)
def _(curves, rows, table):
    by_rank = table([(rows.value, k, name) for k in RANKS for name in SOLVERS])
    mo.vstack(
        [
            mo.md(
                f"""
    ## By rank, at {rows.value} rows

    *svd* is level: it computes all of it and throws most of it away. The other two pay for each further term, and
    at some rank they cross it. That is why `solver="auto"` looks at rank and shape.
    """
            ),
            curves(by_rank, "rank", "rank"),
        ]
    )
    return (by_rank,)


@app.cell(hide_code=True)
def _(rank, rows, solver):
    _a = with_spectrum(np.random.default_rng(0), rows.value, 3 * rows.value // 2, 100.0 / np.arange(1, rows.value + 1))
    _profile = cProfile.Profile()
    with threadpool_limits(1):
        _profile.enable()
        for _ in range(20):
            linalg.truncated_svd(_a, min(rank.value, rows.value), solver=solver.value, random_state=0)
        _profile.disable()
    _stats = pstats.Stats(_profile).stats
    _total = sum(own for _, _, own, _, _ in _stats.values())
    spent = pd.DataFrame(
        [
            (100 * own / _total, calls, f"{Path(file).name}:{line}" if line else "compiled", name)
            for (file, line, name), (_, calls, own, _, _) in _stats.items()
        ],
        columns=["% of the time", "calls", "where", "function"],
    )
    spent = spent.sort_values("% of the time", ascending=False, ignore_index=True)
    mo.vstack(
        [
            mo.md(
                f"""
    ## Where the time goes in *{solver.value}*

    Python's own profiler over twenty calls, by the time spent in a function itself. It sees functions and not lines,
    and of compiled code only the door: `_by_gram`, for one, holds the product of the matrix with itself.
    """
            ),
            mo.ui.table(spent.head(8).round(1), selection=None, show_download=False, pagination=False),
        ]
    )
    return (spent,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How to read such figures

    - **Least, not mean.** A neighbour on the machine only ever adds time. The least of several calls comes closest to
      what the work itself takes.
    - **Processor time is not elapsed time.** With two threads the first can be twice the second, and a waiting thread
      may spend processor time doing nothing. Here there is one thread.
    - **The first call is another matter.** It loads libraries and warms caches, so it is not counted.
    - **The peak decides.** A job fails when the most that it holds at one moment does not fit; what it allocated in
      all is no guide.
    - **Profile before you tune.** What takes a twentieth of the time cannot bring more than a twentieth.
    """)
    return


if __name__ == "__main__":
    app.run()
