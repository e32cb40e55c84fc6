"""What is wrong with parameters and samplesheets is told before any task starts."""

import csv
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


def test_wrong_parameters_are_told_together(nextflow):
    run = nextflow(
        "--chunk-reads", "many", "--index-shards", 0, "--preset", "fast", "--fasta", "nowhere.fa",
        "--kmer", 31,
        "--max-memory", "lots", "--skip-bad-samples", "perhaps", "--insert", 300, "--index", GENOME,
        "--align-args", "--eqx --interleaved",
    )  # fmt: skip
    assert sorted(problems(run)) == [
        "--align-args: '--eqx --interleaved' has an option that the workflow gives, or that chunks cannot "
        "have; --preset, --insert and the samplesheet say the rest",
        "--chunk-reads: expected integer, got 'many'",
        "--fasta: no such file: nowhere.fa",
        "--index-shards: 0 is below 1",
        f"--index: {GENOME} is no folder",
        "--insert: '300' is not MEAN,SD",
        "--kmer: unknown parameter",
        "--max-memory: 'lots' is not an amount of memory, such as 16.GB",
        "--preset: 'fast' is not one of auto, sr, divergent, sensitive, long",
        "--skip-bad-samples: expected boolean, got 'perhaps'",
    ]


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
    ],
)
def test_what_a_workflow_needs(nextflow, arguments, expected):
    found = problems(nextflow(*arguments))
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


def test_files_whose_results_would_have_one_name(nextflow):
    paths = [nextflow.folder / name for name in ("x.a.vcf.gz", "x.b.vcf.gz", "again/x.b.vcf", "t.fa.zst")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    run = nextflow(
        "--workflow", "variants,classify,peptides", "--fasta", nextflow.folder,
        "--calls", f"{nextflow.folder}/x.*,{paths[2]}", "--sequences", f"{paths[3]},{paths[3]}",
        "--targets", paths[3],
    )  # fmt: skip
    assert problems(run) == [
        f"--fasta: {nextflow.folder} is a folder",
        f"--calls: results of {paths[1]}, {paths[2]} would have one name, x.b; rename a file",
        f"--sequences: results of {paths[3]}, {paths[3]} would have one name, t; rename a file",
        f"--targets: '{paths[3]}' must be plain or .gz",
    ]


def sheet_problems(nextflow, text):
    path = nextflow.folder / "samples.csv"
    path.write_text(text)
    return problems(nextflow("--input", path, "--fasta", GENOME))


def test_rows_of_a_samplesheet(nextflow):
    for name in ("a.fq.gz", "b.fq.gz", "reads.txt"):
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
    ]
    letters = "must begin with a letter or digit, and consist of these, '_', '.' and '-', without spaces"
    endings = "must end in .fq, .fastq, .fa or .fasta, or one of these with .gz, .bgz, .bz2, .xz or .zst"
    assert sheet_problems(nextflow, "\n".join(rows) + "\n") == [
        f"samples.csv:3: sample: 'two words' {letters}",
        f"samples.csv:4: fastq_1: no such file: {nextflow.folder}/c.fq.gz",
        f"samples.csv:5: fastq_1: '{nextflow.folder}/reads.txt' must not contain spaces and {endings}",
        "samples.csv:6: sample: missing",
        "samples.csv:8: fastq_1 or bam: missing",
        "samples.csv:9: fastq_1: missing, though fastq_2 is there",
        f"samples.csv:10: bam: no such file: {nextflow.folder}/x.bam",
        "samples.csv:10: bam: given beside fastq_1; a row holds one of them",
        "samples.csv:11: fastq_2: the same file as fastq_1",
        "samples.csv:12: more cells than columns: more",
        f"samples.csv:13: sample: '-x' {letters}",
        f"samples.csv:14: fastq_1: no such file: {nextflow.folder}/*.fq.gz",
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
    ]
    assert sheet_problems(nextflow, "\n".join(rows)) == [
        "samples.csv:3: sample 'x', lane '1': already on line 2",
        "samples.csv:5: sample 'y': paired reads, but single reads on line 4",
        "samples.csv:5: sample 'y': a.fq.gz is already on line 4, and its reads would count twice",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["samples.csv:1: column sample: missing"]),
        ("\n\n", ["samples.csv:1: column sample: missing"]),
        ("sample,lane,fastq_1,fastq_2,bam\n", ["samples.csv:no samples"]),
        (
            "name,fastq_1,fastq_1\nx,a.fq,b.fq\n",
            [
                "samples.csv:1: column sample: missing",
                "samples.csv:1: column name: not one of sample, lane, fastq_1, fastq_2, bam",
                "samples.csv:1: column fastq_1: twice",
            ],
        ),
    ],
    ids=["no bytes", "blank lines", "no rows", "columns"],
)
def test_samplesheets_without_samples(nextflow, text, expected):
    assert sheet_problems(nextflow, text) == expected
