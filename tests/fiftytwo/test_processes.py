"""Limits, the watch and the kill, on real processes."""

import os
import subprocess
import sys
import time

import pytest

from fiftytwo import processes
from fiftytwo.processes import MARKER, Limits, Watch


def start(code, **options):
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True, **options)


def watched(code, limits):
    reasons = []
    process = start(code)
    with Watch(process.pid, limits, lambda why: (reasons.append(why), processes.end(process))) as watch:
        process.wait(30)
    processes.end(process)
    return reasons, watch.peak_bytes


ENOUGH = 4 * 2**30


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        ("import time; time.sleep(60)", Limits(0.3, ENOUGH, 9), "still running after 0.3 s, its time limit"),
        ("x = bytearray(10**9); import time; time.sleep(60)", Limits(60, 2**28, 9), "of memory; the limit is 0.2 GiB"),
        (
            "import subprocess as s; [s.Popen(['sleep', '60']) for _ in range(9)]; s.os.wait()",
            Limits(60, ENOUGH, 4),
            "the limit is 4",
        ),
    ],
)
def test_the_watch_stops_what_passes_a_limit(code, limits, reason):
    reasons, _ = watched(code, limits)
    assert len(reasons) == 1
    assert reason in reasons[0]


def test_the_watch_lets_the_rest_be_and_sees_its_memory():
    reasons, peak = watched("x = bytearray(200 * 10**6); import time; time.sleep(0.5)", Limits(30, ENOUGH, 9))
    assert reasons == []
    assert peak > 200 * 10**6


def test_end_takes_the_whole_tree_along():
    code = (
        "import subprocess as s; s.Popen(['sleep', '60'], start_new_session=True); "
        "s.Popen(['sleep', '60']); s.os.wait()"
    )
    process = start(code)
    deadline = time.monotonic() + 10
    while len(below := processes.descendants(process.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    processes.end(process)
    assert len(below) == 2
    assert not [p for p in below if p.is_running() and p.status() != "zombie"]


def test_a_straggler_is_found_by_its_marker():
    code = "import os, subprocess as s; s.Popen(['sleep', '60'], start_new_session=True)"
    start(code, env={**os.environ, MARKER: "run-7"}).wait(10)
    assert len(processes.marked("run-7")) == 1
    processes.kill_all(lambda: processes.marked("run-7"))
    assert processes.marked("run-7") == []


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
def test_the_filter_stops_processes_and_lets_threads_be():
    code = """
import os, subprocess, threading
from fiftytwo.processes import forbid_new_processes
forbid_new_processes()
t = threading.Thread(target=lambda: print("thread", flush=True)); t.start(); t.join()
for start in (os.fork, lambda: subprocess.run(["true"]), lambda: os.posix_spawn("/bin/true", ["true"], {})):
    try: start(); print("started", flush=True)
    except BlockingIOError as error: print(error.errno, flush=True)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["thread", "11", "11", "11"], shown.stderr


def test_limits_hold_for_the_process_that_set_them(tmp_path):
    code = f"""
from fiftytwo.processes import limit_self
limit_self(memory_bytes=2**30, file_bytes=1000)
try: bytearray(2**31)
except MemoryError: print("memory", flush=True)
try:
    for _ in range(2): open({str(tmp_path / "big")!r}, "ab", buffering=0).write(bytes(1000))
except OSError as error: print(error.errno, flush=True)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["memory", "27"], shown.stderr


def test_nobody_below_a_process_that_is_gone():
    process = start("pass")
    process.wait()
    assert processes.descendants(process.pid) == []
