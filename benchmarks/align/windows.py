"""The published way (DNA-ESA): recall@K of whole-window embeddings, on E. coli.

The light sketch and the paper's transformer (RDE) embed windows of the genome and reads, searched exactly on
both strands (`genoseq.encoder.window_recall` tells the two rules). An encoder is loaded from WORK/encoders if
it is there, else trained now on E. coli 536, a sister strain, which suits them: windows of the test genome
are nearly all in it. One core gives the transformer few steps; the table says how many, and has the published
figures beside it. Needs the extra `models`.
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np
from bench import Bench
from reads import ReadSet
from results import source_digest

from genoseq.evaluate import parse_truth
from genoseq.index.reference import Reference
from genoseq.io.fastx import read_batches

GENOME = "ecoli"
LENGTHS, DIVERGENCES, NUMBER = (150, 250), (0, 5, 10, 15, 20), 1000
WINDOW, STRIDE, HITS = 256, 128, (1, 20, 50, 100)
FRAGMENT, READ = (256, 512), (150, 256)  # bp, in training: lengths of the windows and reads that are searched
STEPS = {"sketch": (1500, 256), "rde": (300, 64)}  # steps and pairs in each


def measure_windows(bench: Bench) -> None:
    """Recall@K of both encoders at every length and divergence."""
    if GENOME not in bench.genomes or not bench.reads.has("strain"):
        return
    missing = [
        name for name in ("torch", "safetensors", "tokenizers") if importlib.util.find_spec(name) is None
    ]
    if missing:
        bench.say(f"windows left out: {', '.join(missing)} not installed (pip install 'genoseq[models]')")
        return
    parts = ("encoder/window.py", "encoder/rde.py", "encoder/window_train.py", "encoder/window_recall.py")
    for kind, (steps, batch) in STEPS.items():
        key = {"code": source_digest(*parts), "steps": steps, "batch": batch, "number": NUMBER}
        if bench.get("windows", kind, key) is None:
            bench.put("windows", kind, key, _recall(bench, kind, steps, batch))


def _recall(bench: Bench, kind: str, steps: int, batch: int) -> dict[str, Any]:
    import torch

    from genoseq.encoder.window import load_window_encoder
    from genoseq.encoder.window_recall import window_recall

    torch.set_num_threads(1)
    folder = bench.work / "encoders" / kind
    if not (folder / "config.json").is_file():
        _train(bench, kind, steps, batch, folder)
    encoder = _Remembering(load_window_encoder(folder))
    reference = Reference.from_fasta(bench.reads.genome(GENOME)).contig_codes(0)
    rows = []
    for length in LENGTHS:
        for divergence in DIVERGENCES:
            reads = bench.reads.simulated(GENOME, length, divergence, NUMBER)
            found = window_recall(encoder, reference, _placed(reads), window=WINDOW, stride=STRIDE, hits=HITS)
            for row in found:
                rows.append({
                    "length": length, "divergence": divergence, "hits": row.hits, "windows": row.windows,
                    "published": row.published, "placed": row.placed,
                    "reads_per_cpu_second": NUMBER / (row.embed_seconds + row.search_seconds),
                })  # fmt: skip
            bench.say(
                f"windows {kind} {length} bp {divergence} %: {found[-1].published:.3f} @ {found[-1].hits}"
            )
    trained = folder / "trained.txt"
    return {
        "steps": steps,
        "batch": batch,
        "trained": trained.read_text() if trained.is_file() else "",
        "rows": rows,
    }


def _train(bench: Bench, kind: str, steps: int, batch: int, folder: Path) -> None:
    """Train an encoder on the sister strain and save it."""
    from genoseq.encoder.window import SketchEncoder, WindowNetwork
    from genoseq.encoder.window_train import WindowTraining, train_windows

    contigs = [Reference.from_fasta(bench.reads.genome("strain")).contig_codes(0)]
    encoder: WindowNetwork = SketchEncoder()
    rate = 1e-3
    if kind == "rde":
        from genoseq.encoder.rde import RdeConfig, RdeEncoder, train_tokenizer

        config, rate = RdeConfig(), 3e-4
        encoder = RdeEncoder(config, train_tokenizer(contigs, config.vocabulary))
    plan = WindowTraining(
        steps=steps, batch=batch, fragment=FRAGMENT, read=READ, learning_rate=rate, log_every=50
    )
    started = time.process_time()
    train_windows(encoder, contigs, plan, log=lambda line: bench.say(f"windows {kind} {line}"))
    encoder.save(folder)
    (folder / "trained.txt").write_text(f"{time.process_time() - started:.0f}")


def _placed(reads: ReadSet) -> Any:
    """Reads with their origin, as `window_recall` wants them."""
    from genoseq.encoder.window_recall import PlacedReads

    codes, bounds, truths = [], [np.zeros(1, np.int64)], []
    for batch in read_batches(reads.path):
        codes.append(batch.codes)
        bounds.append(batch.offsets[1:] + bounds[-1][-1])
        truths += [parse_truth(batch.name(i)) for i in range(len(batch))]
    return PlacedReads(
        np.concatenate(codes),
        np.concatenate(bounds),
        np.array([truth.start for truth in truths]),
        np.array([truth.end for truth in truths]),
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
