"""Proteins from FASTA.

Names are what stands behind ``>`` up to the first blank, as everywhere in genoseq; the headers of UniProt,
``sp|P69905|HBA_HUMAN``, stay whole. A stop at the end of a protein is taken off. A protein has no reading of
its own in SAM or BAM, and records of FASTQ are no proteins, so FASTA is all there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from genoseq.errors import InputError
from genoseq.io.files import InputStream, StrPath, open_input
from genoseq.protein import encode_protein, looks_like_nucleotides

__all__ = ["Protein", "read_proteins"]


class Protein(NamedTuple):
    """A record.

    Attributes
    ----------
    name : str
        Up to the first blank.
    letters : str
        In upper case.
    line : int
        Of its header, from 1 on.
    """

    name: str
    letters: str
    line: int


def read_proteins(path: StrPath) -> Iterator[Protein]:
    """Read the records of a FASTA file of proteins, compressed or not; "-" is standard input.

    Raises
    ------
    InputError
        With path and line: not FASTA, a record without a name or without letters, a letter that no protein
        is written with, a record that is DNA or RNA.
    """
    with open_input(path) as stream:
        name, parts, start = "", list[str](), 0
        for line, text in stream.lines():
            if text.startswith(b">"):
                if start:
                    yield _record(stream, name, parts, start)
                name, parts, start = _name(stream, text, line), [], line
            elif text.strip():
                if not start:
                    head = text[:20].decode("utf-8", "replace")
                    raise InputError(f"starts with {head!r}; a FASTA file starts with '>'", stream.path, line)
                parts.append(_letters(stream, text, line))
        if start:
            yield _record(stream, name, parts, start)


def _name(stream: InputStream, header: bytes, line: int) -> str:
    words = header[1:].decode("utf-8", "replace").split(maxsplit=1)
    if not words or header[1:2].isspace():
        raise InputError("a record without a name behind '>'", stream.path, line)
    return words[0]


def _letters(stream: InputStream, text: bytes, line: int) -> str:
    letters = b"".join(text.split())
    try:
        encode_protein(letters)
    except InputError as error:
        raise InputError(error.message, stream.path, line) from error
    return letters.decode("ascii").upper()


def _record(stream: InputStream, name: str, parts: list[str], line: int) -> Protein:
    letters = "".join(parts).removesuffix("*")
    if not letters:
        raise InputError(f"the record {name!r} has no amino acids", stream.path, line)
    if looks_like_nucleotides([letters]):
        raise InputError(f"the record {name!r} is DNA or RNA; a protein is expected", stream.path, line)
    return Protein(name, letters, line)
