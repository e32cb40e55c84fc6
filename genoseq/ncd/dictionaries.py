"""Zstandard dictionaries: relative compression with a compressor that everybody has.

The training sequences of a class, one after the other, are what zstd has read before it comes to a sequence
(a raw dictionary, RFC 8878 section 5): what the sequence has in common with them costs a reference, the rest
its letters. The class with the smallest size is the answer. There is nothing to fit but the dictionaries, and
a sequence takes one compression a class, where the nearest neighbour takes one for each training sequence.

It finds what is copied, 4 letters in a row and more, and knows no substitutions: genes of the dog, 656 to
learn, are told by their bases in .62 of the cases and by their proteins (`translated`) in .77, where
`RelativeClassifier` has .91 (`benchmarks/ncd/relative.py`).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from genoseq.errors import GenoseqWarning, InputError
from genoseq.ncd.compressors import Zstd
from genoseq.ncd.estimator import TextClassifier, numbered
from genoseq.ncd.frames import reading_frame
from genoseq.ncd.inputs import Sequences, as_codes, as_texts
from genoseq.protein import decode_protein
from genoseq.sequence import reverse_complement_text

__all__ = ["DictionaryClassifier"]

_SEPARATOR = b"\n"  # no letter: no copy goes from one sequence to the next
_LEAST = 8  # bytes of a dictionary (zstd)

Sizes = NDArray[np.int64]


class DictionaryClassifier(TextClassifier):
    """The class whose training sequences make a sequence smallest.

    Sequences are texts of any letters; lower case counts as upper case.

    Parameters
    ----------
    level : int
        Of zstd. From 16 on it looks for the cheapest of all copies; below it sees little of long dictionaries
        (of 4 MB at level 3 the last kB only).
    both_strands : bool
        Take the smaller of the sizes of a sequence and of its reverse complement; what is learned is as it
        is written.
    translated : bool
        Compress the protein that a sequence of DNA codes for (`genoseq.ncd.frames.reading_frame`), of six
        frames with `both_strands`.

    Attributes
    ----------
    classes_ : ndarray, shape (classes,)
        Labels, sorted.
    compressors_ : list of Zstd
        With the dictionary of each class.

    Examples
    --------
    >>> texts = ["GATTACACCGTG" * 3, "CCATGGTTAACA" * 3, "GATTACACCGAA" * 3, "CCATGGTTAAGG" * 3]
    >>> DictionaryClassifier().fit(texts, ["x", "y", "x", "y"]).predict(["TTAGATTACACCG"]).tolist()
    ['x']
    """

    def __init__(self, level: int = 19, *, both_strands: bool = False, translated: bool = False) -> None:
        self.level = level
        self.both_strands = both_strands
        self.translated = translated

    def fit(self, X: Sequences, y: ArrayLike) -> DictionaryClassifier:
        """Make the dictionaries.

        Raises
        ------
        UsageError
            If the level is out of range, or there are not as many labels as sequences.
        InputError
            If a sequence is empty, or is to be turned or translated and is no DNA; if there is one class
            only, or one with less than 8 letters.

        Warns
        -----
        GenoseqWarning
            If a class is longer than zstd sees.
        """
        plain = Zstd(self.level)
        texts = self._versions(X)[0]
        self.classes_, numbers = numbered(y, len(texts))
        self.compressors_: list[Zstd] = []
        for number, label in enumerate(self.classes_):
            whole = _SEPARATOR.join(text for text, own in zip(texts, numbers, strict=True) if own == number)
            if len(whole) < _LEAST:
                raise InputError(f"class {label} has {len(whole)} letters; {_LEAST} or more are needed")
            if len(whole) > plain.window:
                warnings.warn(
                    f"class {label} has {len(whole):,} letters and {plain.name} sees {plain.window:,} back: "
                    "the first of them go unseen (higher levels see farther)",
                    GenoseqWarning,
                    stacklevel=2,
                )
            self.compressors_.append(Zstd(self.level, dictionary=whole))
        return self

    def sizes(self, X: Sequences) -> Sizes:
        """What sequences take beside the training sequences of each class: int64 (n, classes), bytes."""
        check_is_fitted(self)
        versions = self._versions(X)
        found = np.zeros((len(versions), len(self.classes_), len(versions[0])), np.int64)
        for number, tool in enumerate(self.compressors_):  # each dictionary is prepared once
            for row, texts in zip(found[:, number], versions, strict=True):
                row[:] = [tool.size(text) for text in texts]
        return found.min(0).T

    def decision_function(self, X: Sequences) -> Sizes:
        """Sizes with their sign changed: (n, classes), of two classes their difference, (n,)."""
        sizes = self.sizes(X)
        return sizes[:, 0] - sizes[:, 1] if len(self.classes_) == 2 else -sizes

    def predict(self, X: Sequences) -> NDArray[Any]:
        """The class of each sequence, (n,); of sizes alike, that of the first class."""
        sizes = self.sizes(X)
        return self.classes_[sizes.argmin(1)]

    def _versions(self, X: Sequences) -> list[list[bytes]]:
        """What is compressed: the sequences or their proteins, and if asked the other strands."""
        if self.translated:
            frames = (reading_frame(each, both_strands=self.both_strands) for each in as_codes(X))
            return [[decode_protein(each).encode() for each in frames]]
        texts = as_texts(X)
        if not self.both_strands:
            return [texts]
        as_codes(texts)  # the letters are those of nucleotides
        return [texts, [reverse_complement_text(text) for text in texts]]
