"""How a context diverges: the mutations between a training pair.

A training pair is the context of an anchor and the same context after evolution and sequencing. The anchor
itself is kept (a read without it asks no question there), so changes are applied *outward* from it: an
insertion or a deletion moves everything beyond it, on its own side only, which is what an aligner meets.
The margin is the spare context that deletions pull in::

    margin | ........ flank ........ word ........ flank ........ | margin
                <- changes outward       changes outward ->

The kernel draws from a NumPy generator that the caller makes from the number of the training step, so that
a step has the same pairs whether or not the run was interrupted before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError

MARGIN = 16  # bp: net deletion on one side beyond this repeats the last base; 30 % divergence deletes 2 of 22


@dataclass(frozen=True)
class Divergence:
    """How a context changes. Every pair draws its own rate and shares, uniformly within the bounds.

    Attributes
    ----------
    rate : tuple of float
        Events per base (substitutions, insertions and deletions together), lowest and highest.
    indel_share : tuple of float
        Share of the events that are insertions or deletions (half each).
    indel_extension : float
        Probability that an insertion or a deletion goes on for another base (geometric lengths).
    transition_ratio : tuple of float
        Transitions per transversion, drawn uniformly in the logarithm; 0.5 means all substitutions alike,
        between vertebrates it is 2 to 4.
    truncated : float
        Share of contexts that the end of the read cuts on one side.
    kept : int
        Bases next to the word, each side, that never change (so that the query falls in the cell of its
        locus).
    """

    rate: tuple[float, float] = (0.0, 0.25)
    indel_share: tuple[float, float] = (0.1, 0.2)
    indel_extension: float = 0.2
    transition_ratio: tuple[float, float] = (0.5, 4.0)
    truncated: float = 0.2
    kept: int = 0

    def __post_init__(self) -> None:
        for name, (low, high), most in (("rate", self.rate, 0.5), ("indel_share", self.indel_share, 1.0)):
            if not 0 <= low <= high <= most:
                raise UsageError(
                    f"{name} is {low}-{high}; it must lie within 0-{most}, the lower bound first"
                )
        low, high = self.transition_ratio
        if not 0 < low <= high:
            raise UsageError(f"transition_ratio is {low}-{high}; it must be above 0, the lower bound first")
        for name, share in (("truncated", self.truncated), ("indel_extension", self.indel_extension)):
            if not 0 <= share < 1:
                raise UsageError(f"{name} is {share}; it must be at least 0 and below 1")


def mutate(
    wide: NDArray[np.uint8], flank: int, divergence: Divergence, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Contexts after divergence.

    Parameters
    ----------
    wide : ndarray, shape (n, length + 2 * `MARGIN`), dtype uint8
        Contexts with margins, as `ContextPool.wide` gives them.
    flank : int
        Bases on each side of the word, bp.
    rng : numpy.random.Generator
        Every number comes from here.

    Returns
    -------
    ndarray, shape (n, length), dtype uint8
        Codes; 4 beyond the end of a truncated read.
    """
    n = len(wide)
    rates = rng.uniform(*divergence.rate, n)
    indels = rng.uniform(*divergence.indel_share, n)
    low, high = np.log(divergence.transition_ratio)
    ratio = np.exp(rng.uniform(low, high, n))
    out = np.empty((n, wide.shape[1] - 2 * MARGIN), np.uint8)
    _mutate(
        wide,
        flank,
        rates,
        indels,
        ratio / (1 + ratio),
        divergence.indel_extension,
        divergence.truncated,
        divergence.kept,
        rng,
        out,
    )
    return out


@numba.njit(cache=True, nogil=True)
def _mutate(wide, flank, rates, indels, transitions, extension, truncated, kept, rng, out):
    context = out.shape[1]
    length = context - 2 * flank
    reach = flank + MARGIN
    for b in range(wide.shape[0]):
        rate = rates[b]
        indel = rate * indels[b]
        for j in range(length):
            out[b, flank + j] = wide[b, reach + j]
        for side in range(2):
            source = 0
            inserting = False
            for j in range(flank):
                draw = rng.random() if j >= kept else 1.0
                if inserting or draw < 0.5 * indel:
                    base = np.uint8(4 * rng.random())
                    inserting = rng.random() < extension
                else:
                    if draw < indel:
                        source += 1
                        while rng.random() < extension:
                            source += 1
                    at = min(source, reach - 1)
                    base = wide[b, reach + length + at] if side == 0 else wide[b, reach - 1 - at]
                    source += 1
                    if indel <= draw < rate:
                        u = rng.random()
                        if u < transitions[b]:
                            base ^= np.uint8(2)  # A<->G and C<->T differ in the upper bit
                        elif u < 0.5 * (1 + transitions[b]):
                            base ^= np.uint8(1)
                        else:
                            base ^= np.uint8(3)
                if side == 0:
                    out[b, flank + length + j] = base
                else:
                    out[b, flank - 1 - j] = base
        if rng.random() < truncated:
            left = 4 + int(rng.random() * (flank - 4))  # bases that the read still has on that side
            if rng.random() < 0.5:
                out[b, flank + length + left :] = 4
            else:
                out[b, : flank - left] = 4
