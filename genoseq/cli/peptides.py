"""Design peptides that bind a protein, or score known ones, by PepMLM.

A peptide is masked behind the sequence of its target, and a language model of proteins fills it in. For each
target candidates are drawn (--decoder) and filtered, the better ones by an estimate are scored (--scored) and
ranked, and those are taken, from the best on, that are not too much like one above. Only the twenty amino
acids are drawn, and every peptide has its length.

The score is the pseudo-perplexity of the published method: each letter of the peptide is masked alone; lower
is better, and 20 is a model that knows nothing. It is no affinity. With decoys, other proteins (--decoys) or
the target's own letters in disorder (--shuffled), specificity tells by how many nats a letter a peptide fits
its target better than those, and p_value the share of all of them on which it is as good; --select
specificity ranks by it.

Decoders:
  independent   every letter by itself: the published way, with --top-k 3
  iterative     letter after letter, the surest first: the default
  gibbs         letters drawn anew, given all others
  diverse       beams in groups that keep away from each other: the most different peptides
  guided        iterative, led by peptides that are wanted and such that are not (--guide)

A target that is longer than the model takes, 1,022 residues with the peptide, is shown around --site, or in
parts that overlap by half, of which the best counts. Targets are independent: their number, their order and
threads change nothing, and the same seed gives the same peptides.

If no candidate of a target passes the filters, there is a warning that tells how many each rejected, and the
other targets are written; if that is so for all, nothing is written, and the exit code is 1. All outputs
appear together, whole or not at all.

Examples:
  genoseq peptides target.fa -n 20 --length 12 -o candidates.tsv
  genoseq peptides targets.fa --length 8-20 --decoder diverse --groups 4 --template 'K??R????' --avoid C,M \\
      --decoys decoys.fa --filter 'charge>=0,gravy<0.5' --json report.json \\
      --fasta out.fa --boltz boltz/ --af3 af3/
  genoseq peptides target.fa --score known_binders.fa -o scored.tsv
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from typing import TYPE_CHECKING

from genoseq.cli._peptides_options import add_options, settle
from genoseq.errors import GenoseqWarning, InputError, MissingDependencyError, counted

if TYPE_CHECKING:
    from genoseq.cli._peptides_inputs import Inputs
    from genoseq.peptides.model import MaskedModel
    from genoseq.peptides.outputs import Result
    from genoseq.peptides.targets import Target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq peptides`."""
    add_options(parser)


def run(args: argparse.Namespace) -> None:
    """Design or score, and write."""
    from genoseq.cli._peptides_inputs import read_inputs
    from genoseq.cli._peptides_output import check_outputs, described, write_outputs
    from genoseq.cli._progress import Progress

    settle(args)
    check_outputs(args)
    inputs = read_inputs(args)
    start = time.perf_counter()
    model, about_model = _load(args)
    results = []
    label = "designing" if inputs.peptides is None else "scoring"
    with Progress(label, "tokens", quiet=args.quiet) as shown:
        model.progress = shown.add
        for target in inputs.targets:
            results.append(_one(args, inputs, model, target))
    empty = [result.designed for result in results if not result.designed.candidates]
    if inputs.peptides is None and results and len(empty) == len(results):
        raise InputError("\n".join(each.refusal for each in empty))
    if inputs.peptides is None:
        _tell_of_few(args, results)
    about = described(args, inputs, about_model)
    run_values = {
        "command": "peptides",
        "command_line": args.command_line,
        "parameters": about,
        "tokens": model.tokens,
        "seconds": round(time.perf_counter() - start, 3),
    }
    write_outputs(args, inputs, results, run_values)
    if not args.quiet:
        _summarise(results, run_values["seconds"], str(about["model"]))


def _load(args: argparse.Namespace) -> tuple[MaskedModel, dict[str, str]]:
    """The model, and its name, hash and, if nobody asked for it, what it is worth."""
    try:
        import torch

        from genoseq.peptides.model import MaskedModel
        from genoseq.peptides.pepmlm import default_model, words_on_default
    except ImportError as error:
        if error.name not in ("torch", "transformers", "safetensors"):
            raise
        raise MissingDependencyError("a protein model", error.name, "peptides") from error
    from genoseq.models.hub import find_weights, sha256_of
    from genoseq.peptides.network import weights_file

    torch.set_num_threads(1)
    name = args.model if args.model is not None else default_model()
    model = MaskedModel.load(name, device=args.device, precision=args.precision)
    model.threads = args.threads if model.device.type == "cpu" else 1
    digest = sha256_of(weights_file(find_weights(name)))
    about = {"model": model.name, "model_sha256": digest, "device": model.device.type}
    if args.model is None and (words := words_on_default(name)) is not None:
        about["model_note"] = words
        warnings.warn(words, GenoseqWarning, stacklevel=2)
    return model, about


def _one(args: argparse.Namespace, inputs: Inputs, model: MaskedModel, target: Target) -> Result:
    """What comes of a target."""
    from genoseq.peptides.design import Designed, look_for, score
    from genoseq.peptides.outputs import Result

    decoys = inputs.decoys_of(target, args.shuffled)
    if inputs.peptides is None:
        return Result.of(look_for(model, target, inputs.plan, site=inputs.site, decoys=decoys))
    found = score(model, target, list(inputs.peptides), inputs.plan, site=inputs.site, decoys=decoys)
    each = [(candidate, name) for candidate in found for name in inputs.peptides[candidate.peptide]]
    designed = Designed(target, [candidate for candidate, _ in each], 0, 0, {}, 0)
    return Result(designed, [name for _, name in each])


def _tell_of_few(args: argparse.Namespace, results: list[Result]) -> None:
    """Warn of targets with fewer peptides than were wanted, or none."""
    for result in results:
        found = len(result.names)
        if found == 0:
            words = f"{result.designed.refusal}; it is not in the output"
        elif found < args.number:
            words = (
                f"{counted(found, 'peptide')} of {args.number:,} for {result.target.name}: no more pass the "
                f"filters and are different enough (--likeness {args.likeness:g}); raise "
                f"{'--candidates' if args.scored is None else '--scored, or leave it out'}"
            )
        else:
            continue
        warnings.warn(words, GenoseqWarning, stacklevel=2)


def _summarise(results: list[Result], seconds: object, model: str) -> None:
    perplexities = [each.perplexity for result in results for each in result.designed.candidates]
    text = f"{counted(len(perplexities), 'peptide')} for {counted(len(results), 'target')}"
    if perplexities:
        text += f", pseudo-perplexity {min(perplexities):.3g} to {max(perplexities):.3g}"
    print(f"genoseq peptides: {text}, by {model}, {seconds} s", file=sys.stderr)
