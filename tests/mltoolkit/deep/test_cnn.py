"""Layers, loss, augmentations and early stop: held against PyTorch, per-picture loops, and every awkward input."""

import copy
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from mltoolkit.deep import (  # noqa: E402
    ConvNet,
    EarlyStopping,
    conv2d,
    cutout,
    label_smoothing_loss,
    max_pool2d,
    random_crop,
    random_flip,
)
from mltoolkit.errors import BadInput  # noqa: E402

NAN = float("nan")


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def gradients(function, *tensors):
    given = [tensor.clone().requires_grad_() for tensor in tensors]
    result = function(*given)
    (result * normal(*result.shape, seed=9)).sum().backward()
    return [result.detach(), *(one.grad for one in given)]


@st.composite
def convolutions(draw):
    groups = draw(st.integers(1, 3))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 4)))
    options = {
        "stride": draw(st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))),
        "padding": draw(st.one_of(st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(0, 3)))),
        "dilation": draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
        "groups": groups,
    }
    sides = [draw(st.integers(d * (k - 1) + 1, d * (k - 1) + 5))
             for k, d in zip(kernel, options["dilation"], strict=True)]  # fmt: skip
    inputs, outputs = draw(st.integers(1, 2)), groups * draw(st.integers(1, 3))
    return (draw(st.integers(0, 3)), groups * inputs, *sides), (outputs, inputs, *kernel), options


@settings(max_examples=60, deadline=None)
@given(convolutions(), st.booleans())
def test_convolutions_and_their_gradients_are_pytorchs(case, with_bias):
    shape, filters, options = case
    tensors = [normal(*shape), normal(*filters, seed=1)] + ([normal(filters[0], seed=2)] if with_bias else [])
    ours = gradients(lambda *t: conv2d(*t, **options), *tensors)
    theirs = gradients(lambda *t: F.conv2d(*t, **options), *tensors)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(4, 9), st.integers(4, 9)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.one_of(st.none(), st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3))),
    st.booleans(),
)
def test_pooling_and_its_gradient_are_pytorchs(shape, kernel, stride, padded):
    padding = tuple(k // 2 for k in kernel) if padded else 0
    x = normal(*shape) - 3.0
    ours = gradients(lambda t: max_pool2d(t, kernel, stride, padding), x)
    theirs = gradients(lambda t: F.max_pool2d(t, kernel, stride, padding), x)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_equal_maxima_give_the_gradient_to_the_first():
    x = torch.ones(1, 1, 4, 4, dtype=torch.float64)
    assert torch.equal(gradients(lambda t: max_pool2d(t, 2), x)[1], gradients(lambda t: F.max_pool2d(t, 2), x)[1])


def test_second_derivatives_exist():
    x, weight = normal(1, 2, 4, 4).requires_grad_(), normal(2, 2, 2, 2, seed=1).requires_grad_()
    assert torch.autograd.gradgradcheck(conv2d, (x, weight))


@pytest.mark.parametrize("value", [NAN, math.inf, -math.inf, 1e300])
def test_extreme_values_pass_as_in_pytorch(value):
    x, weight = normal(1, 1, 4, 4), normal(1, 1, 2, 2, seed=1)
    x[0, 0, 1, 1] = value
    torch.testing.assert_close(conv2d(x, weight), F.conv2d(x, weight), equal_nan=True)
    torch.testing.assert_close(max_pool2d(x, 2), F.max_pool2d(x, 2), equal_nan=True)


@pytest.mark.parametrize("layout", ["transposed", "channels_last", "sliced", "expanded"])
def test_any_layout_of_memory(layout):
    x = normal(2, 3, 6, 8)
    x = {
        "transposed": lambda: x.transpose(2, 3),
        "channels_last": lambda: x.contiguous(memory_format=torch.channels_last),
        "sliced": lambda: x[:, :, ::2, 1::2],
        "expanded": lambda: x[:1].expand(4, -1, -1, -1),
    }[layout]()
    weight = normal(2, 3, 2, 2, seed=1).transpose(2, 3)
    torch.testing.assert_close(conv2d(x, weight, padding=1), F.conv2d(x, weight, padding=1))
    torch.testing.assert_close(max_pool2d(x, 2), F.max_pool2d(x, 2))


def test_arrays_come_back_as_arrays():
    x, weight = normal(2, 3, 6, 5).numpy(), normal(2, 3, 3, 3, seed=1).numpy()
    x.setflags(write=False)
    for array in (x, x[:, :, ::-1], np.asfortranarray(x)):
        found = conv2d(array, weight, np.ones(2))
        assert isinstance(found, np.ndarray)
        expected = F.conv2d(torch.tensor(array.copy()), torch.tensor(weight), torch.ones(2, dtype=torch.float64))
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-12)
    assert isinstance(max_pool2d(x, 2), np.ndarray)
    assert conv2d(x.astype(np.float32), weight.astype(np.float32)).dtype == np.float32


