"""Sequences as counts of k-mers: what a classifier must beat to have learned more than composition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoseq.errors import UsageError
from genoseq.sequence import kmers
from genoseq.supervised.regression import Regression, fit_regression
from genoseq.supervised.splits import Split

__all__ = ["KmerRegression", "fit_kmers", "kmer_shares", "strand_of_kmers"]

_LARGEST = 8  # 65,536 features
_MOST = 20_000  # sequences that are counted at once and that a model is fitted on: a row of 6-mers has 16 kB


@dataclass(frozen=True)
class KmerRegression:
    """A logistic regression on shares of k-mers.

    Attributes
    ----------
    k : int
    both_strands : bool
        Whether a k-mer and its reverse complement count as one.
    regression : Regression
    """

    k: int
    both_strands: bool
    regression: Regression

    def probabilities(self, codes: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float64]:
        """Of sequences, as base codes: float64 (n, classes)."""
        parts = [codes[first : first + _MOST] for first in range(0, len(codes), _MOST)]
        found = [
            self.regression.probabilities(kmer_shares(part, self.k, both_strands=self.both_strands))
            for part in parts
        ]
        return np.concatenate(found) if found else np.empty((0, len(self.regression.bias)))


def fit_kmers(
    codes: Sequence[npt.NDArray[np.uint8]],
    labels: npt.NDArray[np.int64],
    split: Split,
    classes: int,
    *,
    k: int = 6,
    balanced: bool = False,
) -> KmerRegression:
    """Fit a regression on k-mers of one strand and one on those of both; the validation part chooses.

    Of a training part of more than 20,000 sequences, so many are taken, evenly spread.

    Parameters
    ----------
    codes
        Base codes of all sequences.
    labels
        int64 (n,), their classes.
    balanced
        Weigh sequences against the frequency of their class.
    """
    train = split.train[:: -(-len(split.train) // _MOST)]
    found = []
    for both in (True, False):
        rows, judges = (
            (kmer_shares([codes[number] for number in part], k, both_strands=both), labels[part])
            for part in (train, split.validation)
        )
        found.append(KmerRegression(k, both, fit_regression(rows, judges, classes, balanced=balanced)))
    return min(found, key=lambda model: model.regression.loss)


def kmer_shares(
    codes: Sequence[npt.NDArray[np.uint8]], k: int, *, both_strands: bool = True
) -> npt.NDArray[np.float32]:
    """Square roots of the shares of all k-mers in sequences.

    The square root makes the distance of two rows Hellinger's, which a few very frequent k-mers do not rule.

    Parameters
    ----------
    codes
        Base codes of the sequences.
    k
        1..8.
    both_strands
        Count a k-mer and its reverse complement as one.

    Returns
    -------
    ndarray, shape (n, features), dtype float32
        4^k features, of both strands about half of them; a sequence without a k-mer has zeros.

    Examples
    --------
    >>> from genoseq.sequence import encode
    >>> kmer_shares([encode("ACGT")], 1, both_strands=False).tolist()
    [[0.5, 0.5, 0.5, 0.5]]
    >>> kmer_shares([encode("AACC")], 1).shape
    (1, 2)
    """
    if not 1 <= k <= _LARGEST:
        raise UsageError(f"k is {k}; 1..{_LARGEST} is expected")
    place = strand_of_kmers(k) if both_strands else np.arange(4**k)
    features = int(place.max()) + 1
    found = np.zeros((len(codes), features), np.float32)
    for row, each in zip(found, codes, strict=True):
        words = kmers(each, k)
        words = words[words >= 0]
        if len(words):
            row[:] = np.bincount(place[words], minlength=features) / len(words)
    return np.sqrt(found, out=found)


def strand_of_kmers(k: int) -> npt.NDArray[np.int64]:
    """A number for each k-mer that it shares with its reverse complement: int64 (4^k,), without gaps."""
    words = np.arange(4**k)
    digits = words[:, None] // 4 ** np.arange(k) % 4  # the last base first
    reverse = ((3 - digits) * 4 ** np.arange(k)[::-1]).sum(1)
    _, place = np.unique(np.minimum(words, reverse), return_inverse=True)
    return place.astype(np.int64)
