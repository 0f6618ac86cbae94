"""Recurrent cells from plain matrix products, and how they are trained: truncated in time, clipped in norm.

The three cells differ in their gates alone and keep one order: what the input says, what the past says, the gates, the
new state. Parameters have the names and shapes of PyTorch's cells, so that a ``state_dict`` goes either way.

Shapes: ``B`` batch, ``T`` time, ``I`` width of the input, ``H`` width of the hidden state, ``V`` characters.

References
----------
Elman, J. (1990). Finding structure in time. *Cognitive Science* 14(2), 179-211.
Hochreiter, S., Schmidhuber, J. (1997). Long short-term memory. *Neural Computation* 9(8), 1735-1780.
Cho, K. et al. (2014). Learning phrase representations using RNN encoder-decoder. *EMNLP*.
Williams, R. J., Peng, J. (1990). An efficient gradient-based algorithm for on-line training of recurrent network
trajectories. *Neural Computation* 2(4), 490-501.
Pascanu, R., Mikolov, T., Bengio, Y. (2013). On the difficulty of training recurrent neural networks. *ICML*.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from mltoolkit.deep._recurrence.arguments import check_cell, check_sizes, check_streams

State = Tensor | tuple[Tensor, ...]


class RNNCell(nn.Module):
    """One step of Elman's network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    Parameters
    ----------
    input_size : int
        I, at least 1.
    hidden_size : int
        H, at least 1.
    bias : bool, default True
        Whether there are biases.

    Attributes
    ----------
    weight_ih : Parameter of shape (H, I)
    weight_hh : Parameter of shape (H, H)
    bias_ih, bias_hh : Parameter of shape (H,), or None without bias
        All are drawn from the uniform distribution between -1/√H and 1/√H.

    Raises
    ------
    ValueError
        From the constructor when a size is not a whole number of at least 1.

    Examples
    --------
    >>> cell = RNNCell(3, 5)
    >>> cell(torch.zeros(2, 3)).shape
    torch.Size([2, 5])
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = _uniform(hidden_size, hidden_size, input_size)
        self.weight_hh = _uniform(hidden_size, hidden_size, hidden_size)
        self.bias_ih = _uniform(hidden_size, hidden_size) if bias else None
        self.bias_hh = _uniform(hidden_size, hidden_size) if bias else None

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        """Take one step.

        Parameters
        ----------
        x : Tensor of shape (B, I)
        state : Tensor of shape (B, H), optional
            h of the step before; zeros when left out.

        Returns
        -------
        Tensor of shape (B, H)
            The new h.

        Raises
        ------
        ValueError
            When a shape is not as above.
        """
        (h,) = check_cell(self, x, () if state is None else (state,), parts=1)
        from_input = _affine(x, self.weight_ih, self.bias_ih)
        from_past = _affine(h, self.weight_hh, self.bias_hh)
        return torch.tanh(from_input + from_past)


