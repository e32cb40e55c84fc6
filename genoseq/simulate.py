"""Reads with known origin, for tests, benchmarks and the calibration of MAPQ.

A read is made in three steps, from random numbers that depend on the seed and the number of the read alone:
the reads are the same whatever the size of a batch.

1. **Place**: a start, uniform over all positions where the read fits between the ends of its contig and the
   long runs of N, and a strand.
2. **Diverge**: a walk along that strand. At each base, with a constant rate, an event: a substitution, an
   insertion or a deletion, the latter of geometric length; the rate is such that the edit distance a base is
   the divergence. The walk ends when the read has the length that was asked for.
3. **Sequence**: the errors of a machine. `none`; `illumina`, substitutions only, at the rate that the
   qualities state, which fall along the read; `long`, single bases inserted, deleted or substituted at a
   constant rate.

Pairs are read from both ends of a fragment inward; their mates follow each other.

The name of a read tells where it is from (`genoseq.truth`). The kernels are in `genoseq.mutate`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genoseq.errors import InputError, UsageError
from genoseq.index.reference import Reference
from genoseq.io.fastx import ReadBatch
from genoseq.mutate import (
    ATTEMPTS,
    LONG_ERROR_RATE,
    MAX_LENGTH,
    make_pairs,
    make_reads,
    usable_stretches,
)
from genoseq.sequence import LETTERS
from genoseq.truth import FOREIGN, RANDOM, origin_names

__all__ = [
    "SimulatedReads",
    "SimulationParameters",
    "random_reads",
    "simulate_reads",
]

ERROR_MODELS = ("none", "illumina", "long")
MAX_DIVERGENCE = 0.3
BATCH_BASES = 1 << 24


@dataclass(frozen=True)
class SimulationParameters:
    """What the reads look like.

    Attributes
    ----------
    number
        Reads in all, or pairs.
    length
        Length of a read (bp); the mean when `length_sd` is not 0.
    length_sd
        Standard deviation of the length (bp); lengths are then log-normal, as those of long reads are.
    divergence
        Edit distance a base, 0-0.3. Several values are taken in turn: read i has
        `divergence[i % len(divergence)]`.
    indel_share
        Share of the events that are insertions or deletions, half each; the others are substitutions.
    indel_mean
        Mean of their geometric length (bp), at least 1.
    transition_bias
        Rate of transitions (A-G, C-T) over that of one transversion, the kappa of Kimura (1980); 1 makes all
        three substitutions of a base as likely. Real genomes have 2 to 5.
    errors
        Error model of the machine: `none`, `illumina` or `long`.
    error_rate
        Errors a base of the model `long`; None is 0.1.
    max_unknown
        Share of a read that may be N or another letter than ACGT.
    insert
        Mean and standard deviation (bp) of the fragments whose ends are read as pairs; None makes single
        reads.
    seed
        The same seed gives the same reads.
    """

    number: int = 10_000
    length: int = 150
    length_sd: float = 0.0
    divergence: float | tuple[float, ...] = 0.0
    indel_share: float = 0.1
    indel_mean: float = 1.5
    transition_bias: float = 1.0
    errors: str = "none"
    error_rate: float | None = None
    max_unknown: float = 0.02
    insert: tuple[float, float] | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.divergences:
            raise UsageError("divergence: no value given; expected at least one, 0 to 0.3")
        for value in self.divergences:
            _check_range("divergence", value, 0, MAX_DIVERGENCE)
        _check_range("number", self.number, 0, 10**12)
        _check_range("length", self.length, 1, MAX_LENGTH)
        _check_range("length_sd", self.length_sd, 0, 10 * self.length)
        _check_range("indel_share", self.indel_share, 0, 1)
        _check_range("indel_mean", self.indel_mean, 1, 100)
        _check_range("transition_bias", self.transition_bias, 0, 1000)
        _check_range("max_unknown", self.max_unknown, 0, 1)
        _check_range("seed", self.seed, 0, 2**63 - 1)
        if self.insert is not None:
            _check_range("insert mean", self.insert[0], self.length, MAX_LENGTH)
            _check_range("insert standard deviation", self.insert[1], 0, self.insert[0])
            if self.length_sd:
                raise UsageError("insert: mates have one length; leave length_sd at 0")
        if self.errors not in ERROR_MODELS:
            raise UsageError(f"errors: unknown model {self.errors!r}; choose from {', '.join(ERROR_MODELS)}")
        if self.error_rate is not None:
            if self.errors != "long":
                raise UsageError(f"error_rate: belongs to errors='long', not to {self.errors!r}")
            _check_range("error_rate", self.error_rate, 0, MAX_DIVERGENCE)

    @property
    def divergences(self) -> tuple[float, ...]:
        """The values of `divergence` as a tuple."""
        return self.divergence if isinstance(self.divergence, tuple) else (self.divergence,)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also refuses NaN
        raise UsageError(f"{name}: {value} is out of range; expected {low} to {high}")


@dataclass(frozen=True)
class SimulatedReads:
    """A batch of reads and where they are from.

    Attributes
    ----------
    reads
        The n reads, named after their origin, with qualities; mates of a pair follow each other.
    contig
        int64[n], number of the contig; -1 for random reads.
    start, end
        int64[n], 0-based half-open on the contig (bp).
    reverse
        bool[n], whether the read is from the reverse strand.
    """

    reads: ReadBatch
    contig: np.ndarray
    start: np.ndarray
    end: np.ndarray
    reverse: np.ndarray

    def __len__(self) -> int:
        return len(self.start)


def simulate_reads(
    reference: Reference,
    parameters: SimulationParameters,
    *,
    foreign: bool = False,
    batch_reads: int = 16_384,
) -> Iterator[SimulatedReads]:
    """Simulate reads from both strands of a reference.

    Holds the bases of the reference (1 byte a bp) and one batch in memory.

    Parameters
    ----------
    reference
        The contigs.
    parameters
        Number, length, divergence, errors and seed.
    foreign
        Name the contig of every read `foreign`: the reads are meant for another reference, where they have no
        place.
    batch_reads
        Reads (mates counted one by one) a batch; also cut at 16 Mbp. The reads do not depend on it.

    Yields
    ------
    SimulatedReads

    Raises
    ------
    InputError
        When no stretch of a contig can hold a read, or a contig is named `random` or `foreign`.
    """
    names = [FOREIGN] * len(reference.names) if foreign else list(reference.names)
    if not foreign and (clash := {RANDOM, FOREIGN}.intersection(names)):
        raise InputError(
            f"contig {min(clash)!r}: the name is kept for reads that have no origin; rename the contig"
        )
    codes = reference.codes(0, int(reference.offsets[-1]))
    shortest = parameters.length if parameters.length_sd == 0 else 1
    low, high = usable_stretches(codes, reference.offsets, int(parameters.max_unknown * parameters.length))
    fits = high - low >= shortest
    if not fits.any() and parameters.number:
        longest = int((high - low).max(initial=0))
        raise InputError(
            f"no contig can hold a read of {shortest} bp: the longest stretch without a run of N has "
            f"{longest} bp (contigs: {len(names)}); use shorter reads or another reference"
        )
    return _batches(parameters, codes, reference.offsets, low[fits], high[fits], shortest, names, batch_reads)


def random_reads(parameters: SimulationParameters, *, batch_reads: int = 16_384) -> Iterator[SimulatedReads]:
    """Make reads of uniform random bases, which no reference should hold; divergence has no effect on them.

    Parameters
    ----------
    parameters
        Number, length, errors (their qualities) and seed.
    batch_reads
        Reads a batch. The reads do not depend on it.

    Yields
    ------
    SimulatedReads
        With contig -1, start and end 0.
    """
    none = np.empty(0, np.int64)
    return _batches(
        parameters, np.empty(0, np.uint8), np.zeros(1, np.int64), none, none, 1, [RANDOM], batch_reads
    )


def _batches(
    parameters: SimulationParameters,
    codes: np.ndarray,
    contig_offsets: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    shortest: int,
    names: list[str],
    batch_reads: int,
) -> Iterator[SimulatedReads]:
    starts = np.concatenate([[0], np.cumsum(high - low - shortest + 1)]).astype(np.int64)
    model = _model_vector(parameters)
    divergences = np.array(parameters.divergences)
    mates = 1 if parameters.insert is None else 2
    total, batch_reads = parameters.number * mates, batch_reads + batch_reads % mates
    capacity, first = max(1 << 16, min(BATCH_BASES, batch_reads * (parameters.length + 1))), 0
    while first < total:
        count = min(batch_reads, total - first)
        bases, quals = np.empty(capacity, np.uint8), np.empty(capacity, np.uint8)
        offsets = np.zeros(count + 1, np.int64)
        places = np.empty((count, 4), np.int64)  # contig, start, end, reverse
        if mates == 2 and len(low):
            made = make_pairs(
                first // 2, parameters.seed, codes, low, high, divergences, model, bases, quals, offsets,
                places,
            )  # fmt: skip
        else:
            made = make_reads(
                first, parameters.seed, codes, low, high, starts, divergences, model, bases, quals, offsets,
                places,
            )  # fmt: skip
        if made < 0:
            raise InputError(
                f"no place for {'read' if mates == 1 else 'pair'} {(first - made - 1) // mates} was found in "
                f"{ATTEMPTS} attempts; the contigs are too short or hold too many N for "
                f"{'reads of this length' if mates == 1 else 'fragments of this length'}"
            )
        if made < mates:  # one read is longer than a whole batch
            capacity *= 2
            continue
        made -= made % mates
        places = places[:made]
        if len(low):
            places[:, 0] = np.searchsorted(contig_offsets, places[:, 1], side="right") - 1
            places[:, 1:3] -= contig_offsets[places[:, 0]][:, None]
        titles = origin_names(first // mates, names, places, mates)
        offsets = offsets[: made + 1]
        bases = bases[: offsets[-1]].copy()
        reads = ReadBatch(
            names=np.frombuffer(b"".join(titles), np.uint8),
            name_offsets=np.cumsum([0] + [len(title) for title in titles]),
            codes=bases,
            offsets=offsets,
            letters=LETTERS[bases],
            quals=quals[: offsets[-1]].copy(),
            comments=np.empty(0, np.uint8),
            comment_offsets=np.zeros(made + 1, np.int64),
            mates=np.tile(np.array([1, 2], np.uint8), made // 2) if mates == 2 else None,
            first=first,
        )
        yield SimulatedReads(reads, places[:, 0], places[:, 1], places[:, 2], places[:, 3] == 1)
        first += made


def _model_vector(parameters: SimulationParameters) -> np.ndarray:
    """Lay out the numbers that the kernels read: float64[13]."""
    spread = math.sqrt(math.log1p((parameters.length_sd / parameters.length) ** 2))
    edits = 1 + parameters.indel_share * (parameters.indel_mean - 1)  # edited bases an event
    rate = LONG_ERROR_RATE if parameters.error_rate is None else parameters.error_rate
    return np.array(
        [
            parameters.length,
            spread,  # sigma of the log-normal
            math.log(parameters.length) - spread**2 / 2,  # mu, so that the mean is `length`
            (1 - parameters.indel_share) / edits,  # substitutions a unit of divergence
            parameters.indel_share / edits,  # indels a unit of divergence
            1 - 1 / parameters.indel_mean,  # probability that an indel goes on
            parameters.transition_bias / (parameters.transition_bias + 2),
            ERROR_MODELS.index(parameters.errors),
            rate,
            parameters.max_unknown,
            -10 * math.log10(max(rate, 1e-4)),
            *(parameters.insert or (0.0, 0.0)),  # fragments of pairs: mean, standard deviation
        ]
    )
