"""FASTA by its index: the bases of the whole file, or an error."""

from __future__ import annotations

import random

import numpy as np
import pysam
import pytest

from genoseq.errors import InputError
from genoseq.io.faidx import IndexedFasta
from genoseq.sequence import encode

CONTIGS = {"one": "".join(random.Random(1).choices("ACGTNacgtnRY", k=500)), "two": "GATTACA", "x:1-2": "AC"}


@pytest.fixture(params=["plain", "bgzf"])
def fasta(request, tmp_path):
    path = tmp_path / "ref.fa"
    lines = []
    for name, letters in CONTIGS.items():
        lines += [f">{name} and more", *(letters[i : i + 60] for i in range(0, len(letters), 60))]
    path.write_text("\n".join(lines) + "\n")
    if request.param == "bgzf":
        pysam.tabix_compress(str(path), str(tmp_path / "ref.fa.gz"))
        path = tmp_path / "ref.fa.gz"
    pysam.faidx(str(path))
    return path


def test_every_stretch(fasta):
    file = IndexedFasta(fasta)
    assert file.names == list(CONTIGS)
    assert file.lengths.tolist() == [500, 7, 2]
    rng = random.Random(2)
    for _ in range(200):
        name = rng.choice(list(CONTIGS))
        start, end = sorted(rng.choices(range(len(CONTIGS[name]) + 1), k=2))
        assert np.array_equal(file.contig_codes(name, start, end), encode(CONTIGS[name][start:end]))


def test_what_is_not_there(fasta):
    file = IndexedFasta(fasta)
    with pytest.raises(InputError, match=r"ref\.fa(\.gz)?: no contig named 'three'"):
        file.contig_codes("three", 0, 1)
    for start, end in ((-1, 3), (5, 8), (4, 3)):
        with pytest.raises(InputError, match=rf"two:{start}-{end} leaves the contig, which has 7 bp"):
            file.contig_codes("two", start, end)


def test_an_index_that_is_missing_or_damaged(fasta, tmp_path):
    index = tmp_path / f"{fasta.name}.fai"
    good = index.read_text()
    index.write_text("one\tx\n")
    with pytest.raises(InputError, match="make that anew: samtools faidx"):
        IndexedFasta(fasta)
    index.write_text(good.replace("500", "900"))
    with pytest.raises(InputError, match="its index does not fit it at contig 'one'"):
        IndexedFasta(fasta).contig_codes("one", 0, 900)
    index.write_text(good.replace("one\t500", "one\t5000000"))
    with pytest.raises(InputError, match="its index does not fit it at contig 'one'"):
        IndexedFasta(fasta).contig_codes("one", 4_000_000, 4_000_100)
    index.unlink()
    with pytest.raises(InputError, match="there is no index"):
        IndexedFasta(fasta)
    assert not index.exists()
