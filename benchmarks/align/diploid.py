"""A diploid sample of known variants: two haplotypes of a reference, and the VCF of how they differ from it.

Variants lie at random places and never touch. Those of the sample are SNVs and indels, heterozygous and
homozygous two to one; divergence, if any, is homozygous, as between strains or species. Indels are of
geometric length; half of the insertions repeat the bases before them, as most real ones do, so that they can
be placed in more than one way.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

BASES = "ACGT"
HETEROZYGOUS = 2 / 3
LONGEST_INDEL = 20  # bp
INDEL_MEAN = 3.0  # bp


@dataclass(frozen=True)
class Rates:
    """Variants a base of the reference.

    Attributes
    ----------
    snv, indel
        Of the sample, heterozygous or homozygous.
    substitutions, gaps
        Homozygous: what parts the sample from the reference.
    """

    snv: float = 0.001
    indel: float = 0.00015
    substitutions: float = 0.0
    gaps: float = 0.0


@dataclass(frozen=True)
class Variant:
    """A variant as VCF tells it.

    Attributes
    ----------
    start
        0-based position of the first letter of `ref`.
    ref, alt
        Letters; those of an indel begin with the base before it.
    genotype
        Whether haplotypes 1 and 2 have it.
    """

    start: int
    ref: str
    alt: str
    genotype: tuple[bool, bool]


def draw_variants(sequence: str, rates: Rates, seed: int) -> list[Variant]:
    """Variants of a sample, in order.

    Parameters
    ----------
    sequence
        The reference; no variant touches a letter but ACGT.
    """
    random = np.random.default_rng(seed)
    each = np.array([rates.snv, rates.indel, rates.substitutions, rates.gaps])
    places = np.flatnonzero(random.random(len(sequence)) < each.sum())
    kinds = random.choice(len(each), len(places), p=each / each.sum())
    variants = []
    free = 1
    for place, kind in zip(places.tolist(), kinds.tolist(), strict=True):
        ref, alt = _indel(sequence, place, random) if kind in (1, 3) else _snv(sequence[place], random)
        end = place + len(ref)
        if place < free or end >= len(sequence) or set(sequence[place : end + 1]) - set(BASES):
            continue
        genotype = (True, True)
        if kind < 2 and random.random() < HETEROZYGOUS:
            genotype = (True, False) if random.random() < 0.5 else (False, True)
        variants.append(Variant(place, ref, alt, genotype))
        free = end + 1
    return variants


def _snv(base: str, random: np.random.Generator) -> tuple[str, str]:
    return base, str(random.choice([other for other in BASES if other != base]))


def _indel(sequence: str, place: int, random: np.random.Generator) -> tuple[str, str]:
    length = min(int(random.geometric(1 / INDEL_MEAN)), LONGEST_INDEL)
    anchor = sequence[place]
    if random.random() < 0.5:
        return sequence[place : place + 1 + length], anchor
    repeat = random.random() < 0.5 and place >= length
    new = "".join(random.choice(list(BASES), length))
    return anchor, anchor + (sequence[place + 1 - length : place + 1] if repeat else new)


def haplotype(sequence: str, variants: list[Variant], which: int) -> str:
    """The reference with the variants of haplotype `which` (0 or 1)."""
    parts, at = [], 0
    for variant in variants:
        if variant.genotype[which]:
            parts += [sequence[at : variant.start], variant.alt]
            at = variant.start + len(variant.ref)
    return "".join([*parts, sequence[at:]])


def write_vcf(path: Path, contig: str, length: int, variants: list[Variant]) -> None:
    """The truth, as VCF with phased genotypes."""
    with path.open("w", encoding="ascii") as out:
        out.write(f"##fileformat=VCFv4.2\n##contig=<ID={contig},length={length}>\n")
        out.write('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n')
        out.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tsample\n")
        for v in variants:
            genotype = "|".join(str(int(has)) for has in v.genotype)
            out.write(f"{contig}\t{v.start + 1}\t.\t{v.ref}\t{v.alt}\t.\t.\t.\tGT\t{genotype}\n")


def write_fasta(path: Path, contigs: dict[str, str]) -> None:
    """Contigs, 80 letters a line."""
    with path.open("w", encoding="ascii") as out:
        for name, sequence in contigs.items():
            out.write(f">{name}\n")
            out.writelines(sequence[i : i + 80] + "\n" for i in range(0, len(sequence), 80))
