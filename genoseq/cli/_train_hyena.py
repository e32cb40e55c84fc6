"""`genoseq train hyena`: pretraining of a HyenaDNA model."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genoseq.cli import _options
from genoseq.cli._plot import check_plot, save_plot
from genoseq.cli._training_log import TrainingLog
from genoseq.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from genoseq.hyena.corpus import Corpus
    from genoseq.hyena.model import HyenaNetwork
    from genoseq.hyena.recipe import Recipe

_LOG = "log.jsonl"
_HELD_OUT = "held out"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq train hyena`."""
    data = parser.add_argument_group("Data")
    data.add_argument("genomes", nargs="+", metavar="FILE", help="FASTA, 2bit or FASTQ to train on")
    data.add_argument(
        "--params", metavar="YAML", help="the recipe: model, training, held-out share (default: a tiny model)"
    )
    data.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the run and the model")
    data.add_argument("--plot", metavar="FILE", help="draw the curve of the training (.png, .svg or .pdf)")
    how = parser.add_argument_group("How")
    how.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train")
    how.add_argument(
        "--no-baselines",
        action="store_true",
        help="at the end, score the held-out part with the model alone, not with a Markov and a mixing model",
    )


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
        network, summary = _train(args, recipe, corpus, held_out, device, log)
        if rank > 0:
            return
        log.say(f"wrote {args.output} ({recipe.model.parameters:,} parameters)")
        if held_out.bases:
            summary |= _worth(network, held_out, recipe, log)
        if summary.get("held_out_bases") and not args.no_baselines:
            summary |= _baselines(corpus, held_out, log)
        if args.plot:
            _draw(Path(args.output) / _LOG, summary, args.plot)
        if args.json:
            from genoseq.io.table import write_json

            write_json(args.json, {"command": args.command_line, **summary})


def _check(args: argparse.Namespace) -> None:
    """Refuse paths that cannot work before anything long begins."""
    from genoseq.io.files import check_distinct, check_inputs, check_output

    check_inputs([*args.genomes, args.params])
    check_plot(args.plot)
    check_distinct(
        {"-o": args.output, "--plot": args.plot, "--json": args.json}, [*args.genomes, args.params]
    )
    for path in (args.plot, args.json):
        if path:
            check_output(path)
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
) -> tuple[HyenaNetwork, dict[str, Any]]:
    """The trained network, saved by the first process, and what the summary says of the training."""
    import torch
    import torch.distributed as group

    from genoseq.hyena.model import HyenaNetwork
    from genoseq.hyena.train import CHECKPOINT, Trainer
    from genoseq.hyena.weights import save_network

    folder = Path(args.output)
    torch.manual_seed(recipe.training.seed)  # the first weights
    trainer = Trainer(HyenaNetwork(recipe.model).to(device), corpus, held_out, recipe.training, log)
    if (folder / CHECKPOINT).exists():
        trainer.resume(folder)
        log.say(f"goes on at step {trainer.step} of {recipe.training.steps}")
    is_first = not group.is_initialized() or group.get_rank() == 0
    if is_first:
        log.open(folder / _LOG, trainer.step)
    trainer.run(folder)
    network: HyenaNetwork = trainer.network.eval()
    if is_first:
        save_network(network, folder)
    return network, {"steps": trainer.step, "seconds": round(trainer.seconds, 1), **recipe.to_dict()}


def _worth(network: HyenaNetwork, held_out: Corpus, recipe: Recipe, log: TrainingLog) -> dict[str, Any]:
    """Bits/base of the model on the held-out part."""
    from genoseq.hyena.heldout import bits_per_base

    window = max(length for length, _ in recipe.training.lengths)
    bits, count = bits_per_base(network, held_out, window=window, context=window // 2)
    log({"held_out_bits_per_base": round(bits, 4), "held_out_bases": count})
    return {"held_out_bits_per_base": bits, "held_out_bases": count}


def _baselines(corpus: Corpus, held_out: Corpus, log: TrainingLog) -> dict[str, Any]:
    """Bits/base of models that count, trained on the same bases, on the same held-out ones."""
    from genoseq.ncd.baselines import measure_baselines

    found = measure_baselines(corpus.codes(), {_HELD_OUT: held_out.codes()})
    order, markov = found.best_markov(_HELD_OUT)
    mixing = found.mixing[_HELD_OUT]
    log({"markov_bits_per_base": round(markov, 4), "markov_order": order})
    log({"mixing_bits_per_base": round(mixing, 4)})
    return {"markov_bits_per_base": markov, "markov_order": order, "mixing_bits_per_base": mixing}


def _draw(log: Path, summary: dict[str, Any], path: str) -> None:
    """The curve of the training, with the baselines."""
    from matplotlib.figure import Figure

    from genoseq.plots import training_plot

    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    baselines = {}
    if "markov_order" in summary:
        baselines[f"Markov, order {summary['markov_order']}"] = summary["markov_bits_per_base"]
        baselines["mixing model"] = summary["mixing_bits_per_base"]
    figure = Figure(figsize=(6, 3.4), layout="constrained", dpi=150)
    training_plot(lines, baselines, figure.subplots())
    save_plot(figure, path)
