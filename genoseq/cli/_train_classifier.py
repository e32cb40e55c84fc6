"""`genoseq train hyena-classifier`: fine-tuning of a HyenaDNA model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genoseq.cli import _options
from genoseq.cli._hyena import DEFAULT_MODEL, add_device_options
from genoseq.cli._labelled import add_source, check_labelled, check_source, columns_of
from genoseq.cli._tables import aligned
from genoseq.cli._training_log import TrainingLog
from genoseq.errors import InputError, MissingDependencyError, UsageError

if TYPE_CHECKING:
    from genoseq.io.labelled import Columns, Labelled

_COUNT = _options.bounded_int(1, 10**6)
_SHARE = _options.bounded_float(0, 0.9)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq train hyena-classifier`."""
    _add_data(parser.add_argument_group("Data"))
    model = parser.add_argument_group("Model")
    model.add_argument(
        "--init",
        default=DEFAULT_MODEL,
        metavar="MODEL",
        help="what to begin with: name of a model (genoseq models list), folder, or file of weights",
    )
    model.add_argument(
        "--pool", choices=("mean", "last"), default="mean", help="the vector of a sequence: of its states"
    )
    model.add_argument(
        "--window",
        type=_options.bounded_int(1),
        metavar="BP",
        help="longer sequences are read in windows: one by chance in an epoch, and the mean of all when it "
        "counts (default: what the model holds)",
    )
    model.add_argument(
        "--strands",
        choices=("both", "forward"),
        default="both",
        help="both: train on either strand, predict by the mean; forward: the classes depend on the strand",
    )
    add_device_options(model)
    how = parser.add_argument_group("Training")
    how.add_argument(
        "--tune",
        choices=("full", "lora", "head"),
        default="full",
        help="what is trained: all weights, low-rank corrections, or the head alone",
    )
    how.add_argument(
        "--rank", type=_options.bounded_int(1, 4096), default=8, metavar="N", help="of --tune lora"
    )
    how.add_argument("--epochs", type=_COUNT, default=20, metavar="N", help="at most")
    how.add_argument(
        "--patience",
        type=_COUNT,
        default=4,
        metavar="N",
        help="end after so many epochs without a better validation loss",
    )
    how.add_argument("--batch", type=_COUNT, default=4096, metavar="BP", help="bases of a step, at most")
    how.add_argument(
        "--learning-rate", type=_options.bounded_float(1e-8, 1), metavar="RATE", help="(default: by --tune)"
    )
    how.add_argument(
        "--class-weights", action="store_true", help="weigh sequences against the frequency of their class"
    )
    repeats = parser.add_argument_group("Repeats")
    repeats.add_argument(
        "--seeds",
        type=_options.bounded_int(1, 1000),
        default=1,
        metavar="N",
        help="repeat with N seeds, from --seed on, and tell mean and spread; the one with the least "
        "validation loss is kept",
    )
    repeats.add_argument(
        "--folds", type=_options.bounded_int(2, 1000), metavar="K", help="test each sequence once, in K folds"
    )
    repeats.add_argument("--no-rivals", action="store_true", help="leave the 6-mer regression out")


def _add_data(data: argparse._ArgumentGroup) -> None:
    add_source(data)
    data.add_argument("--validation", metavar="FILE", help="a table to choose by (default: drawn)")
    data.add_argument("--test", metavar="FILE", help="a table to judge by, once, at the end (default: drawn)")
    data.add_argument(
        "--validation-share", type=_SHARE, default=0.1, metavar="SHARE", help="of each class, if drawn"
    )
    data.add_argument(
        "--test-share", type=_SHARE, default=0.2, metavar="SHARE", help="of each class, if drawn; 0: no test"
    )
    data.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the classifier")


