"""Every exception of genoseq, and the only place where messages get their form.

A message says what was found, where, what was expected and what to do. Library code raises these and never
prints or exits; `genoseq.cli.main` is the one place that turns them into a line on stderr and an exit code:

    GenoseqError           1   bad data: a file that cannot be read, an index that does not fit
      InputError           1   "reads.fq:4: ..."
      IndexFileError       1   an index folder that is damaged, foreign or stale
      CheckpointError      1   weights that are missing, damaged or of another model
      UsageError           2   an option out of range, a combination that makes no sense
        MissingDependencyError  2   a part that was not installed
    GenoseqWarning             a line on stderr, the run goes on
"""

from __future__ import annotations

import os

__all__ = [
    "CheckpointError",
    "GenoseqError",
    "GenoseqWarning",
    "IndexFileError",
    "InputError",
    "MissingDependencyError",
    "UsageError",
    "counted",
]


def counted(count: int, noun: str) -> str:
    """A number of things, for messages.

    Examples
    --------
    >>> counted(1, "read"), counted(1200, "read")
    ('1 read', '1,200 reads')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


class GenoseqError(Exception):
    """Base of every error that genoseq raises on purpose.

    Attributes
    ----------
    exit_code
        What the command line returns for it.
    """

    exit_code = 1


class InputError(GenoseqError):
    """A file or a sequence that cannot be used as it is.

    Parameters
    ----------
    message
        What was found, what was expected, what to do.
    path
        The file, as the user named it.
    line
        1-based number of the line in the (decompressed) file.
    read
        0-based number of the read in a batch's input (`ReadBatch.first` and more), for who knows the file.

    Examples
    --------
    >>> print(InputError("the quality line is short", "reads.fq", 4))
    reads.fq:4: the quality line is short
    >>> print(InputError("the file ends within a record", "reads.fq.gz"))
    reads.fq.gz: the file ends within a record
    """

    def __init__(
        self,
        message: str,
        path: str | os.PathLike[str] | None = None,
        line: int | None = None,
        *,
        read: int | None = None,
    ) -> None:
        super().__init__(message, path, line)
        self.message = message
        self.path = None if path is None else os.fspath(path)
        self.line = line
        self.read = read

    def __str__(self) -> str:
        if self.path is None:
            return self.message if self.line is None else f"line {self.line}: {self.message}"
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}"


class IndexFileError(GenoseqError):
    """An index that lost a part, is of another version, or belongs to another encoder or reference."""


class CheckpointError(GenoseqError):
    """Weights that are missing, damaged, or belong to another model."""


class UsageError(GenoseqError):
    """Options or arguments that cannot be obeyed."""

    exit_code = 2


class MissingDependencyError(UsageError):
    """An optional part of genoseq that is not installed.

    Examples
    --------
    >>> print(MissingDependencyError("--plot", "matplotlib", "plots"))  # doctest: +NORMALIZE_WHITESPACE
    --plot needs matplotlib, which is not installed: pip install 'genoseq[plots]'
    (from a clone: pip install '.[plots]')
    """

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(what, package, extra)
        self.what, self.package, self.extra = what, package, extra

    def __str__(self) -> str:
        return (
            f"{self.what} needs {self.package}, which is not installed: pip install 'genoseq[{self.extra}]' "
            f"(from a clone: pip install '.[{self.extra}]')"
        )


class GenoseqWarning(UserWarning):
    """Something the user should know; the result stands."""
