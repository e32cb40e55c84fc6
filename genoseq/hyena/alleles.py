"""Alleles and the windows that they are scored in.

Each strand is looked at in its own direction, 5' to 3'. There a window is

    [ left flank | allele | right flank ]        REF and ALT with equal flanks

of at most `window` bases for the longer allele: what an insertion adds is taken from the end of the right
flank, of both alleles. So REF and ALT differ in nothing but the allele, and on each strand the windows begin
at the same base for all alleles of a site.

Windows begin on a grid of `step` bases, the one that puts the middle of the allele nearest to the middle, so
that variants near each other have one window, and the score of a variant depends on nothing else in its file.
Both strands of a single-base variant have the same window. At the ends of a contig windows are shifted.

Alleles are trimmed first: bases that REF and ALT begin or end with alike belong to the flanks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError, UsageError
from genoseq.hyena.config import HyenaConfig
from genoseq.index.genome import Genome, contig_length
from genoseq.sequence import AMBIGUOUS, ENCODE_TABLE, NOT_IUPAC, decode

_LONGEST_DEFAULT = 4096  # bp: the cost of a variant grows with the window
_SHORTEST = 16  # bp
_STEPS = 8  # of the grid in a window, by default
_SHOWN = 30  # bases of an allele in messages

SCORE, SKIP = "GSLLR", "GSSKIP"
"""INFO fields of VCF: the score of each ALT allele, and why it has none."""
SKIPPED = {
    "missing": "no ALT ('.')",
    "symbolic": "<DEL>, breakends and other ALT that are no bases",
    "star": "ALT '*': deleted by another record",
    "ambiguous": "N or another IUPAC code in the alleles, or in the reference under REF",
    "long": "allele longer than half of the window",
    "contig": "contig not in the reference",
    "position": "outside the contig",
    "mismatch": "REF differs from the reference",
    "letters": "REF or ALT with what is no nucleotide",
}
"""Why an allele has no score: a word, and what it means. The last four are errors unless they are wanted."""

_ERRORS = ("contig", "position", "mismatch", "letters")


class Variant(NamedTuple):
    """An allele at a place.

    Attributes
    ----------
    contig : str
    position : int
        Of the first base of REF, 0-based.
    ref, alt : str
        Letters of any case.
    """

    contig: str
    position: int
    ref: str
    alt: str


@dataclass(frozen=True)
class VariantWindow:
    """How variants are scored.

    Attributes
    ----------
    window : int
        Longest window, bp.
    step : int
        Grid that windows begin on, bp: a variant is up to half of it off the middle. With 1 every variant is
        in the middle, and shares its window only with others at the same base.
    both_strands : bool
        Take the mean of both strands, else the forward strand alone.
    """

    window: int = 1024
    step: int = 128
    both_strands: bool = True

    def __post_init__(self) -> None:
        if self.window < _SHORTEST:
            raise UsageError(f"window is {self.window} bp; it must be {_SHORTEST} or more")
        if not 1 <= self.step <= self.window // 4:
            raise UsageError(
                f"step is {self.step} bp; it must be 1..{self.window // 4}, a fourth of the window"
            )

    @classmethod
    def of(
        cls,
        config: HyenaConfig,
        window: int | None = None,
        step: int | None = None,
        *,
        both_strands: bool = True,
    ) -> VariantWindow:
        """The window for a model: by default its context, at most 4,096 bp, and a grid of an eighth of it.

        Raises
        ------
        UsageError
            If the window is longer than the model, or the step is out of range.
        """
        if window is None:
            # of the published lengths two are for special tokens
            window = min(max(config.l_max - 2, _SHORTEST), _LONGEST_DEFAULT)
        if window > config.l_max:
            raise UsageError(
                f"window is {window:,} bp; this model holds {config.l_max:,}: take a shorter window, or a "
                "model of a longer context (genoseq models list)"
            )
        return cls(window, max(1, window // _STEPS) if step is None else step, both_strands)

    @property
    def longest_allele(self) -> int:
        """Longest allele that is scored, bp."""
        return self.window // 2


class Refusal(NamedTuple):
    """Why an allele is not scored: a key of `SKIPPED`, and what was found."""

    reason: str
    found: str

    @property
    def is_error(self) -> bool:
        """Whether something is wrong with the file, or only not to be scored."""
        return self.reason in _ERRORS


def refuse_site(genome: Genome, contig: str, position: int, ref: str) -> Refusal | None:
    """What speaks against all alleles at a place: the contig, the position, or REF.

    A letter of the reference that is not A, C, G or T fits any REF, and N in REF any reference; alleles there
    are not scored.
    """
    try:
        length = contig_length(genome, contig)
    except InputError as error:
        return Refusal("contig", error.message)
    shown = f"{contig}:{position + 1}"
    codes = _codes(ref)
    if (codes == NOT_IUPAC).any() or ref in ("-", "."):
        return Refusal("letters", f"{shown}: REF is {_shorten(ref)!r}; nucleotides are expected")
    if not 0 <= position <= position + len(ref) <= length:
        return Refusal("position", f"{shown}: REF of {len(ref)} bp leaves {contig}, which has {length:,} bp")
    known = genome.contig_codes(contig, position, position + len(ref))
    if ((codes != known) & (codes < AMBIGUOUS) & (known < AMBIGUOUS)).any():
        found = f"{shown}: REF is {_shorten(ref)}, the reference has {_shorten(decode(known))}"
        return Refusal("mismatch", f"{found}; are both of one assembly?")
    if (codes == AMBIGUOUS).any() or (known == AMBIGUOUS).any():
        return Refusal(
            "ambiguous", f"{shown}: REF is {_shorten(ref)}, the reference {_shorten(decode(known))}"
        )
    return None


def refuse_alt(variant: Variant, window: VariantWindow) -> Refusal | None:
    """What speaks against one allele at a place that is good."""
    contig, position, ref, alt = variant
    shown = f"{contig}:{position + 1}"
    if alt == ".":
        return Refusal("missing", shown)
    if alt == "*":
        return Refusal("star", shown)
    if re.search(r"[<>\[\]]", alt) or (len(alt) > 1 and "." in (alt[0], alt[-1])):
        return Refusal("symbolic", f"{shown}: {_shorten(alt)}")
    codes = _codes(alt)
    if (codes == NOT_IUPAC).any() or "-" in alt or "." in alt:
        return Refusal("letters", f"{shown}: ALT is {_shorten(alt)!r}; nucleotides are expected")
    if (codes == AMBIGUOUS).any():
        return Refusal("ambiguous", f"{shown}: ALT is {_shorten(alt)}")
    _, trimmed_ref, trimmed_alt = trim(position, ref, alt)
    if (length := max(len(trimmed_ref), len(trimmed_alt))) > window.longest_allele:
        return Refusal("long", f"{shown}: {length:,} bp; at most {window.longest_allele:,} in this window")
    return None


def trim(position: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Alleles without what they end or begin with alike; either may become empty.

    Examples
    --------
    >>> trim(100, "CAG", "CTG"), trim(100, "CAA", "CA"), trim(7, "a", "ATT")
    ((101, 'A', 'T'), (101, 'A', ''), (8, '', 'TT'))
    """
    ref, alt = ref.upper(), alt.upper()
    end = 0
    while end < min(len(ref), len(alt)) and ref[-1 - end] == alt[-1 - end]:
        end += 1
    ref, alt = ref[: len(ref) - end], alt[: len(alt) - end]
    start = 0
    while start < min(len(ref), len(alt)) and ref[start] == alt[start]:
        start += 1
    return position + start, ref[start:], alt[start:]


