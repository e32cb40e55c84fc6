"""Make the files of this folder again, byte for byte:

    python data/make.py human_chr20_GRCh37.fa.gz ecoli_536.fa.gz human.tsv.gz uniprot_20000.fa.gz

The genomes, the table of human gene families and the proteins are named in README.md. The compressed bytes
depend on the zlib of Python; the text does not.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pysam

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
VARIANTS = 20  # of each contig
NEW = 10  # genes of each family to be classified
MEMBERS, RELATIVES, LONGEST = 60, 4, 3_000  # genes of a family, those of one cluster, and bp of one, at most

TARGETS = ("P04019", "A8Z4N9", "Q9NRE1")  # of peptides, by their UniProt accessions


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
        f"{genome} -n 1500 -l 100 --insert 300,40 --divergence 0.01 {machine} --seed 24 "
        f"-o {HERE}/pairs_1.fq.gz --output2 {HERE}/pairs_2.fq.gz",
    ):
        if main(["simulate", *command.split()]):
            sys.exit(f"failed: {command}")


def make_unaligned(pairs: int = 500) -> None:
    """The first pairs again, as a BAM file that nobody aligned, with a read group."""
    header = {
        "HD": {"VN": "1.6", "SO": "unsorted", "GO": "query"},
        "RG": [{"ID": "flowcell.1", "SM": "unaligned"}],
    }
    with (
        pysam.FastxFile(str(HERE / "pairs_1.fq.gz")) as ones,
        pysam.FastxFile(str(HERE / "pairs_2.fq.gz")) as twos,
        pysam.AlignmentFile(str(HERE / "unaligned.bam"), "wb", header=header) as output,
    ):
        for pair in islice(zip(ones, twos, strict=True), pairs):
            for flag, read in zip((77, 141), pair, strict=True):  # paired, neither mapped; first, second
                record = pysam.AlignedSegment(output.header)
                record.query_name, record.flag = read.name.removesuffix("/1").removesuffix("/2"), flag
                record.query_sequence, record.query_qualities_str = read.sequence, read.quality
                record.set_tag("RG", "flowcell.1")
                output.write(record)


def make_variants() -> None:
    """Random substitutions, insertions and deletions of the genome, as many of each contig."""
    rng = np.random.default_rng(25)
    lines = ["##fileformat=VCFv4.3\n"]
    records = read_fasta(HERE / "genome.fa.gz")
    genome = {name: np.asarray(letters).tobytes().decode().upper() for name, letters in records}
    lines += [f"##contig=<ID={name},length={len(letters)}>\n" for name, letters in genome.items()]
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    for name, letters in genome.items():
        starts = np.sort(rng.choice(np.arange(3000, len(letters) - 3000), VARIANTS, replace=False))
        for number, start in enumerate(starts.tolist()):
            drawn = "".join(rng.choice(list("ACGT"), 3))
            ref = letters[start : start + (4 if number % 6 == 5 else 1)]
            other = "ACGT"[("ACGT".index(ref[0]) + int(rng.integers(1, 4))) % 4]
            alt = ref[0] if number % 6 == 5 else ref + drawn if number % 6 == 2 else other
            lines.append(f"{name}\t{start + 1}\t{name}.{number + 1}\t{ref}\t{alt}\t.\t.\t.\n")
    write_packed("variants.vcf.gz", "".join(lines))


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
    new: list[int] = []
    known = {data.codes[i].tobytes() for i in chosen}
    for label in map(str, range(len(FAMILIES))):
        own = [
            i for i in range(len(data)) if data.labels[i] == label and data.codes[i].tobytes() not in known
        ]
        new += rng.permutation([i for i in own if len(data.codes[i]) <= LONGEST])[:NEW].tolist()
    write_fasta(
        "genes.fa.gz",
        [(f"gene{i} {FAMILIES[int(data.labels[i])]}", decode(data.codes[i])) for i in sorted(new)],
    )


def make_targets(proteins: str) -> None:
    """Take some proteins out of many, with their headers."""
    records: dict[str, list[str]] = {}
    with gzip.open(proteins, "rt") as file:
        for line in file:
            if line.startswith(">"):
                accession = line.split("|")[1]
                records[accession] = [line[1:].removesuffix("Split=0 \n").strip(), ""]
            else:
                records[accession][1] += line.strip()
    write_fasta("targets.fa.gz", [(title, text) for title, text in (records[each] for each in TARGETS)])


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    make_genome(sys.argv[1])
    make_species(*sys.argv[1:3])
    make_families(sys.argv[3])
    make_targets(sys.argv[4])
    make_reads(sys.argv[2])
    make_unaligned()
    make_variants()
    for path in sorted([*HERE.glob("*.gz"), *HERE.glob("*.bam")]):
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name, path.stat().st_size)
