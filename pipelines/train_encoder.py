"""The study behind the weights that ship: train, measure on genomes not seen, write weights and card.

    python pipelines/train_encoder.py --params pipelines/params/train_encoder.yaml \\
        --data DIR --work run/ -o genoseq/weights

Everything that decides the result stands in the YAML file; ``params/train_encoder_shipped.yaml`` is that of
the weights that ship. OUT gets ``seed.npz`` and its card, ``seed.md``. A stopped run goes on from the
checkpoint in ``--work`` when it is started again. Minutes on one CPU core. ``--measure`` writes the card of
weights that exist.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from pages import table, training_figure, write
from study import HERE, Steps, Study, run_study

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

LOG, CURVE = "log.jsonl", "curve.png"
INT16 = """
"int16" are the same tables rounded six times finer: what rounding to int8 costs.
"""


def read_config(values: dict[str, Any]) -> SeedTraining:
    """The training parameters of a YAML mapping.

    Raises
    ------
    UsageError
        For a name that is not known, or one that is missing.
    """
    values = copy.deepcopy(values)
    stages = []
    try:
        for stage in values.pop("stages"):
            change = {k: tuple(v) if isinstance(v, list) else v for k, v in stage.pop("divergence").items()}
            stages.append(Stage(**stage, divergence=Divergence(**change)))
        return SeedTraining(**{**values, "words": tuple(values["words"]), "stages": tuple(stages)})
    except KeyError as error:
        raise UsageError(f"training: {error} is missing") from error
    except TypeError as error:
        raise UsageError(f"training: {error}") from error


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
    change = plan["stages"][0]["divergence"]
    low, high = change["indel_share"]
    template = HERE / "params" / "seed_card.md"
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
        figures="\n".join(figures_table(results).splitlines()[2:]),
        measured="\n".join(f"- {g['name']}: {g['relation']}" for g in params["measured"]),
        **{name: results[name] for name in ("params", "train", "measure", "queries", "tables")},
    )


def figures_table(results: dict[str, Any]) -> str:
    """Recall of single anchors, a row for each genome, tables and divergence."""
    columns = ("pool", "cell", "ranked", "anchor")
    return table(
        ("genome", "tables", "divergence", *columns),
        [
            (name, tables, f"{row['divergence']:.0%}", *(f"{row[column]:.3f}" for column in columns))
            for name, by_tables in results["recall"].items()
            for tables, rows in by_tables.items()
            for row in rows
        ],
    )


def _stage_row(stage: dict[str, Any]) -> str:
    rate = stage["divergence"]["rate"]
    where = "same cell" if stage["same_cell"] else "anywhere"
    return (
        f"| {stage['name']} | {stage['steps']} | {stage['groups']} x {stage['group_size']} | "
        f"{rate[0]:.0%}-{rate[1]:.0%} | {where}{', as product codes' if stage['coded'] else ''} |"
    )


def train(study: Study, config: SeedTraining, pool: ContextPool, log: Log) -> tuple[SeedTrainer, SeedEncoder]:
    """Train, or go on from the checkpoint in the folder of the work."""
    params, work = study.params, study.work
    ends = np.cumsum([stage.steps for stage in config.stages]).tolist()
    starts = dict(zip((stage.name for stage in config.stages), [0, *ends], strict=False))
    steps = Steps(study, ends[-1])

    def tell(line: dict[str, Any]) -> None:
        log(line)
        if line.get("stage") in starts:
            steps.done(f"steps, {line['stage']}: {_words(line)}", to=starts[line["stage"]] + line["step"])

    trainer = SeedTrainer(pool, config, choose_device(params["device"]), tell)
    if (work / CHECKPOINT).is_file():
        trainer.resume(work)
        log({"resumed": trainer.stage, "step": trainer.step})
        steps.done("", to=[0, *ends][trainer.stage] + trainer.step, kept=True)
    trainer.run(work)
    names = [g["name"] for g in params["genomes"]]
    date = time.strftime("%Y-%m-%d", time.gmtime())
    return trainer, trainer.encoder({"genomes": names, "date": date})


def _words(line: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in line.items() if name not in ("stage", "step"))


def recall(study: Study, by_tables: dict[str, SeedEncoder]) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Recall of single anchors by region and tables."""
    found, params = {}, study.params
    steps = Steps(study, len(params["measured"]))
    for region in params["measured"]:
        first = next(iter(by_tables.values()))
        pool = ContextPool.from_codes([read_region(study.data, region)], first.words, first.flank)
        found[region["name"]] = {
            name: recall_rows(tables, pool, queries=int(params["queries"]))
            for name, tables in by_tables.items()
        }
        steps.done(f"measured: {region['name']}")
    return found


def make(study: Study) -> None:
    """Train, measure, write weights, card and page."""
    params, work, measured = study.params, study.work, study.options.measure
    config = read_config(params["training"])
    torch.set_num_threads(params["threads"])
    faiss.omp_set_num_threads(params["threads"])
    words = AnchorWords(config.words)
    genomes = [read_region(study.data, genome) for genome in params["genomes"]]
    pool = ContextPool.from_codes(genomes, words, config.flank)
    study.begin()

    def log(line: dict[str, Any]) -> None:
        with (work / LOG).open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")

    by_tables, tables = {"untrained": untrained(pool, config)}, ""
    if measured:
        encoder = SeedEncoder.load(measured)
    else:
        trainer, encoder = train(study, config, pool, log)
        by_tables["int16"] = precise(trainer, encoder)
        tables = INT16
        with replacing(study.output / "seed.npz") as temporary:
            encoder.save(temporary)
    by_tables["trained"] = encoder
    command = f"python pipelines/train_encoder.py --params pipelines/params/{study.given.name} "
    command += "\\\n    --data DIR --work run/ -o genoseq/weights"
    results = {
        "queries": int(params["queries"]), "params": study.given.name, "tables": tables, "train": command,
        "measure": f"{command} --measure genoseq/weights/seed.npz", "recall": recall(study, by_tables),
    }  # fmt: skip
    write(study.output / "seed.md", card(params, encoder, results))
    body = (
        f"Weights of digest `{encoder.digest}`; `seed.md` tells what they are, and how this is measured.\n\n"
    )
    body += figures_table(results)
    if (work / LOG).exists():
        write(work / CURVE, training_figure([work / LOG], "loss"))
        body += f"\n![loss by step]({CURVE})"
    study.finish("Seed encoder: training", body, results)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what this study has alone."""
    parser.add_argument(
        "--measure", type=Path, metavar="NPZ", help="write the card of these weights, train nothing"
    )


def main() -> None:
    """Run the study."""
    run_study(__file__, __doc__, make, add_options)


if __name__ == "__main__":
    main()
