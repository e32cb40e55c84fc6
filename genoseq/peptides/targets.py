"""Targets: proteins from FASTA or from structures, and the part of one that the model is shown.

A model was trained on up to 1,022 residues with the peptide behind them. A longer target is never cut
silently: it is shown around a site that the user names, or in tiles that overlap by half, and the letters of
the tiles are combined (`Context`).
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import GenoseqWarning, InputError, MissingDependencyError, UsageError
from genoseq.io.files import StrPath
from genoseq.io.proteins import read_proteins
from genoseq.peptides.tokens import AMINO, tokens_of

__all__ = ["MOST_RESIDUES", "Site", "Target", "read_targets", "shuffled_targets", "windows_of"]

MOST_RESIDUES = 1022
"""Of target and peptide together: ESM-2 was trained at 1,024 tokens with ``<cls>`` and ``<eos>``."""
_STRUCTURES = (".pdb", ".ent", ".cif", ".mmcif")
_SHUFFLES = 1  # sets their random numbers apart from those of the candidates

Tokens = NDArray[np.uint8]


@dataclass(frozen=True)
class Site:
    """A part of a target that a peptide shall bind.

    Attributes
    ----------
    start, end : int
        Residues, 0-based, half-open.
    """

    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Site:
        """Read ``START-END``, residues counted from 1, both included.

        Raises
        ------
        UsageError
            If it is not written so.

        Examples
        --------
        >>> Site.parse("12-30")
        Site(start=11, end=30)
        """
        parts = text.split("-")
        if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
            raise UsageError(f"site {text!r}: START-END is expected, residues from 1 on, for example 120-160")
        start, end = int(parts[0]) - 1, int(parts[1])
        if not 0 <= start < end:
            raise UsageError(f"site {text!r}: the first residue is 1 or more, and not behind the last")
        return cls(start, end)

    def __str__(self) -> str:
        return f"{self.start + 1}-{self.end}"


@dataclass(frozen=True, eq=False)
class Target:
    """A protein to bind.

    Attributes
    ----------
    name : str
    letters : str
        One letter a residue; those that are none of the twenty are X.
    source : str
        File, and chain of a structure.
    changed : int
        Residues that were mapped to one of the twenty (selenomethionine to M), or to X.
    """

    name: str
    letters: str
    source: str
    changed: int = 0

    @property
    def tokens(self) -> Tokens:
        """Tokens of the residues."""
        return tokens_of(self.letters)


def read_targets(path: StrPath, *, chain: str | None = None) -> Iterator[Target]:
    """Read the proteins of a FASTA file, or the chains of a PDB or mmCIF file.

    Parameters
    ----------
    path
        "-" is standard input, FASTA.
    chain
        Of a structure; all protein chains by default.

    Raises
    ------
    InputError
        If a file cannot be read, holds DNA, or a target has no residue of the twenty.
    UsageError
        If a chain is given for FASTA.
    MissingDependencyError
        If Biopython, which reads structures, is not installed.

    Warns
    -----
    GenoseqWarning
        If residues were changed.
    """
    name = str(path).lower().removesuffix(".gz")
    if name.endswith(_STRUCTURES):
        found = _from_structure(Path(path), chain)
    elif chain is not None:
        raise UsageError(f"a chain is of a structure (PDB or mmCIF); {path} is neither")
    else:
        found = _from_fasta(path)
    for target in found:
        if not np.isin(target.tokens, AMINO).any():
            raise InputError(f"target {target.name} has no residue of the 20 amino acids", target.source)
        if target.changed:
            warnings.warn(
                f"{target.name}: {target.changed} of {len(target.letters)} residues are none of the 20 amino "
                "acids; read as their parents (MSE as M), or X",
                GenoseqWarning,
                stacklevel=2,
            )
        yield target


def _from_fasta(path: StrPath) -> Iterator[Target]:
    for name, letters, _ in read_proteins(path):
        known = letters.translate(_PARENTS)
        yield Target(name, known, str(path), sum(a != b for a, b in zip(letters, known, strict=True)))


def _from_structure(path: Path, wanted: str | None) -> Iterator[Target]:
    """The protein chains of the first model of a structure, of the residues that have coordinates."""
    try:
        from Bio.Data.PDBData import protein_letters_3to1, protein_letters_3to1_extended
        from Bio.PDB.MMCIFParser import MMCIFParser
        from Bio.PDB.PDBParser import PDBParser
    except ImportError as error:
        raise MissingDependencyError("reading structures", "biopython", "peptides") from error
    from genoseq.io.files import open_input

    is_cif = path.name.lower().removesuffix(".gz").endswith((".cif", ".mmcif"))
    parser = MMCIFParser(QUIET=True) if is_cif else PDBParser(QUIET=True)
    try:
        import io

        with open_input(path) as stream:
            text = b"\n".join(line for _, line in stream.lines()).decode("utf-8", "replace")
        structure = parser.get_structure(path.name, io.StringIO(text))
        model = next(structure.get_models())
    except (ValueError, KeyError, StopIteration, IndexError, TypeError) as error:
        raise InputError(f"no structure in it ({error or 'no atoms'})", path) from error
    known, parents = set(protein_letters_3to1), protein_letters_3to1_extended
    names, found = [], 0
    for chain in model:
        residues = [each for each in chain if each.get_resname().strip().upper() in parents]
        names.append(chain.id)
        if not residues or (wanted is not None and chain.id != wanted):
            continue
        codes = [each.get_resname().strip().upper() for each in residues]
        letters = "".join(parents[code] for code in codes).translate(_PARENTS)
        changed = sum(code not in known for code in codes)
        found += 1
        yield Target(f"{path.name.split('.')[0]}_{chain.id}", letters, f"{path} chain {chain.id}", changed)
    if wanted is not None and wanted not in names:
        raise InputError(f"there is no chain {wanted!r}; there are {', '.join(names)}", path)
    if not found:
        raise InputError("it has no protein" if wanted is None else f"chain {wanted} is no protein", path)


_PARENTS = str.maketrans("BJZUO", "XXXXX")


def shuffled_targets(target: Target, count: int, seed: int) -> list[Target]:
    """Decoys of the length and the composition of a target: its residues in another order.

    They follow from the residues and the seed, whatever other targets there are.
    """
    rng = np.random.default_rng([seed, zlib.crc32(target.letters.encode()), _SHUFFLES])
    letters = list(target.letters)
    return [
        Target(f"{target.name}_shuffled_{number}", "".join(rng.permutation(letters)), target.source)
        for number in range(1, count + 1)
    ]


def windows_of(target: Target, room: int, site: Site | None = None) -> list[tuple[int, int]]:
    """The parts of a target that the model is shown, residues 0-based and half-open.

    Parameters
    ----------
    target
    room
        Residues that fit beside the peptide.
    site
        Is in the middle of the one part, if the target is longer.

    Returns
    -------
    list of (int, int)
        One part if the target fits or there is a site, else tiles that overlap by half and cover all.

    Raises
    ------
    UsageError
        If the site is not in the target, or does not fit.
    """
    length = len(target.letters)
    if site is not None and site.end > length:
        raise UsageError(f"site {site} of {target.name}, which has {length} residues")
    if length <= room:
        return [(0, length)]
    if site is not None:
        if site.end - site.start > room:
            raise UsageError(
                f"site {site} has {site.end - site.start} residues; {room} fit beside the peptide"
            )
        start = min(max(0, (site.start + site.end - room) // 2), length - room)
        return [(start, start + room)]
    count = -(-(length - room) // (room // 2)) + 1
    starts = np.linspace(0, length - room, count).round().astype(int).tolist()
    return [(start, start + room) for start in starts]
