"""Pages of HTML that need no other file: the frame, tables, and figures as SVG in the text of the page.

Texts are HTML already: who calls escapes what comes from users. Figures are drawn by functions that take axes
(`genoseq.plots`); here they get the colours and the type of the page, so that they follow the reader's choice
of light or dark, and words for those who do not see them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from genoseq import __version__
from genoseq.plots import COLOURS, svg_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "SHOWN",
    "Cell",
    "Chapter",
    "Share",
    "card",
    "facts_panel",
    "figure",
    "of_each",
    "page",
    "page_of",
    "percent",
    "table",
]

_TEMPLATE = Path(__file__).with_name("page.html")

_NUMERIC = ' class="number"'

_THEME = {
    COLOURS[0]: "var(--blue)",
    COLOURS[1]: "var(--orange)",
    "#E4E4E4": "var(--rule)",
    "#FFFFFF": "var(--card)",
    "#000000": "currentColor",
}


SHOWN = 20
"""Samples with a section of their own; a page of more would be too long to read."""

Counted = TypeVar("Counted")


class Share(NamedTuple):
    """A cell that tells a share, with a bar behind it."""

    part: int
    whole: int


Cell = str | int | float | Share


def page(command: str, title: str, lead: str, cards: Iterable[str], sections: Iterable[str]) -> str:
    """A page: the report of a run of a command.

    Parameters
    ----------
    command, title, lead : str
    cards, sections : iterable of str
        HTML.
    """
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        version=escape(__version__),
        command=command,
        title=title,
        lead=lead,
        cards="\n".join(cards),
        sections="\n".join(sections),
    )


class Chapter(NamedTuple):
    """What a page says of the results of one command.

    Attributes
    ----------
    command : str
    title, lead : str
        HTML.
    cards, sections : list of str
        HTML.
    """

    command: str
    title: str
    lead: str
    cards: list[str]
    sections: list[str]


def of_each(
    samples: Mapping[str, Counted], section: Callable[[str, Counted], Iterable[str]]
) -> Iterator[str]:
    """The sections of the first `SHOWN` samples, and what is said of the others.

    Parameters
    ----------
    samples
        What was counted, by sample.
    section
        Called with both; HTML.
    """
    for name, counts in islice(samples.items(), SHOWN):
        yield from section(name, counts)
    if len(samples) > SHOWN:
        yield f"<p>The first {SHOWN} samples are shown; the table has all of them.</p>"


def page_of(chapters: Sequence[Chapter]) -> str:
    """A page of one or several chapters; that of one is the report of its command."""
    if len(chapters) == 1:
        return page(*chapters[0])
    parts = []
    for command, title, lead, cards, sections in chapters:
        parts += [f'<h2 class="chapter"><small>genoseq {command}</small> {title}</h2>', f"<p>{lead}</p>"]
        parts += ['<dl class="cards">', *cards, "</dl>", *sections]
    titles = [title for _, title, *_ in chapters]
    return page("report", " · ".join(titles), "", [], parts)


def card(name: str, value: str, small: str) -> str:
    """A number that stands out, with its name above and words below."""
    return f"<div><dt>{name}</dt><dd>{value} <small>{small}</small></dd></div>"


def facts_panel(facts: Mapping[str, str]) -> str:
    """A panel of names and what they are."""
    rows = "\n".join(f'<tr><th scope="row">{name}</th><td>{fact}</td></tr>' for name, fact in facts.items())
    return f'<div class="panel"><table class="facts"><tbody>\n{rows}\n</tbody></table></div>'


def percent(part: float, whole: float) -> str:
    """A share in words; a dash for the share of nothing."""
    return f"{100 * part / whole:.2f} %" if whole else "–"


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[Cell]], *, tall: bool = False) -> str:
    """A table whose first column names the rows.

    Parameters
    ----------
    caption : str
    head : sequence of str
        Names of the columns.
    rows : sequence
        Texts, numbers (to the right), shares.
    tall : bool
        May have many rows, which scroll.
    """
    numeric = [isinstance(cell, int | float) for cell in rows[0]] if rows else [False] * len(head)
    names = "".join(
        f'<th scope="col"{_NUMERIC if right else ""}>{name}</th>'
        for name, right in zip(head, numeric, strict=True)
    )
    lines = [
        f'<tr><th scope="row">{first}</th>{"".join(_cell(cell) for cell in rest)}</tr>'
        for first, *rest in rows
    ]
    body = "\n".join(lines)
    return (
        f'<div class="panel"><div class="scroll{" tall" if tall else ""}" tabindex="0"><table>'
        f"<caption>{caption}</caption>\n<thead><tr>{names}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div></div>"
    )


def _cell(cell: Cell) -> str:
    if isinstance(cell, Share):
        width = cell.part / max(cell.whole, 1)
        bar = f'<i style="width: calc({width:.4f} * (100% - 5.25rem))"></i>' if cell.part else ""
        return f'<td class="share"><span>{percent(*cell)}</span>{bar}</td>'
    if isinstance(cell, int | float):
        return f"<td{_NUMERIC}>{cell:,}</td>" if isinstance(cell, int) else f"<td{_NUMERIC}>{cell:,.2f}</td>"
    return f"<td>{cell}</td>"


def figure(title: str, draw: Callable[[Axes], object] | None, caption: str, *, height: float = 2.6) -> str:
    """A figure in a panel of its own, with its words; these alone if there is nothing to draw.

    Parameters
    ----------
    title, caption : str
        The caption is also what those hear who do not see the figure.
    draw : callable or None
        Draws on axes.
    height : float
        Inches, of a figure that is 5 inches wide.
    """
    if draw is None:
        return f'<div class="panel"><h3>{title}</h3><p class="note">{caption}</p></div>'
    svg = _inline(svg_figure(draw, title, height=height), f"{title}. {caption}")
    return f'<figure class="panel"><h3>{title}</h3>\n{svg}\n<figcaption>{caption}</figcaption></figure>'


def _inline(svg: str, spoken: str) -> str:
    """SVG of matplotlib as a part of the page: in its colours and its type, as wide as it is given room."""
    svg = svg[svg.index("<svg") :]
    box = re.search(r'viewBox="[^"]+"', svg)[0]  # type: ignore[index]
    svg = f'<svg {box} role="img" aria-label="{spoken}">' + svg[svg.index(">") + 1 :]
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"font-family: [^;\"]+", "font-family: var(--sans)", svg)
    svg = re.sub(r'(?<= d=")[^"]+', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)
    for colour, name in _THEME.items():
        svg = svg.replace(colour.lower(), name)
    return svg.replace("xlink:href", "href").strip()
