"""`genoseq classify --method relative` and `ncd`: sequences by what they cost."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from genoseq.cli._compression import unfitted
from genoseq.cli._labelled import check_labelled, columns_of
from genoseq.errors import InputError

if TYPE_CHECKING:
    from genoseq.io.labelled import Labelled
    from genoseq.ncd.saved import Saved

__all__ = ["classify", "fitted", "read_model", "read_training_set"]

NONE = "none"
_PART = 1 << 17  # letters that are judged at once, at least: what a thread takes
_DIGITS = 6  # of a probability: no more is known of it
_MANY = 512  # sequences of a part, at most


def read_training_set(args: argparse.Namespace, path: str) -> Labelled:
    """The labelled table, with two classes at least.

    Raises
    ------
    InputError
    """
    from genoseq.io.labelled import read_labelled

    data = read_labelled(path, columns_of(args), alphabet=args.alphabet)
    check_labelled(data)
    return data


def fitted(args: argparse.Namespace, data: Labelled) -> Saved:
    """The classifier that the options describe, fitted.

    Raises
    ------
    UsageError
        If it cannot be with so many sequences.
    InputError
        If a class is called as what is rejected.
    """
    from genoseq.ncd.saved import Saved

    if args.reject is not None and NONE in data.classes:
        raise InputError(
            f"a class is called {NONE!r}, as what --reject refuses; call it otherwise", data.source
        )
    model = unfitted(args).fit(data.texts, data.labels)
    return Saved(args.method, args.alphabet, model, data.names)


def read_model(args: argparse.Namespace) -> Saved:
    """The classifier of a folder.

    Raises
    ------
    CheckpointError
        If it is damaged, or of another version.
    """
    from genoseq.ncd.neighbours import NCDClassifier
    from genoseq.ncd.saved import load_classifier

    found = load_classifier(args.model)
    if isinstance(found.model, NCDClassifier):
        found.model.n_jobs = args.threads
    return found


@dataclass
class _Totals:
    sequences: int = 0
    letters: int = 0
    others: int = 0
    labels: Counter[str] = field(default_factory=Counter)


def classify(args: argparse.Namespace, ready: Saved) -> dict[str, Any]:
    """Write the table and give the summary."""
    import warnings

    from genoseq.errors import GenoseqWarning, counted
    from genoseq.io.table import write_tsv

    totals = _Totals()
    write_tsv(args.output, _columns(ready), _rows(args, ready, totals))
    if totals.others:
        letter, kind = ("X", "an amino acid") if ready.alphabet == "protein" else ("N", "A, C, G, T")
        found = (
            f"{counted(totals.others, 'letter')} that {'is' if totals.others == 1 else 'are'} neither {kind}"
        )
        warnings.warn(f"{found} nor {letter}: read as {letter}", GenoseqWarning, stacklevel=2)
    names = [str(name) for name in ready.model.classes_]
    return {
        "model": args.model,
        "train": args.train,
        "alphabet": ready.alphabet,
        "sequences": totals.sequences,
        "residues" if ready.alphabet == "protein" else "bases": totals.letters,
        "read_as_x" if ready.alphabet == "protein" else "read_as_n": totals.others,
        "labels": {name: totals.labels[name] for name in names},
        "rejected": totals.labels[NONE] if _is_rejecting(ready) else None,
    }


def _columns(ready: Saved) -> list[str]:
    own = ["nearest", "distance"] if ready.method == "ncd" else ["evidence"]
    return ["name", "label", *own, *(f"p_{name}" for name in ready.model.classes_)]


def _is_rejecting(ready: Saved) -> bool:
    return bool(ready.model.reject)


def _rows(args: argparse.Namespace, ready: Saved, totals: _Totals) -> Iterator[list[object]]:
    """The lines of the table, in the order of the file."""
    from genoseq.cli._progress import Progress

    unit = "residues" if ready.alphabet == "protein" else "bp"
    with Progress("classifying", unit, quiet=args.quiet) as progress:
        for names, texts, rows in _judged(args, ready, totals):
            for name, row in zip(names, rows, strict=True):
                totals.labels[str(row[0])] += 1
                yield [name, *row]
            progress.add(sum(map(len, texts)))


def _judged(
    args: argparse.Namespace, ready: Saved, totals: _Totals
) -> Iterator[tuple[list[str], list[str], list[list[object]]]]:
    """Names, sequences and rows of each part; as many parts at once as there are threads."""
    parts = _parts(args, ready, totals)
    if ready.method == "ncd" or args.threads == 1:  # NCDClassifier has threads of its own
        for names, texts in parts:
            yield names, texts, _rows_of(ready, texts)
        return
    with ThreadPoolExecutor(args.threads) as pool:
        while several := list(islice(parts, args.threads)):
            found = pool.map(lambda part: _rows_of(ready, part[1]), several)
            for (names, texts), rows in zip(several, found, strict=True):
                yield names, texts, rows


def _parts(args: argparse.Namespace, ready: Saved, totals: _Totals) -> Iterator[tuple[list[str], list[str]]]:
    names, texts, letters = list[str](), list[str](), 0
    for name, text in _read(args.sequences, ready.alphabet, totals):
        names.append(name)
        texts.append(text)
        letters += len(text)
        if letters >= _PART or len(texts) == _MANY:
            yield names, texts
            names, texts, letters = [], [], 0
    if texts:
        yield names, texts


def _read(path: str, alphabet: str, totals: _Totals) -> Iterator[tuple[str, str]]:
    """Name and letters of each sequence, counted."""
    if alphabet == "protein":
        from genoseq.io.proteins import read_proteins
        from genoseq.protein import UNKNOWN, encode_protein

        for name, text, _ in read_proteins(path):
            totals.sequences += 1
            totals.letters += len(text)
            totals.others += int((encode_protein(text) == UNKNOWN).sum()) - text.count("X")
            yield name, text
        return
    from genoseq.cli._records import read_nucleotides
    from genoseq.sequence import decode

    for name, codes, others in read_nucleotides(path):
        totals.sequences += 1
        totals.letters += len(codes)
        totals.others += others
        yield name, decode(codes)


def _rows_of(ready: Saved, texts: list[str]) -> list[list[object]]:
    """Label, what speaks for it, and the probabilities."""
    from genoseq.ncd.neighbours import NCDClassifier

    if isinstance(ready.model, NCDClassifier):
        near = ready.model.judge(texts)
        nearest = [ready.names[number] for number in near.numbers[:, 0]]
        return [
            list(row) + shares.tolist()
            for *row, shares in zip(
                near.labels, nearest, near.distances[:, 0], near.probabilities, strict=True
            )
        ]
    found = ready.model.judge(texts)
    labels = ready.model.classes_[found.probabilities.argmax(1)].astype(object)
    shares_of_all = found.probabilities.round(_DIGITS)
    if _is_rejecting(ready):
        labels[~found.accepted] = NONE
    return [
        [label, evidence, *shares]
        for label, evidence, shares in zip(labels, found.evidence, shares_of_all, strict=True)
    ]
