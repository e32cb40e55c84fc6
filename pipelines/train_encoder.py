"""The study behind the weights that ship: train, measure on genomes not seen, write weights and card.

    python pipelines/train_encoder.py --params pipelines/params/train_encoder.yaml \\
        --data DIR --work run/ -o genoseq/weights

Everything that decides the result stands in the YAML file. A stopped run goes on from the checkpoint in
``--work`` when it is started again. Minutes on one CPU core. ``--measure`` writes the card of weights that
exist.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from genoseq.encoder.anchors import AnchorWords
from genoseq.encoder.contexts import ContextPool
from genoseq.encoder.divergence import Divergence
from genoseq.encoder.plan import SeedTraining, Stage
from genoseq.encoder.seed import SeedEncoder
from genoseq.encoder.train import CHECKPOINT, Log, SeedTrainer, recall_rows, untrained
from genoseq.errors import UsageError
from genoseq.io.fastx import read_fasta
from genoseq.io.files import replacing
from genoseq.models.device import choose_device
from genoseq.sequence import ENCODE_TABLE

INT16 = """
"int16" are the same tables rounded six times finer: what rounding to int8 costs.
"""


def read_config(values: dict[str, Any]) -> SeedTraining:
    """The training parameters of a YAML mapping; an unknown name is an error."""
    values = copy.deepcopy(values)
    stages = []
    for stage in values.pop("stages"):
        change = {k: tuple(v) if isinstance(v, list) else v for k, v in stage.pop("divergence").items()}
        stages.append(Stage(**stage, divergence=Divergence(**change)))
    return SeedTraining(**{**values, "words": tuple(values["words"]), "stages": tuple(stages)})


def read_region(folder: Path, region: dict[str, Any]) -> list[NDArray[np.uint8]]:
    """Base codes of a genome, or of ``start`` to ``end`` (bp, 0-based half-open) of its only contig."""
    contigs = [ENCODE_TABLE[letters] for _, letters in read_fasta(folder / region["path"])]
    if "start" in region or "end" in region:
        if len(contigs) != 1:
            raise UsageError(f"{region['path']}: start and end need a single contig, found {len(contigs)}")
        return [contigs[0][region.get("start", 0) : region.get("end")]]
    return contigs


def precise(trainer: SeedTrainer, encoder: SeedEncoder) -> SeedEncoder:
    """The same encoder in int16 tables, six times finer: what rounding to int8 costs."""
    table = trainer.network.table.weight[:-1].detach().cpu().double().numpy()
    finest = 32_767 / (trainer.network.places * np.abs(table).max())  # the sums must fit int16 too
    return dataclasses.replace(encoder, table=np.rint(table * finest).astype(np.int16))


def card(params: dict[str, Any], encoder: SeedEncoder, results: dict[str, Any]) -> str:
    """The card of the weights, Markdown."""
    plan = params["training"]
    figures = "\n".join(
        f"| {name} | {tables} | {row['divergence']:.0%} | "
        + " | ".join(f"{row[column]:.3f}" for column in ("pool", "cell", "ranked", "anchor"))
        + " |"
        for name, by_tables in results["recall"].items()
        for tables, rows in by_tables.items()
        for row in rows
    )
    change = plan["stages"][0]["divergence"]
    low, high = change["indel_share"]
    template = Path(__file__).parent / "params" / "seed_card.md"
    return template.read_text(encoding="utf-8").format(
        words=" or ".join(encoder.words.words),
        flank=encoder.flank,
        dimension=encoder.dimension,
        context=encoder.context,
        places=encoder.table.shape[0] // 256,
        digest=encoder.digest,
        data="; ".join(f"{g['name']} ({g['source']})" for g in params["genomes"]),
        date=encoder.meta["date"],
        low=low,
        high=high,
        ratio=change["transition_ratio"],
        capacity=plan["capacity"],
        stages="\n".join(_stage_row(stage) for stage in plan["stages"]),
        notes="".join(f"\n{note.strip()}\n" for note in params.get("notes", [])),
        figures=figures,
        measured="\n".join(f"- {g['name']}: {g['relation']}" for g in params["measured"]),
        **{name: results[name] for name in ("params", "train", "measure", "queries", "tables")},
    )


def _stage_row(stage: dict[str, Any]) -> str:
    rate = stage["divergence"]["rate"]
    where = "same cell" if stage["same_cell"] else "anywhere"
    return (
        f"| {stage['name']} | {stage['steps']} | {stage['groups']} x {stage['group_size']} | "
        f"{rate[0]:.0%}-{rate[1]:.0%} | {where}{', as product codes' if stage['coded'] else ''} |"
    )


def train(
    params: dict[str, Any], config: SeedTraining, pool: ContextPool, work: Path, log: Log
) -> tuple[SeedTrainer, SeedEncoder]:
    """Train, or go on from the checkpoint in `work`."""
    trainer = SeedTrainer(pool, config, choose_device(params["device"]), log)
    if (work / CHECKPOINT).is_file():
        trainer.resume(work)
        log({"resumed": trainer.stage, "step": trainer.step})
    trainer.run(work)
    names = [g["name"] for g in params["genomes"]]
    date = time.strftime("%Y-%m-%d", time.gmtime())
    return trainer, trainer.encoder({"genomes": names, "date": date})


def recall(
    params: dict[str, Any], data: Path, by_tables: dict[str, SeedEncoder], log: Log
) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Recall of single anchors by region and tables."""
    found = {}
    for region in params["measured"]:
        first = next(iter(by_tables.values()))
        pool = ContextPool.from_codes([read_region(data, region)], first.words, first.flank)
        found[region["name"]] = {
            name: recall_rows(tables, pool, queries=int(params["queries"]))
            for name, tables in by_tables.items()
        }
        log({region["name"]: found[region["name"]]})
    return found


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--params", type=Path, required=True, help="YAML file")
    add("--data", type=Path, required=True, help="folder of the genomes named in it")
    add("--work", type=Path, required=True, help="folder for checkpoint, log and results")
    add("-o", "--output", type=Path, required=True, help="folder for seed.npz and seed.md")
    add("--measure", type=Path, metavar="NPZ", help="write the card of these weights, train nothing")
    args = parser.parse_args()
    params = yaml.safe_load(args.params.read_text(encoding="utf-8"))
    config = read_config(params["training"])
    torch.set_num_threads(params["threads"])
    faiss.omp_set_num_threads(params["threads"])
    words = AnchorWords(config.words)
    pool = ContextPool.from_codes([read_region(args.data, g) for g in params["genomes"]], words, config.flank)
    args.work.mkdir(parents=True, exist_ok=True)

    def log(line: dict[str, Any]) -> None:
        print(json.dumps(line), file=sys.stderr, flush=True)
        with (args.work / "log.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")

    by_tables, tables = {"untrained": untrained(pool, config)}, ""
    if args.measure:
        encoder = SeedEncoder.load(args.measure)
    else:
        trainer, encoder = train(params, config, pool, args.work, log)
        by_tables["int16"] = precise(trainer, encoder)
        tables = INT16
        with replacing(args.output / "seed.npz") as temporary:
            encoder.save(temporary)
    by_tables["trained"] = encoder
    command = f"python pipelines/train_encoder.py --params pipelines/params/{args.params.name} "
    command += "\\\n    --data DIR --work run/ -o genoseq/weights"
    results = {
        "queries": int(params["queries"]),
        "params": args.params.name,
        "tables": tables,
        "train": command,
        "measure": f"{command} --measure genoseq/weights/seed.npz",
        "recall": recall(params, args.data, by_tables, log),
    }
    (args.work / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    with replacing(args.output / "seed.md") as temporary:
        temporary.write_text(card(params, encoder, results), encoding="utf-8")


if __name__ == "__main__":
    main()
