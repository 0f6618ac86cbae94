"""Week 17: a transformer, piece by piece, beside the models that came before it.

The build trains four models on the characters of one text: the exercise's transformer, the plain GPT of 2019, and
twice an LSTM that has as many parameters and is given as many operations, once as such models usually are trained and
once by the transformer's recipe. Then it looks into the heads, and counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week

if TYPE_CHECKING:
    from fiftytwo.lab import Lab
    from fiftytwo.weeks.w17_transformer.training import Curve, Scale, Text

week = Week.planned(
    17,
    extras=("llm",),
    seconds=1800.0,
    exercise=Exercise(
        "mltoolkit.llm.transformer",
        (
            "scaled_dot_product_attention",
            "rotary_table",
            "apply_rotary",
            "RMSNorm",
            "SwiGLU",
            "MultiHeadAttention",
            "Transformer",
        ),
        hours=12.0,
        seconds=300.0,
        memory_bytes=12 * 2**30,
        peers={"scaled_dot_product_attention": "fiftytwo.weeks.w17_transformer.peers:scaled_dot_product_attention"},
        brief="""\
Write a decoder of the Llama family in PyTorch, from the inside out. A good order:

1. `scaled_dot_product_attention`: scores, mask, softmax, mean of the values. First without heads, then grouped heads,
   masks, queries that are the last of the positions, half precision.
2. `rotary_table` and `apply_rotary`: angles, then turning pairs. Entry i of the first half of a head belongs to entry i
   of the second half.
3. `RMSNorm` and `SwiGLU`, three lines each.
4. `MultiHeadAttention`: three products, heads, rotation, attention, one product back.
5. `Transformer`: embedding, blocks, last norm, output. Name the parameters as the docstring says, so that published
   weights fit. `Pretrained`, which the starter imports, then saves and loads them.
6. The cache: `forward(ids, cache)` begins at position `cache.length` and each layer appends its keys and values.
7. First weights from the generator, and errors that name what was wrong.

Tensors, `nn.Linear`, `nn.Embedding` and `torch.softmax` are yours. A finished attention, norm or transformer from a
library is not the exercise.
""",
    ),
)

_LONG = 8192  # tokens of a context in which scores outweigh matrices
_LOOKED_AT = 24  # characters of the attention maps


@dataclass(frozen=True)
class Built:
    """What training the models left."""

    transformer: Curve
    plain: Curve
    recurrent: Curve
    recurrent_by_muon: Curve

    @property
    def share_of_tokens(self) -> float:
        """Tokens with which the transformer reaches the plain recipe's last loss, over those of the plain recipe."""
        return self.transformer.tokens_until(self.plain.last) / float(self.plain.tokens[-1])


def build(lab: Lab) -> Built:
    """Train them, draw their curves, look into the heads, count."""
    from fiftytwo.weeks.w17_transformer import training

    text, scale = training.text_of(lab), training.FULL if lab.full else training.QUICK
    mine = training.transformer(lab, text, scale)
    plain = training.plain(lab, text, scale)
    by_adam, by_muon = (
        training.recurrent(lab, text, scale, mine, muon=muon)
        for muon in lab.progress((False, True), "training the recurrent peer")
    )
    built = Built(mine, plain, by_adam, by_muon)
    _compare(lab, text, built)
    _look(lab, text, scale, mine)
    _count(lab, text, scale)
    return built


def _compare(lab: Lab, text: Text, built: Built) -> None:
    import pandas as pd

    from fiftytwo.weeks.w17_transformer import figures

    curves = (built.transformer, built.plain, built.recurrent, built.recurrent_by_muon)
    lab.figure(
        figures.learning(
            {c.name: (c.tokens.tolist(), c.compute.tolist(), c.loss.tolist()) for c in curves}, built.plain.last
        ),
        "Learning",
        "Loss on text that was not learned from, over what was read (left) and over what was computed (right). The "
        "transformer and both LSTMs end at the same number of operations; the plain GPT is given more.",
    )
    rows = []
    for curve in curves:
        rows.append({
            "model": curve.name, "parameters": curve.parameters, "characters": int(curve.tokens[-1]),
            "training operations, 10¹²": float(curve.compute[-1] / 1e12), "seconds": curve.seconds,
            "validation loss, nats": curve.last,
        })  # fmt: skip
        lab.metric(f"validation loss, {curve.name}", curve.last, "nats")
        lab.metric(f"tokens, {curve.name}", int(curve.tokens[-1]))
    caption = "Operations: matrix products, forward and backward. Seconds with the looks at the validation text."
    lab.table(pd.DataFrame(rows), "Models", caption)
    lab.metric("what Muon gives the LSTM", built.recurrent.last - built.recurrent_by_muon.last, "nats")
    lab.metric("LSTM by Muon above the transformer", built.recurrent_by_muon.last - built.transformer.last, "nats")
    lab.metric("tokens until the plain GPT's loss", built.transformer.tokens_until(built.plain.last))
    lab.metric("characters to learn from", len(text.train))
    lab.metric("characters to judge by", len(text.validation))
    lab.metric("different characters", len(text.characters))
    samples = {curve.name: curve.sample.replace("```", "'''") for curve in curves}
    lab.document("comparison.md.jinja", "Models of one text", data_title=text.name, samples=samples)


