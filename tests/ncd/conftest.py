"""Random sequences for the tests of compression."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.ncd.frames import translate
from genoseq.protein import STOP, decode_protein
from genoseq.sequence import encode


@pytest.fixture
def bases():
    """`bases(seed, length, unknown=0.0)`: base codes of uneven frequency, some of them unknown."""

    def make(seed, length, *, unknown=0.0):
        rng = np.random.default_rng(seed)
        codes = rng.choice(4, length, p=[0.4, 0.3, 0.2, 0.1]).astype(np.uint8)
        codes[rng.random(length) < unknown] = 4
        return codes

    return make


@pytest.fixture
def markov_chain():
    """`markov_chain(seed, length, transitions)`: a sample; `transitions` has a row for each context."""

    def make(seed, length, transitions):
        rng = np.random.default_rng(seed)
        thresholds = np.cumsum(transitions, axis=1)
        draws = rng.random(length)
        codes = np.empty(length, np.uint8)
        context = 0
        for i in range(length):
            codes[i] = min(3, int(np.searchsorted(thresholds[context], draws[i])))
            context = (context * 4 + int(codes[i])) % len(transitions)
        return codes

    return make


@pytest.fixture(scope="session")
def proteins(families):
    """`proteins(seed, n=60, classes=3)`: the texts of `families`, translated, and their labels."""

    def make(seed, n=60, classes=3):
        texts, labels = families(seed, n, classes)
        return [decode_protein(translate(encode(text))) for text in texts], labels

    return make


@pytest.fixture(scope="session")
def families():
    """`families(seed, n=60, classes=3)`: texts of coding sequences and their labels.

    Those of a class share a domain of 30 amino acids, each of them changed with a chance of 30 %, written in
    codons by chance, between parts that are random.
    """
    codons = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    synonyms = {}
    for codon in codons:
        synonyms.setdefault(int(translate(encode(codon))[0]), []).append(codon)

    def make(seed, n=60, classes=3):
        domains = np.random.default_rng(7).integers(0, STOP, (classes, 30))
        rng = np.random.default_rng(seed)
        texts, labels = [], []
        for number in range(n):
            domain = domains[number % classes].copy()
            changed = rng.random(30) < 0.3
            domain[changed] = rng.integers(0, STOP, changed.sum())
            around = [rng.integers(0, STOP, rng.integers(5, 40)) for _ in range(2)]
            protein = np.concatenate([around[0], domain, around[1]])
            texts.append("".join(rng.choice(synonyms[int(residue)]) for residue in protein))
            labels.append("xyz"[number % classes])
        return texts, labels

    return make
