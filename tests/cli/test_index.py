"""`genoseq index`: what it writes and says, and every kind of bad input."""

from __future__ import annotations

import dataclasses
import gzip
import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from backports import zstd

from genoseq.encoder.seed import SeedEncoder
from genoseq.index.store import Index


@pytest.fixture
def genome(away) -> Path:
    rng = np.random.default_rng(1)
    path = away / "genome.fa"
    path.write_text(
        "".join(f">c{i} text\n{''.join(rng.choice(list('ACGTacgtN'), 3000))}\n" for i in range(2))
    )
    return path


def test_default_output_is_beside_the_genome(run, genome):
    result = run(f"index {genome}")
    assert (result.exit, result.output) == (0, b"")
    assert result.stderr.startswith(f"{genome.with_name('genome.gsx')}: 2 contigs, 6,000 bp, ")
    assert Index.open(genome.with_name("genome.gsx")).reference.names == ["c0", "c1"]


def test_quiet_and_json(run, genome):
    result = run(f"index {genome} -o x.gsx -q --json info.json --preset sr --factory PQ16x4fs --capacity 100")
    assert (result.exit, result.output, result.stderr) == (0, b"", "")
    told = json.loads(Path("info.json").read_text())
    index = Index.open("x.gsx")
    assert told["schema_version"] == 1
    assert told["command"] == "index"
    assert (told["contigs"], told["bp"]) == (2, 6000)
    assert told["anchors"] == index.manifest["anchors"]
    assert told["encoder"] == SeedEncoder.load().digest
    assert told["factory"] == index.parameters.factory == "PQ16x4fs"
    assert (index.parameters.words, index.parameters.capacity) == (1, 100)
    assert told["bytes"] == sum(
        f.stat().st_size for f in Path("x.gsx").iterdir() if f.name != "manifest.json"
    )


def test_presets(run, genome):
    anchors = {}
    for preset in ("sr", "divergent"):
        assert run(f"index {genome} -o {preset}.gsx --preset {preset} -q").exit == 0
        anchors[preset] = Index.open(f"{preset}.gsx").manifest["anchors"]
    assert anchors["divergent"] > 1.5 * anchors["sr"]


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_compressed_genomes_give_the_same_index(run, genome, compress):
    genome.with_name("packed.bin").write_bytes(compress(genome.read_bytes()))
    assert run(f"index {genome} -o one.gsx -q").exit == 0
    assert run("index packed.bin -o other.gsx -q").exit == 0
    for part in ("bases.2bit", "exceptions.npy", "lists.bin"):
        assert Path("one.gsx", part).read_bytes() == Path("other.gsx", part).read_bytes()


def test_info(run, toy_folder, away):
    result = run(f"index --info {toy_folder} --json run.json")
    assert result.exit == 0
    line = result.stdout.removesuffix("\n")
    assert line.startswith(f"{toy_folder}: 3 contigs, 410,000 bp, ")
    told = json.loads(Path("run.json").read_text())
    alone = json.loads(run(f"index --info {toy_folder} --json -").stdout)
    assert alone.pop("command_line") != told.pop("command_line")
    assert alone == told
    assert f"{told['anchors']:,} anchors (AC, GA) in {told['cells']:,} cells, PQ16x4fs, " in line
    assert 3 < told["bytes_per_bp"] < 4


def test_default_index(run, genome, tmp_path):
    result = run(f"index {genome} -o x.gsx --default")
    assert result.exit == 0
    assert "x.gsx is now the default" in result.stderr
    assert (tmp_path / "config" / "genoseq" / "default_index").read_text() == f"{Path('x.gsx').resolve()}\n"


def test_own_encoder(run, genome):
    shipped = SeedEncoder.load()
    own = dataclasses.replace(shipped, table=np.roll(shipped.table, 1, axis=0))
    own.save("own.npz")
    assert run(f"index {genome} -o x.gsx --encoder own.npz -q").exit == 0
    assert Index.open("x.gsx").encoder.digest == own.digest


def test_an_older_index_is_replaced(run, genome):
    assert run(f"index {genome} -o x.gsx -q").exit == 0
    genome.write_text(">new\nACGTACGATTACAGATTACATTAGA\n")
    assert run(f"index {genome} -o x.gsx -q").exit == 0
    assert Index.open("x.gsx").reference.names == ["new"]
    assert sorted(p.name for p in Path().iterdir()) == ["genome.fa", "x.gsx"]


