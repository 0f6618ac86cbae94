"""The trainer against a loop by hand, and its promises: exact resume, right means, clear ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402 - needs torch
from torch.nn import functional  # noqa: E402

from mltoolkit.deep import Batches, Checkpoint, History, Record, Trainer, Windows, warmup_cosine  # noqa: E402
from mltoolkit.errors import BadInput, NotConverged  # noqa: E402

N, D, K = 53, 5, 3


def data(seed: int = 0) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(seed)
    x = torch.randn(N, D, generator=draws)
    return x, (x @ torch.randn(D, K, generator=draws)).argmax(dim=1)


def network(dropout: float = 0.2) -> nn.Module:
    with torch.random.fork_rng([]):
        torch.manual_seed(7)
        return nn.Sequential(nn.Linear(D, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, K))


def loss(model: Any, batch: tuple[Tensor, ...]) -> Tensor:
    return functional.cross_entropy(model(batch[0]), batch[1])


def trainer(model: nn.Module, **options: Any) -> Trainer:
    return Trainer(model, loss, torch.optim.AdamW(model.parameters(), lr=0.02), **options)


def same(left: nn.Module, right: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left.parameters(), right.parameters(), strict=True))


def test_equals_a_loop_by_hand() -> None:
    x, y = data()
    batches = Batches(x, y, batch_size=8, seed=3)
    ours, theirs = network(0.0), network(0.0)
    history = trainer(ours, schedule=warmup_cosine(3, 14), clip_norm=0.5).fit(batches, epochs=2)
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=0.02)
    step, losses = 0, []
    for epoch in range(2):
        for xb, yb in batches.epoch(epoch):
            optimizer.param_groups[0]["lr"] = 0.02 * warmup_cosine(3, 14)(step)
            value = functional.cross_entropy(theirs(xb), yb)
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
            optimizer.step()
            step += 1
            losses.append(value.item() * len(xb))
    assert same(ours, theirs)
    assert [(r.step, r.epoch) for r in history.records] == [(7, 1), (14, 2)]
    assert history.records[0].loss == pytest.approx(sum(losses[:7]) / N, abs=1e-6)
    assert history.records[1].loss == pytest.approx(sum(losses[7:]) / N, abs=1e-6)


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_accumulation_is_the_large_batch_with_an_unequal_last_one(parts: int) -> None:
    x, y = data()
    whole, summed = network(0.0), network(0.0)
    Trainer(whole, loss, torch.optim.SGD(whole.parameters(), lr=0.1)).fit(
        Batches(x, y, batch_size=8 * parts, shuffle=False), epochs=3
    )
    Trainer(summed, loss, torch.optim.SGD(summed.parameters(), lr=0.1), accumulate=parts).fit(
        Batches(x, y, batch_size=8, shuffle=False), epochs=3
    )
    for a, b in zip(whole.parameters(), summed.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=2e-6, rtol=0)


class Killed(Exception):
    """Stands in for SIGKILL where only the files matter."""


def until(step: int) -> Callable[[Trainer, Record], None]:
    def kill(trainer: Trainer, record: Record) -> None:
        if record.step == step:
            raise Killed

    return kill


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("dies_at", range(1, 15, 2))
def test_a_run_that_was_cut_gives_the_bits_of_one_that_was_not(tmp_path: Path, dies_at: int, precision: Any) -> None:
    x, y = data()
    batches = Batches(x, y, batch_size=8, seed=1)
    options: dict[str, Any] = {"precision": precision, "accumulate": 2, "schedule": warmup_cosine(2, 16)}
    validate: Any = lambda model: {"loss": float(loss(model, (x, y)))}  # noqa: E731
    straight = network()
    expected = trainer(straight, **options).fit(batches, epochs=4, validate=validate)
    options |= {"checkpoints": tmp_path, "checkpoint_every": 1}
    with pytest.raises(Killed):
        trainer(network(), callbacks=[until(dies_at)], **options).fit(batches, epochs=4, validate=validate)
    resumed = network()
    found = trainer(resumed, **options).fit(batches, epochs=4, validate=validate, resume=True)
    assert same(straight, resumed)
    assert found == expected
    assert len(list(tmp_path.iterdir())) == 3


def test_resume_from_the_last_good_one(tmp_path: Path) -> None:
    x, y = data()
    batches = Batches(x, y, batch_size=8)
    straight, resumed = network(), network()
    trainer(straight).fit(batches, steps=20)
    trainer(network(), checkpoints=tmp_path, checkpoint_every=4).fit(batches, steps=12)
    newest = max(tmp_path.iterdir())
    newest.write_bytes(newest.read_bytes()[:-100])
    after = trainer(resumed, checkpoints=tmp_path)
    after.fit(batches, steps=20, resume=True)
    assert after.step == 20
    assert same(straight, resumed)


def test_resume_without_a_checkpoint_starts(tmp_path: Path) -> None:
    x, y = data()
    one, two = network(), network()
    trainer(one, checkpoints=tmp_path / "new").fit(Batches(x, y, batch_size=8), epochs=1, resume=True)
    trainer(two).fit(Batches(x, y, batch_size=8), epochs=1)
    assert same(one, two)


def test_resume_refuses_other_data_and_another_run(tmp_path: Path) -> None:
    x, y = data()
    trainer(network(), checkpoints=tmp_path).fit(Batches(x, y, batch_size=8), epochs=1)
    with pytest.raises(BadInput, match=r"'seed': 0.*these are.*'seed': 1"):
        trainer(network(), checkpoints=tmp_path).fit(Batches(x, y, batch_size=8, seed=1), epochs=2, resume=True)
    with pytest.raises(BadInput, match="holds checkpoints of a run; resume it"):
        trainer(network(), checkpoints=tmp_path).fit(Batches(x, y, batch_size=8), epochs=1)


def test_training_leaves_the_callers_random_stream_alone() -> None:
    x, y = data()
    before = torch.get_rng_state()
    trainer(network()).fit(Batches(x, y, batch_size=8), epochs=1)
    assert torch.equal(before, torch.get_rng_state())


def test_validation_is_without_dropout_and_gradients_and_at_the_steps_asked_for() -> None:
    seen: list[tuple[bool, bool]] = []

    def validate(model: nn.Module) -> dict[str, float]:
        seen.append((model.training, torch.is_grad_enabled()))
        return {"loss": 1.0 / len(seen)}

    x, y = data()
    model = network()
    history = trainer(model).fit(Batches(x, y, batch_size=8), steps=10, validate=validate, validate_every=4)
    assert [record.step for record in history.records] == [4, 8, 10]
    assert seen == [(False, False)] * 3
    assert model.training
    assert history.best.step == 10
    assert list(history.frame().columns) == ["step", "epoch", "loss", "rate", "validation_loss"]


def test_callbacks_see_every_step() -> None:
    x, y = data()
    steps: list[tuple[int, bool]] = []
    trainer(network(), callbacks=[lambda _, record: steps.append((record.step, bool(record.metrics)))]).fit(
        Batches(x, y, batch_size=20), epochs=2, validate=lambda _: {"loss": 1.0}
    )
    assert steps == [(1, False), (2, False), (3, True), (4, False), (5, False), (6, True)]


class Stopper:
    """Early stopping reduced to its interface."""

    monitor = "loss"

    def __init__(self) -> None:
        self.seen: list[float] = []
        self.best: dict[str, Tensor] = {}

    def update(self, value: float, model: nn.Module) -> bool:
        self.seen.append(value)
        if value == min(self.seen):
            self.best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        return len(self.seen) - self.seen.index(min(self.seen)) > 2

    def restore(self, model: nn.Module) -> None:
        model.load_state_dict(self.best)

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen, "best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen, self.best = list(state["seen"]), dict(state["best"])


def test_early_stopping_stops_keeps_the_best_and_survives(tmp_path: Path) -> None:
    x, y = data()
    values = [3.0, 1.0, 2.0, 2.0, 0.0]

    def run(model: nn.Module, **fit: Any) -> tuple[History, list[Tensor]]:
        weights: list[Tensor] = []

        def validate(model: Any) -> dict[str, float]:
            weights.append(model[0].weight.clone())
            return {"loss": values[working.epoch - 1]}

        working = trainer(model, early_stopping=Stopper(), **fit)
        batches = Batches(x, y, batch_size=8)
        return working.fit(batches, epochs=5, validate=validate, resume="checkpoints" in fit), weights

    model = network()
    history, weights = run(model)
    assert len(history.records) == 4
    assert torch.equal(model[0].weight, weights[1])  # type: ignore[index]
    cut = network()
    with pytest.raises(Killed):
        run(network(), checkpoints=tmp_path, callbacks=[until(24)])
    again, _ = run(cut, checkpoints=tmp_path)
    assert again == history
    assert same(model, cut)
    stopped, _ = run(network(), checkpoints=tmp_path)
    assert stopped == history


def test_a_loss_that_is_no_number_names_its_step_and_spares_the_weights() -> None:
    x, y = data()
    x[17, 0] = float("nan")
    model = network()
    working = trainer(model)
    with pytest.raises(NotConverged, match=r"the loss is nan in step 3 \(epoch 1, batch 3\)"):
        working.fit(Batches(x, y, batch_size=8, shuffle=False), epochs=1)
    assert all(bool(parameter.isfinite().all()) for parameter in model.parameters())


def test_half_precision_needs_a_gpu() -> None:
    with pytest.raises(BadInput, match='precision="fp16" needs a GPU'):
        trainer(network(), precision="fp16")
    with pytest.raises(BadInput, match="precision='fp8' is none of fp32, bf16 and fp16"):
        trainer(network(), precision="fp8")


def test_all_faulty_options_are_named() -> None:
    with pytest.raises(
        BadInput, match=r"accumulate=0 is below 1; checkpoint_every=0 .*clip_norm=-1.*needs checkpoints"
    ):
        trainer(network(), accumulate=0, checkpoint_every=0, clip_norm=-1.0)
    x, y = data()
    with pytest.raises(BadInput, match="give epochs, steps or both"):
        trainer(network()).fit(Batches(x, y, batch_size=8))
    with pytest.raises(BadInput, match="a folder for checkpoints"):
        trainer(network()).fit(Batches(x, y, batch_size=8), epochs=1, resume=True)
    with pytest.raises(BadInput, match="early stopping needs validate"):
        trainer(network(), early_stopping=Stopper()).fit(Batches(x, y, batch_size=8), epochs=1)
    with pytest.raises(BadInput, match="early stopping monitors 'loss'; validate returned accuracy"):
        trainer(network(), early_stopping=Stopper()).fit(
            Batches(x, y, batch_size=8), epochs=1, validate=lambda _: {"accuracy": 1.0}
        )


def test_a_loader_that_promises_more_than_it_gives_does_not_loop_forever() -> None:
    class Short(Batches):
        def __len__(self) -> int:
            return 99

        def epoch(self, number: int, **shares: int) -> Any:
            return iter(list(super().epoch(number, **shares))[:2])

    x, y = data()
    with pytest.raises(BadInput, match="gave 2 batches; its length says 99"):
        trainer(network()).fit(Short(x, y, batch_size=8), epochs=1)


def test_a_language_model_trains_on_windows() -> None:
    ids = torch.arange(400) % 7
    model = nn.Sequential(nn.Embedding(7, 8), nn.Linear(8, 7))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05, fused=True)
    working = Trainer(
        model,
        lambda model, batch: functional.cross_entropy(model(batch[0]).flatten(0, 1), batch[1].flatten()),
        optimizer,
    )
    history = working.fit(Windows(ids, 10, 4), steps=60, validate_every=10)
    assert history.best.loss < 0.1


def test_channels_last_survives_a_checkpoint(tmp_path: Path) -> None:
    draws = torch.Generator().manual_seed(0)
    x, y = torch.randn(24, 3, 8, 8, generator=draws), torch.randint(4, (24,), generator=draws)

    def build() -> nn.Module:
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(216, 4))
        return net.to(memory_format=torch.channels_last)

    def run(model: nn.Module, steps: int, **options: Any) -> None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
        resume = "checkpoints" in options
        Trainer(model, loss, optimizer, **options).fit(Batches(x, y, batch_size=8), steps=steps, resume=resume)

    straight, resumed = build(), build()
    run(straight, 9)
    run(build(), 4, checkpoints=tmp_path)
    run(resumed, 9, checkpoints=tmp_path)
    assert same(straight, resumed)
    assert resumed[0].weight.is_contiguous(memory_format=torch.channels_last)  # type: ignore[index]


def test_warmup_cosine_has_its_shape() -> None:
    schedule = warmup_cosine(4, 20, floor=0.2)
    rates = [schedule(step) for step in range(30)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert all(a >= b for a, b in itertools.pairwise(rates[4:]))
    assert rates[20:] == [pytest.approx(0.2)] * 10
    for bad in [(5, 5, 0.1), (-1, 5, 0.1), (1, 5, 1.5)]:
        with pytest.raises(BadInput, match="expected 0 <= warmup < steps"):
            warmup_cosine(*bad)


def test_history_without_validation() -> None:
    with pytest.raises(LookupError, match="no record yet"):
        _ = History().best
    assert list(History().frame().columns) == ["step", "epoch", "loss", "rate"]
    records = (Record(1, 0, 2.0, 0.1), Record(2, 0, 1.0, 0.1), Record(3, 0, 3.0, 0.1))
    assert History(records).best.step == 2


def test_the_checkpoint_is_readable_by_safetensors_alone(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    x, y = data()
    model = network()
    trainer(model, checkpoints=tmp_path).fit(Batches(x, y, batch_size=8), epochs=1)
    (path,) = tmp_path.iterdir()
    assert torch.equal(load_file(path)["model.0.weight"], model[0].weight)  # type: ignore[index]
    assert Checkpoint.load(path).step == 7
