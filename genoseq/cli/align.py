"""Align reads to an indexed genome: embed, search, verify, extend. SAM to standard output, or -o.

One file holds single reads, or pairs (--interleaved); of two files, the second holds the mates of the first.
A BAM file of pairs is read as such. Long reads take the preset long, by themselves if the first are long.

The index is the one of -x; else that of -r, built once and kept beside it; else $GENOSEQ_INDEX; else the
one that `genoseq index --default` named.

Examples:
  genoseq align -x genome.gsx reads.fq.gz -o reads.bam --sort
  genoseq align -x genome.gsx reads_1.fq.gz reads_2.fq.gz -o pairs.bam --sort
  genoseq align -r genome.fa.gz reads.fq.gz > reads.sam
  genoseq align -x genome.gsx nanopore.fq.gz -o long.bam --sort --preset long
  samtools collate -O -u reads.cram | genoseq align -x genome.gsx - -o reads.bam
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genoseq.cli._align_options import add_arguments, is_paf
from genoseq.cli._align_settings import Settings, check_settings, read_settings, settings_of
from genoseq.cli._reads import SortedOut, check_reads, input_batches, naming_reads, warn_of_single_reads
from genoseq.cli._report import begin_report, check_report, describe_run, finish_report
from genoseq.errors import counted

if TYPE_CHECKING:
    from genoseq.align.aligner import AlignedBatch, Aligner
    from genoseq.align.auto import Suggestion
    from genoseq.align.statistics import Statistics
    from genoseq.index.store import Index
    from genoseq.io.batch import ReadBatch

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> None:
    """Align the reads and write the alignments whole, or not at all."""
    from genoseq.errors import UsageError
    from genoseq.io.fastq import check_fastq_name
    from genoseq.io.files import check_distinct, check_output
    from genoseq.io.sam import read_group_of
    from genoseq.io.table import write_json

    check_reads(args)
    if args.preset == "long" and (len(args.reads) == 2 or args.interleaved):
        raise UsageError("the preset 'long' aligns single reads, not pairs")
    check_settings(args)
    settings = None if args.settings is None else read_settings(args.settings)
    paf = is_paf(args)
    read_group = None if args.rg is None else read_group_of(args.rg)
    outputs = {"-o": args.output, "--json": args.json, "--al": args.al, "--un": args.un}
    outputs |= check_report(args, read_group)
    check_distinct(outputs, [*args.reads, args.reference, args.settings])
    for option in ("--al", "--un"):
        check_fastq_name(option, outputs[option])
    for path in (args.output, args.json, args.al, args.un):
        if path is not None:
            check_output(path)
    started = time.perf_counter()
    index = _open_index(args)
    if args.settings_only:
        _write_settings(args, index, started)
        return
    statistics = begin_report(args, index)
    summary = _align(args, index, read_group, settings, statistics, paf=paf)
    summary["seconds"] = round(time.perf_counter() - started, 3)
    summary |= describe_run(args, index, read_group)
    if args.json:
        write_json(args.json, summary | _statistics(statistics, index))
    if statistics is not None:
        finish_report(args, index, summary, statistics)
    if args.profile:
        _tell_profile(summary)
    if not args.quiet:
        _tell_preset(summary)
        _tell_pairs(summary)
        print(
            f"genoseq align: {counted(summary['reads'], 'read')}, {summary['mapped']:,} mapped "
            f"({100 * summary['mapped'] / max(summary['reads'], 1):.2f} %), "
            f"{summary['mapq20']:,} with MAPQ >= 20, "
            f"{summary['seconds']:.1f} s",
            file=sys.stderr,
        )


def _statistics(statistics: Statistics | None, index: Index) -> dict[str, Any]:
    """The entry of the summary, if reads were counted."""
    if statistics is None:
        return {}
    from genoseq.align.counts import counts_of

    names = index.reference.names
    return {"statistics": statistics.to_dict(names) | {"counts": counts_of(statistics, names)}}


def _open_index(args: argparse.Namespace) -> Index:
    from genoseq.errors import InputError, UsageError
    from genoseq.index.locate import default_index, index_beside
    from genoseq.index.store import MANIFEST, PRESETS, Index

    if args.index and args.reference:
        raise UsageError("give either -x or -r, not both: the index holds the genome, for CRAM too")
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


def _align(
    args: argparse.Namespace,
    index: Index,
    read_group: str | None,
    settings: Settings | None,
    statistics: Statistics | None,
    *,
    paf: bool,
) -> dict[str, Any]:
    """Align all batches into the output; returns the summary of the run."""
    from genoseq import __version__
    from genoseq.align.aligner import ordered
    from genoseq.align.profile import Profile, active, step
    from genoseq.errors import InputError
    from genoseq.io.files import open_output
    from genoseq.io.origin import read_group_id
    from genoseq.io.sam import SORT_MEMORY, header_text, kept_read_groups, open_alignment_output

    profile = Profile() if args.profile else None
    batches = input_batches(args, profile)
    start = list(islice(batches, 1))  # before any output: reads that cannot be opened leave no header behind
    aligner, suggestion = _aligner(args, index, start, settings)
    summary = _empty_summary(args, aligner, suggestion)
    kept = kept_read_groups(start[0].origin, args.reads) if start and read_group is None else ()
    header = header_text(
        list(zip(index.reference.names, index.reference.lengths.tolist(), index.reference.md5s, strict=True)),
        read_groups=kept if read_group is None else (read_group,),
        program_version=__version__,
        command_line=args.command_line,
    )
    group = read_group_id(read_group) if read_group else ""

    def work(batch: ReadBatch) -> tuple[AlignedBatch, Any]:
        with active(profile):
            aligned = aligner.align(batch)
            shown = aligned.without_unmapped() if args.no_unmapped else aligned
            if paf:
                return aligned, aligner.paf(shown, eqx=args.eqx, differences=args.cs)
            text = aligner.sam(
                shown, read_group=group, eqx=args.eqx, comments=args.comments, soft_clip=args.soft_clip,
                alternatives=args.xa, mark_split=args.mark_split, secondary_seq=args.secondary_seq,
            )  # fmt: skip
            return aligned, text

    output = open_output(args.output) if paf else open_alignment_output(
        args.output, header, sort=args.sort, threads=args.threads,
        sort_memory=args.sort_memory or SORT_MEMORY, level=args.level,
        fasta=index.reference.write_fasta,
    )  # fmt: skip
    with output as sink, SortedOut.open(args.al, args.un) as apart:
        try:
            if settings is None:
                for batch in start:
                    aligner.learn_insert(batch)
            summary["insert"] = settings_of(aligner)
            for aligned, text in ordered(work, chain(start, batches), threads=args.threads):
                with active(profile), step("write"):
                    sink.write(text)
                    apart.write(aligned)
                _count(summary, aligned)
                if statistics is not None:
                    statistics.add(aligned)
        except InputError as error:  # a read that cannot be aligned: the aligner does not know its file
            raise naming_reads(error, args.reads) from error
    if profile is not None:
        summary["profile"] = {name: round(seconds, 3) for name, seconds in profile.seconds.items()}
    return summary


def _aligner(
    args: argparse.Namespace, index: Index, start: list[ReadBatch], settings: Settings | None
) -> tuple[Aligner, Suggestion]:
    """The aligner that the options, the settings of another run, and the first reads ask for."""
    from genoseq.align.aligner import Aligner
    from genoseq.align.chain import chain_hits
    from genoseq.align.insert import InsertSize
    from genoseq.align.weigh import weigh
    from genoseq.cli._progress import tell_if_compiling

    preset = args.preset if settings is None else settings.preset
    kernel = chain_hits if preset == "long" else weigh
    compiles = tell_if_compiling(kernel, "genoseq align", quiet=args.quiet)
    warn_of_single_reads(args, start)
    suggestion = _suggested(preset, index, start)
    if suggestion.preset == "long" and not compiles:
        tell_if_compiling(chain_hits, "genoseq align", quiet=args.quiet)
    insert = None if args.insert is None else InsertSize.of(*args.insert)
    aligner = Aligner(
        index, suggestion.preset, secondary=args.secondary, insert=insert, primary_5=args.primary_5
    )
    if settings is not None:
        settings.apply(aligner)
    return aligner, suggestion


def _write_settings(args: argparse.Namespace, index: Index, started: float) -> None:
    """Write what the first batch of reads decides, and say it."""
    from genoseq.errors import InputError
    from genoseq.io.table import write_json

    start = list(islice(input_batches(args, None), 1))
    aligner, suggestion = _aligner(args, index, start, None)
    try:
        for batch in start:
            aligner.learn_insert(batch)
    except InputError as error:
        raise naming_reads(error, args.reads) from error
    summary = {
        "command": "align",
        "command_line": args.command_line,
        "preset": suggestion.preset,
        "looked_at": {"length": suggestion.length, "identity": suggestion.identity},
        "insert": settings_of(aligner),
        "seconds": round(time.perf_counter() - started, 3),
    }
    write_json(args.json, summary)
    if not args.quiet:
        _tell_preset(summary)
        print(
            f"genoseq align: the insert size is {aligner.insert_source}: {_shown_insert(summary)}",
            file=sys.stderr,
        )


def _suggested(preset: str, index: Index, start: list[ReadBatch]) -> Suggestion:
    """The preset that is named, or with "auto" the one that fits the first reads."""
    from genoseq.align.auto import Suggestion, suggest_preset
    from genoseq.align.presets import default_preset
    from genoseq.errors import GenoseqWarning

    if preset != "auto":
        if preset in ("divergent", "sensitive") and index.parameters.words == 1:
            found = f"the index has one anchor word, so the preset {preset!r} finds less than with two"
            warnings.warn(f"{found}: genoseq index --preset divergent", GenoseqWarning, stacklevel=2)
        return Suggestion(preset)
    return suggest_preset(start[0], index) if start else Suggestion(default_preset(index.parameters.words))


def _empty_summary(args: argparse.Namespace, aligner: Aligner, suggestion: Suggestion) -> dict[str, Any]:
    from genoseq.align.parts import COUNTS

    return {
        "command": "align",
        "command_line": args.command_line,
        **dict.fromkeys(COUNTS, 0),
        "stages": [0] * (len(aligner.parameters.stages) + 1),
        "preset": suggestion.preset,
        "looked_at": {"length": suggestion.length, "identity": suggestion.identity},
    }


def _tell_preset(summary: dict[str, Any]) -> None:
    """Which preset `auto` took, and why."""
    length, identity = summary["looked_at"]["length"], summary["looked_at"]["identity"]
    if length is not None:
        seen = "" if identity is None else f", identity {100 * identity:.1f} %"
        print(f"genoseq align: preset {summary['preset']} (reads of {length:,} bp{seen})", file=sys.stderr)


def _tell_profile(summary: dict[str, Any]) -> None:
    """What each step took, and how many reads each stage of the search settled."""
    steps, total = summary["profile"], sum(summary["profile"].values())
    lines = [
        f"  {name:<14}{seconds:9.2f} s {100 * seconds / max(total, 1e-9):6.1f} %"
        for name, seconds in steps.items()
    ]
    reads = max(summary["reads"], 1)
    stages = [f"stage {n + 1}" for n in range(len(summary["stages"]) - 1)] + ["none"]
    lines += [
        f"  {name:<14}{count:9,}   {100 * count / reads:6.1f} %"
        for name, count in zip(stages, summary["stages"], strict=True)
    ]
    lines.insert(len(steps), "genoseq align: reads settled by each stage of the search")
    print("genoseq align: CPU seconds of each step, all threads", *lines, sep="\n", file=sys.stderr)


def _tell_pairs(summary: dict[str, Any]) -> None:
    if not summary["pairs"]:
        return
    share = 100 * summary["proper_pairs"] / summary["pairs"]
    print(
        f"genoseq align: {counted(summary['pairs'], 'pair')}, {share:.2f} % proper "
        f"({_shown_insert(summary)}, {summary['insert']['source']})",
        file=sys.stderr,
    )


def _shown_insert(summary: dict[str, Any]) -> str:
    insert = summary["insert"]
    return (
        f"fragments of {insert['low']}-{insert['high']} bp; mean {insert['mean']:.0f}, SD {insert['sd']:.0f}"
    )


def _count(summary: dict[str, Any], aligned: AlignedBatch) -> None:
    import numpy as np

    from genoseq.align.flags import PROPER, SUPPLEMENTARY

    primary = aligned.primary
    summary["reads"] += len(aligned.reads)
    summary["bases"] += int(aligned.reads.offsets[-1])
    summary["mapped"] += int(aligned.mapped.sum())
    summary["mapq20"] += int((aligned.rows.mapqs[primary] >= 20).sum())
    summary["too_short"] += int(aligned.too_short.sum())
    summary["supplementary"] += int(((aligned.rows.flags & SUPPLEMENTARY) > 0).sum())
    summary["pairs"] += len(aligned.reads.pairs)
    summary["proper_pairs"] += int(((aligned.rows.flags[primary] & PROPER) > 0).sum()) // 2
    for stage, count in enumerate(np.bincount(aligned.stages, minlength=len(summary["stages"])).tolist()):
        summary["stages"][stage] += count
