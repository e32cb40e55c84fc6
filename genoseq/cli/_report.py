"""What `genoseq align` tells of a run beside its lines: the page of --report, the files of --multiqc."""

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

__all__ = ["add_report_options", "begin_report", "check_report", "finish_report", "sample_name"]

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


def check_report(args: argparse.Namespace, read_group: str | None) -> dict[str, str | None]:
    """Refuse early what could not be written at the end; the files to be written, by option.

    Raises
    ------
    InputError
        If there is no such folder, or no permission.
    MissingDependencyError
        Without matplotlib.
    """
    from genoseq.io.files import check_output

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
    if args.report is None and args.multiqc is None:
        return None
    from genoseq.align.statistics import Statistics

    return Statistics.of(index.reference)


def finish_report(
    args: argparse.Namespace,
    index: Index,
    read_group: str | None,
    summary: Mapping[str, Any],
    statistics: Statistics,
) -> None:
    """Write what the options ask for."""
    from datetime import datetime

    from genoseq.align.presets import parameters_of
    from genoseq.index.locate import default_index, index_beside
    from genoseq.reports.alignment import Run, write_report
    from genoseq.reports.multiqc import write_multiqc

    beside = index_beside(args.reference) if args.reference else None
    run = Run(
        sample_name(args.reads, read_group),
        summary,
        statistics,
        index,
        os.fspath(args.index or beside or default_index()),
        parameters_of(summary["preset"]).stages,
        args.threads,
        datetime.now().astimezone(),
    )
    if args.report is not None:
        write_report(args.report, run)
    if args.multiqc is not None:
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
