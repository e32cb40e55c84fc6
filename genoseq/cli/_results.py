"""Files that other commands wrote, told apart by their content, for `genoseq report`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genoseq.errors import InputError, UsageError

if TYPE_CHECKING:
    from genoseq.align.parts import Part, Total
    from genoseq.hyena.tally import ScoreTally
    from genoseq.io.files import InputStream
    from genoseq.io.table import Table
    from genoseq.peptides.tables import PeptideTable
    from genoseq.supervised.tally import LabelTally

__all__ = ["Results", "read_results", "sample_of"]

_SUFFIXES = (".gz", ".bgz", ".bz2", ".xz", ".zst", ".vcf", ".bcf", ".tsv", ".txt", ".json")
_EXPECTED = (
    "expected are JSON of genoseq align, VCF, BCF or TSV of genoseq variants, "
    "TSV of genoseq classify or peptides"
)


@dataclass
class Results:
    """What was read, by kind; but for parts of one alignment by sample, in the order of the files."""

    parts: Total | None = None
    variants: dict[str, ScoreTally] = field(default_factory=dict)
    labels: dict[str, LabelTally] = field(default_factory=dict)
    peptides: dict[str, PeptideTable] = field(default_factory=dict)


def sample_of(path: str) -> str:
    """The sample of a file: its name without endings.

    Examples
    --------
    >>> sample_of("run/liver.scored.vcf.gz"), sample_of("-")
    ('liver.scored', 'standard_input')
    """
    if path == "-":
        return "standard_input"
    name = Path(path).name
    while any(name.lower().endswith(suffix) and len(name) > len(suffix) for suffix in _SUFFIXES):
        name = name.rpartition(".")[0]
    return name


def read_results(paths: Sequence[str], sample: str | None) -> Results:
    """Read all files.

    Parameters
    ----------
    paths
        "-" is standard input.
    sample
        What the sample is called, of which each kind of file but parts of an alignment has one file.

    Raises
    ------
    InputError
        If a file is none of those that are expected, or damaged.
    UsageError
        If two files of a kind have one sample.
    """
    results = Results()
    for path in paths:
        _read(path, sample_of(path) if sample is None else sample, results, named=sample is not None)
    return results


def _read(path: str, sample: str, results: Results, *, named: bool) -> None:
    from genoseq.io.files import open_input
    from genoseq.io.table import TSV_START, read_tsv
    from genoseq.io.vcf import is_calls

    with open_input(path) as stream:
        if stream.head.lstrip()[:1] == b"{":
            from genoseq.align.parts import Total

            part = _part(stream)
            results.parts = Total() if results.parts is None else results.parts
            results.parts.add(part)
        elif is_calls(stream.head):
            from genoseq.hyena.tally import tally_calls

            _new(results.variants, sample, stream.path, named=named)
            results.variants[sample] = tally_calls(stream)
        elif stream.head.startswith(TSV_START):
            _read_table(read_tsv(stream), sample, results, named=named)
        elif not stream.head:
            raise InputError(f"the file is empty; {_EXPECTED}", stream.path)
        else:
            start = stream.head[:20].split(b"\n")[0].decode("latin-1")
            raise InputError(f"starts with {start!r}; {_EXPECTED}", stream.path)


def _part(stream: InputStream) -> Part:
    """The summary of a run of `genoseq align`."""
    from genoseq.align.parts import read_part

    text = b"\n".join(line for _, line in stream.lines())
    try:
        told: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON, or cut ({error})", stream.path) from error
    command = told.get("command") if isinstance(told, Mapping) else None
    if command == "align":
        return read_part(told, stream.path)
    if command in ("variants", "classify", "peptides"):
        raise InputError(f"is the summary of genoseq {command}; give what it wrote to -o", stream.path)
    what = "no summary of genoseq" if command is None else f"the summary of genoseq {command}"
    raise InputError(f"is JSON, but {what}; {_EXPECTED}", stream.path)


def _read_table(table: Table, sample: str, results: Results, *, named: bool) -> None:
    columns = table.columns
    if columns[:2] == ["name", "label"] and any(name.startswith("p_") for name in columns):
        from genoseq.supervised.tally import tally_labels

        _new(results.labels, sample, table.path, named=named)
        results.labels[sample] = tally_labels(table)
    elif columns[:4] == ["target", "rank", "name", "peptide"]:
        from genoseq.peptides.tables import read_peptides

        _new(results.peptides, sample, table.path, named=named)
        results.peptides[sample] = read_peptides(table)
    elif {"contig", "position", "ref", "alt", "llr"} <= set(columns):
        from genoseq.hyena.tally import tally_table

        _new(results.variants, sample, table.path, named=named)
        results.variants[sample] = tally_table(table)
    else:
        shown = ", ".join(columns[:5])
        raise InputError(f"is a table with the columns {shown}; {_EXPECTED}", table.path)


def _new(known: Mapping[str, object], sample: str, path: str, *, named: bool) -> None:
    if sample in known:
        advice = "--sample is for one file of a kind" if named else "rename one of the files"
        raise UsageError(f"{path}: there is another file of the sample {sample!r}; {advice}")
