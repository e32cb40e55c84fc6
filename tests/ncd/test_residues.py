"""The mixing model of proteins against one written as its description reads, and its invariants."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest

from genoseq.errors import InputError, UsageError
from genoseq.ncd.residue_contexts import CONTEXTS
from genoseq.ncd.residue_copies import SEEDS
from genoseq.ncd.residues import ResidueModel, known_residues
from genoseq.ncd.substitutions import BACKGROUND, BLOSUM62
from genoseq.protein import AMINO_ACIDS, decode_protein, encode_protein

SHARES = dict(zip(AMINO_ACIDS, (BACKGROUND / BACKGROUND.sum()).tolist(), strict=True))


class Naive:
    """Learns strings of amino acids, with X for unknown; no hashes, no numbers for words, 64 bits."""

    def __init__(self):
        self.text = ""
        self.counts = [defaultdict(lambda: dict.fromkeys(AMINO_ACIDS, 0)) for _ in CONTEXTS]
        self.places = [{} for _ in SEEDS]
        self.hits = {}
        self.others = {}
        for a, row in zip(AMINO_ACIDS, BLOSUM62, strict=True):
            shares = {b: SHARES[b] * 2 ** (s / 2) for b, s in zip(AMINO_ACIDS, row, strict=True) if b != a}
            self.others[a] = {b: 20 * share / sum(shares.values()) for b, share in shares.items()} | {a: 0.0}
        self.weights = [defaultdict(lambda: 0.1), *(defaultdict(float) for _ in range(3))]
        self.seen = 0

    def tell(self, before, local):
        """Distributions of the contexts, None for those that are silent, and times of three residues."""
        told, shown = [], []
        for context, counts in zip(CONTEXTS, self.counts, strict=True):
            shorter = SHARES if context.shorter < 0 else told[context.shorter]
            row = counts[self.word(context, before)]
            total = sum(row.values()) + context.weight
            mixed = {x: (row[x] + context.weight * shorter[x]) / total for x in AMINO_ACIDS}
            told.append(mixed if len(before) >= context.order else shorter)
            shown.append(mixed if len(before) >= context.order else None)
        total = sum(local.values()) + 40
        shown.append({x: (local[x] + 40 * told[0][x]) / total for x in AMINO_ACIDS})
        times = sum(self.counts[3][self.word(CONTEXTS[3], before)].values()) if len(before) >= 3 else 0
        return shown, min(10, times.bit_length())

    @staticmethod
    def word(context, before):
        last = before[len(before) - context.order :]
        return tuple(next(i for i, group in enumerate(context.groups) if x in group) for x in last)

    def hit(self, c, score, run):
        run = run if run < 6 else 6 + sum(run >= least for least in (8, 12, 16, 24, 32))
        key = c, score, run
        return self.hits.setdefault(key, min(0.05 + 0.03 * score + 0.03 * run, 0.95)), key

    def expect(self, sequence, at, known, copies):
        told = []
        for c, seed in enumerate(SEEDS):
            copy = copies[c]
            if copy is None and known >= seed:
                place = self.places[c].get(sequence[at - seed : at])
                if place is not None:
                    same = 0
                    while (
                        same < min(known, 32)
                        and place > same
                        and self.text[place - 1 - same] == sequence[at - 1 - same]
                    ):
                        same += 1
                    if same >= seed:
                        copy = [place, min(16, same), same]
            if copy and (copy[0] >= len(self.text) or self.text[copy[0]] == "X"):
                copy = None
            copies[c] = copy
            if copy is None:
                told.append(None)
                continue
            letter = self.text[copy[0]]
            hit, _ = self.hit(c, *copy[1:])
            others = self.others[letter]
            total = sum(others.values())
            told.append(
                {x: hit if x == letter else (1 - hit) * max(others[x], 1e-3) / total for x in AMINO_ACIDS}
            )
        return told

    def learn(self, sequence):
        """The distribution of each residue."""
        self.text += "X"
        out = []
        before, cost, copies, local = "", 4.2, [None] * len(SEEDS), dict.fromkeys(AMINO_ACIDS, 0.0)
        for at, letter in enumerate(sequence):
            if letter not in AMINO_ACIDS:
                before, cost, copies = "", 4.2, [None] * len(SEEDS)
                self.text += "X"
                out.append(None)
                continue
            shown, often = self.tell(before, local)
            told = self.expect(sequence, at, len(before), copies)
            active = [copy for copy in copies if copy]
            expected = [self.text[copy[0]] for copy in active]
            classes = [self.hit(0, *copy[1:])[1][2] for copy in active]
            situation = (
                (min(11, int(2 * cost)), len(active)),
                (often, max((1 + copy[1] for copy in active), default=0)),
                before[-1:],
                (max((1 + each for each in classes), default=0), len(set(expected)) > 1),
            )
            models = [*shown, *told]
            inputs = [[math.log(model[x]) if model else 0.0 for x in AMINO_ACIDS] for model in models]
            weights = [
                sum(table[row, i] for table, row in zip(self.weights, situation, strict=True))
                for i in range(len(models))
            ]
            total = [sum(w * each[x] for w, each in zip(weights, inputs, strict=True)) for x in range(20)]
            shares = [math.exp(each - max(total)) for each in total]
            shares = [each / sum(shares) for each in shares]
            out.append([each * (1 - 20e-4) + 1e-4 for each in shares])
            x = AMINO_ACIDS.index(letter)
            cost += (-math.log2(out[-1][x]) - cost) / 16
            rate = max(0.0005, 0.01 / (1 + self.seen / 2e4))
            for i, each in enumerate(inputs):
                step = rate * (each[x] - sum(p * v for p, v in zip(shares, each, strict=True)))
                for table, row in zip(self.weights, situation, strict=True):
                    table[row, i] += step
            self.follow(letter, copies)
            self.count(letter, before, sequence, at, local)
            before += letter
        return out

    def follow(self, letter, copies):
        for c, copy in enumerate(copies):
            if not copy:
                continue
            expected = self.text[copy[0]]
            hit, key = self.hit(c, *copy[1:])
            self.hits[key] += 0.01 * ((expected == letter) - hit)
            if expected == letter:
                copies[c] = [copy[0] + 1, min(16, copy[1] + 1), copy[2] + 1]
                continue
            if copy[1] > 4:
                self.others[expected][letter] += 0.25
            copies[c] = [copy[0] + 1, copy[1] - 1, 0] if copy[1] else None

    def count(self, letter, before, sequence, at, local):
        for context, counts in zip(CONTEXTS, self.counts, strict=True):
            if len(before) >= context.order:
                counts[self.word(context, before)][letter] += 1
        for places, seed in zip(self.places, SEEDS, strict=True):
            if len(before) >= seed:
                places[sequence[at - seed : at]] = len(self.text)
        self.text += letter
        self.seen += 1
        local[letter] += 1
        if sum(local.values()) >= 300:
            for x in AMINO_ACIDS:
                local[x] /= 2


def relatives(seed, count=6, length=150):
    """Proteins, each a mutated part of one of two ancestors, some residues unknown."""
    rng = np.random.default_rng(seed)
    ancestors = rng.choice(20, (2, length), p=BACKGROUND / BACKGROUND.sum())
    found = []
    for number in range(count):
        each = ancestors[number % 2][rng.integers(0, 20) :].copy()
        changed = rng.random(len(each)) < 0.2
        each[changed] = rng.integers(0, 20, changed.sum())
        each[rng.random(len(each)) < 0.01] = 21
        found.append(each.astype(np.uint8))
    return found


def test_it_is_the_naive_model():
    naive, model = Naive(), ResidueModel(1 << 22)  # so large that no seeds share a place
    for codes in [*relatives(1), np.tile(relatives(2, 1, 60)[0], 8)]:
        expected = naive.learn(decode_protein(codes))
        shown = model.probabilities(codes)
        costs = model.learn(codes)
        for x, row, cost in zip(codes, expected, costs, strict=True):
            assert cost == pytest.approx(0 if row is None else -math.log2(row[x]), abs=1e-4)
        np.testing.assert_allclose(shown[0], expected[0], atol=1e-4)  # nothing of it was learned yet


def test_probabilities_are_what_costs():
    proteins = relatives(3)
    model = ResidueModel(1000)
    for codes in proteins[:4]:
        model.learn(codes)
    codes = proteins[4]
    shares = model.probabilities(codes)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
    known = codes < 20
    costs = model.costs(codes)
    np.testing.assert_allclose(costs[known], -np.log2(shares[known, codes[known]]), rtol=1e-4)
    assert not costs[~known].any()
    assert model.bits_per_residue([codes]) == pytest.approx(model.bits(codes) / known_residues(codes))


def test_scoring_changes_nothing():
    proteins = relatives(4)
    model = ResidueModel(1000)
    for codes in proteins[:3]:
        model.learn(codes)
    first = model.costs(proteins[3])
    model.costs(proteins[4])
    np.testing.assert_array_equal(model.costs(proteins[3]), first)
    other = model.copy()
    other.learn(proteins[4])
    np.testing.assert_array_equal(model.costs(proteins[3]), first)
    assert not np.array_equal(other.costs(proteins[3]), first)


def test_homologs_are_cheap_and_others_are_not():
    family, others = relatives(5, 2)[:1] + relatives(5, 4)[2:3], relatives(6, 2)
    model = ResidueModel(1000)
    model.learn(family[0])
    assert model.bits(family[1]) < 0.85 * ResidueModel(1000).bits(family[1])
    assert model.bits(others[0]) > 0.97 * ResidueModel(1000).bits(others[0])


def test_random_proteins_cost_their_entropy():
    shares = BACKGROUND / BACKGROUND.sum()
    codes = np.random.default_rng(7).choice(20, 100_000, p=shares).astype(np.uint8)
    entropy = -(shares * np.log2(shares)).sum()
    assert entropy < ResidueModel(100_000).learn(codes).mean() < entropy + 0.03


def test_long_repeats_cost_almost_nothing():
    codes = np.random.default_rng(8).integers(0, 20, 3000).astype(np.uint8)
    model = ResidueModel(10_000)
    assert model.learn(codes).mean() > 4.2
    assert model.learn(codes).mean() < 0.15
    rare = np.zeros(150_000, np.uint8)  # counts are halved
    assert model.learn(rare)[-1000:].mean() < 0.01


def test_substitutions_are_blosum():
    assert (BLOSUM62 == BLOSUM62.T).all()
    scores = dict(zip(AMINO_ACIDS, BLOSUM62[AMINO_ACIDS.index("W")].tolist(), strict=True))
    assert (scores["W"], scores["Y"], scores["F"], scores["C"], scores["P"]) == (11, 2, 1, -2, -4)
    assert BACKGROUND.sum() == pytest.approx(100, abs=0.5)


def test_bad_input():
    model = ResidueModel(100)
    with pytest.raises(UsageError, match="a code of an amino acid is 86"):
        model.learn(np.frombuffer(b"MKLV", np.uint8))
    with pytest.raises(UsageError, match="one row of codes"):
        model.costs(np.zeros((2, 2), np.uint8))
    with pytest.raises(UsageError, match="a model for 0 residues"):
        ResidueModel(0)
    with pytest.raises(InputError, match="nothing to score"):
        model.bits_per_residue([encode_protein("XX*")])
    assert model.learn(np.zeros(0, np.uint8)).shape == (0,)
