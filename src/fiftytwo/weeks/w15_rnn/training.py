"""Training on a text, in pieces, in the process where the steps and the clipping live."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from mltoolkit.deep import CharModel, as_streams, torch_threads, warmup_cosine

if TYPE_CHECKING:
    from fiftytwo.lab import Lab
    from fiftytwo.weeks.w15_rnn.corpus import Corpus

CLIP = 1.0  # longest gradient
_PIECE = 8  # windows in one call


@dataclass(frozen=True)
class Plan:
    """How a model is trained."""

    total: int  # characters to read
    streams: int
    window: int = 32  # characters that the gradient goes back
    rate: float = 1e-2  # of Adam, falling to a twentieth along a cosine


@dataclass
class Trained:
    """A model and how it came about."""

    model: CharModel
    characters: list[int] = field(default_factory=list)  # read so far, at each point of the curve
    nats: list[float] = field(default_factory=list)  # on the validation part, likewise
    seconds: float = 0.0  # of the training alone

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return sum(weight.numel() for weight in self.model.parameters())


class Session:
    """A model under training. It stays in its process; weights and losses travel."""

    def __init__(self, solution: Any, ids: Any, model: CharModel, plan: Plan) -> None:
        self._plan, self._step = plan, solution.truncated_bptt
        self._model = model
        self._optimizer = torch.optim.Adam(model.parameters(), lr=plan.rate)
        self._x, self._y = as_streams(torch.as_tensor(ids), plan.streams)
        self._schedule = warmup_cosine(0, plan.total, floor=0.05)  # over characters instead of steps
        self._state: Any = None
        self._at = self._read = 0

    def advance(self, characters: int) -> tuple[int, float]:
        """Train on so many characters more; how many have been read, and the seconds that it took."""
        started, until = time.perf_counter(), min(self._read + characters, self._plan.total)
        with torch_threads(1):
            self._model.train()
            while self._read < until:
                part = slice(self._at, self._at + _PIECE * self._plan.window)
                x, y = self._x[:, part], self._y[:, part]
                for group in self._optimizer.param_groups:
                    group["lr"] = self._plan.rate * self._schedule(self._read)
                _, self._state = self._step(
                    self._model, x, y, self._optimizer, window=self._plan.window, state=self._state, clip_norm=CLIP
                )
                self._read += x.numel()
                self._at += x.shape[1]
                if self._at >= self._x.shape[1]:  # the text begins again, and nothing is remembered of its end
                    self._at, self._state = 0, None
        return self._read, time.perf_counter() - started

    def weights(self) -> dict[str, torch.Tensor]:
        """The weights as they are now."""
        return {name: weight.detach().clone() for name, weight in self._model.state_dict().items()}


def begin(solution: Any, ids: Any, options: Mapping[str, Any], plan: Plan, seed: int) -> Session:
    """A session with a new model."""
    torch.manual_seed(seed)
    return Session(solution, ids, CharModel(**options), plan)


def trained(lab: Lab, text: Corpus, plan: Plan, *, points: int, label: str, **options: Any) -> Trained:
    """Train a model by a plan, and look at the validation part so many times along the way."""
    given = {"vocabulary": text.vocabulary, **options}
    valid = torch.as_tensor(text.ids(text.valid))
    session = lab.solution.apply(begin, text.ids(text.train), given, plan, lab.seed)
    done = Trained(CharModel(**given))
    with torch_threads(1):
        for _ in lab.progress(range(points), label):
            read, seconds = session.advance(-(-plan.total // points))
            # Judged here, from the weights alone: what another process says about its own loss proves nothing.
            done.model.load_state_dict(session.weights())
            done.characters.append(int(read))
            done.nats.append(done.model.nats(valid))
            done.seconds += float(seconds)
    return done
