"""Sequences with labels: a table, or one file of sequences for each class.

A table is TSV, compressed or not, with the sequences in one column and their labels in another. Columns have
names, in the first line, or numbers from 1 on:

    default     a first line with "sequence" (or "seq") and "label" (or "class") among its cells names the
                columns; without such a line, sequences are in column 1 and labels in column 2
    names       the first line must have them
    numbers     every line is a sequence

Lines that begin with "#", before the first of the others, are comments. The cells of a column called "name"
name the sequences in messages and results; without one they are called after their lines.

Labels are text: what stands in the cell, without blanks around it. Sequences are DNA or RNA, or proteins if
the caller says so.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError, UsageError
from genoseq.io.fastx import read_batches
from genoseq.io.files import StrPath, open_input
from genoseq.io.proteins import read_proteins
from genoseq.protein import UNKNOWN, decode_protein, encode_protein, looks_like_nucleotides
from genoseq.sequence import AMBIGUOUS, decode, encode

__all__ = ["ALPHABETS", "Columns", "Labelled", "read_class_files", "read_labelled"]

ALPHABETS = ("dna", "protein")

_SEQUENCE, _LABEL, _NAME = ("sequence", "seq"), ("label", "class"), "name"
_KNOWN_N, _KNOWN_X = np.frombuffer(b"Nn", np.uint8), np.frombuffer(b"Xx", np.uint8)
_SUFFIXES = {
    *(".gz", ".bgz", ".bz2", ".xz", ".zst"),
    *(".fa", ".fasta", ".fna", ".ffn", ".faa", ".fq", ".fastq", ".bam", ".sam"),
}

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Columns:
    """Where a table has what.

    Attributes
    ----------
    sequence, label : str or int, optional
        Name of the column, or its number from 1 on; both of one kind. By default found as the module says.
    group : str or int, optional
        A column of names of what belongs together: a family, a cluster, an individual.
    """

    sequence: str | int | None = None
    label: str | int | None = None
    group: str | int | None = None

    def __post_init__(self) -> None:
        if (self.sequence is None) != (self.label is None):
            raise UsageError("name the columns of the sequences and of the labels, both or neither")
        kinds = {type(value) for value in (self.sequence, self.label, self.group) if value is not None}
        if len(kinds) > 1:
            raise UsageError("columns are all given by names, or all by numbers")
        if any(isinstance(value, int) and value < 1 for value in (self.sequence, self.label, self.group)):
            raise UsageError("columns are numbered from 1 on")


@dataclass
class Labelled:
    """Sequences with their labels.

    Attributes
    ----------
    source : str
        The files, for messages.
    alphabet : str
        "dna" or "protein".
    codes : list of ndarray, each of shape (letters,), dtype uint8
        Base codes (`genoseq.sequence`), or codes of amino acids (`genoseq.protein`).
    labels, names, groups : list of str
        Of each sequence; `groups` is empty if there are none.
    others : int
        Letters that are neither A, C, G, T, U nor N: IUPAC codes and gaps. Of proteins B, J, O, U and Z.
    """

    source: str
    alphabet: str = field(default="dna", kw_only=True)
    codes: list[Codes] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    others: int = 0

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, sorted."""
        return tuple(sorted(set(self.labels)))

    @property
    def texts(self) -> list[str]:
        """The sequences as letters; what is unknown is N, or X of a protein."""
        shown = decode_protein if self.alphabet == "protein" else decode
        return [shown(codes) for codes in self.codes]

    def numbers(self, classes: Sequence[str]) -> npt.NDArray[np.int64]:
        """The label of each sequence as its place in `classes`: int64 (n,).

        Raises
        ------
        InputError
            If a label is none of them.
        """
        places = {name: number for number, name in enumerate(classes)}
        for name, label in zip(self.names, self.labels, strict=True):
            if label not in places:
                raise InputError(
                    f"{name} is of class {label!r}; the classes that are trained are {', '.join(classes)}",
                    self.source,
                )
        return np.array([places[label] for label in self.labels], np.int64)


def read_labelled(path: StrPath, columns: Columns | None = None, *, alphabet: str = "dna") -> Labelled:
    """Read a table of sequences with labels; "-" is standard input.

    Parameters
    ----------
    path
    columns
        Where what stands.
    alphabet
        "dna" or "protein".

    Raises
    ------
    InputError
        With path and line: a column that is not there, a line with fewer columns, an empty sequence or label,
        a letter outside the alphabet. Proteins that are DNA.
    UsageError
        If the alphabet is none of the two.
    """
    _check_alphabet(alphabet)
    with open_input(path) as stream:
        found = Labelled(stream.path, alphabet=alphabet)
        lines = _without_comments(stream.lines())
        first = next(lines, None)
        if first is None:
            return found
        places = _places(columns or Columns(), _cells(first[1]), stream.path, first[0])
        for number, line in lines if places.header else _chained(first, lines):
            if line.strip():
                _add(found, _cells(line), places, number)
    return found


def read_class_files(paths: Iterable[StrPath], *, alphabet: str = "dna") -> Labelled:
    """Read one file of sequences (FASTA, FASTQ, SAM or BAM) for each class, which is called after the file.

    ``data/human.fa.gz`` holds the class "human". Files of proteins are FASTA.

    Raises
    ------
    InputError
        If a file cannot be read.
    UsageError
        If two files have one name.
    """
    _check_alphabet(alphabet)
    files = [Path(path) for path in paths]
    found = Labelled(" ".join(map(str, files)), alphabet=alphabet)
    for path in files:
        label = _stem(path)
        if label in found.labels:
            raise UsageError(f"{path}: a second file of class {label!r}; a class is called after its file")
        for name, codes, others in _proteins(path) if alphabet == "protein" else _nucleotides(path):
            found.codes.append(codes)
            found.labels.append(label)
            found.names.append(name)
            found.others += others
    return found


