"""`genoseq train peptides`: fine-tuning of a protein model on peptides behind their targets."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genoseq.cli import _options
from genoseq.cli._labelled import column_pair
from genoseq.cli._run_settings import check_folder, keep_settings
from genoseq.cli._tables import aligned
from genoseq.cli._training_log import TrainingLog
from genoseq.errors import InputError, MissingDependencyError, UsageError

if TYPE_CHECKING:
    from genoseq.peptides.recipe import PairRecipe
    from genoseq.peptides.split import PairSplit

REPORT = "report.json"
_LOG = "log.jsonl"
_SHARE = _options.bounded_float(0, 0.9)
_COUNT = _options.bounded_int(1, 10**6)
_INIT = "esm2_t6_8M"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq train peptides`."""
    data = parser.add_argument_group("Data")
    data.add_argument(
        "pairs",
        nargs="+",
        metavar="PAIRS.csv",
        help="CSV or TSV, any compression: a first line names the columns, Binder and Receptor Sequence as "
        "published, or peptide and target",
    )
    data.add_argument("--columns", metavar="PEPTIDE,TARGET", help="names of the columns, if they are others")
    data.add_argument("--validation", metavar="FILE", help="a table to choose by (default: drawn)")
    data.add_argument("--test", metavar="FILE", help="a table to judge by, once, at the end (default: drawn)")
    data.add_argument(
        "--validation-share", type=_SHARE, default=0.05, metavar="SHARE", help="of the pairs, if drawn"
    )
    data.add_argument(
        "--test-share", type=_SHARE, default=0.05, metavar="SHARE", help="of the pairs, if drawn; 0: no test"
    )
    data.add_argument(
        "--proteins", nargs="+", metavar="FASTA", help="mixed in, so that they are not forgotten"
    )
    data.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the run and the model")
    how = parser.add_argument_group("Training")
    how.add_argument(
        "--init",
        default=_INIT,
        metavar="MODEL",
        help="what to begin with: name of a model (genoseq models list), folder, or file of weights",
    )
    how.add_argument("--params", metavar="YAML", help="the recipe; the options below win over it")
    how.add_argument("--tune", choices=("full", "lora"), help="all weights, or low-rank corrections")
    how.add_argument("--rank", type=_options.bounded_int(1, 4096), metavar="N", help="of --tune lora")
    how.add_argument("--epochs", type=_options.bounded_float(0.001, 1e6), metavar="N", help="at most")
    how.add_argument(
        "--patience",
        type=_COUNT,
        metavar="N",
        help="end after so many looks at the validation without a better",
    )
    how.add_argument("--learning-rate", type=_options.bounded_float(1e-8, 1), metavar="RATE", help="highest")
    how.add_argument("--precision", choices=("fp32", "bf16"), help="of matrix products")
    how.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train")


def run(args: argparse.Namespace) -> None:
    """Train, save the model, and say what it is worth beside models that count letters."""
    _check(args)
    try:
        import torch

        from genoseq.io.table import write_json
        from genoseq.peptides.corpus import read_corpus
        from genoseq.peptides.finetune import fine_tune
        from genoseq.peptides.model import MaskedModel
        from genoseq.peptides.network import save_network
        from genoseq.peptides.train import CHECKPOINT
    except ImportError as error:
        if error.name not in ("torch", "transformers", "safetensors"):
            raise
        raise MissingDependencyError("genoseq train peptides", error.name, "peptides") from error
    torch.set_num_threads(args.threads)
    log = TrainingLog(quiet=args.quiet)
    recipe = _recipe(args)
    tables, split = _split(args, recipe, log)
    proteins = read_corpus(args.proteins, held_out=0).train if args.proteins else []
    folder = Path(args.output)
    model = MaskedModel.load(args.init, device=args.device)
    names = ("pairs", "columns", "validation", "test", "validation_share", "test_share", "proteins", "init")
    settings = {**{name: getattr(args, name) for name in names}, "recipe": recipe.to_dict()}
    keep_settings(folder, settings)
    if (folder / CHECKPOINT).exists():
        log.say("goes on from the checkpoint in the folder")
        log.open(folder / _LOG, _step(folder / CHECKPOINT))
    else:
        log.open(folder / _LOG, 0)
    tuned = fine_tune(model.network, split, recipe, proteins=proteins, log=log, folder=folder)
    save_network(tuned.network, folder)
    report = {
        "settings": settings, "tables": tables, "split": split.to_dict(), "steps": tuned.steps,
        "seconds": round(tuned.seconds, 1), "validation_loss": tuned.loss, "temperature": tuned.temperature,
    }  # fmt: skip
    if split.test:
        report["test"] = _worth(args, tuned.network, split, log)
    write_json(folder / REPORT, report)
    log.say(f"wrote {folder}; use it: genoseq peptides target.fa -m {folder}")
    if args.json:
        write_json(args.json, {"command": args.command_line, **report})


