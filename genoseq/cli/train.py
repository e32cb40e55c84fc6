"""Train a model on your own data.

`genoseq train encoder` trains an encoder on genomes: the seed encoder that `genoseq index` uses (minutes on
one CPU core), or a whole-window encoder of the published kind, for comparison (sketch: minutes; rde: the
transformer at its published size, which wants a GPU).

`genoseq train classifier` learns classes of sequences from labelled ones by compression, in seconds.

`genoseq train hyena` trains a HyenaDNA language model on genomes, from a recipe; the same command again goes
on with a run that was stopped.

`genoseq train hyena-classifier` fine-tunes such a model on sequences with labels, and says what that is worth
beside a regression on 6-mers and one on the vectors of the model as it was.

`genoseq train protein` trains a masked language model of proteins of the shape of ESM-2, and `genoseq train
peptides` fine-tunes one on peptides behind their targets, as PepMLM was made. No target of the test has a
near-twin in the training, and what leaks by other ways is counted.

Examples:
  genoseq train classifier labelled.tsv --method relative -o model/
  genoseq train hyena genome.fa --params pipelines/params/hyena_tiny.yaml -o run/
  genoseq train hyena-classifier train.tsv --init hyena-tiny -o run/
  genoseq train hyena-classifier --classes human.fa ecoli.fa --seeds 5 -o run/
  genoseq train peptides pairs.csv --init esm2_t6_8M -o run/
  genoseq train peptides pairs.csv --test test.csv --init esm2_t33_650M --tune lora --rank 16 -o run/
  genoseq train protein proteins.fa.gz --params pipelines/params/protein_small.yaml -o run/
  genoseq train encoder --genomes human.fa.gz ecoli.fa -o seed.npz --checkpoint run/
  genoseq train encoder --genomes human.fa.gz ecoli.fa -o seed.npz --checkpoint run/ --resume
  genoseq train encoder --encoder rde --genomes ecoli.fa -o rde/ --steps 5000 --device cuda
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genoseq.cli import (
    _options,
    _train_classifier,
    _train_compression,
    _train_hyena,
    _train_peptides,
    _train_protein,
)
from genoseq.cli._training_log import TrainingLog
from genoseq.errors import CheckpointError, InputError, MissingDependencyError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_STEPS = 10**8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be trained, each with its options."""
    kinds = parser.add_subparsers(dest="model", metavar="MODEL", required=True, title="What to train")
    about = "Train an encoder: the tables of the seed encoder (.npz), or a whole-window encoder (a folder)."
    _add_encoder(_add_kind(kinds, "encoder", "an encoder of genomes", about))
    about = (
        "Learn classes of sequences from labelled ones, by what they cost under a model of each class "
        "(--method relative), or by the nearest labelled sequences (--method ncd). How good that is says "
        "genoseq classify --evaluate."
    )
    compression = _add_kind(kinds, "classifier", "a classifier of sequences by compression", about)
    _train_compression.add_arguments(compression)
    about = (
        "Train a HyenaDNA language model on genomes. The same command goes on with a run that was stopped."
    )
    hyena = _add_kind(kinds, "hyena", "a HyenaDNA language model", about)
    _train_hyena.add_arguments(hyena)
    about = (
        "Fine-tune a HyenaDNA model to tell classes of sequences apart. Training, validation and test share "
        "no sequence, on either strand; the validation decides when to stop, the test is looked at once. The "
        "same command goes on with a run that was stopped."
    )
    classifier = _add_kind(kinds, "hyena-classifier", "a network that classifies sequences", about)
    _train_classifier.add_arguments(classifier)
    about = (
        "Train a masked language model of the shape of ESM-2 on proteins. The same command goes on with a "
        "run that was stopped."
    )
    _train_protein.add_arguments(_add_kind(kinds, "protein", "a masked language model of proteins", about))
    about = (
        "Fine-tune a protein model on peptides behind their targets. Parts are drawn by clusters of similar "
        "targets, and pairs near a target of a given test are left out; the validation decides when to stop, "
        "the test is looked at once. The same command goes on with a run that was stopped."
    )
    _train_peptides.add_arguments(_add_kind(kinds, "peptides", "a model of peptides behind targets", about))
    for kind in kinds.choices.values():
        # the frame adds the common options to `genoseq train`; here they may also follow the word MODEL
        before = len(kind._actions)
        _options.add_common_options(kind)
        for action in kind._actions[before:]:
            if action.dest != "help":
                action.default = argparse.SUPPRESS


def _add_kind(kinds: Any, name: str, summary: str, about: str) -> argparse.ArgumentParser:
    return kinds.add_parser(
        name,
        help=summary,
        description=about,
        formatter_class=_options.HelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )


