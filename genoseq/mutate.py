"""Compiled kernels of the read simulator: random numbers, divergence, and the errors of sequencing machines.

Every read draws from its own stream, seeded with the seed of the run and the number of the read, so that a
read does not depend on the reads before it. `genoseq.simulate` tells the model; how a base comes about:

    reference, one strand   A C G T A C G T   A C
    walk (divergence)       A C G - A C t T A A C    events at a constant rate a base
    machine (errors)        A C G   A C t T A g C    substitutions by quality, or single-base indels as well

Bases are codes (A C G T = 0 1 2 3, everything else 4); positions are concatenated reference coordinates.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["ATTEMPTS", "LONG_ERROR_RATE", "MAX_LENGTH", "make_pairs", "make_reads", "usable_stretches"]

MAX_LENGTH = 10_000_000  # bp of a read
ATTEMPTS = 20_000  # placements tried for one read before giving up

# illumina: the mean quality falls with the square of the position; a good run of a HiSeq has such figures
QUALITY_FIRST, QUALITY_FALL, QUALITY_SPREAD, QUALITY_MAX = 38.0, 10.0, 5.0, 41.0
# long: shares of substitutions and insertions among the errors; the rest are deletions, as with nanopores
LONG_SUBSTITUTIONS, LONG_INSERTIONS, LONG_ERROR_RATE = 0.3, 0.3, 0.1


@njit(cache=True, nogil=True)
def usable_stretches(codes: np.ndarray, offsets: np.ndarray, max_run: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut the contigs at runs of more than `max_run` unknown bases: int64[s] starts and ends."""
    low, high = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    for c in range(len(offsets) - 1):
        begin, i, stop = offsets[c], offsets[c], offsets[c + 1]
        while i < stop:
            if codes[i] < 4:
                i += 1
                continue
            run = i
            while i < stop and codes[i] > 3:
                i += 1
            if i - run > max_run:
                if run > begin:
                    low.append(begin)
                    high.append(run)
                begin = i
        if stop > begin:
            low.append(begin)
            high.append(stop)
    return np.array(low, dtype=np.int64), np.array(high, dtype=np.int64)


