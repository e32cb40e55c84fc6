"""What is wrong with parameters and samplesheets is told before any task starts."""

import csv
import gzip
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2] / "nextflow"
DATA = PROJECT.parent / "data"
SCHEMA = json.loads((PROJECT / "nextflow_schema.json").read_text())
PROPERTIES = {name: rule for group in SCHEMA["$defs"].values() for name, rule in group["properties"].items()}
GENOME = DATA / "genome.fa.gz"


def problems(run):
    """The lines of the message, without the path that precedes them."""
    assert run.exit != 0
    assert not run.tasks
    return re.findall(r"^  (.+)$", run.log, re.MULTILINE)


def test_schema_is_one_and_names_each_parameter_once():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert len(PROPERTIES) == sum(len(group["properties"]) for group in SCHEMA["$defs"].values())
    for group in SCHEMA["$defs"].values():
        assert {name for names in group.get("x-needs", []) for name in names} <= PROPERTIES.keys()
    workflows = {group["x-workflow"] for group in SCHEMA["$defs"].values() if "x-workflow" in group}
    assert workflows == {path.stem for path in (PROJECT / "workflows").glob("*.nf")}


def test_every_parameter_is_in_schema_and_configuration_with_its_default(nextflow):
    run = nextflow.command("config", "-flat", PROJECT)
    assert run.returncode == 0, run.stdout
    found = dict(re.findall(r"^params\.(\w+) = (.*)$", run.stdout, re.MULTILINE))
    assert found.keys() == PROPERTIES.keys()
    for name, rule in PROPERTIES.items():
        value = found[name].strip("'")
        assert value == {None: "null", False: "false"}.get(rule.get("default"), str(rule.get("default"))), (
            name
        )


def test_example_of_a_file_of_parameters_is_valid():
    values = yaml.safe_load((PROJECT / "params_example.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(values, {"properties": PROPERTIES, "additionalProperties": False})
    chosen = values["workflow"].split(",")
    groups = [group for group in SCHEMA["$defs"].values() if group.get("x-workflow") in chosen]
    assert len(groups) == len(chosen) > 0
    assert all(set(names) & values.keys() for group in groups for names in group.get("x-needs", []))
    assert all((PROJECT.parent / values[name]).exists() for name in values if PROPERTIES[name].get("exists"))


def test_shipped_samplesheet_is_valid():
    items = json.loads((PROJECT / "assets" / "schema_input.json").read_text())
    jsonschema.Draft202012Validator.check_schema(items)
    with (DATA / "samples.csv").open() as file:
        rows = [{name: cell for name, cell in row.items() if cell} for row in csv.DictReader(file)]
    jsonschema.validate(rows, items)
    assert all(
        (DATA / row[name]).exists() for row in rows for name in ("fastq_1", "fastq_2", "bam") if name in row
    )


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("calls", "a.vcf a.vcf.gz a.vcf.bgz a.bcf", "a.vcf.gz.tbi a.bcf.gz a.vcf.zst vcf a.txt"),
        ("sequences", "a.fa a.fna.zst a.b.fasta.bz2", "a.fa.fai a.fq a.zip"),
        ("targets", "a.faa a.fasta.gz", "a.fa.xz a.fa.bgz a.pdb"),
    ],
)
def test_endings(name, good, bad):
    pattern = re.compile(PROPERTIES[name]["x-pattern"])
    assert all(pattern.search(file) for file in good.split())
    assert not any(pattern.search(file) for file in bad.split())


def test_wrong_parameters_are_told_together(nextflow):
    run = nextflow(
        "b.vcf", "c d.vcf",
        "--chunk-reads", "many", "--index-shards", 0, "--preset", "fast", "--fasta", "nowhere.fa",
        "--kmer", 31, "--chunk_records", 9, "--memory", "9.GB",
        "--max-memory", "lots", "--skip-bad-samples", "perhaps", "--insert", 300, "--index", GENOME,
        "--align-args", "--eqx --interleaved",
    )  # fmt: skip
    assert sorted(problems(run)) == [
        "'b.vcf', 'c d.vcf': of no parameter; a pattern needs quotes: --calls 'calls/*.vcf.gz'",
        "--align-args: '--eqx --interleaved' has an option that the workflow gives, or that chunks cannot "
        "have; --preset, --insert and the samplesheet say the rest",
        "--chunk-reads: expected integer, got 'many'",
        "--chunk_records: unknown parameter; did you mean --chunk-records?",
        "--fasta: no such file: nowhere.fa",
        "--index-shards: 0 is below 1",
        f"--index: {GENOME} is no folder",
        "--input: required",
        "--insert: '300' is not MEAN,SD",
        "--kmer: unknown parameter",
        "--max-memory: 'lots' is not an amount of memory, such as 16.GB",
        "--memory: unknown parameter; did you mean --max-memory?",
        "--preset: 'fast' is not one of auto, sr, divergent, sensitive, long",
        "--skip-bad-samples: expected boolean, got 'perhaps'",
    ]


