"""genoseq variants: files in and out, judged by pysam; what is skipped, and what is wrong."""

from __future__ import annotations

import gzip
import json
import random
import time

import numpy as np
import pysam
import pysam.bcftools
import pytest

torch = pytest.importorskip("torch")

from genoseq.hyena.config import HyenaConfig  # noqa: E402
from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.hyena.model import HyenaNetwork  # noqa: E402
from genoseq.hyena.weights import save_network  # noqa: E402
from genoseq.sequence import encode  # noqa: E402

LETTERS = "".join(random.Random(1).choices("ACGTacgt", k=700)) + "N" * 10
HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=710>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)


def other(position, number=1):
    return "ACGT"[(int(encode(LETTERS[position])[0]) + number) % 4]


def some_records():
    rng = random.Random(2)
    for position in sorted(rng.sample(range(700), 40)):
        ref = LETTERS[position : position + rng.choice([1, 1, 3])]
        alts = rng.choice(
            [other(position), f"{other(position)},{other(position, 2)}", LETTERS[position] + "GT"]
        )
        yield f"chr1\t{position + 1}\tid{position}\t{ref}\t{alts}\t.\tPASS\t.\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a model, a genome and variants; not to be changed."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("variants")
    torch.manual_seed(0)
    network = HyenaNetwork(HyenaConfig(d_model=16, d_inner=32, l_max=130, filter_order=16))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape) / parameter.shape[-1] ** 0.5)
    save_network(network.eval(), folder / "model")
    lines = [LETTERS[i : i + 70] for i in range(0, len(LETTERS), 70)]
    (folder / "ref.fa").write_text(">chr1 first\n" + "\n".join(lines) + "\n>chr2\nACGT\n")
    (folder / "calls.vcf").write_text(HEADER + "".join(some_records()))
    return folder


