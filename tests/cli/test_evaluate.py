"""genoseq evaluate: its tables, and every row of the table of bad input."""

import gzip
import io
import json
import sys

import pytest

from genoseq.cli import main

HEADER = "@HD\tVN:1.6\n@SQ\tSN:c\tLN:100000\n"


def record(name, position, mapq, flag=0):
    where = f"{flag}\tc\t{position + 1}\t{mapq}\t10M" if position >= 0 else "4\t*\t0\t0\t*"
    return f"{name}\t{where}\t*\t0\t0\tACGTACGTAC\tIIIIIIIIII\n"


READS = [
    record("0:c:500:510:+", 500, 60),
    record("1:c:500:510:+", 520, 25),
    record("2:c:500:510:+", 900, 25),
    record("3:c:500:510:+", -1, 0),
    record("4:random:0:0:+", 10, 3),
    record("0:c:500:510:+", 900, 0, flag=256),
]


@pytest.fixture
def alignments(tmp_path):
    path = tmp_path / "x.sam"
    path.write_text(HEADER + "".join(READS))
    return path


def run(*arguments):
    return main(["evaluate", *map(str, arguments)])


EXPECTED = """\
      reads  placed %  right %  right, MAPQ>=20 %  wrong, MAPQ>=20 %  foreign  placed %  MAPQ>=20 %  secondary
ours      4     75.00    50.00              50.00             25.000        1    100.00       0.000          1

ours
MAPQ   placed  wrong  error %  95 % interval  expected %
20-29       2      1   50.000   9.453-90.547      0.3162
60          1      0    0.000   0.000-79.345      0.0001
"""


def test_golden(alignments, capsys):
    assert run(alignments, "--labels", "ours") == 0
    out, err = capsys.readouterr()
    assert out == EXPECTED
    assert err == ""


def test_standard_input(alignments, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(alignments.read_bytes())))
    assert run("-", "--labels", "ours") == 0
    assert capsys.readouterr().out == EXPECTED


def test_bam_from_standard_input(alignments, tmp_path, capsys, monkeypatch):
    import pysam

    with (
        pysam.AlignmentFile(alignments) as records,
        pysam.AlignmentFile(tmp_path / "x.bam", "wb", template=records) as out,
    ):
        for read in records:
            out.write(read)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "x.bam").read_bytes())))
    assert run("-", "--labels", "ours") == 0
    assert capsys.readouterr().out == EXPECTED


def test_json_and_tsv(alignments, tmp_path, capsys):
    report, table = tmp_path / "x.json", tmp_path / "x.tsv"
    assert (
        run(alignments, alignments, "--labels", "a,b", "--pool", "--json", report, "--tsv", table, "-q") == 0
    )
    assert capsys.readouterr().out == ""
    values = json.loads(report.read_text())
    assert values["schema_version"] == 1
    assert [file["label"] for file in values["files"]] == ["a", "b"]
    assert values["pooled"]["summary"]["reads"] == 8
    assert values["pooled"]["calibration"][0] == {
        "low": 20,
        "high": 29,
        "placed": 4,
        "wrong": 2,
        "observed": 0.5,
        "interval_low": pytest.approx(0.15, abs=1e-3),
        "interval_high": pytest.approx(0.85, abs=1e-3),
        "expected": pytest.approx(10**-2.5),
    }
    lines = [line.split("\t") for line in table.read_text().splitlines()[1:]]
    assert lines[0][:3] == ["label", "reads", "mapped"]
    assert [line[:3] for line in lines[1:]] == [["a", "4", "0.75"], ["b", "4", "0.75"]]


def test_json_on_standard_output_is_alone(alignments, capsys):
    assert run(alignments, "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["summary"]["right"] == 0.5


def test_pool(alignments, capsys):
    assert run(alignments, alignments, "--pool") == 0
    out = capsys.readouterr().out
    assert out.count("MAPQ ") == 1
    assert "20-29       4      2   50.000" in out


def test_options(alignments, capsys):
    assert run(alignments, "--distance", 19, "--reads", 10, "--json", "-") == 0
    summary = json.loads(capsys.readouterr().out)["files"][0]["summary"]
    assert (summary["right"], summary["missing"], summary["reads"]) == (1 / 9, 5, 9)
    assert run(alignments, "--foreign", "--json", "-") == 0
    summary = json.loads(capsys.readouterr().out)["files"][0]["summary"]
    assert (summary["foreign_reads"], summary["foreign_placed"]) == (5, 0.8)


def test_against(alignments, tmp_path, capsys):
    other = tmp_path / "other.sam"
    other.write_text(HEADER + record("0:c:500:510:+", 530, 20) + record("2:c:500:510:+", 500, 20))
    assert run(alignments, "--against", other, "--labels", "ours") == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "      reads  placed %  agree %  right, MAPQ>=20 %  wrong, MAPQ>=20 %  secondary  unjudged",
        "ours      2    100.00    50.00              50.00             50.000          1         3",
    ]


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_plot(alignments, tmp_path, kind):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"x.{kind}"
    assert run(alignments, "--plot", path, "-q") == 0
    assert path.read_bytes()[:4] in (b"\x89PNG", b"<?xm", b"%PDF")


