"""Files that MultiQC reads without a plugin: custom content, one section a file.

MultiQC (https://docs.seqera.io/multiqc/custom_content) finds files by the ending `_mqc.json` and joins those
with one `id` over the samples: columns in its table of general statistics, bars of what became of the reads,
and lines of identity and insert size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genoseq.align.parts import FATES, Run
from genoseq.io.files import StrPath, open_output

_COLOURS = ("#0072b2", "#56b4e9", "#e69f00", "#999999", "#d9d9d9")


def section_path(folder: StrPath, sample: str, section: str) -> Path:
    """The file of a section of a sample."""
    stem = re.sub(r"[^\w.+=-]", "_", sample)
    return Path(folder, f"{stem}.genoseq_{section}_mqc.json")


def multiqc_paths(folder: StrPath, sample: str) -> dict[str, Path]:
    """The files of a sample whose reads are aligned, by section: general, reads, identity, insert."""
    return {
        section: section_path(folder, sample, section)
        for section in ("general", "reads", "identity", "insert")
    }


def write_multiqc(folder: StrPath, run: Run) -> None:
    """Write the files of a run; as `write_sections`."""
    write_sections(run_sections(folder, run))


def run_sections(folder: StrPath, run: Run) -> dict[Path, dict[str, Any]]:
    """The sections of a sample whose reads are aligned, by their files."""
    sections = {"general": _general, "reads": _reads, "identity": _identity, "insert": _insert}
    return {path: sections[name](run) for name, path in multiqc_paths(folder, run.sample).items()}


def write_sections(sections: Mapping[Path, Mapping[str, Any]]) -> None:
    """Write files, each whole or not at all.

    A section without anything to draw has no file; that of an earlier run of the sample is removed.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    for path, section in sections.items():
        if not any(section["data"].values()):
            path.unlink(missing_ok=True)
            continue
        text = json.dumps(section, indent=1, allow_nan=False)
        with open_output(path) as file:
            file.write(text.encode() + b"\n")


def content(
    name: str,
    title: str,
    description: str,
    data: Mapping[str, Any],
    *,
    axes: Mapping[str, str] | None = None,
    categories: Mapping[str, Any] | None = None,
    headers: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A section of its own, by sample: a table if it has headers, lines over `xlab`, else bars.

    Parameters
    ----------
    name
        Ends its id.
    title, description
        What stands above it.
    data
        By sample; of a table by row.
    axes
        Their names, `xlab` and `ylab`.
    categories
        Names and colours of the parts of a bar.
    headers
        Columns of a table.
    """
    form = "table" if headers else "plot"
    about = {"id": f"genoseq_{name}_{form}", "title": f"genoseq: {title.lower()}"}
    lines = axes is not None and "xlab" in axes
    return {
        "id": f"genoseq_{name}",
        "parent_id": "genoseq",
        "parent_name": "genoseq",
        "parent_description": "Sequences into numbers that a machine can search, score and sample.",
        "section_name": title,
        "description": description,
        "plot_type": "table" if headers else "linegraph" if lines else "bargraph",
        "pconfig": {**about, **({"namespace": "genoseq"} if headers else axes or {})},
        **({"categories": categories} if categories else {}),
        **({"headers": headers} if headers else {}),
        "data": data,
    }


def _general(run: Run) -> dict[str, Any]:
    """The columns are the same in every file: MultiQC takes those of the last one for all samples."""
    s, t = run.summary, run.statistics
    percent = {"min": 0, "max": 100, "suffix": "%", "format": "{:,.2f}"}
    headers: dict[str, dict[str, Any]] = {
        "reads": {
            "title": "Reads",
            "description": "Reads, both mates of pairs",
            "format": "{:,.0f}",
            "scale": "Greys",
        },
        "mapped": {"title": "Mapped", "description": "Reads that were mapped", "scale": "Blues", **percent},
        "mapq20": {"title": "MAPQ ≥ 20", "description": "Reads with MAPQ 20 or more", "scale": "Greens"}
        | percent,
        "proper": {"title": "Proper", "description": "Pairs that are proper", "scale": "PuBu", **percent},
        "insert": {
            "title": "Insert",
            "description": "Median insert size",
            "suffix": " bp",
            "scale": "Purples",
        }
        | {"format": "{:,.0f}"},
        "identity": {"title": "Identity", "description": "1 - NM / columns of all alignments"}
        | {"scale": "OrRd-rev", **percent},
        "depth": {"title": "Depth", "description": "Mean depth", "suffix": "x", "scale": "YlGn"}
        | {"format": "{:,.2f}"},
    }
    values: dict[str, float] = {"reads": s["reads"], "depth": t.coverage.mean_depth}
    if s["reads"]:
        values |= {"mapped": 100 * s["mapped"] / s["reads"], "mapq20": 100 * s["mapq20"] / s["reads"]}
    if s["mapped"]:
        values["identity"] = 100 * t.identity
    if s["pairs"]:
        values["proper"] = 100 * s["proper_pairs"] / s["pairs"]
    if t.inserts.total:
        values["insert"] = t.inserts.quantile(0.5)
    for header in headers.values():
        header["namespace"] = "genoseq"
    section = {"id": "genoseq_general", "plot_type": "generalstats", "headers": headers}
    return {**section, "data": {run.sample: values}}


def _reads(run: Run) -> dict[str, Any]:
    styles = zip(FATES.items(), _COLOURS, strict=True)
    categories = {fate: {"name": name, "color": colour} for (fate, name), colour in styles}
    return content(
        "reads", "Reads", "What became of the reads; both mates of a pair count.", {run.sample: run.fates()},
        axes={"ylab": "Reads"}, categories=categories,
    )  # fmt: skip


def _identity(run: Run) -> dict[str, Any]:
    edges, counts = run.statistics.identity_bins()
    return content(
        "identity", "Identity", "1 - NM / columns of each alignment, clips left out.",
        {run.sample: density(edges / 10, counts)},
        axes={"xlab": "Identity (%)", "ylab": "Mapped reads (%) per 1 % of identity"},
    )  # fmt: skip


def _insert(run: Run) -> dict[str, Any]:
    edges = run.statistics.insert_edges()
    return content(
        "insert", "Insert size", "Outer distance of pairs with both mates on one contig.",
        {run.sample: density(edges, run.statistics.inserts.binned(edges))},
        axes={"xlab": "Insert size (bp)", "ylab": "Pairs (%) per bp"},
    )  # fmt: skip


def density(edges: NDArray[Any], counts: NDArray[np.int64]) -> list[list[float]]:
    """Middle of each bin, and density in percent, which does not depend on the width of the bins.

    Pairs, as keys in JSON are text, and MultiQC draws them in the order of the text.
    """
    shares = 100 * counts / np.diff(edges) / max(int(counts.sum()), 1)
    middles = (edges[:-1] + edges[1:]) / 2
    return np.stack([middles, shares], 1).tolist()
