"""What genoseq align is worth on your genome: accuracy, calibration of MAPQ, speed, beside other aligners.

    python pipelines/benchmark_align.py -o run/align                                   # the genome in data/
    python pipelines/benchmark_align.py --data . --set genome=mine.fa reads=10000 -o run/mine

Reads of known origin are simulated from the genome, at every length and divergence, and aligned by genoseq
through its Python API and by bwa, bowtie2, minimap2 and LAST where they are on PATH, with the commands of
`benchmarks/align/peers.py`. A read is right within 60 bp of its origin, on its strand.

OUT gets ``report.md``, ``accuracy.png``, ``calibration.png``, ``speed.png`` and ``results.json``;
``measured.jsonl`` keeps what was measured: what is there is not done again. Reads and indexes are in
``files/`` of ``--work``.
"""

from __future__ import annotations

import math
from typing import Any

from aligners import OURS, Bench
from matplotlib.figure import Figure
from pages import new_figure, table, write
from study import Study, run_study  # makes the modules of benchmarks/align known

from judge import from_counts  # isort: skip
from measure import CommandError  # isort: skip
from peers import PEERS  # isort: skip
from speed import Speed  # isort: skip

from genoseq.align.presets import CASCADES
from genoseq.errors import GenoseqError, UsageError
from genoseq.evaluate import CONFIDENT, Evaluation
from genoseq.plots import accuracy_plot, reliability_plot
from genoseq.plots.style import dress, series_style

ACCURACY, CALIBRATION, SPEED = "accuracy.png", "calibration.png", "speed.png"
Grid = dict[tuple[int, float], dict[str, Evaluation]]
"""Length (bp), divergence -> program -> what became of its reads."""
NOTE = """
A read is right within 60 bp of its origin, on its strand. Of the edits {indels:g} % are insertions and
deletions; both strands, no errors of a machine. All programs run on one thread. CPU seconds are from FASTQ to
SAM: of genoseq those of its Python API with the index open, of the others those of the command less what it
takes for one read; LAST's stop at MAF.
"""


def check(params: dict[str, Any]) -> None:
    """Refuse what makes no sense before long work.

    Raises
    ------
    UsageError
    """
    if params["preset"] not in CASCADES:
        raise UsageError(f"preset {params['preset']!r}; {', '.join(CASCADES)} are possible")
    if unknown := [name for name in params["peers"] if name not in PEERS]:
        raise UsageError(f"peers: {unknown[0]!r} is not known; {', '.join(PEERS)} are possible")
    if asked := {"length", "divergences", "reads", "rounds"} ^ set(params["speed"]):
        raise UsageError(f"speed: {min(asked)} is missing or not known")
    if not params["lengths"] or not params["divergences"]:
        raise UsageError("lengths and divergences: one of each is needed at least")


def share(values: Evaluation, name: str) -> float:
    """A figure of `Evaluation.summary`, %."""
    return 100 * float(values.summary()[name] or 0.0)


def accuracy_table(grid: Grid, programs: list[str]) -> str:
    """Right, and wrong with confidence, of each set and program."""
    rows = [
        [f"{length} bp", f"{100 * divergence:g}"]
        + [f"{share(found[p], 'right'):.2f} ({share(found[p], 'wrong_confident'):.2f})" for p in programs]
        for (length, divergence), found in grid.items()
    ]
    return table(["reads", "divergence %", *programs], rows)


def calibration_table(pooled: list[Evaluation]) -> str:
    """What MAPQ promises, and what was observed."""
    rows = [
        [
            each.label, f"{row.low}-{row.high}" if row.high > row.low else row.low, f"{row.placed:,}",
            f"{row.wrong:,}", f"{100 * row.observed:.3f}",
            f"{100 * row.interval_low:.3f}-{100 * row.interval_high:.3f}",
            "–" if math.isnan(row.expected) else f"{100 * row.expected:.3f}",
        ]
        for each in pooled
        for row in each.calibration()
    ]  # fmt: skip
    return table(["program", "MAPQ", "placed", "wrong", "error %", "95 % interval", "promised %"], rows)


def foreign_table(foreign: dict[str, dict[str, Any]], number: int) -> str:
    """Random reads that were placed."""
    rows = []
    for name, counts in foreign.items():
        placed = {int(mapq): reads for mapq, reads in counts["foreign"].items()}
        confident = sum(reads for mapq, reads in placed.items() if CONFIDENT <= mapq < 255)
        shares = (100 * count / max(number, 1) for count in (sum(placed.values()), confident))
        rows.append([name, *(f"{value:.2f}" for value in shares)])
    return table(["program", "placed %", f"with MAPQ >= {CONFIDENT} %"], rows)


def speed_table(speeds: dict[float, dict[str, Speed]]) -> str:
    """Reads a CPU second: median of the rounds, lowest and highest, and the ratio of genoseq."""
    rows = []
    for divergence, found in speeds.items():
        for name, speed in found.items():
            ratio = f"{found[OURS].median / speed.median:.2f}x"
            rows.append([
                f"{100 * divergence:g}", name, f"{speed.median:,.0f}", f"{speed.low:,.0f}-{speed.high:,.0f}",
                "" if name == OURS else ratio,
            ])  # fmt: skip
    return table(["divergence %", "program", "reads a CPU second", "of the rounds", "genoseq is"], rows)


