"""Scores of the records of a VCF or BCF file, in the order of the file.

Records are scored some thousand alleles at a time, whatever their order and however large the file. Every
record comes out again; an allele without a score has a reason (`genoseq.hyena.alleles.SKIPPED`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError
from genoseq.hyena.alleles import SCORE, SKIP, SKIPPED, Refusal, Variant, VariantWindow
from genoseq.hyena.variants import VariantScorer
from genoseq.io.vcf import Call, Calls

_ALLELES = 4096  # at a time
_GENOTYPES = 1 << 24  # in memory: of a large cohort fewer records are held
_DECIMALS = 4  # what float32 and another order of sums leave alike


@dataclass(frozen=True)
class ScoredCall:
    """A record with the scores of its ALT alleles.

    Attributes
    ----------
    call : Call
    llr : ndarray, shape (alleles,), dtype float64
        As `VariantScores.llr`; a record without ALT has one that is missing.
    strands : ndarray, shape (alleles, 2), dtype float64
    skipped : list of str
    """

    call: Call
    llr: NDArray[np.float64]
    strands: NDArray[np.float64]
    skipped: list[str]

    def line(self) -> bytes:
        """The record as a line of VCF, with its scores and reasons in INFO."""
        scores: list[float | None] | None = None
        reasons: list[str] | None = None
        if self.call.alts and not all(self.skipped):
            scores = [None if np.isnan(value) else round(float(value), _DECIMALS) for value in self.llr]
        if self.call.alts and any(self.skipped):
            reasons = [reason or "." for reason in self.skipped]
        self.call.annotate({SCORE: scores, SKIP: reasons})
        return self.call.text()


def score_calls(
    scorer: VariantScorer,
    calls: Calls,
    *,
    skip_bad: bool = False,
    tell: Callable[[int], object] | None = None,
) -> Iterator[ScoredCall]:
    """Score the records of a file.

    Parameters
    ----------
    skip_bad : bool
        Leave records that do not fit the genome without a score; else the first of them is an error.
    tell : callable, optional
        Called now and then with how many more alleles are scored.

    Raises
    ------
    InputError
        With file and line, if REF differs from the genome, a contig is not in it, or an allele is no
        sequence.
    """
    for some in _gathered(calls, min(_ALLELES, max(1, _GENOTYPES // max(1, calls.samples)))):
        variants = [
            Variant(call.contig, call.position, call.ref, alt) for call in some for alt in call.alts or (".",)
        ]
        owners = [call for call in some for _ in call.alts or (".",)]
        refusals = [scorer.refuse(variant) for variant in variants]
        if not skip_bad:
            for call, refusal in zip(owners, refusals, strict=True):
                if refusal is not None and refusal.is_error:
                    raise _error(calls.path, call, refusal)
        scores = scorer.score_checked(variants, refusals, tell)
        first = 0
        for call in some:
            end = first + max(1, len(call.alts))
            yield ScoredCall(
                call, scores.llr[first:end], scores.strands[first:end], scores.skipped[first:end]
            )
            first = end


def info_fields(model: str, window: VariantWindow) -> dict[str, tuple[str, str]]:
    """Type and description of the INFO fields, as `Calls.declare` takes them."""
    strands = "mean of both strands" if window.both_strands else "forward strand"
    how = f"model {model}, windows of {window.window} bp on a grid of {window.step} bp, {strands}"
    reasons = ", ".join(SKIPPED)
    return {
        SCORE: ("Float", f"Log-likelihood of the sequence with ALT minus that with REF, nats; {how}"),
        SKIP: ("String", f"Why an allele has no {SCORE}: one of {reasons}"),
    }


def _gathered(calls: Iterable[Call], most: int) -> Iterator[list[Call]]:
    """Records of so many alleles."""
    some: list[Call] = []
    alleles = 0
    for call in calls:
        some.append(call)
        alleles += max(1, len(call.alts))
        if alleles >= most:
            yield some
            some, alleles = [], 0
    if some:
        yield some


def _error(path: str, call: Call, refusal: Refusal) -> InputError:
    record = f"record {call.number}: " if call.line is None else ""
    return InputError(
        f"{record}{refusal.found} (--skip-bad keeps such records, without a score)", path, call.line
    )
