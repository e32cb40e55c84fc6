"""The study behind hyena-tiny: train, measure on sequence not seen, write weights and card.

    python pipelines/pretrain_hyena.py --params pipelines/params/pretrain_hyena.yaml \\
        --data DIR --work run/ -o genoseq/weights

Training is `genoseq train hyena` with the recipe that the YAML file names, into ``--work``: a stopped run
goes on when this is started again, a finished one is measured again.
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from typing import Any

import torch
from pages import files_table, table, training_figure, write
from study import HERE, Steps, Study, run_study

from genoseq import cli
from genoseq.hyena.corpus import Corpus, read_corpus
from genoseq.hyena.heldout import bits_per_base
from genoseq.hyena.hyenadna import HyenaDNA
from genoseq.hyena.recipe import Recipe, read_recipe
from genoseq.hyena.weights import WEIGHTS, save_network
from genoseq.models.hub import sha256_of
from genoseq.ncd.baselines import Baselines, measure_baselines

HELD_OUT, CURVE = "held out", "curve.png"


def train(genomes: list[Path], recipe: Path, work: Path, threads: int) -> dict[str, Any]:
    """Train into `work`, or go on there; what the command says of it."""
    words = ["train", "hyena", *genomes, "--params", recipe, "-o", work, "-t", threads, "--no-baselines"]
    code = cli.main([str(word) for word in [*words, "--json", work / "train.json"]])
    if code:
        raise SystemExit(code)
    return json.loads((work / "train.json").read_text(encoding="utf-8"))


def measure(
    model: HyenaDNA, corpora: dict[str, Corpus], window: int, steps: Steps
) -> dict[str, tuple[float, int]]:
    """Bits/base and known bases of each corpus, in windows that overlap by half."""
    found = {}
    for name, corpus in corpora.items():
        found[name] = bits_per_base(model.network, corpus, window=window, context=window // 2)
        steps.done(f"measured in windows of {window:,}: {name}, {found[name][0]:.4f} bits/base")
    return found


def figures(
    names: dict[str, str], by_window: list[dict[str, tuple[float, int]]], rivals: Baselines, head: list[str]
) -> str:
    """The table of the card, under `head`."""
    rows = []
    for key, name in names.items():
        order, markov = rivals.best_markov(key)
        own = (f"{found[key][0]:.4f}" for found in by_window)
        rival = f"{markov:.4f} ({order})", f"{rivals.mixing[key]:.4f}"
        rows.append([name, f"{by_window[0][key][1]:,}", *own, *rival])
    return table(head, rows)


def lengths_of(recipe: Recipe) -> str:
    """How long the windows are, in words."""
    parts = [f"{length:,} bp for {share:.0%} of the steps" for length, share in recipe.training.lengths]
    return f"Windows of {', then '.join(parts)}"


def card(study: dict[str, Any], recipe: Recipe, values: dict[str, Any]) -> str:
    """The card of the weights, Markdown."""
    template = HERE / "params" / "hyena_card.md"
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


def make(study: Study) -> None:
    """Train, measure, write weights, card and page."""
    params, work = study.params, study.work
    recipe_path = study.given.parent / params["recipe"]
    recipe = read_recipe(recipe_path)
    torch.set_num_threads(params["threads"])
    genomes = [study.data / genome["path"] for genome in params["genomes"]]
    study.begin()
    training = train(genomes, recipe_path, work, params["threads"])

    folder = study.output / params["name"]
    save_network(HyenaDNA.load(work, device="cpu").network, folder, half=True)
    shipped = HyenaDNA.load(folder, device="cpu")
    known, held_out = read_corpus(genomes).split(recipe.held_out)
    unseen = {genome["name"]: read_corpus([study.data / genome["path"]]) for genome in params["unseen"]}
    corpora = {HELD_OUT: held_out, **unseen}
    long = max(length for length, _ in recipe.training.lengths)
    short = min(1024, long)
    steps = Steps(study, 2 * len(corpora))
    by_window = [measure(shipped, corpora, window, steps) for window in (long, short)]
    study.say("models that count, for comparison")
    rivals = measure_baselines(known.codes(), {name: corpus.codes() for name, corpus in corpora.items()})

    first = params["genomes"][0]["name"]
    names = {HELD_OUT: f"held out: the last {recipe.held_out:.0%} of {first}"} | {
        genome["name"]: f"{genome['name']} ({genome['source']})" for genome in params["unseen"]
    }
    weights = folder / WEIGHTS
    head = ["sequence", "known bases", f"{params['name']}, windows of {long:,}", f"of {short:,}"]
    shown = figures(names, by_window, rivals, [*head, "best Markov (order)", "mixing model"])
    values = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "epochs": training["steps"] * recipe.training.tokens / known.bases,
        "hours": training["seconds"] / 3600,
        "cpu": f"{platform.machine()}, torch {torch.__version__}",
        "command": f"python pipelines/pretrain_hyena.py --params pipelines/params/{study.given.name} \\\n"
        "    --data DIR --work run/ -o genoseq/weights",
        "study": f"pipelines/params/{study.given.name}",
        "recipe": f"pipelines/params/{params['recipe']}",
        "size": weights.stat().st_size,
        "sha256": sha256_of(weights),
        "long": long,
        "short": short,
        "figures": "\n".join(shown.splitlines()[2:]),
        "exact": training["held_out_bits_per_base"],  # the same windows
    }
    write(study.output / f"{params['name']}.md", card(params, recipe, values))
    write(work / CURVE, training_figure([work / "log.jsonl"], "bits/base"))
    body = f"Bits/base, lower is better; the card, `{params['name']}.md`, tells how they are measured.\n\n"
    body += f"{shown}\n![bits/base by step]({CURVE})\n\n{files_table([folder])}"
    results = {"by_window": by_window, "markov": rivals.markov, "mixing": rivals.mixing, **values}
    study.finish(f"{params['name']}: training", body, results)


def main() -> None:
    """Run the study."""
    run_study(__file__, __doc__, make)


if __name__ == "__main__":
    main()
