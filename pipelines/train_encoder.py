"""The study behind the weights that ship: train, measure on genomes not seen, write weights and card.

    python pipelines/train_encoder.py --params pipelines/params/train_encoder.yaml \\
        --data DIR --work run/ -o genoseq/weights

Everything that decides the result stands in the YAML file. A stopped run goes on from the checkpoint in
``--work`` when it is started again. Minutes on one CPU core.
"""

from __future__ import annotations

import argparse
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
from genoseq.encoder.train import CHECKPOINT, SeedTrainer, choose_device, recall_rows, untrained
from genoseq.errors import UsageError
from genoseq.io.fastx import read_fasta
from genoseq.io.files import replacing
from genoseq.sequence import ENCODE_TABLE


def read_config(values: dict[str, Any]) -> SeedTraining:
    """The training parameters of a YAML mapping; an unknown name is an error."""
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


def card(params: dict[str, Any], config: SeedTraining, encoder: SeedEncoder, results: dict[str, Any]) -> str:
    """The card of the weights, Markdown."""
    stages = "\n".join(_stage_row(stage) for stage in config.stages)
    figures = "\n".join(
        f"| {name} | {tables} | {row['divergence']:.0%} | "
        + " | ".join(f"{row[column]:.3f}" for column in ("pool", "cell", "ranked", "anchor"))
        + " |"
        for name, by_tables in results["recall"].items()
        for tables, rows in by_tables.items()
        for row in rows
    )
    low, high = config.stages[0].divergence.indel_share
    ratio = config.stages[0].divergence.transition_ratio
    words, places = " or ".join(config.words), encoder.table.shape[0] // 256
    data = "; ".join(g["name"] for g in params["genomes"])
    held_out = "; ".join(g["name"] for g in params["held_out"])
    return f"""# seed.npz: tables of the seed encoder

The encoder that `genoseq index` and `genoseq align` use: the context of an anchor word
({words}, with {config.flank} bp on each side) becomes {encoder.dimension} numbers, a sum of
{places} rows of these int8 tables. One set of tables serves both words. `codebook` is the product quantiser
(16 pieces, 4 bits each) that an index uses.

- **Data**: {data}. Public genomes; the weights hold no stretch of them.
- **Made by** `pipelines/train_encoder.py`, parameters `train_encoder.yaml`, on {encoder.meta["date"]}:
  {results["cpu_seconds"]:.0f} CPU seconds on {results["device"]}. Digest `{encoder.digest}`. Licence: MIT.
- **Pairs**: a context and the same after mutation outward from the anchor; insertions and deletions are
  {low:.0%} to {high:.0%} of the events, of geometric length; {ratio[0]:g} to {ratio[1]:g} transitions per
  transversion; one context in five is cut by the end of the read. Small genomes are drawn by the square root
  of their size.

| stage | steps | groups | divergence | rivals |
|---|---|---|---|---|
{stages}

## What it is worth

Single anchors of genomes that were **not** trained on, {results["queries"]} queries a row; substitutions
uniform, 15 % of the events insertions or deletions. A read of 150 bp has
about 15 anchors of each word and needs two or three.

- `pool`: own anchor among the two nearest of 200,000, exact vectors;
- `cell`: the mutated context falls into the cell of its anchor (at most {config.capacity} anchors);
  no encoder can change this;
- `ranked`: then found among the two nearest of the cell, by product codes; `anchor`: both.

"int16" are the same tables rounded six times finer: what rounding to int8 costs.

| genome | tables | divergence | pool | cell | ranked | anchor |
|---|---|---|---|---|---|---|
{figures}

Held out: {held_out}.
MG1655 is another strain of a species that was trained on. Genomes of very skewed composition were not tried.
"""


def _stage_row(stage: Stage) -> str:
    low, high = stage.divergence.rate
    rivals = ("same cell" if stage.same_cell else "anywhere") + (", as product codes" if stage.coded else "")
    groups = f"{stage.groups} x {stage.group_size}"
    return f"| {stage.name} | {stage.steps} | {groups} | {low:.0%}-{high:.0%} | {rivals} |"


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--params", type=Path, required=True, help="YAML file")
    parser.add_argument("--data", type=Path, required=True, help="folder of the genomes named in it")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoint, log and results")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for seed.npz and seed.md")
    args = parser.parse_args()
    params = yaml.safe_load(args.params.read_text(encoding="utf-8"))
    config = read_config(dict(params["training"]))
    torch.set_num_threads(params["threads"])
    faiss.omp_set_num_threads(params["threads"])
    device = choose_device(params["device"])
    words = AnchorWords(config.words)
    pool = ContextPool.from_codes([read_region(args.data, g) for g in params["genomes"]], words, config.flank)
    args.work.mkdir(parents=True, exist_ok=True)

    def log(line: dict[str, Any]) -> None:
        print(json.dumps(line), file=sys.stderr, flush=True)
        with (args.work / "log.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")

    log({"anchors": len(pool), "device": str(device)})
    trainer = SeedTrainer(pool, config, device, log)
    if (args.work / CHECKPOINT).is_file():
        trainer.resume(args.work)
        log({"resumed": trainer.stage, "step": trainer.step})
    trainer.run(args.work)
    names = [g["name"] for g in params["genomes"]]
    encoder = trainer.encoder({"genomes": names, "date": time.strftime("%Y-%m-%d", time.gmtime())})
    start = untrained(pool, config)
    queries = int(params["queries"])
    results: dict[str, Any] = {
        "queries": queries,
        "cpu_seconds": trainer.seconds,
        "device": str(device),
        "recall": {},
    }
    for region in params["held_out"]:
        held_out = ContextPool.from_codes([read_region(args.data, region)], words, config.flank)
        by_tables = {"untrained": start, "int16": precise(trainer, encoder), "trained": encoder}
        rows = {name: recall_rows(tables, held_out, queries=queries) for name, tables in by_tables.items()}
        results["recall"][region["name"]] = rows
        log({region["name"]: rows})
    (args.work / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    with replacing(args.output / "seed.npz") as temporary:
        encoder.save(temporary)
    with replacing(args.output / "seed.md") as temporary:
        temporary.write_text(card(params, config, encoder, results), encoding="utf-8")


if __name__ == "__main__":
    main()
