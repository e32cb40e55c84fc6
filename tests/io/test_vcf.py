"""VCF and BCF in and out: nothing is lost, judged by pysam; and what is no VCF."""

from __future__ import annotations

import gzip
import io
import sys
from types import SimpleNamespace

import pysam
import pysam.bcftools
import pytest

from genoseq.errors import GenoseqError, GenoseqWarning, InputError, UsageError
from genoseq.io.vcf import calls_format, open_calls, open_calls_output

HEADER = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=1000>
##contig=<ID=chr2,length=2000>
##INFO=<ID=DP,Number=1,Type=Integer,Description="depth">
##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\ttwo
"""
RECORDS = [
    "chr1\t10\trs1\tA\tC\t30\tPASS\tDP=3\tGT\t0/1\t1|1",
    "chr1\t10\t.\tAC\tA,<DEL>,*\t.\t.\tDP=5\tGT\t0/1\t.",
    "chr1\t50\t.\tG\t.\t.\tPASS\t.\tGT\t0/0\t0/0",
    "chr2\t7\t.\tt\tg\t.\t.\tDP=1\tGT\t0/1\t0/1",
]
TEXT = HEADER + "".join(f"{record}\n" for record in RECORDS)
FIELDS = {"X": ("Float", 'with "quotes" \\ and\nlines'), "Y": ("String", "why not")}


@pytest.fixture(params=["vcf", "vcf.gz", "gzip", "bcf", "crlf", "stdin"])
def source(request, tmp_path, monkeypatch):
    """The records in a file of each kind."""
    path = tmp_path / "calls.vcf"
    path.write_text(TEXT.replace("\n", "\r\n") if request.param == "crlf" else TEXT)
    if request.param == "vcf.gz":
        path = tmp_path / "calls.vcf.gz"
        pysam.tabix_compress(str(tmp_path / "calls.vcf"), str(path))
    elif request.param == "gzip":
        path = tmp_path / "calls.vcf.gz"
        path.write_bytes(gzip.compress(TEXT.encode()))
    elif request.param == "bcf":
        path = tmp_path / "calls.bcf"
        pysam.bcftools.view("-Ob", "-o", str(path), str(tmp_path / "calls.vcf"), catch_stdout=False)
    elif request.param == "stdin":
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(TEXT.encode())))
        return "-"
    return path


def copied(source, target, **options):
    """Read all records and write them with fields X and Y."""
    with open_calls(source) as calls:
        calls.declare(FIELDS, {"key": "a value\twith\ntabs"})
        with open_calls_output(target, calls, **options) as out:
            for call in calls:
                more = [None] * (len(call.alts) - 1)
                call.annotate(
                    {"X": [0.5, *more], "Y": ["why"] + ["."] * len(more)} if call.alts else {"X": None}
                )
                out.write(call.text())


def test_records_as_they_are(source):
    with open_calls(source) as calls:
        found = list(calls)
    assert [(c.contig, c.position, c.ref, c.alts) for c in found] == [
        ("chr1", 9, "A", ("C",)),
        ("chr1", 9, "AC", ("A", "<DEL>", "*")),
        ("chr1", 49, "G", ()),
        ("chr2", 6, "t", ("g",)),
    ]
    lines = [None] * 4 if str(source).endswith("bcf") else [7, 8, 9, 10]
    assert [(c.number, c.line) for c in found] == list(zip([1, 2, 3, 4], lines, strict=True))


@pytest.mark.parametrize("ending", ["vcf", "vcf.gz", "bcf"])
def test_what_is_written_is_what_was_read_and_more(source, ending, tmp_path):
    target = tmp_path / f"out.{ending}"
    copied(source, target)
    with pysam.VariantFile(str(target)) as file:
        assert file.header.info["X"].number == "A"
        assert file.header.info["X"].description == "with 'quotes' / and lines"
        assert "##key=a value with tabs\n" in str(file.header)
        found = [str(record).strip() for record in file]
    for record, wanted in zip(found, RECORDS, strict=True):
        fields, cells = record.split("\t"), wanted.split("\t")
        assert fields[:7] + fields[8:] == cells[:7] + cells[8:]
        alts = cells[4].count(",")
        more = f"X=0.5{',.' * alts};Y=why{',.' * alts}"
        assert fields[7] == ("." if cells[4] == "." else f"{cells[7]};{more}")
    with gzip.open(target) if ending == "vcf.gz" else target.open("rb") as file:
        assert file.read(4) in (b"##fi", b"\x1f\x8b\x08\x04")
    assert sorted(p.name for p in tmp_path.iterdir() if "out" in p.name) == [target.name]


@pytest.mark.parametrize(("ending", "index"), [("vcf.gz", ".tbi"), ("bcf", ".csi")])
def test_an_index_that_htslib_uses(tmp_path, ending, index):
    (tmp_path / "calls.vcf").write_text(TEXT)
    target = tmp_path / f"out.{ending}"
    copied(tmp_path / "calls.vcf", target, index=True)
    assert (tmp_path / f"out.{ending}{index}").exists()
    with pysam.VariantFile(str(target)) as file:
        assert [record.pos for record in file.fetch("chr1", 40, 60)] == [50]
    copied(tmp_path / "calls.vcf", target)  # the old index would be wrong
    assert not (tmp_path / f"out.{ending}{index}").exists()


def test_a_field_that_is_there_is_declared_and_set_anew(tmp_path):
    text = TEXT.replace("ID=DP,Number=1,Type=Integer", "ID=X,Number=1,Type=String").replace("DP=", "X=")
    (tmp_path / "calls.vcf").write_text(text)
    copied(tmp_path / "calls.vcf", tmp_path / "out.vcf")
    found = (tmp_path / "out.vcf").read_text()
    assert found.count("ID=X,") == 1
    assert "ID=X,Number=A,Type=Float" in found
    assert "X=3" not in found


def test_contigs_are_declared_where_there_are_none(tmp_path):
    text = "".join(line for line in TEXT.splitlines(keepends=True) if not line.startswith("##contig"))
    (tmp_path / "calls.vcf").write_text(text)
    for contigs in ([], [("chr1", 1000), ("chr2", 2000)]):
        with open_calls(tmp_path / "calls.vcf") as calls:
            calls.declare({}, {}, contigs)
            assert calls.header.count("##contig=") == len(contigs)
            assert calls.longest_contig == (2000 if contigs else 0)
            assert len(list(calls)) == 4


def test_bcf_says_what_it_cannot_hold(tmp_path):
    (tmp_path / "calls.vcf").write_text(TEXT.replace("DP=3", "UNKNOWN=3"))
    with pytest.raises(GenoseqError, match=r"out\.bcf: bcftools could not write the records: .*UNKNOWN"):
        copied(tmp_path / "calls.vcf", tmp_path / "out.bcf")
    assert [path.name for path in tmp_path.iterdir()] == ["calls.vcf"]


def test_order_is_looked_at_when_asked(tmp_path):
    for records, message in (
        ([RECORDS[2], RECORDS[0]], "calls.vcf:8: chr1:10 comes after chr1:50; .*bcftools sort"),
        ([RECORDS[0], RECORDS[3], RECORDS[2]], "calls.vcf:9: chr1:50 comes after chr2:7"),
    ):
        (tmp_path / "calls.vcf").write_text(HEADER + "\n".join(records) + "\n")
        with open_calls(tmp_path / "calls.vcf") as calls:
            assert len(list(calls)) == len(records)
        with (
            open_calls(tmp_path / "calls.vcf", ordered=True) as calls,
            pytest.raises(InputError, match=message),
        ):
            list(calls)
    (tmp_path / "calls.vcf").write_text(TEXT)
    with open_calls(tmp_path / "calls.vcf", ordered=True) as calls:
        assert len(list(calls)) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "calls.vcf: the file is empty"),
        (">chr1\nACGT\n", "calls.vcf:1: the file starts with '>chr1'; VCF starts with"),
        ("\x00\x01\n", r"calls.vcf:1: the file starts with '\\x00\\x01'"),
        ("\n".join(RECORDS), "calls.vcf:1: the file starts with 'chr1"),
        (HEADER[:200], "calls.vcf: the header is cut"),
        (TEXT.replace("\t50\t", "\tx\t"), r"calls.vcf:9: .*not a record of VCF.*\(after chr1:10\)"),
        (TEXT.replace("GT\t0/1\t1|1", "GT\t0/1"), r"calls.vcf:7: .*\(the first\)"),
        (TEXT.replace("\t", " "), "calls.vcf"),
        (HEADER + "\n\n" + RECORDS[0] + "\n", "calls.vcf:7: "),
        (TEXT[:-20], "calls.vcf:10: .*cut"),
    ],
)
def test_what_is_not_vcf(text, message, tmp_path):
    (tmp_path / "calls.vcf").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message), open_calls(tmp_path / "calls.vcf") as calls:
        list(calls)


@pytest.mark.parametrize("kept", [0.5, 0.9, "between blocks"])
@pytest.mark.parametrize("ending", ["vcf.gz", "bcf"])
def test_a_cut_file_is_an_error(kept, ending, tmp_path):
    records = [f"chr1\t{i}\t.\tA\tC\t.\t.\tDP={i * i}\tGT\t0/1\t1|1\n" for i in range(1, 1000)] * 20
    (tmp_path / "calls.vcf").write_text(HEADER + "".join(records))
    path = tmp_path / f"calls.{ending}"
    kind = "-Oz" if ending == "vcf.gz" else "-Ob"
    pysam.bcftools.view(kind, "-o", str(path), str(tmp_path / "calls.vcf"), catch_stdout=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-28] if kept == "between blocks" else whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match=r"calls\.(vcf\.gz|bcf).*(cut|missing)"), open_calls(path) as calls:
        list(calls)


def test_damage_far_from_the_end_is_an_error_at_once(tmp_path):
    records = [f"chr1\t{i}\t.\tA\tC\t.\t.\tDP=1\tGT\t0/1\t1|1\n" for i in range(1, 1000)] * 20
    records[30] = "chr1\n"
    (tmp_path / "calls.vcf").write_text(HEADER + "".join(records))
    with (
        pytest.raises(InputError, match=r"calls\.vcf:37: .*after chr1:30"),
        open_calls(tmp_path / "calls.vcf") as calls,
    ):
        list(calls)


def test_no_records_is_a_warning_and_a_valid_file(tmp_path):
    (tmp_path / "calls.vcf").write_text(HEADER)
    for ending in ("vcf", "vcf.gz", "bcf"):
        with pytest.warns(GenoseqWarning, match=r"calls\.vcf: there are no records"):
            copied(tmp_path / "calls.vcf", tmp_path / f"out.{ending}")
        with pysam.VariantFile(str(tmp_path / f"out.{ending}")) as file:
            assert list(file) == []


def test_nothing_is_left_of_a_run_that_fails(tmp_path):
    (tmp_path / "calls.vcf").write_text(TEXT)
    (tmp_path / "out.vcf.gz").write_bytes(b"old")
    for ending in ("vcf", "vcf.gz", "bcf"):
        with (
            pytest.raises(ZeroDivisionError),
            open_calls(tmp_path / "calls.vcf") as calls,
            open_calls_output(tmp_path / f"out.{ending}", calls),
        ):
            raise ZeroDivisionError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.vcf", "out.vcf.gz"]
    assert (tmp_path / "out.vcf.gz").read_bytes() == b"old"


def test_formats_by_name(tmp_path):
    names = ("-", "x.vcf", "X.VCF.GZ", "x.vcf.bgz", "x.bcf")
    assert [calls_format(name) for name in names] == ["vcf", "vcf", "vcf.gz", "vcf.gz", "bcf"]
    for name in ("x", "x.gz", "x.txt", "vcf"):
        with pytest.raises(UsageError, match=r"ends in \.vcf, \.vcf\.gz"):
            calls_format(name)
    (tmp_path / "calls.vcf").write_text(TEXT)
    with (
        open_calls(tmp_path / "calls.vcf") as calls,
        pytest.raises(UsageError, match="an index needs"),
        open_calls_output(tmp_path / "out.vcf", calls, index=True),
    ):
        pass
