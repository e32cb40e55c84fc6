"""What a compressor is: the size of a text, and of a prefix with each of many suffixes.

    compressor.size(text)                       bytes that `text` takes
    compressor.follow(suffixes)                 what many texts have in common, found once ...
              .sizes(prefix)                    ... and the size of ``prefix + suffix`` for each of them

`Suffixes.sizes` is the inner loop of every distance. It gives what `size` of the concatenation would, to the
byte, and lets other threads run meanwhile.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Compressor", "Numbers", "Sizes", "Suffixes"]

Sizes = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.int64]


class Suffixes(ABC):
    """Texts that are compressed after others."""

    @abstractmethod
    def sizes(self, prefix: bytes, chosen: Numbers | None = None) -> Sizes:
        """Bytes of a prefix with each suffix.

        Parameters
        ----------
        prefix
            With the separator at its end, if there is one.
        chosen
            int64 (m,), numbers of the suffixes; all of them by default.

        Returns
        -------
        ndarray, shape (m,), dtype int32
        """


class Compressor(ABC):
    """A lossless compressor. `window` is how far back in a text it can see, in bytes."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What tables and messages call it."""

    @property
    @abstractmethod
    def window(self) -> int:
        """Bytes."""

    @property
    def sees_both_strands(self) -> bool:
        """Whether it finds in a text what the reverse complement of another part says."""
        return False

    @abstractmethod
    def size(self, text: bytes) -> int:
        """Bytes that a text takes."""

    def follow(self, suffixes: Sequence[bytes], separator: bytes = b" ") -> Suffixes:
        """Prepare texts to be compressed after others.

        Parameters
        ----------
        suffixes
        separator
            How every prefix will end; a hint that a faster way may need.
        """
        return _Concatenated(self, suffixes)


@dataclass(frozen=True)
class _Concatenated(Suffixes):
    """The plain way, for any compressor."""

    compressor: Compressor
    suffixes: Sequence[bytes]

    def sizes(self, prefix: bytes, chosen: Numbers | None = None) -> Sizes:
        numbers = range(len(self.suffixes)) if chosen is None else chosen.tolist()
        size = self.compressor.size
        return np.fromiter((size(prefix + self.suffixes[i]) for i in numbers), np.int32, len(numbers))
