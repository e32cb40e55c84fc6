"""Parameters of the alignment, and the presets: named instances of them.

A preset is a *cascade*: stages of search from the cheapest to the dearest. A read leaves the cascade as soon
as its best verified locus convinces (`genoseq.align.conviction`); what is left pays for the next stage.
"""

from __future__ import annotations

from dataclasses import dataclass

from genoseq.align.conviction import Judge, judge
from genoseq.errors import UsageError

ANY, REPEAT, DIVERGENT = 0, 1, 2
"""Which reads a stage takes: all still there; those whose best locus is close; those without a close one."""


@dataclass(frozen=True)
class Stage:
    """One stage of the cascade.

    Parameters
    ----------
    word : int
        Anchor word whose anchors are searched; -1 for all words of the index.
    first, last : int
        Ranks of the anchors to search, half-open (anchors of a read are ranked by `search.rank_anchors`).
    probes : int
        Cells to scan for each anchor: its own, then those one substitution away.
    hits : int
        Nearest reference anchors to take from the cells of one anchor.
    takes : int
        `ANY`, `REPEAT` or `DIVERGENT`.
    verify : int
        Candidates to verify at most.
    """

    word: int
    first: int
    last: int
    probes: int = 1
    hits: int = 2
    takes: int = ANY
    verify: int = 20


@dataclass(frozen=True)
class Scoring:
    """Scores of the final alignment: LAST's for divergent DNA (5, -5, 15, 3), rounded to small numbers.

    A gap of length k costs ``gap_open + k * gap_extend``. `end_bonus` is what an alignment to an end of the
    read is worth: a shorter alignment must score that much better to be soft-clipped.
    """

    match: int = 2
    mismatch: int = 2
    gap_open: int = 6
    gap_extend: int = 1
    end_bonus: int = 10


@dataclass(frozen=True)
class AlignmentParameters:
    """Everything that decides an alignment.

    Parameters
    ----------
    stages : tuple of Stage
    conviction : Judge
        Decides after each stage whether a read is done.
    certainty : Judge
        Gives the mapping quality.
    kinship : Judge
        Gives that of mates.
    divergent : float
        Edit distance (share of the read) that separates the stages for divergent reads from those for
        repeats.
    edge : int
        Anchors closer than this to an end of the read are not used, bp.
    vote_base : float
        A hit votes with its similarity less this.
    tolerance : int
        Diagonals that differ by at most this belong to one locus, bp.
    slack : int
        Room on both sides of a locus for insertions and deletions, bp.
    min_identity_score : float
        Alignments that score less than this share of a perfect one are reported as unmapped.
    max_length : int
        Longest read of the preset, bp.
    """

    stages: tuple[Stage, ...]
    conviction: Judge
    certainty: Judge
    kinship: Judge
    divergent: float = 0.12
    scoring: Scoring = Scoring()
    edge: int = 4
    vote_base: float = 0.3
    tolerance: int = 6
    slack: int = 12
    min_identity_score: float = 0.30
    max_length: int = 1000


@dataclass(frozen=True)
class LongParameters:
    """Everything that decides the alignment of long reads (`genoseq.align.long`).

    Parameters
    ----------
    stages : tuple of Stage
        Searches of a sample of the anchors; a read takes the next one if this one explains too little of it.
    passage : Judge
        Gives the mapping quality.
    scoring : Scoring
        minimap2's for noisy reads.
    long_gap_open, long_gap_extend : int
        Cost of a gap where it is less than that of `scoring`.
    drop : int
        An alignment ends where its score falls by this much.
    gap, shift : int
        Distance and change of diagonal between neighbours of a chain at most, bp.
    least_votes : float
        Chains with less than this are not looked at.
    least_score, least_part : int
        Nor are alignments that score less, or supplementary ones: chance finds more beside a good one.
    explained : float
        Share of a read that its alignments must cover, for the search to end, and
    hits : int
        hits that its best chain must have.
    edge, vote_base, max_length
        As for `AlignmentParameters`.
    """

    stages: tuple[Stage, ...]
    passage: Judge
    scoring: Scoring = Scoring(match=2, mismatch=4, gap_open=4, gap_extend=2, end_bonus=10)
    long_gap_open: int = 24
    long_gap_extend: int = 1
    drop: int = 400
    gap: int = 5000
    shift: int = 500
    least_votes: float = 0.6
    least_score: int = 80
    least_part: int = 160
    explained: float = 0.9
    hits: int = 5
    edge: int = 4
    vote_base: float = 0.3
    max_length: int = (1 << 21) - 1


_FIRST = (Stage(0, 0, 3, verify=4), Stage(0, 3, 8, verify=8), Stage(0, 8, 999, verify=16))


def _last(word: int) -> tuple[Stage, ...]:
    """The dear stages, for repeats and for divergent reads, with the anchors of a word (-1: of all)."""
    return (
        Stage(word, 0, 6, hits=32, takes=REPEAT, verify=60),
        Stage(word, 6, 999, hits=32, takes=REPEAT, verify=60),
        Stage(word, 0, 8, hits=256, takes=REPEAT, verify=100),
        Stage(word, 0, 5, probes=20, hits=8, takes=DIVERGENT, verify=40),
        Stage(word, 5, 10, probes=20, hits=20, takes=DIVERGENT, verify=60),
        Stage(word, 10, 999, probes=20, hits=32, takes=DIVERGENT, verify=100),
    )


_DIVERGENT = (*_FIRST, Stage(1, 0, 999, verify=24), *_last(-1))
CASCADES = {
    "sr": (*_FIRST, *_last(0)),
    "divergent": _DIVERGENT,
    "sensitive": (*_DIVERGENT, Stage(-1, 0, 999, probes=40, hits=128, takes=DIVERGENT, verify=300)),
}
"""The cascade of each preset: one anchor word; two words; two and a last, exhaustive stage."""
LONG = "long"
LONG_STAGES = (Stage(0, 0, 1, hits=8), Stage(-1, 0, 1, probes=20, hits=8))
"""Eight hits: an E. coli read of which a part is one of the seven rRNA operons needs the others' hits too."""
PRESETS = (*CASCADES, LONG)
"""Names of all presets."""


def long_preset(*, passage: Judge | None = None) -> LongParameters:
    """The parameters of the preset `long`, with the judge that ships or another."""
    return LongParameters(LONG_STAGES, passage or judge("passage"))


def default_preset(words: int) -> str:
    """The preset for short reads that an index of so many anchor words was made for."""
    return "sr" if words == 1 else "divergent"


def parameters_of(name: str) -> AlignmentParameters | LongParameters:
    """The parameters of any preset, with the judges that ship.

    Raises
    ------
    UsageError
        If there is no such preset; the message lists them.
    """
    return long_preset() if name == LONG else preset(name)


def preset(
    name: str,
    *,
    conviction: Judge | None = None,
    certainty: Judge | None = None,
    kinship: Judge | None = None,
) -> AlignmentParameters:
    """The parameters of a preset for short reads, with the judges that ship or others.

    Raises
    ------
    UsageError
        If there is no such preset; the message lists them.
    """
    if name not in CASCADES:
        raise UsageError(f"unknown preset {name!r}; choose from {', '.join(PRESETS)}")
    return AlignmentParameters(
        CASCADES[name],
        conviction or judge("conviction"),
        certainty or judge("certainty"),
        kinship or judge("kinship"),
    )
