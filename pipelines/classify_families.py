"""Which method classifies genes best, and how much of it is look-up: every method on every split.

    python pipelines/classify_families.py -o run/families                      # the 420 genes in data/
    python pipelines/classify_families.py --params pipelines/params/classify_families_species.yaml \\
        --data DIR -o run/families                                             # human, chimpanzee and dog

A published accuracy of .99 can mean that nearly every test gene has its ortholog, or its twin, among those
that were learned. So the same methods are asked under splits of growing honesty: as published, all species
and twins together; from one species to another; within a species; and within a species with whatever
resembles each other on one side. Beside them stands how many of the test have a twin or a relative to look
up.

OUT gets ``report.md``, ``results.csv`` (a line for each split, seed, method and species), ``methods.png``,
and ``confusion-N.png`` for what the parameters name. ``trials.jsonl`` holds what was predicted: what is there
is not done again.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from family_trials import Genes, Results, Trials, compare
from matplotlib.figure import Figure
from pages import new_figure, table, write
from study import Study, run_study

from genoseq.errors import UsageError
from genoseq.plots import confusion_figure, methods_plot
from genoseq.supervised.comparison import Trial, pooled
from genoseq.supervised.duplicates import find_duplicates
from genoseq.supervised.homology import homology_clusters

TRIALS, RESULTS, PLOT = "trials.jsonl", "results.csv", "methods.png"


def of_species(genes: Genes, trials: list[Trial], species: str) -> list[Trial]:
    """The same trials, of the sequences of one species alone."""
    found = []
    for trial in trials:
        own = genes.species[trial.tested] == species
        found.append(replace(trial, tested=trial.tested[own], predicted=trial.predicted[own]))
    return found


def accuracy(genes: Genes, trials: list[Trial]) -> float:
    """Of all that was predicted."""
    right = [genes.labels[trial.tested] == trial.predicted for trial in trials]
    return float(np.concatenate(right).mean())


def several_species(genes: Genes, each: Results) -> list[str]:
    """Species of the tests of a split, if they are several."""
    found = np.unique(genes.species[np.concatenate([run.split.test for run in each.runs])]).tolist()
    return found if len(found) > 1 else []


def look_up_table(genes: Genes, results: list[Results]) -> str:
    """How many of the test have a twin, or a relative, in the training: mean of the seeds."""
    rows = []
    for each in results:
        shares = []
        whole = np.union1d(each.runs[0].split.train, each.runs[0].split.test)  # the same for all seeds
        clusters = homology_clusters([genes.codes[number] for number in whole])
        for run in each.runs:
            own = np.concatenate([run.split.train, run.split.test])
            parts = ["train"] * len(run.split.train) + ["test"] * len(run.split.test)
            found = find_duplicates(
                [genes.codes[number] for number in own],
                genes.labels[own],
                parts,
                clusters[np.searchsorted(whole, own)],
            )
            (row,) = (row for row in found.rows if (row.part, row.among) == ("test", "train"))
            twins = row.same + row.opposite
            shares.append([twins / row.sequences, (twins + row.near) / row.sequences])
        sizes = f"{len(each.runs[0].split.train):,}", f"{len(each.runs[0].split.test):,}"
        rows.append([each.name, len(each.runs), *sizes, *(f"{share:.1%}" for share in np.mean(shares, 0))])
    columns = ["split", "seeds", "learned", "tested", "tested with a twin learned", "with a relative learned"]
    return table(columns, rows)


def report(genes: Genes, results: list[Results], trials: Trials) -> str:
    """The page, but for how it was made."""
    clusters = homology_clusters(genes.codes)
    twins = find_duplicates(genes.codes, genes.labels, genes.species.tolist(), clusters)
    methods = list(results[0].figures)
    lines = [
        "## Accuracy\n",
        "Mean over the seeds, on the same splits for all methods. Nothing was chosen on these; the words of "
        "the relative classifier were chosen on other random splits of the human and dog genes.\n",
        table(
            ["method", *(each.name for each in results)],
            [[m, *(f"{each.figures[m].metrics.accuracy.value:.3f}" for each in results)] for m in methods],
        ),
        f"![accuracy with 95 % intervals]({PLOT})\n",
        "## How much can be looked up\n",
        "A twin has the same letters, on either strand; a relative is of the same cluster "
        "(`genoseq.supervised.homology`) of the sequences of the split.\n",
        look_up_table(genes, results),
        "## Duplicates\n",
        f"{twins.sequences:,} sequences, {twins.distinct:,} different ones; {len(twins.conflicts):,} of "
        f"these occur with more than one label. {twins.clusters:,} clusters of relatives, "
        f"{twins.mixed_clusters:,} of more than one class. Sequences of the first that have a twin or a "
        "relative among the second, other than themselves:\n",
        table(["sequences of", "among those of", *twins.columns[2:]], twins.table()),
    ]
    for each in results:
        lines.append(f"## {each.name[0].upper()}{each.name[1:]}\n")
        columns, rows = figures_table(genes, each)
        lines.append(table(columns, rows))
    lines.append(
        "Intervals are of 95 % and count a sequence once that was tested with several seeds; they take "
        "relatives for independent, so that they are too narrow where these were tested together. Seconds "
        "are of one CPU core, without compilation: to learn, and milliseconds a sequence.\n"
    )
    lines += [f"- {note}" for note in sorted(trials.notes)]
    lines.append(f"\nzlib {zlib.ZLIB_RUNTIME_VERSION}.")
    return "\n".join(lines)


def figures_table(genes: Genes, each: Results) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of what is known of a split."""
    of_each = several_species(genes, each)
    seeds = [f"seed {run.seed}" for run in each.runs] if len(each.runs) > 1 else []
    columns = [
        "method",
        "accuracy",
        "balanced accuracy",
        "macro F1",
        *of_each,
        *seeds,
        "learn, s",
        "query, ms",
    ]
    rows = []
    for name, found in each.figures.items():
        metrics = found.metrics
        rows.append([
            name, metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1,
            *(f"{accuracy(genes, of_species(genes, each.trials[name], one)):.3f}" for one in of_each),
            *(f"{share:.3f}" for share in found.accuracies if seeds),
            f"{found.fit_seconds:.2f}", f"{1000 * found.query_seconds:.2f}",
        ])  # fmt: skip
    return columns, rows


