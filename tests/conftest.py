"""Fixtures for the whole suite: the command line in process, and the data that ships."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from genoseq.cli import main

REPOSITORY = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).resolve().parent / "golden"


@dataclass(frozen=True)
class Result:
    """What a run of the command line gave."""

    exit: int
    output: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.output.decode()


@pytest.fixture
def run(capfdbinary, monkeypatch) -> Callable[..., Result]:
    """`run("align -x {idx} reads.fq", expected="reads.sam")`: one command in this process.

    The arguments are split as a shell would. `stdin` feeds bytes. With `expected`, the exit code must be 0
    and the output equal to tests/golden/EXPECTED, @PG lines aside (they hold version and paths).
    """

    def call(arguments: str | list[str], *, expected: str | None = None, stdin: bytes = b"") -> Result:
        argv = shlex.split(arguments) if isinstance(arguments, str) else arguments
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfdbinary.readouterr()
        code = main(argv)
        captured = capfdbinary.readouterr()
        result = Result(code, captured.out, captured.err.decode())
        if expected is not None:
            assert result.exit == 0, result.stderr
            assert _comparable(result.output) == _comparable((GOLDEN / expected).read_bytes())
        return result

    return call


def _comparable(text: bytes) -> list[bytes]:
    return [line for line in text.splitlines() if not line.startswith(b"@PG\t")]


@pytest.fixture
def restore_threads() -> Iterator[None]:
    """The number of threads of torch, which a command sets, as it was before the test."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data() -> Path:
    """The folder with the data that ships."""
    return REPOSITORY / "data"
