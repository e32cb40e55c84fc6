"""Pair: the loci of two mates are weighed together, before anything is extended.

Mates come from the two ends of a fragment: one reads forward, the other backward further right, and how far
apart they lie is known (`genoseq.align.insert`). A place of one mate and a place of the other that fit are a
*union*; its cost is the edits of both and what the length of the fragment is worth. Where the search found
one mate and not the other, or the other somewhere else, the window in which it should lie is compared with it
base by base (*rescue*), by Myers' bit-parallel algorithm over the whole window: some microseconds, a
fraction of what the last stages of the search cost. So a pair that is at home together leaves the cascade
early, and a mate within a repeat is told its copy by the other.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.insert import LONGEST, InsertSize, learn
from genoseq.align.loci import SHORTEST, Loci
from genoseq.align.verify import pack_read
from genoseq.align.vote import OFFSET, STRAND_SHIFT, key_position, key_strand

UNIONS = 4
"""Unions remembered for a pair, cheapest first."""
NONE = -1
SPLIT = 4.0
"""What it costs a pair, in edits, that its mates do not fit: chimeras and rearrangements are as rare as that
many edits are in a read."""
_LIKELY, _APART = 0.30, 0.10
"""A mate is taken near the other if its edits are at most this share of it, and its share at most that much
above the other's."""
_NEAR_BEST, _TRIED = 2, 3  # loci within so many edits of the best, and so many of them, call for the mate
_REPEAT = 0.12  # closer places may be copies of a repeat: that they fit is then no proof
_SLACK = 12  # bp that indels may move a mate


class Unions(NamedTuple):
    """What is known of the pairs of a batch.

    Attributes
    ----------
    keys : ndarray, shape (pairs, UNIONS, 2), dtype int64
        Places of both mates (see `genoseq.align.vote`).
    edits : ndarray, shape (pairs, UNIONS, 2), dtype int32
        Edit distances there.
    costs : ndarray, shape (pairs, UNIONS), dtype float32
    counts : ndarray, shape (pairs,), dtype int32
    rescued : ndarray, shape (pairs, 2), dtype bool
        Whether the place of a mate in the cheapest union was found near the other only.
    """

    keys: NDArray[np.int64]
    edits: NDArray[np.int32]
    costs: NDArray[np.float32]
    counts: NDArray[np.int32]
    rescued: NDArray[np.bool_]

    @classmethod
    def none(cls, pairs: int) -> Unions:
        """No union yet."""
        return cls(
            np.full((pairs, UNIONS, 2), NONE, np.int64),
            np.zeros((pairs, UNIONS, 2), np.int32),
            np.full((pairs, UNIONS), np.inf, np.float32),
            np.zeros(pairs, np.int32),
            np.zeros((pairs, 2), np.bool_),
        )


class Pairs:
    """The pairs of a batch on their way through the cascade.

    Parameters
    ----------
    firsts : ndarray, shape (pairs,), dtype int64
        Number of the first mate of each; the second follows it.
    insert : InsertSize
        Assumed where this batch has too few pairs to learn from, or always, if `fixed`.
    """

    def __init__(self, firsts: NDArray[np.int64], insert: InsertSize, *, fixed: bool = False) -> None:
        self.firsts = firsts
        self.insert = insert
        self.unions = Unions.none(len(firsts))
        self.learned = False
        self._fixed = fixed
        self._settled = np.zeros(len(firsts), np.bool_)

    def meet(
        self,
        codes: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        words: NDArray[np.uint64],
        contigs: NDArray[np.int64],
        loci: Loci,
        stages: int,
        *,
        last: bool,
    ) -> NDArray[np.int64]:
        """Weigh the mates of each pair together; the numbers of reads for which the search may end.

        Parameters
        ----------
        codes, offsets, words, contigs
            Of the reads, and of the reference.
        loci : Loci
        stages : int
            A read whose `loci.stage` is less is convinced of its best place.
        last : bool
            The search is over: make do with what is there.
        """
        convinced = loci.stage < stages
        if not (self.learned or self._fixed):
            fragments = np.empty(len(self.firsts), np.int64)
            count = sure_fragments(self.firsts, offsets, contigs, loci, convinced, fragments)
            found = learn(fragments[:count])
            if found is not None:
                self.insert, self.learned = found, True
        _meet(
            self.firsts, codes, offsets, words, contigs, loci, convinced, self.insert, self.unions,
            self._settled, last,
        )  # fmt: skip
        reads = self.firsts[self._settled]
        return np.concatenate([reads, reads + 1])


