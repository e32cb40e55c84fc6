"""What `genoseq align` tells of a run beside its lines: --report, --multiqc, --statistics."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genoseq.align.statistics import Statistics
    from genoseq.index.store import Index

__all__ = [
    "add_report_options",
    "begin_report",
    "check_report",
    "describe_run",
    "finish_report",
    "sample_name",
]

_COMPRESSED = (".gz", ".bgz", ".bz2", ".xz", ".zst")
_READS = (".fastq", ".fq", ".fasta", ".fa", ".fna", ".bam", ".sam")


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add --report and --multiqc."""
    report = parser.add_argument_group("Report")
    report.add_argument(
        "--report",
        metavar="FILE.html",
        help="write a page with numbers and figures of the run (needs matplotlib)",
    )
    report.add_argument(
        "--multiqc",
        metavar="FOLDER",
        help="write files for MultiQC, SAMPLE.genoseq_*_mqc.json, into a folder that is there",
    )
    report.add_argument(
        "--statistics",
        action="store_true",
        help="put the counts behind both into --json, which genoseq report adds up over parts of a sample",
    )


def check_report(args: argparse.Namespace, read_group: str | None) -> dict[str, str | None]:
    """Refuse early what could not be written at the end; the files to be written, by option.

    Raises
    ------
    InputError
        If there is no such folder, or no permission.
    UsageError
        If there are statistics, and no file for them.
    MissingDependencyError
        Without matplotlib.
    """
    from genoseq.errors import UsageError
    from genoseq.io.files import check_output

    if args.statistics and args.json is None:
        raise UsageError("--statistics needs --json FILE, which they go into")
    outputs: dict[str, str | None] = {"--report": args.report}
    if args.report is not None:
        from genoseq.plots import check_matplotlib

        check_matplotlib("--report")
        check_output(args.report)
    if args.multiqc is not None:
        from genoseq.reports.multiqc import multiqc_paths

        paths = multiqc_paths(args.multiqc, sample_name(args.reads, read_group))
        for section, path in paths.items():
            check_output(path)
            outputs[f"--multiqc ({section})"] = os.fspath(path)
    return outputs


def begin_report(args: argparse.Namespace, index: Index) -> Statistics | None:
    """What counts the reads; None if nothing is told."""
    if args.report is None and args.multiqc is None and not args.statistics:
        return None
    from genoseq.align.statistics import Statistics

    return Statistics.of(index.reference)


def describe_run(args: argparse.Namespace, index: Index, read_group: str | None) -> dict[str, Any]:
    """What the summary of a run tells beside counts: by it parts of a sample are known."""
    from datetime import datetime

    from genoseq.align.parts import describe_index
    from genoseq.index.locate import default_index, index_beside

    beside = index_beside(args.reference) if args.reference else None
    return {
        "sample": sample_name(args.reads, read_group),
        "threads": args.threads,
        "finished": datetime.now().astimezone().isoformat(timespec="seconds"),
        "index": describe_index(index, args.index or beside or default_index()),
    }


def finish_report(
    args: argparse.Namespace, index: Index, summary: Mapping[str, Any], statistics: Statistics
) -> None:
    """Write what the options ask for."""
    from genoseq.align.parts import Part, join

    if args.report is None and args.multiqc is None:
        return
    run = join([Part("this run", summary, index.reference.names, statistics)])
    if args.report is not None:
        from genoseq.reports.alignment import write_report

        write_report(args.report, run)
    if args.multiqc is not None:
        from genoseq.reports.multiqc import write_multiqc

        write_multiqc(args.multiqc, run)


def sample_name(reads: list[str], read_group: str | None) -> str:
    r"""The sample of a run: SM of the read group, else what the files of reads are called.

    Examples
    --------
    >>> sample_name(["run/liver_R1.fastq.gz", "run/liver_R2.fastq.gz"], None)
    'liver'
    >>> sample_name(["liver.fq.gz"], "@RG\tID:1\tSM:patient 7")
    'patient 7'
    """
    for field in (read_group or "").split("\t"):
        if field.startswith("SM:"):
            return field[3:]
    names = [_without_suffixes(Path(path).name) for path in reads]
    common = re.sub(r"[._-][Rr]?$", "", _shared(names))
    name = common or names[0]
    return "standard_input" if name == "-" else name


def _shared(names: list[str]) -> str:
    """What the names begin with alike."""
    return "".join(
        letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    )


def _without_suffixes(name: str) -> str:
    for suffixes in (_COMPRESSED, _READS):
        name = next((name.removesuffix(s) for s in suffixes if name.endswith(s) and name != s), name)
    return name