def test_all_faults_of_a_convolution_are_told_at_once():
    x = torch.zeros(1, 2, 5, 5)
    with pytest.raises(BadInput, match=r"conv2d: stride=0 .*; padding=-1 .*; dilation=1.5 .*; bias: .*\(3,\)"):
        conv2d(x, torch.zeros(3, 2, 3, 3), torch.zeros(2), stride=0, padding=-1, dilation=1.5)
    with pytest.raises(BadInput, match=r"stride=\(1, 2, 3\) is neither a whole number of at least 1 nor a pair"):
        conv2d(x, torch.zeros(3, 2, 3, 3), stride=(1, 2, 3))
    with pytest.raises(BadInput, match="groups=True is not a whole number"):
        conv2d(x, torch.zeros(3, 2, 3, 3), groups=True)
    with pytest.raises(BadInput, match=r"groups=1: x has 2 channels, weight 3 filters for 4 channels each"):
        conv2d(x, torch.zeros(3, 4, 3, 3))
    with pytest.raises(BadInput, match=r"multiple of 2 filters"):
        conv2d(x, torch.zeros(3, 1, 3, 3), groups=2)
    with pytest.raises(BadInput, match=r"window of 7 × 3 does not fit into padded images of 5 × 7"):
        conv2d(x, torch.zeros(3, 2, 7, 3), padding=(0, 1))
    with pytest.raises(BadInput, match=r"got torch.uint8 of shape \(1, 2, 5, 5\)"):
        conv2d(x.byte(), torch.zeros(3, 2, 3, 3))
    with pytest.raises(BadInput, match=r"x is torch.float32, weight torch.float64; expected one dtype"):
        conv2d(x, torch.zeros(3, 2, 3, 3).double())
    with pytest.raises(BadInput, match=r"weight: expected shape \(O, C / groups, kh, kw\), none of them 0"):
        conv2d(x, torch.zeros(0, 2, 3, 3))


def test_all_faults_of_a_pooling_are_told_at_once():
    with pytest.raises(BadInput, match=r"max_pool2d: kernel_size=0 .*; stride=0 .*; padding=-1 .*; x: expected"):
        max_pool2d(torch.zeros(5, 5), 0, 0, -1)
    with pytest.raises(BadInput, match="padding=2 is more than half of kernel_size=3"):
        max_pool2d(torch.zeros(1, 1, 5, 5), 3, padding=2)
    with pytest.raises(BadInput, match="does not fit"):
        max_pool2d(torch.zeros(1, 1, 5, 5), 6)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(1, 6), st.floats(0, 1), st.floats(0.1, 1000))
def test_smoothing_and_its_gradient_are_pytorchs(n, classes, share, scale):
    logits = scale * normal(n, classes)
    target = torch.randint(classes, (n,), generator=torch.Generator().manual_seed(n))
    ours = gradients(lambda t: label_smoothing_loss(t, target, share), logits)
    theirs = gradients(lambda t: F.cross_entropy(t, target, label_smoothing=share), logits)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_the_loss_takes_other_whole_numbers_and_half_precision():
    logits = normal(4, 3).bfloat16()
    target = torch.tensor([0, 2, 1, 1], dtype=torch.uint8)
    assert label_smoothing_loss(logits, target).item() == pytest.approx(
        F.cross_entropy(logits.float(), target.long(), label_smoothing=0.1).item(), rel=0.02
    )


