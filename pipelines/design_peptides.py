"""Peptides for some targets, from sequence to a shortlist for the bench: five decoders side by side.

    python pipelines/design_peptides.py -o run/peptides                            # the proteins in data/
    python pipelines/design_peptides.py --data . --set targets=mine.fa model=pepmlm-650m -o run/mine
    python pipelines/design_peptides.py --data . --set targets=pairs.csv -o run/pairs  # known peptides beside

Each decoder draws candidates for each target. All are scored exactly on their target and on other targets of
the study, and what passes the filters and differs enough goes on a shortlist, which is scored once more
against the letters of its target in disorder.

OUT gets ``report.md`` with its figures, ``shortlist.tsv`` (the table of `genoseq
peptides`), ``shortlist.fa``, ``boltz/`` (an input of Boltz for each peptide of the shortlist) and
``candidates.csv``. ``designs.jsonl`` holds what was found: what is there is not done again.
"""

from __future__ import annotations

import csv
import io
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from pages import new_figure, table, write
from peptide_designs import Designer, Designs, Found, check
from peptide_goals import read_goals
from study import Study, run_study

from genoseq.errors import counted
from genoseq.io.folders import new_folder
from genoseq.io.table import write_tsv
from genoseq.models.hub import find_weights, sha256_of
from genoseq.peptides.design import Candidate, Designed
from genoseq.peptides.model import MaskedModel
from genoseq.peptides.network import weights_file
from genoseq.peptides.outputs import COLUMNS, Result, boltz_input, fasta_record, file_name
from genoseq.peptides.pepmlm import default_model, words_on_default
from genoseq.peptides.worth import grouped_mean
from genoseq.plots import logo_plot, methods_plot, ranked_plot
from genoseq.supervised.metrics import Figure as Interval

KEPT, DECODERS = "designs.jsonl", "decoders.png"
SHORTLIST, SEQUENCES, CANDIDATES, BOLTZ = "shortlist.tsv", "shortlist.fa", "candidates.csv", "boltz"
MOST_FIGURES = 20  # targets with a figure of their own

READING = """
- **pseudo-perplexity**: how well the model can guess each letter of the peptide from the others and the
  target. Lower is better; 20 is a model that knows nothing. It is no affinity, and those of two models
  cannot be compared.
- **specificity**: by how many nats a letter the peptide fits its target better than decoys. Above 0 it
  prefers its target.
- **p**: the share of all targets, its own and the decoys, on which it is as good as on its own.
- **charge** is at pH 7.4, **GRAVY** the mean hydropathy (above 0 hydrophobic), **pI** the isoelectric
  point.
"""
DECODER_NOTE = """\
Specificity is against other targets of the study, relatives left out; "own target first" is the share of
candidates that fit their own better than each of those. The pseudo-perplexity is a geometric mean, identity
that of two candidates of a target, and CPU seconds are of drawing and all scores. Bars are 95 % intervals
of means over candidates, which are not independent of each other. A few targets do not tell which decoder
is better; `benchmarks/peptides/decoders.py` asks 203.
"""
BENCH = """
- Nothing here has seen a structure. Fold each peptide with its target first (`boltz/` has the inputs), and
  see that it goes where it shall.
- Order a control beside each peptide: its own letters in disorder tell what comes of composition alone.
- "hard to make" names what makers of peptides warn of. Charges are those of free ends, which an acetyl and
  an amide take away.
- Peptides that several decoders found are no surer for it: it is one model.
"""


