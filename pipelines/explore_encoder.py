"""What the seed encoder was chosen from: variants trained alike and measured alike on a genome not seen.

    python pipelines/explore_encoder.py --params pipelines/params/explore_encoder.yaml \\
        --data DIR -o run/explore

Every variant is trained with the same plan and then asked for whole reads of the held-out genome: all anchors
of a read, one cell each, the two nearest of the cell by what the index remembers of them. A read is *found*
if one of these hits is at its place (strand, within 30 bp), as the prototype counted; verification sorts out
the others. Beside it the price: bytes of codes and identifiers a base of the reference, and anchors that a
read compares itself with. Trainings and rows are kept in ``--work``, trainings shared by variants that
differ in cells or codes only; a stopped study goes on where it was. ``--set again=[NAME]`` measures anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import faiss
import numpy as np
import torch
from kept import Kept
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pages import new_figure, table, write
from settings import read_settings
from study import HERE, Steps, Study, run_study
from train_encoder import read_config, read_region

from genoseq.encoder.anchors import AnchorWords, find_anchors
from genoseq.encoder.contexts import CellGroups, ContextPool
from genoseq.encoder.plan import SeedTraining
from genoseq.encoder.quantise import SUBSPACES, learn_codebook, learn_rotation, reconstruct
from genoseq.encoder.seed import SeedEncoder
from genoseq.encoder.train import CHECKPOINT, SeedTrainer, untrained
from genoseq.encoder.validate import HITS, embed_anchors
from genoseq.errors import UsageError
from genoseq.index.reference import Reference
from genoseq.plots import COLOURS
from genoseq.sequence import decode
from genoseq.simulate import SimulationParameters, simulate_reads

ROWS, PLOT = "rows.jsonl", "price.png"
ID_BYTES = 8  # of a FAISS identifier, which holds position and strand
NEAR_BOUND = 30  # bp
_GAP = 64  # unknown bases between reads, more than any context reaches
_SAMPLE = 50_000  # contexts to learn a codebook from


@dataclass(frozen=True)
class Variant:
    """One row of the table; what is not said is as in the shared plan.

    Attributes
    ----------
    name : str
    words : tuple of str, optional
    flank, dimension, steps : int, optional
        Of the training.
    capacity : int
        Anchors in a cell.
    pieces : int, optional
        Pieces of the product code, 4 bits each; 0 keeps exact vectors. None takes the codes of the training,
        a number learns codes of that size from vectors trained without codes.
    whole : int
        Near bases that cells ask for in full; of those further out they ask purine or pyrimidine first.
    transition_bias : float
        Of the reads: transitions over one transversion. 1 is uniform.
    weights : str
        ``trained``, ``untrained``, or ``shipped``.
    """

    name: str
    words: tuple[str, ...] | None = None
    flank: int | None = None
    dimension: int | None = None
    steps: int | None = None
    capacity: int = 1500
    pieces: int | None = None
    whole: int = 16
    transition_bias: float = 1.0
    weights: str = "trained"


def variant_of(values: dict[str, Any]) -> Variant:
    """The variant of a YAML mapping.

    Raises
    ------
    UsageError
        For a name that it does not have.
    """
    try:
        return Variant(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    except TypeError as error:
        raise UsageError(f"variant {values['name']}: {error}") from error


@dataclass(frozen=True)
class PurinePool(ContextPool):
    """Anchors whose cells split on purine or pyrimidine first, beyond `whole` near bases."""

    whole: int = 16

    def near(self) -> NDArray[np.uint64]:
        """The usual key with its bits in another order."""
        return purines_first(super().near(), self.whole)


def purines_first(keys: NDArray[np.uint64], whole: int) -> NDArray[np.uint64]:
    """Reorder the 16 bases below the word in keys: `whole` bases, one bit of each other, then the rest.

    The low bit of a base code tells purine (A, G) from pyrimidine (C, T); transitions do not change it.
    """
    places = [2 * (15 - base) for base in range(16)]
    order = [bit for at in places[:whole] for bit in (at + 1, at)]
    order += [*places[whole:], *(at + 1 for at in places[whole:])]
    one = np.uint64(1)
    out = keys >> np.uint64(32)
    for bit in order:
        out = (out << one) | ((keys >> np.uint64(bit)) & one)
    return out


@dataclass(frozen=True)
class Reads:
    """Anchors of reads laid end to end, and where the reads are from.

    Attributes
    ----------
    pool : ContextPool
        All reads, unknown bases between them, as `encode` and the keys of cells want them.
    read, before : ndarray, shape (anchors,)
        Read of each anchor, and bases of the read before its word.
    starts, reverse : ndarray, shape (reads,)
        Place and strand of each read.
    length : int
        bp.
    """

    pool: ContextPool
    read: NDArray[np.int64]
    before: NDArray[np.int64]
    starts: NDArray[np.int64]
    reverse: NDArray[np.bool_]
    length: int


def lay_out(reference: Reference, parameters: SimulationParameters, pool: ContextPool) -> Reads:
    """Simulate reads and find their anchors."""
    (batch,) = list(simulate_reads(reference, parameters))
    n, length = len(batch), parameters.length
    flat = np.full((n, length + _GAP), 4, np.uint8)
    flat[:, :length] = batch.reads.codes.reshape(n, length)
    codes = np.concatenate([np.full(_GAP, 4, np.uint8), flat.reshape(-1)])
    positions, kinds = np.empty(len(codes), np.int64), np.empty(len(codes), np.uint8)
    found = find_anchors(codes, 0, len(codes), pool.words.rule(), pool.words.length, positions, kinds)
    positions, kinds = positions[:found], kinds[:found]
    read, before = np.divmod(positions - _GAP, length + _GAP)
    own = replace(pool, codes=codes, positions=positions, kinds=kinds, genomes=np.array([0, found]))
    return Reads(own, read, before, batch.start, batch.reverse, length)


def hits_in_cells(
    encoder: SeedEncoder,
    remember: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    pool: ContextPool,
    groups: CellGroups,
    asked: ContextPool,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The nearest anchors of each query's cell, (n, `HITS`), -1 for none; how many were compared, (n,)."""
    z = embed_anchors(encoder, asked, np.arange(len(asked)))
    cell = groups.find(asked.near())
    hits = np.full((len(asked), HITS), -1, np.int64)
    order = np.argsort(cell, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
        members = groups.members[groups.starts[cell[group[0]]] : groups.starts[cell[group[0]] + 1]]
        kept = remember(embed_anchors(encoder, pool, members))
        closeness = z[group] @ kept.T - 0.5 * (kept**2).sum(1)
        best = np.argsort(-closeness, 1)[:, :HITS]
        hits[group, : best.shape[1]] = members[best]
    return hits, groups.sizes()[cell]


def measure(
    variant: Variant,
    encoder: SeedEncoder,
    remember: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    held_out: Reference,
    params: dict[str, Any],
) -> dict[str, Any]:
    """Recall and price of a variant."""
    codes = held_out.contig_codes(0)
    pool = ContextPool.from_codes([[codes]], encoder.words, encoder.flank)
    pool = PurinePool(**vars(pool), whole=variant.whole)
    groups = CellGroups.build(pool, variant.capacity)
    code = {None: SUBSPACES / 2, 0: 4 * encoder.dimension}.get(variant.pieces, (variant.pieces or 0) / 2)
    row: dict[str, Any] = {
        "name": variant.name,
        "bytes_per_bp": round(len(pool) * (code + ID_BYTES) / float((codes < 4).sum()), 2),
        "recall": {},
    }
    for divergence in params["divergences"]:
        parameters = SimulationParameters(
            number=params["reads"],
            length=params["length"],
            divergence=divergence,
            transition_bias=variant.transition_bias,
            seed=params["seed"],
        )
        reads = lay_out(held_out, parameters, pool)
        hits, compared = hits_in_cells(encoder, remember, pool, groups, reads.pool)
        right = places(pool, reads, hits)
        found = np.bincount(reads.read, right.any(1), len(reads.starts)) > 0
        row["recall"][str(divergence)] = round(float(found.mean()), 4)
        if divergence == params["divergences"][0]:
            per_read = np.bincount(reads.read, minlength=len(reads.starts))
            row["anchors"] = round(float(per_read.mean()), 1)
            row["compared"] = round(float(compared.sum() / len(reads.starts)))
            row["fewer_than_2"] = round(float((per_read < 2).mean()), 5)
    return row


def places(pool: ContextPool, reads: Reads, hits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which hits (n, `HITS`) put their read at its true place and strand."""
    word = pool.words.length
    turned = ((pool.kinds[hits] ^ reads.pool.kinds[:, None]) & 1).astype(bool)
    before = np.where(turned, (reads.length - word - reads.before)[:, None], reads.before[:, None])
    start = (
        pool.positions[hits] - _GAP - before
    )  # the pool begins with one gap of its own and one of the contig
    offset = start - _GAP - reads.starts[reads.read][:, None]
    same = turned == reads.reverse[reads.read][:, None]
    result: NDArray[np.bool_] = (hits >= 0) & same & (np.abs(offset) <= NEAR_BOUND)
    return result


def trained(
    variant: Variant, base: SeedTraining, genomes: list[dict[str, Any]], study: Study
) -> tuple[SeedEncoder, Callable[[NDArray[np.float32]], NDArray[np.float32]]]:
    """The encoder of a variant, and what an index remembers of its embeddings."""
    config = replace(
        base,
        words=variant.words or base.words,
        flank=variant.flank or base.flank,
        dimension=variant.dimension or base.dimension,
    ).with_steps(variant.steps or study.params["steps"])
    if variant.pieces is not None:
        config = replace(config, stages=tuple(stage for stage in config.stages if not stage.coded))
    if variant.weights == "shipped":
        encoder = SeedEncoder.load()
        encoder = replace(encoder, words=AnchorWords(variant.words or encoder.words.words))
        return encoder, lambda z: reconstruct(z, encoder.codebook)
    words = AnchorWords(config.words)
    pool = ContextPool.from_codes([read_region(study.data, g) for g in genomes], words, config.flank)
    if variant.weights == "untrained":
        encoder = untrained(pool, config)
    else:
        encoder = _train(pool, config, study, coded=variant.pieces is None)
    if variant.pieces is None:
        return encoder, lambda z: reconstruct(z, encoder.codebook)
    if variant.pieces == 0:
        return encoder, lambda z: z
    rng = np.random.default_rng(config.seed)
    sample = embed_anchors(encoder, pool, rng.choice(len(pool), min(len(pool), _SAMPLE), replace=False))
    turn = learn_rotation(sample, variant.pieces)
    codebook = learn_codebook(sample @ turn.T, variant.pieces)
    return encoder, lambda z: reconstruct(z @ turn.T, codebook) @ turn


def _train(pool: ContextPool, config: SeedTraining, study: Study, *, coded: bool) -> SeedEncoder:
    steps = sum(stage.steps for stage in config.stages)
    name = f"{'+'.join(config.words)}_{config.flank}_{config.dimension}_{steps}{'' if coded else '_exact'}"
    folder = study.work / name
    trainer = SeedTrainer(pool, config, torch.device("cpu"), lambda line: study.say(f"{name}: {line}"))
    if (folder / CHECKPOINT).is_file():
        trainer.resume(folder)
    return trainer.run(folder)


def scarce_table(codes: NDArray[np.uint8], choices: list[list[str]], lengths: list[int]) -> str:
    """Share of a genome's stretches with no anchor, and with fewer than two, by words and read length."""
    unknown = np.concatenate([[0], np.cumsum(codes > 3, dtype=np.int64)])
    rows = []
    for choice in choices:
        words = AnchorWords(tuple(choice))
        positions, kinds = np.empty(len(codes), np.int64), np.empty(len(codes), np.uint8)
        found = find_anchors(codes, 0, len(codes), words.rule(), words.length, positions, kinds)
        said = np.zeros(len(codes) + 1, np.int64)
        said[positions[:found] + 1] = 1
        said = np.cumsum(said)  # anchors that begin before each base
        cells = []
        for length in lengths:
            starts = np.arange(0, len(codes) - length, 10)
            starts = starts[unknown[starts + length] == unknown[starts]]
            inside = said[starts + length - words.length + 1] - said[starts]
            cells.append(f"{(inside < 1).mean():.3%}, {(inside < 2).mean():.3%}")
        rows.append([" + ".join(choice), *cells])
    return table(["words", *(f"{n} bp: none, fewer than 2" for n in lengths)], rows)


def variants_table(rows: list[dict[str, Any]], divergences: list[float]) -> str:
    """The rows in Markdown."""
    columns = ["variant", "bytes/bp", "anchors", "compared", "fewer than 2 anchors"]
    return table(
        [*columns, *(f"{divergence:.0%}" for divergence in divergences)],
        [
            [row["name"], f"{row['bytes_per_bp']:.2f}", f"{row['anchors']:.1f}", f"{row['compared']:,}",
             f"{row['fewer_than_2']:.2%}", *(f"{row['recall'][str(d)]:.3f}" for d in divergences)]
            for row in rows
        ],
    )  # fmt: skip


def variants_figure(rows: list[dict[str, Any]], divergence: float) -> Figure:
    """What is found at a divergence against what it costs in memory; numbers are those of the rows."""
    figure = new_figure(6.4, 4.2)
    axes = figure.subplots()
    for number, row in enumerate(rows, 1):
        place = row["bytes_per_bp"], 100 * row["recall"][str(divergence)]
        axes.plot(*place, linestyle="none", marker="o", color=COLOURS[0], alpha=0.5)
        axes.annotate(str(number), place, xytext=(4, 3), textcoords="offset points", fontsize=8)
    axes.set_xlabel("bytes of codes and identifiers a base")
    axes.set_ylabel(f"reads found at {divergence:.0%} divergence (%)")
    axes.set_title("Price and worth; numbers: rows of the table", loc="left", fontsize=11)
    return figure


def make(study: Study) -> None:
    """Train and measure what is missing; write the page."""
    params = study.params
    plan = read_settings(HERE / "params" / "train_encoder.yaml", study.given.parent / params["plan"])
    base = read_config(plan["training"])
    variants = [variant_of(values) for values in params["variants"]]
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    (codes,) = read_region(study.data, params["held_out"])
    held_out = Reference.from_sequences([("held_out", decode(codes))])
    study.begin()
    kept, steps = Kept(study.work / ROWS), Steps(study, len(variants))
    for variant in variants:
        known = variant.name in kept and variant.name not in params["again"]
        if not known:
            found = trained(variant, base, plan["genomes"], study)
            kept.add(variant.name, measure(variant, *found, held_out, params))
        steps.done(f"{variant.name}: {kept[variant.name]['recall']}", kept=known)
    rows = [kept[variant.name] for variant in variants]
    (whole,) = read_region(study.data, params["scarce"])
    scarce = scarce_table(whole, params["scarce"]["words"], params["scarce"]["lengths"])
    write(study.work / PLOT, variants_figure(rows, params["divergences"][-1]))
    body = f"Share of the reads found, by divergence.\n\n{variants_table(rows, params['divergences'])}\n"
    body += f"![price and worth]({PLOT})\n\n## Reads with few anchors\n\n{scarce}"
    study.finish("Variants of the seed encoder", body, {"rows": rows})


def main() -> None:
    """Run the study."""
    run_study(__file__, __doc__, make)


if __name__ == "__main__":
    main()
