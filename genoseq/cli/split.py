"""Cut reads into files of about equal size, to be aligned in parts, on many machines.

The parts are those that `genoseq align` works by: aligned one by one, with the settings of the whole
(--settings), they give the records of the whole, in the same order. Text and records are copied as they are;
neighbouring records of one name stay together. The files are called 0001.fq.gz, of mates 0001_1.fq.gz and
0001_2.fq.gz, of SAM and BAM 0001.bam, and so on.

Examples:
  genoseq split reads_1.fq.gz reads_2.fq.gz --reads 1000000 -o parts
  genoseq align -x genome.gsx reads_1.fq.gz reads_2.fq.gz --settings-only --json settings.json
  genoseq align -x genome.gsx parts/0001_1.fq.gz parts/0001_2.fq.gz --settings settings.json -o 0001.bam
"""

from __future__ import annotations

import argparse
import sys
import time

from genoseq.cli._options import bounded_int
from genoseq.cli._reads import add_interleaved, add_reads, check_reads

_DEFAULT_READS = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq split`."""
    add_reads(parser)
    parts = parser.add_argument_group("Parts")
    parts.add_argument(
        "--reads",
        dest="least",
        type=bounded_int(1),
        default=_DEFAULT_READS,
        metavar="N",
        help="reads of a part, of a pair both; rounded up to whole batches of `genoseq align`, of 16,384 "
        "reads or 4 Mbp",
    )
    add_interleaved(parts)
    output = parser.add_argument_group("Output")
    output.add_argument("-o", "--output", required=True, metavar="DIR", help="a new folder for the parts")


def run(args: argparse.Namespace) -> None:
    """Write the parts, all of them or none."""
    from genoseq.cli._progress import Progress
    from genoseq.errors import counted
    from genoseq.io.chunks import split_reads
    from genoseq.io.files import check_distinct, check_output
    from genoseq.io.folders import check_new_folder
    from genoseq.io.table import write_json

    check_reads(args)
    check_distinct({"--json": args.json}, args.reads)
    check_new_folder(args.output)
    if args.json is not None:
        check_output(args.json)
    started = time.perf_counter()
    with Progress("genoseq split", "reads", quiet=args.quiet) as progress:
        chunks = split_reads(
            args.reads, args.output, args.least, interleaved=args.interleaved, progress=progress.add
        )
    reads = sum(chunk.reads for chunk in chunks)
    seconds = round(time.perf_counter() - started, 3)
    if args.json is not None:
        summary = {
            "command": "split",
            "command_line": args.command_line,
            "folder": args.output,
            "reads": reads,
            "chunks": [chunk._asdict() for chunk in chunks],
            "seconds": seconds,
        }
        write_json(args.json, summary)
    if not args.quiet:
        parts = counted(len(chunks), "part")
        print(f"genoseq split: {counted(reads, 'read')} in {parts}, {seconds:.1f} s", file=sys.stderr)
