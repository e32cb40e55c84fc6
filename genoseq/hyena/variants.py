"""Zero-shot scores of variants: how much more, or less, probable a model finds ALT than REF.

    score = log P(window with ALT) - log P(window with REF)        nats, mean of both strands

Negative: the model prefers REF. The windows (`genoseq.hyena.alleles`) differ in the allele alone, and what is
before it is equal, so the difference is that of the bases from the allele on. An indel also pays for bases:
an insertion of n has n bases more to predict, some 1.3 nats each; compare indels of one length.

Nothing is computed twice. Alleles whose windows begin at one base of one strand are a *group*: what they have
in common is read once (`genoseq.hyena.prefix`), REF is read once, and of every other allele only the rest of
the window, about its half. Groups are put into batches by the length of their beginnings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from genoseq.errors import InputError, UsageError
from genoseq.hyena.alleles import Refusal, Variant, VariantWindow, frame, refuse_alt, refuse_site, trim
from genoseq.hyena.prefix import read_prefix, rest_log_probabilities
from genoseq.hyena.tokenizer import PAD, tokens_of
from genoseq.hyena.workers import Workers, one_core
from genoseq.index.genome import Genome, contig_length
from genoseq.sequence import encode, reverse_complement

if TYPE_CHECKING:
    from genoseq.hyena.hyenadna import HyenaDNA

# positions in a batch: on a CPU what fits its caches (benchmarks/hyena/variant_speed.py)
_POSITIONS = {"cpu": 1 << 14, "cuda": 1 << 18}
_BATCHES = 4  # of a job
_ROUND = 4  # jobs of a thread between two reports


@dataclass(frozen=True)
class VariantScores:
    """Scores of variants, in their order.

    Attributes
    ----------
    llr : ndarray, shape (n,), dtype float64
        Log-likelihood of ALT minus that of REF, nats; NaN if not scored.
    strands : ndarray, shape (n, 2), dtype float64
        The same on the forward strand and on the reverse strand (NaN if that was not asked for).
    skipped : list of str
        Why an allele has no score, a key of `SKIPPED`; "" if it has one.
    """

    llr: NDArray[np.float64]
    strands: NDArray[np.float64]
    skipped: list[str]

    def __len__(self) -> int:
        return len(self.llr)


class _Rest(NamedTuple):
    """An allele in a group, to be read."""

    variant: int
    row: int  # its tokens among those of the group; REF is row 0
    left: int  # bases of the window before the allele
    ref_end: int  # where the window ends in the row of REF, and in its own
    alt_end: int


_Results = list[tuple[int, int, float]]
"""Number of the variant, strand, score."""


@dataclass
class _Group:
    """Alleles that have the beginning of their window in common."""

    strand: int
    stop: int  # length of the beginning
    window: NDArray[np.uint8]  # codes of REF
    rows: dict[bytes, int] = field(default_factory=dict)  # codes of the other alleles -> row
    rests: list[_Rest] = field(default_factory=list)

    def tokens(self) -> list[NDArray[np.uint8]]:
        """The rest of the window for each row."""
        end = max(rest.ref_end for rest in self.rests)
        others = [np.frombuffer(codes, np.uint8) for codes in self.rows]
        return [tokens_of(codes) for codes in (self.window[self.stop : end], *others)]


class VariantScorer:
    """Scores variants of a genome with a model.

    Parameters
    ----------
    model : HyenaDNA
    genome : Genome
        What REF and the flanks are taken from (`open_genome`).
    window : VariantWindow

    Attributes
    ----------
    computed : int
        Positions that the network was run on so far, on both strands.
    whole : int
        Positions if every allele had been run whole, and REF anew for each: what sharing saves is the rest.
    """

    def __init__(self, model: HyenaDNA, genome: Genome, window: VariantWindow) -> None:
        if window.window > model.config.l_max:
            raise UsageError(f"window is {window.window:,} bp; this model holds {model.config.l_max:,}")
        self.model, self.genome, self.window = model, genome, window
        self.computed = self.whole = 0
        self._positions = _POSITIONS.get(model.device.type, _POSITIONS["cpu"])

    def refuse(self, variant: Variant) -> Refusal | None:
        """Why a variant cannot be scored; None if it can."""
        site = refuse_site(self.genome, variant.contig, variant.position, variant.ref)
        alt = refuse_alt(variant, self.window)
        if site is None:
            return alt
        if alt is not None and (not site.is_error or site.reason == "position"):
            return alt  # a breakend may be at POS 0 or beyond the end: at a telomere
        return site

    def score(
        self,
        variants: Iterable[Variant],
        *,
        skip_bad: bool = False,
        tell: Callable[[int], object] | None = None,
    ) -> VariantScores:
        """Score variants.

        Parameters
        ----------
        skip_bad : bool
            Leave what does not fit the genome without a score; else it is an error.
        tell : callable, optional
            Called now and then with how many more are done.

        Raises
        ------
        InputError
            If a contig is not in the genome, REF differs from it, or an allele is no sequence.
        """
        variants = list(variants)
        refusals = [self.refuse(variant) for variant in variants]
        for refusal in refusals:
            if refusal is not None and refusal.is_error and not skip_bad:
                raise InputError(refusal.found)
        return self.score_checked(variants, refusals, tell)

    def score_checked(
        self,
        variants: Sequence[Variant],
        refusals: Sequence[Refusal | None],
        tell: Callable[[int], object] | None = None,
    ) -> VariantScores:
        """Score the variants that `refuse` says nothing against."""
        strands = np.full((len(variants), 2), np.nan)
        groups = self._groups(variants, refusals, strands)
        done = 0
        for computed, results in self._run_all(list(self._jobs(groups))):
            self.computed += computed
            for variant, strand, value in results:
                strands[variant, strand] = value
            if tell is not None:
                sides = 1 + self.window.both_strands
                tell((done + len(results)) // sides - done // sides)
                done += len(results)
        llr = strands.mean(1) if self.window.both_strands else strands[:, 0].copy()
        return VariantScores(llr, strands, ["" if r is None else r.reason for r in refusals])

    def _groups(
        self,
        variants: Sequence[Variant],
        refusals: Sequence[Refusal | None],
        strands: NDArray[np.float64],
    ) -> list[_Group]:
        groups: dict[tuple[str, int, int, int], _Group] = {}
        sides = range(1 + self.window.both_strands)
        for number, (variant, refusal) in enumerate(zip(variants, refusals, strict=True)):
            if refusal is not None:
                continue
            position, ref, alt = trim(variant.position, variant.ref, variant.alt)
            if not ref and not alt:
                strands[number, list(sides)] = 0.0
                continue
            length = contig_length(self.genome, variant.contig)
            codes = encode(alt)
            for strand in sides:
                start, stop, left, right = frame(
                    position, len(ref), len(alt), length, self.window, reverse=strand == 1
                )
                key = (variant.contig, strand, start, stop)
                if key not in groups:
                    groups[key] = _Group(strand, stop, self._window(variant.contig, length, strand, start))
                group = groups[key]
                ref_end, alt_end = left + len(ref) + right, left + len(alt) + right
                allele = reverse_complement(codes) if strand else codes
                parts = group.window[stop:left], allele, group.window[left + len(ref) : ref_end]
                row = group.rows.setdefault(np.concatenate(parts).tobytes(), len(group.rows) + 1)
                group.rests.append(_Rest(number, row, left, ref_end, alt_end))
                self.whole += ref_end + alt_end
        return list(groups.values())

    def _window(self, contig: str, length: int, strand: int, start: int) -> NDArray[np.uint8]:
        """Codes of the reference from the beginning of a window on, in the direction of the strand."""
        end = min(start + self.window.window, length)
        if strand:
            return reverse_complement(self.genome.contig_codes(contig, length - end, length - start))
        return self.genome.contig_codes(contig, start, end)

    def _jobs(self, groups: list[_Group]) -> Iterator[list[_Group]]:
        """Groups whose beginnings are of one length, as many as make a few batches."""
        by_length: dict[int, list[_Group]] = {}
        for group in groups:
            by_length.setdefault(group.stop, []).append(group)
        for stop, some in by_length.items():
            job: list[_Group] = []
            rows = 0
            ahead = self.window.window - stop
            for group in some:
                more = len(group.rows) + 1
                full = (len(job) + 1) * max(stop, ahead) > self._positions
                if job and (full or (rows + more) * ahead > _BATCHES * self._positions):
                    yield job
                    job, rows = [], 0
                job.append(group)
                rows += more
            yield job

    def _run_all(self, jobs: list[list[_Group]]) -> Iterator[tuple[int, _Results]]:
        threads = torch.get_num_threads() if self.model.device.type == "cpu" else 1
        with Workers(threads, self.model.inference) as workers:
            for first in range(0, len(jobs), _ROUND * threads):
                with one_core():
                    found = workers.map(self._run, jobs[first : first + _ROUND * threads])
                yield from found

    def _run(self, groups: list[_Group]) -> tuple[int, _Results]:
        """Positions computed, and the scores of the alleles of groups with beginnings of one length."""
        tokens = [group.tokens() for group in groups]
        computed, sums = self._sums(groups, tokens)
        results: _Results = []
        first = 0
        for group, rows in zip(groups, tokens, strict=True):
            reference = sums[first]
            for rest in group.rests:
                own, begin = sums[first + rest.row], rest.left - group.stop
                alt = own[rest.alt_end - group.stop] - own[begin]
                ref = reference[rest.ref_end - group.stop] - reference[begin]
                results.append((rest.variant, group.strand, float(alt - ref)))
            first += len(rows)
        return computed, results

    def _sums(
        self, groups: list[_Group], tokens: list[list[NDArray[np.uint8]]]
    ) -> tuple[int, list[NDArray[np.float64]]]:
        """Positions computed, and of each row of each group the sums of nats before each of its tokens."""
        network, device = self.model.network, self.model.device
        rests = [row for rows in tokens for row in rows]
        owners = [number for number, rows in enumerate(tokens) for _ in rows]
        beginnings = _stacked([tokens_of(group.window[: group.stop]) for group in groups], device)
        prefix = read_prefix(network, beginnings, max(map(len, rests)))
        computed = beginnings.numel()
        sums: list[NDArray[np.float64]] = []
        most = max(1, self._positions // prefix.ahead)
        for first in range(0, len(rests), most):
            ids = _stacked(rests[first : first + most], device)
            rows = torch.tensor(owners[first : first + most], device=device)
            nats = rest_log_probabilities(network, prefix, rows, ids).double().cumsum(1)
            sums += list(np.pad(nats.cpu().numpy(), ((0, 0), (1, 0))))
            computed += ids.numel()
        return computed, sums


def _stacked(rows: Sequence[NDArray[np.uint8]], device: torch.device) -> torch.Tensor:
    """Tokens as int64 (rows, length), padded on the right: what no base before it sees."""
    ids = np.full((len(rows), max(map(len, rows))), PAD, np.uint8)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
    return torch.from_numpy(ids).to(device).long()
