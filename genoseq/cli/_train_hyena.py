"""`genoseq train hyena`: pretraining of a HyenaDNA model."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genoseq.cli import _options
from genoseq.cli._training_log import TrainingLog
from genoseq.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from genoseq.hyena.corpus import Corpus
    from genoseq.hyena.model import HyenaNetwork
    from genoseq.hyena.recipe import Recipe

_LOG = "log.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq train hyena`."""
    data = parser.add_argument_group("Data")
    data.add_argument("genomes", nargs="+", metavar="FILE", help="FASTA, 2bit or FASTQ to train on")
    data.add_argument(
        "--params", metavar="YAML", help="the recipe: model, training, held-out share (default: a tiny model)"
    )
    data.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the run and the model")
    how = parser.add_argument_group("How")
    how.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train")


def run(args: argparse.Namespace) -> None:
    """Train, save the model, and say what it is worth on the held-out part."""
    _check(args)
    try:
        import torch

        from genoseq.hyena.corpus import read_corpus
        from genoseq.hyena.recipe import Recipe, read_recipe
        from genoseq.models.device import choose_device
    except ImportError as error:
        if error.name != "torch":
            raise
        raise MissingDependencyError("genoseq train hyena", "torch", "models") from error
    recipe = read_recipe(args.params) if args.params else Recipe()
    if args.seed != _options.DEFAULT_SEED:  # asked for: it wins over the recipe
        recipe = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, seed=args.seed))
    device = choose_device(args.device)
    torch.set_num_threads(args.threads)
    with _processes(device) as rank:
        log = TrainingLog(quiet=args.quiet or rank > 0)
        corpus, held_out = read_corpus(args.genomes).split(recipe.held_out)
        log.say(f"{corpus.bases:,} bp to train on, {held_out.bases:,} bp held out; device {device}")
        summary = _train(args, recipe, corpus, held_out, device, log, rank)
        if rank == 0 and args.json:
            from genoseq.io.table import write_json

            write_json(args.json, {"command": args.command_line, **summary})


def _check(args: argparse.Namespace) -> None:
    """Refuse paths that cannot work before anything long begins."""
    from genoseq.io.files import check_distinct, check_output

    for path in [*args.genomes, *([args.params] if args.params else [])]:
        if path != "-" and not Path(path).exists():
            raise InputError("no such file", path)
    check_distinct({"-o": args.output, "--json": args.json}, [*args.genomes, args.params])
    if args.json:
        check_output(args.json)
    folder = Path(args.output)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file; a run is kept in a folder", folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder of the run cannot be made ({error.strerror})", folder) from error


@contextlib.contextmanager
def _processes(device: Any) -> Iterator[int]:
    """The processes of ``torchrun``, if it started this one; gives the number of this one."""
    import torch.distributed as group

    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield 0
        return
    group.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield group.get_rank()
    finally:
        group.destroy_process_group()


def _train(
    args: argparse.Namespace,
    recipe: Recipe,
    corpus: Corpus,
    held_out: Corpus,
    device: Any,
    log: TrainingLog,
    rank: int,
) -> dict[str, Any]:
    import torch

    from genoseq.hyena.model import HyenaNetwork
    from genoseq.hyena.train import CHECKPOINT, Trainer
    from genoseq.hyena.weights import save_network

    folder = Path(args.output)
    torch.manual_seed(recipe.training.seed)  # the first weights
    trainer = Trainer(HyenaNetwork(recipe.model).to(device), corpus, held_out, recipe.training, log)
    if (folder / CHECKPOINT).exists():
        trainer.resume(folder)
        log.say(f"goes on at step {trainer.step} of {recipe.training.steps}")
    if rank == 0:
        log.open(folder / _LOG, trainer.step)
    trainer.run(folder)
    summary: dict[str, Any] = {
        "steps": trainer.step,
        "seconds": round(trainer.seconds, 1),
        **recipe.to_dict(),
    }
    if rank == 0:
        network: HyenaNetwork = trainer.network.eval()
        save_network(network, folder)
        log.say(f"wrote {folder} ({recipe.model.parameters:,} parameters)")
        summary |= _worth(network, held_out, recipe, log)
    return summary


def _worth(network: HyenaNetwork, held_out: Corpus, recipe: Recipe, log: TrainingLog) -> dict[str, Any]:
    """Bits/base of the model on the held-out part."""
    from genoseq.hyena.heldout import bits_per_base

    if not len(held_out.pieces):
        return {}
    window = max(length for length, _ in recipe.training.lengths)
    bits, count = bits_per_base(network, held_out, window=window, context=window // 2)
    log({"held_out_bits_per_base": round(bits, 4), "held_out_bases": count})
    return {"held_out_bits_per_base": bits, "held_out_bases": count}
