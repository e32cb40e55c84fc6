"""What `genoseq peptides` reads before the model is loaded: targets, decoys, peptides, and the plan."""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from genoseq.errors import GenoseqWarning, InputError, UsageError, counted

if TYPE_CHECKING:
    from genoseq.peptides.decoders import Decoder
    from genoseq.peptides.design import DesignPlan
    from genoseq.peptides.targets import Site, Target
    from genoseq.peptides.template import Template

__all__ = ["Inputs", "read_inputs"]

_PER_WANTED = 5  # candidates for each peptide that is wanted


class Inputs(NamedTuple):
    """What is to be done.

    Attributes
    ----------
    targets : list of Target
    plan : DesignPlan
    site : Site or None
    decoys : list of Target
        For all targets.
    peptides : dict or None
        To be scored: names of records by their letters; None if peptides are designed.
    """

    targets: list[Target]
    plan: DesignPlan
    site: Site | None
    decoys: list[Target]
    peptides: dict[str, list[str]] | None

    def decoys_of(self, target: Target, shuffled: int | None) -> list[Target]:
        """Decoys of a target, `shuffled` or those that were read."""
        from genoseq.peptides.targets import shuffled_targets

        return shuffled_targets(target, shuffled, self.plan.seed) if shuffled else self.decoys


def read_inputs(args: argparse.Namespace) -> Inputs:
    """Read all files, and refuse what the model need not be asked for.

    Raises
    ------
    UsageError
        If options do not go together, or ask for what a target has not.
    InputError
        If a file cannot be read, or a target or a peptide cannot be used.
    """
    from genoseq.peptides.targets import MOST_RESIDUES, Site, read_targets, windows_of

    site = None if args.site is None else Site.parse(args.site)
    peptides = None if args.score is None else _to_score(args.score)
    plan = _plan(args)
    targets = [target for path in args.targets for target in read_targets(path, chain=args.chain)]
    decoys = [] if args.decoys is None else list(read_targets(args.decoys))
    if args.decoys is not None and not decoys:
        raise InputError("no decoys in it", args.decoys)
    if not targets:
        warnings.warn(f"no targets in {', '.join(args.targets)}", GenoseqWarning, stacklevel=2)
    _check_names(targets, args)
    longest = max(map(len, plan.templates if peptides is None else peptides), default=1)
    for target in targets:
        windows_of(target, MOST_RESIDUES - longest, site)
        for decoy in decoys:
            if decoy.letters == target.letters:
                raise UsageError(
                    f"--decoys: {decoy.name} is the target {target.name}, letter by letter: nothing would be "
                    "specific; take it out"
                )
        if args.shuffled and len(set(target.letters)) == 1:
            raise UsageError(f"--shuffled: {target.name} has one letter alone and stays what it is")
    return Inputs(targets, plan, site, decoys, peptides)


def _check_names(targets: list[Target], args: argparse.Namespace) -> None:
    """Refuse names that could not be told apart in the outputs."""
    from genoseq.peptides.outputs import file_name

    counts = Counter(target.name for target in targets)
    if twice := next((name for name, count in counts.items() if count > 1), None):
        raise InputError(f"{counts[twice]} targets are named {twice}; give each its own name")
    if args.boltz is None and args.af3 is None:
        return
    names: dict[str, str] = {}
    for target in targets:
        file = file_name(target.name, 1).casefold()
        if file in names:
            raise InputError(
                f"files of the targets {names[file]} and {target.name} would have one name; rename one"
            )
        names[file] = target.name


