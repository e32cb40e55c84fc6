"""Vectors and log-likelihoods of sequences, by a HyenaDNA model.

Each record of a FASTA or FASTQ file gets one vector, or each region of a genome (--regions, a BED file:
0-based, half-open), or each window of these (--window). Windows and regions are named SEQUENCE:START-END, in
coordinates like those of BED. A vector is the mean of the states of all bases; the last state, which has seen
all of them; or there is one for each base. Lower case counts as upper case, IUPAC codes other than A, C, G, T
are read as N.

Examples:
  genoseq embed sequences.fa -o vectors.npz
  genoseq embed genome.fa.gz -m LongSafari/hyenadna-small-32k-seqlen-hf --regions peaks.bed -o vectors.parquet
  genoseq embed genome.fa.gz --window 1000 -o windows.npz --scores scores.tsv
  genoseq embed sequences.fa --scores scores.tsv
"""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any

from genoseq.cli._hyena import add_model_options, load_model
from genoseq.cli._options import bounded_int, memory_size

if TYPE_CHECKING:
    from genoseq.cli._records import Record
    from genoseq.hyena.hyenadna import HyenaDNA
    from genoseq.hyena.stream import Computed, Stream
    from genoseq.hyena.windows import Window
    from genoseq.io.vectors import VectorFile

