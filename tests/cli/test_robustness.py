"""`genoseq index` and `genoseq align` where the machine gives out: memory, disk, time, permissions."""

from __future__ import annotations

import gzip
import os
import random
import resource
import signal
import subprocess
import time
from pathlib import Path

import pysam
import pytest

from genoseq.index.store import Index

LIMITED = 1 << 30  # bytes of addresses: as few as the libraries load with


def limits(what: int, size: int):
    """For `preexec_fn`: a limit, and no signal when files reach theirs."""

    def apply() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(what, (size, size))

    return apply


def ended(process: subprocess.Popen) -> str:
    _, stderr = process.communicate(timeout=120)
    return stderr.decode()


@pytest.fixture
def genome(away, data) -> Path:
    path = away / "genome.fa"
    path.write_bytes(gzip.decompress((data / "genome.fa.gz").read_bytes()))
    return path


# memory


@pytest.fixture
def long_record(away) -> Path:
    """One record of 400 Mbp in a small file."""
    path = away / "long.fa.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b">long\n")
        for _ in range(400):
            file.write(b"ACGT" * 250_000 + b"\n")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", ["index long.fa.gz -o new.gsx", "align -x {idx} long.fa.gz -o out.bam --sort"]
)
def test_out_of_memory_in_the_middle(start, toy_folder, long_record, arguments):
    words = arguments.format(idx=toy_folder).split()
    process = start(*words, "-q", preexec_fn=limits(resource.RLIMIT_AS, LIMITED))
    stderr = ended(process)
    advice = "out of memory; use fewer threads (-t) or a machine with more memory"
    assert stderr == f"genoseq {words[0]}: error: {advice}\n"
    assert process.returncode == 1
    assert [path.name for path in long_record.parent.iterdir()] == ["long.fa.gz"]


@pytest.mark.parametrize("size", [500 << 20, 900 << 20])
@pytest.mark.parametrize("arguments", ["index genome.fa -o new.gsx", "align -x {idx} {fq} -o out.sam"])
def test_a_limit_that_is_too_low_for_the_libraries(start, toy_folder, fastq, genome, arguments, size):
    """OpenBLAS would crash, or wait for ever."""
    words = arguments.format(idx=toy_folder, fq=fastq).split()
    process = start(*words, preexec_fn=limits(resource.RLIMIT_AS, size))
    stderr = ended(process)
    assert process.returncode == 1
    assert f"not enough memory: the limit of this process is {size >> 20} MiB (ulimit -v)" in stderr
    assert stderr.count("\n") == 1
    assert [path.name for path in genome.parent.iterdir()] == ["genome.fa"]


def test_reads_are_aligned_at_the_least_limit(start, toy_folder, fastq, away):
    process = start(
        "align",
        "-x",
        toy_folder,
        fastq,
        "-o",
        "out.bam",
        "-q",
        preexec_fn=limits(resource.RLIMIT_AS, LIMITED),
    )
    assert (ended(process), process.returncode) == ("", 0)
    pysam.quickcheck("out.bam")


# the end comes at any time


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("output", ["new.gsx", "out.sam", "out.bam"])
def test_ended_at_any_time(start, run, toy_folder, data, genome, number, output):
    """Whole output or none; what is left of it is hidden; the next run works."""
    rng = random.Random(f"{number}{output}")
    if output == "new.gsx":
        words = ["index", "genome.fa", "-o", output, "-q"]
    else:
        words = ["align", "-x", toy_folder, data / "reads.fq.gz", "-o", output, "-q"]
    for _ in range(4):
        process = start(*words)
        time.sleep(rng.uniform(0, 2))
        process.send_signal(number)
        ended(process)
        shown = [path.name for path in genome.parent.iterdir() if path.name[0] != "."]
        assert set(shown) <= {"genome.fa", output}
        if output in shown:
            check(output)
    assert run([str(word) for word in words]).exit == 0
    check(output)


def check(output: str) -> None:
    if output.endswith(".gsx"):
        Index.open(output, verify=True)
    else:
        with pysam.AlignmentFile(output) as file:
            assert sum(1 for _ in file) == 2000


# two at once


@pytest.mark.parametrize(
    "arguments", ["index genome.fa -o genome.gsx -q", "align -r genome.fa {fq} -o out{number}.sam -q"]
)
def test_two_build_the_same_index_at_once(start, fastq, genome, arguments):
    running = [start(*arguments.format(fq=fastq, number=number).split()) for number in range(3)]
    assert [(ended(process), process.returncode) for process in running] == [("", 0)] * 3
    assert len(Index.open("genome.gsx", verify=True).reference.names) == 3
    left = {path.name for path in genome.parent.iterdir() if not path.name.startswith("out")}
    assert left == {"genome.fa", "genome.gsx"}


# permissions


def test_an_index_is_only_read(run, own_folder, fastq, away):
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in own_folder.iterdir()}
    for path in (*own_folder.iterdir(), own_folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert run(f"align -x {own_folder} {fastq} -o out.sam -q").exit == 0
    own_folder.chmod(0o755)
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in own_folder.iterdir()} == before


def test_a_genome_in_a_folder_that_is_only_read(run, genome, fastq, monkeypatch):
    """Root may write anywhere: the question is answered for it."""
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    monkeypatch.chdir("/")
    result = run(f"align -r {genome} {fastq} -q")
    assert result.exit == 1
    assert result.stderr == (
        f"genoseq align: error: {genome.parent}/genome.gsx: cannot be written: no permission to write into "
        f"{genome.parent}; build it elsewhere: genoseq index {genome} -o NAME.gsx, "
        "then genoseq align -x NAME.gsx\n"
    )


# disks


@pytest.mark.parametrize(
    "output", ["out.sam", "out.bam", "out.cram", "out.paf", "out.bam --sort", "out.sam --sort"]
)
def test_a_disk_that_fills_up(start, toy_folder, data, away, output):
    """Files of 20 kB at most: the write fails as on a full disk."""
    words = [toy_folder, data / "reads.fq.gz", "-q", "-o", *output.split()]
    process = start("align", "-x", *words, preexec_fn=limits(resource.RLIMIT_FSIZE, 20_000))
    stderr = ended(process)
    assert process.returncode == 1
    assert stderr.count("\n") == 1
    assert stderr.startswith("genoseq align: error: ")
    assert "File too large" in stderr or "samtools could not write the alignments" in stderr
    assert list(away.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("align -x {idx} {fq} -q --sort -o /dev/full", "No space left on device"),
        ("align -x {idx} {fq} -q --paf -o /dev/full", "/dev/full: No space left on device"),
        ("align -x {idx} {fq} -q -o out.sam --json /dev/full", "/dev/full: No space left on device"),
    ],
)
def test_a_device_that_is_full(start, toy_folder, data, away, arguments, message):
    process = start(*arguments.format(idx=toy_folder, fq=data / "reads.fq.gz").split())
    stderr = ended(process)
    assert process.returncode == 1
    assert message in stderr
    assert stderr.count("\n") == 1


def test_a_full_standard_output(start, toy_folder, data, away):
    with Path("/dev/full").open("wb") as full:
        process = start("align", "-x", toy_folder, data / "reads.fq.gz", "-q", stdout=full)
        assert ended(process) == "genoseq align: error: standard output: No space left on device\n"
    assert process.returncode == 1
