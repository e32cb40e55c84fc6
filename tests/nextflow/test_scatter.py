"""Reads in chunks, and an index in shards: the result is that of one task, record for record."""

import json
import shutil

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def reads(tmp_path_factory, output_of, shipped):
    """Single reads, pairs and BAM of more than one chunk, and their sheet; fragments are of two lengths."""
    folder = tmp_path_factory.mktemp("reads")
    genome = shipped / "genome.fa.gz"
    simulate = [
        "genoseq",
        "simulate",
        genome,
        "--divergence",
        "0.03",
        "--errors",
        "illumina",
        "-q",
        "-l",
        "75",
    ]
    output_of(*simulate, "-n", "40000", "-o", folder / "single.fq.gz")
    pairs = [folder / "pairs_1.fq.gz", folder / "pairs_2.fq.gz"]
    for number, (insert, count) in enumerate((("250,20", "9000"), ("420,60", "9000"))):
        names = [folder / f"{number}_1.fq.gz", folder / f"{number}_2.fq.gz"]
        draw = ["-n", count, "--insert", insert, "--seed", number]
        output_of(*simulate, *draw, "-o", names[0], "--output2", names[1])
        for path, part in zip(pairs, names, strict=True):
            with path.open("ab") as joined, part.open("rb") as file:
                shutil.copyfileobj(file, joined)
    output_of(
        "samtools", "import", "-1", pairs[0], "-2", pairs[1], "-r", "ID:flow.1", "-o", folder / "raw.bam"
    )
    sheet = folder / "samples.csv"
    rows = [
        "sample,fastq_1,fastq_2,bam",
        "single,single.fq.gz,,",
        "pairs,pairs_1.fq.gz,pairs_2.fq.gz,",
        "raw,,,raw.bam",
    ]
    sheet.write_text("\n".join(rows) + "\n")
    return folder


def test_merged_chunks_of_reads_are_the_whole(make_nextflow, reads, output_of, records, shipped, tmp_path):
    genome = shipped / "genome.fa.gz"
    run = make_nextflow("chunks")(
        "--input", reads / "samples.csv", "--fasta", genome, "--chunk-reads", 16384, "--index-shards", 2,
        "--max-cpus", 1, "--max-memory", "3.GB",
    )  # fmt: skip
    assert run.exit == 0, run.log
    assert len(run.of("GENOSEQ_ALIGN")) == 9  # three of each sample
    assert len(run.of("GENOSEQ_SETTINGS")) == 3
    assert len(run.of("GENOSEQ_INDEXSHARD")) == 2
    index = run.out / "index" / "genome.gsx"
    assert json.loads((index / "manifest.json").read_text())
    inputs = {
        "single": ["single.fq.gz", "--rg", r"@RG\tID:single.1\tSM:single"],
        "pairs": ["pairs_1.fq.gz", "pairs_2.fq.gz", "--rg", r"@RG\tID:pairs.1\tSM:pairs"],
        "raw": ["raw.bam"],
    }
    for sample, words in inputs.items():
        paths = [reads / word if (reads / word).exists() else word for word in words]
        whole = tmp_path / f"{sample}.bam"
        output_of("genoseq", "align", "-x", index, *paths, "--sort", "-o", whole, "-q", "-t", "1")
        merged = run.out / "align" / f"{sample}.bam"
        assert records(merged) == records(whole), sample
        assert output_of("samtools", "view", "-H", merged).count("@PG\tID:genoseq") == 1


def test_an_index_that_is_there_is_used(make_nextflow, output_of, shipped, tmp_path):
    index = tmp_path / "small.gsx"
    output_of("genoseq", "index", shipped / "genome.fa.gz", "-o", index, "--preset", "sr", "-q")
    run = make_nextflow("index")(
        "--input", shipped / "samples.csv", "--index", index, "--chunk-reads", 0, "--preset", "sr",
        "--align-args", "--eqx --no-unmapped", "--max-cpus", 1, "--max-memory", "3.GB",
    )  # fmt: skip
    assert run.exit == 0, run.log
    assert not run.of("GENOSEQ_INDEX")
    assert not run.of("GENOSEQ_SPLIT")
    bam = run.out / "align" / "pairs.bam"
    assert "=" in output_of("samtools", "view", bam).split("\t")[5]
    assert "--preset sr" in output_of("samtools", "view", "-H", bam)
