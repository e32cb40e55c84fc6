"""`-profile test`: all workflows on the data that ships, on both releases of Nextflow and with both of its
parsers; the results are those of the commands alone.
"""

import json
import re

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RUNS = {"25.04": {}, "24.10": {"version": "24.10"}, "25.04, strict": {"NXF_SYNTAX_PARSER": "v2"}}
RESULTS = (
    "align/single.bam", "align/pairs.bam", "align/unaligned.bam", "variants/variants.scored.vcf.gz",
    "classify/genes.labels.tsv", "peptides/targets.1.peptides.tsv", "peptides/targets.2.peptides.tsv",
    "peptides/targets.3.peptides.tsv",
)  # fmt: skip


@pytest.fixture(scope="module")
def runs(make_nextflow):
    """The runs, each made when it is first asked for."""
    made = {}

    def run(name):
        if name not in made:
            made[name] = make_nextflow("run")("-profile", "test", **RUNS[name])
            assert made[name].exit == 0, made[name].log
        return made[name]

    return run


@pytest.fixture(scope="module")
def index(tmp_path_factory, output_of, shipped):
    path = tmp_path_factory.mktemp("index") / "genome.gsx"
    output_of("genoseq", "index", shipped / "genome.fa.gz", "-o", path, "-q")
    return path


def test_all_tasks_succeed_at_the_first_try(runs, project):
    run = runs("25.04")
    assert {task["status"] for task in run.tasks} == {"COMPLETED"}
    assert {task["attempt"] for task in run.tasks} == {"1"}
    files = (project / "modules").rglob("meta.yml")
    modules = {"_".join(path.parent.relative_to(project / "modules").parts).upper() for path in files}
    idle = {
        "GENOSEQ_SETTINGS",
        "GENOSEQ_INDEXSHARD",
        "GENOSEQ_INDEXMERGE",
    }  # for what is larger: test_scatter.py
    names = {
        re.sub(r"(ALIGN|VARIANTS|CLASSIFY|PEPTIDES)_REPORT", "GENOSEQ_REPORT", name) for name in run.processes
    }
    assert names == modules - idle


@pytest.mark.parametrize("name", list(RUNS)[1:])
def test_releases_and_parsers_agree(runs, records, name):
    one, other = runs("25.04"), runs(name)
    for path in RESULTS:
        assert records(one.out / path) == records(other.out / path), path
    names = [{str(path.relative_to(run.out)) for path in run.out.rglob("*")} for run in (one, other)]
    # the strict parser of 25.04.0 reads the configuration without --outdir (its pull request 6377)
    elsewhere = {f"pipeline_info/{file}" for file in ("trace.txt", "report.html", "timeline.html")}
    assert names[0] - names[1] == (elsewhere if "strict" in name else set())
    assert names[1] <= names[0]


@pytest.mark.parametrize(
    ("sample", "inputs"),
    [
        ("pairs", ["pairs_1.fq.gz", "pairs_2.fq.gz", "--rg", r"@RG\tID:pairs.1\tSM:pairs"]),
        ("unaligned", ["unaligned.bam"]),
    ],
)
def test_alignments_are_those_of_the_command(
    runs, index, tmp_path, output_of, records, shipped, sample, inputs
):
    words = [shipped / word if word.startswith(sample) else word for word in inputs]
    output_of("genoseq", "align", "-x", index, *words, "--sort", "-o", tmp_path / "whole.bam", "-q")
    whole = records(tmp_path / "whole.bam")
    assert len(whole) >= 1000
    assert records(runs("25.04").out / "align" / f"{sample}.bam") == whole


def test_lanes_of_a_sample_are_merged(runs, output_of, records):
    bam = runs("25.04").out / "align" / "single.bam"
    groups = [
        line for line in output_of("samtools", "view", "-H", bam).splitlines() if line.startswith("@RG")
    ]
    assert groups == ["@RG\tID:single.1\tSM:single", "@RG\tID:single.2\tSM:single"]
    lanes = [re.search(r"\tRG:Z:(\S+)", line)[1] for line in records(bam)]
    assert len(lanes) == 4000
    assert lanes.count("single.1") == lanes.count("single.2") == 2000
    assert int(output_of("samtools", "view", "-c", bam, "chr20b")) > 100  # by its index


def test_variants_are_those_of_the_command(runs, tmp_path, output_of, records, shipped):
    scored = tmp_path / "whole.vcf.gz"
    output_of(
        "genoseq", "variants", "-r", shipped / "genome.fa.gz", shipped / "variants.vcf.gz", "-o", scored, "-q"
    )
    run = runs("25.04")
    assert len(run.of("GENOSEQ_VARIANTS")) == 3
    assert records(run.out / "variants" / "variants.scored.vcf.gz") == records(scored)
    assert (
        len(output_of("bcftools", "view", "-H", run.out / "variants" / "variants.scored.vcf.gz", "chr20c"))
        > 0
    )


def test_labels_are_those_of_the_command(runs, tmp_path, output_of, records, shipped):
    labels = tmp_path / "labels.tsv"
    known, genes = shipped / "families.tsv.gz", shipped / "genes.fa.gz"
    output_of("genoseq", "classify", "--train", known, genes, "-o", labels, "-q")
    assert records(runs("25.04").out / "classify" / "genes.labels.tsv") == records(labels)


