"""The study behind pepmlm-small: train on proteins, then on peptides behind targets; measure, weights, card.

    python pipelines/train_peptides.py --params pipelines/params/train_peptides.yaml \\
        --data DIR --work run/ -o genoseq/weights

Training is `genoseq train protein` and `genoseq train peptides` with the recipes that the YAML file names,
into two folders of ``--work``: a stopped run goes on when this is started again, a finished one is measured
again.
The weights are rounded to float16, and it is the rounded ones that are measured.
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
from genoseq.io.proteins import read_proteins
from genoseq.models.hub import sha256_of
from genoseq.peptides.model import MaskedModel
from genoseq.peptides.network import WEIGHTS, save_network
from genoseq.peptides.pairs import MEASURED, BindingPair, read_pairs
from genoseq.peptides.recipe import read_pair_recipe
from genoseq.peptides.split import split_pairs
from genoseq.peptides.worth import pair_log_perplexities, worth_of

CURVES = "curves.png"
LONG_ENOUGH = 8  # letters: shorter peptides occur in some protein by chance


def command(words: list[object], summary: Path) -> dict[str, Any]:
    """Run a command of genoseq; what it says of itself."""
    code = cli.main([str(word) for word in [*words, "--json", summary]])
    if code:
        raise SystemExit(code)
    found: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return found


def train(study: Study) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both trainings, or what is left of them; their summaries."""
    params, data, work, beside = study.params, study.data, study.work, study.given.parent
    threads = ["-t", params["threads"]]
    proteins = [data / each["path"] for each in params["proteins"] for _ in range(each["times"])]
    words = ["train", "protein", *proteins, "--params", beside / params["pretrain"], "-o", work / "protein"]
    first = command([*words, *threads], work / "protein.json")
    mixed_in = [data / path for path in params["mixed_in"]]
    words = ["train", "peptides", data / params["pairs"]["path"], "--test", data / params["test"]["path"]]
    words += ["--init", work / "protein", "--params", beside / params["finetune"], "-o", work / "peptides"]
    words += ["--proteins", *mixed_in] if mixed_in else []
    return first, command([*words, *threads], work / "peptides.json")


def measure(study: Study, models: dict[str, Path]) -> tuple[dict[str, Any], list[BindingPair]]:
    """Figures of models on the test pairs, and these; the split is that of the training."""
    recipe = read_pair_recipe(study.given.parent / study.params["finetune"])
    pairs = read_pairs(study.data / study.params["pairs"]["path"], limits=recipe.limits).pairs
    test = read_pairs(study.data / study.params["test"]["path"], limits=MEASURED).pairs
    split = split_pairs(pairs, test=test, seed=recipe.training.seed)
    measured, steps = {}, Steps(study, len(models))
    for name, path in models.items():
        measured[name] = pair_log_perplexities(MaskedModel.load(path, device="cpu"), split.test)
        steps.done(f"measured: {name}")
    return worth_of(measured, split.train, split.test), split.test


def fragments(test: list[BindingPair], proteins: list[Path]) -> tuple[int, int]:
    """How many of the longer test peptides occur within a protein, and of how many."""
    letters = "\n".join(protein.letters for path in proteins for protein in read_proteins(path))
    peptides = {pair.peptide for pair in test if len(pair.peptide) >= LONG_ENOUGH and "X" not in pair.peptide}
    return sum(peptide in letters for peptide in peptides), len(peptides)


def figure_table(worth: dict[str, Any]) -> str:
    """The table of perplexities."""
    rows = []
    for name, found in worth["figures"].items():
        cells = ["{:.2f} ({:.2f}-{:.2f})".format(*found[each]) for each in ("mean", "geometric_mean")]
        rows.append([name, *cells, f"{found['median']:.2f}"])
    return table(["model", "mean", "geometric mean", "median"], rows)


def against_lines(worth: dict[str, Any], name: str) -> str:
    """The comparison with each rival on the same peptides."""
    lines = []
    for rival, found in worth["against"].items():
        value, low, high = found["log_difference"]
        lines.append(
            f"- {name} against {rival}: {value:+.3f} ({low:+.3f} to {high:+.3f}) nats a letter, better on "
            f"{found['better_on']:.0%} of the peptides"
        )
    return "\n".join(lines)


