"""`genoseq classify --evaluate`: how good a method is on labelled sequences, beside simple rivals."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from genoseq.cli._compression import unfitted
from genoseq.cli._tables import aligned

if TYPE_CHECKING:
    from genoseq.io.labelled import Labelled
    from genoseq.supervised.comparison import Comparison
    from genoseq.supervised.duplicates import DuplicateReport

__all__ = ["evaluate"]

FOLDS = 5


def evaluate(args: argparse.Namespace, data: Labelled) -> dict[str, Any]:
    """Cross-validate the method and its rivals, tell the figures, draw them; what the report says of it.

    Raises
    ------
    InputError
        If a class has too few sequences (or clusters of them) for so many folds.
    """
    import numpy as np

    from genoseq.cli._plot import save_plot
    from genoseq.cli._progress import Progress
    from genoseq.ncd.rivals import rivals
    from genoseq.supervised.comparison import compare
    from genoseq.supervised.duplicates import find_duplicates
    from genoseq.supervised.runs import planned_runs, with_homologs

    kept = with_homologs(data)
    twins = find_duplicates(data.codes, data.labels, clusters=np.array(kept.groups, np.int64))
    runs = planned_runs(
        data if args.split == "random" else kept, np.zeros(len(data), np.int64), data.classes,
        seed=args.seed, folds=args.cv or FOLDS, validation=0,
    )  # fmt: skip
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