def _add_encoder(encoder: argparse.ArgumentParser) -> None:
    data = encoder.add_argument_group("Data")
    data.add_argument("--genomes", nargs="+", required=True, metavar="FASTA", help="genomes to train on")
    data.add_argument("--validate", metavar="FASTA", help="a genome to measure recall on (seed encoder)")
    data.add_argument("-o", "--output", required=True, metavar="PATH", help="weights: .npz, or a folder")
    training = encoder.add_argument_group("Training")
    training.add_argument("--encoder", choices=("seed", "sketch", "rde"), default="seed", help="which one")
    training.add_argument(
        "--steps", type=_options.bounded_int(1, _MOST_STEPS), metavar="N", help="optimiser steps in all"
    )
    training.add_argument(
        "--batch", type=_options.bounded_int(2, 1 << 20), metavar="N", help="pairs a step (sketch, rde)"
    )
    training.add_argument(
        "--width", type=_options.bounded_int(12, 8192), metavar="N", help="of the transformer (rde)"
    )
    training.add_argument(
        "--vocabulary", type=_options.bounded_int(8, 1 << 20), metavar="N", help="tokens (rde)"
    )
    training.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train")
    run_group = encoder.add_argument_group("Interrupted runs")
    run_group.add_argument("--checkpoint", metavar="DIR", help="keep checkpoints and the log here")
    run_group.add_argument("--resume", action="store_true", help="go on from the checkpoint in DIR")


def run(args: argparse.Namespace) -> None:
    """Train and write the weights."""
    own = {
        "classifier": _train_compression,
        "hyena": _train_hyena,
        "hyena-classifier": _train_classifier,
        "peptides": _train_peptides,
        "protein": _train_protein,
    }
    if args.model in own:
        own[args.model].run(args)
        return
    _check(args)
    try:
        import torch

        from genoseq.models.device import choose_device
    except ImportError as error:
        if error.name != "torch":
            raise
        raise MissingDependencyError("genoseq train encoder", "torch", "models") from error
    torch.set_num_threads(args.threads)
    device = choose_device(args.device)
    report = TrainingLog(quiet=args.quiet)
    report.say(f"device {device}, {args.threads} thread{'s' if args.threads > 1 else ''}")
    train = _train_seed if args.encoder == "seed" else _train_window
    summary = train(args, device, report)
    if args.json:
        from genoseq.io.table import write_json

        write_json(args.json, {"command": args.command_line, "device": str(device), **summary})


def _check(args: argparse.Namespace) -> None:
    """Refuse combinations and paths that cannot work before anything long begins."""
    from genoseq.io.files import check_distinct, check_inputs, check_output

    if args.resume and not args.checkpoint:
        raise UsageError("--resume needs --checkpoint DIR, the folder of the run to go on with")
    if args.encoder != "seed" and args.validate:
        raise UsageError(f"--validate is for the seed encoder, not for --encoder {args.encoder}")
    for option, encoders in (("batch", ("sketch", "rde")), ("width", ("rde",)), ("vocabulary", ("rde",))):
        if getattr(args, option) is not None and args.encoder not in encoders:
            raise UsageError(f"--{option} is for --encoder {' and '.join(encoders)}, not for {args.encoder}")
    inputs = [*args.genomes, *([args.validate] if args.validate else [])]
    check_inputs(inputs)
    check_distinct({"-o": args.output, "--json": args.json, "--checkpoint": args.checkpoint}, inputs)
    if args.json:
        check_output(args.json)
    if args.checkpoint and Path(args.checkpoint).exists() and not Path(args.checkpoint).is_dir():
        raise InputError("is a file; checkpoints are kept in a folder", args.checkpoint)
    if args.checkpoint and not args.resume and any(Path(args.checkpoint).glob("*.checkpoint.pt")):
        raise UsageError(
            f"{args.checkpoint}: holds a checkpoint already; go on with --resume, or name another folder"
        )
    output = Path(args.output)
    if args.encoder == "seed":
        if output.suffix.lower() != ".npz":
            raise UsageError(f"-o {args.output}: the weights of a seed encoder are a file that ends in .npz")
        check_output(output)
    elif output.exists() and not output.is_dir():
        raise InputError(f"is a file; a {args.encoder} encoder is a folder", output)
    elif not output.absolute().parent.is_dir():
        raise InputError("the folder to write into does not exist", output.absolute().parent)


