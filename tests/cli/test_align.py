"""`genoseq align`: golden runs, every input and output, which index is taken, and every kind of bad input."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pysam
import pytest
from backports import zstd

from genoseq import __version__
from genoseq.index.manifest import checksum
from genoseq.index.store import Index
from genoseq.sequence import reverse_complement_text


def body(text: bytes) -> list[bytes]:
    """Lines without the header line that holds the command."""
    return [line for line in text.splitlines() if not line.startswith(b"@PG")]


def records(path: Path | str) -> list[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(path)) as file:
        return list(file)


@pytest.fixture
def plain(run, toy_folder, fastq) -> bytes:
    """The SAM of the 60 reads."""
    result = run(f"align -x {toy_folder} {fastq} -q")
    assert (result.exit, result.stderr) == (0, "")
    return result.output


# golden runs (see tests/golden/README.md)


def test_golden_sam(run, toy_folder, data):
    run(f"align -x {toy_folder} {data.parent}/tests/golden/align.fq -q", expected="align.sam")


def test_golden_paf(run, toy_folder, data):
    run(f"align -x {toy_folder} {data.parent}/tests/golden/align.fq --paf -q", expected="align.paf")


# what comes out


def test_the_header(plain, toy_folder, fastq):
    header = [line.decode().split("\t") for line in plain.splitlines() if line.startswith(b"@")]
    reference = Index.open(toy_folder).reference
    assert header[0] == ["@HD", "VN:1.6", "SO:unsorted"]
    assert header[1:4] == [
        ["@SQ", f"SN:{name}", f"LN:{length}", f"M5:{md5}"]
        for name, length, md5 in zip(reference.names, reference.lengths, reference.md5s, strict=True)
    ]
    command = f"CL:genoseq align -x {toy_folder} {fastq} -q"
    assert header[4] == ["@PG", "ID:genoseq", "PN:genoseq", f"VN:{__version__}", command]


def test_every_read_has_a_line_in_order(plain, fastq):
    names = [line[1:] for line in fastq.read_bytes().splitlines()[::4]]
    assert [line.split(b"\t")[0] for line in plain.splitlines() if line[:1] != b"@"] == names


def test_summary_on_stderr_and_as_json(run, toy_folder, fastq, away):
    result = run(f"align -x {toy_folder} {fastq} -o out.sam --json run.json --preset divergent")
    told = json.loads(Path("run.json").read_text())
    lines = records("out.sam")
    mapped = sum(not r.is_unmapped for r in lines)
    sure = sum(r.mapping_quality >= 20 for r in lines)
    assert result.output == b""
    assert f"60 reads, {mapped} mapped ({100 * mapped / 60:.2f} %), {sure} with MAPQ >= 20, " in result.stderr
    expected = {"schema_version": 1, "command": "align", "reads": 60, "mapped": mapped, "mapq20": sure}
    assert told.items() >= (expected | {"preset": "divergent", "too_short": 0}).items()
    assert told["bases"] == sum(len(r.query_sequence) for r in lines)
    assert sum(told["stages"]) == 60
    assert told["seconds"] > 0


@pytest.mark.parametrize(
    ("words", "option", "ran", "warned"),
    [
        ("sr", "", "sr", False),
        ("divergent", "", "divergent", False),
        ("divergent", "--preset sr", "sr", False),
        ("sr", "--preset sensitive", "sensitive", True),  # its anchors of the second word are not there
    ],
)
def test_the_summary_names_the_preset_that_ran(run, fastq, away, words, option, ran, warned):
    Path("small.fa").write_text(">small\n" + "ACGTTGCATGACCATG" * 20 + "\n")
    assert run(f"index small.fa -q --preset {words}").exit == 0
    result = run(f"align -x small.gsx {fastq} -q -o out.sam --json run.json {option}")
    assert result.exit == 0
    assert ("warning: the index has one anchor word" in result.stderr) == warned
    assert json.loads(Path("run.json").read_text())["preset"] == ran


def test_a_summary_that_cannot_be_written_is_not_a_success(run, toy_folder, fastq, away):
    result = run(f"align -x {toy_folder} {fastq} -o out.sam --json /dev/full")
    assert result.exit == 1
    assert result.stderr == "genoseq align: error: /dev/full: No space left on device\n"


def test_a_link_to_the_reads_is_not_overwritten(run, toy_folder, fastq, away):
    Path("out.sam").symlink_to(fastq)
    before = fastq.read_bytes()
    result = run(f"align -x {toy_folder} {fastq} -o out.sam")
    assert (result.exit, result.output) == (2, b"")
    assert "out.sam is an input of this run" in result.stderr
    assert fastq.read_bytes() == before


def test_most_reads_are_right(run, toy_folder, data, away):
    assert run(f"align -x {toy_folder} {data}/reads.fq.gz -o out.bam -q").exit == 0
    result = run("evaluate out.bam --json report.json -q")
    assert result.exit == 0, result.stderr
    lines = [record for record in records("out.bam") if not record.is_supplementary]
    assert len(lines) == 2000
    right = 0
    for record in lines:
        _, contig, start, _, strand = record.query_name.rsplit(":", 4)
        if not record.is_unmapped and record.reference_name == contig:
            clip = record.query_alignment_start
            right += abs(record.reference_start - clip - int(start)) <= 60 and record.is_reverse == (
                strand == "-"
            )
    assert right >= 0.985 * 2000  # 0, 2, 5, 10, 20 % divergence with errors of the machine


def test_bam_holds_the_same_records(run, toy_folder, fastq, plain, away):
    Path("plain.sam").write_bytes(plain)
    assert run(f"align -x {toy_folder} {fastq} -o out.bam -q").exit == 0
    pysam.quickcheck("out.bam")
    assert [r.to_string() for r in records("out.bam")] == [r.to_string() for r in records("plain.sam")]
    assert {p.name for p in away.iterdir()} == {"plain.sam", "out.bam"}


@pytest.mark.parametrize("suffix", ["bam", "sam"])
def test_sorted(run, toy_folder, fastq, plain, away, suffix):
    result = run(f"align -x {toy_folder} {fastq} -o out.{suffix} --sort -q")
    assert (result.exit, result.stderr) == (0, "")
    lines = records(f"out.{suffix}")
    places = [(r.reference_id if r.reference_id >= 0 else 99, r.pos) for r in lines]
    assert places == sorted(places)
    assert sorted(r.query_name for r in lines) == sorted(
        line.split(b"\t")[0].decode() for line in plain.splitlines() if line[:1] != b"@"
    )
    with pysam.AlignmentFile(f"out.{suffix}") as file:
        assert file.header["HD"]["SO"] == "coordinate"
    assert Path("out.bam.bai").exists() == (suffix == "bam")
    assert len(list(away.iterdir())) == (2 if suffix == "bam" else 1)
    if suffix == "bam":
        with pysam.AlignmentFile("out.bam") as file:
            assert file.check_index()
            assert sum(1 for _ in file.fetch("chr20a")) == sum(r.reference_name == "chr20a" for r in lines)


def test_read_group(run, toy_folder, fastq, away):
    result = run(
        ["align", "-x", str(toy_folder), str(fastq), "--rg", r"@RG\tID:run 1\tSM:me", "-o", "out.bam", "-q"]
    )
    assert result.exit == 0, result.stderr
    with pysam.AlignmentFile("out.bam") as file:
        assert file.header["RG"] == [{"ID": "run 1", "SM": "me"}]
        assert {record.get_tag("RG") for record in file} == {"run 1"}


@pytest.fixture
def with_foreign(fastq, data, away) -> Path:
    """The 60 reads and three that are from nowhere."""
    with gzip.open(data / "reads_foreign.fq.gz") as file:
        foreign = b"".join(file.readline() for _ in range(12))
    path = away / "mixed.fq"
    path.write_bytes(fastq.read_bytes() + foreign)
    return path


def test_unmapped_are_kept_or_left_out(run, toy_folder, with_foreign):
    kept = body(run(f"align -x {toy_folder} {with_foreign} -q").output)
    left = body(run(f"align -x {toy_folder} {with_foreign} -q --no-unmapped").output)
    unmapped = [line for line in kept if line[:1] != b"@" and line.split(b"\t")[1] == b"4"]
    assert len(unmapped) >= 3
    assert left == [line for line in kept if line not in unmapped]


def test_secondary(run, toy_folder, fastq):
    lines = body(run(f"align -x {toy_folder} {fastq} -q --secondary 2").output)
    flags = [int(line.split(b"\t")[1]) for line in lines if line[:1] != b"@"]
    assert sum(not flag & 256 for flag in flags) == 60
    assert any(flag & 256 for flag in flags)


def test_paf_by_option_and_by_suffix(run, toy_folder, fastq, plain, away):
    result = run(f"align -x {toy_folder} {fastq} --paf -q")
    for name in ("out.paf", "out.PAF"):
        assert run(f"align -x {toy_folder} {fastq} -o {name} -q").exit == 0
        assert Path(name).read_bytes() == result.output
    mapped = [
        line.split(b"\t")[0]
        for line in plain.splitlines()
        if line[:1] != b"@" and line.split(b"\t")[2] != b"*"
    ]
    assert [line.split(b"\t")[0] for line in result.output.splitlines()] == mapped


@pytest.mark.parametrize("threads", [1, 2])
def test_any_number_of_threads_gives_the_same_bytes(run, toy_folder, data, threads, away):
    """8,192 reads are a batch: several batches, so that threads have something to do."""
    with gzip.open(data / "reads.fq.gz") as file:
        Path("many.fq").write_bytes(file.read() * 5)
    result = run(f"align -x {toy_folder} many.fq -t {threads} -q")
    one = run(f"align -x {toy_folder} {data}/reads.fq.gz -t 1 -q")
    lines = [line for line in one.output.splitlines() if line[:1] != b"@"]
    assert [line for line in result.output.splitlines() if line[:1] != b"@"] == lines * 5


# what goes in


def as_bam(fastq: Path, path: Path, *, reverse: bool = False) -> None:
    """The reads as BAM: unmapped, or as if half of them were aligned to the reverse strand."""
    lines = fastq.read_text().splitlines()
    header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6"}, "SQ": [{"SN": "x", "LN": 10_000}]})
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for number, (name, sequence, quality) in enumerate(
            zip(lines[::4], lines[1::4], lines[3::4], strict=True)
        ):
            record = pysam.AlignedSegment(header)
            record.query_name = name[1:]
            turned = reverse and number % 2
            record.flag = 4 if not reverse else 16 if turned else 0
            record.query_sequence = reverse_complement_text(sequence) if turned else sequence
            record.query_qualities_str = quality[::-1] if turned else quality
            if reverse:
                record.reference_id, record.pos, record.cigarstring = 0, 5, f"{len(sequence)}M"
            file.write(record)


@pytest.mark.parametrize("form", ["gz", "zst", "ubam", "bam", "crlf", "stdin", "stdin.gz", "no suffix"])
def test_every_form_of_input_gives_the_same(run, toy_folder, fastq, plain, away, form):
    text, stdin = fastq.read_bytes(), b""
    path = Path("reads")
    if form in ("ubam", "bam"):
        as_bam(fastq, path, reverse=form == "bam")
    elif form.startswith("stdin"):
        stdin = gzip.compress(text) if form.endswith("gz") else text
        path = Path("-")
    else:
        pack = {"gz": gzip.compress, "zst": zstd.compress, "crlf": lambda t: t.replace(b"\n", b"\r\n")}
        path.write_bytes(pack.get(form, bytes)(text))
    result = run(f"align -x {toy_folder} {path} -q", stdin=stdin)
    assert (result.exit, result.stderr) == (0, "")
    assert body(result.output) == body(plain)


def test_fasta_has_no_qualities(run, toy_folder, fastq, plain, away):
    lines = fastq.read_text().splitlines()
    Path("reads.fa").write_text(
        "".join(f">{n[1:]}\n{s[:70]}\n{s[70:]}\n" for n, s in zip(lines[::4], lines[1::4], strict=True))
    )
    result = run(f"align -x {toy_folder} reads.fa -q")
    expected = [line.split(b"\t") for line in body(plain)]
    for fields in expected:
        if not fields[0].startswith(b"@"):
            fields[10] = b"*"
    assert [line.split(b"\t") for line in body(result.output)] == expected


def test_short_reads_are_counted_and_unmapped(run, toy_folder, away):
    Path("short.fq").write_text("@a\nACGTACGTAC\n+\nIIIIIIIIII\n@b\nN\n+\nI\n")
    result = run(f"align -x {toy_folder} short.fq --json run.json")
    assert result.exit == 0
    assert [line.split(b"\t")[1] for line in result.output.splitlines() if line[:1] != b"@"] == [b"4", b"4"]
    assert json.loads(Path("run.json").read_text())["too_short"] == 2


@pytest.mark.parametrize("output", ["-", "out.sam", "out.bam", "out.paf"])
@pytest.mark.parametrize("content", [b"", b"\n", gzip.compress(b"")], ids=["empty", "newline", "gzip"])
def test_no_reads_give_a_valid_empty_output_and_a_warning(run, toy_folder, away, output, content):
    Path("none.fq").write_bytes(content)
    result = run(f"align -x {toy_folder} none.fq -o {output} -q")
    assert result.exit == 0
    warned = [line for line in result.stderr.splitlines() if "genoseq align: warning: " in line]
    assert len(warned) == len(result.stderr.splitlines()) == 1
    assert "none.fq" in warned[0]
    assert "no reads" in warned[0]
    if output.endswith(".paf"):
        assert Path(output).read_bytes() == b""
        return
    if output == "-":
        Path("out.sam").write_bytes(result.output)
        output = "out.sam"
    with pysam.AlignmentFile(output) as file:
        assert file.references == ("chr20a", "chr20b", "chr20c")
        assert list(file) == []


# which index


def test_the_index_beside_a_reference_is_built_once(run, data, fastq, plain, away):
    shutil.copy(data / "genome.fa.gz", "genome.fa.gz")
    first = run(f"align -r genome.fa.gz {fastq}")
    assert first.exit == 0
    assert "building the index genome.gsx (once)" in first.stderr
    assert body(first.output) == body(plain)
    made = Path("genome.gsx/manifest.json").stat().st_mtime_ns
    again = run(f"align -r genome.fa.gz {fastq}")
    assert "building" not in again.stderr
    assert again.output.count(b"\n") == first.output.count(b"\n")
    assert Path("genome.gsx/manifest.json").stat().st_mtime_ns == made


def test_a_reference_changed_since_it_was_indexed(run, fastq, away):
    Path("genome.fa").write_text(">a\n" + "ACGTTGCATGAC" * 20 + "\n")
    assert run(f"align -r genome.fa {fastq} -o out.sam -q").exit == 0
    before = Path("out.sam").read_bytes()
    Path("genome.fa").write_text(">a\n" + "ACGTTGCATGAC" * 21 + "\n")
    result = run(f"align -r genome.fa {fastq} -o out.sam")
    assert result.exit == 1
    assert "genome.fa: changed since it was indexed (244 bytes then, 256 now); rebuild with" in result.stderr
    assert Path("out.sam").read_bytes() == before


def test_references_that_share_the_name_of_an_index(run, fastq, away):
    """A copy of the reference uses its index; another file of that name is told which it was."""
    Path("g.fa").write_text(">a\n" + "ACGTTGCATGAC" * 20 + "\n")
    Path("g.fasta").write_text(">a\n" + "ACGTTGCATGAG" * 20 + "\n")
    assert run(f"align -r g.fa {fastq} -o out.sam -q").exit == 0
    os.utime("g.fa", ns=(1, 1))
    assert run(f"align -r g.fa {fastq} -o out.sam -q").exit == 0
    result = run(f"align -r g.fasta {fastq} -o out.sam")
    assert result.exit == 1
    assert "g.fasta: the index of this name was made from g.fa; choose another with" in result.stderr


def test_a_folder_as_reference(run, fastq, toy_folder, away):
    result = run(f"align -r {toy_folder} {fastq} -o out.sam")
    assert result.exit == 1
    assert (
        f"{toy_folder}: is a folder; a genome in FASTA is expected (an index is named with -x)"
        in result.stderr
    )


def test_index_of_the_environment_and_of_the_user(run, toy_folder, fastq, plain, monkeypatch, away):
    small = away / "small.fa"
    small.write_text(">small\n" + "ACGTTGCATGACCATG" * 20 + "\n")
    assert run(f"index {small} -q --default").exit == 0
    result = run(f"align {fastq} -q")
    assert b"SN:small" in result.output
    monkeypatch.setenv("GENOSEQ_INDEX", str(toy_folder))
    assert body(run(f"align {fastq} -q").output) == body(plain)
    # what is named goes first
    assert b"SN:small" in run(f"align -x small.gsx {fastq} -q").output


def test_a_default_index_that_is_gone(run, fastq, away, tmp_path):
    Path("small.fa").write_text(">small\n" + "ACGTTGCATGACCATG" * 20 + "\n")
    assert run("index small.fa -q --default").exit == 0
    shutil.rmtree("small.gsx")
    result = run(f"align {fastq} -o out.sam")
    assert result.exit == 1
    assert f"{away / 'small.gsx'}: no such folder" in result.stderr


def test_no_index_lists_the_commands_that_make_one(run, fastq, away):
    result = run(f"align {fastq} -o out.sam")
    assert result.exit == 2
    assert "no index given" in result.stderr
    for command in (
        "genoseq index genome.fa.gz -o genome.gsx\n",
        "genoseq align -x genome.gsx reads.fq.gz\n",
        "genoseq index genome.fa.gz -o genome.gsx --default\n",
    ):
        assert command in result.stderr
    assert list(away.iterdir()) == []


# bad input

BAD_READS = {
    # name: (content, what the message says)
    "junk.txt": (
        b"hello world\n",
        "junk.txt:1: the file starts with 'hello world'; a FASTQ file starts with '@'",
    ),
    "binary.bin": (bytes(range(1, 200)), "binary.bin:1: the file starts with b'\\x01"),
    "short.fq": (
        b"@a\nACGT\n+\nIIII\n@b\nACGT\n+\nIII\n",
        "short.fq:8: the qualities of 'b' are fewer than its bases",
    ),
    "long.fq": (b"@a\nACGT\n+\nIIIIII\n", "long.fq:4: the qualities of '@a' are more than its bases"),
    "noplus.fq": (b"@a\nACGT\nIIII\n@b\n", "noplus.fq:3: expected the line with '+'"),
    "emptyrecord.fq": (b"@a\n\n+\n\n", "emptyrecord.fq:2: the record '@a' has no bases"),
    "letters.fq": (b"@a\nACGT\n+\nIIII\n@b\nAC*T\n+\nIIII\n", "letters.fq:6: '*' is not a nucleotide letter"),
    "cut.fq": (b"@a\nACGT\n+\nIIII\n@b\nAC", "cut.fq:5: the file ends within the record '@b'"),
    "cut.fq.gz": (
        gzip.compress(b"@a\nACGT\n+\nIIII\n" * 9000)[:-12],
        "cut.fq.gz: the compressed data ends early",
    ),
    "damaged.zst": (zstd.compress(os.urandom(3000))[:1500], "damaged.zst: the compressed data"),
}


@pytest.mark.parametrize("output", ["out.sam", "out.bam", "out.paf"])
@pytest.mark.parametrize("name", BAD_READS)
def test_bad_reads(run, toy_folder, fastq, away, name, output):
    """One line on stderr, exit 1; an older output stays as it was, no new one appears."""
    content, message = BAD_READS[name]
    Path(name).write_bytes(content)
    result = run(f"align -x {toy_folder} {name} -o {output}")
    assert result.exit == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("genoseq align: error: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in result.stderr
    assert [p.name for p in away.iterdir()] == [name]
    Path(output).write_text("old")
    assert run(f"align -x {toy_folder} {name} -o {output}").exit == 1
    assert Path(output).read_text() == "old"
    assert {p.name for p in away.iterdir()} == {name, output}


def test_a_bad_record_late_in_the_file(run, toy_folder, data, away):
    """The good reads before it have been aligned and written by then: they must not stay."""
    with gzip.open(data / "reads.fq.gz") as file:
        text = file.read()
    Path("late.fq").write_bytes(text * 5 + b"@last\nACGT\n+\nIII\n")
    for output in ("out.sam", "out.bam"):
        result = run(f"align -x {toy_folder} late.fq -o {output} -q")
        assert result.exit == 1
        assert "late.fq:40004: the qualities of 'last' are fewer than its bases" in result.stderr
        assert [p.name for p in away.iterdir()] == ["late.fq"]


def test_cut_bam(run, toy_folder, fastq, away):
    as_bam(fastq, Path("reads.bam"))
    content = Path("reads.bam").read_bytes()
    for size in (len(content) - 28, len(content) // 2):
        Path("reads.bam").write_bytes(content[:size])
        result = run(f"align -x {toy_folder} reads.bam -o out.sam -q")
        assert result.exit == 1
        assert "reads.bam: " in result.stderr
        assert "cut" in result.stderr or "ends early" in result.stderr
        assert not Path("out.sam").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("-x {idx} missing.fq", 1, "missing.fq: no such file"),
        ("-x {idx} .", 1, ".: is a directory"),
        ("-x {idx} {fq} {fq}", 2, "given twice: the second file holds the mates of the first"),
        ("-x {idx}", 2, "the following arguments are required: READS"),
        ("-x {idx} -r genome.fa {fq}", 2, "give either -x or -r, not both"),
        ("-x missing.gsx {fq}", 1, "missing.gsx: no such folder"),
        ("-x {fq} {fq}", 1, "is a file; an index is the folder"),
        ("-x {idx} {fq} --json -", 2, "-o and --json both go to standard output"),
        ("-x {idx} {fq} -o new.sam --json ./new.sam", 2, "-o and --json both go to ./new.sam"),
        ("-x {idx} {fq} -o {fq}", 2, "reads.fq is an input of this run"),
        ("-x {idx} {fq} --json {fq}", 2, "reads.fq is an input of this run"),
        ("-r {fq} missing.fq --json {fq}", 2, "reads.fq is an input of this run"),
        ("-r missing.fa {fq}", 1, "missing.fa: no such file"),
        ("-x {idx} {fq} --preset nonsense", 2, "invalid choice: 'nonsense' (choose from"),
        ("-x {idx} {fq} --secondary 6", 2, "6 is out of range (allowed: 0..5)"),
        ("-x {idx} {fq} --secondary -1", 2, "-1 is out of range (allowed: 0..5)"),
        ("-x {idx} {fq} -t 0", 2, "0 is out of range (allowed: 1..512)"),
        ("-x {idx} {fq} -t two", 2, "'two' is not a whole number"),
        ("-x {idx} {fq} --paf --sort", 2, "PAF has no header: --sort and --rg need SAM or BAM"),
        ("-x {idx} {fq} -o new.paf --rg ID:x", 2, "PAF has no header"),
        ("-x {idx} {fq} --rg SM:x", 2, "there is no ID; expected for example ID:lane1"),
        ("-x {idx} {fq} -o new.PAF --sort", 2, "PAF has no header"),
        ("-x {idx} {fq} --paf -o new.BAM", 2, "--paf writes PAF, not new.BAM; use a name that ends in .paf"),
        ("-x {idx} {fq} --paf -o new.sam", 2, "--paf writes PAF, not new.sam; use a name that ends in .paf"),
        ("-x {idx} {fq} --rg ''", 2, "'' is not TAG:VALUE"),
        ("-x {idx} {fq} --paf --rg ''", 2, "PAF has no header"),
        ("-x {idx} {fq} --rg junk", 2, "'junk' is not TAG:VALUE"),
        (
            "-x {idx} {fq} -o nowhere/new.sam",
            1,
            "nowhere/new.sam: cannot be written: there is no folder nowhere",
        ),
        ("-x {idx} {fq} -o .", 1, ".: is a directory; the name of a file to write is expected"),
        ("-x {idx} {fq} -o ''", 2, "-o: the name of a file to write is empty"),
        ("-x {idx} {fq} --json ''", 2, "--json: the name of a file to write is empty"),
        ("-x {idx} {fq} --report ''", 2, "the name of a file to write is empty"),
        ("-x {idx} ''", 1, "'': no such file"),
        ("-x {idx} {fq} -o a##idx##b.bam --sort", 2, "a##idx##b.bam: for htslib the name of an index begins"),
        ("-x {idx} {fq} -o a##idx##b.sam --sort", 2, "a##idx##b.sam: for htslib"),
        ("-x {idx} {fq} -o a##idx##b.cram", 2, "a##idx##b.cram: for htslib"),
        ("-x {idx} {fq} -o a\udcff.bam", 2, "the path is not UTF-8, as htslib needs it; take another name"),
        ("-x {idx} {fq} -o new.sam.gz", 2, "new.sam.gz: SAM, BAM, CRAM or PAF is written"),
        ("-x {idx} {fq} -o new.paf.gz", 2, "use a name that ends in .sam, .bam, .cram or .paf"),
        ("-x {idx} {fq} --json nowhere/run.json", 1, "nowhere/run.json: cannot be written"),
        ("-x {idx} {fq} --nonsense", 2, "unrecognized arguments: --nonsense"),
    ],
)
def test_bad_usage(run, toy_folder, fastq, away, arguments, code, message):
    result = run("align " + arguments.format(idx=toy_folder, fq=fastq))
    assert result.exit == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.output == b""
    assert list(away.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("missing", "own.gsx: lists.bin is missing; rebuild the index with 'genoseq index'"),
        ("cut", "bytes, the manifest says"),
        ("version", "own.gsx: index format version 0, this genoseq reads"),
        ("encoder", "own.gsx: made with encoder feedfeedfeedfeed, this genoseq has"),
        ("manifest", "own.gsx: not a genoseq index (no manifest.json)"),
    ],
)
def test_a_bad_index_is_told_by_name(run, own_folder, fastq, away, damage, message):
    manifest = own_folder / "manifest.json"
    told = json.loads(manifest.read_text())
    if damage == "missing":
        (own_folder / "lists.bin").unlink()
    elif damage == "cut":
        os.truncate(own_folder / "bases.2bit", 80)
    elif damage == "manifest":
        manifest.unlink()
    else:
        if damage == "version":
            told["format_version"] = 0
        else:
            told["encoder"]["digest"] = "feed" * 4
        del told["crc32"]
        told["crc32"] = checksum(told)
        manifest.write_text(json.dumps(told))
    result = run(f"align -x {own_folder} {fastq} -o out.sam")
    assert result.exit == 1
    assert message in result.stderr
    assert list(away.iterdir()) == []


# ends in the middle


def test_an_older_output_is_replaced_at_the_end(run, toy_folder, fastq, plain, away):
    Path("out.sam").write_text("old")
    Path("link.sam").symlink_to("out.sam")
    assert run(f"align -x {toy_folder} {fastq} -o link.sam -q").exit == 0
    assert Path("link.sam").is_symlink()
    assert body(Path("out.sam").read_bytes()) == body(plain)


@pytest.mark.parametrize("output", ["out.sam", "out.bam", "out.paf"])
@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "ended by SIGTERM"),
        (signal.SIGHUP, 129, "ended by SIGHUP"),
        (signal.SIGKILL, -9, None),
    ],
    ids=["ctrl-c", "kill", "hang-up", "kill -9"],
)
def test_an_end_in_the_middle_leaves_the_old_output(
    start, appears, toy_folder, fastq, away, output, number, code, message
):
    Path(output).write_text("old")
    process = start("align", "-x", toy_folder, "-", "-o", output, stdin=subprocess.PIPE)
    process.stdin.write(fastq.read_bytes() * 600)  # more than a batch and a block; the input does not end
    process.stdin.flush()
    appears(away, f".{output}.*tmp")
    process.send_signal(number)
    process.stdin.close()
    stderr = process.stderr.read().decode()
    process.wait(timeout=60)
    assert Path(output).read_text() == "old"
    assert process.returncode == code
    if message is not None:
        assert stderr.splitlines()[-1] == f"genoseq align: {message}"
        assert [p.name for p in away.iterdir()] == [output]
    else:
        # what is left is hidden and does not end in .sam, .bam or .paf
        assert all(p.name == output or (p.name[0] == "." and p.suffix == ".tmp") for p in away.iterdir())


@pytest.mark.parametrize("option", ["-q", "--sort"])
def test_broken_pipe_is_quiet(start, toy_folder, data, away, option):
    """More than a pipe holds, so that the writer meets the closed end."""
    process = start("align", "-x", toy_folder, data / "reads.fq.gz", "-q", option, stdout=subprocess.PIPE)
    assert process.stdout.read(10) == b"@HD\tVN:1.6"
    process.stdout.close()
    stderr = process.stderr.read().decode()
    assert process.wait(timeout=60) == 1
    assert stderr == ""


def test_full_disk(start, toy_folder, data, away):
    process = start("align", "-x", toy_folder, data / "reads.fq.gz", "-q", "-o", "/dev/full")
    stderr = process.stderr.read().decode()
    assert process.wait(timeout=60) == 1
    assert stderr == "genoseq align: error: /dev/full: No space left on device\n"


@pytest.mark.parametrize(
    ("closed", "arguments", "message"),
    [
        (0, "-", "standard input: Bad file descriptor"),
        (1, "{fq}", "standard output: Bad file descriptor"),
        (1, "{fq} --sort", "Bad file descriptor"),
        (2, "{fq} -o out.sam", ""),
    ],
)
def test_closed_standard_streams(start, toy_folder, fastq, away, closed, arguments, message):
    words = arguments.format(fq=fastq).split()
    process = start("align", "-x", toy_folder, *words, preexec_fn=lambda: os.close(closed))
    stderr = process.stderr.read().decode()
    assert process.wait(timeout=60) == (1 if message else 0)
    assert stderr.count("\n") == (1 if message else 0)
    assert message in stderr
    assert "Traceback" not in stderr


def test_too_little_memory(start, toy_folder, fastq, away):
    """300 MB of addresses: the libraries do not fit."""
    import resource

    limit = 300 << 20
    process = start(
        "align",
        "-x",
        toy_folder,
        fastq,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    stderr = process.stderr.read().decode()
    assert process.wait(timeout=60) == 1
    assert "memory" in stderr
    assert stderr.count("\n") == 1


def test_help_names_every_option_and_an_example(run):
    result = run("align --help")
    assert result.exit == 0
    for word in (
        "--index",
        "--reference",
        "--preset",
        "--secondary",
        "--paf",
        "--sort",
        "--no-unmapped",
        "--rg",
    ):
        assert word in result.stdout
    assert "genoseq align -x genome.gsx reads.fq.gz -o reads.bam --sort" in result.stdout
