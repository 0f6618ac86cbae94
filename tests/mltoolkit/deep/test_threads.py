"""The number of threads holds for a while, and is what it was afterwards, whatever happened."""

import doctest

import pytest
import torch

from mltoolkit.deep import threads, torch_threads
from mltoolkit.errors import BadInput


def test_the_number_holds_within_and_comes_back_after_an_error_too():
    before = torch.get_num_threads()
    seen = []

    def fails():
        with torch_threads(3), torch_threads(0):
            seen.append(torch.get_num_threads())
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert seen == [3]
    assert torch.get_num_threads() == before


def test_a_negative_number_is_refused_and_changes_nothing():
    before = torch.get_num_threads()
    with pytest.raises(BadInput, match="count=-1 is negative"), torch_threads(-1):
        pass
    assert torch.get_num_threads() == before


def test_the_example_runs():
    assert doctest.testmod(threads).failed == 0
