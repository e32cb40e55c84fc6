"""Windows of alleles: what must hold of any of them, at any place."""

from __future__ import annotations

import itertools
import random

import pytest

from genoseq.errors import UsageError
from genoseq.hyena.alleles import SKIPPED, Variant, VariantWindow, frame, refuse_alt, refuse_site, trim
from genoseq.hyena.config import HyenaConfig
from genoseq.index.genome import open_genome

WINDOW = VariantWindow(64, 8)
GENOME = open_genome({"one": "acgtACGTNNACGTRACGT" * 4, "two": "GATTACA"})


def some_alleles(seed, count=2000):
    """Position, lengths of REF and ALT, length of the contig."""
    rng = random.Random(seed)
    for _ in range(count):
        contig = rng.choice([1, 5, 40, 63, 64, 65, 100, 1000])
        ref = rng.randint(0, min(contig, rng.choice([1, 3, 32])))
        alt = rng.randint(0, rng.choice([1, 3, 32]))
        if ref or alt:
            yield rng.randint(0, contig - ref), ref, alt, contig


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "window", [WINDOW, VariantWindow(64, 1), VariantWindow(65, 16), VariantWindow(100, 7)]
)
def test_windows_hold_both_alleles_and_stay_inside(window, reverse):
    for position, ref, alt, contig in some_alleles(1):
        start, stop, left, right = frame(position, ref, alt, contig, window, reverse=reverse)
        place = contig - position - ref if reverse else position
        assert start >= 0
        assert start + left == place
        assert right >= 0
        assert start + left + ref + right <= contig
        assert left + max(ref, alt) + right <= window.window
        assert 0 <= stop <= left
        # as long as can be: full, or up to the end of the contig
        full = left + max(ref, alt, 1) + right == window.window
        assert full or start + left + ref + right == contig
        if contig >= window.window and ref >= alt:
            assert left + ref + right == window.window


def test_single_bases_are_near_the_middle_of_one_window_for_both_strands():
    for size, step in ((64, 8), (64, 1), (65, 8), (1024, 128), (100, 7)):
        window, contig = VariantWindow(size, step), 5000
        for position in range(2000, 2000 + 3 * step):
            start, stop, left, right = frame(position, 1, 1, contig, window)
            assert abs(left - right) <= step
            assert stop > left - step
            other = frame(position, 1, 1, contig, window, reverse=True)
            assert (start, start + size) == (contig - other.start - size, contig - other.start)
            assert (other.left, other.right) == (right, left)


def test_neighbours_share_windows_and_beginnings():
    def keys(step):
        return {frame(p, 1, 1, 5000, VariantWindow(64, step))[:2] for p in range(1000, 1064)}

    assert len(keys(8)) in (8, 9)
    assert len(keys(1)) == 64


def test_at_the_ends_windows_are_shifted():
    assert [frame(p, 1, 1, 1000, WINDOW).start for p in (0, 5, 20, 980, 999)] == [0, 0, 0, 936, 936]


def test_an_insertion_takes_from_the_end_of_the_right_flank():
    single, insertion = (frame(500, ref, alt, 1000, WINDOW) for ref, alt in ((1, 1), (0, 10)))
    assert insertion.start == single.start
    assert insertion.right == single.right - 9


def test_trimming_keeps_what_the_sequences_say():
    rng = random.Random(3)
    for _ in range(500):
        ref, alt = ("".join(rng.choices("AC", k=rng.randint(1, 6))) for _ in range(2))
        left, right = "GGG", "TTT"
        position, short_ref, short_alt = trim(3, ref, alt)
        whole = left + ref + right
        assert whole[position : position + len(short_ref)] == short_ref
        mutated = whole[:position] + short_alt + whole[position + len(short_ref) :]
        assert mutated == left + alt + right
        assert not (short_ref and short_alt) or (
            short_ref[0] != short_alt[0] and short_ref[-1] != short_alt[-1]
        )


