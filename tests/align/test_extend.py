"""The final alignment against a plain Gotoh of the whole window; CIGARs that add up; contigs never left."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from genoseq.align.cigar import DELETION, INSERTION, MATCH, SOFT_CLIP
from genoseq.align.extend import CLOSE, WIDE, Alignments, extend
from genoseq.align.presets import AlignmentParameters, Scoring, preset
from genoseq.align.vote import OFFSET, STRAND_SHIFT
from genoseq.index.reference import Reference
from genoseq.sequence import decode, encode, reverse_complement

PARAMETERS = preset("divergent")
NEVER = -(10**9)


def key_of(strand: int, position: int) -> int:
    return (strand << STRAND_SHIFT) | (position + OFFSET)


def align_one(
    read, reference: Reference, position: int, strand: int = 0, *, distance: int = -1,
    parameters: AlignmentParameters = PARAMETERS, close: float = -9, wide: int = WIDE,
) -> Alignments:  # fmt: skip
    """One read at one locus; a distance of -1 is never reached by mismatches, so that the band is used."""
    return extend(
        read, np.array([0, len(read)]), np.array([0]), np.array([key_of(strand, position)]),
        np.array([distance], np.int32), reference, parameters, close=close, wide=wide,
    )  # fmt: skip


def operations(aligned: Alignments, row: int = 0) -> list[tuple[int, int]]:
    first = aligned.cigar_starts[row]
    packed = aligned.cigars[first : first + aligned.cigar_counts[row]].tolist()
    return [(value >> 4, value & 15) for value in packed]


def checked(
    aligned: Alignments, read, reference: Reference, scoring: Scoring, row: int = 0,
    reported: Scoring | None = None,
) -> int:  # fmt: skip
    """Check that a row is consistent in itself; returns its score by `scoring`, with the end bonus."""
    ops = operations(aligned, row)
    if aligned.strands[row]:
        read = reverse_complement(read)
    kinds = [kind for _, kind in ops]
    assert all(length > 0 for length, _ in ops)
    assert all(one != other for one, other in pairwise(kinds))
    assert sum(length for length, kind in ops if kind != DELETION) == len(read)
    inner = [op for op in ops if op[1] != SOFT_CLIP]
    assert SOFT_CLIP not in kinds[1:-1]
    assert inner[0][1] == inner[-1][1] == MATCH
    i = ops[0][0] if kinds[0] == SOFT_CLIP else 0
    j = int(aligned.starts[row])
    contig = reference.contig_of(j)
    matches = mismatches = gaps = gap_bases = 0
    target = reference.codes(0, len(reference))
    for length, kind in inner:
        if kind == MATCH:
            same = (read[i : i + length] == target[j : j + length]) & (read[i : i + length] < 4)
            matches, mismatches = matches + int(same.sum()), mismatches + int((~same).sum())
            i, j = i + length, j + length
        else:
            gaps, gap_bases = gaps + 1, gap_bases + length
            i, j = (i + length, j) if kind == INSERTION else (i, j + length)
    assert j <= reference.offsets[contig + 1]

    def score(s: Scoring) -> int:
        return s.match * matches - s.mismatch * mismatches - s.gap_open * gaps - s.gap_extend * gap_bases

    assert aligned.scores[row] == score(reported or scoring)
    assert aligned.edits[row] == mismatches + gap_bases
    return score(scoring) + scoring.end_bonus * ((kinds[0] == MATCH) + (kinds[-1] == MATCH))


def plain_gotoh(read, target, scoring: Scoring, width: int) -> int:
    """Best score of an alignment that begins and ends with a pair, inside ``0 <= j - i < width``."""
    n, m = len(read), len(target)
    pair = np.full((n + 1, m + 1), NEVER)
    inserted, deleted = pair.copy(), pair.copy()
    best = 0
    for i in range(n):
        fresh = scoring.end_bonus if i == 0 else 0
        for j in range(i, min(i + width, m)):
            same = read[i] == target[j] and read[i] < 4
            before = max(fresh, pair[i, j], inserted[i, j], deleted[i, j])
            if target[j] != 5:
                pair[i + 1, j + 1] = before + (scoring.match if same else -scoring.mismatch)
            best = max(best, pair[i + 1, j + 1] + (scoring.end_bonus if i == n - 1 else 0))
            for state, (a, b), other in ((inserted, (i, j + 1), deleted), (deleted, (i + 1, j), inserted)):
                if 0 <= j - i < width:
                    opened = max(pair[a, b], other[a, b]) - scoring.gap_open - scoring.gap_extend
                    state[i + 1, j + 1] = max(opened, state[a, b] - scoring.gap_extend)
    return int(best)


def mutated(rng, codes, rate: float):
    out = []
    for base in codes.tolist():
        draw = rng.random()
        if draw < rate * 0.08:
            continue
        if draw < rate * 0.16:
            out += [base, *rng.integers(0, 4, rng.integers(1, 5)).tolist()]
        elif draw < rate:
            out.append((base + int(rng.integers(1, 4))) % 4)
        else:
            out.append(base)
    return np.array(out or [0], np.uint8)


def window_of(reference: Reference, position: int, length: int, slack: int):
    out = np.full(length + 2 * slack, 5, np.uint8)
    contig = reference.contig_of(position + length // 2)
    low, high = reference.offsets[contig], reference.offsets[contig + 1]
    at = np.arange(position - slack, position + length + slack)
    inside = (at >= low) & (at < high)
    out[inside] = reference.codes(0, len(reference))[at[inside]]
    return out


@pytest.mark.parametrize("close", [False, True])
@pytest.mark.parametrize("rate", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("seed", range(12))
def test_as_plain_gotoh(seed, rate, close):
    rng = np.random.default_rng([seed, int(100 * rate)])
    reference = Reference.from_sequences([("c", decode(rng.integers(0, 4, 300, dtype=np.uint8)))])
    read = mutated(rng, reference.codes(100, 100 + int(rng.integers(20, 90))), rate)
    if seed % 3 == 0:
        read[rng.random(len(read)) < 0.05] = 4
    strand = seed % 2
    given = reverse_complement(read) if strand else read
    scoring = CLOSE if close else PARAMETERS.scoring
    aligned = align_one(given, reference, 100, strand, close=1 if close else -9, wide=0)
    total = checked(aligned, given, reference, scoring, reported=PARAMETERS.scoring)
    target = window_of(reference, 100, len(read), PARAMETERS.slack)
    assert total == plain_gotoh(read, target, scoring, 2 * PARAMETERS.slack + 1)


@pytest.mark.parametrize("group", range(10))
def test_unrelated_sequences(group):
    """Little to align, gaps cheap: every way to begin, to end and to change between gaps comes up."""
    for seed in range(30):
        rng = np.random.default_rng([group, seed])
        letters = int(rng.integers(2, 5))
        reference = Reference.from_sequences([("c", decode(rng.integers(0, letters, 60, dtype=np.uint8)))])
        read = rng.integers(0, 4, int(rng.integers(1, 24)), dtype=np.uint8)
        scoring = Scoring(
            2, int(rng.integers(1, 5)), int(rng.integers(0, 3)), 1, end_bonus=int(rng.integers(0, 14))
        )
        parameters = replace(PARAMETERS, scoring=scoring, slack=int(rng.integers(1, 9)))
        aligned = align_one(read, reference, 18, parameters=parameters, wide=0)
        target = window_of(reference, 18, len(read), parameters.slack)
        expected = plain_gotoh(read, target, scoring, 2 * parameters.slack + 1)
        found = checked(aligned, read, reference, scoring) if aligned.cigar_counts[0] else 0
        assert found == expected, seed


def test_clean_reads_take_the_diagonal_and_give_what_the_band_gives():
    rng = np.random.default_rng(3)
    reference = Reference.from_sequences([("c", decode(rng.integers(0, 4, 2000, dtype=np.uint8)))])
    for start in range(100, 1700, 97):
        read = reference.codes(start, start + 150).copy()
        wrong = rng.random(150) < 0.04
        read[wrong] = (read[wrong] + 1) % 4
        fast = align_one(read, reference, start, distance=int(wrong.sum()))
        banded = align_one(read, reference, start)
        assert fast.starts == banded.starts
        assert operations(fast) == operations(banded)
        assert checked(fast, read, reference, PARAMETERS.scoring) == checked(
            banded, read, reference, PARAMETERS.scoring
        )


@pytest.mark.parametrize("banded", [False, True])
def test_an_adapter_is_clipped_and_an_unlucky_last_base_is_not(banded):
    rng = np.random.default_rng(4)
    reference = Reference.from_sequences([("c", decode(rng.integers(0, 4, 500, dtype=np.uint8)))])
    read = reference.codes(200, 300).copy()
    read[-2] = 3 - read[-2]
    aligned = align_one(read, reference, 200, distance=-1 if banded else 100)
    assert operations(aligned) == [(100, MATCH)]
    read[70:] = 3 - read[70:]
    aligned = align_one(read, reference, 200, distance=-1 if banded else 100)
    assert operations(aligned) == [(70, MATCH), (30, SOFT_CLIP)]
    turned = reverse_complement(read)
    aligned = align_one(turned, reference, 200, 1, distance=-1 if banded else 100)
    assert operations(aligned) == [(70, MATCH), (30, SOFT_CLIP)]
    assert aligned.strands.tolist() == [1]


@pytest.mark.parametrize("gap", [1, 3, 8])
def test_insertions_and_deletions(gap):
    rng = np.random.default_rng(gap)
    genome = rng.integers(0, 4, 600, dtype=np.uint8)
    genome[249:253] = [0, 1, 2, 3]  # so that the gap has one place only
    genome[250 + gap] = 0
    reference = Reference.from_sequences([("c", decode(genome))])
    deleted = np.concatenate([genome[200:250], genome[250 + gap : 310 + gap]])
    ops = operations(align_one(deleted, reference, 200))
    assert [kind for _, kind in ops] == [MATCH, DELETION, MATCH]
    assert ops[1][0] == gap
    inserted = np.concatenate([genome[200:250], (genome[250] + 1 + np.arange(gap) % 3) % 4, genome[250:310]])
    ops = operations(align_one(inserted.astype(np.uint8), reference, 200))
    assert [kind for _, kind in ops] == [MATCH, INSERTION, MATCH]
    assert ops[1][0] == gap


@pytest.mark.parametrize("strand", [0, 1])
@pytest.mark.parametrize(("gap", "kind"), [(30, DELETION), (20, INSERTION)])
def test_a_long_gap_is_found_from_both_its_sides_and_told_once(gap, kind, strand):
    rng = np.random.default_rng(gap)
    genome = rng.integers(0, 4, 600, dtype=np.uint8)
    reference = Reference.from_sequences([("c", decode(genome))])
    if kind == DELETION:
        read, shift = np.concatenate([genome[200:270], genome[270 + gap : 350 + gap]]), gap
    else:
        new = rng.integers(0, 4, gap, dtype=np.uint8)
        read, shift = np.concatenate([genome[200:270], new, genome[270:330]]), -gap
    given = reverse_complement(read) if strand else read
    keys = np.array([key_of(strand, 200), key_of(strand, 200 + shift)])
    aligned = extend(
        given, np.array([0, len(read)]), np.array([0, 0]), keys, np.array([35, 36], np.int32), reference,
        PARAMETERS,
    )  # fmt: skip
    checked(aligned, given, reference, PARAMETERS.scoring)
    assert [(length, found) for length, found in operations(aligned) if found != MATCH] == [(gap, kind)]
    assert aligned.starts.tolist() == [200, -1]
    assert aligned.cigar_counts[1] == 0


@pytest.mark.parametrize("over", [8, 20])
@pytest.mark.parametrize("strand", [0, 1])
def test_the_bases_beyond_a_gap_are_no_mismatches(over, strand):
    """Edit distance counts a gap of 4 bases as 4 mismatches; scores do not."""
    rng = np.random.default_rng(11)
    genome = rng.integers(0, 4, 600, dtype=np.uint8)
    genome[300:310] = [0, 0, 1, 1, 2, 2, 3, 3, 0, 0]
    genome[310:330] = np.tile([2, 1], 10)
    reference = Reference.from_sequences([("c", decode(genome))])
    read = np.concatenate([genome[200:304], genome[308 : 308 + over]])
    given = reverse_complement(read) if strand else read
    wrong = int((read != genome[200 : 200 + len(read)]).sum())
    aligned = align_one(given, reference, 200, strand, distance=wrong, close=0.16)
    assert [op for op in operations(aligned) if op[1] == DELETION] == [(4, DELETION)]


@pytest.mark.parametrize("unit", ["A", "CA", "CAG"])
@pytest.mark.parametrize("strand", [0, 1])
@pytest.mark.parametrize("kind", [INSERTION, DELETION])
def test_gaps_lie_as_far_left_as_they_can(unit, strand, kind):
    """As bwa mem and the norm of VCF have it: callers add up reads that agree on where a gap is."""
    rng = np.random.default_rng(12)
    left, right = (decode(rng.integers(0, 4, 100, dtype=np.uint8)) + "T" for _ in range(2))
    reference = Reference.from_sequences([("c", f"{left}{unit * 8}T{right}")])
    read = encode(f"{left[30:]}{unit * (9 if kind == INSERTION else 7)}T{right[:70]}")
    given = reverse_complement(read) if strand else read
    for close in (-9, 1):
        ops = operations(align_one(given, reference, 30, strand, distance=-1, close=close))
        assert ops == [
            (71, MATCH),
            (len(unit), kind),
            (len(read) - 71 - len(unit) * (kind == INSERTION), MATCH),
        ]


@pytest.mark.parametrize("position", [-30, -8, 0, 3, 57, 65, 80])
@pytest.mark.parametrize("strand", [0, 1])
def test_no_contig_is_left(position, strand):
    """A read that hangs over the end of a contig is clipped there, even where its neighbour continues it."""
    rng = np.random.default_rng(9)
    codes = rng.integers(0, 4, 300, dtype=np.uint8)
    text = decode(codes)
    reference = Reference.from_sequences([("a", text[:100]), ("b", text[100:200]), ("c", text[200:])])
    read = codes[100 + position : 150 + position]
    given = reverse_complement(read) if strand else read
    aligned = align_one(given, reference, 100 + position, strand, distance=50)
    checked(aligned, given, reference, PARAMETERS.scoring)
    overlap_left, overlap_right = max(0, -position), max(0, position - 50)
    ops = operations(aligned)
    contig = reference.contig_of(100 + position + 25)
    kept = {0: overlap_left, 1: 50 - overlap_left - overlap_right, 2: overlap_right}[contig]
    assert sum(length for length, kind in ops if kind == MATCH) == pytest.approx(kept, abs=3)


def test_a_contig_shorter_than_the_read():
    reference = Reference.from_sequences([("a", "ACGTTGCATG"), ("b", "TTGACCATGCAAGTCTGATC"), ("c", "GGATC")])
    read = np.concatenate([encode("GGGGGGGG"), reference.contig_codes("b"), encode("CCCCCCCC")])
    aligned = align_one(read, reference, 2)
    checked(aligned, read, reference, PARAMETERS.scoring)
    assert aligned.starts.tolist() == [10]
    assert (20, MATCH) in operations(aligned)


def test_unknown_letters_never_match():
    rng = np.random.default_rng(5)
    text = decode(rng.integers(0, 4, 200, dtype=np.uint8))
    reference = Reference.from_sequences([("c", text[:100] + "NNRY" + text[104:])])
    read = encode(text[60:150])
    read[5] = 4
    for distance in (-1, 90):
        aligned = align_one(read, reference, 60, distance=distance)
        checked(aligned, read, reference, PARAMETERS.scoring)
        assert aligned.edits.tolist() == [5]
    # N against N is no match either
    aligned = align_one(encode("ACGT" + "N" * 30), Reference.from_sequences([("c", "ACGT" + "N" * 60)]), 0)
    assert aligned.scores[0] <= 4 * PARAMETERS.scoring.match


def test_many_rows_do_not_disturb_each_other():
    rng = np.random.default_rng(6)
    reference = Reference.from_sequences([("c", decode(rng.integers(0, 4, 3000, dtype=np.uint8)))])
    reads, keys = [], []
    for _ in range(60):
        start, length, strand = int(rng.integers(50, 2700)), int(rng.integers(1, 200)), int(rng.integers(2))
        read = mutated(rng, reference.codes(start, start + length), float(rng.choice([0, 0.1, 0.5])))
        reads.append(reverse_complement(read) if strand else read)
        keys.append(key_of(strand, start))
    offsets = np.concatenate([[0], np.cumsum([len(read) for read in reads])])
    together = extend(
        np.concatenate(reads),
        offsets,
        np.arange(60),
        np.array(keys),
        np.full(60, -1, np.int32),
        reference,
        PARAMETERS,
    )
    for row, read in enumerate(reads):
        alone = extend(
            read, np.array([0, len(read)]), np.array([0]), np.array(keys[row : row + 1]),
            np.full(1, -1, np.int32), reference, PARAMETERS,
        )  # fmt: skip
        assert operations(together, row) == operations(alone)
        for name in ("strands", "starts", "scores", "edits"):
            assert getattr(together, name)[row] == getattr(alone, name)[0]


def test_no_rows():
    reference = Reference.from_sequences([("c", "ACGT")])
    none = np.empty(0, np.int64)
    aligned = extend(encode("AC"), np.array([0, 2]), none, none, none.astype(np.int32), reference, PARAMETERS)
    assert len(aligned) == 0
