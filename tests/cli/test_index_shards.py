"""`genoseq index --shard` and `--merge`: the same index by several tasks, and every kind of bad input."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from genoseq.index.shard import write_shard
from genoseq.index.store import Index

TOY = Path(__file__).resolve().parents[2] / "data" / "genome.fa.gz"
SHARDS = "1.shard 2.shard 3.shard"


def content(folder: str | Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.fixture
def genome(away) -> Path:
    rng = np.random.default_rng(1)
    path = away / "genome.fa"
    path.write_text(
        "".join(f">c{i} text\n{''.join(rng.choice(list('ACGTacgtN'), 3000))}\n" for i in range(2))
    )
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with three shards of the toy genome."""
    folder = tmp_path_factory.mktemp("shards")
    for number in (1, 2, 3):
        write_shard(TOY, folder / f"{number}.shard", number, 3)
    return folder


@pytest.fixture
def shards(made, away) -> Path:
    """The folder to work in, with the three shards."""
    for path in made.iterdir():
        shutil.copytree(path, path.name)
    return away


@pytest.mark.parametrize("factory", ["auto", "PQ16x4fs", "Flat"])
@pytest.mark.parametrize("preset", ["sr", "divergent", "long"])
def test_merged_is_built(run, genome, preset, factory):
    options = f"--preset {preset} --factory {factory} --capacity 60 -q"
    assert run(f"index {genome} -o whole.gsx {options}").exit == 0
    for number in (1, 2, 3):
        result = run(f"index {genome} --shard {number}/3 {options}")
        assert (result.exit, result.output, result.stderr) == (0, b"", "")
    names = [f"genome.{number}-of-3.shard" for number in (3, 1, 2)]  # the default, beside the genome
    result = run(f"index --merge {' '.join(names)} -o merged.gsx -q")
    assert (result.exit, result.output, result.stderr) == (0, b"", "")
    assert content("merged.gsx") == content("whole.gsx")
    assert Index.open("merged.gsx").tree.leaves > 10


def test_the_merged_index_aligns_as_the_other(run, shards, toy_folder, data):
    result = run(f"index --merge {SHARDS} -o merged.gsx")
    assert result.exit == 0
    assert result.stderr.startswith("merged.gsx: 3 contigs, 410,000 bp, 92,848 anchors (AC, GA) in ")
    reads = data / "reads.fq.gz"
    aligned = [run(f"align -x {index} {reads} -q").stdout for index in ("merged.gsx", toy_folder)]
    merged, whole = ([line for line in text.splitlines() if line[:3] != "@PG"] for text in aligned)
    assert merged == whole
    assert len(merged) > 2000


def test_what_is_told_of_a_shard(run, shards):
    result = run("index --info 2.shard --json x.json")
    assert result.exit == 0
    told = json.loads(Path("x.json").read_text())
    assert told["shard"] == {"number": 2, "of": 3, "start": 136_640, "end": 273_312}
    assert told["bytes"] == sum(
        len(part) for name, part in content("2.shard").items() if name != "manifest.json"
    )
    assert result.stdout == (
        "2.shard: shard 2 of 3 of an index, bases 136,640-273,312 of 3 contigs, 410,000 bp: "
        f"{told['anchors']:,} anchors (AC, GA), PQ16x4fs, {told['bytes']:,} bytes, "
        f"encoder {told['encoder']}\n"
    )
    damaged = bytearray(Path("2.shard", "codes.bin").read_bytes())
    damaged[1000] ^= 1
    Path("2.shard", "codes.bin").write_bytes(damaged)
    result = run("index --info 2.shard")
    assert (result.exit, result.output) == (1, b"")
    assert "2.shard: codes.bin is damaged (its checksum does not fit); make it again with" in result.stderr


def test_a_shard_says_what_it_is_when_it_is_made(run, genome):
    result = run(f"index {genome} --shard 2/2 -o two.shard")
    assert result.exit == 0
    assert "two.shard: shard 2 of 2 of an index, bases 2,976-6,000 of 2 contigs, 6,000 bp: " in result.stderr


