"""Relative compression: a sequence is of the class under which it costs least.

There is one model a class, made of counts of words of several lengths (`genoseq.ncd.words`), of the bases
and of the protein that the sequence codes for. To classify a sequence takes a time that depends on its
length and the number of classes, not on how many sequences were learned:

1. Under each class, words of each kind cost so many bits, and on the best segment the class saves so many.
2. A logistic regression with one weight for each of these figures, the same for all classes, makes one
   weighed cost of them (`genoseq.supervised.conditional`). It is fitted on the training sequences, each
   scored as if it and its homologs had not been learned. The probabilities are calibrated by that: in the
   settings below (dog, human, human without homologs) the highest has a mean of .90, .99 and .73, and .91,
   .99 and .74 are right.
3. What saves less on its best segment than nearly all training sequences did is none of the classes
   (`accepts`); `predict` names the best one all the same.

The homologs matter. In the training set most sequences have near-twins; leaving out one by one, long words
look better than they are for anything new. Of human genes that resembled none of training, .67 were right
with weights that were fitted leaving out one by one, .74 leaving out homologs; in a random split .982 and
.987. Genes of the dog, 656 to learn: .911, with words of DNA alone .827, by 1-NN of protein 4-mers .886
(`benchmarks/ncd/relative.py`, means of three seeds).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from genoseq.errors import InputError, UsageError
from genoseq.io.labelled import ALPHABETS
from genoseq.ncd.blended import blended_bits
from genoseq.ncd.estimator import TextClassifier, numbered
from genoseq.ncd.frames import reading_frame
from genoseq.ncd.inputs import Sequences, as_codes, check_proteins
from genoseq.ncd.words import (
    BEST_SEGMENT,
    CODING,
    DNA,
    FIGURES,
    PROTEIN,
    WordCounts,
    WordKind,
    count_words,
    held_out_costs,
    word_costs,
)
from genoseq.supervised.conditional import Conditional, fit_conditional
from genoseq.supervised.homology import homology_clusters, protein_clusters

__all__ = ["CODING", "DNA", "PROTEIN", "Judgement", "RelativeClassifier"]

LEAVE_OUT = ("homologs", "one")
DEFAULT_WORDS = {"dna": CODING, "protein": PROTEIN}
_NOTHING = np.empty(0, np.uint8)
_WHOLE = 0.5  # share of a class above which homologs are not left out together: little of it would be left

Codes = NDArray[np.uint8]
Floats = NDArray[np.float64]


class Judgement(NamedTuple):
    """What a classifier says of sequences.

    Attributes
    ----------
    probabilities : ndarray, shape (n, classes), dtype float64
    evidence : ndarray, shape (n,), dtype float64
        How much speaks for the best class (`RelativeClassifier.evidence`).
    accepted : ndarray, shape (n,), dtype bool
        False for "none of these".
    """

    probabilities: Floats
    evidence: Floats
    accepted: NDArray[np.bool_]


class RelativeClassifier(TextClassifier):
    """Classify sequences by what they cost under a model of each class.

    A scikit-learn classifier of texts: `X` is a list of sequences as letters or as codes, `y` one label for
    each. Letters of DNA and RNA are those of IUPAC (other than A, C, G, T or U they are unknown), with codes
    as in `genoseq.sequence`; `genoseq.protein` tells of those of proteins.

    Parameters
    ----------
    words : sequence of WordKind, optional
        `CODING`, `DNA`, `PROTEIN` or others; by default `CODING`, or `PROTEIN` if that is the alphabet.
    alphabet : str
        "dna", also for RNA, or "protein". To learn from proteins of which half hold the letters of
        nucleotides only is an error, and to classify them a warning (`inputs.check_proteins`).
    both_strands : bool
        Sequences come from either strand: words of DNA are counted without regard to it, and the protein is
        looked for in six reading frames. By default they are written in the direction of their genes.
    smoothing : float
        Count of a word that was never seen.
    penalty : float
        Of the logistic regression (`fit_conditional`).
    leave_out : str
        What is left out with each training sequence while the weights are fitted: the "homologs", sequences
        that resemble it (`genoseq.supervised.homology`), or only the "one" itself. Homologs that are more
        than half of a class are left out one by one.
    reject : float
        Share of training sequences that `accepts` gives up, when they are left out.

    Attributes
    ----------
    classes_ : ndarray, shape (classes,)
        Labels, sorted.
    tables_ : list of WordCounts
        Of each of `words`.
    regression_ : Conditional
    threshold_ : float
        `evidence` of a known sequence, at least.

    Examples
    --------
    >>> rich, poor = ["GCCGGCGTCGGC", "CGGCCGTGCCGG"], ["ATTATATCATTA", "TTAATACATATT"]
    >>> model = RelativeClassifier(words=[WordKind("dna", 1), WordKind("dna", 2)])
    >>> model.fit(rich + poor, ["GC", "GC", "AT", "AT"]).predict(["CCGCGGACG", "ATATTCATA"]).tolist()
    ['GC', 'AT']
    """

    def __init__(
        self,
        words: Sequence[WordKind] | None = None,
        *,
        alphabet: str = "dna",
        both_strands: bool = False,
        smoothing: float = 0.1,
        penalty: float = 1e-3,
        leave_out: str = "homologs",
        reject: float = 0.01,
    ) -> None:
        self.words = words
        self.alphabet = alphabet
        self.both_strands = both_strands
        self.smoothing = smoothing
        self.penalty = penalty
        self.leave_out = leave_out
        self.reject = reject

    def fit(self, X: Sequences, y: ArrayLike) -> RelativeClassifier:
        """Count words, then fit the weights.

        Raises
        ------
        UsageError
            If a parameter is out of range, or there are not as many labels as sequences.
        InputError
            If a sequence is empty or holds letters of another alphabet, or there is one class only.
        """
        self.check()
        codes = as_codes(X, self.alphabet)
        if self.alphabet == "protein":
            check_proteins(X, refuse=True)
        self.classes_, numbers = numbered(y, len(codes))
        groups = self._left_out(codes, numbers)
        readings = self._readings(codes)
        self.tables_: list[WordCounts] = []
        held_out = []
        for kind in self.kinds:
            found_words = [self._words(kind, *each) for each in readings]
            table = count_words(kind, found_words, numbers, len(self.classes_), self.smoothing)
            held_out.append(held_out_costs(table, found_words, numbers, groups))
            self.tables_.append(table)
        learned = np.sum([table.totals for table in self.tables_], axis=0)
        for name in self.classes_[learned == 0]:
            raise InputError(f"class {name}: its sequences have no known letters to learn from")
        figures = np.concatenate(held_out, axis=2)
        self.regression_: Conditional = fit_conditional(figures, numbers, penalty=self.penalty)
        self.threshold_ = float(np.quantile(self._evidence(figures, codes), self.reject))
        return self

    def decision_function(self, X: Sequences) -> Floats:
        """Logits, the weighed costs with their sign changed: (n, classes), of two classes (n,)."""
        check_is_fitted(self)
        logits = self.regression_.logits(self._figures(self._codes(X)))
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def judge(self, X: Sequences) -> Judgement:
        """All that is to be said of sequences, for the price of one."""
        check_is_fitted(self)
        codes = self._codes(X)
        figures = self._figures(codes)
        evidence = self._evidence(figures, codes)
        return Judgement(self.regression_.probabilities(figures), evidence, evidence >= self.threshold_)

    def predict_proba(self, X: Sequences) -> Floats:
        """Probability of each class: float64 (n, classes)."""
        return self.judge(X).probabilities

    def predict(self, X: Sequences) -> NDArray[Any]:
        """The most probable class of each sequence: (n,), labels as in `y`."""
        shares = self.predict_proba(X)
        return self.classes_[shares.argmax(1)]

    def evidence(self, X: Sequences) -> Floats:
        """How much speaks for the class that fits best: float64 (n,).

        Bits that it saves on its best segment by the longest words of each alphabet, divided by the square
        root of the letters, as long sequences have good segments by chance. It told genes of the dog apart
        from those of a family that was not learned with an AUROC of .89, mean of the seven; the highest
        probability has .85 (`benchmarks/ncd/relative.py`).
        """
        return self.judge(X).evidence

    def accepts(self, X: Sequences) -> NDArray[np.bool_]:
        """Whether each sequence resembles a class: bool (n,); else the answer is "none of these"."""
        return self.judge(X).accepted

    def bits_per_base(self, X: Sequences) -> Floats:
        """What a base costs under the context model of each class: float64 (n, classes).

        It is made of the words of DNA that were counted, of which the longest hand over to the shorter ones,
        as in `MarkovModel`; under a class that has learned nothing a base costs 2. The protein does not
        enter, so `predict` may prefer another class than the one with the lowest cost.

        Raises
        ------
        UsageError
            If no words of DNA were counted.
        """
        check_is_fitted(self)
        tables = sorted((t for t in self.tables_ if t.kind.alphabet == "dna"), key=lambda t: t.kind.length)
        if not tables:
            raise UsageError("no words of DNA were counted: bits/base need some, see `words`")
        return np.array(
            [blended_bits(codes, tables, both_strands=self.both_strands) for codes in self._codes(X)]
        ).reshape(-1, len(self.classes_))

    def _figures(self, codes: list[Codes]) -> Floats:
        """Figures of sequences: (n, classes, figures)."""
        readings = self._readings(codes)
        found = [
            word_costs(table, (self._words(table.kind, *each) for each in readings)) for table in self.tables_
        ]
        return np.concatenate(found, axis=2)

    def _evidence(self, figures: Floats, codes: list[Codes]) -> Floats:
        """Of sequences with these figures."""
        longest = {kind.alphabet: number for number, kind in sorted(enumerate(self.kinds), key=_length)}
        segments = figures[:, :, [FIGURES * number + BEST_SEGMENT for number in longest.values()]]
        return segments.sum(2).max(1, initial=0) / np.sqrt([each.size for each in codes])

    def _words(self, kind: WordKind, bases: Codes, residues: Codes) -> NDArray[np.int64]:
        return kind.words(bases, residues, both_strands=self.both_strands)

    @property
    def kinds(self) -> tuple[WordKind, ...]:
        """The words that are counted: `words`, or those of the alphabet."""
        return DEFAULT_WORDS[self.alphabet] if self.words is None else tuple(self.words)

    def _codes(self, X: Sequences) -> list[Codes]:
        """Of sequences that are to be classified."""
        codes = as_codes(X, self.alphabet)
        if self.alphabet == "protein":
            check_proteins(X, refuse=False)
        return codes

    def _readings(self, codes: list[Codes]) -> list[tuple[Codes, Codes]]:
        """Bases and residues of each sequence; what no kind of words needs is empty."""
        if self.alphabet == "protein":
            return [(_NOTHING, each) for each in codes]
        if all(kind.alphabet == "dna" for kind in self.kinds):
            return [(each, _NOTHING) for each in codes]
        return [(each, reading_frame(each, both_strands=self.both_strands)) for each in codes]

    def _left_out(self, codes: list[Codes], labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Group of each sequence; those of a group are left out together."""
        alone = np.arange(len(codes))
        if self.leave_out == "one":
            return alone
        clusters = protein_clusters(codes) if self.alphabet == "protein" else homology_clusters(codes)
        members = np.zeros((int(clusters.max()) + 1, int(labels.max()) + 1), np.int64)
        np.add.at(members, (clusters, labels), 1)
        too_large = (members > _WHOLE * members.sum(0)).any(1)
        return np.where(too_large[clusters], len(codes) + alone, clusters)

    def check(self) -> None:
        """Refuse parameters that are out of range; `fit` does so.

        Raises
        ------
        UsageError
        """
        if self.alphabet not in ALPHABETS:
            raise UsageError(f"alphabet {self.alphabet!r}: choose {' or '.join(ALPHABETS)}")
        if not self.kinds:
            raise UsageError("no words to count; see CODING, DNA and PROTEIN")
        if self.alphabet == "protein":
            if any(kind.alphabet == "dna" for kind in self.kinds):
                raise UsageError("words of dna are not in proteins; see PROTEIN")
            if self.both_strands:
                raise UsageError("both_strands is of DNA; a protein has one direction")
        if self.leave_out not in LEAVE_OUT:
            raise UsageError(f"leave_out {self.leave_out!r}: choose {' or '.join(LEAVE_OUT)}")
        for name, least in (("smoothing", 0), ("penalty", 0)):
            if not getattr(self, name) > least:
                raise UsageError(f"{name} is {getattr(self, name)}; above {least} is expected")
        if not 0 <= self.reject < 1:
            raise UsageError(f"reject is {self.reject}; a share of 0 to 1 is expected")


def _length(numbered: tuple[int, WordKind]) -> int:
    return numbered[1].length