def accuracy_figure(grid: Grid, programs: list[str]) -> Figure:
    """Right by divergence, a panel for each length."""
    lengths, divergences = (sorted({key[part] for key in grid}) for part in (0, 1))
    figure = new_figure(4.6 * len(lengths), 3.8)
    panels = figure.subplots(1, len(lengths), squeeze=False, sharey=True)[0]
    for length, axes in zip(lengths, panels, strict=True):
        lines = {p: [share(grid[length, d][p], "right") / 100 for d in divergences] for p in programs}
        accuracy_plot(divergences, lines, axes)
        axes.set_title(f"{length} bp", loc="left", fontsize=11)
        if axes is not panels[0]:
            axes.get_legend().remove()
            axes.set_ylabel("")
    return figure


def speed_figure(speeds: dict[float, dict[str, Speed]], right: dict[float, dict[str, float]]) -> Figure:
    """Speed against accuracy, a panel for each divergence."""
    figure = new_figure(4.6 * len(speeds), 3.8)
    panels = figure.subplots(1, len(speeds), squeeze=False, sharex=True, sharey=True)[0]
    for divergence, axes in zip(speeds, panels, strict=True):
        for i, (name, speed) in enumerate(speeds[divergence].items()):
            place = speed.median, 100 * right[divergence][name]
            axes.plot(*place, linestyle="none", markersize=7, label=name, **series_style(i))
        y = "reads placed right (%)" if axes is panels[0] else ""
        dress(axes, f"{100 * divergence:g} % divergence", "reads a CPU second", y)
        axes.set_xscale("log")
        axes.set_ylim(-4, 104)
    panels[0].legend(loc="lower left", fontsize=9)
    return figure


def make(study: Study) -> None:
    """Measure what is missing, then write the page."""
    params = study.params
    check(params)
    study.begin()
    try:
        measured(study, Bench(study))
    except CommandError as error:
        raise GenoseqError(str(error)) from error


def measured(study: Study, bench: Bench) -> None:
    """All sets by all programs, and the page about them."""
    params, programs = study.params, [program.name for program in bench.programs]
    if bench.absent:
        study.say(f"not installed, left out: {', '.join(bench.absent)}")
    sets = [(length, divergence) for length in params["lengths"] for divergence in params["divergences"]]
    grid: Grid = {}
    for length, divergence in sets:
        found = bench.counts(length, divergence)
        grid[length, divergence] = {name: from_counts(counts, name) for name, counts in found.items()}
    foreign = bench.foreign()
    speeds, right = {}, {}
    for divergence in params["speed"]["divergences"]:
        speeds[divergence], counts = bench.speeds(divergence)
        right[divergence] = {name: share(from_counts(each), "right") / 100 for name, each in counts.items()}
    pooled = [sum((found[name] for found in grid.values()), start=Evaluation(name)) for name in programs]
    write(study.work / ACCURACY, accuracy_figure(grid, programs))
    figure = new_figure(6.4, 4.6)
    reliability_plot(pooled, figure.subplots())
    write(study.work / CALIBRATION, figure)
    parts = [
        f"{params['reads']:,} reads of each length and divergence from `{params['genome']}`, "
        f"{len(bench.reference):,} bp; genoseq with the preset `{params['preset']}`.",
        NOTE.format(indels=100 * params["indel_share"]).strip(),
        "## Accuracy\n\nReads placed right, %; in brackets those placed wrong with a MAPQ of 20 or more.",
        f"{accuracy_table(grid, programs)}\n![reads placed right by divergence]({ACCURACY})",
        "## Calibration of MAPQ\n\nAll reads of the table above together.",
        f"{calibration_table(pooled)}\n![promised and observed errors]({CALIBRATION})",
        f"## Reads that belong nowhere\n\n{params['foreign']:,} random reads of {params['lengths'][0]} bp.",
        foreign_table(foreign, params["foreign"]),
    ]
    if speeds:
        write(study.work / SPEED, speed_figure(speeds, right))
        asked = params["speed"]
        parts.append(f"## Speed\n\n{asked['reads']:,} reads of {asked['length']} bp, in turn.")
        parts.append(f"{speed_table(speeds)}\n![speed and accuracy]({SPEED})")
    parts.append(table(["program", "version"], [[p.name, p.identity] for p in bench.programs]))
    results = {
        "programs": {program.name: program.identity for program in bench.programs},
        "sets": [
            {"length": length, "divergence": divergence, "program": name, **found.summary()}
            for (length, divergence), by_program in grid.items()
            for name, found in by_program.items()
        ],
        "calibration": {each.label: [row._asdict() for row in each.calibration()] for each in pooled},
        "foreign": foreign,
        "speed": [
            {"divergence": divergence, "program": name, **speed._asdict()}
            for divergence, found in speeds.items()
            for name, speed in found.items()
        ],
    }
    study.finish(f"Aligners on {params['genome']}", "\n\n".join(part.rstrip() for part in parts), results)


def main() -> None:
    """Run the study."""
    run_study(__file__, __doc__, make)


if __name__ == "__main__":
    main()
