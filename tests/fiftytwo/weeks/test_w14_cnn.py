"""Week 14's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from fiftytwo import documents, judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.solution import Solution
from fiftytwo.weeks.w14_cnn import augmenting, experiments, shapes
from fiftytwo.weeks.w14_cnn.mistakes import mistakes
from mltoolkit.deep import cnn

WEEK = plan.load(14)
NAMES = WEEK.week.exercise.names


def lab_of(folder, replaced=None, profile="quick"):
    return Lab(WEEK.week, folder, Solution(WEEK.week, replaced=replaced), profile=profile)


def judged(lab, *, exercise_only=True):
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    lab = lab_of(tmp_path_factory.mktemp("run"))
    return judged(lab, exercise_only=False), lab


def test_the_reference_passes_every_check(reference):
    found, lab = reference
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 50
    assert {figure.name for figure in lab.ledger.figures} == {
        "Augmentations", "What each part adds", "Learning curves", "Where it stopped", "First-layer filters",
        "Confusion", "Worst errors",
    }  # fmt: skip
    assert {table.name for table in lab.ledger.tables} == {"Ablation", "Early stopping"}
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint


def test_the_document_is_rendered_from_the_evidence(reference):
    found, lab = reference
    template, _, facts = lab.pending_documents[0]
    assert documents.typed_numbers(WEEK.path / template) == []
    text = documents.render(
        WEEK.path / template,
        metrics=lab.ledger.metrics,
        tables=lab.ledger.tables,
        verdicts=[j.verdict for j in found.values()],
        data=lab.ledger.data,
        facts=facts,
    )
    assert text.count("**Do.**") == 3
    assert "its interval over seeds from" in text


def test_the_starter_fails_every_check(tmp_path):
    source = derive(Bench(WEEK.week, None).reference(), NAMES, 14)
    assert "_windows" not in source
    assert "ConvNet" not in source
    scope = {}
    exec(compile(source, "cnn.py", "exec"), scope)
    found = judged(lab_of(tmp_path, {name: scope[name] for name in NAMES}))
    assert {name: j.verdict.outcome for name, j in found.items() if j.verdict.outcome != "not attempted"} == {}


@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: lab_of(tmp_path, solution))


def test_every_name_has_its_mistake():
    assert {name for mistake in mistakes for name in mistake.solution} == set(NAMES)


# Other right answers: other ways, other draws, other names inside.


def by_unfolding(x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    if not isinstance(x, torch.Tensor):
        tensors = [None if one is None else torch.tensor(np.array(one)) for one in (x, weight, bias)]
        return by_unfolding(*tensors, stride=stride, padding=padding, dilation=dilation, groups=groups).numpy()
    empty = x[:0]
    cnn.conv2d(empty, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)  # its refusals
    return torch.nn.functional.conv2d(x, weight, bias, stride, padding, dilation, groups)


def by_amax(x, kernel_size, stride=None, padding=0):
    given = torch.tensor(np.array(x)) if isinstance(x, np.ndarray) else x
    cnn.max_pool2d(given[:0], kernel_size, stride, padding)
    kernel, steps, edges = (
        v if isinstance(v, tuple) else (v, v) for v in (kernel_size, stride or kernel_size, padding)
    )
    padded = torch.nn.functional.pad(given, (edges[1], edges[1], edges[0], edges[0]), value=float("-inf"))
    found = padded.unfold(2, kernel[0], steps[0]).unfold(3, kernel[1], steps[1]).amax((4, 5))
    return found.numpy() if isinstance(x, np.ndarray) else found


def by_soft_targets(logits, target, smoothing=0.1):
    cnn.label_smoothing_loss(logits.detach(), target, smoothing)
    wanted = torch.full_like(logits, smoothing / logits.shape[1])
    wanted[torch.arange(len(logits)), target] += 1 - smoothing
    return -(wanted * (logits - logits.logsumexp(1, keepdim=True))).sum() / len(logits)


def crop_by_loop(images, padding=4, *, generator=None):
    cnn.random_crop(images[:0], padding)
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    out = torch.empty_like(images)
    for i in range(len(images)):
        left = int(torch.randint(0, 2 * padding + 1, (1,), generator=generator))
        top = int(torch.randint(0, 2 * padding + 1, (1,), generator=generator))
        out[i] = padded[i, :, top : top + images.shape[2], left : left + images.shape[3]]
    return out


def flip_in_place(images, p=0.5, *, generator=None):
    cnn.random_flip(images[:0], p)
    out = images.clone()
    turned = torch.bernoulli(torch.full((len(images),), p), generator=generator).bool()
    out[turned] = out[turned].flip(-1)
    return out


def hole_the_other_way(images, size=8, *, generator=None):
    cnn.cutout(images[:0], size)
    out = images.clone()
    for one in out:
        height, width = one.shape[1:]
        down, across = (int(torch.randint(0, side, (1,), generator=generator)) for side in (height, width))
        top, left = down - (size - 1) // 2, across - (size - 1) // 2  # an even square leans the other way
        one[:, max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = 0
    return out


class OtherStop:
    def __init__(self, monitor="loss", mode="min", patience=5, min_delta=0.0, restore_best=True):
        cnn.EarlyStopping(monitor, mode, patience, min_delta, restore_best)
        self.monitor, self.sign, self.patience, self.delta = monitor, 1 if mode == "min" else -1, patience, min_delta
        self.keep, self.best, self.best_step, self.bad, self.n, self.saved = restore_best, None, None, 0, 0, None

    def update(self, value, model):
        if abs(value) < float("inf") and (self.best is None or self.sign * (self.best - value) > self.delta):
            self.best, self.best_step, self.bad = value, self.n, 0
            if self.keep:
                self.saved = {k: v.detach().clone() for k, v in model.state_dict().items()}
        else:
            self.bad += 1
        self.n += 1
        return self.bad >= self.patience

    def restore(self, model):
        if self.saved is not None:
            model.load_state_dict(self.saved)
        return self.saved is not None

    def state_dict(self):
        return {"everything": (self.best, self.best_step, self.bad, self.n, self.saved)}

    def load_state_dict(self, state):
        if "everything" not in state:
            raise ValueError("everything is missing from the state")
        self.best, self.best_step, self.bad, self.n, self.saved = state["everything"]


def test_other_right_answers_pass(tmp_path):
    others = (by_unfolding, by_amax, by_soft_targets, crop_by_loop, flip_in_place, hole_the_other_way, OtherStop)
    lab = lab_of(tmp_path, dict(zip(NAMES, others, strict=True)))
    built = SimpleNamespace()  # nothing is built: the parts alone are judged
    found = [j.verdict for j in judge.assess(WEEK, lab, built, exercise_only=True)]
    failed = {v.name: v.message for v in found if v.outcome != "passed" and "SimpleNamespace" not in v.message}
    assert failed == {}
    assert sum(v.outcome == "passed" for v in found) >= 45


def test_shapes_are_balanced_and_the_same_for_the_same_seed():
    images, labels = shapes.draw(np.random.default_rng(1), 205)
    again, _ = shapes.draw(np.random.default_rng(1), 205)
    assert images.shape == (205, 32, 32, 3)
    assert images.dtype == np.uint8
    assert (images == again).all()
    counts = np.bincount(labels, minlength=len(shapes.KINDS))
    assert counts.max() - counts.min() <= 1
    assert set(shapes.KINDS) == {"disc", "ring", "square", "box", "peak", "funnel", "plus", "cross", "star", "moon"}


def test_every_kind_of_shape_fits_its_frame_and_differs_from_the_others():
    grid = (np.arange(64) + 0.5) / 32.0 - 1.0
    inside = {
        name: kind(grid[None, None, :] * 1.5, grid[None, :, None] * 1.5) < 0 for name, kind in shapes.KINDS.items()
    }
    for name, one in inside.items():
        assert 0.08 < one.mean() < 0.4, name
        assert one.sum() == one[0, 1:-1, 1:-1].sum(), name  # nothing touches the frame
    names = list(inside)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            assert (inside[first] ^ inside[second]).mean() > 0.03, (first, second)


@pytest.mark.parametrize("size", [1, 3, 4, 20])
def test_the_oracle_of_holes_takes_squares_and_nothing_else(size):
    images = augmenting.numbered(60)
    found = cnn.cutout(images, size, generator=torch.Generator().manual_seed(size))
    assert augmenting.holes(found, images, size)[0].all()
    found[:, 0, 0, 0] = 0.0
    found[:, :, -1, -1] = 0.0
    assert not augmenting.holes(found, images, size)[0].all() or size == 20


def test_paired_intervals_are_students():
    import scipy.stats

    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(6), rng.standard_normal(6)
    found = experiments.paired(a, b)
    known = scipy.stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((known.low, known.high))
    assert found.mean == pytest.approx(float(np.mean(a - b)))


@pytest.mark.usefixtures("shared_data")
def test_the_subset_is_cut_without_touching_the_test_part(tmp_path):
    from fiftytwo.weeks.w14_cnn.pictures import pictures

    lab = lab_of(tmp_path, profile="full")
    cut = pictures(lab)
    assert {part: len(labels) for part, (_, labels) in cut.parts.items()} == {
        "training": 9000, "validation": 1000, "test": 2000
    }  # fmt: skip
    data = lab.data("cifar10-subset")
    assert (cut.parts["test"][0] == data.images[data.train :]).all()
    seen = {image.tobytes() for image in cut.parts["training"][0]}
    assert not any(image.tobytes() in seen for image in cut.parts["validation"][0][:200])
