"""The mixing model: context models of many orders and copies, mixed base by base.

It is the model inside compressors such as GeCo, cmix and XM, without a file format:

1. `contexts`: what followed the last 1 to 24 bases so far, on both strands;
2. `copies`: where the last bases stood before, and how the sequence went on there;
3. `mixer`: one distribution from all of them, by weights that depend on the situation;
4. `hidden`: if there is time for it, a small network that adds to what the mixer says.

Everything learns while it reads (`MixingModel.learn`), so that a model may begin from nothing, be trained on
one set of sequences and go on with another. Scoring (`costs`, `bits`, `probabilities`) changes nothing: what
was counted stays as it is. Within a sequence the weights and the local contexts go on adapting, in a copy
that is thrown away at its end.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.ncd.contexts import (
    AHEAD,
    HIGHEST_LIMIT,
    LONGEST_LOCAL,
    LONGEST_ROW,
    LONGEST_SPAN,
    OTHER_STRAND,
    RING,
    THIS_STRAND,
    Contexts,
    Ring,
    correct,
    count_cells,
    count_rows,
    find_cells,
    find_rows,
    local_counts,
    new_contexts,
    tell,
)
from genoseq.ncd.copies import Copies, expect, find_seeds, follow, new_copies, new_followed, remember
from genoseq.ncd.cost import SequenceModel
from genoseq.ncd.hidden import Hidden, excite, new_excited, new_hidden, teach
from genoseq.ncd.inputs import checked
from genoseq.ncd.mixer import Mixer, adjust, floored, mix, new_mixer, recent, situation
from genoseq.sequence import AMBIGUOUS

SHORTEST_SEED = 4
SMALLEST, LARGEST = 16, 30
"""Table bits: 0.3 MB to 4 GB a table."""
MOST_NODES = 256
"""Of a hidden layer: each takes as long as two models."""
_FIRST_COST = np.float32(2)
_EVIDENCE_RATE = np.float32(20)  # times the step of the weights


@dataclass(frozen=True)
class MixingParameters:
    """What a mixing model is made of.

    Attributes
    ----------
    orders : tuple of (int, int)
        Contexts with rows: bases, and limit of a count before its row is halved.
    local : tuple of (int, int)
        The same for contexts that are counted anew in each sequence, even if it is only scored.
    patterns : tuple of (int, int, int)
        Contexts with cells: bases next to the predicted one, bases left out, bases before those.
    seeds : tuple of int
        Copies: matching bases at which one begins, one forwards and one on the other strand for each.
    table_bits : int
        Binary logarithm of the cells of a pattern and of the places of a length of seed, at most (4 bytes
        each): about that of the bases to be learned, see `sized`.
    both_strands : bool
        Learn the other strand as well.
    nodes : int
        Of the hidden layer; 0 for none.

    Raises
    ------
    UsageError
        For what is out of range.
    """

    orders: tuple[tuple[int, int], ...]
    local: tuple[tuple[int, int], ...]
    patterns: tuple[tuple[int, int, int], ...]
    seeds: tuple[int, ...]
    table_bits: int = 24
    both_strands: bool = True
    nodes: int = 0

    def __post_init__(self) -> None:
        for contexts, longest in ((self.orders, LONGEST_ROW), (self.local, LONGEST_LOCAL)):
            for order, limit in contexts:
                if not (1 <= order <= longest and 2 <= limit <= HIGHEST_LIMIT):
                    raise UsageError(
                        f"an order of {order} bases with counts up to {limit}; "
                        f"1..{longest} and 2..{HIGHEST_LIMIT} are possible"
                    )
        for pattern in self.patterns:
            if min(pattern) < 0 or pattern[0] + pattern[2] == 0 or sum(pattern) > LONGEST_SPAN:
                raise UsageError(f"a pattern of {pattern} bases; 1..{LONGEST_SPAN} in all are possible")
        for seed in self.seeds:
            if not SHORTEST_SEED <= seed <= LONGEST_SPAN:
                raise UsageError(f"a seed of {seed} bases; {SHORTEST_SEED}..{LONGEST_SPAN} are possible")
        if not SMALLEST <= self.table_bits <= LARGEST:
            raise UsageError(f"{self.table_bits} table bits; {SMALLEST}..{LARGEST} are possible")
        if not 0 <= self.nodes <= MOST_NODES:
            raise UsageError(f"{self.nodes} nodes of a hidden layer; 0..{MOST_NODES} are possible")

    def sized(self, bases: int) -> MixingParameters:
        """The same with tables for so many bases: the next power of two."""
        return replace(self, table_bits=min(max((bases - 1).bit_length(), SMALLEST), LARGEST))


def _whole(*orders: int) -> tuple[tuple[int, int], ...]:
    """Contexts that count what they ever saw."""
    return tuple((order, HIGHEST_LIMIT) for order in orders)


_LOCAL = ((1, 60), (3, 30), (6, 20), (9, 16))
"""They forget soon, and follow the composition of where they are."""
FAST = MixingParameters(
    orders=_whole(2, 3, 4, 6, 8, 10, 12),
    local=_LOCAL,
    patterns=((16, 0, 0),),
    seeds=(24, 16, 12),
)
"""For most ends. The last tenth of human chromosome 20 costs 1.730 bits/base after the rest was learned, and
1.707 while it is learned itself, at 0.8 Mb/s of one core and with 1.5 GiB
(`benchmarks/hyena/baselines.py`)."""
BEST = MixingParameters(
    orders=(*_whole(2, 3, 4, 6, 8, 10, 11, 12), (11, 8)),
    local=_LOCAL,
    patterns=((14, 0, 0), (16, 0, 0), (18, 0, 0), (0, 6, 12), (6, 2, 6), (0, 12, 12), (8, 1, 8)),
    seeds=(24, 20, 16, 14, 12, 11),
    nodes=24,
)
"""All that brings something: 1.720 and 1.696 bits/base, at 0.4 Mb/s and with 3.2 GiB. Without the hidden
layer it would be 1.724 and 1.701, at 0.5 Mb/s. On 8 Mb, which cost 1.554, the gapped patterns save 0.003.

