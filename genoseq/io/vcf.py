"""Variant calls from VCF and BCF, and back with more in their INFO column.

htslib parses through pysam; records keep everything they came with. A file needs no index and no order, it is
read once from its start. VCF is written as text; the same text goes to bcftools, which comes with pysam, for
VCF in BGZF, for BCF, and for their indexes. A file appears under its name when it is complete.

Positions are 0-based here; POS of VCF is 1-based.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.io.files import InputStream, StrPath, check_output, open_input, open_output, replacing
from genoseq.io.htslib import HtslibFeed, HtslibWriter, destination, feeding, remove_indexes

__all__ = [
    "Call",
    "CallOutput",
    "Calls",
    "calls_format",
    "is_calls",
    "open_calls",
    "open_calls_output",
    "read_calls",
]

_FORMATS = {".vcf": "vcf", ".vcf.gz": "vcf.gz", ".vcf.bgz": "vcf.gz", ".bcf": "bcf"}
_BCFTOOLS = {"vcf.gz": "z", "bcf": "b"}
_INDEXES = (".tbi", ".csi")
_LONGEST_TBI = 1 << 29  # bp; longer contigs need a CSI index (tabix manual)


@dataclass(frozen=True)
class Call:
    """One record.

    Attributes
    ----------
    record
        That of pysam; `annotate` changes its INFO.
    contig
        CHROM.
    position
        Of the first base of REF, 0-based; -1 for POS 0.
    ref
        REF.
    alts
        The alleles of ALT; empty for '.'.
    number
        1-based number of the record in its file.
    line
        1-based line in a text file; None in BCF.
    """

    record: Any
    contig: str
    position: int
    ref: str
    alts: tuple[str, ...]
    number: int
    line: int | None

    def annotate(self, values: Mapping[str, Sequence[float | None] | Sequence[str] | None]) -> None:
        """Set fields of INFO that have a value for each ALT allele; None for a field takes it away.

        A number that is missing is None, a text that is missing is ".".
        """
        for name, value in values.items():
            if value is not None:
                self.record.info[name] = tuple(value)
            elif name in self.record.info:
                del self.record.info[name]

    def text(self) -> bytes:
        """As a line of VCF, with its end."""
        return str(self.record).encode()


class Calls:
    """The records of an open file; made by `open_calls`.

    Attributes
    ----------
    path
        How messages name the file.
    count
        Records read so far.
    """

    def __init__(self, path: str, feed: HtslibFeed, file: Any, *, binary: bool, ordered: bool) -> None:
        self.path, self.count = path, 0
        self._feed, self._file, self._binary = feed, file, binary
        self._order = _Order() if ordered else None

    def declare(
        self,
        fields: Mapping[str, tuple[str, str]],
        lines: Mapping[str, str],
        contigs: Iterable[tuple[str, int]] = (),
    ) -> None:
        """Add to the header: what is to be written must be declared before the first record is read.

        Parameters
        ----------
        fields
            Name of an INFO field that has a value for each ALT allele -> its type and its description. A
            field of that name that the file has is declared anew.
        lines
            Key -> value of other lines (``##key=value``).
        contigs
            Name and length (bp), for a header that declares no contigs: without them there is no BCF.
        """
        header = self._file.header
        if not len(header.contigs):
            for name, length in contigs:
                header.contigs.add(name, length=length)
        for name, (kind, description) in fields.items():
            if name in header.info:
                header.info.remove_header(name)
            plain = _printable(description).replace("\\", "/").replace('"', "'")
            header.add_line(f'##INFO=<ID={name},Number=A,Type={kind},Description="{plain}">')
        for key, value in lines.items():
            header.add_line(f"##{key}={_printable(value)}")

    @property
    def header(self) -> str:
        """The header, each line with its end."""
        return str(self._file.header)

    def info(self, name: str) -> str | None:
        """Description of a field of INFO; None if the header does not declare it."""
        known = self._file.header.info
        return str(known[name].description) if name in known else None

    @property
    def samples(self) -> int:
        """How many samples each record has genotypes of."""
        return len(self._file.header.samples)

    @property
    def longest_contig(self) -> int:
        """Longest contig that the header declares, bp; 0 if it tells no length."""
        return max((contig.length or 0 for contig in self._file.header.contigs.values()), default=0)

    def __iter__(self) -> Iterator[Call]:
        last = ""
        try:
            for record in self._file:
                self.count += 1
                line = None if self._binary else self._feed.header_lines + self.count
                place = f"{record.contig}:{record.pos}"
                if self._order is not None and not self._order.follows(record.contig, record.pos):
                    found = f"{place} comes after {last}; an index needs records in order: bcftools sort"
                    raise InputError(found, self.path, line)
                last = place
                yield Call(
                    record, record.contig, record.start, record.ref, record.alts or (), self.count, line
                )
        except (OSError, ValueError, UnicodeDecodeError) as error:  # htslib tells its reason to stderr only
            self._file.close()  # or the feed would wait for it to read on
            wrong = self._feed.stop()
            line = None if self._binary else self._feed.header_lines + self.count + 1
            where = f"after {last}" if last else "the first"
            found = f"this is not a record of VCF, or the file is cut ({where})"
            raise (wrong or InputError(found, self.path, line)) from error
        if (wrong := self._feed.stop()) is not None:
            raise wrong
        if not self.count:
            warnings.warn(f"{self.path}: there are no records in it", GenoseqWarning, stacklevel=2)


class _Order:
    """Whether records come by contig and position, as an index needs them."""

    def __init__(self) -> None:
        self._contig, self._position = "", 0
        self._finished: set[str] = set()

    def follows(self, contig: str, position: int) -> bool:
        if contig != self._contig:
            self._finished.add(self._contig)
            self._contig, self._position = contig, position
            return contig not in self._finished
        before, self._position = self._position, position
        return position >= before


@contextlib.contextmanager
def open_calls(path: StrPath, *, ordered: bool = False) -> Iterator[Calls]:
    """Open VCF or BCF, compressed or not; "-" is standard input.

    Parameters
    ----------
    path
        The file.
    ordered
        Refuse records that are not in order, which cannot be indexed.

    Raises
    ------
    InputError
        If it cannot be read or is of another format; while records are read, with the line, if a record is
        not as VCF has it or out of order, or the file is cut.

    Warns
    -----
    GenoseqWarning
        If there is no record.
    """
    with open_input(path) as stream, read_calls(stream, ordered=ordered) as calls:
        yield calls


def is_calls(head: bytes) -> bool:
    """Whether VCF or BCF starts like this."""
    return head.startswith((b"BCF", b"##fileformat=VCF"))


@contextlib.contextmanager
def read_calls(stream: InputStream, *, ordered: bool = False) -> Iterator[Calls]:
    """Read VCF or BCF from a file that is open; as `open_calls`."""
    import pysam

    if not is_calls(stream.head):
        raise _foreign(stream)
    with feeding(stream) as feed:
        try:
            file = pysam.VariantFile(feed.pipe)
        except (OSError, ValueError) as error:
            wrong = feed.stop()
            found = "the header is cut or not as VCF has it: its last line begins with #CHROM"
            raise (wrong or InputError(found, stream.path)) from error
        with file:
            binary = stream.head.startswith(b"BCF")
            yield Calls(stream.path, feed, file, binary=binary, ordered=ordered)


def _foreign(stream: InputStream) -> InputError:
    if not stream.head:
        return InputError("the file is empty; even VCF without records has a header", stream.path)
    start = stream.head[:12].split(b"\n")[0].decode("latin-1")
    found = f"the file starts with {start!r}; VCF starts with '##fileformat=VCF', BCF with 'BCF'"
    return InputError(found, stream.path, 1)


def calls_format(path: StrPath) -> str:
    """The format that an output path asks for by its ending: "vcf", "vcf.gz" or "bcf"; VCF for "-".

    Raises
    ------
    UsageError
        For another ending.
    """
    if os.fspath(path) == "-":
        return "vcf"
    name = os.fspath(path).lower()
    chosen = next((known for ending, known in _FORMATS.items() if name.endswith(ending)), None)
    if chosen is None:
        raise UsageError(f"{os.fspath(path)}: not a name of VCF or BCF, which ends in {', '.join(_FORMATS)}")
    return chosen


class CallOutput(Protocol):
    """What `open_calls_output` gives."""

    def write(self, block: bytes, /) -> object:
        """Take whole lines of VCF."""


@contextlib.contextmanager
def open_calls_output(path: StrPath, calls: Calls, *, index: bool = False) -> Iterator[CallOutput]:
    """Open a file for the records of `calls`; its header, as declared by now, is written first.

    Parameters
    ----------
    path
        File to write, or "-" for standard output. It appears when the block ends without an error.
    index
        Write an index beside it: .tbi, or .csi for BCF and for contigs beyond 2^29 bp.

    Raises
    ------
    InputError
        If the path cannot be written.
    UsageError
        For another ending, or an index of what cannot have one.
    GenoseqError
        If bcftools refuses what it gets: for BCF, what the header does not declare; with `index`, records
        out of order.
    """
    chosen = calls_format(path)
    check_output(path)
    if index and (chosen == "vcf" or not (Path(path).is_file() or not Path(path).exists())):
        raise UsageError("an index needs a file in .vcf.gz or .bcf")
    if chosen == "vcf":
        with open_output(path) as file:
            file.write(calls.header.encode())
            yield file
        return
    suffix = ".csi" if chosen == "bcf" or calls.longest_contig > _LONGEST_TBI else ".tbi"
    with destination(path) as (target, scratch):
        arguments = ["view", "--no-version", "-O", _BCFTOOLS[chosen], "-o", target]
        arguments += [f"--write-index={suffix[1:]}"] if index else []
        with HtslibWriter("bcftools", [*arguments, "-"], os.fspath(path), "records") as bcftools:
            bcftools.write(calls.header.encode())
            yield bcftools
        if scratch is not None:
            remove_indexes(path, _INDEXES)
        if index:
            with replacing(f"{os.fspath(path)}{suffix}") as temporary:
                Path(target + suffix).replace(temporary)


def _printable(text: str) -> str:
    """On one line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
