"""What a run leaves for the learner when a check fails."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from fiftytwo.measure import difference
from fiftytwo.plan import Exercise
from fiftytwo.worker import Session


def test_a_failing_input_is_replayed_as_what_it_was(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'fiftytwo[deep]'")
    kinds = (
        "    return [type(value).__name__ for value in (x, rows, times)], float(x.sum()) + float(rows.sum()) * times\n"
    )
    (tmp_path / "kinds.py").write_text("def seen(x, rows, times):\n" + kinds, encoding="utf-8")
    inputs = {"x": torch.tensor([1.0, 2.5]), "rows": np.array([3, 4]), "times": 2}
    failure = difference(np.zeros(2), np.ones(2), call="seen(x, rows, times)", inputs=inputs)
    session = SimpleNamespace(week=SimpleNamespace(week=SimpleNamespace(exercise=Exercise("any.kinds", ("seen",)))),
                              folder=tmp_path)  # fmt: skip
    script = tmp_path / Session._save_counterexample(session, failure)
    shown = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert shown.stdout == "(['Tensor', 'ndarray', 'int'], 17.5)\n"
