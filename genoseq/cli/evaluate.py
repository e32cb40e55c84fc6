"""Compare alignments with the known origin of the reads: accuracy, calibration of MAPQ, recall.

Takes SAM, BAM or PAF of any aligner. The origin stands in the names of reads made by `genoseq simulate`; real
reads are compared with the alignments of another program (--against). A read is right when it is placed
within --distance of its origin, on its contig and strand.

Examples:
  genoseq evaluate reads.bam
  genoseq evaluate d00.sam d10.sam d20.sam --pool --plot calibration.png --json report.json
  genoseq evaluate ours.bam --against bwa.bam --min-mapq 20
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from genoseq.cli._options import bounded_int
from genoseq.cli._plot import check_plot, save_plot

if TYPE_CHECKING:
    from genoseq.evaluate import Evaluation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq evaluate`."""
    parser.add_argument(
        "alignments", nargs="+", metavar="FILE", help="SAM, BAM or PAF, any compression; - for stdin"
    )
    right = parser.add_argument_group("What is right")
    right.add_argument(
        "--distance",
        type=bounded_int(0),
        default=60,
        metavar="BP",
        help="largest distance from the true start that is right",
    )
    right.add_argument(
        "--reads",
        type=bounded_int(0),
        metavar="N",
        help="how many reads were aligned; those missing from a file count as not placed",
    )
    right.add_argument(
        "--foreign", action="store_true", help="no read belongs to this genome: every placement is wrong"
    )
    right.add_argument(
        "--against", metavar="FILE", help="take the placements in this SAM, BAM or PAF as right"
    )
    right.add_argument(
        "--min-mapq",
        type=bounded_int(0, 255),
        default=20,
        metavar="Q",
        help="lowest MAPQ in the file of --against to believe",
    )
    output = parser.add_argument_group("Output")
    output.add_argument(
        "--labels", metavar="A,B,..", help="names for the files in tables and plots (default: their paths)"
    )
    output.add_argument(
        "--pool", action="store_true", help="one MAPQ table and one curve for all files together"
    )
    output.add_argument(
        "--tsv", metavar="FILE", help="write the summary, one line for each file (- for stdout)"
    )
    output.add_argument("--plot", metavar="FILE", help="draw calibration and recall (.png, .svg or .pdf)")


def run(args: argparse.Namespace) -> None:
    """Evaluate the files and write the reports."""
    labels = _check(args)

    from genoseq.evaluate import evaluate, evaluate_against, placements_of
    from genoseq.io.files import naming_file
    from genoseq.io.table import write_json, write_tsv
    from genoseq.plots import report_figure

    places = placements_of(args.against, min_mapq=args.min_mapq) if args.against else None
    results = []
    for path, label in zip(args.alignments, labels, strict=True):
        if places is not None:
            result = evaluate_against(path, places, distance=args.distance, label=label)
        else:
            result = evaluate(
                path, distance=args.distance, reads=args.reads, foreign=args.foreign, label=label
            )
        _warn(result, path, args.reads)
        results.append(result)
    shown = results
    if args.pool and len(results) > 1:
        pooled = sum(results[1:], start=results[0])
        pooled.label = "all files"
        shown = [pooled]
    if args.plot:
        save_plot(report_figure(shown), args.plot)
    if args.tsv:
        rows = [result.summary() for result in results]
        cells = [["" if value is None else value for value in row.values()] for row in rows]
        columns = ["label", *rows[0]]
        write_tsv(args.tsv, columns, [[r.label, *row] for r, row in zip(results, cells, strict=True)])
    if args.json:
        report: dict[str, object] = {"command": "evaluate", "command_line": args.command_line}
        report["distance"] = args.distance
        report["files"] = [result.to_dict() for result in results]
        if shown is not results:
            report["pooled"] = shown[0].to_dict()
        write_json(args.json, report)
    if "-" not in (args.json, args.tsv) and not args.quiet:
        tables = [_summary_text(results, against=args.against is not None)]
        tables += [text for result in shown if (text := _calibration_text(result))]
        with naming_file("standard output"):
            print("\n".join(tables), end="")


def _check(args: argparse.Namespace) -> list[str]:
    """Refuse what makes no sense before long work; the labels of the files."""
    from genoseq.errors import UsageError
    from genoseq.io.files import check_distinct, check_output

    if args.against and (args.foreign or args.reads is not None):
        raise UsageError("--against takes the reads of the other file: leave --foreign and --reads out")
    inputs = [*args.alignments, *([args.against] if args.against else [])]
    if inputs.count("-") > 1:
        raise UsageError("standard input (-) can be read only once")
    check_plot(args.plot)
    outputs = {"--json": args.json, "--tsv": args.tsv, "--plot": args.plot}
    check_distinct(outputs, inputs)
    for path in outputs.values():
        if path:
            check_output(path)
    labels = args.labels.split(",") if args.labels else list(args.alignments)
    if len(labels) != len(args.alignments):
        raise UsageError(f"--labels: {len(labels)} names for {len(args.alignments)} files")
    return labels


def _warn(result: Evaluation, path: str, reads: int | None) -> None:
    import warnings

    from genoseq.errors import GenoseqWarning

    if result.reads + result.foreign_reads == 0:
        warnings.warn(f"{path}: no reads to judge", GenoseqWarning, stacklevel=2)
    elif path.endswith((".paf", ".paf.gz")) and reads is None:
        found = f"{path}: PAF leaves reads out that were not placed; give --reads for true shares"
        warnings.warn(found, GenoseqWarning, stacklevel=2)


def _percent(share: float | int | None, digits: int = 2) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}"


def _table(rows: list[list[str]]) -> str:
    """Columns side by side: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = (
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _summary_text(results: list[Evaluation], *, against: bool) -> str:
    rows = [result.summary() for result in results]
    right = "agree %" if against else "right %"
    head = ["", "reads", "placed %", right, "right, MAPQ>=20 %", "wrong, MAPQ>=20 %"]
    keys = ["mapped", "right", "right_confident", "wrong_confident"]
    foreign = any(row["foreign_reads"] for row in rows)
    if foreign:
        head += ["foreign", "placed %", "MAPQ>=20 %"]
    counts = [
        key
        for key in ("missing", "repeated", "secondary", "supplementary", "unjudged")
        if any(r[key] for r in rows)
    ]
    table = [head + counts]
    for result, row in zip(results, rows, strict=True):
        line = [result.label, f"{row['reads']:,}"]
        line += [_percent(row[key], 3 if key == "wrong_confident" else 2) for key in keys]
        if foreign:
            line += [f"{row['foreign_reads']:,}", _percent(row["foreign_placed"])]
            line.append(_percent(row["foreign_confident"], 3))
        table.append(line + [f"{row[key]:,}" for key in counts])
    return _table(table)


def _calibration_text(result: Evaluation) -> str:
    table = [["MAPQ", "placed", "wrong", "error %", "95 % interval", "expected %"]]
    for row in result.calibration():
        name = (
            str(row.low)
            if row.low == row.high
            else f"{row.low}-{row.high}"
            if row.high < 254
            else f"{row.low}"
        )
        interval = f"{100 * row.interval_low:.3f}-{100 * row.interval_high:.3f}"
        expected = "-" if row.expected != row.expected else f"{100 * row.expected:.4g}"
        table.append(
            [name, f"{row.placed:,}", f"{row.wrong:,}", f"{100 * row.observed:.3f}", interval, expected]
        )
    return f"{result.label}\n{_table(table)}" if len(table) > 1 else ""
