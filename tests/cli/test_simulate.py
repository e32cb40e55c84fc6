"""genoseq simulate: what it writes, and every row of the table of bad input."""

import gzip
import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from genoseq.cli import main
from genoseq.truth import parse_truth


@pytest.fixture
def genome(tmp_path):
    path = tmp_path / "genome.fa"
    text = "".join(np.random.default_rng(4).choice(list("ACGT"), 2000))
    path.write_text(f">one:a some words\n{text[:1200]}\n>two\n{text[1200:].lower()}\n")
    return path


def run(*arguments):
    return main(["simulate", *map(str, arguments)])


def names(fastq):
    return [line[1:] for line in fastq.splitlines()[::4]]


def test_standard_output(genome, capfdbinary):
    assert run(genome, "-n", 3, "-l", 20, "--seed", 7) == 0
    out, err = capfdbinary.readouterr()
    assert out.count(b"\n") == 12
    assert [parse_truth(name).number for name in names(out.decode())] == [0, 1, 2]
    assert b"3 reads, 60 bp" in err


def test_golden(genome, capfdbinary):
    """The reads of a seed are part of the interface: benchmarks and the calibration name their seeds."""
    assert (
        run(genome, "-n", 50, "-l", 60, "--divergence", 0.1, "--errors", "illumina", "--seed", 1, "-q") == 0
    )
    assert hashlib.sha256(capfdbinary.readouterr().out).hexdigest() == (
        "30cd3017309762840072ba5b46ab9de38ab6afbd109246126713c3f5df4331cb"
    )


def test_gzip_has_no_time_stamp(genome, tmp_path):
    first, second = tmp_path / "a.fq.gz", tmp_path / "b.fq.gz"
    for path in (first, second):
        assert run(genome, "-n", 30, "-o", path, "-q") == 0
    assert first.read_bytes() == second.read_bytes()
    assert len(names(gzip.decompress(first.read_bytes()).decode())) == 30


def test_the_suffix_counts_in_any_case(genome, tmp_path):
    for name in ("x.fq.gz", "x.fq.GZ"):
        assert run(genome, "-n", 3, "-o", tmp_path / name) == 0
    assert (tmp_path / "x.fq.GZ").read_bytes() == (tmp_path / "x.fq.gz").read_bytes()


def test_random_and_foreign(genome, tmp_path):
    out = tmp_path / "x.fq"
    assert run("--random", "-n", 4, "-o", out) == 0
    assert {parse_truth(name).contig for name in names(out.read_text())} == {"random"}
    assert run(genome, "--foreign", "-n", 4, "-o", out) == 0
    assert {parse_truth(name).contig for name in names(out.read_text())} == {"foreign"}


def test_json(genome, tmp_path):
    assert run(genome, "-n", 4, "-o", tmp_path / "x.fq", "--json", tmp_path / "x.json") == 0
    report = json.loads((tmp_path / "x.json").read_text())
    assert (report["reads"], report["bases"]) == (4, 600)


def test_no_reads(genome, tmp_path):
    assert run(genome, "-n", 0, "-o", tmp_path / "x.fq") == 0
    assert (tmp_path / "x.fq").read_bytes() == b""


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--divergence", "0.31"], "argument --divergence: 0.31 is out of range (allowed: 0..0.3)"),
        (["--divergence", "0.1,x"], "'x' is not a number"),
        (["-n", "-1"], "argument -n/--number: -1 is out of range"),
        (["-l", "0"], "argument -l/--length: 0 is out of range"),
        (["--indel-mean", "0.5"], "argument --indel-mean"),
        (["--errors", "pacbio"], "invalid choice: 'pacbio'"),
        (["--error-rate", "0.1"], "--error-rate belongs to --errors long"),
        (["--seed", "-1"], "argument --seed"),
        (["--random"], "leave REF.fa and --foreign out"),
        (["--json", "-"], "-o and --json both go to standard output"),
        (["-o", "x.fq", "--json", "./x.fq"], "-o and --json both go to ./x.fq"),
        (
            ["-o", "x.fq.zst"],
            "x.fq.zst: plain or gzip FASTQ is written; use a name that ends in .fq or .fq.gz",
        ),
        (["-o", "x.fq.bz2"], "plain or gzip FASTQ is written"),
        (["-o", "x.fq.XZ"], "plain or gzip FASTQ is written"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_bad_usage(genome, arguments, found, capsys):
    assert run(genome, *arguments) == 2
    out, err = capsys.readouterr()
    assert found in err
    assert out == ""


def test_the_genome_is_not_overwritten(genome, tmp_path, capsys):
    link = tmp_path / "link.fq"
    link.symlink_to(genome)
    before = genome.read_bytes()
    for arguments in (["-o", link], ["-o", genome], ["-o", tmp_path / "x.fq", "--json", genome]):
        assert run(genome, *arguments) == 2
        assert "is an input of this run" in capsys.readouterr().err
    assert genome.read_bytes() == before
    assert not (tmp_path / "x.fq").exists()


def test_no_genome(capsys):
    assert run("-n", 3) == 2
    assert "no genome given" in capsys.readouterr().err


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"hello\n", "hello"),
        (b">a\nACGTACGT!ACGT\n", ":2: "),
        (b">a\nACGT\n>a\nACGT\n", "'a'"),
        (gzip.compress(b">a\n" + b"ACGTTGCA" * 500)[:-20], "cut"),
        (b"", ""),
        (b">short\nACGTACGT\n", "no contig can hold a read of 150 bp"),
        (b">n\n" + b"N" * 400 + b"\n", "no contig can hold a read of 150 bp"),
        (b">random\n" + b"ACGT" * 100 + b"\n", "rename the contig"),
    ],
)
def test_bad_genomes(tmp_path, content, found, capsys):
    path, out = write(tmp_path / "bad.fa", content), tmp_path / "out.fq"
    assert run(path, "-o", out) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"genoseq simulate: error: {path}:")
    assert found in err
    assert err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.fa"]


def test_missing_genome_and_directory(tmp_path, capsys):
    assert run(tmp_path / "none.fa") == 1
    assert "none.fa: no such file" in capsys.readouterr().err
    assert run(tmp_path) == 1
    assert "is a directory" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_genome(genome, capsys):
    genome.chmod(0)
    assert run(genome) == 1
    assert "permission" in capsys.readouterr().err


def test_output_in_a_missing_folder(genome, tmp_path, capsys):
    assert run(genome, "-o", tmp_path / "none" / "x.fq") == 1
    assert "there is no folder" in capsys.readouterr().err


def test_failure_leaves_the_old_output(genome, tmp_path, capsys):
    out = write(tmp_path / "x.fq", b"old")
    assert run(genome, "-l", 5000, "-o", out) == 1
    assert out.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["genome.fa", "x.fq"]


def test_broken_pipe_is_quiet():
    command = [sys.executable, "-m", "genoseq", "simulate", "--random", "-n", "200000", "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1
