"""Recurrent layers over time: the cells of :mod:`mltoolkit.deep.rnn`, a whole sequence at a time.

What the input says to the gates waits for nothing, so one product computes it for all times. Only the product with the
past goes step by step, and the gradient is by hand, see :mod:`mltoolkit.deep._recurrence.over_time`. The gradient
cannot be differentiated again.

Parameters have the names and shapes of ``torch.nn.RNN``, ``LSTM`` and ``GRU``: a ``state_dict`` goes either way.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from mltoolkit.deep._recurrence.arguments import check_layer, check_sizes
from mltoolkit.deep._recurrence.over_time import GRUOverTime, LSTMOverTime, RNNOverTime
from mltoolkit.errors import BadInput


class RecurrentLayer(nn.Module):
    """Layers on top of each other; which recurrence they follow is left to ``_over_time``.

    Parameters
    ----------
    input_size : int
        I, width of the input.
    hidden_size : int
        H, width of the hidden state of each layer.
    num_layers : int, default 1
        Layers, the output of one the input of the next.
    bias : bool, default True
        Whether there are biases.
    batch_first : bool, default False
        Input and output of shape (B, T, ·) rather than (T, B, ·).
    dropout : float, default 0.0
        Share of the numbers between two layers that are set to 0 in training; from 0 to below 1.

    Raises
    ------
    ValueError
        When a size is not a whole number of at least 1, or ``dropout`` not such a share.
    """

    gates: int  # how many gates share one weight
    parts: int  # tensors that make up the state

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        if not 0 <= dropout < 1:
            raise BadInput(f"dropout={dropout!r} must be a share from 0 to below 1")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        bound = 1.0 / math.sqrt(hidden_size)
        rows = self.gates * hidden_size
        for layer in range(num_layers):
            shapes: dict[str, tuple[int, ...]] = {
                "weight_ih": (rows, input_size if layer == 0 else hidden_size),
                "weight_hh": (rows, hidden_size),
            }
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
            for name, shape in shapes.items():
                weight = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
                self.register_parameter(f"{name}_l{layer}", weight)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Go through a sequence.

        Parameters
        ----------
        x : Tensor of shape (T, B, I), or (B, T, I) with ``batch_first``
        state : Tensor of shape (num_layers, B, H), for an LSTM a pair of them, optional
            Where the sequence starts; zeros when left out.

        Returns
        -------
        output : Tensor of shape (T, B, H), or (B, T, H) with ``batch_first``
            h of the last layer at each time.
        state : as given
            After the last time.

        Raises
        ------
        ValueError
            When a shape is not as above.
        """
        if x.ndim != 3 or x.shape[2] != self.input_size or 0 in x.shape[:2]:
            axes = "(B, T" if self.batch_first else "(T, B"
            raise BadInput(
                f"{type(self).__name__}: x has shape {tuple(x.shape)}, expected {axes}, {self.input_size}), not empty"
            )
        output, state = self.unroll(self.project(x.transpose(0, 1) if self.batch_first else x), state)
        return (output.transpose(0, 1) if self.batch_first else output), state

    def project(self, x: Tensor, layer: int = 0) -> Tensor:
        """What an input says to the gates of a layer: (..., I) becomes (..., gates · H). Any axes in front will do."""
        bias = getattr(self, f"bias_ih_l{layer}") if self.bias else None
        return nn.functional.linear(x, getattr(self, f"weight_ih_l{layer}"), bias)

    def unroll(self, projected: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Go through a sequence whose share of the first layer's gates is known.

        Parameters
        ----------
        projected : Tensor of shape (T, B, gates · H)
            Of :meth:`project`, time first.
        state : as for ``forward``, optional

        Returns
        -------
        output : Tensor of shape (T, B, H)
        state : as for ``forward``
        """
        given = () if state is None else state if self.parts > 1 else (state,)
        begun = check_layer(self, projected.shape[1], projected, given, parts=self.parts)
        ended = []
        hidden = projected
        for layer in range(self.num_layers):
            if layer:
                hidden = nn.functional.dropout(hidden, self.dropout, self.training)
                projected = self.project(hidden, layer)
            bias = getattr(self, f"bias_hh_l{layer}") if self.bias else None
            hidden, *last = self._over_time(
                projected, tuple(part[layer] for part in begun), getattr(self, f"weight_hh_l{layer}"), bias
            )
            ended.append(last)
        state = tuple(torch.stack(parts) for parts in zip(*ended, strict=True))
        return hidden, state if self.parts > 1 else state[0]

    def _over_time(
        self, projected: Tensor, begun: tuple[Tensor, ...], weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Hidden states of one layer, and the parts of its last state."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Sizes, for ``repr``."""
        return f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, dropout={self.dropout:g}"


class RNN(RecurrentLayer):
    """Elman's network over time; equals ``torch.nn.RNN`` with tanh. Parameters are those of RecurrentLayer."""

    gates, parts = 1, 1

    def _over_time(
        self, projected: Tensor, begun: tuple[Tensor, ...], weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, ...]:
        hidden: Tensor = RNNOverTime.apply(projected, *begun, weight, bias)  # type: ignore[no-untyped-call]
        return hidden, hidden[-1]


class LSTM(RecurrentLayer):
    """Long short-term memory over time; equals ``torch.nn.LSTM``. Parameters are those of RecurrentLayer."""

    gates, parts = 4, 2

    def _over_time(
        self, projected: Tensor, begun: tuple[Tensor, ...], weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, ...]:
        hidden, c = LSTMOverTime.apply(projected, *begun, weight, bias)  # type: ignore[no-untyped-call]
        return hidden, hidden[-1], c


class GRU(RecurrentLayer):
    """Gated recurrent units over time; equals ``torch.nn.GRU``. Parameters are those of RecurrentLayer."""

    gates, parts = 3, 1

    def _over_time(
        self, projected: Tensor, begun: tuple[Tensor, ...], weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, ...]:
        hidden: Tensor = GRUOverTime.apply(projected, *begun, weight, bias)  # type: ignore[no-untyped-call]
        return hidden, hidden[-1]