def twin_rows(split: dict[str, Any]) -> str:
    """Rows of the table of twins."""
    before, after = (split["twins_of_the_test"][name] for name in ("as_given", "trained_on"))
    return "\n".join(
        f"| {what} | {before[what]['test']} | {before[what]['equal']} | {before[what]['near']} | "
        f"{after[what]['equal']} | {after[what]['near']} |"
        for what in before
    )


def source_of(each: dict[str, Any]) -> str:
    """A source of data in words."""
    return f"{each['name']} ({each['source']}, {each['licence']})"


def write_card(path: Path, template: str, study: dict[str, Any], values: dict[str, Any]) -> None:
    """The card of weights, Markdown."""
    text = (HERE / "params" / template).read_text(encoding="utf-8")
    card = text.format(
        name=study["name"],
        base=study["base"],
        proteins=", ".join(map(source_of, study["proteins"])),
        pairs=source_of(study["pairs"]),
        pretrain=f"pipelines/params/{study['pretrain']}",
        finetune=f"pipelines/params/{study['finetune']}",
        notes="".join(f"- {note.strip()}\n" for note in study.get("notes", [])),
        **values,
    )
    write(path, card)


def make(study: Study) -> None:
    """Train, measure, write weights, cards and page."""
    params, work = study.params, study.work
    torch.set_num_threads(params["threads"])
    study.begin()
    first, second = train(study)

    folder = study.output / params["name"]
    trained = MaskedModel.load(work / "peptides", device="cpu").network
    save_network(trained, folder, half=True)
    base = study.output / params["base"]
    save_network(MaskedModel.load(work / "protein", device="cpu").network, base, half=True)
    models = {params["name"]: folder, "before the peptides": work / "protein"}
    worth, test = measure(study, models)
    found, of = fragments(test, [study.data / each["path"] for each in params["proteins"]])
    config, split, weights = trained.config, second["split"], folder / WEIGHTS
    values: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "parameters": sum(parameter.numel() for parameter in trained.parameters()),
        "layers": config.num_hidden_layers, "hidden": config.hidden_size, "heads": config.num_attention_heads,
        "cpu": f"{platform.machine()}, torch {torch.__version__}",
        "command": f"python pipelines/train_peptides.py --params pipelines/params/{study.given.name} \\\n"
        "    --data DIR --work run/ -o genoseq/weights",
        "study": f"pipelines/params/{study.given.name}",
        "pretrain_steps": first["steps"], "pretrain_hours": first["seconds"] / 3600,
        "protein_count": first["proteins"], "residues": first["residues"],
        "held_out_proteins": min(first["held_out_proteins"], first["recipe"]["looked_at"]),
        "protein_perplexity": first.get("held_out_perplexity", float("nan")),
        "steps": second["steps"], "hours": second["seconds"] / 3600, "temperature": second["temperature"],
        "train": split["train"], "validation": split["validation"], "test": split["test"],
        "dropped": split["dropped_near_other_parts"],
        "size": weights.stat().st_size, "sha256": sha256_of(weights),
        "base_size": (base / WEIGHTS).stat().st_size, "base_sha256": sha256_of(base / WEIGHTS),
        "figures": "\n".join(figure_table(worth).splitlines()[2:]),
        "against": against_lines(worth, params["name"]),
        "twins": twin_rows(split), "fragments": found, "fragments_of": of,
    }  # fmt: skip
    write_card(study.output / f"{params['name']}.md", "peptides_card.md", params, values)
    write_card(study.output / f"{params['base']}.md", "esm2_small_card.md", params, values)
    logs = [work / "protein" / "log.jsonl", work / "peptides" / "log.jsonl"]
    write(work / CURVES, training_figure(logs, "nats a letter"))
    body = "Pseudo-perplexity of the test peptides on their targets, lower is better; the cards, "
    body += f"`{params['name']}.md` and `{params['base']}.md`, tell the rest.\n\n{figure_table(worth)}\n"
    body += f"![loss by step: proteins, then peptides]({CURVES})\n\n{files_table([base, folder])}"
    study.finish(f"{params['name']}: training", body, {"worth": worth, "training": second, **values})


def main() -> None:
    """Run the study."""
    run_study(__file__, __doc__, make)


if __name__ == "__main__":
    main()
