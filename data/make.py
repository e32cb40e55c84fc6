"""Make the files of this folder again, byte for byte:

    python data/make.py human_chr20_GRCh37.fa.gz ecoli_536.fa.gz human.tsv.gz

The two genomes and the table of human gene families are named in README.md. The compressed bytes depend on
the zlib of Python; the text does not.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np

from genoseq.cli import main
from genoseq.io.fastx import read_fasta
from genoseq.io.labelled import read_labelled
from genoseq.sequence import decode
from genoseq.supervised.homology import homology_clusters

HERE = Path(__file__).parent
WINDOWS = (  # name, 0-based half-open on chromosome 20, why
    ("chr20a", 1_000_000, 1_200_000, "genes and common repeats"),
    ("chr20b", 26_169_569, 26_319_569, "before the centromere: long and recent repeats"),
    ("chr20c", 61_139_437, 61_199_437, "begins with 2,000 N, the end of a gap of the assembly"),
)
LINE = 60
SPECIES = (("human", 56_722_968, 62_965_520), ("ecoli", 0, 4_938_920))  # the part that pieces are from
PIECES, PIECE = 80, 1_000
FAMILIES = (  # by their numbers in the table
    "G-protein coupled receptor", "tyrosine kinase", "tyrosine phosphatase", "synthetase", "synthase",
    "ion channel", "transcription factor",
)  # fmt: skip
MEMBERS, RELATIVES, LONGEST = 60, 4, 3_000  # genes of a family, those of one cluster, and bp of one, at most


def write_fasta(name: str, records: list[tuple[str, str]]) -> None:
    """Records in lines."""
    parts = []
    for title, text in records:
        parts.append(f">{title}\n")
        parts += [text[i : i + LINE] + "\n" for i in range(0, len(text), LINE)]
    write_packed(name, "".join(parts))


def write_packed(name: str, text: str) -> None:
    """A gzip file without a time stamp."""
    with (
        (HERE / name).open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=9, mtime=0) as packed,
    ):
        packed.write(text.encode())


def make_genome(chromosome: str) -> None:
    """Cut the windows out of chromosome 20."""
    ((_, letters),) = read_fasta(chromosome)
    records = [
        (
            f"{name} human chromosome 20, GRCh37, {start + 1}-{end}",
            np.asarray(letters[start:end]).tobytes().decode(),
        )
        for name, start, end, _ in WINDOWS
    ]
    write_fasta("genome.fa.gz", records)


def make_species(*genomes: str) -> None:
    """Pieces of each genome, evenly spread over what hyena-tiny was not trained on; none has an N."""
    records = []
    for path, (name, first, last) in zip(genomes, SPECIES, strict=True):
        ((_, letters),) = read_fasta(path)
        for start in np.linspace(first, last - PIECE, PIECES, dtype=int).tolist():
            text = np.asarray(letters[start : start + PIECE]).tobytes().decode().upper()
            if "N" not in text:
                records.append((f"{name}:{start + 1}-{start + PIECE}", text))
    write_fasta("species.fa.gz", records)


def make_reads(bacterium: str) -> None:
    """Simulate the reads."""
    genome, machine = str(HERE / "genome.fa.gz"), "--errors illumina"
    for command in (
        f"{genome} -n 2000 --divergence 0,0.02,0.05,0.1,0.2 {machine} --seed 20 -o {HERE}/reads.fq.gz",
        f"{genome} -n 2000 --divergence 0.2 {machine} --seed 21 -o {HERE}/reads_divergent.fq.gz",
        f"{bacterium} --foreign -n 500 {machine} --seed 22 -o {HERE}/reads_foreign.fq.gz",
    ):
        if main(["simulate", *command.split()]):
            sys.exit(f"failed: {command}")


def make_families(table: str) -> None:
    """Draw whole neighbourhoods: clusters of relatives in random order, of each a few genes."""
    data = read_labelled(table)
    clusters = homology_clusters(data.codes)
    rng = np.random.default_rng(23)
    chosen: list[int] = []
    for label in map(str, range(len(FAMILIES))):
        own = np.array([data.labels[i] == label and len(data.codes[i]) <= LONGEST for i in range(len(data))])
        members: list[int] = []
        for cluster in rng.permutation(np.unique(clusters[own])):
            members += rng.permutation(np.flatnonzero(own & (clusters == cluster)))[:RELATIVES].tolist()
        chosen += members[:MEMBERS]
    rows = [f"{decode(data.codes[i])}\t{FAMILIES[int(data.labels[i])]}\n" for i in sorted(chosen)]
    write_packed("families.tsv.gz", "".join(["sequence\tlabel\n", *rows]))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    make_genome(sys.argv[1])
    make_species(*sys.argv[1:3])
    make_families(sys.argv[3])
    make_reads(sys.argv[2])
    for path in sorted(HERE.glob("*.gz")):
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name, path.stat().st_size)
