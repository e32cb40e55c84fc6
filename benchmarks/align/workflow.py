"""What the align workflow costs beside the one command that does the same: CPU seconds of all that runs.

    python benchmarks/align/workflow.py GENOME.fa.gz --work WORK

Both index the genome and make a sorted, indexed BAM of the same reads; the workflow also splits them into
chunks, merges, and makes the reports. The records must be equal. `nextflow`, `samtools` and `multiqc` must be
in PATH. The table goes into docs/workflows.md by hand.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from measure import CommandError, Cost, measure, median_cost

PROJECT = Path(__file__).resolve().parents[2] / "nextflow"


def genoseq(*arguments: object) -> list[str]:
    """A command of genoseq."""
    return [sys.executable, "-m", "genoseq", *map(str, arguments)]


def single(genome: Path, reads: Path, work: Path) -> Cost:
    """Index, align, sort, by one process at a time."""
    folder = work / "single"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    index, bam = folder / "genome.gsx", folder / "reads.bam"
    build = genoseq("index", genome, "-o", index, "-q", "-t", 1)
    group = r"@RG\tID:reads.1\tSM:reads"
    align = genoseq("align", "-x", index, reads, "--sort", "-o", bam, "--rg", group, "-q", "-t", 1)
    return measure(["bash", "-c", f"{shlex.join(build)} && {shlex.join(align)}"], log=work / "single.log")


def workflow(genome: Path, reads: Path, work: Path, chunk_reads: int) -> Cost:
    """The same by tasks."""
    folder = work / "workflow"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.chdir(folder)
    sheet = folder / "samples.csv"
    sheet.write_text(f"sample,fastq_1\nreads,{reads}\n")
    command = [
        "nextflow", "run", PROJECT, "-profile", "local", "-work-dir", folder / "work", "--input", sheet,
        "--fasta", genome, "--outdir", folder, "--chunk-reads", chunk_reads, "--max-cpus", 1,
    ]  # fmt: skip
    return measure([str(word) for word in command], log=work / "workflow.log")


def records(bam: Path) -> bytes:
    """The records of a BAM as text."""
    return subprocess.run(["samtools", "view", str(bam)], check=True, stdout=subprocess.PIPE).stdout


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("genome", type=Path, help="FASTA")
    parser.add_argument("--work", type=Path, required=True, help="folder for everything that is made")
    parser.add_argument("--reads", type=int, default=1_000_000)
    parser.add_argument("--chunks", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    genome, work = args.genome.resolve(), args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    reads = work / "reads.fq.gz"
    if not reads.exists():
        draw = ["-n", args.reads, "--divergence", 0.01, "--errors", "illumina", "-o", reads, "-q"]
        subprocess.run(genoseq("simulate", genome, *draw), check=True)
    ones, others = [], []
    for _ in range(args.repeats):
        ones.append(single(genome, reads, work))
        others.append(workflow(genome, reads, work, -(-args.reads // args.chunks)))
    if records(work / "single" / "reads.bam") != records(work / "workflow" / "align" / "reads.bam"):
        raise CommandError("the workflow has other records than the single command")
    one, other = median_cost(ones), median_cost(others)
    print(f"| {args.reads:,} reads in {args.chunks} chunks | CPU s | wall s |\n|---|---|---|")
    print(f"| one command | {one.cpu:.1f} | {one.wall:.1f} |")
    print(f"| workflow | {other.cpu:.1f} | {other.wall:.1f} |")
    print(f"| ratio | {other.cpu / one.cpu:.2f} | {other.wall / one.wall:.2f} |")


if __name__ == "__main__":
    main()