@numba.njit(cache=True, nogil=True)
def fragment_length(one: int, one_length: int, two: int, two_length: int, contigs: NDArray[np.int64]) -> int:
    """Outer distance of two mates, bp; -1 if they do not face each other on one contig.

    Parameters
    ----------
    one, two : int
        Keys of the mates.
    one_length, two_length : int
        Of the mates, bp.
    contigs : ndarray
        Offsets of the contigs.
    """
    if key_strand(one) == key_strand(two):
        return -1
    if key_strand(one):
        one, two = two, one
        one_length, two_length = two_length, one_length
    start, end = key_position(one), key_position(two) + two_length
    if end <= start or end - start > LONGEST:
        return -1
    middle = np.searchsorted(contigs, start + one_length // 2, side="right")
    if np.searchsorted(contigs, end - two_length // 2, side="right") != middle:
        return -1
    return end - start


@numba.njit(cache=True, nogil=True)
def sure_fragments(firsts, offsets, contigs, loci, convinced, out):
    """Fragment lengths of pairs whose mates each have one clear place; returns how many."""
    count = 0
    for p in range(firsts.shape[0]):
        a = firsts[p]
        b = a + 1
        if not (convinced[a] and convinced[b] and loci.counts[a] and loci.counts[b]):
            continue
        if loci.distances[a, 1] - loci.distances[a, 0] < 3 or loci.distances[b, 1] - loci.distances[b, 0] < 3:
            continue
        length = fragment_length(
            loci.keys[a, 0],
            offsets[a + 1] - offsets[a],
            loci.keys[b, 0],
            offsets[b + 1] - offsets[b],
            contigs,
        )
        if length > 0:
            out[count] = length
            count += 1
    return count


@numba.njit(cache=True, nogil=True, inline="always")
def insert_cost(length: int, insert: InsertSize) -> float:
    """What a fragment length costs, in edits: a quarter of its negative log likelihood over the mean's."""
    z = (length - insert.mean) / insert.sd
    return min(z * z / 8, SPLIT)


class _Bench(NamedTuple):
    """Scratch for one read."""

    packed: NDArray[np.uint64]
    masks: NDArray[np.uint64]
    up: NDArray[np.uint64]
    down: NDArray[np.uint64]


@numba.njit(cache=True, nogil=True)
def _meet(firsts, codes, offsets, words, contigs, loci, convinced, insert, unions, settled, last):
    longest = 1
    for p in range(firsts.shape[0]):
        longest = max(longest, offsets[firsts[p] + 2] - offsets[firsts[p] + 1])
        longest = max(longest, offsets[firsts[p] + 1] - offsets[firsts[p]])
    bench = _Bench(
        np.zeros((2, longest // 32 + 2), np.uint64),
        np.zeros((4, longest // 64 + 1), np.uint64),
        np.zeros(longest // 64 + 1, np.uint64),
        np.zeros(longest // 64 + 1, np.uint64),
    )
    for p in range(firsts.shape[0]):
        if settled[p]:
            continue
        unions.counts[p] = 0
        unions.costs[p] = np.inf
        unions.rescued[p] = False
        _join(p, firsts[p], offsets, contigs, loci, insert, unions)
        both = convinced[firsts[p]] and convinced[firsts[p] + 1]
        if not (unions.counts[p] and _is_best(p, firsts[p], loci, unions)):
            _rescue_mates(
                p, firsts[p], codes, offsets, words, contigs, loci, convinced, insert, unions, bench, last
            )
        settled[p] = both or _settles(p, firsts[p], offsets, loci, convinced, unions)


@numba.njit(cache=True, nogil=True)
def _join(p, a, offsets, contigs, loci, insert, unions):
    """All unions of the loci that the search found."""
    b = a + 1
    one_length, two_length = offsets[b] - offsets[a], offsets[b + 1] - offsets[b]
    for i in range(loci.counts[a]):
        for j in range(loci.counts[b]):
            length = fragment_length(loci.keys[a, i], one_length, loci.keys[b, j], two_length, contigs)
            if insert.low <= length <= insert.high:
                cost = loci.distances[a, i] + loci.distances[b, j] + insert_cost(length, insert)
                _note(
                    p, loci.keys[a, i], loci.distances[a, i], loci.keys[b, j], loci.distances[b, j], cost,
                    unions, -1,
                )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _note(p, one_key, one_edits, two_key, two_edits, cost, unions, rescued):
    """Put a union among those of the pair, unless it is dearer; `rescued`: mate 0 or 1, or -1 for none."""
    count = unions.counts[p]
    for u in range(count):
        if unions.keys[p, u, 0] == one_key and unions.keys[p, u, 1] == two_key:
            return
    if count == UNIONS and cost >= unions.costs[p, UNIONS - 1]:
        return
    at = count if count < UNIONS else UNIONS - 1
    while at > 0 and unions.costs[p, at - 1] > cost:
        unions.costs[p, at] = unions.costs[p, at - 1]
        unions.keys[p, at] = unions.keys[p, at - 1]
        unions.edits[p, at] = unions.edits[p, at - 1]
        at -= 1
    unions.costs[p, at] = cost
    unions.keys[p, at, 0], unions.keys[p, at, 1] = one_key, two_key
    unions.edits[p, at, 0], unions.edits[p, at, 1] = one_edits, two_edits
    unions.counts[p] = min(count + 1, UNIONS)
    if at == 0:
        unions.rescued[p, 0], unions.rescued[p, 1] = rescued == 0, rescued == 1


@numba.njit(cache=True, nogil=True)
def _is_best(p, a, loci, unions):
    """Whether the cheapest union joins a best locus of each mate."""
    return unions.edits[p, 0, 0] <= loci.distances[a, 0] and unions.edits[p, 0, 1] <= loci.distances[a + 1, 0]


@numba.njit(cache=True, nogil=True)
def _settles(p, a, offsets, loci, convinced, unions):
    """Whether the cheapest union ends the search for both mates."""
    if not unions.counts[p]:
        return False
    shares = (
        unions.edits[p, 0, 0] / (offsets[a + 1] - offsets[a]),
        unions.edits[p, 0, 1] / (offsets[a + 2] - offsets[a + 1]),
    )
    if max(shares) > _LIKELY:
        return False
    for mate in range(2):
        best = loci.distances[a + mate, 0]
        if convinced[a + mate] and unions.edits[p, 0, mate] <= best:
            return shares[1 - mate] <= shares[mate] + _APART
    # neither is sure of itself; that their best places fit proves both, unless they are copies of a repeat
    return min(shares) > _REPEAT and _is_best(p, a, loci, unions)


@numba.njit(cache=True, nogil=True)
def _rescue_mates(p, a, codes, offsets, words, contigs, loci, convinced, insert, unions, bench, last):
    """Look for each mate near the best loci of the other."""
    for mate in range(2):
        caller, wanted = a + mate, a + 1 - mate
        length = offsets[caller + 1] - offsets[caller]
        best = loci.distances[caller, 0]
        if not loci.counts[caller] or best > _LIKELY * length or not (convinced[caller] or last):
            continue
        ready = -1  # the orientation whose masks are made
        for i in range(min(loci.counts[caller], _TRIED)):
            if loci.distances[caller, i] > best + _NEAR_BEST:
                break
            key = loci.keys[caller, i]
            if _is_joined(p, mate, key, loci.distances[wanted, 0], unions):
                continue
            size = offsets[wanted + 1] - offsets[wanted]
            if size < SHORTEST:
                break
            strand = 1 - key_strand(key)
            if ready != strand:
                pack_read(codes, offsets[wanted], offsets[wanted + 1], bench.packed[0], bench.packed[1])
                _masks(bench.packed[strand], size, bench.masks)
                ready = strand
            lo, hi = _window(key, length, size, insert, contigs)
            limit = int(min(_LIKELY, loci.distances[caller, i] / length + _APART) * size)
            edits, end = _scan(bench, size, words, lo, hi, limit)
            if edits > limit:
                continue
            found = (strand << STRAND_SHIFT) | (end - size + OFFSET)
            one, two = (key, found) if mate == 0 else (found, key)
            apart = fragment_length(
                one, offsets[a + 1] - offsets[a], two, offsets[a + 2] - offsets[a + 1], contigs
            )
            if apart < 0:
                continue
            cost = loci.distances[caller, i] + edits + insert_cost(apart, insert)
            if mate == 0:
                _note(p, key, loci.distances[caller, i], found, edits, cost, unions, 1)
            else:
                _note(p, found, edits, key, loci.distances[caller, i], cost, unions, 0)


@numba.njit(cache=True, nogil=True)
def _is_joined(p, mate, key, enough, unions):
    """Whether a union joins this place of a mate with a place of the other that is as good as its best."""
    for u in range(unions.counts[p]):
        if unions.keys[p, u, mate] == key and unions.edits[p, u, 1 - mate] <= enough:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _window(key, length, size, insert, contigs):
    """Where the mate of `size` bp of a read of `length` bp at `key` should lie, half-open, in its contig."""
    position = key_position(key)
    if key_strand(key):
        end = position + length
        lo, hi = end - insert.high - _SLACK, end - insert.low + size + _SLACK
    else:
        lo, hi = position + insert.low - size - _SLACK, position + insert.high + _SLACK
    contig = np.searchsorted(contigs, position + length // 2, side="right") - 1
    return max(lo, contigs[contig]), min(hi, contigs[contig + 1])


@numba.njit(cache=True, nogil=True)
def _masks(read, length, masks):
    """Which bases of a packed read are A, C, G, T: bit i of the four rows stands for base i."""
    for b in range(4):
        for w in range(masks.shape[1]):
            masks[b, w] = 0
    for i in range(length):
        base = (read[i >> 5] >> np.uint64(2 * (i & 31))) & np.uint64(3)
        masks[base, i >> 6] |= np.uint64(1) << np.uint64(i & 63)


@numba.njit(cache=True, nogil=True)
def _scan(bench, length, reference, lo, hi, limit):
    """Least edit distance of a read within ``lo:hi`` of the reference, and where it ends there.

    Both ends are free in the reference. Of equally good places the first is told; a distance above `limit`
    is told as ``limit + 1``.
    """
    one, high = np.uint64(1), np.uint64(63)
    words = (length + 63) >> 6
    masks, up, down = bench.masks, bench.up, bench.down
    for w in range(words):
        up[w], down[w] = ~np.uint64(0), np.uint64(0)
    last_bit = np.uint64((length - 1) & 63)
    score = np.int64(length)
    best, where = np.int64(limit + 1), np.int64(hi)
    for at in range(lo, hi):
        base = (reference[at >> 5] >> np.uint64(2 * (at & 31))) & np.uint64(3)
        more, less = np.uint64(0), np.uint64(0)  # horizontal differences +1, -1 that come from the word above
        for w in range(words):
            equal = masks[base, w]
            here_up, here_down = up[w], down[w]
            vertical = equal | here_down
            equal |= less
            zero = (((equal & here_up) + here_up) ^ here_up) | equal
            plus, minus = here_down | ~(zero | here_up), here_up & zero
            if w == words - 1:
                score += np.int64((plus >> last_bit) & one) - np.int64((minus >> last_bit) & one)
            next_more, next_less = plus >> high, minus >> high
            plus, minus = (plus << one) | more, (minus << one) | less
            up[w] = minus | ~(vertical | plus)
            down[w] = plus & vertical
            more, less = next_more, next_less
        if score < best:
            best, where = score, np.int64(at + 1)
    return best, where
