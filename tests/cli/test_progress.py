"""Progress: a line that counts on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from genoseq.cli import _progress
from genoseq.cli._progress import Progress, tell_if_compiling


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [0.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])
    return now


def test_rate_percent_and_time_left(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress("aligning", "reads", 4000) as progress:
        clock[0] = 0.1
        progress.add(10)  # too soon for a line
        clock[0] = 10.0
        progress.add(990)
    text = sys.stderr.getvalue()
    assert text.startswith("\raligning: 1,000 reads, 100 a second, 25 %, 30 s left")
    assert text.endswith("\n")


def test_lines_now_and_then_without_a_terminal(clock, monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with Progress("aligning", "reads", 72_000) as progress:
        for second in range(1, 3601):
            clock[0] = float(second)
            progress.add(10)
    lines = log.getvalue().splitlines()
    assert lines[0] == "aligning: 300 reads, 10 a second, 0 %, 1:59 h left"
    assert lines[1].startswith("aligning: 900 reads, ")
    # after 30 s, 60 s more, 120, 240, 480, then each 600
    seconds = [int(line.split()[1].replace(",", "")) // 10 for line in lines]
    assert seconds == [30, 90, 210, 450, 930, 1530, 2130, 2730, 3330]
    assert "\r" not in log.getvalue()
    assert "\x1b" not in log.getvalue()


@pytest.mark.parametrize(("stream", "quiet"), [(io.StringIO, False), (io.StringIO, True), (Terminal, True)])
def test_silent_in_short_runs_and_when_quiet(clock, monkeypatch, stream, quiet):
    monkeypatch.setattr(sys, "stderr", stream())
    with Progress("aligning", "reads", quiet=quiet) as progress:
        clock[0] += 1000 if quiet else 29
        progress.add(5)
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("kept", [True, False])
def test_compiling_is_told_unless_the_kernel_is_kept(kept, tmp_path, capsys):
    def kernel():
        pass

    name = f"{kernel.__module__.rpartition('.')[2]}.kernel-1.py311.nbi"
    if kept:
        (tmp_path / name).touch()
    compiled = SimpleNamespace(py_func=kernel, stats=SimpleNamespace(cache_path=str(tmp_path)))
    assert tell_if_compiling(compiled, "genoseq align", quiet=True) != kept
    assert capsys.readouterr().err == ""
    assert tell_if_compiling(compiled, "genoseq align", quiet=False) != kept
    assert ("compiling" in capsys.readouterr().err) != kept