@pytest.fixture
def variants(place, run, tmp_path, monkeypatch):
    """`variants("-o x.vcf", calls=text)`: one run in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(arguments, calls=None, *, stdin=b""):
        source = place / "calls.vcf"
        if calls is not None:
            source = tmp_path / "calls.vcf"
            source.write_text(calls)
        words = arguments.replace("CALLS", str(source)).replace("PLACE", str(place))
        return run(f"variants -t 1 -m {place}/model -r {place}/ref.fa {words}", stdin=stdin)

    return call


def scores_in(path):
    with pysam.VariantFile(str(path)) as file:
        return [value for record in file for value in record.info["GSLLR"]]


def wanted_scores(place, **options):
    with pysam.VariantFile(str(place / "calls.vcf")) as file:
        alleles = [(r.contig, r.start, r.ref, alt) for r in file for alt in r.alts]
    return HyenaDNA.load(place / "model").score_variants(alleles, place / "ref.fa", **options).llr


@pytest.mark.parametrize("name", ["x.vcf", "x.vcf.gz", "x.bcf"])
def test_scores_in_every_format(variants, place, tmp_path, name):
    result = variants(f"CALLS -o {name} --window 100")
    assert result.exit == 0, result.stderr
    assert result.output == b""
    assert "40 records" in result.stderr
    found = scores_in(tmp_path / name)
    assert np.abs(np.array(found) - wanted_scores(place, window=100)).max() < 2e-4
    with (
        pysam.VariantFile(str(tmp_path / name)) as file,
        pysam.VariantFile(str(place / "calls.vcf")) as before,
    ):
        assert (
            "windows of 100 bp on a grid of 12 bp, mean of both strands"
            in file.header.info["GSLLR"].description
        )
        assert "##genoseq_variantsCommand=genoseq variants -t 1" in str(file.header)
        for record, same in zip(file, before, strict=True):
            assert str(record).split("\t")[:7] == str(same).split("\t")[:7]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_every_source_gives_the_same(variants, place, tmp_path):
    def body(output):
        return [line for line in output.splitlines() if not line.startswith(b"##")]

    text = (place / "calls.vcf").read_bytes()
    wanted = body(variants("CALLS").output)
    assert len(wanted) == 41
    assert body(variants("-", stdin=text).output) == wanted
    assert body(variants("-", stdin=gzip.compress(text)).output) == wanted
    pysam.bcftools.view("-Ob", "-o", "calls.bcf", str(place / "calls.vcf"), catch_stdout=False)
    assert body(variants("calls.bcf").output) == wanted
    (tmp_path / "ref.fa.gz").write_bytes(gzip.compress((place / "ref.fa").read_bytes()))
    assert body(variants("CALLS -r ref.fa.gz").output) == wanted
    pysam.tabix_compress(str(place / "ref.fa"), "bgzf.fa.gz")
    pysam.faidx("bgzf.fa.gz")
    assert body(variants("CALLS -r bgzf.fa.gz").output) == wanted
    assert body(variants("CALLS -t 3").output) == wanted


def test_scored_again(variants, tmp_path):
    assert variants("CALLS -o one.vcf.gz --index").exit == 0
    assert (tmp_path / "one.vcf.gz.tbi").exists()
    assert variants("one.vcf.gz -o two.vcf --strand forward").exit == 0
    with pysam.VariantFile("two.vcf") as file:
        assert str(file.header).count("ID=GSLLR") == 1
        assert "forward strand" in file.header.info["GSLLR"].description
    assert scores_in("one.vcf.gz") != scores_in("two.vcf")


def test_a_table(variants, place):
    result = variants("CALLS -o x.tsv --json x.json -q")
    assert (result.exit, result.stderr) == (0, "")
    with open("x.tsv") as file:  # noqa: PTH123
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    assert rows[0] == [
        "contig", "position", "id", "ref", "alt", "llr", "llr_bits", "forward", "reverse", "skipped",
    ]  # fmt: skip
    values = np.array([row[5:9] for row in rows[1:]], float)
    assert np.abs(values[:, 0] - wanted_scores(place)).max() < 2e-4
    assert np.abs(values[:, 2:].mean(1) - values[:, 0]).max() < 2e-4
    assert np.abs(values[:, 1] - values[:, 0] / np.log(2)).max() < 2e-4
    with open("x.json") as file:  # noqa: PTH123
        summary = json.load(file)
    assert summary["records"] == 40
    assert summary["scored"] == summary["alleles"] == len(values)
    assert summary["positions_computed"] < 0.7 * summary["positions_without_sharing"]


def test_what_is_skipped_stays_and_is_counted(variants):
    records = [f"chr1\t5\t.\t{LETTERS[4]}\t{alt}\t.\t.\t.\n" for alt in ("<DEL>", ".", f"*,{other(4)}", "N")]
    records.append("chr1\t705\t.\tN\tA\t.\t.\t.\n")
    result = variants("CALLS", HEADER + "".join(records))
    assert result.exit == 0
    assert (
        "5 records, 1 alleles scored; without a score: missing 1, symbolic 1, star 1, ambiguous 2"
        in result.stderr
    )
    lines = [line for line in result.stdout.splitlines() if not line.startswith("#")]
    infos = [line.split("\t")[7] for line in lines]
    assert [info.split("GSSKIP=")[-1] for info in infos] == [
        "symbolic",
        ".",
        "star,.",
        "ambiguous",
        "ambiguous",
    ]


def test_no_records(variants, tmp_path):
    result = variants("CALLS -o x.vcf.gz", HEADER)
    assert result.exit == 0
    assert "warning: " in result.stderr
    assert "there are no records in it" in result.stderr
    with pysam.VariantFile("x.vcf.gz") as file:
        assert list(file) == []
    assert variants("CALLS -o x.tsv", HEADER).exit == 0
    assert len((tmp_path / "x.tsv").read_text().splitlines()) == 2


def test_a_region(variants, place, tmp_path):
    result = variants("--saturate chr1:691-710 -o x.tsv --plot x.png --json -")
    assert result.exit == 0, result.stderr
    assert "20 bp, 30 alleles scored; without a score: ambiguous 10" in result.stderr
    assert json.loads(result.stdout)["skipped"] == {"ambiguous": 10}
    assert (tmp_path / "x.png").read_bytes()[1:4] == b"PNG"
    rows = [line.split("\t") for line in (tmp_path / "x.tsv").read_text().splitlines()[1:]]
    assert rows[0] == ["contig", "position", "ref", "alt", "llr", "llr_bits"]
    assert [row[1] for row in rows[1::3]] == [str(position) for position in range(691, 701)]
    assert all(row[2] == LETTERS[int(row[1]) - 1].upper() != row[3] for row in rows[1:])
    alleles = [("chr1", int(row[1]) - 1, row[2], row[3]) for row in rows[1:]]
    wanted = HyenaDNA.load(place / "model").score_variants(alleles, place / "ref.fa").llr
    assert np.abs(np.array([float(row[4]) for row in rows[1:]]) - wanted).max() < 2e-4
    assert variants("--saturate chr1:691-710 -o x.npz").exit == 0
    with np.load("x.npz") as found:
        assert found["llr"].shape == (20, 4)
        assert (str(found["contig"]), int(found["start"]), str(found["bases"])) == (
            "chr1", 690, LETTERS[690:].upper(),
        )  # fmt: skip
        assert np.abs(found["llr"][~np.isnan(found["llr"])] - wanted).max() < 2e-4


GOOD = f"chr1\t5\t.\t{LETTERS[4]}\t{other(4)}\t.\t.\t.\n"


@pytest.mark.parametrize(
    ("arguments", "calls", "code", "message"),
    [
        ("CALLS", GOOD + f"chr1\t6\t.\t{other(5)}\tA\t.\t.\t.\n", 1, "calls.vcf:5: chr1:6: REF is"),
        ("CALLS", "1\t5\t.\tA\tC\t.\t.\t.\n", 1, "no contig '1'; it is 'chr1' there"),
        ("CALLS", "chr1\t5\t.\tA\n", 1, "calls.vcf:4: this is not a record"),
        ("CALLS", "chr1\t800\t.\tA\tC\t.\t.\t.\n", 1, "leaves chr1, which has 710 bp"),
        ("CALLS --index", GOOD + GOOD.replace("\t5\t", "\t4\t"), 1, "chr1:4 comes after chr1:5"),
        ("PLACE/ref.fa", None, 1, "starts with '>chr1 first'"),
        ("nowhere.vcf", None, 1, "nowhere.vcf: no such file"),
        ("CALLS -r nowhere.fa", None, 1, "nowhere.fa: no such file"),
        ("CALLS -r PLACE/calls.vcf", None, 1, "a FASTA file starts with '>'"),
        ("CALLS -m PLACE", None, 1, "PLACE"),
        ("CALLS -m nothing", None, 2, "no model 'nothing'"),
        ("CALLS --window 200", None, 2, "this model holds 130"),
        ("CALLS --window 10", None, 2, "allowed: 16 or more"),
        ("CALLS --step 90", None, 2, "step is 90 bp; it must be 1..32"),
        ("CALLS --saturate chr1:1-5", None, 2, "not both"),
        ("", None, 2, "give a file of variants or --saturate"),
        ("CALLS -o x.txt", None, 2, "not a name of VCF"),
        ("CALLS -o x.vcf --index", None, 2, "--index needs"),
        ("CALLS --plot x.png", None, 2, "--plot draws the region"),
        ("--saturate chr1:1-5 -o x.vcf", None, 2, ".tsv or .npz"),
        ("--saturate chr1:1-5 --plot x.gif", None, 2, "must end in .png"),
        ("--saturate chr1:1-5 --skip-bad", None, 2, "not for --saturate"),
        ("--saturate chr1:5-1", None, 2, "START is 1 or more"),
        ("--saturate chr1:1-900", None, 1, "leaves the contig, which has 710 bp"),
        ("--saturate 1:1-9", None, 1, "it is 'chr1' there"),
        ("CALLS -o CALLS", None, 2, "is an input of this run"),
        ("CALLS -o x/y.vcf", None, 1, "there is no folder"),
        ("- -r -", None, 2, "read only once"),
        pytest.param(
            "CALLS --device cuda", None, 2, "no usable GPU",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_leaves_nothing(variants, place, tmp_path, arguments, calls, code, message):
    arguments += "" if "-o" in arguments or "--saturate" in arguments else " -o out.vcf.gz"
    result = variants(arguments, None if calls is None else HEADER + calls)
    assert result.exit == code, result.stderr
    assert result.stderr.startswith("genoseq variants: error: ")
    assert result.stderr.count("\n") == 1
    assert message.replace("PLACE", str(place)) in result.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name != "calls.vcf"] == []


def test_bad_records_may_be_skipped(variants):
    bad = f"chr1\t6\t.\t{other(5)}\tA\t.\t.\t.\nchr7\t6\t.\tA\tC\t.\t.\t.\n"
    result = variants("CALLS --skip-bad", HEADER + GOOD + bad)
    assert result.exit == 0
    assert "1 alleles scored; without a score: contig 1, mismatch 1" in result.stderr
    assert [line.split("\t")[7] for line in result.stdout.splitlines()[-2:]] == [
        "GSSKIP=mismatch",
        "GSSKIP=contig",
    ]


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing(place, start, appears, tmp_path):
    (tmp_path / "calls.vcf").write_text(HEADER + GOOD * 300_000)
    process = start(
        "variants", "-m", place / "model", "-r", place / "ref.fa", tmp_path / "calls.vcf",
        "-o", tmp_path / "x.vcf", "-t", 1,
    )  # fmt: skip
    appears(tmp_path, ".x.vcf.*.tmp")
    time.sleep(0.2)
    process.send_signal(2)
    assert process.wait(timeout=60) == 130
    assert process.stderr.read().decode() == "genoseq variants: interrupted\n"
    assert [path.name for path in tmp_path.iterdir()] == ["calls.vcf"]


def test_a_report_of_what_was_scored(variants, run, tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("s.vcf", "s.vcf.gz", "s.bcf", "s.tsv"):
        assert variants(f"CALLS -o {name} --json run.json -q").exit == 0
    summary = json.loads((tmp_path / "run.json").read_text())
    told = []
    for name in ("s.vcf", "s.vcf.gz", "s.bcf", "s.tsv"):
        assert run(f"report {name} -o {name}.html --json r.json -q").exit == 0
        told.append(json.loads((tmp_path / "r.json").read_text())["variants"]["s"])
        assert ("windows of" in told[-1].pop("how")) == (name != "s.tsv")
    assert told[0] == told[1] == told[2] == told[3]
    for key in ("records", "alleles", "scored", "skipped"):
        assert told[0][key] == summary[key]
    scores = [score for score in scores_in(tmp_path / "s.vcf") if score is not None]
    assert told[0]["least_likely"][0]["llr"] == pytest.approx(min(scores), abs=1e-4)
    assert told[0]["most_likely"][0]["llr"] == pytest.approx(max(scores), abs=1e-4)
