"""Opening files: any compression in by its content, every output whole or absent.

Input: the first bytes decide between plain text, gzip, BGZF, bzip2, xz and zstandard, never the file name, so
standard input works the same. What goes wrong below (a missing file, a cut or damaged compressed stream)
becomes an `InputError` that names the file.

Output: written under a temporary name in the same folder and renamed at the end, so a reader never meets half
a file, and a run that fails leaves the old file as it was. Devices and pipes are written directly. An output
that is an input, or another output, is refused before the run (`check_distinct`).
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.io.compression import DAMAGE, TrailingDataError, decompressed

__all__ = [
    "InputStream",
    "check_distinct",
    "check_inputs",
    "check_output",
    "naming_file",
    "open_input",
    "open_output",
    "replacing",
    "shown_path",
    "temporary_name",
]

StrPath = str | os.PathLike[str]

# The empty block that ends every BGZF file (SAM specification, section 4.1.2).
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_HEAD = 64  # enough for every magic number and a glimpse for messages
_BUFFER = 1 << 17
_STDIN, _STDOUT = 0, 1  # file descriptors
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
_EMPTY_NAME = "the name of a file to write is empty"


def shown_path(path: StrPath) -> str:
    """The name of a file in messages: the path as given, words for "-"."""
    return "standard input" if os.fspath(path) == "-" else os.fspath(path) or "''"


def input_error(error: OSError, path: StrPath) -> InputError:
    """An operating system error about `path` as one line."""
    if isinstance(error, FileNotFoundError):
        reason = "no such file"
    elif isinstance(error, PermissionError):
        reason = "no permission to read it"
    elif isinstance(error, IsADirectoryError):
        reason = "is a directory; a file is expected"
    else:
        reason = error.strerror or str(error) or type(error).__name__
    return InputError(reason, shown_path(path))


class _Source(io.RawIOBase):
    """The bytes of a file as they are stored, with the last few remembered for the check of the BGZF end."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        # standard input is buffered, and fills a large view in a loop that Ctrl-C does not end while it waits
        whole: Callable[[memoryview], int] = file.readinto  # type: ignore[attr-defined]
        self._readinto = getattr(file, "readinto1", whole)
        self.tail = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        count: int = self._readinto(view)
        last = bytes(view[max(0, count - len(_BGZF_END)) : count])
        self.tail = (self.tail + last)[-len(_BGZF_END) :]
        return count


