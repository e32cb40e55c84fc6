"""What an alignment file is worth: right and wrong by MAPQ, and how much of each read is aligned how well.

Right and wrong are counted by `genoseq.evaluate`. Shares and identity need no known place: of the best line
of a read, the share of its bases that are aligned and that match, and matches over columns of the alignment
(matches, mismatches, inserted and deleted bases), from CIGAR and NM.

A long read is right when its primary line lies on the strand of its origin and covers more than half of it:
the start alone says little of a read of which thousands of bases may be clipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from genoseq.evaluate import Evaluation, evaluate, evaluate_against, placements_of
from genoseq.truth import parse_truth

MIN_SHARE = MIN_IDENTITY = 0.8  # a read that reaches both is "aligned" in the table of the other strain

_CIGAR = re.compile(r"(\d+)([MIDNSHP=X])")


def judge(sam: Path, number: int, *, foreign: bool = False) -> dict[str, Any]:
    """Counts of simulated reads, by MAPQ, of a file of `number` reads."""
    return to_counts(evaluate(sam, reads=number, foreign=foreign))


def judge_head(sam: Path, number: int) -> dict[str, Any]:
    """The same of the first `number` reads alone, by the number in their name."""
    part = sam.with_suffix(".head.sam")
    with sam.open() as file, part.open("w") as out:
        out.writelines(line for line in file if line[:1] != "@" and int(line.split(":", 1)[0]) < number)
    result = judge(part, number)
    part.unlink()
    return result


def judge_against(sam: Path, truth: Path, *, only: set[str] | None = None) -> dict[str, Any]:
    """Counts of real reads by the places of another program, of all or of the named ones."""
    places = placements_of(truth)
    if only is not None:
        places = {name: there for name, there in places.items() if name in only}
    return to_counts(evaluate_against(sam, places))


def confident_names(sam: Path) -> set[str]:
    """Reads that a file places with MAPQ >= 20."""
    return set(placements_of(sam))


def to_counts(result: Evaluation) -> dict[str, Any]:
    """The counts of an evaluation, MAPQ -> reads, for JSON."""
    by_mapq = {
        kind: {str(q): int(n) for q, n in enumerate(getattr(result, kind)) if n}
        for kind in ("right", "wrong", "foreign")
    }
    unplaced = result.unmapped + result.missing + result.foreign_unmapped + result.foreign_missing
    return {**by_mapq, "unplaced": unplaced}


def from_counts(counts: dict[str, Any], label: str = "") -> Evaluation:
    """The evaluation of reads with an origin that counts came from."""
    result = Evaluation(label, missing=counts["unplaced"])
    for kind in ("right", "wrong"):
        for mapq, reads in counts[kind].items():
            getattr(result, kind)[int(mapq)] += reads
    return result


def coverage(sam: Path, number: int) -> dict[str, list[float]]:
    """Aligned and matching share of the bases of each read by its number, and identity; 0 if not placed."""
    share, matching, identity = np.zeros((3, number))
    for name, length, aligned, same, columns in _best_lines(sam):
        read = int(name.split(":", 1)[0])
        share[read], matching[read], identity[read] = aligned / length, same / length, same / columns
    values = {"share": share, "matching": matching, "identity": identity}
    return {name: array.round(4).tolist() for name, array in values.items()}


def judge_long(sam: Path, number: int, *, simulated: bool) -> dict[str, Any]:
    """What alignments of `number` long reads are worth, of reads that follow each other in the file.

    Returns
    -------
    dict
        `counts` of simulated reads, as of `judge`; mean `identity` (0-1) of the primary lines; bases that
        primary and supplementary lines align, `aligned`; reads of which they align 80 %, `covered`; `placed`
        reads and `supplementary` lines.
    """
    result, identities = Evaluation(""), []
    aligned = covered = supplementary = 0
    with pysam.AlignmentFile(str(sam)) as file:
        for name, group in groupby(file, key=lambda line: line.query_name):
            lines = [line for line in group if line.is_mapped and not line.is_secondary]
            if not lines:
                continue
            first = next(line for line in lines if not line.is_supplementary)
            supplementary += len(lines) - 1
            identities.append(_identity(first))
            bases = _union(_interval(line) for line in lines)
            aligned += bases
            covered += bases >= MIN_SHARE * first.infer_read_length()
            if simulated:
                verdict = result.right if _covers_origin(first, name) else result.wrong
                verdict[first.mapping_quality] += 1
    result.missing = number - len(identities)
    figures = {"aligned": aligned, "covered": covered, "placed": len(identities)}
    identity = float(np.mean(identities)) if identities else 0.0
    figures |= {"identity": identity, "supplementary": supplementary}
    return {**figures, "counts": to_counts(result)} if simulated else figures


def _identity(line: pysam.AlignedSegment) -> float:
    """One less the edits over the columns of an alignment."""
    bases, _ = line.get_cigar_stats()
    columns = sum(bases[operation] for operation in (pysam.CMATCH, pysam.CINS, pysam.CDEL))
    columns += bases[pysam.CEQUAL] + bases[pysam.CDIFF]
    return 1 - line.get_tag("NM") / columns


def _interval(line: pysam.AlignedSegment) -> tuple[int, int]:
    """The aligned part of a read as it was sequenced, hard clips counted."""
    operations = line.cigartuples[::-1] if line.is_reverse else line.cigartuples
    clipped = 0
    for operation, size in operations:
        if operation not in (pysam.CSOFT_CLIP, pysam.CHARD_CLIP):
            break
        clipped += size
    return clipped, clipped + line.query_alignment_length


def _union(intervals: Iterator[tuple[int, int]]) -> int:
    """Length of the union of intervals."""
    total = reached = 0
    for start, end in sorted(intervals):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _covers_origin(line: pysam.AlignedSegment, name: str) -> bool:
    """Whether a line covers more than half of where its read is from, on its strand."""
    truth = parse_truth(name)
    common = min(line.reference_end, truth.end) - max(line.reference_start, truth.start)
    same = line.reference_name == truth.contig and line.is_reverse == (truth.strand == "-")
    return same and 2 * common > truth.end - truth.start


def _best_lines(sam: Path) -> Iterator[tuple]:
    """Name, length, aligned bases, matches and columns of the line with the best score of each read."""
    for _, group in groupby(_placed_lines(sam), key=lambda line: line[0]):
        name, _, *figures = max(group, key=lambda line: line[1])
        yield name, *figures


def _placed_lines(sam: Path) -> Iterator[tuple]:
    with sam.open() as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if line[:1] == "@" or int(fields[1]) & 0x904:
                continue
            tags = {tag[:5]: tag[5:] for tag in fields[11:]}
            sizes = dict.fromkeys("MIDNSHP=X", 0)
            for size, operation in _CIGAR.findall(fields[5]):
                sizes[operation] += int(size)
            matched = sizes["M"] + sizes["="] + sizes["X"]
            aligned, columns = matched + sizes["I"], matched + sizes["I"] + sizes["D"]
            length = aligned + sizes["S"] + sizes["H"]
            yield fields[0], int(tags.get("AS:i:", 0)), length, aligned, columns - int(tags["NM:i:"]), columns
