"""Tags that reads bring along: the comments of FASTQ headers in the form of SAM tags, as `samtools fastq -T`
writes them (barcodes, unique molecular identifiers), and the tags of unaligned BAM."""

from __future__ import annotations

import re

import numpy as np

from genoseq.errors import InputError
from genoseq.io.batch import ReadBatch

__all__ = ["check_tags", "own_tags"]

#: One tag (SAM specification, section 1.5).
_TAG = re.compile(
    rb"[A-Za-z][A-Za-z0-9]:(?:A:[!-~]|i:[-+]?\d+|f:[-+.\deE]+|Z:[ -~]*|H:[0-9A-Fa-f]*|B:[cCsSiIf][-+.,\deE]*)"
)
#: Tags that tell of an alignment, or of who made it; those of the input are not those of the output.
_NOT_CARRIED = frozenset(["NM", "MD", "AS", "XS", "XA", "SA", "MC", "MQ", "ms", "RG", "PG", "CG"])


def check_tags(batch: ReadBatch, path: str) -> None:
    """Check that the comments of reads are tab-separated SAM tags.

    Raises
    ------
    InputError
        Naming the first read whose comment is anything else.
    """
    if not batch.comments.size:
        return
    text, offsets = batch.comments.tobytes(), batch.comment_offsets
    for read in np.flatnonzero(np.diff(offsets)).tolist():
        for field in text[offsets[read] : offsets[read + 1]].split(b"\t"):
            if _TAG.fullmatch(field) is None:
                found = f"the comment of read {batch.name(read)!r} has {field.decode('latin-1')!r}"
                raise InputError(f"{found}, which is no SAM tag (like BX:Z:ACGT); leave --comments out", path)


def own_tags(line: str) -> str:
    """The tags of a SAM line that do not tell of an alignment, tab-separated."""
    fields = line.rstrip("\n").split("\t")[11:]
    return "\t".join(field for field in fields if field[:2] not in _NOT_CARRIED)
