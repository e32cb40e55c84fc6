"""Files of vectors: .npz for numpy, .parquet for tables, .tsv for everything else.

They are written as the vectors come, in the memory of a few of them. Each entry is a sequence or a part of
one, with one vector, or with one for each of its bases.

    .npz       arrays names, sequences, starts, ends, strands of the entries, and vectors (entries, channels);
               with one for each base vectors (bases, channels) and offsets (entries + 1), entry i is
               offsets[i]:offsets[i + 1]; about: JSON
    .parquet   columns name, sequence, start, end, strand, vector; with one for each base name, sequence,
               position, strand, vector; "genoseq" in the metadata of the schema: JSON
    .tsv       the same with the columns v0, v1, .. in place of vector

Coordinates are 0-based and half-open, in bp of the sequence. Vectors of bases follow each other as they were
read; on the reverse strand their positions fall.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import zipfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import MissingDependencyError, UsageError
from genoseq.io.files import StrPath, naming_file, open_output
from genoseq.io.table import open_tsv

__all__ = ["Entry", "VectorFile", "open_vectors", "vector_format"]

FORMATS = (".npz", ".parquet", ".tsv")
_BUFFERED = 1 << 22  # floats of a row group
_BLOCK = 1 << 20  # bytes copied at once
_LINES = 1 << 16  # strings that are converted at once
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date of a zip archive: the same run gives the same bytes


@dataclass(frozen=True)
class Entry:
    """What a vector stands for.

    Attributes
    ----------
    name : str
        Of the sequence, or of this part of it.
    sequence : str
        Name of the sequence.
    start, end : int
        bp, 0-based, half-open.
    strand : str
        "+", or "-" for one that was read from the reverse strand.
    """

    name: str
    sequence: str
    start: int
    end: int
    strand: str = "+"

    def positions(self, first: int, count: int) -> range:
        """Positions of `count` bases in the order of reading, from number `first` on."""
        if self.strand == "-":
            return range(self.end - 1 - first, self.end - 1 - first - count, -1)
        return range(self.start + first, self.start + first + count)


class VectorFile(Protocol):
    """A file that vectors are written to."""

    def add(self, entry: Entry, vectors: NDArray[np.float32]) -> None:
        """Write the vector of an entry, (channels,), or the next ones of its bases, (bases, channels)."""


def vector_format(path: StrPath) -> str:
    """The format that the ending of a name tells; standard output takes .tsv.

    Raises
    ------
    UsageError
        For another ending.

    Examples
    --------
    >>> vector_format("a.Parquet"), vector_format("-")
    ('.parquet', '.tsv')
    """
    ending = ".tsv" if str(path) == "-" else Path(path).suffix.lower()
    if ending not in FORMATS:
        raise UsageError(f"{path}: vectors are written to files that end in {', '.join(FORMATS)}")
    return ending


@contextlib.contextmanager
def open_vectors(
    path: StrPath, channels: int, about: Mapping[str, object], *, each_base: bool
) -> Iterator[VectorFile]:
    """Open a file for vectors, in the format of its name; it appears when the block ends without an error.

    Parameters
    ----------
    path : path
        "-" is standard output, as .tsv.
    channels : int
        Of a vector.
    about : mapping
        What the vectors are, kept as JSON in .npz and .parquet.
    each_base : bool
        Whether an entry has a vector for each of its bases.

    Raises
    ------
    UsageError
        For another ending of the name.
    InputError
        If the file cannot be written.
    MissingDependencyError
        If it is .parquet, and pyarrow is not installed.
    """
    opened = {".npz": _open_npz, ".parquet": _open_parquet, ".tsv": _open_tsv}[vector_format(path)]
    with opened(path, channels, json.dumps(about), each_base) as file:
        yield file


class _Bases:
    """Counts the bases of an entry that were written."""

    def __init__(self) -> None:
        self._entry: Entry | None = None
        self._count = 0

    def next(self, entry: Entry, count: int) -> range:
        """Positions of the next `count` bases of an entry."""
        if entry is not self._entry:
            self._entry, self._count = entry, 0
        self._count += count
        return entry.positions(self._count - count, count)


# --- .tsv


@contextlib.contextmanager
def _open_tsv(path: StrPath, channels: int, about: str, each_base: bool) -> Iterator[VectorFile]:
    place = ["position"] if each_base else ["start", "end"]
    columns = ["name", "sequence", *place, "strand", *(f"v{i}" for i in range(channels))]
    with open_tsv(path, columns) as write:
        yield _Tsv(write, _Bases() if each_base else None)


class _Tsv:
    def __init__(self, write: Callable[[list[object]], None], bases: _Bases | None) -> None:
        self._write, self._bases = write, bases

    def add(self, entry: Entry, vectors: NDArray[np.float32]) -> None:
        if self._bases is None:
            place = [entry.start, entry.end]
            self._write([entry.name, entry.sequence, *place, entry.strand, *vectors.tolist()])
            return
        for position, vector in zip(self._bases.next(entry, len(vectors)), vectors.tolist(), strict=True):
            self._write([entry.name, entry.sequence, position, entry.strand, *vector])


# --- .parquet


@contextlib.contextmanager
def _open_parquet(path: StrPath, channels: int, about: str, each_base: bool) -> Iterator[VectorFile]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError(f"{path} (.parquet)", "pyarrow", "parquet") from error
    text, number = pyarrow.string(), pyarrow.int64()
    place = [("position", number)] if each_base else [("start", number), ("end", number)]
    vector = ("vector", pyarrow.list_(pyarrow.float32(), channels))
    schema = pyarrow.schema([("name", text), ("sequence", text), *place, ("strand", text), vector])
    schema = schema.with_metadata({"genoseq": about})
    with open_output(path) as out, pyarrow.parquet.ParquetWriter(out, schema) as writer:
        file = _Parquet(pyarrow, writer, schema, channels, _Bases() if each_base else None)
        yield file
        file.flush()


class _Parquet:
    def __init__(self, pyarrow: Any, writer: Any, schema: Any, channels: int, bases: _Bases | None) -> None:
        self._pyarrow, self._writer, self._schema, self._bases = pyarrow, writer, schema, bases
        self._channels, self._floats = channels, 0
        self._columns: list[list[Any]] = [[] for _ in schema]

    def add(self, entry: Entry, vectors: NDArray[np.float32]) -> None:
        cells: list[list[Any]]
        if self._bases is None:
            cells = [[entry.name], [entry.sequence], [entry.start], [entry.end], [entry.strand]]
        else:
            n = len(vectors)
            positions = list(self._bases.next(entry, n))
            cells = [[entry.name] * n, [entry.sequence] * n, positions, [entry.strand] * n]
        for column, some in zip(self._columns, cells, strict=False):  # the last is that of the vectors
            column += some
        self._columns[-1].append(vectors.reshape(-1))
        self._floats += vectors.size
        if self._floats >= _BUFFERED:
            self.flush()

    def flush(self) -> None:
        if not self._floats:
            return
        flat = self._pyarrow.array(np.concatenate(self._columns[-1]))
        vectors = self._pyarrow.FixedSizeListArray.from_arrays(flat, self._channels)
        self._writer.write_table(self._pyarrow.table([*self._columns[:-1], vectors], schema=self._schema))
        self._columns, self._floats = [[] for _ in self._columns], 0


# --- .npz


@contextlib.contextmanager
def _open_npz(path: StrPath, channels: int, about: str, each_base: bool) -> Iterator[VectorFile]:
    folder = Path(path).absolute().parent
    with contextlib.ExitStack() as stack:
        stack.enter_context(naming_file(path))
        names, sequences, vectors = (
            stack.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(3)
        )
        file = _Npz(channels, names, sequences, vectors, each_base=each_base)
        yield file
        out = stack.enter_context(open_output(path))
        file.write(out, about)


class _Npz:
    """Keeps what comes in temporary files: how much it is stands at the beginning of an array."""

    def __init__(
        self,
        channels: int,
        names: IO[bytes],
        sequences: IO[bytes],
        vectors: IO[bytes],
        *,
        each_base: bool,
    ) -> None:
        self._channels, self._each_base = channels, each_base
        self._texts = {
            "names": _Texts(names),
            "sequences": _Texts(sequences),
        }
        self._vectors, self._count = vectors, 0
        self._starts, self._ends, self._offsets = array("q"), array("q"), array("q")
        self._strands = bytearray()
        self._entry: Entry | None = None

    def add(self, entry: Entry, vectors: NDArray[np.float32]) -> None:
        if not self._each_base or entry is not self._entry:
            self._entry = entry
            self._texts["names"].add(entry.name)
            self._texts["sequences"].add(entry.sequence)
            self._starts.append(entry.start)
            self._ends.append(entry.end)
            self._strands += entry.strand.encode()
            self._offsets.append(self._count)
        self._count += vectors.size // self._channels
        self._vectors.write(np.ascontiguousarray(vectors, "<f4").data)

    def write(self, out: IO[bytes], about: str) -> None:
        """Put everything together."""
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name, texts in self._texts.items():
                with _member(archive, name, f"<U{texts.width}", (len(self._starts),)) as file:
                    texts.copy(file)
            arrays = {"starts": np.array(self._starts, "<i8"), "ends": np.array(self._ends, "<i8")}
            arrays["strands"] = np.array([chr(byte) for byte in self._strands], "<U1")
            if self._each_base:
                arrays["offsets"] = np.array([*self._offsets, self._count], "<i8")
            arrays["about"] = np.array(about)
            for name, values in arrays.items():
                with _member(archive, name, values.dtype.str, values.shape) as file:
                    file.write(values.tobytes())
            self._vectors.seek(0)
            with _member(archive, "vectors", "<f4", (self._count, self._channels)) as file:
                while block := self._vectors.read(_BLOCK):
                    file.write(block)


class _Texts:
    """Strings, one a line of a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.width = file, 1

    def add(self, text: str) -> None:
        self.width = max(self.width, len(text))
        self._file.write(text.encode() + b"\n")

    def copy(self, out: IO[bytes]) -> None:
        """Write them as an array of numpy has them."""
        self._file.seek(0)
        while lines := self._file.readlines(_LINES):
            texts = [line[:-1].decode() for line in lines]
            out.write(np.array(texts, f"<U{self.width}").tobytes())


@contextlib.contextmanager
def _member(archive: zipfile.ZipFile, name: str, descr: str, shape: tuple[int, ...]) -> Iterator[IO[bytes]]:
    """An array of the archive: its header is written, its values are to be."""
    with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as file:
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, header)
        yield file