_SCORES = ("name", "sequence", "start", "end", "strand", "log_likelihood", "bits_per_base")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq embed`."""
    parser.add_argument(
        "sequences", metavar="SEQS", help="FASTA, FASTQ, 2bit, SAM or BAM, any compression; - for stdin"
    )
    parser.add_argument("--regions", metavar="BED", help="embed these regions of SEQS, a genome in FASTA")
    parser.add_argument(
        "--stranded", action="store_true", help="read regions of the - strand from that strand"
    )
    add_model_options(parser.add_argument_group("Model"))
    vectors = parser.add_argument_group("Vectors")
    vectors.add_argument(
        "--pool",
        choices=("mean", "last", "none"),
        default="mean",
        help="mean of the states of all bases, the last state, or none: one vector for each base",
    )
    vectors.add_argument(
        "--layer",
        type=bounded_int(0),
        metavar="N",
        help="states after N blocks, 0: the embedding (default: after the last, normed)",
    )
    windows = parser.add_argument_group("Windows")
    windows.add_argument(
        "--window",
        type=bounded_int(1),
        metavar="BP",
        help="cut into windows of this length; the last one may be shorter (default: whole sequences)",
    )
    windows.add_argument(
        "--overlap",
        type=bounded_int(0),
        default=0,
        metavar="BP",
        help="how much windows share; with --pool none and --scores only context for what is new",
    )
    windows.add_argument(
        "--memory",
        type=memory_size,
        default=4 << 30,
        metavar="SIZE",
        help="to compute a long window in, beside what torch itself takes, for example 2G (default: 4G)",
    )
    output = parser.add_argument_group("Output")
    output.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="vectors: .npz, .parquet or .tsv; - for stdout as TSV (the default without --scores)",
    )
    output.add_argument(
        "--scores",
        metavar="FILE",
        help="log-likelihood (nats) and bits/base of each record or region, as TSV; - for stdout",
    )
    output.add_argument(
        "--one-strand",
        action="store_true",
        help="score the strand that is given, not the mean of both",
    )


def run(args: argparse.Namespace) -> None:
    """Compute and write the vectors and the scores, whole or not at all."""
    from genoseq.io.table import write_json

    if args.output is None and args.scores is None:
        args.output = "-"
    _check(args)
    model = load_model(args)

    from genoseq.hyena.stream import Stream, Wanted
    from genoseq.hyena.tokenizer import warn_of_others
    from genoseq.hyena.windows import check_window

    check_window(args.window, args.overlap, model.config.l_max)
    wanted = Wanted(None if args.output is None else args.pool, args.layer, args.scores is not None)
    stream = Stream(model.network, wanted, model.inference, memory=args.memory)
    source = _source(args, model)
    first = list(islice(source, 1))  # most of what can be wrong is told before anything is written
    with _outputs(args, model) as (vectors, write):
        totals = _embed(args, stream, chain(first, source), vectors, write)
    warn_of_others(totals.others)
    if args.json:
        write_json(args.json, _summary(args, model, totals))
    if not args.quiet:
        words = f"{totals.records:,} sequences, {totals.bases:,} bp"
        if args.output is not None:
            words += f", {totals.vectors:,} vectors of {model.config.d_model}"
        if args.scores is not None and totals.all.bases:
            words += f"; {totals.all.bits:.4f} bits/base"
        print(f"genoseq embed: {words}", file=sys.stderr)


def _check(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything long begins."""
    from genoseq.errors import UsageError
    from genoseq.io.files import check_distinct, check_output
    from genoseq.io.vectors import vector_format

    if args.output is not None:
        vector_format(args.output)
    if args.stranded and args.regions is None:
        raise UsageError("--stranded is about the strands of --regions")
    if args.one_strand and args.scores is None:
        raise UsageError("--one-strand is about --scores")
    if args.regions == "-" == args.sequences:
        raise UsageError("only one of SEQS and --regions can be standard input")
    outputs = {"-o": args.output, "--scores": args.scores, "--json": args.json}
    check_distinct(outputs, [args.sequences, args.regions])
    for path in outputs.values():
        if path is not None:
            check_output(path)


@dataclass
class _Tally:
    """Nats of bases, summed."""

    nats: float = 0.0
    bases: float = 0.0

    def add(self, nats: float, bases: float) -> None:
        self.nats += nats
        self.bases += bases

    @property
    def bits(self) -> float:
        return -self.nats / math.log(2) / self.bases if self.bases else math.nan


@dataclass
class _Totals:
    """What a run has done."""

    records: int = 0
    bases: int = 0
    vectors: int = 0
    others: int = 0
    all: _Tally = field(default_factory=_Tally)


def _source(args: argparse.Namespace, model: HyenaDNA) -> Iterator[Record]:
    """The sequences, none longer than the model unless it is cut."""
    from genoseq.cli._records import read_records, read_regions
    from genoseq.errors import UsageError
    from genoseq.hyena.model import check_length

    if args.regions is None:
        records = read_records(args.sequences)
    else:
        records = read_regions(args.sequences, args.regions, stranded=args.stranded)
    for record in records:
        if args.window is None:
            try:
                check_length(len(record.tokens), model.config)
            except UsageError as error:
                raise UsageError(f"{record.entry.name}: {error}") from error
        yield record


@contextlib.contextmanager
def _outputs(
    args: argparse.Namespace, model: HyenaDNA
) -> Iterator[tuple[VectorFile | None, Callable[[Sequence[object]], None] | None]]:
    """The file of the vectors, and the function that writes a line of the scores; what is wanted of them."""
    from genoseq import __version__
    from genoseq.io.table import open_tsv
    from genoseq.io.vectors import open_vectors

    about = {"genoseq": __version__, "model": model.name, "pool": args.pool, "layer": args.layer}
    about |= {"window": args.window, "overlap": args.overlap, "precision": model.precision}
    with contextlib.ExitStack() as stack:
        vectors, write = None, None
        if args.output is not None:
            each_base = args.pool == "none"
            file = open_vectors(args.output, model.config.d_model, about, each_base=each_base)
            vectors = stack.enter_context(file)
        if args.scores is not None:
            write = stack.enter_context(open_tsv(args.scores, _SCORES))
        yield vectors, write


def _embed(
    args: argparse.Namespace,
    stream: Stream,
    source: Iterable[Record],
    vectors: VectorFile | None,
    write: Callable[[Sequence[object]], None] | None,
) -> _Totals:
    """Send the sequences through the model and write what comes of them."""
    from genoseq.cli._progress import Progress
    from genoseq.hyena.windows import windows_of

    waiting: dict[int, Record] = {}
    strands = (False, True) if args.scores is not None and not args.one_strand else (False,)

    def windows() -> Iterator[Window]:
        for number, record in enumerate(source):
            waiting[number] = record
            for reverse in strands:
                yield from windows_of(number, record.tokens, args.window, args.overlap, reverse=reverse)

    totals = _Totals()
    with Progress("embedding", "bp", quiet=args.quiet) as progress:
        for number, parts in groupby(stream.run(windows()), key=lambda part: part.window.sequence):
            record = waiting.pop(number)
            tally = _Tally()
            for part in parts:
                new = len(part.window.tokens) - part.window.skip
                if not part.window.reverse:
                    progress.add(new)
                    if vectors is not None:
                        totals.vectors += _write_vectors(args, record, part, vectors)
                if part.nats is not None:
                    nats, bases = part.new_nats()
                    tally.add(nats / len(strands), bases / len(strands))
            if write is not None:
                write((*astuple(record.entry), f"{tally.nats:.4f}", f"{tally.bits:.6g}"))
                totals.all.add(tally.nats, tally.bases)
            totals.records += 1
            totals.bases += len(record.tokens)
            totals.others += record.others
    return totals


def _write_vectors(args: argparse.Namespace, record: Record, part: Computed, vectors: VectorFile) -> int:
    """Write the vectors of a window; returns their number."""
    if part.vectors is None:
        return 0
    if args.pool == "none":
        new = part.vectors[part.window.skip :]
        vectors.add(record.entry, new)
        return len(new)
    vectors.add(record.entry if args.window is None else record.part(part.window), part.vectors)
    return 1


def _summary(args: argparse.Namespace, model: HyenaDNA, totals: _Totals) -> dict[str, Any]:
    return {
        "command": "embed",
        "command_line": args.command_line,
        "model": model.name,
        "device": str(model.device),
        "precision": model.precision,
        "sequences": totals.records,
        "bases": totals.bases,
        "read_as_n": totals.others,
        "vectors": totals.vectors,
        "channels": model.config.d_model,
        "bits_per_base": totals.all.bits if args.scores is not None else None,
    }
