"""Align reads to an indexed genome: embed, search, verify, extend. SAM to standard output, or -o.

One file holds single reads, or pairs (--interleaved); of two files, the second holds the mates of the first.
A BAM file of pairs is read as such.

The index is the one of -x; else that of -r, built once and kept beside it; else $GENOSEQ_INDEX; else the
one that `genoseq index --default` named.

Examples:
  genoseq align -x genome.gsx reads.fq.gz -o reads.bam --sort
  genoseq align -x genome.gsx reads_1.fq.gz reads_2.fq.gz -o pairs.bam --sort
  genoseq align -r genome.fa.gz reads.fq.gz > reads.sam
  samtools fastq reads.cram | genoseq align -x genome.gsx - -o reads.bam
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genoseq.cli._options import bounded_int, insert_size

if TYPE_CHECKING:
    from genoseq.align.aligner import AlignedBatch
    from genoseq.index.store import Index
    from genoseq.io.batch import ReadBatch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq align`."""
    parser.add_argument(
        "reads",
        nargs="+",
        metavar="READS",
        help="FASTQ, FASTA, BAM or SAM, any compression; - for stdin; a second file holds the mates",
    )
    index = parser.add_argument_group("Index")
    index.add_argument("-x", "--index", metavar="REF.gsx", help="folder made by `genoseq index`")
    index.add_argument(
        "-r", "--reference", metavar="REF.fa", help="genome; its index is built once, beside it"
    )
    search = parser.add_argument_group("Search")
    search.add_argument(
        "--preset",
        choices=("sr", "divergent", "sensitive"),
        help="sr: one anchor word; divergent: two; sensitive: two, and a last stage that spares nothing, for "
        "reads of 20-30 %% divergence (default: sr or divergent, as the index)",
    )
    search.add_argument(
        "--secondary",
        type=bounded_int(0, 5),
        default=0,
        metavar="N",
        help="report up to N other places of a read",
    )
    pairs = parser.add_argument_group("Pairs")
    pairs.add_argument(
        "--interleaved",
        action="store_true",
        help="the mates of a pair follow each other in one file, also between single reads",
    )
    pairs.add_argument(
        "--insert",
        type=insert_size,
        metavar="MEAN,SD",
        help="length of the fragments, bp (default: learned from the pairs)",
    )
    output = parser.add_argument_group("Output")
    output.add_argument(
        "-o", "--output", default="-", metavar="FILE", help=".sam, .bam, .cram or .paf; - for stdout as SAM"
    )
    output.add_argument("--paf", action="store_true", help="write PAF instead of SAM")
    output.add_argument(
        "--sort", action="store_true", help="sort by coordinate; BAM and CRAM are indexed too"
    )
    output.add_argument("--no-unmapped", action="store_true", help="leave out reads that were not placed")
    output.add_argument("--eqx", action="store_true", help="CIGAR with = and X instead of M")
    output.add_argument(
        "-C",
        "--comments",
        action="store_true",
        help="carry the comments of FASTQ headers, which must be SAM tags, or the tags of BAM",
    )
    output.add_argument("--rg", metavar="LINE", help=r"read group, for example '@RG\tID:run1\tSM:sample'")


def run(args: argparse.Namespace) -> None:
    """Align the reads and write the alignments whole, or not at all."""
    from genoseq.errors import UsageError
    from genoseq.io.files import check_distinct, check_output
    from genoseq.io.sam import alignment_format, parse_read_group
    from genoseq.io.table import write_json

    if len(args.reads) > 2:
        raise UsageError(
            f"{len(args.reads)} files of reads: one, or two of mates, are aligned at a time "
            "(cat joins files of single reads)"
        )
    if len(args.reads) == 2 and args.interleaved:
        raise UsageError("--interleaved is for one file that holds both mates; two files are mates anyway")
    if len({path if path == "-" else os.path.realpath(path) for path in args.reads}) < len(args.reads):
        raise UsageError(f"{args.reads[0]} is given twice: the second file holds the mates of the first")
    paf = alignment_format(args.output) == "paf" or args.paf
    if paf and args.output.lower().endswith((".sam", ".bam", ".cram")):
        raise UsageError(f"--paf writes PAF, not {args.output}; use a name that ends in .paf")
    if paf and (args.sort or args.rg is not None):
        raise UsageError("PAF has no header: --sort and --rg need SAM or BAM")
    if paf and args.comments:
        raise UsageError("--comments needs SAM or BAM: PAF takes no comments")
    read_group = None if args.rg is None else parse_read_group(args.rg)
    check_distinct({"-o": args.output, "--json": args.json}, [*args.reads, args.reference])
    check_output(args.output)
    if args.json:
        check_output(args.json)
    started = time.perf_counter()
    index = _open_index(args)
    summary = _align(args, index, read_group, paf=paf)
    summary["seconds"] = round(time.perf_counter() - started, 3)
    if args.json:
        write_json(args.json, summary)
    if not args.quiet:
        _tell_pairs(summary)
        print(
            f"genoseq align: {summary['reads']:,} reads, {summary['mapped']:,} mapped "
            f"({100 * summary['mapped'] / max(summary['reads'], 1):.2f} %), "
            f"{summary['mapq20']:,} with MAPQ >= 20, "
            f"{summary['seconds']:.1f} s",
            file=sys.stderr,
        )


