"""What the seed encoder was chosen from: variants trained alike and measured alike on a genome not seen.

    python pipelines/explore_encoder.py --params pipelines/params/explore_encoder.yaml \\
        --data DIR --work run/explore -o table.md

Every variant is trained with the same plan and then asked for whole reads of the held-out genome: all anchors
of a read, one cell each, the two nearest of the cell by what the index remembers of them. A read is *found*
if one of these hits is at its place (strand, within 30 bp), as the prototype counted; verification sorts out
the others. Beside it the price: bytes of codes and identifiers a base of the reference, and anchors that a
read compares itself with. Trainings are kept in ``--work`` and shared by variants that differ in cells or
codes only; a stopped study goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from train_encoder import read_config, read_region

from genoseq.encoder.anchors import AnchorWords, find_anchors
from genoseq.encoder.contexts import CellGroups, ContextPool
from genoseq.encoder.plan import SeedTraining
from genoseq.encoder.quantise import SUBSPACES, learn_codebook, learn_rotation, reconstruct
from genoseq.encoder.seed import SeedEncoder
from genoseq.encoder.train import CHECKPOINT, SeedTrainer, untrained
from genoseq.encoder.validate import HITS, embed_anchors
from genoseq.index.reference import Reference
from genoseq.io.files import replacing
from genoseq.sequence import decode
from genoseq.simulate import SimulationParameters, simulate_reads

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
    variant: Variant, base: SeedTraining, params: dict[str, Any], data: Path, work: Path
) -> tuple[SeedEncoder, Callable[[NDArray[np.float32]], NDArray[np.float32]]]:
    """The encoder of a variant, and what an index remembers of its embeddings."""
    config = replace(
        base,
        words=variant.words or base.words,
        flank=variant.flank or base.flank,
        dimension=variant.dimension or base.dimension,
    ).with_steps(variant.steps or params["steps"])
    if variant.pieces is not None:
        config = replace(config, stages=tuple(stage for stage in config.stages if not stage.coded))
    if variant.weights == "shipped":
        encoder = SeedEncoder.load()
        encoder = replace(encoder, words=AnchorWords(variant.words or encoder.words.words))
        return encoder, lambda z: reconstruct(z, encoder.codebook)
    words = AnchorWords(config.words)
    pool = ContextPool.from_codes([read_region(data, g) for g in params["genomes"]], words, config.flank)
    if variant.weights == "untrained":
        encoder = untrained(pool, config)
    else:
        encoder = _train(pool, config, work, coded=variant.pieces is None)
    if variant.pieces is None:
        return encoder, lambda z: reconstruct(z, encoder.codebook)
    if variant.pieces == 0:
        return encoder, lambda z: z
    rng = np.random.default_rng(config.seed)
    sample = embed_anchors(encoder, pool, rng.choice(len(pool), min(len(pool), _SAMPLE), replace=False))
    turn = learn_rotation(sample, variant.pieces)
    codebook = learn_codebook(sample @ turn.T, variant.pieces)
    return encoder, lambda z: reconstruct(z @ turn.T, codebook) @ turn


def _train(pool: ContextPool, config: SeedTraining, work: Path, *, coded: bool) -> SeedEncoder:
    steps = sum(stage.steps for stage in config.stages)
    name = f"{'+'.join(config.words)}_{config.flank}_{config.dimension}_{steps}{'' if coded else '_exact'}"
    folder = work / name
    trainer = SeedTrainer(pool, config, torch.device("cpu"), lambda line: say({"training": name, **line}))
    if (folder / CHECKPOINT).is_file():
        trainer.resume(folder)
    return trainer.run(folder)


def scarce_table(codes: NDArray[np.uint8], choices: list[list[str]], lengths: list[int]) -> str:
    """Share of a genome's stretches with no anchor, and with fewer than two, by words and read length."""
    unknown = np.concatenate([[0], np.cumsum(codes > 3, dtype=np.int64)])
    lines = ["| words | " + " | ".join(f"{n} bp: none, fewer than 2" for n in lengths) + " |"]
    lines.append("|---" * (len(lengths) + 1) + "|")
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
        lines.append(f"| {' + '.join(choice)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def say(line: dict[str, Any]) -> None:
    """A line of the log."""
    print(json.dumps(line), file=sys.stderr, flush=True)


def table(rows: list[dict[str, Any]], divergences: list[float]) -> str:
    """The rows in Markdown."""
    columns = ["variant", "bytes/bp", "anchors", "compared", "fewer than 2 anchors"]
    columns += [f"{divergence:.0%}" for divergence in divergences]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        cells = [row["name"], f"{row['bytes_per_bp']:.2f}", f"{row['anchors']:.1f}", f"{row['compared']:,}"]
        cells += [f"{row['fewer_than_2']:.2%}", *(f"{row['recall'][str(d)]:.3f}" for d in divergences)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--params", type=Path, required=True, help="YAML file")
    parser.add_argument("--data", type=Path, required=True, help="folder of the genomes named in it")
    parser.add_argument("--work", type=Path, required=True, help="folder for trainings and results")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Markdown file of the table")
    parser.add_argument("--only", nargs="+", default=[], help="names of variants to (re)measure")
    args = parser.parse_args()
    params = yaml.safe_load(args.params.read_text(encoding="utf-8"))
    shared = yaml.safe_load((args.params.parent / params["plan"]).read_text(encoding="utf-8"))
    params["genomes"] = shared["genomes"]
    base = read_config(shared["training"])
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    held_out = Reference.from_sequences([("held_out", decode(read_region(args.data, params["held_out"])[0]))])
    store = args.work / "rows.json"
    known = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
    variants = [
        Variant(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
        for values in params["variants"]
    ]
    for variant in variants:
        if variant.name in known and variant.name not in args.only:
            continue
        known[variant.name] = measure(
            variant, *trained(variant, base, params, args.data, args.work), held_out, params
        )
        say(known[variant.name])
        with replacing(store) as temporary:
            temporary.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        rows = [known[v.name] for v in variants if v.name in known]
        with replacing(args.output) as temporary:
            temporary.write_text(table(rows, params["divergences"]), encoding="utf-8")
    (whole,) = read_region(args.data, params["scarce"])
    with replacing(args.output.with_name(f"{args.output.stem}_scarce.md")) as temporary:
        text = scarce_table(whole, params["scarce"]["words"], params["scarce"]["lengths"])
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
