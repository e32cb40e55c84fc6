"""Benchmark of genoseq align against bwa, bowtie2, minimap2 and LAST: one command makes the whole table.

    python benchmarks/align/run.py --data DATA --work WORK
    python benchmarks/align/run.py --quick --work WORK      # three minutes, the genome that ships

Reads are made with `genoseq simulate` (seeded); programs that are not installed are left out. Every
measurement is kept in WORK as JSON and made again only when the reads, the command or the program changed.
The table goes into docs/benchmarks.md, the figures into docs/img/.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from accuracy import measure_foreign, measure_grid, measure_real, measure_strain
from bench import Bench
from long_reads import measure_long
from measure import CommandError, last_core
from pairs import measure_pairs
from peers import OWN, PEERS, TOOLS, executable
from report import write_report
from resources import measure_memory, measure_start, measure_threads
from results import REPOSITORY
from speed import measure_speed
from windows import measure_windows

PARTS = {
    "grid": measure_grid,
    "pairs": measure_pairs,
    "long": measure_long,
    "foreign": measure_foreign,
    "real": measure_real,
    "strain": measure_strain,
    "speed": measure_speed,
    "start": measure_start,
    "memory": measure_memory,
    "threads": measure_threads,
    "windows": measure_windows,
}
DIVERGENCES = (0, 2, 5, 10, 15, 20, 25)
LENGTHS = (100, 150, 250)


def parser() -> argparse.ArgumentParser:
    """The options."""
    result = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = result.add_argument
    add(
        "--data",
        type=Path,
        default=REPOSITORY / "data",
        help="folder with genomes/ and reads/ (default: data/)",
    )
    add("--work", type=Path, required=True, help="folder for genomes, reads, indexes and measurements")
    add("--genomes", nargs="+", default=["ecoli", "chr20"], choices=["ecoli", "chr20", "toy", "lambda"])
    add("--lengths", nargs="+", type=int, default=LENGTHS, metavar="BP")
    add("--divergences", nargs="+", type=int, default=DIVERGENCES, metavar="PERCENT")
    add("--reads", type=int, default=10_000, metavar="N", help="simulated reads a set (default: 10000)")
    add("--speed-reads", type=int, default=100_000, metavar="N", help="reads a set of the speed table")
    add("--long-reads", type=int, default=2000, metavar="N", help="long reads a set (default: 2000)")
    add("--rounds", type=int, default=3, help="of speed and of long reads (default: 3)")
    add("--peers", nargs="*", default=list(PEERS), choices=PEERS, help="default: all that are installed")
    add(
        "--genoseq",
        nargs="*",
        default=list(OWN),
        choices=OWN,
        help="which presets of genoseq (default: all)",
    )
    add("--parts", nargs="+", default=list(PARTS), choices=[*PARTS, "table"], help="default: all")
    add(
        "--again",
        nargs="+",
        default=[],
        metavar="KIND",
        help="make these measurements again: index, speed, ..",
    )
    add("--core", type=int, default=last_core(), help="CPU core to measure on; -1: any (default: the last)")
    add("--docs", type=Path, default=REPOSITORY / "docs", help="folder for benchmarks.md and img/")
    add("--keep", action="store_true", help="keep the SAM files")
    add("--quick", action="store_true", help="2,000 reads of 150 bp on the genome that ships")
    return result


def make_bench(args: argparse.Namespace) -> Bench:
    """The benchmark that the options ask for."""
    genomes, lengths, number, speed_reads = args.genomes, args.lengths, args.reads, args.speed_reads
    long_reads, quick = args.long_reads, {}
    if args.quick:
        genomes, lengths, number, speed_reads = ["toy"], [150], 2000, 50_000
        long_reads = 200
        quick["speed_divergences"] = (0, 20)
    return Bench(
        args.data,
        args.work,
        args.core,
        tuple(genomes),
        tuple(lengths),
        tuple(args.divergences),
        number,
        (*args.genoseq, *args.peers),
        rounds=args.rounds,
        speed_reads=speed_reads,
        slow_reads=min(5_000, number),
        long_reads=long_reads,
        **quick,
        again=frozenset(args.again),
        keep=args.keep,
    )


def main(argv: list[str] | None = None) -> int:
    """Measure, then write the table."""
    args = parser().parse_args(argv)
    if args.genoseq and executable("genoseq") is None:
        print("genoseq is not installed in this environment: pip install -e '.[plots]'", file=sys.stderr)
        return 2
    try:
        bench = make_bench(args)
        if missing := [name for name in bench.tools if not TOOLS[name].available()]:
            bench.say(f"not installed, left out: {', '.join(missing)}")
        for part in args.parts:
            if part == "memory" and args.quick:
                measure_memory(bench, few=10_000, many=50_000)
            elif part == "threads" and args.quick:
                measure_threads(bench, number=20_000)
            elif part in PARTS and not (args.quick and part == "windows"):
                PARTS[part](bench)
        written = write_report(bench, args.work if args.quick else args.docs)
    except CommandError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1
    bench.say(f"written: {written}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
