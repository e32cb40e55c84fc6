"""The study behind the judge of long reads, passage: the mapping quality of the preset `long`.

    python pipelines/calibrate_long.py --params pipelines/params/calibrate_long.yaml \\
        --data DIR --work run/ -o genoseq/weights

A logistic regression over what is known of an alignment (`genoseq.align.long.passage_evidence`); the label is
whether it lies on the stretch that the read is from. Foreign reads, which lie nowhere, are in it too. A few
minutes on one CPU core.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from calibrate_align import (
    PLOT,
    Sample,
    fit,
    join,
    opened,
    reliability,
    reliability_figure,
    reliability_table,
    split,
)
from pages import write
from study import Steps, Study, run_study

from genoseq.align.conviction import PASSAGE_FEATURES, Judge
from genoseq.align.long import KIND, READ, RIVAL, SCORE, START, STRAND, passage_evidence, place
from genoseq.align.presets import LongParameters, long_preset
from genoseq.align.records import SECONDARY
from genoseq.index.reference import Reference
from genoseq.index.store import Index
from genoseq.simulate import SimulatedReads, SimulationParameters, random_reads, simulate_reads


def evidence_of(index: Index, parameters: LongParameters, reads: SimulatedReads, divergence: float) -> Sample:
    """Evidence of the alignments of some reads, but for those that have an equal rival; -1: foreign reads."""
    placed, _ = place(reads.reads, index, parameters)
    table = placed.table
    table = table[(table[:, KIND] != SECONDARY) & (table[:, RIVAL] < table[:, SCORE])]
    right = np.zeros(len(table), np.bool_)
    if divergence >= 0:
        read = table[:, READ]
        offset = index.reference.offsets[reads.contig[read]]
        inside = (table[:, START] >= offset + reads.start[read] - 50) & (
            table[:, START] < offset + reads.end[read]
        )
        right = inside & (table[:, STRAND] == reads.reverse[read])
    evidence = passage_evidence(table)
    return Sample(evidence, right, np.full(len(table), divergence))


def samples(
    indexes: list[tuple[Index, float]], foreign: Reference, parameters: LongParameters, params: dict[str, Any]
) -> Iterator[Sample]:
    """Reads of every length and divergence, and foreign ones: a sample of each set."""
    for index, bases in indexes:
        for length in params["lengths"]:
            for divergence in params["divergences"]:
                wanted = SimulationParameters(
                    number=int(min(bases / length, params["most"])), length=length, divergence=divergence,
                    indel_share=params["indel_share"],
                    seed=params["seed"] + zlib.crc32(f"{length} {divergence}".encode()) % 10**6,
                )  # fmt: skip
                batches = simulate_reads(index.reference, wanted)
                yield join([evidence_of(index, parameters, reads, divergence) for reads in batches])
    index = indexes[0][0]
    for length in params["lengths"]:
        number = int(min(params["foreign"]["bases"] / length, params["most"]))
        wanted = SimulationParameters(number=number, length=length, seed=params["seed"] + length)
        for stranger in (simulate_reads(foreign, wanted, foreign=True), random_reads(wanted)):
            yield join([evidence_of(index, parameters, reads, -1.0) for reads in stranger])


def card(params: dict[str, Any], number: int, rows: list[dict[str, Any]]) -> str:
    """The page about the judge."""
    genomes = "; ".join(f"{g['name']} ({g['bases'] / 1e6:g} Mbp a set)" for g in params["genomes"])
    lines = [
        "# passage.json: the mapping quality of long reads",
        "",
        f"A logistic model over {PASSAGE_FEATURES} numbers (`genoseq.align.long.passage_evidence`). Made by",
        "",
        "    python pipelines/calibrate_long.py --params pipelines/params/calibrate_long.yaml \\",
        "        --data DIR --work run/ -o genoseq/weights",
        "",
        f"**Data**: reads by `genoseq simulate` of {', '.join(map(str, params['lengths']))} bp at "
        f"{', '.join(f'{100 * d:g}' for d in params['divergences'])} % divergence "
        f"({100 * params['indel_share']:g} % of it insertions and deletions) from {genomes}; foreign: "
        f"{params['foreign']['name']} and random sequence. {number:,} alignments, "
        f"{100 * params['held_out']:.0f} % of them held out for the table. Licence: MIT.",
        "",
        "**Limits**: the repeats of one human chromosome, not of the whole genome; even divergence.",
        "",
        "Wrong of all alignments without an equal rival, by the MAPQ that was given.",
        "",
        reliability_table(rows).rstrip(),
    ]
    return "\n".join(lines) + "\n"


def make(study: Study) -> None:
    """Fit the judge; write weights, card and page."""
    params = study.params
    study.begin()
    indexes = [(opened(study.data, study.work, g["path"]), g["bases"]) for g in params["genomes"]]
    foreign = Reference.from_fasta(study.data / params["foreign"]["path"])
    parameters = long_preset(passage=Judge(np.zeros(PASSAGE_FEATURES)))
    found = []
    steps = Steps(study, len(params["lengths"]) * (len(indexes) * len(params["divergences"]) + 2))
    for each in samples(indexes, foreign, parameters, params):
        found.append(each)
        steps.done(f"{len(each.label):,} alignments")
    sample = join(found)
    learn, measure = split(sample, params["held_out"], params["seed"])
    learned = fit(learn, params["strength"])
    rows = reliability(measure, learned)
    weights = [float(f"{weight:.6g}") for weight in fit(sample, params["strength"])]
    write(study.output / "passage.md", card(params, len(sample.label), rows))
    write(study.output / "passage.json", json.dumps({"passage": weights}, indent=1) + "\n")
    write(study.work / PLOT, reliability_figure({"passage": (measure, learned)}))
    body = f"{reliability_table(rows)}\n![MAPQ of reads held out]({PLOT})"
    study.finish("The mapping quality of long reads", body, {"held_out": rows})


def main() -> None:
    """Run the study."""
    run_study(__file__, __doc__, make)


if __name__ == "__main__":
    main()
