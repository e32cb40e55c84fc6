"""Indexes that several tests of the alignment share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genoseq.align.aligner import Aligner
from genoseq.index.reference import Reference
from genoseq.index.store import Index
from genoseq.io.fastx import ReadBatch
from genoseq.simulate import SimulatedReads, SimulationParameters, simulate_reads

GENOME = Path(__file__).resolve().parents[2] / "data" / "genome.fa.gz"


@pytest.fixture(scope="session")
def toy_index(tmp_path_factory) -> Index:
    """The toy genome that ships: three pieces of human chromosome 20, 410 kbp."""
    return Index.build(GENOME, tmp_path_factory.mktemp("toy") / "genome.gsx")


@pytest.fixture(scope="session")
def toy_aligner(toy_index) -> Aligner:
    return Aligner(toy_index)


@pytest.fixture(scope="session")
def small_index(tmp_path_factory) -> Index:
    """Random contigs with N and ambiguity codes, one of them tiny; exact search."""
    return Index.build(
        Reference.from_sequences(small_contigs()), tmp_path_factory.mktemp("small") / "small.gsx"
    )


def small_contigs() -> list[tuple[str, str]]:
    rng = np.random.default_rng(11)
    texts = []
    for length in (20_000, 5_000, 120):
        letters = rng.choice(list("ACGT"), length)
        strange = rng.random(length) < 0.004
        letters[strange] = rng.choice(list("NRYSWKMBDHV"), strange.sum())
        letters[length // 2 : length // 2 + length // 100] = "N"
        texts.append("".join(letters))
    return list(zip(("first", "second:1-5000|x", "tiny"), texts, strict=True))


@pytest.fixture(scope="session")
def simulated() -> Callable[..., SimulatedReads]:
    """`simulated(reference, number=..., divergence=...)`: reads with known origin in one batch."""

    def make(reference: Reference, **parameters) -> SimulatedReads:
        wanted = SimulationParameters(**parameters)
        (batch,) = simulate_reads(reference, wanted, batch_reads=wanted.number)
        return batch

    return make


@pytest.fixture(scope="session")
def turned() -> Callable[[ReadBatch], ReadBatch]:
    """The other strand of every read, qualities turned too."""
    from genoseq.sequence import reverse_complement_text

    def make(reads: ReadBatch) -> ReadBatch:
        number = range(len(reads))
        return ReadBatch.from_strings(
            [reads.name(i) for i in number],
            [reverse_complement_text(reads.sequence(i)) for i in number],
            [reads.quality(i)[::-1] for i in number] if reads.has_quals else None,
        )

    return make
