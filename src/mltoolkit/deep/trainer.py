"""One trainer for the year: images, sequences, language models; one process or several.

Plain PyTorch. :meth:`Trainer.fit` is the loop that one would write by hand, with what a long run needs besides: a
step over accumulated micro-batches, reduced precision, clipping, a schedule, validation, early stopping, and
checkpoints from which a killed run goes on with the same bits. Everything that the next step depends on is in four
numbers (steps, epochs, batches of this epoch, the loss since the last record) and in the objects that were handed in.

Under ``torchrun`` each process takes its share of every batch, and the mean is over all rows of all processes, so two
processes give what one gives with the same batches.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mltoolkit.deep._states import random_states, set_random_states
from mltoolkit.deep.batches import Batch, Loader
from mltoolkit.deep.history import History, Record
from mltoolkit.deep.processes import joined, own_device
from mltoolkit.deep.scale import Checkpoint, Precision, accumulate, autocast
from mltoolkit.errors import BadInput, NotConverged

KEPT = 3  # checkpoints that stay: the last one, and two to fall back to

_log = logging.getLogger(__name__)


class Trainer:
    """Trains a model.

    Parameters
    ----------
    model : Module
    loss : function (model, batch) -> Tensor
        Mean loss over the batch, without dimensions. It calls ``model(...)``.
    optimizer : Optimizer
        Over the model's parameters; its rates are the base rates.
    schedule : function (step) -> float, optional
        Factor of the base rates in a step, from 0 on; see :func:`~mltoolkit.deep.warmup_cosine`.
    precision : {"fp32", "bf16", "fp16"}, default "fp32"
        See :func:`~mltoolkit.deep.autocast`. ``"fp16"`` needs a GPU and scales the loss.
    device : device or str, optional
        Where to train; where the model is by default.
    accumulate : int, default 1
        Batches of one step. The gradient is that of their rows together, whatever their sizes.
    clip_norm : float, optional
        Longest that the gradient may be; a longer one is shortened.
    early_stopping : object, optional
        See :class:`~mltoolkit.deep.EarlyStopping`: ``monitor``, ``update(value, model) -> bool``, ``restore(model)``,
        ``state_dict()``, ``load_state_dict(state)``.
    checkpoints : Path or str, optional
        Folder for checkpoints; the last three are kept.
    checkpoint_every : int, optional
        Steps between checkpoints; at the end of each epoch by default. The last step always leaves one.
    callbacks : iterable of function (trainer, record), default ()
        Called after each step with that step's loss and rate, and with ``metrics`` when it was validated.
    seed : int, default 0
        Of what the model draws in training (dropout). The streams outside of ``fit`` are left as they were.
    count : function (batch) -> int, optional
        What a batch's mean loss is over: its rows by default; the tokens that count, say.

    Attributes
    ----------
    step, epoch : int
        Steps and epochs that are done.

    Raises
    ------
    BadInput
        When an option is out of range, or ``precision="fp16"`` is asked for on the CPU.

    Examples
    --------
    >>> import torch
    >>> from torch.nn.functional import mse_loss
    >>> from mltoolkit.deep import Batches
    >>> x = torch.linspace(-1, 1, 32)[:, None]
    >>> model = torch.nn.Linear(1, 1)
    >>> trainer = Trainer(model, lambda model, batch: mse_loss(model(batch[0]), batch[1]),
    ...                   torch.optim.Adam(model.parameters(), lr=0.1))
    >>> history = trainer.fit(Batches(x, 3 * x + 1, batch_size=8), epochs=100)
    >>> history.best.loss < 1e-3
    True
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[Any, Any], Tensor],
        optimizer: torch.optim.Optimizer,
        *,
        schedule: Callable[[int], float] | None = None,
        precision: Precision = "fp32",
        device: torch.device | str | None = None,
        accumulate: int = 1,
        clip_norm: float | None = None,
        early_stopping: Any = None,
        checkpoints: Path | str | None = None,
        checkpoint_every: int | None = None,
        callbacks: Iterable[Callable[[Trainer, Record], object]] = (),
        seed: int = 0,
        count: Callable[[Any], int] | None = None,
    ) -> None:
        whole = {"accumulate": accumulate, "checkpoint_every": checkpoint_every}
        faults = [f"{name}={value} is below 1" for name, value in whole.items() if value is not None and value < 1]
        if clip_norm is not None and not clip_norm > 0:
            faults.append(f"clip_norm={clip_norm} is not positive")
        if checkpoint_every is not None and checkpoints is None:
            faults.append("checkpoint_every needs checkpoints, the folder to write to")
        if faults:
            raise BadInput("Trainer: " + "; ".join(faults))
        here = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
        self.device = own_device(here if device is None else torch.device(device))
        autocast(precision, self.device)  # refuses what the device cannot do, before anything is trained
        self.model = model.to(self.device)
        self.loss = loss
        self.optimizer = optimizer
        self.schedule = schedule
        self.precision: Precision = precision
        self.scaler = torch.amp.GradScaler(self.device.type) if precision == "fp16" else None
        self.accumulate = accumulate
        self.clip_norm = clip_norm
        self.early_stopping = early_stopping
        self.checkpoints = None if checkpoints is None else Path(checkpoints)
        self.checkpoint_every = checkpoint_every
        self.callbacks = tuple(callbacks)
        self.seed = seed
        self.count = count or (lambda batch: len(batch[0]))
        self._begin()
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])

    def _begin(self) -> None:
        """Nothing is done yet."""
        self.step = self.epoch = 0
        self._batch = 0  # batches of this epoch that are done
        self._loss_sum, self._loss_count = 0.0, 0.0  # since the last record
        self._records: list[Record] = []
        self._stopped = False

    def fit(
        self,
        train: Loader,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        validate: Callable[[Any], Mapping[str, float]] | None = None,
        validate_every: int | None = None,
        resume: bool = False,
    ) -> History:
        """Train up to a number of epochs or steps, whichever comes first.

        Parameters
        ----------
        train : Batches, Windows or another object with their interface
        epochs, steps : int, optional
            At least one of them; both are counted from the start of the run, also when it is resumed.
        validate : function (model) -> mapping of str to float, optional
            Such as ``{"loss": ..., "accuracy": ...}``. It is called without gradients and in evaluation mode; of
            several processes only the first calls it.
        validate_every : int, optional
            Steps between validations; at the end of each epoch by default. The last step is validated too.
        resume : bool, default False
            Go on from the latest checkpoint that can be read; from the start when there is none. False begins a new
            run with the weights as they are.

        Returns
        -------
        History
            Of the whole run, the part before a checkpoint included.

        Raises
        ------
        BadInput
            When neither epochs nor steps are given, when early stopping lacks what it monitors, when the checkpoint
            was made with another model or other data, or when a new run would mix its checkpoints with another's.
        NotConverged
            When the loss is NaN or infinite; the message names the step. The weights are those before that step.
        ProcessLost
            When another process of the run ended.
        """
        if (epochs is None and steps is None) or (resume and self.checkpoints is None):
            raise BadInput("fit: give epochs, steps or both, and a folder for checkpoints in order to resume")
        if self.early_stopping is not None and validate is None:
            raise BadInput("fit: early stopping needs validate")
        limits = [steps, None if epochs is None else epochs * -(-len(train) // self.accumulate)]
        last = min(limit for limit in limits if limit is not None)
        devices = [self.device] if self.device.type == "cuda" else []
        with joined(self.device) as self._processes, torch.random.fork_rng(devices):
            self._start(train, resume)
            net = self._wrapped()
            while self.step < last and not self._stopped:
                for parts in self._steps_of_epoch(train):
                    loss = self._update(net, parts)
                    self._after_step(train, loss, last, validate, validate_every)
                    if self.step >= last or self._stopped or self._batch == 0:
                        break
                else:
                    raise BadInput(f"fit: the data gave {self._batch} batches; its length says {len(train)}")
            if self.early_stopping is not None:
                self.early_stopping.restore(self.model)
        return History(tuple(self._records))

    def _steps_of_epoch(self, train: Loader) -> Iterator[list[Batch]]:
        """The rest of the epoch, as the micro-batches of one step after the other."""
        rank, world = self._processes.rank, self._processes.world
        # A loader of one's own may do without the keywords as long as it is neither resumed nor shared.
        shares = {"start": self._batch, "rank": rank, "world": world} if self._batch or world > 1 else {}
        batches = iter(train.epoch(self.epoch, **shares))
        while parts := list(islice(batches, self.accumulate)):
            yield [tuple(tensor.to(self.device, non_blocking=True) for tensor in part) for part in parts]

    def _update(self, net: nn.Module, parts: list[Batch]) -> float:
        """One optimizer step; returns the mean loss over all rows of all processes."""
        self._batch += len(parts)
        factor = 1.0 if self.schedule is None else self.schedule(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        counts = [self.count(part) for part in parts]
        parts = [self._filled(part) for part in parts]
        total = self._processes.sum(sum(counts))
        # DDP averages over processes; a share of the mean is weighted so that the average is the mean over all rows.
        own_total = total / self._processes.world
        self.optimizer.zero_grad(set_to_none=True)
        mean = accumulate(
            net, self.loss, parts, counts=counts, total=own_total, precision=self.precision, scaler=self.scaler
        )
        loss = self._processes.sum(mean) / self._processes.world
        if not math.isfinite(loss):
            raise NotConverged(
                f"the loss is {loss} in step {self.step + 1} (epoch {self.epoch + 1}, batch {self._batch}); the "
                "weights are those before it. Lower the rate, clip the gradient, or look for bad values in that batch"
            )
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        self._loss_sum += loss * total
        self._loss_count += total
        return loss

    def _filled(self, part: Batch) -> Batch:
        """A batch with fewer rows than processes leaves a share empty: a row seen before stands in, with weight 0."""
        if len(part[0]):
            self._spare = tuple(tensor[:1] for tensor in part)
            return part
        if not hasattr(self, "_spare"):
            raise BadInput(f"fit: the first batch has fewer rows than the {self._processes.world} processes")
        return self._spare

    def _after_step(
        self,
        train: Loader,
        loss: float,
        last: int,
        validate: Callable[[Any], Mapping[str, float]] | None,
        validate_every: int | None,
    ) -> None:
        """Count, validate, tell the callbacks, keep a checkpoint."""
        self.step += 1
        ended = self._batch >= len(train)
        if ended:
            self.epoch, self._batch = self.epoch + 1, 0
        due = ended if validate_every is None else self.step % validate_every == 0
        record = Record(self.step, self.epoch, loss, self.optimizer.param_groups[0]["lr"])
        if due or self.step == last:
            record = self._validated(record, validate)
        for callback in self.callbacks:
            callback(self, record)
        due = ended if self.checkpoint_every is None else self.step % self.checkpoint_every == 0
        if self.checkpoints is not None and (due or self.step == last or self._stopped):
            self._save(train, self.checkpoints)

    def _validated(self, record: Record, validate: Callable[[Any], Mapping[str, float]] | None) -> Record:
        """Measure the model and keep a record; decide whether to stop."""
        metrics: dict[str, float] = {}
        if validate is not None:
            if self._processes.rank == 0:
                self.model.eval()
                with torch.no_grad():
                    metrics = {name: float(value) for name, value in validate(self.model).items()}
                self.model.train()
            metrics = self._processes.first(metrics)
        mean = self._loss_sum / self._loss_count
        self._records.append(Record(record.step, record.epoch, mean, record.rate, metrics))
        self._loss_sum, self._loss_count = 0.0, 0.0
        if self.early_stopping is not None:
            monitor = self.early_stopping.monitor
            if monitor not in metrics:
                raise BadInput(f"fit: early stopping monitors {monitor!r}; validate returned {', '.join(metrics)}")
            self._stopped = bool(self.early_stopping.update(metrics[monitor], self.model))
        return Record(record.step, record.epoch, record.loss, record.rate, metrics)

    def _start(self, train: Loader, resume: bool) -> None:
        """Begin, or go on from the latest checkpoint."""
        self.model.train()
        torch.manual_seed(self.seed + self._processes.rank)
        self._begin()
        if self.checkpoints is None:
            return
        if not resume and any(self.checkpoints.glob("step-*.safetensors")):
            raise BadInput(f"fit: {self.checkpoints} holds checkpoints of a run; resume it, or name another folder")
        found = Checkpoint.latest(self.checkpoints) if resume else None
        if found is None:
            return
        order = getattr(train, "order", None)
        if found.data["order"] != order:
            raise BadInput(f"fit: {found.path.name} was made with the data {found.data['order']}; these are {order}")
        found.restore(model=self.model, optimizer=self.optimizer, scaler=self.scaler, random=False)
        states = found.extra["random"]
        if self._processes.rank < len(states):  # a process more than before draws a stream of its own
            set_random_states(states[self._processes.rank])
        self.step, self.epoch, self._batch = found.step, found.epoch, found.data["batch"]
        self._loss_sum, self._loss_count = found.extra["loss"]
        self._records = [Record(**record) for record in found.extra["records"]]
        self._stopped = found.extra["stopped"]
        if self.early_stopping is not None and found.extra["early_stopping"] is not None:
            self.early_stopping.load_state_dict(found.extra["early_stopping"])
        _log.info("resumed from %s at step %d", found.path, found.step)

    def _save(self, train: Loader, folder: Path) -> None:
        """Keep a checkpoint; the first process writes it for all."""
        states = self._processes.all(random_states())
        if self._processes.rank == 0:
            Checkpoint.save(
                folder / f"step-{self.step:09d}.safetensors",
                model=self.model,
                optimizer=self.optimizer,
                scaler=self.scaler,
                step=self.step,
                epoch=self.epoch,
                data={"order": getattr(train, "order", None), "batch": self._batch},
                extra={
                    "loss": (self._loss_sum, self._loss_count),
                    "records": [asdict(record) for record in self._records],
                    "stopped": self._stopped,
                    "early_stopping": None if self.early_stopping is None else self.early_stopping.state_dict(),
                    "random": states,
                },
            )
            for old in sorted(folder.glob("step-*.safetensors"))[:-KEPT]:
                old.unlink(missing_ok=True)

    def _wrapped(self) -> nn.Module:
        """The model as the loss calls it: behind DDP when there are several processes."""
        if self._processes.world == 1:
            return self.model
        devices = [self.device] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(self.model, device_ids=devices)