@njit(cache=True, nogil=True)
def _draw(state: np.ndarray) -> float:
    """Next number in [0, 1) of SplitMix64 (Steele, Lea and Flood 2014), whose state is uint64[1]."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.float64((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def _seed_stream(state: np.ndarray, seed: int, number: int) -> None:
    """Start the stream of random numbers of read (or pair) `number`."""
    state[0] = np.uint64(seed)
    _draw(state)
    state[0] ^= np.uint64(number) * np.uint64(0xD1342543DE82EF95)
    _draw(state)


@njit(cache=True, nogil=True)
def _normal(state: np.ndarray) -> float:
    """A standard normal number, by Box and Muller."""
    radius = math.sqrt(-2.0 * math.log(1.0 - _draw(state)))
    return radius * math.cos(2.0 * math.pi * _draw(state))


@njit(cache=True, nogil=True)
def _substitute(code: int, transitions: float, state: np.ndarray) -> int:
    """Another base than `code`: with 2-bit codes A C G T a transition is an exclusive or with 2."""
    if code > 3:
        return code
    draw = _draw(state)
    if draw < transitions:
        return code ^ 2
    return code ^ 1 if draw < (1 + transitions) / 2 else code ^ 3


@njit(cache=True, nogil=True)
def _sequence_base(
    base: int,
    i: int,
    length: int,
    model: np.ndarray,
    bases: np.ndarray,
    quals: np.ndarray,
    o: int,
    state: np.ndarray,
) -> int:
    """Write `base` as base i of a read, with the errors of the machine; returns how many it wrote, 0 to 2."""
    kind = model[7]
    if kind == 0:
        bases[o + i], quals[o + i] = base, 33 + 40
        return 1
    jitter = (_draw(state) + _draw(state) - 1.0) * QUALITY_SPREAD
    if kind == 1:
        f = i / length
        q = math.floor(min(QUALITY_MAX, QUALITY_FIRST - QUALITY_FALL * f * f + jitter) + 0.5)
        bases[o + i], quals[o + i] = base, 33 + int(q)
        if _draw(state) < 10.0 ** (-q / 10.0):
            bases[o + i] = _substitute(base, 1.0 / 3.0, state)
        return 1
    quals[o + i] = 33 + int(max(2.0, min(QUALITY_MAX, math.floor(model[10] + jitter + 0.5))))
    draw = _draw(state)
    bases[o + i] = base
    if draw >= model[8]:
        return 1
    draw /= model[8]
    if draw < LONG_SUBSTITUTIONS:
        bases[o + i] = _substitute(base, 1.0 / 3.0, state)
        return 1
    if draw >= LONG_SUBSTITUTIONS + LONG_INSERTIONS:
        return 0
    if i + 1 < length:
        bases[o + i + 1], quals[o + i + 1] = int(_draw(state) * 4), quals[o + i]
    return 2


@njit(cache=True, nogil=True)
def _walk(
    codes: np.ndarray,
    lo: int,
    hi: int,
    at: int,
    step: int,
    length: int,
    rate: float,
    model: np.ndarray,
    bases: np.ndarray,
    quals: np.ndarray,
    o: int,
    state: np.ndarray,
) -> int:
    """Write a read from `at` on, in direction `step`; the last position used, or -1 where [lo, hi) ends."""
    i, unknown, last, substitutions, indels = 0, 0, at, rate * model[3], rate * model[4]
    while i < length:
        draw, extra = _draw(state), 0
        if draw < indels:
            extra = 1
            while _draw(state) < model[5]:
                extra += 1
            if draw < indels * 0.5:
                while extra > 0 and i < length:
                    i += _sequence_base(int(_draw(state) * 4), i, length, model, bases, quals, o, state)
                    extra -= 1
            elif i > 0:  # a deletion before the first base would only move the read
                at += step * extra
        if i >= length:
            break
        if at < lo or at >= hi:
            return -1
        base = codes[at]
        if base > 3:
            unknown += 1
            if unknown > model[9] * length:
                return -1
        elif step < 0:
            base = 3 - base
        if indels <= draw < indels + substitutions:
            base = _substitute(base, model[6], state)
        last = at
        at += step
        i += _sequence_base(base, i, length, model, bases, quals, o, state)
    return last


@njit(cache=True, nogil=True)
def make_reads(
    first: int,
    seed: int,
    codes: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    starts: np.ndarray,
    divergences: np.ndarray,
    model: np.ndarray,
    bases: np.ndarray,
    quals: np.ndarray,
    offsets: np.ndarray,
    places: np.ndarray,
) -> int:
    """Fill a batch with reads; see below for the arrays.

    Returns
    -------
    int
        Reads made: fewer than asked for when `bases` is full, or -1 - n when no place was found for read n.

    Parameters
    ----------
    first, seed
        Number of the first read, seed of the run.
    codes, low, high
        uint8[G] bases and int64[s] ends of the usable stretches; empty for random sequence.
    starts
        int64[s + 1], sums of the number of places where a read can start.
    divergences, model
        float64[d] taken in turn; float64[13] as `genoseq.simulate` lays it out.
    bases, quals, offsets, places
        Filled: uint8[*] codes and phred + 33, int64[n + 1], int64[n, 4] (0 or -1, start, end, reverse).
    """
    state = np.empty(1, np.uint64)
    longest = (high - low).max() if len(low) else MAX_LENGTH
    for n in range(len(places)):
        _seed_stream(state, seed, first + n)
        o, rate = offsets[n], divergences[(first + n) % len(divergences)]
        done = False
        for _ in range(ATTEMPTS):
            length = int(model[0])
            if model[1] > 0:  # log-normal
                length = max(1, int(math.exp(model[2] + model[1] * _normal(state)) + 0.5))
            if length > longest:
                continue
            if o + length > len(bases):
                return n
            if len(low) == 0:
                for i in range(length):
                    _sequence_base(int(_draw(state) * 4), i, length, model, bases, quals, o, state)
                places[n, 0], places[n, 1], places[n, 2], places[n, 3] = -1, 0, 0, 0
                done = True
                break
            pick = int(_draw(state) * starts[-1])
            reverse = _draw(state) < 0.5
            s = np.searchsorted(starts, pick, side="right") - 1
            begin = low[s] + pick - starts[s]
            if begin + length > high[s]:
                continue
            at, step = (begin + length - 1, -1) if reverse else (begin, 1)
            last = _walk(codes, low[s], high[s], at, step, length, rate, model, bases, quals, o, state)
            if last < 0:
                continue
            places[n, 0], places[n, 3] = 0, int(reverse)
            places[n, 1], places[n, 2] = min(at, last), max(at, last) + 1
            done = True
            break
        if not done:
            return -1 - n
        offsets[n + 1] = o + length
    return len(places)


@njit(cache=True, nogil=True)
def make_pairs(
    first: int,
    seed: int,
    codes: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    divergences: np.ndarray,
    model: np.ndarray,
    bases: np.ndarray,
    quals: np.ndarray,
    offsets: np.ndarray,
    places: np.ndarray,
) -> int:
    """Fill a batch with pairs, mates one after the other; arguments and result as of `make_reads`.

    ``model[11:13]`` are mean and standard deviation of the fragments (bp). A fragment lies anywhere in a
    stretch of bases; its mates are read from its two ends inward.
    """
    state = np.empty(1, np.uint64)
    length = int(model[0])
    starts = np.zeros(len(low) + 1, np.int64)
    for s in range(len(low)):
        starts[s + 1] = starts[s] + high[s] - low[s] - length + 1
    for pair in range(len(places) // 2):
        _seed_stream(state, seed, first + pair)
        n = 2 * pair
        if offsets[n] + 2 * length > len(bases):
            return n
        o, rate = offsets[n], divergences[(first + pair) % len(divergences)]
        done = False
        for _ in range(ATTEMPTS):
            fragment = max(length, int(model[11] + model[12] * _normal(state) + 0.5))
            pick = int(_draw(state) * starts[-1])
            turned = _draw(state) < 0.5
            place = np.searchsorted(starts, pick, side="right") - 1
            begin = low[place] + pick - starts[place]
            end = begin + fragment
            if end > high[place]:
                continue
            for mate in range(2):
                reverse = turned != (mate == 1)
                at, step = (end - 1, -1) if reverse else (begin, 1)
                last = _walk(
                    codes, low[place], high[place], at, step, length, rate, model, bases, quals,
                    o + mate * length, state,
                )  # fmt: skip
                if last < 0:
                    break
                places[n + mate, 0], places[n + mate, 3] = 0, int(reverse)
                places[n + mate, 1], places[n + mate, 2] = min(at, last), max(at, last) + 1
                done = mate == 1
            if done:
                break
        if not done:
            return -1 - n
        offsets[n + 1], offsets[n + 2] = o + length, o + 2 * length
    return len(places)