def _recipe(args: argparse.Namespace) -> PairRecipe:
    """The recipe of the file, with what the options say."""
    from genoseq.peptides.recipe import PairRecipe, read_pair_recipe

    recipe = read_pair_recipe(args.params) if args.params else PairRecipe()
    own = {name: getattr(args, name) for name in ("tune", "rank", "epochs")}
    training = {name: getattr(args, name) for name in ("patience", "learning_rate", "precision")}
    if args.seed != _options.DEFAULT_SEED:
        training["seed"] = args.seed
    inner = dataclasses.replace(
        recipe.training, **{name: value for name, value in training.items() if value is not None}
    )
    return dataclasses.replace(
        recipe, training=inner, **{name: value for name, value in own.items() if value is not None}
    )


def _split(
    args: argparse.Namespace, recipe: PairRecipe, log: TrainingLog
) -> tuple[list[dict[str, object]], PairSplit]:
    """Counts of the tables, and the parts."""
    from genoseq.peptides.pairs import MEASURED, read_pairs
    from genoseq.peptides.split import split_pairs

    columns = _columns(args.columns)
    tables = [read_pairs(path, columns=columns, limits=recipe.limits) for path in args.pairs]
    validation = args.validation and read_pairs(args.validation, columns=columns, limits=recipe.limits)
    test = args.test and read_pairs(args.test, columns=columns, limits=MEASURED)
    every = [*tables, *(table for table in (validation, test) if table)]
    for table in every:
        log.say(str(table))
    distinct = {pair[:2]: pair for table in tables for pair in table.pairs}
    if not distinct:
        raise InputError("there are no pairs in it", ", ".join(args.pairs))
    split = split_pairs(
        list(distinct.values()), validation=validation.pairs if validation else None,
        test=test.pairs if test else None, validation_share=args.validation_share,
        test_share=args.test_share, seed=recipe.training.seed,
    )  # fmt: skip
    log.say(
        f"{len(split.train):,} pairs to train on, {len(split.validation):,} to choose by, "
        f"{len(split.test):,} to judge by; {split.dropped:,} near a target of a given part are left out"
    )
    rows = [
        [when, row.what, f"{row.test:,}", f"{row.equal:,}", f"{row.near:,}"]
        for when, some in (("as given", split.given), ("trained on", split.kept))
        for row in some
    ]
    if split.test:
        log.say("twins of the test:")
        for line in aligned([["", "", "in the test", "equal", "near"], *rows]):
            log.say(line)
    return [table.to_dict() for table in every], split


def _worth(args: argparse.Namespace, network: Any, split: PairSplit, log: TrainingLog) -> dict[str, Any]:
    """Perplexities of the test peptides: of the model, of what it began with, of models that count."""
    from genoseq.peptides.model import MaskedModel
    from genoseq.peptides.worth import pair_log_perplexities, worth_of

    models = {
        "the model": MaskedModel(network),
        f"before ({Path(args.init).name})": MaskedModel.load(args.init, device=args.device),
    }
    measured = {name: pair_log_perplexities(model, split.test) for name, model in models.items()}
    report = worth_of(measured, split.train, split.test)
    log.say(f"perplexity of {report['pairs']:,} test peptides (95 % intervals, targets drawn anew):")
    rows = [["", "mean", "geometric mean", "median"]]
    for name, found in report["figures"].items():
        cells = ["{:.2f} ({:.2f}-{:.2f})".format(*found[figure]) for figure in ("mean", "geometric_mean")]
        rows.append([name, *cells, f"{found['median']:.2f}"])
    for line in aligned(rows):
        log.say(line)
    return report


def _step(checkpoint: Path) -> int:
    import torch

    from genoseq.models.checkpoint import read_state

    return int(read_state(checkpoint, torch.device("cpu")).get("step", 0))


def _columns(text: str | None) -> tuple[str, str] | None:
    return column_pair(text, "PEPTIDE,TARGET, for example Ligand,Protein")


def _check(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything long begins."""
    from genoseq.io.files import check_distinct, check_inputs, check_output

    _columns(args.columns)
    if args.validation is None and not args.validation_share:
        raise UsageError("--validation-share 0: something is needed to choose by; give a share or a file")
    inputs = [*args.pairs, *(args.proteins or [])]
    inputs += [path for path in (args.validation, args.test, args.params) if path]
    check_inputs(inputs)
    check_distinct({"-o": args.output, "--json": args.json}, [*inputs, args.init])
    if args.json:
        check_output(args.json)
    check_folder(Path(args.output))
