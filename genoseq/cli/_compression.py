"""What `classify` and `train classifier` share: the options of the two methods by compression, and what they
make."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from genoseq.cli import _options
from genoseq.errors import UsageError

if TYPE_CHECKING:
    from genoseq.ncd.neighbours import NCDClassifier
    from genoseq.ncd.relative import RelativeClassifier

__all__ = [
    "METHODS",
    "add_method_options",
    "check_options",
    "check_unused",
    "unfitted",
]

METHODS = ("relative", "ncd")
_OF_METHOD = {  # options that only one method has, and what they do without being given
    "ncd": {"compressor": "gzip", "neighbours": 1, "metric": "ncd", "prefilter": None},
    "relative": {},
}
_SHARED = {"strands": "forward", "reject": None, "alphabet": "dna"}


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the methods by compression."""
    both = parser.add_argument_group("Compression")
    both.add_argument("--alphabet", choices=("dna", "protein"), help="of the sequences (default: dna)")
    both.add_argument(
        "--strands",
        choices=("forward", "both"),
        help="both: a sequence may come from either strand of what is known (default: forward)",
    )
    both.add_argument(
        "--reject",
        type=_options.bounded_float(0.0001, 0.9999),
        metavar="SHARE",
        help='label "none" what resembles no class; at most this share of the known classes is given up',
    )
    ncd = parser.add_argument_group("Neighbours (--method ncd)")
    ncd.add_argument(
        "--compressor",
        metavar="NAME",
        help="gzip, bz2, lzma, zstd, brotli, lz4 or snappy, with the settings of the paper; zstd-19, "
        "zstd-19-long27 and so on with others; mixing (DNA) and protein are genoseq's own, see more and "
        "are slow (default: gzip)",
    )
    ncd.add_argument(
        "-k",
        "--neighbours",
        type=_options.bounded_int(1, 10**6),
        metavar="N",
        help="nearest sequences that vote (default: 1)",
    )
    ncd.add_argument("--metric", choices=("ncd", "cdm", "clm"), help="distance (default: ncd)")
    ncd.add_argument(
        "--prefilter",
        type=_options.bounded_int(1, 10**6),
        metavar="N",
        help="compress with the N sequences that share most words only; 16 lose nothing that was measured "
        "and are 80 times as fast with some thousand sequences (default: with all)",
    )


def check_options(args: argparse.Namespace, method: str, *, fitted: bool) -> None:
    """Refuse options of another method, and settings of a model that is there; fill in the defaults.

    Raises
    ------
    UsageError
    """
    for other, options in _OF_METHOD.items():
        for name, default in options.items():
            given = getattr(args, name) is not None
            if given and method != other:
                raise UsageError(f"--{name} is for --method {other}, not for {method}")
            if given and fitted:
                raise UsageError(f"--{name}: a model has settings of its own; give it to genoseq train")
            if not given:
                setattr(args, name, default)
    for name, default in _SHARED.items():
        if getattr(args, name) is None:
            setattr(args, name, default)
        elif fitted:
            raise UsageError(f"--{name}: a model has settings of its own; give it to genoseq train")
    if args.alphabet == "protein" and args.strands == "both":
        raise UsageError("--strands both: a protein has no other strand")
    if args.prefilter is not None and args.prefilter < args.neighbours:
        found = f"--prefilter {args.prefilter} and {args.neighbours} neighbours"
        raise UsageError(f"{found}: at least as many are needed, and some tens are good")


def check_unused(args: argparse.Namespace) -> None:
    """Refuse options of the methods by compression where another method runs.

    Raises
    ------
    UsageError
    """
    for name in (*(name for options in _OF_METHOD.values() for name in options), *_SHARED):
        if getattr(args, name) is not None:
            raise UsageError(f"--{name} is for --method {' and '.join(METHODS)}, not for {args.method}")


def unfitted(args: argparse.Namespace) -> RelativeClassifier | NCDClassifier:
    """The classifier that the options describe."""
    if args.method == "relative":
        from genoseq.ncd.relative import RelativeClassifier

        return RelativeClassifier(
            alphabet=args.alphabet, both_strands=args.strands == "both", reject=args.reject or 0
        )
    from genoseq.ncd.named import compressor_named
    from genoseq.ncd.neighbours import NCDClassifier

    return NCDClassifier(
        compressor_named(args.compressor), args.neighbours, metric=args.metric,
        both_strands=args.strands == "both", prefilter=args.prefilter,
        prefilter_k=3 if args.alphabet == "protein" else 11, reject=args.reject, n_jobs=args.threads,
    )  # fmt: skip
