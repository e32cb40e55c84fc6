"""The data that ships is what its README says."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from genoseq.cli import main
from genoseq.index.reference import Reference
from genoseq.io.fastx import read_batches
from genoseq.io.labelled import read_labelled
from genoseq.io.proteins import read_proteins
from genoseq.protein import AMINO_ACIDS
from genoseq.sequence import reverse_complement
from genoseq.supervised.homology import homology_clusters
from genoseq.truth import parse_truth

DATA = Path(__file__).parent.parent / "data"
FILES = dict(
    re.findall(r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", (DATA / "README.md").read_text(), re.MULTILINE)
)


def test_every_file_is_listed():
    kinds = ("*.gz", "*.bam", "*.csv")
    assert set(FILES) == {path.name for kind in kinds for path in DATA.glob(kind)}
    assert sum((DATA / name).stat().st_size for name in FILES) < 2_000_000


@pytest.mark.parametrize("name", FILES)
def test_sha256(name):
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == FILES[name]


def test_families_are_of_seven_classes_with_relatives():
    data = read_labelled(DATA / "families.tsv.gz")
    assert {data.labels.count(name) for name in data.classes} == {60}
    assert len(data.classes) == 7
    sizes = np.bincount(homology_clusters(data.codes))
    assert sizes.max() < 60 < len(sizes)  # splits that keep clusters together are possible
    assert (sizes > 1).sum() > 60  # and are others than random ones


def test_targets_are_whole_proteins_of_amino_acids():
    proteins = list(read_proteins(DATA / "targets.fa.gz"))
    names = [protein.name for protein in proteins]
    assert names == ["sp|P04019|VE6_HPV11", "sp|A8Z4N9|SPLA_STAAT", "sp|Q9NRE1|MMP26_HUMAN"]
    assert [len(protein.letters) for protein in proteins] == [150, 235, 261]  # as README.md says
    assert all(protein.letters[0] == "M" and set(protein.letters) <= set(AMINO_ACIDS) for protein in proteins)


def test_reads_come_from_the_genome():
    reference = Reference.from_fasta(DATA / "genome.fa.gz")
    assert reference.names == ["chr20a", "chr20b", "chr20c"]
    assert reference.lengths.tolist() == [200_000, 150_000, 60_000]
    wrong = []
    for batch in read_batches(DATA / "reads.fq.gz"):
        for i in range(0, len(batch), 5):  # those without divergence: only the machine's errors
            truth = parse_truth(batch.name(i))
            origin = reference.contig_codes(truth.contig, truth.start, truth.end)
            origin = reverse_complement(origin) if truth.strand == "-" else origin
            wrong.append((batch.codes[batch.offsets[i] : batch.offsets[i + 1]] != origin).mean())
    assert len(wrong) == 400
    assert np.mean(wrong) < 0.002


def test_simulate_makes_the_reads_again(tmp_path):
    out = tmp_path / "reads.fq"
    command = "-n 2000 --divergence 0,0.02,0.05,0.1,0.2 --errors illumina --seed 20 -q"
    assert main(["simulate", str(DATA / "genome.fa.gz"), *command.split(), "-o", str(out)]) == 0
    made = [(b.names.tobytes(), b.letters.tobytes(), b.quals.tobytes()) for b in read_batches(out)]
    ships = [
        (b.names.tobytes(), b.letters.tobytes(), b.quals.tobytes())
        for b in read_batches(DATA / "reads.fq.gz")
    ]
    assert made == ships