def test_empty_input_warns(tmp_path, capsys):
    path = tmp_path / "x.sam"
    path.write_text("")
    assert run(path) == 0
    out, err = capsys.readouterr()
    assert err == f"genoseq evaluate: warning: {path}: no reads to judge\n"
    assert "0         -        -" in out


def test_paf_without_the_number_of_reads_warns(tmp_path, capsys):
    path = tmp_path / "x.paf"
    path.write_text("0:c:500:510:+\t10\t0\t10\t+\tc\t9999\t500\t510\t10\t10\t60\n")
    assert run(path) == 0
    assert "give --reads for true shares" in capsys.readouterr().err
    assert run(path, "--reads", 1) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--distance", "-1"], "argument --distance: -1 is out of range (allowed: 0 or more)"),
        (["--reads", "x"], "argument --reads: 'x' is not a whole number"),
        (["--min-mapq", "256"], "argument --min-mapq: 256 is out of range (allowed: 0..255)"),
        (["--labels", "a,b"], "--labels: 2 names for 1 files"),
        (["--plot", "x.bmp"], "--plot: 'x.bmp' must end in .png, .svg, .pdf"),
        (["--json", "-", "--tsv", "-"], "--json and --tsv both go to standard output"),
        (["--json", "x", "--tsv", "./x"], "--json and --tsv both go to ./x"),
        (["--against", "y.bam", "--foreign"], "leave --foreign and --reads out"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_bad_usage(alignments, arguments, found, capsys):
    assert run(alignments, *arguments) == 2
    out, err = capsys.readouterr()
    assert found in err
    assert out == ""


@pytest.mark.parametrize("option", ["--json", "--tsv", "--plot"])
def test_an_input_is_not_overwritten(alignments, tmp_path, option, capsys):
    link = tmp_path / "link.png"
    link.symlink_to(alignments)
    before = alignments.read_bytes()
    assert run(alignments, option, link) == 2
    assert f"{option}: {link} is an input of this run" in capsys.readouterr().err
    assert run(link, "--against", alignments, option, link) == 2
    assert alignments.read_bytes() == before


def test_a_full_disk_is_told_by_name(alignments, capsys):
    for option in ("--json", "--tsv"):
        assert run(alignments, option, "/dev/full") == 1
        assert capsys.readouterr().err == "genoseq evaluate: error: /dev/full: No space left on device\n"


def test_standard_input_only_once(capsys):
    assert run("-", "-") == 2
    assert "read only once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"hello world\n", ":1: starts with 'hello world'; expected an alignment in SAM, BAM or PAF"),
        ((HEADER + record("read1", 500, 60)).encode(), ":3: read name 'read1' does not tell the origin"),
        ((HEADER + READS[0] + READS[1][:20]).encode(), ":4: not a complete SAM line"),
        (gzip.compress("".join(READS).encode())[:-12], ": the compressed data ends early"),
        (b"\x1f\x8b\x08\x00garbage", ": the compressed data"),
        (b"BAM\1" + bytes(20), ": the file is cut or damaged"),
    ],
)
def test_bad_files(tmp_path, content, found, capsys):
    path, report = tmp_path / "bad.sam", tmp_path / "x.json"
    path.write_bytes(content)
    assert run(path, "--json", report) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f"genoseq evaluate: error: {path}{found}")
    assert err.count("\n") == 1
    assert out == ""
    assert not report.exists()


def test_missing_file_directory_and_folder(alignments, tmp_path, capsys):
    assert run(tmp_path / "none.sam") == 1
    assert "none.sam: no such file" in capsys.readouterr().err
    assert run(tmp_path) == 1
    assert "is a directory" in capsys.readouterr().err
    assert run(alignments, "--against", tmp_path / "none.bam") == 1
    assert "none.bam: no such file" in capsys.readouterr().err
    for option in ("--json", "--tsv"):
        assert run(alignments, option, tmp_path / "none" / "x") == 1
        assert "there is no folder" in capsys.readouterr().err


def test_more_reads_than_were_aligned(alignments, capsys):
    assert run(alignments, "--reads", 2) == 1
    assert "holds 5 reads, but 2 were aligned" in capsys.readouterr().err
