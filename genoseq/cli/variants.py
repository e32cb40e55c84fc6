"""Score variants zero-shot with a HyenaDNA model, or all substitutions of a region.

The score of an ALT allele is the log-likelihood of the sequence with it minus that with REF, in nats, the
mean of both strands: negative where the model prefers REF. The sequence is a window around the variant; REF
and ALT have equal flanks, so an indel also pays for its bases, and is to be compared with indels of its
length.

Every record comes out again, with the scores in INFO field GSLLR, and the reason in GSSKIP for an allele that
has none (symbolic, '*', N). The file needs no index and no order. With REF.fa.fai beside the FASTA only what
is needed is read, else all of it, plain or compressed in any way; 2bit serves as well.

Examples:
  genoseq variants -r ref.fa calls.vcf.gz -o scored.vcf.gz
  genoseq variants -r ref.fa calls.bcf --window 512 -o scores.tsv
  genoseq variants -r ref.fa --saturate chr20:1000001-1000100 -o scores.tsv --plot scores.png
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from genoseq.cli._hyena import add_model_options, load_model
from genoseq.cli._options import bounded_int
from genoseq.cli._plot import check_plot, save_plot

if TYPE_CHECKING:
    from genoseq.hyena.alleles import VariantWindow
    from genoseq.hyena.calls import ScoredCall
    from genoseq.hyena.mutagenesis import Mutagenesis
    from genoseq.hyena.variants import VariantScorer

_CALL_COLUMNS = ("contig", "position", "id", "ref", "alt", "llr", "llr_bits", "forward", "reverse", "skipped")
_REGION_COLUMNS = ("contig", "position", "ref", "alt", "llr", "llr_bits")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq variants`."""
    parser.add_argument("calls", nargs="?", metavar="CALLS", help="VCF or BCF, any compression; - for stdin")
    what = parser.add_argument_group("What to score")
    what.add_argument(
        "-r", "--reference", required=True, metavar="REF.fa", help="genome in FASTA, any compression, or 2bit"
    )
    what.add_argument(
        "--saturate",
        metavar="REGION",
        help="instead of CALLS: all substitutions of CONTIG:START-END (as samtools: from 1, both ends count)",
    )
    what.add_argument(
        "--skip-bad",
        action="store_true",
        help="keep records that do not fit the reference, without a score; else the first one is an error",
    )
    model = parser.add_argument_group("Model")
    add_model_options(model)
    model.add_argument(
        "--window",
        type=bounded_int(16),
        metavar="BP",
        help="sequence around a variant (default: what the model holds, at most 4096)",
    )
    model.add_argument(
        "--step",
        type=bounded_int(1),
        metavar="BP",
        help="windows begin on a grid, so that neighbours share them; 1 puts every variant in the middle "
        "(default: an eighth of the window)",
    )
    model.add_argument(
        "--strand", choices=("both", "forward"), default="both", help="mean of both strands, or forward alone"
    )
    output = parser.add_argument_group("Output")
    output.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="by its ending: .vcf, .vcf.gz, .bcf or .tsv; with --saturate .tsv or .npz (default: stdout)",
    )
    output.add_argument("--index", action="store_true", help="index the .vcf.gz or .bcf (.tbi or .csi)")
    output.add_argument(
        "--plot", metavar="FILE", help="with --saturate: draw a heat map (.png, .svg or .pdf)"
    )


def run(args: argparse.Namespace) -> None:
    """Score and write."""
    _check(args)
    from genoseq.hyena.alleles import VariantWindow
    from genoseq.index.genome import open_genome

    model = load_model(args)
    window = VariantWindow.of(model.config, args.window, args.step, both_strands=args.strand == "both")
    genome = open_genome(args.reference)

    from genoseq.hyena.variants import VariantScorer

    scorer = VariantScorer(model, genome, window)
    counts = _run_region(args, scorer) if args.saturate else _run_calls(args, scorer)
    _report(args, scorer, counts)


def _check(args: argparse.Namespace) -> None:
    """Refuse what makes no sense before long work."""
    from genoseq.errors import UsageError
    from genoseq.io.files import check_distinct, check_output
    from genoseq.io.vcf import calls_format

    if (args.calls is None) == (args.saturate is None):
        raise UsageError(
            "give a file of variants or --saturate REGION" + (", not both" if args.calls else "")
        )
    if args.calls == args.reference == "-":
        raise UsageError("standard input (-) can be read only once")
    ending = Path(args.output).suffix.lower()
    if args.saturate:
        if args.index or args.skip_bad:
            raise UsageError("--index and --skip-bad are for a file of variants, not for --saturate")
        if args.output != "-" and ending not in (".tsv", ".npz"):
            raise UsageError(f"-o {args.output}: --saturate writes .tsv or .npz")
    else:
        if args.plot:
            raise UsageError("--plot draws the region of --saturate")
        chosen = "tsv" if ending == ".tsv" else calls_format(args.output)
        if args.index and chosen in ("tsv", "vcf"):
            raise UsageError("--index needs -o with a name that ends in .vcf.gz or .bcf")
    check_plot(args.plot)
    outputs = {"-o": args.output, "--plot": args.plot, "--json": args.json}
    check_distinct(outputs, [args.calls, args.reference])
    for path in outputs.values():
        if path:
            check_output(path)