# bad input

BAD_GENOMES = {
    # name: (content, what the message says)
    "junk.fa": (
        b"hello world\n",
        "junk.fa:1: the file starts with 'hello world'; a FASTA file starts with '>'",
    ),
    "reads.fq": (
        b"@r\nACGT\n+\nIIII\n",
        "reads.fq:1: the file starts with '@r'; a FASTA file starts with '>'",
    ),
    "empty.fa": (b"", "empty.fa: the file is empty"),
    "foreign.fa": (b">a\nACGT\nAC!GT\n", "foreign.fa:3: '!' is not a nucleotide letter"),
    "protein.fa": (b">a\nMKLVEF\n", "protein.fa:2: 'L' is not a nucleotide letter"),
    "twice.fa": (b">a\nACGT\n>b\nACGT\n>a\nGG\n", "twice.fa:5: contig 'a' was on line 1 already"),
    "nobases.fa": (b">a\n>b\nACGT\n", "nobases.fa:1: contig 'a' has no bases"),
    "noname.fa": (b">\nACGT\n", "noname.fa:1: a contig without a name"),
    "cut.fa.gz": (
        gzip.compress(b">a\n" + b"ACGTTGCA" * 5000)[:-20],
        "cut.fa.gz: the compressed data ends early",
    ),
    "damaged.fa.gz": (gzip.compress(b">a\nACGT\n")[:12] + b"\xff" * 20, "damaged.fa.gz: the compressed data"),
}


@pytest.mark.parametrize("name", BAD_GENOMES)
def test_bad_genomes(run, away, name):
    content, message = BAD_GENOMES[name]
    Path(name).write_bytes(content)
    result = run(f"index {name} -o x.gsx")
    assert result.exit == 1
    assert f"genoseq index: error: {message}" in result.stderr
    assert "Traceback" not in result.stderr
    assert [p.name for p in away.iterdir()] == [name]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("missing.fa -o x.gsx", 1, "missing.fa: no such file"),
        (". -o x.gsx", 1, ".: is a directory"),
        (".", 1, ".: is a folder; a genome in FASTA is expected"),
        ("", 2, "no genome given: genoseq index REF.fa -o REF.gsx"),
        (
            "genome.fa -o nowhere/x.gsx",
            1,
            "nowhere/x.gsx: cannot be written: there is no folder nowhere; create it first",
        ),
        ("genome.fa -o genome.fa", 2, "-o: genome.fa is an input of this run; write to another file"),
        ("genome.fa -o .", 1, ".: exists and is not a genoseq index; it is not overwritten"),
        ("genome.fa --json ./genome.fa", 2, "--json: ./genome.fa is an input of this run"),
        ("genome.fa -o x.gsx --json x.gsx", 2, "-o and --json both go to x.gsx"),
        ("genome.fa --json genome.gsx", 2, "-o and --json both go to genome.gsx"),
        ("--info x.gsx genome.fa", 2, "--info shows an index and builds none"),
        ("--info x.gsx -o y.gsx", 2, "--info shows an index and builds none"),
        ("--info x.gsx --default", 2, "--info shows an index and builds none"),
        ("genome.fa --preset nonsense", 2, "invalid choice: 'nonsense' (choose from"),
        ("genome.fa --factory IVF", 2, "invalid choice: 'IVF' (choose from"),
        ("genome.fa --capacity 49", 2, "--capacity: 49 is out of range (allowed: 50..100000)"),
        ("genome.fa --capacity many", 2, "'many' is not a whole number"),
        ("genome.fa --threads 0", 2, "0 is out of range (allowed: 1..512)"),
        ("genome.fa --threads -1", 2, "-1 is out of range"),
        ("genome.fa --encoder none.npz", 1, "none.npz: no such file; make one with 'genoseq train encoder"),
        ("genome.fa --encoder genome.fa", 1, "genome.fa: not the weights of a seed encoder"),
        ("genome.fa other.fa", 2, "unrecognized arguments: other.fa"),
        ("genome.fa --nonsense", 2, "unrecognized arguments: --nonsense"),
        ("--info genome.fa", 1, "genome.fa"),
        ("--info missing.gsx", 1, "missing.gsx: no such folder; make it with 'genoseq index"),
        ("genome.fa --json nowhere/x.json", 1, "nowhere"),
    ],
)
def test_bad_usage(run, genome, arguments, code, message):
    result = run(f"index {arguments}")
    assert result.exit == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert [p.name for p in Path().iterdir()] == ["genome.fa"]


