"""Make reads with known origin from a genome, as FASTQ.

The origin of a read stands in its name, NUMBER:CONTIG:START0:END0:STRAND (0-based, half-open; of a pair,
START0:END0:STRAND of the second mate follow), where `genoseq evaluate` finds it in any aligner's output. The
same seed gives the same reads.

Examples:
  genoseq simulate genome.fa.gz -n 10000 -l 150 --divergence 0.1 -o reads.fq.gz
  genoseq simulate genome.fa.gz -n 5000 --insert 400,50 -o reads_1.fq.gz --output2 reads_2.fq.gz
  genoseq simulate genome.fa.gz -n 500 -l 8000 --errors long -o long.fq.gz
  genoseq simulate other_genome.fa.gz --foreign -n 10000 -o foreign.fq.gz
  genoseq simulate --random -n 10000 -o random.fq.gz
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING, BinaryIO

from genoseq.cli._options import bounded_float, bounded_int, insert_size

if TYPE_CHECKING:
    from genoseq.io.batch import ReadBatch

_MOST_READS = 10**10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq simulate`."""
    parser.add_argument(
        "reference", nargs="?", metavar="REF.fa", help="genome in FASTA, any compression; none with --random"
    )
    reads = parser.add_argument_group("Reads")
    reads.add_argument(
        "-n", "--number", type=bounded_int(0, _MOST_READS), default=10_000, metavar="N", help="how many reads"
    )
    reads.add_argument(
        "-l",
        "--length",
        type=bounded_int(1, 10_000_000),
        default=150,
        metavar="BP",
        help="length of a read; with --length-sd the mean",
    )
    reads.add_argument(
        "--length-sd",
        type=bounded_float(0),
        default=0.0,
        metavar="BP",
        help="standard deviation of the length; 0: all alike",
    )
    reads.add_argument("--random", action="store_true", help="uniform random bases instead of a genome")
    reads.add_argument(
        "--foreign",
        action="store_true",
        help="reads to align to another genome, where no place is right",
    )
    reads.add_argument(
        "--max-unknown",
        type=bounded_float(0, 1),
        default=0.02,
        metavar="SHARE",
        help="largest share of N in a read",
    )
    pairs = parser.add_argument_group("Pairs")
    pairs.add_argument(
        "--insert",
        type=insert_size,
        metavar="MEAN,SD",
        help="make pairs, read from both ends of fragments of this length (bp); -n counts pairs",
    )
    _add_divergence(parser)
    output = parser.add_argument_group("Output")
    output.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="FASTQ, compressed if the name ends in .gz; - for stdout",
    )
    output.add_argument(
        "--output2", metavar="FILE", help="the second mates, FASTQ (default: after the first ones, in -o)"
    )


def _add_divergence(parser: argparse.ArgumentParser) -> None:
    """What changes a read: evolution, and the sequencing machine."""
    divergence = parser.add_argument_group("Divergence from the genome")
    divergence.add_argument(
        "--divergence",
        type=_divergences,
        default=(0.0,),
        metavar="RATE[,RATE..]",
        help="edits a base, 0..0.3; of several values the reads take one after the other (default: 0)",
    )
    divergence.add_argument(
        "--indel-share",
        type=bounded_float(0, 1),
        default=0.1,
        metavar="SHARE",
        help="share of insertions and deletions",
    )
    divergence.add_argument(
        "--indel-mean", type=bounded_float(1, 100), default=1.5, metavar="BP", help="mean length of an indel"
    )
    divergence.add_argument(
        "--transition-bias",
        type=bounded_float(0, 1000),
        default=1.0,
        metavar="KAPPA",
        help="rate of transitions over that of one transversion; genomes have 2 to 5",
    )
    machine = parser.add_argument_group("Sequencing machine")
    machine.add_argument(
        "--errors",
        choices=("none", "illumina", "long"),
        default="none",
        help="its errors: none, substitutions as on Illumina, or indels as in long reads",
    )
    machine.add_argument(
        "--error-rate",
        type=bounded_float(0, 0.3),
        metavar="RATE",
        help="errors a base of --errors long (default: 0.1)",
    )


def run(args: argparse.Namespace) -> None:
    """Simulate and write the reads."""
    from genoseq.cli._progress import Progress
    from genoseq.errors import InputError, UsageError, counted
    from genoseq.index.reference import Reference
    from genoseq.io.fastq import check_fastq_name, open_fastq
    from genoseq.io.files import check_distinct, check_output
    from genoseq.io.table import write_json
    from genoseq.simulate import SimulationParameters, random_reads, simulate_reads

    if args.random and (args.reference or args.foreign):
        raise UsageError("--random makes reads without a genome: leave REF.fa and --foreign out")
    if not args.random and not args.reference:
        raise UsageError("no genome given; name a FASTA file, or use --random")
    if args.output2 and (args.insert is None or args.output == "-"):
        raise UsageError("--output2 is for pairs (--insert), and needs -o FILE for the first mates")
    check_distinct({"-o": args.output, "--output2": args.output2, "--json": args.json}, [args.reference])
    check_fastq_name("-o", args.output)
    check_fastq_name("--output2", args.output2)
    if args.error_rate is not None and args.errors != "long":
        raise UsageError(f"--error-rate belongs to --errors long, not to --errors {args.errors}")
    parameters = SimulationParameters(
        number=args.number,
        length=args.length,
        length_sd=args.length_sd,
        divergence=args.divergence,
        indel_share=args.indel_share,
        indel_mean=args.indel_mean,
        transition_bias=args.transition_bias,
        errors=args.errors,
        error_rate=args.error_rate,
        max_unknown=args.max_unknown,
        insert=args.insert,
        seed=args.seed,
    )
    check_output(args.output)
    for path in (args.output2, args.json):
        if path:
            check_output(path)
    count = bases = 0
    with (
        open_fastq(args.output) as out,
        open_fastq(args.output2) if args.output2 else contextlib.nullcontext(out) as out2,
        Progress("simulating", "reads", args.number, quiet=args.quiet) as progress,
    ):
        try:
            if args.random:
                batches = random_reads(parameters)
            else:
                batches = simulate_reads(
                    Reference.from_fasta(args.reference), parameters, foreign=args.foreign
                )
            for batch in batches:
                _write(batch.reads, out, out2)
                count += len(batch)
                bases += len(batch.reads.codes)
                progress.add(len(batch))
        except InputError as error:
            raise (error if error.path else InputError(error.message, args.reference)) from error
    if args.json:
        summary = {"command": "simulate", "command_line": args.command_line, "reads": count, "bases": bases}
        write_json(args.json, summary)
    if not args.quiet:
        print(f"genoseq simulate: {counted(count, 'read')}, {bases:,} bp", file=sys.stderr)


def _write(reads: ReadBatch, out: BinaryIO, out2: BinaryIO) -> None:
    from genoseq.io.fastq import format_fastq

    if out2 is out:
        out.write(format_fastq(reads))
        return
    out.write(format_fastq(reads.select(reads.pairs)))
    out2.write(format_fastq(reads.select(reads.pairs + 1)))


def _divergences(text: str) -> tuple[float, ...]:
    parse = bounded_float(0, 0.3)
    return tuple(parse(part) for part in text.split(","))
