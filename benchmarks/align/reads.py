"""The reads of the benchmark: simulated with known origin, foreign, of another strain, and real.

Every set is a plain FASTQ in the work folder with the digest of its bytes, on which the measurements depend.
Real reads come from BAM files that bwa made: each record becomes a single-end read with a new unique name,
and a SAM file beside it keeps where the BAM places it.
"""

from __future__ import annotations

import gzip
import shutil
import zlib
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pysam
from measure import CommandError
from results import SIMULATION, sha256, source_digest

from genoseq.cli import main as genoseq_main

GENOMES = {  # name -> file, in DATA/genomes or DATA
    "ecoli": "ecoli_MG1655.fa.gz",
    "chr20": "human_chr20_GRCh37.fa.gz",
    "chrM": "human_chrM_GRCh38.fa.gz",
    "lambda": "lambda.fa.gz",
    "strain": "ecoli_536.fa.gz",
    "toy": "genome.fa.gz",
}
REAL = {  # genome -> file in DATA/reads
    "chr20": "NA12878_chr20_illumina.bam",
    "chrM": "NA12878_chrM_illumina.bam",
}
PACBIO = "ecoli_pacbio_clr.fq.gz"  # in DATA/reads
CONFIDENT = 20  # MAPQ in the BAM of the real reads that are judged
MAX_DIVERGENCE = 30  # per cent


@dataclass(frozen=True)
class ReadSet:
    """Reads in a file.

    Attributes
    ----------
    name
        Of the set; files and tables use it.
    genome
        What they are aligned to.
    path
        FASTQ.
    number
        Reads in it.
    digest
        sha256 of the file.
    mates
        FASTQ of the second mates; `number` then counts both.
    truth
        SAM with the right places of real reads.
    length, divergence
        Of simulated reads (bp; per cent).
    """

    name: str
    genome: str
    path: Path
    number: int
    digest: str
    truth: Path | None = None
    length: int = 0
    divergence: float = 0.0
    mates: Path | None = None


