"""Learner code of every kind of malice and accident, seen from the judge's side."""

import os
import socket
import threading
import time

import numpy as np
import psutil
import pytest

from fiftytwo import processes
from fiftytwo.measure import difference, refusal
from fiftytwo.sandbox import child, codec
from fiftytwo.sandbox.remote import LearnerError, Remote, Sandbox, SandboxEnded, _pickled

GOOD = """
import numpy as np

class Mean:
    made = 0

    def __init__(self, *, shift=0.0):
        self.shift = shift

    def fit(self, X):
        X = np.asarray(X, dtype=float)
        if X.size == 0:
            raise ValueError("X is empty")
        self.mean_ = X.mean(axis=0) + self.shift
        return self

    def steps(self, n):
        yield from range(n)

    def nothing(self):
        pass

class Bag:
    def __len__(self):
        return 3
    def __getitem__(self, key):
        return key * 2

def bag():
    return Bag()
"""


@pytest.fixture
def load(tmp_path):
    opened = []

    def load(source, names=("Mean",), **settings):
        file = tmp_path / "answer.py"
        file.write_text(source, encoding="utf-8")
        given = {
            "reference": "w01_sample.reference",
            "seconds": 5.0,
            "memory_bytes": 2 * 2**30,
            "processes": 0,
            **settings,
        }
        opened.append(Sandbox(file, names, **given))
        return opened[-1]

    yield load
    for sandbox in opened:
        sandbox.close()
    assert not processes.descendants(os.getpid())


def in_fit(line, head=""):
    return f"{head}\nclass Mean:\n    def fit(self, X):\n{line}\n        return self\n"


def test_calls_attributes_and_items_travel(load):
    sandbox = load(GOOD, ("Mean", "bag"))
    model = sandbox.get("Mean")(shift=1.0)
    assert model.fit(np.eye(2)) == model
    np.testing.assert_array_equal(model.mean_, [1.5, 1.5])
    assert list(model.steps(3)) == [0, 1, 2]
    model.shift = 2.0
    assert model.fit(np.eye(2)).mean_.tolist() == [2.5, 2.5]
    assert model.nothing() is None
    bag = sandbox.get("bag")()
    assert (len(bag), bag[4]) == (3, 8)
    assert repr(bag) == "<Bag in the learner's process>"
    assert sandbox.apply(lambda module, n: module.Mean().fit(np.ones((n, 1))).mean_[0], 3) == 1.0


def test_a_handle_given_back_is_the_same_object_over_there(load):
    sandbox = load(GOOD, ("Mean", "bag"))
    bag = sandbox.get("bag")()
    assert sandbox.apply(lambda module, thing: type(thing) is module.Bag, bag) is True


def test_an_exception_keeps_its_builtin_type_message_and_line(load):
    model = load(GOOD).get("Mean")()
    with pytest.raises(ValueError, match="X is empty") as caught:
        model.fit([])
    assert isinstance(caught.value, LearnerError)
    assert caught.value.frame == 'answer.py, line 13, in fit: raise ValueError("X is empty")'
    assert refusal(lambda: model.fit([]), call="", mentions=("empty",)).value == 1.0


