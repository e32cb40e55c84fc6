"""The study behind the judges that ship: conviction, certainty and kinship, fitted to reads of known origin.

    python pipelines/calibrate_align.py --params pipelines/params/calibrate_align.yaml \\
        --data DIR --work run/ -o genoseq/weights

*Conviction* is fitted to what the cascade knows of a read after each stage when nothing ends it; the label is
whether the stages still to come would mend a wrong best locus. *Certainty* is fitted to the finished
alignments, with that conviction in place; the label is whether the alignment is at the read's origin.
*Kinship* is fitted to the mates of pairs, with both in place, to the same label. All are logistic
regressions. OUT gets ``judges.json`` and its card; ``--work`` keeps the indexes.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pages import new_figure, table, write
from sklearn.linear_model import LogisticRegression
from study import Steps, Study, run_study

from genoseq.align.aligner import Aligner
from genoseq.align.cascade import find_loci
from genoseq.align.conviction import CERTAINTY_FEATURES, FEATURES, Judge
from genoseq.align.loci import LOCI
from genoseq.align.mapq import certainty_evidence, kinship_evidence, phred, search_evidence
from genoseq.align.outcome import choose, outcome
from genoseq.align.presets import AlignmentParameters, preset
from genoseq.align.records import UNMAPPED
from genoseq.align.vote import OFFSET, STRAND_SHIFT
from genoseq.evaluate import Evaluation
from genoseq.index.reference import Reference
from genoseq.index.store import PRESETS, Index
from genoseq.plots import reliability_plot
from genoseq.simulate import SimulatedReads, SimulationParameters, random_reads, simulate_reads

PLOT = "calibration.png"
CONSTANT = FEATURES - 1
"""The column of the evidence that is 1."""
BANDS = ((0, 3), (3, 10), (10, 20), (20, 30), (30, 40), (40, 61))


@dataclasses.dataclass(frozen=True)
class Sample:
    """Evidence of many reads, what it should say, and the divergence of each read (-1: foreign)."""

    evidence: NDArray[np.float64]
    label: NDArray[np.bool_]
    divergence: NDArray[np.float64]

    def take(self, rows: NDArray[Any]) -> Sample:
        """Some of the reads."""
        return Sample(self.evidence[rows], self.label[rows], self.divergence[rows])


def join(samples: list[Sample]) -> Sample:
    """One sample of several."""
    parts = ((s.evidence, s.label, s.divergence) for s in samples)
    return Sample(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def simulated(
    reference: Reference,
    params: dict[str, Any],
    number: int,
    purpose: str,
    insert: tuple[float, float] | None = None,
) -> Iterator[tuple[float, SimulatedReads]]:
    """Reads of every length and divergence; `purpose` decides the seed, so that no read serves twice."""
    for length in params["lengths"]:
        for divergence in params["divergences"]:
            clean = purpose != "conviction" and divergence < params["clean_below"]
            count = number * (params["clean_factor"] if clean else 1)
            seed = params["seed"] + zlib.crc32(f"{purpose} {length} {divergence}".encode()) % 10**6
            wanted = SimulationParameters(
                number=count, length=length, divergence=divergence, insert=insert, seed=seed
            )
            for reads in simulate_reads(reference, wanted):
                yield divergence, reads


def origins(reads: SimulatedReads, reference: Reference) -> NDArray[np.int64]:
    """Where the first reference base of each read lies, concatenated coordinate."""
    return reference.offsets[reads.contig] + reads.start


def conviction_sample(
    index: Index, parameters: AlignmentParameters, params: dict[str, Any], number: int
) -> Iterator[Sample]:
    """What is known of each read after each stage it takes part in, when none convinces."""
    never = Judge(np.eye(FEATURES)[CONSTANT] * -1.0)
    for divergence, reads in simulated(index.reference, params, number, "conviction"):
        batch, origin = reads.reads, origins(reads, index.reference)
        seen: list[tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]] = []
        before = None
        for stop in range(1, len(parameters.stages) + 1):
            cut = dataclasses.replace(parameters, stages=parameters.stages[:stop], conviction=never)
            loci = find_loci(batch.codes, batch.offsets, index, cut)
            position = (loci.keys[:, 0] & ((1 << STRAND_SHIFT) - 1)) - OFFSET
            near = np.abs(position - origin) <= params["right_within"]
            right = near & (loci.keys[:, 0] >> STRAND_SHIFT == reads.reverse) & (loci.counts > 0)
            evidence = np.zeros((len(batch), FEATURES))
            search_evidence(batch.lengths, loci, evidence)
            state = np.column_stack([loci.signs, loci.counts, loci.distances[:, :LOCI]])
            took_part = np.ones(len(batch), bool) if before is None else (state != before).any(axis=1)
            before = state
            seen.append((evidence, right, took_part & (loci.counts > 0)))
        final = seen[-1][1]
        for evidence, right, known in seen[:-1]:
            yield Sample(evidence[known], ~(final & ~right)[known], np.full(known.sum(), divergence))


def certainty_of(aligner: Aligner, reads: SimulatedReads, divergence: float, within: int) -> Sample:
    """Evidence of finished alignments that have no equal rival."""
    reference, parameters, batch = aligner.index.reference, aligner.parameters, reads.reads
    candidates = aligner.candidates(batch)
    a, rows = outcome(batch, candidates, reference, parameters, 0)
    perfect = parameters.scoring.match * batch.lengths
    known = ((rows.flags & UNMAPPED) == 0) & (rows.seconds < a.scores)
    evidence = certainty_evidence(batch.lengths, perfect, a.scores, rows.seconds, candidates.loci)
    if divergence < 0:
        right = np.zeros(len(batch), bool)
    else:
        first = a.cigars[np.minimum(a.cigar_starts, len(a.cigars) - 1)]
        clip = np.where((first & 15) == 4, first >> 4, 0).astype(np.int64)
        near = np.abs(a.starts - clip - origins(reads, reference)) <= within
        right = near & (a.strands == reads.reverse)
    return Sample(evidence[known], right[known], np.full(known.sum(), divergence))


def certainty_sample(
    indexes: list[tuple[Index, int]],
    foreign: Reference,
    parameters: AlignmentParameters,
    params: dict[str, Any],
) -> Iterator[Sample]:
    """Finished alignments of reads of every kind, foreign ones included."""
    within = params["right_within"]
    for index, number in indexes:
        aligner = Aligner(index, parameters)
        for divergence, reads in simulated(index.reference, params, number, "certainty"):
            yield certainty_of(aligner, reads, divergence, within)
    aligner = Aligner(indexes[0][0], parameters)
    for length in params["lengths"]:
        wanted = SimulationParameters(
            number=params["foreign"]["reads"], length=length, seed=params["seed"] + length
        )
        for stranger in (simulate_reads(foreign, wanted, foreign=True), random_reads(wanted)):
            for reads in stranger:
                yield certainty_of(aligner, reads, -1.0, within)


def torn(reads: SimulatedReads, share: float, seed: int) -> SimulatedReads:
    """Pairs of which a share is torn apart: their second mates are handed round among them.

    Chimeras, rearrangements and libraries of another kind make such pairs; that mates do not fit is no error
    of theirs.
    """
    pairs = np.flatnonzero(np.random.default_rng(seed).random(len(reads) // 2) < share)
    order = np.arange(len(reads))
    order[2 * pairs + 1] = 2 * np.roll(pairs, 1) + 1
    batch = dataclasses.replace(reads.reads.select(order), mates=reads.reads.mates)
    return SimulatedReads(
        batch, reads.contig[order], reads.start[order], reads.end[order], reads.reverse[order]
    )


def kinship_of(aligner: Aligner, reads: SimulatedReads, divergence: float, within: int) -> Sample:
    """Evidence of mates that were both placed and lead over every other choice."""
    reference, parameters, batch = aligner.index.reference, aligner.parameters, reads.reads
    candidates = aligner.candidates(batch)
    chosen = choose(batch, candidates, reference, parameters)
    pairs, choice, aligned = candidates.pairs, chosen.choice, candidates.aligned
    assert pairs is not None
    assert choice is not None
    scores, rivals, perfect = chosen.scores, chosen.rivals, chosen.perfect
    alone = certainty_evidence(batch.lengths, perfect, scores, rivals, candidates.loci)
    evidence = kinship_evidence(alone @ parameters.certainty.weights, perfect, scores, rivals, pairs, choice)
    rows = choice.rows.ravel()
    known = (choice.rows >= 0).all(axis=1).repeat(2) & (choice.lead.ravel() > 0)
    near = np.abs(chosen.whole[rows, 0] - origins(reads, reference)) <= within
    right = near & (aligned.strands[rows] == reads.reverse)
    return Sample(evidence[known], right[known], np.full(known.sum(), divergence))


def kinship_sample(
    indexes: list[tuple[Index, int]], parameters: AlignmentParameters, params: dict[str, Any]
) -> Iterator[Sample]:
    """Pairs of every length, divergence and library."""
    for index, number in indexes:
        for library, insert in enumerate(params["inserts"]):
            aligner = Aligner(index, parameters)
            wanted = {**params, "lengths": [length for length in params["lengths"] if length < insert[0]]}
            for divergence, reads in simulated(
                index.reference, wanted, number // 2, f"kinship {library}", tuple(insert)
            ):
                pairs = torn(reads, params["torn"], params["seed"])
                yield kinship_of(aligner, pairs, divergence, params["right_within"])


def fit(sample: Sample, strength: float) -> NDArray[np.float64]:
    """Weights of a logistic regression on the evidence as it is; a column of ones holds the intercept."""
    used = np.flatnonzero(sample.evidence.std(axis=0) > 1e-9)
    constant = int(np.flatnonzero((sample.evidence == 1).all(axis=0))[-1])
    mean, spread = sample.evidence[:, used].mean(axis=0), sample.evidence[:, used].std(axis=0)
    model = LogisticRegression(max_iter=5000, C=strength).fit(
        (sample.evidence[:, used] - mean) / spread, sample.label
    )
    weights = np.zeros(sample.evidence.shape[1])
    weights[used] = model.coef_[0] / spread
    weights[constant] = model.intercept_[0] - (model.coef_[0] * mean / spread).sum()
    return weights


def reliability(sample: Sample, weights: NDArray[np.float64]) -> list[dict[str, Any]]:
    """For each divergence and band of MAPQ: reads, and how many of them are wrong."""
    quality = phred(sample.evidence @ weights)
    rows = []
    for divergence in np.unique(sample.divergence):
        for low, high in BANDS:
            here = (sample.divergence == divergence) & (quality >= low) & (quality < high)
            rows.append(
                {
                    "divergence": float(divergence),
                    "mapq": [low, high - 1],
                    "reads": int(here.sum()),
                    "wrong": int((here & ~sample.label).sum()),
                }
            )
    return rows


def endings(sample: Sample, weights: NDArray[np.float64]) -> list[dict[str, Any]]:
    """For each divergence: share of the verdicts that end the search, and that end it too early."""
    says = sample.evidence @ weights > 0
    rows = []
    for divergence in np.unique(sample.divergence):
        here = sample.divergence == divergence
        early = says & ~sample.label
        rows.append(
            {
                "divergence": float(divergence),
                "ends": float(says[here].mean()),
                "too_early": float(early[here].mean()),
            }
        )
    return rows


def split(sample: Sample, share: float, seed: int) -> tuple[Sample, Sample]:
    """A share of a sample held out: (to learn from, to measure with)."""
    order = np.random.default_rng(seed).permutation(len(sample.label))
    cut = int(len(order) * share)
    return sample.take(order[cut:]), sample.take(order[:cut])


def opened(data: Path, work: Path, name: str) -> Index:
    """The two-word index of a genome, built if it is not in `work`."""
    folder = work / f"{Path(name).stem}.gsx"
    if not folder.exists():
        Index.build(data / name, folder, parameters=PRESETS["divergent"])
    return Index.open(folder)


def reliability_table(rows: list[dict[str, Any]]) -> str:
    """Markdown of what `reliability` gives."""
    head = ["divergence %", *(f"{low}-{high - 1}" for low, high in BANDS)]
    lines = []
    for start in range(0, len(rows), len(BANDS)):
        row = rows[start : start + len(BANDS)]
        divergence = "foreign" if row[0]["divergence"] < 0 else f"{100 * row[0]['divergence']:g}"
        lines.append([divergence, *(f"{r['wrong']:,} of {r['reads']:,}" for r in row)])
    return table(head, lines)


def endings_table(rows: list[dict[str, Any]]) -> str:
    """Markdown of what `endings` gives."""
    shares = [[100 * row[key] for key in ("divergence", "ends", "too_early")] for row in rows]
    cells = [[f"{divergence:g}", f"{ends:.1f}", f"{early:.3f}"] for divergence, ends, early in shares]
    return table(["divergence %", "ends %", "too early %"], cells)


def reliability_figure(samples: dict[str, tuple[Sample, NDArray[np.float64]]]) -> Figure:
    """What MAPQ promises and what was observed, of reads that are not foreign: a series for each judge."""
    found = []
    for name, (sample, weights) in samples.items():
        own = sample.take(np.flatnonzero(sample.divergence >= 0))
        quality = phred(own.evidence @ weights).astype(np.int64)
        right, wrong = (np.bincount(quality[own.label == label], minlength=256) for label in (True, False))
        found.append(Evaluation(name, right=right, wrong=wrong))
    figure = new_figure(6.4, 4.6)
    reliability_plot(found, figure.subplots())
    return figure


def card(params: dict[str, Any], results: dict[str, Any]) -> str:
    """The page about the judges: what taught them, and what they are worth on reads held out."""
    genomes = "; ".join(f"{g['name']} ({g['reads']:,} reads a set)" for g in params["genomes"])
    lines = [
        "# judges.json: when a search ends, and the mapping quality",
        "",
        "Three logistic models: over the evidence of `genoseq.align.conviction` (37 numbers), of the final",
        "alignment (7 more), and of pairs (20, `genoseq.align.mapq`). Made by",
        "",
        "    python pipelines/calibrate_align.py --params pipelines/params/calibrate_align.yaml \\",
        "        --data DIR --work run/ -o genoseq/weights",
        "",
        f"**Data**: reads by `genoseq simulate` of {', '.join(map(str, params['lengths']))} bp at "
        f"{', '.join(f'{100 * d:g}' for d in params['divergences'])} % divergence from {genomes}; "
        f"foreign: {params['foreign']['name']} and random sequence. "
        f"{results['conviction']['verdicts']:,} verdicts and {results['certainty']['alignments']:,} "
        f"alignments, {results['kinship']['alignments']:,} of mates "
        f"(fragments of {', '.join(f'{mean} +- {sd}' for mean, sd in params['inserts'])} bp; "
        f"{100 * params['torn']:g} % of the pairs torn apart); "
        f"{100 * params['held_out']:.0f} % of them held out for the figures below. Licence: MIT.",
        "",
        "**Limits**: sequencing errors count as divergence; qualities are not looked at. Reads above 250",
        "bp and genomes of many more repeats were not in the data. Foreign reads: see docs/benchmarks.md.",
        "\n## Conviction\n",
        "Verdicts after each stage that end the search, and those that a later stage would have mended.",
        "",
        endings_table(results["conviction"]["held_out"]).rstrip(),
    ]
    for name, what in (("certainty", "alignments"), ("kinship", "mates")):
        lines += [
            f"\n## {name.capitalize()}\n",
            f"Wrong of all {what} without an equal rival, by the MAPQ that was given.",
            "",
            reliability_table(results[name]["held_out"]).rstrip(),
        ]
    return "\n".join(lines) + "\n"


def judged(
    sample: Sample, params: dict[str, Any]
) -> tuple[NDArray[np.float64], dict[str, Any], tuple[Sample, NDArray[np.float64]]]:
    """Weights from all of a sample; what those of the most of it are worth on the rest; and both of these."""
    learn, measure = split(sample, params["held_out"], params["seed"])
    learned = fit(learn, 30.0)
    result = {"alignments": len(sample.label), "held_out": reliability(measure, learned)}
    return fit(sample, 30.0), result, (measure, learned)


def make(study: Study) -> None:
    """Fit one judge after the other, each with those before it in place; write weights, card and page."""
    params = study.params
    study.begin()
    steps = Steps(study, len(params["genomes"]) + 3)
    indexes = []
    for genome in params["genomes"]:
        indexes.append((opened(study.data, study.work, genome["path"]), genome["reads"]))
        steps.done(f"index of {genome['name']}")
    blank = Judge(np.zeros(CERTAINTY_FEATURES))
    parameters = preset(params["preset"], conviction=blank, certainty=blank, kinship=blank)
    results: dict[str, Any] = {}

    sample = join(
        [s for index, number in indexes for s in conviction_sample(index, parameters, params, number)]
    )
    learn, measure = split(sample, params["held_out"], params["seed"])
    weights = fit(learn, 100.0)
    weights[CONSTANT] -= params["margin"]
    results["conviction"] = {"verdicts": len(sample.label), "held_out": endings(measure, weights)}
    steps.done(f"conviction, {len(sample.label):,} verdicts")
    parameters = dataclasses.replace(parameters, conviction=Judge(weights))
    judges = {"conviction": weights}

    foreign = Reference.from_fasta(study.data / params["foreign"]["path"])
    drawn = {}
    sample = join(list(certainty_sample(indexes, foreign, parameters, params)))
    judges["certainty"], results["certainty"], drawn["certainty"] = judged(sample, params)
    steps.done(f"certainty, {len(sample.label):,} alignments")
    parameters = dataclasses.replace(parameters, certainty=Judge(judges["certainty"]))
    sample = join(list(kinship_sample(indexes, parameters, params)))
    judges["kinship"], results["kinship"], drawn["kinship"] = judged(sample, params)
    steps.done(f"kinship, {len(sample.label):,} alignments")
    text = {name: [float(f"{weight:.6g}") for weight in weights] for name, weights in judges.items()}
    write(study.output / "judges.md", card(params, results))
    write(study.output / "judges.json", json.dumps(text, indent=1) + "\n")
    write(study.work / PLOT, reliability_figure(drawn))
    body = f"The card, `judges.md`, has the figures by divergence.\n\n![MAPQ of reads held out]({PLOT})"
    study.finish("When a search ends, and the mapping quality", body, results)


def main() -> None:
    """Run the study."""
    run_study(__file__, __doc__, make)


if __name__ == "__main__":
    main()
