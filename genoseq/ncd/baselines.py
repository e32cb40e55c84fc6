"""What counting alone is worth: the rivals of a language model, on the bases that it was scored on.

A neural model that does not beat the best Markov model of order 12 or less has learned composition and short
words. The mixing model also has long contexts, copies and repeats on both strands; on DNA it is hard to beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genoseq.ncd.cost import known_bases
from genoseq.ncd.markov import LONGEST, MarkovModel
from genoseq.ncd.mixing import FAST, MixingModel

Sequences = Sequence[NDArray[np.uint8]]


@dataclass(frozen=True)
class Baselines:
    """Bits/base of rivals that were trained on the same sequences.

    Attributes
    ----------
    markov : dict of str to dict of int to float
        For each set of sequences, bits/base by the order of the Markov model: from 1 to 12, or to the least
        that has more contexts than there were bases to train on.
    mixing : dict of str to float
        For each set of sequences, bits/base of the mixing model.
    """

    markov: dict[str, dict[int, float]]
    mixing: dict[str, float]

    def best_markov(self, name: str) -> tuple[int, float]:
        """Order and bits/base of the best Markov model of a set of sequences."""
        return min(self.markov[name].items(), key=lambda row: row[1])


def measure_baselines(known: Sequences, unseen: Mapping[str, Sequences]) -> Baselines:
    """Train the rivals on sequences, on both strands, and score others.

    About two minutes on one CPU core and 1.5 GB for a chromosome of 60 Mb.

    Parameters
    ----------
    known : sequence of ndarray, dtype uint8
        Base codes (`genoseq.sequence`).
    unseen : mapping of str to sequence of ndarray
        Sets of sequences by name.

    Raises
    ------
    InputError
        If a set has no known base.
    """
    bases = sum(map(known_bases, known))
    highest = 1
    while highest < LONGEST and 4**highest < bases:
        highest += 1
    longest = MarkovModel.fit(known, highest)
    orders = {order: longest.shorter(order) for order in range(1, highest + 1)}
    markov = {
        name: {order: model.bits_per_base(sequences) for order, model in orders.items()}
        for name, sequences in unseen.items()
    }
    del longest, orders  # 360 MB
    mixing = MixingModel.fit(known, FAST.sized(bases))
    return Baselines(markov, {name: mixing.bits_per_base(sequences) for name, sequences in unseen.items()})
