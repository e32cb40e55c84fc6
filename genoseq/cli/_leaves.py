"""The leaves of a tree: sequences of files, or of the records of files, as texts to compress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genoseq.errors import InputError, UsageError

__all__ = ["Leaf", "read_leaves"]

_BETWEEN = {"dna": "N", "protein": "*"}
"""Between the records of a file: no copy goes past it, and it is a letter of the alphabet."""


@dataclass(frozen=True)
class Leaf:
    """What stands at the end of a branch.

    Attributes
    ----------
    name, file : str
    text : bytes
        Its sequences with a letter between.
    sequences, letters : int
    others : int
        Letters that were read as N (of proteins as X).
    """

    name: str
    file: str
    text: bytes
    sequences: int
    letters: int
    others: int


def read_leaves(paths: Sequence[str], each: str, alphabet: str) -> list[Leaf]:
    """Read files of sequences, in the order given.

    Parameters
    ----------
    paths
        FASTA, of DNA also FASTQ, SAM and BAM, compressed or not. "-" is standard input.
    each
        What a leaf is: "file", called after it without endings such as ``.fa.gz``, or "record".
    alphabet
        "dna" or "protein".

    Raises
    ------
    InputError
        If a file cannot be read, there is no sequence in it, or two records have one name.
    UsageError
        If two files have one name, or standard input is to be a leaf.
    """
    if each == "file" and "-" in paths:
        raise UsageError(
            "standard input has no name to call a leaf after; --each record takes that of records"
        )
    leaves: dict[str, Leaf] = {}
    for path in paths:
        for leaf in _of_file(path, each, alphabet):
            other = leaves.get(leaf.name)
            if other is None:
                if not leaf.name.isprintable():
                    raise InputError(f"the name {leaf.name!r} holds what cannot be printed; rename it", path)
                leaves[leaf.name] = leaf
            elif each == "record":
                where = "again" if other.file == leaf.file else f"as in {other.file}"
                raise InputError(f"a record is called {leaf.name!r} {where}; names must differ", path)
            else:
                raise UsageError(
                    f"{other.file} and {path} would both be leaf {leaf.name!r}: a leaf is called after its "
                    "file; rename one"
                )
    return list(leaves.values())


def _of_file(path: str, each: str, alphabet: str) -> Iterator[Leaf]:
    from genoseq.io.labelled import read_class_files

    found = read_class_files([path], alphabet=alphabet)
    if not len(found):
        raise InputError("there is no sequence in it; leave it out", path)
    texts = found.texts
    if each == "file":
        joined = _BETWEEN[alphabet].join(texts).encode()
        yield Leaf(found.labels[0], path, joined, len(texts), sum(map(len, texts)), found.others)
        return
    for number, (name, text) in enumerate(zip(found.names, texts, strict=True)):
        yield Leaf(name, path, text.encode(), 1, len(text), 0 if number else found.others)
