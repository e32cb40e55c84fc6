"""Progress shows on a terminal only."""

from __future__ import annotations

import io
import sys

import pytest

from genoseq.cli import _progress
from genoseq.cli._progress import Progress


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


def test_silent_without_a_terminal_or_when_quiet(clock, monkeypatch):
    for stream, quiet in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr(sys, "stderr", stream)
        with Progress("aligning", "reads", quiet=quiet) as progress:
            clock[0] += 10
            progress.add(5)
        assert stream.getvalue() == ""
