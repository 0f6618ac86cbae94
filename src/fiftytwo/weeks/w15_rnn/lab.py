"""Week 15: text, one character at a time.

The build trains recurrent models on a text beside counted n-grams, follows gradients back through time, lets a run
explode and clips it, and plants a signal ever farther back. The model that it leaves is the one week 17 has to beat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w15_rnn import figures
from fiftytwo.weeks.w15_rnn.cells import cells
from fiftytwo.weeks.w15_rnn.corpus import Corpus, corpus, counted
from fiftytwo.weeks.w15_rnn.findings import findings, through_time
from fiftytwo.weeks.w15_rnn.steps import clipping, streams

if TYPE_CHECKING:
    from fiftytwo.lab import Lab
    from fiftytwo.weeks.w15_rnn.training import Trained
    from mltoolkit.deep import NGram

week = Week.planned(
    15,
    extras=("deep",),
    seconds=900.0,
    exercise=Exercise(
        "mltoolkit.deep.rnn",
        ("RNNCell", "LSTMCell", "GRUCell", "clip_grad_norm", "truncated_bptt"),
        hours=10.0,
        seconds=120.0,
        memory_bytes=16 * 2**30,  # address space, of which PyTorch maps much and touches little
        peers={
            "RNNCell": "torch.nn:RNNCell",
            "LSTMCell": "torch.nn:LSTMCell",
            "GRUCell": "torch.nn:GRUCell",
            "clip_grad_norm": "torch.nn.utils:clip_grad_norm_",
        },
        brief="""\
Write three recurrent cells from matrix products, and how they are trained. A good order:

1. `RNNCell`: two products, two biases, a tanh. Parameters are called and shaped as PyTorch's, so that weights go from
   one to the other.
2. `LSTMCell`: four times the rows, cut into input, forget, candidate and output.
3. `GRUCell`: three times the rows, cut into reset, update and candidate. Mind where the reset gate multiplies.
4. `clip_grad_norm`: one length for all parameters, one factor for all.
5. `truncated_bptt`: along streams of text, window after window. The state goes on; the gradient ends where the
   window begins.