def _look(lab: Lab, text: Text, scale: Scale, mine: Curve) -> None:
    """Keep the model for later weeks, and draw what its heads look at."""
    from fiftytwo.weeks.w17_transformer import figures, looking, training
    from mltoolkit.io import atomic_write
    from mltoolkit.llm.transformer import Transformer

    model = Transformer(training.shape_of(text, scale))
    model.load_state_dict(mine.weights)
    folder = lab.artifact("char-transformer")
    model.save(folder)
    atomic_write(folder / "characters.txt", text.characters)
    ids = text.encode(training.prose(text.decode(text.validation), _LOOKED_AT))
    weights = looking.attention_weights(model, ids)
    reaches = looking.reach(weights)
    lab.figure(
        figures.heads(weights, text.decode(ids), reaches),
        "What the heads look at",
        "Each row is a character, dark where it looks; nothing lies above the diagonal. The title says how many "
        "characters back a head looks on average. The colour is the square root of the weight.",
    )
    lab.metric("shortest reach of a head", float(reaches.min()), "characters")
    lab.metric("longest reach of a head", float(reaches.max()), "characters")


def _count(lab: Lab, text: Text, scale: Scale) -> None:
    from fiftytwo.weeks.w17_transformer import figures, training

    config = training.shape_of(text, scale)
    lengths = (training.LENGTH, 512, _LONG)
    operations = {length: config.flops(length) for length in lengths}
    parts = {name: count for name, count in config.parts().items() if count}
    colours = figures.colours_of((*parts, *operations[_LONG]))
    lab.figure(
        figures.where_it_goes(parts, operations, colours),
        "Where parameters and operations go",
        "Parameters of the transformer, and the operations of its forward pass for one token, by part. Matrices cost "
        "the same wherever a token stands; scores and sums grow with what it can see.",
    )
    shares = {n: parts["attention scores and sums"] / sum(parts.values()) for n, parts in operations.items()}
    lab.metric("context in training", training.LENGTH, "characters")
    lab.metric("long context", _LONG, "characters")
    lab.metric("share of scores and sums in training", shares[training.LENGTH])
    lab.metric("share of scores and sums in a long context", shares[_LONG])


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's parts first, then the whole, then what training showed."""
    from fiftytwo.weeks.w17_transformer.attending import attention
    from fiftytwo.weeks.w17_transformer.parts import parts
    from fiftytwo.weeks.w17_transformer.whole import whole

    yield from attention(lab)
    yield from parts(lab)
    yield from whole(lab)
    yield from _trained(lab, built)


def _trained(lab: Lab, built: Built) -> Iterator[Check]:
    """What the build shows; the checks above decide already whether the exercise is right."""
    yield Check(
        "parameters of the LSTM over the transformer's",
        lambda: built.recurrent.parameters / built.transformer.parameters,
        between=(0.98, 1.02),
        why="A larger model is not a better design.",
        exercise=False,
    )
    yield Check(
        "operations of the LSTM over the transformer's",
        lambda: float(built.recurrent.compute[-1] / built.transformer.compute[-1]),
        between=(0.98, 1.02),
        why="Nor is a model that was allowed to compute more.",
        exercise=False,
    )
    if not lab.full:  # on a megabyte of plays the LSTM is ahead; the document says by how much
        yield Check(
            "loss of the LSTM above the transformer's",
            lambda: built.recurrent.last - built.transformer.last,
            at_least=0.03,
            unit="nats per character",
            why="Each as it is usually trained, at equal size and equal compute.",
            exercise=False,
        )
    yield Check(
        "tokens to the plain recipe's loss, over the plain recipe's",
        lambda: built.share_of_tokens,
        at_most=0.6,
        why="Text is finite: what a recipe gets out of a token counts as much as what a step costs.",
        exercise=False,
    )
    if lab.full:
        yield Check(
            "validation loss on tiny Shakespeare",
            lambda: built.transformer.last,
            at_most=1.88,
            unit="nats per character",
            why="The published figure of the plain recipe at this size, here in less than two thirds of its tokens.",
            exercise=False,
        )