def _train_seed(args: argparse.Namespace, device: Any, report: TrainingLog) -> dict[str, Any]:
    from genoseq.encoder.anchors import AnchorWords
    from genoseq.encoder.contexts import ContextPool
    from genoseq.encoder.plan import SeedTraining
    from genoseq.encoder.train import SeedTrainer, recall_rows, untrained
    from genoseq.io.files import replacing

    config = SeedTraining(seed=args.seed)
    if args.steps is not None:
        config = config.with_steps(args.steps)
    words = AnchorWords(config.words)
    pool = ContextPool.from_fasta(args.genomes, words, config.flank)
    held_out = None
    if args.validate:  # now: what is wrong with it must not come up after the training
        held_out = ContextPool.from_fasta([args.validate], words, config.flank, use="validate on")
    report.say(f"{len(pool):,} anchors of {', '.join(config.words)} in {len(args.genomes)} genomes")
    trainer = SeedTrainer(pool, config, device, report)
    folder = _run_folder(args, report)
    if folder is not None and args.resume:
        trainer.resume(folder)
        report.say(f"resumed at stage {trainer.stage + 1}, step {trainer.step}")
    trainer.run(folder)
    genomes = [Path(path).name for path in args.genomes]
    encoder = trainer.encoder({"genomes": genomes, "date": time.strftime("%Y-%m-%d", time.gmtime())})
    summary: dict[str, Any] = {
        "encoder": "seed",
        "anchors": len(pool),
        "cpu_seconds": round(trainer.seconds, 1),
    }
    with replacing(args.output) as temporary:
        encoder.save(temporary)
    report.say(f"wrote {args.output} ({encoder.digest})")
    if held_out is not None:
        for name, tables in (("untrained", untrained(pool, config)), ("trained", encoder)):
            summary[name] = recall_rows(tables, held_out)
            for row in summary[name]:
                report({"recall": name, **row})
    return {**summary, "digest": encoder.digest}


def _train_window(args: argparse.Namespace, device: Any, report: TrainingLog) -> dict[str, Any]:
    _check_folder(Path(args.output))
    try:
        return _train_window_on(_contigs(args.genomes), args, device, report)
    except InputError as error:  # what is wrong with the contigs of all genomes together
        raise (error if error.path else InputError(error.message, " ".join(args.genomes))) from error


def _check_folder(folder: Path) -> None:
    """Refuse to write a window encoder among other files."""
    from genoseq.encoder.window import read_config

    if folder.is_dir() and any(folder.iterdir()):
        try:
            read_config(folder)
        except CheckpointError as error:
            raise InputError("holds other files and no window encoder; name a new folder", folder) from error


def _train_window_on(
    contigs: list[NDArray[np.uint8]], args: argparse.Namespace, device: Any, report: TrainingLog
) -> dict[str, Any]:
    import torch

    from genoseq.encoder.window import SketchEncoder, WindowNetwork
    from genoseq.encoder.window_train import WindowTraining, train_windows

    torch.manual_seed(args.seed)  # the first weights
    encoder: WindowNetwork
    if args.encoder == "rde":
        from genoseq.encoder.rde import RdeConfig, RdeEncoder, train_tokenizer

        config = RdeConfig()
        if args.width is not None:
            config = dataclasses.replace(config, width=args.width)
        if args.vocabulary is not None:
            config = dataclasses.replace(config, vocabulary=args.vocabulary)
        encoder = RdeEncoder(config, train_tokenizer(contigs, config.vocabulary, seed=args.seed))
        plan = WindowTraining(learning_rate=1e-4, seed=args.seed, checkpoint_every=50, log_every=20)
    else:
        encoder = SketchEncoder()
        plan = WindowTraining(fragment=(256, 512), read=(150, 256), seed=args.seed)
    plan = dataclasses.replace(plan, steps=args.steps or plan.steps, batch=args.batch or plan.batch)
    folder = _run_folder(args, report)
    train_windows(encoder, contigs, plan, device=device, log=report, checkpoint=folder, resume=args.resume)
    encoder.save(args.output)
    report.say(f"wrote {args.output}")
    return {"encoder": args.encoder, "dim": encoder.dim, "training": dataclasses.asdict(plan)}


def _run_folder(args: argparse.Namespace, report: TrainingLog) -> Path | None:
    """The folder for checkpoint and log, if one was asked for; a run that is resumed must have it already."""
    if not args.checkpoint:
        return None
    folder = Path(args.checkpoint)
    if not args.resume:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the folder for checkpoints cannot be made ({error.strerror})", folder
            ) from error
    if folder.is_dir():
        report.path = folder / "log.jsonl"
    return folder


def _contigs(paths: list[str]) -> list[NDArray[np.uint8]]:
    from genoseq.io.fastx import read_fasta
    from genoseq.sequence import ENCODE_TABLE

    return [ENCODE_TABLE[letters] for path in paths for _, letters in read_fasta(path)]