def test_every_way_of_writing_a_variant_has_one_frame():
    """With bases around it that REF and ALT have in common."""
    sequence = "GATTACAGATTACAGGCATTACGATCAGGACT" * 10
    wanted = frame(*framed(Variant("c", 101, sequence[101], "A")), len(sequence), WINDOW)
    for before, behind in itertools.product(range(3), repeat=2):
        ref = sequence[101 - before : 102 + behind]
        alt = ref[:before] + "A" + ref[before + 1 :]
        assert frame(*framed(Variant("c", 101 - before, ref, alt)), len(sequence), WINDOW) == wanted


def framed(variant):
    position, ref, alt = trim(*variant[1:])
    return position, len(ref), len(alt)


@pytest.mark.parametrize(
    ("contig", "position", "ref", "reason"),
    [
        ("one", 0, "A", None),
        ("one", 0, "acGT", None),
        ("one", 1, "A", "mismatch"),
        ("one", 0, "ACGA", "mismatch"),
        ("one", 8, "N", "ambiguous"),
        ("one", 8, "A", "ambiguous"),  # the reference is masked there
        ("one", 14, "R", "ambiguous"),
        ("one", 1, "N", "ambiguous"),
        ("one", 7, "TA", "ambiguous"),
        ("one", 1, "NA", "mismatch"),
        ("one", -1, "A", "position"),
        ("two", 7, "A", "position"),
        ("two", 6, "AC", "position"),
        ("two", 6, "A", None),
        ("three", 0, "A", "contig"),
        ("one", 0, "AX", "letters"),
        ("one", 0, ".", "letters"),
        ("one", 0, "é", "letters"),
    ],
)
def test_what_speaks_against_a_site(contig, position, ref, reason):
    refusal = refuse_site(GENOME, contig, position, ref)
    assert (refusal and refusal.reason) == reason
    assert refusal is None or (reason in SKIPPED and str(contig) in refusal.found)


@pytest.mark.parametrize(
    ("alt", "reason"),
    [
        ("C", None),
        ("acgt", None),
        ("A" * 33, None),  # 32 are inserted
        ("A" * 34, "long"),
        (".", "missing"),
        ("*", "star"),
        ("<DEL>", "symbolic"),
        ("<*>", "symbolic"),
        ("A<ctg1>", "symbolic"),
        ("G]17:198982]", "symbolic"),
        ("[13:123456[T", "symbolic"),
        (".A", "symbolic"),
        ("A.", "symbolic"),
        ("N", "ambiguous"),
        ("CR", "ambiguous"),
        ("C-", "letters"),
        ("X", "letters"),
        ("", None),
    ],
)
def test_what_speaks_against_an_allele(alt, reason):
    refusal = refuse_alt(Variant("one", 0, "A", alt), WINDOW)
    assert (refusal and refusal.reason) == reason


def test_messages_name_the_place_and_what_was_meant():
    genome = open_genome({"chr20": "ACGT" * 5, "chrM": "ACGT"})
    for contig, wanted in (("20", "'chr20' there"), ("MT", "'chrM' there"), ("chr2", "did you mean 'chr20'")):
        assert wanted in refuse_site(genome, contig, 0, "A").found
    assert refuse_site(genome, "chr20", 4, "C").found.startswith("chr20:5: REF is C, the reference has A")


def test_windows_that_cannot_be_are_refused():
    config = HyenaConfig(l_max=130)
    assert VariantWindow.of(config) == VariantWindow(128, 16)
    assert VariantWindow.of(HyenaConfig(l_max=160_002)).window == 4096
    assert VariantWindow.of(config, 130).window == 130
    with pytest.raises(UsageError, match=r"131 bp; this model holds 130.*models list"):
        VariantWindow.of(config, 131)
    with pytest.raises(UsageError, match="16 or more"):
        VariantWindow(15, 1)
    for step in (0, 17):
        with pytest.raises(UsageError, match=r"1\.\.16"):
            VariantWindow(64, step)
