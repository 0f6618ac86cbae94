"""A small residual network for small pictures, in the shape that reached fast CIFAR-10 records: ResNet-9.

Eight convolutions of 3 × 3 and one linear layer. Channels double as the picture halves: w and 2w at 32 × 32, 4w at
16 × 16, 8w at 8 × 8 and then 4 × 4; two of the stages have a residual pair. One number, the width w, sets cost and
capacity: the work grows with w².

References
----------
Page, D. (2018). How to train your ResNet. myrtle.ai.
He, K., Zhang, X., Ren, S., Sun, J. (2016). Deep residual learning for image recognition. CVPR.
Wu, Y., He, K. (2018). Group normalization. ECCV.
"""

from __future__ import annotations

from numbers import Integral

import torch
from torch import Tensor, nn

from mltoolkit.errors import BadInput

_SCALE = 0.125  # of the scores: largest values are far above 0, and a softmax should begin undecided
_GROUP = 8  # channels that GroupNorm averages over together


class ConvNet(nn.Module):
    """A network of eight convolutions with residual stages, then the largest value of each channel, then scores.

    Parameters
    ----------
    width : int, default 32
        Channels of the first convolution, at least 1; 64 is the published network.
    classes : int, default 10
        K, the number of scores.
    channels : int, default 3
        C, the channels of a picture.
    stem_stride : int, default 1
        Stride of the first convolution; 2 quarters the work that follows, at the price of detail.
    norm : {"batch", "group"}, default "batch"
        After each convolution: ``"batch"`` averages over the batch and keeps running means for use; ``"group"``
        averages over groups of eight channels of one picture and is the same in training and in use.

    Raises
    ------
    BadInput
        When a parameter is out of its range; all faults at once.

    Examples
    --------
    >>> import torch
    >>> model = ConvNet(width=4)
    >>> model(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self, width: int = 32, classes: int = 10, *, channels: int = 3, stem_stride: int = 1, norm: str = "batch"
    ) -> None:
        super().__init__()
        faults = [
            f"{name}={value!r} is not a whole number of at least 1"
            for name, value in (
                ("width", width),
                ("classes", classes),
                ("channels", channels),
                ("stem_stride", stem_stride),
            )
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1
        ]
        if norm not in ("batch", "group"):
            faults.append(f"norm={norm!r} is neither 'batch' nor 'group'")
        if faults:
            raise BadInput("ConvNet: " + "; ".join(faults))
        self.smallest = 8 * stem_stride  # three poolings halve the sides
        self.body = nn.Sequential(
            _block(channels, width, norm, stem_stride),
            _block(width, 2 * width, norm),
            nn.MaxPool2d(2),
            _Residual(2 * width, norm),
            _block(2 * width, 4 * width, norm),
            nn.MaxPool2d(2),
            _block(4 * width, 8 * width, norm),
            nn.MaxPool2d(2),
            _Residual(8 * width, norm),
        )
        self.head = nn.Linear(8 * width, classes)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Scores.

        Parameters
        ----------
        x : tensor of shape (B, C, H, W)
            Pictures of at least 8 · ``stem_stride`` pixels a side, in floating point.

        Returns
        -------
        tensor of shape (B, K)
        """
        if x.ndim != 4 or min(x.shape[2:]) < self.smallest:
            raise BadInput(
                f"ConvNet: expected shape (B, C, H, W) with sides of at least {self.smallest}, got {tuple(x.shape)}"
            )
        # The largest value wherever it is: what a class looks like counts, and not where it stands.
        scores: Tensor = self.head(torch.amax(self.body(x), dim=(2, 3)))
        return _SCALE * scores


class _Residual(nn.Module):
    """x + two convolutions of x: at the start the second path adds little, so that depth does no harm."""

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        self.path = nn.Sequential(_block(channels, channels, norm), _block(channels, channels, norm))

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = x + self.path(x)
        return added


def _block(inputs: int, outputs: int, norm: str, stride: int = 1) -> nn.Sequential:
    groups = outputs // _GROUP if outputs % _GROUP == 0 else 1
    # The norm subtracts the mean, so a bias of the convolution would be lost.
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs) if norm == "batch" else nn.GroupNorm(groups, outputs),
        nn.ReLU(inplace=True),
    )
