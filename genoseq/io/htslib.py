"""The two pipes to htslib: decompressed files into pysam, text into samtools and bcftools.

In: the bytes of an `InputStream` go through a pipe that pysam reads, so that standard input, compression and
cut files behave as for every other format. Out: text goes to the samtools or bcftools inside pysam, in a
process of its own, which parses, sorts, compresses and indexes. In this process it would hold the
interpreter's lock while it waits for the text, and so wait for ever.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genoseq.errors import GenoseqError, InputError, UsageError
from genoseq.io.files import InputStream, StrPath, replacing

__all__ = ["HtslibFeed", "HtslibWriter", "destination", "feeding", "remove_indexes"]

_PIPE_BLOCK = 1 << 16
_INDEX_MARK = b"##idx##"  # htslib: HTS_IDX_DELIM


class HtslibFeed(threading.Thread):
    """Copies a decompressed file into a pipe; keeps an error for the reader.

    Attributes
    ----------
    pipe
        For htslib to read.
    header_lines
        Lines that start with '#' among what was copied: the header, in formats that have such.
    """

    def __init__(self, stream: InputStream, first: bytes) -> None:
        super().__init__(name="genoseq-htslib-feed", daemon=True)
        read_end, self._write_end = os.pipe()
        self.pipe: FileIO = os.fdopen(read_end, "rb", buffering=0)
        self.header_lines = 0
        self._stream, self._first = stream, first
        self._error: InputError | None = None

    def run(self) -> None:
        """Copy until the end, or until nobody reads any more."""
        block = memoryview(bytearray(_PIPE_BLOCK))
        before = b"\n"
        try:
            if self._first:
                os.write(self._write_end, self._first)
            while count := self._stream.readinto(block):
                copied = bytes(block[:count])
                self.header_lines += (before + copied).count(b"\n#")
                before = copied[-1:]
                written = 0
                while written < count:
                    written += os.write(self._write_end, block[written:count])
            self._stream.check_end(strict=True)
        except InputError as error:
            self._error = error
        except BrokenPipeError:
            pass  # the reader stopped early; its own error, if any, is the one to tell
        finally:
            os.close(self._write_end)

    def stop(self) -> InputError | None:
        """End the copying, also in the midst of a file; what was wrong with the file, if anything."""
        self.pipe.close()  # first: the thread may wait for somebody to read
        self.join()
        return self._error


@contextlib.contextmanager
def feeding(stream: InputStream, first: bytes = b"") -> Iterator[HtslibFeed]:
    """Copy a file into a pipe for htslib, which keeps its messages to itself for that time.

    Parameters
    ----------
    stream
        An open file.
    first
        Bytes to put before it.
    """
    import pysam

    verbosity = pysam.set_verbosity(0)  # htslib would write to stderr; the exception tells the same
    feed = HtslibFeed(stream, first)
    feed.start()
    try:
        yield feed
    finally:
        feed.stop()
        pysam.set_verbosity(verbosity)


@contextlib.contextmanager
def destination(path: StrPath) -> Iterator[tuple[str, Path | None]]:
    """Where the program writes, and a folder beside it for its pieces; None for a pipe or a device.

    Raises
    ------
    UsageError
        If htslib does not write to such a name.
    """
    if os.fspath(path) == "-" or (Path(path).exists() and not Path(path).is_file()):
        yield os.fspath(path), None
        return
    real = Path(path).resolve()
    _check_name(path, os.fsencode(real))
    with (
        tempfile.TemporaryDirectory(prefix=f".{real.name}.", suffix=".tmp", dir=real.parent) as folder,
        replacing(path) as temporary,
    ):
        target = Path(folder, real.name)
        yield os.fspath(target), Path(folder)
        target.replace(temporary)


def _check_name(path: StrPath, real: bytes) -> None:
    """Refuse names that htslib takes for something else."""
    if _INDEX_MARK in real:
        mark = _INDEX_MARK.decode()
        found = f"for htslib the name of an index begins behind {mark}"
        raise UsageError(f"{os.fspath(path)}: {found}; take another name")
    try:
        real.decode("utf-8")
    except UnicodeDecodeError as error:
        found = "the path is not UTF-8, as htslib needs it"
        raise UsageError(f"{os.fspath(path)}: {found}; take another name") from error


def remove_indexes(path: StrPath, suffixes: tuple[str, ...]) -> None:
    """Remove the indexes of a file that is about to be replaced: readers would trust them."""
    for file in {Path(path), Path(path).resolve()}:
        for suffix in suffixes:
            file.with_name(file.name + suffix).unlink(missing_ok=True)
            file.with_suffix(suffix).unlink(missing_ok=True)


class HtslibWriter:
    """Text piped to a program of htslib; a context manager that waits for it.

    Parameters
    ----------
    program
        "samtools" or "bcftools".
    arguments
        Its command and options; it reads standard input.
    path
        The output, for messages; "-" is standard output.
    what
        What is written, for messages.
    """

    _PROGRAM = """import sys, pysam.samtools, pysam.bcftools, pysam.utils
try:
    getattr(getattr(pysam, sys.argv[1]), sys.argv[2])(*sys.argv[3:], catch_stdout=False)
except pysam.utils.SamtoolsError as error:
    sys.exit(error.value.partition("stderr=")[2])  # what the program itself wrote there
"""

    def __init__(self, program: str, arguments: list[str], path: str, what: str) -> None:
        self._program, self._what = program, what
        self._path = "standard output" if path == "-" else path
        # -P: a file pysam.py in the working folder does not get in the way
        command = [sys.executable, "-P", "-c", self._PROGRAM, program, *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self._complaint = b""
        self._listener = threading.Thread(target=self._listen, name="genoseq-htslib-stderr", daemon=True)
        self._listener.start()

    def write(self, block: bytes | npt.NDArray[np.uint8], /) -> None:
        """Pass text on."""
        view = block.data if isinstance(block, np.ndarray) else memoryview(block)
        try:
            while view:
                view = view[self._process.stdin.write(view) :]  # type: ignore[union-attr]
        except BrokenPipeError:
            self._finish()
            raise

    def __enter__(self) -> HtslibWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._process.kill()
            self._process.stdin.close()  # type: ignore[union-attr]
            self._process.wait()
            self._listener.join()
        else:
            self._finish()

    def _listen(self) -> None:
        with self._process.stderr as complaints:  # type: ignore[union-attr]
            self._complaint = complaints.read()

    def _finish(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()  # type: ignore[union-attr]
        code = self._process.wait()
        self._listener.join()
        if code != 0:
            lines = self._complaint.decode(errors="replace").splitlines()
            said = "; ".join(line for line in lines if line and not line.startswith(("Traceback", " ")))
            if "Broken pipe" in said:
                raise BrokenPipeError
            raise GenoseqError(f"{self._path}: {self._program} could not write the {self._what}: {said}")
