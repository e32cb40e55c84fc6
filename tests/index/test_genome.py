"""A genome from any source gives the same bases; regions as samtools writes them."""

from __future__ import annotations

import gzip
import os
import random
import struct

import numpy as np
import pysam
import pytest

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.index.genome import contig_length, open_genome, parse_region
from genoseq.index.reference import Reference
from genoseq.io.faidx import IndexedFasta
from genoseq.sequence import encode

CONTIGS = {"chr1": "".join(random.Random(1).choices("ACGTNacgt", k=300)), "HLA:1-2": "GATTACA"}


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "ref.fa"
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in CONTIGS.items()))
    return path


def check(genome):
    assert list(genome.names) == list(CONTIGS)
    for name, letters in CONTIGS.items():
        assert contig_length(genome, name) == len(letters)
        assert np.array_equal(genome.contig_codes(name, 3, 6), encode(letters[3:6]))
        assert np.array_equal(genome.contig_codes(name, 0, len(letters)), encode(letters))


def test_fasta_without_and_with_its_index(fasta):
    before = sorted(fasta.parent.iterdir())
    assert isinstance(open_genome(fasta), Reference)
    check(open_genome(str(fasta)))
    assert sorted(fasta.parent.iterdir()) == before  # no index is left beside the user's files
    pysam.faidx(str(fasta))
    assert isinstance(open_genome(fasta), IndexedFasta)
    check(open_genome(fasta))


def test_compressed_fasta(fasta, tmp_path):
    plain = tmp_path / "plain.fa.gz"
    plain.write_bytes(gzip.compress(fasta.read_bytes()))
    check(open_genome(plain))
    blocked = tmp_path / "blocked.fa.gz"
    pysam.tabix_compress(str(fasta), str(blocked))
    assert isinstance(open_genome(blocked), Reference)
    pysam.faidx(str(blocked))
    assert isinstance(open_genome(blocked), IndexedFasta)
    check(open_genome(blocked))
    blocked.with_name("blocked.fa.gz.gzi").unlink()
    check(open_genome(blocked))


def test_an_index_older_than_its_fasta_is_not_used(fasta):
    pysam.faidx(str(fasta))
    os.utime(f"{fasta}.fai", (1, 1))
    with pytest.warns(GenoseqWarning, match=r"ref\.fa\.fai is older than the FASTA and is not used"):
        genome = open_genome(fasta)
    check(genome)


def test_other_sources(tmp_path):
    check(open_genome(CONTIGS))
    genome = Reference.from_sequences(CONTIGS.items())
    assert open_genome(genome) is genome
    # 2bit of one contig: GATTACA, T C A G being 0..3
    bases = bytes([0b11100000, 0b10011000])
    head = struct.pack("<IIII", 0x1A412743, 0, 1, 0) + b"\x04chr1" + struct.pack("<I", 16 + 9)
    (tmp_path / "ref.2bit").write_bytes(head + struct.pack("<IIII", 7, 0, 0, 0) + bases)
    found = open_genome(tmp_path / "ref.2bit").contig_codes("chr1", 0, 7)
    assert np.array_equal(found, encode("GATTACA"))


def test_what_is_no_genome(tmp_path):
    with pytest.raises(InputError, match="'X' at position 1 is not a nucleotide"):
        open_genome({"chr1": "AXA"})
    with pytest.raises(InputError, match="no such file"):
        open_genome(tmp_path / "none.fa")
    with pytest.raises(InputError, match="is a directory"):
        open_genome(tmp_path)
    (tmp_path / "ref.fa").write_text("ACGT\n")
    with pytest.raises(InputError, match=r"ref\.fa:1: the file starts with 'ACGT'"):
        open_genome(tmp_path / "ref.fa")


def test_regions():
    genome = open_genome(CONTIGS)
    for text, wanted in (
        ("chr1:1-300", ("chr1", 0, 300)),
        ("chr1:1-1", ("chr1", 0, 1)),
        ("chr1:1,0-2,00", ("chr1", 9, 200)),
        ("chr1", ("chr1", 0, 300)),
        ("HLA:1-2", ("HLA:1-2", 0, 7)),
        ("HLA:1-2:3-4", ("HLA:1-2", 2, 4)),
    ):
        assert parse_region(text, genome) == wanted
    for text in ("chr1:5", "chr1:5-", "chr1:0-5", "chr1:6-5", "chr1:a-b", "chr1:-5", "chr1:,-,"):
        with pytest.raises(UsageError, match="region"):
            parse_region(text, genome)
    with pytest.raises(InputError, match="leaves the contig, which has 300 bp"):
        parse_region("chr1:1-301", genome)
    with pytest.raises(InputError, match="no contig '1'; it is 'chr1' there"):
        parse_region("1:1-5", genome)