def test_peptides_are_those_of_the_command(runs, tmp_path, output_of, records, shipped):
    table = tmp_path / "peptides.tsv"
    options = ["-n", "3", "--length", "8", "--candidates", "6", "--shuffled", "2"]
    output_of("genoseq", "peptides", shipped / "targets.fa.gz", *options, "-o", table, "-q")
    each = [records(runs("25.04").out / "peptides" / f"targets.{n}.peptides.tsv") for n in (1, 2, 3)]
    head, *rows = records(table)
    assert [rows_of[0] for rows_of in each] == [head] * 3
    assert [row for rows_of in each for row in rows_of[1:]] == rows


def test_one_report_has_everything(runs):
    out = runs("25.04").out
    sections = {
        "genoseq_reads_plot": ["single", "pairs", "unaligned"],
        "samtools_stats": ["single", "pairs", "unaligned"],
        "genoseq_variants_table": ["variants"],
        "genoseq_classes_plot": ["genes"],
        "genoseq_peptides_table": ["targets.1", "targets.2", "targets.3"],
    }
    for section, samples in sections.items():
        head, *rows = (out / "multiqc" / "multiqc_data" / f"multiqc_{section}.txt").read_text().splitlines()
        assert head.startswith("Sample")
        assert sorted(row.split("\t")[0] for row in rows) == sorted(samples), section
    assert (out / "multiqc" / "multiqc_report.html").stat().st_size > 100_000
    plots = json.loads((out / "multiqc" / "multiqc_data" / "multiqc_data.json").read_text())[
        "report_plot_data"
    ]
    for name in ("genoseq_scores_plot", "genoseq_insert_plot", "genoseq_identity_plot"):
        for line in plots[name]["datasets"][0]["lines"]:
            places = [x for x, _ in line["pairs"]]
            assert places == sorted(map(float, places)), name
    assert (out / "pipeline_info" / "genoseq_mqc_versions.yml").read_text().count("genoseq: '0.1.0'") >= 8
    for page in ("align/reports/single", "variants/reports/variants", "classify/reports/genes"):
        assert (out / f"{page}.html").stat().st_size > 10_000


def test_stubs_have_the_outputs_of_the_modules(nextflow):
    run = nextflow("-profile", "test", "-stub-run", "--index-shards", 2)
    assert run.exit == 0, run.log
    assert {task["status"] for task in run.tasks} == {"COMPLETED"}
    for path in RESULTS:
        assert (run.out / path).exists()
    assert {"GENOSEQ_SETTINGS", "GENOSEQ_INDEXSHARD", "GENOSEQ_INDEXMERGE", "SAMTOOLS_MERGE"} <= run.processes


def test_names_with_dots_stay_apart(nextflow, shipped):
    """Of results: a.1.2 is a sample, and no chunk 2 of lane 1 of a sample a."""
    names = {"x.a.vcf.gz": "variants.vcf.gz", "x.b.vcf.gz": "variants.vcf.gz", "ref.v1.fa.gz": "genome.fa.gz"}
    names |= {"t.a.fa.gz": "targets.fa.gz", "t b.fa.gz": "targets.fa.gz", "a.b.fq.gz": "reads.fq.gz"}
    for name, data in names.items():
        (nextflow.folder / name).symlink_to(shipped / data)
    sheet = nextflow.folder / "samples.csv"
    sheet.write_text("sample,fastq_1\na.1.2,a.b.fq.gz\n")
    run = nextflow(
        "-stub-run", "--workflow", "align,variants,peptides", "--input", sheet, "--chunk-reads", 0,
        "--fasta", nextflow.folder / "ref.v1.fa.gz", "--calls", f"{nextflow.folder}/x.*.vcf.gz",
        "--targets", f"{nextflow.folder}/t*.fa.gz", "-profile", "local", "--max-cpus", 1,
    )  # fmt: skip
    assert run.exit == 0, run.log
    made = {str(path.relative_to(run.out)) for path in run.out.rglob("*")}
    assert {
        "align/a.1.2.bam",
        "index/ref.v1.gsx",
        "variants/x.a.scored.vcf.gz",
        "variants/x.b.scored.vcf.gz",
    } <= made
    tables = {f"peptides/{name}.{n}.peptides.tsv" for name in ("t.a", "t_b") for n in (1, 2, 3)}
    assert {path for path in made if path.endswith(".peptides.tsv")} == tables


def test_lint(nextflow, project):
    run = nextflow.command("lint", project)
    assert run.returncode == 0, run.stdout
    assert re.search(r"✅ \d+ files had no errors", run.stdout)


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        ("slurm", {"process.executor": "slurm", "executor.queueSize": "100"}),
        ("kubernetes", {"process.executor": "k8s", "k8s.storageClaimName": "genoseq-work"}),
        (
            "awsbatch",
            {"process.executor": "awsbatch", "process.queue": "genoseq", "workDir": "s3://bucket/work"},
        ),
        (
            "docker,gpu",
            {
                "docker.enabled": "true",
                "process.'withLabel:process_gpu'.accelerator": "1",
            },
        ),
        ("apptainer,slurm", {"apptainer.enabled": "true", "docker.enabled": "false"}),
        ("conda", {"conda.enabled": "true"}),
        ("local", {"params.maxCpus": "4", "executor.cpus": "4", "executor.memory": "12.GB"}),
    ],
)
def test_profiles(nextflow, project, profiles, expected):
    run = nextflow.command("config", "-flat", "-profile", profiles, project)
    assert run.returncode == 0, run.stdout
    found = {
        name: value.strip("'") for name, value in re.findall(r"^(\S+) = (.*)$", run.stdout, re.MULTILINE)
    }
    assert expected.items() <= found.items()