class LSTMCell(nn.Module):
    """One step of long short-term memory: a cell state that is added to, and three gates.

    With the rows of the weights in the order input, forget, candidate, output::

        i, f, g, o = W_ih x + b_ih + W_hh h + b_hh
        c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h' = sigmoid(o) * tanh(c')

    Parameters
    ----------
    input_size : int
        I, at least 1.
    hidden_size : int
        H, at least 1.
    bias : bool, default True
        Whether there are biases.

    Attributes
    ----------
    weight_ih : Parameter of shape (4H, I)
    weight_hh : Parameter of shape (4H, H)
    bias_ih, bias_hh : Parameter of shape (4H,), or None without bias
        All are drawn from the uniform distribution between -1/√H and 1/√H.

    Raises
    ------
    ValueError
        From the constructor when a size is not a whole number of at least 1.

    Examples
    --------
    >>> cell = LSTMCell(3, 5)
    >>> h, c = cell(torch.zeros(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 5]), torch.Size([2, 5]))
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = _uniform(hidden_size, 4 * hidden_size, input_size)
        self.weight_hh = _uniform(hidden_size, 4 * hidden_size, hidden_size)
        self.bias_ih = _uniform(hidden_size, 4 * hidden_size) if bias else None
        self.bias_hh = _uniform(hidden_size, 4 * hidden_size) if bias else None

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Take one step.

        Parameters
        ----------
        x : Tensor of shape (B, I)
        state : (Tensor, Tensor), each of shape (B, H), optional
            h and c of the step before; zeros when left out.

        Returns
        -------
        (Tensor, Tensor), each of shape (B, H)
            The new h and c.

        Raises
        ------
        ValueError
            When a shape is not as above.
        """
        h, c = check_cell(self, x, () if state is None else state, parts=2)
        from_input = _affine(x, self.weight_ih, self.bias_ih)
        from_past = _affine(h, self.weight_hh, self.bias_hh)
        i, f, g, o = (from_input + from_past).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class GRUCell(nn.Module):
    """One step of a gated recurrent unit: the new state is a mixture of the old one and a candidate.

    With the rows of the weights in the order reset, update, candidate, and a for the input's share, b for the past's::

        a = W_ih x + b_ih,  b = W_hh h + b_hh
        r = sigmoid(a_r + b_r),  z = sigmoid(a_z + b_z)
        n = tanh(a_n + r * b_n)
        h' = (1 - z) * n + z * h

    Parameters
    ----------
    input_size : int
        I, at least 1.
    hidden_size : int
        H, at least 1.
    bias : bool, default True
        Whether there are biases.

    Attributes
    ----------
    weight_ih : Parameter of shape (3H, I)
    weight_hh : Parameter of shape (3H, H)
    bias_ih, bias_hh : Parameter of shape (3H,), or None without bias
        All are drawn from the uniform distribution between -1/√H and 1/√H.

    Raises
    ------
    ValueError
        From the constructor when a size is not a whole number of at least 1.

    Notes
    -----
    The reset gate multiplies the past's share after the product, as cuDNN and PyTorch have it. In the paper it
    multiplies h before the product, which gives other numbers and costs a second product that has to wait for r.

    Examples
    --------
    >>> cell = GRUCell(3, 5)
    >>> cell(torch.zeros(2, 3)).shape
    torch.Size([2, 5])
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = _uniform(hidden_size, 3 * hidden_size, input_size)
        self.weight_hh = _uniform(hidden_size, 3 * hidden_size, hidden_size)
        self.bias_ih = _uniform(hidden_size, 3 * hidden_size) if bias else None
        self.bias_hh = _uniform(hidden_size, 3 * hidden_size) if bias else None

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        """Take one step.

        Parameters
        ----------
        x : Tensor of shape (B, I)
        state : Tensor of shape (B, H), optional
            h of the step before; zeros when left out.

        Returns
        -------
        Tensor of shape (B, H)
            The new h.

        Raises
        ------
        ValueError
            When a shape is not as above.
        """
        (h,) = check_cell(self, x, () if state is None else (state,), parts=1)
        from_input = _affine(x, self.weight_ih, self.bias_ih)
        from_past = _affine(h, self.weight_hh, self.bias_hh)
        a_r, a_z, a_n = from_input.chunk(3, dim=1)
        b_r, b_z, b_n = from_past.chunk(3, dim=1)
        r, z = torch.sigmoid(a_r + b_r), torch.sigmoid(a_z + b_z)
        n = torch.tanh(a_n + r * b_n)
        return (1 - z) * n + z * h


def clip_grad_norm(parameters: Tensor | Iterable[Tensor], max_norm: float) -> Tensor:
    """Shorten the gradient to a length, all parameters together, and keep its direction.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Their ``grad`` is changed in place; those without one are left out. An iterator is gone through once.
    max_norm : float
        The longest that the gradient may be; above 0.

    Returns
    -------
    Tensor, 0-d
        Length (2-norm) of the gradient as it was before; 0 when there is none.

    Raises
    ------
    ValueError
        When ``max_norm`` is not a number above 0.

    Notes
    -----
    A gradient with NaN in it stays NaN, as it does with PyTorch: the length that comes back says so.

    References
    ----------
    Pascanu, R., Mikolov, T., Bengio, Y. (2013). On the difficulty of training recurrent neural networks. *ICML*.

    Examples
    --------
    >>> w = torch.zeros(2, requires_grad=True)
    >>> w.grad = torch.tensor([3.0, 4.0])
    >>> clip_grad_norm([w], 1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    if isinstance(max_norm, bool) or not isinstance(max_norm, int | float) or not max_norm > 0:
        raise ValueError(f"clip_grad_norm: max_norm={max_norm!r} must be a number above 0, such as 1.0")
    given = [parameters] if isinstance(parameters, Tensor) else parameters
    gradients = [p.grad for p in given if p.grad is not None]
    if not gradients:
        return torch.tensor(0.0)
    norm: Tensor = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
    # Clamped rather than asked: an `if` on a GPU's number would wait for it.
    factor = torch.clamp(max_norm / (norm + 1e-6), max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return norm


def truncated_bptt(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    optimizer: torch.optim.Optimizer,
    *,
    window: int,
    state: Any = None,
    clip_norm: float | None = None,
) -> tuple[list[float], Any]:
    """Train along streams of text: a step a window, the state carried on, the gradient cut at each window's start.

    Parameters
    ----------
    model : Module
        ``model(x, state)`` gives logits of shape (B, T, V) and the state after them: a tensor or a tuple of tensors.
        State ``None`` means zeros.
    x, y : Tensor of int64, shape (B, T)
        Row b of ``x`` is one contiguous stream; ``y`` is one character ahead.
    optimizer : Optimizer
        Steps once a window.
    window : int
        Characters between two steps, at least 1; the last window is what is left.
    state : object, optional
        Where the streams stand; what an earlier call gave back.
    clip_norm : float, optional
        Shorten each window's gradient to this length.

    Returns
    -------
    losses : list of float
        Mean cross-entropy of each window in nats a character, before its step.
    state : Tensor or tuple of Tensor
        The state after the last character, without a graph: give it to the next call.

    Raises
    ------
    ValueError
        When x and y are not two equal shapes (B, T) with T of at least 1, or ``window`` is not a whole number
        of at least 1.

    References
    ----------
    Williams, R. J., Peng, J. (1990). An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories. *Neural Computation* 2(4), 490-501.
    """
    check_streams(x, y, window)
    losses = []
    for start in range(0, x.shape[1], window):
        part = slice(start, start + window)
        optimizer.zero_grad()
        logits, state = model(x[:, part], state)
        # The numbers go on, the graph ends here: the next backward pass would otherwise run into this one's.
        state = _detached(state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), y[:, part].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        if clip_norm is not None:
            clip_grad_norm(model.parameters(), clip_norm)
        optimizer.step()
        losses.append(loss.item())
    return losses, state


def _uniform(hidden_size: int, *shape: int) -> nn.Parameter:
    """Weights between -1/√H and 1/√H: sums over H of them have a size that does not grow with H."""
    bound = 1.0 / math.sqrt(hidden_size)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))


def _affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = x @ weight.T
    return product if bias is None else product + bias


def _detached(state: State) -> State:
    return state.detach() if isinstance(state, Tensor) else tuple(part.detach() for part in state)
