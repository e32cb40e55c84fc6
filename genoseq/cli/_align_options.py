"""The options of `genoseq align`, and which of them go together."""

from __future__ import annotations

import argparse

from genoseq.cli._align_settings import add_settings_options
from genoseq.cli._options import bounded_int, insert_size, memory_size
from genoseq.cli._reads import add_interleaved, add_reads
from genoseq.cli._report import add_report_options

__all__ = ["add_arguments", "is_paf"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq align`."""
    add_reads(parser)
    index = parser.add_argument_group("Index")
    index.add_argument("-x", "--index", metavar="REF.gsx", help="folder made by `genoseq index`")
    index.add_argument(
        "-r", "--reference", metavar="REF.fa", help="genome; its index is built once, beside it"
    )
    search = parser.add_argument_group("Search")
    search.add_argument(
        "--preset",
        choices=("auto", "sr", "divergent", "sensitive", "long"),
        default="auto",
        help="sr: one anchor word; divergent: two; sensitive: two, and a last stage that spares nothing, for "
        "reads of 20-30 %% divergence; long: reads of any length, up to 2 Mbp; auto: what fits the first "
        "reads",
    )
    search.add_argument(
        "--secondary",
        type=bounded_int(0, 5),
        default=0,
        metavar="N",
        help="report up to N other places of a read",
    )
    search.add_argument(
        "--profile", action="store_true", help="tell what each step and stage took, on stderr"
    )
    pairs = parser.add_argument_group("Pairs")
    add_interleaved(pairs)
    pairs.add_argument(
        "--insert",
        type=insert_size,
        metavar="MEAN,SD",
        help="length of the fragments, bp (default: learned from the pairs)",
    )
    _add_output_options(parser.add_argument_group("Output"))
    add_settings_options(parser)
    add_report_options(parser)


def _add_output_options(output: argparse._ArgumentGroup) -> None:
    output.add_argument(
        "-o", "--output", default="-", metavar="FILE", help=".sam, .bam, .cram or .paf; - for stdout as SAM"
    )
    output.add_argument("--paf", action="store_true", help="write PAF instead of SAM")
    output.add_argument(
        "--sort", action="store_true", help="sort by coordinate; BAM and CRAM are indexed too"
    )
    output.add_argument(
        "--sort-memory",
        type=memory_size,
        metavar="SIZE",
        help="memory for sorting, for example 2G; more is sorted in pieces on disk (default: 256M)",
    )
    output.add_argument(
        "--level",
        type=bounded_int(0, 9),
        metavar="N",
        help="compression of BAM and CRAM, 0 (none) to 9; 1 is fast, for files that do not stay (default: as "
        "samtools)",
    )
    output.add_argument("--no-unmapped", action="store_true", help="leave out reads that were not placed")
    output.add_argument("--eqx", action="store_true", help="CIGAR with = and X instead of M")
    output.add_argument(
        "-Y",
        "--soft-clip",
        action="store_true",
        help="give supplementary lines the whole read, not only the bases that they align",
    )
    output.add_argument(
        "-M",
        "--mark-split",
        action="store_true",
        help="flag the lines of further parts of a read as secondary (256), not supplementary (2048)",
    )
    output.add_argument(
        "--primary-5",  # no -5: with it argparse takes no value that is a negative number
        action="store_true",
        help="of a read in parts, let the one nearest to its 5' end be primary, not the one that scores most",
    )
    output.add_argument(
        "--secondary-seq",
        action="store_true",
        help="give secondary lines the bases that they align, with -Y the whole read, instead of *",
    )
    output.add_argument(
        "--xa", action="store_true", help="tell other places in the tag XA, not in lines of their own"
    )
    output.add_argument("--cs", action="store_true", help="add the differences to PAF lines, in the tag cs")
    output.add_argument("--al", metavar="FILE", help="write the reads that were placed to FILE, as FASTQ")
    output.add_argument("--un", metavar="FILE", help="write the reads that were not placed to FILE")
    output.add_argument(
        "-C",
        "--comments",
        action="store_true",
        help="carry the comments of FASTQ headers, which must be SAM tags, or the tags of BAM",
    )
    output.add_argument(
        "--rg",
        metavar="LINE",
        help=r"read group, for example '@RG\tID:run1\tSM:sample', or a file with such a line (default: what "
        "SAM and BAM say of their reads)",
    )


def is_paf(args: argparse.Namespace) -> bool:
    """Whether PAF is written; options that do not go with the format are refused.

    Raises
    ------
    UsageError
    """
    from genoseq.errors import UsageError
    from genoseq.io.sam import alignment_format

    paf = alignment_format(args.output) == "paf" or args.paf
    if paf and args.output.lower().endswith((".sam", ".bam", ".cram")):
        raise UsageError(f"--paf writes PAF, not {args.output}; use a name that ends in .paf")
    if paf and (args.sort or args.rg is not None):
        raise UsageError("PAF has no header: --sort and --rg need SAM or BAM")
    for option in ("comments", "xa", "soft_clip", "mark_split", "secondary_seq"):
        if paf and getattr(args, option):
            raise UsageError(f"--{option.replace('_', '-')} needs SAM or BAM")
    if args.cs and not paf:
        raise UsageError("--cs is a tag of PAF: use it with --paf, or a name that ends in .paf")
    if args.xa and not args.secondary:
        raise UsageError("--xa needs --secondary N: how many other places to tell")
    if args.secondary_seq and (args.xa or not args.secondary):
        raise UsageError("--secondary-seq needs --secondary N, and lines for them: no --xa")
    if args.sort_memory is not None and not args.sort:
        raise UsageError("--sort-memory belongs to --sort")
    if args.level is not None and (paf or alignment_format(args.output) == "sam"):
        raise UsageError("--level is for BAM and CRAM: use -o with a name that ends in .bam or .cram")
    return paf
