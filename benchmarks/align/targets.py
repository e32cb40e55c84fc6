"""The targets that the benchmark holds genoseq to, and which are met, computed from the measurements.

Here are those of short single reads and of resources; pairs and long reads have files of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from judge import MIN_IDENTITY, MIN_SHARE, from_counts
from peers import PEERS
from results import Results
from speed import Speed, speed_of

from genoseq.evaluate import Evaluation

OURS = "genoseq"
RIVALS = ("bwa", "bowtie2", "minimap2", "last")
CLEAN, DIVERGED = (0, 2, 5), (10, 15, 20, 25)  # per cent
MEBI = 2**20


class Row(NamedTuple):
    """A line of the table of targets; `met` is None when the figure is there only to be known."""

    what: str
    target: str
    figure: str
    met: bool | None


class Cell(NamedTuple):
    """Simulated reads: genome, length (bp), divergence (per cent)."""

    genome: str
    length: int
    divergence: int


class Figures:
    """The measurements, arranged for tables.

    Attributes
    ----------
    grid
        Cell -> tool -> measurement.
    """

    def __init__(self, results: Results, genomes: tuple[str, ...], number: int) -> None:
        self.results, self.genomes = results, genomes
        self.grid: dict[Cell, dict[str, dict[str, Any]]] = defaultdict(dict)
        for name, record in results.all("grid"):
            if f"-n{number}." in name and record["genome"] in genomes:
                cell = Cell(record["genome"], record["length"], int(record["divergence"]))
                self.grid[cell][record["tool"]] = record

    def cells(self) -> list[Cell]:
        """All cells that were measured, in order of genome, length, divergence."""
        return sorted(self.grid, key=lambda c: (self.genomes.index(c.genome), c.length, c.divergence))

    def right(self, cell: Cell, tool: str, *, head: bool = False) -> float | None:
        """Per cent right of a tool, of all its reads or of the first thousand."""
        record = self.grid[cell].get(tool)
        if record is None:
            return None
        counts = record["head" if head else "counts"]
        return 100 * (from_counts(counts).summary()["right"] or 0.0)

    def pooled(self, tool: str, divergence: int) -> Evaluation:
        """Counts of a tool over all genomes and lengths at a divergence."""
        total = Evaluation(tool)
        for cell, tools in self.grid.items():
            if cell.divergence == divergence and tool in tools:
                total = total + from_counts(tools[tool]["counts"], tool)
        return total

    def divergences(self) -> list[int]:
        """Divergences of the grid."""
        return sorted({cell.divergence for cell in self.grid})

    def speeds(self, genome: str, divergence: int | str) -> dict[str, Speed]:
        """Tool -> reads a CPU second, at a divergence (%) or of `Illumina` reads; empty if not measured."""
        for _, record in self.results.all("speed"):
            if record["genome"] == genome and record["divergence"] == divergence:
                return {name: speed_of(t["number"], t["rounds"]) for name, t in record["tools"].items()}
        return {}

    def pairs(self, genome: str) -> dict[tuple[float, str], dict[str, Any]]:
        """Measurements of pairs by divergence (%) and tool."""
        return {
            (record["divergence"], record["tool"]): record
            for _, record in self.results.all("pairs")
            if record["genome"] == genome
        }

    def long(self) -> dict[tuple[str, float | str], dict[str, Any]]:
        """Measurements of long reads by genome and divergence (%); of several sizes of a set the largest."""
        largest: dict[tuple[str, float | str], dict[str, Any]] = {}
        for _, record in self.results.all("long"):
            place = record["genome"], record["divergence"]
            if record["number"] > largest.get(place, {"number": 0})["number"]:
                largest[place] = record
        return {place: record for place, record in largest.items() if place[0] in self.genomes}

    def foreign(self) -> list[dict[str, Any]]:
        """Measurements of foreign reads; of several sizes of a set the largest."""
        largest: dict[tuple[str, str, str], dict[str, Any]] = {}
        for _, record in self.results.all("foreign"):
            place = record["genome"], record["other"], record["tool"]
            if (
                record["genome"] in self.genomes
                and record["number"] > largest.get(place, {"number": 0})["number"]
            ):
                largest[place] = record
        return list(largest.values())

    def strain(self) -> dict[str, dict[str, Any]]:
        """Measurements of the reads of another strain by tool; of several sizes of the set the largest."""
        largest: dict[str, dict[str, Any]] = {}
        for _, record in self.results.all("strain"):
            if record["number"] > largest.get(record["tool"], {"number": 0})["number"]:
                largest[record["tool"]] = record
        return largest

    def index(self, genome: str, suffix: str) -> dict[str, Any] | None:
        """What building an index took."""
        return self.results.read("index", f"{genome}.{suffix}")


def accuracy_rows(figures: Figures) -> Iterator[Row]:
    """Right at least as often as the peers."""
    clean = [c for c in figures.cells() if c.divergence in CLEAN]
    diverged = [c for c in figures.cells() if c.divergence in DIVERGED]
    yield from _gap(
        figures, clean, RIVALS, "0, 2, 5 %: right", ">= best of bwa, bowtie2, minimap2, LAST - 0.1", 0.1
    )
    yield from _gap(figures, diverged, ("last",), "10-25 %: right", ">= LAST -m10", 0.0)
    yield from _gap(
        figures,
        diverged,
        ("last-m100",),
        "10-25 %: right, next goal",
        ">= LAST -m100 (same 1,000 reads)",
        0.0,
        head=True,
    )
    yield from _gap(
        figures,
        diverged,
        ("last-m100",),
        "10-25 %: right, next goal, preset sensitive",
        ">= LAST -m100 (same 1,000 reads)",
        0.0,
        head=True,
        tool="genoseq-sensitive",
    )


def _gap(
    figures: Figures, cells: list[Cell], rivals: tuple[str, ...], what: str, target: str, slack: float, *,
    head: bool = False, tool: str = OURS,
) -> Iterator[Row]:  # fmt: skip
    """One row: how many cells reach the target, and the worst."""
    gaps = []
    for cell in cells:
        ours = figures.right(cell, tool, head=head)
        others = [x for x in (figures.right(cell, rival, head=head) for rival in rivals) if x is not None]
        if ours is not None and others:
            gaps.append((round(ours - max(others), 6), cell, ours, max(others)))
    if not gaps:
        return
    worst, cell, ours, other = min(gaps)
    good = sum(gap >= -slack - 1e-9 for gap, *_ in gaps)
    where = f"{cell.genome} {cell.length} bp {cell.divergence} %"
    figure = f"{good} of {len(gaps)} cells; worst {where}: {ours:.2f} against {other:.2f} ({worst:+.2f})"
    yield Row(what, target, figure, good == len(gaps))


def speed_rows(figures: Figures) -> Iterator[Row]:
    """Faster than bwa on clean reads, than LAST and bwa on diverged ones."""
    plans = [
        (("Illumina", 0), "bwa", 2.5, ""),
        ((10, 15, 20), "last", 5.0, ""),
        ((10, 15, 20), "bwa", 1.0, ""),
        (("Illumina", 0), "minimap2", 1.0, " (next goal)"),
    ]
    for divergences, rival, factor, note in plans:
        for genome in figures.genomes:
            parts, met = [], True
            for divergence in divergences:
                speeds = figures.speeds(genome, divergence)
                if OURS not in speeds or rival not in speeds:
                    continue
                ours, other = speeds[OURS].median, speeds[rival].median
                met &= ours >= factor * other
                where = f"{divergence} %" if isinstance(divergence, int) else divergence
                parts.append(f"{where}: {ours:,.0f} against {other:,.0f} ({ours / other:.1f}x)")
            if parts:
                what = f"speed, {genome}, 150 bp, {'10-20 %' if divergences[-1] else 'clean'}"
                yield Row(what, f">= {factor:g}x {rival}{note}", "; ".join(parts), met)


def foreign_rows(figures: Figures) -> Iterator[Row]:
    """Reads from elsewhere are not placed with confidence."""
    for record in figures.foreign():
        if record["tool"] != OURS:
            continue
        confident, number = at_least(record["counts"]["foreign"], 20), record["number"]
        share = 100 * confident / number
        what = f"foreign reads: {record['other']} on {record['genome']}"
        figure = f"{share:.3f} % ({confident} of {number:,})"
        yield Row(what, "<= 0.02 % placed with MAPQ >= 20", figure, share <= 0.02)


def real_rows(figures: Figures) -> Iterator[Row]:
    """Real reads where bwa has them."""
    for _, record in figures.results.all("real"):
        if record["tool"] != OURS:
            continue
        truths = (("bam", "of MAPQ >= 20 in the BAM"), ("bwa", "of MAPQ >= 20 in the BAM and by bwa here"))
        for truth, words in truths:
            if truth in record:
                found = from_counts(record[truth])
                share = 100 * float(found.right.sum()) / max(found.reads, 1)
                figure = f"{share:.2f} % ({int(found.right.sum()):,} of {found.reads:,})"
                yield Row(
                    f"NA12878 on {record['genome']}, reads {words}",
                    ">= 99.5 % as there",
                    figure,
                    share >= 99.5,
                )


def strain_rows(figures: Figures) -> Iterator[Row]:
    """Mapped share and identity on reads of another strain, against every peer."""
    tools = strain_figures(figures)
    if OURS not in tools:
        return
    ours = tools[OURS]
    rivals = {name: t for name, t in tools.items() if name in PEERS and t["number"] == ours["number"]}
    if rivals:
        best = max(rivals, key=lambda name: rivals[name]["mapped"])
        figure = f"{ours['mapped']:.2f} % against {rivals[best]['mapped']:.2f} % ({best})"
        met = ours["mapped"] >= rivals[best]["mapped"]
        yield Row("E. coli 536 on MG1655: mapped share", ">= every peer's", figure, met)
        best = max(rivals, key=lambda name: rivals[name]["identity"])
        figure = f"{ours['identity']:.2f} % against {rivals[best]['identity']:.2f} % ({best})"
        gaps = {name: t["common"] for name, t in rivals.items() if "common" in t}
        worst = min(gaps, key=gaps.get) if gaps else None
        figure += f"; on reads that both map {gaps[worst]:+.2f} or better ({worst})" if worst else ""
        met = ours["identity"] >= rivals[best]["identity"]
        yield Row("E. coli 536 on MG1655: mean identity of the mapped", ">= every peer's", figure, met)
        best = max(rivals, key=lambda name: rivals[name]["matching"])
        figure = f"{ours['matching']:.2f} % against {rivals[best]['matching']:.2f} % ({best})"
        met = ours["matching"] >= rivals[best]["matching"]
        yield Row("E. coli 536 on MG1655: matching bases, of all", ">= every peer's", figure, met)


def strain_figures(figures: Figures) -> dict[str, dict[str, float]]:
    """Tool -> mapped share and mean identity of the mapped (%), and our gain on the reads that both map."""
    records = figures.strain()
    mapped, identities, result = {}, {}, {}
    for tool, record in records.items():
        share, identity = np.array(record["share"]), np.array(record["identity"])
        mapped[tool] = (share >= MIN_SHARE) & (identity >= MIN_IDENTITY)
        identities[tool] = identity
        mean = 100 * identity[mapped[tool]].mean() if mapped[tool].any() else 0.0
        result[tool] = {"mapped": 100 * mapped[tool].mean(), "identity": mean, "number": record["number"]}
        result[tool]["matching"] = 100 * np.mean(record.get("matching", 0.0))
    for tool in result:
        if OURS in result and result[tool]["number"] == result[OURS]["number"]:
            both = mapped[tool] & mapped[OURS]
            if both.any():
                result[tool]["common"] = 100 * (identities[OURS] - identities[tool])[both].mean()
    return result


def mapq_rows(figures: Figures) -> Iterator[Row]:
    """MAPQ keeps what it promises, at every divergence."""
    worst: dict[tuple[int, int], tuple[float, str]] = {}
    if not any(OURS in tools for tools in figures.grid.values()):
        return
    for divergence in figures.divergences():
        found = figures.pooled(OURS, divergence)
        for low, high in ((20, 29), (30, 254)):
            wrong, placed = mapq_counts(found, low, high)
            share = 100 * wrong / placed if placed else 0.0
            words = f"{share:.3f} % at {divergence} % ({wrong} of {placed:,})"
            worst[low, high] = max(worst.get((low, high), (-1.0, "")), (share, words))
    for (low, high), limit in (((20, 29), 1.0), ((30, 254), 0.1)):
        if (low, high) in worst:
            name = "20-29" if high < 254 else ">= 30"
            share, words = worst[low, high]
            yield Row(f"MAPQ {name}, worst divergence", f"<= {limit:g} % wrong", words, share <= limit)
    if 0 in figures.divergences():
        wrong, placed = mapq_counts(figures.pooled(OURS, 0), 20, 254)
        yield Row("MAPQ >= 20, clean reads", "none wrong", f"{wrong} of {placed:,}", wrong == 0)


def mapq_counts(found: Evaluation, low: int, high: int) -> tuple[int, int]:
    """Wrong and placed reads of MAPQ low to high."""
    wrong = int(found.wrong[low : high + 1].sum())
    return wrong, wrong + int(found.right[low : high + 1].sum())


def resource_rows(figures: Figures) -> Iterator[Row]:
    """Index, start, memory, threads."""
    for genome in figures.genomes:
        yield from _index_rows(figures, genome)
    start = figures.results.read
    if (found := start("start", "help")) is not None:
        yield Row("genoseq --help", "<= 0.3 s", f"{found['wall']:.2f} s", found["wall"] <= 0.3)
    if (found := start("start", "thousand")) is not None:
        what = f"1,000 reads on {found['genome']}, warm"
        yield Row(what, "<= 2 s", f"{found['wall']:.2f} s", found["wall"] <= 2)
    peaks = {r["number"]: r for _, r in figures.results.all("memory") if r["genome"] in figures.genomes}
    if len(peaks) > 1:
        few, many = min(peaks), max(peaks)
        small, large = peaks[few]["peak"] / MEBI, peaks[many]["peak"] / MEBI
        own = [peaks[n]["own"] / MEBI for n in (few, many)]
        figure = (
            f"{small:,.0f} MiB for {few:,} reads, {large:,.0f} MiB for {many:,}; of it not mapped from the "
            f"index {own[0]:,.0f} and {own[1]:,.0f} MiB"
        )
        met = large <= 1536 and own[1] <= 1.05 * own[0]
        yield Row(
            f"memory, {peaks[many]['genome']}", "<= 1.5 GiB, the same for ten times the reads", figure, met
        )
    for _, found in figures.results.all("threads"):
        yield from _thread_rows(found)


def _index_rows(figures: Figures, genome: str) -> Iterator[Row]:
    """The targets are those of chr20; figures of smaller genomes are there to be known."""
    bwa, judged = figures.index(genome, "bwa"), genome == "chr20"

    def row(what: str, target: str, figure: str, *, met: bool) -> Row:
        return Row(what, target, figure, met) if judged else Row(what, "", figure, None)

    for suffix, words, limit in (("sr.gsx", "sr", 2.0), ("divergent.gsx", "divergent", 4.0)):
        found = figures.index(genome, suffix)
        if found is None:
            continue
        what = f"index {genome}, {words}"
        if bwa is not None:
            ratio = found["cpu"] / bwa["cpu"]
            figure = f"{found['cpu']:.1f} s against {bwa['cpu']:.1f} s ({ratio:.2f}x)"
            yield row(f"{what}: CPU", "<= 0.5x bwa index", figure, met=ratio <= 0.5)
        size, peak = found["bytes"] / found["bases"], found["peak"] / MEBI
        yield row(f"{what}: disk", f"<= {limit:g} bytes/bp", f"{size:.2f}", met=size <= limit)
        yield row(f"{what}: peak", "<= 2 GiB", f"{peak:,.0f} MiB", met=peak <= 2048)
        name = f"open-{genome}.{'genoseq' if words == 'divergent' else 'genoseq-sr'}"
        opened = figures.results.read("start", name)
        if opened is not None:
            seconds = 1000 * opened["seconds"]
            yield row(f"{what}: opening", "<= 50 ms", f"{seconds:.0f} ms", met=seconds <= 50)


def _thread_rows(found: dict[str, Any]) -> Iterator[Row]:
    def took(one_round: dict[str, Any], threads: str) -> float:
        return one_round[threads]["run"]["wall"] - one_round[threads]["start"]["wall"]

    factor = median(took(r, "1") / took(r, "2") for r in found["rounds"])
    whole = median(r["1"]["run"]["wall"] / r["2"]["run"]["wall"] for r in found["rounds"])
    figure = f"{factor:.2f}x ({whole:.2f}x with start-up)"
    yield Row(f"2 threads, {found['genome']}, wall", ">= 1.7x one", figure, factor >= 1.7)
    words = "identical" if found["identical"] else "different"
    words += ", in order" if found["ordered"] else ", out of order"
    yield Row(
        "output of 1 and 2 threads",
        "byte-identical, order of input",
        words,
        found["identical"] and found["ordered"],
    )


def at_least(by_mapq: dict[str, int], mapq: int) -> int:
    """Reads of at least a MAPQ, 255 (not available) left out."""
    return sum(n for q, n in by_mapq.items() if mapq <= int(q) < 255)
