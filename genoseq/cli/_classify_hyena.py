"""`genoseq classify --method hyena`: sequences through a fine-tuned network."""

from __future__ import annotations

import argparse
from collections import Counter, deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from genoseq.errors import MissingDependencyError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genoseq.hyena.classifier import HyenaClassifier

__all__ = ["classify"]


def classify(args: argparse.Namespace) -> dict[str, Any]:
    """Write the table and give the summary."""
    try:
        import torch

        from genoseq.hyena.classifier import HyenaClassifier
        from genoseq.hyena.tokenizer import warn_of_others
        from genoseq.io.table import write_tsv
    except ImportError as error:
        if error.name not in ("torch", "safetensors"):
            raise
        raise MissingDependencyError("--method hyena", error.name, "models") from error
    torch.set_num_threads(args.threads)
    classifier = HyenaClassifier.load(
        args.model, classes=args.classes or (), device=args.device, precision=args.precision
    )
    totals: Counter[str] = Counter()
    columns = ["name", "label", *(f"p_{name}" for name in classifier.classes)]
    write_tsv(args.output, columns, _rows(args, classifier, totals))
    warn_of_others(totals["others"])
    return {
        "model": classifier.model.name,
        "device": str(classifier.model.device),
        "precision": classifier.model.precision,
        "sequences": totals["sequences"],
        "bases": totals["bases"],
        "read_as_n": totals["others"],
        "labels": {name: totals[f"label {name}"] for name in classifier.classes},
    }


def _rows(
    args: argparse.Namespace, classifier: HyenaClassifier, totals: Counter[str]
) -> Iterator[list[object]]:
    """The lines of the table, in the order of the file."""
    from genoseq.cli._progress import Progress
    from genoseq.cli._records import read_records

    names: deque[str] = deque()  # of what is on its way
    with Progress("classifying", "bp", quiet=args.quiet) as progress:

        def tokens() -> Iterator[NDArray[np.uint8]]:
            for record in read_records(args.sequences):
                names.append(record.sequence)
                totals["sequences"] += 1
                totals["bases"] += len(record.tokens)
                totals["others"] += record.others
                progress.add(len(record.tokens))
                yield record.tokens

        for shares in classifier.stream(tokens()):
            label = classifier.classes[shares.argmax()]
            totals[f"label {label}"] += 1
            yield [names.popleft(), label, *shares]
