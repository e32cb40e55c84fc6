"""The published way (DNA-ESA): recall@K of whole-window embeddings, on E. coli and on human chromosome 20.

The light sketch and the paper's transformer (RDE: byte-pair tokens, 6 layers, mean of the tokens, InfoNCE)
embed windows of the genome and reads, searched exactly on both strands (`genoseq.encoder.window_recall` tells
the two rules). An encoder is loaded from WORK/encoders if it is there, else trained now, on one core, from
the first 40 Mb of chromosome 20 and E. coli 536; a stopped training goes on. It is asked about what it has
not seen: chromosome 20 beyond 42 Mb, and E. coli MG1655, another strain. One core allows a width of 96
instead of 1020; the table says so, and has the published figures beside it. Needs the extra `models`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench import Bench
from reads import ReadSet
from results import source_digest

from genoseq.index.reference import Reference
from genoseq.io.fastx import read_batches
from genoseq.truth import parse_truth

TESTED = {"ecoli": (0, None), "chr20": (42_000_000, None)}  # bp of the first contig: not trained on
TRAINED = {
    "chr20": (0, 40_000_000, 1),
    "strain": (0, None, 8),
}  # start, end, times: half bacterial, half human
LENGTHS, DIVERGENCES = (150, 250), (0, 5, 10, 15, 20)
NUMBER = {"ecoli": 1000, "chr20": 3000}  # a third of the reads of chromosome 20 lie beyond 42 Mb
WINDOW, STRIDE, HITS = 256, 128, (1, 5, 10, 50)
FRAGMENT, READ = (256, 320), (150, 256)  # bp, in training: lengths of the windows and reads that are searched
MOST_DIVERGENCE = 0.2


@dataclass(frozen=True)
class Recipe:
    """How an encoder is trained: steps, pairs in each, and the highest learning rate."""

    steps: int
    batch: int
    learning_rate: float
    what: str


RECIPES = {
    "sketch": Recipe(1500, 128, 2e-3, "256 filters of 12 bases, 128 dimensions"),
    "rde": Recipe(3000, 64, 2e-3, "6 layers, 6 heads, width 96, 512 byte-pair tokens"),
}


def measure_windows(bench: Bench) -> None:
    """Recall@K of both encoders at every length and divergence."""
    if not all(bench.reads.has(name) for name in TRAINED):
        bench.say("windows left out: the genomes to train on are not in the data")
        return
    missing = [
        name for name in ("torch", "safetensors", "tokenizers") if importlib.util.find_spec(name) is None
    ]
    if missing:
        bench.say(f"windows left out: {', '.join(missing)} not installed (pip install 'genoseq[models]')")
        return
    parts = ("encoder/window.py", "encoder/rde.py", "encoder/window_train.py", "encoder/window_recall.py")
    for kind, recipe in RECIPES.items():
        for genome in [name for name in TESTED if name in bench.genomes]:
            key = {"code": source_digest(*parts), "recipe": str(recipe), "number": NUMBER[genome]}
            name = f"{kind}-{genome}"
            if bench.get("windows", name, key) is None:
                bench.put("windows", name, key, _recall(bench, kind, recipe, genome))


def _recall(bench: Bench, kind: str, recipe: Recipe, genome: str) -> dict[str, Any]:
    import torch

    from genoseq.encoder.window import load_window_encoder
    from genoseq.encoder.window_recall import window_recall

    torch.set_num_threads(1)
    folder = bench.work / "encoders" / kind
    if not (folder / "trained.txt").is_file():
        _train(bench, kind, recipe, folder)
    encoder = _Remembering(load_window_encoder(folder))
    start, end = TESTED[genome]
    reference = Reference.from_fasta(bench.reads.genome(genome)).contig_codes(0)[start:end]
    rows = []
    for length in LENGTHS:
        for divergence in DIVERGENCES:
            reads = _placed(
                bench.reads.simulated(genome, length, divergence, NUMBER[genome]), start, len(reference)
            )
            number = len(reads.starts)
            found = window_recall(encoder, reference, reads, window=WINDOW, stride=STRIDE, hits=HITS)
            for row in found:
                rows.append({
                    "length": length, "divergence": divergence, "hits": row.hits, "windows": row.windows,
                    "published": row.published, "placed": row.placed, "reads": number,
                    "reads_per_cpu_second": number / (row.embed_seconds + row.search_seconds),
                })  # fmt: skip
            last = f"{found[-1].published:.3f} @ {found[-1].hits}"
            bench.say(f"windows {kind} {genome} {length} bp {divergence} %: {last}")
    return {
        "encoder": kind,
        "genome": genome,
        "recipe": f"{recipe.what}, {recipe.steps:,} steps of {recipe.batch} pairs",
        "trained": (folder / "trained.txt").read_text(encoding="utf-8"),
        "rows": rows,
    }


def training_contigs(bench: Bench) -> Sequence[np.ndarray]:
    """Codes to train on."""
    contigs = []
    for name, (start, end, times) in TRAINED.items():
        contigs += [Reference.from_fasta(bench.reads.genome(name)).contig_codes(0)[start:end]] * times
    return contigs


def _train(bench: Bench, kind: str, recipe: Recipe, folder: Path) -> None:
    """Train an encoder and save it."""
    import torch

    from genoseq.encoder.divergence import Divergence
    from genoseq.encoder.rde import RdeConfig, RdeEncoder, train_tokenizer
    from genoseq.encoder.window import SketchEncoder, WindowNetwork
    from genoseq.encoder.window_train import CHECKPOINT, WindowTraining, train_windows

    contigs = training_contigs(bench)
    encoder: WindowNetwork
    if kind == "rde":
        config = RdeConfig(width=96, heads=6, feed_forward=384, vocabulary=512, dropout=0.0)
        tokenizer = train_tokenizer(contigs, config.vocabulary)
        torch.manual_seed(0)
        encoder = RdeEncoder(config, tokenizer)
    else:
        torch.manual_seed(0)
        encoder = SketchEncoder()
    plan = WindowTraining(
        steps=recipe.steps,
        batch=recipe.batch,
        fragment=FRAGMENT,
        read=READ,
        divergence=Divergence((0.0, MOST_DIVERGENCE)),
        learning_rate=recipe.learning_rate,
        log_every=50,
    )
    seconds = [0.0]

    def log(line: dict[str, Any]) -> None:
        seconds[0] = line["cpu_seconds"]
        bench.say(f"windows {kind} {line}")

    resume = (folder / CHECKPOINT).is_file()
    train_windows(encoder, contigs, plan, log=log, checkpoint=folder, resume=resume)
    encoder.save(folder)
    (folder / "trained.txt").write_text(f"{seconds[0]:.0f}", encoding="utf-8")


def _placed(reads: ReadSet, start: int, size: int) -> Any:
    """Reads with their origin, as `window_recall` wants them: those within `size` bp from `start`."""
    from genoseq.encoder.window_recall import PlacedReads

    codes, truths = [], []
    for batch in read_batches(reads.path):
        for i in range(len(batch)):
            truth = parse_truth(batch.name(i))
            if truth.start >= start and truth.end <= start + size:
                codes.append(batch.codes[batch.offsets[i] : batch.offsets[i + 1]])
                truths.append(truth)
    return PlacedReads(
        np.concatenate(codes),
        np.cumsum([0, *map(len, codes)]),
        np.array([truth.start for truth in truths]) - start,
        np.array([truth.end for truth in truths]) - start,
        np.array([truth.strand == "-" for truth in truths]),
    )


class _Remembering:
    """An encoder that embeds each batch of windows once: those of the genome come again with every set."""

    def __init__(self, encoder: Any) -> None:
        self._encoder, self._known = encoder, {}

    @property
    def dim(self) -> int:
        """Numbers in an embedding."""
        return self._encoder.dim

    def encode(self, codes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """As the encoder does."""
        name = (hash(codes.tobytes()), len(offsets))
        if name not in self._known:
            self._known[name] = self._encoder.encode(codes, offsets)
        return self._known[name]
