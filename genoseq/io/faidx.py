"""FASTA with the index that `samtools faidx` makes: any stretch of a genome without reading all of it.

The index (``REF.fa.fai``, and ``REF.fa.gz.gzi`` for FASTA in BGZF) is used, never made: nothing is written
beside the user's files. An index that does not fit its FASTA is refused when that shows.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError
from genoseq.io.files import StrPath
from genoseq.sequence import ENCODE_TABLE, NOT_IUPAC

__all__ = ["IndexedFasta", "fasta_indexes"]

_GZIP = b"\x1f\x8b"


def fasta_indexes(path: StrPath) -> list[Path]:
    """The index files that are needed to read a FASTA file by place; not all of them need to be there."""
    name = os.fspath(path)
    with Path(name).open("rb") as file:
        compressed = file.read(2) == _GZIP
    return [Path(f"{name}.fai"), *([Path(f"{name}.gzi")] if compressed else [])]


class IndexedFasta:
    """The contigs of an indexed FASTA file.

    Parameters
    ----------
    path
        FASTA, plain or in BGZF, with its index beside it.

    Attributes
    ----------
    names
        Of the contigs, in the order of the file.
    lengths
        int64[contigs], bp.

    Raises
    ------
    InputError
        If the index is missing or damaged.
    """

    def __init__(self, path: StrPath) -> None:
        import pysam

        self.path = os.fspath(path)
        verbosity = pysam.set_verbosity(0)
        try:
            if missing := [index for index in fasta_indexes(path) if not index.exists()]:
                raise InputError(f"there is no index {missing[0].name}; samtools faidx makes it", path)
            self._file = pysam.FastaFile(self.path)
        except (OSError, ValueError) as error:
            raise InputError("cannot be read with its index; make that anew: samtools faidx", path) from error
        finally:
            pysam.set_verbosity(verbosity)
        self.names: list[str] = list(self._file.references)
        self.lengths: npt.NDArray[np.int64] = np.array(self._file.lengths, np.int64)

    def contig_codes(self, contig: str, start: int, end: int) -> npt.NDArray[np.uint8]:
        """Base codes of a stretch, 0-based half-open: uint8[end - start]; 4 for what is not A, C, G or T.

        Raises
        ------
        InputError
            If there is no such stretch, or the index does not fit the FASTA.
        """
        if contig not in self._file:
            raise InputError(f"no contig named {contig!r}", self.path)
        length = self._file.get_reference_length(contig)
        if not 0 <= start <= end <= length:
            raise InputError(f"{contig}:{start}-{end} leaves the contig, which has {length} bp", self.path)
        try:
            letters = self._file.fetch(contig, start, end).encode("latin-1") if start < end else b""
        except (OSError, ValueError) as error:
            raise self._stale(contig) from error
        codes = ENCODE_TABLE[np.frombuffer(letters, np.uint8)]
        if len(codes) != end - start or (codes == NOT_IUPAC).any():
            raise self._stale(contig)
        return codes

    def _stale(self, contig: str) -> InputError:
        found = f"its index does not fit it at contig {contig!r}, or it is cut; make the index anew: "
        return InputError(f"{found}samtools faidx", self.path)