@pytest.mark.parametrize(
    ("logits", "target", "share", "message"),
    [
        (torch.zeros(2, 3), torch.tensor([0, 3]), 0.1, "target: expected classes 0 to 2, got 0 to 3"),
        (torch.zeros(2, 3), torch.tensor([-1, 0]), 0.1, "got -1 to 0"),
        (torch.zeros(2, 3), torch.tensor([0.0, 1.0]), 0.1, "target: expected 2 whole numbers"),
        (torch.zeros(2, 3), torch.tensor([True, False]), 0.1, "got torch.bool"),
        (torch.zeros(2, 3), torch.tensor([0]), -0.1, r"target: .*; smoothing=-0.1 is not a number from 0 to 1"),
        (torch.zeros(2, 3), torch.tensor([0, 1]), NAN, "smoothing=nan"),
        (torch.zeros(2, 3), torch.tensor([0, 1]), None, "smoothing=None"),
        (torch.zeros(0, 3), torch.zeros(0, dtype=torch.long), 0.1, r"logits: expected floating point of shape"),
        (torch.zeros(2, 3, 4), torch.tensor([0, 1]), 0.1, "logits: expected"),
        (torch.zeros(2, 3, dtype=torch.long), torch.tensor([0, 1]), 0.1, "logits: expected"),
    ],
)
def test_the_loss_refuses_what_does_not_fit(logits, target, share, message):
    with pytest.raises(BadInput, match=message):
        label_smoothing_loss(logits, target, share)


def pictures(count=40, dtype=torch.float32):
    return (torch.arange(1, 3 * 7 * 5 + 1).reshape(1, 3, 7, 5) + torch.arange(count)[:, None, None, None]).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.bfloat16])
def test_a_batch_is_augmented_as_a_loop_with_the_same_draws_would(dtype):
    images = pictures(dtype=dtype)
    for seed in range(3):
        corner = torch.randint(7, (len(images), 2), generator=torch.Generator().manual_seed(seed))
        padded = F.pad(images, (3, 3, 3, 3))
        crops = [one[:, r : r + 7, c : c + 5] for one, (r, c) in zip(padded, corner.tolist(), strict=True)]
        found = random_crop(images, 3, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(found, torch.stack(crops))
        assert found.dtype == dtype

        turned = torch.rand(len(images), generator=torch.Generator().manual_seed(seed)) < 0.3
        flips = [one.flip(2) if turn else one for one, turn in zip(images, turned, strict=True)]
        assert torch.equal(random_flip(images, 0.3, generator=torch.Generator().manual_seed(seed)), torch.stack(flips))

        for size in (1, 2, 3, 4, 20):
            draws = torch.rand(len(images), 2, generator=torch.Generator().manual_seed(seed))
            cut = images.clone()
            for one, (down, across) in zip(cut, draws.tolist(), strict=True):
                top, left = int(down * 7) - size // 2, int(across * 5) - size // 2
                one[:, max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = 0
            assert torch.equal(cutout(images, size, generator=torch.Generator().manual_seed(seed)), cut)


def test_augmentations_leave_their_input_and_other_generators_alone():
    images, state = pictures(), torch.get_rng_state()
    before = images.clone()
    for part in (random_crop, random_flip, cutout):
        generator = torch.Generator().manual_seed(1)
        first, second = part(images, generator=generator), part(images, generator=generator)
        assert not torch.equal(first, second)  # the generator moves on
        first.zero_()
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_without_a_generator_torchs_own_is_used():
    with torch.random.fork_rng():
        results = []
        for _ in range(2):
            torch.manual_seed(3)
            results.append(random_crop(pictures()))
        assert torch.equal(*results)


def test_nothing_and_one_picture_go_through():
    images = pictures(1)
    for some in (images, images[:0], images[:, :0]):
        assert random_crop(some, 0).shape == some.shape
        assert torch.equal(random_flip(some, 0.0), some)
        assert torch.equal(random_flip(some, 1.0), some.flip(3))
        assert torch.equal(cutout(some, 0), some)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_crop(torch.zeros(3, 8, 8), -1), r"random_crop: images: .*images\[None\]; padding=-1"),
        (lambda: random_crop(torch.zeros(1, 3, 8, 8), 1.0), "padding=1.0 is not a whole number of at least 0"),
        (lambda: random_flip(torch.zeros(3, 8, 8), 2), r"random_flip: images: .*; p=2 is not a number from 0 to 1"),
        (lambda: random_flip(torch.zeros(1, 3, 8, 8), "0.5"), "p='0.5'"),
        (lambda: cutout(torch.zeros(8, 8), True), r"cutout: images: .*; size=True"),
    ],
)
def test_augmentations_refuse_what_cannot_be(call, message):
    with pytest.raises(BadInput, match=message):
        call()


def watched(value):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    fill(model, value)
    return model


def fill(model, value):
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.fill_(value)


