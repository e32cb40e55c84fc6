"""Tags that reads bring along: the comments of FASTQ headers in the form of SAM tags, as `samtools fastq -T`
writes them (barcodes, unique molecular identifiers), and the tags of unaligned BAM."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from genoseq.errors import InputError
from genoseq.io.batch import ReadBatch, starts_of
from genoseq.io.files import shown_path

__all__ = ["carried_tags", "own_tags"]

_FLOAT = rb"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
#: One tag (SAM specification, section 1.5).
_TAG = re.compile(
    rb"[A-Za-z][A-Za-z0-9]:(?:A:[!-~]|i:([-+]?\d+)|f:%b|Z:[ -~]*|H:(?:[0-9A-F]{2})*"
    rb"|B:(?:[cCsSiI](?:,[-+]?\d+)*|f(?:,%b)*))" % (_FLOAT, _FLOAT)
)
_LEAST, _MOST = -(1 << 31), (1 << 32) - 1  # of an integer tag in BAM (SAM specification, section 4.2.4)
#: Tags that tell of an alignment, or of who made it; those of the input are not those of the output.
_NOT_CARRIED = frozenset(["NM", "MD", "AS", "XS", "XA", "SA", "MC", "MQ", "ms", "RG", "PG", "CG"])
_SHOWN = 60  # letters of a tag in a message


def carried_tags(batch: ReadBatch, paths: Sequence[str]) -> ReadBatch:
    """The reads with those of their tags, tab-separated in the comments, that do not tell of an alignment.

    Parameters
    ----------
    paths
        The file of the reads, or of two files of mates both; for messages.

    Raises
    ------
    InputError
        Naming the first read whose comment is anything else than tags, or has a tag twice.
    """
    if not batch.comments.size:
        return batch
    text, offsets = batch.comments.tobytes(), batch.comment_offsets.tolist()
    carried: dict[int, bytes] = {}  # of the reads that leave something behind
    whole: dict[bytes, bool] = {}  # by the names of the tags of a read: whether all of them are carried
    for read, (first, last) in enumerate(pairwise(offsets)):
        if first == last:
            continue
        fields = text[first:last].split(b"\t")
        for field in fields:
            match = _TAG.fullmatch(field)
            if match is None or (match[1] and not _LEAST <= int(match[1]) <= _MOST):
                shown = field[:_SHOWN].decode("latin-1")
                raise _refused(batch, read, paths, f"{shown!r}, which is no SAM tag (like BX:Z:ACGT)")
        names = [field[:2] for field in fields]
        key = b"".join(names)
        if key not in whole:
            if len(set(names)) < len(names):
                raise _refused(batch, read, paths, "a tag twice")
            whole[key] = not _NOT_CARRIED.intersection(name.decode() for name in names)
        if not whole[key]:
            carried[read] = b"\t".join(field for field in fields if field[:2].decode() not in _NOT_CARRIED)
    if not carried:
        return batch
    comments = [carried.get(read, text[first:last]) for read, (first, last) in enumerate(pairwise(offsets))]
    lengths = np.array([len(comment) for comment in comments], np.int64)
    joined = np.frombuffer(b"".join(comments), np.uint8)
    return replace(batch, comments=joined, comment_offsets=starts_of(lengths))


def _refused(batch: ReadBatch, read: int, paths: Sequence[str], found: str) -> InputError:
    path = shown_path(paths[(batch.first + read) % len(paths)])  # mates take turns
    return InputError(f"the comment of read {batch.name(read)!r} has {found}; leave --comments out", path)


def own_tags(line: str) -> str:
    """The tags of a SAM line that do not tell of an alignment, tab-separated."""
    fields = line.rstrip("\n").split("\t")[11:]
    return "\t".join(field for field in fields if field[:2] not in _NOT_CARRIED)