class Frame(NamedTuple):
    """Where an allele lies in its window, in the direction of the strand.

    Attributes
    ----------
    start : int
        Of the window, from the 5' end of the strand, bp.
    stop : int
        Bases at the beginning of the window that all its alleles have in common; at most `left`.
    left, right : int
        Lengths of the flanks, bp.
    """

    start: int
    stop: int
    left: int
    right: int


def frame(
    position: int, ref: int, alt: int, contig: int, window: VariantWindow, *, reverse: bool = False
) -> Frame:
    """The frame of a trimmed allele.

    Parameters
    ----------
    position : int
        Of REF on the forward strand, 0-based.
    ref, alt : int
        Lengths of the alleles, bp; the longer at most `window.longest_allele`.
    contig : int
        Length of the contig, bp.
    reverse : bool
        On the other strand.

    Examples
    --------
    >>> frame(50_000, 1, 1, 63_025_520, VariantWindow(1024, 128))
    Frame(start=49536, stop=448, left=464, right=559)
    """
    longest = max(ref, alt, 1)
    size, step = window.window, window.step
    # flanks of a single base lie in low .. low + step - 1; the other strand sees the mirror image
    low = (size - step + reverse) // 2
    least = low - step * ((longest - 1) // (2 * step))  # a longer allele begins earlier, by whole steps
    place = contig - position - ref if reverse else position
    phase = (contig - size) % step if reverse else 0  # so that windows of both strands are the same
    start = (place - least - phase) // step * step + phase
    start = max(min(start, contig - size), place + longest - size, 0)
    left = place - start
    stop = max(0, low + step * ((left - low) // step))
    right = min(contig - place - ref, size - left - longest)
    return Frame(start, stop, left, right)


def _codes(letters: str) -> NDArray[np.uint8]:
    return ENCODE_TABLE[np.frombuffer(letters.encode("ascii", "replace"), np.uint8)]


def _shorten(letters: str) -> str:
    return letters if len(letters) <= _SHOWN else f"{letters[:_SHOWN]}.. ({len(letters):,} bp)"