@pytest.mark.parametrize("parser", ["v1", "v2"])
@pytest.mark.parametrize(("name", "text"), [("a.fa", ""), ("a.fa.gz", "\n"), ("b.fa", "ACGT\n")])
def test_a_reference_without_contigs_is_told_before_any_task(nextflow, sheet, name, text, parser):
    path = sheet.with_name(name)
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        file.write(text)
    run = nextflow("--input", sheet, "--fasta", path, NXF_SYNTAX_PARSER=parser)
    assert problems(run) == [f"--fasta: {path}: no contigs; FASTA is expected, and begins with >"]
    assert not run.tasks


@pytest.mark.parametrize("arguments", [{}, {"version": "24.10"}, {"NXF_SYNTAX_PARSER": "v2"}])
def test_help_lists_every_parameter_and_leaves_no_file(nextflow, arguments):
    run = nextflow("--help", "--input", "nowhere.csv", **arguments)
    assert run.exit == 0, run.log
    assert set(re.findall(r"^  (--\S+)  +\S", run.log, re.MULTILINE)) == {
        "--" + re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", name) for name in PROPERTIES
    }
    assert "[4000000]" in run.log
    assert "[auto; or sr, divergent, sensitive, long]" in run.log
    assert "Classify, --workflow classify: needs --sequences, --labelled or --classifier" in run.log
    assert not run.out.exists()


def test_version(nextflow):
    run = nextflow("--version")
    assert run.exit == 0, run.log
    assert run.log.endswith("\ngenoseq 0.1.0\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["--workflow", "assemble"],
            ["--workflow: 'assemble' is not one or several, with commas between, of"],
        ),
        (
            ["--workflow", "align,peptides"],
            ["--input: required", "--fasta or --index: required", "--targets: req"],
        ),
        (["--workflow", "classify", "--sequences", GENOME], ["--labelled or --classifier: required"]),
        (["--input", "", "--fasta", GENOME], ["--input: has no value"]),
        (
            ["--workflow", "peptides", "--targets", DATA / "targets.fa.gz", "--peptides-args", "--top", 5],
            ["--top: unknown parameter; write --peptides-args='--top 5'", "--peptides-args: has no value"],
        ),
    ],
)
def test_what_a_workflow_needs(nextflow, arguments, expected):
    found = problems(nextflow(*arguments))
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


def test_endings_and_names_of_files(nextflow):
    names = ("x.a.vcf.gz", "x.b.vcf.gz", "again/x.b.vcf", "t.fa.zst", "t.txt")
    paths = [nextflow.folder / name for name in names]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    run = nextflow(
        "--workflow", "variants,classify,peptides", "--fasta", nextflow.folder,
        "--calls", f"{nextflow.folder}/x.*,{paths[2]}", "--sequences", f"{paths[3]},{paths[3]}",
        "--targets", f"{nextflow.folder}/t.*",
    )  # fmt: skip
    assert problems(run) == [
        f"--fasta: {nextflow.folder} is a folder",
        f"--calls: results of {paths[1]}, {paths[2]} would have one name, x.b; rename a file",
        f"--sequences: results of {paths[3]}, {paths[3]} would have one name, t; rename a file",
        *(
            f"--targets: '{path}' must end in .fa, .fasta or .faa, or one of these with .gz"
            for path in paths[3:]
        ),
        "--labelled or --classifier: required",
    ]


def sheet_problems(nextflow, text):
    path = nextflow.folder / "samples.csv"
    path.write_text(text)
    return problems(nextflow("--input", path, "--fasta", GENOME))


