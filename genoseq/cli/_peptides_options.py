"""The options of `genoseq peptides`, and which of them go together.

An option that was not given is None until `settle` puts its default there, so that one which would have no
effect, of another decoder or of the design while known peptides are scored, is refused.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

from genoseq.cli._options import bounded_float, bounded_int, share
from genoseq.errors import UsageError

__all__ = ["DECODERS", "add_options", "settle"]

DECODERS: dict[str, tuple[str, ...]] = {
    "independent": (),
    "iterative": ("wander",),
    "gibbs": ("sweeps",),
    "diverse": ("groups", "penalty"),
    "guided": ("guide", "strength", "wander"),
}
"""The options of each decoder."""
_DEFAULTS: dict[str, Any] = {
    "number": 20,
    "decoder": "iterative",
    "temperature": 1.0,
    "top_p": 1.0,
    "likeness": 0.8,
}
_OF_A_DECODER: dict[str, Any] = {
    "wander": 0.5,
    "sweeps": 2,
    "penalty": 0.5,
    "strength": 5.0,
    "groups": None,
    "guide": None,
}
_OF_DESIGN = (
    "number", "length", "template", "avoid", "disulfide", "decoder", *_OF_A_DECODER, "temperature", "top_k",
    "top_p", "candidates", "scored", "likeness", "filter",
)  # fmt: skip
_LENGTH = 12  # of a peptide if nothing else is said; the median of PepMLM's test set is 10
_MOST = 10**6


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq peptides`."""
    _add_targets(parser.add_argument_group("Targets"))
    _add_peptides(parser.add_argument_group("Peptides"))
    _add_decoding(parser.add_argument_group("Decoding"))
    _add_choice(parser.add_argument_group("Choice"))
    model = parser.add_argument_group("Model")
    model.add_argument(
        "-m", "--model", metavar="MODEL",
        help="name of a protein model (genoseq models list), folder with config.json and weights, or file of "
        "weights (default: pepmlm-650m if it was fetched, else pepmlm-small)",
    )  # fmt: skip
    from genoseq.cli._hyena import add_device_options

    add_device_options(model)
    _add_output(parser.add_argument_group("Output"))


def _add_targets(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "targets", nargs="+", metavar="TARGET",
        help="proteins to bind: FASTA, PDB or mmCIF (.pdb, .ent, .cif, .mmcif), any compression; - for stdin",
    )  # fmt: skip
    group.add_argument("--chain", metavar="ID", help="of a structure (default: every protein chain)")
    group.add_argument(
        "--site", metavar="START-END",
        help="residues to bind, from 1 on; a target too long for the model is shown around them",
    )  # fmt: skip


def _add_peptides(group: argparse._ArgumentGroup) -> None:
    from genoseq.peptides.template import LONGEST

    group.add_argument(
        "-n", "--number", type=bounded_int(1, _MOST), metavar="N",
        help=f"peptides for each target (default: {_DEFAULTS['number']})",
    )  # fmt: skip
    group.add_argument(
        "--length", type=_lengths(LONGEST), metavar="N|N-M",
        help=f"letters of a peptide, 1..{LONGEST} (default: {_LENGTH}, or those of the templates)",
    )  # fmt: skip
    group.add_argument(
        "--template", action="append", metavar="TEXT",
        help="letters that are fixed, ? for any, [KR] for one of several, [^P] for none of several, for "
        "example 'K??R????'; may be repeated; peptides have the length of their template",
    )  # fmt: skip
    group.add_argument("--avoid", metavar="LETTERS", help="never use these, but where a template fixes them")
    group.add_argument(
        "--disulfide", type=_places, metavar="I-J",
        help="C at these two places, from 1 on, and nowhere else: a bridge",
    )  # fmt: skip
    group.add_argument(
        "--cyclic", action="store_true",
        help="closed head to tail: rotations are alike, mass and charge are without ends, Boltz is told; to "
        "the model the peptide is open",
    )  # fmt: skip
    group.add_argument(
        "--score", metavar="FILE.fa", help="score these peptides and rank them; nothing is designed"
    )


def _add_decoding(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--decoder", choices=tuple(DECODERS),
        help=f"how letters are drawn (default: {_DEFAULTS['decoder']})",
    )  # fmt: skip
    group.add_argument(
        "--wander", type=bounded_float(0, 100), metavar="NATS",
        help="iterative, guided: noise on which letter is next; 0: always the surest "
        f"(default: {_OF_A_DECODER['wander']})",
    )  # fmt: skip
    group.add_argument(
        "--sweeps", type=bounded_int(1, 1000), metavar="N",
        help=f"gibbs: how often each letter is drawn anew (default: {_OF_A_DECODER['sweeps']})",
    )  # fmt: skip
    group.add_argument(
        "--groups", type=bounded_int(1, _MOST), metavar="N",
        help="diverse: groups of beams (default: as many as candidates of a length)",
    )  # fmt: skip
    group.add_argument(
        "--penalty", type=bounded_float(0, 1000), metavar="NATS",
        help="diverse: what a letter costs for each group before that has it at the same place "
        f"(default: {_OF_A_DECODER['penalty']})",
    )  # fmt: skip
    group.add_argument(
        "--guide", nargs=2, metavar=("WANTED.fa", "UNWANTED.fa"),
        help="guided: peptides of the two classes to learn from",
    )  # fmt: skip
    group.add_argument(
        "--strength", type=bounded_float(0, 1000), metavar="X",
        help="guided: exponent of the probability of the wanted class "
        f"(default: {_OF_A_DECODER['strength']:g})",
    )  # fmt: skip
    group.add_argument(
        "--temperature", type=bounded_float(0, 1000), metavar="T",
        help="1: as the model finds the letters; lower: the probable ones more often; 0: the most probable "
        "one (default: 1)",
    )  # fmt: skip
    group.add_argument(
        "--top-k", type=bounded_int(1, 20), metavar="K",
        help="draw from the K most probable letters; PepMLM was published with 3 (default: all)",
    )  # fmt: skip
    group.add_argument(
        "--top-p", type=share, metavar="P",
        help="draw from the fewest most probable letters that together have the probability P (default: 1)",
    )  # fmt: skip