def test_a_genome_from_standard_input(run, genome):
    for number in (1, 2):
        assert run(f"index - --shard {number}/2 -o {number}.shard -q", stdin=genome.read_bytes()).exit == 0
    assert run("index --merge 1.shard 2.shard -o merged.gsx -q").exit == 0
    assert run("index - -o whole.gsx -q", stdin=genome.read_bytes()).exit == 0
    assert content("merged.gsx") == content("whole.gsx")


def test_a_merged_index_can_be_the_default(run, shards, tmp_path):
    assert run(f"index --merge {SHARDS} -o x.gsx --default -q").exit == 0
    assert (tmp_path / "config" / "genoseq" / "default_index").read_text() == f"{Path('x.gsx').resolve()}\n"


def test_align_refuses_a_shard(run, shards, data):
    result = run(f"align -x 2.shard {data / 'reads.fq.gz'}")
    assert (result.exit, result.output) == (1, b"")
    assert result.stderr == (
        "genoseq align: error: 2.shard: is shard 2 of 3 of an index; join all of them with "
        "'genoseq index --merge SHARD... -o REF.gsx' and name that index\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("genome.fa --shard 0/4", 2, "--shard: 0/4: I is 1..N, and N at most 10,000"),
        ("genome.fa --shard 5/4", 2, "--shard: 5/4: I is 1..N, and N at most 10,000"),
        ("genome.fa --shard 1/10001", 2, "--shard: 1/10001: I is 1..N, and N at most 10,000"),
        ("genome.fa --shard x", 2, "--shard: 'x' is not I/N, as 1/4 for the first of four"),
        ("genome.fa --shard 1", 2, "--shard: '1' is not I/N"),
        ("genome.fa --shard 1/2/3", 2, "--shard: '1/2/3' is not I/N"),
        ("genome.fa --shard -1/2", 2, "--shard"),
        ("genome.fa --shard 1/", 2, "--shard: '1/' is not I/N"),
        ("--shard 1/2", 2, "no genome given"),
        (
            "- --shard 1/2",
            2,
            "standard input has no name for a shard: genoseq index - --shard 1/2 -o 1.shard",
        ),
        ("genome.fa --shard 1/2 --default", 2, "--default is for an index, and a shard is none yet"),
        ("genome.fa --shard 1/2 -o nowhere/x", 1, "nowhere/x: cannot be written: there is no folder nowhere"),
        ("genome.fa --shard 1/2 -o genome.fa", 2, "-o: genome.fa is an input of this run"),
        ("genome.fa --shard 1/2 -o .", 1, ".: exists and is not a shard; it is not overwritten"),
        ("missing.fa --shard 1/2", 1, "missing.fa: no such file"),
        ("--merge", 2, "--merge: expected at least one argument"),
        (
            "--merge a.shard",
            2,
            "--merge has no name for the index: genoseq index --merge SHARD... -o REF.gsx",
        ),
        (
            "--merge a.shard -o x.gsx",
            1,
            "a.shard: no such folder; make it with 'genoseq index REF.fa --shard",
        ),
        ("--merge genome.fa -o x.gsx", 1, "genome.fa: is a file; a shard is the folder that"),
        ("--merge . -o x.gsx", 1, ".: not a shard of an index (no manifest.json)"),
        ("--merge a -o nowhere/x.gsx", 1, "nowhere/x.gsx: cannot be written: there is no folder nowhere"),
        (
            "genome.fa --merge a -o x.gsx",
            2,
            "--merge takes genome and options from the shards: leave REF.fa out",
        ),
        (
            "--merge a -o x.gsx --preset sr --factory auto --capacity 1500 --encoder e.npz --shard 1/2",
            2,
            "from the shards: leave --preset, --encoder, --factory, --capacity, --shard out",
        ),
        ("--info x.gsx --merge a", 2, "--info shows an index and builds none: leave --merge out"),
        ("--info x.gsx --shard 1/2", 2, "--info shows an index and builds none: leave --shard out"),
    ],
)
def test_bad_usage(run, genome, arguments, code, message):
    result = run(f"index {arguments}")
    assert result.exit == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert [p.name for p in Path().iterdir()] == ["genome.fa"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "1.shard 3.shard",
            "shard 2 of 3 is missing; make it with 'genoseq index REF.fa --shard 2/3', and name all",
        ),
        ("1.shard 2.shard 3.shard 2.shard", "2.shard and 2.shard are both shard 2 of 3; give each once"),
        (
            "1.shard 2.shard other.shard",
            "other.shard: its genome is not that of 1.shard (contig c0 differs); make all",
        ),
        (
            "1.shard 2.shard sr.shard",
            "sr.shard: made with anchor words 1, 1.shard with 2; make all shards of one",
        ),
        (
            "1.shard 2.shard fourth.shard",
            "fourth.shard: is one of 4 shards, 1.shard one of 3; make all shards of one",
        ),
        ("1.shard 2.shard cut.shard", "codes.bin: 100 bytes, the manifest says"),
        ("1.shard whole.gsx", "whole.gsx: is a whole index, not a shard of one; nothing is to be merged"),
    ],
)
def test_shards_that_do_not_belong_together(run, shards, genome, toy_folder, given, message):
    made = {
        "other.shard": f"index {genome} --shard 3/3 --factory PQ16x4fs -o other.shard -q",
        "sr.shard": f"index {TOY} --shard 3/3 --preset sr -o sr.shard -q",
        "fourth.shard": f"index {TOY} --shard 3/4 -o fourth.shard -q",
    }
    for name, command in made.items():
        if name in given:
            assert run(command).exit == 0
    if "whole.gsx" in given:
        shutil.copytree(toy_folder, "whole.gsx")
    if "cut.shard" in given:
        shutil.copytree("3.shard", "cut.shard")
        Path("cut.shard", "codes.bin").write_bytes(Path("3.shard", "codes.bin").read_bytes()[:100])
    before = sorted(path.name for path in shards.iterdir())
    result = run(f"index --merge {given} -o x.gsx")
    assert (result.exit, result.output) == (1, b"")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(path.name for path in shards.iterdir()) == before


