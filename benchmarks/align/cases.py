"""The cases of the fuzzer: which input is damaged how, by a seed and a number; and the intact inputs."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import damage
import index_damage
import pysam
from index_damage import Files

from genoseq.index.store import Index, IndexParameters

ENCODER = "encoder.npz"
INDEX = "g.gsx"
READS = 24
PAIRS = 10


@dataclass(frozen=True)
class Base:
    """Intact inputs: text of reads and of a genome, BAM without its compression, and indexes."""

    fastq: bytes
    mates: tuple[bytes, bytes]
    fasta: bytes
    sam: bytes
    bam: bytes
    genome: bytes
    indexes: tuple[Files, ...]
    contigs: dict[str, int]

    @classmethod
    def make(cls, folder: Path) -> Base:
        """Simulate everything; `folder` takes the files that only libraries can make."""
        rng = random.Random(1)
        contigs = {
            "one": _letters(rng, 2500) + "NNNNNNNNNNRY" + _letters(rng, 1500),
            "two": _letters(rng, 700),
        }
        genome = "".join(f">{name} some words\n" + _folded(text) for name, text in contigs.items()).encode()
        reads = [_read(rng, contigs["one"], number) for number in range(READS)]
        fastq = b"".join(b"@%b\n%b\n+\n%b\n" % read for read in reads)
        mates = ["", ""]
        for number in range(PAIRS):
            at = rng.randrange(2000)
            for mate, letters in enumerate(
                (contigs["one"][at : at + 90], contigs["one"][at + 200 : at + 290])
            ):
                letters = letters if mate == 0 else letters[::-1].translate(str.maketrans("ACGT", "TGCA"))
                mates[mate] += f"@p{number}/{mate + 1}\n{letters}\n+\n{'F' * len(letters)}\n"
        sam = _sam(rng, reads)
        (folder / "r.sam").write_bytes(sam)
        pysam.view(
            "-b",
            "--no-PG",
            "-o",
            os.fspath(folder / "r.bam"),
            os.fspath(folder / "r.sam"),
            catch_stdout=False,
        )
        bam = damage.gzip.decompress((folder / "r.bam").read_bytes())
        (folder / "g.fa").write_bytes(genome)
        indexes = []
        for number, factory in enumerate(("PQ16x4fs", "Flat")):
            target = folder / f"{number}.gsx"
            Index.build(folder / "g.fa", target, parameters=IndexParameters(2, 50, factory))
            indexes.append({path.name: path.read_bytes() for path in target.iterdir()})
        fasta = b"".join(b">%b x\n%b\n%b\n" % (name, text[:60], text[60:]) for name, text, _ in reads)
        one, two = mates
        lengths = {name: len(text) for name, text in contigs.items()}
        return cls(fastq, (one.encode(), two.encode()), fasta, sam, bam, genome, tuple(indexes), lengths)


@dataclass(frozen=True)
class Case:
    """One run: the files of its folder, the arguments, and whether the index is the intact one."""

    kind: str
    files: dict[str, bytes]
    arguments: tuple[str, ...]
    index: Files | None = None


def make_case(seed: int, number: int, base: Base) -> Case:
    """The case `number` of a seed."""
    rng = random.Random(f"{seed}:{number}")
    kind = kind_of(seed, number)
    return KINDS[kind](rng, base, kind)


def kind_of(seed: int, number: int) -> str:
    """What is damaged in a case."""
    return list(KINDS)[(number + seed) % len(KINDS)]


def _text(rng: random.Random, text: bytes, form: damage.Damage) -> bytes:
    """One to three mistakes."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        way = rng.choice((damage.anywhere, damage.lines, form, form))
        try:
            text = way(rng, text)
        except (ValueError, IndexError):  # an earlier mistake took away what this one needs
            text = damage.anywhere(rng, text)
    return text


def _align(
    rng: random.Random, kind: str, files: dict[str, bytes], *options: str, index: Files | None = None
) -> Case:
    output = rng.choice(("out.sam",) * 30 + ("out.bam", "out.sam" if "-C" in options else "out.paf"))
    old = {output: b"old"} if rng.random() < 0.2 else {}
    arguments = ("align", "-x", INDEX, *files, "-o", output, "-q", *options)
    return Case(kind, {**files, **old}, arguments, index)


def _fastq(rng: random.Random, base: Base, kind: str) -> Case:
    text = _text(rng, base.fastq, damage.fastq)
    if rng.random() < 0.3:
        text = damage.packed(rng, text, rng.choice(list(damage.PACKERS)))
    return _align(rng, kind, {"r.fq": text}, *rng.choice(((), (), ("-C",))))


def _packed_fastq(rng: random.Random, base: Base, kind: str) -> Case:
    form = rng.choice(list(damage.PACKERS))
    text = base.fastq * rng.choice((1, 1, 40))  # more than one block
    return _align(rng, kind, {f"r.fq.{form}": damage.compressed(rng, damage.packed(rng, text, form))})