def _open_index(args: argparse.Namespace) -> Index:
    from genoseq.errors import InputError, UsageError
    from genoseq.index.locate import default_index, index_beside
    from genoseq.index.store import MANIFEST, PRESETS, Index

    if args.index and args.reference:
        raise UsageError("give either -x or -r, not both")
    if not args.reference:
        return Index.open(args.index or default_index())
    folder = index_beside(args.reference)
    if (folder / MANIFEST).is_file():
        index = Index.open(folder)
        index.check_source(args.reference)
        return index
    if not Path(args.reference).is_file():
        raise InputError("no such file", args.reference)
    if not os.access(folder.parent, os.W_OK | os.X_OK):
        raise InputError(
            f"cannot be written: no permission to write into {folder.parent}; build it elsewhere: "
            f"genoseq index {args.reference} -o NAME.gsx, then genoseq align -x NAME.gsx",
            folder,
        )
    if not args.quiet:
        print(f"genoseq align: building the index {folder} (once)", file=sys.stderr)
    parameters = PRESETS["sr" if args.preset == "sr" else "divergent"]
    return Index.build(args.reference, folder, parameters=parameters)


def _align(args: argparse.Namespace, index: Index, read_group: str | None, *, paf: bool) -> dict[str, Any]:
    """Align all batches into the output; returns the summary of the run."""
    from genoseq import __version__
    from genoseq.align.aligner import Aligner, ordered
    from genoseq.align.insert import InsertSize
    from genoseq.align.weigh import weigh
    from genoseq.cli._progress import tell_if_compiling
    from genoseq.errors import InputError
    from genoseq.io.files import open_output, shown_path
    from genoseq.io.sam import header_text, open_alignment_output, read_group_id

    tell_if_compiling(weigh, "genoseq align", quiet=args.quiet)
    preset = args.preset or ("sr" if index.parameters.words == 1 else "divergent")
    insert = None if args.insert is None else InsertSize.of(*args.insert)
    aligner = Aligner(index, preset, secondary=args.secondary, insert=insert)
    summary: dict[str, Any] = {
        "command": "align",
        "command_line": args.command_line,
        "reads": 0,
        "mapped": 0,
        "mapq20": 0,
        "too_short": 0,
        "bases": 0,
        "pairs": 0,
        "proper_pairs": 0,
    }
    summary |= {"stages": [0] * (len(aligner.parameters.stages) + 1), "preset": preset}
    header = header_text(
        list(zip(index.reference.names, index.reference.lengths.tolist(), index.reference.md5s, strict=True)),
        read_group=read_group,
        program_version=__version__,
        command_line=args.command_line,
    )
    group = read_group_id(read_group) if read_group else ""

    def work(batch: ReadBatch) -> tuple[AlignedBatch, Any]:
        aligned = aligner.align(batch)
        shown = aligned.without_unmapped() if args.no_unmapped else aligned
        if paf:
            return aligned, aligner.paf(shown, eqx=args.eqx)
        return aligned, aligner.sam(shown, read_group=group, eqx=args.eqx, comments=args.comments)

    batches = _read(args)
    start = list(islice(batches, 1))  # before any output: reads that cannot be opened leave no header behind
    output = open_output(args.output) if paf else open_alignment_output(
        args.output, header, sort=args.sort, threads=args.threads, fasta=index.reference.write_fasta
    )  # fmt: skip
    with output as sink:
        try:
            for batch in start:
                aligner.learn_insert(batch)
            summary["insert"] = {**aligner.insert._asdict(), "source": aligner.insert_source}
            for aligned, text in ordered(work, chain(start, batches), threads=args.threads):
                sink.write(text)
                _count(summary, aligned)
        except InputError as error:  # a read that cannot be aligned: the aligner does not know its file
            raise (error if error.path else InputError(error.message, shown_path(args.reads[0]))) from error
    return summary


def _read(args: argparse.Namespace) -> Iterator[ReadBatch]:
    from genoseq.cli._progress import Progress
    from genoseq.io.tags import check_tags

    with Progress("genoseq align", "reads", quiet=args.quiet) as progress:
        for batch in _batches(args):
            if args.comments:
                check_tags(batch, args.reads[0])
            yield batch
            progress.add(len(batch))


def _batches(args: argparse.Namespace) -> Iterator[ReadBatch]:
    """Single reads or pairs, as the options and the files say."""
    from genoseq.io.fastx import read_batches
    from genoseq.io.pairs import interleaved_pairs, paired_batches

    if len(args.reads) == 2:
        yield from paired_batches(*args.reads, tags=args.comments)
        return
    batches = read_batches(args.reads[0], tags=args.comments)
    start = list(islice(batches, 1))
    reads = chain(start, batches)
    flagged = bool(start) and start[0].mates is not None  # BAM and SAM tell
    yield from interleaved_pairs(reads) if args.interleaved or flagged else reads


def _tell_pairs(summary: dict[str, Any]) -> None:
    if not summary["pairs"]:
        return
    insert = summary["insert"]
    share = 100 * summary["proper_pairs"] / summary["pairs"]
    print(
        f"genoseq align: {summary['pairs']:,} pairs, {share:.2f} % proper (fragments of "
        f"{insert['low']}-{insert['high']} bp; mean {insert['mean']:.0f}, SD {insert['sd']:.0f}, "
        f"{insert['source']})",
        file=sys.stderr,
    )


def _count(summary: dict[str, Any], aligned: AlignedBatch) -> None:
    import numpy as np

    from genoseq.align.records import PROPER

    primary = aligned.primary
    summary["reads"] += len(aligned.reads)
    summary["bases"] += int(aligned.reads.offsets[-1])
    summary["mapped"] += int(aligned.mapped.sum())
    summary["mapq20"] += int((aligned.rows.mapqs[primary] >= 20).sum())
    summary["too_short"] += int(aligned.too_short.sum())
    summary["pairs"] += len(aligned.reads.pairs)
    summary["proper_pairs"] += int(((aligned.rows.flags[primary] & PROPER) > 0).sum()) // 2
    for stage, count in enumerate(np.bincount(aligned.loci.stage, minlength=len(summary["stages"])).tolist()):
        summary["stages"][stage] += count
