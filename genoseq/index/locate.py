"""Which index a run uses: the one named, else the one beside the reference, else $GENOSEQ_INDEX, else the
user's default.

No genome is ever guessed: with none of these, the error says how to make an index.
"""

from __future__ import annotations

import os
from pathlib import Path

from genoseq.errors import InputError, UsageError

ENVIRONMENT = "GENOSEQ_INDEX"
SUFFIX = ".gsx"

_ADVICE = """no index given. Make one, then name it or make it the default:
  genoseq index genome.fa.gz -o genome.gsx
  genoseq align -x genome.gsx reads.fq.gz
  genoseq index genome.fa.gz -o genome.gsx --default"""


def default_file() -> Path:
    """The file that names the user's default index (under $XDG_CONFIG_HOME, else ~/.config)."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "genoseq" / "default_index"


def set_default(index: str | Path) -> Path:
    """Make `index` the user's default; returns the file that now says so."""
    file = default_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{Path(index).resolve()}\n")
    return file


def default_index() -> Path:
    """The index of the environment, or the user's default.

    Raises
    ------
    UsageError
        If there is none.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named)
    file = default_file()
    text = file.read_text().strip() if file.is_file() else ""
    if not text:
        raise UsageError(_ADVICE)
    return Path(text)


def index_beside(reference: str | Path) -> Path:
    """Where the index of a reference is kept: beside it, ``REF.gsx`` without the suffixes of FASTA and
    compression.

    Raises
    ------
    UsageError
        For standard input ("-"), which has no place.
    InputError
        For a folder.

    Examples
    --------
    >>> index_beside("genomes/ecoli.fa.gz").as_posix()
    'genomes/ecoli.gsx'
    """
    path = Path(reference)
    if os.fspath(reference) == "-":
        raise UsageError("standard input has no name for its index: genoseq index - -o REF.gsx")
    if path.is_dir():
        raise InputError("is a folder; a genome in FASTA is expected (an index is named with -x)", reference)
    name = path.name
    for suffix in (".gz", ".bgz", ".zst"):
        name = name.removesuffix(suffix)
    for suffix in (".fa", ".fasta", ".fna"):
        name = name.removesuffix(suffix)
    return path.with_name(name + SUFFIX)


def shard_beside(reference: str | Path, number: int, of: int) -> Path:
    """Where a shard of the index of a reference is written if nothing else is said.

    Raises
    ------
    UsageError, InputError
        As `index_beside`.

    Examples
    --------
    >>> shard_beside("genomes/ecoli.fa.gz", 2, 4).as_posix()
    'genomes/ecoli.2-of-4.shard'
    """
    if os.fspath(reference) == "-":
        raise UsageError(
            f"standard input has no name for a shard: genoseq index - --shard {number}/{of} -o {number}.shard"
        )
    index = index_beside(reference)
    return index.with_name(f"{index.stem}.{number}-of-{of}.shard")
