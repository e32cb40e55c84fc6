"""`genoseq train protein`: a masked language model of proteins."""

from __future__ import annotations

import argparse
import dataclasses
import math
from pathlib import Path
from typing import Any

from genoseq.cli import _options
from genoseq.cli._run_settings import check_folder, keep_settings
from genoseq.cli._training_log import TrainingLog
from genoseq.errors import MissingDependencyError

_LOG = "log.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq train protein`."""
    data = parser.add_argument_group("Data")
    data.add_argument(
        "proteins", nargs="+", metavar="FASTA", help="proteins to train on; a file given twice counts twice"
    )
    data.add_argument(
        "--params",
        metavar="YAML",
        help="the recipe: model, training, masking, held-out share (default: small)",
    )
    data.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the run and the model")
    how = parser.add_argument_group("How")
    how.add_argument(
        "--init",
        metavar="MODEL",
        help="go on with a model (name, folder or file of weights), not from nothing",
    )
    how.add_argument(
        "--steps", type=_options.bounded_int(1, 10**8), metavar="N", help="in place of the recipe's"
    )
    how.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train")


def run(args: argparse.Namespace) -> None:
    """Train, save the model, and say what it is worth on the held-out proteins."""
    _check(args)
    try:
        import torch

        from genoseq.io.table import write_json
        from genoseq.models.device import choose_device
        from genoseq.peptides.corpus import read_corpus
        from genoseq.peptides.network import save_network
        from genoseq.peptides.recipe import ProteinRecipe, read_protein_recipe
    except ImportError as error:
        if error.name not in ("torch", "transformers", "safetensors"):
            raise
        raise MissingDependencyError("genoseq train protein", error.name, "peptides") from error
    recipe = read_protein_recipe(args.params) if args.params else ProteinRecipe()
    given = {} if args.steps is None else {"steps": args.steps}
    if args.seed != _options.DEFAULT_SEED:  # asked for: it wins over the recipe
        given["seed"] = args.seed
    recipe = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, **given))
    device = choose_device(args.device)
    torch.set_num_threads(args.threads)
    log = TrainingLog(quiet=args.quiet)
    corpus = read_corpus(
        args.proteins, held_out=recipe.held_out, shortest=recipe.shortest, separator=recipe.separator,
        clustered=recipe.clustered,
    )  # fmt: skip
    log.say(
        f"{len(corpus.train):,} proteins, {corpus.residues:,} residues to train on; {len(corpus.held_out):,} "
        f"held out, {corpus.dropped:,} too short; device {device}"
    )
    folder = Path(args.output)
    keep_settings(folder, {"proteins": args.proteins, "init": args.init, "recipe": recipe.to_dict()})
    network, summary = _train(args, recipe, corpus, device, log)
    save_network(network, folder)
    log.say(f"wrote {folder} ({sum(p.numel() for p in network.parameters()):,} parameters)")
    if args.json:
        write_json(args.json, {"command": args.command_line, **summary})


def _train(args: argparse.Namespace, recipe: Any, corpus: Any, device: Any, log: TrainingLog) -> Any:
    """The trained network, and the summary."""
    import torch

    from genoseq.peptides.batches import ProteinBatches
    from genoseq.peptides.model import MaskedModel
    from genoseq.peptides.network import new_network
    from genoseq.peptides.train import CHECKPOINT, MaskedTrainer

    torch.manual_seed(recipe.training.seed)  # the first weights
    network: Any = (
        MaskedModel.load(args.init, device="cpu").network if args.init else new_network(recipe.model)
    )
    batches = ProteinBatches(
        corpus.train, corpus.looked_at(recipe.looked_at), window=recipe.window, tokens=recipe.tokens,
        micro=recipe.micro, masking=recipe.masking, seed=recipe.training.seed,
    )  # fmt: skip
    trainer = MaskedTrainer(network.to(device), batches, recipe.training, log)
    folder = Path(args.output)
    if (folder / CHECKPOINT).exists():
        trainer.resume(folder)
        log.say(f"goes on at step {trainer.step} of {recipe.training.steps}")
    log.open(folder / _LOG, trainer.step)
    trainer.run(folder)
    loss = trainer.validate()
    worth = {} if math.isnan(loss) else {"held_out_loss": loss, "held_out_perplexity": math.exp(loss)}
    log({name: round(value, 4) for name, value in worth.items()})
    return trainer.network, {
        "steps": trainer.step, "seconds": round(trainer.seconds, 1), "proteins": len(corpus.train),
        "residues": corpus.residues, "held_out_proteins": len(corpus.held_out), **worth,
        "recipe": recipe.to_dict(),
    }  # fmt: skip


def _check(args: argparse.Namespace) -> None:
    """Refuse paths that cannot work before anything long begins."""
    from genoseq.io.files import check_distinct, check_inputs, check_output

    check_inputs([*args.proteins, args.params])
    check_distinct({"-o": args.output, "--json": args.json}, [*args.proteins, args.params, args.init])
    if args.json:
        check_output(args.json)
    check_folder(Path(args.output))
