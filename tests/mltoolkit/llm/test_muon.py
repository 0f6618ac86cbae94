"""Muon beside PyTorch's, and its orthogonal steps beside a singular value decomposition."""

import copy

import pytest

torch = pytest.importorskip("torch", reason="needs the extra llm")

from hypothesis import given  # noqa: E402 - needs torch
from hypothesis import strategies as st  # noqa: E402

from mltoolkit.errors import BadInput  # noqa: E402
from mltoolkit.llm.muon import Muon, orthogonalized  # noqa: E402


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 50))
def test_singular_values_end_near_one_and_vectors_stay(n, m, seed):
    matrix = normal(seed, n, m)
    u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
    turned = u.T @ orthogonalized(matrix) @ vt.T
    large = s > 0.02 * s.norm()
    assert ((turned.diagonal() > 0.6) & (turned.diagonal() < 1.3))[large].all()
    assert (turned - torch.diag(turned.diagonal())).abs().max() < 1e-3


def test_matrices_in_a_stack_are_those_alone_and_zero_stays_zero():
    stack = normal(1, 3, 5, 4)
    for one, alone in zip(orthogonalized(stack), stack, strict=True):
        torch.testing.assert_close(one, orthogonalized(alone))
    assert torch.equal(orthogonalized(torch.zeros(2, 3)), torch.zeros(2, 3))


def net():
    with torch.random.fork_rng([]):
        torch.manual_seed(4)
        return torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 8), torch.nn.Linear(8, 3))


def trained(model, optimizers, steps=6):
    x, y = normal(2, 16, 6), normal(3, 16, 3)
    for _ in range(steps):
        loss = (model(x) - y).square().mean()
        model.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this PyTorch has no Muon")
@pytest.mark.parametrize("shape", [(8, 6), (8, 8), (3, 8)])
def test_matrices_move_as_by_pytorchs_muon(shape):
    mine, theirs = (torch.nn.Parameter(normal(1, *shape)) for _ in range(2))
    ours = Muon([mine], lr=0.02, weight_decay=0.1)
    peer = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for step in range(3):
        before = mine.detach().clone()
        mine.grad, theirs.grad = normal(step + 2, *shape), normal(step + 2, *shape)
        ours.step()
        peer.step()
    # PyTorch orthogonalizes in bfloat16, so each step agrees to about one part in a hundred only.
    assert float((mine - theirs).detach().norm() / (mine - before).detach().norm()) < 0.08


def test_vectors_move_as_by_adamw():
    mine, theirs = (torch.nn.Parameter(normal(1, 5)) for _ in range(2))
    ours = Muon([torch.nn.Parameter(normal(2, 2, 2))], [mine], adam_lr=0.01)
    peer = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.95), weight_decay=0.0)
    for step in range(4):
        mine.grad, theirs.grad = normal(step, 5), normal(step, 5)
        ours.step()
        peer.step()
    torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=0)


def test_state_comes_back_to_the_bit():
    first, second = net(), net()

    def over(model):
        return Muon([p for p in model.parameters() if p.ndim == 2], [p for p in model.parameters() if p.ndim < 2])

    one = over(first)
    trained(first, [one], 3)
    second.load_state_dict(first.state_dict())
    two = over(second)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    for a, b in zip(trained(first, [one], 3), trained(second, [two], 3), strict=True):
        assert torch.equal(a, b)


def test_parameters_without_a_gradient_stay_and_a_closure_is_called():
    moved, idle = torch.nn.Parameter(normal(1, 2, 3)), torch.nn.Parameter(normal(2, 2, 3))
    kept = idle.detach().clone()
    optimizer = Muon([moved, idle])

    def closure():
        optimizer.zero_grad()
        loss = moved.square().sum()
        loss.backward()
        return float(loss.detach())

    assert optimizer.step(closure) > 0
    assert torch.equal(idle, kept)


def test_all_faults_are_named_at_once():
    with pytest.raises(BadInput) as refused:
        Muon([torch.nn.Parameter(torch.zeros(3))], lr=0, momentum=1.0, betas=(0.9, -1), weight_decay=-1)
    for words in ("lr is above 0", "momentum", r"betas[1]", "shape (3,)", "weight_decay"):
        assert words in str(refused.value)