class InputStream:
    """The decompressed bytes of a file, or of standard input for "-".

    Attributes
    ----------
    path
        How messages name the file.
    head
        The first bytes of the decompressed content (up to 64).
    """

    def __init__(self, path: StrPath, file: BinaryIO) -> None:
        self.path = shown_path(path)
        self._source = _Source(file)
        stored = io.BufferedReader(self._source, _BUFFER)
        try:
            magic = stored.peek(_HEAD)[:_HEAD]
        except OSError as error:  # standard input that is closed or a folder
            raise input_error(error, self.path) from error
        self._bgzf = magic[:4] == _BGZF_END[:4] and magic[10:16] == _BGZF_END[10:16]
        self._file: BinaryIO = decompressed(stored, magic)
        start = bytearray(_HEAD)
        count = self._fill(memoryview(start))
        self.head = bytes(start[:count])
        self._pending = self.head

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` from its start; less than its length comes only at the end of the file."""
        taken = min(len(self._pending), len(buffer))
        if taken:
            buffer[:taken] = self._pending[:taken]
            self._pending = self._pending[taken:]
        if taken == len(buffer):
            return taken
        return taken + self._fill(buffer[taken:])

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """1-based number and text of each line, without its end."""
        block, rest, number = memoryview(bytearray(_BUFFER)), b"", 0
        while count := self.readinto(block):
            *lines, rest = (rest + bytes(block[:count])).split(b"\n")
            for line in lines:
                number += 1
                yield number, line.removesuffix(b"\r")
        self.check_end(strict=False)
        if rest:
            yield number + 1, rest.removesuffix(b"\r")

    def check_end(self, *, strict: bool) -> None:
        """After the last byte: a BGZF file must end with its empty block.

        Illumina's bcl2fastq writes FASTQ in BGZF without it, so that is a warning; in BAM (`strict`) it is an
        error.
        """
        if not self._bgzf or self._source.tail == _BGZF_END:
            return
        if strict:
            raise InputError(
                "the BGZF end-of-file block is missing: the file is cut; copy it again", self.path
            )
        message = f"{self.path}: the BGZF end-of-file block is missing; the file may be cut"
        warnings.warn(message, GenoseqWarning, stacklevel=2)

    def _fill(self, buffer: memoryview) -> int:
        filled = 0
        try:
            while filled < len(buffer):
                count = self._file.readinto(buffer[filled:])  # type: ignore[attr-defined]
                if not count:
                    break
                filled += count
        except EOFError as error:
            raise InputError(
                "the compressed data ends early: the file is cut; copy it again", self.path
            ) from error
        except TrailingDataError as error:
            found = f"something else follows the compressed data ({error})"
            raise InputError(f"{found}; cut it off, or copy the file again", self.path) from error
        except DAMAGE as error:
            raise InputError(f"the compressed data is damaged ({error})", self.path) from error
        except OSError as error:
            if error.errno is None:  # from a decompressor, not from the system
                raise InputError(f"the compressed data is damaged ({error})", self.path) from error
            raise input_error(error, self.path) from error
        return filled

    def close(self) -> None:
        """Close the decompressor; the file below belongs to `open_input`."""
        self._file.close()


@contextlib.contextmanager
def open_input(path: StrPath) -> Iterator[InputStream]:
    """Open a file for reading, decompressed by its content; "-" is standard input.

    Raises
    ------
    InputError
        If it is missing, a directory, not permitted, or its compressed data is cut or damaged.
    """
    with contextlib.ExitStack() as stack:
        if os.fspath(path) == "-":
            file = cast("BinaryIO", sys.stdin.buffer)
        else:
            try:
                file = stack.enter_context(open(path, "rb", buffering=0))  # noqa: PTH123
            except OSError as error:
                raise input_error(error, path) from error
        stream = InputStream(path, file)
        stack.callback(stream.close)
        yield stream


def check_output(path: StrPath) -> None:
    """Refuse an output path early, before long work: missing folder, no permission, a directory.

    Raises
    ------
    InputError
        Naming the path and what stands in the way.
    UsageError
        If the name is empty.
    """
    if os.fspath(path) == "-":
        return
    if not os.fspath(path):
        raise UsageError(_EMPTY_NAME)
    target = Path(path)
    if target.is_dir():
        raise InputError("is a directory; the name of a file to write is expected", path)
    if target.exists() and not target.is_file():
        return  # a device or a pipe
    folder = _real(target).parent
    if not folder.is_dir():
        raise InputError(f"cannot be written: there is no folder {folder}; create it first", path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"cannot be written: no permission in the folder {folder}", path)


def check_inputs(paths: Iterable[StrPath | None]) -> None:
    """Refuse files that are not there before long work; "-" is standard input, None was not given.

    Raises
    ------
    InputError
        Naming the path.
    UsageError
        If two of them are standard input.
    """
    given = [path for path in paths if path is not None]
    if [os.fspath(path) for path in given].count("-") > 1:
        raise UsageError("only one file can be standard input")
    for path in given:
        if os.fspath(path) != "-" and not Path(path).exists():
            raise InputError("no such file", path)


def check_distinct(outputs: Mapping[str, StrPath | None], inputs: Iterable[StrPath | None] = ()) -> None:
    """Refuse outputs that would overwrite an input or each other, however they are spelled or linked.

    Parameters
    ----------
    outputs
        Path by option; "-" is standard output, None an option that was not given.
    inputs
        What the run reads; "-" is standard input, None an option that was not given.

    Raises
    ------
    UsageError
        Naming the path.
    """
    # only a file can be overwritten: a terminal or a socket may well be both standard input and output
    read = {_identity(path, _STDIN) for path in inputs if path is not None and _is_regular(path, _STDIN)}
    written: dict[object, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        if not os.fspath(path):
            raise UsageError(f"{option}: {_EMPTY_NAME}")
        file = _identity(path, _STDOUT)
        shown = "standard output" if os.fspath(path) == "-" else os.fspath(path)
        if file in read:
            raise UsageError(f"{option}: {shown} is an input of this run; write to another file")
        if file in written:
            raise UsageError(f"{written[file]} and {option} both go to {shown}; give each its own")
        written[file] = option


def _status(path: StrPath, standard: int) -> os.stat_result | None:
    try:
        return os.fstat(standard) if os.fspath(path) == "-" else Path(path).stat()
    except OSError:  # not there yet, or a closed stream: what opens it tells
        return None


def _is_regular(path: StrPath, standard: int) -> bool:
    status = _status(path, standard)
    return status is not None and stat.S_ISREG(status.st_mode)


def _identity(path: StrPath, standard: int) -> object:
    """What is equal for two paths of one file: device and inode, or the place of a file that is not there."""
    if os.fspath(path) == os.devnull:
        return object()  # takes any number of outputs
    status = _status(path, standard)
    return Path(path).resolve() if status is None else (status.st_dev, status.st_ino)


def temporary_name(path: StrPath) -> Path:
    """The name under which an output is written until it is complete: `.NAME.PID.tmp` in the same folder."""
    target = _real(Path(path))
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


@contextlib.contextmanager
def open_output(path: StrPath) -> Iterator[BinaryIO]:
    """Open a binary file that appears under its name only when the block ends without an error.

    Parameters
    ----------
    path
        File to write, replaced if it exists; "-" is standard output.

    Raises
    ------
    InputError
        As `check_output`.
    """
    if os.fspath(path) == "-":
        with naming_file("standard output"):
            yield cast("BinaryIO", sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return
    check_output(path)
    target = Path(path)
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        with naming_file(path), target.open("wb") as file:
            yield file
        return
    with naming_file(path), replacing(path) as temporary, temporary.open("wb") as file:
        yield file


@contextlib.contextmanager
def naming_file(path: StrPath) -> Iterator[None]:
    """Give a failing write the name of its file, which the system tells only when a file is opened."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _CANNOT_WRITE:
            error.filename = os.fspath(path)
        raise


@contextlib.contextmanager
def replacing(path: StrPath) -> Iterator[Path]:
    """A temporary path that takes the place of `path` at the end, or is removed after an error."""
    target = _real(Path(path))
    temporary = temporary_name(path)
    try:
        yield temporary
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _real(path: Path) -> Path:
    """Follow links, so that a link to an output stays a link."""
    return path.resolve() if path.is_symlink() else path