class ReadMaker:
    """Makes genomes and reads in a work folder, each once.

    Parameters
    ----------
    data
        Folder with `genomes/` and `reads/`, or the `data/` of this repository.
    work
        Folder to write to.
    """

    def __init__(self, data: Path, work: Path) -> None:
        self.data, self.genomes, self.folder = data, work / "genomes", work / "reads"
        self.genomes.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def find(self, *names: str) -> Path | None:
        """The first of some files, in the data folder or a folder of it; None if there is none."""
        places = [self.data / folder / name for name in names for folder in ("genomes", "reads", "")]
        return next((place for place in places if place.is_file()), None)

    def has(self, genome: str) -> bool:
        """Whether the data holds a genome."""
        return self.find(GENOMES[genome]) is not None

    def genome(self, name: str) -> Path:
        """Plain FASTA of a genome, since not every peer reads gzip.

        Raises
        ------
        CommandError
            If the data lacks it.
        """
        return self._plain(GENOMES[name], self.genomes / f"{name}.fa")

    def bases(self, genome: str) -> int:
        """Length of a genome, unknown bases included (bp)."""
        with self.genome(genome).open("rb") as file:
            return sum(len(line.strip()) for line in file if not line.startswith(b">"))

    def simulated(self, genome: str, length: int, divergence: float, number: int) -> ReadSet:
        """Reads of a genome without sequencing errors, at a divergence in per cent."""
        name = f"{genome}-{length}-d{divergence:g}-n{number}"
        options = ["-l", str(length), "--divergence", str(divergence / 100)]
        path = self._simulate(name, options, number, genome)
        return self._set(name, genome, path, number, length=length, divergence=divergence)

    def pairs(self, genome: str, length: int, divergence: float, insert: str, number: int) -> ReadSet:
        """Pairs of a genome, as `simulated`; `insert`: mean and standard deviation of the fragments (bp)."""
        name = f"{genome}-pairs-{length}-d{divergence:g}-n{number}"
        mates = self.folder / f"{name}.2.fq"
        options = ["-l", str(length), "--divergence", str(divergence / 100), "--insert", insert]
        path = self._simulate(name, [*options, "--output2", str(mates)], number, genome)
        found = self._set(name, genome, path, 2 * number, length=length, divergence=divergence)
        return replace(found, mates=mates)

    def long(self, genome: str, divergence: float, number: int) -> ReadSet:
        """Reads of about 8 kb, with insertions and deletions as long reads have them: 60 % of the events."""
        name = f"{genome}-long-d{divergence:g}-n{number}"
        options = ["-l", "8000", "--length-sd", "3000", "--indel-share", "0.6"]
        path = self._simulate(name, [*options, "--divergence", str(divergence / 100)], number, genome)
        return self._set(name, genome, path, number, length=8000, divergence=divergence)

    def pacbio(self) -> ReadSet:
        """Reads of E. coli K-12 from a PacBio RS II.

        Raises
        ------
        CommandError
            If the data lacks them.
        """
        path = self._plain(PACBIO, self.folder / "ecoli-pacbio.fq")
        return self._set("ecoli-pacbio", "ecoli", path, _number(path))

    def illumina(self, genome: str, length: int, number: int) -> ReadSet:
        """Reads of a genome with the errors of an Illumina machine, and no divergence."""
        name = f"{genome}-{length}-illumina-n{number}"
        path = self._simulate(name, ["-l", str(length), "--errors", "illumina"], number, genome)
        return self._set(name, genome, path, number, length=length)

    def strain(self, number: int, length: int = 150) -> ReadSet:
        """Reads of E. coli 536 with 0.5 % of errors, to be aligned to MG1655."""
        name = f"strain-{length}-n{number}"
        path = self._simulate(name, ["-l", str(length), "--divergence", "0.005"], number, "strain")
        return self._set(name, "ecoli", path, number, length=length)

    def foreign(self, genome: str, other: str, number: int, length: int = 150) -> ReadSet:
        """Reads that have no place on `genome`: of `other`, or random bases if that is `random`."""
        name = f"foreign-{other}-{length}-n{number}"
        kind = ["--random"] if other == "random" else ["--foreign"]
        path = self._simulate(name, [*kind, "-l", str(length)], number, None if other == "random" else other)
        return self._set(f"{genome}-{name}", genome, path, number, length=length)

    def real(self, genome: str) -> ReadSet:
        """Reads of NA12878, with where their BAM places those of MAPQ >= 20.

        Raises
        ------
        CommandError
            If the data lacks the BAM.
        """
        source = self.find(REAL[genome])
        if source is None:
            raise CommandError(f"{REAL[genome]} is not in {self.data}; give its folder with --data")
        path, truth = self.folder / f"real-{genome}.fq", self.folder / f"real-{genome}.truth.sam"
        if not (path.is_file() and truth.is_file()):
            with self.genome(genome).open() as file:
                contigs = {line[1:].split()[0] for line in file if line.startswith(">")}
            drafts = path.with_suffix(".tmp"), truth.with_suffix(".tmp")
            _unpack(source, *drafts, contigs)
            drafts[1].replace(truth)
            drafts[0].replace(path)
        return self._set(f"real-{genome}", genome, path, _number(path), truth=truth)

    def bases_of(self, reads: ReadSet) -> int:
        """Length of all reads of a set together (bp)."""
        with reads.path.open("rb") as file:
            return sum(len(line.rstrip()) for line in islice(file, 1, None, 4))

    def head(self, reads: ReadSet, number: int) -> Path:
        """A file with the first reads of a set; the set's own if it has no more."""
        if number >= reads.number:
            return reads.path
        path = reads.path.with_suffix(f".head{number}.fq")
        if not path.is_file() or path.stat().st_mtime < reads.path.stat().st_mtime:
            temporary = path.with_suffix(".tmp")
            with reads.path.open("rb") as file, temporary.open("wb") as out:
                out.writelines(islice(file, 4 * number))
            temporary.replace(path)
        return path

    def _plain(self, name: str, plain: Path) -> Path:
        """A file of the data without its compression."""
        source = self.find(name)
        if source is None:
            raise CommandError(f"{name} is not in {self.data}; give its folder with --data")
        if not plain.is_file():
            temporary = plain.with_suffix(".tmp")
            with gzip.open(source) as packed, temporary.open("wb") as out:
                shutil.copyfileobj(packed, out, 1 << 20)
            temporary.replace(plain)
        return plain

    def _simulate(self, name: str, options: list[str], number: int, genome: str | None) -> Path:
        path, stamp = self.folder / f"{name}.fq", self.folder / f"{name}.stamp"
        seed = zlib.crc32(name.encode()) & 0xFFFFFF
        source = [str(self.genome(genome))] if genome else []
        wanted = f"{source_digest(*SIMULATION)} {seed} {number} {options}"
        if not (path.is_file() and stamp.is_file() and stamp.read_text() == wanted):
            arguments = [*source, "-n", str(number), *options, "--seed", str(seed), "-t", "1", "-q"]
            if status := genoseq_main(["simulate", *arguments, "-o", str(path)]):
                raise CommandError(f"genoseq simulate {' '.join(arguments)}: status {status}")
            stamp.write_text(wanted)
        return path

    def _set(
        self, name: str, genome: str, path: Path, number: int, *, truth: Path | None = None, length: int = 0,
        divergence: float = 0.0,
    ) -> ReadSet:  # fmt: skip
        return ReadSet(name, genome, path, number, sha256(path), truth, length, divergence)


def _number(path: Path) -> int:
    """Reads of a FASTQ."""
    with path.open("rb") as file:
        return sum(1 for _ in file) // 4


def _unpack(source: Path, reads: Path, truth: Path, contigs: set[str]) -> None:
    """Primary records of a BAM -> single-end FASTQ in read orientation, and a SAM of their places."""
    number = 0
    with (
        pysam.AlignmentFile(str(source), check_sq=False) as records,
        reads.open("w") as out,
        truth.open("w") as places,
    ):
        for record in records:
            if record.is_secondary or record.is_supplementary or not record.query_sequence:
                continue
            name = f"read{number}"
            sequence, quality = record.get_forward_sequence(), record.get_forward_qualities()
            letters = pysam.qualities_to_qualitystring(quality)
            out.write(f"@{name}\n{sequence}\n+\n{letters}\n")
            number += 1
            known = record.is_mapped and record.reference_name in contigs
            if known and record.mapping_quality >= CONFIDENT:
                flag = 16 if record.is_reverse else 0
                columns = (
                    name, flag, record.reference_name, record.reference_start + 1,
                    record.mapping_quality, record.cigarstring, "*", 0, 0, record.query_sequence, "*",
                )  # fmt: skip
                places.write("\t".join(map(str, columns)) + "\n")