def csv_rows(genes: Genes, results: list[Results]) -> Iterator[list[Any]]:
    """A line for each split, seed, method and species of the test; "all" stands for all seeds or species."""
    yield [
        "split", "seed", "method", "species", "learned", "tested", "accuracy", "low", "high",
        "balanced_accuracy", "macro_f1", "fit_cpu_s", "query_cpu_ms",
    ]  # fmt: skip
    for each in results:
        species = several_species(genes, each)
        for name, trials in each.trials.items():
            seeds: list[tuple[object, list[Trial]]] = [
                (run.seed, [trial]) for run, trial in zip(each.runs, trials, strict=True)
            ]
            for seed, some in [*seeds, ("all", trials)]:
                for one, own in [("all", some), *((one, of_species(genes, some, one)) for one in species)]:
                    found = pooled(name, own, genes.labels, genes.names)
                    metrics, share = found.metrics, found.metrics.accuracy
                    figures = share.value, share.low, share.high
                    figures += metrics.balanced_accuracy.value, metrics.macro_f1.value
                    yield [
                        each.name, seed, name, one, len(each.runs[0].split.train),
                        int(metrics.confusion.sum()), *(f"{value:.5f}" for value in figures),
                        f"{found.fit_seconds:.4f}", f"{1000 * found.query_seconds:.4f}",
                    ]  # fmt: skip


def figures(params: dict[str, Any], results: list[Results]) -> Iterator[tuple[str, Figure]]:
    """Names of files, and what is drawn."""
    shown = {
        each.name: {name: found.metrics.accuracy for name, found in each.figures.items()} for each in results
    }
    whole = new_figure(9.5, 1.2 + 1.1 * len(results))
    methods_plot(shown, whole.subplots())
    yield PLOT, whole
    for number, (method, split) in enumerate(params["confusions"], 1):
        (each,) = (each for each in results if each.name == split)
        title = f"{method} ({split})"
        yield f"confusion-{number}.png", confusion_figure(each.figures[method].metrics, title=title)


def make(study: Study) -> None:
    """Do what is missing, then write everything."""
    params = study.params
    names = [{each["name"] for each in params[kind]} for kind in ("methods", "splits")]
    for pair in params["confusions"]:
        if len(pair) != len(names) or not all(name in known for name, known in zip(pair, names, strict=True)):
            raise UsageError(f"confusions: {pair}; names of a method and of a split are expected")
    genes = Genes.read(study.data, params)
    study.begin()
    trials = Trials(study.work / TRIALS, genes, params["threads"])
    results = compare(genes, study, trials)
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\n").writerows(csv_rows(genes, results))
    write(study.output / RESULTS, lines.getvalue())
    for name, figure in figures(params, results):
        write(study.work / name, figure)
    found = {
        each.name: {name: asdict(found.metrics.accuracy) for name, found in each.figures.items()}
        for each in results
    }
    study.finish("Gene families: every method on every split", report(genes, results, trials), found)


def main() -> None:
    """Run the study."""
    run_study(__file__, __doc__, make)


if __name__ == "__main__":
    main()
