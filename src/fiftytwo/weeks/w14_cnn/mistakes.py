"""Week 14's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from fiftytwo.plan import Mistake
from mltoolkit.deep import cnn


def turns_the_filter_round(x: Any, weight: Any, bias: Any = None, **options: Any) -> Any:
    """The convolution of mathematics: the filter from behind."""
    turned = weight.flip((2, 3)) if isinstance(weight, Tensor) else weight[:, :, ::-1, ::-1]
    return cnn.conv2d(x, turned, bias, **options)


def swaps_down_and_across(x: Any, weight: Any, bias: Any = None, **options: Any) -> Any:
    """Pairs read as (across, down)."""
    swapped: dict[str, Any] = {k: tuple(reversed(v)) if isinstance(v, tuple) else v for k, v in options.items()}
    return cnn.conv2d(x, weight, bias, **swapped)


def forgets_the_last_window(x: Any, weight: Any, bias: Any = None, **options: Any) -> Any:
    """H' without the + 1 where there is a stride."""
    out = cnn.conv2d(x, weight, bias, **options)
    return out[:, :, :-1, :-1] if options.get("stride", 1) != 1 and min(out.shape[2:]) > 1 else out


def cuts_the_gradient(x: Any, weight: Any, bias: Any = None, **options: Any) -> Any:
    """A detour over NumPy: right values, no gradient."""
    if not isinstance(x, Tensor):
        return cnn.conv2d(x, weight, bias, **options)
    result: Tensor = cnn.conv2d(x.detach(), weight.detach(), None if bias is None else bias.detach(), **options)
    return result + 0.0 * (x.sum() + weight.sum() + (0.0 if bias is None else bias.sum()))


