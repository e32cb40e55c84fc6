"""`genoseq align --report` and `--multiqc`: what the page says, what MultiQC gets, and what is refused."""

from __future__ import annotations

import json
import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from genoseq.cli._report import sample_name

pytest.importorskip("matplotlib")

VOID = {"meta", "link", "br", "img", "hr", "input"}
# attributes through which a page takes something from elsewhere
RESOURCES = {"src", "href", "xlink:href", "srcset", "data", "poster", "action"}


class Page(HTMLParser):
    """A page whose tags must be closed in order; keeps texts, ids, tags and resources."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), f"{tag}: an attribute twice"
        self.tags.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        for name in RESOURCES & set(attributes):
            assert attributes[name].startswith("#"), attributes[name]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def number_of(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.tags)


@pytest.fixture
def page(run):
    """`page("-x {idx} reads.fq")`: align with a report and parse it."""

    def call(arguments: str | list[str]) -> Page:
        extra = ["-q", "-o", "out.sam", "--report", "report.html"]
        result = run(["align", *(arguments.split() if isinstance(arguments, str) else arguments), *extra])
        assert result.exit == 0, result.stderr
        text = Path("report.html").read_text(encoding="utf-8")
        assert "http:" not in text
        assert "https:" not in text
        assert not re.search(r"url\((?!#)|@import|<script", text)
        found = Page(text)
        assert len(set(found.ids)) == len(found.ids)
        for tag, attributes in found.tags:
            assert tag != "svg" or len(attributes["aria-label"]) > 20
            assert tag != "th" or attributes["scope"] in ("row", "col")
        return found

    return call


def test_single_reads(page, toy_folder, fastq, away):
    found = page(f"-x {toy_folder} {fastq}")
    assert "60 reads of 150 bp, aligned to genome.fa.gz." in found.text
    assert "Mapped 100.00 %" in found.text
    assert f"genoseq align -x {toy_folder} {fastq}" in found.text
    assert "preset divergent" in found.text
    assert found.number_of("svg") in (5, 6)  # MAPQ, identity, three contigs; clips if there are any
    for name in ("chr20a", "chr20b", "chr20c"):
        assert name in found.texts
    assert "pairs" not in found.text
    assert {p.name for p in away.iterdir()} == {"out.sam", "report.html"}


def test_pairs(page, run, toy_folder, data, away):
    made = f"simulate {data / 'genome.fa.gz'} -n 200 --insert 400,40 --divergence 0.03 -q"
    assert run(f"{made} -o r_1.fq.gz --output2 r_2.fq.gz").exit == 0
    found = page(f"-x {toy_folder} r_1.fq.gz r_2.fq.gz")
    assert "400 reads of 150 bp" in found.text
    assert "Proper pairs 100.00 % of 200 pairs" in found.text
    assert "Insert size" in found.text
    assert "<title>r · genoseq align</title>" in Path("report.html").read_text()


def test_the_page_and_json_agree(run, toy_folder, fastq, away):
    assert run(f"align -x {toy_folder} {fastq} -q -o a.sam --report r.html --json a.json").exit == 0
    assert run(f"align -x {toy_folder} {fastq} -q -o b.sam --json b.json").exit == 0
    told, plain = json.loads(Path("a.json").read_text()), json.loads(Path("b.json").read_text())
    statistics = told.pop("statistics")
    for each in (told, plain):
        del each["seconds"], each["command_line"], each["finished"]
    assert told == plain
    assert sum(statistics["mapq"]) == told["mapped"]
    assert sum(statistics["mapq"][20:]) == told["mapq20"]
    assert sum(statistics["read_length"]["counts"]) == 60
    assert statistics["coverage"]["contigs"][0].keys() == {"name", "length", "depth"}


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_change_what_is_counted(run, toy_folder, data, away, threads):
    arguments = f"align -x {toy_folder} {data}/reads.fq.gz -q -o a.sam --multiqc . --json a.json -t {threads}"
    assert run(arguments).exit == 0
    assert run(arguments.replace(f"-t {threads}", "-t 2").replace("a.json", "b.json")).exit == 0
    one, two = (json.loads(Path(f"{name}.json").read_text())["statistics"] for name in "ab")
    assert one == two


def test_what_users_wrote_is_escaped(page, run, away):
    rng = np.random.default_rng(1)
    sequence = "".join(rng.choice(list("ACGT"), 3000))
    contig = "a&b|$x_1$;<i>"
    Path("g.fa").write_text(f">{contig.replace('<i>', 'i')}\n{sequence}\n")
    assert run("index g.fa -q").exit == 0
    Path("x<b>&.fq").write_text(f"@r\n{sequence[100:250]}\n+\n{'I' * 150}\n")
    found = page(["-x", "g.gsx", "x<b>&.fq", "--rg", r"ID:1\tSM:<script>alert('&amp;')</script>"])
    assert found.number_of("script") == found.number_of("b") == 0
    assert "<script>alert('&amp;')</script>" in found.texts
    assert "x<b>&.fq" in found.text
    assert "a&b|$x_1$;i" in found.texts


@pytest.mark.parametrize("kind", ["empty", "unmapped", "short"])
def test_nothing_to_show(page, recwarn, toy_folder, away, kind):
    letters = "".join(np.random.default_rng(2).choice(list("ACGT"), 100 if kind == "unmapped" else 12))
    Path("r.fq").write_text("" if kind == "empty" else f"@r\n{letters}\n+\n{'I' * len(letters)}\n")
    found = page(f"-x {toy_folder} r.fq --multiqc .")
    assert "No read was mapped." in found.text
    assert found.number_of("svg") == 0
    assert {path.name[10:] for path in away.glob("r.*_mqc.json")} == {"general_mqc.json", "reads_mqc.json"}


@pytest.mark.parametrize(("contigs", "plots", "rows"), [(1, 1, 1), (1000, 24, 101)])
def test_few_and_many_contigs(page, run, away, contigs, plots, rows):
    rng = np.random.default_rng(3)
    genome = ["".join(rng.choice(list("ACGT"), rng.integers(300, 500))) for _ in range(contigs)]
    Path("g.fa").write_text("".join(f">contig{i}\n{text}\n" for i, text in enumerate(genome)))
    assert run("index g.fa -q").exit == 0
    reads = [genome[rng.integers(contigs)][50:200] for _ in range(50)]
    Path("r.fq").write_text("".join(f"@{i}\n{text}\n+\n{'I' * 150}\n" for i, text in enumerate(reads)))
    found = page("-x g.gsx r.fq")
    assert found.number_of("svg") in (plots + 2, plots + 3)
    names = [text for text in found.texts if text.startswith("contig") and text[6:].isdigit()]
    assert len(names) == plots + min(rows, 100)
    assert ("900 others" in found.text) == (contigs == 1000)
    assert Path("report.html").stat().st_size < 1_000_000


# MultiQC


def test_files_for_multiqc(run, toy_folder, fastq, away):
    Path("qc").mkdir()
    run(f"align -x {toy_folder} {fastq} -q -o out.sam --multiqc qc --rg 'ID:1\\tSM:a/b'")
    files = {path.name: json.loads(path.read_text()) for path in Path("qc").iterdir()}
    assert set(files) == {f"a_b.genoseq_{part}_mqc.json" for part in ("general", "reads", "identity")}
    assert {told["id"] for told in files.values()} == {"genoseq_general", "genoseq_reads", "genoseq_identity"}
    general, reads = files["a_b.genoseq_general_mqc.json"], files["a_b.genoseq_reads_mqc.json"]
    assert general["plot_type"] == "generalstats"
    assert set(general["data"]["a/b"]) <= set(general["headers"])
    assert general["data"]["a/b"]["reads"] == sum(reads["data"]["a/b"].values()) == 60
    assert set(reads["categories"]) == set(reads["data"]["a/b"])


def test_files_of_an_earlier_run_do_not_stay(run, toy_folder, data, fastq, away):
    run(f"simulate {data / 'genome.fa.gz'} -n 30 --insert 400,40 -q -o 1.fq --output2 2.fq")
    sample = r"--multiqc . --rg ID:1\\tSM:s -q -o out.sam"
    assert run(f"align -x {toy_folder} 1.fq 2.fq {sample}").exit == 0
    told = json.loads(Path("s.genoseq_insert_mqc.json").read_text())["data"]["s"]
    assert sum(share for _, share in told) > 0
    assert run(f"align -x {toy_folder} {fastq} {sample}").exit == 0
    assert not Path("s.genoseq_insert_mqc.json").exists()
    assert json.loads(Path("s.genoseq_general_mqc.json").read_text())["data"]["s"]["reads"] == 60


@pytest.mark.parametrize(
    ("reads", "read_group", "name"),
    [
        (["a/liver.fq.gz"], None, "liver"),
        (["liver.unmapped.bam"], "@RG\tID:1", "liver.unmapped"),
        (["liver.fq"], "@RG\tID:1\tSM:one", "one"),
        (["s_S1_L001_R1_001.fastq.gz", "s_S1_L001_R2_001.fastq.gz"], None, "s_S1_L001"),
        (["x_1.fq", "x_2.fq"], None, "x"),
        (["tumor1.fq", "tumor2.fq"], None, "tumor"),
        (["1.fq.gz", "2.fq.gz"], None, "1"),
        (["-"], None, "standard_input"),
        ([".fq"], None, ".fq"),
    ],
)
def test_sample_names(reads, read_group, name):
    assert sample_name(reads, read_group) == name


# what is refused, before the work


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--report missing/r.html", 1, "missing/r.html: cannot be written: there is no folder"),
        ("--report .", 1, ".: is a directory"),
        ("--report out.sam", 2, "-o and --report both go to out.sam"),
        ("--report ./out.sam", 2, "both go to ./out.sam"),
        ("--report reads.fq", 2, "--report: reads.fq is an input of this run"),
        ("--report r --json r", 2, "--json and --report both go to r"),
        ("--multiqc missing", 1, "cannot be written: there is no folder missing"),
        ("--multiqc reads.fq", 1, "cannot be written: there is no folder reads.fq"),
    ],
)
def test_outputs_that_cannot_be(run, toy_folder, fastq, away, options, code, message):
    Path("reads.fq").write_bytes(fastq.read_bytes())
    result = run(f"align -x {toy_folder} reads.fq -o out.sam {options}")
    assert result.exit == code
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert {p.name for p in away.iterdir()} == {"reads.fq"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(run, toy_folder, fastq, away):
    Path("locked").mkdir(mode=0o500)
    result = run(f"align -x {toy_folder} {fastq} -o out.sam --report locked/r.html")
    assert (result.exit, result.output) == (1, b"")
    assert "no permission in the folder" in result.stderr


def test_a_full_disk_is_not_a_success(run, toy_folder, fastq, away):
    result = run(f"align -x {toy_folder} {fastq} -o out.sam --report /dev/full")
    assert result.exit == 1
    assert result.stderr == "genoseq align: error: /dev/full: No space left on device\n"


def test_without_matplotlib_it_is_told_at_once(run, toy_folder, fastq, away, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run(f"align -x {toy_folder} {fastq} -o out.sam --report r.html")
    assert result.exit == 2
    assert "--report needs matplotlib" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(away.iterdir())
    assert run(f"align -x {toy_folder} {fastq} -o out.sam --multiqc . -q").exit == 0  # needs none
