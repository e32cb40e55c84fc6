"""The toy genome indexed once, and a few of the reads that ship, for the tests of the commands."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from genoseq.index.store import Index

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory) -> Path:
    """Index of the toy genome; not to be changed."""
    folder = tmp_path_factory.mktemp("toy") / "genome.gsx"
    Index.build(DATA / "genome.fa.gz", folder)
    return folder


@pytest.fixture
def own_folder(toy_folder, tmp_path) -> Path:
    """A copy of the toy index that a test may damage."""
    return shutil.copytree(toy_folder, tmp_path / "own.gsx")


@pytest.fixture(scope="session")
def fastq(tmp_path_factory) -> Path:
    """The first 60 reads that ship, as plain FASTQ."""
    path = tmp_path_factory.mktemp("reads") / "reads.fq"
    with gzip.open(DATA / "reads.fq.gz", "rb") as file:
        path.write_bytes(b"".join(file.readline() for _ in range(240)))
    return path


@pytest.fixture
def away(tmp_path, monkeypatch) -> Path:
    """An empty working folder, and no index of the environment or of the user."""
    folder = tmp_path / "away"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("GENOSEQ_INDEX", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return folder


@pytest.fixture
def start() -> Callable[..., subprocess.Popen]:
    """`start("align", ...)`: the command in a process of its own; ended with the test."""
    running = []
    # a shell lets what it runs in the background ignore Ctrl-C, nohup SIGHUP, and children inherit that
    default = {signal.SIGINT: signal.default_int_handler}
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, default.get(number, signal.SIG_DFL)) for number in ends]

    def call(*arguments: object, **options: object) -> subprocess.Popen:
        command = [sys.executable, "-m", "genoseq", *map(str, arguments)]
        root = str(Path(__file__).resolve().parents[2])
        environment = {**os.environ, "PYTHONPATH": root}
        process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, **options)
        running.append(process)
        return process

    yield call
    for number, handler in zip(ends, before, strict=True):
        signal.signal(number, handler)
    for process in running:
        if process.poll() is None:
            process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        process.wait()


@pytest.fixture
def appears() -> Callable[[Path, str], Path]:
    """`appears(folder, pattern)`: wait until a file of that name is there."""

    def wait(folder: Path, pattern: str) -> Path:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if found := list(folder.glob(pattern)):
                return found[0]
            time.sleep(0.002)
        raise TimeoutError(f"no {pattern} in {folder}")

    return wait
