"""`genoseq report`: parts equal the whole, a chapter a kind, files for MultiQC, and what is refused."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from genoseq.cli._results import sample_of
from genoseq.io.table import write_tsv

pytest.importorskip("matplotlib")

CALLS = (
    "##fileformat=VCFv4.2\n##contig=<ID=c,length=1000>\n"
    '##INFO=<ID=GSLLR,Number=A,Type=Float,Description="x, nats; model tiny">\n'
    '##INFO=<ID=GSSKIP,Number=A,Type=String,Description="Why">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    "c\t5\trs<1>\tA\tC,G\t.\t.\tGSLLR=-3.5,0.25\n"
    "c\t9\t.\tAC\tA\t.\t.\tGSLLR=-1\n"
    "c\t12\t.\tA\tATT\t.\t.\tGSLLR=2\n"
    "c\t20\t.\tA\t<DEL>\t.\t.\tGSSKIP=symbolic\n"
)
# what a run tells of itself, not of its reads
OWN = r'<dt>Speed</dt>.*|<tr><th scope="row">(command|time|threads)</th>.*'


@pytest.fixture
def tables(away):
    """Results of three commands in the working folder."""
    Path("calls.vcf").write_text(CALLS)
    labels = [("a", "fish", 1, 0.9, 0.1), ("b", "none", 1, 0.55, 0.45), ("c", "fowl & co", 1, 0, 1)]
    write_tsv("labels.tsv", ("name", "label", "evidence", "p_fish", "p_fowl & co"), labels)
    write_tsv("empty.tsv", ("name", "label", "evidence", "p_fish"), [])
    return away


def page_of(path):
    """The page without what a run tells of itself, and the table of its parts."""
    text = Path(path).read_text(encoding="utf-8")
    assert not re.search(r"https?:|url\((?!#)|@import|<script", text)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(set(ids)) == len(ids)
    text = re.sub(OWN, "", text)
    return re.sub(r'<p></p>\n<div class="panel">(?:(?!<p></p>).)*?runs, each on a part.*?</div></div>\n', "",
                  text, flags=re.DOTALL)  # fmt: skip


def multiqc(folder):
    return {path.name: json.loads(path.read_text()) for path in Path(folder).iterdir()}


@pytest.mark.parametrize("pairs", [False, True])
def test_three_parts_are_the_whole(run, toy_folder, data, away, pairs):
    made = "--insert 400,40 --interleaved" if pairs else "--divergence 0.1"
    made = made.replace("--interleaved", "--output2 r2.fq") if pairs else made
    assert run(f"simulate {data}/genome.fa.gz -n 151 -q -o r1.fq {made}").exit == 0
    one = Path("r1.fq").read_text().splitlines(keepends=True)
    if pairs:
        two = Path("r2.fq").read_text().splitlines(keepends=True)
        records = ["".join(one[i : i + 4] + two[i : i + 4]) for i in range(0, len(one), 4)]
    else:
        records = ["".join(one[i : i + 4]) for i in range(0, len(one), 4)]
    Path("all.fq").write_text("".join(records))
    options = f"-x {toy_folder} -q -o o.sam --statistics --rg 'ID:1\\tSM:liver'"
    options += " --interleaved" if pairs else ""
    for folder in ("whole", "parts"):
        Path(folder).mkdir()
    whole = "--report whole.html --multiqc whole --json whole.json"
    whole += " --insert 400,40" if pairs else ""  # else each batch learns its own
    assert run(f"align all.fq {options} {whole}").exit == 0
    for number, (first, last) in enumerate(((0, 60), (60, 61), (61, 151))):
        Path(f"{number}.fq").write_text("".join(records[first:last]))
        part = f"--settings whole.json --json {number}.json -t {number + 1}"
        assert run(f"align {number}.fq {options} {part}").exit == 0
    result = run("report 2.json 0.json 1.json -o parts.html --multiqc parts --json parts.json")
    count = f"{len(records) * (1 + pairs)} reads of liver in 3 parts"
    assert (result.exit, result.stderr) == (0, f"genoseq report: {count}\n")
    assert page_of("parts.html") == page_of("whole.html")
    assert multiqc("parts") == multiqc("whole")
    assert len(multiqc("whole")) == 3 + pairs
    told, one = json.loads(Path("parts.json").read_text()), json.loads(Path("whole.json").read_text())
    assert one["statistics"].pop("counts")
    assert told["align"]["statistics"] == one["statistics"]
    for key in ("reads", "mapped", "bases", "pairs", "supplementary", "index", "insert", "sample"):
        assert told["align"][key] == one[key], key
    assert told["align"]["cascades"] == {one["preset"]: one["stages"]}
    text = Path("parts.html").read_text()
    assert "3 runs, each on a part of the reads" in text
    assert "1 to 3" in re.search('<th scope="row">threads</th>.*', text)[0]


def test_one_part_and_its_compressed_copy(run, toy_folder, fastq, away):
    assert run(f"align -x {toy_folder} {fastq} -q -o o.sam --statistics --json a.json").exit == 0
    with gzip.open("a.json.gz", "wb") as file:
        file.write(Path("a.json").read_bytes())
    assert run("report a.json -o one.html -q").exit == 0
    assert run("report a.json.gz -o two.html -q").exit == 0
    assert Path("one.html").read_bytes() == Path("two.html").read_bytes()
    piped = run("report - -o - -q", stdin=Path("a.json").read_bytes())
    assert piped.output == Path("one.html").read_bytes()
    assert run("report a.json a.json.gz --sample x --json b.json").exit == 0
    assert json.loads(Path("b.json").read_text())["align"]["reads"] == 120


def test_samples_and_genomes_do_not_mix(run, toy_folder, fastq, away):
    for name in "ab":
        options = rf"-q -o o.sam --statistics --json {name}.json --rg 'ID:1\tSM:{name}'"
        assert run(f"align -x {toy_folder} {fastq} {options}").exit == 0
    result = run("report a.json b.json -o o.html")
    assert result.exit == 2
    assert "a.json is of sample 'a', b.json of 'b'" in result.stderr
    assert run("report a.json b.json -o o.html --sample both").exit == 0
    assert "<h1>both</h1>" in Path("o.html").read_text()
    Path("g.fa").write_text(">c\n" + "ACGTTGCAAC" * 300 + "\n")
    assert run("index g.fa -q").exit == 0
    assert run(f"align -x g.gsx {fastq} -q -o o.sam --statistics --json c.json").exit == 0
    result = run("report a.json c.json -o p.html --sample both")
    assert result.exit == 1
    assert "c.json: was aligned to g.fa (g.gsx), a.json to genome.fa.gz" in result.stderr
    assert not Path("p.html").exists()


def test_statistics_need_a_file(run, toy_folder, fastq, away):
    result = run(f"align -x {toy_folder} {fastq} -o o.sam --statistics")
    assert (result.exit, list(away.iterdir())) == (2, [])
    assert "--statistics needs --json FILE" in result.stderr
    assert run(f"align -x {toy_folder} {fastq} -q -o o.sam --json a.json").exit == 0
    result = run("report a.json -o o.html")
    assert result.exit == 1
    assert "a.json: has no statistics to add up; run genoseq align --json with --statistics" in result.stderr


def test_settings_are_no_part(run, toy_folder, fastq, away):
    look = f"align -x {toy_folder} {fastq} --settings-only --json s.json"
    result = run(f"{look} --statistics")
    assert (result.exit, "--statistics would stay empty" in result.stderr) == (2, True)
    assert run(look).exit == 0
    assert "s.json: has no statistics" in run("report s.json -o o.html").stderr


def test_variants_and_classes_on_one_page(run, tables):
    Path("qc").mkdir()
    shutil.copy("calls.vcf", "more.vcf")
    files = "calls.vcf more.vcf labels.tsv"
    result = run(f"report {files} -o page.html --multiqc qc --json all.json")
    assert (result.exit, result.stderr) == (
        0,
        "genoseq report: 10 alleles of 2 samples; 3 sequences of 1 sample\n",
    )
    text = Path("page.html").read_text()
    page_of("page.html")
    assert text.count('<h2 class="chapter">') == 2
    assert "<small>genoseq variants</small> Variants of 2 samples" in text
    assert "<small>genoseq classify</small> labels" in text
    assert "fowl &amp; co" in text
    assert "rs&lt;1&gt;" in text
    assert "rs<1>" not in text
    assert "model tiny" in text
    assert text.count("<svg ") == 2 * 3 + 1  # substitutions, indels, their lengths; probabilities
    told = json.loads(Path("all.json").read_text())
    assert told["variants"]["calls"] == told["variants"]["more"]
    assert told["variants"]["calls"]["skipped"] == {"symbolic": 1}
    assert [each["alt"] for each in told["variants"]["calls"]["least_likely"]] == ["C", "A", "G", "ATT"]
    assert told["classify"]["labels"]["rejected"] == 1
    files = multiqc("qc")
    assert {name: told["plot_type"] for name, told in files.items()} == {
        "calls.genoseq_variants_mqc.json": "table",
        "calls.genoseq_scores_mqc.json": "linegraph",
        "more.genoseq_variants_mqc.json": "table",
        "more.genoseq_scores_mqc.json": "linegraph",
        "labels.genoseq_classes_mqc.json": "bargraph",
    }
    assert files["labels.genoseq_classes_mqc.json"]["data"] == {
        "labels": {"fish": 1, "fowl & co": 1, "none": 1}
    }
    table = files["calls.genoseq_variants_mqc.json"]
    assert table["data"]["calls"]["scored"] == 80
    assert table["data"]["calls"].keys() <= table["headers"].keys()
    line = files["calls.genoseq_scores_mqc.json"]["data"]["calls"]
    places, shares = zip(*line, strict=True)
    assert list(places) == sorted(places)
    assert sum(shares) * (places[1] - places[0]) == pytest.approx(100)


def test_tables_without_rows(run, tables):
    Path("qc").mkdir()
    Path("none.vcf").write_text(CALLS[: CALLS.index("c\t5")])
    result = run("report empty.tsv none.vcf -o page.html --multiqc qc --json all.json")
    assert result.exit == 0
    assert "warning: empty.tsv: there are no rows in it" in result.stderr
    assert "warning: none.vcf: there are no records in it" in result.stderr
    text = Path("page.html").read_text()
    assert "No allele has a score." in text
    assert "There is no sequence." in text
    assert "<svg " not in text
    files = multiqc("qc")
    assert set(files) == {"none.genoseq_variants_mqc.json", "empty.genoseq_classes_mqc.json"}


def test_peptides(run, away):
    pytest.importorskip("Bio")
    from genoseq.peptides.outputs import COLUMNS
    from genoseq.peptides.properties import properties_of

    for name, target in (("x", "A<1>"), ("y", "A<1>"), ("z", "B")):
        rows = []
        for rank, peptide in enumerate(("KRKDE", "WWLMN", "GASTG"), 1):
            values = {
                "target": target, "rank": rank, "name": f"{target}_{rank}", "peptide": peptide, "length": 5,
                "perplexity": 3.0 + rank, "specificity": 0.5, "p_value": 0.1, "part": "1-80",
                "nearest_known": "nan", **properties_of([peptide])[0].to_dict(),
            }  # fmt: skip
            rows.append([values[column] for column in COLUMNS])
        write_tsv(f"{name}.tsv", COLUMNS, rows, {"model": f"m_{name}", "mode": "design"})
    Path("qc").mkdir()
    assert run("report x.tsv y.tsv z.tsv -o p.html --multiqc qc --json p.json").exit == 0
    text = Path("p.html").read_text()
    page_of("p.html")
    assert "<title>3 targets · genoseq peptides</title>" in text
    assert "9 peptides of 5 letters, designed by m_x; m_y; m_z." in text
    for shown in ("A&lt;1&gt; (x)", "A&lt;1&gt; (y)", ">B<"):
        assert shown in text
    assert "A<1>" not in text
    files = multiqc("qc")
    assert files["x.genoseq_peptides_mqc.json"]["data"] == {
        "x": {"peptides": 3, "best": "KRKDE", "perplexity": 4.0, "median": 5.0, "specificity": 0.5}
    }
    write_tsv("w.tsv", COLUMNS, [])
    assert run("report w.tsv -o w.html --multiqc qc").exit == 0
    assert multiqc("qc")["w.genoseq_peptides_mqc.json"]["data"] == {"w": {"peptides": 0}}
    assert "<h1>0 targets</h1>" in Path("w.html").read_text()
    assert json.loads(Path("p.json").read_text())["peptides"]["z"]["targets"]["B"]["peptides"] == 3


@pytest.mark.parametrize(
    ("files", "code", "message"),
    [
        ("missing.json", 1, "missing.json: no such file"),
        (".", 1, ".: is a directory"),
        ("fasta", 1, "fasta: starts with '>c'; expected are JSON of genoseq align, VCF"),
        ("nothing", 1, "nothing: the file is empty; expected are"),
        ("cut.json", 1, "cut.json: is not JSON, or cut"),
        ("list.json", 1, "list.json: starts with '[1]'; expected are"),
        ("other.json", 1, "other.json: is JSON, but no summary of genoseq"),
        ("index.json", 1, "index.json: is JSON, but the summary of genoseq index"),
        ("scores.json", 1, "scores.json: is the summary of genoseq variants; give what it wrote to -o"),
        ("plain.vcf", 1, "plain.vcf: has no scores (INFO GSLLR); score it with genoseq variants"),
        ("other.tsv", 1, "other.tsv: is a table with the columns read, place; expected are"),
        ("cut.tsv", 1, "cut.tsv:4: a row of 1 cells in a table of 5 columns"),
        ("cut.vcf", 1, "cut.vcf:8: this is not a record of VCF"),
        ("calls.vcf ./calls.vcf", 2, "calls.vcf is given twice"),
        (
            "calls.vcf copy/calls.vcf",
            2,
            "copy/calls.vcf: there is another file of the sample 'calls'; rename",
        ),
        ("calls.vcf more.vcf --sample x", 2, "--sample is for one file of a kind"),
        ("calls.vcf --sample ''", 2, "--sample is empty"),
        ("calls.vcf --multiqc missing", 1, "there is no folder missing"),
        ("calls.vcf --json p.html", 2, "-o and --json both go to p.html"),
    ],
)
def test_what_is_refused(run, tables, files, code, message):
    for name, text in {
        "fasta": ">c\nACGT\n", "nothing": "", "cut.json": '{"command": ', "list.json": "[1]",
        "other.json": "{}", "index.json": '{"command": "index"}', "scores.json": '{"command": "variants"}',
        "plain.vcf": re.sub("##INFO.*\n", "", CALLS).replace("GSLLR", "X").replace("GSSKIP", "Y"),
        "cut.vcf": CALLS[: CALLS.index("\tA\tATT")], "more.vcf": CALLS,
        "cut.tsv": Path("labels.tsv").read_text().partition("\nb\t")[0] + "\nb\n",
    }.items():  # fmt: skip
        Path(name).write_text(text)
    write_tsv("other.tsv", ("read", "place"), [])
    Path("copy").mkdir()
    shutil.copy("calls.vcf", "copy")
    result = run(f"report {files} -o p.html")
    assert result.exit == code, result.stderr
    assert message in result.stderr
    assert result.stderr.count("\n") == 1 + ("warning" in result.stderr)
    assert not Path("p.html").exists()


@pytest.mark.parametrize("option", ["-o calls.vcf", "--json ./calls.vcf", "-o x --json x"])
def test_outputs_that_cannot_be(run, tables, option):
    assert run(f"report calls.vcf {option}").exit == 2
    assert Path("calls.vcf").read_text() == CALLS


def test_nothing_to_write(run, tables):
    result = run("report calls.vcf")
    assert result.exit == 2
    assert "nothing to write: give -o FILE.html, --multiqc FOLDER or --json FILE" in result.stderr


def test_two_samples_with_one_file_for_multiqc(run, tables):
    shutil.copy("calls.vcf", "a b.vcf")
    shutil.copy("calls.vcf", "a_b.vcf")
    result = run(["report", "a b.vcf", "a_b.vcf", "--multiqc", "."])
    assert result.exit == 2
    assert "two samples have one file for MultiQC, a_b.genoseq_scores_mqc.json" in result.stderr
    assert not list(tables.glob("*_mqc.json"))


def test_without_matplotlib(run, tables, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("report calls.vcf -o p.html")
    assert result.exit == 2
    assert "-o FILE.html needs matplotlib" in result.stderr
    assert run("report calls.vcf labels.tsv --multiqc . --json a.json -q").exit == 0


def test_what_users_wrote_is_no_mathematics(run, away):
    labels = [(f"r{i}", "$a_1$ & <b>", 0.9, 0.1) for i in range(3)]
    for name in ("$x$", "y<i>"):
        write_tsv(f"{name}.tsv", ("name", "label", "p_$a_1$ & <b>", "p_c"), labels)
    assert run(["report", "$x$.tsv", "y<i>.tsv", "-o", "p.html", "-q"]).exit == 0
    text = Path("p.html").read_text()
    assert "<b>" not in text
    assert "<i>" not in text
    assert text.count("$a_1$ &amp; &lt;b&gt;") >= 3


@pytest.mark.parametrize(
    ("path", "sample"),
    [("a/liver.vcf.gz", "liver"), ("x.y.tsv", "x.y"), (".tsv", ".tsv"), ("-", "standard_input"), ("a", "a")],
)
def test_names_of_samples(path, sample):
    assert sample_of(path) == sample
