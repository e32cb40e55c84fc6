"""Say which class sequences belong to.

Each record of a FASTA, FASTQ, 2bit, SAM or BAM file gets the label of its most probable class, and the
probability of every class. Lower case counts as upper case, IUPAC codes other than A, C, G, T are read as N.
Proteins (--alphabet protein) are FASTA.

--method relative, the default: one model a class, made of words of DNA and of the protein that it codes for;
the class under which a sequence costs least. Learns in seconds, needs no GPU.

--method ncd: the nearest labelled sequences by normalised compression distance, as in "DNA Sequence
Classification with Compressors". Exact, and slow with many labelled sequences unless --prefilter is given.

--method hyena: a HyenaDNA model with a head, made by `genoseq train hyena-classifier`. Sequences longer than
its windows are read in windows, of which the mean counts; both strands are read unless the classes depend on
the strand. A published classifier that does not tell its classes calls them "class 0", "class 1"; --classes
names them.

--train learns from a labelled table first. `genoseq train classifier` does so once, and -m takes what it
wrote; which method it is stands in the model. --evaluate says how good the method is on the labelled table
by cross-validation, beside simple rivals, with whatever resembles each other on one side of each split.

Examples:
  genoseq classify seqs.fa --train labelled.tsv -o labels.tsv
  genoseq classify seqs.fa --method ncd --compressor zstd --train labelled.tsv -o labels.tsv
  genoseq classify seqs.fa -m model/ -o labels.tsv --json report.json
  genoseq classify --train labelled.tsv --evaluate --cv 5 --plot confusion.png
  genoseq classify proteins.faa --alphabet protein --train labelled.tsv -o labels.tsv
  genoseq classify reads.fq -m run/ --method hyena -o labels.tsv
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from genoseq.cli import _compression, _options
from genoseq.cli._hyena import add_device_options
from genoseq.cli._labelled import TABLE, add_columns
from genoseq.errors import UsageError, counted

METHODS = (*_compression.METHODS, "hyena")
_OF_HYENA = {"classes": None, "device": "auto", "precision": "fp32"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq classify`."""
    parser.add_argument(
        "sequences",
        nargs="?",
        metavar="SEQS",
        help="FASTA, FASTQ, 2bit, SAM or BAM, any compression; - for stdin; may be left out with --evaluate",
    )
    parser.add_argument(
        "--method", choices=METHODS, help="how (default: what the model is of; with --train, relative)"
    )
    what = parser.add_argument_group("What is known")
    what.add_argument(
        "-m",
        "--model",
        metavar="MODEL",
        help="folder of genoseq train classifier or hyena-classifier, or file of weights with a head",
    )
    what.add_argument(
        "--train",
        metavar="TABLE",
        help=f"learn from this labelled table: {TABLE}",
    )
    add_columns(what)
    _compression.add_method_options(parser)
    hyena = parser.add_argument_group("HyenaDNA (--method hyena)")
    hyena.add_argument(
        "--classes", nargs="+", metavar="NAME", help="names of the classes, for weights that do not tell them"
    )
    add_device_options(hyena)
    _add_evaluation(parser.add_argument_group("Evaluation (with --train)"))
    output = parser.add_argument_group("Output")
    output.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="TSV: name, label, what speaks for it, and the probability of each class in a column p_CLASS; "
        "- for stdout",
    )


def _add_evaluation(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--evaluate", action="store_true", help="measure the method on the labelled table, beside rivals"
    )
    group.add_argument(
        "--cv", type=_options.bounded_int(2, 1000), metavar="K", help="folds of --evaluate (default: 5)"
    )
    group.add_argument(
        "--split",
        choices=("homology", "random"),
        help="what may not be on both sides of a split: sequences that resemble each other, or only equal "
        "ones (default: homology)",
    )
    group.add_argument("--plot", metavar="FILE", help="draw confusion and accuracies (.png, .svg or .pdf)")


def run(args: argparse.Namespace) -> None:
    """Classify and write the table, whole or not at all."""
    from genoseq.io.table import write_json

    method = _check(args)
    report: dict[str, Any] = {"command": "classify", "command_line": args.command_line, "method": method}
    if method == "hyena":
        from genoseq.cli._classify_hyena import classify

        report |= classify(args)
    else:
        report |= _by_compression(args)
    if args.json:
        write_json(args.json, report)
    if args.sequences is not None and not args.quiet:
        found = ", ".join(f"{name} {count:,}" for name, count in report["labels"].items())
        if report.get("rejected"):
            found += f", none {report['rejected']:,}"
        unit = "residues" if "residues" in report else "bp"
        letters = report.get("residues", report.get("bases"))
        words = f"{counted(report['sequences'], 'sequence')}, {letters:,} {unit}: {found}"
        print(f"genoseq classify: {words}", file=sys.stderr)


def _check(args: argparse.Namespace) -> str:
    """Refuse what cannot work before anything long begins; the method."""
    from genoseq.cli._plot import check_plot
    from genoseq.io.files import check_distinct, check_inputs, check_output
    from genoseq.ncd.model_folder import method_of

    if (args.model is None) == (args.train is None):
        raise UsageError("give a model (-m), or a labelled table to learn from (--train); not both")
    if args.evaluate and args.train is None:
        raise UsageError("--evaluate needs a labelled table, --train")
    if args.sequences is None and not args.evaluate:
        raise UsageError("no sequences to classify: SEQS is a file, or - for stdin")
    for name in ("cv", "split", "plot"):
        if getattr(args, name) is not None and not args.evaluate:
            raise UsageError(f"--{name} is about an evaluation: give --evaluate as well")
    inputs = [args.sequences, args.train]
    check_inputs(inputs)
    outputs = {"-o": args.output, "--json": args.json, "--plot": args.plot}
    check_distinct(outputs, [*inputs, args.model])
    for path in (args.output, args.json, args.plot):
        if path is not None:
            check_output(path)
    check_plot(args.plot)
    found = "relative" if args.train is not None else (method_of(args.model) or "hyena")
    method = args.method or found
    if args.model is not None and method != found:
        raise UsageError(f"--method {method}: {args.model} is a model of the method {found}")
    if method == "hyena" and args.train is not None:
        raise UsageError("--method hyena --train: a network is trained by genoseq train hyena-classifier")
    args.method = method
    if method == "hyena":
        _compression.check_unused(args)
    else:
        _compression.check_options(args, method, fitted=args.model is not None)
    for name in ("columns", "group"):
        if getattr(args, name) is not None and args.train is None:
            raise UsageError(f"--{name} is about a labelled table: give it as --train")
    for name, default in _OF_HYENA.items():
        if method != "hyena" and getattr(args, name) != default:
            raise UsageError(f"--{name} is for --method hyena, not for {method}")
    return method


def _by_compression(args: argparse.Namespace) -> dict[str, Any]:
    from genoseq.cli import _classify_compression as compression

    report: dict[str, Any] = {}
    if args.train is None:
        ready = compression.read_model(args)
    else:
        data = compression.read_training_set(args, args.train)
        if args.evaluate:
            from genoseq.cli._evaluate_classifier import evaluate

            report["evaluation"] = evaluate(args, data)
            if args.sequences is None:
                return report
        ready = compression.fitted(args, data)
    return {**compression.classify(args, ready), **report}
