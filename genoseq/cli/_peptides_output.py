"""What `genoseq peptides` writes, all together: table, JSON, FASTA, report, files for other programs."""

from __future__ import annotations

import argparse
import contextlib
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genoseq import __version__
from genoseq.cli._peptides_options import DECODERS
from genoseq.errors import GenoseqWarning

if TYPE_CHECKING:
    from genoseq.cli._peptides_inputs import Inputs
    from genoseq.peptides.outputs import Result

__all__ = ["check_outputs", "described", "write_outputs"]


def check_outputs(args: argparse.Namespace) -> None:
    """Refuse early what could not be written at the end.

    Raises
    ------
    UsageError
        If an output is an input or another output.
    InputError
        If something cannot be written.
    MissingDependencyError
        If there shall be a report and matplotlib is not installed.
    """
    from genoseq.io.fastq import check_fastq_name
    from genoseq.io.files import check_distinct, check_output
    from genoseq.io.folders import check_new_folder

    files = {"-o": args.output, "--json": args.json, "--fasta": args.fasta, "--report": args.report}
    folders = {"--boltz": args.boltz, "--af3": args.af3}
    inputs = [*args.targets, args.decoys, args.known, args.score, *(args.guide or [])]
    check_distinct(files | folders, inputs)
    check_fastq_name("--fasta", args.fasta, fasta=True)
    for file in files.values():
        if file is not None:
            check_output(file)
    for folder in folders.values():
        if folder is not None:
            check_new_folder(folder)
    if args.report is not None:
        from genoseq.plots import check_matplotlib

        check_matplotlib("--report")
    if args.af3 is not None and (args.cyclic or args.disulfide is not None):
        what = "peptides that are closed head to tail" if args.cyclic else "bridges within a peptide"
        warnings.warn(
            f"AlphaFold 3 has no word for {what}: the files in {args.af3} are of the open peptide",
            GenoseqWarning,
            stacklevel=2,
        )


def described(args: argparse.Namespace, inputs: Inputs, model: Mapping[str, str]) -> dict[str, Any]:
    """Everything that the peptides depend on, for the head of the table and for JSON."""
    about: dict[str, Any] = {
        "genoseq": __version__,
        "mode": "design" if inputs.peptides is None else "score",
        **model,
        "precision": args.precision,
        "seed": args.seed,
        "targets": " ".join(args.targets),
        "chain": args.chain,
        "site": args.site,
        "score": args.score,
    }
    if inputs.peptides is None:
        bridge = args.disulfide and "-".join(str(place + 1) for place in args.disulfide)
        about |= {
            "number": args.number,
            "lengths": ",".join(map(str, sorted({len(each) for each in inputs.plan.templates}))),
            "template": args.template and " ".join(args.template),
            "avoid": args.avoid,
            "disulfide": bridge,
            "decoder": args.decoder,
        }
        for name in DECODERS[args.decoder]:
            value = getattr(args, name)
            about[name] = " ".join(value) if name == "guide" else value
        shared = ("temperature", "top_k", "top_p", "candidates", "scored", "filter", "likeness")
        about |= {name: getattr(args, name) for name in shared}
    about |= {name: getattr(args, name) for name in ("cyclic", "select", "decoys", "shuffled", "known")}
    return about


def write_outputs(
    args: argparse.Namespace, inputs: Inputs, results: Sequence[Result], run_values: Mapping[str, Any]
) -> None:
    """Write what the options ask for; if one output fails, none appears."""
    from genoseq.io.fastq import open_fastq
    from genoseq.io.folders import new_folder
    from genoseq.io.table import open_tsv, write_json
    from genoseq.peptides.outputs import COLUMNS, alphafold_input, boltz_input, fasta_record, file_name

    about = {key: _shown(value) for key, value in run_values["parameters"].items()}
    with contextlib.ExitStack() as stack:
        rows = [row for result in results for row in result.rows()]
        if args.boltz is not None:
            folder = stack.enter_context(new_folder(args.boltz))
            for row in rows:
                text = boltz_input(
                    row.target, row.candidate.peptide, cyclic=args.cyclic, bridge=args.disulfide
                )
                name = file_name(row.target.name, row.rank)
                (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        if args.af3 is not None:
            folder = stack.enter_context(new_folder(args.af3))
            for row in rows:
                name = file_name(row.target.name, row.rank)
                text = alphafold_input(name, row.target, row.candidate.peptide, (args.seed,))
                (folder / f"{name}.json").write_text(text, encoding="utf-8")
        write = stack.enter_context(open_tsv(args.output, COLUMNS, about))
        for row in rows:
            values = row.to_dict()
            write([values[column] for column in COLUMNS])
        if args.fasta is not None:
            file = stack.enter_context(open_fastq(args.fasta))
            for row in rows:
                file.write(fasta_record(row).encode())
        if args.report is not None:
            from genoseq.io.files import open_output
            from genoseq.reports.peptides import PeptideRun, render

            page = stack.enter_context(open_output(args.report))
            page.write(render(PeptideRun(results, about, args.command_line, run_values["seconds"])).encode())
        if args.json is not None:
            write_json(args.json, {**run_values, "targets": [_told(result) for result in results]})


def _told(result: Result) -> dict[str, Any]:
    """A target and its peptides for JSON."""
    designed, target = result.designed, result.target
    return {
        "name": target.name,
        "source": target.source,
        "residues": len(target.letters),
        "changed": target.changed,
        "drawn": designed.drawn,
        "duplicates": designed.duplicates,
        "rejected": designed.rejected,
        "alike": designed.alike,
        "peptides": [
            {key: value for key, value in row.to_dict().items() if key != "target"} for row in result.rows()
        ],
    }


def _shown(value: object) -> str:
    """A parameter in a line of the table's head."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return " ".join(text.split())