def test_rows_of_a_samplesheet(nextflow):
    for name in ("a.fq.gz", "b.fq.gz", "reads.txt", "sp ace/my a.fq.gz"):
        (nextflow.folder / name).parent.mkdir(exist_ok=True)
        (nextflow.folder / name).touch()
    rows = [
        "sample,lane,fastq_1,fastq_2,bam",
        "good,1,a.fq.gz,b.fq.gz,",
        "two words,1,a.fq.gz,,",
        "gone,1,c.fq.gz,,",
        "kind,1,reads.txt,,",
        ",1,a.fq.gz,,",
        "",
        "nothing,1,,,",
        "mate,1,,b.fq.gz,",
        "both,1,a.fq.gz,,x.bam",
        "same,1,a.fq.gz,a.fq.gz,",
        "long,1,a.fq.gz,,,more",
        "-x,1,a.fq.gz,,",
        "globs,1,*.fq.gz,,",
        "spaces,1,sp ace/my a.fq.gz,,",
        "spaces,1,b.fq.gz,,",
    ]
    letters = "must begin with a letter or digit, and consist of these, '_', '.' and '-', without spaces"
    endings = "must end in .fq, .fastq, .fa or .fasta, or one of these with .gz, .bgz, .bz2, .xz or .zst"
    assert sheet_problems(nextflow, "\n".join(rows) + "\n") == [
        f"samples.csv:3: sample: 'two words' {letters}",
        f"samples.csv:4: fastq_1: no such file: {nextflow.folder}/c.fq.gz",
        f"samples.csv:5: fastq_1: '{nextflow.folder}/reads.txt' {endings}",
        "samples.csv:6: sample: missing",
        "samples.csv:8: fastq_1 or bam: missing",
        "samples.csv:9: fastq_1: missing, though fastq_2 is there",
        f"samples.csv:10: bam: no such file: {nextflow.folder}/x.bam",
        "samples.csv:10: bam: given beside fastq_1; a row holds one of them",
        "samples.csv:11: fastq_2: the same file as fastq_1",
        "samples.csv:12: more cells than columns: more",
        f"samples.csv:13: sample: '-x' {letters}",
        f"samples.csv:14: fastq_1: no such file: {nextflow.folder}/*.fq.gz",
        "samples.csv:16: sample 'spaces', lane '1': already on line 15",
    ]


def test_samples_of_several_rows(nextflow):
    for name in ("a.fq.gz", "b.fq.gz"):
        (nextflow.folder / name).touch()
    rows = [
        "sample,lane,fastq_1,fastq_2",
        "x,1,a.fq.gz,",
        "x,,b.fq.gz,",
        "y,1,a.fq.gz,",
        "y,2,a.fq.gz,b.fq.gz",
        "x,1,b.fq.gz,",
    ]
    assert sheet_problems(nextflow, "\n".join(rows)) == [
        "samples.csv:3: sample 'x', lane '1': already on line 2",
        "samples.csv:6: sample 'x', lane '1': already on line 2",
        "samples.csv:6: sample 'x': b.fq.gz is already on line 3, and its reads would count twice",
        "samples.csv:5: sample 'y': paired reads, but single reads on line 4",
        "samples.csv:5: sample 'y': a.fq.gz is already on line 4, and its reads would count twice",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["samples.csv:1: the sheet is empty"]),
        ("\n\n", ["samples.csv:1: the sheet is empty"]),
        ("\nsample,fastq_1\n", ["samples.csv:2: no samples below the names of the columns"]),
        (
            "sample;fastq_1\nx;a.fq\n",
            ["samples.csv:1: columns are separated by semicolons, must be by commas"],
        ),
        ("sample\tfastq_1\n", ["samples.csv:1: columns are separated by tabs, must be by commas"]),
        (
            "name,fastq_1,fastq_1\nx,a.fq,b.fq\n",
            [
                "samples.csv:1: column sample: missing",
                "samples.csv:1: column name: not one of sample, lane, fastq_1, fastq_2, bam",
                "samples.csv:1: column fastq_1: twice",
            ],
        ),
    ],
    ids=["no bytes", "blank lines", "no rows", "semicolons", "tabs", "columns"],
)
def test_samplesheets_without_samples(nextflow, text, expected):
    assert sheet_problems(nextflow, text) == expected


def test_one_file_in_two_samples_is_a_warning(nextflow):
    path = nextflow.folder / "sp ace" / "two samples.csv"
    path.parent.mkdir()
    (path.parent / "my a.fq.gz").touch()
    path.write_text("sample,fastq_1\nx,my a.fq.gz\ny,my a.fq.gz\n")
    run = nextflow("-preview", "--input", path, "--fasta", GENOME)
    assert run.exit == 0, run.log
    assert "two samples.csv:3: my a.fq.gz is of sample 'y' and, on line 2, of 'x'" in run.log
