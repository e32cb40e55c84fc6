"""An index built by several tasks beside one: CPU and wall seconds, memory, and whether it is the same index.

    python benchmarks/align/shards.py GENOME.fa.gz --work WORK

One build, and the shards and their merging, alternate; figures are medians. The tasks run one after the
other, so that they do not disturb each other: with a machine for each, the wall time would be that of the
longest and of merging. What every task repeats, starting and reading the genome, is the cost of a shard of a
thousandth. The table goes into docs/human-scale.md by hand.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from measure import CommandError, Cost, last_core, measure, median_cost

_THIN = 1000  # parts of which one costs next to nothing but starting and reading
_MIB = 1 << 20


@dataclass(frozen=True)
class Run:
    """What one build and one set of tasks took."""

    single: Cost
    repeated: Cost
    shards: list[Cost]
    merge: Cost


def index(work: Path, *arguments: object) -> Cost:
    """`genoseq index` with these arguments, on one core."""
    command = [sys.executable, "-m", "genoseq", "index", *map(str, arguments), "-q"]
    return measure(command, log=work / "index.log", core=last_core())


def run_once(genome: Path, preset: str, of: int, work: Path) -> Run:
    """One build, one set of shards, and their merging.

    Raises
    ------
    CommandError
        If a command fails, or the merged index is another than that of the one build.
    """
    single = index(work, genome, "--preset", preset, "-o", work / "single.gsx")
    thin = index(work, genome, "--preset", preset, "--shard", f"1/{_THIN}", "-o", work / "thin.shard")
    paths = [work / f"{number}-of-{of}.shard" for number in range(1, of + 1)]
    shards = [
        index(work, genome, "--preset", preset, "--shard", f"{number}/{of}", "-o", path)
        for number, path in enumerate(paths, 1)
    ]
    merge = index(work, "--merge", *paths, "-o", work / "merged.gsx")
    names = sorted(path.name for path in (work / "single.gsx").iterdir())
    same, *_ = filecmp.cmpfiles(work / "single.gsx", work / "merged.gsx", names, shallow=False)
    if sorted(same) != names:
        raise CommandError(f"{preset}, {of} shards: the merged index is another: {set(names) - set(same)}")
    for path in paths:
        shutil.rmtree(path)
    return Run(single, thin, shards, merge)


def table_line(preset: str, of: int, runs: list[Run]) -> str:
    """A line of the table."""
    single, merge = median_cost([r.single for r in runs]), median_cost([r.merge for r in runs])
    thin = median_cost([r.repeated for r in runs])
    tasks = [median_cost([r.shards[i] for r in runs]) for i in range(of)]
    total = sum(task.cpu for task in tasks) + merge.cpu
    longest = max(task.wall for task in tasks)
    figures = [
        preset,
        f"{of}",
        f"{single.cpu:.1f} / {single.wall:.1f}",
        f"{max(task.cpu for task in tasks):.1f} / {longest:.1f}",
        f"{merge.cpu:.1f} / {merge.wall:.1f}",
        f"{total:.1f} ({total / single.cpu:.2f})",
        f"{longest + merge.wall:.1f} ({(longest + merge.wall) / single.wall:.2f})",
        f"{thin.cpu:.1f}",
        f"{single.own / _MIB:.0f} / {max(t.own for t in tasks) / _MIB:.0f} / {merge.own / _MIB:.0f}",
    ]
    return f"| {' | '.join(figures)} |"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("genome", type=Path)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for indexes, made if it is not there"
    )
    parser.add_argument("--shards", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    index(args.work, args.genome, "--shard", f"1/{_THIN}", "-o", args.work / "thin.shard")  # compiles
    index(args.work, args.genome, "-o", args.work / "single.gsx")
    print("| index | shards | one build | longest shard | merging | all tasks, CPU s | tasks at once, wall s "
          "| repeated, CPU s | own memory, MiB |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for preset in ("sr", "divergent"):
        for of in args.shards:
            runs = [run_once(args.genome, preset, of, args.work) for _ in range(args.repeats)]
            print(table_line(preset, of, runs), flush=True)


if __name__ == "__main__":
    try:
        main()
    except CommandError as error:
        sys.exit(f"shards.py: {error}")