def pads_with_zeros(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Any:
    """Zeros around a picture that is pooled."""
    if not isinstance(x, Tensor) or padding == 0:
        return cnn.max_pool2d(x, kernel_size, stride, padding)
    cnn.max_pool2d(x, kernel_size, stride, padding)
    down, across = padding if isinstance(padding, tuple) else (padding, padding)
    padded = nn.functional.pad(x, (across, across, down, down))
    return cnn.max_pool2d(padded, kernel_size, kernel_size if stride is None else stride)


def steps_by_one(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Any:
    """Pooling with a stride of 1 when none is given."""
    return cnn.max_pool2d(x, kernel_size, 1 if stride is None else stride, padding)


def spares_the_right_class(logits: Tensor, target: Tensor, smoothing: float = 0.1) -> Tensor:
    """The share goes to the K - 1 other classes, and the right one keeps 1 - ε."""
    plain, classes = cnn.label_smoothing_loss(logits, target, smoothing), logits.shape[1]
    surprise = -logits.log_softmax(dim=1)
    right = surprise.gather(1, target[:, None]).squeeze(1)
    others = (surprise.sum(dim=1) - right) / (classes - 1)
    return plain * 0.0 + ((1.0 - smoothing) * right + smoothing * others).mean()


def logarithm_of_the_softmax(logits: Tensor, target: Tensor, smoothing: float = 0.1) -> Tensor:
    """log(p) after p has rounded to 0."""
    cnn.label_smoothing_loss(logits, target, smoothing)
    surprise = -logits.softmax(dim=1).log()
    right = surprise.gather(1, target[:, None]).mean()
    return (1.0 - smoothing) * right + smoothing * surprise.mean()


def adds_up_the_batch(logits: Tensor, target: Tensor, smoothing: float = 0.1) -> Tensor:
    """The sum over the rows in place of their mean."""
    return cnn.label_smoothing_loss(logits, target, smoothing) * len(logits)


def one_crop_for_all(images: Tensor, padding: int = 4, *, generator: torch.Generator | None = None) -> Tensor:
    """One draw for the whole batch."""
    cnn.random_crop(images[:0], padding)
    height, width = images.shape[2:]
    top, left = (int(v) for v in torch.randint(2 * padding + 1, (2,), generator=generator))
    padded = nn.functional.pad(images, (padding,) * 4)
    return padded[:, :, top : top + height, left : left + width].clone()


def wraps_round(images: Tensor, padding: int = 4, *, generator: torch.Generator | None = None) -> Tensor:
    """What leaves at one side comes back at the other."""
    cnn.random_crop(images[:0], padding)
    shifts = torch.randint(2 * padding + 1, (len(images), 2), generator=generator) - padding
    rolled = [image.roll(tuple(int(v) for v in by), (1, 2)) for image, by in zip(images, shifts, strict=True)]
    return torch.stack(rolled) if rolled else images.clone()


def misses_the_last_place(images: Tensor, padding: int = 4, *, generator: torch.Generator | None = None) -> Tensor:
    """randint(2 · padding), which never draws the last place."""
    if padding < 1 or images.ndim != 4:
        return cnn.random_crop(images, padding, generator=generator)
    bigger = nn.functional.pad(images, (padding,) * 4)
    at = torch.randint(2 * padding, (len(images), 2), generator=generator)
    height, width = images.shape[2:]
    crops = [one[:, int(r) : int(r) + height, int(c) : int(c) + width] for one, (r, c) in zip(bigger, at, strict=True)]
    return torch.stack(crops) if crops else images.clone()


def upside_down(images: Tensor, p: float = 0.5, *, generator: torch.Generator | None = None) -> Tensor:
    """Rows turned round in place of columns."""
    return cnn.random_flip(images.transpose(2, 3) if images.ndim == 4 else images, p, generator=generator).transpose(
        2, 3
    )


def all_or_none(images: Tensor, p: float = 0.5, *, generator: torch.Generator | None = None) -> Tensor:
    """One draw for the batch."""
    cnn.random_flip(images[:0], p)
    return images.flip(3) if float(torch.rand((), generator=generator)) < p else images.clone()


def holes_stay_inside(images: Tensor, size: int = 8, *, generator: torch.Generator | None = None) -> Tensor:
    """The corner is drawn so that the square never reaches over the edge."""
    cnn.cutout(images[:0], size)
    found = images.clone()
    for one in found:
        room = [max(side - size, 0) + 1 for side in one.shape[1:]]
        top, left = (int(torch.randint(most, (), generator=generator)) for most in room)
        one[:, top : top + size, left : left + size] = 0
    return found


def one_channel_at_a_time(images: Tensor, size: int = 8, *, generator: torch.Generator | None = None) -> Tensor:
    """Each channel has a hole elsewhere."""
    cnn.cutout(images[:0], size)
    parts = [cnn.cutout(images[:, i : i + 1], size, generator=generator) for i in range(images.shape[1])]
    return torch.cat(parts, dim=1)


class KeepsTheLiveWeights(cnn.EarlyStopping):
    """state_dict() without a copy."""

    def update(self, value: float, model: nn.Module) -> bool:
        """Put the live tensors in place of the copy."""
        stop, before = super().update(value, model), self.best_step
        if self.restore_best and before == self.step - 1:
            self._weights = dict(model.state_dict())
        return stop


class ForgetsTheBuffers(cnn.EarlyStopping):
    """Parameters alone, without the running means."""

    def restore(self, model: nn.Module) -> bool:
        """Leave the buffers as they are now."""
        now = {name: tensor.clone() for name, tensor in model.named_buffers()}
        given = super().restore(model)
        for name, tensor in model.named_buffers():
            tensor.copy_(now[name])
        return given


class TakesTies(cnn.EarlyStopping):
    """Less or equal."""

    def _is_better(self, figure: float) -> bool:
        return super()._is_better(figure) or (figure == self.best and self.min_delta == 0.0)


class ComparesWithTheLast(cnn.EarlyStopping):
    """The gain over the epoch before in place of the gain over the best."""

    _last: float | None = None

    def update(self, value: float, model: nn.Module) -> bool:
        """Remember the last figure as the best."""
        stop = super().update(value, model)
        if value == value:
            self.best = value
        return stop


class TakesNaNForProgress(cnn.EarlyStopping):
    """Asks whether the figure is worse, which NaN never is."""

    def _is_better(self, figure: float) -> bool:
        if self.best is None:
            return True
        gain = self.best - figure if self.mode == "min" else figure - self.best
        return not gain <= self.min_delta


class WaitsOneMore(cnn.EarlyStopping):
    """Stops when the count passes patience."""

    def update(self, value: float, model: nn.Module) -> bool:
        """More than patience in place of at least."""
        super().update(value, model)
        return self.waited > self.patience


mistakes = (
    Mistake("turns the filter round", {"conv2d": turns_the_filter_round},
            "Your filter lies the wrong way round; what deep learning calls convolution multiplies without turning."),
    Mistake("swaps down and across", {"conv2d": swaps_down_and_across},
            "Your pairs are read as (across, down); the first number is for rows."),
    Mistake("forgets the last window", {"conv2d": forgets_the_last_window},
            "Your output is one window short where there is a stride: H' = (H - kh) // stride + 1."),
    Mistake("cuts the gradient", {"conv2d": cuts_the_gradient},
            "Your values are right and your gradient is lost on the way, through detach, .data or NumPy."),
    Mistake("pads pooling with zeros", {"max_pool2d": pads_with_zeros},
            "Your border is 0, which beats every negative value; pad with minus infinity."),
    Mistake("pools with a stride of one", {"max_pool2d": steps_by_one},
            "Without a stride your windows overlap; the default is the size of the window."),
    Mistake("spares the right class", {"label_smoothing_loss": spares_the_right_class},
            "Your share is spread over the other classes alone; spread it over all, the right one included."),
    Mistake("logarithm of the softmax", {"label_smoothing_loss": logarithm_of_the_softmax},
            "Your logarithm comes after the probability has rounded to 0; use log_softmax."),
    Mistake("adds up the batch", {"label_smoothing_loss": adds_up_the_batch},
            "Your loss is a sum over the rows; take their mean, so that the rate does not depend on the batch."),
    Mistake("one crop for all", {"random_crop": one_crop_for_all},
            "Your batch moves as one; draw a row and a column for each picture."),
    Mistake("wraps round", {"random_crop": wraps_round},
            "What leaves your picture at one side comes back at the other; zeros should come in."),
    Mistake("misses the last place", {"random_crop": misses_the_last_place},
            "Your crops never reach the last row and column: randint leaves out its upper end."),
    Mistake("all or none", {"random_flip": all_or_none},
            "Your batch is turned as a whole; draw once for each picture."),
    Mistake("upside down", {"random_flip": upside_down},
            "Your flip turns rows round; left and right are columns, the last dimension."),
    Mistake("holes stay inside", {"cutout": holes_stay_inside},
            "Your square never reaches over the edge, so the border is hidden too rarely; draw its centre."),
    Mistake("one channel at a time", {"cutout": one_channel_at_a_time},
            "Your channels have holes in different places, so colours give away what is hidden."),
    Mistake("keeps the live weights", {"EarlyStopping": KeepsTheLiveWeights},
            "Your kept weights are the model's own tensors, which training goes on changing; copy them."),
    Mistake("forgets the buffers", {"EarlyStopping": ForgetsTheBuffers},
            "Your restored model keeps the last running means; state_dict() has them, parameters() has not."),
    Mistake("takes a tie for progress", {"EarlyStopping": TakesTies},
            "Your early stop takes an equal figure for an improvement; it has to be strictly better."),
    Mistake("compares with the last epoch", {"EarlyStopping": ComparesWithTheLast},
            "Your gain is over the epoch before; it is over the best so far."),
    Mistake("takes NaN for progress", {"EarlyStopping": TakesNaNForProgress},
            "Your early stop asks whether a figure is worse, and NaN never is; ask whether it is better."),
    Mistake("waits one epoch more", {"EarlyStopping": WaitsOneMore},
            "Your early stop waits for one epoch more than patience says."),
)  # fmt: skip
