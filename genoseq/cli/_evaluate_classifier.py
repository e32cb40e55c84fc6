"""`genoseq classify --evaluate`: how good a method is on labelled sequences, beside simple rivals."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from genoseq.cli._compression import unfitted
from genoseq.cli._tables import aligned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genoseq.io.labelled import Labelled
    from genoseq.supervised.comparison import Comparison
    from genoseq.supervised.duplicates import DuplicateReport
    from genoseq.supervised.runs import Run

__all__ = ["evaluate"]

FOLDS = 5


def evaluate(args: argparse.Namespace, data: Labelled) -> dict[str, Any]:
    """Cross-validate the method and its rivals, tell the figures, draw them; what the report says of it.

    Raises
    ------
    InputError
        If a class has too few sequences (or clusters of them) for so many folds.
    """
    from genoseq.cli._plot import save_plot
    from genoseq.cli._progress import Progress
    from genoseq.ncd.rivals import rivals
    from genoseq.supervised.comparison import compare
    from genoseq.supervised.duplicates import find_duplicates
    from genoseq.supervised.homology import homology_clusters, protein_clusters

    clusters = (protein_clusters if data.alphabet == "protein" else homology_clusters)(data.codes)
    twins = find_duplicates(data.codes, data.labels, clusters=clusters)
    runs = _folds(args, data, clusters)
    method = unfitted(args).set_params(reject=None if args.method == "ncd" else 0)
    name = args.method if args.method == "relative" else f"ncd, {method.compressor.name}"
    methods = {name: method, **rivals(data.alphabet)}
    with Progress("evaluating", "sequences", len(data) * len(methods), quiet=args.quiet) as progress:
        found = compare(methods, data.texts, data.labels, runs, progress=progress.add, seed=args.seed)
    if not args.quiet:
        # labels may be on their way to standard output
        print("\n".join(_told(args, found, twins)), file=sys.stdout if args.sequences is None else sys.stderr)
    if args.plot:
        from genoseq.plots import comparison_figure

        save_plot(comparison_figure(found, name), args.plot)
    return {
        "split": args.split or "homology",
        "folds": len(runs),
        **found.to_dict(),
        "duplicates": twins.to_dict(),
    }


def _folds(args: argparse.Namespace, data: Labelled, clusters: NDArray[np.int64]) -> list[Run]:
    """Parts that share no sequence, no group of the user and, unless the split is random, no cluster."""
    from genoseq.supervised.runs import Run
    from genoseq.supervised.splits import fold_splits, groups_of, linked

    groups = groups_of(data.codes, data.groups)
    if args.split != "random":
        groups = linked(groups, clusters)
    splits = fold_splits(
        data.numbers(data.classes),
        groups,
        args.cv or FOLDS,
        validation=0,
        seed=args.seed,
        classes=data.classes,
    )
    return [Run(f"fold {number}", args.seed, split) for number, split in enumerate(splits, 1)]


def _told(args: argparse.Namespace, found: Comparison, twins: DuplicateReport) -> list[str]:
    """The figures as lines."""
    kept = "equal ones" if args.split == "random" else "those that resemble each other"
    own = twins.rows[0]
    again, near = own.same + own.opposite, own.same + own.opposite + own.near
    lines = [
        f"{twins.sequences:,} sequences, {again:,} occur again, {near:,} have another that resembles them; "
        f"{own.contradicted:,} occur with another label",
        f"{len(found.splits)} folds, {kept} on one side; 95 % intervals:",
    ]
    columns, rows = found.table()
    table = [["", *columns[1:4]], *(row[:4] for row in rows)]
    lines += aligned(table)
    first = found.methods[0]
    classes = list(found.classes)
    counts = zip(classes, first.metrics.confusion, strict=True)
    confusion = [["", *classes], *([name, *map(str, row)] for name, row in counts)]
    return [*lines, f"{first.method}: true class by row, predicted class by column:", *aligned(confusion)]