def held(model):
    return {float(value) for tensor in model.state_dict().values() for value in tensor.flatten()}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, NAN, math.inf]), min_size=1, max_size=12),
    st.sampled_from(["min", "max"]),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.25]),
    st.integers(0, 12),
)
def test_an_early_stop_is_its_definition_and_survives_a_handover(figures, mode, patience, delta, handover):
    options = {"mode": mode, "patience": patience, "min_delta": delta}
    stopping, model = EarlyStopping(**options), watched(0.0)
    best, best_step, waited = None, None, 0
    for step, figure in enumerate(figures):
        if step == handover:
            state = copy.deepcopy(stopping.state_dict())
            stopping = EarlyStopping(**options)
            stopping.load_state_dict(state)
        finite = math.isfinite(figure)
        gain = math.inf if best is None else (best - figure if mode == "min" else figure - best)
        better = finite and gain > delta
        best, best_step, waited = (figure, step, 0) if better else (best, best_step, waited + 1)
        fill(model, float(step))
        assert stopping.update(figure, model) == (waited >= patience)
        assert (stopping.best, stopping.best_step, stopping.waited, stopping.step) == (
            best,
            best_step,
            waited,
            step + 1,
        )
    fill(model, 99.0)
    assert stopping.restore(model) == (best_step is not None)
    assert held(model) == {99.0 if best_step is None else float(best_step)}
    fill(model, 98.0)
    stopping.restore(model)  # what is kept belongs to the early stop, not to the model
    assert held(model) == {98.0 if best_step is None else float(best_step)}


def test_without_restore_best_no_weights_are_kept():
    stopping, model = EarlyStopping(restore_best=False), watched(1.0)
    stopping.update(torch.tensor(0.5), model)
    fill(model, 2.0)
    assert stopping.state_dict()["weights"] is None
    assert not stopping.restore(model)
    assert held(model) == {2.0}


def test_the_state_goes_through_a_file(tmp_path):
    stopping = EarlyStopping(patience=2)
    stopping.update(0.5, watched(3.0))
    torch.save(stopping.state_dict(), tmp_path / "state.pt")
    again, model = EarlyStopping(patience=2), watched(0.0)
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    again.restore(model)
    assert held(model) == {3.0}
    with pytest.raises(BadInput, match="best_step is missing from the state; weights is missing"):
        again.load_state_dict({"best": 1.0, "step": 1, "waited": 0})


def test_all_faults_of_an_early_stop_are_told_at_once():
    with pytest.raises(BadInput, match=r"mode='low' .*; patience=0 .*; min_delta=-1 "):
        EarlyStopping(mode="low", patience=0, min_delta=-1)
    for wrong in ({"patience": True}, {"patience": 1.5}, {"min_delta": NAN}, {"min_delta": math.inf}):
        with pytest.raises(BadInput, match=next(iter(wrong))):
            EarlyStopping(**wrong)


@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize(("width", "stem_stride", "side"), [(4, 1, 32), (8, 2, 17), (3, 1, 8)])
def test_the_network_gives_a_score_a_class_and_every_weight_a_gradient(norm, width, stem_stride, side):
    model = ConvNet(width, 7, channels=2, stem_stride=stem_stride, norm=norm)
    scores = model(normal(3, 2, side, side, dtype=torch.float32))
    assert scores.shape == (3, 7)
    label_smoothing_loss(scores, torch.tensor([0, 3, 6])).backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def test_width_sets_capacity_and_group_norm_does_not_know_the_batch():
    sizes = [sum(p.numel() for p in ConvNet(width).parameters()) for width in (8, 16)]
    assert 3.5 < sizes[1] / sizes[0] < 4.0
    x = normal(4, 3, 32, 32, dtype=torch.float32)
    grouped = ConvNet(8, norm="group")
    torch.testing.assert_close(grouped(x)[:1], grouped(x[:1]), rtol=1e-4, atol=1e-5)


def test_the_network_refuses_what_cannot_be():
    with pytest.raises(BadInput, match=r"width=0 .*; classes=1.5 .*; channels=True .*; norm='layer'"):
        ConvNet(0, 1.5, channels=True, norm="layer")
    with pytest.raises(BadInput, match=r"sides of at least 16, got \(1, 3, 12, 12\)"):
        ConvNet(4, stem_stride=2)(torch.zeros(1, 3, 12, 12))
    with pytest.raises(BadInput, match=r"ConvNet: stem_stride=0"):
        ConvNet(4, stem_stride=0)
