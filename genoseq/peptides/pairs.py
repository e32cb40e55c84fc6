"""Tables of peptides and the targets that they bind, CSV or TSV.

The first line names the columns; those of PepMLM (`Binder`, `Receptor Sequence`) and of PepNN (`Sequence`,
`Receptor Sequence`) are known, and so are plain ones (`peptide`, `target`); upper case does not matter.

Most tables come from structures of the PDB, where an end of a chain that is capped (acetyl, amide) is written
as X. Such caps are no residues and are taken off. An X within a peptide is kept and never asked for; the
letters B, J, O, U and Z become X. What is left must be neither too short nor too long; what is dropped is
counted by its reason.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from genoseq.errors import InputError, UsageError, counted
from genoseq.io.files import InputStream, StrPath, open_input
from genoseq.protein import encode_protein, looks_like_nucleotides

__all__ = ["MEASURED", "BindingPair", "PairLimits", "PairTable", "read_pairs"]

_PEPTIDE = ("binder", "peptide sequence", "sequence", "peptide")
_TARGET = ("receptor sequence", "target sequence", "protein sequence", "target", "receptor", "protein")
_TO_X = str.maketrans("BJOUZ*", "XXXXXX")


class BindingPair(NamedTuple):
    """A peptide and its target, letters of the twenty and X.

    Attributes
    ----------
    target, peptide : str
    place : str
        File and line, for messages.
    """

    target: str
    peptide: str
    place: str


@dataclass(frozen=True)
class PairLimits:
    """What a pair must be to be kept.

    Attributes
    ----------
    shortest_peptide, longest_peptide : int
        Letters, without caps; PepMLM has 3 to 50.
    shortest_target, longest_target : int
        Residues. Of a target longer than the window a part is read, another one each time.
    most_unknown : float
        Largest share of X in a peptide, or in a target.
    """

    shortest_peptide: int = 2
    longest_peptide: int = 50
    shortest_target: int = 20
    longest_target: int = 5000
    most_unknown: float = 0.5

    def __post_init__(self) -> None:
        if not (
            1 <= self.shortest_peptide <= self.longest_peptide
            and 1 <= self.shortest_target <= self.longest_target
            and 0 <= self.most_unknown < 1
        ):
            raise UsageError(f"{self}: lengths from 1 on and a share below 1 are expected")

    def reason(self, target: str, peptide: str) -> str | None:
        """Why a pair is dropped; None if it is kept."""
        if len(peptide) < self.shortest_peptide:
            return f"peptide below {counted(self.shortest_peptide, 'letter')}"
        if len(peptide) > self.longest_peptide:
            return f"peptide above {counted(self.longest_peptide, 'letter')}"
        if len(target) < self.shortest_target:
            return f"target below {counted(self.shortest_target, 'residue')}"
        if len(target) > self.longest_target:
            return f"target above {counted(self.longest_target, 'residue')}"
        for what, text in (("peptide", peptide), ("target", target)):
            if text.count("X") > self.most_unknown * len(text):
                return f"{what} mostly unknown"
        return None


#: For peptides that are measured and not learned from: anything with a letter that can be asked for.
MEASURED = PairLimits(1, 100, 1, 100_000, 0.99)


@dataclass
class PairTable:
    """The pairs of a file, and what was done to them.

    Attributes
    ----------
    source : str
    pairs : list of BindingPair
    rows : int
        Of the file.
    capped_peptides, capped_targets : int
        Rows of which X was taken off an end.
    unknown_peptides, unknown_targets : int
        Kept rows with an X within.
    dropped : Counter
        Rows by reason, "the same pair again" among them.
    """

    source: str
    pairs: list[BindingPair] = field(default_factory=list)
    rows: int = 0
    capped_peptides: int = 0
    capped_targets: int = 0
    unknown_peptides: int = 0
    unknown_targets: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, object]:
        """The counts as plain values."""
        return {
            "source": self.source, "rows": self.rows, "pairs": len(self.pairs),
            "capped_peptides": self.capped_peptides, "capped_targets": self.capped_targets,
            "unknown_peptides": self.unknown_peptides, "unknown_targets": self.unknown_targets,
            "dropped": dict(sorted(self.dropped.items())),
        }  # fmt: skip

    def __str__(self) -> str:
        dropped = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.dropped.items()))
        caps = f"caps taken off {self.capped_peptides:,} peptides and {self.capped_targets:,} targets"
        unknown = f"X within {self.unknown_peptides:,} and {self.unknown_targets:,}"
        found = f"{self.source}: {len(self.pairs):,} of {counted(self.rows, 'pair')}; {caps}; {unknown}"
        return found + (f"; dropped: {dropped}" if dropped else "")


def read_pairs(
    path: StrPath, *, columns: tuple[str, str] | None = None, limits: PairLimits = PairLimits()
) -> PairTable:
    """Read a table of pairs, compressed or not; "-" is standard input.

    Parameters
    ----------
    path
    columns
        Names of the columns of the peptides and of the targets, if they are none of the known ones.
    limits
        What is kept.

    Returns
    -------
    PairTable
        Of a file without a row, an empty one.

    Raises
    ------
    InputError
        With path and line: no such columns, a row with too few cells, an empty cell, a letter that no protein
        is written with, DNA in place of proteins; or if rows are there and none is kept.
    """
    with open_input(path) as stream:
        table = PairTable(stream.path)
        seen = set[tuple[str, str]]()
        for line, peptide, target in _rows(stream, columns):
            table.rows += 1
            pair = _cleaned(table, target, peptide, line, limits)
            if pair is None:
                continue
            if pair[:2] in seen:
                table.dropped["the same pair again"] += 1
                continue
            seen.add(pair[:2])
            table.pairs.append(pair)
            table.unknown_peptides += "X" in pair.peptide
            table.unknown_targets += "X" in pair.target
    if table.rows and not table.pairs:
        raise InputError(f"no pair is left of {counted(table.rows, 'row')}: {table}", table.source)
    if looks_like_nucleotides(pair.target for pair in table.pairs):
        raise InputError("the targets are DNA or RNA; proteins are expected", table.source)
    return table


def _cleaned(
    table: PairTable, target: str, peptide: str, line: int, limits: PairLimits
) -> BindingPair | None:
    found = []
    for what, text in (("target", target), ("peptide", peptide)):
        try:
            encode_protein(text)
        except InputError as error:
            raise InputError(f"{what}: {error.message}", table.source, line) from error
        found.append(text.upper().translate(_TO_X))
    whole_target, whole_peptide = found
    pair = BindingPair(whole_target.strip("X"), whole_peptide.strip("X"), f"{table.source}:{line}")
    table.capped_targets += len(pair.target) < len(whole_target)
    table.capped_peptides += len(pair.peptide) < len(whole_peptide)
    reason = limits.reason(pair.target, pair.peptide)
    if reason is None:
        return pair
    table.dropped[reason] += 1
    return None


def _rows(stream: InputStream, columns: tuple[str, str] | None) -> Iterator[tuple[int, str, str]]:
    """Line, peptide and target of each row."""
    places: tuple[int, int] | None = None
    delimiter = ","
    for line, raw in stream.lines():
        try:
            text = raw.decode("utf-8-sig" if line == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError("not text: a table in CSV or TSV is expected", stream.path, line) from error
        if not text.strip() or (places is None and text.startswith("#")):
            continue
        if places is None:
            delimiter = "\t" if "\t" in text else ","
        try:
            cells = [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter, strict=True))]
        except (csv.Error, StopIteration) as error:
            raise InputError(f"not a row of a table ({error})", stream.path, line) from error
        if places is None:
            places = _places(cells, columns, stream.path, line)
            continue
        if len(cells) <= max(places):
            raise InputError(
                f"{counted(len(cells), 'cell')}; at least {max(places) + 1} are expected", stream.path, line
            )
        peptide, target = (cells[place] for place in places)
        if not peptide or not target:
            what = "peptide" if not peptide else "target"
            raise InputError(f"the cell of the {what} is empty", stream.path, line)
        yield line, peptide, target


def _places(cells: Sequence[str], columns: tuple[str, str] | None, path: str, line: int) -> tuple[int, int]:
    """Numbers of the columns of peptides and targets."""
    names = [cell.lower() for cell in cells]
    found = list[int]()
    for what, known in (("peptides", _PEPTIDE), ("targets", _TARGET)):
        wanted = known if columns is None else (columns[len(found)].lower(),)
        place = next((names.index(name) for name in wanted if name in names), None)
        if place is None:
            shown = ", ".join(repr(cell[:30]) for cell in cells)
            expected = f"{wanted[0]!r}" + (f" or {', '.join(map(repr, wanted[1:]))}" if wanted[1:] else "")
            raise InputError(
                f"no column of {what}: the first line has {shown}; {expected} is expected", path, line
            )
        found.append(place)
    return found[0], found[1]