def test_info_of_a_damaged_index(run, own_folder):
    (own_folder / "tree.npz").unlink()
    result = run(f"index --info {own_folder}")
    assert result.exit == 1
    assert f"{own_folder}: tree.npz is missing; rebuild the index with 'genoseq index'" in result.stderr


@pytest.mark.parametrize("part", ["bases.2bit", "lists.bin", "cells.faiss", "exceptions.npy", "tree.npz"])
def test_info_finds_the_damaged_part(run, own_folder, part):
    damaged = bytearray((own_folder / part).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (own_folder / part).write_bytes(damaged)
    result = run(f"index --info {own_folder}")
    assert (result.exit, result.output) == (1, b"")
    expected = (
        f"{own_folder}: {part} is damaged (its checksum does not fit); rebuild the index with 'genoseq index'"
    )
    assert result.stderr == f"genoseq index: error: {expected}\n"


def test_a_genome_from_standard_input(run, genome):
    text = genome.read_bytes()
    assert run(f"index {genome} -o file.gsx -q").exit == 0
    assert run("index - -o pipe.gsx -q", stdin=text).exit == 0
    for part in ("bases.2bit", "exceptions.npy", "lists.bin"):
        assert Path("file.gsx", part).read_bytes() == Path("pipe.gsx", part).read_bytes()
    assert Index.open("pipe.gsx").manifest["source"] is None
    result = run("index -", stdin=text)
    assert result.exit == 2
    assert "standard input has no name for its index: genoseq index - -o REF.gsx" in result.stderr


def test_a_genome_without_anchors_is_a_warning(run, away):
    Path("n.fa").write_text(">n\n" + "N" * 100 + "\n")
    result = run("index n.fa -q")
    assert result.exit == 0
    assert result.stderr.startswith("genoseq index: warning: n.gsx: the genome has no anchor (of AC, GA)")
    Index.open("n.gsx")


def test_a_failing_run_leaves_the_old_index(run, genome):
    assert run(f"index {genome} -o x.gsx -q").exit == 0
    old = Path("x.gsx", "manifest.json").read_text()
    genome.write_text(">a\nACGT!\n")
    assert run(f"index {genome} -o x.gsx -q").exit == 1
    assert Path("x.gsx", "manifest.json").read_text() == old
    Index.open("x.gsx")


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (signal.SIGKILL, -9, None),
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "ended by SIGTERM"),
        (signal.SIGHUP, 129, "ended by SIGHUP"),
    ],
)
def test_an_end_in_the_middle_leaves_the_old_index(start, appears, away, own_folder, number, code, message):
    folder = own_folder.parent
    letters = np.random.default_rng(1).choice(
        np.frombuffer(b"ACGT", np.uint8), 6_000_000
    )  # some seconds of work
    (away / "large.fa").write_bytes(b">large\n" + letters.tobytes() + b"\n")
    old = (own_folder / "manifest.json").read_text()
    process = start("index", away / "large.fa", "-o", own_folder, "--preset", "sr")
    appears(folder, ".own.gsx.*.tmp")
    time.sleep(0.1)  # the folder is made a moment before its removal is provided for; then kernels run
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert (own_folder / "manifest.json").read_text() == old
    assert Index.open(own_folder).parameters.words == 2
    assert process.returncode == code
    if message is not None:
        assert stderr.decode().splitlines()[-1] == f"genoseq index: {message}"
        assert not list(folder.glob(".own.gsx.*"))
    else:
        # what is left does not look like an index
        assert [p.name for p in folder.glob("*.gsx")] == ["own.gsx"]


def test_a_summary_that_cannot_be_written_is_not_a_success(run, genome):
    result = run("index genome.fa --json /dev/full")
    assert result.exit == 1
    assert result.stderr.splitlines()[-1] == "genoseq index: error: /dev/full: No space left on device"
    assert "contigs" not in result.stderr


def test_full_disk(start, away, genome):
    """Files limited to 2 kB: the write fails as on a full disk."""
    import resource

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    process = start("index", genome, "-o", "x.gsx", preexec_fn=limited, stdout=subprocess.DEVNULL)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "genoseq index: error: " in stderr.decode()
    assert "Traceback" not in stderr.decode()
    assert [p.name for p in away.iterdir()] == ["genome.fa"]
