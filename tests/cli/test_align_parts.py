"""`genoseq align`: long and split reads, other places, reads sorted out into files, and the profile."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pysam
import pytest

from genoseq.sequence import reverse_complement_text


def records(path: Path | str) -> list[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(path)) as file:
        return list(file)


def genome_of(data: Path) -> dict[str, str]:
    """The toy genome, lower case, by contig."""
    contigs: dict[str, list[str]] = {}
    with gzip.open(data / "genome.fa.gz", "rt") as file:
        for line in file:
            if line.startswith(">"):
                contigs[line[1:].split()[0]] = lines = []
            else:
                lines.append(line.strip().lower())
    return {name: "".join(lines) for name, lines in contigs.items()}


@pytest.fixture
def long_reads(run, data, away) -> Path:
    """Thirty reads of 3 kb with one error in ten bases."""
    options = "-n 30 -l 3000 --errors long --error-rate 0.1 -q"
    assert run(f"simulate {data}/genome.fa.gz {options} -o long.fq").exit == 0
    return Path("long.fq")


def test_long_reads_are_seen(run, toy_folder, long_reads):
    result = run(f"align -x {toy_folder} {long_reads} -o out.bam --sort --json s.json")
    assert result.exit == 0, result.stderr
    assert "genoseq align: preset long (reads of 3,000 bp)" in result.stderr
    summary = json.loads(Path("s.json").read_text())
    assert (summary["preset"], summary["mapped"], summary["supplementary"]) == ("long", 30, 0)
    assert summary["looked_at"] == {"length": 3000, "identity": None}
    assert run("evaluate out.bam -q --json e.json").exit == 0
    assert json.loads(Path("e.json").read_text())["files"][0]["summary"]["right"] == 1.0


@pytest.mark.parametrize("preset", ["auto", "long"])
def test_a_run_that_compiles_the_kernels_of_long_reads_says_so(
    run, toy_folder, long_reads, monkeypatch, preset
):
    asked = []

    def tell(kernel, command, *, quiet):
        asked.append(kernel.py_func.__name__)
        return False

    monkeypatch.setattr("genoseq.cli._progress.tell_if_compiling", tell)
    assert run(f"align -x {toy_folder} {long_reads} -o out.sam -q --preset {preset}").exit == 0
    assert asked[-1] == "chain_hits"


def test_long_reads_have_no_mates(run, toy_folder, long_reads, fastq):
    for reads in (f"{long_reads} {fastq}", f"{fastq} --interleaved"):
        result = run(f"align -x {toy_folder} {reads} --preset long")
        assert (result.exit, result.output) == (2, b"")
        assert "the preset 'long' aligns single reads, not pairs" in result.stderr


def test_short_presets_refuse_long_reads(run, toy_folder, long_reads):
    result = run(f"align -x {toy_folder} {long_reads} --preset sr")
    assert result.exit == 1
    assert "up to 1000 bp, the preset 'long' longer ones" in result.stderr


def test_a_split_read_in_every_format(run, toy_folder, data, away):
    genome = genome_of(data)["chr20a"].upper()
    sequence = genome[5000:5090] + reverse_complement_text(genome[90_000:90_060])
    Path("r.fq").write_text(f"@split\n{sequence}\n+\n{'I' * 60}{'5' * 90}\n")
    for options, clip, bases in (("", "H", 60), ("-Y", "S", 150)):
        assert run(f"align -x {toy_folder} r.fq -o out.bam -q {options}").exit == 0
        first, second = records("out.bam")
        assert (first.flag, first.reference_start, first.cigarstring) == (0, 5000, "90M60S")
        assert (second.flag, second.reference_start) == (2048 + 16, 90_000)
        assert second.cigarstring == f"60M90{clip}"
        assert len(second.query_sequence) == len(second.query_qualities) == bases
        assert first.get_tag("SA") == f"chr20a,90001,-,60M90S,{second.mapping_quality},0;"
        assert second.get_tag("SA") == f"chr20a,5001,+,90M60S,{first.mapping_quality},0;"
    result = run(f"align -x {toy_folder} r.fq --paf --cs -q")
    rows = [line.split("\t") for line in result.output.decode().splitlines()]
    assert [row[2:6] for row in rows] == [["0", "90", "+", "chr20a"], ["90", "150", "-", "chr20a"]]
    assert [row[-1] for row in rows] == ["cs:Z::90", "cs:Z::60"]


def test_parts_as_bwa_marks_them(run, toy_folder, data, away):
    """The lines of `bwa mem` 0.7.17 with the same options: FLAG, POS, CIGAR, length of SEQ, SA less MAPQ."""
    genome = genome_of(data)["chr20a"].upper()
    split = genome[5000:5060] + reverse_complement_text(genome[90_000:90_090])
    Path("r.fq").write_text(f"@split\n{split}\n+\n{'I' * 150}\n")
    left, right = "chr20a,5001,+,60M90S,,0;", "chr20a,90001,-,90M60S,,0;"
    expected = {
        "": [(16, 90_000, "90M60S", 150, left), (2048, 5000, "60M90H", 60, right)],
        "-M": [(16, 90_000, "90M60S", 150, left), (256, 5000, "60M90H", 60, right)],
        "--primary-5": [(0, 5000, "60M90S", 150, right), (2048 + 16, 90_000, "90M60H", 90, left)],
        "--mark-split --primary-5 -Y": [
            (0, 5000, "60M90S", 150, right),
            (256 + 16, 90_000, "90M60S", 150, left),
        ],
    }
    for options, lines in expected.items():
        assert run(f"align -x {toy_folder} r.fq -o out.bam -q {options}").exit == 0
        assert [
            (
                r.flag,
                r.reference_start,
                r.cigarstring,
                len(r.query_sequence),
                re.sub(r",\d+,(\d+;)", r",,\1", r.get_tag("SA")),
            )
            for r in records("out.bam")
        ] == lines


@pytest.mark.parametrize("soft", ["", "-Y"])
def test_secondary_lines_with_bases(run, toy_folder, data, away, soft):
    run(f"align -x {toy_folder} {data}/reads.fq.gz --secondary 3 -q -o stars.bam")
    assert (
        run(
            f"align -x {toy_folder} {data}/reads.fq.gz --secondary 3 --secondary-seq {soft} -q -o out.bam"
        ).exit
        == 0
    )
    whole, seen, cut = {}, 0, 0
    for record, starred in zip(records("out.bam"), records("stars.bam"), strict=True):
        bases, quals = record.get_forward_sequence(), list(record.get_forward_qualities())
        if not record.is_secondary and not record.is_supplementary:
            whole[record.query_name] = bases, quals
        if not record.is_secondary:
            continue
        seen += 1
        assert starred.query_sequence is None
        assert record.cigarstring.replace("H", "S") == starred.cigarstring
        clips = [int(n) for n in re.findall(r"(?:^|\D)(\d+)H", f" {record.cigarstring}")]
        first = record.cigartuples[-1 if record.is_reverse else 0]
        left = first[1] if first[0] == 5 else 0
        cut += sum(clips)
        primary, qualities = whole[record.query_name]
        stop = len(primary) - sum(clips) + left
        assert (bases, quals) == (primary[left:stop], qualities[left:stop])
    assert seen > 10
    assert (cut > 0) == (soft == "")


def test_cs_tells_what_differs(run, toy_folder, data, away):
    assert run(f"align -x {toy_folder} {data}/reads.fq.gz --paf --cs -q -o out.paf").exit == 0
    genome = genome_of(data)
    for line in Path("out.paf").read_text().splitlines()[:500]:
        row = line.split("\t")
        j, edits = int(row[7]), 0
        for kind, value in re.findall(r"([:*+-])([0-9a-z]+)", row[-1][5:]):
            if kind == ":":
                j += int(value)
                continue
            edits += 1 if kind == "*" else len(value)
            if kind != "+":
                expected = value[0] if kind == "*" else value
                assert genome[row[5]][j : j + len(expected)] == expected
                j += len(expected)
        assert j == int(row[8])
        assert f"NM:i:{edits}" in row


def test_other_places_in_a_tag(run, toy_folder, data, away):
    options = f"align -x {toy_folder} {data}/reads.fq.gz --secondary 3 -q"
    lines, tags = run(options).output.decode(), run(f"{options} --xa").output.decode()
    secondary = [
        line.split("\t") for line in lines.splitlines() if line[0] != "@" and int(line.split("\t")[1]) & 256
    ]
    told = {}
    for line in tags.splitlines():
        for field in line.split("\t"):
            if field.startswith("XA:Z:"):
                told[line.split("\t")[0]] = field[5:].rstrip(";").split(";")
    assert sum(map(len, told.values())) == len(secondary) > 10
    for row in secondary:
        sign = "-" if int(row[1]) & 16 else "+"
        edits = next(field[5:] for field in row if field.startswith("NM:i:"))
        assert f"{row[2]},{sign}{row[3]},{row[5]},{edits}" in told[row[0]]


@pytest.mark.parametrize("suffix", ["fq", "fq.gz"])
def test_reads_go_into_files_of_their_own(run, toy_folder, data, away, suffix):
    strangers = "".join(f"@x{i} note\n{'ACCA' * 25}\n+\n{'F' * 100}\n" for i in range(3)).encode()
    with gzip.open(data / "reads.fq.gz") as file:
        known = b"".join(file.readline() for _ in range(4 * 50))
    Path("r.fq").write_bytes(known + strangers)
    result = run(f"align -x {toy_folder} r.fq -o out.sam -q --al al.{suffix} --un un.{suffix}")
    assert result.exit == 0, result.stderr
    opened = gzip.open if suffix.endswith("gz") else open
    with opened(f"un.{suffix}", "rb") as file:
        assert file.read() == strangers
    with opened(f"al.{suffix}", "rb") as file:
        assert file.read() == known


def test_mates_in_files_of_their_own_have_numbers(run, toy_folder, data, away):
    options = "-n 20 --insert 300,30 -q -o p1.fq --output2 p2.fq"
    assert run(f"simulate {data}/genome.fa.gz {options}").exit == 0
    assert run(f"align -x {toy_folder} p1.fq p2.fq -o out.sam -q --al al.fq").exit == 0
    names = [line.strip() for line in Path("al.fq").read_text().splitlines()[::4]]
    assert [name[-2:] for name in names[:4]] == ["/1", "/2", "/1", "/2"]


def test_a_read_group_from_a_file(run, toy_folder, fastq, away):
    Path("head.sam").write_text("@HD\tVN:1.6\n@RG\tID:lane7\tSM:liver\n")
    result = run(f"align -x {toy_folder} {fastq} --rg head.sam -q")
    assert b"@RG\tID:lane7\tSM:liver\n" in result.output
    assert result.output.count(b"\tRG:Z:lane7\n") == 60
    Path("head.sam").write_text("@RG\tID:a\n@RG\tID:b\n")
    result = run(f"align -x {toy_folder} {fastq} --rg head.sam -q")
    assert result.exit == 2
    assert "head.sam: 2 lines begin with @RG; expected one read group" in result.stderr


@pytest.mark.parametrize("output", ["out.sam", "out.paf"])
def test_the_profile_adds_up(run, toy_folder, fastq, away, output):
    result = run(f"align -x {toy_folder} {fastq} -o {output} --profile --json s.json -q")
    summary = json.loads(Path("s.json").read_text())
    assert {"read", "anchors", "search", "verify", "extend", "choose", "format", "write"} <= summary[
        "profile"
    ].keys()
    assert all(seconds >= 0 for seconds in summary["profile"].values())
    assert "genoseq align: CPU seconds of each step, all threads" in result.stderr
    assert sum(summary["stages"]) == 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--xa", "--xa needs --secondary N"),
        ("--cs", "--cs is a tag of PAF"),
        ("--paf -Y", "--soft-clip needs SAM or BAM"),
        ("--paf --mark-split", "--mark-split needs SAM or BAM"),
        ("--secondary-seq", "--secondary-seq needs --secondary N"),
        ("--secondary-seq --secondary 2 --xa", "--secondary-seq needs --secondary N, and lines for them"),
        ("--sort-memory 1G", "--sort-memory belongs to --sort"),
        ("--level 1", "--level is for BAM and CRAM"),
        ("--level 10 -o x.bam", "10 is out of range (allowed: 0..9)"),
        ("--sort --sort-memory 1M -o x.bam", "1M is out of range (allowed: 16M or more)"),
        ("--sort --sort-memory lots -o x.bam", "'lots' is not a size"),
        ("--un u.fq.xz", "--un: u.fq.xz: plain or gzip FASTQ is written"),
        ("--un u.fq --al u.fq", "u.fq"),
        ("--un out.sam -o out.sam", "out.sam"),
        ("--preset longer", "invalid choice: 'longer'"),
    ],
)
def test_options_that_do_not_go_together(run, toy_folder, fastq, away, options, message):
    result = run(f"align -x {toy_folder} {fastq} {options}")
    assert (result.exit, result.output) == (2, b"")
    assert message in result.stderr
    assert list(away.iterdir()) == []


def test_levels_of_compression(run, toy_folder, data, away):
    for level in (0, 1, 6):
        options = f"-o {level}.bam --sort --level {level} -q"
        assert run(f"align -x {toy_folder} {data}/reads.fq.gz {options}").exit == 0
        assert [r.to_string() for r in records(f"{level}.bam")] == [r.to_string() for r in records("0.bam")]
    sizes = [Path(f"{level}.bam").stat().st_size for level in (0, 1, 6)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 1.5 * sizes[1] > sizes[2]


def test_sorting_with_little_memory(run, toy_folder, data, away):
    for name, options in (("a.bam", ""), ("b.bam", "--sort-memory 16M")):
        assert run(f"align -x {toy_folder} {data}/reads.fq.gz -o {name} --sort -q {options}").exit == 0
    assert [r.to_string() for r in records("a.bam")] == [r.to_string() for r in records("b.bam")]
