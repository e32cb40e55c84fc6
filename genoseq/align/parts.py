"""Parts of a sample: what `genoseq align` told of chunks of its reads, added up to one run.

A part is the summary of one run (`--json`) with its statistics. Counts are whole numbers, so the sum does
not depend on the order of the parts and is what one run over all reads would have counted. What cannot be
added is told of each part (command lines), as a range (threads) or as a sum (seconds).

The parts must have one genome and one encoder. They may have several presets, as `--preset auto` looks at the
first reads of each chunk: then the stages of each preset are told apart, and a warning says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from genoseq.align.counts import add_statistics, counts_of, statistics_of
from genoseq.align.presets import PRESETS, parameters_of
from genoseq.align.statistics import Statistics
from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.index.store import Index
from genoseq.io.files import StrPath

__all__ = ["COUNTS", "FATES", "Part", "Run", "Total", "describe_index", "join", "read_part"]

COUNTS = ("reads", "mapped", "mapq20", "too_short", "bases", "pairs", "proper_pairs", "supplementary")
"""What a summary counts, beside its statistics."""
FATES = {
    "mapq20": "mapped, MAPQ 20 or more",
    "mapq1": "mapped, MAPQ 1 to 19",
    "mapq0": "mapped, MAPQ 0: another place is as good",
    "unmapped": "unmapped",
    "too_short": "unmapped, too short to be searched for",
}
"""What becomes of a read."""
_INDEX = {
    "path": str, "genome": (str, type(None)), "contigs": int, "bp": int, "digest": str, "encoder": str,
    "encoder_digest": str, "words": list,
}  # fmt: skip
_INSERT = {"mean": (int, float), "sd": (int, float), "low": int, "high": int, "source": str}
_FORM: dict[str, Any] = {
    "command_line": str, **dict.fromkeys(COUNTS, int), "stages": list, "preset": str, "insert": _INSERT,
    "seconds": (int, float), "sample": str, "threads": int, "finished": str, "index": _INDEX,
}  # fmt: skip


class Part(NamedTuple):
    """What one run told.

    Attributes
    ----------
    source : str
        The file, for messages.
    summary : mapping
        What `--json` tells, without `statistics`.
    names : list of str
        Of the contigs.
    statistics : Statistics
    """

    source: str
    summary: Mapping[str, Any]
    names: list[str]
    statistics: Statistics


@dataclass(frozen=True)
class Run:
    """A sample whose reads are aligned, in one run or in several.

    Attributes
    ----------
    sample : str
    summary : mapping
        Counts of all parts (`COUNTS`), their `index`, `insert`, and `seconds` in sum.
    cascades : mapping
        Preset -> reads settled by each of its stages; last, those that none settled.
    names : list of str
        Of the contigs.
    statistics : Statistics
    parts : tuple of mapping
        The summary of each run.
    """

    sample: str
    summary: Mapping[str, Any]
    cascades: Mapping[str, list[int]]
    names: list[str]
    statistics: Statistics
    parts: tuple[Mapping[str, Any], ...]

    @property
    def threads(self) -> str:
        """Threads of the runs, in words."""
        low, high = (limit(part["threads"] for part in self.parts) for limit in (min, max))
        return f"{low}" if low == high else f"{low} to {high}"

    @property
    def finished(self) -> datetime:
        """When the last run ended."""
        return max(datetime.fromisoformat(part["finished"]) for part in self.parts)

    def fates(self) -> dict[str, int]:
        """Reads by what became of them (`FATES`); together all reads."""
        s, mapqs = self.summary, self.statistics.mapqs
        counts = (int(mapqs[20:].sum()), int(mapqs[1:20].sum()), int(mapqs[0]))
        without = (s["reads"] - s["mapped"] - s["too_short"], s["too_short"])
        return dict(zip(FATES, counts + without, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Everything for JSON."""
        told = {"sample": self.sample, **self.summary, "cascades": self.cascades}
        told["statistics"] = self.statistics.to_dict(self.names)
        told["parts"] = [
            {key: part[key] for key in ("sample", "command_line", "reads", "preset", "threads", "seconds")}
            for part in self.parts
        ]
        return told


def describe_index(index: Index, path: StrPath) -> dict[str, Any]:
    """What a summary tells of an index; `digest` and `encoder_digest` tell it from others."""
    manifest = index.manifest
    contigs = [(contig["name"], contig["length"], contig["md5"]) for contig in manifest["contigs"]]
    return {
        "path": os.fspath(path),
        "genome": (manifest["source"] or {}).get("name"),
        "contigs": len(contigs),
        "bp": len(index.reference),
        "digest": hashlib.sha256(json.dumps(contigs).encode()).hexdigest()[:16],
        "encoder": manifest["encoder"]["name"],
        "encoder_digest": manifest["encoder"]["digest"],
        "words": list(index.encoder.words.words[: index.parameters.words]),
    }