Bad shapes get a `ValueError` that shows them. Tensors, autograd and `nn.Module` are yours; a finished cell, layer or
clipping function from a library is not the exercise.
""",
    ),
)

_TEMPERATURES = (0.5, 0.8, 1.0, 1.3)
_WRITTEN = 600  # characters of each sample


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    text: Corpus
    levels: Mapping[str, float]  # nats a character of the n-grams
    trained: Mapping[str, Trained]  # by core, at equal size and equal training
    main: Trained  # the model that is kept
    kept: str  # folder of the artifact
    losses: Mapping[str, list[float]]  # of the exploding run, without and with clipping
    lengths: Mapping[str, list[float]]  # of its gradients
    distances: tuple[int, ...]
    recalled: Mapping[str, NDArray[np.float64]]  # by cell, (seeds, distances)


def build(lab: Lab) -> Built:
    """Count, train, write, and look at gradients."""
    from fiftytwo.weeks.w15_rnn.training import Plan, trained

    text = corpus(lab)
    grams = counted(text)
    valid = text.ids(text.valid)
    levels = {name: gram.nats(valid) for name, gram in grams.items()}
    plan = Plan(total=1_500_000 if lab.full else 360_000, streams=16)
    found = {
        core: trained(lab, text, plan, points=9, label=f"training, {core}", core=core, hidden_size=96)
        for core in ("rnn", "lstm", "gru")
    }
    main = found["lstm"]
    if lab.full:
        long = Plan(total=14 * len(text.train), streams=32, window=64, rate=5e-3)
        main = trained(
            lab, text, long, points=14, label="training, the long run", core="lstm", hidden_size=256, dropout=0.2
        )
    kept = lab.artifact("char-model")
    main.model.save(kept)
    _compare(lab, text, levels, found, main)
    _write(lab, text, main, grams["5-gram"])
    losses, lengths = _explode(lab, text)
    distances, recalled = _plant(lab)
    lab.document("gradients.md.jinja", "What becomes of a gradient through time", text_name=text.name)
    return Built(text, levels, found, main, str(kept), losses, lengths, distances, recalled)


def _compare(lab: Lab, text: Corpus, levels: Mapping[str, float], found: Mapping[str, Trained], main: Trained) -> None:
    """The table, the curve, and the figures that week 17 is held against."""
    import pandas as pd

    rows: list[dict[str, Any]] = [
        {"model": name, "parameters": None, "characters read": len(text.train), "nats a character": level,
         "perplexity": float(np.exp(level))}
        for name, level in levels.items()
    ]  # fmt: skip
    named = {core.upper(): model for core, model in found.items()}
    if main is not found["lstm"]:
        named["LSTM, the long run"] = main
    for name, model in named.items():
        rows.append({"model": name, "parameters": model.parameters, "characters read": model.characters[-1],
                     "nats a character": model.nats[-1], "perplexity": float(np.exp(model.nats[-1]))})  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["parameters"] = pd.Series([row["parameters"] for row in rows], dtype=object)  # counts have none
    lab.table(
        frame,
        "Models",
        "On the last tenth of the text, which no model has seen. Perplexity is the exponential of the nats: between "
        "how many equally likely characters the model still wavers.",
    )
    lab.figure(
        figures.learning_curves({name: (m.characters, m.nats) for name, m in named.items()}, levels),
        "Learning curves",
        "Perplexity on the validation part as training goes on, beside what counting reaches.",
    )
    for name, level in levels.items():
        lab.metric(f"{name}, nats", level, "nats/character")
    for core, model in found.items():
        lab.metric(f"{core}, nats", model.nats[-1], "nats/character")
    lab.metric("char-model validation loss", main.nats[-1], "nats/character")
    lab.metric("char-model perplexity", float(np.exp(main.nats[-1])))
    lab.metric("char-model parameters", main.parameters)
    lab.metric("char-model training characters", main.characters[-1], "characters")
    lab.metric("char-model training seconds", main.seconds, "s")
    lab.metric("characters to learn from", len(text.train), "characters")
    lab.metric("characters to judge by", len(text.valid), "characters")
    lab.metric("characters in the vocabulary", len(text.vocabulary))


def _write(lab: Lab, text: Corpus, main: Trained, grams: NGram) -> None:
    """Samples at several temperatures, and how many of their words the text knows."""
    import pandas as pd
    import torch

    from mltoolkit.deep import torch_threads

    known, rows, samples = set(text.train.split()), [], {}
    with torch_threads(1):
        for temperature in _TEMPERATURES:
            generator = torch.Generator().manual_seed(lab.seed)
            written = main.model.sample(_WRITTEN, temperature=temperature, generator=generator)
            samples[f"{temperature:g}"] = written[:400]
            words = written.split()
            rows.append({
                "temperature": temperature,
                "words that the text has": sum(word in known for word in words) / max(len(words), 1),
                "different words": len(set(words)) / max(len(words), 1),
                "nats a character by the 5-gram": grams.nats(text.ids(written)),
            })  # fmt: skip
    lab.table(pd.DataFrame(rows), "Temperatures", f"{_WRITTEN} characters each, written by the model that is kept.")
    lab.document("samples.md.jinja", "A model of characters", samples=samples, text_name=text.name)


def _explode(lab: Lab, text: Corpus) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    from fiftytwo.weeks.w15_rnn.gradients import CELLS, STEPS, exploding

    norms = through_time(lab)
    lab.figure(
        figures.norms_through_time(norms),
        "Gradients through time",
        f"Length of the gradient that reaches h, by how many steps it has come back (of {STEPS}), relative to the last "
        f"step's. {len(CELLS)} new cells with random input; nothing is trained yet.",
    )
    losses, lengths = {}, {}
    for name, clip_norm in (("without clipping", None), ("with clipping", 1.0)):
        losses[name], lengths[name] = lab.solution.apply(exploding, text.train[:60_000], clip_norm, lab.seed)
    lab.figure(
        figures.exploding_run(losses, lengths),
        "An exploding run",
        "The same model, text and order, twice. Above: the loss. Below: the length of the gradient before clipping.",
    )
    for name, loss in losses.items():
        lab.metric(f"loss at the end, {name}", float(np.mean(loss[-5:])), "nats/character")
        lab.metric(f"longest gradient, {name}", max(lengths[name]))
        lab.metric(f"median gradient, {name}", float(np.median(lengths[name])))
    return losses, lengths


def _plant(lab: Lab) -> tuple[tuple[int, ...], dict[str, NDArray[np.float64]]]:
    import pandas as pd

    from fiftytwo.weeks.w15_rnn.gradients import CLASSES, recalled

    distances = (5, 10, 20, 30, 50) if lab.full else (5, 15, 30)
    found = recalled(lab, distances, seeds=5 if lab.full else 1, steps=300 if lab.full else 200)
    lab.figure(
        figures.recall(distances, found, 1.0 / CLASSES),
        "A planted signal",
        "Share of signals that are named after so many steps of noise, at equal training; points are single seeds, "
        "lines their means. Guessing is the dashed line.",
    )
    means = {name: shares.mean(axis=0) for name, shares in found.items()}
    frame = pd.DataFrame(means.values(), columns=[f"{distance} steps" for distance in distances])
    frame.insert(0, "cell", list(means))
    lab.table(frame, "A planted signal", f"Share recalled of {CLASSES} signals, means over seeds.")
    return distances, found


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's parts first, then what the text and the gradients show."""
    yield from cells(lab)
    yield from clipping(lab)
    yield from streams(lab)
    yield from findings(lab, built)
