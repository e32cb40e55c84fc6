"""What a report says of classified sequences: how many of each class, and how sure their labels are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape

import numpy as np

from genoseq.errors import counted
from genoseq.plots import composition_plot, histogram_plot
from genoseq.reports.page import SHOWN, Cell, Chapter, Share, card, figure, of_each, percent, table
from genoseq.supervised.tally import BINS, NONE, LabelTally

__all__ = ["chapter"]

_MOST = 9  # lines of a legend
_LONGEST = 24  # letters of a name in a figure
_NONE = f"{NONE}: like no class"


def chapter(samples: Mapping[str, LabelTally]) -> Chapter:
    """The chapter of one or several files.

    Parameters
    ----------
    samples
        What was counted, by sample.
    """
    names, tallies = list(samples), list(samples.values())
    title = escape(names[0]) if len(names) == 1 else f"Classes of {counted(len(names), 'sample')}"
    sections = list(_overview(samples)) if len(names) > 1 else []
    sections += of_each(samples, partial(_sample, several=len(names) > 1))
    classes = dict.fromkeys(name for tally in tallies for name in tally.classes)
    sequences = sum(tally.sequences for tally in tallies)
    kinds = f"{len(classes):,} class" + "es" * (len(classes) != 1)
    lead = f"{counted(sequences, 'sequence')} and {kinds}."
    return Chapter("classify", title, lead, list(_cards(tallies)), sections)


def _cards(tallies: Sequence[LabelTally]) -> Iterator[str]:
    sequences, rejected = (sum(getattr(each, name) for each in tallies) for name in ("sequences", "rejected"))
    yield card("Sequences", f"{sequences:,}", f"in {counted(len(tallies), 'file')}")
    yield card("None", percent(rejected, sequences), f"{counted(rejected, 'sequence')} like no class")
    confident = np.sum([each.confident for each in tallies], axis=0)
    sure = int(confident[-BINS // 10 :].sum())
    yield card("Sure", percent(sure, sequences), "with 0.9 or more")


def _overview(samples: Mapping[str, LabelTally]) -> Iterator[str]:
    rows: list[tuple[Cell, ...]] = []
    for name, tally in samples.items():
        most = max(tally.classes, key=lambda each: tally.labels[each], default="")
        shown = escape(most) if tally.labels[most] else "–"
        rows.append(
            (
                escape(name), tally.sequences, shown, Share(tally.labels[most], tally.sequences),
                f"{tally.median():.2f}" if tally.confident.any() else "–",
                percent(tally.rejected, tally.sequences),
            )
        )  # fmt: skip
    head = ("sample", "sequences", "most frequent", "its share", "median probability", NONE)
    yield "<h2>Samples</h2>\n" + table("Sequences of each sample", head, rows, tall=True)
    classes = len({each for tally in samples.values() for each in tally.names})
    shown_samples = {_plain(name): _counts(tally) for name, tally in list(samples.items())[:SHOWN]}
    if len(shown_samples) == min(len(samples), SHOWN):  # shortened names may be alike
        yield "<p></p>" + figure(
            "Classes",
            partial(composition_plot, shown_samples, x="sequences (%)"),
            "Shares of the classes in each sample.",
            height=max(0.9 + 0.28 * len(shown_samples), 0.4 + 0.2 * min(classes, _MOST)),
        )


def _counts(tally: LabelTally) -> dict[str, int]:
    return {_plain(name): tally.labels[name] for name in tally.names}


def _plain(name: str) -> str:
    """A name in a figure: short, and without a dollar, which matplotlib would read as mathematics."""
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return short.replace("$", r"\$")


def _sample(name: str, tally: LabelTally, *, several: bool) -> Iterator[str]:
    heading, whose = (escape(name), f" of {escape(name)}") if several else ("Labels", "")
    yield f"<h2>{heading}</h2>"
    yield '<div class="grid">'
    rows: list[tuple[Cell, ...]] = [
        (
            _NONE if each == NONE and tally.rejected else escape(each), tally.labels[each],
            Share(tally.labels[each], tally.sequences),
        )
        for each in tally.names
    ]  # fmt: skip
    yield table("Sequences by their label", ("class", "sequences", "share"), rows, tall=True)
    yield _confidence(tally, whose)
    yield "</div>"


def _confidence(tally: LabelTally, whose: str) -> str:
    title = f"Probability of the label{whose}"
    if not tally.sequences:
        return figure(title, None, "There is no sequence.")
    edges = np.arange(BINS + 1) / BINS
    series = {"labelled": tally.confident, NONE: tally.refused} if tally.rejected else {"": tally.confident}
    caption = "What the classifier says of the class that it gives."
    if tally.confident.any():
        caption += f" Median {tally.median():.2f}."
    if tally.rejected:
        caption += f" For {NONE}, of the most probable class."
    return figure(
        title,
        lambda ax: histogram_plot(
            edges, series, tally.sequences, ax, x="probability", y="sequences (%)",
            filled=not tally.rejected,
        ),
        caption,
    )  # fmt: skip