def _run_calls(args: argparse.Namespace, scorer: VariantScorer) -> Counter[str]:
    """Score a file of variants; what was counted."""
    from genoseq import __version__
    from genoseq.cli._progress import Progress
    from genoseq.hyena.calls import info_fields, score_calls
    from genoseq.io.table import write_tsv
    from genoseq.io.vcf import open_calls, open_calls_output

    counts: Counter[str] = Counter()
    with (
        open_calls(args.calls, ordered=args.index) as calls,
        Progress("scoring", "alleles", quiet=args.quiet) as progress,
    ):
        calls.declare(
            info_fields(scorer.model.name, scorer.window),
            {"genoseq_variantsVersion": __version__, "genoseq_variantsCommand": args.command_line},
            zip(scorer.genome.names, scorer.genome.lengths.tolist(), strict=True),
        )
        scored = _counted(score_calls(scorer, calls, skip_bad=args.skip_bad, tell=progress.add), counts)
        if args.output.lower().endswith(".tsv"):
            write_tsv(args.output, _CALL_COLUMNS, (row for call in scored for row in _call_rows(call)))
        else:
            with open_calls_output(args.output, calls, index=args.index) as out:
                for call in scored:
                    out.write(call.line())
    return counts


def _counted(scored: Iterator[ScoredCall], counts: Counter[str]) -> Iterator[ScoredCall]:
    for call in scored:
        counts["records"] += 1
        counts["alleles"] += len(call.call.alts)
        counts.update(reason or "scored" for reason in call.skipped)
        yield call


def _call_rows(scored: ScoredCall) -> Iterator[list[object]]:
    """A line of the table for each ALT allele."""
    from genoseq.hyena.scores import BITS

    call = scored.call
    for number, alt in enumerate(call.alts or (".",)):
        reason = scored.skipped[number]
        llr = float(scored.llr[number])
        values = [llr, BITS * llr, *scored.strands[number].tolist()]
        cells = ["" if value != value else round(value, 4) for value in values]
        identity = call.record.id or "."
        yield [call.contig, call.position + 1, identity, call.ref, alt, *cells, reason]


def _run_region(args: argparse.Namespace, scorer: VariantScorer) -> Counter[str]:
    """Score all substitutions of a region; what was counted."""
    from genoseq.cli._progress import Progress
    from genoseq.hyena.mutagenesis import saturate
    from genoseq.index.genome import parse_region
    from genoseq.io.files import open_output
    from genoseq.io.table import write_tsv

    contig, start, end = parse_region(args.saturate, scorer.genome)
    with Progress("scoring", "substitutions", 3 * (end - start), quiet=args.quiet) as progress:
        found = saturate(scorer, contig, start, end, progress.add)
    if args.output.lower().endswith(".npz"):
        import numpy as np

        with open_output(args.output) as file:
            np.savez(
                file, llr=found.llr, bases=found.letters, contig=contig, start=start,
                model=scorer.model.name, window=scorer.window.window,
            )  # fmt: skip
    else:
        write_tsv(args.output, _REGION_COLUMNS, _region_rows(found))
    if args.plot:
        _draw(found, args.plot)
    scored = int((found.llr == found.llr).sum())
    return Counter(bases=end - start, scored=scored, ambiguous=found.letters.count("N"))


def _region_rows(found: Mutagenesis) -> Iterator[list[object]]:
    from genoseq.hyena.scores import BITS

    for at, (ref, row) in enumerate(zip(found.letters, found.llr.tolist(), strict=True)):
        for alt, llr in zip("ACGT", row, strict=True):
            if llr == llr:
                values = round(llr, 4), round(BITS * llr, 4)
                yield [found.contig, found.start + at + 1, ref, alt, *values]


def _draw(found: Mutagenesis, path: str) -> None:
    from matplotlib.figure import Figure

    from genoseq.plots import mutagenesis_plot

    width = min(max(6.0, 1.5 + 0.12 * len(found.letters)), 24.0)
    figure = Figure(figsize=(width, 2.4), layout="constrained", dpi=150)
    ax = mutagenesis_plot(found.llr, found.letters, found.start, figure.subplots())
    ax.set_xlabel(f"{found.contig} (bp, from 1)")
    save_plot(figure, path)


def _report(args: argparse.Namespace, scorer: VariantScorer, counts: Counter[str]) -> None:
    """The summary on stderr, and as JSON."""
    from genoseq.hyena.alleles import SKIPPED

    skipped = {reason: counts[reason] for reason in SKIPPED if counts[reason]}
    window: VariantWindow = scorer.window
    if args.json:
        from genoseq.io.table import write_json

        summary: dict[str, object] = {"command": "variants", "command_line": args.command_line}
        summary |= {"model": scorer.model.name, "window": window.window, "step": window.step}
        summary |= {"strand": args.strand, "scored": counts["scored"], "skipped": skipped}
        names = ("bases",) if args.saturate else ("records", "alleles")
        summary |= {name: counts[name] for name in names}
        summary |= {"positions_computed": scorer.computed, "positions_without_sharing": scorer.whole}
        write_json(args.json, summary)
    if not args.quiet:
        what = f"{counts['bases']:,} bp" if args.saturate else f"{counts['records']:,} records"
        without = ", ".join(f"{reason} {count:,}" for reason, count in skipped.items())
        print(
            f"genoseq variants: {what}, {counts['scored']:,} alleles scored"
            + (f"; without a score: {without}" if without else ""),
            file=sys.stderr,
        )
