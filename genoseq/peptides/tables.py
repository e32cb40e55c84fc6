"""Tables of peptides read back: the results of each target, as `genoseq peptides` wrote them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from genoseq.errors import GenoseqWarning, InputError
from genoseq.io.table import Table
from genoseq.peptides.design import Candidate, Designed
from genoseq.peptides.outputs import COLUMNS, Result
from genoseq.peptides.properties import Properties
from genoseq.peptides.targets import Target
from genoseq.protein import AMINO_ACIDS

__all__ = ["PeptideTable", "read_peptides"]

_LETTERS = frozenset(AMINO_ACIDS)
_KIND = {"float": float, "int": int, "str": str}  # annotations are texts


class PeptideTable(NamedTuple):
    """A table of peptides.

    Attributes
    ----------
    about : dict
        What the peptides depend on, as the table tells.
    results : list of Result
        Of each target, in the order of the table. Letters of targets, and how many candidates there were,
        are not in a table.
    """

    about: dict[str, str]
    results: list[Result]

    def to_dict(self) -> dict[str, Any]:
        """Everything for JSON: of each target how many peptides, and the first."""
        return {
            "parameters": self.about,
            "targets": {
                result.target.name: {
                    "peptides": len(result.names), "best": result.designed.candidates[0].to_dict()
                }
                for result in self.results
            },
        }  # fmt: skip


def read_peptides(table: Table) -> PeptideTable:
    """Read a table.

    Raises
    ------
    InputError
        With the line, if a column is missing or a row is not as `genoseq peptides` writes it.

    Warns
    -----
    GenoseqWarning
        If there are no rows.
    """
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise InputError(f"is a table of peptides without the columns {', '.join(missing)}", table.path)
    results: dict[str, Result] = {}
    for number, row in table.rows:
        cells = dict(zip(table.columns, row, strict=True))
        name = cells["target"]
        try:
            candidate = _candidate(cells)
        except ValueError as error:
            raise InputError(f"is no row of a table of peptides ({error})", table.path, number) from error
        if name not in results:
            results[name] = Result(Designed(Target(name, "", table.path), [], 0, 0, {}, 0), [])
        results[name].designed.candidates.append(candidate)
        results[name].names.append(cells["name"])
    if not results:
        warnings.warn(f"{table.path}: there are no rows in it", GenoseqWarning, stacklevel=2)
    return PeptideTable(table.about, list(results.values()))


def _candidate(cells: Mapping[str, str]) -> Candidate:
    peptide = cells["peptide"]
    if not peptide or not set(peptide) <= _LETTERS:
        raise ValueError(f"{peptide!r} is no peptide of the twenty amino acids")
    start, _, end = cells["part"].partition("-")
    numbers = {key: float(cells[key]) for key in ("perplexity", "specificity", "p_value", "nearest_known")}
    if not 1 <= numbers["perplexity"] < float("inf"):
        raise ValueError(f"a perplexity of {cells['perplexity']}")
    return Candidate(
        peptide, numbers["perplexity"], numbers["specificity"], numbers["p_value"],
        (int(start) - 1, int(end)), numbers["nearest_known"],
        Properties(**{each.name: _KIND[str(each.type)](cells[each.name]) for each in fields(Properties)}),
    )  # fmt: skip
