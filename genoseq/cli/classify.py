"""Say which class sequences belong to.

Each record of a FASTA, FASTQ, 2bit, SAM or BAM file gets the label of its most probable class, and the
probability of every class. Lower case counts as upper case, IUPAC codes other than A, C, G, T are read as N.

--method hyena: a HyenaDNA model with a head, made by `genoseq train hyena-classifier`. Sequences longer than
its windows are read in windows, of which the mean counts; both strands are read unless the classes depend on
the strand. A published classifier that does not tell its classes calls them "class 0", "class 1"; --classes
names them.

Examples:
  genoseq classify reads.fa --method hyena -m run/ -o labels.tsv
  genoseq classify contigs.fa.gz --method hyena -m weights.safetensors --classes prokaryote eukaryote
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from genoseq.cli._hyena import add_device_options
from genoseq.errors import MissingDependencyError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genoseq.hyena.classifier import HyenaClassifier

METHODS = ("hyena",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq classify`."""
    parser.add_argument(
        "sequences", metavar="SEQS", help="FASTA, FASTQ, 2bit, SAM or BAM, any compression; - for stdin"
    )
    parser.add_argument("--method", choices=METHODS, required=True, help="how: hyena, a fine-tuned network")
    model = parser.add_argument_group("Model (--method hyena)")
    model.add_argument(
        "-m",
        "--model",
        required=True,
        metavar="MODEL",
        help="folder of genoseq train hyena-classifier, or file of weights with a head",
    )
    model.add_argument(
        "--classes", nargs="+", metavar="NAME", help="names of the classes, for weights that do not tell them"
    )
    add_device_options(model)
    output = parser.add_argument_group("Output")
    output.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="TSV: name, label, and the probability of each class in a column p_CLASS; - for stdout",
    )


def run(args: argparse.Namespace) -> None:
    """Classify and write the table, whole or not at all."""
    from genoseq.io.files import check_distinct, check_output

    check_distinct({"-o": args.output, "--json": args.json}, [args.sequences])
    for path in (args.output, args.json):
        if path is not None:
            check_output(path)
    try:
        import torch

        from genoseq.hyena.classifier import HyenaClassifier
        from genoseq.hyena.tokenizer import warn_of_others
        from genoseq.io.table import write_json, write_tsv
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
    labels = {name: totals[f"label {name}"] for name in classifier.classes}
    if args.json:
        write_json(args.json, _summary(args, classifier, totals, labels))
    if not args.quiet:
        found = ", ".join(f"{name} {count:,}" for name, count in labels.items())
        words = f"{totals['sequences']:,} sequences, {totals['bases']:,} bp: {found}"
        print(f"genoseq classify: {words}", file=sys.stderr)


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


def _summary(
    args: argparse.Namespace, classifier: HyenaClassifier, totals: Counter[str], labels: dict[str, int]
) -> dict[str, Any]:
    return {
        "command": "classify",
        "command_line": args.command_line,
        "method": args.method,
        "model": classifier.model.name,
        "device": str(classifier.model.device),
        "precision": classifier.model.precision,
        "sequences": totals["sequences"],
        "bases": totals["bases"],
        "read_as_n": totals["others"],
        "labels": labels,
    }
