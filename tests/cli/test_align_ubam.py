"""`genoseq align` of SAM and BAM: what their records say of the reads stays with them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pysam
import pytest

LANES = ["@RG\tID:lane1\tSM:liver\tPL:ILLUMINA", "@RG\tID:lane2\tSM:liver\tDS:a note"]


def records(path: Path | str) -> list[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(path), reference_filename=None) as file:
        return list(file)


def unaligned(reads: list[tuple[str, int, str, str]], path: Path, *, groups: list[str] = LANES) -> Path:
    """BAM of (name, flag, bases, tags)."""
    lines = ["@HD\tVN:1.6\tSO:unsorted", *groups, "@PG\tID:basecaller\tPN:basecaller"]
    for name, flag, bases, tags in reads:
        lines.append(f"{name}\t{flag}\t*\t0\t0\t*\t*\t0\t0\t{bases}\t{'I' * len(bases)}{tags}")
    sam = path.with_suffix(".sam")
    sam.write_text("\n".join(lines) + "\n")
    pysam.view("-b", "-o", str(path), str(sam), catch_stdout=False)
    return path


@pytest.fixture
def singles(fastq, away) -> Path:
    """The reads of `fastq`, of two lanes and of none in turn."""
    lines = fastq.read_text().splitlines()
    tags = ["\tRG:Z:lane1", "\tBX:Z:A\tRG:Z:lane2", ""]
    reads = [
        (head[1:].split()[0], 4, bases, tags[i % 3])
        for i, (head, bases) in enumerate(zip(lines[::4], lines[1::4], strict=True))
    ]
    return unaligned(reads, Path("reads.bam"))


@pytest.fixture
def pairs(run, data, away) -> Path:
    """Forty pairs, the first half of lane 1."""
    assert run(f"simulate {data}/genome.fa.gz -n 40 --insert 300,30 -q -o 1.fq --output2 2.fq").exit == 0
    reads = []
    one, two = (Path(f"{mate}.fq").read_text().splitlines() for mate in (1, 2))
    for i in range(0, len(one), 4):
        name = one[i][1:].split()[0].removesuffix("/1")
        tag = f"\tRG:Z:lane{1 + (i >= len(one) / 2)}"
        reads += [(name, 77, one[i + 1], tag), (name, 141, two[i + 1], tag)]
    return unaligned(reads, Path("pairs.bam"))


def header_lines(path: str, kind: str) -> list[str]:
    return [line for line in pysam.view("-H", "--no-PG", path).splitlines() if line.startswith(f"@{kind}\t")]


@pytest.mark.parametrize(("output", "options"), [("o.sam", ""), ("o.bam", "--sort"), ("o.sam", "-C")])
def test_single_reads_keep_their_read_groups(run, toy_folder, singles, output, options):
    result = run(f"align -x {toy_folder} {singles} -q -o {output} {options}")
    assert (result.exit, result.stderr) == (0, "")
    assert header_lines(output, "RG") == LANES
    assert len(header_lines(output, "PG")) == 1  # not that of the input
    before = {r.query_name: r.get_tag("RG") if r.has_tag("RG") else None for r in _raw(singles)}
    after = {r.query_name: r.get_tag("RG") if r.has_tag("RG") else None for r in records(output)}
    assert before == after
    assert Counter(after.values()) == {"lane1": 20, "lane2": 20, None: 20}
    assert any(r.has_tag("BX") for r in records(output)) == (options == "-C")


def _raw(path: Path) -> list[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return list(file)


@pytest.mark.parametrize("output", ["o.bam", "o.cram"])
def test_mates_keep_their_read_groups(run, toy_folder, pairs, output, data):
    result = run(f"align -x {toy_folder} {pairs} -q -o {output} --sort --insert 300,30")
    assert (result.exit, result.stderr) == (0, "")
    assert header_lines(output, "RG") == LANES
    counts = {line[7:12]: int(pysam.view("-c", "-r", line[7:12], output)) for line in LANES}
    assert counts == {"lane1": 40, "lane2": 40}


@pytest.mark.parametrize("options", ["", "--insert 300,30 --rg ID:x", "--preset long"])
def test_reads_that_failed_stay_marked(run, toy_folder, pairs, singles, options):
    path = singles if "long" in options else pairs
    marked = Path("marked.sam")
    lines = pysam.view("-h", str(path)).splitlines()
    heads = [line for line in lines if line.startswith("@")]
    rows = [line.split("\t") for line in lines[len(heads) :]]
    failed = {row[0] for row in rows[::10]}
    for row in rows:
        row[1] = str(int(row[1]) | (512 if row[0] in failed else 0))
    marked.write_text("\n".join([*heads, *("\t".join(row) for row in rows)]) + "\n")
    assert run(f"align -x {toy_folder} {marked} -q -o o.bam {options}").exit == 0
    found = records("o.bam")
    assert len(found) >= len(rows)
    assert [r.is_qcfail for r in found] == [r.query_name in failed for r in found]
    assert run(f"align -x {toy_folder} {path} -q -o plain.bam {options}").exit == 0
    assert [r.flag & ~512 for r in found] == [r.flag for r in records("plain.bam")]


def test_rg_overrides_what_the_reads_say(run, toy_folder, singles):
    assert run(f"align -x {toy_folder} {singles} -q -o o.bam --rg ID:mine").exit == 0
    assert header_lines("o.bam", "RG") == ["@RG\tID:mine"]
    assert {r.get_tag("RG") for r in records("o.bam")} == {"mine"}


def test_two_files_that_disagree_on_a_read_group(run, toy_folder, pairs):
    for mate, flag in ((1, "0x40"), (2, "0x80")):
        text = pysam.view("-h", "-f", flag, str(pairs))
        Path(f"m{mate}.sam").write_text(text.replace("SM:liver", f"SM:liver{mate}"))
    result = run(f"align -x {toy_folder} m1.sam m2.sam -o o.sam")
    assert (result.exit, Path("o.sam").exists()) == (1, False)
    assert "m1.sam m2.sam: the read group 'lane1' is" in result.stderr
    assert run(f"align -x {toy_folder} m1.sam m2.sam -o o.sam --rg ID:x -q").exit == 0


def test_paf_and_files_of_reads_have_no_read_groups(run, toy_folder, singles):
    assert run(f"align -x {toy_folder} {singles} -q -o o.paf --al al.fq").exit == 0
    assert "RG:Z" not in Path("o.paf").read_text() + Path("al.fq").read_text()
