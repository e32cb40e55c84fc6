"""`genoseq align` with pairs: two files, one file, BAM; what is said of them; and what does not fit."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pysam
import pytest


@pytest.fixture
def mates(run, data, away) -> tuple[str, str]:
    """200 pairs of fragments of 400 bp, in two files."""
    made = f"simulate {data / 'genome.fa.gz'} -n 200 --insert 400,40 --divergence 0.03 -q"
    assert run(f"{made} -o 1.fq.gz --output2 2.fq.gz").exit == 0
    return "1.fq.gz", "2.fq.gz"


def lines(text: bytes) -> list[bytes]:
    return [line for line in text.splitlines() if not line.startswith(b"@PG")]


def test_two_files(run, toy_folder, mates):
    result = run(f"align -x {toy_folder} {mates[0]} {mates[1]} -o out.bam --sort --json run.json")
    assert result.exit == 0
    assert "200 pairs, 100.00 % proper (fragments of" in result.stderr
    told = json.loads(Path("run.json").read_text())
    assert (told["reads"], told["pairs"], told["proper_pairs"]) == (400, 200, 200)
    assert told["insert"]["source"] == "learned"
    assert told["insert"]["mean"] == pytest.approx(400, abs=12)
    with pysam.AlignmentFile("out.bam") as file:
        records = list(file)
    assert sum(r.is_proper_pair for r in records) == 400
    assert {r.query_name for r in records if r.is_read1} == {r.query_name for r in records if r.is_read2}
    judged = run("evaluate out.bam --json -")
    assert json.loads(judged.output)["files"][0]["summary"]["right"] > 0.99


def test_interleaved_stdin_and_bam_are_the_same(run, toy_folder, mates, data):
    two = run(f"align -x {toy_folder} {mates[0]} {mates[1]} -q").output
    run(f"simulate {data / 'genome.fa.gz'} -n 200 --insert 400,40 --divergence 0.03 -o both.fq -q")
    one = run(f"align -x {toy_folder} --interleaved both.fq -q").output
    piped = run(f"align -x {toy_folder} --interleaved - -q", stdin=Path("both.fq").read_bytes()).output
    assert lines(one) == lines(two) == lines(piped)
    Path("out.sam").write_bytes(two)
    again = run(f"align -x {toy_folder} out.sam -q")
    assert (again.exit, lines(again.output)) == (0, lines(two))


def test_threads_do_not_change_the_output(run, toy_folder, mates):
    outputs = [run(f"align -x {toy_folder} {mates[0]} {mates[1]} -q -t {n}").output for n in (1, 3)]
    assert lines(outputs[0]) == lines(outputs[1])


def test_a_given_insert_size_is_kept(run, toy_folder, mates):
    result = run(f"align -x {toy_folder} {mates[0]} {mates[1]} -o out.sam --insert 300,10 --json run.json")
    assert "mean 300, SD 10, given" in result.stderr
    told = json.loads(Path("run.json").read_text())
    assert told["insert"]["source"] == "given"
    assert told["proper_pairs"] < 20


def test_names_of_mates_in_paf(run, toy_folder, mates):
    names = [
        line.split(b"\t")[0]
        for line in run(f"align -x {toy_folder} {mates[0]} {mates[1]} -q --paf").output.splitlines()
    ]
    assert len(names) == 400
    assert all(name.endswith((b"/1", b"/2")) for name in names)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("{one} {two} {one}", 2, "3 files of reads"),
        ("{one} {one}", 2, "given twice"),
        ("{one} ./{one}", 2, "given twice"),
        ("--interleaved {one} {two}", 2, "--interleaved is for one file"),
        ("--insert 400 {one} {two}", 2, "'400' is not MEAN,SD"),
        ("--insert 400,-1 {one} {two}", 2, "insert size 400,-1"),
        ("{one} short.fq", 1, "more reads than short.fq, which ends after 1"),
        ("{one} other.fq", 1, "read 1 is '0:"),
        ("{one} missing.fq", 1, "missing.fq: no such file"),
    ],
)
def test_what_does_not_fit(run, toy_folder, mates, arguments, code, message):
    run("simulate --random -n 1 -o other.fq -q")
    name = run(f"align -x {toy_folder} {mates[1]} -q --paf").output.split(b"\t")[0].decode()
    Path("short.fq").write_text(f"@{name}\nACGT\n+\nIIII\n")
    result = run(f"align -x {toy_folder} {arguments.format(one=mates[0], two=mates[1])} -o out.sam")
    assert result.exit == code
    assert message in result.stderr
    assert not Path("out.sam").exists()


def test_interleaved_without_pairs_warns(run, toy_folder, fastq):
    result = run(f"align -x {toy_folder} --interleaved {fastq} -q")
    assert result.exit == 0
    assert "no two neighbouring reads share a name" in result.stderr


def test_comments_are_carried_into_sam_and_from_bam(run, toy_folder, fastq, away):
    plain = fastq.read_text().splitlines()
    tagged = [line + "\tBX:Z:AC-1\tRX:Z:GT" if i % 4 == 0 else line for i, line in enumerate(plain)]
    Path("tagged.fq").write_text("\n".join(tagged) + "\n")
    result = run(f"align -x {toy_folder} tagged.fq -C -q -o out.bam")
    assert (result.exit, result.stderr) == (0, "")
    with pysam.AlignmentFile("out.bam") as file:
        records = list(file)
    assert {(r.get_tag("BX"), r.get_tag("RX")) for r in records} == {("AC-1", "GT")}
    again = run(f"align -x {toy_folder} out.bam --comments -q")
    first = run(f"align -x {toy_folder} tagged.fq --comments -q")
    assert lines(again.output) == lines(first.output)
    without = run(f"align -x {toy_folder} tagged.fq -q")
    assert b"BX:Z" not in without.output


def test_comments_that_are_no_tags_are_refused(run, toy_folder, away):
    Path("casava.fq").write_text("@r 1:N:0:ACGT\nACGTACGTACGTACGTACGTACGT\n+\nIIIIIIIIIIIIIIIIIIIIIIII\n")
    result = run(f"align -x {toy_folder} casava.fq -C -o out.sam")
    assert result.exit == 1
    assert "casava.fq: the comment of read 'r' has '1:N:0:ACGT', which is no SAM tag" in result.stderr
    assert not Path("out.sam").exists()
    assert run(f"align -x {toy_folder} casava.fq -C -o out.paf").exit == 2


def test_eqx(run, toy_folder, fastq, away):
    assert run(f"align -x {toy_folder} {fastq} --eqx -q -o out.bam").exit == 0
    with pysam.AlignmentFile("out.bam") as file:
        cigars = [r.cigarstring for r in file if not r.is_unmapped]
    assert cigars
    assert not any("M" in cigar for cigar in cigars)


@pytest.mark.parametrize("sort", ["", "--sort"])
def test_cram_needs_no_file_of_the_genome(run, toy_folder, mates, data, sort):
    arguments = f"align -x {toy_folder} {mates[0]} {mates[1]} -q {sort}"
    assert run(f"{arguments} -o out.cram").exit == 0
    assert run(f"{arguments} -o out.bam").exit == 0
    assert sorted(p.name for p in Path().glob("out.cram*")) == [
        "out.cram",
        *(["out.cram.crai"] if sort else []),
    ]
    with gzip.open(data / "genome.fa.gz") as packed:
        Path("genome.fa").write_bytes(packed.read())
    with pysam.AlignmentFile("out.cram", reference_filename="genome.fa") as file:
        cram = [r.to_string().split("\t")[:11] for r in file]
    with pysam.AlignmentFile("out.bam") as file:
        assert cram == [r.to_string().split("\t")[:11] for r in file]
    assert not [p for p in Path().iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize(
    "files", ["long.fq", "long.fq short.fq", "short.fq long.fq", "--interleaved long.fq"]
)
def test_a_read_that_is_too_long_is_told_with_its_file(run, toy_folder, away, files):
    for name, repeats in (("long.fq", 251), ("short.fq", 25)):
        first = f"@first\n{'ACGT' * 25}\n+\n{'I' * 100}\n"
        Path(name).write_text(f"{first}@r\n{'ACGT' * repeats}\n+\n{'IIII' * repeats}\n")
    result = run(f"align -x {toy_folder} {files} --preset divergent -o out.sam")
    assert result.exit == 1
    assert "long.fq: read 'r' has 1004 bp; this preset aligns reads of up to 1000 bp" in result.stderr
    assert ("the preset 'long'" in result.stderr) == ("short" not in files)  # it knows no mates
    assert not Path("out.sam").exists()


def test_insert_with_single_reads_is_told(run, toy_folder, mates):
    result = run(f"align -x {toy_folder} {mates[0]} -o out.sam -q --insert 400,40")
    assert result.exit == 0
    assert "warning: --insert is for pairs, and these are single reads" in result.stderr
    assert run(f"align -x {toy_folder} {mates[0]} {mates[1]} -o out.sam -q --insert 400,40").stderr == ""


def test_one_of_a_thing_is_told_as_one(run, toy_folder, mates):
    for number in (1, 2):
        with gzip.open(f"{number}.fq.gz", "rt") as file:
            Path(f"one{number}.fq").write_text("".join(file.readline() for _ in range(4)))
    assert "1 read, 1 mapped" in run(f"align -x {toy_folder} one1.fq -o out.sam").stderr
    assert "1 pair, " in run(f"align -x {toy_folder} one1.fq one2.fq -o out.sam").stderr


def test_samtools_marks_duplicates_without_fixmate(run, toy_folder, data, away):
    options = "-n 300 --insert 300,30 --errors illumina -q -o a.fq --output2 b.fq"
    assert run(f"simulate {data}/genome.fa.gz {options}").exit == 0
    for name in ("a.fq", "b.fq"):  # the first fifty once more, under other names
        lines = Path(name).read_text().splitlines(keepends=True)
        copies = [f"@copy{line[1:]}" if i % 4 == 0 else line for i, line in enumerate(lines[:200])]
        Path(name).write_text("".join(lines + copies))
    assert run(f"align -x {toy_folder} a.fq b.fq -q -o plain.bam").exit == 0
    assert run(f"align -x {toy_folder} a.fq b.fq -q -o sorted.bam --sort").exit == 0
    pysam.fixmate("-m", "plain.bam", "fixed.bam")
    with pysam.AlignmentFile("plain.bam") as plain, pysam.AlignmentFile("fixed.bam") as fixed:
        for mine, its in zip(plain, fixed, strict=True):
            assert mine.get_tag("ms") == its.get_tag("ms")
    pysam.markdup("sorted.bam", "marked.bam")
    with pysam.AlignmentFile("marked.bam") as marked:
        assert 100 <= sum(record.is_duplicate for record in marked) <= 104