def test_an_object_that_equals_everything_meets_the_type_gate(load):
    source = "class Same:\n    def __eq__(self, other): return True\n" + in_fit("        self.mean_ = Same()")
    got = load(source).get("Mean")().fit([1.0]).mean_
    assert isinstance(got, Remote)
    assert difference(got, np.zeros(2), call="").gate == "expected an array of shape (2,), got an object of type Same"
    with pytest.raises(TypeError, match="object of type Same"):
        np.asarray(got)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (in_fit("        import sys; sys.exit(0)"), "your code called sys.exit(0)"),
        (in_fit("        import os; os._exit(0)"), "your code ended its own process (exit status 0)"),
        (in_fit("        import os; os.kill(os.getpid(), 11)"), "your code was ended by SIGSEGV"),
        (in_fit("        import nowhere_to_be_found"), "No module named 'nowhere_to_be_found'"),
        (in_fit("        import numpy; numpy.ones(10**11)"), "Unable to allocate"),
        (in_fit("        raise NotImplementedError('week 1: write Mean.fit')"), "week 1: write Mean.fit"),
        (in_fit("        for _ in range(10**6): print('all checks passed')"), "your code printed more than 256 KiB"),
        (in_fit("        while True: __import__('os').fork()"), "may start no process"),
        (in_fit("        import subprocess; subprocess.Popen(['sleep', '60'])"), "may start no process"),
        (in_fit("        import os; os.closerange(3, 100)"), "your code"),
        (in_fit("        self.fit(X)"), "maximum recursion depth"),
    ],
)  # fmt: skip
def test_each_misdeed_has_one_clear_line(load, source, message):
    started = time.monotonic()
    with pytest.raises(LearnerError) as caught:
        load(source).get("Mean")().fit([1.0])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("source", "message", "frame"),
    [
        ("class Mean(:\n", "invalid syntax", "answer.py, line 1: class Mean(:"),
        ("import nowhere\n", "No module named 'nowhere'", "answer.py, line 1: import nowhere"),
        ("x = 1\n", "answer.py defines no Mean; the checks look for this name", ""),
        ("raise SystemExit(0)\n", "your code called sys.exit(0)", "answer.py, line 1: raise SystemExit(0)"),
        ("class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd\n", "cannot be read: ValueError",
         "answer.py, line 3: raise Odd"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_loaded_says_why(load, source, message, frame):
    with pytest.raises(LearnerError) as caught:
        load(source)
    assert message in str(caught.value)
    assert caught.value.frame == frame


@pytest.mark.parametrize("source", [
    "from w01_sample.reference import Scaler as Mean",
    "import w01_sample.reference as r\nclass Mean(r.Scaler): pass",
    "from collections import OrderedDict as Mean",
])  # fmt: skip
def test_an_answer_that_is_somebody_elses_is_no_attempt(load, source, monkeypatch, samples):
    monkeypatch.setenv("PYTHONPATH", str(samples))
    with pytest.raises(NotImplementedError, match="write your own"):
        load(source)


def test_a_loop_without_end_is_stopped_and_its_line_named(load):
    model = load(in_fit("        while True:\n            X = X"), seconds=1.0).get("Mean")()
    with pytest.raises(SandboxEnded, match="still running after 1 s") as caught:
        model.fit([1.0])
    assert caught.value.frame.startswith("answer.py, line 4, in fit") or "line 5" in caught.value.frame
    with pytest.raises(SandboxEnded, match="still running after 1 s"):
        model.fit([1.0])


def test_a_fork_bomb_ends_where_processes_are_allowed(load):
    bomb = "        import os\n        while True: os.fork()"
    model = load(in_fit(bomb), processes=8, seconds=20.0).get("Mean")()
    with pytest.raises(SandboxEnded, match=r"your code started .* processes; the limit is"):
        model.fit([1.0])


def test_daemons_are_ended_with_the_sandbox(load):
    daemon = (
        "        import os, time\n"
        "        if os.fork() == 0:\n"
        "            os.setsid()\n"
        "            if os.fork() == 0: time.sleep(60)\n"
        "            os._exit(0)\n"
        "        os.wait()"
    )
    sandbox = load(in_fit(daemon), processes=8)
    sandbox.get("Mean")().fit([1.0])
    assert len(processes.descendants(os.getpid())) == 2
    sandbox.close()
    assert not processes.descendants(os.getpid())


def test_patching_our_modules_changes_nothing_here(load):
    source = GOOD + "\nimport numpy, fiftytwo.measure\nnumpy.abs = lambda x: 0.0\nfiftytwo.measure.difference = None\n"
    got = load(source).get("Mean")().fit(np.eye(2)).mean_
    assert difference(got, np.zeros(2), call="").value == 0.5


def test_an_answer_written_past_the_protocol_is_refused(load):
    noise = (
        "        import os\n"
        "        for fd in range(3, 64):\n"
        "            try: os.write(fd, b'passed' * 100)\n"
        "            except OSError: pass"
    )
    with pytest.raises(LearnerError, match="cannot be read"):
        load(in_fit(noise)).get("Mean")().fit([1.0])


def test_what_was_printed_is_kept(load):
    sandbox = load(in_fit("        print('hello', flush=True)"))
    sandbox.get("Mean")().fit([1.0])
    sandbox.close()
    assert sandbox.output == "hello\n"


def test_the_file_size_is_limited(load):
    source = in_fit("        with open('big', 'wb') as f:\n            for _ in range(600): f.write(bytes(10**6))")
    with pytest.raises(LearnerError, match="File too large"):
        load(source).get("Mean")().fit([1.0])


def test_the_servers_side_answers_over_a_socket(tmp_path):
    """The same server in this process, where coverage sees it."""
    (tmp_path / "here.py").write_text(GOOD, encoding="utf-8")
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=child.Server(theirs).serve)
    thread.start()

    def ask(**request):
        codec.send(ours, _pickled({"freed": [], **request}))
        return codec.decode(codec.receive(ours), lambda description: description)

    ours.settimeout(10)
    assert ask(do="load", file=str(tmp_path / "here.py"), forbidden="nowhere", names=["Mean"]) == {"value": None}
    assert ask(do="get", target=None, name="Mean")["value"]["type"] == "type"
    assert ask(do="apply", function=len, args=())["error"]["types"][0] == "TypeError"
    assert ask(do="apply", function=lambda module: module.Bag()[2], args=()) == {"value": 4}
    error = ask(do="load", file=str(tmp_path / "here.py"), forbidden="nowhere", names=["Nope"])["error"]
    assert error["text"] == "here.py defines no Nope; the checks look for this name"
    ours.close()
    thread.join(5)
    theirs.close()
    assert not thread.is_alive()


def test_nothing_of_ours_is_left(load):
    load(GOOD).close()
    assert [p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE] == []
