"""Make one report of what other commands wrote, so that parts of a job become one page without a new run.

FILEs are told apart by their content:

JSON of `genoseq align` (--json with --statistics, --report or --multiqc): the parts of one sample, for
example of chunks of its reads. They are added up, and give the page and the files for MultiQC that one run
over all reads would have given.

VCF, BCF or TSV of `genoseq variants`: scores by kind of variant and by length of indels, the most and the
least likely alleles, and why alleles have no score.

TSV of `genoseq classify`: sequences of each class, and how sure their labels are. TSV of `genoseq peptides`:
the best peptides of each target.

Each file but parts of an alignment is a sample of its own, called after the file. Several kinds make a page
with a chapter for each.

Examples:
  genoseq align -x genome.gsx part1.fq.gz -o part1.bam --json part1.json --statistics
  genoseq report part1.json part2.json --sample liver -o liver.html --multiqc qc
  genoseq report liver.scored.vcf.gz labels.tsv peptides.tsv -o results.html
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from genoseq.cli._results import Results, read_results
from genoseq.errors import UsageError, counted

if TYPE_CHECKING:
    from pathlib import Path

    from genoseq.align.parts import Run

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq report`."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="what genoseq wrote, any compression; - for stdin"
    )
    parser.add_argument(
        "--sample", metavar="NAME", help="name of the sample (default: what the files call it, or are called)"
    )
    output = parser.add_argument_group("Output")
    output.add_argument(
        "-o",
        "--output",
        metavar="FILE.html",
        help="write a page with numbers and figures; - for stdout (needs matplotlib)",
    )
    output.add_argument(
        "--multiqc",
        metavar="FOLDER",
        help="write files for MultiQC, SAMPLE.genoseq_*_mqc.json, into a folder that is there",
    )


def run(args: argparse.Namespace) -> None:
    """Read everything, then write."""
    from genoseq.io.files import check_distinct

    _check(args)
    results = read_results(args.files, args.sample)
    joined = _joined(results, args.sample)
    sections: dict[Path, dict[str, Any]] = {}
    if args.multiqc is not None:
        sections = _multiqc(args.multiqc, results, joined)
        outputs: dict[str, str | None] = {"-o": args.output, "--json": args.json}
        outputs |= {f"--multiqc ({path.name})": os.fspath(path) for path in sections}
        check_distinct(outputs, args.files)
    if args.output is not None:
        _write_page(args.output, results, joined)
    if args.multiqc is not None:
        from genoseq.reports.multiqc import write_sections

        write_sections(sections)
    if args.json is not None:
        _write_json(args, results, joined)
    if not args.quiet:
        _tell(results, joined)


def _check(args: argparse.Namespace) -> None:
    """Refuse what makes no sense before anything is read."""
    from genoseq.io.files import check_distinct, check_inputs, check_output

    if args.output is None and args.multiqc is None and args.json is None:
        raise UsageError("nothing to write: give -o FILE.html, --multiqc FOLDER or --json FILE")
    if args.sample is not None and not args.sample.strip():
        raise UsageError("--sample is empty; a name is expected")
    check_inputs(args.files)
    files = [os.path.realpath(path) for path in args.files]
    twice = next((path for path in args.files if files.count(os.path.realpath(path)) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is given twice, and would be counted twice")
    check_distinct({"-o": args.output, "--json": args.json}, args.files)
    for path in (args.output, args.json):
        if path is not None:
            check_output(path)
    if args.multiqc is not None:
        check_output(os.path.join(args.multiqc, "_mqc.json"))  # noqa: PTH118
    if args.output is not None:
        from genoseq.plots import check_matplotlib

        check_matplotlib("-o FILE.html")


def _joined(results: Results, sample: str | None) -> Run | None:
    """The parts of an alignment, added up."""
    return None if results.parts is None else results.parts.run(sample)


def _multiqc(folder: str, results: Results, joined: Run | None) -> dict[Path, dict[str, Any]]:
    """Sections of all kinds by their files."""
    from genoseq.reports import multiqc
    from genoseq.reports import multiqc_results as of_kind

    found = [multiqc.run_sections(folder, joined)] if joined is not None else []
    found += [of_kind.score_sections(folder, *each) for each in results.variants.items()]
    found += [of_kind.label_sections(folder, *each) for each in results.labels.items()]
    found += [of_kind.peptide_sections(folder, *each) for each in results.peptides.items()]
    sections: dict[Path, dict[str, Any]] = {}
    for some in found:
        if twice := sections.keys() & some.keys():
            raise UsageError(f"two samples have one file for MultiQC, {min(twice)}; rename one of the files")
        sections |= some
    return sections


def _write_page(path: str, results: Results, joined: Run | None) -> None:
    from genoseq.io.files import open_output
    from genoseq.reports.page import page_of

    chapters = []
    if joined is not None:
        from genoseq.reports import alignment

        chapters.append(alignment.chapter(joined))
    if results.variants:
        from genoseq.reports import variants

        chapters.append(variants.chapter(results.variants))
    if results.labels:
        from genoseq.reports import labels

        chapters.append(labels.chapter(results.labels))
    if results.peptides:
        from genoseq.reports import peptides

        chapters.append(peptides.chapter_of(results.peptides))
    text = page_of(chapters)
    with open_output(path) as file:
        file.write(text.encode())


def _write_json(args: argparse.Namespace, results: Results, joined: Run | None) -> None:
    from genoseq.io.table import write_json

    told: dict[str, Any] = {"command": "report", "command_line": args.command_line}
    if joined is not None:
        told["align"] = joined.to_dict()
    if results.variants:
        told["variants"] = {name: each.to_dict() for name, each in results.variants.items()}
    if results.labels:
        told["classify"] = {name: each.to_dict() for name, each in results.labels.items()}
    if results.peptides:
        told["peptides"] = {name: each.to_dict() for name, each in results.peptides.items()}
    write_json(args.json, told)


def _tell(results: Results, joined: Run | None) -> None:
    words = []
    if joined is not None:
        words.append(
            f"{counted(joined.summary['reads'], 'read')} of {joined.sample} in "
            f"{counted(len(joined.parts), 'part')}"
        )
    if results.variants:
        alleles = sum(each.alleles for each in results.variants.values())
        words.append(f"{counted(alleles, 'allele')} of {counted(len(results.variants), 'sample')}")
    if results.labels:
        sequences = sum(each.sequences for each in results.labels.values())
        words.append(f"{counted(sequences, 'sequence')} of {counted(len(results.labels), 'sample')}")
    if results.peptides:
        tables = results.peptides.values()
        number = sum(len(result.names) for each in tables for result in each.results)
        targets = sum(len(each.results) for each in tables)
        words.append(f"{counted(number, 'peptide')} for {counted(targets, 'target')}")
    print(f"genoseq report: {'; '.join(words)}", file=sys.stderr)
