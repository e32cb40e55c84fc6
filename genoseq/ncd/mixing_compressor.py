"""The mixing model as a compressor of DNA: what an arithmetic coder would write for it.

A text is one or more sequences with a space between. Its size is that of

1. the number of sequences and their lengths, each in bytes of 7 bits (LEB128);
2. for each sequence the runs of letters other than A, C, G, T: how many there are, and of each the bases
   since the last one, its length, and the letter in a byte;
3. the bases, coded adaptively: the bits of `MixingModel.learn`, rounded up to bytes.

So everything is charged that a decoder has to know, but for the case of letters and for U, which is read as
T. What is no nucleotide letter of IUPAC is refused: the model knows four letters, and a size in which most of
a protein stands in the list of exceptions would measure nothing.

A sequence is read with what was learned of those before it, on both strands, however far back they are. Texts
after a prefix (`Compressor.follow`) cost no more than each alone: the prefix is learned once, and a copy of
the model goes on with each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.ncd.compressor import Compressor, Numbers, Sizes, Suffixes
from genoseq.ncd.framing import number_bytes, other_bytes
from genoseq.ncd.mixing import BEST, FAST, MixingModel, MixingParameters
from genoseq.sequence import AMBIGUOUS, encode

__all__ = ["Mixing", "sized_for"]

Effort = Literal["fast", "best"]
_BETWEEN = b" "
_LONGEST = 2**31 - 1  # bases that a mixing model holds

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Mixing(Compressor):
    """Context models of many orders and copies, mixed base by base (`genoseq.ncd.mixing`).

    Parameters
    ----------
    effort
        "fast", or "best" at half the speed and some 0.01 bits/base less.
    both_strands
        Find what the reverse complement of an earlier part says.
    """

    effort: Effort = "fast"
    both_strands: bool = True

    def __post_init__(self) -> None:
        if self.effort not in get_args(Effort):
            raise UsageError(f"effort {self.effort!r} of mixing; {', '.join(get_args(Effort))} is expected")

    @property
    def name(self) -> str:
        """Its effort and strands."""
        return f"mixing-{self.effort}" + ("" if self.both_strands else "-forward")

    @property
    def window(self) -> int:
        """All that a model holds."""
        return _LONGEST

    @property
    def sees_both_strands(self) -> bool:
        """As it is set."""
        return self.both_strands

    def parameters(self, bases: int) -> MixingParameters:
        """Of the model for a text of so many bases."""
        preset = FAST if self.effort == "fast" else BEST
        return sized_for(bases, replace(preset, both_strands=self.both_strands))

    def size(self, text: bytes) -> int:
        """Bytes that a text takes.

        Raises
        ------
        InputError
            For a letter that is no nucleotide.
        """
        sequences = _sequences(text)
        model = MixingModel(self.parameters(_bases(sequences)))
        return _total(sequences, _learned(model, sequences))

    def follow(self, suffixes: Sequence[bytes], separator: bytes = _BETWEEN) -> Suffixes:
        """Prepare texts to be compressed after others."""
        if separator != _BETWEEN:
            return super().follow(suffixes, separator)
        return _MixingSuffixes(self, suffixes)


def sized_for(bases: int, parameters: MixingParameters) -> MixingParameters:
    """Parameters with tables that fit a text: those of a gene are a megabyte.

    Contexts of orders that have more rows than the text has bases are left out; longer ones, which have
    cells, and copies stand in for them.
    """
    sized = parameters.sized(bases)
    orders = tuple(each for each in sized.orders if 2 * each[0] <= sized.table_bits)
    return replace(sized, orders=orders)


@dataclass(frozen=True)
class _MixingSuffixes(Suffixes):
    """Texts after others: a model of the prefix for each size of tables that is needed."""

    compressor: Mixing
    suffixes: Sequence[bytes]

    def sizes(self, prefix: bytes, chosen: Numbers | None = None) -> Sizes:
        """Bytes of a prefix with each suffix."""
        numbers = list(range(len(self.suffixes))) if chosen is None else chosen.tolist()
        found = np.empty(len(numbers), np.int32)
        if not prefix.endswith(_BETWEEN):  # the last sequence goes on in the suffix
            for row, number in enumerate(numbers):
                found[row] = self.compressor.size(prefix + self.suffixes[number])
            return found
        before = _sequences(prefix[: -len(_BETWEEN)])
        models: dict[MixingParameters, tuple[MixingModel, float]] = {}
        for row, number in enumerate(numbers):
            after = _sequences(self.suffixes[number])
            parameters = self.compressor.parameters(_bases(before) + _bases(after))
            if parameters not in models:
                models.clear()  # suffixes of one size stand together, more often than not
                model = MixingModel(parameters)
                models[parameters] = model, _learned(model, before)
            model, bits = models[parameters]
            found[row] = _total([*before, *after], _learned(model.copy(), after, bits))
        return found


def _sequences(text: bytes) -> list[tuple[Codes, int]]:
    """Base codes of each sequence, and the bytes of its list of other letters."""
    found = []
    for part in text.split(_BETWEEN):
        codes = encode(part)
        found.append((codes, other_bytes(codes == AMBIGUOUS, part)))
    return found


def _bases(sequences: Iterable[tuple[Codes, int]]) -> int:
    return sum(codes.size for codes, _ in sequences)


def _learned(model: MixingModel, sequences: Iterable[tuple[Codes, int]], bits: float = 0.0) -> float:
    """Bits so far, and those of sequences that a model reads."""
    for codes, _ in sequences:
        bits += float(model.learn(codes).sum(dtype=np.float64))
    return bits


def _total(sequences: Sequence[tuple[Codes, int]], bits: float) -> int:
    lengths = [codes.size for codes, _ in sequences]
    head = int(number_bytes(np.array([len(lengths), *lengths])).sum())
    return head + sum(others for _, others in sequences) + math.ceil(bits / 8)
