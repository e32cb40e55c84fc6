"""A model of peptides whose every answer can be computed: a Markov random field of short peptides."""

from __future__ import annotations

import itertools

import numpy as np

from genoseq.peptides.tokens import AMINO, MASK, TOKENS

LETTERS = 4  # amino acids that it knows: A, C, D, E


class ToyModel:
    """The joint distribution of all peptides of `length` letters, given a target, as a table.

    Log-probabilities are exact conditionals: what is masked is summed out.
    """

    def __init__(self, length, seed=1):
        rng = np.random.default_rng(seed)
        self.length = length
        self.peptides = np.array(list(itertools.product(range(LETTERS), repeat=length)))
        energies = rng.normal(size=(length, LETTERS))[np.arange(length), self.peptides].sum(1)
        for first, second in itertools.combinations(range(length), 2):
            table = rng.normal(size=(LETTERS, LETTERS))
            energies = energies + table[self.peptides[:, first], self.peptides[:, second]]
        self.shares = np.exp(energies) / np.exp(energies).sum()
        self.looks = 0

    def log_probabilities(self, rows, places):
        found = []
        for row, asked in zip(rows, places, strict=True):
            self.looks += 1
            start = len(row) - self.length
            peptide = row[start:]
            keep = np.ones(len(self.peptides), bool)
            for place, token in enumerate(peptide):
                if token != MASK:
                    keep &= AMINO[self.peptides[:, place]] == token
            for place in asked:
                shares = np.full(len(TOKENS), 1e-9)
                for letter in range(LETTERS):
                    shares[AMINO[letter]] += self.shares[
                        keep & (self.peptides[:, place - start] == letter)
                    ].sum()
                found.append(np.log(shares / shares.sum()))
        return np.array(found, np.float32)

    def log_probabilities_behind(self, target, reference, peptides, places):
        assert all(len(peptide) == len(reference) for peptide in peptides)
        rows = [np.concatenate([target, peptide]) for peptide in peptides]
        return self.log_probabilities(rows, [len(target) + np.asarray(asked) for asked in places])