def _plan(args: argparse.Namespace) -> DesignPlan:
    from genoseq.peptides.design import DesignPlan
    from genoseq.peptides.filters import parse_filters
    from genoseq.peptides.sampling import Sampling
    from genoseq.peptides.template import Template

    known = () if args.known is None else tuple(_letters_of(args.known))
    if args.score is not None:
        anything = (Template.of_length(1),)
        return DesignPlan(anything, select=args.select, known=known, cyclic=args.cyclic, seed=args.seed)
    templates = _templates(args)
    if args.candidates is None:
        args.candidates = _PER_WANTED * max(args.number, len(templates))
    return DesignPlan(
        templates=tuple(templates),
        count=args.number,
        candidates=args.candidates,
        scored=args.scored,
        decoder=_decoder(args),
        sampling=Sampling(args.temperature, args.top_k, args.top_p),
        conditions=tuple(parse_filters(args.filter)) if args.filter is not None else (),
        likeness=args.likeness,
        select=args.select,
        known=known,
        cyclic=args.cyclic,
        seed=args.seed,
    )


def _templates(args: argparse.Namespace) -> list[Template]:
    from genoseq.peptides.template import Template

    avoid = (args.avoid or "").replace(",", "").replace(" ", "")
    if args.template is None:
        found = [Template.of_length(length) for length in args.length]
    else:
        found = [Template.parse(text) for text in args.template]
        _check_lengths(args, found)
    if args.disulfide is not None:
        found = [each.bridged(*args.disulfide) for each in found]
    return [each.avoiding(avoid) for each in found]


def _check_lengths(args: argparse.Namespace, templates: list[Template]) -> None:
    """Hold templates against --length, if both are given."""
    if args.length is None:
        return
    lengths = {len(each) for each in templates}
    shortest, longest = args.length[0], args.length[-1]
    span = f"{shortest}" if shortest == longest else f"{shortest}-{longest}"
    for text, each in zip(args.template, templates, strict=True):
        if len(each) not in args.length:
            how = "longer" if len(each) > longest else "shorter"
            raise UsageError(
                f"--template {text} has {counted(len(each), 'letter')}, {how} than --length {span}; change "
                "one of them"
            )
    if others := [length for length in args.length if length not in lengths]:
        told = ", ".join(map(str, sorted(lengths)))
        warnings.warn(
            f"--length {span}: peptides have the length of their template ({told}); "
            f"{counted(len(others), 'other length')} in the range will not be designed",
            GenoseqWarning,
            stacklevel=2,
        )


def _decoder(args: argparse.Namespace) -> Decoder:
    from genoseq.peptides.decoders import Diverse, Gibbs, Guided, Independent, Iterative
    from genoseq.peptides.guide import Guide

    if args.decoder == "independent":
        return Independent()
    if args.decoder == "gibbs":
        return Gibbs(args.sweeps)
    if args.decoder == "diverse":
        return Diverse(args.groups, args.penalty)
    if args.decoder == "guided":
        wanted, unwanted = (_letters_of(path) for path in args.guide)
        return Guided(Guide.fit(wanted, unwanted), args.strength, args.wander)
    return Iterative(args.wander)


def _letters_of(path: str) -> list[str]:
    """The peptides of a file.

    Raises
    ------
    InputError
        If there are none.
    """
    from genoseq.io.proteins import read_proteins

    found = [protein.letters for protein in read_proteins(path)]
    if not found:
        raise InputError("no peptides in it", path)
    return found


def _to_score(path: str) -> dict[str, list[str]]:
    """Peptides to be scored, with the names of their records."""
    from genoseq.io.proteins import read_proteins
    from genoseq.peptides.template import LONGEST
    from genoseq.protein import AMINO_ACIDS

    found: dict[str, list[str]] = {}
    for name, letters, line in read_proteins(path):
        if other := sorted(set(letters) - set(AMINO_ACIDS)):
            raise InputError(
                f"the peptide {name} has {', '.join(other)}; only the 20 amino acids can be scored",
                path,
                line,
            )
        if len(letters) > LONGEST:
            raise InputError(
                f"the peptide {name} has {len(letters):,} letters; up to {LONGEST} are possible", path, line
            )
        found.setdefault(letters, []).append(name)
    if not found:
        warnings.warn(f"no peptides in {path}", GenoseqWarning, stacklevel=2)
    return found