def _check_alphabet(alphabet: str) -> None:
    if alphabet not in ALPHABETS:
        raise UsageError(f"alphabet {alphabet!r}; {' or '.join(ALPHABETS)} is expected")


def _nucleotides(path: StrPath) -> Iterator[tuple[str, Codes, int]]:
    """Name, base codes, and letters that are neither a base nor N, of each record."""
    for batch in read_batches(path):
        for i, (start, end) in enumerate(zip(batch.offsets[:-1], batch.offsets[1:], strict=True)):
            codes = batch.codes[start:end].copy()
            others = (codes == AMBIGUOUS) & (batch.letters[start:end] != ord("N"))
            yield batch.name(i), codes, int(np.count_nonzero(others))


def _proteins(path: StrPath) -> Iterator[tuple[str, Codes, int]]:
    for name, letters, _ in read_proteins(path):
        codes = encode_protein(letters)
        yield name, codes, int(np.count_nonzero(codes == UNKNOWN)) - letters.count("X")


def _stem(path: Path) -> str:
    """Name of a file without the endings that tell its format."""
    while path.suffix.lower() in _SUFFIXES:
        path = path.with_suffix("")
    return path.name


@dataclass(frozen=True)
class _Places:
    """Columns by number from 0 on, and whether the first line names them."""

    sequence: int
    label: int
    group: int | None
    name: int | None
    header: bool


def _places(columns: Columns, first: list[str], path: str, line: int) -> _Places:
    lower = [cell.lower() for cell in first]
    if isinstance(columns.sequence, int) and isinstance(columns.label, int):
        group = columns.group - 1 if isinstance(columns.group, int) else None
        return _Places(columns.sequence - 1, columns.label - 1, group, None, header=False)
    name = lower.index(_NAME) if _NAME in lower else None
    if columns.sequence is not None:
        sequence, label = (_named(column, first, path, line) for column in (columns.sequence, columns.label))
    else:
        sequences = [number for number, cell in enumerate(lower) if cell in _SEQUENCE]
        labels = [number for number, cell in enumerate(lower) if cell in _LABEL]
        if not sequences or not labels:
            if isinstance(columns.group, str):
                _named(columns.group, first, path, line)
                found = 'a line that names the columns has to have "sequence" and "label" among its names'
                raise InputError(found, path, line)
            group = columns.group - 1 if isinstance(columns.group, int) else None
            return _Places(0, 1, group, None, header=False)
        sequence, label = sequences[0], labels[0]
    if isinstance(columns.group, int):
        raise UsageError("this table has names of columns: give the column of the groups by its name")
    group = None if columns.group is None else _named(columns.group, first, path, line)
    return _Places(sequence, label, group, name, header=True)


def _named(column: str | int | None, first: list[str], path: str, line: int) -> int:
    if column not in first:
        found = ", ".join(repr(cell[:20]) for cell in first[:6])
        raise InputError(f"no column is called {column!r}; the first line has {found}", path, line)
    return first.index(str(column))


def _add(found: Labelled, cells: list[str], places: _Places, line: int) -> None:
    """Take a line of a table."""
    wanted = [place for place in (places.sequence, places.label, places.group) if place is not None]
    if max(wanted) >= len(cells):
        raise InputError(
            f"{len(cells)} column{'s' if len(cells) > 1 else ''}; at least {max(wanted) + 1} are expected, "
            "with tabs between",
            found.source, line,
        )  # fmt: skip
    text, label = cells[places.sequence], cells[places.label]
    if not text:
        raise InputError("the sequence is empty", found.source, line)
    if not label:
        raise InputError("the label is empty", found.source, line)
    letters = np.frombuffer(text.encode("ascii", "replace"), np.uint8)
    try:
        codes = encode_protein(letters) if found.alphabet == "protein" else encode(letters)
    except InputError as error:
        hint = ""
        if not places.header and not found.codes:
            hint = '; a line that names the columns has "sequence" and "label", or choose columns by name'
        raise InputError(f"{error.message}{hint}", found.source, line) from error
    if found.alphabet == "protein" and looks_like_nucleotides([text]):
        raise InputError("the sequence is DNA or RNA; a protein is expected", found.source, line)
    found.codes.append(codes)
    found.labels.append(label)
    named = places.name is not None and places.name < len(cells) and cells[places.name]
    found.names.append(str(named) if named else f"line {line}")
    if places.group is not None:
        found.groups.append(cells[places.group])
    unknown, known = (UNKNOWN, _KNOWN_X) if found.alphabet == "protein" else (AMBIGUOUS, _KNOWN_N)
    found.others += int(np.count_nonzero((codes == unknown) & ~np.isin(letters, known)))


def _cells(line: bytes) -> list[str]:
    return [cell.strip() for cell in line.decode("utf-8", "replace").split("\t")]


def _without_comments(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Lines but those before the first that are empty or begin with "#"; a byte order mark is taken off."""
    for number, raw in lines:
        line = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
        if line.strip() and not line.startswith(b"#"):
            yield number, line
            break
    yield from lines


def _chained(first: tuple[int, bytes], rest: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    yield first
    yield from rest
