"""The mixing model against one written as its description reads: strings, dictionaries, floats of 64 bits.

No rolling words, no hashes, no ring, no look-ahead: contexts are cut from the text at every base, those of
the other strand from its reverse complement.
"""

from __future__ import annotations

import math
from collections import defaultdict
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from genoseq.ncd.copies import MISS, TOP, WORTH_NOTHING
from genoseq.ncd.mixing import MixingModel, MixingParameters
from genoseq.sequence import decode, reverse_complement_text


def stepped_log(probability):
    """Probabilities of outcomes are heard in steps."""
    return math.log(max(0.5, math.floor(probability * 4095)) / 4095)


class NaiveMixing:
    """Learns strings; `learn` returns the distribution of every base."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.text = ""
        self.orders = [*parameters.orders, *parameters.local]
        self.rows = [defaultdict(lambda: [0] * 4) for _ in self.orders]
        self.cells = [defaultdict(lambda: [0] * 4) for _ in parameters.patterns]
        self.evidence = [defaultdict(lambda: None) for _ in parameters.patterns]
        self.weights = [defaultdict(float) for _ in range(4)]
        strands = (False, True) if parameters.both_strands else (False,)
        self.copies = [(seed, backwards) for seed in parameters.seeds for backwards in strands]
        self.latest = [{} for _ in parameters.seeds]
        self.outcomes = {}
        self.seen = 0
        self.counts = True
        width = 4 * (len(self.orders) + len(parameters.patterns) + len(self.copies)) + 15
        numbers = iter(range(1, parameters.nodes * width + 1))
        self.first = [
            [math.sin(12.9898 * next(numbers)) * math.sqrt(2 / width) for _ in range(width)]
            for _ in range(parameters.nodes)
        ]
        self.second = [[0.0] * parameters.nodes for _ in range(4)]

    def outcome(self, key):
        """Probabilities of each difference, with the guess that they begin with."""
        if key not in self.outcomes:
            _, score, run_class = key
            right = min(0.3 + 0.04 * score + 0.01 * run_class, 0.95)
            wrong = 1 - right
            self.outcomes[key] = [right, wrong / 4, wrong / 2, wrong / 4]
        return self.outcomes[key]

    def score(self, sequence):
        """What `learn` would return if nothing was counted; nothing of it stays."""
        scorer = deepcopy(self)
        scorer.counts = False
        return scorer.learn(sequence)

    def learn(self, sequence):
        found = []
        self.text += "N" * self.counts
        for i in range(len(self.parameters.orders), len(self.orders)):
            self.rows[i] = defaultdict(lambda: [0] * 4)
        read = ""
        for letter in sequence:
            if letter == "N":
                read = ""
                found.append([0.25] * 4)
            else:
                if not read:
                    self.begin()
                found.append(self.base(read, "ACGT".index(letter)))
                read += letter
            self.text += letter * self.counts
        return np.array(found)

    def begin(self):
        self.places = [None] * len(self.copies)
        self.cost = 2.0

    def base(self, read, base):
        inputs = self.of_orders(read) + self.of_patterns(read)
        seen = sum(used is not None for used in self.used)
        self.expected, self.keys = {}, {}
        inputs += [self.of_copy(i, read) for i in range(len(self.copies))]
        keys = (
            (min(15, int(6 * self.cost)), self.quality()),
            (seen, self.often(read)),
            ("AAAA" + read)[-4:],
            (sum(place is not None for place in self.places), len(set(self.expected.values())) > 1),
        )
        weights = [sum(self.weights[j][keys[j], i] for j in range(4)) + 0.3 for i in range(len(inputs))]
        total = [sum(w * column[x] for w, column in zip(weights, inputs, strict=True)) for x in range(4)]
        features, nodes = self.excited(inputs, seen, self.often(read), keys, read)
        total = [
            value + sum(w * node for w, node in zip(row, nodes, strict=True))
            for value, row in zip(total, self.second, strict=True)
        ]
        exponents = [math.exp(value - max(total)) for value in total]
        distribution = [value / sum(exponents) for value in exponents]
        floored = [p * (1 - 8e-4) + 2e-4 for p in distribution]
        self.cost += (-math.log2(floored[base]) - self.cost) / 16
        self.teach(base, distribution, features, nodes)
        rate = max(0.0005, 0.02 / (1 + self.seen / 2e4))
        errors = [rate * ((x == base) - distribution[x]) for x in range(4)]
        for i, column in enumerate(inputs):
            step = sum(e * value for e, value in zip(errors, column, strict=True))
            for j in range(4):
                self.weights[j][keys[j], i] += step
        for i, used in enumerate(self.used):
            for x in range(4):
                if used:
                    self.evidence[i][used[x]] += 20 * weights[len(self.orders) + i] * errors[x]
        self.follow(base)
        self.remember(read, base)
        return floored

    def excited(self, inputs, seen, often, keys, read):
        """Features of the hidden layer, and its nodes."""
        features = [(column[x] - sum(column) / 4) / 2 for x in range(4) for column in inputs]
        features += [1, self.cost - 1.5, keys[0][1] / 5, seen / 5, often / 10, keys[3][0] / 5, keys[3][1]]
        for last in keys[2][:-3:-1]:
            features += [float(letter == last) for letter in "ACGT"]
        return features, [
            max(0, sum(w * value for w, value in zip(row, features, strict=True))) for row in self.first
        ]

    def teach(self, base, distribution, features, nodes):
        rate = max(0.001, 0.01 / (1 + self.seen / 2e5))
        errors = [rate * ((x == base) - distribution[x]) for x in range(4)]
        for node, value in enumerate(nodes):
            if value > 0:
                back = sum(error * row[node] for error, row in zip(errors, self.second, strict=True))
                for error, row in zip(errors, self.second, strict=True):
                    row[node] += error * value
                for i, feature in enumerate(features):
                    self.first[node][i] += back * feature

    def often(self, read):
        """Bits of the number of times that the longest context with a row was seen, at most 11."""
        known = [order for order, _ in self.parameters.orders if order <= len(read)]
        if not known:
            return 0
        rows = self.rows[[order for order, _ in self.parameters.orders].index(max(known))]
        return min(11, sum(rows[read[len(read) - max(known) :]]).bit_length())

    def of_orders(self, read):
        return [
            [math.log(count + 1) for count in rows[read[len(read) - order :]]]
            if len(read) >= order
            else [0] * 4
            for (order, _), rows in zip(self.orders, self.rows, strict=True)
        ]

    @staticmethod
    def cut(read, pattern):
        """The bases of a pattern that stand before the end of what was read; None if it is too short."""
        near, gap, far = pattern
        if len(read) < near + gap + far:
            return None
        return read[len(read) - near :] if near else "", read[
            len(read) - near - gap - far : len(read) - near - gap
        ]

    def of_patterns(self, read):
        columns = []
        self.used = []
        for i, pattern in enumerate(self.parameters.patterns):
            counts = self.cells[i].get(self.cut(read, pattern), [0] * 4)
            if not any(counts):
                self.used.append(None)
                columns.append([0] * 4)
                continue
            entries = [(count, sum(counts) - count) for count in counts]
            for entry in entries:
                if self.evidence[i][entry] is None:
                    self.evidence[i][entry] = math.log(entry[0] + 0.125)
            self.used.append(entries)
            columns.append([self.evidence[i][entry] for entry in entries])
        return columns

    def of_copy(self, i, read):
        seed, backwards = self.copies[i]
        if self.places[i] is None and len(read) >= seed:
            self.start(i, read)
        if self.places[i] is None:
            return [0] * 4
        place, score, run = self.places[i]
        letter = self.text[place] if 0 <= place < len(self.text) else "N"
        if letter == "N":
            self.places[i] = None
            return [0] * 4
        expected = "ACGT".index(reverse_complement_text(letter) if backwards else letter)
        bounds = [*range(1, 8), 8, 12, 16, 24, 32, 50, 100, 400]
        run_class = sum(run >= bound for bound in bounds)
        self.expected[i] = expected
        self.keys[i] = (i, score, run_class)
        outcome = self.outcome(self.keys[i])
        return [stepped_log(outcome[expected ^ x]) for x in range(4)]

    def start(self, i, read):
        seed, backwards = self.copies[i]
        word = read[-seed:]
        if backwards:
            word = reverse_complement_text(word)
        place = self.latest[self.parameters.seeds.index(seed)].get(word)
        if place is None:
            return
        if backwards:
            there = reverse_complement_text(self.text[place - seed : place - seed + 32])
            place -= seed + 1
        else:
            there = self.text[max(0, place - 32) : place]
        same = 0
        while same < min(len(there), len(read), 32) and there[-1 - same] == read[-1 - same]:
            same += 1
        self.places[i] = [place, min(TOP, max(same - WORTH_NOTHING, 1)), same]

    def quality(self):
        best = 0
        for i, key in self.keys.items():
            best = max(best, 1 + key[2] // 4 + 4 * (self.places[i][1] >= WORTH_NOTHING))
        return best

    def follow(self, base):
        for i, expected in self.expected.items():
            self.learn_outcome(self.keys[i], expected ^ base)
            place, score, run = self.places[i]
            score, run = (min(TOP, score + 1), run + 1) if expected == base else (score - MISS, 0)
            self.places[i] = None if score < 0 else [place + (-1 if self.copies[i][1] else 1), score, run]

    def remember(self, read, base):
        now = read + "ACGT"[base]
        strands = [now]
        if self.parameters.both_strands:
            strands.append(reverse_complement_text(now))
        for i, ((order, limit), rows) in enumerate(zip(self.orders, self.rows, strict=True)):
            if not self.counts and i < len(self.parameters.orders):
                continue
            for strand in strands if len(read) >= order else []:
                stretch = strand[len(read) - order :] if strand is now else strand[: order + 1]
                counts = rows[stretch[:-1]]
                follows = "ACGT".index(stretch[-1])
                if counts[follows] >= limit:
                    counts[:] = [count // 2 for count in counts]
                counts[follows] += 1
        if not self.counts:
            return
        self.seen += 1
        for seed, latest in zip(self.parameters.seeds, self.latest, strict=True):
            if len(read) >= seed:
                latest[read[-seed:]] = len(self.text)
        for pattern, cells in zip(self.parameters.patterns, self.cells, strict=True):
            for strand in strands if len(read) >= sum(pattern) else []:
                stretch = strand if strand is now else strand[: sum(pattern) + 1]
                counts = cells[self.cut(stretch[:-1], pattern)]
                follows = "ACGT".index(stretch[-1])
                if counts[follows] == 15:
                    counts[:] = [count // 2 for count in counts]
                counts[follows] += 1

    def learn_outcome(self, key, difference):
        outcome = self.outcomes[key]
        outcome[:] = [p * (1 - 0.004) for p in outcome]
        outcome[difference] += 0.004


def family(seed, *, unknown=True):
    """Sequences with diverged repeats on both strands, and with unknown bases."""
    rng = np.random.default_rng(seed)
    element = rng.integers(0, 4, 150).astype(np.uint8)
    out = []
    for length in (400, 13, 500):
        codes = rng.integers(0, 4, length).astype(np.uint8)
        for start in range(20, length - 160, 170):
            copy = np.where(rng.random(150) < 0.08, rng.integers(0, 4, 150), element).astype(np.uint8)
            codes[start : start + 150] = copy if rng.random() < 0.5 else 3 - copy[::-1]
        codes[-80:] = np.resize([0, 1, 0, 2], len(codes[-80:]))  # counts that run full
        if unknown:
            codes[rng.random(length) < 0.004] = 4
        out.append(codes)
    return out


EVERYTHING = MixingParameters(
    orders=((2, 4095), (5, 6), (8, 4095)),
    local=((1, 30), (6, 4095)),
    patterns=((12, 0, 0), (13, 0, 0), (0, 3, 12), (7, 1, 5)),
    seeds=(14, 9),
    table_bits=25,  # no two contexts share a cell
    nodes=5,
)


@pytest.mark.parametrize(
    "parameters",
    [
        EVERYTHING,
        replace(EVERYTHING, nodes=0),
        replace(EVERYTHING, both_strands=False),
        replace(EVERYTHING, patterns=(), seeds=()),
        replace(EVERYTHING, orders=(), local=(), seeds=()),
        replace(EVERYTHING, orders=(), local=(), patterns=()),
    ],
    ids=["everything", "without a hidden layer", "one strand", "rows", "cells", "copies"],
)
def test_equals_the_naive_model(parameters):
    model, naive = MixingModel(parameters), NaiveMixing(parameters)
    for codes in family(3):
        expected = naive.learn(decode(codes))
        known = codes < 4
        costs = model.learn(codes)
        np.testing.assert_allclose(costs[known], -np.log2(expected[known, codes[known]]), atol=2e-3)
        assert (costs[~known] == 0).all()


def test_scoring_equals_a_naive_model_that_does_not_count():
    model, naive = MixingModel(EVERYTHING), NaiveMixing(EVERYTHING)
    first, _, second = family(3)
    model.learn(first)
    naive.learn(decode(first))
    expected = naive.score(decode(second))
    np.testing.assert_allclose(model.probabilities(second), expected, atol=1e-3)


def test_the_naive_model_is_one_of_compression():
    """The family repeats itself: what both compute is not just two bits a base."""
    codes = np.concatenate(family(4, unknown=False))
    distributions = NaiveMixing(EVERYTHING).learn(decode(codes))
    np.testing.assert_allclose(distributions.sum(1), 1)
    assert -np.log2(distributions[np.arange(len(codes)), codes]).mean() < 1.7
