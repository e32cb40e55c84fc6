"""Simple rivals: what any classifier of sequences must beat to be worth its time.

    majority                         the class that most training sequences have
    naive Bayes, DNA 9-mers          multinomial, with 0.1 added to each count: a strong and forgotten one
    Jaccard 1-NN, DNA 11-mers        the training sequence that shares the largest part of its words
    Jaccard 1-NN, protein 4-mers     the same of the protein that a gene codes for

All are scikit-learn classifiers of lists of texts (`genoseq.ncd.inputs`). DNA is read as it is written; the
protein of a gene is that of its longest open reading frame (`genoseq.ncd.frames`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.dummy import DummyClassifier
from sklearn.utils.validation import check_is_fitted

from genoseq.errors import InputError, UsageError
from genoseq.io.labelled import ALPHABETS
from genoseq.ncd.estimator import TextClassifier, numbered_as_scikit_learn
from genoseq.ncd.frames import reading_frame
from genoseq.ncd.inputs import Sequences, as_codes
from genoseq.ncd.words import WordKind

__all__ = ["JaccardClassifier", "WordBayes", "rivals"]

BAYES_WORDS, JACCARD_WORDS = WordKind("dna", 9), WordKind("dna", 11)
_QUERIES = 256  # that are compared with all training sequences at once: bounds the memory

Words = NDArray[np.int64]


def rivals(alphabet: str = "dna") -> dict[str, Any]:
    """The rivals by name, to be shown beside another classifier.

    Parameters
    ----------
    alphabet
        Of the sequences, "dna" or "protein"; proteins are asked for words of proteins only.
    """
    protein = WordKind("protein", 4)
    found: dict[str, Any] = {"majority": DummyClassifier(strategy="most_frequent")}
    if alphabet == "protein":
        found["naive Bayes, protein 4-mers"] = WordBayes(protein, alphabet=alphabet)
    else:
        found["naive Bayes, DNA 9-mers"] = WordBayes()
        found["Jaccard 1-NN, DNA 11-mers"] = JaccardClassifier()
    found["Jaccard 1-NN, protein 4-mers"] = JaccardClassifier(protein, alphabet=alphabet)
    return found


class _OfWords(TextClassifier):
    """A classifier that sees the words of a sequence, in no order."""

    words: WordKind
    alphabet: str

    def _learn(self, X: Sequences, y: ArrayLike) -> list[Words]:
        """Check everything, number the labels and the words; the words of each sequence."""
        if self.alphabet not in ALPHABETS:
            raise UsageError(f"alphabet {self.alphabet!r}; {' or '.join(ALPHABETS)} is expected")
        if self.alphabet == "protein" and self.words.alphabet == "dna":
            raise UsageError("a protein has no words of DNA; choose words of proteins, or alphabet dna")
        found = self._words(X)
        self.classes_, self._labels = numbered_as_scikit_learn(y, found)
        self.vocabulary_ = np.unique(np.concatenate(found))
        return found

    def _words(self, X: Sequences) -> list[Words]:
        """The known words of each sequence."""
        found, none = [], np.empty(0, np.uint8)
        for codes in as_codes(X, self.alphabet, "X"):
            if self.alphabet == "protein":
                words = self.words.words(none, codes)
            elif self.words.alphabet == "dna":
                words = self.words.words(codes, none)
            else:
                words = self.words.words(codes, reading_frame(codes, both_strands=False))
            found.append(words[words >= 0])
        return found

    def _table(self, words: list[Words]) -> Any:
        """Counts of the words that were learned: sparse, (n, vocabulary)."""
        from scipy.sparse import csr_matrix

        all_words = np.concatenate([*words, np.empty(0, np.int64)])
        rows = np.repeat(np.arange(len(words)), [len(each) for each in words])
        places = np.searchsorted(self.vocabulary_, all_words)
        known = places < len(self.vocabulary_)
        known[known] = self.vocabulary_[places[known]] == all_words[known]
        shape = (len(words), len(self.vocabulary_))
        table = csr_matrix((np.ones(int(known.sum()), np.float32), (rows[known], places[known])), shape)
        table.sum_duplicates()
        return table


class WordBayes(_OfWords):
    """Multinomial naive Bayes on counts of words; those that no training sequence has do not count.

    Parameters
    ----------
    words
        Which.
    alpha
        What is added to each count, above 0.
    alphabet
        Of the sequences, "dna" or "protein".

    Attributes
    ----------
    classes_ : ndarray, shape (classes,)
        Labels, sorted.
    vocabulary_ : ndarray, shape (words,), dtype int64
        Words of the training sequences, as numbers.

    Examples
    --------
    >>> model = WordBayes(WordKind("dna", 2)).fit(["GCCGGC", "ATTATA"], ["GC", "AT"])
    >>> model.predict(["CCGG", "tataa"]).tolist()
    ['GC', 'AT']
    """

    def __init__(self, words: WordKind = BAYES_WORDS, *, alpha: float = 0.1, alphabet: str = "dna") -> None:
        self.words = words
        self.alpha = alpha
        self.alphabet = alphabet

    def fit(self, X: Sequences, y: ArrayLike) -> WordBayes:
        """Count.

        Raises
        ------
        UsageError
            If a parameter is out of range, or X is no list of texts.
        InputError
            If a sequence is empty or of another alphabet, no sequence has a word, or there is one class only.
        ValueError
            From scikit-learn, if `y` is not as many labels of classes.
        """
        from sklearn.naive_bayes import MultinomialNB

        if not self.alpha > 0:
            raise UsageError(f"alpha is {self.alpha}; above 0 is expected")
        words = self._learn(X, y)
        if not len(self.vocabulary_):
            raise InputError(
                f"no sequence has {self.words.length} known letters in a row; choose shorter words"
            )
        self._model = MultinomialNB(alpha=self.alpha).fit(self._table(words), self._labels)
        return self

    def predict_proba(self, X: Sequences) -> NDArray[np.float64]:
        """Probability of each class, (n, classes), mostly 0 or 1: words are not independent."""
        check_is_fitted(self)
        words = self._words(X)
        if not words:
            return np.empty((0, len(self.classes_)))
        return self._model.predict_proba(self._table(words))

    def predict(self, X: Sequences) -> NDArray[Any]:
        """Label of each sequence, (n,)."""
        found = self.predict_proba(X).argmax(1)
        return self.classes_[found]


class JaccardClassifier(_OfWords):
    """The label of the training sequence with the largest Jaccard index of words.

    It is the number of distinct words that both have, divided by the number that at least one has. Of
    equally similar sequences the first of the training set counts.

    Parameters
    ----------
    words
        Which.
    alphabet
        Of the sequences, "dna" or "protein".

    Attributes
    ----------
    classes_ : ndarray, shape (classes,)
        Labels, sorted.
    vocabulary_ : ndarray, shape (words,), dtype int64
        Words of the training sequences, as numbers.

    Examples
    --------
    >>> model = JaccardClassifier(WordKind("dna", 3)).fit(["GATTACA", "CCGGAAC"], ["a", "b"])
    >>> model.predict(["CATTACG", "CGGAA"]).tolist()
    ['a', 'b']
    """

    def __init__(self, words: WordKind = JACCARD_WORDS, *, alphabet: str = "dna") -> None:
        self.words = words
        self.alphabet = alphabet

    def fit(self, X: Sequences, y: ArrayLike) -> JaccardClassifier:
        """Take sequences with their labels.

        Raises
        ------
        UsageError
            If a parameter is out of range, or X is no list of texts.
        InputError
            If a sequence is empty or of another alphabet, or there is one class only.
        ValueError
            From scikit-learn, if `y` is not as many labels of classes.
        """
        words = [np.unique(each) for each in self._learn(X, y)]
        self._known = self._table(words).T.tocsr()
        self._sizes = np.array([len(each) for each in words], np.float64)
        return self

    def nearest(self, X: Sequences) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Jaccard index with the most similar training sequence, and its number, of each sequence: (n,)."""
        check_is_fitted(self)
        words = [np.unique(each) for each in self._words(X)]
        best, numbers = np.zeros(len(words)), np.zeros(len(words), np.int64)
        for first in range(0, len(words), _QUERIES):
            part = words[first : first + _QUERIES]
            shared = (self._table(part) @ self._known).toarray().astype(np.float64)
            union = np.array([[len(each)] for each in part]) + self._sizes - shared
            index = shared / np.maximum(union, 1)
            rows = slice(first, first + len(part))
            numbers[rows] = index.argmax(1)
            best[rows] = index.max(1)
        return best, numbers

    def predict(self, X: Sequences) -> NDArray[Any]:
        """Label of each sequence, (n,)."""
        _, numbers = self.nearest(X)
        return self.classes_[self._labels[numbers]]
