"""CIGAR with = and X: against pysam's reading of MD, and in PAF."""

from __future__ import annotations

import numpy as np
import pysam
import pytest

from genoseq.io.batch import ReadBatch


def segments(aligner, batch, **options) -> list[pysam.AlignedSegment]:
    reference = aligner.index.reference
    header = pysam.AlignmentHeader.from_dict(
        {"SQ": [{"SN": n, "LN": int(k)} for n, k in zip(reference.names, reference.lengths, strict=True)]}
    )
    lines = bytes(aligner.sam(batch, **options)).decode().splitlines()
    return [pysam.AlignedSegment.fromstring(line, header) for line in lines]


@pytest.mark.parametrize("divergence", [0.0, 0.15])
def test_equals_and_differs_say_what_md_says(toy_aligner, toy_index, simulated, divergence):
    reads = simulated(toy_index.reference, number=200, length=150, divergence=divergence, seed=8).reads
    batch = toy_aligner.align(reads)
    for plain, split in zip(
        segments(toy_aligner, batch), segments(toy_aligner, batch, eqx=True), strict=True
    ):
        if plain.is_unmapped:
            assert split.cigarstring == plain.cigarstring
            continue
        assert split.get_tag("MD") == plain.get_tag("MD")
        joined = split.cigarstring.replace("=", "M").replace("X", "M")
        assert "M" not in split.cigarstring
        merged = pysam.AlignedSegment()
        merged.cigarstring = joined
        runs: list[list[int]] = []
        for kind, length in merged.cigartuples:
            if runs and runs[-1][0] == kind == 0:
                runs[-1][1] += length
            else:
                runs.append([kind, length])
        assert [tuple(run) for run in runs] == plain.cigartuples
        pairs = plain.get_aligned_pairs(matches_only=True, with_seq=True)
        same = sum(letter.isupper() for _, _, letter in pairs)
        assert sum(length for kind, length in split.cigartuples if kind == 7) == same
        assert sum(length for kind, length in split.cigartuples if kind == 8) == len(pairs) - same


def test_letters_that_match_nothing_differ(small_index):
    from genoseq.align.aligner import Aligner

    codes = small_index.reference.contig_codes("first", 100, 300)
    text = "".join("ACGTN"[code] for code in codes)
    text = text[:50] + "N" + text[51:]
    aligner = Aligner(small_index)
    batch = aligner.align(ReadBatch.from_strings(["r"], [text]))
    (segment,) = segments(aligner, batch, eqx=True)
    states = np.repeat(*zip(*segment.cigartuples, strict=True))
    expected = [7 if code < 4 and letter != "N" else 8 for code, letter in zip(codes, text, strict=True)]
    assert states.tolist() == expected


def test_paf_counts_the_same(toy_aligner, toy_index, simulated):
    reads = simulated(toy_index.reference, number=50, length=150, divergence=0.1, seed=8).reads
    batch = toy_aligner.align(reads)
    plain = [line.split("\t") for line in bytes(toy_aligner.paf(batch)).decode().splitlines()]
    split = [line.split("\t") for line in bytes(toy_aligner.paf(batch, eqx=True)).decode().splitlines()]
    assert [line[:-1] for line in plain] == [line[:-1] for line in split]
    assert all("M" not in line[-1][5:] for line in split)