def _fasta(rng: random.Random, base: Base, kind: str) -> Case:
    return _align(rng, kind, {"r.fa": _text(rng, base.fasta, damage.fasta)})


def _pairs(rng: random.Random, base: Base, kind: str) -> Case:
    one, two = base.mates
    if rng.random() < 0.5:
        one = _text(rng, one, damage.fastq)
    else:
        two = _text(rng, two, damage.fastq)
    if rng.random() < 0.6:
        return _align(rng, kind, {"1.fq": one, "2.fq": two})
    records = [text.split(b"\n@") for text in (one, two)]
    both = b"\n@".join(record for pair in zip(*records, strict=False) for record in pair)
    return _align(rng, kind, {"r.fq": both.replace(b"\n@@", b"\n@")}, "--interleaved")


def _sam_case(rng: random.Random, base: Base, kind: str) -> Case:
    return _align(rng, kind, {"r.sam": _text(rng, base.sam, damage.sam)}, *rng.choice(((), ("-C",))))


def _bam_records(rng: random.Random, base: Base, kind: str) -> Case:
    data = base.bam
    for _ in range(rng.choice((1, 1, 2))):
        try:
            data = rng.choice((damage.bam, damage.bam, damage.bam, damage.anywhere))(rng, data)
        except (damage.struct.error, IndexError, ValueError):
            data = damage.anywhere(rng, data)
    return _align(rng, kind, {"r.bam": damage.bgzf(data)}, *rng.choice(((), ("-C",))))


def _bam_bytes(rng: random.Random, base: Base, kind: str) -> Case:
    whole = damage.bgzf(base.bam)
    return _align(rng, kind, {"r.bam": damage.compressed(rng, whole)})


def _genome(rng: random.Random, base: Base, kind: str) -> Case:
    return Case(
        kind, {"g.fa": _text(rng, base.genome, damage.fasta)}, ("index", "g.fa", "-o", "new.gsx", "-q")
    )


def _packed_genome(rng: random.Random, base: Base, kind: str) -> Case:
    form = rng.choice(list(damage.PACKERS))
    text = damage.compressed(rng, damage.packed(rng, base.genome, form))
    return Case(kind, {f"g.fa.{form}": text}, ("index", f"g.fa.{form}", "-o", "new.gsx", "-q"))


def _index(way: Callable[[random.Random, Files], Files]) -> Callable[[random.Random, Base, str], Case]:
    def case(rng: random.Random, base: Base, kind: str) -> Case:
        damaged = way(rng, rng.choice(base.indexes))
        if rng.random() < 0.15:
            return Case(kind, {}, ("index", "--info", INDEX, "-q"), damaged)
        return _align(rng, kind, {"r.fq": base.fastq}, index=damaged)

    return case


KINDS: dict[str, Callable[[random.Random, Base, str], Case]] = {
    "FASTQ": _fastq,
    "FASTQ, compressed": _packed_fastq,
    "FASTA": _fasta,
    "pairs": _pairs,
    "SAM": _sam_case,
    "BAM, its records": _bam_records,
    "BAM, its bytes": _bam_bytes,
    "genome": _genome,
    "genome, compressed": _packed_genome,
    "index, any bytes": _index(index_damage.raw),
    "index, sealed manifest": _index(index_damage.manifest),
    "index, sealed parts": _index(index_damage.parts),
}


def _letters(rng: random.Random, length: int) -> str:
    return "".join(rng.choices("ACGT", k=length))


def _folded(text: str) -> str:
    return "".join(f"{text[at : at + 60]}\n" for at in range(0, len(text), 60))


def _read(rng: random.Random, contig: str, number: int) -> tuple[bytes, bytes, bytes]:
    at = rng.randrange(len(contig) - 100)
    letters = contig[at : at + rng.randrange(70, 100)]
    quality = "".join(chr(rng.randrange(33, 75)) for _ in letters)
    return f"r{number}".encode(), letters.encode(), quality.encode()


def _sam(rng: random.Random, reads: list[tuple[bytes, bytes, bytes]]) -> bytes:
    lines = [
        b"@HD\tVN:1.6\tSO:unsorted",
        b"@SQ\tSN:chr1\tLN:5000",
        b"@SQ\tSN:chr2\tLN:100",
        b"@RG\tID:a\tSM:b",
    ]
    for number, (name, letters, quality) in enumerate(reads):
        flag = rng.choice((0, 16, 4, 4, 77, 141, 256, 2048))
        place = b"*\t0\t0\t*" if flag & 4 else b"chr1\t%d\t30\t%dM" % (number + 1, len(letters))
        tags = rng.choice((b"", b"\tNM:i:3", b"\tBX:Z:ACGT\tZB:B:c,1,-2,3", b"\tXF:f:1.5\tXA:A:c\tRG:Z:a"))
        lines.append(b"%b\t%d\t%b\t*\t0\t0\t%b\t%b" % (name, flag, place, letters, quality) + tags)
    return b"\n".join(lines) + b"\n"