Left out: contexts that go on with the base that they expected instead of the one that came (they save
0.0005), and a pattern of 22 bases (0.0001). On 10 Mb, which cost 1.645: a table of what the distribution
turns out to be worth after the last 2, 6 or 8 bases, averaged with it (0.0018); rows of 10 bases and more
heard through learned evidence, as cells are (0.0002); four mixers with one set of weights each, mixed by a
fifth, which cost 0.002 more."""


class _State(NamedTuple):
    """Everything that is learned but the sequences themselves."""

    contexts: Contexts
    copies: Copies
    mixer: Mixer
    hidden: Hidden


class MixingModel(SequenceModel):
    """A mixing model; new ones know nothing.

    Parameters
    ----------
    parameters : MixingParameters
        `FAST`, `BEST` or others, with tables for the bases to be learned (`MixingParameters.sized`).

    Attributes
    ----------
    parameters : MixingParameters

    Examples
    --------
    >>> from genoseq.sequence import encode, reverse_complement
    >>> codes = encode("GATTACACCGTGTCAAGCTAACGGATATCTGC" * 8)
    >>> model = MixingModel(FAST.sized(codes.size))
    >>> size = model.learn(codes).sum()
    >>> bool(model.bits(reverse_complement(codes)) < size)
    True
    """

    def __init__(self, parameters: MixingParameters = FAST) -> None:
        self.parameters = parameters
        copies = new_copies(parameters.seeds, parameters.table_bits, both_strands=parameters.both_strands)
        contexts = new_contexts(
            parameters.orders, parameters.local, parameters.patterns, parameters.table_bits
        )
        models = len(contexts.orders) + len(contexts.near) + len(copies.owner)
        mixer = new_mixer(models, len(contexts.near), len(copies.owner))
        self._state = _State(contexts, copies, mixer, new_hidden(parameters.nodes, models))
        self._text = np.zeros(0, np.uint8)
        self._end = 0

    @classmethod
    def fit(cls, sequences: Iterable[NDArray[np.uint8]], parameters: MixingParameters = FAST) -> MixingModel:
        """A model that has learned sequences, one after the other."""
        model = cls(parameters)
        for sequence in sequences:
            model.learn(sequence)
        return model

    def learn(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Read a sequence and learn from every base after it was scored.

        Returns
        -------
        ndarray, shape (n,), dtype float32
            Bits of each base when it came: 0 for unknown ones. The sum for a new model is the size of the
            sequence, compressed on its own.
        """
        codes = checked(sequence)
        start = self._append(codes)
        costs = np.zeros(codes.size, np.float32)
        none = np.zeros((0, 4), np.float32)
        text = self._text[: self._end]
        _read(codes, text, start, *self._state, costs, none, self.parameters.both_strands, True)
        return costs

    def costs(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Bits of each base (see `SequenceModel`)."""
        return self._score(checked(sequence), np.zeros((0, 4), np.float32))

    def probabilities(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What comes next at each place (see `SequenceModel`)."""
        codes = checked(sequence)
        out = np.full((codes.size, 4), 0.25, np.float32)
        self._score(codes, out)
        return out

    def copy(self) -> MixingModel:
        """A model of its own that knows the same."""
        return copy.deepcopy(self)

    @property
    def nbytes(self) -> int:
        """Memory of the model, bytes: that of the parameters, and one for each base that was learned."""
        arrays = (array for part in self._state for array in part)
        return sum(array.nbytes for array in arrays) + self._text.nbytes

    def _score(self, codes: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bits of each base; what adapts while reading is a copy."""
        costs = np.zeros(codes.size, np.float32)
        state = self._state
        private = _State(
            state.contexts._replace(evidence=state.contexts.evidence.copy()),
            state.copies._replace(outcomes=state.copies.outcomes.copy()),
            state.mixer._replace(weights=state.mixer.weights.copy(), seen=state.mixer.seen.copy()),
            Hidden(*(weights.copy() for weights in state.hidden)),
        )
        text = self._text[: self._end]
        _read(codes, text, self._end, *private, costs, probabilities, self.parameters.both_strands, False)
        return costs

    def _append(self, codes: NDArray[np.uint8]) -> int:
        """Add a sequence to the text, after an unknown base, and return where it begins."""
        start = self._end + 1
        if start + codes.size >= 2**31:
            raise UsageError(f"{start + codes.size:,} bases: a mixing model holds less than 2,147,483,648")
        if start + codes.size > self._text.size:
            text = np.full(max(start + codes.size, 3 * self._end // 2), AMBIGUOUS, np.uint8)
            text[: self._end] = self._text[: self._end]
            self._text = text
        self._text[self._end] = AMBIGUOUS
        self._text[start : start + codes.size] = codes
        self._end = start + codes.size
        return start


@numba.njit(cache=True, nogil=True)
def _read(
    sequence, text, start, contexts, copies, mixer, hidden, costs, probabilities, both_strands, is_learned
):
    """Score every base, then learn it.

    `sequence` stands at `start` in `text` if it is learned; otherwise `start` is the end of the text.
    """
    columns = mixer.weights.shape[1]
    after_rows = contexts.orders.shape[0]
    local = local_counts(contexts)
    after_contexts = after_rows + contexts.near.shape[0]
    ring = Ring(
        np.zeros((RING, 2, after_rows), np.int64),
        np.zeros((RING, 2, contexts.near.shape[0]), np.int64),
        np.zeros((RING, 2, contexts.near.shape[0]), np.uint32),
    )
    entries = np.full((contexts.near.shape[0], 4), -1, np.int64)
    followed = new_followed(copies)
    inputs = np.zeros((4, columns), np.float32)
    weights = np.zeros(columns, np.float32)
    rows = np.zeros(4, np.int64)
    distribution = np.zeros(4, np.float32)
    errors = np.zeros(4, np.float32)
    excited, sums = new_excited(hidden), np.zeros(4, np.float32)
    ahead, ahead_other, history = np.uint64(0), np.uint64(0), np.uint64(0)
    known = 0
    cost = _FIRST_COST
    for at in range(-AHEAD, sequence.shape[0]):
        if at + AHEAD < sequence.shape[0]:
            slot = (at + AHEAD) & (RING - 1)
            find_rows(THIS_STRAND, slot, ahead, False, contexts, ring)
            find_cells(THIS_STRAND, slot, ahead, contexts, ring)
            find_seeds(slot, ahead, ahead_other, copies, followed)
            bits = np.uint64(sequence[at + AHEAD] & 3)
            ahead = ahead << np.uint64(2) | bits
            ahead_other = ahead_other >> np.uint64(2) | (np.uint64(3) - bits) << np.uint64(62)
            if both_strands:
                find_rows(OTHER_STRAND, slot, ahead_other, not is_learned, contexts, ring)
                if is_learned:
                    find_cells(OTHER_STRAND, slot, ahead_other, contexts, ring)
        if at < 0:
            continue
        slot = at & (RING - 1)
        base = np.int64(sequence[at])
        if base > 3:
            known = 0
            history = np.uint64(0)
            cost = _FIRST_COST
            followed.place[:] = -1
            continue
        end = start + at if is_learned else start
        seen, often = tell(slot, known, contexts, local, ring, inputs, entries)
        best, active, disagree = expect(
            at, slot, known, end, sequence, text, copies, followed, inputs, after_contexts
        )
        situation(cost, best, seen, often, history, active, disagree, mixer, rows)
        excite(inputs, cost, best, seen, often, history, active, disagree, hidden, excited, sums)
        mix(inputs, mixer, rows, sums, weights, distribution)
        costs[at] = -np.log2(floored(distribution[base]))
        cost = recent(cost, costs[at])
        if probabilities.shape[0]:
            for other in range(4):
                probabilities[at, other] = floored(distribution[other])
        adjust(base, distribution, inputs, mixer, rows, errors)
        teach(base, distribution, mixer.seen[0], hidden, excited)
        correct(entries, contexts.evidence, weights, after_rows, errors, _EVIDENCE_RATE)
        follow(base, copies, followed)
        history = history << np.uint64(2) | np.uint64(base)
        count_rows(THIS_STRAND, slot, base, history, known, not is_learned, contexts, local, ring)
        if both_strands:
            count_rows(OTHER_STRAND, slot, base, history, known, not is_learned, contexts, local, ring)
        if is_learned:
            remember(slot, known, end, copies, followed)
            count_cells(THIS_STRAND, slot, base, history, known, contexts, ring)
            if both_strands:
                count_cells(OTHER_STRAND, slot, base, history, known, contexts, ring)
            mixer.seen[0] += 1
        known += 1
