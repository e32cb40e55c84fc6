"""The study behind hyena-tiny: train, measure on sequence not seen, write weights and card.

    python pipelines/pretrain_hyena.py --params pipelines/params/pretrain_hyena.yaml \\
        --data DIR --work run/ -o genoseq/weights

Training is `genoseq train hyena` with the recipe that the YAML file names, into ``--work``: a stopped run
goes on when this is started again, a finished one is measured again.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import torch
import yaml

from genoseq import cli
from genoseq.hyena.corpus import Corpus, read_corpus
from genoseq.hyena.heldout import bits_per_base
from genoseq.hyena.hyenadna import HyenaDNA
from genoseq.hyena.recipe import Recipe, read_recipe
from genoseq.hyena.weights import WEIGHTS, save_network
from genoseq.io.files import replacing
from genoseq.models.hub import sha256_of
from genoseq.ncd.baselines import Baselines, measure_baselines

HELD_OUT = "held out"


def train(genomes: list[Path], recipe: Path, work: Path, threads: int) -> dict[str, Any]:
    """Train into `work`, or go on there; what the command says of it."""
    words = ["train", "hyena", *genomes, "--params", recipe, "-o", work, "-t", threads, "--no-baselines"]
    code = cli.main([str(word) for word in [*words, "--json", work / "train.json"]])
    if code:
        raise SystemExit(code)
    return json.loads((work / "train.json").read_text(encoding="utf-8"))


def measure(model: HyenaDNA, corpora: dict[str, Corpus], window: int) -> dict[str, tuple[float, int]]:
    """Bits/base and known bases of each corpus, in windows that overlap by half."""
    return {
        name: bits_per_base(model.network, corpus, window=window, context=window // 2)
        for name, corpus in corpora.items()
    }


def figures(
    names: dict[str, str],
    by_window: list[dict[str, tuple[float, int]]],
    rivals: Baselines,
) -> str:
    """Rows of the table of the card."""
    rows = []
    for key, name in names.items():
        order, markov = rivals.best_markov(key)
        own = " | ".join(f"{found[key][0]:.4f}" for found in by_window)
        other = f"{markov:.4f} ({order}) | {rivals.mixing[key]:.4f}"
        rows.append(f"| {name} | {by_window[0][key][1]:,} | {own} | {other} |")
    return "\n".join(rows)


def lengths_of(recipe: Recipe) -> str:
    """How long the windows are, in words."""
    parts = [f"{length:,} bp for {share:.0%} of the steps" for length, share in recipe.training.lengths]
    return f"Windows of {', then '.join(parts)}"


def card(study: dict[str, Any], recipe: Recipe, values: dict[str, Any]) -> str:
    """The card of the weights, Markdown."""
    template = Path(__file__).parent / "params" / "hyena_card.md"
    plan, config = recipe.training, recipe.model
    return template.read_text(encoding="utf-8").format(
        name=study["name"],
        parameters=config.parameters,
        d_model=config.d_model,
        n_layer=config.n_layer,
        l_max=config.l_max,
        context=config.l_max - 2,
        data=", ".join(f"{genome['name']} ({genome['source']})" for genome in study["genomes"]),
        held_out=recipe.held_out,
        steps=plan.steps,
        tokens=plan.tokens,
        lengths=lengths_of(recipe),
        rate=plan.learning_rate,
        warm_up=plan.warm_up,
        least=plan.least_rate,
        decay=plan.weight_decay,
        clip=plan.clip,
        precision=plan.precision,
        notes="".join(f"- {note.strip()}\n" for note in study.get("notes", [])),
        **values,
    )


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--params", type=Path, required=True, help="YAML file")
    add("--data", type=Path, required=True, help="folder of the genomes named in it")
    add("--work", type=Path, required=True, help="folder of the run: checkpoint, log, results")
    add("-o", "--output", type=Path, required=True, help="folder for the folder of the model and its card")
    args = parser.parse_args()
    study = yaml.safe_load(args.params.read_text(encoding="utf-8"))
    recipe_path = args.params.parent / study["recipe"]
    recipe = read_recipe(recipe_path)
    torch.set_num_threads(study["threads"])
    genomes = [args.data / genome["path"] for genome in study["genomes"]]
    args.work.mkdir(parents=True, exist_ok=True)
    training = train(genomes, recipe_path, args.work, study["threads"])

    folder = args.output / study["name"]
    save_network(HyenaDNA.load(args.work, device="cpu").network, folder, half=True)
    shipped = HyenaDNA.load(folder, device="cpu")
    known, held_out = read_corpus(genomes).split(recipe.held_out)
    unseen = {genome["name"]: read_corpus([args.data / genome["path"]]) for genome in study["unseen"]}
    corpora = {HELD_OUT: held_out, **unseen}
    long = max(length for length, _ in recipe.training.lengths)
    short = min(1024, long)
    by_window = [measure(shipped, corpora, window) for window in (long, short)]
    rivals = measure_baselines(known.codes(), {name: corpus.codes() for name, corpus in corpora.items()})

    first = study["genomes"][0]["name"]
    names = {HELD_OUT: f"held out: the last {recipe.held_out:.0%} of {first}"} | {
        genome["name"]: f"{genome['name']} ({genome['source']})" for genome in study["unseen"]
    }
    weights = folder / WEIGHTS
    values = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "epochs": training["steps"] * recipe.training.tokens / known.bases,
        "hours": training["seconds"] / 3600,
        "cpu": f"{platform.machine()}, torch {torch.__version__}",
        "command": f"python pipelines/pretrain_hyena.py --params pipelines/params/{args.params.name} \\\n"
        "    --data DIR --work run/ -o genoseq/weights",
        "study": f"pipelines/params/{args.params.name}",
        "recipe": f"pipelines/params/{study['recipe']}",
        "size": weights.stat().st_size,
        "sha256": sha256_of(weights),
        "long": long,
        "short": short,
        "figures": figures(names, by_window, rivals),
        "exact": training["held_out_bits_per_base"],  # the same windows
    }
    with replacing(args.output / f"{study['name']}.md") as temporary:
        temporary.write_text(card(study, recipe, values), encoding="utf-8")
    results = {"by_window": by_window, "markov": rivals.markov, "mixing": rivals.mixing, **values}
    (args.work / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for path in sorted(folder.iterdir()):  # for genoseq/models/registry.py
        print(f"{path.name} {sha256_of(path)}", file=sys.stderr)


if __name__ == "__main__":
    main()
