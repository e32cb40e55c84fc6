"""Copies and the suffix automaton, against what a search of the text finds."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.ncd.parsing import automaton, crowding, earlier_copies


def texts():
    rng = np.random.default_rng(3)
    for letters, length in (
        (b"A", 40),
        (b"AC", 200),
        (b"ACGT", 300),
        (b"ACGTN", 90),
        (b"ACDEFGHIKLMNPQRSTVWY", 250),
    ):
        yield rng.choice(np.frombuffer(letters, np.uint8), length)
    yield np.frombuffer(b"ACGTTGCAAC" * 40, np.uint8)  # copies of 258, the longest
    yield np.frombuffer(b"AC", np.uint8)


@pytest.mark.parametrize("first", [0, 1])
def test_copies_are_the_longest_and_of_these_the_nearest(first):
    for text in texts():
        letters = text.tobytes()
        lengths, distances = (np.empty(len(text), np.uint16) for _ in range(2))
        earlier_copies(text, first, lengths, distances)
        for i in range(len(text)):
            best, back = 0, 0
            for place in range(i - 1, first - 1, -1):
                length = 0
                while length < min(258, len(text) - i) and letters[place + length] == letters[i + length]:
                    length += 1
                if length >= 3 and length > best:
                    best, back = length, i - place
            assert (lengths[i], distances[i]) == (best, back)


def test_a_walk_through_the_automaton_finds_the_longest_string_and_its_last_place():
    rng = np.random.default_rng(4)
    for letters, length in ((2, 60), (4, 300), (4, 1), (20, 200)):
        text, query = (rng.integers(letters, size=length).astype(np.uint8) for _ in range(2))
        query[: length // 2] = text[: length // 2]
        states = automaton(text, letters)
        known, asked = text.tobytes(), query.tobytes()
        state = found = 0
        for j in range(len(query) - 1, -1, -1):
            letter = 2 * query[j]
            found = min(found, states[state, letter + 1]) + 1
            state = states[state, letter]
            longest = next(size for size in range(len(query) - j, -1, -1) if asked[j : j + size] in known)
            assert found == longest
            if longest:
                assert states[state, -1] == known.rfind(asked[j : j + longest])


def test_crowding_counts_the_most_frequent_triple():
    assert crowding(np.frombuffer(b"A" * 50, np.uint8)) == 48
    assert crowding(np.frombuffer(b"ACGT" * 25, np.uint8)) == 25
    assert crowding(np.frombuffer(b"AC", np.uint8)) == 0
