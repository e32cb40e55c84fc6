"""The report of `genoseq peptides`: one page of HTML that needs no other file.

Ranking of each target, figures of properties, sequence logos, and everything that the peptides depend on.
What comes from users is escaped, and never reaches a figure, where matplotlib would read a dollar sign as
mathematics.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from typing import NamedTuple

import numpy as np

from genoseq.errors import counted
from genoseq.peptides.design import Candidate
from genoseq.peptides.outputs import Result, Row
from genoseq.peptides.tables import PeptideTable
from genoseq.plots import histogram_plot, logo_plot, ranked_plot
from genoseq.reports.page import Cell, Chapter, card, facts_panel, figure, page_of, table

__all__ = ["PeptideRun", "chapter_of", "render"]

_SHOWN = 20
"""Targets with a table and logos of their own; a page of more would be too long to read."""
_LOGOS = 6  # of a target: the lengths with the most peptides
_BINS = 20
_VALUES = 5  # of what tables tell differently


class PeptideRun(NamedTuple):
    """A run that is over, or several whose tables are shown together.

    Attributes
    ----------
    results : sequence of Result
    about : mapping
        What the peptides depend on, by name; `model_note` is shown at the top.
    command_line : str
        Empty where it is not known, as of tables.
    seconds : float
    """

    results: Sequence[Result]
    about: Mapping[str, str]
    command_line: str = ""
    seconds: float = 0.0


def render(run: PeptideRun) -> str:
    """The page as text.

    Raises
    ------
    MissingDependencyError
        Without matplotlib.
    """
    return page_of([_chapter(run)])


def chapter_of(tables: Mapping[str, PeptideTable]) -> Chapter:
    """The chapter of one or several tables.

    Parameters
    ----------
    tables
        By sample. A target that is in several of them is called after its sample as well.
    """
    names = Counter(result.target.name for each in tables.values() for result in each.results)
    results, about = list[Result](), dict[str, dict[str, None]]()
    for sample, each in tables.items():
        for result in each.results:
            name = result.target.name
            shown = name if names[name] == 1 else f"{name} ({sample})"
            target = replace(result.target, name=shown)
            results.append(Result(result.designed._replace(target=target), result.names))
        for key, value in each.about.items():
            about.setdefault(key, {})[value] = None
    words = {key: _several(list(values)) for key, values in about.items()}
    return _chapter(PeptideRun(results, {"model": "a model", **words}))


def _several(values: Sequence[str]) -> str:
    """What several tables tell."""
    others = f"; and {counted(len(values) - _VALUES, 'other')}" if len(values) > _VALUES else ""
    return "; ".join(values[:_VALUES]) + others


def _chapter(run: PeptideRun) -> Chapter:
    sections = [*_note(run), *_targets(run), *_figures(run), _facts(run)]
    names = [result.target.name for result in run.results]
    title = escape(names[0]) if len(names) == 1 else counted(len(names), "target")
    return Chapter("peptides", title, _lead(run), list(_cards(run)), sections)


def _rows(run: PeptideRun) -> list[Row]:
    return [row for result in run.results for row in result.rows()]


def _lead(run: PeptideRun) -> str:
    rows = _rows(run)
    how = "scored" if run.about.get("mode") == "score" else "designed"
    lengths = sorted({len(row.candidate.peptide) for row in rows})
    spread = ""
    if lengths:
        spread = f" of {lengths[0]}" + (f" to {lengths[-1]}" if len(lengths) > 1 else "") + " letters"
    target = ""
    if len(run.results) == 1 and run.results[0].target.letters:
        target = f", behind a target of {counted(len(run.results[0].target.letters), 'residue')}"
    return f"{counted(len(rows), 'peptide')}{spread}{target}, {how} by {escape(run.about['model'])}."


def _cards(run: PeptideRun) -> Iterator[str]:
    rows = _rows(run)
    perplexities = [row.candidate.perplexity for row in rows]
    yield card("Peptides", f"{len(rows):,}", f"for {counted(len(run.results), 'target')}")
    if not rows:
        return
    yield card("Best", f"{min(perplexities):.2f}", "pseudo-perplexity")
    yield card("Median", f"{np.median(perplexities):.2f}", "pseudo-perplexity")
    specific = [row.candidate.specificity for row in rows if not math.isnan(row.candidate.specificity)]
    if specific:
        yield card("Specificity", f"{np.median(specific):.2f}", "median, nats a letter")
    drawn = sum(result.designed.drawn for result in run.results)
    if drawn:
        yield card("Candidates", f"{drawn:,}", "drawn")
    easy = sum(not row.candidate.properties.difficulty for row in rows)
    yield card("Easy to make", f"{easy:,}", "without a flag")


def _note(run: PeptideRun) -> Iterator[str]:
    if note := run.about.get("model_note"):
        yield f'<p></p><div class="panel"><p><strong>The model.</strong> {escape(note)}</p></div>'


def _targets(run: PeptideRun) -> Iterator[str]:
    if len(run.results) > 1:
        rows = [_overview(result) for result in run.results]
        head = ("target", "residues", "peptides", "best", "pseudo-perplexity")
        yield "<h2>Targets</h2>\n" + table("The best peptide of each target", head, rows, tall=True)
    shown = [result for result in run.results if result.names][:_SHOWN]
    for number, result in enumerate(shown, 1):
        heading = escape(result.target.name) if len(run.results) > 1 else "Ranking"
        yield f"<h2>{heading}</h2>\n{_ranking(result)}"
        if logos := list(_logos(result, f" (target {number})" if len(run.results) > 1 else "")):
            yield "\n".join(['<p></p><div class="grid">', *logos, "</div>"])
    if len(run.results) > len(shown):
        yield f"<p>The first {len(shown)} targets with peptides are shown; the table has all of them.</p>"


def _overview(result: Result) -> tuple[Cell, ...]:
    best = result.designed.candidates[0] if result.names else None
    return (
        escape(result.target.name),
        len(result.target.letters) or "–",
        len(result.names),
        f"<code>{best.peptide}</code>" if best else "none passed the filters",
        f"{best.perplexity:.2f}" if best else "–",
    )


def _ranking(result: Result) -> str:
    """The peptides of a target, the best first."""
    candidates = result.designed.candidates
    specific = any(not math.isnan(each.specificity) for each in candidates)
    known = any(not math.isnan(each.nearest) for each in candidates)
    parts = len({each.part for each in candidates}) > 1
    named = not result.designed.drawn and result.names != Result.of(result.designed).names
    head = ["rank", *(["name"] if named else []), "peptide", "pseudo-perplexity"]
    head += ["specificity", "p"] if specific else []
    head += ["nearest known"] if known else []
    head += ["part"] if parts else []
    head += ["charge", "GRAVY", "pI", "mass (Da)", "aggregation", "hard to make"]
    rows: list[list[Cell]] = []
    for row in result.rows():
        each, found = row.candidate, row.candidate.properties
        cells: list[Cell] = [str(row.rank), *([escape(row.name)] if named else [])]
        cells += [f"<code>{each.peptide}</code>", each.perplexity]
        cells += [each.specificity, f"{each.p_value:.3g}"] if specific else []
        cells += [f"{100 * each.nearest:.0f} %"] if known else []
        cells += [f"{each.part[0] + 1}–{each.part[1]}"] if parts else []
        cells += [found.charge, found.gravy, found.pi, found.mass, found.aggregation]
        rows.append([*cells, escape(found.difficulty) or "–"])
    return table(_caption(result), head, rows, tall=True)


def _caption(result: Result) -> str:
    designed = result.designed
    words = f"{counted(len(result.names), 'peptide')}, the best first."
    if designed.drawn:
        words += f" {designed.drawn:,} candidates were drawn, {designed.duplicates:,} of them more than once"
        for name, count in designed.rejected.items():
            words += f"; {escape(name)} rejected {count:,}"
        words += f"; {designed.alike:,} were too much like a better one."
    return words


def _logos(result: Result, whose: str) -> Iterator[str]:
    """A logo for each length of which there are several peptides."""
    by_length: dict[int, list[str]] = defaultdict(list)
    for each in result.designed.candidates:
        by_length[len(each.peptide)].append(each.peptide)
    several = [length for length, peptides in by_length.items() if len(peptides) > 1]
    for length in sorted(sorted(several, key=lambda length: -len(by_length[length]))[:_LOGOS]):
        peptides = by_length[length]
        yield figure(
            f"{length} letters{whose}",
            partial(logo_plot, peptides),
            f"Sequence logo of {len(peptides):,} peptides, not corrected for their small number.",
            height=1.9,
        )


def _figures(run: PeptideRun) -> Iterator[str]:
    rows = _rows(run)
    if not rows:
        return
    ranks = [row.rank / len(result.names) for result in run.results for row in result.rows()]
    candidates = [row.candidate for row in rows]
    known = [each.properties for each in candidates]
    yield '<h2>Properties</h2>\n<div class="grid">'
    yield figure(
        "Charge and hydropathy",
        lambda ax: ranked_plot(
            [each.charge for each in known], [each.gravy for each in known], ranks, ax,
            x_name="net charge at pH 7.4", y_name="GRAVY",
        ),
        "Each point is a peptide; GRAVY is the mean hydropathy, above 0 hydrophobic. Colours are thirds of "
        "the ranking.",
    )  # fmt: skip
    yield _perplexities(candidates)
    specific = [each.specificity for each in candidates]
    if not any(map(math.isnan, specific)):
        yield figure(
            "Specificity",
            lambda ax: ranked_plot(
                [each.perplexity for each in candidates], specific, ranks, ax,
                x_name="pseudo-perplexity", y_name="specificity (nats a letter)",
            ),
            "How much better a peptide fits its target than the decoys; above 0 it prefers its target.",
        )  # fmt: skip
    yield "</div>"


def _perplexities(candidates: Sequence[Candidate]) -> str:
    values = np.array([each.perplexity for each in candidates])
    low, high = float(values.min()), float(values.max())
    caption = f"From {low:.2f} to {high:.2f}, median {np.median(values):.2f}. Lower is better."
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    counts = np.histogram(values, edges)[0]
    return figure(
        "Pseudo-perplexity",
        lambda ax: histogram_plot(
            edges, {"": counts}, len(values), ax, x="pseudo-perplexity", y="peptides (%)"
        ),
        caption,
    )


def _facts(run: PeptideRun) -> str:
    facts = {}
    if run.command_line:
        facts = {"command": f"<code>{escape(run.command_line)}</code>", "time": f"{run.seconds:,.1f} s"}
    facts |= {escape(name): escape(value) for name, value in run.about.items()}
    return f"<h2>The run</h2>\n{facts_panel(facts)}"
