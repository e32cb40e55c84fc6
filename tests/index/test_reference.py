"""The reference at two bits, against plain strings: every IUPAC letter, several contigs, runs of N."""

from __future__ import annotations

import gzip
import hashlib
from itertools import pairwise

import numpy as np
import pytest

from genoseq.errors import InputError
from genoseq.index import reference as module
from genoseq.index.reference import Reference
from genoseq.sequence import encode

IUPAC = "ACGTRYSWKMBDHVN"


def random_text(seed: int, length: int) -> str:
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("ACGT"), length)
    strange = rng.random(length) < 0.05
    letters[strange] = rng.choice(list(IUPAC), strange.sum())
    return "".join(letters)


CONTIGS = [("one", random_text(1, 1003)), ("two", "N" * 70), ("three", random_text(2, 64)), ("last", "R")]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference.from_sequences(CONTIGS)


def test_names_lengths_offsets(reference):
    assert reference.names == ["one", "two", "three", "last"]
    assert reference.lengths.tolist() == [1003, 70, 64, 1]
    assert reference.offsets.tolist() == [0, 1003, 1073, 1137, 1138]
    assert len(reference) == 1138
    assert [reference.contig_of(p) for p in (0, 1002, 1003, 1072, 1137)] == [0, 0, 1, 1, 3]


def test_every_stretch_is_what_the_text_says(reference):
    expected = encode("".join(text for _, text in CONTIGS))
    rng = np.random.default_rng(3)
    for start, end in [(0, 1138), (0, 0), *np.sort(rng.integers(0, 1139, (200, 2)), axis=1).tolist()]:
        np.testing.assert_array_equal(reference.codes(start, end), expected[start:end])


def test_stretches_of_a_contig(reference):
    for number, (name, text) in enumerate(CONTIGS):
        np.testing.assert_array_equal(reference.contig_codes(name), encode(text))
        np.testing.assert_array_equal(reference.contig_codes(number, 1), encode(text[1:]))
    np.testing.assert_array_equal(reference.contig_codes("one", 100, 140), encode(CONTIGS[0][1][100:140]))


def test_u_is_stored_as_t_and_hashed_as_it_stands():
    """The MD5 is that of `samtools dict`, which leaves a U what it is."""
    rna = Reference.from_sequences([("a", "ACGUUGCAu")])
    np.testing.assert_array_equal(rna.contig_codes("a"), encode("ACGTTGCAT"))
    assert not len(rna.exceptions)
    assert rna.md5s == [hashlib.md5(b"ACGUUGCAU").hexdigest()]


def test_exceptions_are_runs_of_one_letter(reference):
    text = "".join(t for _, t in CONTIGS)
    rebuilt = list("." * len(text))
    for start, end, letter in reference.exceptions.tolist():
        assert end > start
        rebuilt[start:end] = chr(letter) * (end - start)
    assert "".join(rebuilt) == "".join("." if c in "ACGT" else c for c in text)
    assert [1003, 1073, ord("N")] in reference.exceptions.tolist()


def test_runs_cut_between_chunks_are_joined(monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 16)
    reference = Reference.from_sequences([("one", "A" * 10 + "N" * 50 + "C" * 10), ("two", "NNAC")])
    assert reference.exceptions.tolist() == [[10, 60, ord("N")], [70, 72, ord("N")]]
    assert reference.contig_codes("two").tolist() == [4, 4, 0, 1]


def test_md5_as_samtools_makes_it(reference):
    assert reference.md5s == [hashlib.md5(text.encode()).hexdigest() for _, text in CONTIGS]


def test_a_fasta_file_gives_the_same(reference, tmp_path):
    lines = []
    for name, text in CONTIGS:
        folded = [text[i : i + 60].lower() if i % 120 else text[i : i + 60] for i in range(0, len(text), 60)]
        lines += [f">{name} described", *folded]
    path = tmp_path / "genome.fa.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    again = Reference.from_fasta(path)
    assert (again.names, again.md5s) == (reference.names, reference.md5s)
    np.testing.assert_array_equal(again.offsets, reference.offsets)
    np.testing.assert_array_equal(again.words, reference.words)
    np.testing.assert_array_equal(again.exceptions, reference.exceptions)


def test_rna_reads_as_dna(tmp_path):
    (tmp_path / "rna.fa").write_text(">r\nACGU\n")
    assert Reference.from_fasta(tmp_path / "rna.fa").contig_codes("r").tolist() == [0, 1, 2, 3]


def test_chunks_tile_the_contigs(reference):
    assert_tiles(reference, list(reference.chunks(100, 17)))


def assert_tiles(reference, pieces):
    """That they cover the contigs once, with margins of 17 bp that end with a contig."""
    covered = np.concatenate([np.arange(start, end) for start, end, _, _ in pieces])
    np.testing.assert_array_equal(covered, np.arange(len(reference)))
    for start, end, low, high in pieces:
        contig = reference.contig_of(start)
        first, last = reference.offsets[contig], reference.offsets[contig + 1]
        assert (low, high) == (max(start - 17, first), min(end + 17, last))


@pytest.mark.parametrize("inner", [[], [1, 2], [30, 70, 71, 320]])
def test_chunks_of_stretches_tile_the_contigs(reference, inner):
    """Margins reach over the ends of a stretch, but not over those of a contig."""
    cuts = [0, *inner, len(reference)]
    pieces = [piece for first, last in pairwise(cuts) for piece in reference.chunks(100, 17, first, last)]
    assert_tiles(reference, pieces)
    for start, end, *_ in pieces:
        assert any(one <= start < end <= other for one, other in pairwise(cuts))


@pytest.mark.parametrize("stretch", [("two", -1, 5), ("two", 0, 71), ("two", 50, 40)])
def test_a_stretch_that_leaves_its_contig(reference, stretch):
    with pytest.raises(InputError, match=r"two:.*leaves the contig, which has 70 bp"):
        reference.contig_codes(*stretch)


def test_an_unknown_contig(reference):
    with pytest.raises(InputError, match=r"no contig named 'chrX'.*one, two"):
        reference.contig_codes("chrX")


def test_a_foreign_letter_and_no_contig(tmp_path):
    (tmp_path / "bad.fa").write_text(">a\nACGT\nAC!T\n")
    with pytest.raises(InputError, match=r"bad\.fa:3: '!'"):
        Reference.from_fasta(tmp_path / "bad.fa")
    (tmp_path / "twice.fa").write_text(">a\nACGT\n>b\nAC\n>a\nAC\n")
    with pytest.raises(InputError, match=r"twice\.fa:5: contig 'a'"):
        Reference.from_fasta(tmp_path / "twice.fa")


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_fasta_that_is_written_can_be_read_again(tmp_path, length):
    rng = np.random.default_rng(length)
    text = "".join(rng.choice(list("ACGTNRYK"), length))
    reference = Reference.from_sequences([("one", text), ("two", "ACGT" * 40)])
    assert bytes(reference.letters(0, length)).decode() == text
    reference.write_fasta(tmp_path / "g.fa")
    assert Reference.from_fasta(tmp_path / "g.fa").md5s == reference.md5s
    assert {len(line) for line in (tmp_path / "g.fa").read_text().splitlines()[-3:-1]} == {64}
