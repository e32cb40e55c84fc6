"""The class of a sequence from its nearest neighbours by compression, as a scikit-learn estimator.

    classifier = NCDClassifier("gzip", n_neighbors=1).fit(sequences, labels)
    classifier.predict(others)

Nothing is trained: what is known of the sequences before a query is found once (`Targets`), and a query is
compressed with each of them, or with the `prefilter` ones that share most words with it (`WordIndex`).

Ties are broken by what is known of the training set alone. Of equally distant neighbours the one that comes
first in the training set is nearer. Of classes with equally many votes that of the nearest neighbour wins.

With `reject`, a query that is farther from the class that it would get than others that got it is of none.
The threshold is conformal (Vovk, Gammerman and Shafer 2005): training sequences are classified, each by all
the others, and of the n that get a class the threshold is the distance, to the nearest neighbour of this
class, of rank ceil((n + 1) (1 - reject)). Of new sequences that are drawn as the training set was, a share
`reject` is refused at most, right and wrong answers together; the wrong ones are mostly among them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from genoseq.errors import UsageError
from genoseq.ncd.compressor import Compressor
from genoseq.ncd.compressors import compressor_of
from genoseq.ncd.distances import METRICS, Metric, Targets, in_threads, warn_of_window
from genoseq.ncd.estimator import TextClassifier, numbered_as_scikit_learn
from genoseq.ncd.inputs import Sequences, as_texts
from genoseq.ncd.similar import WordIndex
from genoseq.sequence import reverse_complement_text

__all__ = ["NCDClassifier", "Neighbourhood"]

_CALIBRATING = 1000  # sequences that thresholds are from, evenly spread

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


class Neighbourhood(NamedTuple):
    """What a classifier says of sequences.

    Attributes
    ----------
    labels : ndarray, shape (n,)
        As `NCDClassifier.predict`.
    probabilities : ndarray, shape (n, classes), dtype float64
        Shares of the votes.
    distances, numbers : ndarray, shape (n, n_neighbors), dtypes float64 and int64
        Of the nearest training sequences, ascending, as `NCDClassifier.kneighbors`.
    """

    labels: npt.NDArray[Any]
    probabilities: Floats
    distances: Floats
    numbers: Numbers


class NCDClassifier(TextClassifier):
    """k nearest neighbours by the size of what compressors make of two sequences together.

    Sequences are a list, a tuple, a numpy array or a pandas column of texts; lower case counts as upper case.

    Parameters
    ----------
    compressor
        One of `genoseq.ncd.compressors.PAPER` by its name ("gzip", "zstd", ...), or with other settings.
    n_neighbors
        That vote, each with one vote.
    metric
        "ncd", "cdm" or "clm" (`genoseq.ncd.distances`).
    both_strands
        Compare with the reverse complement too, and take the smaller distance.
    prefilter
        Compare with as many sequences only, those that share most words with the query; all by default.
    prefilter_k
        Letters of a word: 11 for DNA, 3 or 4 for protein.
    reject
        Share of sequences of the known classes that may be refused, between 0 and 1; by default none is.
    reject_label
        What is predicted then; by default "none", or -1 if the classes are numbers.
    n_jobs
        Threads; -1 for as many as there are cores.

    Attributes
    ----------
    classes_ : ndarray, shape (classes,)
        Labels, sorted.
    thresholds_ : ndarray, shape (classes,), dtype float64
        With `reject`, the largest distance to the nearest neighbour of the class. Classes that too few
        sequences get have that of all.

    Examples
    --------
    >>> repeats = ["ACGGT" * n for n in (20, 21, 22)] + ["TTAGC" * n for n in (20, 21, 22)]
    >>> NCDClassifier().fit(repeats, ["one"] * 3 + ["other"] * 3).predict(["ACGGT" * 25]).tolist()
    ['one']
    """

    def __init__(
        self,
        compressor: str | Compressor = "gzip",
        n_neighbors: int = 1,
        *,
        metric: Metric = "ncd",
        both_strands: bool = False,
        prefilter: int | None = None,
        prefilter_k: int = 11,
        reject: float | None = None,
        reject_label: object = None,
        n_jobs: int | None = None,
    ) -> None:
        self.compressor = compressor
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.both_strands = both_strands
        self.prefilter = prefilter
        self.prefilter_k = prefilter_k
        self.reject = reject
        self.reject_label = reject_label
        self.n_jobs = n_jobs

    def fit(self, X: Sequences, y: npt.ArrayLike) -> NCDClassifier:
        """Take sequences with their labels.

        Raises
        ------
        UsageError
            If a parameter is out of range, or there are fewer sequences than neighbours.
        InputError
            If a sequence is empty, or there is one class only.
        ValueError
            From scikit-learn, if `y` is not as many labels of classes.
        """
        texts = as_texts(X, "X")
        self.classes_, self._labels = numbered_as_scikit_learn(y, texts)
        self._check(len(texts))
        tool = compressor_of(self.compressor)
        warn_of_window(tool, texts, texts)
        self._targets = Targets.prepare(texts, tool, both_strands=self.both_strands, threads=self._threads())
        self._index = None if self.prefilter is None else WordIndex.build(texts, self.prefilter_k)
        if self.reject is not None:
            self._check_count(self.n_neighbors, len(texts) - 1)
            self.thresholds_ = self._calibrated(self.reject)
        return self

    @property
    def training_set(self) -> tuple[list[bytes], Numbers]:
        """Sequences in upper case, and the number of the class of each: int64 (n,)."""
        check_is_fitted(self)
        return self._targets.texts, self._labels

    def kneighbors(
        self,
        X: Sequences | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,  # as in scikit-learn, by place too
        *,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[Floats, Numbers] | Numbers:
        """The nearest training sequences.

        Parameters
        ----------
        X
            Sequences. Without them, the training sequences, none of which is its own neighbour.
        n_neighbors
            By default that of the classifier.
        return_distance
        progress
            Called with the number of sequences that were done since it was called last.

        Returns
        -------
        distances : ndarray, shape (n, n_neighbors), dtype float64
            Ascending; only if `return_distance`.
        numbers : ndarray, shape (n, n_neighbors), dtype int64
            In the training set.

        Raises
        ------
        UsageError
            If there are not as many neighbours.
        """
        check_is_fitted(self)
        count = self.n_neighbors if n_neighbors is None else n_neighbors
        texts = self._targets.texts if X is None else as_texts(X, "X")
        self._check_count(count, len(self._targets) - (X is None))
        if max(map(len, texts), default=0) > max(map(len, self._targets.texts)):  # else `fit` has told
            warn_of_window(self._targets.compressor, texts, self._targets.texts)
        own = np.arange(len(texts)) if X is None else None
        distances, numbers = self._rows(texts, count, own, progress)
        return (distances, numbers) if return_distance else numbers

    def judge(self, X: Sequences) -> Neighbourhood:
        """All that is to be said of sequences, for the price of one."""
        distances, numbers = self._neighbours(X)
        winners = self._winners(numbers)
        labels = self.classes_[winners]
        if self.reject is not None:
            refused = ~self._is_accepted(distances, numbers, winners)
            label = self.reject_label
            if label is None:
                label = -1 if np.issubdtype(labels.dtype, np.number) else "none"
            labels = labels.astype(np.result_type(labels.dtype, np.asarray(label).dtype))
            labels[refused] = label
        return Neighbourhood(labels, self._votes(numbers) / self.n_neighbors, distances, numbers)

    def predict_proba(self, X: Sequences) -> Floats:
        """Shares of the votes: float64 (n, classes). What `predict` rejects has votes too."""
        return self.judge(X).probabilities

    def predict(self, X: Sequences) -> npt.NDArray[Any]:
        """Label of each sequence, (n,)."""
        return self.judge(X).labels

    def accepts(self, X: Sequences) -> npt.NDArray[np.bool_]:
        """Whether each sequence is near enough to the class that has most votes: bool (n,).

        Raises
        ------
        UsageError
            If the classifier was fitted without `reject`.
        """
        check_is_fitted(self)
        if self.reject is None:
            raise UsageError("nothing is rejected: fit with reject=0.05, or another share")
        distances, numbers = self._neighbours(X)
        return self._is_accepted(distances, numbers, self._winners(numbers))

    def _neighbours(self, X: Sequences) -> tuple[Floats, Numbers]:
        found = self.kneighbors(X)
        return found[0], found[1]

    def _rows(
        self,
        texts: list[bytes],
        count: int,
        own: Numbers | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[Floats, Numbers]:
        """Distances and numbers of the nearest ones of each text, without its `own` number."""
        distances, numbers = np.empty((len(texts), count)), np.empty((len(texts), count), np.int64)

        def search(row: int) -> tuple[Floats, Numbers]:
            allowed = None
            if own is not None:
                allowed = np.ones(len(self._targets), bool)
                allowed[own[row]] = False
            return self._search(texts[row], count, allowed)

        for row, found in enumerate(in_threads(search, range(len(texts)), self._threads())):
            distances[row], numbers[row] = found
            if progress is not None:
                progress(1)
        return distances, numbers

    def _search(
        self, text: bytes, count: int, allowed: npt.NDArray[np.bool_] | None
    ) -> tuple[Floats, Numbers]:
        """Distances and numbers of the nearest ones."""
        if self._index is not None:
            versions = [text, reverse_complement_text(text)] if self.both_strands else [text]
            chosen = self._index.nearest(versions, max(count, self.prefilter or 0), allowed)
        else:
            chosen = np.arange(len(self._targets)) if allowed is None else np.flatnonzero(allowed)
        distances = self._targets.distances(text, self.metric, chosen)
        order = np.argsort(distances, kind="stable")[:count]
        return distances[order], chosen[order]

    def _votes(self, numbers: Numbers) -> Floats:
        votes = np.zeros((len(numbers), len(self.classes_)))
        rows = np.repeat(np.arange(len(numbers)), numbers.shape[1])
        np.add.at(votes, (rows, self._labels[numbers].ravel()), 1)
        return votes

    def _winners(self, numbers: Numbers) -> Numbers:
        """Class with most votes; of equal ones that of the nearest neighbour."""
        votes, labels = self._votes(numbers), self._labels[numbers]
        of_neighbour = np.take_along_axis(votes, labels, 1)
        nearest = of_neighbour.argmax(1)  # the first of those with most votes
        return np.take_along_axis(labels, nearest[:, None], 1)[:, 0]

    def _is_accepted(self, distances: Floats, numbers: Numbers, winners: Numbers) -> npt.NDArray[np.bool_]:
        return self._to_class(distances, numbers, winners) <= self.thresholds_[winners]

    def _to_class(self, distances: Floats, numbers: Numbers, winners: Numbers) -> Floats:
        """Distance to the nearest neighbour of the class that won."""
        return np.where(self._labels[numbers] == winners[:, None], distances, np.inf).min(1)

    def _calibrated(self, share: float) -> Floats:
        """Threshold of each class."""
        rows = np.arange(0, len(self._targets), max(1, -(-len(self._targets) // _CALIBRATING)))
        distances, numbers = self._rows([self._targets.texts[row] for row in rows], self.n_neighbors, rows)
        winners = self._winners(numbers)
        found = self._to_class(distances, numbers, winners)
        overall = _conformal(found, share)
        if math.isinf(overall):
            needed = math.ceil(1 / share) - 1
            raise UsageError(
                f"reject={share:g} cannot be calibrated on {len(found)} sequences; {needed} are needed, or a "
                "larger share"
            )
        of_class = [_conformal(found[winners == label], share) for label in range(len(self.classes_))]
        return np.array([overall if math.isinf(each) else each for each in of_class])

    def _threads(self) -> int:
        if self.n_jobs is None:
            return 1
        return (os.cpu_count() or 1) if self.n_jobs == -1 else self.n_jobs

    def _check(self, count: int) -> None:
        if self.metric not in METRICS:
            raise UsageError(f"metric {self.metric!r}; {', '.join(METRICS)} is expected")
        if self._threads() < 1:
            raise UsageError(f"n_jobs is {self.n_jobs}; 1 or more are expected, or -1 for all cores")
        if self.reject is not None and not 0 < self.reject < 1:
            raise UsageError(f"reject is {self.reject:g}; a share between 0 and 1 is expected")
        if self.prefilter is not None and self.prefilter < self.n_neighbors:
            found = f"prefilter is {self.prefilter} and n_neighbors {self.n_neighbors}"
            raise UsageError(f"{found}; at least as many are needed, and some tens are good")
        self._check_count(self.n_neighbors, count)

    def _check_count(self, wanted: int, there: int) -> None:
        if not 1 <= wanted <= there:
            raise UsageError(
                f"n_neighbors is {wanted}; 1..{there} are possible, as many as there are sequences"
            )


def _conformal(distances: Floats, share: float) -> float:
    """The distance that a new member exceeds in at most a share of cases; infinite of too few members.

    Examples
    --------
    >>> _conformal(np.arange(1.0, 20.0), 0.05), _conformal(np.arange(1.0, 19.0), 0.05)
    (19.0, inf)
    """
    rank = math.ceil((len(distances) + 1) * (1 - share) - 1e-9)
    return math.inf if rank > len(distances) else float(np.sort(distances)[rank - 1])
