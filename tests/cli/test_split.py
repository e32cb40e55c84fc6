"""`genoseq split`, and `genoseq align --settings` of the parts: together they give what the whole gives."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
from pathlib import Path

import pysam
import pytest

from genoseq.io.chunks import split_reads
from genoseq.io.fastx import read_batches
from genoseq.io.pairs import interleaved_pairs, paired_batches


@pytest.fixture
def small_batches(monkeypatch) -> None:
    """Batches of 60 reads or 60 kbp instead of 16,384 or 4 Mbp."""
    for reader in (read_batches, interleaved_pairs, paired_batches, split_reads):
        defaults = reader.__kwdefaults__
        for name, value in (("batch_reads", 60), ("batch_pairs", 30), ("batch_bases", 60_000)):
            if name in defaults:
                monkeypatch.setitem(defaults, name, value)


def simulated(run, data, options: str) -> None:
    assert run(f"simulate {data / 'genome.fa.gz'} -q {options}").exit == 0


def made_single(run, data) -> str:
    simulated(run, data, "-n 220 -l 100 --divergence 0,0.05,0.1 -o r.fq.gz")
    return "r.fq.gz"


def made_sensitive(run, data) -> str:
    """The first batch asks for another preset than the others, in which some reads need it."""
    simulated(run, data, "-n 60 --divergence 0.2 --seed 2 -o far.fq")
    simulated(run, data, "-n 150 -l 80 --divergence 0,0,0.3 --seed 3 -o near.fq")
    Path("r.fq").write_text(Path("far.fq").read_text() + Path("near.fq").read_text())
    return "r.fq"


def made_mates(run, data) -> str:
    """Long fragments in the first batch, short ones in the others, of which the last has too few to learn."""
    texts: dict[int, str] = {1: "", 2: ""}
    for seed, (number, insert) in enumerate([(30, "800,30"), (30, "300,20"), (20, "300,20")]):
        options = f"-n {number} -l 60 --divergence 0.02 --insert {insert} --seed {seed + 1}"
        simulated(run, data, f"{options} -o x_1.fq --output2 x_2.fq")
        for mate in texts:
            lines = Path(f"x_{mate}.fq").read_text().replace("@", f"@{seed}.", -1).splitlines()
            texts[mate] += "\n".join(lines) + "\n"
    for mate, text in texts.items():
        Path(f"r_{mate}.fq.gz").write_bytes(gzip.compress(text.encode()))
    return "r_1.fq.gz r_2.fq.gz"


def made_interleaved(run, data) -> str:
    """A single read now and then, so that mates stand at the ends of batches."""
    made_mates(run, data)
    simulated(run, data, "-n 80 -l 60 --divergence 0.1 --seed 9 -o s.fq")
    texts = [gzip.decompress(Path(f"r_{mate}.fq.gz").read_bytes()).decode() for mate in (1, 2)]
    streams = [text.splitlines() for text in (*texts, Path("s.fq").read_text())]
    with Path("both.fq").open("w") as file:
        for i in range(0, len(streams[0]), 4):
            for lines in (*streams[:2], *([streams[2]] if i % 20 == 8 else [])):
                file.write("\n".join(lines[i : i + 4]) + "\n")
    return "--interleaved both.fq"


def made_bam(run, data) -> str:
    """Unaligned pairs and single reads, with read groups and tags of their own."""
    made_interleaved(run, data)
    header = pysam.AlignmentHeader.from_text("@HD\tVN:1.6\n@RG\tID:a\tSM:s\n@RG\tID:b\tSM:s\n")
    with pysam.FastxFile("both.fq") as file:
        entries = list(file)
    names = [entry.name for entry in entries]
    with pysam.AlignmentFile("r.bam", "wb", header=header) as out:
        for i, entry in enumerate(entries):
            record = pysam.AlignedSegment(header)
            record.query_name = entry.name
            is_second = i > 0 and names[i - 1] == entry.name
            record.flag = 4 if names.count(entry.name) == 1 else 141 if is_second else 77
            record.query_sequence = entry.sequence
            record.query_qualities = pysam.qualitystring_to_array(entry.quality)
            record.set_tag("RG", "ab"[i // 7 % 2])
            record.set_tag("BX", f"AC-{i}")
            out.write(record)
    return "-C r.bam"


def made_long(run, data) -> str:
    simulated(run, data, "-n 60 -l 3000 --length-sd 1500 --errors long -o r.fq")
    return "r.fq"


def names_of(summary: str) -> list[str]:
    return [
        " ".join(f"parts/{name}" for name in chunk["files"])
        for chunk in json.loads(Path(summary).read_text())["chunks"]
    ]


def records(text: bytes) -> list[bytes]:
    return [line for line in text.splitlines() if not line.startswith(b"@")]


@pytest.mark.parametrize(
    "make", [made_single, made_sensitive, made_mates, made_interleaved, made_bam, made_long]
)
def test_parts_give_the_records_of_the_whole(run, toy_folder, data, away, small_batches, make):
    words = make(run, data).split()
    option = " ".join(word for word in words if word.startswith("-"))
    files = " ".join(word for word in words if not word.startswith("-"))
    interleaved = option if option == "--interleaved" else ""
    whole = run(f"align -x {toy_folder} {option} {files} --secondary 2 --json whole.json -q")
    assert whole.exit == 0, whole.stderr
    split = run(f"split {files} {interleaved} --reads 20 -o parts --json split.json")
    assert split.exit == 0, split.stderr
    looked = run(f"align -x {toy_folder} {option} {files} --settings-only --json settings.json")
    assert (looked.exit, looked.output) == (0, b"")
    seen, told = (json.loads(Path(file).read_text()) for file in ("settings.json", "whole.json"))
    assert all(seen[key] == told[key] for key in ("command", "preset", "looked_at", "insert"))
    parts = names_of("split.json")
    assert len(parts) > 2
    for settings in ("settings.json", "whole.json"):
        outputs = [
            run(f"align -x {toy_folder} {option} {part} --secondary 2 --settings {settings} -q --json p.json")
            for part in parts
        ]
        assert {output.exit for output in outputs} == {0}
        assert [line for output in outputs for line in records(output.output)] == records(whole.output)
        last = json.loads(Path("p.json").read_text())
        assert (last["preset"], last["insert"]) == (told["preset"], told["insert"])


@pytest.mark.parametrize("make", [made_sensitive, made_mates])
def test_without_settings_parts_are_aligned_otherwise(run, toy_folder, data, away, small_batches, make):
    files = make(run, data)
    whole = run(f"align -x {toy_folder} {files} -q")
    assert run(f"split {files} --reads 20 -o parts --json split.json").exit == 0
    outputs = [run(f"align -x {toy_folder} {part} -q").output for part in names_of("split.json")]
    assert [line for output in outputs for line in records(output)] != records(whole.output)


def test_a_given_insert_size_stays_given(run, toy_folder, data, away, small_batches):
    files = made_mates(run, data)
    whole = run(f"align -x {toy_folder} {files} --insert 700,50 -q --json whole.json")
    assert run(f"split {files} --reads 20 -o parts --json split.json").exit == 0
    outputs = [
        run(f"align -x {toy_folder} {part} --settings whole.json -q --json p.json").output
        for part in names_of("split.json")
    ]
    assert [line for output in outputs for line in records(output)] == records(whole.output)
    assert json.loads(Path("p.json").read_text())["insert"]["source"] == "given"


@pytest.mark.parametrize("make", [made_bam, made_mates])
def test_sorted_parts_merge_to_the_sorted_whole(run, toy_folder, data, away, small_batches, make):
    files = make(run, data).split()
    option = files.pop(0) if files[0] == "-C" else "--rg ID:a"
    files = " ".join(files)
    assert run(f"align -x {toy_folder} {option} {files} -o whole.bam --sort --json w.json -q").exit == 0
    assert run(f"split {files} --reads 20 -o parts --json split.json").exit == 0
    sorted_parts = []
    for number, part in enumerate(names_of("split.json")):
        sorted_parts.append(f"{number:04d}.bam")
        order = f"align -x {toy_folder} {option} {part} --settings w.json -o {sorted_parts[-1]} --sort -q"
        assert run(order).exit == 0
    pysam.merge("-c", "-p", "-f", "-o", "merged.bam", *sorted_parts)
    lines = [pysam.view(name).splitlines() for name in ("merged.bam", "whole.bam")]
    assert lines[0] == lines[1]
    headers = [pysam.view("-H", "--no-PG", name).splitlines() for name in ("merged.bam", "whole.bam")]
    kept = [[line for line in header if not line.startswith("@PG")] for header in headers]
    assert kept[0] == kept[1]
    programs = [line.split("\t")[1] for line in headers[0] if line.startswith("@PG")]
    assert programs == ["ID:genoseq", "ID:samtools"]


def test_batches_of_the_size_that_they_have(run, toy_folder, data, away):
    simulated(run, data, "-n 17000 -l 40 -o r.fq.gz")
    split = run("split r.fq.gz --reads 1 -o parts --json split.json")
    assert split.stderr.startswith("genoseq split: 17,000 reads in 2 parts, ")
    told = json.loads(Path("split.json").read_text())
    assert (told["command"], told["reads"], told["folder"]) == ("split", 17000, "parts")
    assert told["chunks"] == [
        {"files": ["0001.fq.gz"], "reads": 16384},
        {"files": ["0002.fq.gz"], "reads": 616},
    ]
    text = b"".join(gzip.decompress(path.read_bytes()) for path in sorted(Path("parts").iterdir()))
    assert text == gzip.decompress(Path("r.fq.gz").read_bytes())
    again = run("split - --reads 1 -o more -q", stdin=Path("r.fq.gz").read_bytes())
    assert (again.exit, again.stderr) == (0, "")
    for path in Path("parts").iterdir():
        assert Path("more", path.name).read_bytes() == path.read_bytes()


def test_nothing_is_one_part_that_aligns(run, toy_folder, away):
    Path("none.fq").write_bytes(b"")
    split = run("split none.fq -o parts -q")
    assert (split.exit, [path.name for path in Path("parts").iterdir()]) == (0, ["0001.fq.gz"])
    assert "warning: none.fq: there are no reads in it" in split.stderr
    assert run(f"align -x {toy_folder} none.fq --settings-only --json s.json -q").exit == 0
    result = run(f"align -x {toy_folder} parts/0001.fq.gz --settings s.json -q")
    assert (result.exit, records(result.output)) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("r.fq", 2, "the following arguments are required: -o/--output"),
        ("r.fq r.fq -o parts", 2, "r.fq is given twice"),
        ("r.fq s.fq t.fq -o parts", 2, "3 files of reads"),
        ("r.fq s.fq --interleaved -o parts", 2, "--interleaved is for one file"),
        ("r.fq --reads 0 -o parts", 2, "0 is out of range (allowed: 1 or more)"),
        ("r.fq --reads many -o parts", 2, "'many' is not a whole number"),
        ("r.fq --json r.fq -o parts", 2, "--json: r.fq is an input of this run"),
        ("missing.fq -o parts", 1, "missing.fq: no such file"),
        ("bad.fq -o parts", 1, "bad.fq:2: '!' is not a nucleotide letter"),
        ("r.fq s.fq -o parts", 1, "r.fq: read 1 is 'a' here but 'b' in s.fq"),
        ("r.fq -o full", 1, "full: is a folder that is not empty"),
        ("r.fq -o r.fq", 1, "r.fq: is a file; the name of a folder"),
        ("r.fq -o no/parts", 1, "there is no folder no; create it first"),
    ],
)
def test_what_does_not_fit(run, away, arguments, code, message):
    Path("r.fq").write_text("@a\nACGT\n+\nIIII\n")
    Path("s.fq").write_text("@b\nACGT\n+\nIIII\n")
    Path("bad.fq").write_text("@a\nAC!T\n+\nIIII\n")
    Path("full").mkdir()
    Path("full", "file").write_text("")
    result = run(f"split {arguments}")
    assert result.exit == code
    assert message in result.stderr
    assert not Path("parts").exists()
    assert sorted(path.name for path in Path().iterdir()) == ["bad.fq", "full", "r.fq", "s.fq"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--settings-only", "--settings-only needs --json FILE"),
        ("--settings-only --json s.json --settings t.json", "give one of them"),
        ("--settings-only --json s.json -o out.bam", "-o would stay empty"),
        ("--settings-only --json s.json --un out.fq", "--un would stay empty"),
        ("--settings-only --json s.json --multiqc .", "--multiqc would stay empty"),
        ("--settings t.json --preset sr", "--preset: --settings tells that already"),
        ("--settings t.json --insert 400,50", "--insert: --settings tells that already"),
        ("--settings t.json --json t.json", "--json: t.json is an input of this run"),
    ],
)
def test_options_of_settings_that_do_not_go_together(run, toy_folder, fastq, away, arguments, message):
    good = {"command": "align", "preset": "sr", "insert": {"mean": 4, "sd": 1, "low": 1, "high": 9}}
    good["insert"]["source"] = "assumed"
    Path("t.json").write_text(json.dumps(good))
    result = run(f"align -x {toy_folder} {fastq} {arguments}")
    assert (result.exit, result.output) == (2, b"")
    assert message in result.stderr
    assert [path.name for path in Path().iterdir()] == ["t.json"]


def settings_with(**changes: object) -> bytes:
    insert = {"mean": 300, "sd": 30, "low": 100, "high": 500, "source": "learned"}
    return json.dumps({"command": "align", "preset": "divergent", "insert": insert | changes}).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "s.json: no such file"),
        (b"", "s.json: is not JSON"),
        (b"\xff\xfe\x00", "s.json: is not JSON"),
        (b"[1]", "s.json: is not the summary of an alignment"),
        (b'{"command": "index"}', "s.json: is not the summary of an alignment"),
        (b'{"command": "align", "preset": "fast"}', "s.json: names the preset 'fast', not one of sr, diverg"),
        (b'{"command": "align", "preset": ["sr"]}', "s.json: names the preset ['sr'], not one of sr"),
        (b'{"command": "align", "preset": "sr"}', "s.json: has no insert size that is assumed"),
        (
            b'{"command": "align", "preset": "sr", "insert": {"source": "guess"}}',
            "s.json: has no insert size",
        ),
        (
            b'{"command": "align", "preset": "sr", "insert": {"source": "learned", "mean": null}}',
            "s.json: has no insert size of mean, sd, low, high in bp; the --json of genoseq align is",
        ),
        (settings_with(low=True), "s.json: has no insert size of mean, sd, low, high in bp"),
        (settings_with(low=900, high=10), "s.json: has fragments of 900-10 bp"),
        (b"[" * 100_000, "s.json: is not JSON"),
    ],
)
def test_settings_that_are_none(run, toy_folder, fastq, away, content, message):
    if content is not None:
        Path("s.json").write_bytes(content)
    result = run(f"align -x {toy_folder} {fastq} --settings s.json -o out.sam")
    assert result.exit == 1
    assert message in result.stderr
    assert not Path("out.sam").exists()


def test_settings_of_an_index_with_more_words_are_told_of(run, data, fastq, away):
    assert run(f"index {data}/genome.fa.gz --preset sr -o sr.gsx -q").exit == 0
    Path("s.json").write_bytes(settings_with())
    result = run(f"align -x sr.gsx {fastq} --settings s.json -o out.sam -q")
    assert result.exit == 0
    assert "the index has one anchor word, so the preset 'divergent' finds less" in result.stderr


def test_ctrl_c_leaves_no_folder(start, appears, away):
    process = start("split", "-", "-o", "parts", stdin=subprocess.PIPE)
    process.stdin.write(b"@a\nACGT\n+\nIIII\n" * 100_000)
    process.stdin.flush()
    appears(away, f".parts.{process.pid}.tmp/0001.fq.gz")
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr.read() == b"genoseq split: interrupted\n"
    assert list(away.iterdir()) == []