def _add_choice(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--candidates", type=bounded_int(1, _MOST), metavar="N",
        help="drawn for each target, at least one for each length and part (default: 5 for each peptide that "
        "is wanted, and for each length)",
    )  # fmt: skip
    group.add_argument(
        "--scored", type=bounded_int(1, _MOST), metavar="N",
        help="score this many exactly, the best by an estimate, or all if there are no more (default: twice "
        "-n, and more if too few are left; all with --select specificity)",
    )  # fmt: skip
    group.add_argument(
        "--filter", metavar="EXPR",
        help="conditions on properties, all of which must hold: 'charge>=0,gravy<0.5,difficulty!=oxidation'",
    )  # fmt: skip
    group.add_argument(
        "--likeness", type=share, metavar="X",
        help=f"largest identity of two peptides of a target (default: {_DEFAULTS['likeness']})",
    )  # fmt: skip
    group.add_argument(
        "--select", choices=("perplexity", "specificity"), default="perplexity", help="what ranks"
    )
    decoys = group.add_mutually_exclusive_group()
    decoys.add_argument(
        "--decoys", metavar="FILE", help="proteins that a peptide shall not bind, as targets are given"
    )
    decoys.add_argument(
        "--shuffled", type=bounded_int(1, 1000), metavar="N",
        help="make N decoys of each target by shuffling its letters",
    )  # fmt: skip
    group.add_argument(
        "--known", metavar="FILE.fa", help="peptides to compare with: the nearest identity is written"
    )


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-o", "--output", default="-", metavar="FILE", help="TSV; - for stdout")
    group.add_argument("--fasta", metavar="FILE", help="the peptides as FASTA, gzip if the name ends in .gz")
    group.add_argument("--boltz", metavar="DIR", help="an input of Boltz for each peptide, into a new folder")
    group.add_argument("--af3", metavar="DIR", help="an input of AlphaFold 3 for each, into a new folder")
    group.add_argument(
        "--report", metavar="FILE.html", help="a page with ranking, figures and logos (needs matplotlib)"
    )


def settle(args: argparse.Namespace) -> None:
    """Refuse what has no effect or does not go together, and put defaults where nothing was given.

    Raises
    ------
    UsageError
    """
    if args.score is not None:
        given = [name for name in _OF_DESIGN if getattr(args, name) is not None]
        if given:
            raise UsageError(f"{_flag(given[0])} belongs to design; with --score nothing is designed")
    decoder = args.decoder or _DEFAULTS["decoder"]
    for name in _OF_A_DECODER:
        if getattr(args, name) is not None and name not in DECODERS[decoder]:
            owners = " or ".join(owner for owner, names in DECODERS.items() if name in names)
            raise UsageError(f"{_flag(name)} belongs to --decoder {owners}; this is {decoder}")
    if decoder == "guided" and args.guide is None:
        raise UsageError("--decoder guided needs --guide WANTED.fa UNWANTED.fa, peptides to learn from")
    if args.select == "specificity" and args.decoys is None and args.shuffled is None:
        raise UsageError("--select specificity needs --decoys FILE or --shuffled N")
    if args.score is None:
        for name, value in (_DEFAULTS | {name: _OF_A_DECODER[name] for name in DECODERS[decoder]}).items():
            if getattr(args, name) is None:
                setattr(args, name, value)
        if args.length is None and args.template is None:
            args.length = (_LENGTH,)


def _flag(name: str) -> str:
    return "-n" if name == "number" else f"--{name.replace('_', '-')}"


def _lengths(longest: int) -> Callable[[str], tuple[int, ...]]:
    """An argparse type: a length, or a range of lengths with both ends."""
    bounded = bounded_int(1, longest)

    def parse(text: str) -> tuple[int, ...]:
        found = re.fullmatch(r"(\d+)-(\d+)", text)
        if found is None:
            return (bounded(text),)
        first, last = bounded(found[1]), bounded(found[2])
        if first > last:
            raise argparse.ArgumentTypeError(f"{text}: the shorter length comes first")
        return tuple(range(first, last + 1))

    return parse


def _places(text: str) -> tuple[int, int]:
    """An argparse type: two places counted from 1, to 0-based."""
    found = re.fullmatch(r"(\d+)-(\d+)", text)
    if found is None or not 1 <= int(found[1]) < int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not I-J, two places from 1 on, for example 1-8")
    return int(found[1]) - 1, int(found[2]) - 1