def shown(value: float, digits: int = 2) -> str:
    """A figure, or a dash."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def decoder_rows(everything: list[Designs]) -> Iterator[list[Any]]:
    """A row for each decoder, and for the known peptides; means are of the targets."""
    names = [*everything[0].found, *(["known peptides"] if any(each.known for each in everything) else [])]
    for name in names:
        pairs = [(each, each.found.get(name, each.known)) for each in everything]
        some = [(designs, found) for designs, found in pairs if found is not None]
        all_found = [found for _, found in some]
        peptides = [(designs, each) for designs, found in some for each in found.candidates]
        judged = [(designs, found) for designs, found in some if designs.others]
        first = sum(found.first(len(designs.others)) for designs, found in judged)
        of = sum(len(found.candidates) for _, found in judged)
        drawn = sum(found.drawn for found in all_found)
        with np.errstate(all="ignore"):
            mean = float(np.exp(np.mean([found.log_perplexities.mean() for found in all_found])))
            specificity = float(np.mean([each.specificity for _, each in peptides]))
        yield [
            name,
            f"{drawn:,}" if drawn else "–",
            f"{len(peptides):,}",
            shown(mean),
            shown(float(np.mean([found.likeness for found in all_found]))),
            shown(float(np.mean([found.distinct_words for found in all_found]))),
            shown(specificity),
            f"{first / of:.0%}" if of else "–",
            sum(each.peptide in designs.passed for designs, each in peptides) if drawn else "–",
            sum(each.peptide in {one.peptide for one in designs.shortlist} for designs, each in peptides),
            f"{sum(found.seconds for found in all_found):.1f}",
        ]


def shortlist_rows(designs: Designs) -> Iterator[list[Any]]:
    """A row for each peptide, the best first."""
    for rank, each in enumerate(designs.shortlist, 1):
        known = each.properties
        yield [
            rank, f"`{each.peptide}`", shown(each.perplexity), shown(each.specificity), shown(each.p_value),
            f"{known.charge:+.1f}", shown(known.gravy), shown(known.pi, 1), f"{known.mass:,.0f}",
            known.difficulty or "–", ", ".join(designs.decoders_of(each.peptide)),
        ]  # fmt: skip


def target_part(designs: Designs, number: int) -> Iterator[str]:
    """What the page says of a target."""
    goal = designs.goal
    yield f"### {goal.name}\n"
    candidates = len({each.peptide for found in designs.found.values() for each in found.candidates})
    words = (
        f"{counted(len(goal.target.letters), 'residue')}; {candidates:,} candidates, {len(designs.passed):,} "
    )
    words += "pass the filters"
    if designs.rejected.total():
        told = (f"`{name}` {count:,}" for name, count in designs.rejected.items() if count)
        words += f" (rejected by {', '.join(told)})"
    yield f"{words}.\n"
    if not designs.shortlist:
        yield "No candidate is left: loosen the filters, or draw more.\n"
        return
    yield table(
        [
            "rank", "peptide", "pseudo-perplexity", "specificity", "p", "charge", "GRAVY", "pI", "mass, Da",
            "hard to make", "found by",
        ],
        list(shortlist_rows(designs)),
    )  # fmt: skip
    if designs.known is not None:
        told = ", ".join(f"`{e.peptide}` {e.perplexity:.2f}" for e in designs.known.candidates[:5])
        yield f"Known to bind it, with pseudo-perplexity: {told}.\n"
    if number <= MOST_FIGURES:
        yield f"![logo, charge and hydropathy, pseudo-perplexity and specificity](target-{number}.png)\n"


def report(everything: list[Designs], params: dict[str, Any], about: dict[str, str]) -> str:
    """The page, but for how it was made."""
    drawn = sum(found.drawn for each in everything for found in each.found.values())
    short = sum(len(each.shortlist) for each in everything)
    first = f"own target first (chance {1 / (1 + len(everything[0].others)):.0%})"
    lines = [
        f"Model: {about['model']}, SHA-256 `{about['model_sha256']}`.\n",
        *([f"**The model.** {about['model_note']}.\n"] if "model_note" in about else []),
        f"{counted(len(everything[0].found), 'decoder')} drew {counted(drawn, 'candidate')}; "
        f"{counted(short, 'peptide')} are on the shortlist.\n",
        f"## How to read it\n{READING}",
        "## Shortlist\n",
        f"Ranked by {params['select']}; the decoys are the letters of the target in disorder, "
        f"{params['shuffled']} times. No two are more alike than {params['likeness']:g}.\n",
        *(line for number, each in enumerate(everything, 1) for line in target_part(each, number)),
        "## Decoders\n",
        table(
            [
                "decoder", "drawn", "distinct", "pseudo-perplexity", "mean identity", "distinct 3-mers",
                "specificity", first, "pass the filters", "on the shortlist", "CPU s",
            ],
            list(decoder_rows(everything)),
        ),
        f"![pseudo-perplexity and specificity of each decoder]({DECODERS})\n",
        f"{DECODER_NOTE}\n",
        f"## Before you order\n{BENCH}",
    ]  # fmt: skip
    return "\n".join(lines)


def decoders_figure(everything: list[Designs]) -> Figure:
    """Pseudo-perplexity and specificity of all decoders on the first targets."""
    some = everything[:MOST_FIGURES]
    perplexity, specificity = {}, {}
    for each in some:
        both = {**each.found, **({"known peptides": each.known} if each.known else {})}
        kept = {name: found for name, found in both.items() if found.candidates}
        perplexity[each.goal.name] = {name: of_logs(found) for name, found in kept.items()}
        if each.others:
            specificity[each.goal.name] = {
                name: mean_of([one.specificity for one in found.candidates]) for name, found in kept.items()
            }
    columns = 2 if specificity else 1
    height = 1.2 + 0.95 * len(some)
    figure = new_figure(5.0 * columns + 2.0, height)
    axes = np.atleast_1d(figure.subplots(1, columns, sharey=True))
    methods_plot(perplexity, axes[0], figure="pseudo-perplexity, geometric mean (left is better)")
    if specificity:
        axes[0].get_legend().remove()
        methods_plot(specificity, axes[1], figure="specificity, nats a letter (right is better)")
        axes[1].axvline(0, color="#B8B8B8", linewidth=0.9, zorder=0)
    return figure


def mean_of(values: list[float]) -> Interval:
    """Mean with its interval, from drawing candidates anew."""
    return grouped_mean(np.array(values), range(len(values)))


def of_logs(found: Found) -> Interval:
    """Geometric mean of the pseudo-perplexities."""
    mean = mean_of(found.log_perplexities.tolist())
    return Interval(*(math.exp(value) for value in (mean.value, mean.low, mean.high)))


def target_figure(designs: Designs) -> Figure:
    """What passed the filters: a logo of the most frequent length, and two figures of properties."""
    pool: dict[str, Candidate] = {}
    for found in designs.found.values():
        for each in found.candidates:
            pool.setdefault(each.peptide, each)
    passed = [pool[peptide] for peptide in designs.passed]
    ranks = [(number + 1) / len(passed) for number in range(len(passed))]
    lengths = [len(each.peptide) for each in passed]
    length = max(sorted(set(lengths)), key=lengths.count)
    own = [each.peptide for each in passed if len(each.peptide) == length]
    figure = new_figure(12.5, 2.8)
    logo, charges, scores = figure.subplots(1, 3)
    logo_plot(own, logo)
    logo.set_title(f"{counted(len(own), 'peptide')} of {length} letters", loc="left", fontsize=11)
    ranked_plot(
        [each.properties.charge for each in passed], [each.properties.gravy for each in passed], ranks,
        charges, x_name="net charge at pH 7.4", y_name="GRAVY",
    )  # fmt: skip
    known = any(not math.isnan(each.specificity) for each in passed)
    ranked_plot(
        [each.perplexity for each in passed],
        [each.specificity if known else each.properties.mass for each in passed], ranks, scores,
        x_name="pseudo-perplexity", y_name="specificity, other targets" if known else "mass, Da",
    )  # fmt: skip
    charges.get_legend().remove()
    return figure


def write_peptides(folder: Path, everything: list[Designs], about: dict[str, str]) -> None:
    """Tables, FASTA, and inputs of Boltz."""
    results = [Result.of(Designed(each.goal.target, each.shortlist, 0, 0, {}, 0)) for each in everything]
    rows = [row for result in results for row in result.rows()]
    write_tsv(folder / SHORTLIST, COLUMNS, ([row.to_dict()[name] for name in COLUMNS] for row in rows), about)
    write(folder / SEQUENCES, "".join(map(fasta_record, rows)))
    shutil.rmtree(folder / BOLTZ, ignore_errors=True)
    with new_folder(folder / BOLTZ) as inputs:
        for row in rows:
            text = boltz_input(row.target, row.candidate.peptide)
            (inputs / f"{file_name(row.target.name, row.rank)}.yaml").write_text(text, encoding="utf-8")
    lines = io.StringIO(newline="")
    table_of = csv.writer(lines, lineterminator="\n")
    header: list[str] | None = None
    for designs in everything:
        both = {**designs.found, **({"known peptides": designs.known} if designs.known else {})}
        for name, found in both.items():
            for each in found.candidates:
                values = {"target": designs.goal.target.name, "decoder": name, **each.to_dict()}
                values.pop("nearest_known")
                if header is None:
                    header = list(values)
                    table_of.writerow(header)
                table_of.writerow(values.values())
    write(folder / CANDIDATES, lines.getvalue())


def load(params: dict[str, Any]) -> tuple[MaskedModel, dict[str, str]]:
    """The model, and what is written of it."""
    torch.set_num_threads(1)
    name = params["model"] or default_model()
    model = MaskedModel.load(name, device=params["device"])
    model.threads = params["threads"] if model.device.type == "cpu" else 1
    about = {"model": model.name, "model_sha256": sha256_of(weights_file(find_weights(name)))}
    note = None if params["model"] else words_on_default(name)
    return model, about | ({"model_note": note} if note else {})


def make(study: Study) -> None:
    """Do what is missing, then write everything."""
    params, work = study.params, study.work
    check(params)
    goals = read_goals(study.data / params["targets"], params["lengths"])[: params["most"]]
    model, about = load(params)
    study.begin()
    if "model_note" in about:
        study.say(about["model_note"])
    everything = Designer(model, about["model_sha256"], study, work / KEPT).run(goals)
    write_peptides(study.output, everything, about)
    write(work / DECODERS, decoders_figure(everything))
    for number, designs in enumerate(everything[:MOST_FIGURES], 1):
        if designs.passed:
            write(work / f"target-{number}.png", target_figure(designs))
    found = {
        each.goal.name: {
            "passed": len(each.passed), "rejected": dict(each.rejected),
            "shortlist": [one.to_dict() for one in each.shortlist],
        }
        for each in everything
    }  # fmt: skip
    page = report(everything, params, about)
    study.finish(f"Peptides for {counted(len(everything), 'target')}", page, about | {"targets": found})


def main() -> None:
    """Run the study."""
    run_study(__file__, __doc__, make)


if __name__ == "__main__":
    main()