def test_an_index_and_a_shard_do_not_take_each_others_place(run, shards, genome):
    for arguments, message in (
        (f"--merge {SHARDS} -o 1.shard", "1.shard: exists and is a shard of one, not a genoseq index"),
        (f"{genome} -o 1.shard", "1.shard: exists and is a shard of one, not a genoseq index"),
    ):
        before = content("1.shard")
        result = run(f"index {arguments}")
        assert result.exit == 1
        assert f"{message}; it is not overwritten" in result.stderr
        assert content("1.shard") == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_end_in_the_middle_leaves_the_old_shard(start, appears, shards, number, code):
    letters = np.random.default_rng(1).choice(np.frombuffer(b"ACGT", np.uint8), 6_000_000)
    Path("large.fa").write_bytes(b">large\n" + letters.tobytes() + b"\n")
    before = content("1.shard")
    process = start("index", "large.fa", "--shard", "1/1", "-o", "1.shard", "-q")
    appears(shards, ".1.shard.*.tmp")
    time.sleep(0.1)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == code
    assert content("1.shard") == before
    if number != signal.SIGKILL:
        assert not list(shards.glob(".1.shard.*"))


def test_full_disk_while_merging(start, shards):
    """Files limited to 200 kB, less than the scratch files of merging take: as on a full disk."""
    import resource

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    before = sorted(path.name for path in shards.iterdir())
    process = start(
        "index", "--merge", *SHARDS.split(), "-o", "x.gsx", preexec_fn=limited, stdout=subprocess.DEVNULL
    )
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "genoseq index: error: " in stderr.decode()
    assert "leaf.bin: File too large" in stderr.decode()
    assert "Traceback" not in stderr.decode()
    assert sorted(path.name for path in shards.iterdir()) == before
