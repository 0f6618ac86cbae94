"""What an image classifier is made of: convolution, pooling, a softened loss, augmentation, and an early stop.

Images are tensors of shape (B, C, H, W): batch, channels, height, width. Choices that differ from a textbook:

- convolution gathers the windows as columns (*im2col*) and is then one matrix product. It costs kh · kw times the
  memory of the input and lets a tuned product do the work. What deep learning calls convolution is correlation: the
  filter is not turned round;
- both layers are written in differentiable steps, so their gradients come from autograd and need no code;
- augmentations treat the whole batch at once with a draw of its own for each image, where a pipeline of single images
  pays Python's price for every one;
- an early stop keeps a *copy* of the best weights, buffers included, and a NaN is never an improvement.

References
----------
Chellapilla, K., Puri, S., Simard, P. (2006). High performance convolutional neural networks for document processing.
Szegedy, C. et al. (2016). Rethinking the Inception architecture for computer vision. CVPR.
DeVries, T., Taylor, G. W. (2017). Improved regularization of convolutional neural networks with cutout.
Prechelt, L. (1998). Early stopping - but when? Neural Networks: Tricks of the Trade.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mltoolkit.errors import BadInput

Images = TypeVar("Images", Tensor, NDArray[Any])


def conv2d(
    x: Images,
    weight: Tensor | NDArray[Any],
    bias: Tensor | NDArray[Any] | None = None,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Images:
    """Correlate images with filters.

    Parameters
    ----------
    x : tensor or array of shape (B, C, H, W)
        Images, in floating point.
    weight : tensor or array of shape (O, C / groups, kh, kw)
        O filters, of the same dtype.
    bias : tensor or array of shape (O,), optional
        Added to each output channel.
    stride : int or (int, int), default 1
        Steps from window to window, in pixels down and across.
    padding : int or (int, int), default 0
        Rows of zeros above and below, columns of zeros left and right.
    dilation : int or (int, int), default 1
        Steps within a window, in pixels.
    groups : int, default 1
        Cuts channels and filters into as many groups; a filter sees the channels of its own group.

    Returns
    -------
    tensor or array of shape (B, O, H', W')
        What ``x`` was; H' = ⌊(H + 2 · padding - dilation · (kh - 1) - 1) / stride⌋ + 1. A tensor can be differentiated
        with respect to all three arguments.

    Raises
    ------
    BadInput
        When shapes, dtypes or options do not fit; all faults at once.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(image, np.ones((1, 1, 2, 2)))[0, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    images, filters = _tensor(x), _tensor(weight)
    offset = None if bias is None else _tensor(bias)
    faults: list[str] = []
    steps = _pair(stride, "stride", 1, faults)
    edges = _pair(padding, "padding", 0, faults)
    gaps = _pair(dilation, "dilation", 1, faults)
    faults += _faults_of_filters(images, filters, offset, groups)
    if not faults:
        faults += _faults_of_windows(images, filters.shape[2:], edges, gaps)
    _refuse("conv2d", faults)
    padded = nn.functional.pad(images, (edges[1], edges[1], edges[0], edges[0]))
    windows = _windows(padded, tuple(filters.shape[2:]), steps, gaps)  # (B, C, kh · kw, H', W')
    height, width = windows.shape[3:]
    rows = filters.reshape(groups, len(filters) // groups, -1)  # (groups, O / groups, C / groups · kh · kw)
    columns = windows.reshape(len(images), groups, rows.shape[2], height * width)
    product = (rows @ columns).reshape(len(images), len(filters), height, width)
    return _like(x, product if offset is None else product + offset[:, None, None])


def max_pool2d(
    x: Images,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
) -> Images:
    """Take the largest value of each window.

    Parameters
    ----------
    x : tensor or array of shape (B, C, H, W)
        Images, in floating point.
    kernel_size : int or (int, int)
        Rows and columns of a window.
    stride : int or (int, int), optional
        Steps from window to window; ``kernel_size`` when left out.
    padding : int or (int, int), default 0
        Rows and columns of minus infinity around the image, so that the edge never wins; at most half a window.

    Returns
    -------
    tensor or array of shape (B, C, H', W')
        What ``x`` was; H' = ⌊(H + 2 · padding - kh) / stride⌋ + 1. NaN wins over everything. The gradient goes to the
        first of equal maxima.

    Raises
    ------
    BadInput
        When shapes, dtype or options do not fit; all faults at once.

    Examples
    --------
    >>> import numpy as np
    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    images, faults = _tensor(x), list[str]()
    kernel = _pair(kernel_size, "kernel_size", 1, faults)
    steps = kernel if stride is None else _pair(stride, "stride", 1, faults)
    edges = _pair(padding, "padding", 0, faults)
    faults += _faults_of_images(images)
    if not faults:
        if any(2 * edge > side for edge, side in zip(edges, kernel, strict=True)):
            faults.append(f"padding={padding} is more than half of kernel_size={kernel_size}")
        faults += _faults_of_windows(images, kernel, edges, (1, 1))
    _refuse("max_pool2d", faults)
    padded = nn.functional.pad(images, (edges[1], edges[1], edges[0], edges[0]), value=-math.inf)
    return _like(x, _windows(padded, kernel, steps, (1, 1)).max(dim=2).values)


def label_smoothing_loss(logits: Tensor, target: Tensor, smoothing: float = 0.1) -> Tensor:
    """Mean cross-entropy to targets of which a share is spread evenly over all classes.

    Parameters
    ----------
    logits : tensor of shape (n, K)
        Scores of K classes, in floating point.
    target : tensor of shape (n,)
        Right classes, whole numbers from 0 to K - 1.
    smoothing : float, default 0.1
        The share ε that is spread, from 0 to 1: the right class is wanted with 1 - ε + ε / K, each other with ε / K.

    Returns
    -------
    tensor without dimensions
        (1 - ε) · mean of -log p(right class) + ε · mean of -log p over all classes, in nats.

    Raises
    ------
    BadInput
        When shapes, classes or ``smoothing`` do not fit; all faults at once.

    Examples
    --------
    >>> import torch
    >>> label_smoothing_loss(torch.zeros(2, 4), torch.tensor([0, 3]))  # log 4, whatever is wanted
    tensor(1.3863)
    """
    faults = []
    if logits.ndim != 2 or 0 in logits.shape or not logits.is_floating_point():
        faults.append(f"logits: expected floating point of shape (n, K), got {logits.dtype} {tuple(logits.shape)}")
    elif target.shape != logits.shape[:1] or target.is_floating_point() or target.dtype == torch.bool:
        faults.append(
            f"target: expected {len(logits)} whole numbers, one a row of logits, got {target.dtype} "
            f"of shape {tuple(target.shape)}"
        )
    elif int(target.min()) < 0 or int(target.max()) >= logits.shape[1]:
        faults.append(f"target: expected classes 0 to {logits.shape[1] - 1}, got {int(target.min())} to "
                      f"{int(target.max())}")  # fmt: skip
    if not _is_number(smoothing) or not 0.0 <= smoothing <= 1.0:
        faults.append(f"smoothing={smoothing!r} is not a number from 0 to 1")
    _refuse("label_smoothing_loss", faults)
    # log_softmax subtracts the largest score first: exp never overflows and no logarithm meets a 0.
    surprise = -logits.log_softmax(dim=1)
    right = surprise.gather(1, target.long()[:, None]).mean()
    return (1.0 - smoothing) * right + smoothing * surprise.mean()


def random_crop(images: Tensor, padding: int = 4, *, generator: torch.Generator | None = None) -> Tensor:
    """Move each image by up to ``padding`` pixels: pad with zeros, then cut out the old size anywhere.

    Parameters
    ----------
    images : tensor of shape (B, C, H, W)
    padding : int, default 4
        Zeros on every side, in pixels.
    generator : torch.Generator, optional
        Where the draws come from; torch's own when left out. Each image has its own row and column, each uniform on
        0 .. 2 · padding: one call ``torch.randint(2 * padding + 1, (B, 2))``.

    Returns
    -------
    tensor of shape (B, C, H, W)
        New images; the given ones stay as they are.

    Raises
    ------
    BadInput
        When ``images`` has another number of dimensions or ``padding`` is negative.
    """
    faults = _faults_of_batch(images) + _faults_of_size(padding, "padding")
    _refuse("random_crop", faults)
    count, _, height, width = images.shape
    corner = _draw(generator, images, torch.randint, 2 * padding + 1, (count, 2))
    padded = nn.functional.pad(images, (padding, padding, padding, padding))
    rows = corner[:, :1] + torch.arange(height, device=images.device)  # (B, H)
    columns = corner[:, 1:] + torch.arange(width, device=images.device)  # (B, W)
    batch, channel = _grid(images)
    return padded[batch, channel, rows[:, None, :, None], columns[:, None, None, :]]


def random_flip(images: Tensor, p: float = 0.5, *, generator: torch.Generator | None = None) -> Tensor:
    """Mirror each image left to right with probability ``p``.

    Parameters
    ----------
    images : tensor of shape (B, C, H, W)
    p : float, default 0.5
        Probability of a mirror image, from 0 to 1.
    generator : torch.Generator, optional
        Where the draws come from; torch's own when left out. One call: ``torch.rand(B) < p``.

    Returns
    -------
    tensor of shape (B, C, H, W)
        New images; the given ones stay as they are.

    Raises
    ------
    BadInput
        When ``images`` has another number of dimensions or ``p`` is no probability.
    """
    faults = _faults_of_batch(images)
    if not _is_number(p) or not 0.0 <= p <= 1.0:
        faults.append(f"p={p!r} is not a number from 0 to 1")
    _refuse("random_flip", faults)
    turned = _draw(generator, images, torch.rand, len(images)) < p
    return torch.where(turned[:, None, None, None], images.flip(3), images)


def cutout(images: Tensor, size: int = 8, *, generator: torch.Generator | None = None) -> Tensor:
    """Blank a square of each image.

    Parameters
    ----------
    images : tensor of shape (B, C, H, W)
        Centred at 0, so that a blank square is the mean colour and no new edge of black.
    size : int, default 8
        Side of the square, in pixels. Its centre is any pixel, so that part of it may lie outside.
    generator : torch.Generator, optional
        Where the draws come from; torch's own when left out. Each image has its own centre: one call
        ``torch.rand(B, 2)``, times height and width, rounded down. The square begins size // 2 above and to the left.

    Returns
    -------
    tensor of shape (B, C, H, W)
        New images, 0 in the square; the given ones stay as they are.

    Raises
    ------
    BadInput
        When ``images`` has another number of dimensions or ``size`` is negative.
    """
    faults = _faults_of_batch(images) + _faults_of_size(size, "size")
    _refuse("cutout", faults)
    sides = torch.tensor(images.shape[2:], device=images.device)
    centre = (_draw(generator, images, torch.rand, len(images), 2) * sides).long()
    first = centre - size // 2
    rows, columns = (
        (at >= first[:, i : i + 1]) & (at < first[:, i : i + 1] + size)  # (B, H) and (B, W)
        for i, at in enumerate(torch.arange(int(side), device=images.device) for side in sides)
    )
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)


class EarlyStopping:
    """Stop when a figure no longer improves, and keep the weights of the best time.

    Parameters
    ----------
    monitor : str, default "loss"
        Name of the figure, for whoever looks it up (the trainer does).
    mode : {"min", "max"}, default "min"
        Whether smaller or larger is better.
    patience : int, default 5
        Stop after so many updates in a row without an improvement; at least 1.
    min_delta : float, default 0.0
        An improvement has to be by more than this; a tie is none.
    restore_best : bool, default True
        Whether to keep a copy of the best weights, for ``restore``.

    Attributes
    ----------
    best : float or None
        The best figure so far; None before there is one.
    best_step : int or None
        Number of the update that gave it, counted from 0.
    step : int
        How many updates there have been.
    waited : int
        How many there have been since the best.

    Raises
    ------
    BadInput
        When a parameter is out of its range; all faults at once.

    Examples
    --------
    >>> from torch import nn
    >>> stopping, model = EarlyStopping(patience=2), nn.Linear(1, 1)
    >>> [stopping.update(loss, model) for loss in (0.9, 0.7, 0.8, 0.7)]
    [False, False, False, True]
    >>> stopping.best, stopping.best_step
    (0.7, 1)
    """

    def __init__(
        self,
        monitor: str = "loss",
        mode: str = "min",
        patience: int = 5,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        faults = []
        if mode not in ("min", "max"):
            faults.append(f"mode={mode!r} is neither 'min' nor 'max'")
        if isinstance(patience, bool) or not isinstance(patience, Integral) or patience < 1:
            faults.append(f"patience={patience!r} is not a whole number of at least 1")
        if not _is_number(min_delta) or not 0.0 <= min_delta < math.inf:
            faults.append(f"min_delta={min_delta!r} is not a finite number of at least 0")
        _refuse("EarlyStopping", faults)
        self.monitor = monitor
        self.mode = mode
        self.patience = int(patience)
        self.min_delta = float(min_delta)
        self.restore_best = restore_best
        self.best: float | None = None
        self.best_step: int | None = None
        self.step = 0
        self.waited = 0
        self._weights: dict[str, Any] | None = None

    def update(self, value: float, model: nn.Module) -> bool:
        """Take the figure of one epoch (or of one validation) and the model that it was measured on.

        Parameters
        ----------
        value : float
            The figure. NaN and infinity are never an improvement.
        model : torch.nn.Module
            Its weights and buffers are copied when ``value`` is the best so far.

        Returns
        -------
        bool
            Whether to stop.
        """
        figure = float(value)
        if self._is_better(figure):
            self.best, self.best_step, self.waited = figure, self.step, 0
            if self.restore_best:
                # A state_dict holds the live tensors: without a copy the optimizer would go on changing them.
                self._weights = copy.deepcopy(dict(model.state_dict()))
        else:
            self.waited += 1
        self.step += 1
        return self.waited >= self.patience

    def _is_better(self, figure: float) -> bool:
        if not math.isfinite(figure):
            return False
        if self.best is None:
            return True
        gain = self.best - figure if self.mode == "min" else figure - self.best
        return gain > self.min_delta

    def restore(self, model: nn.Module) -> bool:
        """Give a model the best weights back, to the bit.

        Parameters
        ----------
        model : torch.nn.Module
            Of the architecture that was watched.

        Returns
        -------
        bool
            Whether there were weights to give back. Without any (``restore_best=False``, or no finite figure so far)
            the model stays as it is.
        """
        if self._weights is None:
            return False
        model.load_state_dict(self._weights)
        return True

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint has to carry: the counts, the best figure and the kept weights.

        Returns
        -------
        dict
            ``best``, ``best_step``, ``step``, ``waited`` and ``weights`` (a mapping of tensors, or None).
        """
        return {name: getattr(self, name) for name in _COUNTS} | {"weights": self._weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` gave.

        Parameters
        ----------
        state : mapping

        Raises
        ------
        BadInput
            When an entry is missing.
        """
        missing = [name for name in (*_COUNTS, "weights") if name not in state]
        _refuse("EarlyStopping.load_state_dict", [f"{name} is missing from the state" for name in missing])
        for name in _COUNTS:
            setattr(self, name, state[name])
        self._weights = copy.deepcopy(state["weights"])


_COUNTS = ("best", "best_step", "step", "waited")


def _windows(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, int], dilation: tuple[int, int]) -> Tensor:
    """Every window of padded images, shape (B, C, kh · kw, H', W'): a strided slice for each place in the window."""
    down, across = (
        (side - gap * (size - 1) - 1) // step + 1
        for side, size, step, gap in zip(x.shape[2:], kernel, stride, dilation, strict=True)
    )
    slices = [
        x[
            :,
            :,
            top : top + stride[0] * (down - 1) + 1 : stride[0],
            left : left + stride[1] * (across - 1) + 1 : stride[1],
        ]
        for top in range(0, dilation[0] * kernel[0], dilation[0])
        for left in range(0, dilation[1] * kernel[1], dilation[1])
    ]
    return torch.stack(slices, dim=2)


def _grid(images: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of image and channel that broadcast against rows and columns."""
    count, channels = images.shape[:2]
    batch = torch.arange(count, device=images.device)[:, None, None, None]
    return batch, torch.arange(channels, device=images.device)[None, :, None, None]


def _draw(generator: torch.Generator | None, images: Tensor, kind: Any, *shape: Any) -> Tensor:
    """Draws by the generator, on the device where it lives, moved to where the images are."""
    device = "cpu" if generator is None else generator.device
    drawn: Tensor = kind(*shape, generator=generator, device=device)
    return drawn.to(images.device)


def _tensor(value: Any) -> Tensor:
    """A tensor as it is; an array as a tensor of a copy, since tensors know no read-only memory."""
    return value if isinstance(value, Tensor) else torch.tensor(np.ascontiguousarray(value))


def _like(x: Images, result: Tensor) -> Images:
    return result if isinstance(x, Tensor) else result.detach().numpy()


def _pair(value: Any, name: str, least: int, faults: list[str]) -> tuple[int, int]:
    """An option as (down, across)."""
    pair: tuple[Any, ...] = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2 or not all(isinstance(v, Integral) and not isinstance(v, bool) and int(v) >= least for v in pair):
        faults.append(f"{name}={value!r} is neither a whole number of at least {least} nor a pair of these")
        return least, least
    return int(pair[0]), int(pair[1])


def _faults_of_images(x: Tensor) -> list[str]:
    if x.ndim != 4 or not x.is_floating_point():
        return [f"x: expected floating point of shape (B, C, H, W), got {x.dtype} of shape {tuple(x.shape)}"]
    return []


def _faults_of_filters(x: Tensor, weight: Tensor, bias: Tensor | None, groups: Any) -> list[str]:
    faults = _faults_of_images(x)
    if weight.ndim != 4 or 0 in weight.shape:
        faults.append(f"weight: expected shape (O, C / groups, kh, kw), none of them 0, got {tuple(weight.shape)}")
    elif bias is not None and bias.shape != weight.shape[:1]:
        faults.append(f"bias: expected shape ({len(weight)},), one a filter, got {tuple(bias.shape)}")
    if len({one.dtype for one in (x, weight, bias) if one is not None}) > 1:
        faults.append(f"x is {x.dtype}, weight {weight.dtype}{'' if bias is None else f', bias {bias.dtype}'}; "
                      "expected one dtype")  # fmt: skip
    if isinstance(groups, bool) or not isinstance(groups, Integral) or groups < 1:
        faults.append(f"groups={groups!r} is not a whole number of at least 1")
    elif not faults and (x.shape[1] != groups * weight.shape[1] or len(weight) % groups):
        faults.append(
            f"groups={groups}: x has {x.shape[1]} channels, weight {len(weight)} filters for {weight.shape[1]} "
            f"channels each; expected {groups * weight.shape[1]} channels and a multiple of {groups} filters"
        )
    return faults


def _faults_of_windows(x: Tensor, kernel: Any, padding: tuple[int, int], dilation: tuple[int, int]) -> list[str]:
    """A window that does not fit into the padded image."""
    window = [gap * (size - 1) + 1 for size, gap in zip(kernel, dilation, strict=True)]
    room = [side + 2 * edge for side, edge in zip(x.shape[2:], padding, strict=True)]
    if window[0] > room[0] or window[1] > room[1]:
        return [f"a window of {window[0]} × {window[1]} does not fit into padded images of {room[0]} × {room[1]}"]
    return []


def _faults_of_batch(images: Tensor) -> list[str]:
    if images.ndim != 4:
        return [f"images: expected shape (B, C, H, W), got {tuple(images.shape)}; add a batch with images[None]"]
    return []


def _faults_of_size(value: Any, name: str) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        return [f"{name}={value!r} is not a whole number of at least 0"]
    return []


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _refuse(operation: str, faults: list[str]) -> None:
    if faults:
        raise BadInput(f"{operation}: " + "; ".join(faults))
