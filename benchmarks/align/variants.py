"""What alignments are worth to a caller of variants: genoseq and bwa mem below the same bcftools.

    python benchmarks/align/variants.py --data DATA --work WORK
    python benchmarks/align/variants.py --quick --work WORK     # a minute, the genome that ships

A diploid sample with known variants is made from a reference (`diploid.py`), read in pairs with the errors
of an Illumina machine, aligned, sorted and called with the defaults of every program. Calls and truth are
brought to one form (`bcftools norm`) and compared by position and alleles; genotypes are counted beside.
Everything that is made is kept in WORK and made again only when what it depends on changed. The table goes
into docs/variants.md.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pysam
from diploid import Rates, draw_variants, haplotype, write_fasta, write_vcf
from measure import CommandError, last_core, measure
from peers import TOOLS, Tool, version
from reads import ReadMaker
from results import ALIGNMENT, REPOSITORY, SIMULATION, Results, commit, sha256, source_digest

from genoseq.cli import main as genoseq_main

BEGIN, END = (
    "<!-- made by benchmarks/align/variants.py: begin -->",
    "<!-- made by benchmarks/align/variants.py: end -->",
)
LENGTH, INSERT = 150, "350,50"  # bp
DEPTH = 30
PARTS = {  # genome -> contig, and the part of it that is the reference (None: all)
    "ecoli": ("NC_000913.3", None),
    "chr20": ("20", (30_000_000, 35_000_000)),
    "toy": ("chr20a", None),
}
DIVERGENCES = {  # per cent -> what the sample differs in
    0.0: Rates(),
    5.0: Rates(substitutions=0.05, gaps=0.0025),
}
KINDS = ("SNV", "indel")
CALL = (
    "bcftools mpileup -f {ref} -Ou {bam} | bcftools call -mv -Ou | bcftools norm -f {ref} -m -any -Ou | "
    "bcftools sort -Ob -o {out}"
)
NORMALISE = "bcftools norm -f {ref} -m -any -Ob -o {out} {vcf}"


@dataclass(frozen=True)
class Sample:
    """A diploid sample and its reads.

    Attributes
    ----------
    name
        Of the sample; its folder.
    reference
        FASTA of one contig.
    truth
        Normalised BCF.
    reads
        FASTQ of the first and of the second mates.
    digest
        Of the reference, the truth and the reads.
    """

    name: str
    genome: str
    divergence: float
    reference: Path
    truth: Path
    reads: tuple[Path, Path]
    digest: str


class Study:
    """The samples, what was aligned and called, and the counts.

    Parameters
    ----------
    data, work
        Folder of the genomes, folder for everything that is made.
    core
        CPU core that alignments stay on; -1 leaves them free.
    seed
        Of the samples.
    """

    def __init__(self, data: Path, work: Path, core: int, seed: int) -> None:
        self.reads, self.results = ReadMaker(data, work), Results(work / "results")
        self.work, self.core, self.seed = work / "variants", core, seed
        self.code = source_digest(*ALIGNMENT)

    def say(self, text: str) -> None:
        """A line of progress."""
        print(text, file=sys.stderr, flush=True)

    def sample(self, genome: str, divergence: float) -> Sample:
        """A sample, made unless it is there."""
        name = f"{genome}-d{divergence:g}-s{self.seed}"
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        reference, truth = folder / "reference.fa", folder / "truth.bcf"
        mates = (folder / "reads_1.fq", folder / "reads_2.fq")
        stamp, rates = folder / "stamp", DIVERGENCES[divergence]
        code = source_digest(*SIMULATION) + sha256(Path(__file__).with_name("diploid.py"))
        wanted = f"{code} {PARTS[genome]} {rates} {LENGTH} {INSERT} {DEPTH}"
        if not (stamp.is_file() and stamp.read_text() == wanted):
            self.say(f"sample {name}")
            self._make(genome, rates, folder, zlib.crc32(name.encode()) & 0xFFFFFF)
            stamp.write_text(wanted)
        made = (reference, folder / "truth.vcf", *mates)  # the header of a BCF tells the time
        digest = "-".join(sha256(path)[:16] for path in made)
        return Sample(name, genome, divergence, reference, truth, mates, digest)

    def _make(self, genome: str, rates: Rates, folder: Path, seed: int) -> None:
        contig, part = PARTS[genome]
        reference, vcf, haplotypes = (folder / n for n in ("reference.fa", "truth.vcf", "haplotypes.fa"))
        with pysam.FastaFile(str(self.reads.genome(genome))) as file:
            sequence = file.fetch(contig, *(part or ())).upper()
        write_fasta(reference, {contig: sequence})
        pysam.faidx(str(reference))
        variants = draw_variants(sequence, rates, seed)
        write_vcf(vcf, contig, len(sequence), variants)
        write_fasta(haplotypes, {f"haplotype{h + 1}": haplotype(sequence, variants, h) for h in (0, 1)})
        self.shell(NORMALISE, folder / "truth", ref=reference, vcf=vcf, out=folder / "truth.bcf")
        number = DEPTH * len(sequence) // (2 * LENGTH)
        mates = [str(folder / f"reads_{i}.fq") for i in (1, 2)]
        options = ["-n", str(number), "-l", str(LENGTH), "--insert", INSERT, "--errors", "illumina"]
        options += ["--seed", str(seed), "-t", "1", "-q", "-o", mates[0], "--output2", mates[1]]
        if status := genoseq_main(["simulate", str(haplotypes), *options]):
            raise CommandError(f"genoseq simulate {' '.join(options)}: status {status}")

    def shell(self, pipeline: str, log: Path, **places: Path) -> None:
        """Run commands that are joined by pipes."""
        command = ["bash", "-o", "pipefail", "-c", pipeline.format(**places)]
        measure(command, log=log.with_suffix(".log"), core=self.core)

    def count(self, sample: Sample, tool: Tool) -> dict[str, Any]:
        """Calls from the alignments of a tool against the truth."""
        identity = self.code if tool.own else version(tool.program)
        key = {"sample": sample.digest, "index": tool.index, "align": tool.pairs, "identity": identity}
        key |= {"call": CALL, "bcftools": version("bcftools"), "samtools": version("samtools")}
        name = f"{sample.name}.{tool.name}"
        found = self.results.get("variants", name, key)
        calls = self.work / sample.name / f"{tool.name}.bcf"
        if found is None:
            self._call(sample, tool, calls)
            counts = compare(sample.truth, calls)
            found = self.results.put("variants", name, key, {"commit": commit(), "counts": counts})
        return found

    def _call(self, sample: Sample, tool: Tool, calls: Path) -> None:
        index, sam, bam = (calls.with_suffix(suffix) for suffix in (f".{tool.suffix}", ".sam", ".bam"))
        if not tool.index_bytes(index) or tool.own:
            measure(tool.index_command(index, sample.reference), log=calls.with_suffix(".index.log"))
        self.say(f"align {sample.name} {tool.name}")
        command = tool.align_command(index, sample.reads[0], sam, mates=sample.reads[1])
        log = calls.with_suffix(".align.log")
        measure(command, log=log, stdout=sam if tool.stdout else None, core=self.core)
        self.shell("samtools sort -o {bam} {sam} && samtools index {bam}", bam, bam=bam, sam=sam)
        sam.unlink()
        self.say(f"call {sample.name} {tool.name}")
        self.shell(CALL, calls.with_suffix(".call"), ref=sample.reference, bam=bam, out=calls)


@dataclass(frozen=True)
class Counts:
    """Calls of one kind against the truth: right, untrue, missed, and right ones of the right genotype."""

    right: int
    false: int
    missed: int
    genotypes: int

    @property
    def precision(self) -> float:
        """Share of the calls that are true."""
        return self.right / max(self.right + self.false, 1)

    @property
    def recall(self) -> float:
        """Share of the truth that was called."""
        return self.right / max(self.right + self.missed, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / max(2 * self.right + self.false + self.missed, 1)


Alleles = tuple[int, str, str]


def read_variants(path: Path) -> dict[Alleles, int]:
    """Position and alleles of the variants of a normalised file, with how many haplotypes have each."""
    with pysam.VariantFile(str(path)) as file:
        return {
            (r.pos, r.ref.upper(), r.alts[0].upper()): sum(a == 1 for a in r.samples[0]["GT"])
            for r in file
            if r.alts
        }


def kind_of(alleles: Alleles) -> str:
    """Whether a variant is an SNV or an indel."""
    return KINDS[len(alleles[1]) != len(alleles[2])]


def compare(truth: Path, calls: Path) -> dict[str, dict[str, int]]:
    """`Counts` of each kind, as a dictionary."""
    known, called = read_variants(truth), read_variants(calls)
    result = {}
    for kind in KINDS:
        true = {alleles for alleles in known if kind_of(alleles) == kind}
        found = {alleles for alleles in called if kind_of(alleles) == kind}
        right = true & found
        same = sum(known[alleles] == called[alleles] for alleles in right)
        result[kind] = asdict(Counts(len(right), len(found - true), len(true - found), same))
    return result


def table(records: list[tuple[Sample, Tool, dict[str, Any]]]) -> Iterator[str]:
    """Lines of the table."""
    yield "| sample | kind | aligner | true | precision % | recall % | F1 % | genotype right % |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    names = list(dict.fromkeys(sample.name for sample, _, _ in records))
    for name in names:
        for kind in KINDS:
            for sample, tool, record in records:
                if sample.name == name:
                    yield row(sample, tool, kind, Counts(**record["counts"][kind]))


def row(sample: Sample, tool: Tool, kind: str, c: Counts) -> str:
    """A line of the table."""
    shares = (c.precision, c.recall, c.f1, c.genotypes / max(c.right, 1))
    cells = [f"{sample.genome}, {sample.divergence:g} %", kind, tool.name, f"{c.right + c.missed:,}"]
    return f"| {' | '.join(cells + [f'{100 * share:.2f}' for share in shares])} |"


def report(records: list[tuple[Sample, Tool, dict[str, Any]]], command: str) -> str:
    """What is written between the markers of the page."""
    rates = DIVERGENCES[0.0]
    apart = DIVERGENCES[5.0]
    tools = list({tool.name: tool for _, tool, _ in records}.values())
    commits = ", ".join(dict.fromkeys(r["commit"] for _, tool, r in records if tool.own))
    versions = ", ".join(
        dict.fromkeys(version(p) for p in [*(t.program for t in tools), "bcftools", "samtools"])
    )
    lines = [
        f"Made on {datetime.now(UTC).date().isoformat()} by `{command}`,",
        f"genoseq at commit {commits}; {versions}.",
        "",
        f"A diploid sample with {100 * rates.snv:g} % SNVs and {100 * rates.indel:g} % indels, "
        "heterozygous to homozygous 2 to 1; at 5 % also",
        f"{100 * apart.substitutions:g} % substitutions and {100 * apart.gaps:g} % indels, homozygous. "
        f"{DEPTH}x pairs of 2 x {LENGTH} bp, fragments of {INSERT.replace(',', ' +- ')} bp, Illumina errors.",
        "",
        *table(records),
        "",
        "| step | command |",
        "| --- | --- |",
        *(f"| {tool.name} | `{tool.pairs}` |" for tool in tools),
        f"| call | `{CALL.replace('|', chr(92) + '|')}` |",
    ]
    return "\n".join(lines)


def write_page(path: Path, text: str) -> None:
    """Put the report between the markers of a page; the words around them stay."""
    before, after = "# Variants\n\n", "\n"
    if path.is_file():
        old = path.read_text(encoding="utf-8")
        before, after = old.split(BEGIN, 1)[0], old.split(END, 1)[1]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def parser() -> argparse.ArgumentParser:
    """The options."""
    result = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = result.add_argument
    add("--data", type=Path, default=REPOSITORY / "data", help="folder with genomes/ (default: data/)")
    add("--work", type=Path, required=True, help="folder for everything that is made")
    add("--genomes", nargs="+", default=["ecoli", "chr20"], choices=PARTS)
    add("--tools", nargs="+", default=["genoseq", "bwa"], choices=[n for n, t in TOOLS.items() if t.pairs])
    add("--core", type=int, default=last_core(), help="CPU core to work on; -1: any (default: the last)")
    add("--docs", type=Path, default=REPOSITORY / "docs", help="folder for variants.md")
    add("--seed", type=int, default=2, help="of the samples (default: 2)")
    add("--quick", action="store_true", help="the first contig of the genome that ships")
    return result


def main(argv: list[str] | None = None) -> int:
    """Make the samples, align, call, compare, and write the table."""
    args = parser().parse_args(argv)
    genomes = ["toy"] if args.quick else args.genomes
    docs = args.work if args.quick else args.docs
    pysam.set_verbosity(0)  # a BCF that is read as a whole needs no index
    study = Study(args.data, args.work, args.core, args.seed)
    tools = [TOOLS[name] for name in args.tools if TOOLS[name].available()]
    try:
        samples = [study.sample(genome, divergence) for genome in genomes for divergence in DIVERGENCES]
        records = [(s, tool, study.count(s, tool)) for s in samples for tool in tools]
    except CommandError as error:
        print(f"variants.py: {error}", file=sys.stderr)
        return 1
    print("\n".join(table(records)))
    words = "python benchmarks/align/variants.py " + ("--quick" if args.quick else "--data DATA")
    words += f" --seed {args.seed}"
    write_page(docs / "variants.md", report(records, f"{words} --work WORK"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