def run(args: argparse.Namespace) -> None:
    """Train, save the classifier, and say what it is worth beside simpler ones."""
    columns = _check(args)
    try:
        import torch

        from genoseq.hyena.finetune import Tuning
        from genoseq.hyena.heads import Head
        from genoseq.hyena.hyenadna import HyenaDNA
        from genoseq.hyena.study import Study
        from genoseq.hyena.tokenizer import warn_of_others
        from genoseq.io.table import write_json
        from genoseq.supervised.runs import joined, planned_runs
    except ImportError as error:
        if error.name not in ("torch", "safetensors"):
            raise
        raise MissingDependencyError("genoseq train hyena-classifier", error.name, "models") from error
    torch.set_num_threads(args.threads)
    log = TrainingLog(quiet=args.quiet)
    first, validation, test = _read(args, columns)
    data, places = joined(first, validation, test)
    warn_of_others(data.others)
    classes = first.classes
    runs = planned_runs(
        data, places, classes,
        seed=args.seed, seeds=args.seeds, folds=args.folds,
        validation=args.validation_share, test=args.test_share,
    )  # fmt: skip
    head = Head(classes, args.pool, args.window, both_strands=args.strands == "both")
    plan = Tuning(
        tune=args.tune, rank=args.rank, epochs=args.epochs, patience=args.patience, tokens=args.batch,
        learning_rate=args.learning_rate, balanced=args.class_weights, precision=args.precision,
        seed=args.seed,
    )  # fmt: skip
    model = HyenaDNA.load(args.init, device=args.device, precision=args.precision)
    head.check(model.config.l_max)
    found = ", ".join(f"{name} {first.labels.count(name):,}" for name in classes)
    log.say(
        f"{len(data):,} sequences ({found}); {len(runs)} run{'s' if len(runs) > 1 else ''} on {model.device}"
    )
    study = Study(model.network, data, head, plan, rivals=not args.no_rivals, log=log)
    folder = Path(args.output)
    _folder(folder)
    report = study.run(runs, folder, {"init": args.init, "files": data.source})
    for line in _table(report):
        log.say(line)
    log.say(
        f"wrote {folder} (of {report['kept']}); use it: genoseq classify SEQS.fa --method hyena -m {folder}"
    )
    if args.json:
        write_json(args.json, {"command": args.command_line, **report})


def _check(args: argparse.Namespace) -> Columns:
    """Refuse what cannot work before anything long begins."""
    from genoseq.io.files import check_distinct, check_inputs, check_output

    check_source(args)
    if args.validation is None and not args.validation_share:
        raise UsageError("--validation-share 0: something is needed to choose by; give a share or a file")
    if args.folds is not None and (args.validation or args.test):
        raise UsageError(
            "--folds draws the tests from the training sequences: leave --validation and --test out"
        )
    inputs = [*(args.classes or [args.table]), args.validation, args.test]
    check_inputs(inputs)
    check_distinct({"-o": args.output, "--json": args.json}, [*inputs, args.init])
    if args.json:
        check_output(args.json)
    folder = Path(args.output)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file; a classifier is kept in a folder", folder)
    return columns_of(args)


def _folder(path: Path) -> None:
    """Make the folder of the classifier; one that holds another model is refused."""
    from genoseq.hyena.study import REPORT
    from genoseq.hyena.weights import CONFIG, WEIGHTS

    if not (path / REPORT).exists() and any((path / name).exists() for name in (CONFIG, WEIGHTS)):
        raise InputError("holds a model that is no classifier of this command; name another folder", path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder of the classifier cannot be made ({error.strerror})", path) from error


def _read(args: argparse.Namespace, columns: Columns) -> tuple[Labelled, Labelled | None, Labelled | None]:
    """What to train on, and the validation and the test if they are files."""
    from genoseq.io.labelled import read_class_files, read_labelled

    data = read_labelled(args.table, columns) if args.table else read_class_files(args.classes)
    check_labelled(data)
    validation, test = (path and read_labelled(path, columns) for path in (args.validation, args.test))
    return data, validation, test


def _table(report: dict[str, Any]) -> list[str]:
    """The figures as lines: of one run with their 95 % intervals, of several mean and standard deviation."""
    from genoseq.hyena.study import TUNED

    runs = report["runs"]
    several = len(runs) > 1
    what = f"mean and standard deviation of {len(runs)} runs" if several else "95 % intervals"
    judged = {run["judged_on"] for run in runs}
    flatters = "" if judged == {"test"} else ", which chose the model: these figures flatter"
    rows = [["", *report["summary"][next(iter(report["summary"]))]]]
    for method, figures in report["summary"].items():
        row = [method]
        for name, value in figures.items():
            low, high = runs[0]["figures"][method][name][1:]
            spread = f" +- {value['sd']:.3f}" if several else f" ({low:.3f}-{high:.3f})"
            row.append(f"{value['mean']:.3f}{spread}")
        rows.append(row)
    sums = [
        [sum(cells) for cells in zip(*same, strict=True)]
        for same in zip(*(run["figures"][TUNED]["confusion"] for run in runs), strict=True)
    ]
    classes = report["settings"]["head"]["classes"]
    confusion = [["", *classes], *([name, *map(str, row)] for name, row in zip(classes, sums, strict=True))]
    return [
        f"on the {' and '.join(sorted(judged))} part ({what}){flatters}:",
        *aligned(rows),
        f"{TUNED}: true class by row, predicted class by column{', all runs' if several else ''}:",
        *aligned(confusion),
    ]