def read_part(told: Mapping[str, Any], source: str) -> Part:
    """A part from the JSON of `genoseq align`.

    Raises
    ------
    InputError
        If it has no statistics, or is not as this version of genoseq writes it.
    """
    summary = {key: value for key, value in told.items() if key != "statistics"}
    statistics = told.get("statistics")
    counts = statistics.get("counts") if isinstance(statistics, Mapping) else None
    if counts is None:
        raise InputError(
            "has no statistics to add up; run genoseq align --json with --statistics as well",
            source,
        )
    try:
        names, found = statistics_of(counts)
        _check_form(summary, _FORM)
        if datetime.fromisoformat(summary["finished"]).tzinfo is None:
            raise ValueError("a time without its zone")
        stages = len(parameters_of(summary["preset"]).stages) + 1 if summary["preset"] in PRESETS else 0
        if len(summary["stages"]) != stages or {*map(type, summary["stages"])} != {int}:
            raise ValueError(f"stages {summary['stages']}")
        if found.lengths.total != summary["reads"]:
            raise ValueError("numbers that do not fit together")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        wrong = f"is damaged, or of another version of genoseq ({error}); run genoseq align again"
        raise InputError(wrong, source) from error
    return Part(source, summary, names, found)


def _check_form(values: Mapping[str, Any], form: Mapping[str, Any]) -> None:
    for name, kind in form.items():
        if isinstance(kind, dict):
            _check_form(values[name], kind)
        elif not isinstance(values[name], kind):
            raise TypeError(f"{name} is {values[name]!r}")


class Total:
    """The sum of parts that are added one after the other; no more than the sum is held."""

    def __init__(self) -> None:
        self._first: Part | None = None
        self._sources: list[str] = []
        self._summaries: list[Mapping[str, Any]] = []

    def __len__(self) -> int:
        return len(self._summaries)

    def add(self, part: Part) -> None:
        """Add a part.

        Raises
        ------
        InputError
            If it has another genome or encoder than the first.
        """
        if self._first is None:
            names, statistics = statistics_of(counts_of(part.statistics, part.names))  # a copy
            self._first = Part(part.source, part.summary, names, statistics)
        else:
            _check_index(self._first, part)
            add_statistics(self._first.statistics, part.statistics)
        self._sources.append(part.source)
        self._summaries.append(part.summary)

    def run(self, sample: str | None = None) -> Run:
        """The parts as one run; as `join`."""
        if self._first is None:
            raise UsageError("no parts to add up")
        summaries = tuple(self._summaries)
        if sample is None:
            sample = self._sample()
        summary: dict[str, Any] = {name: sum(each[name] for each in summaries) for name in COUNTS}
        summary["index"] = summaries[0]["index"]
        summary["insert"] = _insert(summaries)
        summary["seconds"] = round(sum(each["seconds"] for each in summaries), 3)
        cascades: dict[str, list[int]] = {}
        for each in summaries:
            settled = cascades.setdefault(each["preset"], [0] * len(each["stages"]))
            cascades[each["preset"]] = [a + b for a, b in zip(settled, each["stages"], strict=True)]
        if len(cascades) > 1:
            found = f"the parts were aligned with presets {', '.join(cascades)}"
            warnings.warn(
                f"{found}; align --preset NAME takes one for all reads", GenoseqWarning, stacklevel=2
            )
        return Run(sample, summary, cascades, self._first.names, self._first.statistics, summaries)

    def _sample(self) -> str:
        """What all parts call it."""
        places = {each["sample"]: source for each, source in zip(self._summaries, self._sources, strict=True)}
        (one, first), *others = places.items()
        if others:
            raise UsageError(
                f"{first} is of sample {one!r}, {others[0][1]} of {others[0][0]!r}; if they are parts of one "
                "sample name it (--sample NAME), else report each by itself"
            )
        return str(one)


def join(parts: Iterable[Part], sample: str | None = None) -> Run:
    """Add up the parts of one sample.

    Parameters
    ----------
    parts
        One or more.
    sample
        Its name; by default what all parts call it.

    Raises
    ------
    InputError
        If a part has another genome or encoder than the first.
    UsageError
        If the parts have different samples and there is no name, or there are none.

    Warns
    -----
    GenoseqWarning
        If the parts have different presets.
    """
    total = Total()
    for part in parts:
        total.add(part)
    return total.run(sample)


def _check_index(first: Part, part: Part) -> None:
    for key, what in (("digest", "genome"), ("encoder_digest", "encoder"), ("words", "anchor words")):
        one, other = first.summary["index"], part.summary["index"]
        if one[key] != other[key]:
            raise InputError(
                f"was aligned to {_shown(other)}, {first.source} to {_shown(one)}: the {what} of the indexes "
                "differ, and only parts that were aligned to one index can be added up",
                part.source,
            )


def _shown(index: Mapping[str, Any]) -> str:
    return f"{index['genome'] or 'a genome'} ({index['path']})"


def _insert(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Fragments of all pairs: mean and SD are means over the pairs, borders enclose those of all parts."""
    some = [each for each in summaries if each["pairs"]] or summaries[:1]
    inserts = [each["insert"] for each in some]
    if all(insert == inserts[0] for insert in inserts):
        return dict(inserts[0])
    weights = [each["pairs"] for each in some]
    mean, sd = (
        sum(weight * insert[key] for weight, insert in zip(weights, inserts, strict=True)) / sum(weights)
        for key in ("mean", "sd")
    )
    low, high = min(insert["low"] for insert in inserts), max(insert["high"] for insert in inserts)
    sources = dict.fromkeys(insert["source"] for insert in inserts)
    return {"mean": mean, "sd": sd, "low": low, "high": high, "source": ", ".join(sources)}
